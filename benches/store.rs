//! What recording costs.

use std::path::Path;
use std::time::{Duration, Instant};

use quarterdeck::model::{Run, RunNo, RunState, Step};
use quarterdeck::protocol::{Event, EventBody};
use quarterdeck::store::{Since, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::report::Report;

pub fn run(report: &mut Report) {
    let runtime = Runtime::new().unwrap();
    let samples = Samples::read();
    report.measure("store.append", || append(&runtime, &samples));
    report.measure("store.append_100_tasks", || append_100_tasks(&runtime, &samples));
    report.measure("store.thousand_steps", || thousand_steps(&runtime, &samples));
    if report.wants(&["store.open", "store.events_since"]) {
        let (home, store) = full_store(&runtime, &samples);
        report.measure("store.events_since", || events_since(&runtime, &store));
        drop(store);
        report.measure("store.open", || open(home.path()));
    }
}

/// A directory on the disk that the build is on: the one for temporary files may be memory.
pub fn place() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The value in the middle of some times, milliseconds.
pub fn median(times: Vec<Duration>) -> f64 {
    percentile(times, 50)
}

/// The value below which so many percent of the times are, milliseconds.
pub fn percentile(mut times: Vec<Duration>, percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

/// A realistic run and step, out of the golden corpus.
struct Samples {
    run: Box<Run>,
    step: Box<Step>,
}

impl Samples {
    fn read() -> Self {
        let (mut run, mut step) = (None, None);
        for line in include_str!("../tests/golden/events-v1.ndjson").lines() {
            match serde_json::from_str::<Event>(line).unwrap().body {
                EventBody::Run(r) => run = Some(r),
                EventBody::Step(s) if s.work.creates() => step = Some(s),
                _ => {}
            }
        }
        Self { run: run.unwrap(), step: step.unwrap() }
    }

    fn run(&self, number: u64, state: RunState) -> EventBody {
        let mut run = self.run.clone();
        (run.number, run.state) = (RunNo(number), state);
        EventBody::Run(run)
    }

    fn step(&self, run: u64, index: u32) -> EventBody {
        let mut step = self.step.clone();
        (step.run, step.index) = (RunNo(run), index);
        EventBody::Step(step)
    }
}

fn append(runtime: &Runtime, samples: &Samples) -> f64 {
    let home = place();
    let store = Store::open(home.path()).unwrap();
    let times = (0..300).map(|i| {
        let begin = Instant::now();
        runtime.block_on(store.append(vec![samples.step(1, i)], None)).unwrap();
        begin.elapsed()
    });
    median(times.collect())
}

/// So many tasks, each with so many appends one after the other: a step and its run each time.
fn side_by_side(runtime: &Runtime, samples: &Samples, tasks: u32, appends: u32) -> Duration {
    let home = place();
    let store = Store::open(home.path()).unwrap();
    let bodies = |task, i| vec![samples.step(1, task * appends + i / 2), samples.run(1, RunState::Running)];
    let work: Vec<Vec<_>> = (0..tasks).map(|task| (0..appends).map(|i| bodies(task, i)).collect()).collect();
    let begin = Instant::now();
    runtime.block_on(async {
        let tasks = work.into_iter().map(|appends| {
            let store = store.clone();
            tokio::spawn(async move {
                for bodies in appends {
                    store.append(bodies, None).await.unwrap();
                }
            })
        });
        futures::future::try_join_all(tasks).await.unwrap();
    });
    begin.elapsed()
}

fn append_100_tasks(runtime: &Runtime, samples: &Samples) -> f64 {
    median((0..3).map(|_| side_by_side(runtime, samples, 100, 50) / 5000).collect())
}

fn thousand_steps(runtime: &Runtime, samples: &Samples) -> f64 {
    median((0..5).map(|_| side_by_side(runtime, samples, 50, 40)).collect())
}

/// 50,000 events: 200 runs of 50 steps, each step recorded five times.
fn full_store(runtime: &Runtime, samples: &Samples) -> (TempDir, Store) {
    let home = place();
    let store = Store::open(home.path()).unwrap();
    runtime.block_on(async {
        for number in 1..=200 {
            let steps = (0..250).map(|i| samples.step(number, i / 5));
            let state = if number > 198 { RunState::Running } else { RunState::Done };
            store.append(steps.chain([samples.run(number, state)]).collect(), None).await.unwrap();
        }
    });
    (home, store)
}

fn open(dir: &Path) -> f64 {
    let times = (0..9).map(|_| {
        let begin = Instant::now();
        let store = Store::open(dir).unwrap();
        let loaded = store.load().unwrap();
        let took = begin.elapsed();
        assert_eq!((loaded.runs.len(), loaded.unfinished_steps.len()), (200, 100));
        took
    });
    median(times.collect())
}

fn events_since(runtime: &Runtime, store: &Store) -> f64 {
    let times = (0..99).map(|_| {
        let begin = Instant::now();
        let events = runtime.block_on(store.events_since(store.seq() - 500, 500)).unwrap();
        assert!(matches!(events, Since::Events(events) if events.len() == 500));
        begin.elapsed()
    });
    median(times.collect())
}
