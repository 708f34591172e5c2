//! What needs no cloud: exit codes, JSON, scripts and pages, the engine's own commands.

use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use crate::home::Home;
use crate::support::until;

#[test]
fn usage_errors_start_no_engine() {
    let home = Home::new();
    for args in [&["nonsense"][..], &["cluster", "scale", "web", "app=x"], &["run", "show", "newest"]] {
        let said = home.run(args);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}: {}", said.err);
        assert!(said.err.contains("Usage:") || said.err.contains("For more information"), "{}", said.err);
    }
    assert!(!home.path().join("state").exists());
}

#[test]
fn pages_scripts_and_the_schema_need_no_engine() {
    let home = Home::new();
    assert!(home.run(["man"]).ok().out.contains(".SH \"EXIT STATUS\""));
    assert!(home.run(["completions", "bash"]).ok().out.contains("_quarterdeck"));
    let unit = home.run(["engine", "unit"]).ok().out;
    assert!(unit.contains("KillMode=process") && unit.contains("quarterdeck\" engine run"), "{unit}");
    let schema = home.run(["cluster", "schema"]).ok().json();
    assert_eq!(schema["properties"]["groups"]["type"], "object");
    assert!(!home.path().join("state").exists());
}

#[test]
fn the_engine_is_started_by_the_first_command_and_stopped_by_its_own() {
    let home = Home::new();
    let none = home.run(["engine", "status", "--json"]);
    assert_eq!((none.code, none.json()), (Some(1), json!(null)));
    assert_eq!(home.run(["cluster", "list", "--json"]).ok().json(), json!([]));
    let status = home.run(["engine", "status", "--json"]).ok().json();
    assert_eq!(status["program"], env!("CARGO_PKG_VERSION"));
    let again = home.run(["engine", "start"]).ok();
    assert!(again.out.contains(&format!("pid {}", status["pid"])), "a second start finds the first: {}", again.out);
    home.run(["engine", "restart"]).ok();
    home.run(["engine", "stop"]).ok();
    assert_eq!(home.run(["engine", "status"]).code, Some(1));
    assert_eq!(home.run(["engine", "stop"]).ok().out, "no engine is running\n");
}

#[test]
fn every_list_of_an_empty_home_is_an_empty_array() {
    let home = Home::new();
    for noun in ["cloud", "cluster", "run"] {
        assert_eq!(home.run([noun, "list", "--json"]).ok().json(), json!([]), "{noun}");
    }
    let blueprints = home.run(["blueprint", "list", "--json"]).ok().json();
    assert!(blueprints.as_array().unwrap().iter().any(|b| b["name"] == "hello"));
    // Reading is no change, so nothing is in the audit.
    assert_eq!(home.run(["audit", "--json"]).ok().json(), json!([]));
}

#[test]
fn without_a_cloud_the_way_out_is_named() {
    let home = Home::new();
    for noun in ["flavor", "image", "network", "server"] {
        let said = home.run([noun, "list"]);
        assert_eq!(said.code, Some(2), "{noun}");
        assert!(said.err.contains("no cloud is configured") && said.err.contains("quarterdeck try"), "{}", said.err);
    }
}

#[test]
fn a_bundle_has_what_helps_and_no_secret() {
    let home = Home::new();
    home.run(["cloud", "add", "lab", "--driver", "sandbox"]).ok();
    let settings = home.path().join("config/settings.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("# hunter2 of ana\n{text}")).unwrap();
    let tar = home.path().join("help.tar");
    let bundle = ["doctor", "--bundle", tar.to_str().unwrap()];
    let said = home.run(bundle).ok();
    assert!(said.out.contains("settings.json") && said.out.contains("engine.log"), "{}", said.out);
    let bytes = std::fs::read(&tar).unwrap();
    let has = |what: &str| bytes.windows(what.len()).any(|w| w == what.as_bytes());
    assert!(has("quarterdeck-bundle/doctor.json") && has("\"driver\": \"sandbox\"") && !has("hunter2"));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&tar).unwrap()) & 0o777, 0o600);
    let again = home.run(bundle);
    assert_eq!(again.code, Some(3), "{}", again.err);
    assert!(again.err.contains("exists already"), "{}", again.err);
}

#[test]
fn the_doctor_says_what_is_missing() {
    let home = Home::new();
    let said = home.run(["doctor", "--json"]);
    let findings = said.json();
    let verdict = |name: &str| {
        let found = findings.as_array().unwrap().iter().find(|f| f["name"] == name);
        found.unwrap_or_else(|| panic!("nothing on {name}: {findings}"))["verdict"].clone()
    };
    assert_eq!(verdict("engine"), "ok");
    assert_eq!(verdict("home"), "ok");
    assert_eq!(verdict("clouds"), "note");
    assert_eq!(said.code, Some(i32::from(verdict("ansible") == "missing")));
}

#[test]
fn a_blueprint_can_be_copied_and_planned_from() {
    let home = Home::new();
    let dir = home.path().join("mine");
    home.run(["blueprint", "copy", "hello", dir.to_str().unwrap()]).ok();
    let text = std::fs::read_to_string(dir.join("cluster.yml")).unwrap();
    let shown = home.run(["blueprint", "show", "hello"]).ok().out;
    assert_eq!(shown.trim_end(), text.trim_end());
    assert!(dir.join("site.yml").exists());
    let again = home.run(["blueprint", "copy", "hello", dir.to_str().unwrap()]);
    assert_eq!(again.code, Some(3), "{}", again.err);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    let mut child = home.command(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = until("the command ends", || child.try_wait().unwrap());
    assert_eq!((status.code(), said.as_str()), (Some(141), ""));
}
