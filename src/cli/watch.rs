//! Following a run to its end: steps as they change, output line by line, questions, a summary.

use std::future::Future;
use std::io::IsTerminal;
use std::pin::Pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

use crate::client::{Client, Incoming};
use crate::model::time::work_duration;
use crate::model::{Class, Prompt, PromptId, PromptState, Run, RunNo, RunState, StepState};
use crate::protocol::command::{OutputPage, Refusal, RefusalCode, StepPlay};
use crate::protocol::{Answer, Command, EventBody, FromEngine, Live, Topic};

use super::answer;
use super::ask::Asker;
use super::exit::{Code, Ended, Stop};
use super::out::{Out, Tone, remark};
use super::session::{Session, answer_as};
use super::tail::{Say, Stream, Tail, Want, counts, totals};

/// How often output is asked for when nothing tells of growth.
const NUDGE: Duration = Duration::from_millis(250);
/// Width of the word that tells a step's state.
const WORD: usize = 10;

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Follows a run until it ends, or until Ctrl-C, which leaves the run as it is.
///
/// # Errors
/// There is no such run; the line is lost for good.
pub async fn watch(session: &mut Session, out: &mut Out, run: RunNo) -> Ended {
    let terminal = out.terminal && std::io::stderr().is_terminal();
    let bar = Bar::new(terminal);
    let mut watch = Watch {
        session,
        out,
        run,
        bar,
        tail: Tail::default(),
        page: None,
        question: None,
        told: Vec::new(),
        last: None,
        plays: Vec::new(),
    };
    let ended = tokio::select! {
        ended = watch.follow() => ended,
        _ = tokio::signal::ctrl_c() => Err(Stop::Quiet(Code::Interrupted)),
    };
    watch.bar.clear();
    if ended == Err(Stop::Quiet(Code::Interrupted)) {
        remark(&format!("\nrun {run} goes on. Follow it: quarterdeck run tail {run}; cancel it: quarterdeck run cancel {run}"));
    }
    watch.out.flush()?;
    ended
}

struct Watch<'a> {
    session: &'a mut Session,
    out: &'a mut Out,
    run: RunNo,
    bar: Bar,
    tail: Tail,
    /// The page of output that is on its way.
    page: Option<Pending<(Stream, Result<Answer, Refusal>)>>,
    /// The question that is being asked.
    question: Option<(PromptId, Pending<Option<Command>>)>,
    /// Prompts that were asked or told of.
    told: Vec<PromptId>,
    /// The run as it ended.
    last: Option<Run>,
    plays: Vec<StepPlay>,
}

