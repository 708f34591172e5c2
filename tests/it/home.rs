//! A home of its own for a test, driven through the real binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::PROGRAM;

/// A temporary home; its engine, servers and jobs end with it.
pub struct Home {
    dir: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The JSON on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {}", self.out))
    }
}

impl Home {
    /// An empty home.
    pub fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("qd-").tempdir().unwrap() }
    }

    /// The same with a sandbox cloud and an Ansible that all tests share.
    pub fn with_sandbox() -> Self {
        let home = Self::new();
        share_ansible(home.path());
        home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command of the binary in this home, on no terminal.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).env("QUARTERDECK_HOME", self.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, at most two minutes.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Said {
        finish(self.command(args), Duration::from_secs(120))
    }

    /// Pids of the processes that belong to this home.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let home = self.path().to_string_lossy().into_owned();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
            let read = |what: &str| std::fs::read(entry.path().join(what)).unwrap_or_default();
            let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            let ours = line.contains(&home) || String::from_utf8_lossy(&read("environ")).contains(&home);
            if ours && pid != std::process::id().cast_signed() {
                found.push((pid, line));
            }
        }
        found
    }

    /// The number of the run that a command with `--detach` has started.
    pub fn last_run(&self, started: &Said) -> String {
        let text = format!("{}{}", started.out, started.err);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|w| !w.is_empty()).collect();
        let pair = words.windows(2).rev().find(|w| w[0] == "run" && w[1].parse::<u64>().is_ok());
        pair.unwrap_or_else(|| panic!("no run in {text}"))[1].to_owned()
    }

    /// Kills the engine, if there is one, with SIGKILL.
    pub fn kill_engine(&self) {
        let Ok(text) = std::fs::read_to_string(self.path().join("state/engine.lock")) else { return };
        let Some(pid) = text.split_whitespace().next().and_then(|w| w.parse::<i32>().ok()) else { return };
        if self.processes().iter().any(|(p, line)| *p == pid && line.contains("engine run")) {
            // SAFETY: plain system call on this home's engine.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            wait_until("the engine is gone", Duration::from_secs(5), || !crate::support::alive(pid));
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Servers outlive their engine by design; a test's do not outlive the test.
        for (pid, _) in self.processes() {
            // SAFETY: plain system call on a process of this home.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        wait_until("the home's processes are gone", Duration::from_secs(10), || self.processes().is_empty());
        // Disks may hold files of other uids; root of the test machine removes them, others leave them in /tmp.
        let _ = std::fs::remove_dir_all(self.path());
    }
}

/// Runs a command to its end and kills it at the limit.
#[track_caller]
pub fn finish(mut command: Command, limit: Duration) -> Said {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::File::create(dir.path().join(name)).unwrap();
    let mut child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
    let until = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
            panic!("{command:?} did not end in {limit:?}:\n{}\n{}", read("out"), read("err"));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |name: &str| String::from_utf8_lossy(&std::fs::read(dir.path().join(name)).unwrap()).into_owned();
    Said { code: status.code(), out: read("out"), err: read("err") }
}

/// Waits until `met`, or fails the test.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut met: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !met() {
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lets a home use the virtualenv that all tests share; it is made by the test that needs it first.
fn share_ansible(home: &Path) {
    let shared = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ansible-venv");
    let settings = quarterdeck::ansible::Settings { data_dir: shared.clone(), python: None, use_path: false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(quarterdeck::ansible::install(&settings, &quarterdeck::base::Cx::quiet())).unwrap();
    std::fs::create_dir_all(home.join("data")).unwrap();
    std::os::unix::fs::symlink(&shared, home.join("data/ansible")).unwrap();
}
