//! Server groups: servers that are placed with regard to each other.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::ServerGroup;

use super::{listed, said, server_name};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("policy", "POLICY", 12, 24, 0),
    Column::number("count", "SERVERS", 7, 7, 0),
    Column::text("servers", "WHICH", 16, 60, 2),
    Column::text("cloud", "CLOUD", 9, 20, 1),
    Column::text("id", "ID", 12, 36, 3),
];

listed!(ServerGroups of ServerGroup);

fn id_of(group: &ServerGroup) -> String {
    format!("{}/{}", group.cloud, group.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|group| row(model, group)).collect()
}

fn row(model: &Model, group: &ServerGroup) -> Row {
    let count = group.members.len();
    let names: Vec<String> = group.members.iter().map(|id| server_name(model, group.cloud.as_str(), id)).collect();
    Row {
        id: id_of(group),
        cells: vec![
            Cell::new(&group.name, Role::Strong),
            Cell::new(&group.policy, Role::Text),
            Cell::number(count.to_string(), count as f64, Role::Text),
            said(&names.join(", "), Role::Dim),
            rails::cell(model, &group.cloud),
            Cell::new(&group.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|group| id_of(group) == id)?).ok()
}
