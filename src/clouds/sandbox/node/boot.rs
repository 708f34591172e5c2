//! The way from the engine to a server's first process: `__sandbox boot CLOUD_DIR ID BOOT`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, setsockopt, socket, sockopt};
use nix::unistd::{ForkResult, fork, setsid};

use super::console::Console;
use super::init;
use super::mounts::Stage;
use super::userns;
use crate::clouds::sandbox::ids::Ids;
use crate::clouds::sandbox::layout::Layout;
use crate::clouds::sandbox::record::{Power, Record, Stage as Boot, append_state, take_lock};
use crate::clouds::sandbox::{cgroup, forbidden, process};

/// Everything the first process of a server brings along from outside: there it can open nothing of this any more.
pub struct Birth {
    pub record: Record,
    pub console: Console,
    pub state: File,
    /// Held by the processes of the server while they live.
    pub lock: File,
    pub faults: Option<File>,
    /// Tells when the server's directory is removed from outside.
    pub home: Option<File>,
    pub listener: OwnedFd,
    pub host_key: String,
    pub resolv: Option<String>,
    /// Set when the file systems were laid out from outside.
    pub stage: Option<Stage>,
    /// What differs from what was asked for.
    pub notes: Vec<String>,
}

/// Starts a server and returns: a process of its own session goes on. Exit code 0 says no more than that.
pub fn main(dir: &Path, id: &str, boot: u32) -> i32 {
    // SAFETY: this process has one thread.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { .. }) => return 0,
        Ok(ForkResult::Child) => {}
        Err(e) => {
            eprintln!("cannot fork: {e}");
            return 1;
        }
    }
    let _ = setsid();
    // SAFETY: nothing above the standard descriptors is in use here: what is open was left by the engine.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    match begin(dir, id, boot) {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("{e}");
            1
        }
    }
}

/// Takes the server's lock, and boots if that is still wanted.
fn begin(dir: &Path, id: &str, boot: u32) -> io::Result<()> {
    let layout = Layout::new(dir);
    let server = layout.server(id);
    let Some(lock) = take_lock(&server.lock())? else { return Ok(()) };
    let record = Record::read(&server)?;
    if record.boot != boot || record.power != Power::On || record.deleting {
        return Ok(());
    }
    let state = OpenOptions::new().create(true).append(true).mode(0o600).open(server.state())?;
    state.set_len(0)?;
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(server.console())?;
    let console = Console::new(log);
    for fd in [1, 2] {
        // SAFETY: both descriptors are open; what panics has a place to say so.
        unsafe { libc::dup2(console.log().as_raw_fd(), fd) };
    }
    let again = state.try_clone()?;
    let result = launch(&layout, record, console, state, lock);
    if let Err(error) = &result {
        append_state(&again, boot, Boot::Failed { got: error.to_string() });
    }
    result
}

fn launch(layout: &Layout, record: Record, console: Console, state: File, lock: File) -> io::Result<()> {
    console.line(&format!("boot {} of {} ({}, {})", record.boot, record.name, record.flavor, record.image));
    std::env::set_current_dir(&layout.dir)?;
    let server = layout.server(&record.id);
    let mut notes = Vec::new();
    let group = cgroup::create(&record.id, record.ram_mb);
    if let Err(why) = &group {
        notes.push(format!("memory limit is advisory: {why}"));
    }
    let listener = reserve(&record.address, record.port)?;
    let host_key = fs::read_to_string(server.host_key())?;
    let faults = File::open(layout.faults()).ok();
    let home = watch(&server.lock()).ok();
    let resolv = fs::read_to_string("/etc/resolv.conf").ok();
    let stage = match record.ids {
        // As root the ways to the parts are open only out here: the mapped root is a stranger to them. From here on
        // paths below the stage lead elsewhere.
        Ids::Shifted { .. } => {
            unshare(CloneFlags::CLONE_NEWNS).map_err(|e| forbidden::explain(e.into()))?;
            Some(set_stage(&record)?)
        }
        _ => None,
    };
    let (ids, boot) = (record.ids.clone(), record.boot);
    let told = state.try_clone()?;
    let birth = Birth { record, console, state, lock, faults, home, listener, host_key, resolv, stage, notes };
    let before = |pid: i32| {
        if let Ok(group) = &group {
            group.add(pid)?;
        }
        append_state(&told, boot, Boot::Starting { pid, start: process::start_time(pid).unwrap_or_default() });
        Ok(())
    };
    userns::start(&ids, userns::SERVER, before, || init::main(birth)).map_err(forbidden::explain)?;
    Ok(())
}

/// The parts of a server's file system, relative to the cloud's directory.
///
/// # Errors
/// As [`Stage::set`].
pub fn set_stage(record: &Record) -> io::Result<Stage> {
    let image: PathBuf = ["images", &record.tree, "root"].iter().collect();
    let disk: PathBuf = ["servers", &record.id, "disk"].iter().collect();
    Stage::set(&image, &disk)
}

/// A descriptor that becomes readable when the file's links change, as when it is removed.
fn watch(path: &Path) -> io::Result<File> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the first call returns a new descriptor or -1; the path outlives the second.
    unsafe {
        let fd = libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let file = File::from_raw_fd(fd);
        let watched = libc::inotify_add_watch(fd, path.as_ptr(), libc::IN_ATTRIB | libc::IN_DELETE_SELF);
        if watched < 0 { Err(io::Error::last_os_error()) } else { Ok(file) }
    }
}

/// Binds the server's address without listening: until it has booted, it refuses connections.
fn reserve(address: &str, port: u16) -> io::Result<OwnedFd> {
    let ip: Ipv4Addr = address.parse().map_err(io::Error::other)?;
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, SockProtocol::Tcp)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    // SAFETY: an address of zeros is a valid value; it and its size go into the call together.
    let bound = unsafe {
        let mut name: libc::sockaddr_in = std::mem::zeroed();
        name.sin_family = libc::AF_INET as libc::sa_family_t;
        name.sin_port = port.to_be();
        name.sin_addr.s_addr = u32::from_ne_bytes(ip.octets());
        libc::bind(fd.as_raw_fd(), (&raw const name).cast(), size_of_val(&name) as libc::socklen_t)
    };
    if bound == 0 {
        return Ok(fd);
    }
    let error = io::Error::last_os_error();
    Err(io::Error::new(error.kind(), format!("cannot use the address {address}:{port}: {error}")))
}
