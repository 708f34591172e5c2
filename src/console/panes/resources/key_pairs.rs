//! Key pairs.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::KeyPair;

use super::{listed, said};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("fingerprint", "FINGERPRINT", 24, 60, 1),
    Column::text("cloud", "CLOUD", 9, 20, 0),
];

listed!(KeyPairs of KeyPair);

fn id_of(pair: &KeyPair) -> String {
    format!("{}/{}", pair.cloud, pair.name)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|pair| row(model, pair)).collect()
}

fn row(model: &Model, pair: &KeyPair) -> Row {
    Row {
        id: id_of(pair),
        cells: vec![Cell::new(&pair.name, Role::Strong), said(&pair.fingerprint, Role::Text), rails::cell(model, &pair.cloud)],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|pair| id_of(pair) == id)?).ok()
}
