use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::model::{ClusterId, PromptId, PromptState, RunState};
use crate::store::sample;

fn tuning() -> Tuning {
    Tuning { patience: Duration::ZERO, full: FullDisk::default(), ..Tuning::default() }
}

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_with(dir.path(), tuning()).unwrap();
    (dir, store)
}

async fn since(store: &Store, after: u64) -> Vec<Event> {
    match store.events_since(after, usize::MAX).await.unwrap() {
        Since::Events(events) => events,
        Since::Gone => panic!("the events after {after} are gone"),
    }
}

/// What events add up to, said a second time and without SQL.
#[derive(Default)]
struct Sum {
    runs: BTreeMap<RunNo, Run>,
    steps: BTreeMap<(RunNo, u32), Step>,
    clusters: BTreeMap<ClusterId, Cluster>,
    nodes: BTreeMap<(ClusterId, String), Node>,
    prompts: BTreeMap<PromptId, Prompt>,
    audit: Vec<AuditEntry>,
}

impl Sum {
    fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut sum = Self::default();
        events.into_iter().for_each(|event| sum.add(event.body.clone()));
        sum
    }

    fn add(&mut self, body: EventBody) {
        match body {
            EventBody::Run(run) => drop(self.runs.insert(run.number, *run)),
            EventBody::RunGone(number) => {
                self.runs.remove(&number);
                self.steps.retain(|(run, _), _| *run != number);
                self.prompts.retain(|_, prompt| prompt.run != number);
            }
            EventBody::Step(step) => drop(self.steps.insert((step.run, step.index), *step)),
            EventBody::Cluster(cluster) => drop(self.clusters.insert(cluster.id, *cluster)),
            EventBody::ClusterGone(id) => {
                self.clusters.remove(&id);
                self.nodes.retain(|(cluster, _), _| *cluster != id);
            }
            EventBody::Node(node) => drop(self.nodes.insert((node.cluster, node.name.clone()), *node)),
            EventBody::NodeGone { cluster, name } => drop(self.nodes.remove(&(cluster, name))),
            EventBody::Prompt(prompt) => drop(self.prompts.insert(prompt.id, *prompt)),
            EventBody::Audit(entry) => self.audit.push(*entry),
            EventBody::Unknown(_) => {}
        }
    }

    fn loaded(&self, seq: u64) -> Loaded {
        let under_way = |run: &RunNo| self.runs.get(run).is_some_and(|r| !r.state.ended());
        Loaded {
            seq,
            runs: self.runs.values().cloned().collect(),
            clusters: self.clusters.values().cloned().collect(),
            nodes: self.nodes.values().cloned().collect(),
            prompts: self.prompts.values().filter(|p| p.state == PromptState::Open).cloned().collect(),
            unfinished_steps: self.steps.iter().filter(|((run, _), _)| under_way(run)).map(|(_, s)| s.clone()).collect(),
        }
    }
}

#[tokio::test]
async fn what_was_recorded_is_there_after_closing_and_opening() {
    let (dir, store) = store();
    let home = store.home_id();
    assert_eq!(store.load().unwrap(), Loaded::default());
    assert_eq!(store.next_run(), RunNo(1));
    let bodies = sample::one_of_each();
    let events = store.append(bodies.clone(), None).await.unwrap();
    assert!(events.iter().map(|e| e.seq).eq(1..=bodies.len() as u64));
    assert!(events.iter().map(|e| &e.body).eq(&bodies));
    assert_eq!(since(&store, 0).await, events);
    drop(store);

    let store = Store::open_with(dir.path(), tuning()).unwrap();
    assert_eq!(store.home_id(), home);
    assert_eq!(store.seq(), bodies.len() as u64);
    assert_eq!(since(&store, 0).await, events);
    let sum = Sum::of(&events);
    assert_eq!(store.load().unwrap(), sum.loaded(store.seq()));
    for run in sum.runs.keys() {
        let steps: Vec<Step> = sum.steps.range((*run, 0)..=(*run, u32::MAX)).map(|(_, s)| s.clone()).collect();
        assert!(!steps.is_empty());
        assert_eq!(store.steps(*run).await.unwrap(), steps);
    }
    let newest_first: Vec<AuditEntry> = sum.audit.iter().rev().cloned().collect();
    assert_eq!(store.audit(99).await.unwrap(), newest_first);
    assert_eq!(store.audit(1).await.unwrap(), newest_first[..1]);
    assert_eq!(store.next_run(), RunNo(44));
    assert_eq!(store.next_run(), RunNo(45));
}

