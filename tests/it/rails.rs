//! Guard rails, undo and commands of one's own, through the real binary.

use serde_json::{Value, json};

use crate::home::{Home, Said};

/// Adds to the settings by hand, as a person does.
fn write(home: &Home, text: &str) {
    let path = home.path().join("config/settings.toml");
    let now = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{now}\n{text}\n")).unwrap();
}

fn settings(home: &Home) -> std::path::PathBuf {
    home.path().join("config/settings.toml")
}

/// The line of the settings that begins so, from 1.
fn line_of(home: &Home, start: &str) -> usize {
    std::fs::read_to_string(settings(home)).unwrap().lines().position(|l| l.starts_with(start)).unwrap() + 1
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(3), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word} is missing in {}", said.err);
    }
}

fn servers(home: &Home) -> usize {
    home.run(["server", "list", "--json"]).ok().json().as_array().unwrap().len()
}

#[test]
fn a_read_only_cloud_is_left_alone_and_the_line_is_named() {
    let home = Home::with_sandbox();
    home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]).ok();
    home.run(["cloud", "set", "sandbox", "read_only=true", "prod=true"]).ok();
    let place = format!("cloud sandbox is read-only ({}:{})", settings(&home).display(), line_of(&home, "read_only"));
    let ways: &[&[&str]] = &[
        &["server", "delete", "workers-1", "--yes"],
        &["server", "stop", "workers-1"],
        &["server", "create", "one", "--flavor", "tiny", "--image", "host", "--key", "/dev/null"],
        &["cluster", "delete", "demo", "--yes"],
        &["cluster", "scale", "demo", "workers=3", "--yes"],
        &["playbook", "run", "-c", "demo"],
        &["image", "delete", "host", "--yes"],
    ];
    for way in ways {
        refused(&home.run(*way), &[&place]);
    }
    let shell = home.run(["ssh", "demo/workers-1", "--", "true"]);
    assert!(shell.code == Some(255) && shell.err.contains(&place), "{shell:?}");
    assert_eq!(servers(&home), 3);
    let cloud = home.run(["cloud", "show", "sandbox", "--json"]).ok().json();
    assert!(cloud.to_string().contains("\"prod\":true"), "{cloud}");
    let audit = home.run(["audit", "--json"]).ok().json();
    let denied = |entry: &&Value| entry["result"].as_str().is_some_and(|r| r.contains("read-only"));
    assert!(audit.as_array().unwrap().iter().filter(denied).count() >= 2, "{audit}");

    home.run(["cloud", "set", "sandbox", "read_only="]).ok();
    home.run(["server", "stop", "workers-1"]).ok();
    let watching = home.run(["--read-only", "server", "start", "workers-1"]);
    refused(&watching, &["a watcher may look, not act"]);
    assert_eq!(home.run(["--read-only", "run", "list", "--json"]).ok().code, Some(0));
}

#[test]
fn guards_ask_for_names_and_limit_what_is_done_at_once() {
    let home = Home::with_sandbox();
    write(
        &home,
        "[[guard]]\ncluster = \"de*\"\naction = \"cluster delete\"\nlevel = \"name\"\nreason = \"customers are on it\"\n\n[[guard]]\naction = \"server stop\"\nlevel = \"deny\"\n\n[[guard]]\naction = \"cluster create\"\nmax = 2\nreason = \"small steps\"",
    );
    refused(
        &home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]),
        &["touches 3, at most 2", "small steps"],
    );
    let text = std::fs::read_to_string(settings(&home)).unwrap().replace("max = 2", "max = 3");
    std::fs::write(settings(&home), text).unwrap();
    home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]).ok();

    let source = format!("{}:{}", settings(&home).display(), line_of(&home, "[[guard]]"));
    refused(&home.run(["cluster", "delete", "demo", "--yes"]), &["customers are on it", &source, "--confirm demo"]);
    refused(&home.run(["cluster", "delete", "demo", "--confirm", "dem"]), &["nothing was changed"]);
    refused(&home.run(["server", "stop", "workers-1", "--yes"]), &["a guard is in the way"]);
    assert_eq!(servers(&home), 3);
    // What was done is written down, with what it was about.
    let audit = home.run(["audit", "--json"]).ok().json();
    let entry = |what: &str| audit.as_array().unwrap().iter().find(|e| e["what"].as_str().unwrap().contains(what)).unwrap();
    let made = entry("create demo");
    assert_eq!((&made["run"], &made["cluster"], &made["cloud"]), (&json!(1), &json!("demo"), &json!("sandbox")));

    // Settings that are wrong leave those of before in force, and are told.
    write(&home, "[[guard]]\nlevel = \"nmae\"");
    refused(&home.run(["server", "stop", "workers-1", "--yes"]), &["a guard is in the way"]);
    let status = home.run(["engine", "status", "--json"]).ok().json();
    assert!(status["trouble"].to_string().contains("nmae"), "{status}");
    let text = std::fs::read_to_string(settings(&home)).unwrap().replace("nmae", "name");
    std::fs::write(settings(&home), text).unwrap();

    home.run(["cluster", "delete", "demo", "--confirm", "demo"]).ok();
    assert_eq!(servers(&home), 0);
}

