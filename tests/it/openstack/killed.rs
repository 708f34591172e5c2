//! Clusters on the lab under engines that are killed: at writes of their journal, at random moments.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{KILLED, SPEC, Stage, WHOLE, counts};
use crate::faults::{AtRandom, AtWrite, End, all_carried_on, carried_on_within};

/// The longest that one command may take for each of several clusters: every write of each costs an engine.
const EACH: Duration = Duration::from_secs(300);

/// A create and a delete under engines that are killed at a write of their journal.
fn killed(at: &'static str) {
    let Some(stage) = Stage::new(false) else { return };
    let before = stage.left();
    let spec = stage.spec(SPEC);
    let end = AtWrite(at);
    carried_on_within(&stage.home, &["cluster", "create", "-f", &spec, "--yes"], &end, KILLED).ok();
    assert_eq!(stage.counts(), counts(WHOLE), "{:#?}", stage.left());
    carried_on_within(&stage.home, &["cluster", "delete", "demo", "--yes"], &end, KILLED).ok();
    assert_eq!(stage.left(), before);
}

#[test]
fn killed_right_after_every_write() {
    killed("1.after");
}

#[test]
fn killed_right_before_every_second_write() {
    killed("2.before");
}

/// What `count` clusters have together; the project's own security group is there once.
fn so_many(count: usize) -> BTreeMap<String, usize> {
    let own = |kind: &str| usize::from(kind == "security group");
    counts(WHOLE)
        .into_iter()
        .map(|(kind, each)| {
            let own = own(&kind);
            (kind, (each - own) * count + own)
        })
        .collect()
}

/// Several clusters of three at once, made and deleted under engines that end so.
fn several_killed(clusters: u32, end: &dyn End) {
    let Some(stage) = Stage::new(false) else { return };
    let before = stage.left();
    let room = serde_json::json!({ "instances": 3 * clusters, "cores": 3 * clusters });
    stage.runtime.block_on(stage.project.quota(room));
    let names: Vec<String> = (1..=clusters).map(|n| format!("demo-{n}")).collect();
    let specs: Vec<String> = names
        .iter()
        .map(|name| {
            let path = stage.home.path().join(format!("{name}.yml"));
            std::fs::write(&path, SPEC.replace("name: demo", &format!("name: {name}"))).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let creates: Vec<Vec<&str>> = specs.iter().map(|spec| vec!["cluster", "create", "-f", spec, "--yes"]).collect();
    let creates: Vec<&[&str]> = creates.iter().map(Vec::as_slice).collect();
    all_carried_on(&stage.home, &creates, end, EACH * clusters).into_iter().for_each(|said| drop(said.ok()));
    assert_eq!(stage.counts(), so_many(clusters as usize), "{:#?}", stage.left());
    let deletes: Vec<Vec<&str>> = names.iter().map(|name| vec!["cluster", "delete", name, "--yes"]).collect();
    let deletes: Vec<&[&str]> = deletes.iter().map(Vec::as_slice).collect();
    all_carried_on(&stage.home, &deletes, end, EACH * clusters).into_iter().for_each(|said| drop(said.ok()));
    assert_eq!(stage.left(), before);
}

#[test]
#[ignore = "takes long; tests/soak runs it"]
fn soak_two_at_once_killed_right_after_every_fourth_write() {
    several_killed(2, &AtWrite("4.after"));
}

/// Every write of each costs an engine: minutes for each cluster.
#[test]
#[ignore = "takes long; tests/soak runs it"]
fn soak_three_at_once_killed_right_after_every_write() {
    several_killed(3, &AtWrite("1.after"));
}

#[test]
#[ignore = "takes long; tests/soak runs it"]
fn soak_four_at_once_killed_right_before_every_second_write() {
    several_killed(4, &AtWrite("2.before"));
}

/// The full count: `tests/soak`. Twenty servers are made and deleted until two hundred engines were killed.
#[test]
#[ignore = "takes hours; tests/soak runs it"]
fn soak_twenty_servers_killed_at_two_hundred_random_moments() {
    let Some(stage) = Stage::new(false) else { return };
    let wanted: u32 = std::env::var("QUARTERDECK_SOAK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200).min(200);
    let room = serde_json::json!({ "instances": 30, "cores": 30 });
    stage.runtime.block_on(stage.project.quota(room));
    let before = stage.left();
    let spec =
        stage.spec("name: demo\ngroups:\n  all-of-them: {count: 20, flavor: m1.nano, image: lab-image, public_address: true}\n");
    let mut kills = 0;
    while kills < wanted {
        let end = AtRandom::kills(20.min(wanted - kills));
        let most = end.left();
        carried_on_within(&stage.home, &["cluster", "create", "-f", &spec, "--yes"], &end, KILLED * 3).ok();
        assert_eq!(stage.counts().get("server"), Some(&20), "{:#?}", stage.left());
        carried_on_within(&stage.home, &["cluster", "delete", "demo", "--yes"], &end, KILLED * 3).ok();
        assert_eq!(stage.left(), before);
        kills += most - end.left();
        println!("{kills} of {wanted} kills");
    }
}
