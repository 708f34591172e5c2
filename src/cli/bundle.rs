//! `quarterdeck doctor --bundle`: what somebody needs who is asked for help, in one tar file. What a name says to be
//! secret is left out; the output of a run is in it only when the run is named.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Paths;
use crate::model::text::names_a_secret;
use crate::model::{Failure, Finding, Run, RunNo, Step};
use crate::protocol::{Answer, Command};

use super::exit::Stop;
use super::session::{Session, answer_as};

/// Most of a log or a crash report that is taken, bytes: its end.
const LOG: u64 = 1 << 20;
/// Most lines of one step's output: its last ones.
const LINES: u32 = 5000;
/// Newest entries of the audit.
const AUDIT: u32 = 1000;
const LEFT_OUT: &str = "(left out)";

const TRIED: &str = "write the bundle";

/// Writes the bundle, and says what is in it.
///
/// # Errors
/// The file exists or cannot be written; there is no such run.
pub async fn write(path: &Path, findings: &[Finding], runs: &[u64]) -> Result<Vec<String>, Stop> {
    let paths = Paths::from_env()?;
    let session = Session::open().await?;
    let mut bundle = Bundle::create(path)?;
    let about = json!({ "version": env!("CARGO_PKG_VERSION"), "engine": session.status().await?, "home": paths.state });
    bundle.json("about.json", &about)?;
    bundle.json("doctor.json", findings)?;
    bundle.json("clouds.json", &session.clouds(false).await?)?;
    bundle.settings(&paths.settings())?;
    bundle.end_of("keys.toml", &paths.keys())?;
    bundle.end_of("engine.log", &paths.log())?;
    for report in reports(&paths.state) {
        bundle.end_of(&report.file_name().unwrap_or_default().to_string_lossy(), &report)?;
    }
    let audit = answer_as!(session, Command::Audit { count: AUDIT }, Answer::Audit(entries) => entries)?;
    bundle.json("audit.json", &audit)?;
    for &number in runs {
        let (run, steps) = run(&session, RunNo(number)).await?;
        bundle.json(&format!("runs/{number}/run.json"), &run)?;
        bundle.json(&format!("runs/{number}/steps.json"), &steps)?;
        for step in &steps {
            let ask = Command::OutputPage {
                run: run.number,
                step: step.index,
                attempt: 0,
                from: u64::MAX,
                count: LINES,
                pick: Vec::new(),
                times: false,
            };
            let page = answer_as!(session, ask, Answer::Output(page) => page)?;
            if !page.lines.is_empty() {
                bundle.add(&format!("runs/{number}/output-{}.txt", step.index), page.lines.join("\n").as_bytes())?;
            }
        }
    }
    Ok(bundle.end()?)
}

async fn run(session: &Session, run: RunNo) -> Result<(Box<Run>, Vec<Step>), Stop> {
    answer_as!(session, Command::RunDetail { run }, Answer::RunDetail { run, steps, .. } => (run, steps))
}

/// What consoles left that broke.
fn reports(state: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(state).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut reports: Vec<PathBuf> = files
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("crash-")))
        .collect();
    reports.sort();
    reports
}

struct Bundle {
    path: PathBuf,
    tar: tar::Builder<File>,
    names: Vec<String>,
}

impl Bundle {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Failure::refused(TRIED, "the file exists already").next("name another one"),
            _ => Failure::broken(TRIED, e),
        });
        let file = file.map_err(|failure| failure.at(path.display()))?;
        Ok(Self { path: path.to_owned(), tar: tar::Builder::new(file), names: Vec::new() })
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(bytes.len() as u64);
        let added = self.tar.append_data(&mut header, format!("quarterdeck-bundle/{name}"), bytes);
        added.map_err(|e| Failure::broken(TRIED, e).at(self.path.display()))?;
        self.names.push(format!("{name} ({} bytes)", bytes.len()));
        Ok(())
    }

    fn json<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failure> {
        let broken = |e| Failure::broken(TRIED, e).at(name);
        let mut value = serde_json::to_value(value).map_err(broken)?;
        leave_out(&mut value);
        let text = serde_json::to_vec_pretty(&value).map_err(broken)?;
        self.add(name, &text)
    }

    /// The settings as values: comments may hold anything.
    fn settings(&mut self, path: &Path) -> Result<(), Failure> {
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(()) };
        match toml::from_str::<Value>(&text) {
            Ok(value) => self.json("settings.json", &value),
            Err(e) => self.add("settings-error.txt", e.message().as_bytes()),
        }
    }

    /// The end of a file, where there is one.
    fn end_of(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        match end_of(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Failure::broken(TRIED, e).at(path.display())),
            Ok(bytes) => self.add(name, &bytes),
        }
    }

    fn end(self) -> Result<Vec<String>, Failure> {
        let written = self.tar.into_inner().and_then(|mut file| file.flush());
        written.map_err(|e| Failure::broken(TRIED, e).at(self.path.display()))?;
        Ok(self.names)
    }
}

fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG)))?;
    let mut bytes = Vec::new();
    file.take(LOG).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes out what a name says to be secret, at any depth.
fn leave_out(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let secret = names_a_secret(name);
                match value {
                    Value::String(text) if secret => LEFT_OUT.clone_into(text),
                    value => leave_out(value),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(leave_out),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_secret_is_left_out_at_any_depth() {
        let mut value = json!({
            "clouds": [{ "user": "ana", "Password": "hunter2", "auth": { "api_token": "t0p", "url": "https://h" } }],
            "token_count": 3, "vars": { "db_secret": "s", "db_user": "app" },
        });
        leave_out(&mut value);
        let text = value.to_string();
        assert!(!text.contains("hunter2") && !text.contains("t0p") && !text.contains("\"s\""), "{text}");
        assert!(text.contains("ana") && text.contains("https://h") && text.contains("\"token_count\":3") && text.contains("app"));
    }
}
