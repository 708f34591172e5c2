//! `quarterdeck doctor`: what is found, what is missing, what to do.

use std::path::PathBuf;

use clap::Args;

use crate::config::Paths;
use crate::config::foreign::Place;
use crate::facts::{self, Facts};
use crate::model::{Failure, Finding, Part, Verdict};
use crate::protocol::{Answer, Command};

use super::exit::{Code, Ended, Stop};
use super::out::Tone;
use super::session::{Session, answer_as, closed};
use super::{App, Json, bundle};

#[derive(Args, Debug)]
pub struct Doctor {
    /// Write what somebody needs who is asked for help: findings, settings without secrets, logs, audit
    #[arg(long, value_name = "FILE.tar")]
    bundle: Option<PathBuf>,
    /// Runs that are to be in the bundle, with their output
    #[arg(long, value_name = "RUN", requires = "bundle")]
    run: Vec<u64>,
    #[command(flatten)]
    json: Json,
}

pub async fn run(app: &mut App<'_>, args: Doctor) -> Ended {
    let json = args.json;
    let mut findings = all().await;
    findings.sort_by_key(|finding| finding.part);
    if let Some(path) = &args.bundle {
        for name in bundle::write(path, &findings, &args.run).await? {
            app.out.line(&name)?;
        }
        return app.done(&format!("wrote {}; look through it before you give it away", path.display()));
    }
    let missing = findings.iter().any(|f| f.verdict == Verdict::Missing);
    if json.json {
        app.json(&findings)?;
    } else {
        show(app, &findings)?;
    }
    Ok(if missing { Code::Failed } else { Code::Done })
}

fn show(app: &mut App<'_>, findings: &[Finding]) -> Result<(), Stop> {
    let name_width = findings.iter().map(|f| f.name.chars().count()).max().unwrap_or(0).clamp(12, 24) + 2;
    let mut part = None;
    for finding in findings {
        if part.replace(finding.part) != Some(finding.part) {
            app.out.toned(Tone::Strong, &finding.part.to_string(), "")?;
        }
        let (tone, word) = match finding.verdict {
            Verdict::Ok => (Tone::Good, "  ok       "),
            Verdict::Note => (Tone::Busy, "  note     "),
            Verdict::Missing => (Tone::Bad, "  missing  "),
        };
        let mut lines = finding.found.lines();
        app.out.toned(tone, word, &format!("{:<name_width$}{}", finding.name, lines.next().unwrap_or_default()))?;
        let indent = word.len() + name_width;
        for line in lines {
            app.out.line(&format!("{:indent$}{line}", ""))?;
        }
        for line in finding.next.lines() {
            app.out.line(&format!("{:indent$}next: {line}", ""))?;
        }
    }
    Ok(())
}

/// What this process sees by itself, and what the engine sees.
async fn all() -> Vec<Finding> {
    let paths = match Paths::from_env() {
        Ok(paths) => paths,
        Err(failure) => return vec![Finding::failed(Part::Program, "home", &failure)],
    };
    let gathered = tokio::task::spawn_blocking(move || facts::gather(&paths, &Place::here())).await;
    let facts = match gathered {
        Ok(facts) => facts,
        Err(error) => return vec![Finding::failed(Part::Program, "facts", &Failure::broken("look around", error))],
    };
    let mut findings = facts.findings.clone();
    match engine(&facts).await {
        Ok(more) => findings.extend(more),
        Err(Stop::With(_, failure)) => findings.push(Finding::failed(Part::Engine, "engine", &failure)),
        Err(Stop::Quiet(_)) => findings.push(Finding::failed(Part::Engine, "engine", &closed())),
    }
    findings
}

async fn engine(facts: &Facts) -> Result<Vec<Finding>, Stop> {
    let session = Session::open().await?;
    let mut findings = facts::engine(&session.status().await?);
    let (examined, drivers) =
        answer_as!(session, Command::Examine, Answer::Examined { findings, drivers } => (findings, drivers))?;
    findings.extend(examined);
    findings.extend(facts::configured(&session.clouds(true).await?));
    findings.extend(facts::found(facts, &drivers));
    Ok(findings)
}
