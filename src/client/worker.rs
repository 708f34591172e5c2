//! The task behind a client: owns the line, gives answers to those who asked, gets a new line when it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::SplitStream;
use futures::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::Incoming;
use super::dial::{self, ATTACH, Dial, Lines, greet};
use crate::model::{Class, Failure};
use crate::protocol::line::{Joiner, one_line};
use crate::protocol::message::Reply;
use crate::protocol::{Answer, Command, FromEngine, Hello, Refusal, Request, Topic, Welcome};

/// How long a request waits for a lost line to come back.
const GIVE_UP: Duration = Duration::from_secs(30);

/// After a farewell that asks clients back, the engine is given this long to come back by itself.
const GRACE: Duration = Duration::from_secs(3);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the handles ask of the worker.
pub enum Ask {
    Request { command: Command, reply: oneshot::Sender<Result<Answer, Refusal>> },
    Reconnect,
}

struct Pending {
    request: Request,
    reply: oneshot::Sender<Result<Answer, Refusal>>,
}

/// Why there is no line.
struct Lost {
    failure: Failure,
    /// It may be tried again without being asked.
    again: bool,
    /// Said good-bye in an orderly way: an engine is on its way.
    orderly: bool,
}

/// See the module.
pub struct Worker {
    dial: Box<dyn Dial>,
    may_start: bool,
    hello: Hello,
    asks: mpsc::UnboundedReceiver<Ask>,
    incoming: mpsc::UnboundedSender<Incoming>,
    welcome: Arc<Mutex<Welcome>>,
    pending: BTreeMap<u64, Pending>,
    topics: BTreeSet<Topic>,
    last: u64,
}

/// A line in use.
struct Line {
    stream: SplitStream<Lines>,
    out: mpsc::UnboundedSender<Bytes>,
    joiner: Joiner,
}

impl Worker {
    /// Starts the worker on a line that was greeted.
    pub fn start(
        dial: Box<dyn Dial>,
        may_start: bool,
        hello: Hello,
        lines: Lines,
        welcome: Welcome,
    ) -> (mpsc::UnboundedSender<Ask>, mpsc::UnboundedReceiver<Incoming>, Arc<Mutex<Welcome>>) {
        let (ask, asks) = mpsc::unbounded_channel();
        let (incoming, come) = mpsc::unbounded_channel();
        let shared = Arc::new(Mutex::new(welcome.clone()));
        let worker = Self {
            dial,
            may_start,
            hello,
            asks,
            incoming,
            welcome: Arc::clone(&shared),
            pending: BTreeMap::new(),
            topics: BTreeSet::new(),
            last: 0,
        };
        tokio::spawn(worker.run(lines, welcome));
        (ask, come, shared)
    }

    async fn run(mut self, lines: Lines, welcome: Welcome) {
        let mut next = Some((lines, welcome));
        while let Some((lines, welcome)) = next {
            let Some(lost) = self.attached(lines, welcome).await else { return };
            next = self.detached(lost).await;
        }
    }

    /// Serves a line until it is lost; `None` when nobody holds the client any more.
    async fn attached(&mut self, lines: Lines, welcome: Welcome) -> Option<Lost> {
        let mut line = Line::new(lines);
        self.greeted(welcome, &line);
        loop {
            tokio::select! {
                ask = self.asks.recv() => match ask? {
                    Ask::Request { command, reply } => {
                        if let Some(request) = self.accept(command, reply) {
                            line.send(&request);
                        }
                    }
                    Ask::Reconnect => {}
                },
                message = line.next() => match message.and_then(|message| self.take(message)) {
                    Ok(()) => {}
                    Err(lost) => return Some(lost),
                },
            }
        }
    }

    /// Everything that a fresh line is told: subscriptions of before, requests without an answer.
    fn greeted(&mut self, welcome: Welcome, line: &Line) {
        *self.welcome.lock().unwrap_or_else(PoisonError::into_inner) = welcome.clone();
        if self.hello.home.as_ref() != Some(&welcome.home) {
            self.hello.home = Some(welcome.home.clone());
            self.hello.since = None;
        }
        self.tell(Incoming::Connected(welcome));
        if !self.topics.is_empty() {
            self.last += 1;
            let topics = self.topics.iter().cloned().collect();
            line.send(&Request { req: self.last, idem: None, command: Command::Subscribe { topics } });
        }
        for pending in self.pending.values() {
            line.send(&pending.request);
        }
    }

    /// Notes a request; `None` when it cannot be sent and was answered so.
    fn accept(&mut self, command: Command, reply: oneshot::Sender<Result<Answer, Refusal>>) -> Option<Request> {
        self.last += 1;
        if let Command::Unsubscribe { topics } = &command {
            topics.iter().for_each(|topic| {
                self.topics.remove(topic);
            });
        }
        let request = Request { req: self.last, idem: command.acts().then(Uuid::now_v7), command };
        if let Err(error) = one_line(&request) {
            let failure = Failure::refused("send a command", error).next("send less at once");
            let _ = reply.send(Err(Refusal::bad(failure)));
            return None;
        }
        self.pending.insert(request.req, Pending { request: request.clone(), reply });
        Some(request)
    }

