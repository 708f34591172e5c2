//! Requests that change nothing.

use std::sync::Arc;

use super::{output, timeline};
use crate::ansible::events::Tail;
use crate::ansible::inventory::{self, ClusterPaths};
use crate::base::Cx;
use crate::clusters::blueprints;
use crate::engine::core::{Core, lock};
use crate::engine::{docker, watch};
use crate::model::{Failure, PlayEvent, PlayState, RunNo, Step};
use crate::protocol::command::{BlueprintInfo, EngineStatus, StepPlay};
use crate::protocol::live::Freshness;
use crate::protocol::{Answer, Command, Refusal};

/// Longest wait for a cloud's answer to a look.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
/// Most lines or events of one page.
const PAGE: u32 = 5000;
/// Events read at once.
const EVENTS: usize = 10_000;

pub async fn look(core: &Arc<Core>, command: Command) -> Result<Answer, Refusal> {
    look_at(core, command).await.map_err(Refusal::of)
}

async fn look_at(core: &Arc<Core>, command: Command) -> Result<Answer, Failure> {
    let cx = Cx::quiet().within(LIMIT);
    Ok(match command {
        Command::Status => Answer::Status(status(core).await),
        Command::Clouds { test } => {
            // Files that settings point to may have been mended since.
            if test {
                core.clouds.reload(&core.settings, core.store.home_id())?;
            }
            Answer::Clouds(watch::cloud_rows(core, test).await)
        }
        Command::List { cloud, list } => {
            let rows = watch::read_list(core, &cloud, list, &cx).await?;
            Answer::List { rows, freshness: Freshness::Fresh { at: core.now() } }
        }
        Command::Refresh { cloud, list } => {
            core.pokes.poke(&cloud, list);
            Answer::Done
        }
        Command::Dockers { .. } | Command::Docker { .. } | Command::DockerRefresh { .. } => {
            docker::look(core, &command, &cx).await?
        }
        Command::RunDetail { run } => run_detail(core, run).await?,
        Command::OutputPage { run, step, attempt, from, count, pick, times } => {
            let place = output::place(core, run, step, attempt).await?;
            output::page(core, place, from, count, pick, times).await?
        }
        Command::SearchOutput { run, step, attempt, find, host, from, to, count } => {
            let place = output::place(core, run, step, attempt).await?;
            output::search(core, place, find, host, from..to, count).await?
        }
        Command::OutputLine { run, step, attempt, byte } => {
            output::line(core, output::place(core, run, step, attempt).await?, byte).await?
        }
        Command::PlayPage { run, step, attempt, from, count } => {
            let step = find_step(core, run, step).await?;
            let events = events_of(core, &step, attempt).await?;
            let total = events.len() as u64;
            let skip = usize::try_from(from).unwrap_or(usize::MAX);
            Answer::Plays { from, events: events.into_iter().skip(skip).take(count.min(PAGE) as usize).collect(), total }
        }
        Command::Blueprints => Answer::Blueprints(blueprints::all().iter().map(info).collect()),
        Command::Inventory { cluster } => {
            let cluster = crate::engine::planning::cluster_of(core, cluster)?;
            let nodes = core.journal.state().nodes_of(cluster.id);
            core.write_known_hosts(&cluster, &nodes)?;
            let dirs = &core.settings.dirs;
            let paths = ClusterPaths { key: dirs.key(cluster.id), known_hosts: dirs.known_hosts(cluster.id) };
            Answer::Inventory(inventory::render(&cluster, &nodes, &paths))
        }
        Command::ServerShow { cloud, server } => {
            let cloud = core.clouds.get(&cloud)?;
            Answer::Server(Box::new(super::servers::find(&cloud, &cx, &server).await?))
        }
        Command::ServerActions { cloud, server } => {
            let cloud = core.clouds.get(&cloud)?;
            let server = super::servers::find(&cloud, &cx, &server).await?;
            Answer::ServerActions(cx.run("read the actions of a server", cloud.server_actions(&cx, &server.id)).await?)
        }
        Command::ConsoleLog { cloud, server, lines } => {
            let cloud = core.clouds.get(&cloud)?;
            let server = super::servers::find(&cloud, &cx, &server).await?;
            Answer::Text(cx.run("read a console log", cloud.console_log(&cx, &server.id, lines)).await?)
        }
        Command::Plan { plan } => Answer::Plan(Box::new(super::start::plan_of(core, plan).await?)),
        Command::Rules => Answer::Rules(Box::new((*core.clouds.rules()).clone())),
        Command::Timeline { cluster, node, count } => Answer::Timeline(timeline::of(core, cluster, &node, count as usize).await?),
        Command::Audit { count } => Answer::Audit(core.store.audit(count).await?),
        other => {
            return Err(Failure::refused(
                "look",
                format!("this request does not only look: {other:?}").chars().take(80).collect::<String>(),
            ));
        }
    })
}

