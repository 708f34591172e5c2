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

/// The clouds in scope whose list cannot be read.
pub fn notices(model: &Model, tab: Tab) -> Vec<Notice> {
    let Some(kind) = tab.list() else { return Vec::new() };
    let notice = |cloud: CloudName| {
        let (id, title) = (format!("{SIGN}{cloud}"), cloud.to_string());
        if let Some(why) = model.why_no_list(&cloud, kind) {
            return Some(Notice { id, title, text: why, glyph: Glyph::Off, role: Role::Disabled, quiet: true });
        }
        let (freshness, _) = model.list(&cloud, kind)?;
        let failure = failure(freshness)?;
        let (text, glyph, role) = match freshness {
            Freshness::Stale { at, .. } => {
                (format!("as of {}: {}", words::when(model.now, *at, &model.zone), failure.got), Glyph::Warn, Role::Warn)
            }
            _ => (failure.got.clone(), Glyph::Failed, Role::Failed),
        };
        let text = text.lines().next().unwrap_or_default().to_owned();
        Some(Notice { id, title, text, glyph, role, quiet: false })
    };
    model.clouds_in_scope().into_iter().filter_map(notice).collect()
}

/// The cloud whose row is selected, and why its list cannot be read.
pub fn selected(model: &Model) -> Option<(CloudName, &Failure)> {
    let cloud = CloudName::new(model.table(model.tab).selected()?.strip_prefix(SIGN)?);
    let (freshness, _) = model.list(&cloud, model.tab.list()?)?;
    failure(freshness).map(|failure| (cloud, failure))
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
