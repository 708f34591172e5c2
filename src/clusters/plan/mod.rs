//! Plans: the steps from what is to what is wanted.
//!
//! One way for all of them: the nodes that are against the nodes that are wanted (`change`), names of the spec
//! against what the clouds offer (`choice`), what that does to the quotas (`quota`), the graph of steps (`graph`).

mod change;
mod choice;
mod graph;
mod quota;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ids::is_name;
use crate::model::plan::PlanCounts;
use crate::model::spec::{GroupSpec, PlaybookEntry, PlaybookSpec};
use crate::model::{
    CloudName, Cluster, ClusterId, ClusterSpec, ClusterState, Failure, Node, NodeState, PlacedFile, Plan, PlanId, PlanKind,
    PlannedStep, QuotaEffect, Server, Token, Work,
};

use super::words::{list, shown};
use super::{Facts, via};
use change::{Changes, Fate, Ground, Scope};
use choice::Choices;
use graph::{Before, Graph};

/// A spec and what it stands on.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub spec: &'a ClusterSpec,
    /// Where the spec came from, for messages.
    pub path: &'a str,
    /// Its text, for the places in messages; empty when there is none.
    pub text: &'a str,
    /// Directory of the spec's relative paths.
    pub base_dir: &'a str,
    /// Cloud of groups that name none, in a spec that names none.
    pub default_cloud: &'a CloudName,
}

/// What comes in from outside, so that plans stay pure.
pub struct Inputs<'a> {
    /// Id of the plan.
    pub plan: PlanId,
    /// Id of the cluster, if one has to be made.
    pub cluster: ClusterId,
    /// OpenSSH public key lines that may log in. The cluster's own key is added when its servers are created:
    /// it may not exist yet.
    pub keys: &'a [String],
    /// Files placed at boot, by group.
    pub files: &'a BTreeMap<String, Vec<PlacedFile>>,
    /// SHA-256 of playbooks and placed files, by path.
    pub frozen: BTreeMap<String, String>,
    /// A new token at every call.
    pub token: &'a mut dyn FnMut() -> Token,
}

/// A cluster as the spec wants it: made from nothing, or an existing one of that name brought there.
///
/// # Errors
/// `Refused` for a bad name, `NotFound` for a flavor, image, network or cloud that is not there (with what is),
/// `Quota` with the numbers.
pub fn create(wanted: &Wanted<'_>, facts: &Facts, inputs: Inputs<'_>) -> Result<Plan, Failure> {
    let spec = wanted.spec;
    if !is_name(&spec.name) {
        let got = format!("`{}` cannot name a cluster", shown(&spec.name));
        return Err(Failure::refused("plan a cluster", got).at(wanted.path));
    }
    let cloud = match (&spec.cloud, &facts.cluster) {
        (Some(name), _) => CloudName::new(name),
        (None, Some(cluster)) => cluster.cloud.clone(),
        (None, None) => wanted.default_cloud.clone(),
    };
    let choices = Choices::of(spec, &cloud, facts).told_at(wanted.path, wanted.text);
    choices.all()?;
    let mut warnings = choices.warnings(spec);
    if let Some(cluster) = &facts.cluster {
        warnings.extend(not_applied(&cluster.spec, spec));
    }
    let head = Head {
        kind: PlanKind::Create,
        cluster: facts.cluster.as_ref().map_or(inputs.cluster, |cluster| cluster.id),
        ssh_user: spec.ssh.user.clone().unwrap_or_else(|| choices.ssh_user()),
        spec: spec.clone(),
        cloud,
        base_dir: wanted.base_dir.to_owned(),
        warnings,
    };
    converge(head, &choices, &Scope { heals: &|_| true, replaces: true }, facts, inputs)
}

