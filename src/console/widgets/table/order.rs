//! The order of rows: numbers as numbers, `node-9` before `node-10`.

use std::cmp::Ordering;

use super::column::{Cell, Row, SortKey};

/// What one row is sorted by, made once so that comparing is cheap.
#[derive(PartialEq, PartialOrd, Debug)]
enum Key {
    Number(f64),
    /// Nothing to say stands behind what says something.
    Text(bool, Vec<u8>),
    Missing,
}

impl Key {
    fn of(cell: Option<&Cell>) -> Self {
        match cell {
            None => Self::Missing,
            Some(Cell { key: SortKey::Number(number), .. }) => Self::Number(*number),
            Some(cell) => Self::Text(cell.said().is_empty(), spelled(&cell.text)),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(..) => 1,
            Self::Missing => 2,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a, x), Self::Text(b, y)) => a.cmp(b).then_with(|| x.cmp(y)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// Indices of all rows in the order of a column; rows that are equal there stay as they come.
pub fn sorted(rows: &[Row], column: usize, down: bool) -> Vec<u32> {
    let mut keys: Vec<(Key, u32)> = (0u32..).zip(rows).map(|(i, row)| (Key::of(row.cells.get(column)), i)).collect();
    keys.sort_by(|(a, _), (b, _)| if down { b.compare(a) } else { a.compare(b) });
    keys.into_iter().map(|(_, i)| i).collect()
}

/// Order of names in which `node-9` comes before `node-10`.
pub fn natural(a: &str, b: &str) -> Ordering {
    spelled(a).cmp(&spelled(b))
}

/// Bytes whose order is the natural order of texts: letters without case, runs of digits by length and value.
fn spelled(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 4);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() {
            let end = bytes[at..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |n| at + n);
            let digits = &bytes[at..end];
            let zeros = digits.iter().take_while(|b| **b == b'0').count().min(digits.len() - 1);
            let digits = &digits[zeros..];
            // A digit is below every letter; the length comes first, so that longer numbers are larger.
            out.push(b'0');
            out.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(digits);
            at = end;
        } else if bytes[at].is_ascii() {
            out.push(bytes[at].to_ascii_lowercase());
            at += 1;
        } else {
            let end = bytes[at..].iter().position(u8::is_ascii).map_or(bytes.len(), |n| at + n);
            out.extend_from_slice(text[at..end].to_lowercase().as_bytes());
            at = end;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::Role;

    #[test]
    fn names_are_in_natural_order() {
        let mut names = ["node-10", "Node-9", "node-9b", "node", "node-010", "nöde", "node-1", "alpha"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["alpha", "node", "node-1", "Node-9", "node-9b", "node-10", "node-010", "nöde"]);
    }

    #[test]
    fn equal_rows_stay_and_nothing_comes_last() {
        let row = |id: &str, cell| Row { id: id.into(), cells: vec![cell] };
        let rows = [
            row("a", Cell::none()),
            row("b", Cell::new("x", Role::Text)),
            row("c", Cell::new("X", Role::Text)),
            row("d", Cell::new("a", Role::Text)),
        ];
        assert_eq!(sorted(&rows, 0, false), [3, 1, 2, 0]);
        assert_eq!(sorted(&rows, 0, true), [0, 1, 2, 3]);
    }
}
