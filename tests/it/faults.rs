//! The engine killed at every write of its journal, and at random moments: each run ends as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::Value;

use crate::home::{Home, Said, finish};

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

/// The life of a cluster, with the engine killed by `disturb`; the same as one without.
fn whole_life(disturb: impl Fn(&Home, &[&str]) -> Said) {
    let home = Home::with_sandbox();
    disturb(&home, CREATE).ok();
    assert_eq!(tokens(&home).len(), 3);
    let before = tokens(&home);
    disturb(&home, PLAYBOOK).ok();
    assert_eq!(tokens(&home), before);
    check_output(&home, 2);
    let (create, playbook) = (outcome(&home, 1), outcome(&home, 2));
    disturb(&home, DELETE).ok();
    assert_eq!(servers(&home), Vec::<Value>::new());
    assert_eq!(home.run(["cluster", "list", "--json"]).ok().json(), serde_json::json!([]));

    let calm = Home::with_sandbox();
    for command in [CREATE, PLAYBOOK] {
        calm.run(command).ok();
    }
    assert_eq!(create, outcome(&calm, 1));
    assert_eq!(playbook, outcome(&calm, 2));
}

/// Starts the command, then lets one engine after the other carry it on, each killed at its first (or second) write.
fn killed_at(home: &Home, command: &[&str], point: &str) -> Said {
    let started = home.run(command.iter().copied().chain(["--detach"])).ok();
    home.kill_engine();
    let run = home.last_run(&started);
    let until = Instant::now() + LIMIT;
    let mut engines = 0;
    loop {
        assert!(Instant::now() < until, "run {run} does not end under {engines} engines");
        let mut engine = home.command(["engine", "run"]);
        let mut engine = engine.env("QUARTERDECK_TEST_KILL", point).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        engines += 1;
        let mut look = Instant::now();
        while engine.try_wait().unwrap().is_none() {
            if look.elapsed() > Duration::from_millis(400) {
                look = Instant::now();
                // The engine may be killed while it answers: then the next look tells.
                let mut show = home.command(["run", "show", &run, "--json"]);
                show.env("QUARTERDECK_TEST_KILL", point);
                let said = finish(show, LIMIT);
                let shown: Value = serde_json::from_str(&said.out).unwrap_or_default();
                if matches!(shown["run"]["state"].as_str(), Some("done" | "failed" | "undone" | "cancelled")) {
                    engine.kill().unwrap();
                    engine.wait().unwrap();
                    home.kill_engine();
                    println!("run {run}: {engines} engines");
                    assert!(engines > 3, "the kill points did not work");
                    return home.run(["run", "tail", &run]);
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn killed_right_after_every_write() {
    whole_life(|home, command| killed_at(home, command, "1.after"));
}

#[test]
fn killed_right_before_every_second_write() {
    whole_life(|home, command| killed_at(home, command, "2.before"));
}

#[test]
fn killed_at_random_moments() {
    whole_life(|home, command| {
        let calm_after = Instant::now() + Duration::from_secs(20);
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = rand::rng();
                while !done.load(std::sync::atomic::Ordering::Acquire) && Instant::now() < calm_after {
                    std::thread::sleep(Duration::from_millis(random.random_range(20..700)));
                    home.kill_engine();
                }
            });
            let said = finish(home.command(command), LIMIT);
            done.store(true, std::sync::atomic::Ordering::Release);
            said
        })
    });
}
