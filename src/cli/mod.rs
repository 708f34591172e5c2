//! The command line: one file a noun. It knows the client, and nothing behind it.

use std::ffi::OsString;
use std::future::Future;
use std::pin::Pin;

use clap::{Parser, Subcommand};

use crate::model::{Failure, RunNo};

/// What a front door answers: the exit code.
pub type Ending = Pin<Box<dyn Future<Output = Result<i32, Failure>>>>;

/// Where the console opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Open {
    /// Where it likes: the clusters, or the wizard on the first start.
    Home,
    /// The detail of one run.
    Run(RunNo),
}

/// The doors that `main` wires, since the command line may not know what is behind them.
pub struct Doors {
    /// The console.
    pub console: fn(Open) -> Ending,
    /// The engine in this process, until it ends; `true`: detached from the terminal that started it.
    pub engine: fn(bool) -> Ending,
}

/// Quarterdeck: a terminal console for people who run clusters of virtual machines.
#[derive(Parser, Debug)]
#[command(name = "quarterdeck", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    noun: Option<Noun>,
}

#[derive(Subcommand, Debug)]
enum Noun {
    /// The engine: the background process that does the work.
    #[command(subcommand)]
    Engine(EngineVerb),
}

#[derive(Subcommand, Debug)]
enum EngineVerb {
    /// Run the engine in this process until it is stopped.
    Run {
        /// Started by a client: no terminal, a log file instead.
        #[arg(long, hide = true)]
        detached: bool,
    },
}

/// Reads the arguments and goes through one door. Returns the exit code: 0 done, 1 failed, 2 usage, 3 refused.
pub fn main(args: Vec<OsString>, doors: &Doors) -> i32 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return error.exit_code();
        }
    };
    let door = match cli.noun {
        None => (doors.console)(Open::Home),
        Some(Noun::Engine(EngineVerb::Run { detached })) => (doors.engine)(detached),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("quarterdeck: start threads: {error}");
            return 1;
        }
    };
    match runtime.block_on(door) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("quarterdeck: {failure}");
            1
        }
    }
}

/// For a door that this build does not have yet.
pub fn unfinished(door: &str) -> Failure {
    Failure::broken(format!("open the {door}"), "this build has none")
}
