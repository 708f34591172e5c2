//! The engine as the daemon sees it, and what the daemon lends the engine.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{Sink, Stream};

use crate::model::account::OpenstackAccount;
use crate::model::{CloudName, Defaults, DockerInfo, Driver, Failure, Rules, RunNo, Time};
use crate::protocol::command::StopMode;
use crate::protocol::frame::Frame;
use crate::protocol::live::Present;
use crate::protocol::message::Reply;
use crate::protocol::{ClientContext, ClientKind, Event, Refusal, Request, Role, StreamRequest, Topic, View};

use super::feeds::{LiveFeed, RecordedFeed};

/// The person and program behind a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    /// Number of the session, unique in this engine's instance, from 1.
    pub session: u64,
    /// The person's name, cleaned for showing.
    pub operator: String,
    /// The account on the other end of the socket, as the kernel tells it.
    pub uid: u32,
    pub kind: ClientKind,
    pub role: Role,
    pub context: ClientContext,
}

/// A session that is connected now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attached {
    pub who: Arc<Who>,
    pub since: Time,
    /// What it looks at, cleaned for showing, when it tells.
    pub view: Option<View>,
    /// It refuses to act.
    pub read_only: bool,
}

impl Attached {
    /// The same as other clients see it.
    pub fn present(&self) -> Present {
        let from = self.who.context.ssh_connection.as_ref().and_then(|line| line.split(' ').next());
        Present {
            operator: self.who.operator.clone(),
            kind: self.who.kind,
            role: self.who.role,
            since: self.since,
            session: self.who.session,
            view: self.view.clone(),
            read_only: self.read_only,
            from: from.map(|address| crate::model::text::clean(address).into_owned()),
        }
    }
}

/// The recorded state at one moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct State {
    /// The newest event that it holds.
    pub seq: u64,
    /// One event for each thing there is. The `seq` of each is that of the thing's last change, or `seq` above.
    pub events: Vec<Event>,
}

/// Frames of a stream connection, both ways. Sending waits while the other side does not read.
pub trait FrameIo: Stream<Item = io::Result<Frame>> + Sink<Frame, Error = io::Error> + Send {}

impl<T> FrameIo for T where T: Stream<Item = io::Result<Frame>> + Sink<Frame, Error = io::Error> + Send {}

/// The engine, seen from the daemon. Roles are checked before a call gets here.
#[async_trait]
pub trait Door: Send + Sync {
    /// Changes with every start; live revisions of another instance mean nothing.
    fn instance(&self) -> String;

    /// The home whose store this is: a `seq` of another home means nothing.
    fn home(&self) -> String;

    /// The newest recorded event.
    fn seq(&self) -> u64;

    /// Carries out everything but `Subscribe`, `Unsubscribe`, `Stop` and `Restart`, which never get here.
    /// Called concurrently; a caller that loses its client drops the future, so work goes on in tasks of its own.
    async fn request(&self, who: &Arc<Who>, request: Request) -> Reply;

    /// Recorded events after `after`. Costs nothing until it is read; may be dropped at any time.
    fn recorded(&self, after: u64) -> RecordedFeed;

    /// Runs, clusters, nodes and open prompts; no steps.
    async fn snapshot(&self) -> Result<State, Failure>;

    /// The steps of one run; empty when there is no such run.
    async fn snapshot_run(&self, run: RunNo) -> Result<State, Failure>;

    /// What happens under `topic`, from what is known now. Dropping the feed ends the interest in it.
    fn watch(&self, topic: &Topic) -> LiveFeed;

    /// Serves a stream connection until either side ends it.
    async fn stream(&self, who: &Arc<Who>, request: StreamRequest, io: Pin<Box<dyn FrameIo>>);

    /// Everybody who is connected, after each change.
    fn presence(&self, clients: Vec<Attached>);

    /// Whether runs are under way: an engine that is busy does not end by itself.
    fn busy(&self) -> bool;

    /// Comes to rest before the process ends or is replaced: starts nothing more, makes durable what is known.
    /// `who` is missing when a signal asked for it.
    ///
    /// # Errors
    /// [`StopMode::WhenIdle`] while runs are under way.
    async fn drain(&self, who: Option<&Arc<Who>>, mode: StopMode) -> Result<(), Refusal>;
}

/// A cloud as the settings describe it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloudEntry {
    pub name: CloudName,
    pub driver: Driver,
    /// What the driver wants to know, by name; for one that takes an account, only what is not part of it.
    pub settings: BTreeMap<String, String>,
    /// The account behind it, or why there is none: for `openstack`.
    pub account: Option<Result<Arc<OpenstackAccount>, Failure>>,
    pub defaults: Defaults,
    /// `FILE:LINE` that configures it.
    pub source: String,
    /// Commands that name no cloud go here.
    pub default: bool,
    /// `FILE:LINE` that makes it read-only.
    pub read_only: Option<String>,
    /// Others live from what runs on it.
    pub prod: bool,
}

/// A Docker engine as the settings, or Docker's own, describe it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DockerEntry {
    pub info: DockerInfo,
    /// What is wrong with it as it is written.
    pub problem: Option<Failure>,
}

/// The settings' list of clouds, lent to the engine so that `CloudAdd` and its like go through
/// [`Door::request`] as everything else. Calls read and write small files and may block for a moment.
pub trait CloudBook: Send + Sync {
    /// A cloud with these settings, whether it is configured or not: what they point to is read.
    fn entry(&self, name: CloudName, driver: Driver, settings: BTreeMap<String, String>, source: &str) -> CloudEntry;

    /// The clouds, in order of name.
    ///
    /// # Errors
    /// The settings cannot be read; the failure names file, line and column.
    fn clouds(&self) -> Result<Vec<CloudEntry>, Failure>;

    /// The Docker engines: those of the settings, then those of Docker's own contexts; names are unique.
    ///
    /// # Errors
    /// The settings cannot be read.
    fn dockers(&self) -> Result<Vec<DockerEntry>, Failure>;

    /// The rules of the home, and the commands of its people.
    ///
    /// # Errors
    /// The settings cannot be read; the failure names file, line and column.
    fn rules(&self) -> Result<Rules, Failure>;

    /// Different after every change of the settings, also one by hand. Costs a look at the file.
    fn version(&self) -> u64;

    /// Adds a cloud; the first one becomes the default.
    ///
    /// # Errors
    /// `Refused`: the name is taken or is no name.
    fn add(&self, name: &str, driver: Driver, settings: &BTreeMap<String, String>) -> Result<(), Failure>;

    /// Removes a cloud from the settings; nothing is deleted on it.
    ///
    /// # Errors
    /// `NotFound`.
    fn remove(&self, name: &CloudName) -> Result<(), Failure>;

    /// Makes it the default.
    ///
    /// # Errors
    /// `NotFound`.
    fn set_default(&self, name: &CloudName) -> Result<(), Failure>;

    /// Changes settings of a cloud: an empty value removes one.
    ///
    /// # Errors
    /// `NotFound`.
    fn set(&self, name: &CloudName, settings: &BTreeMap<String, String>) -> Result<(), Failure>;
}
