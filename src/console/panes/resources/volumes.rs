//! Volumes, and the servers that have them.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::Volume;

use super::{listed, maybe, said, server_name, state};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 16, 40, 0),
    Column::text("status", "STATUS", 10, 14, 0),
    Column::number("size", "SIZE", 7, 9, 0).bytes(),
    Column::text("server", "SERVER", 14, 40, 0),
    Column::text("device", "AS", 8, 20, 2),
    Column::text("boots", "BOOTS", 5, 5, 3),
    Column::text("type", "TYPE", 8, 20, 4),
    Column::text("zone", "ZONE", 6, 16, 5),
    Column::text("created", "MADE", 10, 10, 6).time(),
    Column::text("cloud", "CLOUD", 9, 20, 1),
    Column::text("id", "ID", 12, 36, 7),
];

listed!(Volumes of Volume);

fn id_of(volume: &Volume) -> String {
    format!("{}/{}", volume.cloud, volume.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|volume| row(model, volume)).collect()
}

fn row(model: &Model, volume: &Volume) -> Row {
    let bytes = volume.size_gb << 30;
    let servers: Vec<String> = volume.attached.iter().map(|at| server_name(model, volume.cloud.as_str(), &at.server)).collect();
    let devices: Vec<&str> = volume.attached.iter().filter_map(|at| at.device.as_deref()).collect();
    let made = |at: crate::model::Time| Cell::number(words::when(model.now, at, &model.zone), at.0 as f64, Role::Dim);
    Row {
        id: id_of(volume),
        cells: vec![
            Cell::new(&volume.name, Role::Strong),
            state(&volume.status),
            Cell::number(words::bytes(bytes), bytes as f64, Role::Text),
            said(&servers.join(", "), Role::Text),
            said(&devices.join(", "), Role::Dim),
            Cell::new(if volume.bootable { "yes" } else { "no" }, Role::Dim),
            maybe(volume.kind.as_ref(), Role::Dim),
            maybe(volume.zone.as_ref(), Role::Dim),
            volume.created.map_or_else(Cell::none, made),
            rails::cell(model, &volume.cloud),
            Cell::new(&volume.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|volume| id_of(volume) == id)?).ok()
}
