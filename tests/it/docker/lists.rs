//! What a Docker engine is, and what it holds.

use std::time::Duration;

use serde_json::Value;

use super::yard::{BASE, Yard, docker};
use crate::home::wait_until;
use crate::pty::Terminal;

fn named<'v>(rows: &'v Value, name: &str) -> &'v Value {
    rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:#}"))
}

#[test]
fn the_engine_of_this_computer_is_found_and_says_what_it_is() {
    let Some(yard) = Yard::open("engine_found") else { return };
    let rows = yard.home.run(["docker", "list", "--json"]).ok().json();
    let row = named_engine(&rows, "default");
    assert_eq!((&row["info"]["default"], &row["health"]["is"]), (&Value::Bool(true), &Value::from("fresh")), "{row:#}");
    let facts = &row["facts"];
    assert_eq!(facts["version"], docker(&["version", "--format", "{{.Server.Version}}"]));
    assert_eq!(facts["host"], docker(&["info", "--format", "{{.Name}}"]));
    assert_eq!(facts["buildkit"], true);
    assert!(facts["disk"]["images"]["bytes"].as_u64().unwrap() > 500_000, "{facts:#}");
    let shown = yard.home.run(["docker", "show"]).ok().out;
    assert!(shown.contains("BuildKit") && shown.contains("build cache"), "{shown}");
}

fn named_engine<'v>(rows: &'v Value, name: &str) -> &'v Value {
    let found = rows.as_array().unwrap().iter().find(|row| row["info"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {rows:#}"))
}

#[test]
fn what_it_holds_is_listed_as_docker_has_it() {
    let Some(yard) = Yard::open("lists") else { return };
    let name = yard.name.as_str();
    docker(&["volume", "create", name]);
    docker(&["network", "create", "--internal", "--subnet", "10.231.77.0/29", name]);
    let label = "com.docker.compose.project=shop";
    let id = docker(&[
        "run",
        "-d",
        "--name",
        name,
        "--network",
        name,
        "-v",
        &format!("{name}:/v"),
        "--label",
        label,
        BASE,
        "sleep",
        "300",
    ]);
    let read = |what: &str| yard.home.run(["docker", what, "--json"]).ok().json();
    let containers = read("containers");
    let container = named(&containers, name);
    assert_eq!(container["id"], id);
    assert_eq!((&container["state"], &container["image"]), (&Value::from("running"), &Value::from(BASE)));
    assert_eq!((&container["service"], &container["networks"][0]), (&Value::from("shop"), &Value::from(name)));
    let networks = read("networks");
    let network = named(&networks, name);
    assert_eq!((&network["internal"], &network["subnets"][0]), (&Value::Bool(true), &Value::from("10.231.77.0/29")));
    assert_eq!(named(&read("volumes"), name)["driver"], "local");
    let images = read("images");
    let image = images.as_array().unwrap().iter().find(|image| image["tags"][0] == BASE).unwrap();
    assert!(image["size"].as_u64().unwrap() > 500_000 && image["docker"] == "default", "{image:#}");
    // A stopped container is listed too, and says how it ended.
    docker(&["kill", name]);
    wait_until("it has ended", Duration::from_secs(10), || named(&read("containers"), name)["state"] == "exited");
    let table = yard.home.run(["docker", "containers"]).ok().out;
    assert!(table.lines().any(|line| line.contains(name) && line.contains("exited")), "{table}");
}

#[test]
fn engines_that_do_not_answer_say_why() {
    let Some(yard) = Yard::open("no_answer") else { return };
    let settings = "[docker.gone]\nhost = \"unix:///no/such.sock\"\n[docker.far]\nhost = \"ssh://ana@builder\"\n";
    std::fs::write(yard.home.path().join("config/settings.toml"), settings).unwrap();
    let rows = yard.home.run(["docker", "list", "--json"]).ok().json();
    let gone = named_engine(&rows, "gone");
    assert_eq!(gone["health"]["is"], "failed");
    assert!(gone["health"]["failure"]["next"].as_str().unwrap().contains("no such socket"), "{gone:#}");
    assert!(gone["info"]["source"].as_str().unwrap().ends_with("settings.toml:1"), "{gone:#}");
    assert_eq!(named_engine(&rows, "default")["health"]["is"], "fresh", "the others are as they were");
    let said = yard.home.run(["docker", "containers", "far"]);
    assert!(said.code == Some(3) && said.err.contains("over SSH"), "{said:?}");
    let said = yard.home.run(["docker", "containers", "defalt"]);
    assert!(said.code != Some(0) && said.err.contains("default"), "{said:?}");
}

#[test]
fn the_console_shows_a_container_as_it_comes_and_goes() {
    let Some(yard) = Yard::open("console") else { return };
    let name = yard.name.as_str();
    let terminal = Terminal::open(yard.home.at_terminal(&[]), 140, 40);
    terminal.wait_for("DOCKER ENGINE");
    terminal.wait_for("answers");
    terminal.press("\r");
    terminal.wait_for("CONTAINERS");
    docker(&["run", "-d", "--name", name, BASE, "sleep", "300"]);
    terminal.wait_for(name);
    docker(&["rm", "-f", name]);
    terminal.wait_without(name);
    terminal.press("\t");
    terminal.wait_for("LOCAL IMAGE");
    terminal.wait_for("quarterdeck-test/base:1");
}
