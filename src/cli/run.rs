//! `quarterdeck run …`

use std::io::IsTerminal;

use clap::{Args, Subcommand};

use crate::model::time::work_duration;
use crate::model::{Ending, Failure, Prompt, PromptKind, PromptState, Run, RunKind, RunNo, Step};
use crate::protocol::command::StepPlay;
use crate::protocol::{Answer, Command};

use super::answer;
use super::ask::Asker;
use super::cluster::{Go, carry_out, follow};
use super::exit::{Code, Ended, Stop};
use super::find;
use super::lists::{age, clock};
use super::replay;
use super::session::{Session, answer_as};
use super::table::Table;
use super::tail::{counts, totals};
use super::watch::watch;
use super::{App, Json};

/// A run's number, as `42`.
fn number(text: &str) -> Result<RunNo, String> {
    text.parse().map(RunNo).map_err(|_| "a run is named by its number, as 42".to_owned())
}

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List runs, the newest last
    List {
        /// Newest runs
        #[arg(short = 'n', long, default_value_t = 20)]
        count: usize,
        #[command(flatten)]
        json: Json,
    },
    /// Show a run with its steps
    Show {
        #[arg(value_parser = number)]
        run: RunNo,
        #[command(flatten)]
        json: Json,
    },
    /// Follow a run to its end, from its first line
    Tail {
        #[arg(value_parser = number)]
        run: RunNo,
    },
    /// Stop a run
    Cancel(Cancel),
    /// Take up a failed run again where it failed
    Retry {
        #[arg(value_parser = number)]
        run: RunNo,
        /// Run its playbooks only on the hosts that failed
        #[arg(long)]
        failed_hosts: bool,
        /// Return as soon as it has started
        #[arg(long)]
        detach: bool,
    },
    /// Take back what a run did that has ended; shows the plan first
    Undo {
        #[arg(value_parser = number)]
        run: RunNo,
        #[command(flatten)]
        go: Go,
    },
    /// Answer the question that a run asks
    Answer {
        #[arg(value_parser = number)]
        run: RunNo,
        /// One of the choices [default: asks]
        word: Option<String>,
        /// The answer, where the question wants text
        #[arg(long, conflicts_with = "word")]
        text: Option<String>,
    },
    /// Print a recorded run again, with its timing
    Replay(replay::Replay),
    /// Keep a run for ever
    Pin {
        #[arg(value_parser = number)]
        run: RunNo,
        /// No longer
        #[arg(long)]
        off: bool,
    },
}

#[derive(Args, Debug)]
pub struct Cancel {
    #[arg(value_parser = number)]
    run: RunNo,
    /// Then give back what it created
    #[arg(long, group = "how")]
    undo: bool,
    /// Then keep what is there
    #[arg(long, group = "how")]
    keep: bool,
    /// Kill what runs, keep what is there
    #[arg(long, group = "how")]
    force: bool,
    /// Return as soon as it is asked for
    #[arg(long)]
    detach: bool,
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    let mut session = Session::open().await?;
    match verb {
        Verb::List { count, json } => list(app, &mut session, count, None, json).await,
        Verb::Show { run, json } => show(app, &mut session, run, json).await,
        Verb::Tail { run } => {
            find::run(session.state().await?, run)?;
            watch(&mut session, &mut app.out, run).await
        }
        Verb::Cancel(cancel) => stop(app, &mut session, cancel).await,
        Verb::Retry { run, failed_hosts, detach } => {
            find::run(session.state().await?, run)?;
            let run = session.start(Command::Retry { run, failed_hosts }).await?;
            follow(app, &mut session, run, detach).await
        }
        Verb::Undo { run, go } => {
            find::run(session.state().await?, run)?;
            let plan = session.plan(Command::PlanUndo { run }).await?;
            carry_out(app, &mut session, plan, go).await
        }
        Verb::Answer { run, word, text } => give(app, &mut session, run, word, text).await,
        Verb::Replay(replay) => replay::run(app, &mut session, replay).await,
        Verb::Pin { run, off } => {
            find::run(session.state().await?, run)?;
            session.ask(Command::Pin { run, pinned: !off }).await?;
            app.done(&format!("run {run} is {}", if off { "no longer kept for ever" } else { "kept for ever" }))
        }
    }
}

