//! One engine a home: whoever holds the lock is it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::Failure;

/// How long an engine that is on its way out is waited for.
const PATIENCE: Duration = Duration::from_millis(300);

/// Why the lock was not taken.
#[derive(Debug)]
pub enum NoLock {
    /// Another engine serves this home.
    Held(Failure),
    /// The file cannot be used.
    Broken(Failure),
}

/// The lock of a home, held while this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock and writes down who has it.
    ///
    /// # Errors
    /// [`NoLock::Held`] names the pid and version of the engine that has it.
    pub fn take(path: &Path) -> Result<Self, NoLock> {
        let broken = |e: std::io::Error| NoLock::Broken(Failure::broken("lock the home", e).at(path.display()));
        let started = Instant::now();
        loop {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(broken)?;
            match file.try_lock() {
                Ok(()) if same(&file, path) => {
                    file.set_len(0).map_err(broken)?;
                    writeln!(file, "{} {}", std::process::id(), env!("CARGO_PKG_VERSION")).map_err(broken)?;
                    return Ok(Self { file, path: path.to_owned() });
                }
                // The file was replaced before it was locked: what counts is the one that is there now.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(NoLock::Held(held(&mut file, path))),
                Err(TryLockError::Error(e)) => return Err(broken(e)),
            }
        }
    }

    /// Whether the home still has this very lock file.
    pub fn in_place(&self) -> bool {
        same(&self.file, &self.path)
    }
}

fn same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn held(file: &mut File, path: &Path) -> Failure {
    let mut text = String::new();
    let _ = file.take(200).read_to_string(&mut text);
    let got = match text.trim().split_once(' ') {
        Some((pid, version)) => format!("an engine serves this home already: pid {pid}, quarterdeck {version}"),
        None => "an engine serves this home already".to_owned(),
    };
    Failure::refused("start the engine", got).at(path.display()).next("quarterdeck engine status, or: quarterdeck engine stop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_is_told_who_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.lock");
        let first = Lock::take(&path).unwrap();
        let NoLock::Held(failure) = Lock::take(&path).unwrap_err() else { panic!("not held") };
        assert!(failure.got.contains(&format!("pid {}", std::process::id())), "{failure}");
        assert!(failure.got.contains(env!("CARGO_PKG_VERSION")), "{failure}");
        assert!(first.in_place());
        drop(first);
        let second = Lock::take(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!second.in_place(), "the home is gone");
    }
}
