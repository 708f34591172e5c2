//! Settings, keys and themes are read again when their files change, so that one sees at once what a change does.

use std::ffi::OsStr;
use std::os::fd::AsFd as _;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::sync::mpsc;

use crate::config::Paths;

use super::msg::Msg;
use super::setup::Looks;

/// An editor writes in several steps; what comes within so many milliseconds is one change.
const SETTLE: u16 = 60;

/// Watches until the console ends, in a thread that sleeps until the kernel tells of a change. Without that help (no
/// inotify, a network file system) nothing is reloaded.
pub fn watch(paths: Paths, results: mpsc::UnboundedSender<Msg>) {
    let Some(inotify) = open(&paths) else { return };
    let watcher = move || {
        while changed(&inotify) {
            if results.send(Msg::Looks(Box::new(Looks::read(&paths)))).is_err() {
                return;
            }
        }
    };
    let _ = std::thread::Builder::new().name("reload".to_owned()).spawn(watcher);
}

/// Folders are watched, not files: editors replace a file by another of its name.
fn open(paths: &Paths) -> Option<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC).ok()?;
    let flags = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE;
    let (keys, themes) = (paths.keys(), paths.themes());
    let folders = [keys.parent(), Some(themes.as_path())].into_iter().flatten();
    let count = folders.filter(|dir| inotify.add_watch(*dir, flags).is_ok()).count();
    (count > 0).then_some(inotify)
}

/// Waits for a change of a file that counts, and for the end of it; `false`: nothing will come any more.
fn changed(inotify: &Inotify) -> bool {
    let mut seen = false;
    loop {
        let wait = if seen { PollTimeout::from(SETTLE) } else { PollTimeout::NONE };
        match poll(&mut [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)], wait) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return false,
        }
        let Ok(events) = inotify.read_events() else { return false };
        seen |= events.iter().any(|event| event.name.as_deref().is_some_and(counts));
    }
}

fn counts(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "toml")
}
