//! One connection, from its first line to its last. The same code serves a socket and a pipe in a test.

mod follow;
mod hello;
mod outbox;
mod ranges;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::codec::Framed;
use tokio_util::task::AbortOnDropHandle;

use self::follow::{Change, Follow};
use self::hello::Opening;
use self::outbox::Outbox;
use super::hall::{Ending, Guest, Hall, Peer};
use crate::engine::door::Who;
use crate::model::{Failure, RunNo};
use crate::protocol::command::{RefusalCode, StopMode};
use crate::protocol::line::{LineCodec, LineError};
use crate::protocol::message::Reply;
use crate::protocol::{Answer, Bye, Command, FromEngine, MAX_LINE, Refusal, Request, Role, Topic};

/// Requests of one client that are served at once; more wait unread.
const AT_ONCE: usize = 64;

/// Topics that one client can be subscribed to.
const MAX_TOPICS: usize = 256;

/// How long a client that is sent away has to read the reason.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves one connection until either side ends it.
pub async fn serve<S>(hall: Arc<Hall>, io: S, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match hello::open(&hall, io, peer).await {
        Some(Opening::Session { guest, hello, lines }) => {
            // A number of another home, or one that this home has not reached, is answered by a snapshot.
            let known = |since: &u64| hello.home == Some(hall.door.home()) && *since <= hall.door.seq();
            let since = hello.follow.then(|| hello.since.filter(known));
            Session::new(hall, guest).run(lines, since).await;
        }
        Some(Opening::Stream { guest, request, frames }) => {
            tokio::select! {
                () = hall.door.stream(&guest.who, request, frames) => {}
                _ = hall.ended() => {}
            }
        }
        None => {}
    }
}

fn broken_bye() -> Bye {
    Bye {
        reason: "the engine met an error in this session; its log has more".to_owned(),
        next: "attach again".to_owned(),
        again: true,
    }
}

struct Session {
    hall: Arc<Hall>,
    guest: Guest,
    outbox: Arc<Outbox>,
    /// What serves this session beside its reader: ends with it.
    tasks: JoinSet<()>,
    topics: HashMap<Topic, AbortHandle>,
    /// To the task that brings recorded events, when the client wants any.
    changes: Option<mpsc::Sender<Change>>,
    slots: Arc<Semaphore>,
    /// The client wants whatever acts refused.
    read_only: bool,
}

type Lines<S> = Framed<S, LineCodec>;

impl Session {
    fn new(hall: Arc<Hall>, guest: Guest) -> Self {
        Self {
            hall,
            guest,
            outbox: Arc::default(),
            tasks: JoinSet::new(),
            topics: HashMap::new(),
            changes: None,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            read_only: false,
        }
    }

