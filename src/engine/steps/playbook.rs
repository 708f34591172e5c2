//! One playbook on the cluster: a job that goes on without us, and what we tell of it while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::oneshot;

use super::{Ask, Bad, Change, Done, Question, StepCx};
use crate::ansible::events::Tail;
use crate::ansible::inventory::{self, ClusterPaths};
use crate::ansible::playbook::{self, PlaybookCall};
use crate::ansible::question;
use crate::base::job::{self, Asked, JobExit, JobSecret, JobState};
use crate::engine::core::lock;
use crate::engine::runs::Order;
use crate::model::cluster::LastPlaybook;
use crate::model::spec::PlaybookSpec;
use crate::model::{Class, Failure, NodeState, PlayState};
use crate::protocol::{Live, Topic};
use crate::store::output::Pager;

/// Between two looks at what a job has written.
const LOOK: Duration = Duration::from_millis(80);
/// Events taken in at one look.
const EVENTS: usize = 2000;
/// How long a job has to end after each of SIGINT, SIGTERM, SIGKILL.
const GRACE: Duration = Duration::from_secs(8);

/// Runs the playbook, or goes on watching the job that runs it.
pub async fn run(cx: &StepCx, call: &PlaybookSpec) -> Result<Done, Bad> {
    let dir = cx.dir();
    let state = {
        let dir = dir.clone();
        blocking(move || job::state(&dir)).await?
    };
    if let JobState::Never = state {
        if cx.cancel.is_cancelled() {
            return Err(Failure::cancelled(&cx.step.title).into());
        }
        start(cx, call, &dir).await?;
    }
    let mut watch = Watch::new(cx, &dir);
    let exit = watch.until_end().await?;
    watch.look(true);
    judge(cx, call, &watch.plays, &exit)
}

async fn start(cx: &StepCx, call: &PlaybookSpec, dir: &Path) -> Result<(), Failure> {
    let cluster = cx.cluster()?;
    let (dirs, adapters) = (&cx.core.settings.dirs, cx.cx());
    let ansible = crate::ansible::find(&cx.core.ansible_settings(), &adapters).await?;
    let vault = if call.vault { Some(vault_password(cx, call).await?) } else { None };
    crate::engine::files::private_dir(dir)?;
    cx.core.write_known_hosts(cluster, &cx.nodes)?;
    let up: Vec<_> = cx.nodes.iter().filter(|n| n.state == NodeState::Up).cloned().collect();
    let paths = ClusterPaths { key: dirs.key(cluster.id), known_hosts: dirs.known_hosts(cluster.id) };
    let inventory = dir.join("inventory.json");
    let hosts = inventory::render(cluster, &up, &paths);
    crate::engine::files::write_private(&inventory, inventory::as_file(&hosts).as_bytes())?;
    let wanted = PlaybookCall {
        spec: call.clone(),
        playbook: playbook_path(cx, call),
        inventory,
        job_dir: dir.to_path_buf(),
        control_dir: cx.core.store.run_dir(cx.step.run).join("cp"),
        nodes: up.len(),
        vault: vault.is_some(),
        color: false,
        ssh_auth_sock: cx.core.agent(),
    };
    let spec = playbook::prepare(&ansible, &wanted)?;
    let secrets = vault.map(|value| JobSecret { name: playbook::VAULT.to_owned(), value }).into_iter().collect();
    let (program, dir) = (cx.core.settings.program.clone(), dir.to_path_buf());
    blocking(move || job::start(&program, &dir, &spec, secrets)).await?
}

/// The playbook as it was when the plan was made; where the files were too many to be frozen, as it is.
fn playbook_path(cx: &StepCx, call: &PlaybookSpec) -> PathBuf {
    let frozen = cx.core.store.run_dir(cx.step.run).join("files").join(&call.path);
    if Path::new(&call.path).is_relative() && frozen.exists() {
        return frozen;
    }
    let base = cx.cluster.as_ref().map(|c| c.base_dir.clone()).unwrap_or_default();
    Path::new(&base).join(&call.path)
}

/// The vault password of this run; asked for when an engine that knew it is gone.
async fn vault_password(cx: &StepCx, call: &PlaybookSpec) -> Result<SecretString, Failure> {
    if let Some(password) = lock(&cx.core.vault).get(&cx.step.run) {
        return Ok(password.clone());
    }
    let (reply, answer) = oneshot::channel();
    let text = format!("Vault password for {}", call.path);
    // A run that has ended needs no answer: the wait below ends with it.
    let _ = cx.orders.send(Order::Ask(Ask { step: cx.step.index, question: Question::Secret { text, reply } }));
    let gone = || Failure::cancelled(&cx.step.title);
    let password = cx.cx().run(&cx.step.title, async { answer.await.map_err(|_| gone()) }).await?;
    lock(&cx.core.vault).insert(cx.step.run, password.clone());
    Ok(password)
}

/// Follows a job: its events, the growth of its output, its questions.
struct Watch<'a> {
    cx: &'a StepCx,
    dir: PathBuf,
    tail: Tail,
    plays: PlayState,
    output: Option<Pager>,
    size: (u64, u64),
    /// Questions that were passed on.
    asked: u64,
}

impl<'a> Watch<'a> {
    fn new(cx: &'a StepCx, dir: &Path) -> Self {
        let tail = Tail::new(dir.join(playbook::EVENTS));
        Self { cx, dir: dir.to_path_buf(), tail, plays: PlayState::default(), output: None, size: (0, 0), asked: 0 }
    }

