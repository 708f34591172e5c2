//! What it costs to get to the engine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use quarterdeck::client::{self, Client, Options};
use quarterdeck::config::Paths;
use quarterdeck::protocol::ClientKind;
use tokio::runtime::Runtime;

use crate::process::resident;
use crate::report::Report;
use crate::store::{median, percentile, place};

pub fn run(report: &mut Report) {
    if !report.wants(&["client.attach", "client.cold_start", "engine.memory"]) {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let starts = (0..9).map(|_| cold_start(&runtime)).collect();
    report.take("client.cold_start", median(starts));
    let engine = Engine::new();
    let client = runtime.block_on(engine.attach());
    report.measure("engine.memory", || resident(client.welcome().pid.cast_signed()));
    report.measure("client.attach", || attach(&runtime, &engine));
}

/// A home whose engine ends with it.
struct Engine {
    options: Options,
    _home: tempfile::TempDir,
}

impl Engine {
    fn new() -> Self {
        let home = place();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_quarterdeck"));
        let options = Options { program, ..Options::new(ClientKind::Test, Paths::under(home.path())).following() };
        Self { options, _home: home }
    }

    async fn attach(&self) -> Client {
        client::connect(self.options.clone()).await.unwrap()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let text = std::fs::read_to_string(self.options.paths.lock()).unwrap_or_default();
        if let Some(pid) = text.split(' ').next().and_then(|pid| pid.parse().ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// From nothing to an engine that answered.
fn cold_start(runtime: &Runtime) -> Duration {
    let engine = Engine::new();
    let started = Instant::now();
    runtime.block_on(engine.attach());
    started.elapsed()
}

/// From nothing to the whole state, engine running, ms.
fn attach(runtime: &Runtime, engine: &Engine) -> f64 {
    let once = || {
        let started = Instant::now();
        runtime.block_on(async { engine.attach().await.state().await.unwrap() });
        started.elapsed()
    };
    percentile((0..100).map(|_| once()).collect(), 95)
}
