//! The plan that takes back what a run that has ended did.

use std::collections::BTreeMap;

use super::{Aim, change};
use crate::engine::core::Core;
use crate::model::{Failure, NodeState, Plan, PlanKind, Run, RunKind, RunNo, RunState};
use crate::protocol::Refusal;

/// Plans to take a run back. Its plan of then says what it found; what nobody can bring back is said.
///
/// # Errors
/// The run is under way, did nothing, or did what cannot be taken back (with what to do instead).
pub async fn undo(core: &Core, number: RunNo) -> Result<Plan, Refusal> {
    let tried = format!("undo run {number}");
    let missing = || Failure::not_found(&tried, "there is no such run").next("`quarterdeck run list` shows those that are kept");
    let run = core.journal.state().runs.get(&number).cloned().ok_or_else(|| Refusal::of(missing()))?;
    let refuse = |got: &str, next: String| Err(Refusal::of(Failure::refused(&tried, got).next(next)));
    if !run.state.ended() {
        return refuse("it is under way", format!("end it and give back what it made: quarterdeck run cancel {number} --undo"));
    }
    if run.state == RunState::Undone {
        return refuse("it has been undone already", "there is nothing to do".to_owned());
    }
    if let (RunKind::Playbook | RunKind::Delete | RunKind::Repair | RunKind::Command | RunKind::Build, (got, next)) =
        (run.kind, instead(&run))
    {
        return refuse(got, next);
    }
    let Some(cluster) = run.cluster.and_then(|id| core.journal.state().clusters.get(&id).cloned()) else {
        return refuse("its cluster is gone", "there is nothing to do".to_owned());
    };
    let Some(then) = plan_of(core, number) else {
        return refuse("its plan is no longer kept", format!("quarterdeck cluster scale or delete {}", cluster.name));
    };
    let fresh = then.kind == PlanKind::Create && then.saw_revision.is_none();
    if then.kind == PlanKind::Create && !fresh {
        let next = "create the cluster again from the spec of before: quarterdeck cluster create -f SPEC".to_owned();
        return refuse("it brought a cluster that was there to another spec", next);
    }
    let mut plan = if fresh {
        change(core, cluster.id, Aim::Delete).await?
    } else {
        change(core, cluster.id, Aim::Scale(&counts_before(&then))).await?
    };
    plan.warnings.extend(later(core, &run));
    let lost = then.nodes.iter().filter(|node| node.state == NodeState::Deleting).count();
    if !fresh && lost > 0 {
        plan.warnings.push(format!("{lost} nodes that the run deleted come back as new ones: their disks are lost"));
    }
    plan.undoes = Some(number);
    core.store.plan_put(&plan).await.map_err(Refusal::of)?;
    Ok(plan)
}

/// Why runs of some kinds cannot be taken back, and what to do instead.
fn instead(run: &Run) -> (&'static str, String) {
    let name = run.cluster_name.as_deref().unwrap_or("NAME");
    match run.kind {
        RunKind::Playbook => ("only a playbook can take back what a playbook changed", "run one that does".to_owned()),
        RunKind::Delete => ("what was deleted is gone", "create the cluster again: quarterdeck cluster create".to_owned()),
        RunKind::Repair => ("a repair leaves the cluster as its spec wants it", format!("quarterdeck cluster show {name}")),
        _ => ("it belongs to no cluster", "take back what it made by name: quarterdeck server delete".to_owned()),
    }
}

fn plan_of(core: &Core, run: RunNo) -> Option<Plan> {
    serde_json::from_slice(&std::fs::read(core.store.run_dir(run).join("plan.json")).ok()?).ok()
}

/// How many nodes each group had that the plan changed.
fn counts_before(plan: &Plan) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for group in plan.spec.groups.keys() {
        let of = |wanted: &dyn Fn(NodeState) -> bool| {
            let nodes = plan.nodes.iter().filter(|node| node.group == *group && wanted(node.state));
            u32::try_from(nodes.count()).unwrap_or(u32::MAX)
        };
        let created = plan.nodes.iter().filter(|node| node.group == *group && node.state == NodeState::Planned);
        let replaced = created.filter(|node| deletes(plan, &node.name)).count();
        let before = of(&|state| state != NodeState::Planned) + u32::try_from(replaced).unwrap_or(0);
        let after = of(&|state| state != NodeState::Deleting);
        if before != after {
            counts.insert(group.clone(), before);
        }
    }
    counts
}

fn deletes(plan: &Plan, node: &str) -> bool {
    let deletes = |step: &&crate::model::PlannedStep| matches!(step.work, crate::model::Work::DeleteServer { .. });
    plan.steps.iter().filter(deletes).any(|step| step.node.as_deref() == Some(node))
}

/// What was done to the cluster since.
fn later(core: &Core, run: &Run) -> Option<String> {
    let state = core.journal.state();
    let later: Vec<String> = state
        .runs
        .values()
        .filter(|other| other.number > run.number && other.cluster == run.cluster && other.state == RunState::Done)
        .map(|other| format!("run {} ({})", other.number, other.kind))
        .collect();
    (!later.is_empty()).then(|| format!("the cluster was worked on since: {}", later.join(", ")))
}
