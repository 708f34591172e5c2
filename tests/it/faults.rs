//! The engine killed at every write of its journal, and at random moments: each run ends as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::home::{Home, Said};

/// The longest that a command may take while its engine is killed again and again.
const LIMIT: Duration = Duration::from_secs(200);

const CREATE: &[&str] = &["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"];
const PLAYBOOK: &[&str] = &["playbook", "run", "-c", "demo", "--yes"];
const DELETE: &[&str] = &["cluster", "delete", "demo", "--yes"];

/// What a run came to, without what may differ: times, attempts, addresses.
#[derive(Debug, PartialEq)]
struct Outcome {
    state: String,
    steps: BTreeMap<String, String>,
    hosts: BTreeMap<String, Value>,
}

fn outcome(home: &Home, run: u64) -> Outcome {
    let shown = home.run(["run", "show", &run.to_string(), "--json"]).ok().json();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let steps = shown["steps"].as_array().unwrap().iter().map(|s| (text(&s["title"]), text(&s["state"]["is"]))).collect();
    let plays = shown["plays"].as_array().unwrap();
    let hosts = plays.iter().flat_map(|p| p["state"]["hosts"].as_object().unwrap().iter());
    Outcome {
        state: text(&shown["run"]["state"]),
        steps,
        hosts: hosts.map(|(name, host)| (name.clone(), host["totals"].clone())).collect(),
    }
}

fn servers(home: &Home) -> Vec<Value> {
    home.run(["server", "list", "--json"]).ok().json().as_array().unwrap().clone()
}

/// The tokens of all servers; a server twice fails the test.
fn tokens(home: &Home) -> BTreeSet<String> {
    let servers = servers(home);
    let tokens: BTreeSet<_> = servers.iter().map(|s| s["tags"]["token"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tokens.len(), servers.len(), "a server twice: {servers:#?}");
    tokens
}

/// Output lines of a run's playbook: each banner and each recap line once.
fn check_output(home: &Home, run: u64) {
    let said = home.run(["run", "tail", &run.to_string()]).ok();
    let recaps = said.out.matches("PLAY RECAP").count();
    assert_eq!(recaps, 1, "output lost or doubled:\n{}", said.out);
}

/// The life of a cluster under engines that end as `end` says; then the same in peace, to compare.
fn whole_life(end: &dyn End, compare: bool) {
    let home = Home::with_sandbox();
    carried_on(&home, CREATE, end).ok();
    assert_eq!(tokens(&home).len(), 3);
    let before = tokens(&home);
    carried_on(&home, PLAYBOOK, end).ok();
    assert_eq!(tokens(&home), before);
    check_output(&home, 2);
    let (create, playbook) = (outcome(&home, 1), outcome(&home, 2));
    carried_on(&home, DELETE, end).ok();
    assert_eq!(servers(&home), Vec::<Value>::new());
    assert_eq!(home.run(["cluster", "list", "--json"]).ok().json(), serde_json::json!([]));
    if compare {
        let calm = Home::with_sandbox();
        for command in [CREATE, PLAYBOOK] {
            calm.run(command).ok();
        }
        assert_eq!(create, outcome(&calm, 1));
        assert_eq!(playbook, outcome(&calm, 2));
    }
}

/// How engines end.
pub trait End {
    /// What the engine is told when it starts.
    fn prepare(&self, engine: &mut Command);
    /// Whether it is to be killed now, `age` after its start.
    fn due(&self, age: Duration) -> bool;
}

/// By its own hand, at a write of the journal.
pub struct AtWrite(pub &'static str);

impl End for AtWrite {
    fn prepare(&self, engine: &mut Command) {
        engine.env("QUARTERDECK_TEST_KILL", self.0);
    }

    fn due(&self, _age: Duration) -> bool {
        false
    }
}

/// At a random moment, until enough engines were killed.
pub struct AtRandom {
    left: AtomicU32,
    next: AtomicU32,
}

impl AtRandom {
    /// So many engines.
    pub fn kills(count: u32) -> Self {
        Self { left: AtomicU32::new(count), next: AtomicU32::new(0) }
    }

    /// How many of them are still to be killed.
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }
}

impl End for AtRandom {
    fn prepare(&self, _engine: &mut Command) {
        self.next.store(rand::random_range(20..900), Ordering::Relaxed);
    }

    fn due(&self, age: Duration) -> bool {
        let due = self.left.load(Ordering::Relaxed) > 0 && age.as_millis() > u128::from(self.next.load(Ordering::Relaxed));
        if due {
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
        due
    }
}

/// Starts the command, then lets one engine after the other carry it on.
fn carried_on(home: &Home, command: &[&str], end: &dyn End) -> Said {
    carried_on_within(home, command, end, LIMIT)
}

/// The same with a limit of its own.
pub fn carried_on_within(home: &Home, command: &[&str], end: &dyn End, limit: Duration) -> Said {
    all_carried_on(home, &[command], end, limit).remove(0)
}

/// The same with several commands at once, under one engine after the other.
pub fn all_carried_on(home: &Home, commands: &[&[&str]], end: &dyn End, limit: Duration) -> Vec<Said> {
    let start = |command: &&[&str]| home.last_run(&home.run(command.iter().copied().chain(["--detach"])).ok());
    let runs: Vec<String> = commands.iter().map(start).collect();
    home.kill_engine();
    let until = Instant::now() + limit;
    let mut engines = 0;
    loop {
        assert!(Instant::now() < until, "runs {runs:?} do not end under {engines} engines");
        let mut engine = home.command(["engine", "run"]);
        end.prepare(&mut engine);
        let mut engine = engine.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        engines += 1;
        let (start, mut look) = (Instant::now(), Instant::now());
        let gone = loop {
            if let Some(status) = engine.try_wait().unwrap() {
                break status;
            }
            let ended = look.elapsed() > Duration::from_millis(500) && {
                look = Instant::now();
                runs.iter().all(|run| has_ended(home, run))
            };
            if ended || end.due(start.elapsed()) {
                engine.kill().unwrap();
                engine.wait().unwrap();
                if ended {
                    println!("runs {runs:?}: {engines} engines");
                    return runs.iter().map(|run| home.run(["run", "tail", run])).collect();
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // A client that met a dying engine has started one that knows nothing of its end.
        if gone.code() == Some(HELD) {
            home.kill_engine();
        }
    }
}

/// How an engine in the foreground ends that found another one in its place: it is refused.
const HELD: i32 = 3;

/// Asks the engine that runs now, and starts none.
fn has_ended(home: &Home, run: &str) -> bool {
    let show = home.run(["run", "show", run, "--json"]);
    let shown: Value = serde_json::from_str(&show.out).unwrap_or_default();
    matches!(shown["run"]["state"].as_str(), Some("done" | "failed" | "undone" | "cancelled"))
}

#[test]
fn killed_right_after_every_write() {
    whole_life(&AtWrite("1.after"), true);
}

#[test]
fn killed_right_before_every_second_write() {
    whole_life(&AtWrite("2.before"), false);
}

#[test]
fn killed_at_random_moments() {
    whole_life(&AtRandom::kills(40), false);
}

/// The full count: `tests/soak`.
#[test]
#[ignore = "takes hours; tests/soak runs it"]
fn soak_killed_at_many_random_moments() {
    let wanted: u32 = std::env::var("QUARTERDECK_SOAK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut kills = 0;
    while kills < wanted {
        let end = AtRandom::kills(60);
        whole_life(&end, false);
        kills += 60 - end.left();
        println!("{kills} of {wanted} kills");
    }
}
