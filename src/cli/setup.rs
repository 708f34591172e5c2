//! `quarterdeck setup`: the wizard, or the same from a file of answers.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::client;
use crate::config::foreign::Place;
use crate::config::setup::{self, AnsibleChoice, Answers, AnswersFile, Change, Draft, FirstCluster, Kind, WatchAnswer};
use crate::config::{Paths, Settings, themes};
use crate::facts::service;
use crate::model::{CloudName, Driver, Failure, Verdict};
use crate::protocol::command::Trial;
use crate::protocol::{Answer, Command, SpecSource};

use super::exit::{Code, Ended, Stop};
use super::file;
use super::out::Tone;
use super::session::{Session, answer_as, options};
use super::watch::watch;
use super::{App, Open};

/// How long the engine may take to come back with the new settings.
const PATIENCE: Duration = Duration::from_secs(30);

/// Largest file of answers, bytes.
const MAX_ANSWERS: u64 = 256 * 1024;

#[derive(Args, Debug)]
pub struct Setup {
    /// Do it without questions: a file of answers (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Print the answers of the set-up that is not finished, or of what is set up now
    #[arg(long, conflicts_with_all = ["answers", "dry_run"])]
    print_answers: bool,
    /// Show what would be written, and write nothing
    #[arg(long, requires = "answers")]
    dry_run: bool,
}

pub async fn run(app: &mut App<'_>, args: Setup) -> Ended {
    if args.print_answers {
        return print(app);
    }
    match &args.answers {
        None if app.out.terminal && std::io::stdin().is_terminal() => {
            Ok(Code::passed((app.doors.console)(Open::Setup, false).await?))
        }
        None => Err(Stop::refused(
            Failure::refused("open the wizard", "standard input or output is not a terminal")
                .next("do it without questions: quarterdeck setup --answers FILE; --print-answers shows how one looks"),
        )),
        Some(path) => unattended(app, path, args.dry_run).await,
    }
}

fn print(app: &mut App<'_>) -> Ended {
    let paths = Paths::from_env()?;
    let answers = match Draft::load(&paths) {
        Some(draft) => draft.answers,
        None => Answers::of(&Settings::load(&paths)?),
    };
    app.out.raw(answers.render().as_bytes())?;
    Ok(Code::Done)
}

async fn unattended(app: &mut App<'_>, path: &Path, dry_run: bool) -> Ended {
    let text = file::read(path, MAX_ANSWERS, "read the answers")?;
    let named = if path == Path::new("-") { Path::new("answers") } else { path };
    let file = AnswersFile::parse(named, &text).map_err(Stop::usage)?;
    let paths = Paths::from_env()?;
    paths.create()?;
    check_words(&paths, &file)?;
    let session = Session::open().await?;
    check_clouds(&session, &file).await?;
    let place = Place::here();
    let changes = setup::propose(&paths, &place, &options()?.program, &file.answers)?;
    show(app, &changes)?;
    if dry_run {
        return app.done(if changes.is_empty() { "nothing would be written" } else { "nothing was written" });
    }
    let mut session = carry_out(app, session, &paths, &changes).await?;
    for line in service::look(&place).next_steps(file.answers.unit == Some(true)) {
        app.out.toned(Tone::Dim, "next   ", &line)?;
    }
    for (name, cloud) in &file.answers.clouds {
        app.out.toned(Tone::Good, "ready  ", &format!("cloud {name} ({})", cloud.driver))?;
    }
    app.out.flush()?;
    if file.answers.ansible == Some(AnsibleChoice::Managed) && !session.status().await?.ansible_ready {
        let run = session.start(Command::AnsibleInstall).await?;
        match watch(&mut session, &mut app.out, run).await? {
            Code::Done => {}
            code => return Ok(code),
        }
    }
    match &file.answers.first_cluster {
        Some(first) => first_cluster(app, &mut session, first).await,
        None => Ok(Code::Done),
    }
}

/// What can be told before anything is asked of clouds.
fn check_words(paths: &Paths, file: &AnswersFile) -> Result<(), Stop> {
    let settings = Settings::load(paths)?;
    let clouds: BTreeSet<&CloudName> = settings.clouds.keys().chain(file.answers.clouds.keys()).collect();
    let first = file.answers.first_cluster.as_ref().and_then(|first| first.cloud.as_ref());
    for (key, name) in [("default_cloud", file.answers.default_cloud.as_ref()), ("first_cluster.cloud", first)] {
        if let Some(name) = name.filter(|name| !clouds.contains(name)) {
            return Err(Stop::usage(file.unknown(key, name.as_str(), clouds.iter().map(|cloud| cloud.as_str()))));
        }
    }
    if let Some(WatchAnswer::Group { dir, group }) = &file.answers.watch {
        setup::watch_folder(dir, group).map_err(|failure| {
            let wrong = file.problem("watch.dir", &failure.got);
            Stop::usage(Failure { next: failure.next, ..wrong })
        })?;
    }
    if let Some(theme) = &file.answers.theme {
        let (files, _) = themes::all(paths);
        let known = || std::iter::once("auto").chain(files.iter().map(|file| file.name.as_str()));
        if !known().any(|name| name == theme) {
            return Err(Stop::usage(file.unknown("console.theme", theme, known())));
        }
    }
    Ok(())
}

