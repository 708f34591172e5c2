//! What was typed before: lines of the palette, and filters of each list. The file behind it outlives the session.

use std::collections::BTreeMap;

use super::msg::Effect;
use super::state::Model;

/// Where lines of the palette are kept; filters are kept by the name of their list.
pub const PALETTE: &str = "palette";

/// Lines that are kept of each kind.
const KEEP: usize = 200;

/// What was typed before, by where.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    kinds: BTreeMap<String, Vec<String>>,
}

impl Recall {
    /// What was typed in earlier sessions, oldest first.
    pub fn new(typed: Vec<(String, String)>) -> Self {
        let mut recall = Self::default();
        typed.into_iter().for_each(|(kind, line)| recall.add(&kind, &line));
        recall
    }

    fn add(&mut self, kind: &str, line: &str) {
        let lines = self.kinds.entry(kind.to_owned()).or_default();
        lines.retain(|known| known != line);
        lines.push(line.to_owned());
        if lines.len() > KEEP {
            lines.remove(0);
        }
    }

    /// What was typed there, newest first.
    pub fn lines(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.kinds.get(kind).into_iter().flatten().rev().map(String::as_str)
    }
}

impl Model {
    /// Keeps a line that was typed.
    pub fn remember(&mut self, kind: &str, line: &str) {
        let line = line.trim();
        if line.is_empty() || self.recall.lines(kind).next() == Some(line) {
            return;
        }
        self.recall.add(kind, line);
        self.effect(Effect::Typed { kind: kind.to_owned(), line: line.to_owned() });
    }
}

/// A walk through what was typed before, in a field.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// How many lines back, from 1; 0: what is being typed.
    back: usize,
    /// What was being typed.
    begun: String,
}

impl Walk {
    /// One line back, or forth again; `now` is what stands in the field. `None`: there is nothing further.
    pub fn step(&mut self, recall: &Recall, kind: &str, now: &str, older: bool) -> Option<String> {
        if self.back == 0 {
            self.begun = now.to_owned();
        }
        let back = if older { self.back + 1 } else { self.back.checked_sub(1)? };
        // Only lines that go on as the typed one begins.
        let line = match back {
            0 => self.begun.clone(),
            back => recall.lines(kind).filter(|line| line.starts_with(&self.begun)).nth(back - 1)?.to_owned(),
        };
        self.back = back;
        Some(line)
    }

    /// Something was typed: the walk begins anew.
    pub fn stop(&mut self) {
        self.back = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_walks_back_and_forth_through_lines_that_begin_alike() {
        let typed = ["runs", "servers age<2h", "servers status=error", "runs"];
        let recall = Recall::new(typed.map(|line| (PALETTE.to_owned(), line.to_owned())).into());
        assert_eq!(recall.lines(PALETTE).collect::<Vec<_>>(), ["runs", "servers status=error", "servers age<2h"]);
        let mut walk = Walk::default();
        let mut step = |now: &str, older| walk.step(&recall, PALETTE, now, older);
        assert_eq!(step("serv", true).as_deref(), Some("servers status=error"));
        assert_eq!(step("servers status=error", true).as_deref(), Some("servers age<2h"));
        assert_eq!(step("servers age<2h", true), None);
        assert_eq!(step("servers age<2h", false).as_deref(), Some("servers status=error"));
        assert_eq!(step("servers status=error", false).as_deref(), Some("serv"));
        assert_eq!(step("serv", false), None);
    }
}
