//! Single servers on the lab: where they are placed, what they get, how they change.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{KILLED, Stage};
use crate::faults::{AtWrite, carried_on_within};
use crate::home::Said;
use crate::support::until;

impl Stage {
    fn server(&self) -> Value {
        self.run(&["server", "show", "alone", "--json"]).ok().json()
    }

    /// What was done to the server, the newest thing first.
    fn actions(&self) -> Vec<String> {
        let done = self.run(&["server", "actions", "alone", "--json"]).ok().json();
        done.as_array().unwrap().iter().map(|action| action["action"].as_str().unwrap().to_owned()).collect()
    }

    fn key_pairs(&self) -> Vec<String> {
        let pairs = self.run(&["key-pair", "list", "--json"]).ok().json();
        pairs.as_array().unwrap().iter().map(|pair| pair["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Asks for the server.
    fn create_alone(&self, more: &[&str]) -> Said {
        let public = self.home.path().join("alone.pub");
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMnUzWwLlgyY0RQBdvA9Cj1lTkAsjHcQgzmTqwwOv5kA test\n";
        std::fs::write(&public, line).unwrap();
        let public = public.to_str().unwrap();
        let create = ["server", "create", "alone", "--flavor", "m1.nano", "--image", "lab-image", "--key", public];
        self.run(&[&create[..], more].concat())
    }
}

#[test]
fn a_key_pair_is_made_here_and_known_there() {
    let Some(stage) = Stage::new(false) else { return };
    let file = |name: &str| stage.home.path().join(name).to_str().unwrap().to_owned();
    stage.run(&["key-pair", "create", "laptop", "--file", &file("laptop")]).ok();
    let made = std::fs::metadata(file("laptop")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(file("laptop")).unwrap().contains("OPENSSH PRIVATE KEY"));
    assert_eq!(stage.key_pairs(), ["laptop"]);

    // The name is taken: no file is left that nobody needs.
    let said = stage.run(&["key-pair", "create", "laptop", "--file", &file("other")]);
    assert!(said.code == Some(3) && said.err.contains("another key of that name"), "{said:?}");
    assert!(!std::path::Path::new(&file("other")).exists());
    let said = stage.run(&["key-pair", "create", "desk", "--file", &file("laptop")]);
    assert!(said.code == Some(3) && said.err.contains("such a file already"), "{said:?}");

    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMnUzWwLlgyY0RQBdvA9Cj1lTkAsjHcQgzmTqwwOv5kA ana@desk\n";
    std::fs::write(file("desk.pub"), line).unwrap();
    stage.run(&["key-pair", "import", "desk", &file("desk.pub")]).ok();
    stage.run(&["key-pair", "import", "desk", &file("desk.pub")]).ok();
    assert_eq!(stage.key_pairs(), ["desk", "laptop"]);
    let said = stage.run(&["key-pair", "import", "bad", &file("laptop")]);
    assert!(said.code == Some(2) && said.err.contains("private key"), "{said:?}");
    for name in ["desk", "laptop"] {
        stage.run(&["key-pair", "delete", name, "--yes"]).ok();
    }
    assert_eq!(stage.key_pairs(), [] as [&str; 0]);
}

#[test]
fn a_server_is_placed_and_gets_another_flavor_and_a_new_disk() {
    let Some(stage) = Stage::new(true) else { return };
    let before = stage.left();
    let laptop = stage.home.path().join("laptop");
    stage.run(&["key-pair", "create", "laptop", "--file", laptop.to_str().unwrap()]).ok();
    for (option, word, valid) in [("--zone", "nowa", "nova"), ("--key-pair", "labtop", "laptop")] {
        let said = stage.create_alone(&[option, word]);
        assert!(said.code != Some(0) && said.err.contains(valid), "{said:?}");
    }
    stage.run(&["server-group", "create", "apart", "--policy", "anti-affinity"]).ok();
    let said = stage.run(&["server-group", "create", "x", "--policy", "beside"]);
    assert!(said.code != Some(0) && said.err.contains("anti-affinity"), "{said:?}");
    stage.create_alone(&["--zone", "nova", "--key-pair", "laptop", "--server-group", "apart"]).ok();
    until("the server is up", || (stage.server()["status"] == "active").then_some(()));
    let server = stage.server();
    let path = format!("/v2.1/servers/{}", server["id"].as_str().unwrap());
    let theirs = stage.runtime.block_on(stage.project.person.get(super::lab::NOVA, &path));
    assert_eq!(
        (&theirs["server"]["key_name"], &theirs["server"]["OS-EXT-AZ:availability_zone"]),
        (&"laptop".into(), &"nova".into())
    );

    let groups = stage.run(&["server-group", "list", "--json"]).ok().json();
    assert_eq!((&groups[0]["policy"], &groups[0]["members"][0]), (&"anti-affinity".into(), &server["id"]));

    let flavor = |stage: &Stage| (stage.server()["status"].clone(), stage.server()["flavor"].clone());
    stage.run(&["server", "resize", "alone", "--flavor", "m1.tiny"]).ok();
    assert_eq!(flavor(&stage), ("verify_resize".into(), "m1.tiny".into()));
    let said = stage.run(&["server", "resize", "alone", "--flavor", "m1.small"]);
    assert!(said.code == Some(1) && said.out.contains("waits to be confirmed"), "{said:?}");
    stage.run(&["server", "revert", "alone"]).ok();
    assert_eq!(flavor(&stage), ("active".into(), "m1.nano".into()));
    let said = stage.run(&["server", "confirm", "alone"]);
    assert!(said.code == Some(3) && said.err.contains("no change of its flavor waits"), "{said:?}");
    let said = stage.run(&["server", "resize", "alone", "--flavor", "m1.tinny"]);
    assert!(said.code != Some(0) && said.err.contains("m1.tiny"), "{said:?}");
    stage.run(&["server", "resize", "alone", "--flavor", "m1.tiny", "--keep"]).ok();
    assert_eq!(flavor(&stage), ("active".into(), "m1.tiny".into()));

    // An engine that is killed does not do it twice.
    let rebuild = ["server", "rebuild", "alone", "--yes"];
    carried_on_within(&stage.home, &rebuild, &AtWrite("1.after"), KILLED).ok();
    let actions = stage.actions();
    assert_eq!(actions.iter().filter(|action| *action == "rebuild").count(), 1, "{actions:?}");
    assert_eq!(flavor(&stage), ("active".into(), "m1.tiny".into()));
    assert_eq!(stage.server()["tags"], server["tags"], "it is still ours");
    stage.run(&["server", "delete", "alone", "--yes"]).ok();
    stage.run(&["key-pair", "delete", "laptop", "--yes"]).ok();
    stage.run(&["server-group", "delete", "apart", "--yes"]).ok();
    assert_eq!(stage.run(&["server-group", "list", "--json"]).ok().json(), serde_json::json!([]));
    assert_eq!(stage.left(), before);
}
