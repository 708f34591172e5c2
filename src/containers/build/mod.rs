//! Builds: a program of ours (`__build DIR`) does one, as a job that outlives the engine.
//!
//! It packs the context, lets the Docker engine build (BuildKit where there is one, else the classic builder), and writes
//! what happens as output and events into the job's directory. When it ends, by itself or killed, its connection ends, and
//! with it the build: the Docker engine goes on with nothing that nobody waits for. Done again, a build finds in the cache
//! what it did before.

mod context;
mod ignore;
mod program;
mod progress;
mod report;
mod wire;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use context::Context;
pub use program::main_hidden;

use crate::base::job::JobSpec;
use crate::model::{DockerAddress, Failure, NewBuild};

/// What is to be built, in the job's directory.
const CALL: &str = "build.json";
/// What came of it.
const RESULT: &str = "result.json";

/// What the program is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    pub build: NewBuild,
    pub address: DockerAddress,
    /// Names the build at the Docker engine, so that it can be told to stop.
    pub token: String,
    pub title: String,
}

/// What came of a build.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Id of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Steps that came out of the cache, and that were carried out.
    pub cached: u32,
    pub built: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Writes down what is to be built; the job that does it.
///
/// # Errors
/// The directory cannot be written.
pub fn prepare(program: &Path, dir: &Path, call: &Call) -> Result<JobSpec, Failure> {
    let text = serde_json::to_vec_pretty(call).map_err(|e| Failure::broken("prepare a build", e))?;
    crate::base::files::write_private(&dir.join(CALL), &text)?;
    let mut argv = vec![program.display().to_string(), "__build".to_owned(), dir.display().to_string()];
    // The values come by open file; the paths say nothing.
    argv.extend(call.build.secrets.iter().map(|id| format!("{id}={{secret:{id}}}")));
    let network = crate::base::process::env_of(crate::base::process::KEPT_NETWORK);
    let text = |os: std::ffi::OsString| os.into_string().ok();
    let env = network.into_iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    Ok(JobSpec { argv, env, cwd: dir.to_owned(), scrub_env: true, not_questions: Vec::new() })
}

/// What came of the build of a job that has ended; none where it did not come that far.
pub fn outcome(dir: &Path) -> Option<Outcome> {
    serde_json::from_slice(&std::fs::read(dir.join(RESULT)).ok()?).ok()
}
