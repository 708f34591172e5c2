//! The screen of one run: steps, plays → tasks, hosts, output. A replay is shown by the same screen: only where the
//! facts come from differs.

mod actions;
mod draw;
mod replay;
mod results;
mod rows;
mod seek;
mod texts;

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::client::Mirror;
use crate::model::{PlayState, Run, RunNo, Step, StepState};
use crate::protocol::Command;

use super::layout;
use super::msg::Slot;
use super::state::Model;
use super::viewer;
use super::widgets::log::LogView;
use super::widgets::table::Table;

pub use actions::{offers, run_actions};
pub use draw::draw;
pub use replay::Replay;
pub use results::{Only, Show, outcome_sign};
pub use seek::{act as act_on_replay, begin as begin_replay, seek_to};
pub use texts::{result_place, result_text};

/// A part of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Steps,
    Plays,
    Hosts,
    Output,
}

impl Part {
    /// All parts, in the order of the screen.
    pub const ALL: [Part; 4] = [Part::Steps, Part::Plays, Part::Hosts, Part::Output];

    /// Its name, as others see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Plays => "plays",
            Self::Hosts => "hosts",
            Self::Output => "output",
        }
    }

    /// The part of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// The run that is open, and how it is looked at.
#[derive(Debug)]
pub struct RunView {
    pub number: RunNo,
    pub part: Part,
    pub steps: Table,
    pub plays: Table,
    pub hosts: Table,
    pub log: LogView,
    /// Whose output is shown: step and attempt.
    pub log_of: Option<(u32, u32)>,
    pub show: Show,
    /// Only what is about one host is shown.
    pub host_only: bool,
    pub replay: Option<Box<Replay>>,
    asked_detail: bool,
    /// A byte of a step's output that is to be gone to, then the line that holds it.
    to_byte: Option<(u32, u64)>,
    to_line: Option<u64>,
    /// A replay begins as soon as the steps are here.
    replay_wanted: bool,
}

/// The facts of a run: as they are, or as a replay has them now.
pub struct Facts<'a> {
    pub run: &'a Run,
    pub steps: &'a BTreeMap<u32, Step>,
    plays: &'a dyn Fn(u32) -> Option<&'a PlayState>,
}

static NO_STEPS: BTreeMap<u32, Step> = BTreeMap::new();

impl RunView {
    /// The screen of a run, following what happens.
    pub fn new(number: RunNo) -> Self {
        Self {
            number,
            part: Part::Steps,
            steps: Table::lazy(),
            plays: Table::lazy(),
            hosts: Table::lazy(),
            log: LogView::default(),
            log_of: None,
            show: Show::default(),
            host_only: false,
            replay: None,
            asked_detail: false,
            to_byte: None,
            to_line: None,
            replay_wanted: false,
        }
    }

    /// Plays the run back, as soon as its steps are here.
    pub fn begin_replay(&mut self) {
        self.replay_wanted = true;
    }

    fn start_replay(&mut self, model: &Model) {
        let steps = model.mirror.steps(self.number).filter(|steps| !steps.is_empty());
        if let (true, Some(run), Some(steps)) = (self.replay_wanted, model.mirror.runs().get(&self.number), steps) {
            self.replay = Some(Box::new(Replay::new(run.clone(), steps.clone(), model.now)));
            self.replay_wanted = false;
            self.log_of = None;
            self.follow();
        }
    }

