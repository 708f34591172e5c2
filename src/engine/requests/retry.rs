//! A run that ended badly, once more.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::{looking, start};
use crate::engine::core::Core;
use crate::engine::door::Who;
use crate::engine::planning::{self, Aim};
use crate::model::spec::PlaybookSpec;
use crate::model::{Failure, Plan, Run, RunKind, RunNo, RunState, StepState, Work};
use crate::protocol::{Answer, Refusal};

/// Starts a new run that does what the old one left undone: a playbook that failed runs again (on its failed hosts
/// only when asked), a cluster is brought to its spec, a deletion is finished.
pub async fn retry(core: &Arc<Core>, who: &Who, number: RunNo, failed_hosts: bool, key: Option<Uuid>) -> Result<Answer, Refusal> {
    let run = looking::run_of(core, number).map_err(Refusal::of)?;
    let tried = format!("retry run {number}");
    if !run.state.ended() {
        let failure = Failure::refused(tried, format!("the run is {}", run.state));
        return Err(Refusal::of(failure.next(format!("watch it: `quarterdeck run tail {number}`"))));
    }
    if run.state == RunState::Done {
        return Err(Refusal::of(Failure::refused(tried, "the run is done: nothing of it is left to do")));
    }
    let plan = match run.kind {
        RunKind::Playbook => playbooks(core, &run, failed_hosts).await?,
        RunKind::Delete => match run.cluster {
            Some(cluster) => planning::change(core, cluster, Aim::Delete).await?,
            None => return Err(gone(&tried)),
        },
        RunKind::Create | RunKind::Scale | RunKind::Repair => bring_to_spec(core, &run).await?,
        RunKind::Command | RunKind::Build => {
            let steps = looking::steps_of(core, number).await.map_err(Refusal::of)?;
            let Some(step) = steps.into_iter().next() else { return Err(gone(&tried)) };
            return start::single(core, who, &run.title, step.work, step.cloud, Default::default(), key).await;
        }
    };
    start::start(core, who, plan, None, key).await
}

fn gone(tried: &str) -> Refusal {
    Refusal::of(Failure::not_found(tried, "what the run worked on is gone").next("plan it anew"))
}

async fn bring_to_spec(core: &Core, run: &Run) -> Result<Plan, Refusal> {
    let cluster = run.cluster.and_then(|id| core.journal.state().clusters.get(&id).cloned());
    if let Some(cluster) = cluster {
        return planning::converge(core, cluster.spec, &cluster.base_dir).await;
    }
    // Everything was given back: the plan that the run carried out says what was wanted.
    let path = core.store.run_dir(run.number).join("plan.json");
    let plan = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Plan>(&text).ok());
    let plan = plan.ok_or_else(|| gone(&format!("retry run {}", run.number)))?;
    planning::converge(core, plan.spec, &plan.base_dir).await
}

async fn playbooks(core: &Core, run: &Run, failed_hosts: bool) -> Result<Plan, Refusal> {
    let tried = format!("retry run {}", run.number);
    let cluster = run.cluster.ok_or_else(|| gone(&tried))?;
    let steps = looking::steps_of(core, run.number).await.map_err(Refusal::of)?;
    let mut calls: Vec<PlaybookSpec> = Vec::new();
    for step in &steps {
        let Work::Playbook { call } = &step.work else { continue };
        if step.state == StepState::Done {
            continue;
        }
        let mut call = (**call).clone();
        let failed = if failed_hosts && step.attempt > 0 {
            looking::plays_of(core, step).await.map_err(Refusal::of)?.failed_hosts()
        } else {
            Vec::new()
        };
        if !failed.is_empty() {
            call.limit = Some(failed.join(","));
        }
        calls.push(call);
    }
    if calls.is_empty() {
        return Err(Refusal::of(Failure::refused(tried, "no playbook of it failed")));
    }
    let base_dir = base_dir(core, run);
    planning::change(core, cluster, Aim::Playbooks(&calls, base_dir)).await
}

/// Where the run's playbooks came from: the originals when they are still there, so that a mended one is used.
fn base_dir(core: &Core, run: &Run) -> PathBuf {
    let path = core.store.run_dir(run.number).join("plan.json");
    let plan = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Plan>(&text).ok());
    let original = plan.map(|p| PathBuf::from(p.base_dir)).filter(|dir| dir.is_dir());
    original.unwrap_or_else(|| planning::frozen_dir(core, run.number))
}
