//! A build: a job, as a playbook is. Done again, it finds in the cache what it did before.

use std::path::Path;

use super::watch::{self, Watch, blocking};
use super::{Bad, Change, Done, StepCx};
use crate::base::job::{self, JobExit, JobSecret};
use crate::containers::build::{self, Call};
use crate::model::docker::short_id;
use crate::model::{Class, DockerList, Failure, NewBuild, PlayState};

/// Builds the image, or goes on watching the job that builds it.
pub async fn run(cx: &StepCx, build: &NewBuild) -> Result<Done, Bad> {
    let dir = cx.dir();
    if watch::is_new(cx, &dir).await? {
        start(cx, build, &dir).await?;
    }
    let mut watch = Watch::new(cx, &dir, true);
    let exit = watch.until_end().await?;
    cx.core.pokes.docker(&build.docker, DockerList::Images);
    judge(cx, build, &watch.plays, &exit, &dir)
}

async fn start(cx: &StepCx, build: &NewBuild, dir: &Path) -> Result<(), Failure> {
    let mut secrets = Vec::new();
    for id in &build.secrets {
        let value = cx.secret(id, format!("Secret {id} for {}", cx.step.title)).await?;
        secrets.push(JobSecret { name: id.clone(), value });
    }
    let address = cx.core.dockers.address(&build.docker)?;
    crate::base::files::private_dir(dir)?;
    let call = Call { build: build.clone(), address, token: cx.step.token.to_string(), title: cx.step.title.clone() };
    let program = cx.core.settings.program.clone();
    let spec = build::prepare(&program, dir, &call)?;
    let dir = dir.to_path_buf();
    blocking(move || job::start(&program, &dir, &spec, secrets)).await?
}

/// What the end of the job means.
fn judge(cx: &StepCx, build: &NewBuild, plays: &PlayState, exit: &JobExit, dir: &Path) -> Result<Done, Bad> {
    let outcome = build::outcome(dir).unwrap_or_default();
    let changes = vec![Change::Totals(plays.totals)];
    if let (true, Some(image)) = (exit.ok(), &outcome.image) {
        let note = format!("{}  {} built  {} cached", short_id(image), outcome.built, outcome.cached);
        return Ok(Done { note, changes });
    }
    let failure = outcome.failure.unwrap_or_else(|| {
        let got = match (&exit.error, exit.code, exit.signal) {
            (Some(error), ..) => error.clone(),
            (None, Some(code), _) => format!("the build ended with code {code}; its output says why"),
            (None, None, signal) => format!("the build was ended by signal {}", signal.unwrap_or(0)),
        };
        Failure::new(Class::Broken, format!("build {}", build.called()), got).at(format!("run {}", cx.step.run))
    });
    Err(Bad { failure, changes })
}