    /// Calls `look` with the facts, when the run is known.
    pub fn with_facts<R>(&self, mirror: &Mirror, look: impl FnOnce(&Facts<'_>) -> R) -> Option<R> {
        if let Some(replay) = &self.replay {
            let plays = |step: u32| replay.play(step);
            return Some(look(&Facts { run: replay.run(), steps: replay.steps(), plays: &plays }));
        }
        let run = mirror.runs().get(&self.number)?;
        let steps = mirror.steps(self.number).unwrap_or(&NO_STEPS);
        let plays = |step: u32| mirror.plays.get(&(self.number, step)).map(|p| &p.state);
        Some(look(&Facts { run, steps, plays: &plays }))
    }

    /// The table of the focused part; the output has none.
    pub fn table_mut(&mut self) -> Option<&mut Table> {
        match self.part {
            Part::Steps => Some(&mut self.steps),
            Part::Plays => Some(&mut self.plays),
            Part::Hosts => Some(&mut self.hosts),
            Part::Output => None,
        }
    }

    /// Makes all rows anew, and asks for what is missing.
    pub fn make_rows(&mut self, model: &mut Model) {
        self.start_replay(model);
        if let Some(replay) = &mut self.replay {
            replay.advance(model.now);
            if let Some((step, from)) = replay.wants_events()
                && model.is_idle(&Slot::ReplayPlays(step))
            {
                let command = Command::PlayPage { run: self.number, step, attempt: replay.attempt(step), from, count: 2000 };
                model.request(Slot::ReplayPlays(step), command);
            }
            if let Some((step, from)) = replay.wants_lines()
                && model.is_idle(&Slot::ReplayOutput(step))
            {
                let command = Command::OutputPage {
                    run: self.number,
                    step,
                    attempt: replay.attempt(step),
                    from,
                    count: 2000,
                    pick: Vec::new(),
                    times: false,
                };
                model.request(Slot::ReplayOutput(step), command);
            }
        }
        let host_only = self.host_only;
        let host = self.with_facts(&model.mirror, |facts| {
            let (_, play) = facts.shown_play(facts.shown_step(self.steps.selected())).filter(|_| host_only)?;
            results::meant_host(play, self.hosts.selected())
        });
        self.show.host = host.flatten();
        let made = self.with_facts(&model.mirror, |facts| {
            let step = facts.shown_step(self.steps.selected());
            (
                rows::steps(facts, model.now, &self.show),
                results::play_parts(facts, step, model.now, &self.show),
                step,
                facts.follows(),
                rows::columns(facts.run.kind),
            )
        });
        let Some((steps, (plays, hosts, task), shown, follows, columns)) = made else {
            self.ask_detail(model);
            return;
        };
        self.steps.current = follows.map(|index| index.to_string());
        self.steps.set_rows(rows::STEPS, steps);
        self.plays.current = task;
        self.plays.set_rows(columns.0, plays);
        self.hosts.set_rows(columns.1, hosts);
        self.ask_detail(model);
        self.show_output(model, shown);
        self.go_on(model);
    }

    /// Shows the output of a step, and asks for the lines that are missing in the window.
    fn show_output(&mut self, model: &mut Model, step: Option<u32>) {
        let Some(step) = step else { return };
        let (attempt, lines) = match &self.replay {
            Some(replay) => (replay.attempt(step), Some(replay.lines(step))),
            None => match model.mirror.outputs.get(&(self.number, step)) {
                Some(size) => (size.attempt, Some(size.lines)),
                None => (0, None),
            },
        };
        if self.log_of != Some((step, attempt)) {
            self.log_of = Some((step, attempt));
            self.log = self.log.anew();
            self.fit(model.area, self.failure_lines(&model.mirror), self.has_playbooks(&model.mirror));
        }
        if let Some(lines) = lines {
            self.log.set_total(lines);
        }
        self.log.set_host(self.show.host.as_deref());
        viewer::ask(&mut self.log, model, (self.number, step, attempt));
    }

    /// Goes to the line of a step's output that holds a byte, as soon as it is known which one that is.
    pub fn go_to_byte(&mut self, step: u32, byte: u64) {
        self.host_only = false;
        self.show.host = None;
        (self.to_byte, self.to_line) = (Some((step, byte)), None);
    }

    /// It is this line.
    pub fn go_to_line(&mut self, line: u64) {
        self.to_line = Some(line);
    }

    fn go_on(&mut self, model: &mut Model) {
        if let Some((step, byte)) = self.to_byte
            && let Some((_, attempt)) = self.log_of.filter(|(of, _)| *of == step)
        {
            model.request(Slot::Line, Command::OutputLine { run: self.number, step, attempt, byte });
            self.to_byte = None;
        }
        if let Some(line) = self.to_line.filter(|line| self.log.total() > *line) {
            self.log.show_all();
            self.log.go_to_line(line);
            self.to_line = None;
        }
    }

    fn ask_detail(&mut self, model: &mut Model) {
        if !self.asked_detail && model.ready {
            self.asked_detail = true;
            model.request(Slot::Detail(self.number), Command::RunDetail { run: self.number });
        }
        for missing in model.mirror.missing_plays(self.number) {
            let slot = Slot::Plays(missing.run, missing.step);
            let (step, attempt, from, count) = (missing.step, missing.attempt, missing.from, missing.count.min(2000));
            if model.is_idle(&slot) {
                model.request(slot, Command::PlayPage { run: missing.run, step, attempt, from, count });
            }
        }
    }

    /// What was asked for is to be asked again: the line is new, or it was refused and somebody wants it again.
    pub fn ask_anew(&mut self) {
        self.asked_detail = false;
        self.log.failed();
        self.log.search_failed();
    }

    /// Whether the run has playbooks, now or later.
    pub fn has_playbooks(&self, mirror: &Mirror) -> bool {
        self.with_facts(mirror, |f| f.steps.values().any(|s| s.work.plays())).unwrap_or(false)
    }

    /// How many lines the failure takes.
    pub fn failure_lines(&self, mirror: &Mirror) -> u16 {
        let failure = self.with_facts(mirror, |facts| texts::failure(facts, self.steps.selected())).flatten();
        failure.as_ref().map_or(0, texts::Shown::lines)
    }

    /// Tells every part how many rows it has on a screen of this size.
    pub fn fit(&mut self, area: Rect, failure_lines: u16, playbooks: bool) {
        let frame = layout::frame(area, false);
        let body = layout::run_body(frame.body, failure_lines, playbooks);
        for (table, part) in [&mut self.steps, &mut self.plays, &mut self.hosts].into_iter().zip(body.parts) {
            table.set_window(part.height.saturating_sub(1));
        }
        self.log.set_window(body.output.width.saturating_sub(2), body.output.height);
    }

    /// The parts that can have the focus.
    pub fn parts(&self, mirror: &Mirror) -> &'static [Part] {
        if self.has_playbooks(mirror) {
            &[Part::Steps, Part::Plays, Part::Hosts, Part::Output]
        } else {
            &[Part::Steps, Part::Output]
        }
    }

