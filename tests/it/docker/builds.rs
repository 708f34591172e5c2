//! Builds on a real Docker engine.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::yard::{BASE, Yard, docker, try_docker};
use crate::home::{Said, wait_until};
use crate::pty::Terminal;
use crate::support;

impl Yard {
    /// A directory with these files, new for each build: one that is detached may read it later.
    fn context(&self, files: &[(&str, &str)]) -> PathBuf {
        let number = std::fs::read_dir(self.home.path().join("contexts")).map_or(0, Iterator::count);
        let dir = self.home.path().join(format!("contexts/{number}/context"));
        for (path, text) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    /// Builds a directory, with further words of the command line.
    fn build(&self, files: &[(&str, &str)], words: &[&str]) -> Said {
        let dir = self.context(files);
        let mut line = vec!["build", "run", dir.to_str().unwrap()];
        line.extend(words);
        self.home.run(line)
    }

    /// The steps of the newest build: name, outcome, message.
    fn steps(&self) -> Vec<(String, String, String)> {
        let run = self.home.run(["build", "list", "--json"]).ok().json();
        let number = run.as_array().unwrap().last().unwrap()["number"].to_string();
        let shown = self.home.run(["run", "show", number.as_str(), "--json"]).ok().json();
        let tasks = shown["plays"].as_array().unwrap().last().unwrap()["state"]["plays"][0]["tasks"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |task: &Value| {
            let result = &task["results"]["default"];
            (text(&task["name"]), text(&result["outcome"]), text(&result["msg"]))
        };
        tasks.iter().map(of).collect()
    }
}

fn dockerfile(text: &str) -> String {
    format!("FROM {BASE}\n{text}")
}

#[test]
fn a_build_has_live_steps_then_comes_out_of_the_cache() {
    let Some(yard) = Yard::open("build_steps") else { return };
    let tag = format!("{}:1", yard.name);
    // The name makes it new: nothing of an earlier test is in the cache.
    let text = dockerfile(&format!(
        "ARG WORD=none\nCOPY . /src\nRUN echo {tag} said $WORD > /word && echo line-of-the-step && ls /src\n"
    ));
    let files = [("Dockerfile", text.as_str()), ("a.txt", "a"), ("b.key", "b"), (".dockerignore", "*.key\n")];
    let words = ["-t", tag.as_str(), "--build-arg", "WORD=hello there", "--label", "made.by=us & others"];
    let run = yard.home.last_run(&yard.build(&files, &words).ok());
    let all = yard.home.run(["run", "tail", run.as_str()]).ok().out;
    assert!(all.contains("line-of-the-step") && all.contains("a.txt") && !all.contains("b.key"), "{all}");
    assert_eq!(docker(&["run", "--rm", &tag, "cat", "/word"]), format!("{tag} said hello there"));
    let labels = docker(&["image", "inspect", "--format", "{{json .Config.Labels}}", &tag]);
    assert_eq!(labels, r#"{"made.by":"us & others"}"#);
    let steps = yard.steps();
    let run = steps.iter().find(|(name, ..)| name.contains("RUN echo")).unwrap_or_else(|| panic!("{steps:?}"));
    assert_eq!(run.1, "changed");
    yard.build(&files, &words).ok();
    let steps = yard.steps();
    let run = steps.iter().find(|(name, ..)| name.contains("RUN echo")).unwrap_or_else(|| panic!("{steps:?}"));
    assert_eq!((run.1.as_str(), run.2.as_str()), ("ok", "cached"), "{steps:?}");
}

#[test]
fn a_step_that_fails_says_which_it_was_and_what_it_said_last() {
    let Some(yard) = Yard::open("build_fails") else { return };
    let text = dockerfile("RUN echo fine\nRUN echo the cause is here; exit 7\nRUN echo never\n");
    let said = yard.build(&[("Dockerfile", &text)], &["--no-cache"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains("RUN echo the cause is here; exit 7") && all.contains("exit code: 7"), "{all}");
    assert!(all.contains("it said last: the cause is here"), "{all}");
    let steps = yard.steps();
    assert!(steps.iter().any(|(name, outcome, _)| name.contains("exit 7") && outcome == "failed"), "{steps:?}");
    // In the console: the message and the step stand there at once; one key leads to the line.
    let terminal = Terminal::open(yard.home.at_terminal(&[]), 140, 40);
    terminal.wait_for("answers");
    terminal.press("6");
    terminal.wait_for("build context");
    terminal.press("\r");
    terminal.wait_for("exit code: 7");
    terminal.wait_for("the cause is here");
    terminal.wait_for("BUILD STEPS");
}

#[test]
fn secrets_are_seen_by_their_step_and_by_nobody_else() {
    let Some(mut yard) = Yard::open("build_secrets") else { return };
    let (tag, token) = (format!("{}:1", yard.name), format!("hunter2-{}", std::process::id()));
    let text = dockerfile(
        "RUN --mount=type=secret,id=npm cat /run/secrets/npm | dd bs=7 count=1 2>/dev/null > /seven\nRUN test ! -e /run/secrets/npm\n",
    );
    yard.home.set_env("NPM_TOKEN", token.as_str());
    yard.build(&[("Dockerfile", &text)], &["-t", &tag, "--no-cache", "--secret", "id=npm,env=NPM_TOKEN"]).ok();
    assert_eq!(docker(&["run", "--rm", &tag, "cat", "/seven"]), "hunter2");
    let mut left = Vec::new();
    find(yard.home.path(), token.as_bytes(), &mut left);
    assert!(left.is_empty(), "the secret is in {left:?}");
    let history = docker(&["history", "--no-trunc", &tag]);
    assert!(!history.contains(&token));
}

/// Files in which these bytes are.
fn find(dir: &std::path::Path, what: &[u8], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            find(&path, what, found);
        } else if kind.is_file() && std::fs::read(&path).is_ok_and(|bytes| bytes.windows(what.len()).any(|w| w == what)) {
            found.push(path);
        }
    }
}

/// Whether a process with this word in its command line runs on this computer.
fn runs(word: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.parse::<i32>().is_ok() && support::text(entry.path().join("cmdline")).starts_with(&format!("sleep\0{word}"))
    })
}

