//! The main job from the command line: from nothing to a configured cluster, changed, mended and given back.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::home::{Home, finish};
use crate::support::{PROGRAM, until};

const LIMIT: Duration = Duration::from_secs(120);

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

fn shown(home: &Home, run: u64) -> Value {
    home.run(["run", "show", &run.to_string(), "--json"]).ok().json()
}

/// The number of the newest run.
fn newest(home: &Home) -> u64 {
    home.run(["run", "list", "-n", "1", "--json"]).ok().json()[0]["number"].as_u64().unwrap()
}

#[test]
fn try_twice_then_look_around() {
    let home = Home::with_sandbox();
    let started = Instant::now();
    let first = home.run(["try"]).ok();
    println!("the first try took {:?}", started.elapsed());
    for wanted in ["master-1", "PLAY RECAP", "done      run 1", "quarterdeck ssh hello --all"] {
        assert!(first.out.contains(wanted), "{wanted} is missing in\n{}", first.out);
    }
    assert!(shown(&home, 1)["run"]["play_totals"]["changed"].as_u64().unwrap() > 0);

    home.run(["try"]).ok();
    let again = shown(&home, newest(&home));
    assert_eq!(again["run"]["play_totals"]["changed"], 0, "the second time nothing changes");
    let servers = home.run(["server", "list", "--json"]).ok().json();
    assert_eq!(servers.as_array().unwrap().len(), 3, "no server twice");

    let cluster = home.run(["cluster", "show", "hello", "--json"]).ok().json();
    assert_eq!(
        (cluster["state"].as_str(), names(&cluster["nodes"])),
        (Some("running"), vec!["master-1", "workers-1", "workers-2"])
    );
    assert_eq!(names(&home.run(["cluster", "list", "--json"]).ok().json()), ["hello"]);
    let audit = home.run(["audit", "--json"]).ok().json();
    assert!(audit.as_array().unwrap().iter().any(|entry| entry["run"] == 1 && entry["client"] == "cli"), "{audit}");

    let replayed = home.run(["run", "replay", "1", "--speed", "0"]).ok().out;
    let recorded = home.run(["run", "tail", "1"]).ok().out;
    let output = |text: &str| text.lines().filter(|l| l.starts_with("TASK [") || l.contains(" : ok=")).count();
    assert!(output(&recorded) > 5);
    assert_eq!(output(&replayed), output(&recorded));

    ssh(&home);
    inventory(&home);
}

fn ssh(home: &Home) {
    let said = home.run(["ssh", "hello/workers-1", "--", "hostname; echo oops >&2; exit 7"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(7), "workers-1\n", "oops\n"));

    let mut cat = home.command(["ssh", "master-1", "--", "cat"]);
    let input = home.path().join("input");
    std::fs::write(&input, "text through stdin\n").unwrap();
    cat.stdin(std::fs::File::open(&input).unwrap());
    assert_eq!(finish(cat, LIMIT).ok().out, "text through stdin\n");

    let all = home.run(["ssh", "hello", "--all", "--", "hostname"]).ok();
    let mut lines: Vec<&str> = all.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["master-1  master-1", "workers-1  workers-1", "workers-2  workers-2"]);
    assert!(all.err.contains("3 nodes: 3 ok, 0 failed"), "{}", all.err);

    let some = home.run(["ssh", "hello", "--all", "--", "test $(hostname) = master-1"]);
    assert_eq!(some.code, Some(1));
    assert!(some.err.contains("3 nodes: 1 ok, 2 failed"), "{}", some.err);

    let group = home.run(["ssh", "hello", "--all", "--group", "workers", "--json", "--", "printf '\\033[2J'"]).ok().json();
    assert_eq!(group.as_array().unwrap().len(), 2);

    let many = home.run(["ssh", "hello"]);
    assert_eq!(many.code, Some(2));
    assert!(many.err.contains("hello/master-1"), "{}", many.err);
}