/// Whether every cloud can be had and has what the answers name, and whether there is the Ansible that they want.
async fn check_clouds(session: &Session, file: &AnswersFile) -> Result<(), Stop> {
    let (findings, drivers) =
        answer_as!(session, Command::Examine, Answer::Examined { findings, drivers } => (findings, drivers))?;
    if file.answers.ansible == Some(AnsibleChoice::Path) {
        let on_path = findings.iter().find(|f| f.name == "ansible on the path");
        if let Some(finding) = on_path.filter(|f| f.verdict != Verdict::Ok) {
            let got = format!("ansible.use is \"path\", but there is none that does: {}", finding.found);
            return Err(Stop::refused(file.problem("ansible.use", &got)));
        }
    }
    for (name, cloud) in &file.answers.clouds {
        if !drivers.contains(&cloud.driver) {
            return Err(Stop::refused(file.problem(&format!("clouds.{name}.driver"), &no_driver(cloud.driver))));
        }
        let command = Command::CloudTry { name: name.clone(), driver: cloud.driver, settings: cloud.values.clone() };
        let trial = answer_as!(session, command, Answer::Trial(trial) => trial)?;
        let Trial { flavors, images, .. } = *trial;
        let flavors: Vec<&str> = flavors.iter().flat_map(|f| [f.name.as_str(), f.id.as_str()]).collect();
        let images: Vec<&str> = images.iter().flat_map(|i| [i.name.as_str(), i.id.as_str()]).collect();
        for (key, wanted, known) in [("flavor", &cloud.flavor, flavors), ("image", &cloud.image, images)] {
            if let Some(word) = wanted.as_ref().filter(|word| !known.contains(&word.as_str())) {
                let mut names = known;
                names.dedup();
                return Err(Stop::usage(file.unknown(&format!("clouds.{name}.{key}"), word, names.into_iter())));
            }
        }
    }
    if let Some(first) = &file.answers.first_cluster {
        let all = answer_as!(session, Command::Blueprints, Answer::Blueprints(all) => all)?;
        if !all.iter().any(|b| b.name == first.blueprint) {
            let names = all.iter().map(|b| b.name.as_str());
            return Err(Stop::usage(file.unknown("first_cluster.blueprint", &first.blueprint, names)));
        }
    }
    Ok(())
}

fn no_driver(driver: Driver) -> String {
    format!("this version has no driver for {driver}: the cloud cannot be configured")
}

/// Every file that would change, as `diff -u` shows it.
fn show(app: &mut App<'_>, changes: &[Change]) -> Result<(), Stop> {
    if changes.is_empty() {
        app.out.line("all settings are so already")?;
    }
    for change in changes {
        let what = match &change.kind {
            Kind::Folder => "new folder",
            Kind::File { before: None, .. } => "new file",
            Kind::File { .. } => "change",
        };
        app.out.toned(Tone::Strong, &format!("{what:<12}"), &format!("{} ({:04o})", change.path.display(), change.mode))?;
        let Kind::File { before, after } = &change.kind else { continue };
        for line in setup::unified(before.as_deref().unwrap_or_default(), after) {
            match line.sign {
                '@' => app.out.toned(Tone::Dim, &format!("@@ {} @@", line.text), "")?,
                '+' => app.out.toned(Tone::Good, &format!("+{}", line.text), "")?,
                '-' => app.out.toned(Tone::Bad, &format!("-{}", line.text), "")?,
                _ => app.out.line(&format!(" {}", line.text))?,
            }
        }
    }
    app.out.flush()?;
    Ok(())
}

/// Writes, and lets the engine begin anew with what was written; runs go on.
async fn carry_out(app: &mut App<'_>, session: Session, paths: &Paths, changes: &[Change]) -> Result<Session, Stop> {
    if changes.is_empty() {
        return Ok(session);
    }
    for line in setup::write(changes)? {
        app.out.toned(Tone::Good, "done   ", &line)?;
    }
    Draft::forget(paths);
    app.out.flush()?;
    drop(session);
    let restarted = tokio::time::timeout(PATIENCE, client::restart(&options()?)).await;
    restarted.map_err(|_| {
        Failure::transient("restart the engine", "it does not come back")
            .at(paths.log().display())
            .next("quarterdeck engine restart")
    })??;
    Session::open().await
}

async fn first_cluster(app: &mut App<'_>, session: &mut Session, first: &FirstCluster) -> Ended {
    let source = SpecSource::Blueprint { blueprint: first.blueprint.clone(), text: None };
    let cloud = first.cloud.clone().map(|CloudName(name)| name);
    let plan = session.plan(Command::PlanCreate { source, name: None, cloud }).await?;
    for line in plan.preview() {
        app.out.line(&line)?;
    }
    app.out.flush()?;
    if plan.steps.is_empty() {
        return app.done("the first cluster is there already");
    }
    let run = session.apply(plan.id, None).await?;
    watch(session, &mut app.out, run).await
}
