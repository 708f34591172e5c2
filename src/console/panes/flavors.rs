//! Sizes of servers.

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::Flavor;
use crate::protocol::live::{ListKind, Rows};

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 16, 30, 0),
    Column::number("vcpus", "VCPUS", 5, 6, 0),
    Column::number("ram", "RAM", 7, 9, 0).bytes(),
    Column::number("disk", "DISK", 7, 9, 1).bytes(),
    Column::text("cloud", "CLOUD", 9, 20, 2),
    Column::text("note", "NOTE", 20, 50, 3),
    Column::text("id", "ID", 12, 36, 4),
];

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|flavor| row(model, flavor)).collect()
}

fn all(model: &Model) -> impl Iterator<Item = &Flavor> {
    model.each(ListKind::Flavors, |rows| match rows {
        Rows::Flavors(list) => Some(list),
        _ => None,
    })
}

fn id_of(flavor: &Flavor) -> String {
    format!("{}/{}", flavor.cloud, flavor.id)
}

fn row(model: &Model, flavor: &Flavor) -> Row {
    let size = |bytes: u64| Cell::number(words::bytes(bytes), bytes as f64, Role::Text);
    Row {
        id: id_of(flavor),
        cells: vec![
            Cell::new(&flavor.name, Role::Strong),
            Cell::number(flavor.vcpus.to_string(), flavor.vcpus.into(), Role::Text),
            size(flavor.ram_mb << 20),
            size(flavor.disk_gb << 30),
            rails::cell(model, &flavor.cloud),
            Cell::new(&flavor.note, Role::Dim),
            Cell::new(&flavor.id, Role::Faint),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(flavor) = all(model).find(|f| id_of(f) == id) else { return Vec::new() };
    let mut facts = vec![("id", flavor.id.clone(), Role::Dim)];
    if !flavor.note.is_empty() {
        facts.insert(0, ("note", flavor.note.clone(), Role::Text));
    }
    facts
}
