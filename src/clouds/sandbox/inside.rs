//! Work on files whose owners exist only inside a user namespace. As root it is done at once; for an ordinary user
//! by this program again, as root of a namespace with the same map as the servers': `__sandbox inside …`.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::ids::Ids;
use super::images;
use super::node::userns;

/// Removes a tree that this process may remove as it is. Not being there is fine.
///
/// # Errors
/// As the file system says.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Removes a tree whatever it holds.
///
/// # Errors
/// As the file system says.
pub fn remove_with(program: &Path, path: &Path, ids: &Ids) -> io::Result<()> {
    match remove(path) {
        Ok(()) => Ok(()),
        Err(e) if matches!(ids, Ids::Shifted { .. }) => Err(e),
        Err(_) => run(program, ids, &["remove".into(), path.into()]).map(drop),
    }
}

/// Fills `root` out of `source`; returns how many entries could not be read.
///
/// # Errors
/// As [`images::fill`].
pub fn unpack(program: &Path, ids: &Ids, source: &Path, root: &Path) -> io::Result<u64> {
    if let Ids::Shifted { .. } = ids {
        return images::fill(source, root, &|uid, gid| Some((ids.shifted(uid)?, ids.shifted(gid)?)));
    }
    let out = run(program, ids, &["unpack".into(), source.into(), root.into()])?;
    out.trim().parse().map_err(io::Error::other)
}

fn run(program: &Path, ids: &Ids, args: &[OsString]) -> io::Result<String> {
    let ids = serde_json::to_string(ids).map_err(io::Error::other)?;
    let out = Command::new(program)
        .args(["__sandbox", "inside", &ids])
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&out.stderr).trim().to_owned()))
}

/// The other side of [`run`].
pub fn main(args: &[OsString]) -> i32 {
    let [ids, args @ ..] = args else { return 2 };
    let Some(ids) = ids.to_str().and_then(|text| serde_json::from_str::<Ids>(text).ok()) else { return 2 };
    let many = ids.many();
    let child = || match work(args, many) {
        Ok(text) => i32::from(io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()).is_err()),
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    let ended = userns::start(&ids, libc::CLONE_NEWUSER, |_| Ok(()), child)
        .and_then(|pid| waitpid(Pid::from_raw(pid), None).map_err(Into::into));
    match ended {
        Ok(WaitStatus::Exited(_, code)) => code,
        Ok(other) => {
            eprintln!("{other:?}");
            1
        }
        Err(error) => {
            eprintln!("{}", super::forbidden::explain(error));
            1
        }
    }
}

fn work(args: &[OsString], many: bool) -> io::Result<String> {
    match args {
        [word, path] if word == "remove" => remove(Path::new(path)).map(|()| String::new()),
        [word, source, root] if word == "unpack" => {
            let owner = |uid: u32, gid: u32| many.then(|| (uid.min(65_534), gid.min(65_534)));
            images::fill(Path::new(source), Path::new(root), &owner).map(|unread| unread.to_string())
        }
        _ => Err(io::Error::other("unknown work")),
    }
}