#[test]
fn a_run_is_taken_back_with_its_plan_shown() {
    let home = Home::with_sandbox();
    home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]).ok();
    home.run(["cluster", "scale", "demo", "workers=3", "--yes"]).ok();
    assert_eq!(servers(&home), 4);
    refused(&home.run(["run", "undo", "2"]), &["this asks for a yes"]);
    let undone = home.run(["run", "undo", "2", "--yes"]).ok();
    assert!(undone.out.contains("1 server to delete"), "{}", undone.out);
    assert_eq!(servers(&home), 3);
    let run = home.run(["run", "list", "-n", "1", "--json"]).ok().json();
    assert_eq!(run[0]["title"], "scale demo (undo run 2)");

    home.run(["playbook", "run", "-c", "demo"]).ok();
    refused(&home.run(["run", "undo", "4", "--yes"]), &["only a playbook can take back"]);
    let undone = home.run(["run", "undo", "1", "--yes"]).ok();
    assert!(undone.out.contains("worked on since: run 2 (scale), run 3 (scale), run 4 (playbook)"), "{}", undone.out);
    assert_eq!((servers(&home), home.run(["cluster", "list", "--json"]).ok().json()), (0, json!([])));
    refused(&home.run(["run", "undo", "1", "--yes"]), &["its cluster is gone"]);
}

#[test]
fn commands_of_ones_own_run_as_runs() {
    let home = Home::with_sandbox();
    home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]).ok();
    write(
        &home,
        "[[command]]\nname = \"say\"\non = \"node\"\nargv = [\"printf\", \"%s|\", \"{cluster}\", \"{name}\", \"{word}\", \"{address}\"]\nabout = \"says what it is given\"\n[[command.input]]\nname = \"word\"\n\n[[command]]\nname = \"fail\"\non = \"cloud\"\nargv = [\"sh\", \"-c\", \"echo to stderr >&2; exit 7\"]\ndangerous = true\n\n[[command]]\nname = \"wait\"\non = \"run\"\nargv = [\"sleep\", \"300\"]",
    );
    let list = home.run(["command", "list", "--json"]).ok().json();
    assert_eq!(list.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect::<Vec<_>>(), ["say", "fail", "wait"]);

    // Nothing takes an argument apart.
    let said = home.run(["command", "run", "say", "demo/workers-1", "-i", "word=$(id); a  b"]).ok();
    assert!(said.out.contains("demo|workers-1|$(id); a  b|127."), "{}", said.out);
    let replayed = home.run(["run", "replay", "2", "--speed", "0"]).ok();
    assert!(replayed.out.contains("$(id); a  b"), "{}", replayed.out);
    let wrong = home.run(["command", "run", "say", "demo/workers-1"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("needs its input word"), "{wrong:?}");
    assert_eq!(home.run(["command", "run", "sya", "demo"]).code, Some(2));

    // A dangerous one asks, fails as a run does, and is not for what is read-only.
    refused(&home.run(["command", "run", "fail", "sandbox"]), &["this asks for a yes"]);
    let failed = home.run(["command", "run", "fail", "sandbox", "--yes"]);
    assert!(failed.code == Some(1) && format!("{}{}", failed.out, failed.err).contains("ended with code 7"), "{failed:?}");
    home.run(["cloud", "set", "sandbox", "read_only=true"]).ok();
    refused(&home.run(["command", "run", "fail", "sandbox", "--yes"]), &["read-only"]);
    home.run(["command", "run", "say", "demo/workers-1", "-i", "word=x"]).ok();

    // The job outlives its engine, and is ended by a cancel.
    let started = home.run(["command", "run", "wait", "1", "--detach"]).ok();
    let run = home.last_run(&started);
    let asleep = || home.processes().iter().any(|(_, line)| line.starts_with("sleep 300"));
    crate::home::wait_until("it sleeps", std::time::Duration::from_secs(30), asleep);
    home.kill_engine();
    assert!(asleep());
    home.run(["run", "cancel", &run, "--keep"]).ok();
    assert_eq!(home.run(["run", "show", &run, "--json"]).ok().json()["run"]["state"], "cancelled");
    assert!(!asleep());
}
