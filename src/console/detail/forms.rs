//! The facts of a thing in three forms: a table for people, YAML and JSON for what comes after.

use crate::console::state::Model;
use crate::console::theme::Role;

use super::subject::Subject;
use super::{Sheet, facts};

/// A form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Table,
    Yaml,
    Json,
}

impl Form {
    /// All forms, in the order of the tabs.
    pub const ALL: [Form; 3] = [Form::Table, Form::Yaml, Form::Json];

    /// Its name, on its tab.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "facts",
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }

    /// The one to the right.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|form| *form == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// The text.
pub fn sheet(model: &Model, subject: &Subject, form: Form) -> Sheet {
    let Some(value) = subject.value(model) else {
        let mut sheet = Sheet::default();
        let waits = !model.ready || subject.needs().is_some_and(|run| model.mirror.steps(run).is_none());
        sheet.text(if waits { "Asking the engine…" } else { "It is no longer there." }, Role::Dim);
        return sheet;
    };
    let text = match form {
        Form::Table => return facts::sheet(model, subject),
        Form::Yaml => serde_saphyr::to_string(&value).map_err(|e| e.to_string()),
        Form::Json => serde_json::to_string_pretty(&value).map_err(|e| e.to_string()),
    };
    let mut sheet = Sheet::default();
    match text {
        Ok(text) => text.lines().for_each(|line| key_and_value(&mut sheet, line)),
        Err(error) => sheet.text(error, Role::Failed),
    }
    sheet
}

/// A line of YAML or JSON: the key apart from its value.
fn key_and_value(sheet: &mut Sheet, line: &str) {
    let key_end = |line: &str| {
        let inner = line.trim_start().trim_start_matches("- ");
        let end = inner.find(": ").or_else(|| inner.ends_with(':').then(|| inner.len() - 1))?;
        let key = inner[..end].trim_matches(['"', '\'']);
        let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c));
        plain.then_some(line.len() - inner.len() + end + 1)
    };
    match key_end(line) {
        Some(end) => sheet.rich([(&line[..end], Role::Title), (&line[end..], Role::Text)]),
        None => sheet.text(if line.is_empty() { " " } else { line }, Role::Text),
    }
}
