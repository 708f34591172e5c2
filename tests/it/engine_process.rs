//! The engine's own process, started, killed, replaced and stopped as people do it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use quarterdeck::client::{self, Incoming, Options};
use quarterdeck::config::Paths;
use quarterdeck::model::{Class, Failure};
use quarterdeck::protocol::{ClientKind, Welcome};

use crate::support::{PROGRAM, alive, text, until};

/// A home of its own; its engine ends with it.
struct Home {
    dir: tempfile::TempDir,
    paths: Paths,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path());
        Self { dir, paths }
    }

    fn options(&self) -> Options {
        Options { program: PROGRAM.into(), ..Options::new(ClientKind::Test, self.paths.clone()) }
    }

    /// Attaches and starts the engine when there is none.
    async fn attach(&self) -> Result<Welcome, Failure> {
        client::connect(self.options()).await.map(|client| client.welcome())
    }

    /// Attaches only to an engine that is there.
    async fn find(&self) -> Result<Welcome, Failure> {
        let options = Options { start_engine: false, ..self.options() };
        client::connect(options).await.map(|client| client.welcome())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).env("QUARTERDECK_HOME", self.dir.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The engine that wrote itself into the lock last.
    fn pid(&self) -> Option<i32> {
        text(self.paths.lock()).split(' ').next()?.parse().ok()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(pid) = self.pid().filter(|pid| is_ours(*pid)) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Whether the process is an engine and not something that got its number later.
fn is_ours(pid: i32) -> bool {
    text(format!("/proc/{pid}/cmdline")).contains("engine")
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

fn gone(pid: u32) {
    until("the engine ends", || (!alive(i32::try_from(pid).unwrap())).then_some(()));
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn a_client_starts_an_engine_that_stands_alone() {
    let home = Home::new();
    let welcome = home.attach().await.unwrap();
    let pid = i32::try_from(welcome.pid).unwrap();
    assert_eq!(nix::unistd::getsid(Some(Pid::from_raw(pid))).unwrap().as_raw(), pid, "a session of its own");
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/0")).unwrap(), Path::new("/dev/null"));
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/2")).unwrap(), home.paths.log());
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
    assert_eq!((mode(&home.paths.state), mode(&home.paths.socket()), mode(&home.paths.log())), (0o700, 0o600, 0o600));
    assert_eq!(home.find().await.unwrap(), welcome, "the next client finds it");
    signal(welcome.pid, Signal::SIGHUP);
    until("the hang-up is noted", || text(home.paths.log()).contains("hang-up is ignored").then_some(()));
    assert_eq!(home.find().await.unwrap().instance, welcome.instance);
}

#[tokio::test]
async fn nothing_of_a_shell_is_left_in_the_engine() {
    let home = Home::new();
    let mut engine = home
        .command(&["engine", "run"])
        .env("OS_PASSWORD", "tr0ub4dor")
        .env("LC_ALL", "C.UTF-8")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let environment = until("the engine listens", || {
        let pid = home.pid().filter(|_| home.paths.socket().exists())?;
        Some(text(format!("/proc/{pid}/environ")))
    });
    assert!(!environment.contains("tr0ub4dor"));
    assert!(environment.contains("LC_ALL=C.UTF-8") && environment.contains("QUARTERDECK_HOME="));
    let welcome = home.find().await.unwrap();
    assert_eq!(welcome.pid, engine.id(), "in the foreground it stays the child that was started");
    signal(welcome.pid, Signal::SIGTERM);
    assert!(engine.wait().unwrap().success());
    assert!(!home.paths.socket().exists());
}

#[tokio::test]
async fn a_killed_engine_is_replaced() {
    let home = Home::new();
    let client = client::connect(home.options().following()).await.unwrap();
    let first = client.welcome();
    signal(first.pid, Signal::SIGKILL);
    gone(first.pid);
    assert!(fs::symlink_metadata(home.paths.socket()).unwrap().file_type().is_socket(), "it left its socket behind");
    let mut incoming = client.incoming();
    let second = loop {
        match incoming.recv().await.unwrap() {
            Incoming::Connected(welcome) if welcome.instance != first.instance => break welcome,
            Incoming::Lost { failure, retry_in: None } => panic!("{failure}"),
            _ => {}
        }
    };
    assert_ne!(second.pid, first.pid);
    assert_eq!(second.home, first.home, "the same home, with what it held");
    assert_eq!(home.find().await.unwrap(), second);
}

#[tokio::test]
async fn clients_that_start_at_once_end_up_on_one_engine() {
    let home = Home::new();
    let attached = futures::future::join_all((0..6).map(|_| home.attach())).await;
    let first = attached[0].as_ref().unwrap();
    assert!(attached.iter().all(|welcome| welcome.as_ref().unwrap().instance == first.instance), "{attached:?}");
    let engines = text(home.paths.log()).matches("serves this home pid").count();
    assert_eq!(engines, 1);
}

#[tokio::test]
async fn a_second_engine_names_the_first() {
    let home = Home::new();
    let welcome = home.attach().await.unwrap();
    let second = home.run(&["engine", "run"]);
    assert_eq!(second.status.code(), Some(3), "{}", stderr(&second));
    assert!(stderr(&second).contains(&format!("pid {}", welcome.pid)), "{}", stderr(&second));
    assert_eq!(home.find().await.unwrap().instance, welcome.instance);
}

#[tokio::test]
async fn a_restart_keeps_the_process_and_its_clients() {
    let home = Home::new();
    let client = client::connect(home.options().following()).await.unwrap();
    let before = client.welcome();
    let after = client::restart(&home.options()).await.unwrap();
    assert_eq!(after.pid, before.pid, "executed anew in its place");
    assert_ne!(after.instance, before.instance);
    let mut incoming = client.incoming();
    while !matches!(incoming.recv().await.unwrap(), Incoming::Connected(welcome) if welcome.instance == after.instance) {}
    // Where none runs, one is started.
    let other = Home::new();
    client::restart(&other.options()).await.unwrap();
}

#[tokio::test]
async fn a_stopped_engine_stays_stopped() {
    let home = Home::new();
    let client = client::connect(home.options().following()).await.unwrap();
    let stopped = home.run(&["engine", "stop"]);
    assert!(stopped.status.success(), "{}", stderr(&stopped));
    gone(client.welcome().pid);
    let mut incoming = client.incoming();
    let failure = loop {
        if let Incoming::Lost { failure, retry_in: None } = incoming.recv().await.unwrap() {
            break failure;
        }
    };
    assert_eq!(failure.next, "quarterdeck engine start", "{failure}");
    assert_eq!(home.find().await.unwrap_err().class, Class::NotFound);
    let status = home.run(&["engine", "status"]);
    assert_eq!(status.status.code(), Some(1));
    client.reconnect();
    while !matches!(incoming.recv().await.unwrap(), Incoming::Connected(_)) {}
    home.find().await.unwrap();
}

#[tokio::test]
async fn a_long_path_is_no_obstacle() {
    let mut home = Home::new();
    let deep = home.dir.path().join("x".repeat(100)).join("y".repeat(120));
    home.paths = Paths::under(&deep);
    let welcome = home.attach().await.unwrap();
    assert_eq!(home.find().await.unwrap().instance, welcome.instance);
    assert!(home.paths.socket().as_os_str().len() > 220);
}

#[tokio::test]
async fn a_state_folder_that_others_can_enter_is_refused() {
    let home = Home::new();
    home.paths.create().unwrap();
    fs::set_permissions(&home.paths.state, fs::Permissions::from_mode(0o770)).unwrap();
    let failure = home.attach().await.unwrap_err();
    assert_eq!(failure.next, format!("chmod 700 {}", home.paths.state.display()));
    let engine = home.run(&["engine", "run"]);
    assert!(!engine.status.success() && stderr(&engine).contains("chmod 700"), "{}", stderr(&engine));
    assert!(!home.paths.socket().exists() && !home.paths.lock().exists(), "nothing half made");
    if nix::unistd::geteuid().is_root() {
        fs::set_permissions(&home.paths.state, fs::Permissions::from_mode(0o700)).unwrap();
        nix::unistd::chown(&home.paths.state, Some(12_345.into()), None).unwrap();
        let failure = home.attach().await.unwrap_err();
        assert!(failure.got.contains("belongs to the account 12345"), "{failure}");
        let engine = home.run(&["engine", "run"]);
        assert!(!engine.status.success() && stderr(&engine).contains("12345"), "{}", stderr(&engine));
    }
}

#[tokio::test]
async fn an_engine_that_cannot_start_says_why_to_the_client() {
    let home = Home::new();
    home.paths.create().unwrap();
    fs::write(home.paths.settings(), "[engine]\nidle_ours = 3\n").unwrap();
    let failure = home.attach().await.unwrap_err();
    assert!(failure.got.contains("settings.toml:2:1: unknown key engine.idle_ours (did you mean idle_hours?)"), "{failure}");
}

#[tokio::test]
async fn an_engine_whose_home_is_gone_ends() {
    let home = Home::new();
    let mut engine = home.command(&["engine", "run"]).env("QUARTERDECK_TEST_LOOK", "20").stderr(Stdio::null()).spawn().unwrap();
    until("the engine listens", || home.paths.socket().exists().then_some(()));
    fs::remove_dir_all(&home.paths.state).unwrap();
    assert!(engine.wait().unwrap().success());
}