#[tokio::test]
async fn a_number_of_a_run_is_never_given_out_twice() {
    let (dir, store) = store();
    store.append(vec![sample::run(7, RunState::Done, "seven"), sample::run(3, RunState::Done, "three")], None).await.unwrap();
    store.append(vec![EventBody::RunGone(RunNo(7)), EventBody::RunGone(RunNo(3))], None).await.unwrap();
    drop(store);
    assert_eq!(Store::open_with(dir.path(), tuning()).unwrap().next_run(), RunNo(8));
}

#[tokio::test]
async fn plans_lists_and_answers_are_kept() {
    let (_dir, store) = store();
    let key = Uuid::now_v7();
    assert_eq!(store.idem(key).await.unwrap(), None);
    store.append(vec![sample::run(1, RunState::Queued, "one")], Some((key, json!({"run": 1})))).await.unwrap();
    assert_eq!(store.idem(key).await.unwrap(), Some(json!({"run": 1})));

    assert_eq!(store.cache_get("lab/flavors").await.unwrap(), None);
    store.cache_put("lab/flavors", json!([1])).await.unwrap();
    store.cache_put("lab/flavors", json!([2])).await.unwrap();
    assert_eq!(store.cache_get("lab/flavors").await.unwrap(), Some(json!([2])));

    let Some(cluster) = Sum::of(&store.append(sample::one_of_each(), None).await.unwrap()).loaded(0).runs[0].cluster else {
        panic!("the golden run has a cluster")
    };
    let spec: crate::model::ClusterSpec =
        serde_json::from_value(json!({"name": "a", "groups": {"m": {"flavor": "f", "image": "i"}}})).unwrap();
    let plan: Plan = serde_json::from_value(json!({
        "id": Uuid::now_v7(), "kind": "delete", "cluster": cluster, "cluster_name": "a", "cloud": "lab", "saw_revision": 3,
        "spec": spec, "base_dir": "/", "ssh_user": "root", "nodes": [], "steps": [], "quota": [], "warnings": [],
        "counts": {"create": 0, "delete": 0, "keep": 0, "playbooks": 0},
    }))
    .unwrap();
    assert_eq!(store.plan_get(plan.id).await.unwrap(), None);
    store.plan_put(&plan).await.unwrap();
    assert_eq!(store.plan_get(plan.id).await.unwrap(), Some(plan.clone()));
    store.forget_before(Time(i64::MAX)).await.unwrap();
    assert_eq!(store.plan_get(plan.id).await.unwrap(), None);
    assert_eq!(store.idem(key).await.unwrap(), None);
    assert!(store.cache_get("lab/flavors").await.unwrap().is_some());
}

#[tokio::test]
async fn a_request_that_comes_twice_is_recorded_once() {
    let (_dir, store) = store();
    let key = Uuid::now_v7();
    let appends = (1..=20).map(|n| store.append(vec![sample::run(n, RunState::Queued, "x")], Some((key, json!(n)))));
    let results = futures::future::join_all(appends).await;
    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 19));
    assert!(refused.iter().all(|r| is_repeat(r.as_ref().unwrap_err())));
    let loaded = store.load().unwrap();
    assert_eq!(loaded.runs.len(), 1);
    assert_eq!(store.idem(key).await.unwrap(), Some(json!(loaded.runs[0].number)));
    assert_eq!(store.seq(), 1);
}

#[tokio::test]
async fn a_reader_that_waits_for_the_number_sees_everything_in_order() {
    let (_dir, store) = store();
    let mut seq = store.watch_seq();
    let reading = store.clone();
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 500 {
            seq.wait_for(|newest| *newest > seen.len() as u64).await.unwrap();
            seen.extend(since(&reading, seen.len() as u64).await);
        }
        seen
    });
    let writers = (0..10).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for i in 0..50 {
                store.append(vec![sample::step(task, i, "x")], None).await.unwrap();
            }
        })
    });
    futures::future::try_join_all(writers).await.unwrap();
    let seen = reader.await.unwrap();
    assert!(seen.iter().map(|e| e.seq).eq(1..=500));
}

