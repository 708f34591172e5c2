//! How a filter can go on: names of columns, and the values that stand in one.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::console::widgets::table::{Column, Kind, Row};

use super::parse::tokens;

/// Rows that are looked through for values.
const LOOKED_AT: usize = 20_000;
/// A column with more different values than this has none to offer.
const MOST_VALUES: usize = 200;

/// One way to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// What stands there afterwards.
    pub text: String,
    /// How many rows have this value; nothing for a column.
    pub rows: Option<usize>,
}

/// What can stand in the place of a part of the text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completion {
    /// The part, in bytes.
    pub span: Range<usize>,
    pub candidates: Vec<Candidate>,
}

/// How the text can go on at its end.
pub fn complete(text: &str, columns: &[Column], rows: &[Row]) -> Completion {
    let begun = tokens(text).pop().filter(|token| token.span.end == text.len());
    let Some(token) = begun else {
        return Completion { span: text.len()..text.len(), candidates: names("", columns) };
    };
    let Some((name, sign)) = &token.column else {
        let from = token.span.start + usize::from(token.not);
        let word = &text[from..];
        let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
        return Completion { span: from..text.len(), candidates: if plain { names(word, columns) } else { Vec::new() } };
    };
    let named = &text[name.clone()];
    let column = columns.iter().position(|c| c.id == named || (c.alias == named && !named.is_empty()));
    let from = token.value.rfind(',').map_or(token.value_at, |comma| token.value_at + comma + 1);
    let Some(column) = column.filter(|_| matches!(*sign, "=" | "!=") && !token.quoted && from <= text.len()) else {
        return Completion::default();
    };
    Completion { span: from..text.len(), candidates: values(&text[from..], column, columns[column].kind, rows) }
}

/// Columns whose name begins like this, with the sign that suits them.
fn names(begin: &str, columns: &[Column]) -> Vec<Candidate> {
    let begin = begin.to_ascii_lowercase();
    let sign = |kind| match kind {
        Kind::Text => "=",
        Kind::Time => "<",
        Kind::Count | Kind::Bytes | Kind::Took => ">",
    };
    let name = |c: &Column| if c.kind == Kind::Time && !c.alias.is_empty() { c.alias } else { c.id };
    columns
        .iter()
        .filter(|c| name(c).starts_with(&begin) || c.id.starts_with(&begin))
        .map(|c| Candidate { text: format!("{}{}", name(c), sign(c.kind)), rows: None })
        .collect()
}

/// Values of a column that begin like this, those of most rows first.
fn values(begin: &str, column: usize, kind: Kind, rows: &[Row]) -> Vec<Candidate> {
    if matches!(kind, Kind::Time | Kind::Took) {
        return Vec::new();
    }
    let begin = begin.to_lowercase();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in rows.iter().take(LOOKED_AT).filter_map(|row| row.cells.get(column)) {
        let said = cell.said();
        if !said.is_empty() && said.to_lowercase().starts_with(&begin) {
            *counts.entry(said).or_default() += 1;
            if counts.len() > MOST_VALUES {
                return Vec::new();
            }
        }
    }
    let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let quoted = |text: &str| if text.contains([' ', ',', '"']) { format!("\"{text}\"") } else { text.to_owned() };
    all.into_iter().map(|(text, count)| Candidate { text: quoted(text), rows: Some(count) }).collect()
}
