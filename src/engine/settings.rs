//! What the engine is told when it starts; it reads no configuration of its own.

use std::path::PathBuf;

use crate::model::{ClusterId, Token};

/// Where the engine keeps things.
#[derive(Clone, Debug)]
pub struct Dirs {
    /// For messages: the home as a person would name it.
    pub home: PathBuf,
    /// The store, and the output of runs.
    pub data: PathBuf,
    /// Keys, known hosts and credentials, one directory a cluster.
    pub clusters: PathBuf,
    /// Keys and known hosts of servers that belong to no cluster, one directory each.
    pub servers: PathBuf,
    /// Frozen files of plans that nobody has said yes to so far.
    pub plans: PathBuf,
    /// Blueprints, laid out so that their playbooks can be run.
    pub blueprints: PathBuf,
    /// The managed virtualenv.
    pub ansible: PathBuf,
    /// Tokens of clouds whose settings want them kept, one file each.
    pub tokens: PathBuf,
    /// Disks of sandbox servers, one directory a cloud.
    pub sandbox: PathBuf,
}

impl Dirs {
    /// Directory of one cluster.
    pub fn cluster(&self, cluster: ClusterId) -> PathBuf {
        self.clusters.join(cluster.to_string())
    }

    /// The cluster's own private key.
    pub fn key(&self, cluster: ClusterId) -> PathBuf {
        self.cluster(cluster).join("id_ed25519")
    }

    /// Directory of a server that belongs to no cluster, by the token it was created with.
    pub fn server(&self, token: &Token) -> PathBuf {
        self.servers.join(&token.0)
    }

    /// The cluster's known hosts.
    pub fn known_hosts(&self, cluster: ClusterId) -> PathBuf {
        self.cluster(cluster).join("known_hosts")
    }
}

/// Everything the engine is told.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    pub dirs: Dirs,
    /// The binary that runs as job holder and sandbox server.
    pub program: PathBuf,
    /// Version of the program.
    pub version: String,
    /// Use the Ansible on the PATH even where a managed one is there.
    pub ansible_use_path: bool,
    /// The Python that makes the managed virtualenv.
    pub ansible_python: Option<PathBuf>,
    /// Runs that are kept, at most; pinned ones and those under way are kept over any limit.
    pub keep_runs: u64,
    /// Days that a run is kept after its end.
    pub keep_days: u64,
    /// The user's program that is told when a run ends or asks.
    pub notify: Option<PathBuf>,
    /// Bytes that all runs may take on the disk.
    pub keep_bytes: u64,
}