#[tokio::test]
async fn old_events_are_trimmed_and_the_state_stays() {
    let dir = tempfile::tempdir().unwrap();
    let small = Tuning { keep: Keep { events: 100, bytes: 1 << 20 }, recent: (10, 1 << 20), ..tuning() };
    let store = Store::open_with(dir.path(), small.clone()).unwrap();
    let audit = sample::one_of_each().into_iter().find(|b| matches!(b, EventBody::Audit(_))).unwrap();
    store.append(vec![audit, sample::run(1, RunState::Running, "x")], None).await.unwrap();
    for round in 0..30 {
        store.append((0..20).map(|i| sample::step(1, i, &format!("round {round}"))).collect(), None).await.unwrap();
    }
    assert_eq!(store.seq(), 602);
    assert_eq!(store.events_since(0, 5).await.unwrap(), Since::Gone);
    assert_eq!(store.events_since(501, 5).await.unwrap(), Since::Gone);
    assert_eq!(store.events_since(603, 5).await.unwrap(), Since::Gone);
    assert!(since(&store, 502).await.iter().map(|e| e.seq).eq(503..=602));
    assert!(since(&store, 597).await.iter().map(|e| e.seq).eq(598..=602));
    assert!(since(&store, 602).await.is_empty());
    assert_eq!(store.audit(9).await.unwrap().len(), 1);
    let loaded = store.load().unwrap();
    assert_eq!(loaded.unfinished_steps.len(), 20);
    assert!(loaded.unfinished_steps.iter().all(|s| s.title == "round 29"));
    drop(store);
    let store = Store::open_with(dir.path(), small).unwrap();
    assert!(since(&store, 502).await.iter().map(|e| e.seq).eq(503..=602));
    assert_eq!(store.append(vec![sample::step(1, 0, "next")], None).await.unwrap()[0].seq, 603);
}

#[tokio::test]
async fn heavy_events_are_trimmed_by_weight() {
    let dir = tempfile::tempdir().unwrap();
    let light = Tuning { keep: Keep { events: 50_000, bytes: 1 << 20 }, recent: (10, 1 << 20), ..tuning() };
    let store = Store::open_with(dir.path(), light).unwrap();
    let heavy = "x".repeat(50_000);
    for _ in 0..100 {
        store.append(vec![sample::step(1, 1, &heavy)], None).await.unwrap();
    }
    let file = |store: &Store| std::fs::metadata(store.inner.dir.join(FILE)).unwrap().len();
    let size = file(&store);
    for _ in 0..200 {
        store.append(vec![sample::step(1, 1, &heavy)], None).await.unwrap();
    }
    assert!(file(&store) <= size + (2 << 20), "grew from {size} to {}", file(&store));
    assert_eq!(store.events_since(200, 1).await.unwrap(), Since::Gone);
    assert_eq!(since(&store, 290).await.len(), 10);
}

#[tokio::test]
async fn a_full_disk_is_said_and_writing_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let flag = dir.path().join("full");
    let full = Tuning { full: FullDisk::flagged_by(flag.clone()), ..tuning() };
    let store = Store::open_with(&dir.path().join("home"), full).unwrap();
    store.room().unwrap();
    store.append(vec![sample::run(1, RunState::Running, "before")], None).await.unwrap();

    std::fs::write(&flag, "").unwrap();
    let refused = store.room().unwrap_err();
    assert!(is_full(&refused) && !refused.next.is_empty(), "{refused}");
    let refused = store.append(vec![sample::run(1, RunState::Done, "while full")], None).await.unwrap_err();
    assert!(is_full(&refused), "{refused}");

    std::fs::write(&flag, "low\n").unwrap();
    assert!(is_full(&store.room().unwrap_err()));
    let low = store.append(vec![sample::run(1, RunState::Done, "while low")], None).await.unwrap();

    std::fs::remove_file(&flag).unwrap();
    store.room().unwrap();
    assert_eq!(low[0].seq, 2);
    assert_eq!(store.load().unwrap().runs[0].title, "while low");
}

#[test]
fn a_second_engine_is_refused_and_the_first_goes_on() {
    let (dir, store) = store();
    let refused = Store::open_with(dir.path(), tuning()).unwrap_err();
    assert!(refused.got.contains("another engine"), "{refused}");
    drop(store);
    Store::open_with(dir.path(), tuning()).unwrap();
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("a/home");
    let store = Store::open_with(&home, tuning()).unwrap();
    store.append(vec![sample::run(1, RunState::Done, "x")], None).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    let files: Vec<_> = std::fs::read_dir(&home).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
}

