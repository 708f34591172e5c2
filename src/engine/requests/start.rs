//! From a plan that somebody said yes to, to a run.

use std::sync::Arc;

use secrecy::SecretString;
use uuid::Uuid;

use super::in_the_way;
use crate::ansible::playbook::VAULT;
use crate::engine::core::{Core, RunSecrets, lock};
use crate::engine::door::Who;
use crate::engine::{planning, policy, runs};
use crate::model::{
    AuditEntry, Cluster, ClusterState, Failure, Plan, PlanId, PlanKind, PlannedStep, Run, RunKind, RunNo, RunState, Step,
    StepCounts, Work,
};
use crate::protocol::command::RefusalCode;
use crate::protocol::{Answer, EventBody, Refusal};

/// Carries out the plan of this id, unless what it was made from has changed.
pub async fn apply(
    core: &Arc<Core>,
    who: &Who,
    plan: PlanId,
    vault: Option<SecretString>,
    key: Option<Uuid>,
) -> Result<Answer, Refusal> {
    let plan = plan_of(core, plan).await.map_err(Refusal::of)?;
    start(core, who, plan, vault, key).await
}

/// A plan that was made before.
pub async fn plan_of(core: &Core, plan: PlanId) -> Result<Plan, Failure> {
    let missing = || Failure::not_found("find the plan", "this plan is no longer known").next("plan again");
    core.store.plan_get(plan).await?.ok_or_else(missing)
}

/// Carries out a plan.
pub async fn start(
    core: &Arc<Core>,
    who: &Who,
    plan: Plan,
    vault: Option<SecretString>,
    key: Option<Uuid>,
) -> Result<Answer, Refusal> {
    // Between looking whether the cluster is free and taking it, nobody else may do the same.
    let _alone = core.starting.lock().await;
    let existing = core.journal.state().clusters.get(&plan.cluster).cloned();
    policy::plan(core, &plan)?;
    check(core, &plan, existing.as_ref())?;
    core.store.room().map_err(in_the_way)?;
    let number = core.store.next_run();
    planning::adopt(core, plan.id, number).map_err(Refusal::of)?;
    let text = serde_json::to_vec_pretty(&plan).map_err(|e| Refusal::of(Failure::broken("keep the plan", e)))?;
    crate::base::files::write_private(&core.store.run_dir(number).join("plan.json"), &text).map_err(Refusal::of)?;
    let title = title(&plan);
    let audit = super::audit(core, who, &title, Some(number), Ok(()));
    let audit = AuditEntry { cluster: Some(plan.cluster_name.clone()), cloud: Some(plan.cloud.clone()), ..audit };
    let new = new_run(core, who, &plan, existing, number, title);
    if let Some(password) = vault {
        planning::drop_password(core, number, &password);
        lock(&core.secrets).insert(number, RunSecrets::from([(VAULT.to_owned(), password)]));
    }
    let answer = Answer::Run(number);
    let idem = key.and_then(|key| Some((key, serde_json::to_value(&answer).ok()?)));
    runs::begin(core, new, vec![EventBody::Audit(Box::new(audit))], idem).await.map_err(Refusal::of)?;
    Ok(answer)
}

fn check(core: &Core, plan: &Plan, existing: Option<&Cluster>) -> Result<(), Refusal> {
    let tried = format!("{} cluster {}", plan.kind, plan.cluster_name);
    let state = core.journal.state();
    let stale = |got: String| {
        let failure = Failure::refused(&tried, got).next("plan again and look at the new plan");
        Refusal { code: RefusalCode::Stale, failure }
    };
    if let Some(other) = state.cluster_named(&plan.cluster_name)
        && other.id != plan.cluster
    {
        return Err(stale(format!("a cluster of this name has been made since the plan (revision {})", other.revision)));
    }
    match (existing.map(|c| c.revision), plan.saw_revision) {
        (None, Some(seen)) => return Err(stale(format!("the plan saw revision {seen} of the cluster, which is gone by now"))),
        (Some(now), seen) if seen != Some(now) => {
            let saw = seen.map_or("no such cluster".to_owned(), |s| format!("revision {s}"));
            return Err(stale(format!("the plan saw {saw}, the cluster is at revision {now} now")));
        }
        _ => {}
    }
    if let Some(run) = state.busy(plan.cluster) {
        let failure = Failure::refused(tried, format!("run {} is under way on it ({})", run.number, run.title))
            .next(format!("wait for it (`quarterdeck run tail {0}`), or `quarterdeck run cancel {0}`", run.number));
        return Err(in_the_way(failure));
    }
    Ok(())
}

