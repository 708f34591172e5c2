//! The life of a server: written down, started, stopped, removed. Everything here blocks, and may be cut short by
//! SIGKILL anywhere: what it left is finished by [`Life::recover`] or by the same call again.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use sha2::{Digest, Sha256};

use super::ids::Ids;
use super::knobs::Knobs;
use super::layout::{Layout, ServerDir, is_id};
use super::process::Process;
use super::record::{BootState, Kind, Power, Record, is_locked, read_state, sync_dir, take_lock, write_durably};
use super::{address, cgroup, flavors, images, inside};
use crate::model::{Failure, NewServer, Time, Token};

/// How long a server may take to end after SIGTERM; a little longer than it gives its programs.
const GRACE: Duration = Duration::from_millis(2500);
/// How long its end may take after SIGKILL.
const LIMIT: Duration = Duration::from_secs(20);
/// The only network.
pub const NETWORK: &str = "loopback";

/// The servers of one cloud as they are on the disk.
pub struct Life {
    pub layout: Layout,
    pub ids: Ids,
    home: String,
    program: PathBuf,
    /// One change at a time for each server; which mutex is a matter of its id.
    changes: [Mutex<()>; 64],
}

/// A server with what its processes say.
pub struct Seen {
    pub record: Record,
    pub state: BootState,
    pub locked: bool,
}

/// What the knobs say of one boot.
#[derive(Clone, Copy)]
pub struct BootFaults {
    pub ms: u64,
    pub fails: bool,
}

