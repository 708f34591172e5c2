//! The managed virtualenv: made, found again, repaired.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quarterdeck::ansible::{Settings, find, install};
use quarterdeck::base::{Cx, Output, Progress};
use quarterdeck::model::Class;

use super::{ansible, block_on, settings};

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Output for Heard {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

impl Progress for Heard {
    fn progress(&self, done: u64, total: Option<u64>, what: &str) {
        assert!(Some(done) <= total, "{done} of {total:?}");
        self.line(&format!("{done}: {what}"));
    }
}

#[test]
fn an_installed_one_is_found_at_once() {
    let installed = ansible();
    assert!(installed.managed && installed.version.starts_with("2.19."), "{installed:?}");
    let settings = settings(installed.playbook.ancestors().nth(3).unwrap().to_owned());
    let cx = Cx::quiet();
    assert_eq!(block_on(find(&settings, &cx)).unwrap(), installed);
    // The best of several: other tests run beside this one.
    let times = (0..20).map(|_| {
        let began = Instant::now();
        block_on(find(&settings, &cx)).unwrap();
        began.elapsed()
    });
    let best = times.min().unwrap();
    assert!(best < Duration::from_millis(5), "{best:?}");
}

#[test]
fn a_broken_one_is_noticed_and_repaired() {
    let home = tempfile::tempdir().unwrap();
    let settings = settings(home.path().join("with a space/ansible"));
    let heard = Arc::new(Heard::default());
    let cx = Cx { output: heard.clone(), progress: heard.clone(), ..Cx::quiet() };
    let first = block_on(install(&settings, &cx)).unwrap();
    let lines = heard.0.lock().unwrap().clone();
    assert!(lines.iter().any(|l| l.contains("Collecting ansible-core")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("ready: ansible-playbook [core 2.19."), "{lines:?}");

    // As when the system's Python is upgraded away.
    let python = first.python.clone();
    std::fs::remove_file(&python).unwrap();
    std::os::unix::fs::symlink("/usr/bin/python3.0", &python).unwrap();
    let failure = block_on(find(&settings, &cx)).unwrap_err();
    assert_eq!((failure.class, failure.next.as_str()), (Class::NotFound, "quarterdeck ansible install"));

    // And one that was left half made.
    let half_made = settings.data_dir.join("venv-half-made");
    std::fs::create_dir(&half_made).unwrap();
    let cancelled = Cx::quiet();
    cancelled.cancel.cancel();
    assert_eq!(block_on(install(&settings, &cancelled)).unwrap_err().class, Class::Cancelled);

    let (one, other) = std::thread::scope(|scope| {
        let run = || block_on(install(&settings, &Cx::quiet())).unwrap();
        let (one, other) = (scope.spawn(run), scope.spawn(run));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other, "the second waits for the first and finds it done");
    assert_ne!(one.playbook, first.playbook);
    assert_eq!(block_on(find(&settings, &cx)).unwrap(), one);
    assert!(!half_made.exists());
}

/// Set in the process that runs with a PATH of its own.
const INNER: &str = "QUARTERDECK_TEST_PATH_BIN";

#[test]
fn the_one_on_the_path_serves_when_it_runs() {
    let Some(bin) = std::env::var_os(INNER) else {
        // The PATH of this process belongs to all tests in it: another one has its own.
        let bin = tempfile::tempdir().unwrap();
        let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
        let me = std::env::current_exe().unwrap();
        let test = ["--exact", "ansible::install::the_one_on_the_path_serves_when_it_runs"];
        let ran = Command::new(me).args(test).env(INNER, bin.path()).env("PATH", path).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let program = Path::new(&bin).join("ansible-playbook");
    let put = |script: &str| {
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let wanted = Settings { use_path: true, ..settings(home.path().join("ansible")) };
    let find = || block_on(find(&wanted, &Cx::quiet()));

    put(&format!("#!/bin/sh\nexec {} \"$@\"\n", ansible().playbook.display()));
    let found = find().unwrap();
    assert!(!found.managed);
    assert_eq!((found.version.clone(), found.playbook), (ansible().version, ansible().playbook), "what really runs");

    put("#!/bin/sh\necho 'pyenv: ansible-playbook: command not found' >&2\nexit 127\n");
    let failure = find().unwrap_err();
    assert!(failure.got.contains("command not found"), "{failure}");

    put("#!/bin/sh\necho 'ansible-playbook [core 2.10.17] '\n");
    let failure = find().unwrap_err();
    assert!(failure.got.contains("2.10.17") && failure.got.contains("2.15"), "{failure}");
}
