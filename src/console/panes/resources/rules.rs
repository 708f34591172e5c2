//! The rules of security groups.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::{SecurityGroup, SecurityRule};

use super::listed;

pub const COLUMNS: &[Column] = &[
    Column::text("group", "SECURITY GROUP", 16, 40, 0),
    Column::text("direction", "DIRECTION", 9, 9, 0),
    Column::text("protocol", "PROTOCOL", 8, 10, 0),
    Column::text("ports", "PORTS", 7, 12, 0),
    Column::text("with", "WITH", 12, 43, 0),
    Column::text("type", "TYPE", 4, 4, 1),
    Column::text("cloud", "CLOUD", 9, 20, 2),
    Column::text("id", "ID", 12, 36, 3),
];

listed!(SecurityGroups of SecurityGroup);

/// Each rule with the group that it belongs to.
fn each(model: &Model) -> impl Iterator<Item = (&SecurityGroup, &SecurityRule)> {
    all(model).flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
}

fn id_of(group: &SecurityGroup, rule: &SecurityRule) -> String {
    format!("{}/{}", group.cloud, rule.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    each(model).map(|(group, rule)| row(model, group, rule)).collect()
}

fn row(model: &Model, group: &SecurityGroup, rule: &SecurityRule) -> Row {
    // Everybody from outside is what somebody who reads rules looks for.
    let open = rule.direction == "ingress" && matches!(rule.peer.as_deref(), None | Some("0.0.0.0/0" | "::/0"));
    let peer = rule.peer.as_deref().filter(|peer| !["0.0.0.0/0", "::/0"].contains(peer)).unwrap_or("everybody");
    Row {
        id: id_of(group, rule),
        cells: vec![
            Cell::new(&group.name, Role::Strong),
            Cell::new(&rule.direction, Role::Text),
            Cell::new(rule.protocol.as_deref().unwrap_or("all"), Role::Text),
            Cell::new(rule.ports(), Role::Text),
            Cell::new(peer, if open { Role::Warn } else { Role::Text }),
            Cell::new(&rule.ethertype, Role::Dim),
            rails::cell(model, &group.cloud),
            Cell::new(&rule.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    let (_, rule) = each(model).find(|(group, rule)| id_of(group, rule) == id)?;
    serde_json::to_value(rule).ok()
}