    /// Until the job has ended. When the step is cancelled, the job is ended: first as Ctrl-C would, then harder.
    async fn until_end(&mut self) -> Result<JobExit, Failure> {
        let mut ladder = [libc::SIGINT, libc::SIGTERM, libc::SIGKILL].into_iter();
        let mut next_rung = None;
        loop {
            self.look(false);
            match job::state(&self.dir) {
                JobState::Ended(_) if next_rung.is_some() => return Err(Failure::cancelled(&self.cx.step.title)),
                JobState::Ended(exit) => return Ok(exit),
                JobState::Lost | JobState::Never if next_rung.is_some() => return Err(Failure::cancelled(&self.cx.step.title)),
                JobState::Lost | JobState::Never => {
                    // Ansible's workers leave its session, so they may outlive it: not beside the next attempt.
                    job::end_leftovers(&self.dir);
                    return Err(Failure::transient(&self.cx.step.title, "the process that held the playbook was killed"));
                }
                JobState::Running { .. } => {}
            }
            let now = tokio::time::Instant::now();
            if next_rung.is_some_and(|at| now >= at) || (next_rung.is_none() && self.cx.cancel.is_cancelled()) {
                if let Some(signal) = ladder.next()
                    && let Err(failure) = job::signal(&self.dir, signal)
                {
                    tracing::info!(%failure, "the job could not be told to end");
                }
                next_rung = Some(now + GRACE);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.cx.cancel.cancelled(), if next_rung.is_none() => {}
            }
        }
    }

    /// Takes in what is new and tells it to those who look at the run.
    fn look(&mut self, last: bool) {
        let (run, step, attempt) = (self.cx.step.run, self.cx.step.index, self.cx.step.attempt);
        let topic = Topic::Run { run };
        loop {
            let first = self.plays.events;
            let events = self.tail.read(EVENTS);
            let full = events.len() == EVENTS;
            events.iter().for_each(|e| self.plays.apply(e));
            if !events.is_empty() {
                self.cx.core.hub.publish(&topic, Live::Plays { run, step, attempt, first, events });
            }
            if !full {
                break;
            }
        }
        if self.output.is_none() {
            self.output = Pager::open(&self.dir.join("output")).ok();
        }
        if let Some(Ok((lines, bytes))) = self.output.as_mut().map(Pager::size)
            && (lines, bytes) != self.size
        {
            self.size = (lines, bytes);
            self.cx.core.hub.publish(&topic, Live::Output { run, step, attempt, lines, bytes });
        }
        self.questions(last);
    }

    fn questions(&mut self, last: bool) {
        let send = |question| {
            // The run may have ended: then nobody is to be asked any more.
            let _ = self.cx.orders.send(Order::Ask(Ask { step: self.cx.step.index, question }));
        };
        let prompts = if last { Vec::new() } else { job::prompts(&self.dir) };
        let open = prompts.iter().rev().find(|p| p.state == Asked::Open);
        match open {
            Some(prompt) if prompt.number > self.asked => {
                self.asked = prompt.number;
                let (text, kind) = question::read(prompt);
                send(Question::Job { text, kind, dir: self.dir.clone(), number: prompt.number });
            }
            None if self.asked > 0 && (last || prompts.iter().any(|p| p.number == self.asked && p.state == Asked::Withdrawn)) => {
                send(Question::Withdraw { dir: self.dir.clone() });
            }
            _ => {}
        }
    }
}

/// What a playbook's end means.
fn judge(cx: &StepCx, call: &PlaybookSpec, plays: &PlayState, exit: &JobExit) -> Result<Done, Bad> {
    let t = &plays.totals;
    let note = format!("ok {}  changed {}  failed {}  unreachable {}", t.ok, t.changed, t.failed, t.unreachable);
    let ok = exit.code == Some(0);
    let failed_hosts = plays.failed_hosts();
    let last =
        LastPlaybook { run: cx.step.run, name: call.path.clone(), ok, failed_hosts: failed_hosts.clone(), at: cx.core.now() };
    let changes = vec![Change::Totals(plays.totals), Change::Cluster(Box::new(move |c| c.last_playbook = Some(last)))];
    if ok {
        return Ok(Done { note, changes });
    }
    let tried = format!("run playbook {}", call.path);
    if let Some(error) = &exit.error {
        return Err(Bad { failure: Failure::broken(tried, error), changes });
    }
    let got = match plays.hosts.iter().find_map(|(host, h)| h.failure.as_ref().map(|(task, msg)| (host, task, msg))) {
        Some((host, task, msg)) => {
            let others = failed_hosts.len().saturating_sub(1);
            let more = if others == 0 { String::new() } else { format!(" (and {others} more hosts)") };
            format!("{host}, task {task:?}: {}{more}", msg.lines().next().unwrap_or("failed"))
        }
        None => match (exit.code, exit.signal) {
            (Some(code), _) => format!("ansible-playbook ended with code {code}; its output says why"),
            (None, signal) => format!("ansible-playbook was ended by signal {}", signal.unwrap_or(0)),
        },
    };
    let failure = Failure::new(Class::Broken, tried, got)
        .at(format!("run {}", cx.step.run))
        .next(format!("mend the cause, then run it on the failed hosts again: `quarterdeck run retry {} --failed`", cx.step.run));
    Err(Bad { failure, changes })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::broken("work with a job", e))
}
