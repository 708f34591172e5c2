//! What rows say, one text behind the other. A filter looks at every row at every key: going from cell to cell takes
//! three times as long over 100,000 rows.

use crate::console::widgets::table::Row;

/// Stands behind each cell's text; no word of a filter has it.
pub(super) const END: u8 = 0x1f;

/// What the shown cells of some rows say.
#[derive(Clone, Debug, Default)]
pub struct Sayings {
    text: Vec<u8>,
    /// Where each row's text ends, and its letters.
    rows: Vec<(usize, u64)>,
}

/// What one row says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'s> {
    /// The texts of its cells, each with an [`END`] behind it.
    pub(super) text: &'s [u8],
    pub(super) letters: u64,
}

impl Sayings {
    /// Of these rows, in these columns.
    pub fn of(rows: &[Row], shown: &[usize]) -> Self {
        let mut all = Self { text: Vec::new(), rows: Vec::with_capacity(rows.len()) };
        for row in rows {
            let mut mask = 0;
            for cell in shown.iter().filter_map(|&i| row.cells.get(i)) {
                let said = cell.said().as_bytes();
                mask |= if said.contains(&END) { u64::MAX } else { letters(said) };
                all.text.extend_from_slice(said);
                all.text.push(END);
            }
            all.rows.push((all.text.len(), mask));
        }
        all
    }

    /// Of one row, by its index.
    pub fn row(&self, index: usize) -> Said<'_> {
        let from = index.checked_sub(1).map_or(0, |before| self.rows[before].0);
        let (to, letters) = self.rows[index];
        Said { text: &self.text[from..to], letters }
    }
}

impl<'s> Said<'s> {
    /// It is ASCII, and [`END`] stands only where a cell ends.
    pub(super) fn is_plain(self) -> bool {
        self.letters != u64::MAX
    }

    pub(super) fn cells(self) -> impl Iterator<Item = &'s [u8]> {
        self.text.split(|byte| *byte == END)
    }
}

/// Which letters and digits stand in a text, one bit each; all of them where it is not ASCII.
pub(super) fn letters(text: &[u8]) -> u64 {
    text.iter().fold(0, |mask, byte| mask | bit(*byte))
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
