//! The images on the disks of Docker engines; those of clouds have a tab of their own.

use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::{DockerList, LocalImage};
use crate::protocol::live::DockerRows;

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "LOCAL IMAGE", 24, 60, 0),
    Column::number("size", "SIZE", 7, 9, 0).bytes(),
    Column::text("created", "MADE", 10, 10, 1).time(),
    Column::number("used", "USED", 4, 5, 3),
    Column::text("docker", "DOCKER", 8, 20, 2),
    Column::text("id", "ID", 12, 12, 4),
];

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|image| row(model, image)).collect()
}

fn all(model: &Model) -> impl Iterator<Item = &LocalImage> {
    model.each_docker(DockerList::Images, |rows| match rows {
        DockerRows::Images(list) => Some(list),
        _ => None,
    })
}

/// The image of a row.
pub fn find<'m>(model: &'m Model, id: &str) -> Option<&'m LocalImage> {
    all(model).find(|image| id_of(image) == id)
}

fn id_of(image: &LocalImage) -> String {
    format!("{}/{}", image.docker, image.id)
}

/// What people call it.
pub fn called(image: &LocalImage) -> String {
    match image.tags.as_slice() {
        [] => "(no name)".to_owned(),
        tags => tags.join("  "),
    }
}

fn row(model: &Model, image: &LocalImage) -> Row {
    let used = image.containers.map_or_else(Cell::none, |n| Cell::number(words::count(n.into()), n.into(), Role::Text));
    Row {
        id: id_of(image),
        cells: vec![
            Cell::new(called(image), if image.tags.is_empty() { Role::Faint } else { Role::Strong }),
            Cell::number(words::bytes(image.size), image.size as f64, Role::Text),
            Cell::number(words::when(model.now, image.created, &model.zone), image.created.0 as f64, Role::Dim),
            used,
            Cell::new(image.docker.to_string(), Role::Dim),
            Cell::new(image.short_id(), Role::Faint),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(image) = find(model, id) else { return Vec::new() };
    let mut facts = vec![("id", image.id.clone(), Role::Dim)];
    facts.extend(image.digests.iter().map(|digest| ("digest", digest.clone(), Role::Dim)));
    let labels: Vec<String> = image.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !labels.is_empty() {
        facts.push(("labels", labels.join("  "), Role::Dim));
    }
    facts
}
