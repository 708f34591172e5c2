//! One Docker engine: who it is, and what it holds.

use crate::base::Cx;
use crate::base::docker::Docker;
use crate::base::http::{Lines, Method};
use crate::model::{
    Container, ContainerState, DiskUse, DockerAddress, DockerFacts, DockerList, DockerName, DockerNetwork, DockerVolume, Failure,
    LocalImage,
};

use super::wire;

/// Labels that say what a container belongs to: of compose, of swarm.
const SERVICE_LABELS: [&str; 3] = ["com.docker.compose.project", "com.docker.stack.namespace", "com.docker.swarm.service.name"];

/// See the module. Every call may be made at the same time as others.
pub struct DockerEngine {
    name: DockerName,
    docker: Docker,
}

impl DockerEngine {
    /// The Docker engine at an address; nothing is connected yet.
    ///
    /// # Errors
    /// The address makes no sense, or a file of its TLS settings cannot be used.
    pub fn open(name: DockerName, address: &DockerAddress) -> Result<Self, Failure> {
        Ok(Self { name, docker: Docker::open(address)? })
    }

    /// What it says of itself, without its disk.
    ///
    /// # Errors
    /// It does not answer, or not in a way that makes sense.
    pub async fn facts(&self, cx: &Cx) -> Result<DockerFacts, Failure> {
        let tried = "ask the Docker engine who it is";
        let agreed = self.docker.agreed(cx).await?;
        let version = self.docker.get::<wire::Version>(cx, "version", &[], tried);
        let info = self.docker.get::<wire::Info>(cx, "info", &[], tried);
        let (version, info) = futures::future::try_join(version, info).await?;
        Ok(DockerFacts {
            memory: info.memory(),
            host: info.name,
            version: version.version,
            api: version.api_version,
            system: info.operating_system,
            kernel: version.kernel_version,
            platform: format!("{}/{}", version.os, info.architecture),
            storage: info.driver,
            buildkit: agreed.buildkit,
            swarm: info.swarm.local_node_state,
            cpus: u32::try_from(info.cpus).unwrap_or(0),
            containers: info.containers,
            running: info.containers_running,
            images: info.images,
            warnings: info.warnings,
            disk: None,
        })
    }

    /// What takes room on its disk. It counts all files: on a large one that takes seconds.
    ///
    /// # Errors
    /// As [`DockerEngine::facts`].
    pub async fn disk(&self, cx: &Cx) -> Result<DiskUse, Failure> {
        Ok(self.docker.get::<wire::Disk>(cx, "system/df", &[], "count what takes room").await?.sums())
    }

    /// All containers, those that do not run included.
    ///
    /// # Errors
    /// As [`DockerEngine::facts`].
    pub async fn containers(&self, cx: &Cx) -> Result<Vec<Container>, Failure> {
        let query = [("all", "1")];
        let rows: Vec<wire::Container> = self.docker.get(cx, "containers/json", &query, "list containers").await?;
        Ok(rows.into_iter().map(|row| self.container(row)).collect())
    }

    fn container(&self, row: wire::Container) -> Container {
        let mut ports: Vec<String> = row.ports.iter().map(wire::Port::words).collect();
        ports.sort();
        ports.dedup();
        Container {
            docker: self.name.clone(),
            // A container that is linked to has more names, with other containers' before them.
            name: row
                .names
                .iter()
                .map(|name| name.trim_start_matches('/'))
                .find(|name| !name.contains('/'))
                .unwrap_or_default()
                .into(),
            id: row.id,
            image: row.image,
            image_id: row.image_id,
            state: ContainerState::of(&row.state),
            unhealthy: row.status.ends_with("(unhealthy)"),
            says: row.status,
            command: row.command,
            created: wire::seconds(row.created),
            ports,
            networks: row.network_settings.networks.into_keys().collect(),
            service: SERVICE_LABELS.iter().find_map(|label| row.labels.get(*label)).cloned(),
            labels: row.labels,
        }
    }

    /// The images on its disk, but for those that only stand between others.
    ///
    /// # Errors
    /// As [`DockerEngine::facts`].
    pub async fn images(&self, cx: &Cx) -> Result<Vec<LocalImage>, Failure> {
        let rows: Vec<wire::Image> = self.docker.get(cx, "images/json", &[], "list local images").await?;
        let named = |names: Vec<String>| names.into_iter().filter(|name| !name.starts_with("<none>")).collect();
        let image = |row: wire::Image| LocalImage {
            docker: self.name.clone(),
            size: row.bytes(),
            id: row.id,
            tags: named(row.repo_tags),
            digests: named(row.repo_digests),
            created: wire::seconds(row.created),
            containers: u32::try_from(row.containers).ok(),
            labels: row.labels,
        };
        Ok(rows.into_iter().map(image).collect())
    }

