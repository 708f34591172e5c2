//! Names of nodes, and the part of `/etc/hosts` that they share.

use std::fmt::Write;

use crate::model::{Cluster, Node, NodeState};

/// Name of a node: its group and its number in the group, from 1.
pub fn node_name(group: &str, index: u32) -> String {
    format!("{group}-{index}")
}

/// The group and the number that a node's name is made of.
pub fn split_name(name: &str) -> Option<(&str, u32)> {
    let (group, number) = name.rsplit_once('-')?;
    if group.is_empty() || number.starts_with('0') || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number.parse().ok().map(|index| (group, index))
}

const FIRST_WORDS: &str = "# quarterdeck: nodes of ";
const LAST_LINE: &str = "# quarterdeck: end of the nodes";

/// The part of `/etc/hosts` that names the nodes of a cluster: all that have an address and are to stay.
pub fn etc_hosts(cluster: &Cluster, nodes: &[Node]) -> String {
    // Neighbours meet on their own network; across clouds only where they are reached from outside.
    let inside = nodes.iter().all(|node| nodes.first().is_some_and(|first| first.cloud == node.cloud));
    let address = |node: &'_ Node| node.inner_address.clone().filter(|_| inside).or_else(|| node.address.clone());
    let mut rows: Vec<(String, &Node)> = nodes
        .iter()
        .filter(|node| !matches!(node.state, NodeState::Deleting | NodeState::Gone | NodeState::Failed))
        .filter_map(|node| Some((address(node)?, node)))
        .collect();
    rows.sort_by_key(|(_, node)| (&node.group, node.index));
    let width = rows.iter().map(|(address, _)| address.len()).max().unwrap_or(0);
    let mut text = format!("{FIRST_WORDS}{}, written anew when they change", cluster.name);
    for (address, node) in rows {
        let _ = write!(text, "\n{address:width$}  {} {}.{}", node.name, node.name, cluster.name);
    }
    text.push('\n');
    text.push_str(LAST_LINE);
    text.push('\n');
    text
}

/// The whole `/etc/hosts` of a node: what is there, with our part in place of the part of before.
/// The same text comes back when nothing changes.
pub fn merge(current: &str, ours: &str) -> String {
    let lines: Vec<&str> = current.lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| line.starts_with(FIRST_WORDS));
    let last = first.and_then(|first| lines[first..].iter().position(|line| *line == LAST_LINE).map(|n| first + n));
    let mut out = String::with_capacity(current.len() + ours.len());
    for (at, line) in lines.iter().enumerate() {
        // A part without an end was damaged by somebody: its other lines are theirs, and stay.
        let is_ours = first.is_some_and(|first| at == first || last.is_some_and(|last| first < at && at <= last));
        if !is_ours {
            out.push_str(line);
            out.push('\n');
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(ours);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str =
        "# quarterdeck: nodes of c, written anew when they change\n10.0.0.1  a-1 a-1.c\n# quarterdeck: end of the nodes\n";

    #[test]
    fn names_come_apart_as_they_were_put_together() {
        assert_eq!(split_name(&node_name("my-group", 12)), Some(("my-group", 12)));
        for other in ["master", "master-", "-1", "master-01", "master-0", "master-1x", "master-99999999999"] {
            assert_eq!(split_name(other), None, "{other}");
        }
    }

    #[test]
    fn merging_twice_changes_nothing_more() {
        let there = "127.0.0.1 localhost\n10.9.9.9 printer\n";
        let once = merge(there, OURS);
        assert_eq!(once, format!("{there}\n{OURS}"));
        assert_eq!(merge(&once, OURS), once);
        let moved = OURS.replace("10.0.0.1", "10.0.0.2");
        assert_eq!(merge(&once, &moved), format!("{there}\n{moved}"));
    }

    #[test]
    fn lines_of_others_survive_everywhere() {
        let there = format!("127.0.0.1 localhost\n{OURS}10.9.9.9 printer\n");
        assert_eq!(merge(&there, OURS), format!("127.0.0.1 localhost\n10.9.9.9 printer\n\n{OURS}"));
        let damaged = "# quarterdeck: nodes of c, cut\n10.9.9.9 printer\n";
        assert_eq!(merge(damaged, OURS), format!("10.9.9.9 printer\n\n{OURS}"));
        assert_eq!(merge("", OURS), OURS);
    }
}
