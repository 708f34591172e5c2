//! What the filter line means: words are matched fuzzily against each cell, `column=value` against one column.
//!
//! `status=error ram>8g web` keeps rows in error with more than 8 GiB that look like "web". `!word` leaves out.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::table::{Cell, Column, Row, SortKey};

/// A filter as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Op {
    Is,
    IsNot,
    More,
    MoreOrEqual,
    Less,
    LessOrEqual,
}

struct Typed {
    column: usize,
    op: Op,
    value: String,
    number: Option<f64>,
}

/// A filter made ready for a table's columns.
pub struct Ready {
    typed: Vec<Typed>,
    /// Each word, and whether it leaves out.
    words: Vec<(Pattern, bool)>,
    matcher: Matcher,
    letters: Vec<char>,
}

const OPS: &[(&str, Op)] =
    &[("!=", Op::IsNot), (">=", Op::MoreOrEqual), ("<=", Op::LessOrEqual), ("=", Op::Is), (">", Op::More), ("<", Op::Less)];

impl Filter {
    /// A filter.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lets everything through.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Makes it ready for rows with these columns.
    pub fn matcher(&self, columns: &[Column]) -> Ready {
        let mut typed = Vec::new();
        let mut words = Vec::new();
        for word in self.text.split_whitespace() {
            match term(word, columns) {
                Some(term) => typed.push(term),
                None => words.push(word),
            }
        }
        let parse = |word: &&str| (Pattern::parse(word, CaseMatching::Smart, Normalization::Smart), word.starts_with('!'));
        let words = words.iter().map(parse).filter(|(pattern, _)| !pattern.atoms.is_empty()).collect();
        Ready { typed, words, matcher: Matcher::new(Config::DEFAULT), letters: Vec::new() }
    }
}

fn term(word: &str, columns: &[Column]) -> Option<Typed> {
    let (at, (sign, op)) =
        OPS.iter().filter_map(|o| word.find(o.0).map(|at| (at, *o))).min_by_key(|(at, o)| (*at, usize::MAX - o.0.len()))?;
    let (name, value) = (&word[..at], &word[at + sign.len()..]);
    if name.is_empty() || value.is_empty() {
        return None;
    }
    let column = columns.iter().position(|c| c.id == name).or_else(|| columns.iter().position(|c| c.id.starts_with(name)))?;
    Some(Typed { column, op, value: value.to_lowercase(), number: number(value) })
}

/// A number with a unit: `8g` is 8 GiB, `512m` 512 MiB.
fn number(text: &str) -> Option<f64> {
    let text = text.to_ascii_lowercase();
    let text = text.trim_end_matches("ib").trim_end_matches('b');
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => 1.0,
        "k" => 1024.0,
        "m" => 1024.0 * 1024.0,
        "g" => 1024.0 * 1024.0 * 1024.0,
        "t" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|n| n * unit)
}

impl Typed {
    fn matches(&self, cell: &Cell) -> bool {
        let word = cell.text.to_lowercase();
        if let (SortKey::Number(have), Some(want)) = (cell.key, self.number) {
            return match self.op {
                Op::Is => have == want || word == self.value,
                Op::IsNot => have != want && word != self.value,
                Op::More => have > want,
                Op::MoreOrEqual => have >= want,
                Op::Less => have < want,
                Op::LessOrEqual => have <= want,
            };
        }
        match self.op {
            Op::Is => word.starts_with(&self.value),
            Op::IsNot => !word.starts_with(&self.value),
            Op::More => word > self.value,
            Op::MoreOrEqual => word >= self.value,
            Op::Less => word < self.value,
            Op::LessOrEqual => word <= self.value,
        }
    }
}

impl Ready {
    /// Whether a row passes.
    pub fn matches(&mut self, row: &Row) -> bool {
        if !self.typed.iter().all(|t| row.cells.get(t.column).is_some_and(|cell| t.matches(cell))) {
            return false;
        }
        let Self { words, matcher, letters, .. } = self;
        words.iter().all(|(word, leaves_out)| {
            let mut hit = |cell: &Cell| word.score(Utf32Str::new(&cell.text, letters), matcher).is_some();
            if *leaves_out { row.cells.iter().all(hit) } else { row.cells.iter().any(&mut hit) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::Role;

    const COLUMNS: &[Column] = &[
        Column::text("name", "NAME", 4, 20, 0),
        Column::text("status", "STATUS", 4, 20, 0),
        Column::number("ram", "RAM", 4, 9, 1),
    ];

    fn passes(filter: &str) -> bool {
        let gib = 1024.0 * 1024.0 * 1024.0;
        let row = Row {
            id: "1".into(),
            cells: vec![
                Cell::new("web-frontend-12", Role::Text),
                Cell::new("active", Role::Ok),
                Cell::number("16 GiB", 16.0 * gib, Role::Text),
            ],
        };
        Filter::new(filter).matcher(COLUMNS).matches(&row)
    }

    #[test]
    fn words_are_fuzzy_and_columns_are_typed() {
        for yes in [
            "",
            "web",
            "wfe",
            "WEB".to_lowercase().as_str(),
            "web act",
            "status=act",
            "st=active web",
            "ram>8g",
            "ram>=16GiB",
            "ram<17g",
            "!db",
            "status!=error",
            "x=1 12".split(' ').next_back().unwrap_or(""),
        ] {
            assert!(passes(yes), "{yes:?} should pass");
        }
        for no in ["db", "status=error", "ram>16g", "ram<8g", "!web", "status!=active", "zz"] {
            assert!(!passes(no), "{no:?} should not pass");
        }
    }
}
