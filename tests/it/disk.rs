//! A home on a disk that will not do: full for a while, or on NFS.

use std::path::PathBuf;
use std::time::Duration;

use crate::home::{Home, finish, wait_until};

const LIMIT: Duration = Duration::from_secs(120);

/// A home without an engine, whose disk is as full as a file says that need not be there.
fn with_fillable_disk() -> (Home, PathBuf) {
    let mut home = Home::with_sandbox();
    home.run(["engine", "stop"]).ok();
    let flag = home.path().join("full");
    home.set_env("QUARTERDECK_TEST_FULL", &flag);
    (home, flag)
}

#[test]
fn a_full_disk_stops_a_run_for_as_long_as_it_is_full() {
    let (home, flag) = with_fillable_disk();
    let run = |args: &[&str]| finish(home.command(args), LIMIT);

    // Nothing begins on a full disk, and the message says why.
    run(&["engine", "start"]).ok();
    std::fs::write(&flag, "low").unwrap();
    let refused = run(&["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("no space left on the disk"), "{}", refused.err);
    assert_eq!(run(&["run", "list", "--json"]).ok().json(), serde_json::json!([]));
    std::fs::remove_file(&flag).unwrap();

    // A run under way waits, says so, and goes on by itself.
    let started = run(&["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes", "--detach"]).ok();
    std::fs::write(&flag, "").unwrap();
    let number = home.last_run(&started);
    wait_until("the engine tells of the full disk", LIMIT, || {
        let status = run(&["engine", "status", "--json"]).ok().json();
        status["trouble"].as_array().is_some_and(|t| !t.is_empty())
    });
    std::fs::remove_file(&flag).unwrap();
    run(&["run", "tail", &number]).ok();
    assert_eq!(run(&["server", "list", "--json"]).ok().json().as_array().unwrap().len(), 3);
}

#[test]
fn old_runs_leave_even_when_nothing_more_can_be_written() {
    let (home, flag) = with_fillable_disk();
    let run = |args: &[&str]| finish(home.command(args), LIMIT);
    let settings = home.path().join("config/settings.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}\n[retention]\nruns = 1\n")).unwrap();
    run(&["engine", "start"]).ok();
    let reserve = home.path().join("data/reserve");
    wait_until("room is kept", LIMIT, || reserve.exists());
    for _ in 0..3 {
        run(&["ansible", "install"]).ok();
    }
    let kept = || run(&["run", "list", "--json"]).ok().json().as_array().unwrap().len();
    let runs = home.path().join("data/runs");
    for number in ["1", "2", "3"] {
        std::fs::create_dir_all(runs.join(number).join("steps/0-1")).unwrap();
    }
    assert_eq!(kept(), 3, "old runs leave only now and then");

    // The disk is so full that only the reserve helps: what somebody asks for is recorded, and old runs leave.
    std::fs::write(&flag, "reserve").unwrap();
    run(&["run", "pin", "3"]).ok();
    assert!(!reserve.exists());
    wait_until("old runs leave", LIMIT, || kept() == 1);
    let left = || std::fs::read_dir(&runs).unwrap().flatten().map(|e| e.file_name()).collect::<Vec<_>>();
    wait_until("what they left goes too", LIMIT, || left() == ["3"]);
}

#[test]
fn a_home_on_nfs_is_refused_with_the_way_out() {
    let home = Home::new();
    let mut command = home.command(["run", "list"]);
    command.env("QUARTERDECK_TEST_FS", "nfs");
    let said = finish(command, LIMIT);
    assert_ne!(said.code, Some(0));
    assert!(said.err.contains("NFS") && said.err.contains("QUARTERDECK_HOME"), "{}", said.err);
    assert!(!home.path().join("data/quarterdeck.db").exists(), "nothing half made");
}
