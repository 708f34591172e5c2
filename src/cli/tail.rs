//! What a person who follows a run is told, and which output to ask for next. Pure: it is handed what is known
//! and says what is new.
//!
//! Output is printed one attempt of one step after the other, so that lines stay in order; how a step ended is
//! said after its last line.

use std::collections::{BTreeMap, VecDeque};

use crate::model::play::Totals;
use crate::model::time::work_duration;
use crate::model::{Run, Step, StepState, Wait};
use crate::protocol::command::OutputPage;

/// Lines asked for at once.
const PAGE: u32 = 1000;

/// One attempt of one step: (step, attempt).
pub type Stream = (u32, u32);

/// Something to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Say {
    /// A step began: its title.
    Began(String),
    /// A step reached a state: the state's word and the rest of the line.
    Step { state: StepState, text: String },
    /// Lines of a playbook or program follow: their title.
    Heading(String),
    /// A line of output.
    Output(String),
    /// A remark on the watching itself.
    Remark(String),
}

/// A page of output that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Want {
    pub stream: Stream,
    pub from: u64,
    pub count: u32,
}

/// What is to be printed in order.
#[derive(Debug)]
enum Item {
    /// The output of one attempt, line by line.
    Output(Reading),
    /// What is said once the output before it has been printed.
    Say(Say),
}

/// How far the output of one attempt is.
#[derive(Debug)]
struct Reading {
    stream: Stream,
    /// Said when its turn comes.
    heading: Option<Say>,
    /// The next line to print.
    next: u64,
    /// Lines that are there as far as is known.
    known: u64,
    /// A page is on its way.
    asked: bool,
    /// A page is to be asked for even if nothing tells that there are more lines.
    due: bool,
}

/// Follows one run.
#[derive(Debug, Default)]
pub struct Tail {
    told: BTreeMap<u32, (StepState, u32)>,
    queue: VecDeque<Item>,
}

impl Tail {
    /// Takes in the state of a step.
    pub fn step(&mut self, step: &Step) -> Vec<Say> {
        let now = (step.state.clone(), step.attempt);
        let before = self.told.insert(step.index, now.clone());
        if before.as_ref() == Some(&now) {
            return Vec::new();
        }
        let output = has_output(step);
        if output {
            let from = before.map_or(0, |(_, attempt)| attempt) + 1;
            self.queue.extend((from..=step.attempt).map(|attempt| Item::Output(Reading::new(step, attempt))));
        }
        let ending = told_of(step);
        match ending {
            Some(say) if output => {
                self.wake(step.index);
                self.queue.push_back(Item::Say(say));
            }
            Some(say) => return vec![say],
            None if step.state == StepState::Running && !output => return vec![Say::Began(step.title.clone())],
            None => {}
        }
        self.advance()
    }

    /// The output of a stream has this many lines now.
    pub fn grew(&mut self, stream: Stream, lines: u64) {
        if let Some(reading) = self.readings().find(|r| r.stream == stream) {
            reading.known = reading.known.max(lines);
        }
    }

    /// Asks for the stream that is being printed even if nothing tells that it grew.
    pub fn nudge(&mut self) {
        if let Some(Item::Output(reading)) = self.queue.front_mut() {
            reading.due = true;
        }
    }

    /// The page to ask for now, if any. It counts as asked until [`Tail::page`] or [`Tail::lost`] is called.
    pub fn want(&mut self) -> Option<Want> {
        let Some(Item::Output(reading)) = self.queue.front_mut() else { return None };
        if reading.asked || !(reading.due || reading.known > reading.next) {
            return None;
        }
        reading.asked = true;
        reading.due = false;
        Some(Want { stream: reading.stream, from: reading.next, count: PAGE })
    }

    /// A page came. Lines that were printed before are left out, so a page that comes twice does no harm.
    pub fn page(&mut self, stream: Stream, page: OutputPage) -> Vec<Say> {
        let Some(reading) = self.readings().find(|r| r.stream == stream) else { return Vec::new() };
        reading.asked = false;
        if page.from > reading.next {
            reading.due = true;
            return Vec::new();
        }
        let skip = usize::try_from(reading.next - page.from).unwrap_or(usize::MAX);
        let mut say: Vec<Say> = page.lines.into_iter().skip(skip).map(Say::Output).collect();
        reading.next += say.len() as u64;
        // An empty page must not lead to asking for the same lines again at once.
        reading.known = if say.is_empty() { reading.next } else { reading.known.max(page.total) };
        if page.ended && reading.next >= page.total {
            say.extend(self.close(stream));
        }
        say
    }

    /// A page could not be had; `gone` says why it never will, when that is so.
    pub fn lost(&mut self, stream: Stream, gone: Option<&str>) -> Vec<Say> {
        let Some(reading) = self.readings().find(|r| r.stream == stream) else { return Vec::new() };
        reading.asked = false;
        let Some(why) = gone else { return Vec::new() };
        let mut say = vec![Say::Remark(format!("output of step {}, attempt {}: {why}", stream.0, stream.1))];
        say.extend(self.close(stream));
        say
    }