#[test]
fn a_build_that_is_cancelled_leaves_nothing_running() {
    for builder in [None, Some("--classic")] {
        let Some(yard) = Yard::open("build_cancel") else { return };
        // A number of seconds that no other process sleeps.
        let seconds = format!("{}", 700_000 + std::process::id() + u32::from(builder.is_some()));
        let text = dockerfile(&format!("RUN echo begun && sleep {seconds}\n"));
        let mut words = vec!["--detach", "--no-cache", "-t", yard.name.as_str()];
        words.extend(builder);
        let started = yard.build(&[("Dockerfile", &text)], &words).ok();
        let run = yard.home.last_run(&started);
        wait_until("the step runs", Duration::from_secs(60), || runs(&seconds));
        yard.home.run(["run", "cancel", run.as_str(), "--keep"]).ok();
        wait_until("the step is gone", Duration::from_secs(30), || !runs(&seconds));
        let ended = || yard.home.run(["run", "show", run.as_str(), "--json"]).ok().json()["run"]["state"] == "cancelled";
        wait_until("the run is cancelled", Duration::from_secs(30), ended);
        assert!(try_docker(&["image", "inspect", &yard.name]).is_err(), "an image was made all the same");
        wait_until("no container is left", Duration::from_secs(20), || !docker(&["ps", "-a", "--no-trunc"]).contains(&seconds));
    }
}

