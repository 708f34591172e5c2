//! The nodes that are against the nodes that are wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CloudName, ClusterId, ClusterSpec, Failure, Node, NodeState, Server, ServerStatus};

use super::super::Facts;
use super::super::hosts::node_name;
use super::super::via::{self, Via};
use super::super::words::shown;
use super::choice::Choices;

/// What happens to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It stays as it is.
    Keep,
    /// Its server is there but was never reached, or has to be reached again.
    Reach,
    /// Its server is switched off: it is switched on, and reached.
    Start,
    /// It gets a server.
    Make,
    /// Its server is deleted, and it gets a new one.
    Replace,
    /// It leaves the cluster.
    Leave,
}

/// A node and what happens to it.
pub struct Change<'a> {
    /// As it shall be once the plan starts.
    pub node: Node,
    pub fate: Fate,
    /// As it is recorded; `None` for a new one.
    pub old: Option<&'a Node>,
    /// Its server as the cloud tells now.
    pub server: Option<&'a Server>,
}

impl<'a> Change<'a> {
    fn of(node: &'a Node, fate: Fate, facts: &'a Facts) -> Self {
        let mut change = Self { node: node.clone(), fate, old: Some(node), server: server_of(node, facts) };
        if fate == Fate::Leave {
            change.node.state = NodeState::Deleting;
        }
        change
    }

    /// A server goes away.
    pub fn deletes(&self) -> bool {
        matches!(self.fate, Fate::Replace | Fate::Leave)
    }

    /// A server is made.
    pub fn creates(&self) -> bool {
        matches!(self.fate, Fate::Make | Fate::Replace)
    }
}

/// All nodes of the cluster, and what happens to each. Those first that others are reached through.
#[derive(Default)]
pub struct Changes<'a> {
    pub all: Vec<Change<'a>>,
    /// What deserves a look before saying yes.
    pub warnings: Vec<String>,
}

impl<'a> Changes<'a> {
    /// Every recorded node leaves.
    pub fn leaving(facts: &'a Facts) -> Self {
        Self::all_with(Fate::Leave, facts)
    }

    /// Every recorded node stays.
    pub fn staying(facts: &'a Facts) -> Self {
        Self::all_with(Fate::Keep, facts)
    }

    fn all_with(fate: Fate, facts: &'a Facts) -> Self {
        let all = facts.nodes.iter().map(|node| Change::of(node, fate, facts)).collect();
        Self { all, warnings: Vec::new() }
    }

    /// Nothing happens to any node.
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(|change| change.fate == Fate::Keep)
    }

    /// The clouds on which something happens.
    pub fn clouds(&self) -> BTreeSet<&CloudName> {
        let touched = self.all.iter().filter(|change| change.fate != Fate::Keep);
        touched.flat_map(|change| [Some(&change.node.cloud), change.old.map(|node| &node.cloud)]).flatten().collect()
    }
}

/// What a plan may touch beside the number of nodes.
pub struct Scope<'s> {
    /// Whether lost and broken nodes of a group are made anew.
    pub heals: &'s dyn Fn(&str) -> bool,
    /// Whether nodes that differ from the spec are replaced.
    pub replaces: bool,
}

/// What the changes are worked out from.
pub struct Ground<'a, 's> {
    pub spec: &'s ClusterSpec,
    pub cluster: ClusterId,
    pub facts: &'a Facts,
    pub choices: &'s Choices<'a>,
    pub scope: &'s Scope<'s>,
}

