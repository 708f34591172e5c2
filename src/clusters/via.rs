//! Nodes that are reached through others.

use std::collections::BTreeMap;

use crate::model::ClusterSpec;

use super::hosts::{node_name, split_name};
use super::words::{did_you_mean, shown};

/// What a group's `via` means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Via<'a> {
    /// The first node of this group.
    Group(&'a str),
    /// This node.
    Node { group: &'a str, index: u32 },
}

impl<'a> Via<'a> {
    /// The group that it leads to.
    pub fn group(&self) -> &'a str {
        match self {
            Self::Group(group) | Self::Node { group, .. } => group,
        }
    }
}

/// Reads the `via` of a group.
///
/// # Errors
/// The reason in words, when it names nothing of the cluster.
pub fn read<'a>(spec: &ClusterSpec, via: &'a str) -> Result<Via<'a>, String> {
    if spec.groups.contains_key(via) {
        return Ok(Via::Group(via));
    }
    if let Some((group, index)) = split_name(via)
        && let Some(found) = spec.groups.get(group)
    {
        return match index {
            index if index <= found.count => Ok(Via::Node { group, index }),
            _ => Err(format!("`{}` is no node of this cluster: group `{group}` has {} of them", shown(via), found.count)),
        };
    }
    let first_nodes: Vec<String> = spec.groups.keys().map(|group| node_name(group, 1)).collect();
    let valid = spec.groups.keys().map(String::as_str).chain(first_nodes.iter().map(String::as_str));
    Err(format!("`{}` is no node or group of this cluster{}", shown(via), did_you_mean(via, valid)))
}

/// What is wrong with the ways of a spec, by group: names of nothing, ways in a circle.
pub fn problems(spec: &ClusterSpec) -> BTreeMap<&str, String> {
    let mut ways: BTreeMap<&str, &str> = BTreeMap::new();
    let mut wrong = BTreeMap::new();
    for (name, group) in &spec.groups {
        match group.via.as_deref().map(|via| read(spec, via)) {
            None => {}
            Some(Ok(via)) if via.group() == name => {
                wrong.insert(name.as_str(), format!("group `{name}` cannot be reached through itself"));
            }
            Some(Ok(via)) => {
                ways.insert(name, via.group());
            }
            Some(Err(message)) => {
                wrong.insert(name.as_str(), message);
            }
        }
    }
    for start in ways.keys() {
        let mut circle = vec![*start];
        while let Some(next) = circle.last().and_then(|at| ways.get(at)) {
            if next == start {
                circle.push(next);
                wrong.insert(start, format!("the way goes in a circle: {}", circle.join(" → ")));
                break;
            }
            if circle.contains(next) {
                break;
            }
            circle.push(next);
        }
    }
    wrong
}

/// The groups, those first that others are reached through.
pub fn order(spec: &ClusterSpec) -> Vec<&str> {
    let depth = |group: &str| {
        let mut at = group;
        let mut depth = 0;
        while let Some(via) = spec.groups.get(at).and_then(|g| g.via.as_deref()).and_then(|via| read(spec, via).ok()) {
            at = via.group();
            depth += 1;
            if depth > spec.groups.len() {
                break;
            }
        }
        depth
    };
    let mut names: Vec<&str> = spec.groups.keys().map(String::as_str).collect();
    names.sort_by_cached_key(|name| depth(name));
    names
}
