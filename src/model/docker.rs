//! Docker engines and what they hold: containers, local images, networks, volumes.
//!
//! A *Docker engine* is a daemon that runs and builds containers. It is never called "engine" alone: that is our own
//! process. A *local image* is what such a daemon keeps on its disk; an `Image` is something that servers of a cloud
//! boot from.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// Name of a Docker engine, unique in its home: that of Docker's context, or of the settings.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DockerName(pub String);

impl DockerName {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DockerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a Docker engine is reached at; the files are only named here, never read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DockerAddress {
    /// In Docker's words: `unix:///var/run/docker.sock`, `tcp://10.0.0.5:2376`.
    pub host: String,
    /// TLS is spoken; an address without is plain TCP, or a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<DockerTls>,
}

/// Who is trusted at a Docker engine, and who we are there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DockerTls {
    /// PEM file of further authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// PEM file of our certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// PEM file of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The certificate of the other side is not checked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

/// A Docker engine as people see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DockerInfo {
    pub name: DockerName,
    pub address: DockerAddress,
    /// The file (with line, when known) or variable that it comes from.
    pub source: String,
    /// Commands that name none go here.
    pub default: bool,
}

/// What a Docker engine says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DockerFacts {
    /// Name of the computer that it runs on.
    pub host: String,
    pub version: String,
    /// Version of its interface: `1.41`.
    pub api: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub system: String,
    pub kernel: String,
    /// `linux/x86_64`.
    pub platform: String,
    /// How it keeps layers: `overlay2`.
    pub storage: String,
    /// It has BuildKit; else only the classic builder.
    pub buildkit: bool,
    /// State in a swarm: `inactive`, `active` …
    pub swarm: String,
    pub cpus: u32,
    /// Memory, bytes.
    pub memory: u64,
    pub containers: u32,
    pub running: u32,
    pub images: u32,
    /// What it warns of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Its disk, once it has been asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskUse>,
}

/// What takes room on a Docker engine's disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DiskUse {
    pub images: Room,
    pub containers: Room,
    pub volumes: Room,
    /// Of builds.
    pub cache: Room,
}

impl DiskUse {
    /// All of it, bytes.
    pub fn total(&self) -> u64 {
        [self.images, self.containers, self.volumes, self.cache].iter().map(|room| room.bytes).sum()
    }

    /// What nothing uses, bytes.
    pub fn unused(&self) -> u64 {
        [self.images, self.containers, self.volumes, self.cache].iter().map(|room| room.unused).sum()
    }
}

/// Things of one kind, and the room that they take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Room {
    pub count: u32,
    pub bytes: u64,
    /// Of those bytes: what nothing uses.
    pub unused: u64,
}

/// The lists of a Docker engine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DockerList {
    Containers,
    Images,
    Networks,
    Volumes,
}

impl DockerList {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Containers, Self::Images, Self::Networks, Self::Volumes];

    /// For people: `local images`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Images => "local images",
            Self::Networks => "Docker networks",
            Self::Volumes => "Docker volumes",
        }
    }
}

/// State of a container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    /// One that this version does not know.
    Other(String),
}

impl ContainerState {
    /// The state of this word of Docker's.
    pub fn of(word: &str) -> Self {
        match word {
            "created" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" => Self::Exited,
            "dead" => Self::Dead,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Other(word) => word,
        })
    }
}

/// A container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Container {
    pub docker: DockerName,
    pub id: String,
    pub name: String,
    /// As it was named when the container was made.
    pub image: String,
    pub image_id: String,
    pub state: ContainerState,
    /// In Docker's words: `Up 2 hours (unhealthy)`, `Exited (1) 3 days ago`.
    pub says: String,
    /// Its health check fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unhealthy: bool,
    pub command: String,
    pub created: Time,
    /// `0.0.0.0:8080->80/tcp`, `80/tcp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// The compose project or swarm service that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// An image on the disk of a Docker engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalImage {
    pub docker: DockerName,
    /// `sha256:…`.
    pub id: String,
    /// `name:tag`; none: nothing names it any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// `name@sha256:…`, as registries know it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
    /// Bytes, layers that it shares with others included.
    pub size: u64,
    pub created: Time,
    /// Containers made of it, where the engine counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl LocalImage {
    /// The 12 characters by which Docker calls it.
    pub fn short_id(&self) -> &str {
        short_id(&self.id)
    }
}

/// The 12 characters by which Docker calls a thing.
pub fn short_id(id: &str) -> &str {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    hex.char_indices().nth(12).map_or(hex, |(end, _)| &hex[..end])
}

/// A network of a Docker engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DockerNetwork {
    pub docker: DockerName,
    pub id: String,
    pub name: String,
    /// `bridge`, `overlay` …
    pub driver: String,
    /// `local`, `swarm`, `global`.
    pub scope: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// It leads nowhere outside.
    pub internal: bool,
    pub created: Option<Time>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A volume of a Docker engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DockerVolume {
    pub docker: DockerName,
    pub name: String,
    pub driver: String,
    /// Where the engine keeps it, on its own computer.
    pub place: String,
    pub created: Option<Time>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shortened_as_docker_does() {
        assert_eq!(short_id("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short_id("0123"), "0123");
        assert_eq!(short_id("ääääääääääääää"), "ääääääääääää");
    }

    #[test]
    fn room_adds_up() {
        let room = |bytes, unused| Room { count: 1, bytes, unused };
        let disk = DiskUse { images: room(10, 4), containers: room(5, 0), volumes: room(3, 3), cache: room(2, 2) };
        assert_eq!((disk.total(), disk.unused()), (20, 9));
    }
}
