//! The output of steps: files of lines, written by the engine or by the holder of a job, paged by line number
//! through an index beside them.
//!
//! Bytes stay as they came (colours included); a page gives them as UTF-8, what is none replaced. Making it safe for a
//! terminal is up to whoever shows it.

mod index;
mod log;
mod pager;
mod pages;
mod stamps;
#[cfg(test)]
mod tests;

pub use log::OutputLog;
pub use pager::Pager;
pub use pages::Pages;
pub use stamps::read as stamps;

/// In place of the number of a line: the last ones.
pub const LAST: u64 = u64::MAX;

/// Longest line that is given whole, bytes.
pub const MAX_LINE: usize = 16 * 1024;

/// Some lines of an output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// Number of the first line, from 0.
    pub from: u64,
    /// Without line ends. Longer ones than [`MAX_LINE`] are cut and say so. Fewer than asked for when there are no more,
    /// or when more would not fit into a message of the protocol: go on at `from` + their number.
    pub lines: Vec<String>,
    /// Where each of them begins, bytes.
    pub offsets: Vec<u64>,
    /// Lines there are now.
    pub total: u64,
    /// Bytes there are now.
    pub bytes: u64,
}

/// What a search came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Numbers of the lines, from 0.
    pub lines: Vec<u64>,
    /// The first line that was not looked at.
    pub upto: u64,
    /// Lines there are now.
    pub total: u64,
}