/// What a plan is about, for people.
pub fn title(plan: &Plan) -> String {
    let playbooks: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|s| match &s.work {
            Work::Playbook { call } => Some(call.path.as_str()),
            _ => None,
        })
        .collect();
    match plan.kind {
        kind if plan.undoes.is_some() => {
            let run = plan.undoes.map(|run| run.to_string()).unwrap_or_default();
            format!("{kind} {} (undo run {run})", plan.cluster_name)
        }
        PlanKind::Playbook => format!("{} on {}", playbooks.join(", "), plan.cluster_name),
        kind => format!("{kind} {}", plan.cluster_name),
    }
}

fn new_run(core: &Core, who: &Who, plan: &Plan, existing: Option<Cluster>, number: RunNo, title: String) -> runs::NewRun {
    let now = core.now();
    let run = empty_run(core, who, number, plan.kind.run_kind(), title);
    let run = Run { cluster: Some(plan.cluster), cluster_name: Some(plan.cluster_name.clone()), ..run };
    let steps = plan.steps.iter().enumerate().map(|(i, s)| step(core, plan, number, i, s)).collect();
    let mut cluster = existing.unwrap_or_else(|| Cluster::planned(plan, now));
    cluster.last_run = Some(number);
    if plan.kind == PlanKind::Playbook {
        return runs::NewRun { run, steps, cluster: Some(cluster), nodes: plan.nodes.clone() };
    }
    cluster.revision += 1;
    match plan.kind {
        PlanKind::Delete => cluster.state = ClusterState::Deleting,
        _ => {
            cluster.spec = plan.spec.clone();
            cluster.base_dir.clone_from(&plan.base_dir);
            cluster.ssh_user.clone_from(&plan.ssh_user);
            if cluster.state == ClusterState::Failed {
                cluster.state = ClusterState::Creating;
            }
        }
    }
    runs::NewRun { run, steps, cluster: Some(cluster), nodes: plan.nodes.clone() }
}

/// A run that has not begun.
pub fn empty_run(core: &Core, who: &Who, number: RunNo, kind: RunKind, title: String) -> Run {
    Run {
        number,
        id: Uuid::now_v7(),
        kind,
        title,
        state: RunState::Queued,
        cluster: None,
        cluster_name: None,
        by: who.operator.clone(),
        created: core.now(),
        started: None,
        ended: None,
        steps: StepCounts::default(),
        in_flight: Vec::new(),
        waits: None,
        failure: None,
        ending: None,
        pinned: false,
        play_totals: crate::model::play::Totals::default(),
    }
}

fn step(core: &Core, plan: &Plan, run: RunNo, index: usize, planned: &PlannedStep) -> Step {
    let token = match &planned.work {
        Work::CreateServer { server } => server.tags.token.clone(),
        _ => core.token(),
    };
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    Step {
        cluster: Some(plan.cluster),
        node: planned.node.clone(),
        cloud: planned.cloud.clone(),
        after: planned.after.clone(),
        ..Step::new(run, index, planned.title.clone(), planned.work.clone(), token)
    }
}

/// A run of one step that belongs to no cluster; its secrets stay in memory.
pub async fn single(
    core: &Arc<Core>,
    who: &Who,
    title: &str,
    work: Work,
    cloud: Option<crate::model::CloudName>,
    secrets: RunSecrets,
    key: Option<Uuid>,
) -> Result<Answer, Refusal> {
    policy::single(core, &work, cloud.as_ref(), title)?;
    core.store.room().map_err(in_the_way)?;
    let number = core.store.next_run();
    let kind = if matches!(work, Work::Build { .. }) { RunKind::Build } else { RunKind::Command };
    let run = empty_run(core, who, number, kind, title.to_owned());
    let cluster = match &work {
        Work::Command { call } => call.cluster.clone(),
        _ => None,
    };
    let audit = super::audit(core, who, title, Some(number), Ok(()));
    let audit = AuditEntry { cluster, cloud: cloud.clone(), ..audit };
    let step = Step { cloud, ..Step::new(number, 0, title.to_owned(), work, core.token()) };
    let answer = Answer::Run(number);
    let idem = key.and_then(|key| Some((key, serde_json::to_value(&answer).ok()?)));
    let new = runs::NewRun { run, steps: vec![step], cluster: None, nodes: Vec::new() };
    if !secrets.is_empty() {
        lock(&core.secrets).insert(number, secrets);
    }
    runs::begin(core, new, vec![EventBody::Audit(Box::new(audit))], idem).await.map_err(Refusal::of)?;
    Ok(answer)
}