    /// Every line of every attempt that is known has been handed out.
    pub fn drained(&self) -> bool {
        self.queue.is_empty()
    }

    fn readings(&mut self) -> impl Iterator<Item = &mut Reading> {
        self.queue.iter_mut().filter_map(|item| match item {
            Item::Output(reading) => Some(reading),
            Item::Say(_) => None,
        })
    }

    fn close(&mut self, stream: Stream) -> Vec<Say> {
        self.queue.retain(|item| !matches!(item, Item::Output(reading) if reading.stream == stream));
        self.advance()
    }

    /// What can be said now, up to the next output.
    fn advance(&mut self) -> Vec<Say> {
        let mut say = Vec::new();
        while let Some(item) = self.queue.pop_front() {
            match item {
                Item::Say(line) => say.push(line),
                Item::Output(mut reading) => {
                    say.extend(reading.heading.take());
                    self.queue.push_front(Item::Output(reading));
                    break;
                }
            }
        }
        say
    }

    /// The last lines of a step may have come with its end.
    fn wake(&mut self, step: u32) {
        self.readings().filter(|r| r.stream.0 == step).for_each(|r| r.due = true);
    }
}

impl Reading {
    fn new(step: &Step, attempt: u32) -> Self {
        let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
        let heading = Some(Say::Heading(format!("{}{again}", step.title)));
        Self { stream: (step.index, attempt), heading, next: 0, known: 0, asked: false, due: true }
    }
}

/// Whether a step's output is shown: that of programs and uploads is, the engine's own notes are not.
fn has_output(step: &Step) -> bool {
    step.work.talks()
}

/// The line that tells of a step's state, for those states that deserve one.
fn told_of(step: &Step) -> Option<Say> {
    let took = match (step.started, step.ended) {
        (Some(start), Some(end)) => format!("  {}", work_duration(end.since(start))),
        _ => String::new(),
    };
    let why = step.failure.as_ref().map_or(String::new(), |f| format!(": {}", f.line()));
    let tail = match &step.state {
        StepState::Done | StepState::Skipped | StepState::Undone | StepState::Cancelled => {
            let note = if step.note.is_empty() { String::new() } else { format!("  {}", step.note) };
            format!("{took}{note}")
        }
        StepState::Failed | StepState::UndoFailed => format!("{took}{why}"),
        StepState::Waiting { on: Wait::Retry { why, .. } } => format!(": {why}"),
        StepState::Waiting { on: on @ (Wait::Prompt { .. } | Wait::Disk) } => format!(" {on}"),
        // A step that waits for its turn at the cloud is told by the run as a whole.
        StepState::Waiting { on: Wait::Slot { .. } } | StepState::Pending | StepState::Running | StepState::Undoing => {
            return None;
        }
    };
    Some(Say::Step { state: step.state.clone(), text: format!("{}{tail}", step.title) })
}

/// `ok 40  changed 6  failed 1`; what is zero is left out, but for `ok`.
pub fn totals(totals: &Totals) -> String {
    let all = [
        ("ok", totals.ok),
        ("changed", totals.changed),
        ("failed", totals.failed),
        ("unreachable", totals.unreachable),
        ("skipped", totals.skipped),
        ("ignored", totals.ignored),
    ];
    let words: Vec<String> =
        all.iter().filter(|(word, count)| *count > 0 || *word == "ok").map(|(word, count)| format!("{word} {count}")).collect();
    words.join("  ")
}

