//! Subnets. `enter` leads to the ports on one.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::Subnet;

use super::{listed, maybe, said};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("network", "NETWORK", 14, 30, 1),
    Column::text("range", "RANGE", 16, 43, 0),
    Column::text("gateway", "GATEWAY", 12, 39, 3),
    Column::text("dhcp", "DHCP", 4, 4, 4),
    Column::text("cloud", "CLOUD", 9, 20, 2),
    Column::text("dns", "NAMES BY", 12, 40, 5),
    Column::text("id", "ID", 12, 36, 6),
];

listed!(Subnets of Subnet);

fn id_of(subnet: &Subnet) -> String {
    format!("{}/{}", subnet.cloud, subnet.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|subnet| row(model, subnet)).collect()
}

fn row(model: &Model, subnet: &Subnet) -> Row {
    Row {
        id: id_of(subnet),
        cells: vec![
            Cell::new(&subnet.name, Role::Strong),
            Cell::new(&subnet.network, Role::Text),
            maybe(subnet.cidr.as_ref(), Role::Text),
            maybe(subnet.gateway.as_ref(), Role::Dim),
            Cell::new(if subnet.dhcp { "yes" } else { "no" }, Role::Dim),
            rails::cell(model, &subnet.cloud),
            said(&subnet.dns.join(", "), Role::Dim),
            Cell::new(&subnet.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    serde_json::to_value(all(model).find(|subnet| id_of(subnet) == id)?).ok()
}
