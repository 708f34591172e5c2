//! The networks of Docker engines.

use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::docker::short_id;
use crate::model::{DockerList, DockerNetwork};
use crate::protocol::live::DockerRows;

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "DOCKER NETWORK", 20, 40, 0),
    Column::text("driver", "DRIVER", 8, 12, 0),
    Column::text("scope", "SCOPE", 6, 8, 3),
    Column::text("subnets", "SUBNETS", 16, 40, 1),
    Column::text("outside", "OUTSIDE", 7, 7, 4),
    Column::text("docker", "DOCKER", 8, 20, 2),
    Column::text("created", "MADE", 10, 10, 5).time(),
    Column::text("id", "ID", 12, 12, 6),
];

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|network| row(model, network)).collect()
}

fn all(model: &Model) -> impl Iterator<Item = &DockerNetwork> {
    model.each_docker(DockerList::Networks, |rows| match rows {
        DockerRows::Networks(list) => Some(list),
        _ => None,
    })
}

/// The network of a row.
pub fn find<'m>(model: &'m Model, id: &str) -> Option<&'m DockerNetwork> {
    all(model).find(|network| id_of(network) == id)
}

fn id_of(network: &DockerNetwork) -> String {
    format!("{}/{}", network.docker, network.id)
}

fn row(model: &Model, network: &DockerNetwork) -> Row {
    let made = |at: crate::model::Time| Cell::number(words::when(model.now, at, &model.zone), at.0 as f64, Role::Dim);
    Row {
        id: id_of(network),
        cells: vec![
            Cell::new(&network.name, Role::Strong),
            Cell::new(&network.driver, Role::Text),
            Cell::new(&network.scope, Role::Dim),
            Cell::new(network.subnets.join(" "), Role::Text),
            Cell::new(if network.internal { "no" } else { "yes" }, Role::Dim),
            Cell::new(network.docker.to_string(), Role::Dim),
            network.created.map_or_else(Cell::none, made),
            Cell::new(short_id(&network.id), Role::Faint),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    find(model, id).map(|network| ("id", network.id.clone(), Role::Dim)).into_iter().collect()
}
