//! Routers. `enter` leads to the ports of one: the networks that it is on.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::Router;

use super::{listed, maybe, said, state};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("status", "STATUS", 8, 10, 0),
    Column::text("external", "LEADS TO", 12, 30, 1),
    Column::text("address", "ADDRESSES", 15, 45, 2),
    Column::text("cloud", "CLOUD", 9, 20, 3),
    Column::text("id", "ID", 12, 36, 4),
];

listed!(Routers of Router);

fn id_of(router: &Router) -> String {
    format!("{}/{}", router.cloud, router.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|router| row(model, router)).collect()
}

fn row(model: &Model, router: &Router) -> Row {
    Row {
        id: id_of(router),
        cells: vec![
            Cell::new(&router.name, Role::Strong),
            state(&router.status),
            maybe(router.external.as_ref(), Role::Text),
            said(&router.addresses.join(", "), Role::Text),
            rails::cell(model, &router.cloud),
            Cell::new(&router.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|router| id_of(router) == id)?).ok()
}