    /// `since` is `None` for a client that wants no recorded events, `Some(None)` for one that has none yet.
    async fn run<S>(mut self, lines: Lines<S>, since: Option<Option<u64>>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sink, mut stream) = lines.split();
        let mut writer = AbortOnDropHandle::new(tokio::spawn(write(Arc::clone(&self.outbox), sink)));
        if let Some(since) = since {
            self.follow(since);
        }
        let gone = self.read(&mut stream, &mut writer).await;
        self.tasks.shutdown().await;
        if !gone && tokio::time::timeout(FAREWELL, &mut writer).await.is_err() {
            tracing::info!(session = self.guest.who.session, "a client did not read its farewell");
        }
    }

    fn follow(&mut self, since: Option<u64>) {
        let (changes, rest) = mpsc::channel(AT_ONCE);
        let follow = Follow::new(Arc::clone(&self.hall.door), Arc::clone(&self.outbox), since);
        let outbox = Arc::clone(&self.outbox);
        self.changes = Some(changes);
        self.tasks.spawn(async move {
            if let Err(failure) = follow.run(rest).await {
                tracing::error!(%failure, "recorded events cannot be read");
                outbox.close(&Bye { reason: failure.line(), next: failure.next, again: true });
            }
        });
    }

    /// Reads requests until the session ends; true when the client is gone and there is nobody to write to.
    async fn read<S>(&mut self, stream: &mut SplitStream<Lines<S>>, writer: &mut AbortOnDropHandle<()>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let hall = Arc::clone(&self.hall);
        let outbox = Arc::clone(&self.outbox);
        loop {
            let slots = Arc::clone(&self.slots);
            let next = async {
                let slot = slots.acquire_owned().await;
                (slot, stream.next().await)
            };
            tokio::select! {
                biased;
                () = outbox.until_closed() => return false,
                ending = hall.ended() => {
                    outbox.close(&ending.bye());
                    return false;
                }
                Some(joined) = self.tasks.join_next() => {
                    if let Err(error) = joined && error.is_panic() {
                        tracing::error!(%error, session = self.guest.who.session, "a session met an error");
                        outbox.close(&broken_bye());
                    }
                }
                _ = &mut *writer => return true,
                (slot, line) = next => match (slot, line) {
                    (Ok(slot), Some(Ok(line))) => self.request(&line, slot),
                    (_, Some(Err(LineError::LineTooLong))) => {
                        outbox.close(&Bye {
                            reason: format!("a request is longer than {} MiB", MAX_LINE >> 20),
                            next: "send less at once".to_owned(),
                            again: false,
                        });
                        return false;
                    }
                    _ => return true,
                },
            }
        }
    }

    fn request(&mut self, line: &[u8], slot: OwnedSemaphorePermit) {
        let request = match serde_json::from_slice::<Request>(line) {
            Ok(request) => request,
            Err(error) => return self.nonsense(line, &error),
        };
        let req = request.req;
        if self.guest.who.role == Role::Watcher && !request.command.only_looks() {
            let failure = Failure::refused("carry out a command", "a watcher may look, not act")
                .next("attach as operator, without --read-only");
            return answer(&self.outbox, req, Reply::Refused(Refusal::of(failure)));
        }
        if self.read_only && !request.command.only_looks() {
            let failure = Failure::refused("carry out a command", "this session is read-only").next("switch that off first");
            return answer(&self.outbox, req, Reply::Refused(Refusal::of(failure)));
        }
        match request.command {
            Command::Session { view, read_only } => {
                self.read_only = read_only.unwrap_or(self.read_only);
                self.hall.tells(self.guest.who.session, view, read_only);
                answer(&self.outbox, req, Reply::Ok(Box::new(Answer::Done)));
            }
            Command::Subscribe { topics } => self.subscribe(req, topics),
            Command::Unsubscribe { topics } => {
                for topic in &topics {
                    if let Some(task) = self.topics.remove(topic) {
                        task.abort();
                    }
                }
                self.steps(req, &topics, false);
            }
            _ => self.carry_out(request, slot),
        }
    }

    /// A line that is no request: one from a newer client is refused, anything else ends the session.
    fn nonsense(&self, line: &[u8], error: &serde_json::Error) {
        #[derive(Deserialize)]
        struct Numbered {
            req: u64,
        }
        match serde_json::from_slice::<Numbered>(line) {
            Ok(Numbered { req }) => {
                tracing::warn!(%error, "a command that this engine does not know");
                let got = "this engine does not know it: it is older than the program that asks";
                let failure = Failure::refused("understand a command", got).next("quarterdeck engine restart");
                answer(&self.outbox, req, Reply::Refused(Refusal::bad(failure)));
            }
            Err(_) => {
                self.outbox.close(&Bye { reason: format!("a line is no request: {error}"), next: String::new(), again: false })
            }
        }
    }

    fn subscribe(&mut self, req: u64, topics: Vec<Topic>) {
        let new: Vec<_> = topics.iter().filter(|topic| !self.topics.contains_key(*topic)).collect();
        if self.topics.len() + new.len() > MAX_TOPICS {
            let failure = Failure::refused("subscribe", format!("at most {MAX_TOPICS} topics at once"));
            return answer(&self.outbox, req, Reply::Refused(Refusal::bad(failure)));
        }
        for topic in new {
            let mut feed = self.hall.door.watch(topic);
            let outbox = Arc::clone(&self.outbox);
            let task = self.tasks.spawn(async move {
                loop {
                    // Room first: what comes while there is none is coalesced in the feed.
                    outbox.room().await;
                    let (revision, body) = feed.next().await;
                    if let Err(error) = outbox.push(&FromEngine::Live { revision, body: (*body).clone() }) {
                        tracing::error!(%error, "live state cannot be sent");
                    }
                }
            });
            self.topics.insert(topic.clone(), task);
        }
        self.steps(req, &topics, true);
    }

    /// Has the steps of runs among the recorded events, or not; answers when that is in force.
    fn steps(&mut self, req: u64, topics: &[Topic], wanted: bool) {
        let run = |topic: &Topic| match topic {
            Topic::Run { run } => Some(*run),
            _ => None,
        };
        let runs: Vec<RunNo> = topics.iter().filter_map(run).collect();
        match &self.changes {
            Some(changes) if !runs.is_empty() => {
                // Waiting for room would hold up the reader for a client that does not read.
                if changes.try_send(Change { req, runs, wanted }).is_err() {
                    let failure =
                        Failure::refused("subscribe", "too many changes of subscriptions wait").next("read, then ask again");
                    answer(&self.outbox, req, Reply::Refused(Refusal::of(failure)));
                }
            }
            _ => answer(&self.outbox, req, Reply::Ok(Box::new(Answer::Done))),
        }
    }

    /// Carries a command out beside the reader. It goes on when the client leaves: what was begun is done.
    fn carry_out(&self, request: Request, slot: OwnedSemaphorePermit) {
        let (hall, who, outbox) = (Arc::clone(&self.hall), Arc::clone(&self.guest.who), Arc::clone(&self.outbox));
        tokio::spawn(async move {
            let _slot = slot;
            let req = request.req;
            let result = AssertUnwindSafe(dispatch(&hall, &who, request)).catch_unwind().await;
            let (reply, ending) = result.unwrap_or_else(|_| {
                let failure = Failure::broken("carry out a command", "the engine met an error of its own; its log has more");
                (Reply::Refused(Refusal::of(failure)), None)
            });
            answer(&outbox, req, reply);
            if let Some(ending) = ending {
                hall.end(ending);
            }
        });
    }
}