/// Groups of the cluster brought to these counts; the highest number leaves first.
///
/// # Errors
/// As [`create`]; `NotFound` for a group that is not there, `Refused` for a count outside 1 to 1000 or one that
/// takes away a node that others are reached through.
pub fn scale(counts: &BTreeMap<String, u32>, facts: &Facts, inputs: Inputs<'_>) -> Result<Plan, Failure> {
    let cluster = existing(facts, "scale")?;
    let mut head = Head::of(PlanKind::Scale, cluster, &cluster.base_dir);
    head.spec = scaled(cluster, counts)?;
    let nodes: u32 = head.spec.groups.values().map(|group| group.count).fold(0, u32::saturating_add);
    if let Some(ready) = head.spec.ready.as_mut().filter(|ready| ready.at_least > nodes) {
        head.warnings.push(format!("ready.at_least goes down from {} to {nodes}, the number of nodes", ready.at_least));
        ready.at_least = nodes;
    }
    let choices = Choices::of(&head.spec, &head.cloud, facts);
    let scope = Scope { heals: &|group| counts.contains_key(group), replaces: false };
    converge(head, &choices, &scope, facts, inputs)
}

/// Lost and broken nodes made anew, stopped ones started, and those reached that were not.
///
/// # Errors
/// As [`create`].
pub fn repair(facts: &Facts, inputs: Inputs<'_>) -> Result<Plan, Failure> {
    let cluster = existing(facts, "repair")?;
    let head = Head::of(PlanKind::Repair, cluster, &cluster.base_dir);
    let choices = Choices::of(&head.spec, &head.cloud, facts);
    converge(head, &choices, &Scope { heals: &|_| true, replaces: false }, facts, inputs)
}

/// The cluster given back: every server, then its record.
///
/// # Errors
/// `NotFound` when there is no such cluster.
pub fn delete(facts: &Facts, mut inputs: Inputs<'_>) -> Result<Plan, Failure> {
    let cluster = existing(facts, "delete")?;
    let head = Head::of(PlanKind::Delete, cluster, &cluster.base_dir);
    let choices = Choices::of(&head.spec, &head.cloud, facts);
    let changes = Changes::leaving(facts);
    let quota = quota::effects(&changes, facts, &choices)?.list;
    let mut clouds: BTreeSet<CloudName> = cluster.spec.groups.values().map(|group| cloud_of(group, &cluster.cloud)).collect();
    clouds.extend(facts.nodes.iter().map(|node| node.cloud.clone()));
    clouds.extend(facts.servers.iter().map(|server| server.cloud.clone()));
    clouds.extend(facts.belongings.iter().map(|found| found.cloud.clone()));
    let mut graph = Graph::new(facts.home, cluster.id, &mut inputs);
    graph.give_back(&changes, &clouds, facts, &cluster.name);
    let steps = graph.steps;
    Ok(head.finish(changes, steps, quota, facts, inputs))
}

/// Playbooks on the cluster; none given: those of its spec. `base_dir` is where their paths start.
///
/// # Errors
/// `NotFound` when there is no such cluster, `Refused` when there is nothing to run or nothing to run it on.
pub fn playbook(calls: &[PlaybookSpec], base_dir: &str, facts: &Facts, mut inputs: Inputs<'_>) -> Result<Plan, Failure> {
    let cluster = existing(facts, "run a playbook on")?;
    let tried = format!("run a playbook on cluster {}", cluster.name);
    let calls = if calls.is_empty() { playbooks_of(&cluster.spec) } else { calls.to_vec() };
    if calls.is_empty() {
        return Err(Failure::refused(tried, "its spec names no playbook").next("name the playbook to run"));
    }
    if facts.nodes.is_empty() {
        return Err(Failure::refused(tried, "it has no nodes").next(format!("quarterdeck cluster repair {}", cluster.name)));
    }
    let mut head = Head::of(PlanKind::Playbook, cluster, base_dir);
    let unwell = facts.nodes.iter().filter(|node| node.state != NodeState::Up);
    head.warnings.extend(unwell.map(|node| format!("{} is {}: the playbook may not reach it", node.name, node.state)));
    let mut graph = Graph::new(facts.home, cluster.id, &mut inputs);
    graph.playbooks(&calls, None);
    let steps = graph.steps;
    Ok(head.finish(Changes::staying(facts), steps, Vec::new(), facts, inputs))
}

