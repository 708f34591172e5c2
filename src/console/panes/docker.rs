//! The Docker engines, and whether they answer.

use crate::console::action::{Action, Offer};
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::DockerName;
use crate::protocol::live::{DockerRow, Freshness};

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "DOCKER ENGINE", 14, 30, 0),
    Column::text("status", "STATUS", 11, 14, 0),
    Column::number("running", "RUNNING", 7, 8, 1),
    Column::number("containers", "ALL", 5, 7, 2),
    Column::number("images", "IMAGES", 6, 7, 2),
    Column::number("disk", "DISK", 7, 9, 3).bytes(),
    Column::number("unused", "UNUSED", 7, 9, 4).bytes(),
    Column::text("version", "VERSION", 8, 16, 3),
    Column::text("use", "USE", 7, 8, 5),
    Column::text("address", "WHERE", 20, 50, 4),
];

pub fn rows(model: &Model) -> Vec<Row> {
    model.mirror.dockers.iter().map(|docker| row(model, docker)).collect()
}

fn row(model: &Model, docker: &DockerRow) -> Row {
    let (glyph, word, role) = match &docker.health {
        Freshness::Fresh { .. } => (Glyph::On, "answers".to_owned(), Role::Ok),
        Freshness::Loading => (Glyph::Busy, "asking".to_owned(), Role::Running),
        Freshness::Stale { at, .. } => (Glyph::Off, words::when(model.now, *at, &model.zone), Role::Stale),
        Freshness::Failed { .. } => (Glyph::Failed, "no answer".to_owned(), Role::Failed),
    };
    let facts = docker.facts.as_ref();
    let count = |n: Option<u32>| n.map_or_else(Cell::none, |n| Cell::number(words::count(n.into()), n.into(), Role::Text));
    let size = |n: Option<u64>| n.map_or_else(Cell::none, |n| Cell::number(words::bytes(n), n as f64, Role::Text));
    let disk = facts.and_then(|f| f.disk);
    Row {
        id: docker.info.name.to_string(),
        cells: vec![
            Cell::new(docker.info.name.to_string(), Role::Strong),
            Cell::state(glyph, word, role),
            count(facts.map(|f| f.running)),
            count(facts.map(|f| f.containers)),
            count(facts.map(|f| f.images)),
            size(disk.map(|d| d.total())),
            size(disk.map(|d| d.unused())),
            facts.map_or_else(Cell::none, |f| Cell::new(&f.version, Role::Dim)),
            Cell::new(if docker.info.default { "default" } else { "" }, Role::Text),
            Cell::new(&docker.info.address.host, Role::Dim),
        ],
    }
}

/// The Docker engine of a row.
pub fn find<'m>(model: &'m Model, id: &str) -> Option<&'m DockerRow> {
    model.mirror.dockers.iter().find(|docker| docker.info.name.as_str() == id)
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(docker) = find(model, id) else { return Vec::new() };
    if let Freshness::Failed { failure } = &docker.health {
        return vec![
            ("got", failure.got.clone(), Role::Failed),
            ("next", failure.next.clone(), Role::Strong),
            ("where", docker.info.address.host.clone(), Role::Text),
            ("set in", docker.info.source.clone(), Role::Dim),
        ];
    }
    let Some(f) = &docker.facts else { return vec![("set in", docker.info.source.clone(), Role::Dim)] };
    let builder = if f.buildkit { "BuildKit" } else { "the classic builder" };
    let mut facts = vec![
        ("computer", format!("{}   {}   {} cpus   {}", f.host, f.platform, f.cpus, words::bytes(f.memory)), Role::Text),
        ("system", format!("{}   kernel {}   {}   builds with {builder}", f.system, f.kernel, f.storage), Role::Dim),
    ];
    if let Some(d) = &f.disk {
        let room = |name: &str, room: crate::model::Room| format!("{name} {}", words::bytes(room.bytes));
        let rooms = [
            room("images", d.images),
            room("containers", d.containers),
            room("volumes", d.volumes),
            room("build cache", d.cache),
        ];
        facts.push(("disk", rooms.join("   "), Role::Text));
    }
    facts.extend(f.warnings.iter().map(|warning| ("warns", warning.clone(), Role::Warn)));
    facts.push(("set in", docker.info.source.clone(), Role::Dim));
    facts
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let nothing = model.table(Tab::Docker).selected().is_none().then_some("no Docker engine is selected");
    vec![Offer::hint(Action::Open).unless(nothing), Offer::hint(Action::Refresh), Offer::hint(Action::GotoContainers)]
}

pub fn lesson(model: &Model) -> (String, Vec<Action>) {
    if model.mirror.dockers.is_empty() {
        let text =
            "No Docker engine: none of Docker's contexts, no DOCKER_HOST, no socket on this computer, none in the settings.";
        return (text.to_owned(), vec![Action::Refresh]);
    }
    ("Asking the Docker engines…".to_owned(), Vec::new())
}

/// The Docker engine of a row, by its id.
pub fn name(id: &str) -> DockerName {
    DockerName::new(id)
}
