//! What a build tells while it goes on: its output, as lines on standard output, and its steps, as events in the file that
//! the engine reads. They have the form of a playbook's: one play, a task for each step of the build, one host, the Docker
//! engine. A step out of the cache is `ok`, one that was carried out is `changed`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::base::{Clock, SystemClock};
use crate::model::PlayEvent;
use crate::model::play::{BUILD, Outcome, PlayBody};

/// Name of the events' file in a job's directory; that of playbooks.
pub const EVENTS: &str = "events.jsonl";

/// See the module.
pub struct Report {
    events: File,
    out: io::BufWriter<Box<dyn Write + Send>>,
    /// Bytes that the output has by now.
    written: u64,
    /// The Docker engine.
    host: String,
}

impl Report {
    /// Begins the report of a build; `out` has `written` bytes so far.
    ///
    /// # Errors
    /// The events' file cannot be written.
    pub fn begin(dir: &Path, out: Box<dyn Write + Send>, written: u64, title: &str, host: &str) -> io::Result<Self> {
        let events = OpenOptions::new().append(true).create(true).mode(0o600).open(dir.join(EVENTS))?;
        let mut report = Self { events, out: io::BufWriter::with_capacity(64 << 10, out), written, host: host.to_owned() };
        report.event(PlayBody::Playbook { name: title.to_owned() })?;
        let hosts = vec![host.to_owned()];
        report.event(PlayBody::Play { id: BUILD.to_owned(), name: title.to_owned(), hosts })?;
        Ok(report)
    }

    /// One line of output. It is there for readers with the next event, or with [`Report::flush`].
    ///
    /// # Errors
    /// It cannot be written.
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.write_all(line)?;
        self.out.write_all(b"\n")?;
        self.written += line.len() as u64 + 1;
        Ok(())
    }

    /// Hands on what was written.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A step of the build begins.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn step(&mut self, id: &str, name: &str) -> io::Result<()> {
        let (id, name) = (id.to_owned(), name.to_owned());
        let (action, path) = (BUILD.to_owned(), String::new());
        self.event(PlayBody::Task { id: id.clone(), name, action, handler: false, no_log: false, path })?;
        self.event(PlayBody::Start { task: id, host: self.host.clone() })
    }

    /// A step of the build ended after `took` milliseconds.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn ended(&mut self, id: &str, outcome: Outcome, took: u64, msg: &str, detail: &str) -> io::Result<()> {
        let (task, host) = (id.to_owned(), self.host.clone());
        self.event(PlayBody::Result { task, host, outcome, took, msg: msg.to_owned(), detail: detail.to_owned() })
    }

    /// The build ended.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(&mut self) -> io::Result<()> {
        self.event(PlayBody::End)
    }

    fn event(&mut self, body: PlayBody) -> io::Result<()> {
        // The lines before it belong to it: they are there first.
        self.out.flush()?;
        let event = PlayEvent { at: SystemClock.now(), offset: self.written, body };
        self.events.write_all((serde_json::to_string(&event)? + "\n").as_bytes())
    }
}

/// What an output says line by line, from pieces that end anywhere. A line that does not end is cut.
#[derive(Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Longest line, bytes.
    const LONGEST: usize = 64 << 10;

    /// The lines that a piece completes. A carriage return begins a line anew: the last one counts.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|b| *b == b'\n') {
            self.0.extend_from_slice(part);
            while self.0.len() > Self::LONGEST {
                let rest = self.0.split_off(Self::LONGEST);
                lines.push(std::mem::replace(&mut self.0, rest));
            }
            if self.0.last() == Some(&b'\n') {
                lines.extend(self.rest());
            }
        }
        lines
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let mut line = std::mem::take(&mut self.0);
        if line.is_empty() {
            return None;
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        let from = line.iter().rposition(|b| *b == b'\r').map_or(0, |at| at + 1);
        Some(line.split_off(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_made_of_pieces_that_end_anywhere() {
        let mut lines = Lines::default();
        assert!(lines.push(b"on").is_empty());
        assert_eq!(lines.push(b"e\ntwo\r\n\nthr"), [b"one".to_vec(), b"two".to_vec(), b"".to_vec()]);
        assert_eq!(lines.push(b"ee 10%\rthree 90%\n"), [b"three 90%".to_vec()]);
        lines.push(b"last");
        assert_eq!(lines.rest(), Some(b"last".to_vec()));
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut lines = Lines::default();
        let count: usize = (0..200).map(|_| lines.push(&[b'x'; 8192]).iter().map(Vec::len).sum::<usize>()).sum();
        assert!(count >= 200 * 8192 - Lines::LONGEST && lines.0.len() <= Lines::LONGEST);
    }
}
