//! Where a sandbox cloud keeps what.
//!
//! ```text
//! lock                    held while a server or an image is being written down
//! faults                  what SSH servers read at every connection
//! images/ID/image.json    an image, and its tree in images/ID/root
//! servers/ID/             one server (see ServerDir)
//! trash/                  what is being removed
//! ```

use std::path::{Path, PathBuf};

/// The directory of a cloud.
#[derive(Clone, Debug)]
pub struct Layout {
    pub dir: PathBuf,
}

impl Layout {
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    pub fn faults(&self) -> PathBuf {
        self.dir.join("faults")
    }

    pub fn images(&self) -> PathBuf {
        self.dir.join("images")
    }

    pub fn image(&self, id: &str) -> PathBuf {
        self.images().join(id)
    }

    pub fn servers(&self) -> PathBuf {
        self.dir.join("servers")
    }

    pub fn server(&self, id: &str) -> ServerDir {
        ServerDir(self.servers().join(id))
    }

    pub fn trash(&self) -> PathBuf {
        self.dir.join("trash")
    }
}

/// The directory of a server.
#[derive(Clone, Debug)]
pub struct ServerDir(pub PathBuf);

impl ServerDir {
    /// What the server is: written by rename, the truth about it.
    pub fn record(&self) -> PathBuf {
        self.0.join("record.json")
    }

    /// Locked by the server's processes as long as one of them lives.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// What its last boot came to, line by line.
    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// What it wrote to its console.
    pub fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }

    /// The private key of its SSH server.
    pub fn host_key(&self) -> PathBuf {
        self.0.join("host_key")
    }

    /// What it wrote to its file system.
    pub fn disk(&self) -> PathBuf {
        self.0.join("disk")
    }
}

/// Whether `id` can be the name of a directory of ours: nothing that leads elsewhere.
pub fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && !id.starts_with('.')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_leads_elsewhere() {
        for bad in ["", ".", "..", "../x", "a/b", ".new-1", "a b", &"x".repeat(65)] {
            assert!(!is_id(bad), "{bad:?}");
        }
        assert!(is_id("sb-0f3a9c") && is_id("host.1"));
    }
}
