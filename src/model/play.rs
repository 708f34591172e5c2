//! What happens inside a playbook: the events of our Ansible callback plugin and what they add up to.
//!
//! The plugin writes one JSON object a line into the job's `events.jsonl`; the line's number (from 0) is the
//! event's number. Reading the file again from the start gives the same state, so nothing is counted twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;

/// How a task went on a host (or an item of it).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    Changed,
    Failed,
    /// Failed, and the playbook says to go on: errors are ignored, or a rescue section takes over.
    Ignored,
    Unreachable,
    Skipped,
}

impl Outcome {
    /// A failure that counts.
    pub fn bad(self) -> bool {
        matches!(self, Self::Failed | Self::Unreachable)
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Ignored => "ignored",
            Self::Unreachable => "unreachable",
            Self::Skipped => "skipped",
        }
    }
}

/// The action of the tasks that are steps of a build. One out of the cache is `ok`, one that was carried out `changed`.
pub const BUILD: &str = "build";

/// One line of `events.jsonl`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlayEvent {
    /// When, by the clock of the machine that runs Ansible.
    pub at: Time,
    /// Size of the output file when the event was written: the lines before it belong to earlier events.
    pub offset: u64,
    #[serde(flatten)]
    pub body: PlayBody,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PlayBody {
    /// A playbook file begins.
    Playbook { name: String },
    /// A play begins, on these hosts.
    Play { id: String, name: String, hosts: Vec<String> },
    /// A task (or handler) begins.
    Task {
        id: String,
        name: String,
        action: String,
        #[serde(default)]
        handler: bool,
        #[serde(default)]
        no_log: bool,
        /// `file:line` of its definition.
        #[serde(default)]
        path: String,
    },
    /// A host begins a task.
    Start { task: String, host: String },
    /// One item of a loop ended.
    Item {
        task: String,
        host: String,
        label: String,
        outcome: Outcome,
        #[serde(default)]
        msg: String,
    },
    /// An `until` loop tries again.
    Retry { task: String, host: String, attempt: u32, left: u32 },
    /// A host ended a task.
    Result {
        task: String,
        host: String,
        outcome: Outcome,
        /// Milliseconds.
        took: u64,
        /// The message of a failure, or what `debug` printed; censored when the task says `no_log`.
        #[serde(default)]
        msg: String,
        /// stderr or traceback of a failure, cut at 16 KiB.
        #[serde(default)]
        detail: String,
    },
    /// The final count of one host.
    Stats { host: String, totals: Totals },
    /// The playbook ended.
    End,
    /// A program that is no playbook has written so far: nothing but the offset is told.
    Wrote,
}

/// How many results of which kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    pub ok: u64,
    pub changed: u64,
    pub failed: u64,
    pub unreachable: u64,
    pub skipped: u64,
    pub ignored: u64,
}

impl Totals {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Changed => self.changed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unreachable => self.unreachable += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Ignored => self.ignored += 1,
        }
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Totals) {
        self.ok += other.ok;
        self.changed += other.changed;
        self.failed += other.failed;
        self.unreachable += other.unreachable;
        self.skipped += other.skipped;
        self.ignored += other.ignored;
    }
}

/// A host's result of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HostResult {
    pub outcome: Outcome,
    pub took: u64,
    pub msg: String,
    pub detail: String,
    /// Where in the output the event was written.
    pub offset: u64,
    /// Where its lines begin; they end at `offset`.
    #[serde(default)]
    pub began: u64,
    /// When it came.
    #[serde(default)]
    pub at: Time,
}

impl HostResult {
    /// A byte of its first line: of the last one before it where it wrote none of its own (each item of a loop did).
    pub fn place(&self) -> u64 {
        if self.began < self.offset { self.began } else { self.offset.saturating_sub(1) }
    }
}

/// A task as it is now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TaskState {
    pub id: String,
    pub name: String,
    pub action: String,
    pub handler: bool,
    pub no_log: bool,
    pub path: String,
    pub started: Time,
    pub ended: Option<Time>,
    /// Hosts at work, with the time they began.
    pub running: BTreeMap<String, Time>,
    pub results: BTreeMap<String, HostResult>,
    /// Items done so far, by host.
    pub items: BTreeMap<String, u32>,
    pub totals: Totals,
    pub offset: u64,
}

