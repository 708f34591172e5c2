//! Clouds whose list cannot be read, or that have none: each has a row of its own among those of the others, and says
//! why.

use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::Notice;
use crate::console::words;
use crate::model::{CloudName, Failure};
use crate::protocol::live::Freshness;

use super::Fact;

/// Begins the ids of these rows: no id of a thing begins so.
const SIGN: char = '!';

/// Why a list could not be read when it was tried last.
pub fn failure(freshness: &Freshness) -> Option<&Failure> {
    match freshness {
        Freshness::Failed { failure } | Freshness::Stale { failure: Some(failure), .. } => Some(failure),
        _ => None,
    }
}

/// The clouds and Docker engines in scope whose list cannot be read.
pub fn notices(model: &Model, tab: Tab) -> Vec<Notice> {
    let cannot = |cloud: CloudName| {
        let text = model.why_no_list(&cloud, tab.list()?)?;
        let (id, title) = (format!("{SIGN}{cloud}"), cloud.to_string());
        Some(Notice { id, title, text, glyph: Glyph::Off, role: Role::Disabled, quiet: true })
    };
    let bad = |(title, list): (String, Option<(&Freshness, bool)>)| {
        let (freshness, _) = list?;
        let failure = failure(freshness)?;
        let (text, glyph, role) = match freshness {
            Freshness::Stale { at, .. } => {
                (format!("as of {}: {}", words::when(model.now, *at, &model.zone), failure.got), Glyph::Warn, Role::Warn)
            }
            _ => (failure.got.clone(), Glyph::Failed, Role::Failed),
        };
        let text = text.lines().next().unwrap_or_default().to_owned();
        Some(Notice { id: format!("{SIGN}{title}"), title, text, glyph, role, quiet: false })
    };
    let bad = model.lists_of(tab).into_iter().filter_map(bad);
    let mut all: Vec<Notice> = bad.chain(model.clouds_in_scope().into_iter().filter_map(cannot)).collect();
    all.sort_by(|a, b| a.title.cmp(&b.title));
    all
}

/// Whose row is selected, and why the list cannot be read.
pub fn selected(model: &Model) -> Option<(String, &Failure)> {
    let name = model.table(model.tab).selected()?.strip_prefix(SIGN)?;
    let (of, list) = model.lists_of(model.tab).into_iter().find(|(of, _)| of == name)?;
    failure(list?.0).map(|failure| (of, failure))
}

/// Why the cloud whose row is selected has no such list.
pub fn cannot(model: &Model) -> Option<String> {
    let cloud = CloudName::new(model.table(model.tab).selected()?.strip_prefix(SIGN)?);
    Some(format!("{cloud}: {}", model.why_no_list(&cloud, model.tab.list()?)?))
}

/// What is to be known of it.
pub fn facts(failure: &Failure) -> Vec<Fact> {
    let mut facts = vec![("got", failure.got.clone(), Role::Failed), ("tried", failure.tried.clone(), Role::Text)];
    if !failure.next.is_empty() {
        facts.insert(1, ("next", failure.next.clone(), Role::Strong));
    }
    if !failure.at.is_empty() {
        facts.push(("at", failure.at.clone(), Role::Dim));
    }
    facts
}
