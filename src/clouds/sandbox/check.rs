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
    // By relative paths: the stage may hide the cloud's directory from this process.
    let trial = Path::new(&format!("check-{}", std::process::id())).to_owned();
    let result = std::env::set_current_dir(dir).and_then(|()| try_all(&trial));
    // The overlay leaves a directory behind that its owner may not even read.
    let _ = fs::set_permissions(trial.join("disk/work/work"), fs::Permissions::from_mode(0o700));
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

fn try_all(trial: &Path) -> io::Result<String> {
    let ids = Ids::detect();
    let (uid, gid) = ids.root();
    for part in ["", "image", "image/usr", "image/usr/local", "disk", "disk/upper", "disk/work"] {
        let path = trial.join(part);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        chown(&path, Some(uid), Some(gid))?;
    }
    let (image, disk) = (trial.join("image"), trial.join("disk"));
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
