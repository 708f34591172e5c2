//! Jobs: external programs that outlive whoever started them.
//!
//! A job has a directory. `PROGRAM __job DIR`, the *holder*, runs the program described in `DIR/job.json` and
//! writes what happens into DIR; everybody else only reads DIR, or asks over `DIR/control.sock`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Cx;
use crate::model::{Failure, Time};

/// What is to run. Stored as `DIR/job.json`; holds no secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// The program and its arguments. `{secret:NAME}` stands for a path that the program can read the secret from.
    pub argv: Vec<String>,
    /// Variables set on top of the inherited ones.
    pub env: Vec<(String, String)>,
    /// Directory to run in.
    pub cwd: PathBuf,
    /// Inherit only the variables of [`super::process::KEPT`].
    pub scrub_env: bool,
}

/// A secret handed to the program as an open file, never by argument, variable or file name.
pub struct JobSecret {
    /// As in `{secret:NAME}`.
    pub name: String,
    pub value: SecretString,
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobExit {
    /// The program's exit code; `None` when a signal ended it or it never ran.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    pub at: Time,
    /// Why the program could not be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// State of a job, as its directory tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobState {
    /// `pid` is the holder's.
    Running {
        pid: i32,
    },
    Ended(JobExit),
    /// The holder was killed; the program is killed with it.
    Lost,
    /// Nothing was started in this directory.
    Never,
}

/// State of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    Open,
    Answered,
    /// The program went on without an answer.
    Withdrawn,
}

/// A question that the program asks on its terminal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobPrompt {
    /// From 1, in order.
    pub number: u64,
    /// The question; raw text from the program.
    pub text: String,
    /// The terminal does not echo: the answer is a secret.
    pub secret: bool,
    pub state: Asked,
}

/// Starts the job of `dir` and returns once it runs (or has ended). Blocks for some milliseconds.
/// At most one job ever runs in a directory: where one runs or has ended already, nothing happens.
///
/// # Errors
/// The holder cannot be started, or was killed before.
pub fn start(program: &Path, dir: &Path, spec: &JobSpec, secrets: Vec<JobSecret>) -> Result<(), Failure> {
    let _ = (program, dir, spec, secrets);
    unimplemented!()
}

/// State of the job of `dir`.
pub fn state(dir: &Path) -> JobState {
    let _ = dir;
    unimplemented!()
}

/// Waits for the end of the job. Stopping to wait does not stop the job.
///
/// # Errors
/// `Cancelled` when `cx` is, `Transient` when the holder was killed or the deadline passed.
pub async fn wait(dir: &Path, cx: &Cx) -> Result<JobExit, Failure> {
    let _ = (dir, cx);
    unimplemented!()
}

/// Sends a signal to the program and all that it started.
///
/// # Errors
/// No job runs in `dir`.
pub fn signal(dir: &Path, signal: i32) -> Result<(), Failure> {
    let _ = (dir, signal);
    unimplemented!()
}

/// Types a line into the job's terminal.
///
/// # Errors
/// No job runs in `dir`.
pub fn answer(dir: &Path, line: &SecretString) -> Result<(), Failure> {
    let _ = (dir, line);
    unimplemented!()
}

/// All questions of the job so far.
pub fn prompts(dir: &Path) -> Vec<JobPrompt> {
    let _ = dir;
    unimplemented!()
}

/// The holder itself: `__job DIR …`. Returns the exit code of the process.
pub fn main_hidden(args: Vec<OsString>) -> i32 {
    let _ = args;
    unimplemented!()
}