impl Life {
    pub fn new(dir: &Path, home: String, program: PathBuf) -> Self {
        Self { layout: Layout::new(dir), ids: Ids::detect(), home, program, changes: std::array::from_fn(|_| Mutex::new(())) }
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Makes the directories of the cloud.
    ///
    /// # Errors
    /// As the file system says.
    pub fn set_up(&self) -> io::Result<()> {
        for dir in [self.layout.dir.clone(), self.layout.images(), self.layout.servers(), self.layout.trash()] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        Ok(())
    }

    /// The id that the server of a token has, so that one token never makes two.
    fn id_of(&self, token: &Token) -> String {
        let hash = Sha256::digest(format!("{} {token}", self.home));
        let hex: String = hash.iter().take(6).map(|b| format!("{b:02x}")).collect();
        format!("sb-{hex}")
    }

    fn cloud_lock(&self) -> io::Result<Flock<File>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.layout.lock())?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| e.into())
    }

    fn change(&self, id: &str) -> MutexGuard<'_, ()> {
        let n = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % self.changes.len();
        // The array has 64 places and `n` is below that.
        self.changes.get(n).unwrap_or(&self.changes[0]).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All servers that are written down.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = fs::read_dir(self.layout.servers())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(is_id))
            .filter_map(|entry| Record::read(&ServerDir(entry.path())).ok())
            .collect();
        records.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        records
    }

    /// The server `id`, if there is one.
    pub fn find(&self, id: &str) -> Option<Record> {
        is_id(id).then(|| Record::read(&self.layout.server(id)).ok())?
    }

    pub fn see(&self, record: Record) -> Seen {
        let dir = self.layout.server(&record.id);
        // In this order: when nobody holds the lock any more, the state is the last one.
        let locked = is_locked(&dir.lock());
        let state = read_state(&dir, record.boot);
        Seen { record, state, locked }
    }

    /// Writes a new server down, or finds the one that the token made before. Durable when it returns.
    ///
    /// # Errors
    /// `Refused` for what does not exist, `Quota`, `Broken` for the disk.
    pub fn reserve(&self, new: &NewServer, knobs: &Knobs, faults: BootFaults, now: Time) -> Result<Record, Failure> {
        let tried = format!("create server {}", new.name);
        let broken = |e: io::Error| Failure::broken(&tried, e).at(self.layout.dir.display());
        self.refuse_wrong(&tried, new)?;
        let id = self.id_of(&new.tags.token);
        let _change = self.change(&id);
        let _lock = self.cloud_lock().map_err(broken)?;
        match self.find(&id) {
            Some(record) if record.deleting => self.end(&record, false).map_err(broken)?,
            Some(record) => return Ok(record),
            None => {}
        }
        let records = self.records();
        flavors::fits(&records, knobs, &new.flavor).map_err(|over| {
            Failure::new(crate::model::Class::Quota, &tried, over)
                .at(self.layout.dir.display())
                .next("delete servers, or raise the quota in the cloud's settings")
        })?;
        let taken: HashSet<String> = records.into_iter().map(|r| r.address).collect();
        let (address, port) = address::choose(&self.home, &id, &taken).map_err(|e| {
            Failure::broken(&tried, format!("no address of 127.0.0.0/8 is free: {e}")).at(self.layout.dir.display())
        })?;
        let (tree, kind) = if new.image == images::HOST {
            (images::host_tree(&self.layout, &self.ids).map_err(broken)?, Kind::Host)
        } else {
            (new.image.clone(), Kind::Tree)
        };
        let record = Record {
            v: 1,
            id: id.clone(),
            name: new.name.clone(),
            flavor: new.flavor.clone(),
            ram_mb: flavors::size(&new.flavor).unwrap_or_default().1,
            image: new.image.clone(),
            tree,
            kind,
            address: address.to_string(),
            port,
            public: new.public_address,
            host_key: String::new(),
            created: now,
            tags: new.tags.clone(),
            authorized_keys: new.authorized_keys.clone(),
            files: new.files.clone(),
            ids: self.ids.clone(),
            power: Power::On,
            deleting: false,
            boot: 1,
            boot_ms: faults.ms,
            boot_fails: faults.fails,
        };
        self.write_down(record).map_err(broken)
    }

    fn refuse_wrong(&self, tried: &str, new: &NewServer) -> Result<(), Failure> {
        let refuse = |got: String, next: String| Err(Failure::refused(tried, got).at(self.layout.dir.display()).next(next));
        if flavors::size(&new.flavor).is_none() {
            return refuse(format!("there is no flavor {:?}", new.flavor), format!("the flavors are {}", flavors::names()));
        }
        if new.image != images::HOST && !images::registered(&self.layout).iter().any(|i| i.id == new.image) {
            return refuse(format!("there is no image {:?}", new.image), "quarterdeck image list shows them".to_owned());
        }
        if let Some(network) = new.networks.iter().find(|n| *n != NETWORK) {
            return refuse(format!("there is no network {network:?}"), format!("the only network is {NETWORK}"));
        }
        Ok(())
    }

    /// Builds the server's directory beside its place and moves it there in one step.
    fn write_down(&self, mut record: Record) -> io::Result<Record> {
        let half = ServerDir(self.layout.servers().join(format!(".new-{}", record.id)));
        inside::remove(&half.0)?;
        fs::DirBuilder::new().mode(0o700).create(&half.0)?;
        let (uid, gid) = self.ids.root();
        for part in ["", "upper", "work"] {
            let path = half.disk().join(part);
            fs::create_dir(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            chown(&path, Some(uid), Some(gid))?;
        }
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).map_err(io::Error::other)?;
        record.host_key = key.public_key().to_openssh().map_err(io::Error::other)?;
        let pem = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
        write_durably(&half.host_key(), pem.as_bytes(), 0o600)?;
        record.write(&half)?;
        let dir = self.layout.server(&record.id);
        if dir.0.exists() {
            // What is there is being deleted, or no record: it makes room.
            self.throw_away(&record.id)?;
        }
        fs::rename(&half.0, &dir.0)?;
        sync_dir(&self.layout.servers())?;
        Ok(record)
    }

    /// Starts the processes of a server that is written down. Doing it twice does no harm.
    ///
    /// # Errors
    /// The program cannot be executed.
    pub fn launch(&self, record: &Record) -> io::Result<()> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(self.layout.server(&record.id).console())?;
        let status = Command::new(&self.program)
            .args(["__sandbox", "boot"])
            .arg(&self.layout.dir)
            .arg(&record.id)
            .arg(record.boot.to_string())
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("container", "quarterdeck")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .status()
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", self.program.display())))?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("{}: {status}", self.program.display()))) }
    }

    /// Starts a server that was written down but whose boot was never begun.
    ///
    /// # Errors
    /// As [`Life::launch`].
    pub fn launch_if_never_begun(&self, record: &Record) -> io::Result<()> {
        let seen = self.see(record.clone());
        let wanted = record.power == Power::On && !record.deleting;
        if wanted && !seen.locked && seen.state.stage.is_none() { self.launch(record) } else { Ok(()) }
    }

    /// Powers on. A server that runs goes on running.
    ///
    /// # Errors
    /// It is gone, or cannot be started.
    pub fn start(&self, id: &str, faults: BootFaults) -> io::Result<()> {
        let _change = self.change(id);
        let record = self.existing(id)?;
        if record.power == Power::On && is_locked(&self.layout.server(id).lock()) {
            return Ok(());
        }
        self.end(&record, true)?;
        self.boot_again(record, faults)
    }

    /// Powers off; the disk stays.
    ///
    /// # Errors
    /// It is gone, or does not end.
    pub fn stop(&self, id: &str) -> io::Result<()> {
        let _change = self.change(id);
        let record = Record { power: Power::Off, ..self.existing(id)? };
        record.write(&self.layout.server(id))?;
        self.end(&record, true)
    }

    /// Powers off and on.
    ///
    /// # Errors
    /// As [`Life::start`].
    pub fn reboot(&self, id: &str, faults: BootFaults) -> io::Result<()> {
        let _change = self.change(id);
        let record = self.existing(id)?;
        self.end(&record, true)?;
        self.boot_again(record, faults)
    }

    /// Removes a server with its disk. One that is not there is removed already.
    ///
    /// # Errors
    /// It does not end, or its disk cannot be removed.
    pub fn delete(&self, id: &str) -> io::Result<()> {
        let _change = self.change(id);
        let Some(record) = self.find(id) else { return Ok(()) };
        Record { deleting: true, ..record.clone() }.write(&self.layout.server(id))?;
        self.end(&record, false)?;
        let trash = self.throw_away(id)?;
        inside::remove_with(&self.program, &trash, &self.ids)
    }

    fn existing(&self, id: &str) -> io::Result<Record> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "there is no such server");
        self.find(id).filter(|r| !r.deleting).ok_or_else(gone)
    }

    fn boot_again(&self, record: Record, faults: BootFaults) -> io::Result<()> {
        let boot = record.boot + 1;
        let record = Record { power: Power::On, boot, boot_ms: faults.ms, boot_fails: faults.fails, ..record };
        record.write(&self.layout.server(&record.id))?;
        self.launch(&record)
    }

    /// Ends all processes of a server: asked first when `gently`, then by force. Its end is seen by its lock.
    fn end(&self, record: &Record, gently: bool) -> io::Result<()> {
        let dir = self.layout.server(&record.id);
        let until = Instant::now() + LIMIT;
        let mut gently = gently;
        while is_locked(&dir.lock()) {
            if Instant::now() > until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "its processes do not end"));
            }
            match read_state(&dir, record.boot).init.and_then(|(pid, start)| Process::find(pid, start)) {
                Some(init) => {
                    // It may end between finding and signalling: then there is nothing to do.
                    let _ = init.signal(if gently { libc::SIGTERM } else { libc::SIGKILL });
                    init.wait(if gently { GRACE } else { LIMIT });
                    gently = false;
                }
                // It is on its way into its namespaces and will be seen in a moment, or on its way out.
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        cgroup::remove(&record.id);
        Ok(())
    }

    /// Moves a server out of the lists in one step; returns where its remains are.
    fn throw_away(&self, id: &str) -> io::Result<PathBuf> {
        let dir = self.layout.server(id);
        // Held so that a late start of it finds the lock taken.
        let _lock = take_lock(&dir.lock())?.ok_or_else(|| io::Error::other("somebody starts it"))?;
        let trash = self.layout.trash().join(format!("{id}-{}", uuid::Uuid::new_v4().simple()));
        fs::rename(&dir.0, &trash)?;
        sync_dir(&self.layout.servers())?;
        Ok(trash)
    }

    /// Removes a registered image. One that is not there is removed already.
    ///
    /// # Errors
    /// `Refused` for the host's and while a server stands on it, `Broken` for the disk.
    pub fn delete_image(&self, tried: &str, id: &str) -> Result<(), Failure> {
        let broken = |e: io::Error| Failure::broken(tried, e).at(self.layout.dir.display());
        if id == images::HOST {
            return Err(Failure::refused(tried, "it is this computer's own system").at(self.layout.dir.display()));
        }
        if !images::registered(&self.layout).iter().any(|image| image.id == id) {
            return Ok(());
        }
        let trash = {
            let _lock = self.cloud_lock().map_err(broken)?;
            if let Some(record) = self.records().into_iter().find(|r| r.tree == id) {
                let got = format!("server {} stands on it", record.name);
                return Err(Failure::refused(tried, got).at(self.layout.dir.display()).next("delete its servers first"));
            }
            let trash = self.layout.trash().join(format!("{id}-{}", uuid::Uuid::new_v4().simple()));
            fs::rename(self.layout.image(id), &trash).map_err(broken)?;
            trash
        };
        inside::remove_with(&self.program, &trash, &self.ids).map_err(broken)
    }

    /// Sends every running server a signal.
    pub fn signal_all(&self, signal: libc::c_int) {
        for record in self.records() {
            let state = read_state(&self.layout.server(&record.id), record.boot);
            if let Some(init) = state.init.and_then(|(pid, start)| Process::find(pid, start)) {
                let _ = init.signal(signal);
            }
        }
    }

    /// Finishes what a killed engine left half done. Returns what may be removed at leisure.
    ///
    /// # Errors
    /// As the file system says.
    pub fn recover(&self) -> io::Result<Vec<PathBuf>> {
        {
            let _lock = self.cloud_lock()?;
            for half in fs::read_dir(self.layout.servers())?.flatten() {
                if half.file_name().to_string_lossy().starts_with(".new-") {
                    inside::remove(&half.path())?;
                }
            }
            let in_use: Vec<String> = self.records().into_iter().map(|r| r.tree).collect();
            for name in images::stale_host_trees(&self.layout, &in_use) {
                fs::rename(self.layout.image(&name), self.layout.trash().join(format!("{name}-{}", uuid::Uuid::new_v4())))?;
            }
            for (n, half) in images::half_made(&self.layout).into_iter().enumerate() {
                fs::rename(half, self.layout.trash().join(format!("image-{n}-{}", uuid::Uuid::new_v4())))?;
            }
        }
        for record in self.records() {
            // One server that cannot be helped must not keep the others from their start; its state tells.
            let _ = if record.deleting {
                self.delete(&record.id)
            } else if record.power == Power::Off {
                let _change = self.change(&record.id);
                self.end(&record, true)
            } else {
                self.launch_if_never_begun(&record)
            };
        }
        Ok(fs::read_dir(self.layout.trash())?.flatten().map(|entry| entry.path()).collect())
    }
}
