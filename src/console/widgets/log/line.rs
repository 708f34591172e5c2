//! One line: its text, when it was written, how it looks.

use std::ops::Range;

use crate::console::theme::Role;
use crate::model::text::clean;
use crate::model::{Finder, Time};

/// A line, free of control sequences.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Line {
    text: String,
    /// When it was written, as far as is known.
    pub at: Option<Time>,
    /// Roles from these bytes on; without any, the words tell the role.
    roles: Vec<(usize, Role)>,
    /// Leads somewhere: whoever made the line knows where.
    pub link: Option<u32>,
}

impl Line {
    /// A line of a program's output; its words tell how it looks.
    pub fn output(raw: &str, at: Option<Time>) -> Self {
        // Spaces at its end would say nothing but that the line goes on.
        Self { text: clean(raw).trim_end().to_owned(), at, ..Self::default() }
    }

    /// A line in pieces.
    pub fn rich<'a>(pieces: impl IntoIterator<Item = (&'a str, Role)>) -> Self {
        let mut line = Self { roles: vec![(0, Role::Text)], ..Self::default() };
        for (text, role) in pieces {
            line.push(text, role);
        }
        line
    }

    /// One more piece.
    pub fn push(&mut self, text: &str, role: Role) {
        self.roles.push((self.text.len(), role));
        self.text.push_str(&clean(text));
    }

    /// Leads somewhere.
    #[must_use]
    pub fn to(mut self, link: u32) -> Self {
        self.link = Some(link);
        self
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pieces within `part`, each of one role; what `finder` finds stands out.
    pub(super) fn pieces(&self, part: Range<usize>, finder: Option<&Finder>) -> Vec<(&str, Role)> {
        let mut cuts: Vec<(usize, Role)> =
            if self.roles.is_empty() { vec![(0, role_of(&self.text))] } else { self.roles.clone() };
        for place in finder.into_iter().flat_map(|f| f.places(&self.text)) {
            let after = cuts.iter().rev().find(|(at, _)| *at <= place.end).map_or(Role::Text, |(_, role)| *role);
            let from = cuts.partition_point(|(at, _)| *at < place.start);
            let to = cuts.partition_point(|(at, _)| *at <= place.end);
            cuts.splice(from..to, [(place.start, Role::Found), (place.end, after)]);
            if place.start >= part.end {
                break;
            }
        }
        let ends = cuts.iter().skip(1).map(|(at, _)| *at).chain([self.text.len()]);
        let spans = cuts.iter().zip(ends).map(|((from, role), to)| (*from.max(&part.start), to.min(part.end), *role));
        spans.filter(|(from, to, _)| from < to).map(|(from, to, role)| (&self.text[from..to], role)).collect()
    }
}

/// What a line of Ansible's output is about, by how it begins.
fn role_of(line: &str) -> Role {
    let starts = |words: &[&str]| words.iter().any(|w| line.starts_with(w));
    if starts(&["TASK [", "PLAY [", "PLAY RECAP", "RUNNING HANDLER [", "HANDLER ["]) {
        Role::OutputTitle
    } else if starts(&["ok: ", "included: "]) {
        Role::Ok
    } else if starts(&["changed: "]) {
        Role::Changed
    } else if starts(&["fatal: ", "failed: ", "ERROR", "[ERROR]", "error:"]) {
        Role::Failed
    } else if starts(&["skipping: "]) {
        Role::Skipped
    } else if starts(&["[WARNING]", "[DEPRECATION", "warning:"]) {
        Role::Warn
    } else if starts(&["...ignoring"]) {
        Role::Dim
    } else {
        Role::Output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Find;

    #[test]
    fn what_is_found_stands_out_and_the_rest_keeps_its_role() {
        let line = Line::rich([("status  ", Role::Title), ("error at error", Role::Failed)]);
        let finder = Finder::new(&Find::text("error")).unwrap();
        let whole = 0..line.text().len();
        let want = [("status  ", Role::Title), ("error", Role::Found), (" at ", Role::Failed), ("error", Role::Found)];
        assert_eq!(line.pieces(whole, Some(&finder)), want);
        assert_eq!(line.pieces(4..10, Some(&finder)), [("us  ", Role::Title), ("er", Role::Found)]);
        assert_eq!(line.pieces(4..10, None), [("us  ", Role::Title), ("er", Role::Failed)]);
        let across = Finder::new(&Find::text("s  e")).unwrap();
        assert_eq!(line.pieces(0..12, Some(&across)), [("statu", Role::Title), ("s  e", Role::Found), ("rro", Role::Failed)]);
    }

    #[test]
    fn output_is_made_harmless_and_told_by_its_words() {
        let line = Line::output("fatal: \u{1b}[31mred\u{1b}]0;evil\u{7}", None);
        assert_eq!(line.pieces(0..99, None), [("fatal: red", Role::Failed)]);
    }
}
