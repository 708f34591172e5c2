//! The store against its past (golden files) and against being killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use quarterdeck::model::{RunNo, Step};
use quarterdeck::protocol::{Event, EventBody};
use quarterdeck::store::{FILE, Since, Store};
use serde_json::Value;

const GOLDEN: &str = include_str!("../golden/events-v1.ndjson");

fn golden() -> Vec<Event> {
    GOLDEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether everything of `old` is in `new`, which may have more members.
fn keeps(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.iter().all(|(key, value)| new.get(key).is_some_and(|n| keeps(value, n))),
        (Value::Array(old), Value::Array(new)) => old.len() == new.len() && old.iter().zip(new).all(|(o, n)| keeps(o, n)),
        _ => old == new,
    }
}

#[test]
fn events_of_every_age_are_read_and_written_back_whole() {
    let mut kinds = BTreeMap::new();
    for line in GOLDEN.lines() {
        let old: Value = serde_json::from_str(line).unwrap();
        let event: Event = serde_json::from_str(line).unwrap();
        let kind = old["kind"].as_str().unwrap();
        assert_eq!(matches!(event.body, EventBody::Unknown(_)), kind == "moon_phase", "{line}");
        let new = serde_json::to_value(&event).unwrap();
        assert!(keeps(&old, &new), "read:    {line}\nwritten: {new}");
        *kinds.entry(kind.to_owned()).or_insert(0) += 1;
    }
    let all = ["audit", "cluster", "cluster_gone", "moon_phase", "node", "node_gone", "prompt", "run", "run_gone", "step"];
    assert!(kinds.keys().eq(all), "{kinds:?}");
}

#[tokio::test]
async fn a_store_of_schema_1_opens() {
    let dir = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    db.execute_batch(include_str!("../golden/store-v1.sql")).unwrap();
    drop(db);
    let store = Store::open(dir.path()).unwrap();
    let events = all(&store).await;
    assert!(events.iter().map(|e| &e.body).eq(golden().iter().map(|e| &e.body)));
    assert_eq!(store.home_id().to_string(), "019a0000-0000-7000-8000-000000000001");
    let loaded = store.load().unwrap();
    let numbers = |runs: &[quarterdeck::model::Run]| runs.iter().map(|r| r.number.0).collect::<Vec<_>>();
    assert_eq!(numbers(&loaded.runs), [42, 43]);
    assert_eq!((loaded.nodes.len(), loaded.prompts.len(), loaded.unfinished_steps.len()), (0, 3, 5));
    assert_eq!(store.audit(9).await.unwrap().len(), 2);
    assert_eq!(store.next_run(), RunNo(44));
}

async fn all(store: &Store) -> Vec<Event> {
    match store.events_since(0, usize::MAX).await.unwrap() {
        Since::Events(events) => events,
        Since::Gone => panic!("events were trimmed"),
    }
}

// --- being killed ---

/// In the environment of this very program: what it is to do to the store in the directory after the colon.
const ROLE: &str = "QUARTERDECK_TEST_STORE_CHILD";

fn step(task: u64, index: u32) -> EventBody {
    static SAMPLE: LazyLock<Box<Step>> = LazyLock::new(|| {
        let steps = golden().into_iter().filter_map(|e| if let EventBody::Step(step) = e.body { Some(step) } else { None });
        steps.min_by_key(|step| step.index).unwrap()
    });
    let mut step = SAMPLE.clone();
    (step.run, step.index, step.title) = (RunNo(task), index, format!("step {task}/{index}"));
    EventBody::Step(step)
}

/// Not a test of its own: what the others start as a child. Tells each append that was acknowledged.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (role, dir) = role.split_once(':').unwrap();
    let store = match Store::open(Path::new(dir)) {
        Ok(store) => store,
        Err(failure) => return println!("refused {}", failure.to_string().replace('\n', " ")),
    };
    let tasks = if role == "many" { 8 } else { 1 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let appends = (0..tasks).map(|task| {
        let store = store.clone();
        runtime.spawn(async move {
            for index in 0..100_000 {
                match store.append(vec![step(task, index)], None).await {
                    Ok(events) => println!("ack {} {task} {index}", events[0].seq),
                    Err(failure) => return println!("refused {}", failure.to_string().replace('\n', " ")),
                }
            }
        })
    });
    let appends: Vec<_> = appends.collect();
    runtime.block_on(futures::future::join_all(appends));
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(role: &str, dir: &Path, environment: &[(&str, &str)]) -> (Killed, BufReader<ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, format!("{role}:{}", dir.display())).envs(environment.iter().copied());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (Killed(child), output)
}

