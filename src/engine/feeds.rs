//! How what happens in the engine reaches sessions: each reads at its own pace, and nobody waits for a reader.
//!
//! [`Recent`] holds the newest recorded events once for everybody; a [`RecordedFeed`] is no more than a place in
//! it. [`Hub`] holds the newest live state of each topic; a [`LiveFeed`] keeps what its reader has not yet
//! fetched, the newest of each thing only.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, watch};

use crate::model::{CloudName, DockerList, DockerName, RunNo};
use crate::protocol::live::{ListKind, Live};
use crate::protocol::{Event, Topic};

/// Playbook events that wait for one reader, at most; beyond, it gets a gap and reads them page by page.
pub const MAX_PLAYS: usize = 2_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a [`RecordedFeed`] gives.
#[derive(Clone, PartialEq, Debug)]
pub enum Recorded {
    /// All events with `after < seq <= upto`, in order; at least one.
    Events { after: u64, upto: u64, events: Vec<Arc<Event>> },
    /// The reader is further behind than events are kept in memory: it needs a snapshot and a new feed.
    Behind,
}

struct Ring {
    events: VecDeque<Arc<Event>>,
    keep: usize,
}

/// The newest recorded events, in memory, for all sessions.
pub struct Recent {
    ring: Mutex<Ring>,
    seq: watch::Sender<u64>,
}

impl Recent {
    /// Keeps the newest `keep` events. `seq` is the store's newest event; `events` may hold the last ones before
    /// it, without gaps, so that clients can resume across a restart of the engine.
    pub fn new(seq: u64, events: Vec<Event>, keep: usize) -> Arc<Self> {
        let events: VecDeque<_> = events.into_iter().map(Arc::new).collect();
        debug_assert!(events.back().is_none_or(|e| e.seq == seq));
        Arc::new(Self { ring: Mutex::new(Ring { events, keep }), seq: watch::Sender::new(seq) })
    }

    /// Takes in events that became durable, in order and without gaps. Never waits.
    pub fn publish(&self, events: impl IntoIterator<Item = Event>) {
        let newest = {
            let mut ring = lock(&self.ring);
            ring.events.extend(events.into_iter().map(Arc::new));
            while ring.events.len() > ring.keep {
                ring.events.pop_front();
            }
            ring.events.back().map(|e| e.seq)
        };
        if let Some(newest) = newest {
            self.seq.send_if_modified(|seq| std::mem::replace(seq, newest) != newest);
        }
    }

    /// The newest event's number.
    pub fn seq(&self) -> u64 {
        *self.seq.borrow()
    }

    /// A reader of what comes after `after`.
    pub fn feed(self: &Arc<Self>, after: u64) -> RecordedFeed {
        RecordedFeed { recent: Arc::clone(self), seq: self.seq.subscribe(), at: after }
    }
}

/// A reader's place among the recorded events.
pub struct RecordedFeed {
    recent: Arc<Recent>,
    seq: watch::Receiver<u64>,
    at: u64,
}

impl RecordedFeed {
    /// The last event that was read.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Waits for events after the last read, at most `limit` of them. Cancel-safe.
    pub async fn next(&mut self, limit: usize) -> Recorded {
        let at = self.at;
        // The sender lives in `recent`, which this feed holds: waiting cannot fail.
        let _ = self.seq.wait_for(|seq| *seq > at).await;
        let ring = lock(&self.recent.ring);
        let Some(first) = ring.events.front().map(|e| e.seq).filter(|first| *first <= at + 1) else {
            return Recorded::Behind;
        };
        let skip = usize::try_from(at + 1 - first).unwrap_or(usize::MAX);
        let events: Vec<_> = ring.events.iter().skip(skip).take(limit.max(1)).cloned().collect();
        let Some(last) = events.last() else { return Recorded::Behind };
        self.at = last.seq;
        Recorded::Events { after: at, upto: self.at, events }
    }
}

/// What a piece of live state is about; a newer one of the same key replaces an older one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
enum LiveKey {
    Clouds,
    List(CloudName, ListKind),
    Dockers,
    Docker(DockerName, DockerList),
    Plays(RunNo, u32, u32),
    Output(RunNo, u32),
    Presence,
    Forwards,
    Rules,
}

fn key(live: &Live) -> LiveKey {
    match live {
        Live::Clouds { .. } => LiveKey::Clouds,
        Live::List { cloud, kind, .. } => LiveKey::List(cloud.clone(), *kind),
        Live::Dockers { .. } => LiveKey::Dockers,
        Live::Docker { docker, kind, .. } => LiveKey::Docker(docker.clone(), *kind),
        Live::Plays { run, step, attempt, .. } => LiveKey::Plays(*run, *step, *attempt),
        Live::Output { run, step, .. } => LiveKey::Output(*run, *step),
        Live::Presence { .. } => LiveKey::Presence,
        Live::Forwards { .. } => LiveKey::Forwards,
        Live::Rules { .. } => LiveKey::Rules,
    }
}

/// Live state with its revision.
pub type Revised = (u64, Arc<Live>);

