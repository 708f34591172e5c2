//! The program `__build DIR SECRET=PATH…`: one build, from the context to the image.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::progress::Progress;
use super::report::Report;
use super::wire::{self, Said};
use super::{CALL, Call, Context, Outcome, RESULT};
use crate::base::Cx;
use crate::base::docker::Docker;
use crate::base::http::{Body, Lines, Method, Pieces, Repeat};
use crate::model::{Class, Failure};

/// How it ends when somebody stops it: as after Ctrl-C.
const STOPPED: i32 = 130;

/// Carries out the build of a job's directory; returns the exit code. Must run before any thread starts.
pub fn main_hidden(args: Vec<OsString>) -> i32 {
    let Some((dir, secrets)) = args.split_first() else {
        eprintln!("quarterdeck: __build is started by the engine, not by hand");
        return 2;
    };
    let dir = PathBuf::from(dir);
    let done = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = done.map_err(|e| Failure::broken("build an image", e)).and_then(|runtime| {
        let outcome = runtime.block_on(run(&dir, secrets));
        // The context may still be read; nobody waits for it.
        runtime.shutdown_background();
        outcome
    });
    let outcome = outcome.unwrap_or_else(|failure| Outcome { failure: Some(failure), ..Outcome::default() });
    if let Some(failure) = &outcome.failure {
        println!("{}", failure.line());
    }
    let kept = serde_json::to_vec(&outcome)
        .map_err(io::Error::from)
        .and_then(|text| crate::base::files::replace(&dir.join(RESULT), &text, 0o600, false));
    match (kept, outcome.failure.map(|failure| failure.class)) {
        (Err(error), _) => {
            println!("what came of the build cannot be written: {error}");
            1
        }
        (Ok(()), None) => 0,
        (Ok(()), Some(Class::Cancelled)) => STOPPED,
        (Ok(()), Some(_)) => 1,
    }
}

async fn run(dir: &Path, secrets: &[OsString]) -> Result<Outcome, Failure> {
    let tried = "build an image";
    let text = std::fs::read(dir.join(CALL)).map_err(|e| Failure::broken(tried, e).at(dir.display()))?;
    let call: Call = serde_json::from_slice(&text).map_err(|e| Failure::broken(tried, e).at(dir.display()))?;
    let secrets = secrets.iter().map(secret).collect::<Result<BTreeMap<_, _>, _>>()?;
    let unwritten = |e: io::Error| Failure::broken(tried, e).at(dir.display());
    let host = call.build.docker.as_str();
    let report = Report::begin(dir, Box::new(io::stdout()), output_size(), &call.title, host).map_err(unwritten)?;
    let mut progress = Progress::new(report);
    let (cx, stop) = (Cx::quiet(), stopped());
    let docker = Docker::for_builds(&call.address)?;
    let built = {
        let work = build(&cx, &docker, &call, secrets, &mut progress);
        tokio::select! {
            biased;
            built = work => built,
            () = stop => Err(Failure::cancelled(tried)),
        }
    };
    if built.as_ref().is_err_and(|failure| failure.class == Class::Cancelled) {
        // The connection is gone, and the build with it; BuildKit is told besides.
        let query = [("id", call.token.as_str())];
        if let Ok(request) = docker.request(&cx, Method::POST, "build/cancel", &query, "stop a build").await {
            let told = docker.send(&cx.within(std::time::Duration::from_secs(5)), &request).await;
            // An engine that does not know the build has ended it already.
            drop(told);
        }
    }
    let image = match built {
        Ok(image) => Ok(image),
        Err(failure) => {
            progress.classic_ended(Some(&failure.got)).map_err(unwritten)?;
            Err(told(failure, &progress))
        }
    };
    progress.end().map_err(unwritten)?;
    let (cached, built) = (progress.cached, progress.built);
    Ok(match image {
        Ok(image) => Outcome { image, cached, built, failure: None },
        Err(failure) => Outcome { image: None, cached, built, failure: Some(failure) },
    })
}

/// `ID=PATH`: what can be read there. The value itself is on no command line.
fn secret(word: &OsString) -> Result<(String, SecretString), Failure> {
    let tried = "read a secret of a build";
    let (id, path) = word.to_str().and_then(|word| word.split_once('=')).ok_or_else(|| Failure::broken(tried, "no path"))?;
    let value = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| Failure::broken(tried, e).at(id))?;
    Ok((id.to_owned(), SecretString::from(value.as_str())))
}