    /// Its networks.
    ///
    /// # Errors
    /// As [`DockerEngine::facts`].
    pub async fn networks(&self, cx: &Cx) -> Result<Vec<DockerNetwork>, Failure> {
        let rows: Vec<wire::Network> = self.docker.get(cx, "networks", &[], "list Docker networks").await?;
        let network = |row: wire::Network| DockerNetwork {
            docker: self.name.clone(),
            id: row.id,
            name: row.name,
            driver: row.driver,
            scope: row.scope,
            subnets: row.ipam.config.into_iter().map(|c| c.subnet).filter(|subnet| !subnet.is_empty()).collect(),
            internal: row.internal,
            created: wire::stamp(&row.created),
            labels: row.labels,
        };
        Ok(rows.into_iter().map(network).collect())
    }

    /// Its volumes.
    ///
    /// # Errors
    /// As [`DockerEngine::facts`].
    pub async fn volumes(&self, cx: &Cx) -> Result<Vec<DockerVolume>, Failure> {
        let rows: wire::Volumes = self.docker.get(cx, "volumes", &[], "list volumes").await?;
        let volume = |row: wire::Volume| DockerVolume {
            docker: self.name.clone(),
            name: row.name,
            driver: row.driver,
            place: row.mountpoint,
            created: wire::stamp(&row.created_at),
            labels: row.labels,
        };
        Ok(rows.volumes.into_iter().map(volume).collect())
    }

    /// What happens there from now on.
    ///
    /// # Errors
    /// As [`DockerEngine::facts`].
    pub async fn events(&self, cx: &Cx) -> Result<Events, Failure> {
        let request = self.docker.request(cx, Method::GET, "events", &[], "listen to the Docker engine").await?;
        Ok(Events(self.docker.lines(cx, &request).await?))
    }
}

/// What happens at a Docker engine, as it happens.
pub struct Events(Lines);

impl Events {
    /// The lists that the next event changes; none when the engine ends the line.
    ///
    /// # Errors
    /// The connection is cut.
    pub async fn next(&mut self) -> Result<Option<&'static [DockerList]>, Failure> {
        while let Some(line) = self.0.next().await? {
            let Ok(event) = serde_json::from_slice::<wire::Event>(&line) else { continue };
            let changed = changed(&event.kind, &event.action);
            if !changed.is_empty() {
                return Ok(Some(changed));
            }
        }
        Ok(None)
    }
}

/// What an event changes. What only looks at a container (`exec_…`, `top`, health checks that went well) changes nothing.
fn changed(kind: &str, action: &str) -> &'static [DockerList] {
    match (kind, action) {
        ("container", a) if a.starts_with("exec_") || matches!(a, "top" | "attach" | "resize" | "export" | "copy") => &[],
        ("container", "create" | "destroy") => &[DockerList::Containers, DockerList::Images],
        ("container", _) => &[DockerList::Containers],
        ("image" | "builder", _) => &[DockerList::Images],
        ("network", "connect" | "disconnect") => &[DockerList::Containers],
        ("network", _) => &[DockerList::Networks],
        ("volume", "create" | "destroy" | "prune") => &[DockerList::Volumes],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> DockerEngine {
        let address = DockerAddress { host: "unix:///run/docker.sock".into(), tls: None };
        DockerEngine::open(DockerName::new("here"), &address).unwrap()
    }

    #[test]
    fn a_container_has_its_own_name_and_its_service() {
        let row = r#"{"Id":"c1","Names":["/web/db","/db-1"],"State":"running","Status":"Up 2 hours (unhealthy)","Created":7,
            "Ports":[{"PrivatePort":80,"Type":"tcp"},{"PrivatePort":80,"Type":"tcp"}],
            "Labels":{"com.docker.compose.project":"shop"},"NetworkSettings":{"Networks":{"shop_default":{}}}}"#;
        let container = engine().container(serde_json::from_str(row).unwrap());
        assert_eq!((container.name.as_str(), container.state, container.unhealthy), ("db-1", ContainerState::Running, true));
        assert_eq!((container.service.as_deref(), container.created.0), (Some("shop"), 7000));
        assert_eq!((container.ports, container.networks), (vec!["80/tcp".to_owned()], vec!["shop_default".to_owned()]));
    }

    #[test]
    fn what_only_looks_changes_nothing() {
        assert!(changed("container", "exec_create: ls").is_empty() && changed("volume", "mount").is_empty());
        assert_eq!(changed("container", "die"), [DockerList::Containers]);
        assert_eq!(changed("image", "tag"), [DockerList::Images]);
    }
}
