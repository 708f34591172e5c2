//! Where the lines of an output begin: one mark for about every [`SPACING`] bytes, so that any line is found by
//! reading no more than that, and an output of a gigabyte needs half a megabyte of marks.
//!
//! The index is kept in a file beside the output (`output.idx`) and can be made again from it at any time; one that is
//! damaged, cut off, or of another file is ignored.

use std::fs::{self, File};
use std::io::{self, BufRead};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes between marks, at least; the next line that begins after gets one.
pub(super) const SPACING: u64 = 32 * 1024;

/// Bytes that may have to be scanned again by the next reader.
const UNSAVED: u64 = 256 * 1024;

const CHUNK: usize = 256 * 1024;

const MAGIC: &[u8; 8] = b"qdindex1";

/// Line `line` (from 0) begins at byte `offset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Mark {
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// The marks of the first `scanned` bytes of an output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Index {
    marks: Vec<Mark>,
    /// Where the last line begins that a line feed has not ended yet; its number is that of the whole lines.
    last: Mark,
    scanned: u64,
    saved: u64,
}

impl Index {
    /// Whole lines in what was scanned.
    pub(super) fn lines(&self) -> u64 {
        self.last.line
    }

    /// Bytes that were scanned.
    pub(super) fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Where the line begins that is not ended yet.
    pub(super) fn open_line(&self) -> u64 {
        self.last.offset
    }

    /// Takes in what was added to the file, up to `length` bytes.
    pub(super) fn extend(&mut self, file: &File, length: u64) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK.min(usize::try_from(length.saturating_sub(self.scanned)).unwrap_or(CHUNK))];
        while self.scanned < length {
            let want = buffer.len().min(usize::try_from(length - self.scanned).unwrap_or(CHUNK));
            let got = file.read_at(&mut buffer[..want], self.scanned)?;
            if got == 0 {
                break;
            }
            self.take(&buffer[..got])?;
        }
        Ok(())
    }

    fn take(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let ended = rest.len();
            // The standard library's search for a byte; it counts the byte itself.
            let skipped = rest.skip_until(b'\n')?;
            let whole = chunk[chunk.len() - ended..][..skipped].ends_with(b"\n");
            self.scanned += skipped as u64;
            if whole {
                self.last = Mark { line: self.last.line + 1, offset: self.scanned };
                if self.scanned - self.marks.last().map_or(0, |m| m.offset) >= SPACING {
                    self.marks.push(self.last);
                }
            }
        }
        Ok(())
    }

    /// The last mark at or before a line.
    pub(super) fn before(&self, line: u64) -> Mark {
        let after = self.marks.partition_point(|m| m.line <= line);
        after.checked_sub(1).map_or(Mark::default(), |at| self.marks[at])
    }

    /// The last mark at or before a byte.
    pub(super) fn before_byte(&self, offset: u64) -> Mark {
        let after = self.marks.partition_point(|m| m.offset <= offset);
        after.checked_sub(1).map_or(Mark::default(), |at| self.marks[at])
    }

    /// Where a line begins, if there is a mark for it.
    pub(super) fn exactly(&self, line: u64) -> Option<u64> {
        if line == self.last.line {
            return Some(self.last.offset);
        }
        Some(self.before(line)).filter(|m| m.line == line).map(|m| m.offset)
    }

    /// The index that is kept beside the output `path`, if it is one of `file`.
    pub(super) fn load(path: &Path, file: &File) -> Option<Self> {
        let meta = file.metadata().ok()?;
        let index = decode(&fs::read(index_path(path)).ok()?, meta.ino())?;
        let ends_a_line = |mark: &Mark| {
            let mut byte = [0];
            file.read_exact_at(&mut byte, mark.offset.checked_sub(1)?).ok()?;
            (byte == *b"\n").then_some(())
        };
        if index.scanned > meta.len() {
            return None;
        }
        index.marks.last().map_or(Some(()), ends_a_line)?;
        Some(index)
    }

    /// Keeps the index beside the output when enough was added since the last time. It is written whole and put in
    /// place by a rename, so that readers in between see the one or the other.
    pub(super) fn save_if_due(&mut self, path: &Path, file: &File) {
        let due = self.scanned - self.saved >= UNSAVED.max(self.saved / 8);
        if due && self.save(path, file).is_ok() {
            self.saved = self.scanned;
        }
    }

    fn save(&self, path: &Path, file: &File) -> io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let index = index_path(path);
        let part = index.with_extension(format!("idx.{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        let written = fs::write(&part, self.encode(file.metadata()?.ino())).and_then(|()| fs::rename(&part, &index));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn encode(&self, inode: u64) -> Vec<u8> {
        let head = [inode, self.scanned, self.last.line, self.last.offset];
        let numbers = head.into_iter().chain(self.marks.iter().flat_map(|m| [m.line, m.offset]));
        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 * (5 + 2 * self.marks.len()));
        bytes.extend_from_slice(MAGIC);
        numbers.for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        bytes
    }
}

fn decode(bytes: &[u8], inode: u64) -> Option<Index> {
    let (body, check) = bytes.split_last_chunk::<8>()?;
    let numbers = body.strip_prefix(MAGIC)?;
    if checksum(body) != u64::from_le_bytes(*check) || !numbers.len().is_multiple_of(16) {
        return None;
    }
    let mut numbers = numbers.chunks_exact(8).map(|b| b.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)));
    let (of, scanned, line, offset) = (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()?);
    let mut marks = Vec::with_capacity(numbers.len() / 2);
    while let (Some(line), Some(offset)) = (numbers.next(), numbers.next()) {
        marks.push(Mark { line, offset });
    }
    (of == inode).then_some(Index { marks, last: Mark { line, offset }, scanned, saved: scanned })
}

fn index_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".idx");
    PathBuf::from(name)
}

/// FNV-1a over words of eight bytes: against damage, not against malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0xcbf2_9ce4_8422_2325, |sum: u64, word| {
        let word = word.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    })
}
