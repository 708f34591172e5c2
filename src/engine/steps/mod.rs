//! What steps do: one file a kind. Each kind can be done again safely: it first looks whether its work is done.

mod ansible;
mod build;
mod change;
mod cluster;
mod command;
mod image;
mod key;
pub(in crate::engine) mod network;
mod playbook;
mod reach;
mod server;
mod talk;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::core::{Core, lock};
use super::runs::Order;
use crate::base::{Cx, SystemClock};
use crate::clouds::Cloud;
use crate::model::play::Totals;
use crate::model::{Cluster, Failure, Node, PromptKind, RunNo, Step, Work};

/// What a step is handed.
pub struct StepCx {
    pub core: Arc<Core>,
    pub step: Step,
    /// The cluster and its nodes as they were when the step started.
    pub cluster: Option<Cluster>,
    pub nodes: Vec<Node>,
    /// Its work may have been done before: by an earlier attempt, or under a former engine.
    pub again: bool,
    /// The way to ask an operator.
    pub orders: mpsc::UnboundedSender<Order>,
    pub cancel: CancellationToken,
}

/// What a step says when it is done.
#[derive(Default)]
pub struct Done {
    /// For people, short: an address, a count.
    pub note: String,
    pub changes: Vec<Change>,
}

impl Done {
    /// Nothing changed in the record.
    pub fn note(note: impl Into<String>) -> Self {
        Self { note: note.into(), changes: Vec::new() }
    }

    /// Adds a change of a node.
    #[must_use]
    pub fn node(mut self, name: &str, change: impl FnOnce(&mut Node) + Send + 'static) -> Self {
        self.changes.push(Change::Node { name: name.to_owned(), change: Box::new(change) });
        self
    }
}

/// What a step says when it failed: some of its changes hold all the same.
pub struct Bad {
    pub failure: Failure,
    pub changes: Vec<Change>,
}

impl From<Failure> for Bad {
    fn from(failure: Failure) -> Self {
        Self { failure, changes: Vec::new() }
    }
}

/// A change in the record that a step's end brings.
pub enum Change {
    Node {
        name: String,
        change: Box<dyn FnOnce(&mut Node) + Send>,
    },
    NodeGone {
        name: String,
    },
    Cluster(Box<dyn FnOnce(&mut Cluster) + Send>),
    ClusterGone,
    /// Results of a playbook, to be added to the run's.
    Totals(Totals),
}

/// A step asks an operator.
pub struct Ask {
    pub step: u32,
    pub question: Question,
}

/// What is asked.
pub enum Question {
    /// A secret that was only in memory and is gone.
    Secret { text: String, reply: oneshot::Sender<SecretString> },
    /// A job waits at its terminal.
    Job { text: String, kind: PromptKind, dir: PathBuf, number: u64 },
    /// The job went on without an answer.
    Withdraw { dir: PathBuf },
}

impl StepCx {
    /// The directory of this attempt: its output, and its job.
    pub fn dir(&self) -> PathBuf {
        self.core.store.step_dir(self.step.run, self.step.index, self.step.attempt)
    }

    /// The context for calls to adapters; what they say goes into the step's output.
    pub fn cx(&self) -> Cx {
        let talk = Arc::new(talk::Talk::new(self));
        Cx {
            progress: talk.clone(),
            output: talk,
            cancel: self.cancel.clone(),
            deadline: None,
            attempt: self.step.attempt,
            clock: Arc::new(SystemClock),
        }
    }

    /// A secret of this run; asked for when an engine that knew it is gone, or nobody told it.
    ///
    /// # Errors
    /// The run is cancelled.
    pub async fn secret(&self, name: &str, text: String) -> Result<SecretString, Failure> {
        let run = self.step.run;
        if let Some(known) = lock(&self.core.secrets).get(&run).and_then(|secrets| secrets.get(name)) {
            return Ok(known.clone());
        }
        let (reply, answer) = oneshot::channel();
        // A run that has ended needs no answer: the wait below ends with it.
        let _ = self.orders.send(Order::Ask(Ask { step: self.step.index, question: Question::Secret { text, reply } }));
        let gone = || Failure::cancelled(&self.step.title);
        let secret = self.cx().run(&self.step.title, async { answer.await.map_err(|_| gone()) }).await?;
        lock(&self.core.secrets).entry(run).or_default().insert(name.to_owned(), secret.clone());
        Ok(secret)
    }

    /// The cluster that the step works on.
    pub fn cluster(&self) -> Result<&Cluster, Failure> {
        self.cluster.as_ref().ok_or_else(|| Failure::broken(&self.step.title, "the cluster's record is gone"))
    }

    /// The node that the step works on.
    pub fn node(&self) -> Result<&Node, Failure> {
        let name = self.step.node.as_deref().unwrap_or_default();
        let node = self.nodes.iter().find(|n| n.name == name);
        node.ok_or_else(|| Failure::broken(&self.step.title, format!("the record of node {name} is gone")))
    }

    /// The cloud that the step (or its node) is on.
    pub fn cloud(&self) -> Result<Arc<dyn Cloud>, Failure> {
        match &self.step.cloud {
            Some(cloud) => self.core.clouds.get(cloud),
            None => self.core.clouds.get(&self.node()?.cloud),
        }
    }
}

/// Where the shared SSH connections of a run have their sockets.
pub fn control_dir(core: &Core, run: RunNo) -> PathBuf {
    core.store.run_dir(run).join("cp")
}

/// Does what the step is there for.
///
/// # Errors
/// It could not be done; the failure's class says whether trying again can help.
pub async fn perform(cx: &StepCx) -> Result<Done, Bad> {
    Ok(match &cx.step.work {
        Work::MakeKey => key::make(cx).await?,
        Work::CreateServer { server } => server::create(cx, server).await?,
        Work::StartServer => server::start(cx).await?,
        Work::MakeNetwork => network::make(cx).await?,
        Work::SecurityGroup { group, ports } => network::security_group(cx, group.as_deref(), ports).await?,
        Work::PublicAddress => network::public_address(cx).await?,
        Work::WaitServer => server::wait(cx).await?,
        Work::WaitSsh => reach::wait(cx).await?,
        Work::WriteHosts => reach::write_hosts(cx).await?,
        Work::Playbook { call } => playbook::run(cx, call).await?,
        Work::DeleteServer { server, token } => server::delete(cx, server.as_deref(), token.as_ref()).await?,
        Work::Sweep => cluster::sweep(cx).await?,
        Work::GiveBack => network::give_back(cx).await?,
        Work::VerifyGone => cluster::verify_gone(cx).await?,
        Work::Forget => cluster::forget(cx)?,
        Work::UploadImage { image } => image::upload(cx, image).await?,
        Work::ChangeServer { server, change } => change::change(cx, server, change).await?,
        Work::InstallAnsible => ansible::install(cx).await?,
        Work::Command { call } => command::run(cx, call).await?,
        Work::Build { build } => build::run(cx, build).await?,
        Work::Join => Done::default(),
    })
}

/// Gives back what the step made.
///
/// # Errors
/// Something may be left.
pub async fn undo(cx: &StepCx) -> Result<Done, Bad> {
    match &cx.step.work {
        Work::CreateServer { .. } => Ok(server::give_back(cx).await?),
        Work::StartServer => Ok(server::stop_again(cx).await?),
        Work::MakeNetwork | Work::SecurityGroup { .. } => Ok(network::undo(cx).await?),
        Work::PublicAddress => Ok(network::release(cx).await?),
        Work::UploadImage { .. } => Ok(image::take_away(cx).await?),
        _ => Ok(Done::default()),
    }
}
