//! Favourites: a view on a digit, as the line of the palette that leads there.

use std::collections::{BTreeMap, BTreeSet};

use super::msg::Effect;
use super::state::{Model, Tab};
use super::theme::Role;
use super::verbs;

/// The line that leads to the view that is open.
pub fn here(model: &Model) -> String {
    if let Some(view) = &model.run {
        return format!("run show {}", view.number);
    }
    let filter = model.table(model.tab).filter().trim();
    format!("{} {filter}", model.tab.name()).trim_end().to_owned()
}

/// The digit on which the open view is kept.
pub fn digit(model: &Model) -> Option<u8> {
    let here = here(model);
    model.favourites.iter().find(|(_, line)| **line == here).map(|(digit, _)| *digit)
}

/// To the view on a digit.
///
/// # Errors
/// There is none, or its line leads nowhere.
pub fn go(model: &mut Model, digit: u8) -> Result<(), String> {
    let Some(line) = model.favourites.get(&digit).cloned() else { return Err(format!("nothing is kept on {digit}")) };
    verbs::run(model, &line).map_err(|wrong| format!("{line}: {}", wrong.text))
}

/// Keeps a line on a digit, or takes it away.
pub fn keep(model: &mut Model, digit: u8, line: Option<String>) {
    match &line {
        Some(line) => {
            model.say(format!("{digit} leads to {line}"), Role::Ok);
            model.favourites.insert(digit, line.clone());
        }
        None => {
            model.favourites.remove(&digit);
        }
    }
    model.touch(Tab::Pulse);
    model.effect(Effect::Keep { part: "favourites", key: digit.to_string(), text: line });
}

/// How many rows the favourites have, counted when rows change: counting makes all rows of a list.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    by_digit: BTreeMap<u8, (String, Option<usize>)>,
    /// Tabs whose rows have changed since.
    stale: BTreeSet<Tab>,
}

impl Counts {
    /// How many rows a digit's line lets through.
    pub fn of(&self, digit: u8) -> Option<usize> {
        self.by_digit.get(&digit)?.1
    }

    /// The rows of a tab have changed.
    pub fn touch(&mut self, tab: Tab) {
        self.stale.insert(tab);
    }
}

/// Counts those anew whose rows or lines have changed.
pub fn recount(model: &mut Model) {
    let stale = std::mem::take(&mut model.counts.stale);
    let before = std::mem::take(&mut model.counts.by_digit);
    let tab = |line: &str| {
        verbs::split(line).and_then(|cut| if let verbs::Takes::Filter(tab) = cut.verb.takes { Some(tab) } else { None })
    };
    let counted = |(digit, line): (&u8, &String)| {
        let known = before.get(digit).filter(|(of, _)| of == line && tab(line).is_none_or(|tab| !stale.contains(&tab)));
        (*digit, known.cloned().unwrap_or_else(|| (line.clone(), count(model, line))))
    };
    let by_digit = model.favourites.iter().map(counted).collect();
    model.counts.by_digit = by_digit;
}

/// How many rows of a list a favourite's line lets through by now, where it is a filter of a list that is known.
pub fn count(model: &Model, line: &str) -> Option<usize> {
    let cut = verbs::split(line)?;
    let verbs::Takes::Filter(tab) = cut.verb.takes else { return None };
    model.count(tab, cut.argument)
}

impl Model {
    /// How many things of a tab a filter lets through; nothing is known of lists that were never looked at.
    pub fn count(&self, tab: Tab, filter: &str) -> Option<usize> {
        let known = match tab.list() {
            Some(kind) => {
                self.clouds_in_scope().iter().any(|cloud| self.list(cloud, kind).is_some_and(|(_, rows)| rows.is_some()))
            }
            None => self.ready,
        };
        known.then(|| super::panes::count(self, tab, filter))
    }
}