/// What every plan says of its cluster.
struct Head {
    kind: PlanKind,
    cluster: ClusterId,
    spec: ClusterSpec,
    cloud: CloudName,
    base_dir: String,
    ssh_user: String,
    warnings: Vec<String>,
}

impl Head {
    fn of(kind: PlanKind, cluster: &Cluster, base_dir: &str) -> Self {
        Self {
            kind,
            cluster: cluster.id,
            spec: cluster.spec.clone(),
            cloud: cluster.cloud.clone(),
            base_dir: base_dir.to_owned(),
            ssh_user: cluster.ssh_user.clone(),
            warnings: Vec::new(),
        }
    }

    fn finish(
        self,
        changes: Changes<'_>,
        steps: Vec<PlannedStep>,
        quota: Vec<QuotaEffect>,
        facts: &Facts,
        inputs: Inputs<'_>,
    ) -> Plan {
        let count = |which: &dyn Fn(&Work) -> bool| {
            u32::try_from(steps.iter().filter(|step| which(&step.work)).count()).unwrap_or(u32::MAX)
        };
        let kept = changes.all.iter().filter(|change| matches!(change.fate, Fate::Keep | Fate::Reach | Fate::Start)).count();
        let counts = PlanCounts {
            create: count(&|work| matches!(work, Work::CreateServer { .. })),
            delete: count(&|work| matches!(work, Work::DeleteServer { .. })),
            start: count(&|work| matches!(work, Work::StartServer)),
            keep: u32::try_from(kept).unwrap_or(u32::MAX),
            playbooks: count(&|work| matches!(work, Work::Playbook { .. })),
        };
        let mut nodes: Vec<Node> = changes.all.into_iter().map(|change| change.node).collect();
        nodes.sort_by(|a, b| (&a.group, a.index).cmp(&(&b.group, b.index)));
        let mut warnings = self.warnings;
        warnings.extend(changes.warnings);
        Plan {
            id: inputs.plan,
            kind: self.kind,
            cluster: self.cluster,
            cluster_name: self.spec.name.clone(),
            cloud: self.cloud,
            saw_revision: facts.cluster.as_ref().map(|cluster| cluster.revision),
            spec: self.spec,
            base_dir: self.base_dir,
            ssh_user: self.ssh_user,
            nodes,
            steps,
            counts,
            quota,
            frozen: inputs.frozen,
            warnings,
            undoes: None,
        }
    }
}

/// The way of every plan that makes nodes: what differs, whether there is room, then the steps.
fn converge(
    mut head: Head,
    choices: &Choices<'_>,
    scope: &Scope<'_>,
    facts: &Facts,
    mut inputs: Inputs<'_>,
) -> Result<Plan, Failure> {
    let ground = Ground { spec: &head.spec, cluster: head.cluster, facts, choices, scope };
    let mut changes = ground.changes()?;
    let effects = quota::effects(&changes, facts, choices)?;
    quota::check(&effects.list, &head.spec.name)?;
    let mut clouds: BTreeSet<CloudName> = changes.clouds().into_iter().cloned().collect();
    for server in surplus(facts) {
        head.warnings.push(format!(
            "server {} on {} carries this cluster's tag but is no node of it: it is deleted",
            server.name, server.cloud
        ));
        clouds.insert(server.cloud.clone());
    }
    let settled = facts.cluster.as_ref().is_some_and(|cluster| cluster.state == ClusterState::Running);
    let has_key = facts.cluster.as_ref().is_some_and(|cluster| cluster.public_key.is_some());
    let mut graph = Graph::new(facts.home, head.cluster, &mut inputs);
    let key = (!has_key).then(|| graph.make_key());
    let ground = graph.ground(&changes, choices, facts, &head.spec.name, head.kind == PlanKind::Create);
    let last = graph.nodes(&mut changes, choices, &Before { key, ground }, &effects.tight)?;
    let changed = !changes.is_empty() || !settled;
    let hosts = changed.then(|| graph.hosts(last));
    // A cluster that is as the spec wants it gets its playbooks once more when it is created again.
    if changed || head.kind == PlanKind::Create {
        graph.playbooks(&playbooks_of(&head.spec), hosts);
    }
    graph.sweeps(&clouds);
    let steps = graph.steps;
    Ok(head.finish(changes, steps, effects.list, facts, inputs))
}