/// The newest runs, of one kind where one is named.
pub async fn list(app: &mut App<'_>, session: &mut Session, count: usize, kind: Option<RunKind>, json: Json) -> Ended {
    let mirror = session.state().await?;
    let of_kind = |run: &&Run| kind.is_none_or(|kind| run.kind == kind);
    let mut runs: Vec<&Run> = mirror.runs().values().rev().filter(of_kind).take(count).collect();
    runs.reverse();
    if json.json {
        return app.json(&runs);
    }
    let mut table = Table::new(["run", "state", "title", "steps", "took", "age", "by"]);
    for run in runs {
        let pin = if run.pinned { " (pinned)" } else { "" };
        table.row([
            format!("{}{pin}", run.number),
            run.state.to_string(),
            run.title.clone(),
            format!("{}/{}", run.steps.done, run.steps.total),
            took(app, run),
            age(app.now, Some(run.created)),
            run.by.clone(),
        ]);
    }
    app.out.table(&table, "there is no run so far")?;
    Ok(Code::Done)
}

fn took(app: &App<'_>, run: &Run) -> String {
    match (run.started, run.ended) {
        (Some(start), end) => work_duration(end.unwrap_or(app.now).since(start)),
        _ => "-".to_owned(),
    }
}

async fn show(app: &mut App<'_>, session: &mut Session, run: RunNo, json: Json) -> Ended {
    find::run(session.state().await?, run)?;
    let (run, steps, plays) =
        answer_as!(session, Command::RunDetail { run }, Answer::RunDetail { run, steps, plays } => (run, steps, plays))?;
    if json.json {
        return app.json(&serde_json::json!({ "run": run, "steps": steps, "plays": plays }));
    }
    let time = |time| match time {
        Some(time) => clock(time),
        None => String::new(),
    };
    app.out.facts(&[
        ("run", run.number.to_string()),
        ("title", run.title.clone()),
        ("state", run.state.to_string()),
        ("waits", run.waits.clone().unwrap_or_default()),
        ("cluster", run.cluster_name.clone().unwrap_or_default()),
        ("by", run.by.clone()),
        ("started", time(run.started)),
        ("ended", time(run.ended)),
        ("took", took(app, &run)),
        ("steps", counts(&run)),
        ("pinned", if run.pinned { "yes".to_owned() } else { String::new() }),
        ("failure", run.failure.as_ref().map_or(String::new(), |f| f.line())),
    ])?;
    app.out.line("")?;
    app.out.table(&steps_table(&steps), "it has no steps")?;
    show_plays(app, &plays)?;
    for prompt in session.mirror.prompts().values().filter(|p| p.run == run.number && p.state == PromptState::Open) {
        app.out.line("")?;
        for line in answer::question(prompt) {
            app.out.line(&line)?;
        }
        app.out.line(&answer::how(prompt))?;
    }
    Ok(Code::Done)
}

fn steps_table(steps: &[Step]) -> Table {
    let mut table = Table::new(["step", "state", "title", "attempt", "took", "note"]);
    for step in steps {
        let took = match (step.started, step.ended) {
            (Some(start), Some(end)) => work_duration(end.since(start)),
            _ => "-".to_owned(),
        };
        let note = step.failure.as_ref().map_or(step.note.clone(), |failure| failure.line());
        table.row([step.index.to_string(), step.state.to_string(), step.title.clone(), step.attempt.to_string(), took, note]);
    }
    table
}

