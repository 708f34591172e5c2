//! The volumes of Docker engines.

use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::{DockerList, DockerVolume};
use crate::protocol::live::DockerRows;

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "DOCKER VOLUME", 24, 64, 0),
    Column::text("driver", "DRIVER", 8, 12, 1),
    Column::text("docker", "DOCKER", 8, 20, 2),
    Column::text("created", "MADE", 10, 10, 3).time(),
    Column::text("place", "PLACE", 20, 80, 4),
];

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|volume| row(model, volume)).collect()
}

fn all(model: &Model) -> impl Iterator<Item = &DockerVolume> {
    model.each_docker(DockerList::Volumes, |rows| match rows {
        DockerRows::Volumes(list) => Some(list),
        _ => None,
    })
}

/// The volume of a row.
pub fn find<'m>(model: &'m Model, id: &str) -> Option<&'m DockerVolume> {
    all(model).find(|volume| id_of(volume) == id)
}

fn id_of(volume: &DockerVolume) -> String {
    format!("{}/{}", volume.docker, volume.name)
}

fn row(model: &Model, volume: &DockerVolume) -> Row {
    let made = |at: crate::model::Time| Cell::number(words::when(model.now, at, &model.zone), at.0 as f64, Role::Dim);
    Row {
        id: id_of(volume),
        cells: vec![
            Cell::new(&volume.name, Role::Strong),
            Cell::new(&volume.driver, Role::Text),
            Cell::new(volume.docker.to_string(), Role::Dim),
            volume.created.map_or_else(Cell::none, made),
            Cell::new(&volume.place, Role::Dim),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    find(model, id).map(|volume| ("place", volume.place.clone(), Role::Dim)).into_iter().collect()
}
