//! The watchers' socket of a real engine: nothing that is sent there changes anything. Every command is sent, and what
//! is no command.

use std::collections::BTreeMap;
use std::path::Path;

use quarterdeck::client::{self, Options};
use quarterdeck::config::Paths;
use quarterdeck::model::run::Ending;
use quarterdeck::model::*;
use quarterdeck::protocol::command::{Reach, RefusalCode, StopMode};
use quarterdeck::protocol::message::Reply;
use quarterdeck::protocol::{ClientKind, Command, FromEngine, ListKind, Request, Role, SpecSource, StreamRequest, Topic, View};
use serde_json::json;
use tokio::net::UnixStream;
use uuid::Uuid;

use super::bench::Raw;
use crate::home::Home;
use crate::support::PROGRAM;

/// Every command once, with what it may do at most. A command that is missing here does not compile.
macro_rules! commands {
    ($($reach:ident: $name:ident { $($field:ident: $value:expr),* };)*) => {
        fn every_command() -> Vec<(Command, Reach)> {
            // Each name must be told apart from all others, and all must be here.
            fn _all(command: &Command) {
                match command { $(Command::$name { .. } => {})* }
            }
            vec![$((Command::$name { $($field: $value),* }, Reach::$reach)),*]
        }
    };
}

fn sandbox() -> CloudName {
    CloudName::new("sandbox")
}

fn nobody() -> ClusterId {
    ClusterId(Uuid::nil())
}

fn server() -> Box<NewServer> {
    let tags = json!({"home": Uuid::nil(), "cluster": Uuid::nil(), "node": "evil", "token": "qd-evil"});
    let server = json!({"name": "evil", "flavor": "tiny", "image": "host", "authorized_keys": [], "tags": tags});
    serde_json::from_value(server).unwrap()
}

fn image() -> Box<NewImage> {
    serde_json::from_value(json!({"name": "evil", "path": "/dev/null", "token": "qd-evil"})).unwrap()
}

fn build() -> Box<NewBuild> {
    serde_json::from_value(json!({"docker": "default", "context": "/", "dockerfile": "etc/passwd"})).unwrap()
}

