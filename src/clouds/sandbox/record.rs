//! What is written down about a server, and what its last boot came to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ids::Ids;
use super::layout::ServerDir;
use crate::model::{PlacedFile, Tags, Time};

/// Whether a server is meant to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    On,
    Off,
}

/// What the system of a server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The programs of the host, read-only, with everything else private.
    Host,
    /// A root file system of its own.
    Tree,
}

/// One server. Durable before its first process starts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    pub v: u32,
    pub id: String,
    pub name: String,
    pub flavor: String,
    /// Memory of its flavor, MiB.
    pub ram_mb: u64,
    /// Id of the image, as people know it.
    pub image: String,
    /// Directory under `images/` whose `root` it stands on.
    pub tree: String,
    pub kind: Kind,
    pub address: String,
    pub port: u16,
    /// Whether a public address was asked for. All addresses are alike here; only lists tell them apart.
    pub public: bool,
    /// The public key of its SSH server.
    pub host_key: String,
    pub created: Time,
    pub tags: Tags,
    pub authorized_keys: Vec<String>,
    #[serde(default)]
    pub files: Vec<PlacedFile>,
    pub ids: Ids,
    pub power: Power,
    /// Being deleted: nothing may start it any more.
    #[serde(default)]
    pub deleting: bool,
    /// Counts the times it was told to boot; the state file says which of them it tells of.
    pub boot: u32,
    /// What the knobs said when this boot was asked for.
    #[serde(default)]
    pub boot_ms: u64,
    #[serde(default)]
    pub boot_fails: bool,
}

impl Record {
    /// # Errors
    /// Not there, or not readable as a record.
    pub fn read(dir: &ServerDir) -> io::Result<Self> {
        let bytes = fs::read(dir.record())?;
        serde_json::from_slice(&bytes).map_err(io::Error::other)
    }

    /// Writes it so that after a crash either the old or the new one is there, whole.
    ///
    /// # Errors
    /// The disk is full, or the directory is gone.
    pub fn write(&self, dir: &ServerDir) -> io::Result<()> {
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        write_durably(&dir.record(), &json, 0o600)
    }
}

/// Writes a file beside its place, then renames it there; both are on the disk when this returns.
///
/// # Errors
/// As the file system says.
pub fn write_durably(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

/// # Errors
/// As the file system says.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// How far a boot came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Stage {
    /// Its first process is there; `start` is the kernel's start time of it, so that a reused pid is noticed.
    Starting { pid: i32, start: u64 },
    /// It answers over SSH; `notes` say in what it differs from what was asked for.
    Active { notes: Vec<String> },
    /// It could not boot.
    Failed { got: String },
    /// It was shut down in order.
    Stopped,
}

/// One line of the state file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StateLine {
    pub boot: u32,
    #[serde(flatten)]
    pub stage: Stage,
}

/// What the state file says of boot number `boot`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BootState {
    /// The last stage; `None`: it was never begun.
    pub stage: Option<Stage>,
    /// Its first process and that process's start time.
    pub init: Option<(i32, u64)>,
}

/// Reads what boot number `boot` came to. A torn last line is not there yet.
pub fn read_state(dir: &ServerDir, boot: u32) -> BootState {
    let text = fs::read_to_string(dir.state()).unwrap_or_default();
    let mut state = BootState::default();
    for line in text.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
        let Ok(line) = serde_json::from_str::<StateLine>(line) else { continue };
        if line.boot != boot {
            continue;
        }
        if let Stage::Starting { pid, start } = line.stage {
            state.init = Some((pid, start));
        }
        state.stage = Some(line.stage);
    }
    state
}

/// Appends to an open state file, in one write.
pub fn append_state(mut file: &File, boot: u32, stage: Stage) {
    if let Ok(mut line) = serde_json::to_vec(&StateLine { boot, stage }) {
        line.push(b'\n');
        // Nobody is left to tell when this fails: the console log holds the same.
        let _ = file.write_all(&line);
    }
}

/// Takes the lock of a server for as long as the file (and every copy of it in a child) is open.
/// `None`: somebody holds it.
///
/// # Errors
/// The file cannot be opened.
pub fn take_lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let lock = whole_file(libc::F_WRLCK);
    // SAFETY: the descriptor is open, `lock` outlives the call.
    let taken = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &lock) } == 0;
    if taken {
        return Ok(Some(file));
    }
    let error = io::Error::last_os_error();
    if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) { Ok(None) } else { Err(error) }
}

/// Whether somebody holds the lock, without taking it.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let mut lock = whole_file(libc::F_RDLCK);
    // SAFETY: the descriptor is open, `lock` outlives the call.
    let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) } == 0;
    asked && i32::from(lock.l_type) != libc::F_UNLCK
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    // SAFETY: a flock of zeros is a valid value; pid must be 0 for locks of open files.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = i16::try_from(kind).unwrap_or_default();
    lock.l_whence = libc::SEEK_SET as i16;
    lock
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_that_of_the_boot_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let server = ServerDir(dir.path().to_owned());
        assert_eq!(read_state(&server, 1), BootState::default());
        let file = File::create(server.state()).unwrap();
        append_state(&file, 1, Stage::Starting { pid: 41, start: 7 });
        append_state(&file, 1, Stage::Active { notes: vec!["pids of the host".into()] });
        (&file).write_all(b"{\"boot\":1,\"state\":\"stop").unwrap();
        let state = read_state(&server, 1);
        assert_eq!(state.init, Some((41, 7)));
        assert_eq!(state.stage, Some(Stage::Active { notes: vec!["pids of the host".into()] }));
        assert_eq!(read_state(&server, 2).stage, None);
    }

    #[test]
    fn a_lock_is_seen_without_taking_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_locked(&path));
        let held = take_lock(&path).unwrap().unwrap();
        assert!(is_locked(&path));
        assert!(take_lock(&path).unwrap().is_none());
        drop(held);
        assert!(!is_locked(&path));
        assert!(take_lock(&path).unwrap().is_some());
    }
}
