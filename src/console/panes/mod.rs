//! Panes: one file a kind of thing. Each says which columns it has, makes rows out of the model, tells what can be
//! done and what an empty list means. None of them knows another.

pub mod audit;
pub mod clouds;
pub mod clusters;
pub mod containers;
pub mod docker;
pub mod docker_networks;
pub mod docker_volumes;
pub mod flavors;
pub mod images;
pub mod local_images;
pub mod missing;
pub mod nodes;
pub mod pulse;
pub mod resources;
pub mod runs;
pub mod servers;

use crate::model::DockerList;
use crate::protocol::live::Freshness;

use super::action::{Action, Offer};
use super::state::{Model, Tab};
use super::theme::Role;
use super::widgets::filter::{Filter, Sayings};
use super::widgets::table::{Column, Notice, Row};
use super::words;

/// A line about the selected row: a name and what it says.
pub type Fact = (&'static str, String, Role);

/// The columns of a tab's table.
pub fn columns(tab: Tab) -> &'static [Column] {
    match tab {
        Tab::Pulse => &[],
        Tab::Clouds => clouds::COLUMNS,
        Tab::Flavors => flavors::COLUMNS,
        Tab::Images => images::COLUMNS,
        Tab::Servers => servers::COLUMNS,
        Tab::Clusters => clusters::COLUMNS,
        Tab::Runs => runs::COLUMNS,
        Tab::Audit => audit::COLUMNS,
        Tab::Resource(kind) => resources::columns(kind),
        Tab::Docker => docker::COLUMNS,
        Tab::Held(DockerList::Containers) => containers::COLUMNS,
        Tab::Held(DockerList::Images) => local_images::COLUMNS,
        Tab::Held(DockerList::Networks) => docker_networks::COLUMNS,
        Tab::Held(DockerList::Volumes) => docker_volumes::COLUMNS,
    }
}

/// The rows of a tab's table.
pub fn rows(model: &Model, tab: Tab) -> Vec<Row> {
    match tab {
        Tab::Pulse => pulse::rows(model),
        Tab::Clouds => clouds::rows(model),
        Tab::Flavors => flavors::rows(model),
        Tab::Images => images::rows(model),
        Tab::Servers => servers::rows(model),
        Tab::Clusters => clusters::rows(model),
        Tab::Runs => runs::rows(model),
        Tab::Audit => audit::rows(model),
        Tab::Resource(kind) => resources::rows(model, kind),
        Tab::Docker => docker::rows(model),
        Tab::Held(DockerList::Containers) => containers::rows(model),
        Tab::Held(DockerList::Images) => local_images::rows(model),
        Tab::Held(DockerList::Networks) => docker_networks::rows(model),
        Tab::Held(DockerList::Volumes) => docker_volumes::rows(model),
    }
}

/// How many rows of a tab a filter lets through.
pub fn count(model: &Model, tab: Tab, filter: &str) -> usize {
    let columns = columns(tab);
    let filter = Filter::new(filter, columns);
    let all: Vec<usize> = (0..columns.len()).filter(|&i| !columns[i].extra).collect();
    let mut ready = filter.ready(columns, &all, model.now.0);
    let rows = rows(model, tab);
    let sayings = Sayings::of(&rows, &all);
    rows.iter().enumerate().filter(|(i, row)| ready.passes(row, sayings.row(*i))).count()
}

/// What stands above the rows of a tab: the clouds whose list cannot be read.
pub fn notices(model: &Model, tab: Tab) -> Vec<Notice> {
    missing::notices(model, tab)
}

/// What is to be known of the selected row.
pub fn facts(model: &Model, tab: Tab) -> Vec<Fact> {
    let Some(id) = model.table(tab).selected() else { return Vec::new() };
    if let Some((_, failure)) = missing::selected(model) {
        return missing::facts(failure);
    }
    match tab {
        Tab::Clouds => clouds::facts(model, id),
        Tab::Flavors => flavors::facts(model, id),
        Tab::Images => images::facts(model, id),
        Tab::Servers => servers::facts(model, id),
        Tab::Runs => runs::facts(model, id),
        Tab::Audit => audit::facts(model, id),
        Tab::Resource(kind) => resources::facts(model, kind, id),
        Tab::Docker => docker::facts(model, id),
        Tab::Held(DockerList::Containers) => containers::facts(model, id),
        Tab::Held(DockerList::Images) => local_images::facts(model, id),
        Tab::Held(DockerList::Networks) => docker_networks::facts(model, id),
        Tab::Held(DockerList::Volumes) => docker_volumes::facts(model, id),
        Tab::Pulse | Tab::Clusters => Vec::new(),
    }
}

