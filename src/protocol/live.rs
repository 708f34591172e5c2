//! Live state: lists, growth of output, presence. Coalesced, never recorded; a client subscribes by topic.

use serde::{Deserialize, Serialize};

use crate::model::capability::names;
use crate::model::{
    CloudInfo, CloudName, Container, DockerFacts, DockerInfo, DockerList, DockerName, DockerNetwork, DockerVolume, Failure,
    Flavor, FloatingIp, Forward, Image, KeyPair, LocalImage, Network, PlayEvent, Port, Quota, Router, Rules, RunNo,
    SecurityGroup, Server, ServerGroup, Subnet, Time, Volume, Zone,
};

use super::hello::{ClientKind, Role};
use super::view::View;

/// Kinds of lists that a cloud has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    Flavors,
    Images,
    Networks,
    KeyPairs,
    Servers,
    FloatingIps,
    Quota,
    Subnets,
    Ports,
    Routers,
    SecurityGroups,
    Volumes,
    ServerGroups,
    Zones,
}

impl ListKind {
    /// Every kind.
    pub const ALL: [ListKind; 14] = [
        Self::Flavors,
        Self::Images,
        Self::Networks,
        Self::KeyPairs,
        Self::Servers,
        Self::FloatingIps,
        Self::Quota,
        Self::Subnets,
        Self::Ports,
        Self::Routers,
        Self::SecurityGroups,
        Self::Volumes,
        Self::ServerGroups,
        Self::Zones,
    ];

    /// What it is called: `floating IPs`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flavors => "flavors",
            Self::Images => "images",
            Self::Networks => "networks",
            Self::KeyPairs => "key pairs",
            Self::Servers => "servers",
            Self::FloatingIps => "floating IPs",
            Self::Quota => "quota",
            Self::Subnets => "subnets",
            Self::Ports => "ports",
            Self::Routers => "routers",
            Self::SecurityGroups => "security groups",
            Self::Volumes => "volumes",
            Self::ServerGroups => "server groups",
            Self::Zones => "availability zones",
        }
    }

    /// What a driver must be capable of to have it; `None`: every driver has it.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            // Servers of every driver are on a network, though it may be one that cannot be changed.
            Self::Flavors | Self::Images | Self::Servers | Self::Networks => None,
            Self::KeyPairs => Some(names::KEY_PAIRS),
            Self::FloatingIps => Some(names::FLOATING_IPS),
            Self::Quota => Some(names::QUOTA),
            Self::Subnets | Self::Ports | Self::Routers => Some(names::NETWORKS),
            Self::SecurityGroups => Some(names::SECURITY_GROUPS),
            Self::Volumes => Some(names::VOLUMES),
            Self::ServerGroups => Some(names::SERVER_GROUPS),
            Self::Zones => Some(names::ZONES),
        }
    }
}

/// What a client can ask to be told of.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "topic", rename_all = "snake_case")]
pub enum Topic {
    /// The configured clouds and their health.
    Clouds,
    /// One list of one cloud; refreshed while somebody is subscribed.
    List { cloud: CloudName, list: ListKind },
    /// The Docker engines and their health.
    Dockers,
    /// One list of one Docker engine; refreshed while somebody is subscribed.
    Docker { docker: DockerName, list: DockerList },
    /// Steps, playbook events and growth of output of one run.
    Run { run: RunNo },
    /// Who is connected.
    Presence,
    /// Port forwards.
    Forwards,
}

/// The rows of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "list", content = "rows", rename_all = "snake_case")]
pub enum Rows {
    Flavors(Vec<Flavor>),
    Images(Vec<Image>),
    Networks(Vec<Network>),
    KeyPairs(Vec<KeyPair>),
    Servers(Vec<Server>),
    FloatingIps(Vec<FloatingIp>),
    Quota(Quota),
    Subnets(Vec<Subnet>),
    Ports(Vec<Port>),
    Routers(Vec<Router>),
    SecurityGroups(Vec<SecurityGroup>),
    Volumes(Vec<Volume>),
    ServerGroups(Vec<ServerGroup>),
    Zones(Vec<Zone>),
}

/// The rows of a list of a Docker engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "list", content = "rows", rename_all = "snake_case")]
pub enum DockerRows {
    Containers(Vec<Container>),
    Images(Vec<LocalImage>),
    Networks(Vec<DockerNetwork>),
    Volumes(Vec<DockerVolume>),
}

/// How good a list is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Freshness {
    /// Never read so far; being read.
    Loading,
    /// True at this time.
    Fresh { at: Time },
    /// True at this time, kept from before; the last try failed or is still under way.
    Stale { at: Time, failure: Option<Failure> },
    /// Never read: this is why.
    Failed { failure: Failure },
}

/// A connected client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Present {
    pub operator: String,
    pub kind: ClientKind,
    pub role: Role,
    pub since: Time,
    /// Number of its session, unique in this engine's instance.
    #[serde(default)]
    pub session: u64,
    /// What it looks at, when it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// It refuses to act until it is told otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The address it came from over SSH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A configured cloud and whether it answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CloudRow {
    pub info: CloudInfo,
    pub health: Freshness,
    /// Who we are there, once known.
    pub user: Option<String>,
    /// Servers that exist there, once counted.
    pub servers: Option<u32>,
    /// How long its last calls took, milliseconds, the newest last; measured by the engine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<u32>,
}

/// A Docker engine and whether it answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DockerRow {
    pub info: DockerInfo,
    pub health: Freshness,
    /// What it says of itself, once it has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<DockerFacts>,
}

/// One change of live state. Each replaces what the same topic said before, but for `Plays`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "live", rename_all = "snake_case")]
pub enum Live {
    Clouds {
        rows: Vec<CloudRow>,
    },
    /// `rows` is missing when they are as they were before.
    List {
        cloud: CloudName,
        kind: ListKind,
        freshness: Freshness,
        rows: Option<Rows>,
    },
    Dockers {
        rows: Vec<DockerRow>,
    },
    /// `rows` is missing when they are as they were before.
    Docker {
        docker: DockerName,
        kind: DockerList,
        freshness: Freshness,
        rows: Option<DockerRows>,
    },
    /// Playbook events `first`… of a step's attempt. A gap: ask for `Command::PlayPage`.
    Plays {
        run: RunNo,
        step: u32,
        attempt: u32,
        first: u64,
        events: Vec<PlayEvent>,
    },
    /// The output of a step's attempt has this many whole lines now.
    Output {
        run: RunNo,
        step: u32,
        attempt: u32,
        lines: u64,
        bytes: u64,
    },
    Presence {
        clients: Vec<Present>,
    },
    /// All port forwards that are open, in order of their numbers.
    Forwards {
        rows: Vec<Forward>,
    },
    /// The guards and commands of the settings; comes with the clouds.
    Rules {
        rules: Rules,
    },
}
