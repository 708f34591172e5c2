//! When the lines of an output were written that the engine itself makes: a mark for about every [`SPACING`]
//! milliseconds in which something was written, in a file beside the output (`output.times`).
//!
//! Marks only help to show something: what cannot be written or read is left out.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::base::{Clock, SystemClock};
use crate::model::Time;
use crate::model::lines::Stamps;

/// Milliseconds between two marks, at least.
const SPACING: i64 = 200;

/// Writes the marks of one output.
#[derive(Debug)]
pub(super) struct Marks {
    path: PathBuf,
    file: Option<File>,
    last: Option<Time>,
}

impl Marks {
    /// For the output `path`; the file is made with the first mark.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: beside(path), file: None, last: None }
    }

    /// Bytes from `offset` on are written now.
    pub(super) fn now(&mut self, offset: u64) {
        let now = SystemClock.now();
        if self.last.is_some_and(|last| (0..SPACING).contains(&(now.0 - last.0))) {
            return;
        }
        if self.file.is_none() {
            self.file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path).ok();
        }
        let mut mark = [0; 16];
        mark[..8].copy_from_slice(&offset.to_le_bytes());
        mark[8..].copy_from_slice(&now.0.to_le_bytes());
        // Half a mark would shift all that follow: then there are none any more.
        if let Some(file) = &mut self.file
            && file.write_all(&mark).is_err()
        {
            let _ = fs::remove_file(&self.path);
            self.file = None;
        }
        self.last = Some(now);
    }
}

/// When the lines of the output `path` were written, as far as the engine wrote them.
pub fn read(path: &Path) -> Stamps {
    let mut stamps = Stamps::default();
    for mark in fs::read(beside(path)).unwrap_or_default().as_chunks::<16>().0 {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
        stamps.mark(number(&mark[..8]), Time(number(&mark[8..]).cast_signed()));
    }
    stamps
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".times");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::super::OutputLog;
    use super::*;

    #[test]
    fn lines_of_the_engine_have_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        assert!(read(&path).is_empty());
        let before = SystemClock.now();
        OutputLog::append(&path).unwrap().lines(["one", "two"]).unwrap();
        OutputLog::append(&path).unwrap().line("three").unwrap();
        let after = SystemClock.now();
        let stamps = read(&path);
        for offset in [0, 5, 8] {
            let at = stamps.at(offset).unwrap();
            assert!((before..=after).contains(&at), "{at:?}");
        }
    }
}
