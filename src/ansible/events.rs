//! The events that the callback plugin writes.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use crate::model::PlayEvent;

/// Longest line that is taken for an event; the plugin cuts what it writes far below.
const LONGEST: usize = 1 << 20;

/// Reads `events.jsonl` as it grows. A new one begins at the start and reads the same again.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    /// What was read and holds no whole line yet, or lines not yet taken.
    rest: Vec<u8>,
    /// Where in `rest` the next line begins.
    at: usize,
    count: u64,
}

impl Tail {
    /// Begins at the start of the file, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, rest: Vec::new(), at: 0, count: 0 }
    }

    /// The next events, at most `max`; none when nothing new is there. Lines that are no events are passed over,
    /// a line that is not whole yet is left for the next time.
    pub fn read(&mut self, max: usize) -> Vec<PlayEvent> {
        let mut events = Vec::new();
        while events.len() < max {
            let Some(end) = self.rest[self.at..].iter().position(|b| *b == b'\n') else {
                if self.fill() {
                    continue;
                }
                break;
            };
            let line = &self.rest[self.at..self.at + end];
            if let Ok(event) = serde_json::from_slice(line) {
                events.push(event);
            }
            self.at += end + 1;
        }
        self.count += events.len() as u64;
        events
    }

    /// How many events were read so far: the number of the next one.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Reads on; false when there is nothing more for now.
    fn fill(&mut self) -> bool {
        self.rest.drain(..self.at);
        self.at = 0;
        if self.rest.len() > LONGEST {
            // Not ours. What follows the next line feed may be again.
            self.rest.clear();
        }
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return false };
        let mut chunk = vec![0; 64 * 1024];
        match file.read(&mut chunk) {
            Ok(n) if n > 0 => {
                self.rest.extend_from_slice(&chunk[..n]);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::model::play::PlayBody;

    #[test]
    fn events_are_read_as_the_file_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut tail = Tail::new(&path);
        assert!(tail.read(10).is_empty());
        let mut file = File::create(&path).unwrap();
        let line = r#"{"at":1,"offset":7,"event":"start","task":"t","host":"h"}"#;
        file.write_all(&line.as_bytes()[..20]).unwrap();
        assert!(tail.read(10).is_empty(), "half a line");
        file.write_all(&line.as_bytes()[20..]).unwrap();
        assert!(tail.read(10).is_empty(), "a line without its end");
        file.write_all(b"\nno event\n{\"at\":2,\"offset\":7,\"event\":\"from the future\"}\n").unwrap();
        for _ in 0..3 {
            writeln!(file, "{line}").unwrap();
        }
        assert_eq!(tail.read(2).len(), 2);
        assert_eq!(tail.read(10).len(), 2);
        assert_eq!(tail.count(), 4);
        assert!(matches!(&Tail::new(&path).read(1)[0].body, PlayBody::Start { host, .. } if host == "h"));
    }

    #[test]
    fn many_events_come_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let text: String = (0..20_000).map(|n| format!("{{\"at\":{n},\"offset\":0,\"event\":\"end\"}}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let mut tail = Tail::new(&path);
        let mut all = Vec::new();
        loop {
            let some = tail.read(999);
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        assert!(all.iter().enumerate().all(|(n, e)| e.at.0 == i64::try_from(n).unwrap()));
        assert_eq!(tail.count(), 20_000);
    }
}