/// Bytes that standard output has by now: the output of a job is a file.
fn output_size() -> u64 {
    // SAFETY: an all-zero stat is valid, and the call fills it in.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: plain system call on standard output, into a stat of ours.
    match unsafe { libc::fstat(1, &raw mut stat) } {
        0 if stat.st_mode & libc::S_IFMT == libc::S_IFREG => u64::try_from(stat.st_size).unwrap_or(0),
        _ => 0,
    }
}

/// Ends when somebody wants this to stop.
fn stopped() -> impl Future<Output = ()> {
    let heard = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    async move {
        let [Ok(mut int), Ok(mut term), Ok(mut hup)] = heard else { return std::future::pending().await };
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
    }
}

/// Lets the Docker engine build; the id of the image.
async fn build(
    cx: &Cx,
    docker: &Docker,
    call: &Call,
    secrets: BTreeMap<String, SecretString>,
    progress: &mut Progress,
) -> Result<Option<String>, Failure> {
    let tried = format!("build {}", call.build.called());
    let context = Context::open(Path::new(&call.build.context), &call.build.dockerfile)?;
    let buildkit = docker.agreed(cx).await?.buildkit && !call.build.classic;
    if !buildkit && !secrets.is_empty() {
        let failure = Failure::refused(tried, "the classic builder knows no secrets").at(docker.host());
        return Err(failure.next("build on a Docker engine that has BuildKit"));
    }
    let with = if buildkit { "BuildKit" } else { "the classic builder" };
    let begins = format!("building {} on {} with {with}", call.build.context, call.build.docker);
    progress.say(&begins).map_err(|e| Failure::broken(&tried, e))?;
    let session = if buildkit { Some(docker.session(cx, secrets).await?) } else { None };
    let query = wire::query(&call.build, &call.token, session.as_ref().map(|session| session.id.as_str()));
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let request = docker.request(cx, Method::POST, "build", &query, &tried).await?;
    let request = request.header("content-type", "application/x-tar").repeat(Repeat::Never);
    let request = request.body(Body::Pieces(Pieces::of(context.pack())));
    let lines = docker.lines(cx, &request).await?;
    follow(lines, progress, &tried, docker.host()).await
}

/// Takes in all that is told; the id of the image at the end.
async fn follow(mut lines: Lines, progress: &mut Progress, tried: &str, at: &str) -> Result<Option<String>, Failure> {
    let unwritten = |e: io::Error| Failure::broken(tried, e).next("make room for its output");
    let (mut image, mut error) = (None, None);
    while let Some(line) = lines.next().await.map_err(|failure| failure.at(at))? {
        match wire::read(&line) {
            Said::Steps(status) => progress.buildkit(&status).map_err(unwritten)?,
            Said::Text(text) => progress.classic(&text).map_err(unwritten)?,
            Said::Image(id) => image = Some(id),
            Said::Error(message) => error = Some(message),
            Said::Nothing => {}
        }
    }
    // So it ends when the Docker engine is stopped in the middle: nothing is wrong with the build.
    if let Some(message) = error.as_ref().filter(|message| message.contains("context canceled")) {
        return Err(Failure::transient(tried, message).at(at));
    }
    if let Some(message) = error {
        return Err(Failure::new(Class::Broken, tried, message).at(at));
    }
    progress.classic_ended(None).map_err(unwritten)?;
    if image.is_none() {
        // An engine that is stopped ends the line without a word.
        return Err(Failure::transient(tried, "the Docker engine ended the line in the middle of the build").at(at));
    }
    Ok(image)
}

/// The failure, with the step that it is about and the last line that this step wrote.
fn told(failure: Failure, progress: &Progress) -> Failure {
    let Some(broken) = progress.broken.as_ref().filter(|_| failure.class == Class::Broken) else { return failure };
    let said = broken.said.as_ref().map(|said| format!("\nit said last: {said}")).unwrap_or_default();
    Failure { got: format!("{}: {}{said}", broken.step, broken.message), ..failure }
        .next("its output shows all that the step wrote; mend it, then build again: what went well comes out of the cache")
}