#[test]
fn a_build_outlives_the_engine() {
    let Some(yard) = Yard::open("build_outlives") else { return };
    let tag = format!("{}:1", yard.name);
    let text = dockerfile(&format!("RUN for i in 1 2 3 4 5 6 7 8; do echo {tag} $i; sleep 1; done\n"));
    let started = yard.build(&[("Dockerfile", &text)], &["-t", &tag, "--detach"]).ok();
    let run = yard.home.last_run(&started);
    let steps = yard.home.path().join("data/runs").join(&run).join("steps");
    let output = || {
        let dirs = std::fs::read_dir(&steps).into_iter().flatten().flatten();
        dirs.map(|entry| support::text(entry.path().join("output"))).collect::<String>()
    };
    wait_until("the step has begun", Duration::from_secs(60), || output().contains(&format!(" {tag} 2\n")));
    yard.home.kill_engine();
    let tailed = yard.home.run(["run", "tail", run.as_str()]);
    assert_eq!(tailed.code, Some(0), "{tailed:?}");
    let shown = yard.home.run(["run", "show", run.as_str(), "--json"]).ok().json();
    assert_eq!(shown["steps"][0]["attempt"], 1, "the build went on, it was not begun anew");
    let all = output();
    for i in 1..=8 {
        assert_eq!(all.matches(&format!(" {tag} {i}\n")).count(), 1, "line {i} in:\n{all}");
    }
}

#[test]
fn builds_go_on_side_by_side() {
    let Some(yard) = Yard::open("build_parallel") else { return };
    let seconds: Vec<String> = (0..3).map(|n| format!("{}", 750_000 + std::process::id() * 4 + n)).collect();
    let mut started = Vec::new();
    for second in &seconds {
        let text = dockerfile(&format!("RUN sleep {second}\n"));
        started.push(yard.home.last_run(&yard.build(&[("Dockerfile", &text)], &["--detach"]).ok()));
    }
    wait_until("all of them run", Duration::from_secs(60), || seconds.iter().all(|second| runs(second)));
    for run in &started {
        yard.home.run(["run", "cancel", run.as_str(), "--keep"]).ok();
    }
    wait_until("none of them runs", Duration::from_secs(30), || !seconds.iter().any(|second| runs(second)));
}

#[test]
fn the_classic_builder_serves_where_there_is_no_buildkit() {
    let Some(yard) = Yard::open("build_classic") else { return };
    let tag = format!("{}:1", yard.name);
    let text = dockerfile(&format!("RUN echo {tag} > /word\nRUN echo classic-line\n"));
    let said = yard.build(&[("Dockerfile", &text)], &["-t", &tag, "--classic"]).ok();
    let run = yard.home.last_run(&said);
    let tailed = yard.home.run(["run", "tail", run.as_str()]).ok();
    assert!(tailed.out.contains("classic-line"), "{tailed:?}");
    assert_eq!(docker(&["run", "--rm", &tag, "cat", "/word"]), tag);
    yard.build(&[("Dockerfile", &text)], &["-t", &tag, "--classic"]).ok();
    assert_eq!(yard.steps().iter().filter(|(_, outcome, _)| outcome == "ok").count(), 2, "{:?}", yard.steps());
    let text = dockerfile("RUN echo the cause; exit 7\n");
    let said = yard.build(&[("Dockerfile", &text)], &["--classic", "--no-cache"]);
    assert!(said.code == Some(1) && said.out.contains("it said last: the cause"), "{said:?}");
}

#[test]
fn what_is_wrong_with_a_build_is_refused_before_it_begins() {
    let Some(yard) = Yard::open("build_wrong") else { return };
    let said = yard.build(&[("a", "")], &[]);
    assert!(said.code == Some(2) && said.err.contains("Dockerfile"), "{said:?}");
    let text = dockerfile("NONSENSE\n");
    let said = yard.build(&[("Dockerfile", &text)], &[]);
    assert!(said.code == Some(1) && said.out.to_lowercase().contains("unknown instruction"), "{said:?}");
    // A name that a shell would carry out is refused by the engine, and carried out by nobody.
    let said = yard.build(&[("Dockerfile", &dockerfile(""))], &["-t", "x; touch /tmp/qd-evil #"]);
    assert!(said.code == Some(1) && !std::path::Path::new("/tmp/qd-evil").exists(), "{said:?}");
    let said = yard.build(&[("Dockerfile", &dockerfile(""))], &["--target", "none"]);
    assert!(said.code == Some(1) && said.out.contains("none"), "{said:?}");
}
