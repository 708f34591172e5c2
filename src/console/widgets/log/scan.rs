//! Which lines of an output are meant: those in which something is found, those of one host. Whoever has the lines
//! looks through them, piece by piece; here is what has come of it so far.

use std::collections::VecDeque;
use std::ops::Range;

use crate::model::{Find, Finder};

/// Most line numbers that are kept.
const KEEP: usize = 200_000;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    pub find: Option<Find>,
    pub host: Option<String>,
}

/// A look through all lines.
#[derive(Clone, Debug)]
pub struct Scan {
    query: Query,
    finder: Option<Finder>,
    /// Rising numbers.
    hits: Vec<u64>,
    /// Where is still to be looked, in this order.
    todo: VecDeque<Range<u64>>,
    /// Lines that are known of.
    total: u64,
}

/// Where a search leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    At {
        line: u64,
        /// It went on from the other end.
        wrapped: bool,
    },
    /// It is not known yet.
    Wait,
    Nowhere,
}

impl Scan {
    /// Looks through `total` lines, those from `from` first.
    ///
    /// # Errors
    /// It is no expression, in words.
    pub fn new(query: Query, from: u64, total: u64) -> Result<Self, String> {
        let finder = query.find.as_ref().map(Finder::new).transpose()?;
        let from = from.min(total);
        let todo = [from..total, 0..from].into_iter().filter(|range| !range.is_empty()).collect();
        Ok(Self { query, finder, hits: Vec::new(), todo, total })
    }

    /// What is asked for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What is found, to make it stand out.
    pub fn finder(&self) -> Option<&Finder> {
        self.finder.as_ref()
    }

    /// Numbers of the lines found so far, rising.
    pub fn hits(&self) -> &[u64] {
        &self.hits
    }

    /// All lines have been looked at.
    pub fn complete(&self) -> bool {
        self.todo.is_empty()
    }

    /// There are so many lines now.
    pub fn grow(&mut self, total: u64) {
        if total <= self.total {
            return;
        }
        match self.todo.iter_mut().find(|range| range.end == self.total) {
            Some(last) => last.end = total,
            None => self.todo.push_back(self.total..total),
        }
        self.total = total;
    }

    /// Where to look next. When as many were found as are kept, the rest stays untold.
    pub fn wants(&self) -> Option<Range<u64>> {
        self.todo.front().filter(|_| self.hits.len() < KEEP).cloned()
    }

    /// More could be found than are kept.
    pub fn full(&self) -> bool {
        self.hits.len() >= KEEP
    }

    /// The lines `from`…`upto` were looked at; these are meant.
    pub fn answer(&mut self, from: u64, upto: u64, lines: &[u64]) {
        let Some(range) = self.todo.front_mut().filter(|range| range.start == from) else { return };
        if upto <= from || upto >= range.end {
            // Nothing was looked at: there are no lines any more.
            self.todo.pop_front();
        } else {
            range.start = upto;
        }
        if let Some(first) = lines.first() {
            let at = self.hits.partition_point(|hit| hit < first);
            self.hits.splice(at..at, lines.iter().copied());
        }
    }

    /// The next line that is meant: below `line` or above it; with `here`, that line counts as well.
    pub fn next(&self, line: u64, down: bool, here: bool) -> Next {
        let before = self.hits.partition_point(|hit| *hit < line + u64::from(down != here));
        let (near, far) = if down {
            (self.hits.get(before), self.hits.first())
        } else {
            (before.checked_sub(1).map(|at| &self.hits[at]), self.hits.last())
        };
        let unknown = |range: Range<u64>| self.todo.iter().any(|todo| todo.start < range.end && range.start < todo.end);
        match (near, far, down) {
            (Some(&near), _, true) if unknown(line..near) => Next::Wait,
            (Some(&near), _, false) if unknown(near..line) => Next::Wait,
            (Some(&near), _, _) => Next::At { line: near, wrapped: false },
            (None, _, _) if unknown(0..u64::MAX) && !self.full() => Next::Wait,
            (None, Some(&far), _) => Next::At { line: far, wrapped: true },
            (None, None, _) => Next::Nowhere,
        }
    }

    /// Which one `line` is of those found, from 1.
    pub fn rank(&self, line: u64) -> Option<u64> {
        self.hits.binary_search(&line).ok().map(|at| at as u64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &str, from: u64, total: u64) -> Scan {
        Scan::new(Query { find: Some(Find::text(text)), host: None }, from, total).unwrap()
    }

    #[test]
    fn it_begins_where_one_looks_and_goes_on_from_the_top() {
        let mut scan = scan("x", 60, 100);
        assert_eq!(scan.next(60, true, true), Next::Wait);
        assert_eq!(scan.wants(), Some(60..100));
        scan.answer(60, 80, &[70, 75]);
        assert_eq!(scan.next(60, true, true), Next::At { line: 70, wrapped: false });
        assert_eq!(scan.next(60, false, false), Next::Wait);
        assert_eq!(scan.wants(), Some(80..100));
        scan.grow(120);
        scan.answer(80, 120, &[]);
        assert_eq!(scan.next(75, true, false), Next::Wait, "the top was not looked at");
        assert_eq!(scan.wants(), Some(0..60));
        scan.answer(0, 60, &[5]);
        assert!(scan.complete());
        assert_eq!(scan.next(75, true, false), Next::At { line: 5, wrapped: true });
        assert_eq!(scan.next(5, false, false), Next::At { line: 75, wrapped: true });
        assert_eq!((scan.rank(70), scan.rank(71)), (Some(2), None));
        assert_eq!(scan.hits(), [5, 70, 75]);
    }

    #[test]
    fn what_is_nowhere_is_said_once_all_was_looked_at() {
        let mut scan = scan("x", 0, 10);
        scan.answer(0, 10, &[]);
        assert_eq!(scan.next(3, true, false), Next::Nowhere);
        scan.grow(11);
        assert_eq!(scan.next(3, true, false), Next::Wait);
        // The engine knows of fewer lines: it is not asked for ever.
        scan.answer(10, 10, &[]);
        assert!(scan.complete());
    }

    proptest! {
        /// Whatever the pieces: in the end all hits are there, and each step leads to the right one.
        #[test]
        fn pieces_add_up(
            lines in proptest::collection::vec(any::<bool>(), 1..80),
            from in 0u64..80,
            most in 1u64..30,
            first in 1usize..80,
        ) {
            let total = lines.len() as u64;
            let mut scan = scan("x", from, total.min(first as u64));
            let mut told = false;
            while let Some(range) = scan.wants() {
                let upto = range.end.min(range.start + most);
                let hits: Vec<u64> = (range.start..upto).filter(|n| lines[*n as usize]).collect();
                scan.answer(range.start, upto, &hits);
                if !std::mem::replace(&mut told, true) {
                    scan.grow(total);
                }
            }
            let all: Vec<u64> = (0..total).filter(|n| lines[*n as usize]).collect();
            prop_assert_eq!(scan.hits(), &all[..]);
            for line in 0..total {
                let down = all.iter().find(|n| **n > line).or(all.first());
                let up = all.iter().rev().find(|n| **n < line).or(all.last());
                for (want, is_down) in [(down, true), (up, false)] {
                    match scan.next(line, is_down, false) {
                        Next::At { line, .. } => prop_assert_eq!(Some(&line), want),
                        other => prop_assert!(want.is_none(), "{:?}", other),
                    }
                }
            }
        }
    }
}