    /// Takes in a message from the engine.
    fn take(&mut self, message: FromEngine) -> Result<(), Lost> {
        match message {
            FromEngine::Reply { req, result } => {
                if let Some(pending) = self.pending.remove(&req) {
                    self.answer(pending, result);
                }
                return Ok(());
            }
            FromEngine::Bye(bye) => {
                let again = bye.again;
                return Err(Lost { failure: dial::sent_away(bye), again, orderly: again });
            }
            FromEngine::Events { after, upto, .. } if after != upto => {
                // What is missing is fetched by attaching again from where this client is.
                if self.hello.since != Some(after) {
                    let got = format!("events after {:?} were expected, those after {after} came", self.hello.since);
                    return Err(Lost { failure: Failure::broken(ATTACH, got), again: true, orderly: false });
                }
                self.hello.since = Some(upto);
            }
            FromEngine::Snapshot { seq, last: true, .. } => self.hello.since = Some(seq),
            _ => {}
        }
        self.tell(Incoming::Engine(message));
        Ok(())
    }

    fn answer(&mut self, pending: Pending, result: Reply) {
        let result = match result {
            Reply::Ok(answer) => {
                if let Command::Subscribe { topics } = pending.request.command {
                    self.topics.extend(topics);
                }
                Ok(*answer)
            }
            Reply::Refused(refusal) => Err(refusal),
        };
        // Whoever asked may have lost interest.
        let _ = pending.reply.send(result);
    }

    /// Gets a new line; `None` when nobody holds the client any more.
    async fn detached(&mut self, lost: Lost) -> Option<(Lines, Welcome)> {
        self.settle_ends();
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut lost = lost;
        loop {
            if !lost.again || since.elapsed() > GIVE_UP {
                self.fail_pending(&lost.failure);
            }
            let jitter = pause.mul_f64(0.5 + rand::random::<f64>() / 2.0);
            let retry_in = lost.again.then_some(jitter);
            self.tell(Incoming::Lost { failure: lost.failure.clone(), retry_in });
            let asked = self.pause(&lost, retry_in).await?;
            pause = if asked { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            let start = self.may_start && (asked || !lost.orderly || since.elapsed() > GRACE);
            let orderly = lost.orderly;
            lost = match self.attach(start).await {
                Ok(line) => return Some(line),
                // Nobody there yet heals; being sent away does not.
                Err(failure) => {
                    let again = failure.heals() || (failure.class == Class::NotFound && (orderly || self.may_start));
                    Lost { again, failure, orderly }
                }
            };
        }
    }

    async fn attach(&mut self, start: bool) -> Result<(Lines, Welcome), Failure> {
        let io = self.dial.dial(start).await?;
        greet(io, &self.hello).await
    }

    /// Waits, for ever when there is no time; true when somebody asked for the line. Requests that come meanwhile
    /// wait with it, unless the line does not come back by itself.
    async fn pause(&mut self, lost: &Lost, time: Option<Duration>) -> Option<bool> {
        let until = time.map(|time| Instant::now() + time);
        loop {
            let over = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return Some(false),
                ask = self.asks.recv() => match ask? {
                    Ask::Reconnect => return Some(true),
                    Ask::Request { command, reply } => {
                        self.accept(command, reply);
                        if !lost.again {
                            self.fail_pending(&lost.failure);
                        }
                    }
                },
            }
        }
    }

    /// An engine that was asked to end and is gone has done what it was asked.
    fn settle_ends(&mut self) {
        let ends = |pending: &mut Pending| matches!(pending.request.command, Command::Stop { .. } | Command::Restart);
        let done: Vec<_> = self.pending.extract_if(.., |_, pending| ends(pending)).collect();
        for (_, pending) in done {
            self.answer(pending, Reply::Ok(Box::new(Answer::Done)));
        }
    }

    fn fail_pending(&mut self, failure: &Failure) {
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.answer(pending, Reply::Refused(Refusal::of(failure.clone())));
        }
    }

    /// A client whose consumer is gone still serves requests.
    fn tell(&self, incoming: Incoming) {
        let _ = self.incoming.send(incoming);
    }
}

impl Line {
    fn new(lines: Lines) -> Self {
        let (mut sink, stream) = lines.split();
        let (out, mut lines) = mpsc::unbounded_channel();
        // Written beside the reader, so that neither side waits for the other.
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                if sink.send(line).await.is_err() {
                    return;
                }
            }
        });
        Self { stream, out, joiner: Joiner::default() }
    }

    /// Sends a request that is known to fit into a line. A line that is lost shows when it is read.
    fn send(&self, request: &Request) {
        if let Ok(line) = one_line(request) {
            let _ = self.out.send(line);
        }
    }

    async fn next(&mut self) -> Result<FromEngine, Lost> {
        let lost = |got: String| Lost { failure: Failure::transient(ATTACH, got), again: true, orderly: false };
        loop {
            match self.stream.next().await {
                Some(Ok(line)) => match self.joiner.push(&line) {
                    Ok(Some(message)) => return Ok(message),
                    Ok(None) => {}
                    Err(error) => return Err(lost(error.to_string())),
                },
                Some(Err(error)) => return Err(lost(error.to_string())),
                None => return Err(lost("the line was lost".to_owned())),
            }
        }
    }
}