/// A play as it is now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlayPart {
    pub id: String,
    pub name: String,
    pub hosts: Vec<String>,
    pub tasks: Vec<TaskState>,
    pub started: Time,
}

/// A host as it is now.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct HostState {
    pub totals: Totals,
    /// Name of the task it is at, and since when.
    pub now: Option<(String, Time)>,
    /// The message of its first failure, and the task's name.
    pub failure: Option<(String, String)>,
}

/// What the events add up to: plays → tasks → hosts. Each event costs O(log n).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PlayState {
    /// How many events it holds; the next expected number.
    pub events: u64,
    pub playbook: String,
    pub plays: Vec<PlayPart>,
    pub hosts: BTreeMap<String, HostState>,
    pub totals: Totals,
    pub ended: bool,
    /// Bytes of the output that belong to the events so far.
    #[serde(default)]
    pub written: u64,
    /// Where the tasks are: id → (play, task).
    #[serde(skip)]
    places: BTreeMap<String, (usize, usize)>,
}

impl PlayState {
    /// Takes in the next event.
    pub fn apply(&mut self, event: &PlayEvent) {
        self.events += 1;
        self.take(event);
        self.written = self.written.max(event.offset);
    }

    fn take(&mut self, event: &PlayEvent) {
        match &event.body {
            PlayBody::Playbook { name } => {
                self.playbook.clone_from(name);
                self.ended = false;
            }
            PlayBody::Play { id, name, hosts } => {
                self.close_play(event.at);
                for host in hosts {
                    self.hosts.entry(host.clone()).or_default();
                }
                self.plays.push(PlayPart {
                    id: id.clone(),
                    name: name.clone(),
                    hosts: hosts.clone(),
                    tasks: Vec::new(),
                    started: event.at,
                });
            }
            PlayBody::Task { id, name, action, handler, no_log, path } => {
                self.close_task(event.at);
                let play = self.plays.len().saturating_sub(1);
                let Some(part) = self.plays.get_mut(play) else { return };
                self.places.insert(id.clone(), (play, part.tasks.len()));
                part.tasks.push(TaskState {
                    id: id.clone(),
                    name: name.clone(),
                    action: action.clone(),
                    handler: *handler,
                    no_log: *no_log,
                    path: path.clone(),
                    started: event.at,
                    ended: None,
                    running: BTreeMap::new(),
                    results: BTreeMap::new(),
                    items: BTreeMap::new(),
                    totals: Totals::default(),
                    offset: event.offset,
                });
            }
            PlayBody::Start { task, host } => {
                let Some(t) = self.task_mut(task) else { return };
                t.running.insert(host.clone(), event.at);
                t.ended = None;
                let name = t.name.clone();
                self.hosts.entry(host.clone()).or_default().now = Some((name, event.at));
            }
            PlayBody::Item { task, host, .. } => {
                if let Some(t) = self.task_mut(task) {
                    *t.items.entry(host.clone()).or_default() += 1;
                }
            }
            PlayBody::Retry { .. } => {}
            PlayBody::Result { task, host, outcome, took, msg, detail } => {
                let result = HostResult {
                    outcome: *outcome,
                    took: *took,
                    msg: msg.clone(),
                    detail: detail.clone(),
                    offset: event.offset,
                    began: self.written.min(event.offset),
                    at: event.at,
                };
                self.result(task, host, result, event.at);
            }
            PlayBody::Stats { .. } => {}
            PlayBody::Wrote => {}
            PlayBody::End => {
                self.close_play(event.at);
                for host in self.hosts.values_mut() {
                    host.now = None;
                }
                self.ended = true;
            }
        }
    }

    fn result(&mut self, task: &str, host: &str, result: HostResult, at: Time) {
        let Some(t) = self.task_mut(task) else { return };
        let (outcome, name, msg) = (result.outcome, t.name.clone(), result.msg.clone());
        t.running.remove(host);
        t.totals.count(outcome);
        t.results.insert(host.to_owned(), result);
        self.close_passed(task, at);
        self.totals.count(outcome);
        let h = self.hosts.entry(host.to_owned()).or_default();
        h.now = None;
        h.totals.count(outcome);
        if outcome.bad() && h.failure.is_none() {
            h.failure = Some((name, msg));
        }
    }

    /// Must be called after a state came out of its stored form.
    pub fn index(&mut self) {
        self.places = self
            .plays
            .iter()
            .enumerate()
            .flat_map(|(p, part)| part.tasks.iter().enumerate().map(move |(t, task)| (task.id.clone(), (p, t))))
            .collect();
    }