    /// Moves the focus to the next or the previous part.
    pub fn next_part(&mut self, mirror: &Mirror, back: bool) {
        let parts = self.parts(mirror);
        let at = parts.iter().position(|p| *p == self.part).unwrap_or(0);
        let next = if back { at + parts.len() - 1 } else { at + 1 };
        self.part = parts[next % parts.len()];
    }

    /// Follows what happens again: nothing is selected, the output is at its end.
    pub fn follow(&mut self) {
        for table in [&mut self.steps, &mut self.plays, &mut self.hosts] {
            table.select(None);
        }
        self.log.follow(true);
    }
}

impl<'a> Facts<'a> {
    /// The playbook of a step.
    pub fn play(&self, step: u32) -> Option<&'a PlayState> {
        (self.plays)(step)
    }

    /// The step that matters most now: a failed one of an ended run, what runs, else the last that ended.
    pub fn follows(&self) -> Option<u32> {
        let playbook = |s: &&Step| s.work.plays();
        let is = |want: fn(&StepState) -> bool| self.steps.values().filter(move |s| want(&s.state));
        let running = || is(|s| matches!(s, StepState::Running | StepState::Undoing));
        let failed = || is(|s| matches!(s, StepState::Failed | StepState::UndoFailed));
        let ended = || is(StepState::ended).filter(|s| s.started.is_some());
        let first = |s: &Step| s.index;
        if !self.run.state.ended() {
            let live = running().find(playbook).or_else(|| running().next()).map(first);
            if live.is_some() {
                return live;
            }
        }
        failed()
            .next()
            .or_else(|| ended().filter(playbook).max_by_key(|s| s.index))
            .or_else(|| ended().max_by_key(|s| (s.ended, s.index)))
            .or_else(|| self.steps.values().next())
            .map(first)
    }

    /// The step whose output is shown: the selected one, else the one that matters most.
    pub fn shown_step(&self, selected: Option<&str>) -> Option<u32> {
        selected.and_then(|id| id.parse().ok()).or_else(|| self.follows())
    }

    /// The playbook that plays and hosts are shown of: that of the shown step, else the last that began.
    pub fn shown_play(&self, shown: Option<u32>) -> Option<(u32, &'a PlayState)> {
        let of = |index: u32| self.play(index).map(|p| (index, p));
        let any = || self.steps.values().rev().filter(|s| s.started.is_some()).find_map(|s| of(s.index));
        shown.and_then(of).or_else(any)
    }
}
