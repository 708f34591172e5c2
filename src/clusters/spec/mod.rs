//! Reading a spec, with errors that name file, line, column and the nearest valid word.
//!
//! Four stages, each only after the one before found nothing: YAML into a tree of places, the tree against the
//! schema of the types (`shape`), YAML into the types, and what the types cannot say (`sense`).

mod problems;
mod sense;
mod shape;
mod tree;

use serde_saphyr::Options;

use crate::model::{ClusterSpec, Failure};

use super::words;
pub use sense::mode;

use problems::Problems;
use tree::{Pos, Tree};

/// Largest spec, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Deepest nesting of a spec. The reader recurses: a level costs up to 40 kB of stack in an unoptimised build.
const MAX_DEPTH: usize = 24;

/// Most values in a spec, those that aliases repeat included.
const MAX_VALUES: usize = 100_000;

/// Longest path in a message, in characters.
const MAX_PATH: usize = 200;

/// Reads a spec. `path` is for messages.
///
/// # Errors
/// Everything that is wrong at once (at most 20 problems), one a line: `file:line:column: message`.
pub fn parse(text: &str, path: &str) -> Result<ClusterSpec, Failure> {
    read(text).map_err(|problems| {
        let path: String = crate::model::text::clean(path).chars().take(MAX_PATH).collect();
        problems.into_failure(&path)
    })
}

/// Line and column of a field (`groups.slaves.flavor`) in the text of a good spec; of what it would be in, when it
/// is left out.
pub fn place(text: &str, field: &str) -> Option<(u64, u64)> {
    let tree: Tree = yaml(text).ok()?;
    let path: Vec<&str> = field.split('.').collect();
    let pos = tree.place(&path);
    Some((pos.line, pos.column))
}

/// The JSON Schema of a spec, for editors.
pub fn schema() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(ClusterSpec)).unwrap_or_default()
}

fn read(text: &str) -> Result<ClusterSpec, Problems> {
    if text.len() > MAX_BYTES {
        return Err(Problems::one(Pos::START, format!("the spec has {} bytes; at most {MAX_BYTES} are read", text.len())));
    }
    let tree: Tree = yaml(text)?;
    let mut problems = Problems::default();
    shape::check(&tree, text, &schema(), &mut problems);
    problems.check()?;
    let spec: ClusterSpec = yaml(text)?;
    let mut problems = Problems::default();
    sense::check(&spec, &tree, &mut problems);
    problems.check()?;
    Ok(spec)
}

fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Problems> {
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| Problems::one(error.location().map_or(Pos::START, Pos::of), yaml_message(&error)))
}

fn options() -> Options {
    let budget = serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_VALUES };
    serde_saphyr::options! { budget: budget, with_snippet: false }
}

/// What the YAML reader met, in our words where its own are for programmers, and without the place.
fn yaml_message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    let too_much = || format!("too much: a spec has at most {MAX_DEPTH} levels and {MAX_VALUES} values, repeated ones included");
    match error {
        Error::DuplicateMappingKey { key, .. } => key
            .as_ref()
            .map_or_else(|| "a key is given twice".to_owned(), |key| format!("`{}` is given twice", words::shown(key))),
        Error::MultipleDocuments { .. } => "a second document begins here; a spec is one document".to_owned(),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => too_much(),
        // A limit that is met inside an alias arrives as text only.
        Error::AliasError { error, .. } if error.to_string().contains("budget breached") => too_much(),
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            let line = match line.split_once(": ") {
                Some((place, rest)) if place.contains("line ") => rest,
                _ => line,
            };
            format!("not readable as YAML: {}", crate::model::text::clean(line).chars().take(200).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests;
