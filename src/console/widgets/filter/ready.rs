//! A filter at work: which rows pass, and which letters of a cell it found.

use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::console::widgets::table::{Cell, Column, Kind, Row, SortKey, natural};

use super::said::{END, Said, letters};
use super::{Op, Term, Test, Value, Wants, Word};

/// A filter with what it needs to look at rows.
pub struct Ready<'f> {
    terms: &'f [Term],
    columns: &'f [Column],
    shown: &'f [usize],
    now: i64,
    /// Letters that a row must have somewhere, for a quick look before the real one.
    needs: u64,
    matcher: Matcher,
    letters: Vec<char>,
}

impl<'f> Ready<'f> {
    pub(super) fn new(terms: &'f [Term], columns: &'f [Column], shown: &'f [usize], now: i64) -> Self {
        let words = terms.iter().filter_map(|term| match &term.test {
            Test::Fuzzy(word) | Test::Exact(word) if !term.not && word.text.is_ascii() => Some(letters(word.text.as_bytes())),
            _ => None,
        });
        let needs = words.fold(0, |mask, letters| mask | letters);
        Self { terms, columns, shown, now, needs, matcher: Matcher::new(Config::DEFAULT), letters: Vec::new() }
    }

    /// Whether a row passes; `said` is what its shown cells say.
    pub fn passes(&mut self, row: &Row, said: Said<'_>) -> bool {
        said.letters & self.needs == self.needs && self.terms.iter().all(|term| self.is_true(&term.test, row, said) != term.not)
    }

    fn is_true(&mut self, test: &Test, row: &Row, said: Said<'_>) -> bool {
        match test {
            Test::Fuzzy(word) if said.is_plain() && word.text.is_ascii() => in_order(word, said.text),
            Test::Exact(word) if said.is_plain() && word.text.is_ascii() => stands_in(word, said.text),
            Test::Fuzzy(word) | Test::Exact(word) => {
                let mut cells = self.shown.iter().filter_map(|&i| row.cells.get(i));
                cells.any(|cell| word.atom.score(spelled(cell.said(), &mut self.letters), &mut self.matcher).is_some())
            }
            Test::Anywhere(expression) if said.is_plain() => {
                said.cells().filter_map(|cell| std::str::from_utf8(cell).ok()).any(|cell| expression.is_match(cell))
            }
            Test::Anywhere(expression) => {
                self.shown.iter().filter_map(|&i| row.cells.get(i)).any(|cell| expression.is_match(cell.said()))
            }
            Test::Column(index, wants) => row.cells.get(*index).is_some_and(|cell| self.wanted(wants, *index, cell)),
        }
    }

    fn wanted(&self, wants: &Wants, column: usize, cell: &Cell) -> bool {
        match (wants, cell.key) {
            (Wants::Is(values), key) => values.iter().any(|value| is(value, cell.said(), key)),
            (Wants::Matches(expression), _) => expression.is_match(cell.said()),
            (Wants::CompareText(op, value), _) => !cell.said().is_empty() && holds(*op, natural(cell.said(), value)),
            (Wants::Compare(op, value), SortKey::Number(number)) => {
                let have = match self.columns[column].kind {
                    Kind::Time => self.now as f64 - number,
                    _ => number,
                };
                holds(*op, have.total_cmp(value))
            }
            (Wants::Compare(..), SortKey::Text) => false,
        }
    }

    /// Which characters of a cell's text were found, by place; `text` is what the screen shows of it.
    pub fn found(&mut self, column: usize, cell: &Cell, text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        if cell.said().is_empty() {
            return found;
        }
        let all = |found: &mut Vec<u32>| found.extend(0..u32::try_from(text.chars().count()).unwrap_or(0));
        let part = |found: &mut Vec<u32>, from: usize, to: usize| {
            let start = text[..from].chars().count();
            let count = text[from..to].chars().count();
            found.extend((start..start + count).filter_map(|i| u32::try_from(i).ok()));
        };
        let terms = self.terms;
        for term in terms.iter().filter(|term| !term.not) {
            let here = self.shown.contains(&column);
            match &term.test {
                Test::Fuzzy(word) | Test::Exact(word) if here => {
                    let before = found.len();
                    let text = spelled(text, &mut self.letters);
                    if word.atom.indices(text, &mut self.matcher, &mut found).is_none() {
                        found.truncate(before);
                    }
                }
                Test::Anywhere(expression) if here => {
                    expression.find_iter(text).for_each(|m| part(&mut found, m.start(), m.end()));
                }
                Test::Column(index, wants) if *index == column && self.wanted(wants, column, cell) => match wants {
                    Wants::Matches(expression) => {
                        expression.find_iter(text).for_each(|m| part(&mut found, m.start(), m.end()));
                    }
                    _ => all(&mut found),
                },
                _ => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A text for the matcher: one place for each character, so that places are those of the screen.
fn spelled<'s>(text: &'s str, letters: &'s mut Vec<char>) -> Utf32Str<'s> {
    if text.is_ascii() {
        return Utf32Str::Ascii(text.as_bytes());
    }
    letters.clear();
    letters.extend(text.chars());
    Utf32Str::Unicode(letters)
}

fn is(value: &Value, text: &str, key: SortKey) -> bool {
    if let (Some(want), SortKey::Number(have)) = (value.number, key)
        && want == have
    {
        return true;
    }
    if text.is_ascii() {
        return like(value.text.as_bytes(), text.as_bytes());
    }
    like(value.text.as_bytes(), text.to_lowercase().as_bytes())
}

/// Whether a text is as a pattern in lower case, in which `*` stands for anything.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t].to_ascii_lowercase()) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, t) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Whether the letters of an ASCII word stand in one of some ASCII cells in their order.
fn in_order(word: &Word, cells: &[u8]) -> bool {
    let want = word.text.as_bytes();
    let mut have = 0;
    for byte in cells {
        let Some(next) = want.get(have) else { return true };
        if *byte == END {
            have = 0;
        } else if byte == next || (!word.cased && byte.eq_ignore_ascii_case(next)) {
            have += 1;
        }
    }
    have == want.len()
}

/// Whether an ASCII word stands in one of some ASCII cells.
fn stands_in(word: &Word, cells: &[u8]) -> bool {
    let same = |a: &[u8], b: &[u8]| if word.cased { a == b } else { a.eq_ignore_ascii_case(b) };
    cells.windows(word.text.len()).any(|w| same(w, word.text.as_bytes()))
}

fn holds(op: Op, order: std::cmp::Ordering) -> bool {
    match op {
        Op::More => order.is_gt(),
        Op::MoreOrEqual => order.is_ge(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
    }
}
