//! Starting a process in namespaces of its own, with its ids mapped.

use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::clouds::sandbox::ids::Ids;

/// All the namespaces that a server has of its own. The network is the host's.
pub const SERVER: libc::c_int =
    libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC;

/// Starts `child` as root of new namespaces, after `before` has seen its pid; returns that pid.
/// `child` runs in a copy of this process and ends with the exit code it returns.
///
/// This process must have one thread only, since the copy has no other.
///
/// # Errors
/// The kernel refuses the namespaces or the maps, or `before` failed; then no child is left.
pub fn start(
    ids: &Ids,
    namespaces: libc::c_int,
    before: impl FnOnce(i32) -> io::Result<()>,
    child: impl FnOnce() -> i32,
) -> io::Result<i32> {
    let (wait, go) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    // SAFETY: one thread; without CLONE_VM and with no stack given this is fork() with namespaces, and the order
    // of the last three arguments, which differs between architectures, does not matter as all are null.
    let pid = unsafe { libc::syscall(libc::SYS_clone, i64::from(namespaces | libc::SIGCHLD), 0, 0, 0, 0) };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if pid == 0 {
        drop(go);
        // A panic must not run on in the copied stack of the parent.
        let code = catch_unwind(AssertUnwindSafe(|| match await_go(wait).and_then(|()| become_root(ids)) {
            Ok(()) => child(),
            Err(_) => 1,
        }));
        // SAFETY: ends this process without running the parent's exit handlers.
        unsafe { libc::_exit(code.unwrap_or(101)) }
    }
    drop(wait);
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: the descriptor is ours and given up here.
    let mut go = unsafe { std::fs::File::from_raw_fd(go.into_raw_fd()) };
    match ids.write_maps(pid).and_then(|()| before(pid)).and_then(|()| go.write_all(b"g")) {
        Ok(()) => Ok(pid),
        Err(error) => {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            let _ = waitpid(Pid::from_raw(pid), None);
            Err(error)
        }
    }
}

fn await_go(wait: std::os::fd::OwnedFd) -> io::Result<()> {
    std::fs::File::from(wait).read_exact(&mut [0])
}

/// Takes the mapped ids 0 and gives up the groups of outside.
fn become_root(ids: &Ids) -> io::Result<()> {
    use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    if ids.many() {
        setgroups(&[])?;
    }
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // A change of ids makes the kernel hide /proc/self from its owner.
    nix::sys::prctl::set_dumpable(true)?;
    Ok(())
}