/// The inventory script of the README, used by the real Ansible.
fn inventory(home: &Home) {
    let listed = home.run(["inventory", "hello", "--list"]).ok().json();
    assert_eq!(listed["workers"]["hosts"], json!(["workers-1", "workers-2"]));
    let host = home.run(["inventory", "hello", "--host", "master-1"]).ok().json();
    assert_eq!(host, listed["_meta"]["hostvars"]["master-1"]);

    let script = home.path().join("hello-inventory");
    std::fs::write(&script, format!("#!/bin/sh\nexec {PROGRAM} inventory hello \"$@\"\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let status = home.run(["ansible", "status", "--json"]).ok().json();
    let playbook = status["ansible"].as_str().unwrap().split_once('(').unwrap().1.trim_end_matches(')').to_owned();
    let mut ansible = Command::new(PathBuf::from(playbook).with_file_name("ansible"));
    ansible.args(["-i", script.to_str().unwrap(), "all", "-m", "ping", "-o"]);
    ansible.env("QUARTERDECK_HOME", home.path()).env("HOME", home.path()).stdin(Stdio::null());
    let said = finish(ansible, LIMIT).ok();
    assert_eq!(said.out.matches("\"ping\": \"pong\"").count(), 3, "{}\n{}", said.out, said.err);
}

#[test]
fn a_cluster_is_planned_scaled_mended_and_given_back() {
    let home = Home::with_sandbox();
    let plan = home.run(["cluster", "plan", "--blueprint", "hello", "--name", "demo", "--json"]).ok().json();
    assert_eq!((plan["kind"].as_str(), plan["counts"]["create"].as_u64()), (Some("create"), Some(3)));
    assert_eq!(home.run(["server", "list", "--json"]).ok().json(), json!([]), "a plan does nothing");
    home.run(["cluster", "apply", plan["id"].as_str().unwrap(), "--yes"]).ok();

    home.run(["cluster", "scale", "demo", "workers=4", "--yes"]).ok();
    let tokens = || -> Vec<String> {
        let servers = home.run(["server", "list", "--json"]).ok().json();
        let mut tokens: Vec<String> = servers.as_array().unwrap().iter().map(|s| s["tags"]["token"].to_string()).collect();
        tokens.sort();
        tokens
    };
    let five = tokens();
    assert_eq!(five.len(), 5);

    home.run(["server", "delete", "workers-3", "--yes"]).ok();
    assert_eq!(tokens().len(), 4);
    home.run(["cluster", "repair", "demo", "--yes"]).ok();
    let mended = tokens();
    assert_eq!(mended.len(), 5);
    assert_eq!(mended.iter().filter(|token| five.contains(token)).count(), 4, "only the lost node is made anew");
    let again = home.run(["cluster", "repair", "demo", "--yes"]).ok();
    assert!(again.out.contains("nothing to do"), "{}", again.out);

    home.run(["cluster", "scale", "demo", "workers=1", "--yes"]).ok();
    assert_eq!(tokens().len(), 2);
    let server = home.run(["server", "show", "workers-1", "--json"]).ok().json();
    assert_eq!(server["status"], "active");
    home.run(["server", "stop", "workers-1"]).ok();
    home.run(["server", "start", "workers-1"]).ok();
    assert!(!home.run(["server", "console", "workers-1"]).ok().out.is_empty());

    let refused = home.run(["cloud", "remove", "sandbox", "--yes"]);
    assert_eq!(refused.code, Some(3), "a cloud with a cluster stays: {}", refused.err);
    home.run(["cluster", "delete", "demo", "--yes"]).ok();
    assert_eq!(tokens(), Vec::<String>::new());
    assert_eq!(home.run(["cluster", "show", "demo"]).code, Some(2));
}

const SITE: &str = "\
- hosts: all
  gather_facts: false
  tasks:
    - name: Say
      ansible.builtin.debug: {msg: \"it is {{ word }} and {{ sealed | default('open') }}\"}
      tags: [say]
    - name: Break
      ansible.builtin.command: test ! -e /tmp/broken
      tags: [break]
    - name: Hide
      ansible.builtin.debug: {msg: \"{{ word }}-hidden\"}
      no_log: true
";

#[test]
fn playbooks_take_what_ansible_takes() {
    let home = Home::with_sandbox();
    home.run(["cluster", "create", "--blueprint", "hello", "--yes"]).ok();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let site = file("site.yml", SITE);
    let run = ["playbook", "run", "-c", "hello"];
    let call = |rest: &[&str]| home.run(run.iter().chain(rest));

    let said = call(&[&site, "-e", "word=blue", "--tags", "say", "--limit", "workers"]).ok();
    assert_eq!(said.out.matches("it is blue and open").count(), 2, "{}", said.out);
    let vars = file("vars.yml", "word: green\n");
    let said = call(&[&site, "-e", &format!("@{vars}"), "--skip-tags", "break", "--check"]).ok();
    assert_eq!(said.out.matches("it is green").count(), 3, "{}", said.out);
    assert!(!said.out.contains("green-hidden"), "no_log stays hidden:\n{}", said.out);

    home.run(["ssh", "hello/workers-2", "--", "touch /tmp/broken"]).ok();
    let failed = call(&[&site, "-e", "word=x", "-f", "3"]);
    assert_eq!(failed.code, Some(1), "{}\n{}", failed.out, failed.err);
    let told = failed.out.lines().find(|line| line.starts_with("failed") && line.contains("workers-2  Break"));
    assert!(told.is_some(), "the failed host is named:\n{}", failed.out);
    home.run(["ssh", "hello/workers-2", "--", "rm /tmp/broken"]).ok();
    let number = newest(&home).to_string();
    home.run(["run", "retry", &number, "--failed-hosts"]).ok();

    let none = call(&["none.yml"]);
    assert!(none.code != Some(0) && none.err.contains("none.yml"), "{}", none.err);
}

#[test]
fn ctrl_c_leaves_the_run_and_says_how_to_come_back() {
    let home = Home::with_sandbox();
    let mut command = home.command(["cluster", "create", "--blueprint", "hello", "--yes"]);
    let (out, err) = (home.path().join("out"), home.path().join("err"));
    command.stdout(std::fs::File::create(&out).unwrap()).stderr(std::fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    until("the run has begun", || std::fs::read_to_string(&out).unwrap().contains("starts").then_some(()));
    // SAFETY: plain system call on a child of this test.
    unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) };
    let status = until("the command ends", || child.try_wait().unwrap());
    let said = std::fs::read_to_string(&err).unwrap();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.contains("run 1 goes on") && said.contains("run tail 1") && said.contains("run cancel 1"), "{said}");
    let tail = home.run(["run", "tail", "1"]).ok();
    assert!(tail.out.contains("PLAY RECAP") && tail.out.contains("done      run 1"), "{}", tail.out);
}
