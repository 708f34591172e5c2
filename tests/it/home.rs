//! A home of its own for a test, driven through the real binary.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use quarterdeck::ansible::{self, Ansible};
use quarterdeck::base::Cx;
use quarterdeck::model::Failure;
use serde_json::Value;
use tempfile::TempDir;

use crate::pty;
use crate::support::PROGRAM;

/// A temporary home; its engine, servers and jobs end with it.
pub struct Home {
    dir: TempDir,
    /// Variables of every command, on top of this process's.
    env: Vec<(&'static str, OsString)>,
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
        Self::at(tempfile::Builder::new().prefix("qd-").tempdir().unwrap())
    }

    /// An empty home in a directory.
    pub fn at(dir: TempDir) -> Self {
        Self { dir, env: Vec::new() }
    }

    /// The same with an Ansible that all tests share.
    pub fn with_ansible() -> Self {
        let home = Self::new();
        home.share_ansible().unwrap();
        home
    }

    /// The same with a sandbox cloud.
    pub fn with_sandbox() -> Self {
        let home = Self::with_ansible();
        home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// From now on every command has this variable; so has the engine that one of them starts.
    pub fn set_env(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.env.push((name, value.into()));
    }

    /// Lets this home use the virtualenv that all tests share; it is made by who needs it first.
    ///
    /// # Errors
    /// Python cannot make one, or pip failed.
    pub fn share_ansible(&self) -> Result<Ansible, Failure> {
        let shared = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ansible-venv");
        let settings = ansible::Settings { data_dir: shared.clone(), python: None, use_path: false };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ansible = runtime.block_on(ansible::install(&settings, &Cx::quiet()))?;
        std::fs::create_dir_all(self.path().join("data")).unwrap();
        std::os::unix::fs::symlink(&shared, self.path().join("data/ansible")).unwrap();
        Ok(ansible)
    }

    /// A command of the binary in this home, on no terminal.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).env("QUARTERDECK_HOME", self.path()).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The same for a terminal with colours and Unicode.
    pub fn at_terminal(&self, args: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(args);
        command.env("QUARTERDECK_HOME", self.path());
        self.env.iter().for_each(|(name, value)| command.env(name, value));
        pty::good_terminal(&mut command);
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

    /// The pid of the engine, if there is one.
    pub fn engine(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.path().join("state/engine.lock")).ok()?;
        let pid = text.split_whitespace().next()?.parse::<i32>().ok()?;
        self.processes().iter().any(|(p, line)| *p == pid && line.contains("engine run")).then_some(pid)
    }

    /// Kills the engine, if there is one, with SIGKILL.
    pub fn kill_engine(&self) {
        if let Some(pid) = self.engine() {
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
