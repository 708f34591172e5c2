//! One playbook on the cluster: a job that goes on without us, and what we tell of it while it runs.

use std::path::{Path, PathBuf};

use super::watch::{self, Watch, blocking};
use super::{Bad, Change, Done, StepCx};
use crate::ansible::inventory::{self, ClusterPaths};
use crate::ansible::playbook::{self, PlaybookCall};
use crate::base::job::{self, JobExit, JobSecret};
use crate::model::cluster::LastPlaybook;
use crate::model::spec::PlaybookSpec;
use crate::model::{Class, Failure, NodeState, PlayState};

/// Runs the playbook, or goes on watching the job that runs it.
pub async fn run(cx: &StepCx, call: &PlaybookSpec) -> Result<Done, Bad> {
    let dir = cx.dir();
    if watch::is_new(cx, &dir).await? {
        start(cx, call, &dir).await?;
    }
    let mut watch = Watch::new(cx, &dir, true);
    let exit = watch.until_end().await?;
    judge(cx, call, &watch.plays, &exit)
}

async fn start(cx: &StepCx, call: &PlaybookSpec, dir: &Path) -> Result<(), Failure> {
    let cluster = cx.cluster()?;
    let (dirs, adapters) = (&cx.core.settings.dirs, cx.cx());
    let ansible = crate::ansible::find(&cx.core.ansible_settings(), &adapters).await?;
    let asked = || format!("Vault password for {}", call.path);
    let vault = if call.vault { Some(cx.secret(playbook::VAULT, asked()).await?) } else { None };
    crate::base::files::private_dir(dir)?;
    cx.core.write_known_hosts(cluster, &cx.nodes)?;
    let up: Vec<_> = cx.nodes.iter().filter(|n| n.state == NodeState::Up).cloned().collect();
    let paths = ClusterPaths { key: dirs.key(cluster.id), known_hosts: dirs.known_hosts(cluster.id) };
    let inventory = dir.join("inventory.json");
    let hosts = inventory::render(cluster, &up, &paths);
    crate::base::files::write_private(&inventory, inventory::as_file(&hosts).as_bytes())?;
    let wanted = PlaybookCall {
        spec: call.clone(),
        playbook: playbook_path(cx, call),
        inventory,
        job_dir: dir.to_path_buf(),
        control_dir: super::control_dir(&cx.core, cx.step.run),
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
    let failure = Failure::new(Class::Broken, tried, got).at(format!("run {}", cx.step.run)).next(format!(
        "mend the cause, then run it on the failed hosts again: `quarterdeck run retry {} --failed-hosts`",
        cx.step.run
    ));
    Err(Bad { failure, changes })
}