    /// Hosts that failed or were unreachable, in order of name.
    pub fn failed_hosts(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, h)| h.totals.failed + h.totals.unreachable > 0).map(|(name, _)| name.clone()).collect()
    }

    fn task_mut(&mut self, id: &str) -> Option<&mut TaskState> {
        let &(play, task) = self.places.get(id)?;
        self.plays.get_mut(play)?.tasks.get_mut(task)
    }

    /// A new task closes the last one, unless hosts are still at it: those of strategy `free` go their own pace.
    fn close_task(&mut self, at: Time) {
        if let Some(task) = self.plays.last_mut().and_then(|p| p.tasks.last_mut())
            && task.running.is_empty()
        {
            task.ended.get_or_insert(at);
        }
    }

    /// The last host closes its task: of one that is no longer the newest the last at work, else the last of all.
    fn close_passed(&mut self, id: &str, at: Time) {
        let Some(&(play, task)) = self.places.get(id) else { return };
        let Some(part) = self.plays.get_mut(play) else { return };
        let all = part.tasks[task].results.len() >= part.hosts.len();
        if (all || task + 1 < part.tasks.len()) && part.tasks[task].running.is_empty() {
            part.tasks[task].ended = Some(at);
        }
    }

    fn close_play(&mut self, at: Time) {
        for task in self.plays.last_mut().into_iter().flat_map(|p| &mut p.tasks) {
            task.ended.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: PlayBody) -> PlayEvent {
        PlayEvent { at: Time(5), offset: 0, body }
    }

    #[test]
    fn results_add_up_per_task_host_and_playbook() {
        let mut state = PlayState::default();
        let hosts = vec!["a".to_owned(), "b".to_owned()];
        state.apply(&event(PlayBody::Play { id: "p".into(), name: "all".into(), hosts }));
        state.apply(&event(PlayBody::Task {
            id: "t".into(),
            name: "install".into(),
            action: "apt".into(),
            handler: false,
            no_log: false,
            path: String::new(),
        }));
        state.apply(&event(PlayBody::Start { task: "t".into(), host: "a".into() }));
        assert_eq!(state.hosts["a"].now.as_ref().unwrap().0, "install");
        for (host, outcome) in [("a", Outcome::Changed), ("b", Outcome::Failed)] {
            state.apply(&event(PlayBody::Result {
                task: "t".into(),
                host: host.into(),
                outcome,
                took: 3,
                msg: "no space".into(),
                detail: String::new(),
            }));
        }
        assert_eq!(state.totals, Totals { changed: 1, failed: 1, ..Totals::default() });
        assert_eq!(state.failed_hosts(), ["b"]);
        assert_eq!(state.hosts["b"].failure, Some(("install".into(), "no space".into())));
        let mut again: PlayState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        again.index();
        assert_eq!(again, state);
    }

    #[test]
    fn hosts_that_go_their_own_pace_keep_a_task_open() {
        let mut state = PlayState::default();
        let mut at = 0;
        let mut tell = |body| {
            at += 1;
            state.apply(&PlayEvent { at: Time(at), offset: 0, body });
            state.plays.iter().flat_map(|p| p.tasks.iter().map(|t| t.ended.map(|e| e.0))).collect::<Vec<_>>()
        };
        let task = |id: &str| PlayBody::Task {
            id: id.into(),
            name: id.into(),
            action: "x".into(),
            handler: false,
            no_log: false,
            path: String::new(),
        };
        let start = |id: &str, host: &str| PlayBody::Start { task: id.into(), host: host.into() };
        let result = |id: &str, host: &str| PlayBody::Result {
            task: id.into(),
            host: host.into(),
            outcome: Outcome::Ok,
            took: 0,
            msg: String::new(),
            detail: String::new(),
        };
        tell(PlayBody::Play { id: "p".into(), name: "p".into(), hosts: vec!["a".into(), "b".into()] });
        tell(task("one"));
        tell(start("one", "a"));
        tell(start("one", "b"));
        tell(result("one", "a"));
        let ended = tell(task("two"));
        assert_eq!(ended, [None, None], "b is still at the first task");
        tell(start("two", "a"));
        assert_eq!(tell(result("one", "b")), [Some(8), None]);
        assert_eq!(tell(PlayBody::End), [Some(8), Some(9)]);
    }
}
