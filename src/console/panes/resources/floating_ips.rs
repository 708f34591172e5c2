//! Floating IPs: which there are, and where they lead.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::FloatingIp;

use super::{listed, said, server_name};

pub const COLUMNS: &[Column] = &[
    Column::text("address", "ADDRESS", 15, 39, 0),
    Column::text("status", "STATUS", 8, 10, 0),
    Column::text("server", "SERVER", 16, 40, 0),
    Column::text("says", "DESCRIPTION", 16, 60, 2),
    Column::text("cloud", "CLOUD", 9, 20, 1),
    Column::text("id", "ID", 12, 36, 3),
];

listed!(FloatingIps of FloatingIp);

fn id_of(ip: &FloatingIp) -> String {
    format!("{}/{}", ip.cloud, ip.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|ip| row(model, ip)).collect()
}

fn row(model: &Model, ip: &FloatingIp) -> Row {
    let used = ip.server.is_some() || ip.port.is_some();
    let status = if used { Cell::state(Glyph::On, "in use", Role::Ok) } else { Cell::state(Glyph::Off, "free", Role::Skipped) };
    let server = ip.server.as_ref().map(|id| server_name(model, ip.cloud.as_str(), id));
    Row {
        id: id_of(ip),
        cells: vec![
            Cell::new(&ip.address, Role::Strong),
            status,
            server.map_or_else(Cell::none, |name| Cell::new(name, Role::Text)),
            said(&ip.description, Role::Dim),
            rails::cell(model, &ip.cloud),
            Cell::new(&ip.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|ip| id_of(ip) == id)?).ok()
}
