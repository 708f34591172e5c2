//! Host keys: learnt at first contact, pinned after.

use std::path::{Path, PathBuf};

use crate::model::Failure;

/// A known-hosts file, and what to do about a key that is not in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KnownHosts {
    path: PathBuf,
    learn: bool,
}

impl KnownHosts {
    /// Only keys that are in the file are accepted.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), learn: false }
    }

    /// A host that is not in the file yet has its key added; from then on it is pinned.
    pub fn learn(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), learn: true }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether unknown hosts are learnt.
    pub fn learns(&self) -> bool {
        self.learn
    }

    /// Forgets the plain entries of a host: its server is gone and another may get its address.
    ///
    /// # Errors
    /// `Broken` when the file cannot be read or written.
    pub async fn forget(&self, _host: &str, _port: u16) -> Result<(), Failure> {
        unimplemented!()
    }
}