impl Watch<'_> {
    async fn follow(&mut self) -> Ended {
        self.session.state().await?;
        self.refresh(true).await?;
        let mut nudge = interval(NUDGE);
        nudge.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(run) = self.last.clone()
                && self.tail.drained()
            {
                return self.summary(&run);
            }
            self.ask_for_output();
            self.ask_person()?;
            tokio::select! {
                incoming = self.session.next() => {
                    let incoming = incoming?;
                    self.take(incoming).await?;
                }
                (stream, result) = ready(&mut self.page) => {
                    self.page = None;
                    self.take_page(stream, result)?;
                }
                command = answered(&mut self.question) => {
                    self.question = None;
                    self.bar.show();
                    self.send_answer(command).await?;
                }
                _ = nudge.tick() => {
                    self.tail.nudge();
                    self.bar.tick();
                }
            }
        }
    }

    /// Reads the run anew: at the start, after the line was lost, and at the end, so that nothing is missed.
    async fn refresh(&mut self, first: bool) -> Result<(), Stop> {
        let topics = vec![Topic::Run { run: self.run }];
        self.session.ask(Command::Subscribe { topics }).await?;
        let (run, steps, plays) = answer_as!(
            self.session,
            Command::RunDetail { run: self.run },
            Answer::RunDetail { run, steps, plays } => (run, steps, plays)
        )?;
        if first {
            self.say(vec![Say::Heading(format!("run {}: {}", run.number, run.title))])?;
        }
        let say: Vec<Say> = steps.iter().flat_map(|step| self.tail.step(step)).collect();
        self.say(say)?;
        self.bar.run(&run);
        if first {
            self.bar.show();
        }
        self.plays = plays;
        if run.state.ended() {
            self.last = Some(*run);
        }
        Ok(())
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), Stop> {
        match incoming {
            Incoming::Lost { failure, retry_in: Some(wait) } => {
                let wait = work_duration(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                self.remark(&format!("the line to the engine was lost: {}; trying again in {wait}", failure.got));
                Ok(())
            }
            Incoming::Lost { failure, retry_in: None } => Err(failure.into()),
            Incoming::Connected(_) => self.refresh(false).await,
            Incoming::Engine(FromEngine::Events { events, .. } | FromEngine::Snapshot { events, .. }) => {
                let mut ended = false;
                for event in events {
                    ended |= self.event(event.body)?;
                }
                if ended { self.refresh(false).await } else { Ok(()) }
            }
            Incoming::Engine(FromEngine::Live { body: Live::Output { run, step, attempt, lines, .. }, .. }) => {
                if run == self.run {
                    self.tail.grew((step, attempt), lines);
                }
                Ok(())
            }
            Incoming::Engine(FromEngine::Bye(bye)) => {
                self.remark(&format!("{} ({})", bye.reason, bye.next));
                Ok(())
            }
            Incoming::Engine(_) => Ok(()),
        }
    }

    /// Takes in one recorded event; whether the run has just ended.
    fn event(&mut self, body: EventBody) -> Result<bool, Stop> {
        match body {
            EventBody::Step(step) if step.run == self.run => {
                let say = self.tail.step(&step);
                self.say(say)?;
                self.bar.started(&step.title, &step.state);
            }
            EventBody::Run(run) if run.number == self.run => {
                self.bar.run(&run);
                return Ok(run.state.ended() && self.last.is_none());
            }
            EventBody::Prompt(prompt) if prompt.run == self.run => self.prompt_changed(&prompt)?,
            _ => {}
        }
        Ok(false)
    }

    fn ask_for_output(&mut self) {
        if self.page.is_some() {
            return;
        }
        let Some(Want { stream, from, count }) = self.tail.want() else { return };
        let client: Client = self.session.client.clone();
        let (run, (step, attempt)) = (self.run, stream);
        self.page = Some(Box::pin(async move {
            (
                stream,
                client.request(Command::OutputPage { run, step, attempt, from, count, pick: Vec::new(), times: false }).await,
            )
        }));
    }

    fn take_page(&mut self, stream: Stream, result: Result<Answer, Refusal>) -> Result<(), Stop> {
        let say = match result {
            Ok(Answer::Output(page)) => self.tail.page(stream, page),
            Ok(_) => self.tail.lost(stream, Some("the engine's answer does not fit the question")),
            // An attempt that failed before it wrote a line has no output.
            Err(refusal) if refusal.code == RefusalCode::NotFound => self.tail.page(stream, nothing()),
            Err(refusal) if matches!(refusal.failure.class, Class::Transient | Class::Throttled) => self.tail.lost(stream, None),
            Err(refusal) => self.tail.lost(stream, Some(&refusal.failure.line())),
        };
        self.say(say)
    }

    /// Puts an open prompt to the person, or says how it can be answered when there is none.
    fn ask_person(&mut self) -> Result<(), Stop> {
        if self.question.is_some() || self.last.is_some() {
            return Ok(());
        }
        let mut open = self.session.mirror.prompts().values().filter(|p| p.run == self.run);
        let Some(prompt) = open.find(|p| !self.told.contains(&p.id)).cloned() else { return Ok(()) };
        self.told.push(prompt.id);
        self.bar.hide();
        for line in answer::question(&prompt) {
            self.out.toned(Tone::Busy, &format!("{:WORD$}", "asks"), &line)?;
        }
        self.out.flush()?;
        match Asker::open().filter(|_| self.bar.terminal) {
            Some(asker) => self.question = Some((prompt.id, Box::pin(answer::ask(asker, prompt)))),
            None => {
                self.out.line(&format!("{:WORD$}{}", "", answer::how(&prompt)))?;
                self.out.flush()?;
            }
        }
        Ok(())
    }

    fn prompt_changed(&mut self, prompt: &Prompt) -> Result<(), Stop> {
        if self.question.as_ref().is_some_and(|(id, _)| *id == prompt.id) && prompt.state != PromptState::Open {
            self.question = None;
            self.bar.show();
        }
        if let PromptState::Answered { by, word, .. } = &prompt.state
            && self.told.contains(&prompt.id)
        {
            let word = if word.is_empty() { "an answer" } else { word };
            self.say(vec![Say::Remark(format!("{by} gave {word}"))])?;
        }
        Ok(())
    }

    async fn send_answer(&mut self, command: Option<Command>) -> Result<(), Stop> {
        let Some(command) = command else {
            let run = self.run;
            self.remark(&format!("no answer given; quarterdeck run answer {run} gives one later"));
            return Ok(());
        };
        match self.session.client.request(command).await {
            Ok(_) => Ok(()),
            Err(refusal) => {
                self.told.pop();
                self.remark(&refusal.failure.to_string());
                Ok(())
            }
        }
    }

    fn say(&mut self, say: Vec<Say>) -> Result<(), Stop> {
        if say.is_empty() {
            return Ok(());
        }
        let (out, starts) = (&mut *self.out, !self.bar.terminal);
        self.bar.aside(|| {
            for line in say {
                print(out, line, starts)?;
            }
            out.flush()
        })?;
        Ok(())
    }

    fn remark(&self, text: &str) {
        self.bar.aside(|| remark(text));
    }

    fn summary(&mut self, run: &Run) -> Ended {
        self.bar.clear();
        summary(self.out, run, &self.plays)?;
        Ok(Code::of_run(run.state))
    }
}