/// What can be done in a tab, what matters most first.
pub fn offers(model: &Model, tab: Tab) -> Vec<Offer> {
    if missing::selected(model).is_some() {
        return vec![Offer::hint(Action::Open), Offer::hint(Action::Refresh)];
    }
    match tab {
        Tab::Pulse => pulse::offers(model),
        Tab::Clouds => clouds::offers(model),
        Tab::Flavors => Vec::new(),
        Tab::Images => images::offers(model),
        Tab::Servers => servers::offers(model),
        Tab::Clusters => clusters::offers(model),
        Tab::Runs => runs::offers(model),
        Tab::Audit => audit::offers(model),
        Tab::Resource(kind) => resources::offers(model, kind),
        Tab::Docker => docker::offers(model),
        Tab::Held(_) => held(model, tab),
    }
}

/// What an empty table teaches: a sentence, then what can be done about it.
pub fn lesson(model: &Model, tab: Tab) -> (String, Vec<Action>) {
    if !model.table(tab).filter().trim().is_empty() {
        return ("Nothing matches the filter.".to_owned(), vec![Action::Filter, Action::Back]);
    }
    if !model.ready {
        return ("Asking the engine…".to_owned(), Vec::new());
    }
    let no_cloud = model.mirror.clouds.is_empty();
    if model.lists_of(tab).iter().any(|(_, list)| is_loading(*list)) {
        return (format!("Reading the {}…", tab.name()), Vec::new());
    }
    match tab {
        Tab::Clouds => clouds::lesson(),
        Tab::Flavors | Tab::Images | Tab::Servers | Tab::Resource(_) if no_cloud => clouds::lesson(),
        Tab::Flavors => ("No flavors: the clouds offer none, or could not be read.".to_owned(), vec![Action::Refresh]),
        Tab::Images => ("No images: the clouds offer none, or could not be read.".to_owned(), vec![Action::Refresh]),
        Tab::Servers => servers::lesson(),
        Tab::Pulse | Tab::Clusters => clusters::lesson(),
        Tab::Runs => runs::lesson(),
        Tab::Audit => audit::lesson(model),
        Tab::Resource(kind) => resources::lesson(model, kind),
        Tab::Held(list) if !model.mirror.dockers.is_empty() => (format!("No {}.", list.words()), vec![Action::GotoDocker]),
        Tab::Docker | Tab::Held(_) => docker::lesson(model),
    }
}

/// What can be done with what a Docker engine holds.
fn held(model: &Model, tab: Tab) -> Vec<Offer> {
    let nothing = model.table(tab).selected().is_none().then_some("nothing is selected");
    vec![Offer::hint(Action::Open).unless(nothing), Offer::hint(Action::NextPart), Offer::hint(Action::GotoDocker)]
}

/// Nothing is known of a list so far.
fn is_loading(list: Option<(&Freshness, bool)>) -> bool {
    list.is_none_or(|(freshness, rows)| *freshness == Freshness::Loading && !rows)
}

/// What is to be said of the lists behind a tab: the first one that is old, or not here yet. One that cannot be read
/// has a row of its own.
pub fn staleness(model: &Model, tab: Tab) -> Option<(String, Role)> {
    let lists = model.lists_of(tab);
    let many = lists.len() > 1;
    lists.iter().find_map(|(of, list)| {
        let freshness = list.map_or(&Freshness::Loading, |(freshness, _)| freshness);
        if missing::failure(freshness).is_some() {
            return None;
        }
        let (text, role) = words::staleness(freshness, model.now, &model.zone)?;
        Some(if many { (format!("{of} {text}"), role) } else { (text, role) })
    })
}