commands! {
    Looks: Subscribe { topics: vec![Topic::Clouds, Topic::Presence, Topic::Forwards] };
    Looks: Unsubscribe { topics: vec![Topic::Clouds] };
    Looks: Refresh { cloud: sandbox(), list: ListKind::Servers };
    Looks: Status {};
    Looks: Clouds { test: true };
    Looks: List { cloud: sandbox(), list: ListKind::Flavors };
    Looks: Dockers { test: false };
    Looks: Docker { docker: DockerName::new("evil"), list: DockerList::Images };
    Looks: DockerRefresh { docker: DockerName::new("evil"), list: DockerList::Volumes };
    Looks: RunDetail { run: RunNo(1) };
    Looks: OutputPage { run: RunNo(1), step: 0, attempt: 0, from: 0, count: 9, pick: Vec::new(), times: true };
    Looks: SearchOutput {
        run: RunNo(1), step: 0, attempt: 0, find: Some(Find::text("x")), host: None, from: 0, to: 9, count: 9
    };
    Looks: OutputLine { run: RunNo(1), step: 0, attempt: 0, byte: 0 };
    Looks: PlayPage { run: RunNo(1), step: 0, attempt: 0, from: 0, count: 9 };
    Looks: Blueprints {};
    Looks: Inventory { cluster: nobody() };
    Looks: ServerShow { cloud: sandbox(), server: "evil".into() };
    Looks: ConsoleLog { cloud: sandbox(), server: "evil".into(), lines: 9 };
    Looks: ServerActions { cloud: sandbox(), server: "evil".into() };
    Looks: Timeline { cluster: nobody(), node: "a".into(), count: 9 };
    Looks: Audit { count: 9 };
    Looks: Plan { plan: PlanId(Uuid::nil()) };
    Looks: Rules {};
    // What it says of itself is its own, and ends with its line. That it is read-only cannot be lifted.
    Looks: Session { view: Some(Box::new(View::default())), read_only: Some(false) };
    Plans: PlanCreate { source: SpecSource::Blueprint { blueprint: "hello".into(), text: None }, name: None, cloud: None };
    Plans: PlanScale { cluster: nobody(), counts: BTreeMap::new() };
    Plans: PlanRepair { cluster: nobody() };
    Plans: PlanDelete { cluster: nobody() };
    Plans: PlanUndo { run: RunNo(1) };
    Plans: PlanPlaybook { cluster: nobody(), playbooks: Vec::new(), base_dir: "/".into() };
    Plans: Examine {};
    Plans: CloudTry { name: CloudName::new("evil"), driver: Driver::Sandbox, settings: BTreeMap::new() };
    Acts: Apply { plan: PlanId(Uuid::nil()), vault_password: None };
    Acts: Cancel { run: RunNo(1), mode: Ending::Force };
    Acts: Retry { run: RunNo(1), failed_hosts: false };
    Acts: Answer { prompt: PromptId(Uuid::nil()), word: "yes".into(), text: None };
    Acts: Pin { run: RunNo(1), pinned: true };
    Acts: ServerCreate { cloud: sandbox(), server: server() };
    Acts: ServerDelete { cloud: sandbox(), server: "evil".into() };
    Acts: ServerPower { cloud: sandbox(), server: "evil".into(), action: PowerAction::Stop };
    Acts: ServerChange { cloud: sandbox(), server: "evil".into(), change: ServerChange::ConfirmResize };
    Acts: KeyPairCreate { cloud: sandbox(), name: "evil".into(), path: "/tmp/evil".into() };
    Acts: KeyPairImport { cloud: sandbox(), name: "evil".into(), public_key: "ssh-ed25519 AAAA".into() };
    Acts: KeyPairDelete { cloud: sandbox(), name: "evil".into() };
    Acts: ServerGroupCreate { cloud: sandbox(), name: "evil".into(), policy: "affinity".into() };
    Acts: ServerGroupDelete { cloud: sandbox(), group: "evil".into() };
    Acts: ImageRegister { cloud: sandbox(), name: "evil".into(), path: "/".into() };
    Acts: ImageUpload { cloud: sandbox(), image: image() };
    Acts: ImageDelete { cloud: sandbox(), image: "host".into() };
    Acts: CloudAdd { name: "evil".into(), driver: Driver::Sandbox, settings: BTreeMap::new() };
    Acts: CloudRemove { name: sandbox() };
    Acts: CloudUse { name: sandbox() };
    Acts: CloudSet { name: sandbox(), settings: [("prod".to_owned(), "true".to_owned())].into() };
    Acts: CommandRun { name: "note".into(), thing: Thing::Cloud { cloud: sandbox() }, inputs: BTreeMap::new() };
    Acts: ForwardOpen { through: Thing::Node { cluster: nobody(), node: "node-1".into() }, route: "0:22".parse().unwrap() };
    Acts: ForwardClose { number: 1 };
    Acts: BuildRun { build: build(), secrets: BTreeMap::new() };
    Acts: AnsibleInstall {};
    Acts: Stop { mode: StopMode::Now };
    Acts: Restart {};
}