#[derive(Clone, Debug)]
enum Op {
    Run(u64, bool),
    RunGone(u64),
    Step(u64, u32, u16),
    Cluster(u128, u64),
    ClusterGone(u128),
    Node(u128, u8, u16),
    NodeGone(u128, u8),
    Prompt(u128, u64, bool),
    Unknown(u8),
}

impl Op {
    fn body(&self) -> EventBody {
        let cluster = |n: &u128| ClusterId(Uuid::from_u128(*n));
        match self {
            Self::Run(n, ended) => sample::run(*n, if *ended { RunState::Done } else { RunState::Running }, "r"),
            Self::RunGone(n) => EventBody::RunGone(RunNo(*n)),
            Self::Step(run, index, title) => sample::step(*run, *index, &title.to_string()),
            Self::Cluster(id, revision) => sample::cluster(cluster(id), *revision),
            Self::ClusterGone(id) => EventBody::ClusterGone(cluster(id)),
            Self::Node(id, name, port) => sample::node(cluster(id), &format!("n-{name}"), *port),
            Self::NodeGone(id, name) => EventBody::NodeGone { cluster: cluster(id), name: format!("n-{name}") },
            Self::Prompt(id, run, open) => sample::prompt(PromptId(Uuid::from_u128(*id)), *run, *open),
            Self::Unknown(n) => EventBody::Unknown(json!({"kind": "new", "of": n, "more": true})),
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let (run, id) = (1..4u64, 0..3u128);
    prop_oneof![
        3 => (run.clone(), any::<bool>()).prop_map(|(a, b)| Op::Run(a, b)),
        1 => run.clone().prop_map(Op::RunGone),
        4 => (run.clone(), 0..4u32, any::<u16>()).prop_map(|(a, b, c)| Op::Step(a, b, c)),
        2 => (id.clone(), any::<u32>()).prop_map(|(a, b)| Op::Cluster(a, u64::from(b))),
        1 => id.clone().prop_map(Op::ClusterGone),
        3 => (id.clone(), 0..3u8, any::<u16>()).prop_map(|(a, b, c)| Op::Node(a, b, c)),
        1 => (id.clone(), 0..3u8).prop_map(|(a, b)| Op::NodeGone(a, b)),
        2 => (id, run, any::<bool>()).prop_map(|(a, b, c)| Op::Prompt(a, b, c)),
        1 => any::<u8>().prop_map(Op::Unknown),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Tasks append batches at the same time, in whatever order the machine makes of it.
    #[test]
    fn any_interleaving_is_without_gaps_and_adds_up(
        tasks in prop::collection::vec(prop::collection::vec(prop::collection::vec(op(), 0..4), 0..5), 1..6)
    ) {
        let (dir, store) = store();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let answers = runtime.block_on(async {
            let tasks = tasks.iter().cloned().map(|batches| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    for batch in batches {
                        answers.push(store.append(batch.iter().map(Op::body).collect(), None).await.unwrap());
                    }
                    answers
                })
            });
            futures::future::try_join_all(tasks).await.unwrap()
        });
        let all = runtime.block_on(since(&store, 0));
        prop_assert!(all.iter().map(|e| e.seq).eq(1..=all.len() as u64));
        prop_assert_eq!(all.len(), tasks.iter().flatten().map(Vec::len).sum::<usize>());
        for (batches, answers) in tasks.iter().zip(&answers) {
            let mut last = 0;
            for (batch, events) in batches.iter().zip(answers) {
                prop_assert!(events.iter().map(|e| e.body.clone()).eq(batch.iter().map(Op::body)));
                for event in events {
                    prop_assert!(event.seq > last);
                    prop_assert_eq!(&all[usize::try_from(event.seq - 1).unwrap()], event);
                    last = event.seq;
                }
            }
        }
        let sum = Sum::of(&all).loaded(all.len() as u64);
        prop_assert_eq!(&store.load().unwrap(), &sum);
        drop(store);
        let store = Store::open_with(dir.path(), tuning()).unwrap();
        prop_assert_eq!(&store.load().unwrap(), &sum);
        prop_assert_eq!(runtime.block_on(since(&store, 0)), all);
    }
}