fn info(blueprint: &blueprints::Blueprint) -> BlueprintInfo {
    BlueprintInfo {
        name: blueprint.name.to_owned(),
        summary: blueprint.summary.to_owned(),
        spec: blueprint.spec().to_owned(),
        files: blueprint.files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
    }
}

async fn status(core: &Arc<Core>) -> EngineStatus {
    let ansible = crate::ansible::find(&core.ansible_settings(), &Cx::quiet().within(LIMIT)).await;
    let mut trouble: Vec<String> = core.journal.trouble().into_iter().collect();
    trouble.extend(lock(&core.settings_trouble).clone());
    trouble.extend(core.store.room().err().map(|f| f.line()).filter(|_| trouble.is_empty()));
    EngineStatus {
        pid: std::process::id(),
        program: core.settings.version.clone(),
        home: core.settings.dirs.home.display().to_string(),
        up: core.started.elapsed().as_secs(),
        runs_under_way: u32::try_from(lock(&core.running).len()).unwrap_or(u32::MAX),
        clients: u32::try_from(lock(&core.clients).len()).unwrap_or(u32::MAX),
        seq: core.journal.state().seq,
        rss_kb: rss_kb(),
        ansible_ready: ansible.is_ok(),
        ansible: match ansible {
            Ok(found) => format!("ansible-core {} ({})", found.version, found.playbook.display()),
            Err(failure) => failure.to_string(),
        },
        trouble,
    }
}

/// Resident memory of this process, KiB; 0 where /proc is not readable.
fn rss_kb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The steps of a run, from memory while it is under way, else from the store.
pub async fn steps_of(core: &Core, run: RunNo) -> Result<Vec<Step>, Failure> {
    let live = core.journal.state().steps.get(&run).map(|s| s.values().cloned().collect::<Vec<_>>());
    match live {
        Some(steps) => Ok(steps),
        None => core.store.steps(run).await,
    }
}

pub async fn find_step(core: &Core, run: RunNo, index: u32) -> Result<Step, Failure> {
    let steps = steps_of(core, run).await?;
    let missing = || Failure::not_found(format!("find step {index} of run {run}"), "there is no such step");
    steps.into_iter().find(|s| s.index == index).ok_or_else(missing)
}

/// The run of this number.
pub fn run_of(core: &Core, run: RunNo) -> Result<crate::model::Run, Failure> {
    let missing = || {
        Failure::not_found(format!("find run {run}"), "there is no such run")
            .next("`quarterdeck run list` shows those that are kept")
    };
    core.journal.state().runs.get(&run).cloned().ok_or_else(missing)
}

async fn run_detail(core: &Arc<Core>, number: RunNo) -> Result<Answer, Failure> {
    let run = run_of(core, number)?;
    let steps = steps_of(core, number).await?;
    let mut plays = Vec::new();
    for step in &steps {
        if step.work.plays() && step.attempt > 0 {
            plays.push(StepPlay { step: step.index, attempt: step.attempt, state: plays_of(core, step).await? });
        }
    }
    Ok(Answer::RunDetail { run: Box::new(run), steps, plays })
}

/// What the playbook of a step's last attempt came to (or is at).
///
/// # Errors
/// Its events cannot be read.
pub async fn plays_of(core: &Core, step: &Step) -> Result<PlayState, Failure> {
    let mut state = PlayState::default();
    events_of(core, step, 0).await?.iter().for_each(|e| state.apply(e));
    Ok(state)
}

async fn events_of(core: &Core, step: &Step, attempt: u32) -> Result<Vec<PlayEvent>, Failure> {
    let attempt = if attempt == 0 { step.attempt } else { attempt };
    let path = core.store.step_dir(step.run, step.index, attempt).join("events.jsonl");
    let read = move || {
        let (mut tail, mut all) = (Tail::new(path), Vec::new());
        loop {
            let events = tail.read(EVENTS);
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    };
    tokio::task::spawn_blocking(read).await.map_err(|e| Failure::broken("read playbook events", e))
}