impl<'a> Ground<'a, '_> {
    /// The changes from the recorded nodes to those of the spec.
    pub fn changes(&self) -> Result<Changes<'a>, Failure> {
        let mut changes = Changes::default();
        for group in via::order(self.spec) {
            let mut members = self.group(group, &mut changes.warnings)?;
            members.sort_by_key(|change| change.node.index);
            changes.all.append(&mut members);
        }
        let ways = self.ways(&changes.all)?;
        for change in changes.all.iter_mut().filter(|change| change.fate != Fate::Leave) {
            change.node.via = ways.get(change.node.group.as_str()).cloned();
        }
        let left = self.facts.nodes.iter().filter(|node| !self.spec.groups.contains_key(&node.group));
        changes.all.extend(left.map(|node| Change::of(node, Fate::Leave, self.facts)));
        Ok(changes)
    }

    /// The highest numbers leave first, the lowest free ones are taken first.
    fn group(&self, group: &str, warnings: &mut Vec<String>) -> Result<Vec<Change<'a>>, Failure> {
        let count = self.spec.groups.get(group).map_or(0, |g| g.count as usize);
        let mut recorded: Vec<&'a Node> = self.facts.nodes.iter().filter(|node| node.group == group).collect();
        recorded.sort_by_key(|node| node.index);
        let stay = count.min(recorded.len());
        let mut members = Vec::with_capacity(count.max(recorded.len()));
        for node in &recorded[..stay] {
            members.push(self.stays(node, warnings)?);
        }
        members.extend(recorded[stay..].iter().map(|node| Change::of(node, Fate::Leave, self.facts)));
        let taken: BTreeSet<u32> = recorded.iter().map(|node| node.index).collect();
        for index in (1..).filter(|index| !taken.contains(index)).take(count - stay) {
            members.push(Change { node: self.planned(group, index)?, fate: Fate::Make, old: None, server: None });
        }
        Ok(members)
    }

    /// What happens to a node that does not leave.
    fn stays(&self, node: &'a Node, warnings: &mut Vec<String>) -> Result<Change<'a>, Failure> {
        let mut change = Change::of(node, Fate::Keep, self.facts);
        let name = &node.name;
        let differs = if self.scope.replaces { self.differs(node)? } else { None };
        let (fate, reason) = match (differs, change.server.map(|server| &server.status)) {
            (Some(reason), there) => {
                warnings.push(format!("{name} is replaced and its disk lost: {reason}"));
                (if there.is_some() { Fate::Replace } else { Fate::Make }, "")
            }
            (None, None) => (Fate::Make, "has no server"),
            (None, Some(ServerStatus::Error)) => (Fate::Replace, "is in error"),
            (None, Some(ServerStatus::Deleting)) => (Fate::Replace, "is being deleted"),
            (None, Some(_)) if node.state == NodeState::Deleting => (Fate::Replace, "is half deleted"),
            (None, Some(ServerStatus::Shutoff)) => (Fate::Start, "is stopped"),
            (None, Some(_)) if node.state == NodeState::Up && node.host_key.is_some() => (Fate::Keep, ""),
            (None, Some(_)) => (Fate::Reach, "was not reached so far"),
        };
        if fate != Fate::Keep && !reason.is_empty() && !(self.scope.heals)(&node.group) {
            warnings.push(format!("{name} {reason} and stays so: `quarterdeck cluster repair` brings it back"));
            return Ok(change);
        }
        change.fate = fate;
        if change.creates() {
            change.node = self.planned(&node.group, node.index)?;
        } else if matches!(fate, Fate::Reach | Fate::Start) {
            change.node.state = NodeState::Booting;
            change.node.note = None;
            change.node.server = change.server.map(|server| server.id.clone());
        }
        Ok(change)
    }

    fn planned(&self, group: &str, index: u32) -> Result<Node, Failure> {
        let choice = self.choices.get(group)?;
        Ok(Node {
            cluster: self.cluster,
            name: node_name(group, index),
            group: group.to_owned(),
            index,
            cloud: choice.cloud.clone(),
            flavor: choice.flavor.name.clone(),
            image: choice.image.name.clone(),
            state: NodeState::Planned,
            server: None,
            token: None,
            address: None,
            inner_address: None,
            ssh_port: 22,
            via: None,
            host_key: None,
            created: None,
            note: None,
        })
    }

    /// Why a node is not what the spec wants.
    fn differs(&self, node: &Node) -> Result<Option<String>, Failure> {
        let choice = self.choices.get(&node.group)?;
        let parts = [
            ("cloud", &node.cloud.0, &choice.cloud.0),
            ("flavor", &node.flavor, &choice.flavor.name),
            ("image", &node.image, &choice.image.name),
        ];
        let changed = parts.iter().filter(|(_, old, new)| old != new);
        let changed: Vec<String> = changed.map(|(what, old, new)| format!("{what} {old} → {new}")).collect();
        Ok((!changed.is_empty()).then(|| changed.join(", ")))
    }

    /// The node that the nodes of a group are reached through, for each group that has one.
    fn ways(&self, changes: &[Change<'_>]) -> Result<BTreeMap<&str, String>, Failure> {
        let mut ways = BTreeMap::new();
        for (name, group) in &self.spec.groups {
            let Some(word) = &group.via else { continue };
            let way = self.way(word, changes).map_err(|message| {
                Failure::refused(format!("plan cluster {}", self.spec.name), message).at(format!("groups.{name}.via"))
            })?;
            ways.insert(name.as_str(), way);
        }
        Ok(ways)
    }

    fn way(&self, word: &str, changes: &[Change<'_>]) -> Result<String, String> {
        let via = via::read(self.spec, word)?;
        let mut there = changes.iter().filter(|change| change.fate != Fate::Leave && change.node.group == via.group());
        let found = match via {
            Via::Group(_) => there.next(),
            Via::Node { index, .. } => there.find(|change| change.node.index == index),
        };
        found.map(|change| change.node.name.clone()).ok_or_else(|| format!("there is no node `{}`", shown(word)))
    }
}

/// The server of a node: by its id, else by the token of the step that made it.
fn server_of<'a>(node: &Node, facts: &'a Facts) -> Option<&'a Server> {
    let here = || facts.servers.iter().filter(|server| server.cloud == node.cloud);
    let by_id = here().find(|server| node.server.as_ref() == Some(&server.id));
    by_id.or_else(|| {
        here().find(|server| node.token.is_some() && server.tags.as_ref().map(|tags| &tags.token) == node.token.as_ref())
    })
}