/// `9 done, 1 failed, 2 skipped of 12 steps`.
pub fn counts(run: &Run) -> String {
    let steps = &run.steps;
    let all = [
        ("done", steps.done),
        ("running", steps.running),
        ("waiting", steps.waiting),
        ("failed", steps.failed),
        ("skipped", steps.skipped),
        ("undone", steps.undone),
    ];
    let words: Vec<String> = all.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}")).collect();
    let words = if words.is_empty() { "none done".to_owned() } else { words.join(", ") };
    format!("{words} of {} steps", steps.total)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::model::Work;
    use crate::model::{RunNo, StepId, Time, Token};

    pub fn step(work: Work, state: StepState, attempt: u32) -> Step {
        Step {
            id: StepId::new(),
            run: RunNo(1),
            index: 3,
            title: "site.yml".into(),
            work,
            cluster: None,
            node: None,
            cloud: None,
            after: vec![],
            state,
            attempt,
            token: Token::from_random([1; 20]),
            started: Some(Time(1000)),
            ended: None,
            failure: None,
            note: String::new(),
            cleanup: false,
        }
    }

    fn install(state: StepState, attempt: u32) -> Step {
        step(Work::InstallAnsible, state, attempt)
    }

    fn page(from: u64, lines: &[&str], total: u64, ended: bool) -> OutputPage {
        OutputPage {
            attempt: 1,
            from,
            lines: lines.iter().map(|&l| l.to_owned()).collect(),
            times: Vec::new(),
            total,
            bytes: 0,
            ended,
        }
    }

    fn out(lines: &[&str]) -> Vec<Say> {
        lines.iter().map(|&l| Say::Output(l.to_owned())).collect()
    }

    #[test]
    fn output_comes_once_and_before_the_end_of_its_step() {
        let mut tail = Tail::default();
        assert_eq!(tail.step(&install(StepState::Running, 1)), [Say::Heading("site.yml".into())]);
        let want = tail.want().unwrap();
        assert_eq!((want.stream, want.from), ((3, 1), 0));
        assert_eq!(tail.want(), None, "one page at a time");
        assert_eq!(tail.page((3, 1), page(0, &["a", "b"], 2, false)), out(&["a", "b"]));
        assert_eq!(tail.want(), None, "nothing more is known");
        tail.grew((3, 1), 3);
        assert_eq!(tail.want().unwrap().from, 2);
        // The step ends while the page is on its way; its last line is still missing.
        assert_eq!(tail.step(&install(StepState::Done, 1)), []);
        assert_eq!(tail.page((3, 1), page(2, &["c"], 4, false)), out(&["c"]));
        assert_eq!(tail.want().unwrap().from, 3);
        let last = tail.page((3, 1), page(3, &["d"], 4, true));
        assert_eq!(last[0], Say::Output("d".into()));
        assert!(matches!(&last[1], Say::Step { state: StepState::Done, .. }));
        assert!(tail.drained());
    }

    #[test]
    fn a_page_that_comes_twice_or_out_of_place_doubles_nothing() {
        let mut tail = Tail::default();
        tail.step(&install(StepState::Running, 1));
        tail.want();
        tail.page((3, 1), page(0, &["a", "b"], 2, false));
        assert_eq!(tail.page((3, 1), page(0, &["a", "b"], 2, false)), []);
        assert_eq!(tail.page((3, 1), page(1, &["b", "c"], 3, false)), out(&["c"]));
        assert_eq!(tail.page((3, 1), page(9, &["z"], 10, false)), [], "a gap is not printed");
        assert_eq!(tail.want().unwrap().from, 3);
    }

    #[test]
    fn an_empty_page_does_not_spin() {
        let mut tail = Tail::default();
        tail.step(&install(StepState::Running, 1));
        tail.want();
        tail.grew((3, 1), 5);
        assert_eq!(tail.page((3, 1), page(0, &[], 5, false)), []);
        assert_eq!(tail.want(), None);
        tail.nudge();
        assert_eq!(tail.want().unwrap().from, 0);
    }

    #[test]
    fn every_attempt_is_printed_in_its_turn() {
        let mut tail = Tail::default();
        // Attached late: two attempts are over.
        assert_eq!(tail.step(&install(StepState::Done, 2)), [Say::Heading("site.yml".into())]);
        assert_eq!(tail.want().unwrap().stream, (3, 1));
        assert_eq!(tail.page((3, 1), page(0, &[], 0, true)), [Say::Heading("site.yml (attempt 2)".into())]);
        assert_eq!(tail.want().unwrap().stream, (3, 2));
        let say = tail.lost((3, 2), Some("no such file"));
        assert!(matches!(&say[..], [Say::Remark(_), Say::Step { .. }]), "{say:?}");
        assert!(tail.drained());
    }

    #[test]
    fn a_lost_page_is_asked_for_again() {
        let mut tail = Tail::default();
        tail.step(&install(StepState::Running, 1));
        tail.want();
        assert_eq!(tail.lost((3, 1), None), []);
        tail.nudge();
        assert_eq!(tail.want().unwrap().from, 0);
    }

    #[test]
    fn steps_without_output_are_told_at_once_and_only_when_they_change() {
        let mut tail = Tail::default();
        assert_eq!(tail.step(&step(Work::MakeKey, StepState::Pending, 0)), []);
        let running = step(Work::MakeKey, StepState::Running, 1);
        assert_eq!(tail.step(&running), [Say::Began("site.yml".into())]);
        assert_eq!(tail.step(&running), []);
        let retry = StepState::Waiting { on: Wait::Retry { at: Time(0), why: "503".into() } };
        assert!(matches!(&tail.step(&step(Work::MakeKey, retry, 1))[..], [Say::Step { text, .. }] if text == "site.yml: 503"));
        let mut done = step(Work::MakeKey, StepState::Done, 2);
        (done.ended, done.note) = (Some(Time(3500)), "key 127".into());
        assert!(matches!(&tail.step(&done)[..], [Say::Step { text, .. }] if text == "site.yml  2.5 s  key 127"));
        assert!(tail.drained());
    }
}
