//! Live state: lists, growth of output, presence. Coalesced, never recorded; a client subscribes by topic.

use serde::{Deserialize, Serialize};

use crate::model::{
    CloudInfo, CloudName, Failure, Flavor, FloatingIp, Image, KeyPair, Network, PlayEvent, Quota, Rules, RunNo, Server, Time,
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
}

/// What a client can ask to be told of.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "topic", rename_all = "snake_case")]
pub enum Topic {
    /// The configured clouds and their health.
    Clouds,
    /// One list of one cloud; refreshed while somebody is subscribed.
    List { cloud: CloudName, list: ListKind },
    /// Steps, playbook events and growth of output of one run.
    Run { run: RunNo },
    /// Who is connected.
    Presence,
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
    /// The guards and commands of the settings; comes with the clouds.
    Rules {
        rules: Rules,
    },
}
