//! What the filter line means: words are matched fuzzily against each cell, `column=value` against one column.
//!
//! ```text
//! web                 cells in which these letters stand in this order
//! 'web  "two words"   cells with exactly this in them
//! ~^web-\d+           cells that a regular expression matches
//! status=error,build  one of these; * stands for anything: name=web-*
//! ram>8g  age<2h      sizes and durations with units; also >= <= !=
//! name~^web           the regular expression in one column; !~ too
//! !status=up  !web    all but these
//! ```
//!
//! Everything must be true of a row. A term that is wrong is left out, and its fault says where it stands.

mod complete;
mod parse;
mod ready;
mod said;
mod units;

use std::ops::Range;

use nucleo_matcher::pattern::Atom;
use regex::Regex;

use super::table::Column;

pub use complete::{Candidate, Completion, complete};
pub use ready::Ready;
pub use said::Sayings;

/// A value of a filter, in quotes where it needs them.
pub fn quoted(value: &str) -> String {
    if value.contains([' ', ',', '"', '*']) { format!("\"{value}\"") } else { value.to_owned() }
}

/// Something wrong in a filter, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Bytes of the text.
    pub span: Range<usize>,
    pub text: String,
    /// It may become right when more is typed.
    pub unfinished: bool,
}

/// A filter, read for the columns of a table.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
    faults: Vec<Fault>,
}

/// One thing that must be true of a row.
#[derive(Clone, Debug)]
struct Term {
    /// It must not be true.
    not: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// Letters in this order, in any cell.
    Fuzzy(Word),
    /// Exactly this, in any cell.
    Exact(Word),
    /// A regular expression, in any cell.
    Anywhere(Regex),
    /// In one column.
    Column(usize, Wants),
}

/// A word, ready to be looked for.
#[derive(Clone, Debug)]
struct Word {
    text: String,
    /// It has an upper-case letter: the case counts.
    cased: bool,
    /// For texts that are not ASCII.
    atom: Atom,
}

/// What is wanted of one column.
#[derive(Clone, Debug)]
enum Wants {
    /// One of these.
    Is(Vec<Value>),
    Compare(Op, f64),
    /// Compares in natural order.
    CompareText(Op, String),
    Matches(Regex),
}

#[derive(Clone, Debug)]
struct Value {
    /// Lower case; `*` stands for anything.
    text: String,
    number: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Op {
    More,
    MoreOrEqual,
    Less,
    LessOrEqual,
}

impl Filter {
    /// Reads a filter for these columns.
    pub fn new(text: &str, columns: &[Column]) -> Self {
        let (terms, faults) = parse::parse(text, columns);
        Self { text: text.to_owned(), terms, faults }
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lets everything through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What is wrong in it, from left to right.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What it lets through, the other one lets through as well: it is the other one with more letters typed.
    pub fn narrows(&self, other: &Self) -> bool {
        let longer = |now: &Term, before: &Term| match (&now.test, &before.test) {
            (Test::Fuzzy(now), Test::Fuzzy(before)) | (Test::Exact(now), Test::Exact(before)) => {
                now.text.starts_with(&before.text)
            }
            _ => false,
        };
        let longer = |(now, before): (&Term, &Term)| !now.not && !before.not && longer(now, before);
        let terms = self.terms.iter().zip(&other.terms);
        self.terms.len() >= other.terms.len() && !other.is_empty() && terms.into_iter().all(longer)
    }

    /// Makes it ready to look at rows. `shown` are the columns in which words are looked for; `now` (milliseconds
    /// since 1970) is what ages are reckoned from.
    pub fn ready<'f>(&'f self, columns: &'f [Column], shown: &'f [usize], now: i64) -> Ready<'f> {
        Ready::new(&self.terms, columns, shown, now)
    }
}

#[cfg(test)]
mod tests;
