//! A custom command: a job, as a playbook is.

use std::path::{Path, PathBuf};

use super::watch::{self, Watch, blocking};
use super::{Bad, Done, StepCx};
use crate::base::job::{self, JobSecret, JobSpec};
use crate::model::{Class, CommandCall, Failure};

/// Runs the command, or goes on watching the job that runs it.
pub async fn run(cx: &StepCx, call: &CommandCall) -> Result<Done, Bad> {
    let dir = cx.dir();
    if watch::is_new(cx, &dir).await? {
        start(cx, call, &dir).await?;
    }
    let exit = Watch::new(cx, &dir, false).until_end().await?;
    if exit.ok() {
        return Ok(Done::note("ended well"));
    }
    let tried = format!("run command {}", call.name);
    let got = match (exit.error, exit.code, exit.signal) {
        (Some(error), ..) => error,
        (None, Some(code), _) => format!("{} ended with code {code}; its output says why", call.argv[0]),
        (None, None, signal) => format!("{} was ended by signal {}", call.argv[0], signal.unwrap_or(0)),
    };
    Err(Failure::new(Class::Broken, tried, got).at(format!("run {}", cx.step.run)).next("look at its output, then retry").into())
}

async fn start(cx: &StepCx, call: &CommandCall, dir: &Path) -> Result<(), Failure> {
    let mut secrets = Vec::new();
    for name in &call.secrets {
        let value = cx.secret(name, format!("{name} for {}", cx.step.title)).await?;
        secrets.push(JobSecret { name: name.clone(), value });
    }
    crate::base::files::private_dir(dir)?;
    let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
    // Where the person was who asked for it; that may be gone by now.
    let cwd = Some(PathBuf::from(&call.cwd)).filter(|cwd| cwd.is_dir()).unwrap_or_else(|| home.into());
    let mut env = Vec::new();
    env.extend(cx.core.agent().map(|agent| ("SSH_AUTH_SOCK".to_owned(), agent.to_string_lossy().into_owned())));
    // A command that calls this program works in the same home.
    env.extend(std::env::var("QUARTERDECK_HOME").ok().map(|home| ("QUARTERDECK_HOME".to_owned(), home)));
    let spec = JobSpec { argv: call.argv.clone(), env, cwd, scrub_env: true, not_questions: Vec::new() };
    let (program, dir) = (cx.core.settings.program.clone(), dir.to_path_buf());
    blocking(move || job::start(&program, &dir, &spec, secrets)).await?
}
