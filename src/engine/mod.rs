//! The engine: owns every side effect. It is headless: it knows the protocol, and no screen and no socket.

pub mod door;
pub mod feeds;
mod forwards;
pub mod settings;

mod clouds;
mod core;
mod docker;
mod journal;
mod keys;
mod notify;
mod planning;
mod policy;
mod requests;
mod runs;
mod slots;
mod state;
mod steps;
mod streams;
mod targets;
mod watch;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use self::clouds::Clouds;
use self::core::{Core, lock};
use self::door::{Attached, CloudBook, Door, FrameIo, State as DoorState, Who};
use self::feeds::{Hub, LiveFeed, RecordedFeed};
use self::journal::Journal;
use self::runs::Order;
use self::settings::EngineSettings;
use self::state::State;
use crate::model::{Failure, RunNo};
use crate::protocol::command::StopMode;
use crate::protocol::event::EVENT_VERSION;
use crate::protocol::message::Reply;
use crate::protocol::{Event, EventBody, Live, Refusal, Request, StreamRequest, Topic};
use crate::ssh::pool::Pool;
use crate::store::{Since, Store, retention};

/// Events of the past that are kept for clients which come back after a restart of the engine.
const LAST_EVENTS: u64 = 2000;
/// Between two looks whether something is old enough to be removed.
const RETENTION_PAUSE: Duration = Duration::from_secs(3600);
/// The same while there is no room for the reserve.
const RESERVE_PAUSE: Duration = Duration::from_secs(30);
/// How long the engine waits for its runs to come to rest.
const REST: Duration = Duration::from_secs(5);

/// The engine of one home.
pub struct Engine {
    core: Arc<Core>,
}

impl Engine {
    /// Opens the store and the clouds, takes up the runs that a former engine left, and begins to keep watched lists fresh.
    ///
    /// # Errors
    /// The store or the settings cannot be read.
    pub async fn start(settings: EngineSettings, book: Arc<dyn CloudBook>) -> Result<Self, Failure> {
        let store = Store::open(&settings.dirs.data)?;
        let loaded = store.load()?;
        let mut state = State { seq: loaded.seq, ..State::default() };
        state.runs = loaded.runs.into_iter().map(|r| (r.number, r)).collect();
        state.clusters = loaded.clusters.into_iter().map(|c| (c.id, c)).collect();
        state.nodes = loaded.nodes.into_iter().map(|n| ((n.cluster, n.name.clone()), n)).collect();
        state.prompts = loaded.prompts.into_iter().map(|p| (p.id, p)).collect();
        for step in loaded.unfinished_steps {
            state.steps.entry(step.run).or_default().insert(step.index, step);
        }
        let since = loaded.seq.saturating_sub(LAST_EVENTS);
        let last = match store.events_since(since, usize::try_from(LAST_EVENTS).unwrap_or(usize::MAX)).await? {
            Since::Events(events) => events,
            Since::Gone => Vec::new(),
        };
        let dockers = docker::Dockers::of(Arc::clone(&book));
        let clouds = Clouds::open(book, &settings, store.home_id())?;
        let core = Arc::new(Core {
            journal: Journal::start(store.clone(), state, last),
            settings,
            store,
            clouds,
            dockers,
            slots: Arc::default(),
            hub: Hub::new(),
            ssh: Pool::default(),
            pokes: watch::Pokes::default(),
            clouds_changed: tokio::sync::watch::Sender::default(),
            instance: uuid::Uuid::new_v4().to_string(),
            started: Instant::now(),
            secrets: Mutex::default(),
            running: Mutex::default(),
            clients: Mutex::default(),
            settings_trouble: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            gates: Mutex::new(HashMap::new()),
            forwards: forwards::Forwards::default(),
            pages: crate::store::output::Pages::default(),
            indexes: requests::Indexes::default(),
            resting: std::sync::atomic::AtomicBool::new(false),
        });
        runs::recover(&core).await;
        forwards::resume(&core).await;
        tokio::spawn(watch::keep_fresh(Arc::clone(&core)));
        tokio::spawn(retain(Arc::clone(&core)));
        if let Some(program) = core.settings.notify.clone() {
            tokio::spawn(notify::tell(Arc::clone(&core), program));
        }
        Ok(Self { core })
    }
}

