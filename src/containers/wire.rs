//! The answers of a Docker engine, as far as they are used. What is not known is passed over; what an older or newer
//! engine leaves out has a default. Names and meaning: "Docker Engine API" v1.41.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::model::Time;

/// `null` stands for nothing in many of these answers.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A number that is negative where it is not known.
fn positive(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Seconds since 1970.
pub fn seconds(s: i64) -> Time {
    Time(s.saturating_mul(1000))
}

/// RFC 3339, as the engine writes it; the year 1 stands for never.
pub fn stamp(text: &str) -> Option<Time> {
    let at = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    (at > 0).then_some(Time(at))
}

/// `GET /version`.
#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Version {
    pub version: String,
    pub api_version: String,
    pub os: String,
    pub kernel_version: String,
}

/// `GET /info`.
#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Info {
    pub name: String,
    pub driver: String,
    pub operating_system: String,
    pub architecture: String,
    #[serde(rename = "NCPU")]
    pub cpus: i64,
    pub mem_total: i64,
    pub containers: u32,
    pub containers_running: u32,
    pub images: u32,
    #[serde(deserialize_with = "nullable")]
    pub warnings: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub swarm: Swarm,
}

impl Info {
    pub fn memory(&self) -> u64 {
        positive(self.mem_total)
    }
}

#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Swarm {
    pub local_node_state: String,
}

/// One of `GET /containers/json`.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    pub id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub names: Vec<String>,
    #[serde(default)]
    pub image: String,
    #[serde(default, rename = "ImageID")]
    pub image_id: String,
    #[serde(default)]
    pub command: String,
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub status: String,
    #[serde(default, deserialize_with = "nullable")]
    pub ports: Vec<Port>,
    #[serde(default, deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    pub network_settings: Networks,
}

#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Networks {
    #[serde(deserialize_with = "nullable")]
    pub networks: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Deserialize, Debug)]
pub struct Port {
    #[serde(default, rename = "IP")]
    pub ip: String,
    #[serde(rename = "PrivatePort")]
    pub private: u16,
    #[serde(default, rename = "PublicPort")]
    pub public: Option<u16>,
    #[serde(default, rename = "Type")]
    pub kind: String,
}

impl Port {
    /// As `docker ps` writes it.
    pub fn words(&self) -> String {
        let ip = if self.ip.contains(':') { format!("[{}]", self.ip) } else { self.ip.clone() };
        match self.public {
            Some(public) => format!("{ip}:{public}->{}/{}", self.private, self.kind),
            None => format!("{}/{}", self.private, self.kind),
        }
    }
}

/// One of `GET /images/json`.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    pub id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub repo_digests: Vec<String>,
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub size: i64,
    /// -1: not counted.
    #[serde(default = "uncounted")]
    pub containers: i64,
    #[serde(default = "uncounted")]
    pub shared_size: i64,
    #[serde(default, deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
}

fn uncounted() -> i64 {
    -1
}

impl Image {
    pub fn bytes(&self) -> u64 {
        positive(self.size)
    }

    /// Bytes that no other image has.
    pub fn own(&self) -> u64 {
        positive(self.size - self.shared_size.max(0))
    }
}

/// One of `GET /networks`.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Network {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub driver: String,
    #[serde(default)]
    pub scope: String,
    #[serde(default)]
    pub internal: bool,
    #[serde(default)]
    pub created: String,
    #[serde(default, rename = "IPAM", deserialize_with = "nullable")]
    pub ipam: Ipam,
    #[serde(default, deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ipam {
    #[serde(deserialize_with = "nullable")]
    pub config: Vec<Subnet>,
}

#[derive(Deserialize, Debug)]
pub struct Subnet {
    #[serde(default, rename = "Subnet")]
    pub subnet: String,
}

/// `GET /volumes`.
#[derive(Deserialize, Debug)]
pub struct Volumes {
    #[serde(default, rename = "Volumes", deserialize_with = "nullable")]
    pub volumes: Vec<Volume>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    pub name: String,
    #[serde(default)]
    pub driver: String,
    #[serde(default)]
    pub mountpoint: String,
    #[serde(default)]
    pub created_at: String,
    #[serde(default, deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    pub usage_data: Usage,
}

#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Usage {
    pub size: i64,
    pub ref_count: i64,
}

