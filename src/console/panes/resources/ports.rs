//! Ports: what is plugged into which network, and with which addresses.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::Port;
use crate::protocol::live::{ListKind, Rows};

use super::{device_name, listed, maybe, said, state};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 12, 36, 4),
    Column::text("address", "ADDRESSES", 15, 45, 0),
    Column::text("status", "STATUS", 8, 10, 0),
    Column::text("device", "PLUGGED IN", 16, 36, 0),
    Column::text("network", "NETWORK", 12, 30, 1),
    Column::text("groups", "SECURITY GROUPS", 15, 40, 2),
    Column::text("owner", "AS", 12, 28, 3),
    Column::text("cloud", "CLOUD", 9, 20, 5),
    Column::text("subnet", "SUBNETS", 12, 40, 6).extra(),
    Column::text("mac", "MAC", 17, 17, 7).extra(),
    Column::text("id", "ID", 12, 36, 8).extra(),
];

listed!(Ports of Port);

fn id_of(port: &Port) -> String {
    format!("{}/{}", port.cloud, port.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|port| row(model, port)).collect()
}

/// Names of its subnets, or ids where their list is not here.
fn subnets(model: &Model, port: &Port) -> String {
    let name = |id: &String| match model.list(&port.cloud, ListKind::Subnets) {
        Some((_, Some(Rows::Subnets(rows)))) => rows.iter().find(|subnet| subnet.id == *id).map(|subnet| subnet.name.clone()),
        _ => None,
    };
    port.subnets.iter().map(|id| name(id).unwrap_or_else(|| id.clone())).collect::<Vec<_>>().join(", ")
}

fn row(model: &Model, port: &Port) -> Row {
    let device = port.device.as_ref().map(|id| device_name(model, &port.cloud, id));
    Row {
        id: id_of(port),
        cells: vec![
            Cell::new(&port.name, if port.name == port.id { Role::Faint } else { Role::Strong }),
            said(&port.addresses.join(", "), Role::Text),
            state(&port.status),
            maybe(device.as_ref(), Role::Text),
            Cell::new(&port.network, Role::Text),
            said(&port.security_groups.join(", "), Role::Dim),
            said(&port.owner, Role::Dim),
            rails::cell(model, &port.cloud),
            said(&subnets(model, port), Role::Dim),
            maybe(port.mac.as_ref(), Role::Dim),
            Cell::new(&port.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|port| id_of(port) == id)?).ok()
}