/// The reply to a command, and the end of the process when that is what it asks for.
async fn dispatch(hall: &Hall, who: &Arc<Who>, request: Request) -> (Reply, Option<Ending>) {
    let by = who.operator.clone();
    let (mode, ending) = match request.command {
        Command::Stop { mode } => (mode, Ending::Stop { by }),
        Command::Restart => (StopMode::Now, Ending::Restart { by }),
        _ => return (hall.door.request(who, request).await, None),
    };
    match hall.door.drain(Some(who), mode).await {
        Ok(()) => (Reply::Ok(Box::new(Answer::Done)), Some(ending)),
        Err(refusal) => (Reply::Refused(refusal), None),
    }
}

fn answer(outbox: &Outbox, req: u64, result: Reply) {
    if let Err(error) = outbox.push(&FromEngine::Reply { req, result }) {
        let failure = Failure::refused("answer", error).next("ask for less at once");
        let refusal = Refusal { code: RefusalCode::Failed, failure };
        // A refusal is short.
        let _ = outbox.push(&FromEngine::Reply { req, result: Reply::Refused(refusal) });
    }
}

/// Writes what waits until the session is closed or the client is gone.
async fn write<S>(outbox: Arc<Outbox>, mut sink: SplitSink<Lines<S>, Bytes>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some((line, more)) = outbox.next().await {
        let sent = if more { sink.feed(line).await } else { sink.send(line).await };
        if sent.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}
