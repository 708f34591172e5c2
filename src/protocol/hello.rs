//! The first lines of a connection.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{CloudName, ClusterId};

/// What a client is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    Console,
    Cli,
    Test,
}

/// What a session may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May act.
    Operator,
    /// May only look.
    Watcher,
}

/// What the engine is told of the client's surroundings.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ClientContext {
    /// The person's name: `QUARTERDECK_OPERATOR`, else the account.
    pub operator: String,
    /// Working directory.
    pub cwd: String,
    /// `SSH_AUTH_SOCK`, when there is an agent.
    pub agent: Option<String>,
    /// `SSH_CONNECTION`, when the client itself came over SSH.
    pub ssh_connection: Option<String>,
    /// Allowed environment variables (`ANSIBLE_*` that hold no secret, `LANG`, `TERM`).
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub pid: u32,
}

/// The client's first line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// [`super::VERSION`] of the client.
    pub protocol: u32,
    /// Version of the program.
    pub program: String,
    pub kind: ClientKind,
    pub role: Role,
    pub context: ClientContext,
    /// The client wants recorded events: first what it misses, or the whole state.
    #[serde(default)]
    pub follow: bool,
    /// The last recorded event this client has, of the home named beside.
    #[serde(default)]
    pub since: Option<u64>,
    /// The home that `since` is of.
    #[serde(default)]
    pub home: Option<String>,
    /// Present: this connection is a stream of bytes.
    #[serde(default)]
    pub stream: Option<StreamRequest>,
}

/// What a stream connection is for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "stream", rename_all = "snake_case")]
pub enum StreamRequest {
    /// A shell (or one command) on a node, with a terminal when `pty` says its size and type.
    Shell { cluster: ClusterId, node: String, command: Option<String>, pty: Option<PtySize> },
    /// A command on many nodes at once; answers are `frame::Frame::Node`.
    FanOut { cluster: ClusterId, nodes: Vec<String>, command: String, at_once: u32 },
    /// A shell (or one command) on a server, by id or name, whether it belongs to a cluster or not.
    ServerShell {
        cloud: CloudName,
        server: String,
        #[serde(default)]
        command: Option<String>,
        pty: Option<PtySize>,
    },
}

/// Size and kind of a terminal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PtySize {
    pub term: String,
    pub cols: u16,
    pub rows: u16,
}

/// The engine's first line when all is well.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Welcome {
    pub protocol: u32,
    pub program: String,
    /// Changes with every start of the engine: live revisions of another instance mean nothing.
    pub instance: String,
    /// The home whose recorded events these are: a `seq` of another home means nothing.
    #[serde(default)]
    pub home: String,
    pub pid: u32,
    pub role: Role,
    /// Number of this session, by which `live::Present` names it; 0 from an engine that does not tell.
    #[serde(default)]
    pub session: u64,
    /// The newest recorded event.
    pub seq: u64,
}

/// Why a connection ends, and how to come back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bye {
    pub reason: String,
    /// What to do: a command, for people.
    pub next: String,
    /// The client may come back by itself.
    #[serde(default)]
    pub again: bool,
}
