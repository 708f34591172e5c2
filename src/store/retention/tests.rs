use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::RunState;
use crate::protocol::EventBody;
use crate::store::sample;

/// What the engine does, without its journal.
async fn sweep(store: &Store, limits: Limits, now: Time) -> Result<Vec<RunNo>, Failure> {
    let leaving = due(store, limits, now).await?;
    if !leaving.is_empty() {
        store.append(leaving.iter().map(|run| EventBody::RunGone(*run)).collect(), None).await?;
    }
    clear(store, leaving.clone(), now).await?;
    Ok(leaving)
}

const NOW: Time = Time(1_000 * DAY_MS);

fn ended(number: u64, days_ago: i64) -> RunSeen {
    let ended = Some(Time(NOW.0 - days_ago * DAY_MS));
    RunSeen { number: RunNo(number), over: true, ended, pinned: false }
}

fn numbers(runs: &[RunNo]) -> Vec<u64> {
    runs.iter().map(|run| run.0).collect()
}

#[test]
fn the_oldest_leave_by_number_age_and_bytes() {
    let limits = Limits { runs: 3, days: 90, bytes: 100 };
    let by_number: Vec<_> = (1..=5).map(|n| (ended(n, 1), 1)).collect();
    assert_eq!(numbers(&over(&by_number, limits, NOW)), [1, 2]);
    let by_age = [(ended(1, 91), 1), (ended(2, 89), 1)];
    assert_eq!(numbers(&over(&by_age, limits, NOW)), [1]);
    let by_bytes = [(ended(1, 3), 10), (ended(2, 2), 60), (ended(3, 1), 50)];
    assert_eq!(numbers(&over(&by_bytes, limits, NOW)), [1, 2]);
    let giant = [(ended(1, 3), 10), (ended(2, 2), 6000)];
    assert_eq!(numbers(&over(&giant, limits, NOW)), [1]);
}

#[test]
fn pinned_and_unfinished_runs_stay_and_count() {
    let limits = Limits { runs: 2, days: 90, bytes: 100 };
    let pinned = RunSeen { pinned: true, ..ended(1, 500) };
    let under_way = RunSeen { over: false, ended: None, ..ended(2, 0) };
    let runs = [(pinned, 200), (under_way, 200), (ended(3, 1), 1), (ended(4, 0), 1)];
    assert_eq!(numbers(&over(&runs, limits, NOW)), [3, 4]);
}

proptest! {
    #[test]
    fn nothing_leaves_that_may_not_and_enough_leaves(
        runs in prop::collection::vec((0..200i64, any::<bool>(), any::<bool>(), 0..50u64), 0..40),
        limits in (1..20usize, 1..150u32, 0..400u64),
    ) {
        let limits = Limits { runs: limits.0, days: limits.1, bytes: limits.2 };
        let runs: Vec<(RunSeen, u64)> = (1..)
            .zip(runs)
            .map(|(n, (age, over, pinned, size))| (RunSeen { over, pinned, ..ended(n, age) }, size))
            .collect();
        let leaving: BTreeSet<RunNo> = over(&runs, limits, NOW).into_iter().collect();
        let (gone, kept): (Vec<_>, Vec<_>) = runs.iter().partition(|(run, _)| leaving.contains(&run.number));
        prop_assert!(gone.iter().all(|(run, _)| run.over && !run.pinned));
        let may_leave: Vec<_> = kept.iter().filter(|(run, _)| run.over && !run.pinned).collect();
        let bytes: u64 = kept.iter().map(|(_, size)| size).sum();
        let newest_only = may_leave.len() == 1 && Some(may_leave[0].0.number) == runs.last().map(|(r, _)| r.number);
        prop_assert!(may_leave.is_empty() || kept.len() <= limits.runs);
        prop_assert!(may_leave.is_empty() || newest_only || bytes <= limits.bytes);
        let limit = NOW.0 - i64::from(limits.days) * DAY_MS;
        prop_assert!(may_leave.iter().all(|(run, _)| run.ended.unwrap().0 >= limit));
    }
}

fn with_output(store: &Store, run: u64) {
    let dir = store.step_dir(RunNo(run), 0, 1);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("output"), vec![b'x'; 10_000]).unwrap();
}

#[tokio::test]
async fn a_sweep_takes_the_record_and_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let audit = sample::one_of_each().into_iter().find(|b| matches!(b, EventBody::Audit(_))).unwrap();
    store.append(vec![audit], None).await.unwrap();
    for run in 1..=4 {
        let state = if run == 2 { RunState::Running } else { RunState::Done };
        store.append(vec![sample::run(run, state, "x"), sample::step(run, 0, "y")], None).await.unwrap();
        with_output(&store, run);
    }
    let limits = Limits { runs: 2, ..Limits::default() };
    assert_eq!(numbers(&sweep(&store, limits, Time(6)).await.unwrap()), [1, 3]);
    assert_eq!(sweep(&store, limits, Time(6)).await.unwrap(), []);
    let left: Vec<u64> = store.load().unwrap().runs.iter().map(|r| r.number.0).collect();
    assert_eq!(left, [2, 4]);
    let mut entries: Vec<_> =
        fs::read_dir(runs_dir(dir.path())).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    entries.sort();
    assert_eq!(entries, ["2", "4"]);
    assert!(store.steps(RunNo(1)).await.unwrap().is_empty());
    assert_eq!(store.audit(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn directories_without_a_run_are_gone_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.append(vec![sample::run(1, RunState::Done, "x"), sample::run(2, RunState::Done, "x")], None).await.unwrap();
    for run in 1..=3 {
        with_output(&store, run);
    }
    fs::create_dir(runs_dir(dir.path()).join("notes")).unwrap();
    // A crash right after the record of a sweep; run 3 was given out and never recorded.
    store.append(vec![EventBody::RunGone(RunNo(1))], None).await.unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert!(!store.run_dir(RunNo(1)).exists());
    assert!(store.run_dir(RunNo(2)).exists());
    assert_eq!(store.next_run(), RunNo(3));
    assert!(!store.run_dir(RunNo(3)).exists());
    sweep(&store, Limits::default(), Time(6)).await.unwrap();
    assert_eq!(fs::read_dir(runs_dir(dir.path())).unwrap().count(), 2);
    assert!(runs_dir(dir.path()).join("notes").exists());
}
