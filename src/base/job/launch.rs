//! Starting a holder.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, SealFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use secrecy::ExposeSecret;

use super::{JobSecret, JobSpec, JobState, files};
use crate::base::process;
use crate::model::Failure;

/// How long a holder may take to start its program.
const START_LIMIT: Duration = Duration::from_secs(15);

/// Starts the job of `dir` and returns once it runs (or has ended already). Blocks for some milliseconds.
///
/// At most one job ever runs in a directory: where one runs or has ended, nothing happens. A program that cannot
/// be run is not an error here: the job has ended then, with [`super::JobExit::error`].
///
/// # Errors
/// The holder cannot be started, or the job that was started here before is lost.
pub fn start(program: &Path, dir: &Path, spec: &JobSpec, secrets: Vec<JobSecret>) -> Result<(), Failure> {
    match files::state(dir) {
        JobState::Running { .. } | JobState::Ended(_) => return Ok(()),
        JobState::Lost => return Err(files::lost(dir)),
        JobState::Never => {}
    }
    let said = launch(program, dir, spec, &secrets).map_err(|e| {
        Failure::broken("start a job", &e).at(dir.display()).next("check that the directory can be written and has room")
    })?;
    match files::state(dir) {
        JobState::Running { .. } | JobState::Ended(_) => Ok(()),
        JobState::Lost => Err(files::lost(dir)),
        JobState::Never => {
            let got = if said.is_empty() { "the process that should hold the job ended at once" } else { said.trim() };
            Err(Failure::broken("start a job", got).at(dir.display()))
        }
    }
}

/// Starts the holder; returns what it says until its program runs (nothing, when all is well).
fn launch(program: &Path, dir: &Path, spec: &JobSpec, secrets: &[JobSecret]) -> io::Result<String> {
    let dir = std::path::absolute(dir)?;
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    files::write_whole(&dir, files::JOB, &serde_json::to_vec_pretty(spec)?)?;

    let (report, told) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let secrets = secrets.iter().map(|s| Ok((s.name.as_str(), in_memory(s)?))).collect::<io::Result<Vec<_>>>()?;
    let mut command = Command::new(program);
    command.arg("__job").arg(&dir).arg(format!("--report={}", told.as_raw_fd()));
    for (name, fd) in &secrets {
        command.arg(format!("--secret={name}={}", fd.as_raw_fd()));
    }
    if spec.scrub_env {
        command.env_clear().envs(process::kept_env());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let inherited: Vec<RawFd> = std::iter::once(told.as_raw_fd()).chain(secrets.iter().map(|(_, fd)| fd.as_raw_fd())).collect();
    // SAFETY: only fcntl is called between fork and exec, on descriptors that stay open.
    unsafe {
        command.pre_exec(move || {
            for fd in &inherited {
                if libc::fcntl(*fd, libc::F_SETFD, 0) == -1 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    let mut child = command.spawn()?;
    drop((told, secrets));
    let said = read_until_closed(report.into(), START_LIMIT);
    // It has forked off the holder and ended, or is about to.
    child.wait()?;
    said
}

/// A sealed file in memory that holds the secret, without a name in any file system.
fn in_memory(secret: &JobSecret) -> io::Result<OwnedFd> {
    /// Newer kernels ask to be told; older ones refuse the flag.
    const NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(8);
    let plain = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let fd = memfd_create(c"secret", plain | NOEXEC_SEAL).or_else(|_| memfd_create(c"secret", plain))?;
    let mut file = File::from(fd);
    file.write_all(secret.value.expose_secret().as_bytes())?;
    // Readers such as Ansible would execute a password file that has an executable bit.
    file.set_permissions(std::fs::Permissions::from_mode(0o400))?;
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    debug_assert!(fcntl(&file, FcntlArg::F_GETFD).is_ok_and(|f| f & FdFlag::FD_CLOEXEC.bits() != 0));
    Ok(file.into())
}

/// Reads what comes until the other side is closed or `limit` has passed.
fn read_until_closed(mut from: File, limit: Duration) -> io::Result<String> {
    let end = Instant::now() + limit;
    let mut said = Vec::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ready = poll(&mut [PollFd::new(std::os::fd::AsFd::as_fd(&from), PollFlags::POLLIN)], wait);
        match ready {
            Ok(0) => break,
            Ok(_) => {
                let mut chunk = [0; 1024];
                match from.read(&mut chunk)? {
                    0 => break,
                    n => said.extend_from_slice(&chunk[..n]),
                }
            }
            Err(nix::Error::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}
