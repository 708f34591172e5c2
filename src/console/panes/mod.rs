//! Panes: one file a kind of thing. Each says which columns it has, makes rows out of the model, tells what can be
//! done and what an empty list means. None of them knows another.

pub mod clouds;
pub mod clusters;
pub mod flavors;
pub mod images;
pub mod nodes;
pub mod runs;
pub mod servers;

use crate::protocol::live::Freshness;

use super::action::{Action, Offer};
use super::state::{Model, Tab};
use super::theme::Role;
use super::widgets::table::{Column, Row};
use super::words;

/// A line about the selected row: a name and what it says.
pub type Fact = (&'static str, String, Role);

/// The columns of a tab's table.
pub fn columns(tab: Tab) -> &'static [Column] {
    match tab {
        Tab::Clouds => clouds::COLUMNS,
        Tab::Flavors => flavors::COLUMNS,
        Tab::Images => images::COLUMNS,
        Tab::Servers => servers::COLUMNS,
        Tab::Clusters => clusters::COLUMNS,
        Tab::Runs => runs::COLUMNS,
    }
}

/// The rows of a tab's table.
pub fn rows(model: &Model, tab: Tab) -> Vec<Row> {
    match tab {
        Tab::Clouds => clouds::rows(model),
        Tab::Flavors => flavors::rows(model),
        Tab::Images => images::rows(model),
        Tab::Servers => servers::rows(model),
        Tab::Clusters => clusters::rows(model),
        Tab::Runs => runs::rows(model),
    }
}

/// What is to be known of the selected row.
pub fn facts(model: &Model, tab: Tab) -> Vec<Fact> {
    let Some(id) = model.table(tab).selected() else { return Vec::new() };
    match tab {
        Tab::Clouds => clouds::facts(model, id),
        Tab::Flavors => flavors::facts(model, id),
        Tab::Images => images::facts(model, id),
        Tab::Servers => servers::facts(model, id),
        Tab::Runs => runs::facts(model, id),
        Tab::Clusters => Vec::new(),
    }
}

/// What can be done in a tab, what matters most first.
pub fn offers(model: &Model, tab: Tab) -> Vec<Offer> {
    match tab {
        Tab::Clouds => clouds::offers(model),
        Tab::Flavors | Tab::Images => Vec::new(),
        Tab::Servers => servers::offers(model),
        Tab::Clusters => clusters::offers(model),
        Tab::Runs => runs::offers(model),
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
    match tab {
        Tab::Clouds => clouds::lesson(),
        Tab::Flavors | Tab::Images | Tab::Servers if no_cloud => clouds::lesson(),
        Tab::Flavors => ("No flavors: the clouds offer none, or could not be read.".to_owned(), vec![Action::Refresh]),
        Tab::Images => ("No images: the clouds offer none, or could not be read.".to_owned(), vec![Action::Refresh]),
        Tab::Servers => servers::lesson(),
        Tab::Clusters => clusters::lesson(),
        Tab::Runs => runs::lesson(),
    }
}

/// What is to be said of the lists behind a tab: the first one that is not fresh.
pub fn staleness(model: &Model, tab: Tab) -> Option<(String, Role)> {
    let kind = tab.list()?;
    let many = model.clouds_in_scope().len() > 1;
    model.clouds_in_scope().iter().find_map(|cloud| {
        let (text, role) = match model.list(cloud, kind) {
            Some((freshness, _)) => words::staleness(freshness, model.now, &model.zone)?,
            None => words::staleness(&Freshness::Loading, model.now, &model.zone)?,
        };
        Some(if many { (format!("{cloud} {text}"), role) } else { (text, role) })
    })
}