/// Removes what is old enough: now, every hour, and when the disk is full.
async fn retain(core: Arc<Core>) {
    let mut full = core.store.reserve_given();
    loop {
        planning::clean(&core, core.now());
        // An engine that was killed just after a run's end left these.
        let ended: Vec<_> = core.journal.state().runs.values().filter(|r| r.state.ended()).map(|r| r.number).collect();
        ended.into_iter().for_each(|run| crate::ansible::playbook::remove_control_dir(&steps::control_dir(&core, run)));
        if let Err(failure) = retain_once(&core).await {
            tracing::warn!(%failure, "old runs are kept");
        }
        let store = core.store.clone();
        let kept = tokio::task::spawn_blocking(move || store.keep_reserve()).await.unwrap_or(false);
        tokio::select! {
            () = tokio::time::sleep(if kept { RETENTION_PAUSE } else { RESERVE_PAUSE }) => {}
            Ok(()) = full.changed() => {}
        }
    }
}

async fn retain_once(core: &Core) -> Result<(), Failure> {
    let s = &core.settings;
    let limits = retention::Limits {
        runs: usize::try_from(s.keep_runs).unwrap_or(usize::MAX),
        days: u32::try_from(s.keep_days).unwrap_or(u32::MAX),
        bytes: s.keep_bytes,
    };
    let old = retention::due(&core.store, limits, core.now()).await?;
    core.journal.commit(old.iter().map(|r| EventBody::RunGone(*r)).collect()).await?;
    retention::clear(&core.store, old, core.now()).await
}

#[async_trait]
impl Door for Engine {
    fn instance(&self) -> String {
        self.core.instance.clone()
    }

    fn home(&self) -> String {
        self.core.store.home_id().to_string()
    }

    fn seq(&self) -> u64 {
        self.core.journal.state().seq
    }

    async fn request(&self, who: &Arc<Who>, request: Request) -> Reply {
        requests::serve(&self.core, who, request).await
    }

    fn recorded(&self, after: u64) -> RecordedFeed {
        self.core.journal.feed(after)
    }

    async fn snapshot(&self) -> Result<DoorState, Failure> {
        let state = self.core.journal.state();
        let (seq, at) = (state.seq, self.core.now());
        let events = state.as_bodies().into_iter().map(|body| Event { v: EVENT_VERSION, seq, at, body }).collect();
        Ok(DoorState { seq, events })
    }

    async fn snapshot_run(&self, run: RunNo) -> Result<DoorState, Failure> {
        // Taken before the steps are read: what happens in between comes as an event as well.
        let (seq, at) = (self.seq(), self.core.now());
        let steps = requests::steps_of(&self.core, run).await?;
        let event = |step| Event { v: EVENT_VERSION, seq, at, body: EventBody::Step(Box::new(step)) };
        Ok(DoorState { seq, events: steps.into_iter().map(event).collect() })
    }

    fn watch(&self, topic: &Topic) -> LiveFeed {
        self.core.hub.watch(topic)
    }

    async fn stream(&self, who: &Arc<Who>, request: StreamRequest, io: Pin<Box<dyn FrameIo>>) {
        streams::serve(&self.core, who, request, io).await;
    }

    fn presence(&self, clients: Vec<Attached>) {
        let present = clients.iter().map(Attached::present).collect();
        *lock(&self.core.clients) = clients;
        self.core.hub.publish(&Topic::Presence, Live::Presence { clients: present });
    }

    fn busy(&self) -> bool {
        !lock(&self.core.running).is_empty()
    }

    async fn drain(&self, who: Option<&Arc<Who>>, mode: StopMode) -> Result<(), Refusal> {
        let count = lock(&self.core.running).len();
        if mode == StopMode::WhenIdle && count > 0 {
            let failure = Failure::refused("stop the engine", format!("{count} runs are under way"))
                .next("wait for them, or stop it now: `quarterdeck engine stop --now`; the next engine goes on with them");
            return Err(Refusal::of(failure));
        }
        if let Some(who) = who {
            self.core.note(who, "stop the engine".to_owned()).await.map_err(Refusal::of)?;
        }
        self.core.resting.store(true, Ordering::Release);
        for orders in lock(&self.core.running).values() {
            // A run that has just ended needs no rest.
            let _ = orders.send(Order::Rest);
        }
        let rested = async {
            while self.busy() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(REST, rested).await.is_err() {
            tracing::warn!("some runs did not come to rest; the next engine takes them up");
        }
        Ok(())
    }
}
