//! An engine that does nothing: it keeps runs and steps, publishes them, and counts what it is asked.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use quarterdeck::engine::door::{Attached, Door, FrameIo, State, Who};
use quarterdeck::engine::feeds::{Hub, LiveFeed, Recent, RecordedFeed};
use quarterdeck::model::{Failure, Run, RunKind, RunNo, RunState, Step, StepCounts, StepId, StepState, Time, Token, Work};
use quarterdeck::protocol::command::{OutputPage, StopMode};
use quarterdeck::protocol::event::EVENT_VERSION;
use quarterdeck::protocol::frame::{Exit, Frame};
use quarterdeck::protocol::live::Live;
use quarterdeck::protocol::message::Reply;
use quarterdeck::protocol::{Answer, Command, Event, EventBody, Refusal, Request, StreamRequest, Topic};
use tokio::sync::{Notify, Semaphore, watch};
use uuid::Uuid;

/// Events that it keeps for clients that lag.
pub const KEPT: usize = 5_000;

#[derive(Default)]
struct Kept {
    runs: BTreeMap<RunNo, Event>,
    steps: BTreeMap<(RunNo, u32), Event>,
    done: BTreeMap<Uuid, Answer>,
}

pub struct Fake {
    pub home: String,
    instance: Uuid,
    kept: Mutex<Kept>,
    pub recent: Arc<Recent>,
    pub hub: Arc<Hub>,
    /// Lines of output that were told of last.
    lines: AtomicU64,
    /// How many clients there are, and who.
    pub present: watch::Sender<Vec<Attached>>,
    /// How often something was done.
    pub done: watch::Sender<u32>,
    /// A slow command waits for a permit.
    pub gate: Semaphore,
    pub slow: Notify,
    /// Why it does not come to rest.
    pub busy: Mutex<Option<Failure>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            home: "home".to_owned(),
            instance: Uuid::now_v7(),
            kept: Mutex::default(),
            recent: Recent::new(0, Vec::new(), KEPT),
            hub: Hub::new(),
            lines: AtomicU64::new(0),
            present: watch::Sender::default(),
            done: watch::Sender::default(),
            gate: Semaphore::new(0),
            slow: Notify::new(),
            busy: Mutex::default(),
        })
    }

    /// Records the next state of a thing.
    pub fn record(&self, body: EventBody) {
        let mut kept = self.kept.lock().unwrap();
        let event = Event { v: EVENT_VERSION, seq: self.recent.seq() + 1, at: Time(0), body };
        match &event.body {
            EventBody::Run(run) => drop(kept.runs.insert(run.number, event.clone())),
            EventBody::RunGone(run) => drop(kept.runs.remove(run)),
            EventBody::Step(step) => drop(kept.steps.insert((step.run, step.index), event.clone())),
            _ => {}
        }
        self.recent.publish([event]);
    }

    /// Records a run in its `n`-th state.
    pub fn run(&self, number: u64, n: u32) {
        self.record(EventBody::Run(Box::new(run(number, n))));
    }

    /// Records a step in its `n`-th state.
    pub fn step(&self, number: u64, index: u32, n: u32) {
        self.record(EventBody::Step(Box::new(step(number, index, n))));
    }

    pub fn output(&self, run: u64, lines: u64) {
        let run = RunNo(run);
        self.lines.store(lines, Ordering::Relaxed);
        self.hub.publish(&Topic::Run { run }, Live::Output { run, step: 0, attempt: 1, lines, bytes: lines * 10 });
    }

    pub fn runs(&self) -> BTreeMap<RunNo, Run> {
        let kept = self.kept.lock().unwrap();
        let run = |event: &Event| match &event.body {
            EventBody::Run(run) => (**run).clone(),
            other => panic!("{other:?}"),
        };
        kept.runs.iter().map(|(number, event)| (*number, run(event))).collect()
    }

    pub fn steps(&self, number: u64) -> BTreeMap<u32, Step> {
        let kept = self.kept.lock().unwrap();
        let of_run = kept.steps.iter().filter(|((run, _), _)| run.0 == number);
        of_run
            .map(|((_, index), event)| match &event.body {
                EventBody::Step(step) => (*index, (**step).clone()),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// Lines of a hundred bytes, as many as are asked for.
    fn page(&self, from: u64, count: u32, attempt: u32) -> Answer {
        let lines = (from..from + u64::from(count)).map(|n| format!("{n:09} changed: [node-1] {}", "x".repeat(72)));
        let total = self.lines.load(Ordering::Relaxed);
        Answer::Output(OutputPage {
            attempt,
            from,
            lines: lines.collect(),
            times: Vec::new(),
            total,
            bytes: total * 100,
            ended: false,
        })
    }

    async fn answer(&self, command: Command) -> Result<Answer, Refusal> {
        match command {
            Command::Status => Ok(Answer::Text("here".to_owned())),
            Command::Blueprints => {
                self.slow.notify_one();
                self.gate.acquire().await.unwrap().forget();
                Ok(Answer::Text("at last".to_owned()))
            }
            Command::OutputPage { attempt, from, count, .. } => Ok(self.page(from, count, attempt)),
            // As many bytes as are asked for.
            Command::Audit { count } => Ok(Answer::Text("x".repeat(count as usize))),
            Command::AnsibleInstall => {
                self.done.send_modify(|n| *n += 1);
                self.slow.notify_one();
                self.gate.acquire().await.unwrap().forget();
                Ok(Answer::Run(RunNo(u64::from(*self.done.borrow()))))
            }
            Command::Clouds { .. } => panic!("an error in the engine"),
            other => Err(Refusal::bad(Failure::refused("carry out", format!("{other:?}")))),
        }
    }
}

pub fn run(number: u64, n: u32) -> Run {
    Run {
        number: RunNo(number),
        id: Uuid::nil(),
        kind: RunKind::Command,
        title: format!("run {number} for the {n}th time"),
        state: RunState::Running,
        cluster: None,
        cluster_name: None,
        by: "ada".to_owned(),
        created: Time(0),
        started: None,
        ended: None,
        steps: StepCounts { total: n, ..StepCounts::default() },
        in_flight: Vec::new(),
        waits: None,
        failure: None,
        pinned: false,
        play_totals: quarterdeck::model::play::Totals::default(),
        ending: None,
    }
}

fn step(number: u64, index: u32, n: u32) -> Step {
    Step {
        id: StepId(Uuid::nil()),
        run: RunNo(number),
        index,
        title: format!("step {index}"),
        work: Work::MakeKey,
        cluster: None,
        node: None,
        cloud: None,
        after: Vec::new(),
        state: StepState::Running,
        attempt: n,
        token: Token::from_random([0; 20]),
        started: None,
        ended: None,
        failure: None,
        note: String::new(),
        cleanup: false,
    }
}

#[async_trait]
impl Door for Fake {
    fn instance(&self) -> String {
        self.instance.to_string()
    }

    fn home(&self) -> String {
        self.home.clone()
    }

    fn seq(&self) -> u64 {
        self.recent.seq()
    }

    async fn request(&self, _who: &Arc<Who>, request: Request) -> Reply {
        let before = request.idem.and_then(|idem| self.kept.lock().unwrap().done.get(&idem).cloned());
        let result = match before {
            Some(answer) => Ok(answer),
            None => self.answer(request.command).await,
        };
        if let (Some(idem), Ok(answer)) = (request.idem, &result) {
            self.kept.lock().unwrap().done.insert(idem, answer.clone());
        }
        result.map_or_else(Reply::Refused, |answer| Reply::Ok(Box::new(answer)))
    }

    fn recorded(&self, after: u64) -> RecordedFeed {
        self.recent.feed(after)
    }

    async fn snapshot(&self) -> Result<State, Failure> {
        let kept = self.kept.lock().unwrap();
        Ok(State { seq: self.recent.seq(), events: kept.runs.values().cloned().collect() })
    }

    async fn snapshot_run(&self, run: RunNo) -> Result<State, Failure> {
        let kept = self.kept.lock().unwrap();
        let steps = kept.steps.range((run, 0)..=(run, u32::MAX)).map(|(_, event)| event.clone());
        Ok(State { seq: self.recent.seq(), events: steps.collect() })
    }

    fn watch(&self, topic: &Topic) -> LiveFeed {
        self.hub.watch(topic)
    }

    /// Gives everything back.
    async fn stream(&self, _who: &Arc<Who>, _request: StreamRequest, mut io: Pin<Box<dyn FrameIo>>) {
        while let Some(Ok(frame)) = io.next().await {
            if frame == Frame::Eof {
                let _ = io.send(Frame::Exit(Exit { status: Some(0), failure: None })).await;
                return;
            }
            let _ = io.send(frame).await;
        }
    }

    fn presence(&self, clients: Vec<Attached>) {
        let present = clients.iter().map(Attached::present).collect();
        self.hub.publish(&Topic::Presence, Live::Presence { clients: present });
        self.present.send_replace(clients);
    }

    fn busy(&self) -> bool {
        false
    }

    async fn drain(&self, _who: Option<&Arc<Who>>, _mode: StopMode) -> Result<(), Refusal> {
        match self.busy.lock().unwrap().clone() {
            Some(failure) => Err(Refusal::of(failure)),
            None => Ok(()),
        }
    }
}
