//! Reads TOML tables by hand, so that every problem of a file is found at once and names its place.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::origin::{Origin, Sourced};
use crate::model::Failure;

/// A table, and the name that messages give it (`engine`, `clouds.lab`; empty for the file itself).
pub(super) struct Section<'t> {
    pub(super) table: &'t DeTable<'t>,
    pub(super) name: String,
}

impl<'t> Section<'t> {
    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn place(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// What may stand at a place of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    /// A text or a list of texts.
    Texts,
    Words(Vec<String>),
    Truth,
    Number(RangeInclusive<u64>),
    /// A text, a number, true or false.
    Plain,
    Table,
    /// A list of tables.
    Tables,
}

/// Something that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// `console.theme`
    pub place: String,
    pub kind: Kind,
}

/// The table of a file that says nothing.
static NOTHING: LazyLock<DeTable<'static>> = LazyLock::new(DeTable::new);

/// Reads one file and collects what is wrong with it.
pub(super) struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<(usize, String)>,
    /// Everything that was asked for, when it is to be known; then each table that is asked for is there, and empty.
    asked: Option<Vec<Asked>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, problems: Vec::new(), asked: None }
    }

    /// One for an empty file, that notes what it is asked for.
    pub(super) fn noting(path: &'a Path) -> Self {
        Self { asked: Some(Vec::new()), ..Self::new(path, "") }
    }

    /// What it was asked for, each place once.
    pub(super) fn asked(self) -> Vec<Asked> {
        let mut asked = self.asked.unwrap_or_default();
        let mut seen = std::collections::HashSet::new();
        asked.retain(|one| seen.insert(one.place.clone()));
        asked
    }

    fn note(&mut self, section: &Section<'_>, key: &str, kind: impl FnOnce() -> Kind) {
        if let Some(asked) = &mut self.asked {
            asked.push(Asked { place: section.place(key), kind: kind() });
        }
    }

    /// The file's table; where its TOML is broken, what could be read.
    pub(super) fn parse(&mut self) -> DeTable<'a> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.problem(&span, error.message().replace('\n', ", "));
        }
        table.into_inner()
    }

    /// Notes a problem at a place of the text.
    pub(super) fn problem(&mut self, span: &Range<usize>, message: impl Display) {
        let (line, column) = position(self.text, span.start);
        self.problems.push((span.start, format!("{}:{line}:{column}: {message}", self.path.display())));
    }

    /// Notes every key that is not among `known`.
    pub(super) fn only(&mut self, section: &Section<'_>, known: &[&str]) {
        for (key, _) in section.table {
            let name = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let hint = nearest(name, known.iter().copied());
                self.problem(&key.span(), format!("unknown key {}{hint}", section.place(name)));
            }
        }
    }

    /// A table inside another.
    pub(super) fn section<'t>(&mut self, parent: &Section<'t>, key: &str) -> Option<Section<'t>> {
        self.note(parent, key, || Kind::Table);
        let name = parent.place(key);
        if self.asked.is_some() {
            return Some(Section { table: &NOTHING, name });
        }
        let value = parent.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section { table, name }),
            other => {
                self.problem(&value.span(), format!("{name} must be a table, not {}", kind(other)));
                None
            }
        }
    }

    /// The tables of a list (`[[key]]`), each with the place of the key in the text.
    pub(super) fn tables<'t>(&mut self, parent: &Section<'t>, key: &str) -> Vec<(Section<'t>, Range<usize>)> {
        self.note(parent, key, || Kind::Tables);
        let name = parent.place(key);
        if self.asked.is_some() {
            return vec![(Section { table: &NOTHING, name }, 0..0)];
        }
        let Some(value) = parent.get(key) else { return Vec::new() };
        let mut found = Vec::new();
        match value.get_ref() {
            DeValue::Array(items) => {
                for item in items {
                    match item.get_ref() {
                        DeValue::Table(table) => found.push((Section { table, name: name.clone() }, item.span())),
                        other => self.problem(&item.span(), format!("{name} must be a table, not {}", kind(other))),
                    }
                }
            }
            other => self.problem(&value.span(), format!("{name} must be written [[{name}]], not as {}", kind(other))),
        }
        found
    }

    /// A text, or a list of texts, each with its place.
    pub(super) fn texts(&mut self, section: &Section<'_>, key: &str) -> Option<Vec<(String, Range<usize>)>> {
        self.note(section, key, || Kind::Texts);
        let value = section.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(vec![(text.clone().into_owned(), value.span())]),
            DeValue::Array(items) => {
                let mut texts = Vec::new();
                for item in items {
                    match item.get_ref() {
                        DeValue::String(text) => texts.push((text.clone().into_owned(), item.span())),
                        other => {
                            let place = section.place(key);
                            self.problem(&item.span(), format!("{place} must hold texts in quotes, not {}", kind(other)));
                        }
                    }
                }
                Some(texts)
            }
            other => self.wrong(section, key, value, "a text in quotes, or a list of them", other),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, section: &Section<'_>, key: &str) -> Option<Sourced<String>> {
        self.note(section, key, || Kind::Text);
        let value = section.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(self.sourced(value, text.clone().into_owned())),
            other => self.wrong(section, key, value, "a text in quotes", other),
        }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, section: &Section<'_>, key: &str, words: &[(&str, T)]) -> Option<Sourced<T>> {
        self.note(section, key, || Kind::Words(words.iter().map(|(word, _)| (*word).to_owned()).collect()));
        let text = self.text(section, key)?;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(text.map(|_| *found));
        }
        let span = section.get(key)?.span();
        let hint = nearest(&text, words.iter().map(|(word, _)| *word));
        let place = section.place(key);
        self.problem(&span, format!("{place} is {:?}, which is none of {}{hint}", text.value, list(words)));
        None
    }

    /// Yes or no.
    pub(super) fn truth(&mut self, section: &Section<'_>, key: &str) -> Option<Sourced<bool>> {
        self.note(section, key, || Kind::Truth);
        let value = section.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(self.sourced(value, *truth)),
            other => self.wrong(section, key, value, "true or false", other),
        }
    }

    /// A whole number within `range`.
    pub(super) fn number(&mut self, section: &Section<'_>, key: &str, range: RangeInclusive<u64>) -> Option<Sourced<u64>> {
        self.note(section, key, || Kind::Number(range.clone()));
        let value = section.get(key)?;
        let (low, high) = (range.start(), range.end());
        let DeValue::Integer(digits) = value.get_ref() else {
            return self.wrong(section, key, value, &format!("a number from {low} to {high}"), value.get_ref());
        };
        match u64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) if range.contains(&number) => Some(self.sourced(value, number)),
            _ => {
                let place = section.place(key);
                self.problem(&value.span(), format!("{place} is {}, outside {low} to {high}", digits.as_str()));
                None
            }
        }
    }

    /// Any plain value, as the text that a driver reads.
    pub(super) fn plain(&mut self, section: &Section<'_>, key: &str) -> Option<Sourced<String>> {
        self.note(section, key, || Kind::Plain);
        let value = section.get(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Integer(digits) if digits.radix() == 10 => digits.as_str().to_owned(),
            DeValue::Float(digits) => digits.as_str().to_owned(),
            other => return self.wrong(section, key, value, "a text, a number, true or false", other),
        };
        Some(self.sourced(value, text))
    }

    /// Line and column (both from 1) of a place of the text.
    pub(super) fn place(&self, span: &Range<usize>) -> (usize, usize) {
        position(self.text, span.start)
    }

    /// Where a key stands in the file.
    pub(super) fn origin(&self, span: &Range<usize>) -> Origin {
        Origin::File { path: PathBuf::from(self.path), line: position(self.text, span.start).0 }
    }

    /// Ends the reading; `tried` is for the failure.
    ///
    /// # Errors
    /// Every problem, in the order of the file.
    pub(super) fn finish(mut self, tried: &str) -> Result<(), Failure> {
        self.problems.sort();
        let Some((first, _)) = self.problems.first() else { return Ok(()) };
        let (line, column) = position(self.text, *first);
        let all: Vec<_> = self.problems.iter().map(|(_, message)| message.as_str()).collect();
        Err(Failure::refused(tried, all.join("\n"))
            .at(format!("{}:{line}:{column}", self.path.display()))
            .next(format!("correct {}", self.path.display())))
    }

    fn sourced<T>(&self, at: &Spanned<DeValue<'_>>, value: T) -> Sourced<T> {
        Sourced { value, origin: self.origin(&at.span()) }
    }

    fn wrong<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        at: &Spanned<DeValue<'_>>,
        wanted: &str,
        found: &DeValue<'_>,
    ) -> Option<T> {
        let place = section.place(key);
        self.problem(&at.span(), format!("{place} must be {wanted}, not {}", kind(found)));
        None
    }
}

/// ` (did you mean …?)` with the word of `known` that is nearest, or nothing when none is near.
pub(super) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min()
        .map(|(_, candidate)| format!(" (did you mean {candidate}?)"))
        .unwrap_or_default()
}

fn list<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Line and column (both from 1, in characters) of a byte of `text`.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