/// `GET /system/df`.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Disk {
    #[serde(default)]
    pub layers_size: i64,
    #[serde(default, deserialize_with = "nullable")]
    pub images: Vec<Image>,
    #[serde(default, deserialize_with = "nullable")]
    pub containers: Vec<ContainerRoom>,
    #[serde(default, deserialize_with = "nullable")]
    pub volumes: Vec<Volume>,
    #[serde(default, deserialize_with = "nullable")]
    pub build_cache: Vec<CacheRecord>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerRoom {
    #[serde(default)]
    pub size_rw: i64,
    #[serde(default)]
    pub state: String,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct CacheRecord {
    #[serde(default)]
    pub size: i64,
    #[serde(default)]
    pub in_use: bool,
    /// Its bytes are those of an image too.
    #[serde(default)]
    pub shared: bool,
}

impl Disk {
    /// What it says, counted as `docker system df` counts.
    pub fn sums(&self) -> crate::model::DiskUse {
        use crate::model::{DiskUse, Room};
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let layers = positive(self.layers_size);
        let used: u64 = self.images.iter().filter(|image| image.containers > 0).map(Image::own).sum();
        let going = |state: &str| matches!(state, "running" | "paused" | "restarting");
        let sum = |rooms: &mut dyn Iterator<Item = i64>| rooms.map(positive).sum::<u64>();
        let apart = || self.build_cache.iter().filter(|record| !record.shared);
        DiskUse {
            images: Room { count: count(self.images.len()), bytes: layers, unused: layers.saturating_sub(used) },
            containers: Room {
                count: count(self.containers.len()),
                bytes: sum(&mut self.containers.iter().map(|c| c.size_rw)),
                unused: sum(&mut self.containers.iter().filter(|c| !going(&c.state)).map(|c| c.size_rw)),
            },
            volumes: Room {
                count: count(self.volumes.len()),
                bytes: sum(&mut self.volumes.iter().map(|v| v.usage_data.size)),
                unused: sum(&mut self.volumes.iter().filter(|v| v.usage_data.ref_count == 0).map(|v| v.usage_data.size)),
            },
            cache: Room {
                count: count(self.build_cache.len()),
                bytes: sum(&mut apart().map(|record| record.size)),
                unused: sum(&mut apart().filter(|record| !record.in_use).map(|record| record.size)),
            },
        }
    }
}

/// One line of `GET /events`.
#[derive(Deserialize, Debug)]
pub struct Event {
    #[serde(default, rename = "Type")]
    pub kind: String,
    #[serde(default, rename = "Action")]
    pub action: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_read_as_docker_writes_them() {
        let port = |json: &str| serde_json::from_str::<Port>(json).unwrap().words();
        assert_eq!(port(r#"{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}"#), "0.0.0.0:8080->80/tcp");
        assert_eq!(port(r#"{"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}"#), "[::]:8080->80/tcp");
        assert_eq!(port(r#"{"PrivatePort":53,"Type":"udp"}"#), "53/udp");
    }

    #[test]
    fn what_is_null_or_missing_is_nothing() {
        let container: Container =
            serde_json::from_str(r#"{"Id":"a","Ports":null,"Labels":null,"NetworkSettings":null}"#).unwrap();
        assert!(container.ports.is_empty() && container.labels.is_empty() && container.network_settings.networks.is_empty());
        let disk: Disk = serde_json::from_str(r#"{"Images":null,"New":1}"#).unwrap();
        assert_eq!(disk.sums(), crate::model::DiskUse::default());
        assert_eq!(stamp("0001-01-01T00:00:00Z"), None);
        assert_eq!(stamp("2026-11-20T18:33:44.123456789+01:00"), Some(Time(1_795_196_024_123)));
    }

    #[test]
    fn room_is_counted_as_docker_counts() {
        let text = r#"{"LayersSize":100,
            "Images":[{"Id":"a","Size":60,"SharedSize":10,"Containers":1},{"Id":"b","Size":50,"SharedSize":10,"Containers":0}],
            "Containers":[{"SizeRw":5,"State":"running"},{"SizeRw":7,"State":"exited"}],
            "Volumes":[{"Name":"v","UsageData":{"Size":9,"RefCount":0}},{"Name":"w","UsageData":{"Size":-1,"RefCount":-1}}],
            "BuildCache":[{"Size":3,"InUse":false,"Shared":false},{"Size":4,"InUse":true,"Shared":false},{"Size":8,"Shared":true}]}"#;
        let disk = serde_json::from_str::<Disk>(text).unwrap().sums();
        assert_eq!((disk.images.bytes, disk.images.unused), (100, 50));
        assert_eq!((disk.containers.bytes, disk.containers.unused), (12, 7));
        assert_eq!((disk.volumes.bytes, disk.volumes.unused), (9, 9));
        assert_eq!((disk.cache.count, disk.cache.bytes, disk.cache.unused), (3, 7, 3));
    }
}
