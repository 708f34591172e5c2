//! The engine's own log file: private, and never larger than a few megabytes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Beyond this size a new file is begun; two old ones are kept.
const LIMIT: u64 = 10 << 20;

struct State {
    file: File,
    size: u64,
    /// stdout and stderr lead into the file as well, and go along to a new one.
    streams: bool,
}

/// The log, written by one line a call.
pub struct Log {
    path: PathBuf,
    limit: u64,
    state: Mutex<State>,
}

impl Log {
    /// Opens the log, to be added to.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, LIMIT)
    }

    fn with_limit(path: &Path, limit: u64) -> io::Result<Self> {
        let file = append(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), limit, state: Mutex::new(State { file, size, streams: false }) })
    }

    /// Leads stdout and stderr into the log, from now on and after each new beginning.
    ///
    /// # Errors
    /// The system refuses.
    pub fn take_streams(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.streams = true;
        lead_streams(state.file.as_fd())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_anew(&self, state: &mut State) -> io::Result<()> {
        let old = |n: u8| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        let _ = fs::rename(old(1), old(2));
        fs::rename(&self.path, old(1))?;
        state.file = append(&self.path)?;
        state.size = 0;
        if state.streams { lead_streams(state.file.as_fd()) } else { Ok(()) }
    }
}

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if state.size >= self.limit {
            // A log that cannot be rotated is still better than none.
            if self.begin_anew(&mut state).is_err() {
                state.size = 0;
            }
        }
        state.file.write_all(bytes)?;
        state.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn lead_streams(file: BorrowedFd<'_>) -> io::Result<()> {
    nix::unistd::dup2_stdout(file)?;
    nix::unistd::dup2_stderr(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_full_log_begins_anew_and_two_old_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.log");
        let log = Log::with_limit(&path, 100).unwrap();
        for n in 0..50 {
            (&log).write_all(format!("line {n:04} of the log\n").as_bytes()).unwrap();
        }
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["engine.log", "engine.log.1", "engine.log.2"]);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let kept = read("engine.log.2") + &read("engine.log.1") + &read("engine.log");
        let first = 50 - kept.lines().count();
        let expected: String = (first..50).map(|n| format!("line {n:04} of the log\n")).collect();
        assert_eq!(kept, expected, "nothing is lost in between");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
