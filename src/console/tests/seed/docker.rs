//! Docker engines, and what they hold.

use super::*;
use crate::protocol::live::DockerRow;

/// Two Docker engines: one answers, one does not.
pub fn dockers() -> Live {
    let info = |name: &str, host: &str, default| DockerInfo {
        name: DockerName::new(name),
        address: DockerAddress { host: host.into(), tls: host.starts_with("tcp").then(DockerTls::default) },
        source: if default { "default".into() } else { "/home/ana/.config/quarterdeck/settings.toml:12".into() },
        default,
    };
    let room = |count, bytes, unused| Room { count, bytes, unused };
    let disk = DiskUse {
        images: room(7, 3 << 30, 1 << 30),
        containers: room(4, 12 << 20, 4 << 20),
        volumes: room(2, 600 << 20, 0),
        cache: room(31, 900 << 20, 850 << 20),
    };
    let facts = DockerFacts {
        host: "bastion".into(),
        version: "28.2.2".into(),
        api: "1.50".into(),
        system: "Debian GNU/Linux 12 (bookworm)".into(),
        kernel: "6.18.44".into(),
        platform: "linux/x86_64".into(),
        storage: "overlay2".into(),
        buildkit: true,
        swarm: "inactive".into(),
        cpus: 8,
        memory: 32 << 30,
        containers: 4,
        running: 2,
        images: 7,
        warnings: vec!["WARNING: No swap limit support".into()],
        disk: Some(disk),
    };
    let failure = Failure::transient("greet the Docker engine", "Connection refused (os error 111)")
        .at("tcp://10.0.0.5:2376")
        .next("check the address, the network and, where one is needed, the proxy");
    let row = |info, health, facts| DockerRow { info, health, facts };
    Live::Dockers {
        rows: vec![
            row(info("default", "unix:///var/run/docker.sock", true), Freshness::Fresh { at: ago(5) }, Some(facts)),
            row(info("builder", "tcp://10.0.0.5:2376", false), Freshness::Failed { failure }, None),
        ],
    }
}

pub fn lists() -> Vec<FromEngine> {
    let docker = || DockerName::new("default");
    let container = |n: u8, name: &str, state: &str, says: &str, ports: &[&str]| Container {
        docker: docker(),
        id: format!("{n:02x}").repeat(32),
        name: name.into(),
        image: "shop/web:1.4".into(),
        image_id: format!("sha256:{}", "4f".repeat(32)),
        state: ContainerState::of(state),
        unhealthy: says.ends_with("(unhealthy)"),
        says: says.into(),
        command: "/bin/web --port 80".into(),
        created: ago(i64::from(n) * 4000),
        ports: ports.iter().map(|p| (*p).to_owned()).collect(),
        networks: vec!["shop_default".into()],
        service: (n < 4).then(|| "shop".into()),
        labels: BTreeMap::from([("com.docker.compose.project".to_owned(), "shop".to_owned())]),
    };
    let image = |n: u8, tags: &[&str], size| LocalImage {
        docker: docker(),
        id: format!("sha256:{}", format!("{n:02x}").repeat(32)),
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        digests: vec![],
        size,
        created: ago(i64::from(n) * 90_000),
        containers: Some(u32::from(n % 3)),
        labels: BTreeMap::new(),
    };
    let network = |n: u8, name: &str, internal| DockerNetwork {
        docker: docker(),
        id: format!("{n:02x}").repeat(32),
        name: name.into(),
        driver: "bridge".into(),
        scope: "local".into(),
        subnets: vec![format!("172.{n}.0.0/16")],
        internal,
        created: Some(ago(90_000)),
        labels: BTreeMap::new(),
    };
    let volume = |name: &str| DockerVolume {
        docker: docker(),
        name: name.into(),
        driver: "local".into(),
        place: format!("/var/lib/docker/volumes/{name}/_data"),
        created: Some(ago(90_000)),
        labels: BTreeMap::new(),
    };
    let containers = vec![
        container(1, "shop-web-1", "running", "Up 2 hours", &["0.0.0.0:8080->80/tcp"]),
        container(2, "shop-db-1", "running", "Up 2 hours (unhealthy)", &["5432/tcp"]),
        container(3, "shop-migrate-1", "exited", "Exited (1) 2 hours ago", &[]),
        container(4, "old\u{1b}[2Jtool", "exited", "Exited (0) 3 days ago", &[]),
    ];
    let images = vec![image(1, &["shop/web:1.4", "shop/web:latest"], 179 << 20), image(2, &[], 42 << 20)];
    let rows = [
        (DockerList::Containers, DockerRows::Containers(containers)),
        (DockerList::Images, DockerRows::Images(images)),
        (DockerList::Networks, DockerRows::Networks(vec![network(17, "bridge", false), network(18, "shop_default", true)])),
        (DockerList::Volumes, DockerRows::Volumes(vec![volume("shop_db"), volume("cache")])),
    ];
    let freshness = Freshness::Fresh { at: ago(5) };
    let list = |(kind, rows)| live(Live::Docker { docker: docker(), kind, freshness: freshness.clone(), rows: Some(rows) });
    rows.map(list).into()
}