#[derive(Default)]
struct Reader {
    waiting: Mutex<BTreeMap<LiveKey, Revised>>,
    wake: Notify,
}

impl Reader {
    fn offer(&self, key: &LiveKey, revised: &Revised) {
        let mut waiting = lock(&self.waiting);
        let revised = match waiting.get(key) {
            Some((_, before)) => (revised.0, join(before, &revised.1)),
            None => revised.clone(),
        };
        waiting.insert(key.clone(), revised);
        drop(waiting);
        self.wake.notify_one();
    }
}

/// What is left to send when `after` comes on top of `before`. Rows stay when only their freshness changed.
/// Playbook events add up while they are few; else what is left is an empty piece that shows the reader where
/// the newest is.
fn join(before: &Arc<Live>, after: &Arc<Live>) -> Arc<Live> {
    match (before.as_ref(), after.as_ref()) {
        (Live::List { rows, .. }, Live::List { cloud, kind, freshness, rows: None }) => {
            let (cloud, freshness, rows) = (cloud.clone(), freshness.clone(), rows.clone());
            Arc::new(Live::List { cloud, kind: *kind, freshness, rows })
        }
        (Live::Docker { rows, .. }, Live::Docker { docker, kind, freshness, rows: None }) => {
            let (docker, freshness, rows) = (docker.clone(), freshness.clone(), rows.clone());
            Arc::new(Live::Docker { docker, kind: *kind, freshness, rows })
        }
        (Live::Plays { first: start, events: old, .. }, Live::Plays { run, step, attempt, first, events: new }) => {
            let (run, step, attempt) = (*run, *step, *attempt);
            let joins = start + old.len() as u64 == *first && !old.is_empty();
            Arc::new(if joins && old.len() + new.len() <= MAX_PLAYS {
                Live::Plays { run, step, attempt, first: *start, events: old.iter().chain(new).cloned().collect() }
            } else {
                Live::Plays { run, step, attempt, first: first + new.len() as u64, events: Vec::new() }
            })
        }
        _ => Arc::clone(after),
    }
}

#[derive(Default)]
struct TopicState {
    newest: BTreeMap<LiveKey, Revised>,
    readers: Vec<Weak<Reader>>,
}

/// Live state by topic.
#[derive(Default)]
pub struct Hub {
    topics: Mutex<HashMap<Topic, TopicState>>,
    revision: AtomicU64,
    /// Counts up when interest in a topic begins or ends.
    interest: watch::Sender<u64>,
}

impl Hub {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Tells everybody who watches `topic`, and keeps it for those to come (playbook events are not kept). Never
    /// waits.
    pub fn publish(&self, topic: &Topic, live: Live) {
        let key = key(&live);
        let keep = !matches!(live, Live::Plays { .. });
        let mut topics = lock(&self.topics);
        let revised = (self.revision.fetch_add(1, Ordering::Relaxed) + 1, Arc::new(live));
        if !keep && !topics.contains_key(topic) {
            return;
        }
        let state = topics.entry(topic.clone()).or_default();
        state.readers.retain(|reader| reader.upgrade().map(|r| r.offer(&key, &revised)).is_some());
        if keep {
            let whole = match state.newest.get(&key) {
                Some((_, before)) => join(before, &revised.1),
                None => revised.1,
            };
            state.newest.insert(key, (revised.0, whole));
        }
    }

    /// Forgets what was kept of a topic: nothing new will come (a run has ended).
    pub fn forget(&self, topic: &Topic) {
        let mut topics = lock(&self.topics);
        if let Some(state) = topics.get_mut(topic) {
            state.newest.clear();
            if state.readers.iter().all(|r| r.strong_count() == 0) {
                topics.remove(topic);
            }
        }
    }

    /// A reader of `topic`, which first gets what is kept.
    pub fn watch(self: &Arc<Self>, topic: &Topic) -> LiveFeed {
        let reader = Arc::new(Reader::default());
        let mut topics = lock(&self.topics);
        let state = topics.entry(topic.clone()).or_default();
        *lock(&reader.waiting) = state.newest.clone();
        reader.wake.notify_one();
        state.readers.push(Arc::downgrade(&reader));
        drop(topics);
        self.interest.send_modify(|n| *n += 1);
        LiveFeed { reader, topic: topic.clone(), hub: Arc::clone(self) }
    }

    fn left(&self, topic: &Topic) {
        let mut topics = lock(&self.topics);
        if let Some(state) = topics.get_mut(topic) {
            state.readers.retain(|r| r.strong_count() > 0);
            if state.readers.is_empty() && state.newest.is_empty() {
                topics.remove(topic);
            }
        }
        drop(topics);
        self.interest.send_modify(|n| *n += 1);
    }

    /// The topics that somebody watches now.
    pub fn watched(&self) -> Vec<Topic> {
        let topics = lock(&self.topics);
        let live = |state: &TopicState| state.readers.iter().any(|r| r.strong_count() > 0);
        topics.iter().filter(|(_, state)| live(state)).map(|(topic, _)| topic.clone()).collect()
    }

    /// Changes whenever [`Hub::watched`] may have changed.
    pub fn interest(&self) -> watch::Receiver<u64> {
        self.interest.subscribe()
    }
}

