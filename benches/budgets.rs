//! Measures what `budgets.toml` limits: `cargo bench`, `cargo bench -- --strict`, `cargo bench -- output`.
//!
//! The benches of a room are a module with a function `run` that is listed in [`ROOMS`]. It calls [`Report::measure`]
//! with a name of the table, or [`Report::skip`] with the reason why this machine cannot measure it.

#![allow(clippy::unwrap_used, reason = "a bench that cannot measure ends at once")]

mod client;
mod console;
mod crowd;
mod live;
mod load;
mod output;
mod process;
mod program;
mod report;
mod slow;
mod store;
mod table;

// What drives the real program is shared with the tests, which use more of it.
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/it/wire/fake.rs"]
mod fake;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/it/home.rs"]
mod home;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/it/pty.rs"]
mod pty;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/it/stage.rs"]
mod stage;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/it/support.rs"]
mod support;

use report::Report;

/// The rooms that measure something, in the order of the table.
const ROOMS: &[fn(&mut Report)] =
    &[store::run, output::run, client::run, load::run, console::run, crowd::run, live::run, slow::run, program::run];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Run as a test (`cargo test --all-targets`, or asked for its list of tests): only the table is checked.
    if !arguments.iter().any(|a| a == "--bench") || arguments.iter().any(|a| a == "--list") {
        table::budgets();
        return;
    }
    let strict = arguments.iter().any(|a| a == "--strict");
    let only = arguments.iter().find(|a| !a.starts_with("--")).cloned().unwrap_or_default();
    let mut report = Report::new(strict, only);
    for room in ROOMS {
        room(&mut report);
    }
    std::process::exit(report.end());
}
