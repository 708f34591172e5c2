//! The nodes of the selected cluster, below the clusters.

use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row, natural};
use crate::console::words;
use crate::model::{Node, Time};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NODE", 14, 32, 0),
    Column::text("status", "STATUS", 10, 12, 0),
    Column::text("address", "ADDRESS", 15, 40, 1),
    Column::text("note", "NOTE", 15, 60, 2),
    Column::text("via", "THROUGH", 10, 20, 3),
    Column::text("flavor", "FLAVOR", 8, 16, 4),
    Column::text("created", "MADE", 10, 10, 5).time(),
    Column::text("image", "IMAGE", 8, 24, 6),
];

pub fn rows(model: &Model) -> Vec<Row> {
    let Some(cluster) = model.selected_cluster() else { return Vec::new() };
    let mut nodes: Vec<&Node> = model.mirror.nodes_of(cluster.id).collect();
    nodes.sort_by(|a, b| natural(&a.name, &b.name));
    nodes.into_iter().map(|node| row(model, node)).collect()
}

fn row(model: &Model, node: &Node) -> Row {
    let (glyph, role) = words::node_state(node.state);
    let text = |value: &Option<String>, role| value.as_ref().map_or_else(Cell::none, |v| Cell::new(v, role));
    let note = match (&node.note, &node.host_key) {
        (Some(note), _) => Cell::new(note, Role::Warn),
        (None, Some(_)) => Cell::new("host key pinned", Role::Faint),
        (None, None) => Cell::none(),
    };
    let made = |at: Time| Cell::number(words::when(model.now, at, &model.zone), at.0 as f64, Role::Dim);
    let made = node.created.map_or_else(Cell::none, made);
    Row {
        id: node.name.clone(),
        cells: vec![
            Cell::new(&node.name, Role::Text),
            Cell::state(glyph, node.state.to_string(), role),
            text(&node.address, Role::Text),
            note,
            text(&node.via, Role::Dim),
            Cell::new(&node.flavor, Role::Dim),
            made,
            Cell::new(&node.image, Role::Dim),
        ],
    }
}
