//! Bad input: one clear message each, the exit code, and nothing half made.

use std::path::PathBuf;

use serde_json::json;

use crate::home::{Home, Said};
use crate::support::skipped;

/// A home with a sandbox whose servers are never reached: planning asks it for flavors and images only.
fn home() -> Home {
    let home = Home::new();
    home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
    home
}

fn spec(home: &Home, text: impl AsRef<[u8]>) -> PathBuf {
    let path = home.path().join("spec.yml");
    std::fs::write(&path, text).unwrap();
    path
}

fn create(home: &Home, text: impl AsRef<[u8]>) -> Said {
    let path = spec(home, text);
    home.run(["cluster", "create", "--yes", "-f", path.to_str().unwrap()])
}

/// One failure on stderr, nothing on stdout, no cluster, no run, no server.
#[track_caller]
fn refused(home: &Home, said: &Said, code: i32, wanted: &[&str]) {
    assert_eq!(said.code, Some(code), "{}\n{}", said.out, said.err);
    assert_eq!(said.out, "", "{}", said.err);
    assert_eq!(said.err.matches("quarterdeck: ").count(), 1, "{}", said.err);
    for word in wanted {
        assert!(said.err.contains(word), "{word:?} is missing in: {}", said.err);
    }
    assert!(said.err.len() < 2000, "{} bytes are no clear message", said.err.len());
    for noun in ["cluster", "run", "server"] {
        assert_eq!(home.run([noun, "list", "--json"]).ok().json(), json!([]), "{noun}");
    }
}

fn one_group(count: &str, flavor: &str) -> String {
    format!("name: web\ngroups:\n  app:\n    count: {count}\n    flavor: {flavor}\n    image: host\n")
}

#[test]
fn a_spec_that_cannot_be_read() {
    let home = home();
    refused(&home, &create(&home, "name: [\n"), 2, &["spec.yml:"]);
    refused(&home, &create(&home, b"name: \xff\xfe\n"), 2, &["spec.yml", "line 1", "UTF-8"]);
    let huge = format!("name: {}\n", "x".repeat(1 << 20));
    refused(&home, &create(&home, huge), 2, &["spec.yml", "larger than"]);
    let long = format!("name: {}\ngroups: {{}}\n", "x".repeat(200_000));
    refused(&home, &create(&home, long), 2, &["spec.yml:1"]);
    let none = home.run(["cluster", "create", "--yes", "-f", "/no/such/spec.yml"]);
    refused(&home, &none, 2, &["/no/such/spec.yml", "no such file"]);
    refused(&home, &home.run(["cluster", "create", "--yes"]), 2, &["--blueprint"]);
}

#[test]
fn a_spec_that_wants_the_impossible() {
    let home = home();
    refused(&home, &create(&home, one_group("0", "small")), 2, &["spec.yml:4", "count"]);
    refused(&home, &create(&home, one_group("10000", "small")), 2, &["spec.yml:4", "count"]);
    refused(&home, &create(&home, one_group("1", "smal")), 2, &["smal", "small"]);
    let path = one_group("1", "small").replace("name: web", "name: ../../etc");
    refused(&home, &create(&home, path), 2, &["spec.yml:1", "name"]);
    let playbook = one_group("1", "small") + "playbooks: [none.yml]\n";
    refused(&home, &create(&home, playbook), 2, &["none.yml"]);
    let typo = one_group("1", "small").replace("flavor", "flavour");
    refused(&home, &create(&home, typo), 2, &["flavour", "flavor"]);
}

#[test]
fn names_that_are_not_there() {
    let home = home();
    refused(&home, &home.run(["cluster", "create", "--yes", "--blueprint", "helo"]), 2, &["helo", "hello"]);
    refused(&home, &home.run(["cluster", "show", "web"]), 2, &["no cluster"]);
    refused(
        &home,
        &home.run(["cluster", "create", "--yes", "--blueprint", "hello", "--cloud", "sandbx"]),
        2,
        &["sandbx", "sandbox"],
    );
    refused(&home, &home.run(["run", "tail", "7"]), 2, &["run 7"]);
    refused(&home, &home.run(["ssh", "web-1"]), 2, &["web-1"]);
    refused(&home, &home.run(["server", "show", "web-1"]), 2, &["web-1"]);
    refused(&home, &home.run(["playbook", "run", "-c", "web"]), 2, &["web"]);
    refused(&home, &home.run(["cloud", "add", "../x", "--driver", "sandbox"]), 3, &["../x"]);
}

#[test]
fn a_change_without_a_yes_is_refused_where_nobody_can_be_asked() {
    let home = home();
    let said = home.run(["cluster", "create", "--blueprint", "hello"]);
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("--yes"), "{}", said.err);
    assert!(said.out.contains("master-1"), "the plan is shown: {}", said.out);
    assert_eq!(home.run(["cluster", "list", "--json"]).ok().json(), json!([]));
}

#[test]
fn names_with_control_sequences_arrive_as_plain_text() {
    let home = home();
    let said = home.run(["cluster", "show", "a\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2Jb"]);
    assert_eq!(said.code, Some(2));
    assert!(!said.err.contains('\u{1b}') && !said.err.contains('\u{7}'), "{:?}", said.err);
}

#[test]
fn a_socket_folder_of_another_account_is_refused() {
    let test = "a_socket_folder_of_another_account_is_refused";
    if !nix::unistd::geteuid().is_root() {
        return skipped(test, "only root can give a folder to another account");
    }
    let home = home();
    home.run(["engine", "stop"]).ok();
    let state = home.path().join("state");
    let give = |uid: u32| nix::unistd::chown(&state, Some(uid.into()), None).unwrap();
    give(12_345);
    let before = std::fs::read(home.path().join("config/settings.toml")).unwrap();
    for args in [&["run", "list"][..], &["cloud", "add", "other", "--driver", "sandbox"], &["engine", "run"]] {
        let said = home.run(args);
        assert!(matches!(said.code, Some(1 | 3)), "{args:?}: {:?} {}", said.code, said.err);
        assert_eq!(said.out, "", "{args:?}");
        assert_eq!(said.err.matches("quarterdeck: ").count(), 1, "{args:?}: {}", said.err);
        for word in ["12345", state.to_str().unwrap(), "next:"] {
            assert!(said.err.contains(word), "{args:?}: {word:?} is missing in {}", said.err);
        }
    }
    assert!(!state.join("engine.sock").exists(), "an engine listens in a folder of somebody else");
    assert_eq!(before, std::fs::read(home.path().join("config/settings.toml")).unwrap());
    give(0);
    assert_eq!(home.run(["run", "list", "--json"]).ok().json(), json!([]));
}