/// Waits for what is pending; for ever when nothing is.
async fn ready<T>(pending: &mut Option<Pending<T>>) -> T {
    match pending {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn answered(question: &mut Option<(PromptId, Pending<Option<Command>>)>) -> Option<Command> {
    match question {
        Some((_, future)) => future.await,
        None => std::future::pending().await,
    }
}

fn nothing() -> OutputPage {
    OutputPage { attempt: 0, from: 0, lines: Vec::new(), times: Vec::new(), total: 0, bytes: 0, ended: true }
}

/// Prints one thing; `starts`: also that steps begin (a progress bar shows that better).
pub fn print(out: &mut Out, say: Say, starts: bool) -> std::io::Result<()> {
    match say {
        Say::Began(title) if starts => out.toned(Tone::Dim, &format!("{:WORD$}", "starts"), &title),
        Say::Began(_) => Ok(()),
        Say::Step { state, text } => {
            let tone = match state {
                StepState::Done => Tone::Good,
                StepState::Failed | StepState::UndoFailed => Tone::Bad,
                StepState::Waiting { .. } => Tone::Busy,
                _ => Tone::Dim,
            };
            out.toned(tone, &format!("{:WORD$}", state.to_string()), &text)
        }
        Say::Heading(title) => out.toned(Tone::Strong, &format!("── {title}"), ""),
        Say::Output(line) => out.line(&line),
        Say::Remark(text) => out.toned(Tone::Dim, &format!("{:WORD$}", "note"), &text),
    }
}

/// How a run ended: state, time, counts, what failed and where.
pub fn summary(out: &mut Out, run: &Run, plays: &[StepPlay]) -> Result<(), Stop> {
    let took = match (run.started, run.ended) {
        (Some(start), Some(end)) => format!(" in {}", work_duration(end.since(start))),
        _ => String::new(),
    };
    let tone = if run.state == RunState::Done { Tone::Good } else { Tone::Bad };
    out.toned(
        tone,
        &format!("{:WORD$}", run.state.to_string()),
        &format!("run {}: {}{took}; {}", run.number, run.title, counts(run)),
    )?;
    if let Some(built) = run.built() {
        out.line(&format!("{:WORD$}{built}", "steps"))?;
    } else if run.play_totals != Default::default() {
        out.line(&format!("{:WORD$}{}", "playbooks", totals(&run.play_totals)))?;
    }
    for (host, task, message) in failed_hosts(plays) {
        out.toned(Tone::Bad, &format!("{:WORD$}", "failed"), &format!("{host}  {task}: {message}"))?;
    }
    if let Some(failure) = run.failure.as_ref().filter(|_| run.state != RunState::Done) {
        out.lines(&failure.to_string())?;
    }
    if run.state == RunState::Failed {
        out.line(&format!("{:WORD$}quarterdeck run retry {}", "next", run.number))?;
    }
    out.flush()?;
    Ok(())
}

/// Hosts that failed, with the task and the first line of its message.
fn failed_hosts(plays: &[StepPlay]) -> Vec<(String, String, String)> {
    let mut failed = Vec::new();
    for play in plays {
        for host in play.state.failed_hosts() {
            let (task, message) = play.state.hosts.get(&host).and_then(|h| h.failure.clone()).unwrap_or_default();
            failed.push((host, task, message.lines().next().unwrap_or_default().to_owned()));
        }
    }
    failed
}

/// The progress bar of a run: on a terminal only, below what is printed.
struct Bar {
    terminal: bool,
    bar: ProgressBar,
}

impl Bar {
    fn new(terminal: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos}/{len}  {elapsed}  {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        // It is shown once it is known how many steps there are.
        Self { terminal, bar }
    }

    fn show(&self) {
        if self.terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
    }

    fn hide(&self) {
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn tick(&self) {
        self.bar.tick();
    }

    fn run(&self, run: &Run) {
        let steps = &run.steps;
        self.bar.set_length(u64::from(steps.total));
        self.bar.set_position(u64::from(steps.done + steps.failed + steps.skipped + steps.undone));
        let message = run.waits.clone().unwrap_or_else(|| run.in_flight.join(", "));
        self.bar.set_message(crate::model::text::clean(&message).into_owned());
    }

    fn started(&self, title: &str, state: &StepState) {
        if *state == StepState::Running && self.bar.message().is_empty() {
            self.bar.set_message(crate::model::text::clean(title).into_owned());
        }
    }

    /// Prints without the bar in the way.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.terminal { self.bar.suspend(print) } else { print() }
    }
}

#[cfg(test)]
mod tests;
