//! Availability zones.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::Zone;

use super::{listed, state};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("status", "STATUS", 11, 12, 0),
    Column::text("cloud", "CLOUD", 9, 20, 0),
];

listed!(Zones of Zone);

fn id_of(zone: &Zone) -> String {
    format!("{}/{}", zone.cloud, zone.name)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|zone| row(model, zone)).collect()
}

fn row(model: &Model, zone: &Zone) -> Row {
    Row {
        id: id_of(zone),
        cells: vec![
            Cell::new(&zone.name, Role::Strong),
            state(if zone.available { "available" } else { "closed" }),
            rails::cell(model, &zone.cloud),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|zone| id_of(zone) == id)?).ok()
}