/// A reader of one topic.
pub struct LiveFeed {
    reader: Arc<Reader>,
    topic: Topic,
    hub: Arc<Hub>,
}

impl LiveFeed {
    /// Waits for the next piece; what was replaced in the meantime is left out. Cancel-safe.
    pub async fn next(&mut self) -> Revised {
        loop {
            if let Some((_, revised)) = lock(&self.reader.waiting).pop_first() {
                return revised;
            }
            self.reader.wake.notified().await;
        }
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        // The hub counts readers that are alive: this one ends before the hub looks.
        self.reader = Arc::default();
        self.hub.left(&self.topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::play::PlayBody;
    use crate::model::{PlayEvent, Time};
    use crate::protocol::EventBody;
    use crate::protocol::event::EVENT_VERSION;
    use crate::protocol::live::{Freshness, Rows};

    fn event(seq: u64) -> Event {
        Event { v: EVENT_VERSION, seq, at: Time(0), body: EventBody::RunGone(RunNo(seq)) }
    }

    async fn read(feed: &mut RecordedFeed, limit: usize) -> (u64, u64, usize) {
        match feed.next(limit).await {
            Recorded::Events { after, upto, events } => (after, upto, events.len()),
            Recorded::Behind => panic!("behind"),
        }
    }

    #[tokio::test]
    async fn ranges_join_and_a_late_reader_is_told() {
        let recent = Recent::new(2, vec![event(1), event(2)], 4);
        let mut early = recent.feed(0);
        let mut lazy = recent.feed(0);
        assert_eq!(read(&mut early, 1).await, (0, 1, 1));
        recent.publish([event(3), event(4), event(5)]);
        assert_eq!(read(&mut early, 100).await, (1, 5, 4));
        assert_eq!(lazy.next(100).await, Recorded::Behind);
        let mut ahead = recent.feed(6);
        let waiting = tokio::spawn(async move { read(&mut early, 100).await });
        recent.publish([event(6)]);
        assert_eq!(waiting.await.unwrap(), (5, 6, 1));
        recent.publish([event(7), event(8)]);
        assert_eq!(read(&mut ahead, 100).await, (6, 8, 2), "a reader that knew of more than was published");
    }

    fn output(lines: u64) -> Live {
        Live::Output { run: RunNo(1), step: 0, attempt: 1, lines, bytes: 0 }
    }

    fn plays(first: u64, count: usize) -> Live {
        let event = PlayEvent { at: Time(0), offset: 0, body: PlayBody::End };
        Live::Plays { run: RunNo(1), step: 0, attempt: 1, first, events: vec![event; count] }
    }

    #[tokio::test]
    async fn the_newest_replaces_and_plays_add_up_to_the_bound() {
        let hub = Hub::new();
        let topic = Topic::Run { run: RunNo(1) };
        hub.publish(&topic, output(1));
        let mut feed = hub.watch(&topic);
        for lines in 2..9 {
            hub.publish(&topic, output(lines));
        }
        hub.publish(&topic, plays(0, 3));
        hub.publish(&topic, plays(3, 2));
        let (_, first) = feed.next().await;
        assert_eq!(*first, plays(0, 5));
        let (revision, second) = feed.next().await;
        assert_eq!((revision, second.as_ref()), (8, &output(8)));
        hub.publish(&topic, plays(5, MAX_PLAYS));
        hub.publish(&topic, plays(5 + MAX_PLAYS as u64, 1));
        hub.publish(&topic, plays(6 + MAX_PLAYS as u64, 1));
        assert_eq!(*feed.next().await.1, plays(7 + MAX_PLAYS as u64, 0), "a gap shows where the newest is");
    }

    #[tokio::test]
    async fn rows_stay_when_only_their_freshness_changes() {
        let hub = Hub::new();
        let cloud = CloudName::new("lab");
        let topic = Topic::List { cloud: cloud.clone(), list: ListKind::Servers };
        let list = |freshness, rows| Live::List { cloud: cloud.clone(), kind: ListKind::Servers, freshness, rows };
        let mut early = hub.watch(&topic);
        let stale = Freshness::Stale { at: Time(1), failure: None };
        hub.publish(&topic, list(Freshness::Fresh { at: Time(1) }, Some(Rows::Servers(Vec::new()))));
        hub.publish(&topic, list(stale.clone(), None));
        let whole = list(stale, Some(Rows::Servers(Vec::new())));
        assert_eq!(*early.next().await.1, whole);
        assert_eq!(*hub.watch(&topic).next().await.1, whole);
    }

    #[tokio::test]
    async fn interest_ends_with_the_last_reader() {
        let hub = Hub::new();
        let mut interest = hub.interest();
        let (one, two) = (hub.watch(&Topic::Clouds), hub.watch(&Topic::Clouds));
        assert_eq!(hub.watched(), [Topic::Clouds]);
        drop(one);
        assert_eq!(hub.watched(), [Topic::Clouds]);
        interest.mark_unchanged();
        drop(two);
        assert!(hub.watched().is_empty());
        assert!(interest.has_changed().unwrap());
    }
}
