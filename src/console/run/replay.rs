//! A recorded run, played back: the same facts, as they were at a time that goes on at any speed.

use std::collections::BTreeMap;

use crate::model::play::PlayBody;
use crate::model::{PlayEvent, PlayState, Run, RunState, Step, StepState, Time, Work};

/// Speeds, as factors.
const SPEEDS: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// The recorded output of a step, as far as it has been read: where each line ends.
#[derive(Debug, Default)]
struct Output {
    ends: Vec<u64>,
    /// All lines are here.
    whole: bool,
}

/// The recorded playbook of a step.
#[derive(Debug, Default)]
struct Playbook {
    events: Vec<PlayEvent>,
    whole: bool,
    /// What the first events add up to.
    state: PlayState,
}

/// A run being played back.
#[derive(Debug)]
pub struct Replay {
    recorded: Run,
    recorded_steps: BTreeMap<u32, Step>,
    playbooks: BTreeMap<u32, Playbook>,
    outputs: BTreeMap<u32, Output>,
    run: Run,
    steps: BTreeMap<u32, Step>,
    /// The recorded time that is shown.
    at: Time,
    /// When it was last moved on.
    moved: Time,
    speed: usize,
    paused: bool,
}

impl Replay {
    /// Begins at the run's start.
    pub fn new(run: Run, steps: BTreeMap<u32, Step>, now: Time) -> Self {
        let at = run.started.unwrap_or(run.created);
        // A command tells when it had written how much: for its output, not for plays.
        let is_play = |s: &&Step| (s.work.plays() || matches!(s.work, Work::Command { .. })) && s.attempt > 0;
        let playbooks = steps.values().filter(is_play).map(|s| (s.index, Playbook::default())).collect();
        let outputs = steps.values().filter(|s| s.attempt > 0).map(|s| (s.index, Output::default())).collect();
        let mut replay = Self {
            recorded: run.clone(),
            recorded_steps: steps.clone(),
            playbooks,
            outputs,
            run,
            steps,
            at,
            moved: now,
            speed: 0,
            paused: false,
        };
        replay.show();
        replay
    }

    /// The run as it was.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The steps as they were.
    pub fn steps(&self) -> &BTreeMap<u32, Step> {
        &self.steps
    }

    /// A step's playbook as it was.
    pub fn play(&self, step: u32) -> Option<&PlayState> {
        let is_play = self.recorded_steps.get(&step)?.work.plays();
        self.playbooks.get(&step).map(|p| &p.state).filter(|s| is_play && s.events > 0)
    }

    /// The attempt whose output is shown.
    pub fn attempt(&self, step: u32) -> u32 {
        self.recorded_steps.get(&step).map_or(0, |s| s.attempt)
    }

    /// The recorded time that is shown.
    pub fn at(&self) -> Time {
        self.at
    }

    /// `4×`, or that it stands still.
    pub fn pace(&self) -> String {
        if self.ended() {
            "at its end".to_owned()
        } else if self.paused {
            "paused".to_owned()
        } else {
            format!("{}×", SPEEDS[self.speed])
        }
    }

    /// It has come to the run's end.
    pub fn ended(&self) -> bool {
        self.recorded.ended.is_none_or(|end| self.at >= end)
    }

    /// Time goes on in it.
    pub fn playing(&self) -> bool {
        !self.paused && !self.ended()
    }

    /// Holds it, or goes on; at the end it is made ready to go on from elsewhere.
    pub fn pause(&mut self, now: Time) {
        self.paused = !self.paused && !self.ended();
        self.moved = now;
    }

    /// When the run began and ended.
    pub fn span(&self) -> (Time, Time) {
        let from = self.recorded.started.unwrap_or(self.recorded.created);
        (from, self.recorded.ended.unwrap_or(from))
    }

    /// Goes to a time; says whether it is an earlier one.
    pub fn seek(&mut self, at: Time, now: Time) -> bool {
        let (from, to) = self.span();
        let at = at.clamp(from, to.max(from));
        let back = at < self.at;
        if back {
            self.playbooks.values_mut().for_each(|p| p.state = PlayState::default());
        }
        (self.at, self.moved) = (at, now);
        self.show();
        back
    }

    /// Where the next task begins, and its name: of a playbook, or a step of another kind.
    pub fn next_task(&self) -> Option<(Time, String)> {
        self.begins().filter(|(at, _)| *at > self.at).min_by_key(|(at, _)| *at).map(owned)
    }

    /// Where the task began that is under way, or the one before when it just began.
    pub fn previous_task(&self) -> Option<(Time, String)> {
        self.begins().filter(|(at, _)| *at < self.at).max_by_key(|(at, _)| *at).map(owned)
    }

    fn begins(&self) -> impl Iterator<Item = (Time, &str)> {
        let events = self.playbooks.values().flat_map(|p| &p.events);
        let tasks = events.filter_map(|event| match &event.body {
            PlayBody::Task { name, .. } => Some((event.at, name.as_str())),
            _ => None,
        });
        let steps = self.recorded_steps.values().filter_map(|step| Some((step.started?, step.title.as_str())));
        tasks.chain(steps)
    }