fn show_plays(app: &mut App<'_>, plays: &[StepPlay]) -> Result<(), Stop> {
    for play in plays {
        app.out.line("")?;
        let mut table = Table::new(["host", "results", "failure"]);
        for (name, host) in &play.state.hosts {
            let failure = host.failure.as_ref().map_or(String::new(), |(task, message)| format!("{task}: {message}"));
            table.row([name.clone(), totals(&host.totals), failure]);
        }
        app.out.line(&format!("{} (step {}, attempt {})", play.state.playbook, play.step, play.attempt))?;
        app.out.table(&table, "no host was reached")?;
    }
    Ok(())
}

async fn stop(app: &mut App<'_>, session: &mut Session, cancel: Cancel) -> Ended {
    let run = find::run(session.state().await?, cancel.run)?.clone();
    if run.state.ended() {
        let failure = Failure::refused(format!("cancel run {}", run.number), format!("it has ended: {}", run.state));
        return Err(Stop::refused(failure));
    }
    let mode = match cancel {
        Cancel { undo: true, .. } => Ending::Undo,
        Cancel { keep: true, .. } => Ending::Keep,
        Cancel { force: true, .. } => Ending::Force,
        _ => Ending::Ask,
    };
    session.ask(Command::Cancel { run: run.number, mode }).await?;
    if cancel.detach {
        return app.done(&format!("run {} is being cancelled", run.number));
    }
    // A run that ends as it was asked to is what this command is for.
    match watch(session, &mut app.out, run.number).await? {
        Code::Interrupted => Ok(Code::Interrupted),
        _ => Ok(Code::Done),
    }
}

async fn give(app: &mut App<'_>, session: &mut Session, run: RunNo, word: Option<String>, text: Option<String>) -> Ended {
    let mirror = session.state().await?;
    find::run(mirror, run)?;
    let open = mirror.prompts().values().find(|p| p.run == run && p.state == PromptState::Open).cloned();
    let tried = format!("answer run {run}");
    let Some(prompt) = open else {
        return Err(Stop::refused(Failure::refused(tried, "it asks nothing now")));
    };
    let command = answer_of(&prompt, word, text, &tried).await?;
    session.ask(command).await?;
    app.done(&format!("run {run} has its answer; follow it: quarterdeck run tail {run}"))
}

async fn answer_of(prompt: &Prompt, word: Option<String>, text: Option<String>, tried: &str) -> Result<Command, Stop> {
    if let Some(word) = word {
        let Some(choice) = answer::chosen(&prompt.choices, &word) else {
            let failure = Failure::refused(tried, format!("{word} is none of the choices"));
            return Err(Stop::usage(failure.next(answer::how(prompt))));
        };
        return Ok(Command::Answer { prompt: prompt.id, word: choice.word.clone(), text: None });
    }
    let secret = matches!(prompt.kind, PromptKind::Secret);
    if let Some(text) = text {
        if secret {
            let failure = Failure::refused(tried, "a secret does not belong on a command line");
            return Err(Stop::usage(failure.next(answer::how(prompt))));
        }
        return Ok(answer::with_text(prompt, &text));
    }
    if matches!(prompt.kind, PromptKind::Continue) && prompt.choices.is_empty() {
        return Ok(answer::with_text(prompt, ""));
    }
    if secret && !std::io::stdin().is_terminal() {
        let text = super::file::read(std::path::Path::new("-"), 64 * 1024, tried)?;
        return Ok(answer::with_text(prompt, text.trim_end_matches(['\n', '\r'])));
    }
    let Some(asker) = Asker::open() else {
        let failure = Failure::refused(tried, "no answer is given, and there is no terminal to ask at");
        return Err(Stop::refused(failure.next(answer::how(prompt))));
    };
    for line in answer::question(prompt) {
        super::out::remark(&line);
    }
    let given = answer::ask(asker, prompt.clone()).await;
    given.ok_or_else(|| Stop::refused(Failure::refused(tried, "no answer was given")))
}
