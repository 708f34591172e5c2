//! `quarterdeck try`: from nothing to a configured cluster on this computer.

use std::collections::BTreeMap;

use clap::Args;

use crate::model::{CloudName, Driver, RunNo};
use crate::protocol::{Command, SpecSource};

use super::App;
use super::Open;
use super::exit::{Code, Ended, Stop};
use super::out::remark;
use super::session::Session;
use super::watch::watch;

/// What is made.
const BLUEPRINT: &str = "hello";

#[derive(Args, Debug)]
pub struct Try {
    /// Plain lines, also on a terminal
    #[arg(long)]
    plain: bool,
}

pub async fn run(app: &mut App<'_>, args: Try) -> Ended {
    let mut session = Session::open().await?;
    let cloud = sandbox(app, &session).await?;
    if !session.status().await?.ansible_ready {
        app.out.line("Ansible is not there yet; it is installed into a virtualenv of its own")?;
        let run = session.start(Command::AnsibleInstall).await?;
        match watch(&mut session, &mut app.out, run).await? {
            Code::Done => {}
            code => return Ok(code),
        }
    }
    let source = SpecSource::Blueprint { blueprint: BLUEPRINT.to_owned(), text: None };
    let plan = session.plan(Command::PlanCreate { source, name: None, cloud: Some(cloud.0) }).await?;
    for line in plan.preview() {
        app.out.line(&line)?;
    }
    app.out.flush()?;
    if plan.steps.is_empty() {
        return app.done("there is nothing to do");
    }
    let run = session.apply(plan.id, None).await?;
    if app.out.console && !args.plain {
        drop(session);
        return in_console(app, run).await;
    }
    let code = watch(&mut session, &mut app.out, run).await?;
    if code == Code::Done {
        hints(app)?;
    }
    Ok(code)
}

/// A cloud of driver sandbox; one is configured when there is none.
async fn sandbox(app: &mut App<'_>, session: &Session) -> Result<CloudName, Stop> {
    let rows = session.clouds(false).await?;
    let mut sandboxes = rows.iter().filter(|row| row.info.driver == Driver::Sandbox);
    if let Some(row) = sandboxes.clone().find(|row| row.info.default).or_else(|| sandboxes.next()) {
        return Ok(row.info.name.clone());
    }
    let taken = |name: &str| rows.iter().any(|row| row.info.name.as_str() == name);
    let name = if taken("sandbox") { "sandbox-try" } else { "sandbox" };
    session.ask(Command::CloudAdd { name: name.to_owned(), driver: Driver::Sandbox, settings: BTreeMap::new() }).await?;
    app.out.line(&format!("cloud {name} is configured: its servers are processes on this computer"))?;
    Ok(CloudName::new(name))
}

/// Shows the run in the console; afterwards the exit code is that of the run, not of the console.
async fn in_console(app: &mut App<'_>, run: RunNo) -> Ended {
    app.out.flush()?;
    let code = (app.doors.console)(Open::Run(run), false).await?;
    if code != 0 {
        return Ok(Code::passed(code));
    }
    let mut session = Session::open().await?;
    let state = super::find::run(session.state().await?, run)?.state;
    if !state.ended() {
        remark(&format!("run {run} goes on. Follow it: quarterdeck run tail {run}"));
        return Ok(Code::Done);
    }
    if Code::of_run(state) == Code::Done {
        hints(app)?;
    } else {
        remark(&format!("run {run} ended: {state}. See it: quarterdeck run show {run}"));
    }
    Ok(Code::of_run(state))
}

fn hints(app: &mut App<'_>) -> Result<(), Stop> {
    for line in [
        "next:",
        "  quarterdeck                            the console",
        "  quarterdeck ssh hello --all -- uptime  a command on every node",
        "  quarterdeck cluster delete hello       give everything back",
    ] {
        app.out.line(line)?;
    }
    app.out.flush()?;
    Ok(())
}
