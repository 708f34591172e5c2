//! Writes the output that the engine itself makes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::stamps::Marks;
use crate::model::Failure;
use crate::store::trouble;

/// The end of an output file. Each call is one write to the file: nothing is held back, so an engine that is killed
/// loses no line that it was told of. For one writer a file.
#[derive(Debug)]
pub struct OutputLog {
    path: PathBuf,
    end: Mutex<End>,
}

#[derive(Debug)]
struct End {
    file: File,
    length: u64,
    marks: Marks,
}

impl OutputLog {
    /// Opens `path` to write at its end; the file (0600) and its directory (0700) are made when missing. A last line
    /// that was cut short is ended first.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn append(path: &Path) -> Result<Self, Failure> {
        let open = || {
            if let Some(dir) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            }
            let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
            let length = file.metadata()?.len();
            let mut end = End { file: file.try_clone()?, length, marks: Marks::of(path) };
            if length > 0 {
                let mut last = [0];
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
                if last != *b"\n" {
                    end.write(b"\n")?;
                }
            }
            Ok(end)
        };
        let end = open().map_err(|e| trouble::io("open the output", path, &e))?;
        Ok(Self { path: path.to_owned(), end: Mutex::new(end) })
    }

    /// Writes one line; `text` has no line feed at its end.
    ///
    /// # Errors
    /// The line was not written, not even a part of it; [`crate::store::is_full`] may hold.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        self.lines([text])
    }

    /// Writes some lines in one go.
    ///
    /// # Errors
    /// None of them was written; [`crate::store::is_full`] may hold.
    pub fn lines<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(b'\n');
        }
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.write(&bytes).map_err(|e| trouble::io("write the output", &self.path, &e))
    }
}

impl End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.marks.now(self.length);
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(e) => {
                // No half lines: what went in before the disk was full is taken back. Freeing space needs none.
                let _ = self.file.set_len(self.length);
                Err(e)
            }
        }
    }
}
