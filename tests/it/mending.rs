//! Small things that go wrong and are put right: a stopped server, a missing Ansible, a server of no cluster.

use std::time::Duration;

use serde_json::{Value, json};

use crate::home::{Home, wait_until};

const LIMIT: Duration = Duration::from_secs(120);

fn status(home: &Home, server: &str) -> String {
    let server = home.run(["server", "show", server, "--json"]).ok().json();
    server["status"].as_str().unwrap().to_owned()
}

#[test]
fn repair_starts_what_was_switched_off() {
    let home = Home::with_sandbox();
    home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]).ok();
    let before = home.run(["server", "show", "workers-1", "--json"]).ok().json();
    home.run(["server", "stop", "workers-1"]).ok();
    assert_eq!(status(&home, "workers-1"), "shutoff");
    let said = home.run(["cluster", "repair", "demo", "--yes"]).ok();
    assert!(said.out.contains("1 server to start"), "{said:?}");
    let after = home.run(["server", "show", "workers-1", "--json"]).ok().json();
    assert_eq!((&after["status"], &after["id"]), (&json!("active"), &before["id"]), "started, not made anew");
    assert_eq!(home.run(["ssh", "demo/workers-1", "--", "hostname"]).ok().out, "workers-1\n");
}

#[test]
fn a_missing_ansible_is_installed_on_the_way() {
    let home = Home::with_sandbox();
    let (link, aside) = (home.path().join("data/ansible"), home.path().join("ansible-aside"));
    std::fs::rename(&link, &aside).unwrap();
    let started = home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes", "--detach"]).ok();
    let run = home.last_run(&started);
    let show = || home.run(["run", "show", &run, "--json"]).ok().json();
    wait_until("the run asks", LIMIT, || show()["run"]["state"] == "waiting");
    // What "install" would download is there already: the step finds that it works.
    std::fs::rename(&aside, &link).unwrap();
    home.run(["run", "answer", &run, "install"]).ok();
    home.run(["run", "tail", &run]).ok();
    let shown = show();
    let titles: Vec<&str> = shown["steps"].as_array().unwrap().iter().map(|s| s["title"].as_str().unwrap()).collect();
    assert_eq!(titles.last(), Some(&"install Ansible"));
    assert_eq!(shown["run"]["state"], "done");
}

#[test]
fn a_server_of_no_cluster_has_a_shell_while_its_key_is_known() {
    let home = Home::with_sandbox();
    let key = home.path().join("key.pub");
    std::fs::write(&key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5MDYMVz6l6wMPKYpzVqkrpFaOfDg0n6rTjlHKnhrkU me\n").unwrap();
    let key = key.to_str().unwrap();
    let list = home.run(["flavor", "list", "--json"]).ok().json();
    let flavor = list[0]["name"].as_str().unwrap().to_owned();
    home.run(["server", "create", "lone", "--flavor", &flavor, "--image", "host", "--key", key]).ok();
    let shell = || home.run(["server", "ssh", "lone", "--", "hostname"]);
    wait_until("the server is active", LIMIT, || status(&home, "lone") == "active");
    let mut said = shell();
    wait_until("its SSH server answers", LIMIT, || {
        said = shell();
        said.code == Some(0)
    });
    assert_eq!(said.out, "lone\n");

    let dirs: Vec<_> = std::fs::read_dir(home.path().join("data/servers")).unwrap().flatten().map(|e| e.path()).collect();
    assert_eq!(dirs.len(), 1);
    std::fs::remove_file(dirs[0].join("id_ed25519")).unwrap();
    let said = finish_without_agent(&home);
    assert_ne!(said.code, Some(0));
    assert!(said.err.contains("is not known here") && said.err.contains("ssh -p 2222"), "{}", said.err);

    home.run(["server", "delete", "lone", "--yes"]).ok();
    assert!(!dirs[0].exists(), "nothing is kept of a server that is gone");
    assert_eq!(home.run(["server", "list", "--json"]).ok().json(), Value::Array(Vec::new()));
}

fn finish_without_agent(home: &Home) -> crate::home::Said {
    let mut command = home.command(["server", "ssh", "lone", "--", "hostname"]);
    command.env_remove("SSH_AUTH_SOCK");
    crate::home::finish(command, LIMIT)
}
