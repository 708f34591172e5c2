//! The containers of the Docker engines in scope.

use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::docker::short_id;
use crate::model::{Container, ContainerState, DockerList};
use crate::protocol::live::DockerRows;

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "CONTAINER", 18, 40, 0),
    Column::text("state", "STATE", 11, 12, 0),
    Column::text("image", "IMAGE", 16, 40, 1),
    Column::text("ports", "PORTS", 14, 40, 3),
    Column::text("service", "SERVICE", 9, 24, 4),
    Column::text("docker", "DOCKER", 8, 20, 2),
    Column::text("created", "MADE", 10, 10, 5).time(),
    Column::text("says", "SAYS", 12, 34, 6),
    Column::text("command", "COMMAND", 14, 50, 7).extra(),
    Column::text("networks", "NETWORKS", 10, 30, 7).extra(),
    Column::text("id", "ID", 12, 12, 8),
];

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|container| row(model, container)).collect()
}

fn all(model: &Model) -> impl Iterator<Item = &Container> {
    model.each_docker(DockerList::Containers, |rows| match rows {
        DockerRows::Containers(list) => Some(list),
        _ => None,
    })
}

/// The container of a row.
pub fn find<'m>(model: &'m Model, id: &str) -> Option<&'m Container> {
    all(model).find(|c| id_of(c) == id)
}

fn id_of(container: &Container) -> String {
    format!("{}/{}", container.docker, container.id)
}

/// Sign, word and role of a container's state.
pub fn state(container: &Container) -> (Glyph, String, Role) {
    let (glyph, role) = match &container.state {
        ContainerState::Running if container.unhealthy => return (Glyph::Warn, "unhealthy".to_owned(), Role::Warn),
        ContainerState::Running => (Glyph::On, Role::Ok),
        ContainerState::Created => (Glyph::Pending, Role::Pending),
        ContainerState::Paused => (Glyph::Waiting, Role::Waiting),
        ContainerState::Restarting => (Glyph::Busy, Role::Warn),
        ContainerState::Removing => (Glyph::Busy, Role::Skipped),
        // Docker says so only in its words: `Exited (1) 3 days ago`.
        ContainerState::Exited if !container.says.starts_with("Exited (0)") => (Glyph::Failed, Role::Failed),
        ContainerState::Exited => (Glyph::Off, Role::Skipped),
        ContainerState::Dead => (Glyph::Failed, Role::Failed),
        ContainerState::Other(_) => (Glyph::Asks, Role::Dim),
    };
    (glyph, container.state.to_string(), role)
}

fn row(model: &Model, container: &Container) -> Row {
    let (glyph, word, role) = state(container);
    let created = container.created;
    Row {
        id: id_of(container),
        cells: vec![
            Cell::new(&container.name, Role::Strong),
            Cell::state(glyph, word, role),
            Cell::new(&container.image, Role::Text),
            Cell::new(container.ports.join(" "), Role::Dim),
            container.service.as_ref().map_or_else(Cell::none, |service| Cell::new(service, Role::Text)),
            Cell::new(container.docker.to_string(), Role::Dim),
            Cell::number(words::when(model.now, created, &model.zone), created.0 as f64, Role::Dim),
            Cell::new(&container.says, Role::Dim),
            Cell::new(&container.command, Role::Dim),
            Cell::new(container.networks.join(" "), Role::Dim),
            Cell::new(short_id(&container.id), Role::Faint),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(container) = find(model, id) else { return Vec::new() };
    vec![
        ("says", container.says.clone(), Role::Text),
        ("command", container.command.clone(), Role::Dim),
        ("networks", container.networks.join("  "), Role::Dim),
        ("id", container.id.clone(), Role::Faint),
    ]
}
