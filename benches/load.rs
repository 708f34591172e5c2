//! What runs and those who look at them cost the engine.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use quarterdeck::ansible::events::Tail;
use quarterdeck::client::{self, Incoming, Options};
use quarterdeck::config::Paths;
use quarterdeck::model::play::{Outcome, PlayBody};
use quarterdeck::model::{PlayEvent, PlayState, RunNo, Time};
use quarterdeck::protocol::{Answer, ClientKind, Command, FromEngine, Live, Topic};
use tokio::runtime::Runtime;

use crate::home::Home;
use crate::process::{cpu_with_children, resident};
use crate::report::Report;
use crate::stage::Stage;
use crate::store::place;
use crate::support::until;

/// Runs under way at once.
const RUNS: u32 = 8;
const WATCHERS: usize = 20;
/// How long CPU is counted.
const WINDOW: Duration = Duration::from_secs(10);
/// Tasks and hosts of the large playbook.
const LARGE: (u32, u32) = (200, 5000);

pub fn run(report: &mut Report) {
    report.measure("engine.play_event", play_event);
    let staged = ["engine.memory_per_run", "engine.watcher_cpu"];
    if !report.wants(&staged) {
        return;
    }
    let clusters = if report.wants(&["engine.memory_per_run"]) { RUNS } else { 1 };
    let stage = match Stage::set(Home::at(place()), clusters) {
        Ok(stage) => stage,
        Err(why) => return staged.iter().for_each(|name| report.skip(name, &why)),
    };
    report.measure("engine.memory_per_run", || memory_per_run(&stage));
    report.measure("engine.watcher_cpu", || watcher_cpu(&stage));
}

/// MiB that each run adds.
fn memory_per_run(stage: &Stage) -> f64 {
    let engine = stage.home.engine().unwrap();
    // What the first run makes stays for the next.
    stage.cancel(&begun(stage, 1));
    let before = resident(engine);
    let runs: Vec<String> = (1..=RUNS).map(|cluster| begun(stage, cluster)).collect();
    // Until what beginning takes is given back.
    std::thread::sleep(Duration::from_secs(2));
    let after = resident(engine);
    runs.iter().for_each(|run| stage.cancel(run));
    println!("  the engine: {before:.1} MiB without, {after:.1} MiB with {RUNS} runs");
    (after - before) / f64::from(RUNS)
}

/// A run that is in the middle of its playbook.
fn begun(stage: &Stage, cluster: u32) -> String {
    let run = stage.start("wait.yml", cluster);
    until("the playbook writes", || std::fs::metadata(stage.output(&run)).ok().filter(|m| m.is_file() && m.len() > 0));
    run
}

/// CPU of the engine that each of some watchers costs, %: they follow a run whose output grows by 50,000 lines a
/// second, as a console does.
fn watcher_cpu(stage: &Stage) -> f64 {
    let run = stage.start("flood.yml", 1);
    let number = RunNo(run.parse().unwrap());
    let engine = stage.home.engine().unwrap();
    let percent = || {
        // The flood is at its full speed by then.
        std::thread::sleep(Duration::from_secs(2));
        let (before, began) = (cpu_with_children(engine), Instant::now());
        std::thread::sleep(WINDOW);
        (cpu_with_children(engine) - before) / began.elapsed().as_secs_f64() * 100.0
    };
    let alone = percent();
    let runtime = Runtime::new().unwrap();
    for _ in 0..WATCHERS {
        let options = Options::new(ClientKind::Test, Paths::under(stage.home.path())).following();
        runtime.spawn(watch(options, number));
    }
    let watched = percent();
    runtime.shutdown_background();
    stage.cancel(&run);
    println!("  the engine: {alone:.1} % alone, {watched:.1} % with {WATCHERS} watchers");
    (watched - alone) / WATCHERS as f64
}

/// Looks at the last lines of a run as often as they change, one question at a time.
async fn watch(options: Options, run: RunNo) {
    let client = client::connect(options).await.unwrap();
    let mut incoming = client.incoming();
    client.request(Command::Subscribe { topics: vec![Topic::Run { run }] }).await.unwrap();
    let mut seen = 0;
    while let Some(message) = incoming.recv().await {
        let Incoming::Engine(FromEngine::Live { body: Live::Output { step, attempt, lines, .. }, .. }) = message else {
            continue;
        };
        let from = lines.saturating_sub(110).max(seen);
        let page = Command::OutputPage { run, step, attempt, from, count: 110, pick: Vec::new(), times: false };
        if let Ok(Answer::Output(page)) = client.request(page).await {
            seen = page.from + page.lines.len() as u64;
        }
    }
}

/// Time to read and take in one event, µs: of the tenth of a large playbook's events that costs most.
fn play_event() -> f64 {
    let home = place();
    let path = home.path().join("events.jsonl");
    let events = write_events(&path);
    let (mut tail, mut state) = (Tail::new(&path), PlayState::default());
    let mut tenths = [Duration::ZERO; 10];
    let mut done = 0;
    while done < events {
        let began = Instant::now();
        let some = tail.read(2000);
        some.iter().for_each(|event| state.apply(event));
        tenths[usize::try_from(done * 10 / events).unwrap()] += began.elapsed();
        assert!(!some.is_empty());
        done += some.len() as u64;
    }
    assert_eq!(state.totals.ok, u64::from(LARGE.0) * u64::from(LARGE.1));
    let each = tenths.map(|time| time.as_secs_f64() * 1e6 * 10.0 / events as f64);
    println!("  first tenth {:.2} µs, last {:.2} µs an event, of {events}", each[0], each[9]);
    each.into_iter().fold(0.0, f64::max)
}

/// Writes what the callback plugin would; how many events.
fn write_events(path: &Path) -> u64 {
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path).unwrap());
    let mut count = 0;
    let mut tell = |body: PlayBody| {
        let event = PlayEvent { at: Time(1_800_000_000_000 + count), offset: 100 * count.unsigned_abs(), body };
        serde_json::to_writer(&mut file, &event).unwrap();
        file.write_all(b"\n").unwrap();
        count += 1;
    };
    let hosts: Vec<String> = (0..LARGE.1).map(|n| format!("node-{n:04}.example.org")).collect();
    tell(PlayBody::Playbook { name: "site.yml".into() });
    tell(PlayBody::Play { id: "p".into(), name: "all".into(), hosts: hosts.clone() });
    for task in 0..LARGE.0 {
        let id = format!("0242ac11-0002-5b1e-9c4a-{task:012}");
        let (name, action) = (format!("install package {task}"), "package".to_owned());
        tell(PlayBody::Task { id: id.clone(), name, action, handler: false, no_log: false, path: "site.yml:7".into() });
        for host in &hosts {
            tell(PlayBody::Start { task: id.clone(), host: host.clone() });
            let (task, host) = (id.clone(), host.clone());
            let (msg, detail) = (String::new(), String::new());
            tell(PlayBody::Result { task, host, outcome: Outcome::Ok, took: 1240, msg, detail });
        }
    }
    file.flush().unwrap();
    count.unsigned_abs()
}
