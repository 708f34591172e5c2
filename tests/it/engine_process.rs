//! The engine's own process, started, killed, replaced and stopped as people do it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use quarterdeck::client::{self, Incoming, Options};
use quarterdeck::config::Paths;
use quarterdeck::model::{Class, Failure};
use quarterdeck::protocol::{ClientKind, Command, Role, Welcome};

use crate::home::Home;
use crate::support::{PROGRAM, alive, text, until};

/// A home, and how a client finds it.
struct Place {
    home: Home,
    paths: Paths,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let paths = Paths::under(home.path());
        Self { home, paths }
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

    /// The engine that wrote itself into the lock last.
    fn pid(&self) -> Option<i32> {
        text(self.paths.lock()).split(' ').next()?.parse().ok()
    }
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

fn gone(pid: u32) {
    until("the engine ends", || (!alive(i32::try_from(pid).unwrap())).then_some(()));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn a_client_starts_an_engine_that_stands_alone() {
    let place = Place::new();
    let welcome = place.attach().await.unwrap();
    let pid = i32::try_from(welcome.pid).unwrap();
    assert_eq!(nix::unistd::getsid(Some(Pid::from_raw(pid))).unwrap().as_raw(), pid, "a session of its own");
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/0")).unwrap(), Path::new("/dev/null"));
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/2")).unwrap(), place.paths.log());
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
    assert_eq!((mode(&place.paths.state), mode(&place.paths.socket()), mode(&place.paths.log())), (0o700, 0o600, 0o600));
    let again = Welcome { session: welcome.session, ..place.find().await.unwrap() };
    assert_eq!(again, welcome, "the next client finds it");
    signal(welcome.pid, Signal::SIGHUP);
    until("the hang-up is noted", || text(place.paths.log()).contains("hang-up is ignored").then_some(()));
    assert_eq!(place.find().await.unwrap().instance, welcome.instance);
}

#[tokio::test]
async fn nothing_of_a_shell_is_left_in_the_engine() {
    let place = Place::new();
    let mut engine = place
        .home
        .command(["engine", "run"])
        .env("OS_PASSWORD", "tr0ub4dor")
        .env("LC_ALL", "C.UTF-8")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let environment = until("the engine listens", || {
        let pid = place.pid().filter(|_| place.paths.socket().exists())?;
        Some(text(format!("/proc/{pid}/environ")))
    });
    assert!(!environment.contains("tr0ub4dor"));
    assert!(environment.contains("LC_ALL=C.UTF-8") && environment.contains("QUARTERDECK_HOME="));
    let welcome = place.find().await.unwrap();
    assert_eq!(welcome.pid, engine.id(), "in the foreground it stays the child that was started");
    signal(welcome.pid, Signal::SIGTERM);
    assert!(engine.wait().unwrap().success());
    assert!(!place.paths.socket().exists());
}

#[tokio::test]
async fn a_killed_engine_is_replaced() {
    let place = Place::new();
    let client = client::connect(place.options().following()).await.unwrap();
    let first = client.welcome();
    signal(first.pid, Signal::SIGKILL);
    gone(first.pid);
    assert!(fs::symlink_metadata(place.paths.socket()).unwrap().file_type().is_socket(), "it left its socket behind");
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
    assert_eq!(place.find().await.unwrap().instance, second.instance);
}

#[tokio::test]
async fn clients_that_start_at_once_end_up_on_one_engine() {
    let place = Place::new();
    let attached = futures::future::join_all((0..6).map(|_| place.attach())).await;
    let first = attached[0].as_ref().unwrap();
    assert!(attached.iter().all(|welcome| welcome.as_ref().unwrap().instance == first.instance), "{attached:?}");
    let engines = text(place.paths.log()).matches("serves this home pid").count();
    assert_eq!(engines, 1);
}

#[tokio::test]
async fn a_second_engine_names_the_first() {
    let place = Place::new();
    let welcome = place.attach().await.unwrap();
    let second = place.home.run(["engine", "run"]);
    assert_eq!(second.code, Some(3), "{}", second.err);
    assert!(second.err.contains(&format!("pid {}", welcome.pid)), "{}", second.err);
    assert_eq!(place.find().await.unwrap().instance, welcome.instance);
}

#[tokio::test]
async fn a_restart_keeps_the_process_and_its_clients() {
    let place = Place::new();
    let client = client::connect(place.options().following()).await.unwrap();
    let before = client.welcome();
    let after = client::restart(&place.options()).await.unwrap();
    assert_eq!(after.pid, before.pid, "executed anew in its place");
    assert_ne!(after.instance, before.instance);
    let mut incoming = client.incoming();
    while !matches!(incoming.recv().await.unwrap(), Incoming::Connected(welcome) if welcome.instance == after.instance) {}
    // Where none runs, one is started.
    let other = Place::new();
    client::restart(&other.options()).await.unwrap();
}

#[tokio::test]
async fn a_stopped_engine_stays_stopped() {
    let place = Place::new();
    let client = client::connect(place.options().following()).await.unwrap();
    let stopped = place.home.run(["engine", "stop"]);
    assert_eq!(stopped.code, Some(0), "{}", stopped.err);
    gone(client.welcome().pid);
    let mut incoming = client.incoming();
    let failure = loop {
        if let Incoming::Lost { failure, retry_in: None } = incoming.recv().await.unwrap() {
            break failure;
        }
    };
    assert_eq!(failure.next, "quarterdeck engine start", "{failure}");
    assert_eq!(place.find().await.unwrap_err().class, Class::NotFound);
    let status = place.home.run(["engine", "status"]);
    assert_eq!(status.code, Some(1));
    client.reconnect();
    while !matches!(incoming.recv().await.unwrap(), Incoming::Connected(_)) {}
    place.find().await.unwrap();
}

#[tokio::test]
async fn a_long_path_is_no_obstacle() {
    let mut place = Place::new();
    let deep = place.home.path().join("x".repeat(100)).join("y".repeat(120));
    place.paths = Paths::under(&deep);
    let welcome = place.attach().await.unwrap();
    assert_eq!(place.find().await.unwrap().instance, welcome.instance);
    assert!(place.paths.socket().as_os_str().len() > 220);
}

#[tokio::test]
async fn a_state_folder_that_others_can_enter_is_refused() {
    let place = Place::new();
    place.paths.create().unwrap();
    fs::set_permissions(&place.paths.state, fs::Permissions::from_mode(0o770)).unwrap();
    let failure = place.attach().await.unwrap_err();
    assert_eq!(failure.next, format!("chmod 700 {}", place.paths.state.display()));
    let engine = place.home.run(["engine", "run"]);
    assert!(engine.code != Some(0) && engine.err.contains("chmod 700"), "{}", engine.err);
    assert!(!place.paths.socket().exists() && !place.paths.lock().exists(), "nothing half made");
    if nix::unistd::geteuid().is_root() {
        fs::set_permissions(&place.paths.state, fs::Permissions::from_mode(0o700)).unwrap();
        nix::unistd::chown(&place.paths.state, Some(12_345.into()), None).unwrap();
        let failure = place.attach().await.unwrap_err();
        assert!(failure.got.contains("belongs to the account 12345"), "{failure}");
        let engine = place.home.run(["engine", "run"]);
        assert!(engine.code != Some(0) && engine.err.contains("12345"), "{}", engine.err);
    }
}

#[tokio::test]
async fn an_engine_that_cannot_start_says_why_to_the_client() {
    let place = Place::new();
    place.paths.create().unwrap();
    fs::write(place.paths.settings(), "[engine]\nidle_ours = 3\n").unwrap();
    let failure = place.attach().await.unwrap_err();
    assert!(failure.got.contains("settings.toml:2:1: unknown key engine.idle_ours (did you mean idle_hours?)"), "{failure}");
}

#[tokio::test]
async fn an_engine_that_is_killed_while_it_starts_is_started_again() {
    let place = Place::new();
    place.paths.create().unwrap();
    let (program, tries) = (place.home.path().join("engine"), place.home.path().join("tries"));
    let script = |most: u32| {
        let tries = tries.display();
        let text =
            format!("#!/bin/sh\necho >> {tries}\n[ $(wc -l < {tries}) -gt {most} ] || kill -9 $$\nexec {PROGRAM} \"$@\"\n");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    };
    let options = Options { program: program.clone(), ..place.options() };
    script(2);
    let welcome = client::connect(options.clone()).await.unwrap().welcome();
    assert_eq!(text(&tries).lines().count(), 3);
    signal(welcome.pid, Signal::SIGKILL);
    gone(welcome.pid);
    fs::remove_file(&tries).unwrap();
    script(9);
    let failure = client::connect(options).await.map(drop).unwrap_err();
    assert!(failure.got.contains("signal: 9"), "{failure}");
}

#[tokio::test]
async fn an_engine_whose_home_is_gone_ends() {
    let place = Place::new();
    let mut engine =
        place.home.command(["engine", "run"]).env("QUARTERDECK_TEST_LOOK", "20").stderr(Stdio::null()).spawn().unwrap();
    // The socket is there a moment before it listens.
    let listens = async {
        while place.find().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), listens).await.expect("the engine listens");
    // It may make a file between the look into the folder and its removal.
    until("its folder is gone", || fs::remove_dir_all(&place.paths.state).is_ok().then_some(()));
    assert!(engine.wait().unwrap().success());
}

#[tokio::test]
async fn people_of_a_group_look_through_a_socket_of_their_own() {
    let place = Place::new();
    place.paths.create().unwrap();
    let dir = place.home.path().join("watch");
    fs::create_dir(&dir).unwrap();
    let group = nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap().name;
    fs::write(place.paths.settings(), format!("[watch]\ndir = \"{}\"\ngroup = \"{group}\"\n", dir.display())).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(place.attach().await.unwrap_err().got.contains("other accounts can write there"));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    place.attach().await.unwrap();
    assert_eq!(mode(&dir.join("watch.sock")), 0o660);
    // Even who wants more gets no more.
    let client = client::connect(Options { watch: Some(dir), ..place.options() }).await.unwrap();
    assert_eq!(client.welcome().role, Role::Watcher);
    let refusal = client.request(Command::Restart).await.unwrap_err();
    assert_eq!(refusal.failure.class, Class::Refused);
}

/// The user's program is told of every end, with what it needs, and a program that fails harms nothing.
#[test]
fn the_users_program_is_told_when_a_run_ends() {
    let home = Home::new();
    let (program, told) = (home.path().join("told.sh"), home.path().join("told.txt"));
    let script =
        format!("#!/bin/sh\necho \"$1|$2|$3|$QUARTERDECK_STATE|$QUARTERDECK_CLUSTER|$#\" >> {}\nexit 3\n", told.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let settings = home.path().join("config/settings.toml");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(&settings, format!("[notify]\ncommand = \"{}\"\n", program.display())).unwrap();
    home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
    let spec = home.path().join("one.yml");
    std::fs::write(&spec, "name: one\ncloud: sandbox\ngroups:\n  node:\n    count: 1\n    flavor: tiny\n    image: host\n")
        .unwrap();
    home.run(["cluster", "create", "--yes", "-f", spec.to_str().unwrap()]).ok();
    home.run(["cluster", "delete", "--yes", "one"]).ok();
    let lines = || std::fs::read_to_string(&told).unwrap_or_default();
    until("both ends are told", || (lines().lines().count() >= 2).then_some(()));
    assert_eq!(lines(), "ended|1|create one|done|one|3\nended|2|delete one|done|one|3\n");
}
