//! `quarterdeck engine …`

use clap::Subcommand;

use crate::client;
use crate::config::{Paths, setup};
use crate::model::time::short_duration;
use crate::model::{Class, Failure};
use crate::protocol::Command;
use crate::protocol::command::{EngineStatus, StopMode};

use super::exit::{Code, Ended, Stop};
use super::lists::bytes;
use super::out::Tone;
use super::session::{Session, options};
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Start the engine in the background (every command does so by itself)
    Start,
    /// Stop the engine; refused while runs are under way
    Stop {
        /// Stop it at once; the next engine takes its runs up again
        #[arg(long)]
        now: bool,
    },
    /// Start the engine anew, for instance after an upgrade; runs go on
    Restart,
    /// Say whether the engine runs, and how it is
    Status(Json),
    /// Run the engine in this process until it is stopped
    Run {
        /// Started by a client: no terminal, a log file instead
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Print a systemd user unit that runs the engine
    Unit,
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::Start => {
            let status = Session::open().await?.status().await?;
            app.done(&format!("the engine runs: pid {}, version {}", status.pid, status.program))
        }
        Verb::Stop { now } => {
            let Some(session) = existing().await? else { return app.done("no engine is running") };
            let mode = if now { StopMode::Now } else { StopMode::WhenIdle };
            session.ask(Command::Stop { mode }).await?;
            app.done("the engine is stopped")
        }
        Verb::Restart => {
            let welcome = client::restart(&options()?).await?;
            app.done(&format!("the engine runs anew: pid {}, version {}", welcome.pid, welcome.program))
        }
        Verb::Status(json) => match existing().await? {
            None if json.json => app.json(&serde_json::Value::Null).and(Ok(Code::Failed)),
            None => app.done("no engine is running; the next command starts one").and(Ok(Code::Failed)),
            Some(session) => {
                let status = session.status().await?;
                if json.json { app.json(&status) } else { show(app, &status) }
            }
        },
        Verb::Run { detached } => Ok(Code::passed((app.doors.engine)(detached).await?)),
        Verb::Unit => {
            let program = std::env::current_exe().map_err(|error| Failure::broken("find this program", error))?;
            app.out.raw(setup::unit(&program, &Paths::from_env()?).as_bytes())?;
            Ok(Code::Done)
        }
    }
}

/// The engine that runs; `None` when none does.
///
/// # Errors
/// There is one and it cannot be reached.
pub async fn existing() -> Result<Option<Session>, Stop> {
    let options = client::Options { start_engine: false, ..options()?.following() };
    match client::connect(options).await {
        Ok(client) => Ok(Some(Session::over(client))),
        Err(failure) if failure.class == Class::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn show(app: &mut App<'_>, status: &EngineStatus) -> Ended {
    app.out.facts(&facts(status))?;
    for trouble in &status.trouble {
        app.out.toned(Tone::Bad, "trouble", &format!("    {trouble}"))?;
    }
    Ok(Code::Done)
}

/// What an engine says of itself, for people.
pub fn facts(status: &EngineStatus) -> Vec<(&'static str, String)> {
    vec![
        ("engine", format!("running, pid {}, version {}", status.pid, status.program)),
        ("home", status.home.clone()),
        ("up", short_duration(status.up.saturating_mul(1000))),
        ("runs", format!("{} under way", status.runs_under_way)),
        ("clients", status.clients.to_string()),
        ("events", status.seq.to_string()),
        ("memory", bytes(status.rss_kb.saturating_mul(1024))),
        ("ansible", status.ansible.clone()),
    ]
}
