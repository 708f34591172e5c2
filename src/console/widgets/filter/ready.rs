//! A filter at work: which rows pass, and which letters of a cell it found.

use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::console::widgets::table::{Cell, Column, Kind, Row, SortKey, natural};

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

/// Which letters and digits stand in the shown cells of a row, one bit each; all of them where it is not ASCII.
pub fn letters_of(row: &Row, shown: &[usize]) -> u64 {
    shown.iter().filter_map(|&i| row.cells.get(i)).fold(0, |mask, cell| mask | letters(&cell.text))
}

fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |mask, byte| mask | bit(byte))
}

fn bit(byte: u8) -> u64 {
    match byte {
        b'a'..=b'z' => 1 << (byte - b'a'),
        b'A'..=b'Z' => 1 << (byte - b'A'),
        b'0'..=b'9' => 1 << (26 + byte - b'0'),
        0x80.. => u64::MAX,
        _ => 1 << (36 + byte % 28),
    }
}

impl<'f> Ready<'f> {
    pub(super) fn new(terms: &'f [Term], columns: &'f [Column], shown: &'f [usize], now: i64) -> Self {
        let words = terms.iter().filter_map(|term| match &term.test {
            Test::Fuzzy(word) | Test::Exact(word) if !term.not && word.text.is_ascii() => Some(letters(&word.text)),
            _ => None,
        });
        let needs = words.fold(0, |mask, letters| mask | letters);
        Self { terms, columns, shown, now, needs, matcher: Matcher::new(Config::DEFAULT), letters: Vec::new() }
    }

    /// Whether a row passes; `letters` is what [`letters_of`] says of it.
    pub fn passes(&mut self, row: &Row, letters: u64) -> bool {
        letters & self.needs == self.needs && self.terms.iter().all(|term| self.is_true(&term.test, row) != term.not)
    }

    fn is_true(&mut self, test: &Test, row: &Row) -> bool {
        let mut cells = self.shown.iter().filter_map(|&i| row.cells.get(i));
        match test {
            Test::Fuzzy(word) => cells.any(|cell| {
                if word.text.is_ascii() && cell.text.is_ascii() {
                    in_order(word, cell.said())
                } else {
                    word.atom.score(spelled(cell.said(), &mut self.letters), &mut self.matcher).is_some()
                }
            }),
            Test::Exact(word) => cells.any(|cell| {
                if word.text.is_ascii() && cell.text.is_ascii() {
                    find(word, cell.said()).is_some()
                } else {
                    word.atom.score(spelled(cell.said(), &mut self.letters), &mut self.matcher).is_some()
                }
            }),
            Test::Anywhere(expression) => cells.any(|cell| expression.is_match(cell.said())),
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

/// Whether the letters of an ASCII word stand in an ASCII text in their order.
fn in_order(word: &Word, text: &str) -> bool {
    let mut text = text.bytes();
    word.text.bytes().all(|want| if word.cased { text.any(|c| c == want) } else { text.any(|c| c.eq_ignore_ascii_case(&want)) })
}

/// Where an ASCII word stands in an ASCII text.
fn find(word: &Word, text: &str) -> Option<usize> {
    let same = |a: &[u8], b: &[u8]| if word.cased { a == b } else { a.eq_ignore_ascii_case(b) };
    text.as_bytes().windows(word.text.len()).position(|w| same(w, word.text.as_bytes()))
}

fn holds(op: Op, order: std::cmp::Ordering) -> bool {
    match op {
        Op::More => order.is_gt(),
        Op::MoreOrEqual => order.is_ge(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
    }
}
