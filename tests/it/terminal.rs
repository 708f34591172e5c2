//! The console in a real terminal: watched, killed, opened again, resized, flooded, suspended, left.

mod leaving;
mod own;
mod people;
mod rough;
mod tasks;

use crate::home::Home;
use crate::pty::Terminal;

/// The console in a home, in a terminal of its own.
fn open(home: &Home, args: &[&str], cols: u16, rows: u16) -> Terminal {
    Terminal::open(home.at_terminal(args), cols, rows)
}

#[test]
fn a_killed_console_is_opened_again_and_finds_its_run() {
    let home = Home::with_sandbox();
    let mut first = open(&home, &["try"], 120, 40);
    first.wait_for("Make folders");
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    let mut second = open(&home, &[], 120, 40);
    second.wait_for("hello");
    second.press("6");
    second.wait_for("RUNS");
    second.wait_for("▌   1   create hello");
    second.press("\r");
    second.wait_for("OUTPUT");
    second.wait_for("run site.yml");
    second.resize(80, 24);
    second.wait_for("✔ done");
    second.resize(160, 45);
    second.wait_for("Prepare every node");
    second.press("\x1b");
    second.wait_for("RUNS");
    second.press("q");
    let status = second.end();
    assert!(status.success(), "{status:?}");
    assert_eq!(second.disorder(), None);

    let runs = home.run(["run", "list", "--json"]).ok().json();
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs:#}");
    assert_eq!(runs[0]["state"], "done");
}
