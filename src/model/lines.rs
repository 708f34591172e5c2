//! What the events of a playbook say of its output: when each line was written, and which lines are about a host.
//!
//! An event is written behind the lines that it is about: they stand between the place of the event before it and its
//! own.

use std::ops::Range;

use super::play::{PlayBody, PlayEvent};
use super::time::Time;

/// Marks nearer to each other than this become one, milliseconds: what is shown is rounded more.
const NEAR: i64 = 50;

/// When the bytes of an output were written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stamps {
    /// From this byte on, in order.
    marks: Vec<(u64, Time)>,
    /// Where the next event's lines begin.
    end: u64,
}

impl Stamps {
    /// Bytes from `offset` on were written at `at`. Marks come in order.
    pub fn mark(&mut self, offset: u64, at: Time) {
        match self.marks.last() {
            Some((from, last)) if offset <= *from || at.0 - last.0 < NEAR => {}
            _ => self.marks.push((offset, at)),
        }
    }

    /// Takes in the next event of a playbook.
    pub fn event(&mut self, event: &PlayEvent) {
        if event.offset > self.end {
            self.mark(self.end, event.at);
            self.end = event.offset;
        }
    }

    /// When the byte at `offset` was written.
    pub fn at(&self, offset: u64) -> Option<Time> {
        let after = self.marks.partition_point(|(from, _)| *from <= offset);
        after.checked_sub(1).map(|place| self.marks[place].1)
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}

/// The lines of an output that are about one host, with the titles of the plays and tasks they belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostLines {
    host: String,
    /// In order, none touches the next.
    spans: Vec<Range<u64>>,
    /// Titles that are shown once the host has lines below them.
    play: Option<Range<u64>>,
    task: Option<Range<u64>>,
    /// Where the final counts of all hosts stand.
    recap: Range<u64>,
    end: u64,
}

impl HostLines {
    /// Nothing so far of this host.
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), spans: Vec::new(), play: None, task: None, recap: 0..0, end: 0 }
    }

    /// The host they are about.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Takes in the next event.
    pub fn event(&mut self, event: &PlayEvent) {
        let lines = self.end..event.offset.max(self.end);
        self.end = lines.end;
        if lines.is_empty() {
            return;
        }
        match &event.body {
            PlayBody::Play { .. } => (self.play, self.task) = (Some(lines), None),
            PlayBody::Task { .. } => self.task = Some(lines),
            PlayBody::Item { host, .. }
            | PlayBody::Result { host, .. }
            | PlayBody::Start { host, .. }
            | PlayBody::Retry { host, .. }
                if *host == self.host =>
            {
                let titles = [self.play.take(), self.task.take()];
                titles.into_iter().flatten().chain([lines]).for_each(|span| self.push(span));
            }
            PlayBody::Stats { .. } | PlayBody::End if self.recap.is_empty() => self.recap = lines,
            _ => {}
        }
    }

    fn push(&mut self, span: Range<u64>) {
        match self.spans.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.spans.push(span),
        }
    }

    /// Whether a line is about the host: it begins at byte `offset` and reads `line`, free of control sequences.
    pub fn holds(&self, offset: u64, line: &str) -> bool {
        if self.recap.contains(&offset) {
            let rest = line.strip_prefix(self.host.as_str()).map(|rest| rest.trim_start().starts_with(':'));
            return rest.unwrap_or_else(|| line.starts_with("PLAY RECAP"));
        }
        let after = self.spans.partition_point(|span| span.start <= offset);
        after.checked_sub(1).is_some_and(|place| self.spans[place].contains(&offset))
    }
}

#[cfg(test)]
mod tests {
    use super::super::play::Outcome;
    use super::*;

    fn result(host: &str) -> PlayBody {
        PlayBody::Result {
            task: "t".into(),
            host: host.into(),
            outcome: Outcome::Ok,
            took: 1,
            msg: String::new(),
            detail: String::new(),
        }
    }

    fn task(id: &str) -> PlayBody {
        PlayBody::Task {
            id: id.into(),
            name: id.into(),
            action: String::new(),
            handler: false,
            no_log: false,
            path: String::new(),
        }
    }

    /// An output of whole lines and its events: text before the event, the event, its time.
    fn playbook() -> (String, Vec<PlayEvent>) {
        let totals = Default::default();
        let pieces = [
            ("[WARNING]: early\n", PlayBody::Playbook { name: "site".into() }, 1000),
            ("\nPLAY [all]\n", PlayBody::Play { id: "p".into(), name: "all".into(), hosts: vec![] }, 1100),
            ("\nTASK [one]\n", task("one"), 1200),
            ("", PlayBody::Start { task: "one".into(), host: "b".into() }, 1200),
            ("ok: [b]\n", result("b"), 2000),
            ("fatal: [a] =>\n  why\n", result("a"), 3000),
            ("\nTASK [two]\n", task("two"), 3010),
            ("ok: [b]\n", result("b"), 4000),
            ("\nPLAY RECAP ***\na    : ok=1\nab   : ok=2\nb  : ok=2\n", PlayBody::Stats { host: "a".into(), totals }, 4100),
            ("", PlayBody::End, 4100),
        ];
        let mut text = String::new();
        let events = pieces.into_iter().map(|(before, body, at)| {
            text.push_str(before);
            PlayEvent { at: Time(at), offset: text.len() as u64, body }
        });
        let events = events.collect();
        (text, events)
    }

    fn lines_of(host: &str) -> Vec<String> {
        let (text, events) = playbook();
        let mut lines = HostLines::new(host);
        events.iter().for_each(|event| lines.event(event));
        let mut offset = 0;
        let mut kept = Vec::new();
        for line in text.lines() {
            if lines.holds(offset, line) {
                kept.push(line.to_owned());
            }
            offset += line.len() as u64 + 1;
        }
        kept
    }

    #[test]
    fn a_host_has_its_lines_with_the_titles_above_them() {
        let a = ["", "PLAY [all]", "", "TASK [one]", "fatal: [a] =>", "  why", "PLAY RECAP ***", "a    : ok=1"];
        assert_eq!(lines_of("a"), a);
        let b = ["", "PLAY [all]", "", "TASK [one]", "ok: [b]", "", "TASK [two]", "ok: [b]", "PLAY RECAP ***", "b  : ok=2"];
        assert_eq!(lines_of("b"), b);
        assert_eq!(lines_of("nobody"), ["PLAY RECAP ***"]);
    }

    #[test]
    fn lines_have_the_time_of_the_event_behind_them() {
        let (text, events) = playbook();
        let mut stamps = Stamps::default();
        assert!(stamps.is_empty());
        events.iter().for_each(|event| stamps.event(event));
        let at = |part: &str| stamps.at(text.find(part).unwrap() as u64).unwrap().0;
        assert_eq!(at("[WARNING]"), 1000);
        assert_eq!(at("TASK [one]"), 1200);
        assert_eq!(at("  why"), 3000);
        assert_eq!(at("TASK [two]"), 3000, "so near that it is one mark");
        assert_eq!(stamps.at(text.len() as u64 + 99).unwrap().0, 4100);
    }
}