/// `ack SEQ TASK INDEX`, wherever it is in the line: the test harness writes there too.
fn ack(line: &str) -> Option<(u64, u64, u32)> {
    let mut numbers = line[line.find("ack ")? + 4..].split_whitespace();
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Everything acknowledged is there, the numbers have no gap, the state is what the events add up to.
async fn check(store: &Store, acks: &[(u64, u64, u32)]) {
    let events = all(store).await;
    assert!(events.iter().map(|e| e.seq).eq(1..=events.len() as u64), "the numbers have gaps");
    let mut newest: BTreeMap<(RunNo, u32), Step> = BTreeMap::new();
    for event in &events {
        if let EventBody::Step(step) = &event.body {
            newest.insert((step.run, step.index), (**step).clone());
        }
    }
    for &(seq, task, index) in acks {
        let event = events.get(usize::try_from(seq - 1).unwrap()).unwrap_or_else(|| panic!("event {seq} was lost"));
        assert_eq!(event.body, step(task, index), "event {seq} is another one");
    }
    for task in 0..8 {
        let steps: Vec<Step> = newest.range((RunNo(task), 0)..(RunNo(task + 1), 0)).map(|(_, s)| s.clone()).collect();
        assert_eq!(store.steps(RunNo(task)).await.unwrap(), steps);
    }
}

#[tokio::test]
async fn killed_at_any_moment_the_store_keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acks = Vec::new();
    for round in 0..12 {
        let (mut child, output) = start("many", dir.path(), &[]);
        let until = rand::random_range(1..150);
        let mut lines = output.lines();
        let first: Vec<_> = lines.by_ref().map_while(Result::ok).filter_map(|line| ack(&line)).take(until).collect();
        assert_eq!(first.len(), until, "round {round}: the child ended by itself");
        child.0.kill().unwrap();
        acks.extend(first);
        // What was said before the end, and is still in the pipe. The last line may be cut short.
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        acks.extend(rest.iter().rev().skip(1).filter_map(|line| ack(line)));
        child.0.wait().unwrap();
        let store = Store::open(dir.path()).unwrap();
        check(&store, &acks).await;
    }
    println!("12 kills, {} acknowledged appends, all kept", acks.len());
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn a_kill_point_strikes_right_before_or_right_after_the_commit() {
    for (point, there) in [("1", 0), ("1.after", 1), ("4.before", 3), ("4.after", 4)] {
        let dir = tempfile::tempdir().unwrap();
        let (mut child, mut output) = start("one", dir.path(), &[("QUARTERDECK_TEST_KILL", point)]);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        let status = child.0.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{point}: {status}");
        let acks: Vec<_> = text.lines().filter_map(ack).collect();
        let number: usize = point.split('.').next().unwrap().parse().unwrap();
        assert_eq!(acks.len(), number - 1, "{point}");
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.seq(), there, "{point}");
        check(&store, &acks).await;
    }
}

#[cfg(debug_assertions)]
#[test]
fn a_home_on_nfs_and_a_full_disk_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let said = |home: &Path, environment| {
        let (mut child, mut output) = start("one", home, &[environment]);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        child.0.wait().unwrap();
        text
    };
    let home = dir.path().join("home");
    let text = said(&home, ("QUARTERDECK_TEST_FS", "nfs"));
    assert!(text.contains("is on NFS") && text.contains("QUARTERDECK_HOME"), "{text}");
    assert!(!home.exists(), "something was made");

    let flag = dir.path().join("full");
    std::fs::write(&flag, "").unwrap();
    let text = said(&home, ("QUARTERDECK_TEST_FULL", flag.to_str().unwrap()));
    assert!(text.contains("no space left on the disk"), "{text}");
    assert_eq!(Store::open(&home).unwrap().seq(), 0);
}
