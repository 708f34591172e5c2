//! Reads an output by line number.

use std::fs::File;
use std::io::{self, BufRead};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::index::Index;
use super::{Found, LAST, MAX_LINE, Page};
use crate::model::Failure;
use crate::model::text::clean;
use crate::store::trouble;

/// Bytes of one page in JSON: a message of the protocol is at most 1 MiB, and has room for more than the lines.
const MAX_PAGE: usize = 768 * 1024;

/// Bytes that one search reads: some ten milliseconds.
pub(super) const SEARCH: u64 = 8 << 20;

const CHUNK: usize = 64 * 1024;

/// An output, read by line number while somebody else may be writing it. It blocks. Memory does not depend on the
/// size of the output but for its marks (half a megabyte for a gigabyte).
#[derive(Debug)]
pub struct Pager {
    path: PathBuf,
    file: Option<File>,
    /// Of the file that the index is of.
    inode: u64,
    index: Index,
}

impl Pager {
    /// Opens an output; one that is not there yet is empty until it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let mut pager = Self { path: path.to_owned(), file: None, inode: 0, index: Index::default() };
        pager.refresh().map_err(|e| pager.failed(&e))?;
        Ok(pager)
    }

    /// Lines `from`… ([`LAST`]: the last ones), at most `count`. A last line without line feed counts once `ended`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn page(&mut self, from: u64, count: u32, ended: bool) -> Result<Page, Failure> {
        self.refresh().map_err(|e| self.failed(&e))?;
        let total = self.total(ended);
        let from = if from == LAST { total.saturating_sub(u64::from(count)) } else { from.min(total) };
        let to = total.min(from.saturating_add(u64::from(count)));
        self.read(from, from..to, total).map_err(|e| self.failed(&e))
    }

    /// The lines of these numbers, which rise; those that are not there are left out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn pick(&mut self, numbers: &[u64], ended: bool) -> Result<Page, Failure> {
        self.refresh().map_err(|e| self.failed(&e))?;
        let total = self.total(ended);
        let there = numbers.iter().copied().filter(|number| *number < total);
        self.read(numbers.first().copied().unwrap_or(0), there, total).map_err(|e| self.failed(&e))
    }

    /// The lines among `lines` that are `wanted`, which is asked with where a line begins and how it reads: without
    /// control sequences, of long ones the first [`MAX_LINE`] bytes. At most `most` are told, and not much more than
    /// [`SEARCH`] bytes are read: go on at [`Found::upto`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn search(
        &mut self,
        lines: Range<u64>,
        most: usize,
        ended: bool,
        mut wanted: impl FnMut(u64, &str) -> bool,
    ) -> Result<Found, Failure> {
        self.refresh().map_err(|e| self.failed(&e))?;
        let total = self.total(ended);
        let to = lines.end.min(total);
        let mut found = Found { lines: Vec::new(), upto: lines.start.min(to), total };
        let Some(file) = &self.file else { return Ok(found) };
        let mut reader = self.reader(file);
        let mut read = || {
            reader.go_to(found.upto, &self.index)?;
            let begin = reader.place();
            while found.upto < to && found.lines.len() < most && reader.place() - begin < SEARCH {
                let offset = reader.place();
                let (bytes, _) = reader.line(MAX_LINE, self.index.exactly(found.upto + 1))?;
                let line = String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(&bytes));
                if wanted(offset, &clean(&line)) {
                    found.lines.push(found.upto);
                }
                found.upto += 1;
            }
            Ok(())
        };
        read().map_err(|e: io::Error| self.failed(&e))?;
        Ok(found)
    }

    /// Number of the line that holds the byte at `offset`; beyond the end, of the last one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn line_at(&mut self, offset: u64, ended: bool) -> Result<u64, Failure> {
        self.refresh().map_err(|e| self.failed(&e))?;
        let last = self.total(ended).saturating_sub(1);
        let Some(file) = &self.file else { return Ok(0) };
        let mut reader = self.reader(file);
        let mut look = || {
            reader.go_to(self.index.before_byte(offset).line, &self.index)?;
            loop {
                let number = reader.line;
                reader.line(0, self.index.exactly(number + 1))?;
                if reader.place() > offset || number >= last {
                    return Ok(number.min(last));
                }
            }
        };
        look().map_err(|e: io::Error| self.failed(&e))
    }

    /// Another one for the same output, that knows as much; its file is not open.
    pub(super) fn another(&self) -> Self {
        Self { path: self.path.clone(), file: None, inode: self.inode, index: self.index.clone() }
    }

    /// Closes the file; the next who asks opens it again.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Whole lines and bytes there are now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn size(&mut self) -> Result<(u64, u64), Failure> {
        self.refresh().map_err(|e| self.failed(&e))?;
        Ok((self.index.lines(), self.index.scanned()))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        trouble::io("read the output", &self.path, error)
    }

    /// Takes in what was written since.
    fn refresh(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            let file = match File::open(&self.path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                opened => opened?,
            };
            let inode = file.metadata()?.ino();
            if inode != self.inode {
                self.index = Index::load(&self.path, &file).unwrap_or_default();
                self.inode = inode;
            }
            self.file = Some(file);
        }
        let Some(file) = &self.file else { return Ok(()) };
        let length = file.metadata()?.len();
        if length < self.index.scanned() {
            // An output never shrinks; if somebody cut it all the same, what is left is read anew.
            self.index = Index::default();
        }
        self.index.extend(file, length)?;
        self.index.save_if_due(&self.path, file);
        Ok(())
    }

    /// Whole lines there are; a last one without line feed counts once `ended`.
    fn total(&self, ended: bool) -> u64 {
        self.index.lines() + u64::from(ended && self.index.open_line() < self.index.scanned())
    }

    fn reader<'a>(&self, file: &'a File) -> Reader<'a> {
        Reader { file, at: 0, end: self.index.scanned(), buffer: Vec::new(), used: 0, line: 0 }
    }

    /// The lines of these numbers, in their order, as far as they fit into a page.
    fn read(&self, from: u64, numbers: impl Iterator<Item = u64>, total: u64) -> io::Result<Page> {
        let mut page = Page { from, total, bytes: self.index.scanned(), ..Page::default() };
        let Some(file) = &self.file else { return Ok(page) };
        let mut reader = self.reader(file);
        let mut weight = 0;
        for number in numbers {
            reader.go_to(number, &self.index)?;
            let offset = reader.place();
            let (bytes, length) = reader.line(MAX_LINE, self.index.exactly(number + 1))?;
            let text = show(&bytes, length);
            weight += json_length(&text);
            if weight > MAX_PAGE && !page.lines.is_empty() {
                break;
            }
            page.lines.push(text);
            page.offsets.push(offset);
        }
        Ok(page)
    }
}

