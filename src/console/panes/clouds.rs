//! The configured clouds, and whether they answer.

use crate::console::action::{Action, Offer};
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::{Capability, CloudInfo, CloudName};
use crate::protocol::live::{CloudRow, Freshness};

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 16, 30, 0),
    Column::text("status", "STATUS", 11, 14, 0),
    Column::text("use", "USE", 7, 12, 1),
    Column::text("driver", "DRIVER", 9, 10, 2),
    Column::number("servers", "SERVERS", 7, 7, 1),
    Column::text("user", "USER", 8, 20, 3),
    Column::text("endpoint", "WHERE", 24, 60, 4),
];

pub fn rows(model: &Model) -> Vec<Row> {
    model.mirror.clouds.iter().map(|cloud| row(model, cloud)).collect()
}

fn row(model: &Model, cloud: &CloudRow) -> Row {
    let (glyph, word, role) = match &cloud.health {
        Freshness::Fresh { .. } => (Glyph::On, "answers".to_owned(), Role::Ok),
        Freshness::Loading => (Glyph::Busy, "asking".to_owned(), Role::Running),
        Freshness::Stale { at, failure: None } => (Glyph::Off, words::when(model.now, *at, &model.zone), Role::Stale),
        Freshness::Stale { .. } => (Glyph::Warn, "no answer".to_owned(), Role::Warn),
        Freshness::Failed { .. } => (Glyph::Failed, "failed".to_owned(), Role::Failed),
    };
    Row {
        id: cloud.info.name.to_string(),
        cells: vec![
            Cell::new(cloud.info.name.to_string(), Role::Strong),
            Cell::state(glyph, word, role),
            used(&cloud.info),
            Cell::new(cloud.info.driver.to_string(), Role::Text),
            cloud.servers.map_or_else(Cell::none, |n| Cell::number(words::count(n.into()), n.into(), Role::Text)),
            cloud.user.as_ref().map_or_else(Cell::none, |user| Cell::new(user, Role::Dim)),
            Cell::new(&cloud.info.endpoint, Role::Dim),
        ],
    }
}

/// The default, production, or both.
fn used(info: &CloudInfo) -> Cell {
    match (info.default, info.prod) {
        (false, false) => Cell::new("", Role::Text),
        (true, false) => Cell::new("default", Role::Text),
        (false, true) => Cell::new("PROD", Role::Danger),
        (true, true) => Cell::new("default PROD", Role::Danger),
    }
}

fn find<'m>(model: &'m Model, id: &str) -> Option<&'m CloudRow> {
    model.mirror.clouds.iter().find(|c| c.info.name.as_str() == id)
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(cloud) = find(model, id) else { return Vec::new() };
    let mut facts = vec![("where", cloud.info.endpoint.clone(), Role::Text), ("set in", cloud.info.source.clone(), Role::Dim)];
    if let Freshness::Stale { failure: Some(f), .. } | Freshness::Failed { failure: f } = &cloud.health {
        facts.insert(0, ("got", f.line(), Role::Failed));
        if !f.next.is_empty() {
            facts.insert(1, ("next", f.next.clone(), Role::Text));
        }
    }
    for (name, capability) in &cloud.info.capabilities.0 {
        let name = name.replace('_', " ");
        match capability {
            Capability::Yes => {}
            Capability::Limited { note } => facts.push(("limited", format!("{name}: {note}"), Role::Dim)),
            Capability::No { reason } => facts.push(("cannot", format!("{name}: {reason}"), Role::Dim)),
        }
    }
    facts
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let selected = model.table(Tab::Clouds).selected().and_then(|id| find(model, id));
    let watching = model.why_only_looking();
    let nothing = || selected.is_none().then(|| "no cloud is selected".to_owned());
    let default = || selected.filter(|c| c.info.default).map(|_| "it is the default already".to_owned());
    vec![
        Offer::hint(Action::Open).unless(nothing()),
        Offer::hint(Action::CloudUse).unless(watching.clone().or_else(nothing).or_else(default)),
        Offer::hint(Action::CloudTest).unless(model.mirror.clouds.is_empty().then_some("there is no cloud")),
        Offer::hint(Action::Try).unless(watching),
        Offer::hint(Action::CloudScope),
    ]
}

pub fn lesson() -> (String, Vec<Action>) {
    (
        "No clouds yet. The sandbox makes machines on this computer and needs no account.".to_owned(),
        vec![Action::Setup, Action::Try],
    )
}

/// The cloud of a row.
pub fn name(id: &str) -> CloudName {
    CloudName::new(id)
}
