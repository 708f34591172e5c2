//! The directory a store lives in: what kind of disk it is on, how much room there is, who holds it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statfs::statfs;
use nix::sys::statvfs::statvfs;

use super::{faults, trouble};
use crate::model::Failure;

/// Free space below which no new work is started, bytes.
pub const ROOM: u64 = 64 << 20;

/// File systems whose locks cannot be relied on, by the number that `statfs` tells.
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x00c3_6400, "Ceph"),
];

/// Refuses a directory on a network file system. It does not have to exist yet.
pub(super) fn refuse_network(dir: &Path) -> Result<(), Failure> {
    let existing = dir.ancestors().find(|a| a.exists()).unwrap_or(Path::new("/"));
    let name = match faults::file_system() {
        Some(assumed) => assumed.eq_ignore_ascii_case("nfs").then_some("NFS"),
        None => {
            let kind = statfs(existing).map_err(|e| trouble::io("open the store", existing, &e.into()))?.filesystem_type();
            // The numbers are 32 bits wide; the field's width and sign differ between platforms.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
            let number = kind.0 as u32;
            NETWORK.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
        }
    };
    match name {
        None => Ok(()),
        Some(name) => Err(Failure::refused("open the store", format!("this directory is on {name}, where SQLite loses data"))
            .at(dir.display())
            .next("set QUARTERDECK_HOME to a directory on a local disk, for instance /var/tmp/$USER-quarterdeck")),
    }
}

/// Makes a directory and its parents, 0700.
pub(super) fn make(dir: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| trouble::io("make the directory", dir, &e))
}

/// Free bytes for an ordinary user on the disk that `dir` is on.
pub(super) fn free(dir: &Path) -> Result<u64, Failure> {
    let stat = statvfs(dir).map_err(|e| trouble::io("look for free space", dir, &e.into()))?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

/// Holds the store for this process; the kernel lets go when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

/// Takes hold of the store in `dir`, waiting at most `patience` for another process to end.
pub(super) fn hold(dir: &Path, patience: Duration) -> Result<Held, Failure> {
    let path: PathBuf = dir.join("store.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|e| trouble::io("open the store", &path, &e))?;
    let until = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Held { _file: file }),
            Err(TryLockError::Error(e)) => return Err(trouble::io("lock the store", &path, &e)),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::refused("open the store", "another engine has it open")
                    .at(dir.display())
                    .next("use that engine, or stop it with `quarterdeck engine stop`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_engines_cannot_hold_one_store() {
        let dir = tempfile::tempdir().unwrap();
        let held = hold(dir.path(), Duration::ZERO).unwrap();
        let refused = hold(dir.path(), Duration::from_millis(30)).unwrap_err();
        assert!(refused.got.contains("another engine"), "{refused}");
        drop(held);
        hold(dir.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn a_directory_that_does_not_exist_yet_is_judged_by_its_parent() {
        let dir = tempfile::tempdir().unwrap();
        refuse_network(&dir.path().join("a/b/c")).unwrap();
        assert!(free(dir.path()).unwrap() > 0);
        assert!(!dir.path().join("a").exists());
    }
}
