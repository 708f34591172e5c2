//! Security groups. `enter` leads to the rules of one.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::SecurityGroup;

use super::{listed, said};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::number("rules", "RULES", 5, 6, 0),
    Column::text("says", "DESCRIPTION", 16, 60, 2),
    Column::text("cloud", "CLOUD", 9, 20, 1),
    Column::text("id", "ID", 12, 36, 3),
];

listed!(SecurityGroups of SecurityGroup);

fn id_of(group: &SecurityGroup) -> String {
    format!("{}/{}", group.cloud, group.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|group| row(model, group)).collect()
}

fn row(model: &Model, group: &SecurityGroup) -> Row {
    let rules = group.rules.len();
    Row {
        id: id_of(group),
        cells: vec![
            Cell::new(&group.name, Role::Strong),
            Cell::number(rules.to_string(), rules as f64, Role::Text),
            said(&group.description, Role::Dim),
            rails::cell(model, &group.cloud),
            Cell::new(&group.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|group| id_of(group) == id)?).ok()
}
