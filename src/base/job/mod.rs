//! Jobs: external programs that outlive whoever started them.
//!
//! A job has a directory. `PROGRAM __job DIR`, the *holder*, runs the program described in `DIR/job.json` and
//! writes what happens into DIR; everybody else only reads DIR, or asks over `DIR/control.sock`. Killing who
//! started the job loses nothing.
//!
//! | file           | what                                                                                  |
//! |----------------|---------------------------------------------------------------------------------------|
//! | `job.json`     | the [`JobSpec`]                                                                       |
//! | `lock`         | locked (`fcntl`) by the holder while it lives; there once a holder began              |
//! | `output`       | standard output and error of the program, appended: a regular file                    |
//! | `tty`          | what was written to the program's terminal, its echo of answers included              |
//! | `prompts.jsonl`| the questions that the program asked there, see [`prompts`]                           |
//! | `control.sock` | takes signals and answers while the holder lives                                      |
//! | `exit.json`    | the [`JobExit`]; appears whole, after all that the job writes                         |
//!
//! What happens to the processes of a job:
//! - The program leads a session of its own, with a pseudo-terminal as standard input and controlling terminal.
//! - When it ends by itself, what it left in that session is hung up, and killed after two seconds. A process
//!   that made a session of its own (a daemon, such as the master of a shared SSH connection) lives on; what it
//!   still writes to `output` comes after `exit.json`.
//! - When it ends after a signal that was asked for with [`signal`], nothing of it lives on, daemons included.
//! - When the holder is killed, the kernel kills the program and hangs up its terminal; [`wait`] then kills
//!   whatever else carries the job's mark ([`MARK`]) in its environment.

mod asking;
mod child;
mod control;
mod files;
mod holder;
mod launch;
mod tree;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Cx;
use crate::model::{Failure, Time};

pub use launch::start;

/// Variable in the environment of every process of a job: the job's directory.
pub const MARK: &str = "QUARTERDECK_JOB";

/// What is to run. Stored as `DIR/job.json`; holds no secrets.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct JobSpec {
    /// The program and its arguments. `{secret:NAME}` in an argument stands for a path that the program can read
    /// the secret from, once or more often.
    pub argv: Vec<String>,
    /// Variables set on top of the inherited ones.
    pub env: Vec<(String, String)>,
    /// Directory to run in.
    pub cwd: PathBuf,
    /// Inherit only the variables of [`super::process::KEPT`].
    pub scrub_env: bool,
    /// While one of these texts stands in the last lines, the program waits for time to pass, not for an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_questions: Vec<String>,
}

/// A secret handed to the program as an open file, never by argument, variable or file name.
pub struct JobSecret {
    /// As in `{secret:NAME}`: letters, digits, `_` and `-`.
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

impl JobExit {
    /// The program ran and said that all is well.
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }
}

/// State of a job, as its directory tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobState {
    /// `pid` is the holder's.
    Running {
        pid: i32,
    },
    Ended(JobExit),
    /// The holder was killed, and the program with it.
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
    /// The question; raw text from the program, may be empty.
    pub text: String,
    /// The terminal does not echo: the answer is a secret.
    pub secret: bool,
    pub state: Asked,
    /// When it was noticed.
    pub at: Time,
}

/// State of the job of `dir`. Only reads.
pub fn state(dir: &Path) -> JobState {
    files::state(dir)
}

/// All questions of the job so far; at most the last one is open.
pub fn prompts(dir: &Path) -> Vec<JobPrompt> {
    files::prompts(dir)
}

/// Waits for the end of the job. Stopping to wait does not stop the job.
///
/// # Errors
/// `Cancelled` when `cx` is, `Transient` when the holder was killed or the deadline passed, `NotFound` when
/// nothing was started in `dir`.
pub async fn wait(dir: &Path, cx: &Cx) -> Result<JobExit, Failure> {
    const PAUSE: Duration = Duration::from_millis(50);
    let tried = "wait for a job";
    loop {
        match state(dir) {
            JobState::Ended(exit) => return Ok(exit),
            JobState::Lost => {
                end_leftovers(dir);
                return Err(files::lost(dir));
            }
            JobState::Never => return Err(Failure::not_found(tried, "no job was started here").at(dir.display())),
            JobState::Running { .. } => {}
        }
        cx.run(tried, async {
            // The holder closes the line when it ends, which is heard at once.
            control::until_gone(dir).await;
            Ok(())
        })
        .await?;
        if matches!(state(dir), JobState::Running { .. }) {
            cx.sleep(tried, PAUSE).await?;
        }
    }
}

/// Sends a signal to the program and what it started. `SIGKILL`, `SIGSTOP` and `SIGCONT` reach every process
/// below the program, other signals those of its session (as a terminal's keys do).
///
/// # Errors
/// `NotFound` when no job runs in `dir`.
pub fn signal(dir: &Path, signal: i32) -> Result<(), Failure> {
    control::ask(dir, &control::Request::Signal { signal }).map_err(|e| e.failure("signal a job", dir))
}

/// Types a line into the job's terminal, as the answer to the open question `number`.
///
/// # Errors
/// `NotFound` when no job runs in `dir`; `Refused` when that question is not open, or the line holds control
/// characters or is longer than a terminal takes (4000 bytes).
pub fn answer(dir: &Path, number: u64, line: &SecretString) -> Result<(), Failure> {
    control::answer(dir, number, line).map_err(|e| e.failure("answer a job", dir))
}

/// Kills what is left of a job whose holder was killed; returns how many processes that were. [`wait`] does it.
pub fn end_leftovers(dir: &Path) -> usize {
    if state(dir) == JobState::Lost { tree::kill_marked(dir) } else { 0 }
}

/// The holder itself: `__job DIR …`. Returns the exit code of the process. Must run before any thread starts.
pub fn main_hidden(args: Vec<OsString>) -> i32 {
    holder::main(&args)
}