/// A home with a cloud, a run that has ended, a command of its own, and a socket for watchers.
struct Place {
    home: Home,
    paths: Paths,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let paths = Paths::under(home.path());
        paths.create().unwrap();
        std::fs::create_dir(home.path().join("watch")).unwrap();
        let group = nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap().name;
        let settings = format!(
            "[watch]\ndir = \"{}\"\ngroup = \"{group}\"\n\n[clouds.sandbox]\ndriver = \"sandbox\"\n\n[[command]]\nname = \"note\"\non = \"cloud\"\nargv = [\"echo\", \"noted\"]\n",
            home.path().join("watch").display()
        );
        std::fs::write(paths.settings(), settings).unwrap();
        home.run(["command", "run", "note", "sandbox"]).ok();
        Self { home, paths }
    }

    fn options(&self) -> Options {
        Options { program: PROGRAM.into(), start_engine: false, ..Options::new(ClientKind::Test, self.paths.clone()) }
    }

    /// A line of a watcher's own making, behind the welcome.
    async fn raw(&self) -> Raw {
        let stream = UnixStream::connect(self.home.path().join("watch/watch.sock")).await.unwrap();
        let mut raw = Raw::over(Box::new(stream));
        raw.hello(|_| {}).await;
        match raw.next().await {
            Some(FromEngine::Welcome(welcome)) => assert_eq!(welcome.role, Role::Watcher, "whatever it wants to be"),
            other => panic!("{other:?}"),
        }
        raw
    }

    /// Everything that is there: what is recorded, and every file. Lists that were read are kept, and a sandbox counts
    /// its calls: that is no change.
    fn everything(&self) -> Vec<String> {
        let mut out = Vec::new();
        for part in ["config", "data", "watch"] {
            walk(&self.home.path().join(part), &mut out);
        }
        let store = self.home.path().join("data/quarterdeck.db");
        let store = rusqlite::Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        for table in ["meta", "event", "run", "step", "cluster", "node", "prompt", "audit", "idem", "plan"] {
            let mut rows = store.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = rows.column_count();
            let line = |row: &rusqlite::Row<'_>| (0..columns).map(|i| row.get::<_, rusqlite::types::Value>(i)).collect();
            let all: Vec<Vec<_>> = rows.query_map([], line).unwrap().map(Result::unwrap).collect();
            out.extend(all.into_iter().map(|row| format!("{table} {row:?}")));
        }
        out
    }
}

fn walk(dir: &Path, out: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.display().to_string();
        // What a test of the sandbox makes and takes away again, while it goes on.
        if name.contains("/check-") {
            continue;
        }
        if path.is_dir() {
            out.push(name);
            walk(&path, out);
        } else if path.is_file() && !name.contains("quarterdeck.db") && !name.ends_with("/faults") {
            out.push(format!("{name} {:?}", String::from_utf8_lossy(&std::fs::read(&path).unwrap())));
        }
    }
}

/// What is different.
#[track_caller]
fn same(now: &[String], before: &[String]) {
    let new: Vec<_> = now.iter().filter(|line| !before.contains(line)).collect();
    let gone: Vec<_> = before.iter().filter(|line| !now.contains(line)).collect();
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}\ngone: {gone:#?}");
}

/// The refusal of the newest request.
async fn refusal(raw: &mut Raw, want: u64) -> quarterdeck::protocol::Refusal {
    loop {
        match raw.next().await {
            Some(FromEngine::Reply { req, result: Reply::Refused(refusal) }) if req == want => return refusal,
            Some(FromEngine::Reply { req, result }) if req == want => panic!("{result:?}"),
            Some(_) => {}
            None => panic!("the line was closed"),
        }
    }
}

#[tokio::test]
async fn nothing_that_a_watcher_sends_changes_anything() {
    let place = Place::new();
    let before = place.everything();
    let mut raw = place.raw().await;
    let mut req = 0;
    for (command, reach) in every_command() {
        assert_eq!(command.reach(), reach, "{command:?}");
        // With a key and without, twice: a key is no way past the role.
        for idem in [None, Some(Uuid::from_u128(7)), Some(Uuid::from_u128(7))] {
            req += 1;
            let line = serde_json::to_string(&Request { req, idem, command: command.clone() }).unwrap();
            raw.send(line).await;
            if reach == Reach::Looks {
                continue;
            }
            let refusal = refusal(&mut raw, req).await;
            assert_eq!(refusal.code, RefusalCode::Refused, "{command:?}: {refusal:?}");
            assert!(refusal.failure.got.contains("a watcher may look, not act"), "{command:?}: {refusal:?}");
        }
    }
    // The last answers are here: everything before has been served.
    req += 1;
    raw.send(serde_json::to_string(&Request { req, idem: None, command: Command::Restart }).unwrap()).await;
    refusal(&mut raw, req).await;
    same(&place.everything(), &before);
    // The same command does something when an operator sends it.
    let add = Command::CloudAdd { name: "other".into(), driver: Driver::Sandbox, settings: BTreeMap::new() };
    client::connect(place.options()).await.unwrap().request(add).await.unwrap();
    assert_ne!(place.everything(), before);
}