/// Servers with the cluster's tag that are no node's.
fn surplus(facts: &Facts) -> impl Iterator<Item = &Server> {
    let is_node = |server: &Server| {
        facts.nodes.iter().any(|node| {
            node.cloud == server.cloud
                && (node.server.as_ref() == Some(&server.id)
                    || node.token.is_some() && server.tags.as_ref().map(|tags| &tags.token) == node.token.as_ref())
        })
    };
    facts.servers.iter().filter(move |server| !is_node(server))
}

fn existing<'a>(facts: &'a Facts, verb: &str) -> Result<&'a Cluster, Failure> {
    let missing = || Failure::not_found(format!("{verb} a cluster"), "there is no such cluster").next("quarterdeck cluster list");
    facts.cluster.as_ref().ok_or_else(missing)
}

fn playbooks_of(spec: &ClusterSpec) -> Vec<PlaybookSpec> {
    spec.playbooks.iter().map(PlaybookEntry::spec).collect()
}

fn cloud_of(group: &GroupSpec, cloud: &CloudName) -> CloudName {
    group.cloud.as_ref().map_or_else(|| cloud.clone(), CloudName::new)
}

/// The cluster's spec with other counts.
fn scaled(cluster: &Cluster, counts: &BTreeMap<String, u32>) -> Result<ClusterSpec, Failure> {
    let tried = format!("scale cluster {}", cluster.name);
    let mut spec = cluster.spec.clone();
    for (name, count) in counts {
        let Some(group) = spec.groups.get_mut(name) else {
            let names = list(name, cluster.spec.groups.keys().map(String::as_str), 10);
            return Err(Failure::not_found(tried, format!("it has no group `{}`; its groups are {names}", shown(name))));
        };
        if !(1..=1000).contains(count) {
            let got = format!("group `{name}` cannot have {count} nodes");
            return Err(Failure::refused(tried, got).next("a group has 1 to 1000 nodes"));
        }
        group.count = *count;
    }
    if let Some((group, message)) = via::problems(&spec).into_iter().next() {
        return Err(Failure::refused(tried, format!("group `{group}` is reached through a node that would leave: {message}")));
    }
    Ok(spec)
}

/// What a new spec says that nodes which are there already do not get.
fn not_applied(old: &ClusterSpec, new: &ClusterSpec) -> Vec<String> {
    let mut fields = Vec::new();
    if old.files != new.files {
        fields.push("files".to_owned());
    }
    if old.ssh.keys != new.ssh.keys || old.ssh.identity != new.ssh.identity {
        fields.push("ssh".to_owned());
    }
    for (name, group) in &new.groups {
        let Some(before) = old.groups.get(name) else { continue };
        let parts = [
            ("networks", before.networks != group.networks),
            ("public_address", before.public_address != group.public_address),
            ("files", before.files != group.files),
            // A security group that is there is changed; servers without one do not get it later.
            ("ports", before.ports.is_empty() && !group.ports.is_empty()),
        ];
        fields.extend(parts.iter().filter(|(_, changed)| *changed).map(|(field, _)| format!("groups.{name}.{field}")));
    }
    fields.iter().map(|field| format!("`{field}` changed: nodes that are there keep what they were created with")).collect()
}

#[cfg(test)]
mod tests;
