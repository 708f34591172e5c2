//! All that is wrong with a spec, collected before anything is said.

use crate::model::Failure;

use super::tree::Pos;

/// So many problems are told; more help nobody.
const TOLD: usize = 20;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<(Pos, String)>,
}

impl Problems {
    /// A single one.
    pub fn one(pos: Pos, message: impl Into<String>) -> Self {
        Self { found: vec![(pos, message.into())] }
    }

    /// Notes one more.
    pub fn add(&mut self, pos: Pos, message: impl Into<String>) {
        self.found.push((pos, message.into()));
    }

    /// Itself as an error, unless nothing was found.
    pub fn check(self) -> Result<(), Self> {
        if self.found.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The failure that tells all of them, in order of place.
    pub fn into_failure(mut self, path: &str) -> Failure {
        self.found.sort();
        self.found.dedup();
        let total = self.found.len();
        let told = self.found.iter().take(TOLD).map(|(pos, message)| format!("{path}:{}:{}: {message}", pos.line, pos.column));
        let mut lines: Vec<String> = told.collect();
        if total > TOLD {
            lines.push(format!("… and {} more", total - TOLD));
        }
        let text = lines.join("\n");
        let got = if total == 1 { text } else { format!("{total} problems\n{text}") };
        let next = "correct the spec; `quarterdeck cluster schema` prints what it may hold";
        Failure::refused("read the spec", got).at(path).next(next)
    }
}
