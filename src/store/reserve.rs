//! Room that is kept for the worst day: a file that is removed when the disk is full, so that what runs can still be
//! recorded, and old runs can be recorded as gone and removed.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::posix_fallocate;
use tokio::sync::watch;

use super::place;

/// Bytes kept: thousands of events.
const SIZE: u64 = 8 << 20;

/// Name of the file, in the data directory.
pub(super) const FILE: &str = "reserve";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// Counts how often it was given away.
    given: watch::Sender<u64>,
}

impl Reserve {
    /// The reserve of the store in `dir`; nothing is made.
    pub(super) fn of(dir: &Path) -> Self {
        Self { path: dir.join(FILE), given: watch::Sender::default() }
    }

    /// Whether it is there.
    pub(super) fn there(&self) -> bool {
        self.path.exists()
    }

    /// Makes it, where it is not there and the disk has room for it and for work; whether it is there now.
    pub(super) fn keep(&self) -> bool {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        if self.there() {
            return true;
        }
        if place::free(dir).is_ok_and(|free| free >= SIZE + place::ROOM) {
            match self.make() {
                Ok(()) => return true,
                Err(e) => {
                    tracing::warn!(file = %self.path.display(), error = %e, "no room is kept for a full disk");
                    // Half of it helps nobody.
                    let _ = fs::remove_file(&self.path);
                }
            }
        }
        false
    }

    fn make(&self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
        posix_fallocate(&file, 0, SIZE.cast_signed())?;
        Ok(())
    }

    /// Gives it away; false when there was none.
    pub(super) fn give(&self) -> bool {
        let given = fs::remove_file(&self.path).is_ok();
        if given {
            tracing::warn!("the disk is full: the reserve is given away for what must be written");
            self.given.send_modify(|n| *n += 1);
        }
        given
    }

    /// Hears each time it is given away.
    pub(super) fn given(&self) -> watch::Receiver<u64> {
        self.given.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn it_takes_room_once_and_gives_it_once() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(dir.path());
        let mut given = reserve.given();
        assert!(!reserve.give());
        assert!(reserve.keep() && reserve.keep());
        let meta = fs::metadata(dir.path().join(FILE)).unwrap();
        assert!(meta.len() == SIZE && meta.blocks() * 512 >= SIZE, "{meta:?}");
        assert!(!given.has_changed().unwrap());
        assert!(reserve.give() && !reserve.give());
        assert!(given.has_changed().unwrap());
        given.mark_unchanged();
    }
}
