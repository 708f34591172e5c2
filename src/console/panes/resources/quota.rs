//! Quota: how much of each cloud may be used, and how full it is.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row, SortKey};
use crate::console::words;
use crate::model::{CloudName, QuotaItem};
use crate::protocol::live::{ListKind, Rows};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 20, 30, 0),
    Column::number("full", "FULL", 16, 16, 0),
    Column::number("used", "USED", 9, 12, 0),
    Column::number("limit", "LIMIT", 9, 12, 0),
    Column::text("cloud", "CLOUD", 9, 20, 1),
];

/// Every quota of the clouds in scope, with its cloud.
fn each(model: &Model) -> impl Iterator<Item = (CloudName, &QuotaItem)> {
    model.clouds_in_scope().into_iter().flat_map(|cloud| {
        let items = match model.list(&cloud, ListKind::Quota) {
            Some((_, Some(Rows::Quota(quota)))) => quota.items.as_slice(),
            _ => &[],
        };
        items.iter().map(move |item| (cloud.clone(), item))
    })
}

fn id_of(cloud: &CloudName, item: &QuotaItem) -> String {
    format!("{cloud}/{}", item.name)
}

pub fn rows(model: &Model) -> Vec<Row> {
    each(model).map(|(cloud, item)| row(model, &cloud, item)).collect()
}

fn row(model: &Model, cloud: &CloudName, item: &QuotaItem) -> Row {
    let amount = |n: u64, role| Cell::number(words::amount(&item.name, n), n as f64, role);
    let full = item.limit.map_or_else(Cell::none, |limit| gauge(item.used, limit));
    Row {
        id: id_of(cloud, item),
        cells: vec![
            Cell::new(item.name.replace('_', " "), Role::Strong),
            full,
            amount(item.used, Role::Text),
            item.limit.map_or_else(|| Cell::new("no limit", Role::Dim), |limit| amount(limit, Role::Text)),
            rails::cell(model, cloud),
        ],
    }
}

/// A gauge with its share in percent; what is full is full, also where nothing is allowed.
fn gauge(used: u64, limit: u64) -> Cell {
    let percent = used.saturating_mul(100).checked_div(limit).unwrap_or(100);
    let role = if percent >= 90 { Role::Warn } else { Role::Text };
    let text = format!("{percent} %");
    Cell { key: SortKey::Number(percent as f64), gauge: Some((used, limit)), ..Cell::new(text, role) }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    let (_, item) = each(model).find(|(cloud, item)| id_of(cloud, item) == id)?;
    serde_json::to_value(item).ok()
}
