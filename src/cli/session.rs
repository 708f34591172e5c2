//! The command line's line to the engine.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedReceiver;

use crate::client::{self, Client, Incoming, Mirror};
use crate::config::Paths;
use crate::model::{CloudInfo, Failure, Plan, PlanId, Rules, RunNo};
use crate::protocol::command::EngineStatus;
use crate::protocol::live::{CloudRow, Freshness};
use crate::protocol::{Answer, ClientKind, Command, FromEngine, ListKind, Role, Rows};

use super::exit::Stop;
use super::names;

/// Takes the answer that a command has, or says that it is another.
macro_rules! answer_as {
    ($session:expr, $command:expr, $pattern:pat => $value:expr) => {
        match $session.ask($command).await? {
            $pattern => Ok::<_, $crate::cli::exit::Stop>($value),
            _ => Err($crate::cli::session::odd()),
        }
    };
}
pub(super) use answer_as;

/// The engine answered something else than was asked for.
pub fn odd() -> Stop {
    Failure::broken("read the engine's answer", "it does not fit the question")
        .next("restart the engine: quarterdeck engine restart")
        .into()
}

/// `--read-only` was given: the engine refuses whatever acts.
pub static READ_ONLY: AtomicBool = AtomicBool::new(false);

/// How to attach to the engine of this home.
///
/// # Errors
/// There is no home.
pub fn options() -> Result<client::Options, Failure> {
    let options = client::Options::new(ClientKind::Cli, Paths::from_env()?);
    let role = if READ_ONLY.load(Ordering::Relaxed) { Role::Watcher } else { options.role };
    Ok(client::Options { role, ..options })
}

/// A connection, and what is known through it.
pub struct Session {
    pub client: Client,
    /// The recorded state; whole once [`Session::state`] has been called.
    pub mirror: Mirror,
    incoming: UnboundedReceiver<Incoming>,
}

impl Session {
    /// Attaches; starts the engine when there is none.
    ///
    /// # Errors
    /// The engine cannot be started or reached.
    pub async fn open() -> Result<Self, Stop> {
        Ok(Self::over(client::connect(options()?.following()).await?))
    }

    /// Uses a connection that is there; its options must say `follow`.
    pub fn over(client: Client) -> Self {
        let incoming = client.incoming();
        Self { client, mirror: Mirror::default(), incoming }
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn ask(&self, command: Command) -> Result<Answer, Stop> {
        Ok(self.client.request(command).await?)
    }

    /// The recorded state, as of when it is asked for or later.
    ///
    /// # Errors
    /// The line was lost for good before it came.
    pub async fn state(&mut self) -> Result<&Mirror, Stop> {
        let wanted = self.client.welcome();
        while self.mirror.home != wanted.home || self.mirror.seq < wanted.seq {
            self.next().await?;
        }
        Ok(&self.mirror)
    }

    /// Waits for the next thing that comes by itself and takes it into the mirror.
    ///
    /// # Errors
    /// The line is lost for good.
    pub async fn next(&mut self) -> Result<Incoming, Stop> {
        let Some(incoming) = self.incoming.recv().await else { return Err(closed().into()) };
        match &incoming {
            Incoming::Connected(welcome) => drop(self.mirror.apply(FromEngine::Welcome(welcome.clone()))),
            Incoming::Engine(message) => drop(self.mirror.apply(message.clone())),
            Incoming::Lost { .. } => {}
        }
        Ok(incoming)
    }

    /// What the engine says of itself.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn status(&self) -> Result<EngineStatus, Stop> {
        answer_as!(self, Command::Status, Answer::Status(status) => status)
    }

    /// The configured clouds; with an identity check of each when `test`.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn clouds(&self, test: bool) -> Result<Vec<CloudRow>, Stop> {
        answer_as!(self, Command::Clouds { test }, Answer::Clouds(rows) => rows)
    }

    /// The cloud of this name, or the default one.
    ///
    /// # Errors
    /// There is none of that name, or none at all.
    pub async fn cloud(&self, name: Option<&str>) -> Result<CloudInfo, Stop> {
        let rows = self.clouds(false).await?;
        let found = match name {
            Some(name) => rows.iter().find(|row| row.info.name.as_str() == name),
            None => rows.iter().find(|row| row.info.default).or_else(|| rows.first()),
        };
        if let Some(row) = found {
            return Ok(row.info.clone());
        }
        Err(match name {
            Some(name) if !rows.is_empty() => names::unknown("cloud", name, rows.iter().map(|row| row.info.name.as_str())),
            _ => Failure::not_found("find a cloud", "no cloud is configured")
                .next("quarterdeck try makes a sandbox on this computer; quarterdeck cloud add configures one"),
        }
        .into())
    }

    /// A list of a cloud, read now.
    ///
    /// # Errors
    /// As [`Session::ask`]; the list could not be read and none is known from before.
    pub async fn list(&self, cloud: &CloudInfo, list: ListKind) -> Result<Rows, Stop> {
        let (rows, freshness) = answer_as!(
            self,
            Command::List { cloud: cloud.name.clone(), list },
            Answer::List { rows, freshness } => (rows, freshness)
        )?;
        match freshness {
            Freshness::Failed { failure } => return Err(failure.into()),
            Freshness::Stale { failure: Some(failure), .. } => {
                super::out::remark(&format!("quarterdeck: this list is from before: {}", failure.line()));
            }
            _ => {}
        }
        Ok(rows)
    }

    /// The guards and commands of the settings.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn rules(&self) -> Result<Rules, Stop> {
        answer_as!(self, Command::Rules, Answer::Rules(rules) => *rules)
    }

    /// A plan.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn plan(&self, command: Command) -> Result<Plan, Stop> {
        answer_as!(self, command, Answer::Plan(plan) => *plan)
    }

    /// Starts something that is a run.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn start(&self, command: Command) -> Result<RunNo, Stop> {
        answer_as!(self, command, Answer::Run(run) => run)
    }

    /// Carries out a plan.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn apply(&self, plan: PlanId, vault_password: Option<String>) -> Result<RunNo, Stop> {
        self.start(Command::Apply { plan, vault_password }).await
    }
}

/// The line is gone and does not come back by itself.
pub fn closed() -> Failure {
    Failure::transient("talk to the engine", "it was stopped, or the line was closed")
        .next("quarterdeck engine start; runs are taken up again by themselves")
}
