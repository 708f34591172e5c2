//! Networks. `enter` leads to the subnets of one.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::Network;

use super::{listed, maybe};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("range", "RANGES", 18, 50, 1),
    Column::text("outside", "OUTSIDE", 7, 8, 2),
    Column::text("cloud", "CLOUD", 9, 20, 3),
    Column::text("id", "ID", 12, 36, 4),
];

listed!(Networks of Network);

fn id_of(network: &Network) -> String {
    format!("{}/{}", network.cloud, network.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|network| row(model, network)).collect()
}

fn row(model: &Model, network: &Network) -> Row {
    Row {
        id: id_of(network),
        cells: vec![
            Cell::new(&network.name, Role::Strong),
            maybe(network.cidr.as_ref(), Role::Text),
            Cell::new(if network.external { "yes" } else { "no" }, Role::Dim),
            rails::cell(model, &network.cloud),
            Cell::new(&network.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|network| id_of(network) == id)?).ok()
}