#[tokio::test]
async fn lines_that_are_no_commands_change_nothing_either() {
    let place = Place::new();
    let before = place.everything();
    // Numbered: told so, and the line stays.
    let mut raw = place.raw().await;
    let odd = [
        r#"{"req":REQ,"command":{"do":"restart_now"}}"#,
        r#"{"req":REQ,"command":{"do":"RESTART"}}"#,
        r#"{"req":REQ,"command":{"do":"pin","run":1}}"#,
        r#"{"req":REQ,"command":{"do":"pin","run":"1","pinned":true}}"#,
        r#"{"req":REQ,"command":{"do":"status","do":"restart"}}"#,
        r#"{"req":REQ,"command":{"do":"status"},"command":{"do":"restart"}}"#,
        r#"{"req":REQ,"command":["restart"]}"#,
        r#"{"req":REQ,"command":"restart"}"#,
        r#"{"req":REQ,"idem":"no key","command":{"do":"restart"}}"#,
        r#"{"req":REQ}"#,
    ];
    for (req, line) in odd.iter().enumerate() {
        raw.send(line.replace("REQ", &req.to_string())).await;
        let refusal = refusal(&mut raw, req as u64).await;
        assert!(matches!(refusal.code, RefusalCode::Bad | RefusalCode::Refused), "{line}: {refusal:?}");
    }
    // Anything else ends the line, with the reason.
    let ends: [Vec<u8>; 7] = [
        b"restart".to_vec(),
        b"{\"command\":{\"do\":\"restart\"}}".to_vec(),
        b"{\"req\":-1,\"command\":{\"do\":\"restart\"}}".to_vec(),
        b"[{\"req\":1,\"command\":{\"do\":\"restart\"}}]".to_vec(),
        b"\xff\xfe\x00\x1b[2J".to_vec(),
        [b"{\"req\":1,\"command\":".as_slice(), &b"[".repeat(5000)].concat(),
        b"x".repeat((1 << 20) + 1),
    ];
    for line in ends {
        let mut raw = place.raw().await;
        raw.send_bytes(&line).await;
        let (reason, _) = raw.bye().await;
        assert!(reason.contains("no request") || reason.contains("longer than"), "{reason}");
        assert!(raw.next().await.is_none());
    }
    // A second hello is no request, and a stream is not let in.
    let mut raw = place.raw().await;
    raw.hello(|hello| hello.role = Role::Operator).await;
    raw.bye().await;
    let node = || StreamRequest::Shell { cluster: nobody(), node: "a".into(), command: Some("id".into()), pty: None };
    let fan = StreamRequest::FanOut { cluster: nobody(), nodes: Vec::new(), command: "id".into(), at_once: 1 };
    let machine = StreamRequest::ServerShell { cloud: sandbox(), server: "a".into(), command: None, pty: None };
    for stream in [node(), fan, machine] {
        let socket = UnixStream::connect(place.home.path().join("watch/watch.sock")).await.unwrap();
        let mut raw = Raw::over(Box::new(socket));
        raw.hello(|hello| hello.stream = Some(stream)).await;
        assert!(raw.bye().await.0.contains("a watcher may look, not act"));
    }
    same(&place.everything(), &before);
}