/// A place in the file that moves on line by line.
struct Reader<'a> {
    file: &'a File,
    /// Where the next byte comes from that is not in the buffer.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
    /// Number of the next line.
    line: u64,
}

impl Reader<'_> {
    /// Where the next line begins.
    fn place(&self) -> u64 {
        self.at - (self.buffer.len() - self.used) as u64
    }

    /// Goes to a line: through the index, unless it is near.
    fn go_to(&mut self, number: u64, index: &Index) -> io::Result<()> {
        let mark = index.before(number);
        if number < self.line || mark.line > self.line {
            (self.at, self.used, self.line) = (mark.offset, 0, mark.line);
            self.buffer.clear();
        }
        while self.line < number {
            self.line(0, index.exactly(self.line + 1))?;
        }
        Ok(())
    }

    /// The next line without its line feed: at most `most` bytes of it, and how long it is. `next` is where the line
    /// after it begins, if known: a long line is not read to its end then.
    fn line(&mut self, most: usize, next: Option<u64>) -> io::Result<(Vec<u8>, u64)> {
        let begin = self.place();
        self.line += 1;
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            if self.used == self.buffer.len() && !self.fill()? {
                return Ok((line, length));
            }
            let unread = &self.buffer[self.used..];
            let step = { unread }.skip_until(b'\n')?;
            let whole = unread[..step].ends_with(b"\n");
            let text = &unread[..step - usize::from(whole)];
            line.extend_from_slice(&text[..text.len().min(most.saturating_sub(line.len()))]);
            length += text.len() as u64;
            self.used += step;
            if whole {
                return Ok((line, length));
            }
            if let Some(next) = next.filter(|next| line.len() == most && *next > begin) {
                (self.at, self.used) = (next, self.buffer.len());
                return Ok((line, next - 1 - begin));
            }
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        let want = CHUNK.min(usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(CHUNK));
        self.buffer.resize(want, 0);
        let got = self.file.read_at(&mut self.buffer, self.at)?;
        self.buffer.truncate(got);
        self.at += got as u64;
        self.used = 0;
        Ok(got > 0)
    }
}

/// The text of a line of which `bytes` are known; `length` is that of the whole.
fn show(bytes: &[u8], length: u64) -> String {
    if length <= bytes.len() as u64 {
        return String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned();
    }
    // Not in the middle of a character: its first byte is at most three before the end.
    let whole = bytes.len() - bytes.iter().rev().take(3).take_while(|b| **b & 0xc0 == 0x80).count();
    let known = match bytes.get(whole.wrapping_sub(1)) {
        Some(first) if *first >= 0xc0 => &bytes[..whole - 1],
        _ => bytes,
    };
    format!("{} … [cut: {length} bytes]", String::from_utf8_lossy(known))
}

/// About how long a text is in JSON.
fn json_length(text: &str) -> usize {
    let escaped = |b: &u8| match b {
        b'"' | b'\\' => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    3 + text.len() + text.as_bytes().iter().map(escaped).sum::<usize>()
}
