//! A trial of everything a server needs of the kernel: `__sandbox check CLOUD_DIR`. It ends as fast as it can.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::forbidden;
use super::ids::Ids;
use super::node::mounts::Stage;
use super::node::userns;
use super::record::Kind;

/// Prints one line for each thing that is not as it should be; exit code 1 when no server can run.
pub fn main(dir: &Path) -> i32 {
    let trial = dir.join(format!("check-{}", std::process::id()));
    let result = try_all(dir, &trial);
    // Whatever the overlay left in its work directory is ours, or root removes it.
    let _ = fs::remove_dir_all(&trial);
    match result {
        Ok(notes) => {
            print!("{notes}");
            0
        }
        Err(error) => {
            println!("{error}");
            1
        }
    }
}

fn try_all(dir: &Path, trial: &Path) -> io::Result<String> {
    let ids = Ids::detect();
    let (uid, gid) = ids.root();
    for part in ["", "image", "image/usr", "image/usr/local", "disk", "disk/upper", "disk/work"] {
        let path = trial.join(part);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        chown(&path, Some(uid), Some(gid))?;
    }
    std::env::set_current_dir(dir)?;
    let name = trial.file_name().map(Path::new).unwrap_or(trial);
    let (image, disk) = (name.join("image"), name.join("disk"));
    let stage = match ids {
        Ids::Shifted { .. } => {
            unshare(CloneFlags::CLONE_NEWNS).map_err(|e| forbidden::explain(e.into()))?;
            Some(Stage::set(&image, &disk)?)
        }
        _ => None,
    };
    let (hear, say) = nix::unistd::pipe()?;
    let mut say = fs::File::from(say);
    let mut told = say.try_clone()?;
    let child = move || {
        let stage = stage.map_or_else(|| Stage::set(&image, &disk), Ok);
        let (code, text) = match stage.and_then(|stage| stage.enter(Kind::Host, "00000000-0000-0000-0000-000000000000")) {
            Ok(notes) => (0, notes.iter().map(|n| format!("{n}\n")).collect()),
            Err(error) => (1, forbidden::explain(error).to_string()),
        };
        let _ = told.write_all(text.as_bytes());
        code
    };
    let pid = userns::start(&ids, userns::SERVER, |_| Ok(()), child).map_err(forbidden::explain)?;
    let _ = say.flush();
    drop(say);
    let mut text = String::new();
    fs::File::from(hear).read_to_string(&mut text)?;
    match waitpid(Pid::from_raw(pid), None)? {
        nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(text),
        _ => Err(io::Error::other(text)),
    }
}