    /// Where something fails next, and what: a host, else a step.
    pub fn next_failure(&self) -> Option<(Time, String)> {
        let events = self.playbooks.values().flat_map(|p| &p.events);
        let hosts = events.filter_map(|event| match &event.body {
            PlayBody::Result { host, outcome, .. } if outcome.bad() => Some((event.at, host.as_str())),
            _ => None,
        });
        let failed = |s: &&Step| matches!(s.state, StepState::Failed | StepState::UndoFailed);
        let steps = self.recorded_steps.values().filter(failed).filter_map(|s| Some((s.ended?, s.title.as_str())));
        let next = hosts.chain(steps).filter(|(at, _)| *at > self.at).min_by_key(|(at, _)| *at);
        next.map(|(at, who)| (at, format!("{who} fails")))
    }

    /// Changes the speed by so many steps.
    pub fn faster(&mut self, by: isize) {
        self.speed = self.speed.saturating_add_signed(by).min(SPEEDS.len() - 1);
    }

    /// Goes on to `now`.
    pub fn advance(&mut self, now: Time) {
        if self.playing() {
            let passed = now.since(self.moved) * u64::from(SPEEDS[self.speed]);
            self.at = Time(self.at.0.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)));
            if let Some(end) = self.recorded.ended {
                self.at = self.at.min(end);
            }
        }
        self.moved = now;
        self.show();
    }

    /// What is to be read next: a step's events from here.
    pub fn wants_events(&self) -> Option<(u32, u64)> {
        self.playbooks.iter().find(|(_, p)| !p.whole).map(|(step, p)| (*step, p.events.len() as u64))
    }

    /// What is to be read next: a step's lines from here.
    pub fn wants_lines(&self) -> Option<(u32, u64)> {
        self.outputs.iter().find(|(_, o)| !o.whole).map(|(step, o)| (*step, o.ends.len() as u64))
    }

    /// Events of a step's playbook.
    pub fn events(&mut self, step: u32, from: u64, events: Vec<PlayEvent>, total: u64) {
        let Some(playbook) = self.playbooks.get_mut(&step) else { return };
        if from == playbook.events.len() as u64 {
            playbook.whole = events.is_empty() || from + events.len() as u64 >= total;
            playbook.events.extend(events);
        }
    }

    /// Lines of a step's output.
    pub fn output(&mut self, step: u32, from: u64, lines: &[String], total: u64) {
        let Some(output) = self.outputs.get_mut(&step) else { return };
        if from == output.ends.len() as u64 {
            let mut end = output.ends.last().copied().unwrap_or(0);
            output.ends.extend(lines.iter().map(|line| {
                end += line.len() as u64 + 1;
                end
            }));
            output.whole = lines.is_empty() || output.ends.len() as u64 >= total;
        }
    }

    /// How many lines of a step's output there were: up to where the playbook's last event was written, all of them
    /// once the step had ended.
    pub fn lines(&self, step: u32) -> u64 {
        let (Some(output), Some(recorded)) = (self.outputs.get(&step), self.recorded_steps.get(&step)) else { return 0 };
        if recorded.ended.is_some_and(|end| self.at >= end) {
            return output.ends.len() as u64;
        }
        let Some(playbook) = self.playbooks.get(&step) else { return 0 };
        let shown = usize::try_from(playbook.state.events).unwrap_or(0);
        let offset = playbook.events.get(shown.wrapping_sub(1)).map_or(0, |e| e.offset);
        output.ends.partition_point(|end| *end <= offset) as u64
    }

    /// Brings everything to the time that is shown.
    fn show(&mut self) {
        let at = self.at;
        for playbook in self.playbooks.values_mut() {
            let shown = usize::try_from(playbook.state.events).unwrap_or(usize::MAX);
            let more: Vec<&PlayEvent> = playbook.events.iter().skip(shown).take_while(|e| e.at <= at).collect();
            more.into_iter().for_each(|event| playbook.state.apply(event));
        }
        for (index, recorded) in &self.recorded_steps {
            self.steps.insert(*index, step_at(recorded, at));
        }
        let over = self.recorded.ended.is_some_and(|end| at >= end);
        if over {
            self.run = self.recorded.clone();
        } else {
            self.run.state = RunState::Running;
            self.run.failure = None;
            self.run.ended = None;
            self.run.steps.done = self.steps.values().filter(|s| s.state == StepState::Done).count() as u32;
            let running = self.steps.values().filter(|s| s.state == StepState::Running);
            self.run.in_flight = running.take(5).map(|s| s.title.clone()).collect();
        }
    }
}

fn owned((at, name): (Time, &str)) -> (Time, String) {
    (at, name.to_owned())
}

/// A step as it was at a time.
fn step_at(recorded: &Step, at: Time) -> Step {
    let mut step = recorded.clone();
    if recorded.started.is_none_or(|from| from > at) && recorded.ended.is_none_or(|end| end > at) {
        step.state = StepState::Pending;
        step.started = None;
    } else if recorded.ended.is_none_or(|end| end > at) {
        step.state = StepState::Running;
    } else {
        return step;
    }
    step.ended = None;
    step.failure = None;
    step.note = String::new();
    step
}
