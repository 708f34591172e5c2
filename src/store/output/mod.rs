//! The output of steps: files of lines, paged through an index beside them.

use std::path::Path;

use crate::model::Failure;

/// Asks for the last lines.
pub const LAST: u64 = u64::MAX;

/// Some lines of an output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// Number of the first line, from 0.
    pub from: u64,
    pub lines: Vec<String>,
    /// Lines there are now.
    pub total: u64,
    /// Bytes there are now.
    pub bytes: u64,
}

/// Writes lines that the engine makes. Each call is one write: nothing is held back.
#[derive(Debug)]
pub struct OutputLog {}

impl OutputLog {
    /// Opens `path` to write at its end.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn append(_path: &Path) -> Result<Self, Failure> {
        unimplemented!()
    }

    /// Writes one line.
    ///
    /// # Errors
    /// The line was not written; [`super::is_full`] may hold.
    pub fn line(&self, _text: &str) -> Result<(), Failure> {
        unimplemented!()
    }
}

/// Reads an output by line number. It blocks.
#[derive(Debug)]
pub struct Pager {}

impl Pager {
    /// Opens an output; a file that is not there yet is empty.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(_path: &Path) -> Result<Self, Failure> {
        unimplemented!()
    }

    /// Lines `from`… ([`LAST`]: the last ones), at most `count`. A last line without line feed counts once `ended`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn page(&mut self, _from: u64, _count: u32, _ended: bool) -> Result<Page, Failure> {
        unimplemented!()
    }

    /// Whole lines and bytes there are now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn size(&mut self) -> Result<(u64, u64), Failure> {
        unimplemented!()
    }
}
