use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::clusters::{CloudFacts, spec as reader};
use crate::model::quota::QuotaItem;
use crate::model::{Address, AddressKind, Class, Flavor, HomeId, Image, ImageStatus, Network, Quota, ServerStatus, Tags, Time};

mod extras;
mod networks;
mod world;

use world::{World, cloud, quota};

const SPEC: &str = "\
name: c
groups:
  master: {flavor: small, image: host}
  slaves: {count: 3, flavor: tiny, image: host, via: master}
playbooks: [site.yml, check.yml]
";

/// What holds of every plan.
fn check(plan: &Plan) {
    for (at, step) in plan.steps.iter().enumerate() {
        assert!(step.after.iter().all(|before| (*before as usize) < at), "step {at} waits for a later one: {step:?}");
    }
    let mut names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), plan.nodes.len(), "a node is named twice");
    let tokens: Vec<&Token> = plan
        .steps
        .iter()
        .filter_map(|step| if let Work::CreateServer { server } = &step.work { Some(&server.tags.token) } else { None })
        .collect();
    assert!((1..tokens.len()).all(|at| !tokens[..at].contains(&tokens[at])), "a token is used twice");
    for node in plan.nodes.iter().filter(|node| node.state == NodeState::Planned) {
        assert!(node.token.as_ref().is_some_and(|token| tokens.contains(&token)), "{} has no create step", node.name);
    }
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

fn step<'a>(plan: &'a Plan, title: &str) -> (u32, &'a PlannedStep) {
    let at = plan.steps.iter().position(|step| step.title == title).unwrap_or_else(|| panic!("no {title} in {:?}", titles(plan)));
    (u32::try_from(at).unwrap(), &plan.steps[at])
}

#[test]
fn a_new_cluster_is_made_node_by_node() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    assert_eq!(
        titles(&plan),
        [
            "make the cluster's key",
            "create server master-1",
            "wait for server master-1",
            "reach master-1",
            "create server slaves-1",
            "wait for server slaves-1",
            "reach slaves-1 through master-1",
            "create server slaves-2",
            "wait for server slaves-2",
            "reach slaves-2 through master-1",
            "create server slaves-3",
            "wait for server slaves-3",
            "reach slaves-3 through master-1",
            "write /etc/hosts",
            "run site.yml",
            "run check.yml",
            "sweep sandbox",
        ]
    );
    assert_eq!(step(&plan, "create server slaves-3").1.after, [0]);
    assert_eq!(step(&plan, "reach slaves-2 through master-1").1.after, [8, 3]);
    assert_eq!(step(&plan, "write /etc/hosts").1.after, [3, 6, 9, 12]);
    assert_eq!(step(&plan, "run check.yml").1.after, [14]);
    assert!(!step(&plan, "sweep sandbox").1.after.contains(&14), "a failed playbook must not keep the sweep from running");
    assert_eq!((plan.counts.create, plan.counts.delete, plan.counts.keep, plan.counts.playbooks), (4, 0, 0, 2));
    assert_eq!((plan.saw_revision, plan.ssh_user.as_str()), (None, "root"));
    let Work::CreateServer { server } = &step(&plan, "create server slaves-1").1.work else { panic!() };
    assert_eq!((server.flavor.as_str(), server.image.as_str(), server.name.as_str()), ("f-tiny", "i-host", "slaves-1"));
    assert_eq!(server.authorized_keys, ["ssh-ed25519 AAAA me"]);
    check(&plan);
}

#[test]
fn the_same_input_gives_the_same_plan() {
    assert_eq!(World::new().create(SPEC).unwrap(), World::new().create(SPEC).unwrap());
}

#[test]
fn creating_again_only_runs_the_playbooks() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let again = world.create(SPEC).unwrap();
    assert_eq!(titles(&again), ["run site.yml", "run check.yml"]);
    assert_eq!((again.saw_revision, again.counts.keep), (Some(1), 4));
}

#[test]
fn a_changed_spec_adds_removes_and_replaces() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let changed = "\
name: c
groups:
  master: {flavor: large, image: host}
  slaves: {count: 2, flavor: tiny, image: host, via: master}
  db: {flavor: tiny, image: host}
";
    let plan = world.create(changed).unwrap();
    assert_eq!((plan.counts.create, plan.counts.delete, plan.counts.keep), (2, 2, 2));
    assert_eq!(plan.warnings, ["master-1 is replaced and its disk lost: flavor small → large"]);
    let (gone, _) = step(&plan, "delete server master-1");
    assert_eq!(step(&plan, "delete server master-1").1.after, [step(&plan, "delete server slaves-3").0]);
    assert_eq!(step(&plan, "create server master-1").1.after, [gone]);
    assert!(step(&plan, "create server db-1").1.after.is_empty());
    world.apply(&plan);
    assert_eq!(world.names(), ["db-1", "master-1", "slaves-1", "slaves-2"]);
    assert_eq!(world.facts.servers.len(), 4);
}

#[test]
fn scaling_up_and_down_takes_and_gives_the_highest_numbers() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let up = world.scale(&[("slaves", 5)]).unwrap();
    assert_eq!(up.counts.create, 2);
    assert!(titles(&up).contains(&"create server slaves-5"));
    assert_eq!(step(&up, "reach slaves-5 through master-1").1.after.len(), 1, "the master is reached already");
    world.apply(&up);
    let down = world.scale(&[("slaves", 1)]).unwrap();
    assert_eq!(down.counts.delete, 4);
    assert_eq!(down.spec.groups["slaves"].count, 1);
    world.apply(&down);
    assert_eq!(world.names(), ["master-1", "slaves-1"]);
    assert!(world.scale(&[("slaves", 1)]).unwrap().steps.is_empty());
}

#[test]
fn scaling_refuses_what_cannot_be() {
    let mut world = World::new();
    assert_eq!(world.scale(&[("slaves", 1)]).unwrap_err().class, Class::NotFound);
    let plan = world
        .create(&SPEC.replace("{flavor: small", "{count: 2, flavor: small").replace("via: master", "via: master-2"))
        .unwrap();
    world.apply(&plan);
    let failure = world.scale(&[("slave", 1)]).unwrap_err();
    assert_eq!(failure.got, "it has no group `slave`; its groups are `slaves`, `master`");
    assert!(world.scale(&[("slaves", 0)]).unwrap_err().got.contains("cannot have 0 nodes"));
    assert!(world.scale(&[("slaves", 1001)]).is_err());
    assert!(world.scale(&[("master", 1)]).unwrap_err().got.contains("`slaves` is reached through a node that would leave"));
}

#[test]
fn lost_and_broken_nodes_are_made_anew() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    assert!(world.repair().unwrap().steps.is_empty());
    world.lose("slaves-1");
    world.status("slaves-2", ServerStatus::Error);
    world.node("slaves-3").state = NodeState::Booting;
    let plan = world.repair().unwrap();
    assert_eq!(
        titles(&plan),
        [
            "delete server slaves-2",
            "create server slaves-1",
            "wait for server slaves-1",
            "reach slaves-1 through master-1",
            "create server slaves-2",
            "wait for server slaves-2",
            "reach slaves-2 through master-1",
            "wait for server slaves-3",
            "reach slaves-3 through master-1",
            "write /etc/hosts",
            "run site.yml",
            "run check.yml",
            "sweep sandbox",
        ]
    );
    let Work::DeleteServer { server, token } = &plan.steps[0].work else { panic!() };
    assert_eq!(server.as_deref(), Some("s-3"));
    assert_eq!(token.as_ref(), world.facts.nodes[2].token.as_ref());
    world.apply(&plan);
    assert_eq!(world.facts.servers.len(), 4);
    assert!(world.repair().unwrap().steps.is_empty());
}

#[test]
fn a_lost_master_is_reached_before_those_behind_it() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    world.lose("master-1");
    world.lose("slaves-2");
    let plan = world.repair().unwrap();
    let (master, _) = step(&plan, "reach master-1");
    assert!(step(&plan, "reach slaves-2 through master-1").1.after.contains(&master));
}

#[test]
fn scaling_one_group_leaves_the_lost_nodes_of_others_and_says_so() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    world.lose("master-1");
    world.lose("slaves-1");
    let plan = world.scale(&[("slaves", 3)]).unwrap();
    assert_eq!(plan.counts.create, 1);
    assert_eq!(plan.warnings, ["master-1 has no server and stays so: `quarterdeck cluster repair` brings it back"]);
}

#[test]
fn stopped_nodes_are_started_and_reached_again() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    world.status("master-1", ServerStatus::Shutoff);
    world.status("slaves-1", ServerStatus::Shutoff);
    let plan = world.repair().unwrap();
    let first = ["start server master-1", "wait for server master-1", "reach master-1", "start server slaves-1"];
    assert_eq!(titles(&plan)[..4], first);
    assert_eq!((plan.counts.start, plan.counts.create, plan.counts.keep), (2, 0, 4));
    assert_eq!(
        plan.preview()[..4].join("\n"),
        "\
repair cluster c on sandbox: 2 servers to start, 4 nodes to keep, 2 playbooks to run

  ^ start  master-1                 small  host  sandbox
  ^ start  slaves-1                 tiny   host  sandbox  through master-1"
    );
    assert!(step(&plan, "reach slaves-1 through master-1").1.after.contains(&2), "the way leads through the master");
    world.apply(&plan);
    assert!(world.repair().unwrap().steps.is_empty());
    world.status("master-1", ServerStatus::Shutoff);
    let plan = world.scale(&[("slaves", 3)]).unwrap();
    assert_eq!(plan.warnings, ["master-1 is stopped and stays so: `quarterdeck cluster repair` brings it back"]);
}

#[test]
fn many_nodes_that_wait_for_many_make_no_large_plan() {
    let mut world = World::new();
    world.facts.clouds.get_mut(&cloud()).unwrap().quota = quota(0, 201);
    let text = SPEC.replace("count: 3, flavor: tiny", "count: 200, flavor: small");
    let plan = world.create(&text).unwrap();
    let edges = |plan: &Plan| plan.steps.iter().map(|step| step.after.len()).sum::<usize>();
    assert!(edges(&plan) < 7 * 201, "{} edges in {} steps", edges(&plan), plan.steps.len());
    world.apply(&plan);
    world.facts.clouds.get_mut(&cloud()).unwrap().quota = quota(201, 201);
    let plan = world.create(&text.replace("count: 200, flavor: small", "count: 200, flavor: tiny")).unwrap();
    assert_eq!(plan.counts.delete, 200);
    assert!(edges(&plan) < 10 * 201, "{} edges in {} steps", edges(&plan), plan.steps.len());
}

#[test]
fn strange_servers_are_told() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let mut stray = world.facts.servers[0].clone();
    stray.id = "s-99".into();
    stray.tags = None;
    world.facts.servers.push(stray);
    let plan = world.repair().unwrap();
    assert_eq!(titles(&plan), ["sweep sandbox"]);
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
}

#[test]
fn a_node_is_found_by_its_token_when_its_server_is_not_recorded() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let node = world.node("slaves-1");
    let server = node.server.take();
    node.state = NodeState::Creating;
    let plan = world.repair().unwrap();
    assert_eq!(titles(&plan)[..2], ["wait for server slaves-1", "reach slaves-1 through master-1"]);
    assert_eq!(plan.nodes.iter().find(|node| node.name == "slaves-1").unwrap().server, server);
}

#[test]
fn deleting_gives_everything_back_and_looks_again() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let plan = world.plan(delete).unwrap();
    assert_eq!(
        titles(&plan)[3..],
        ["delete server master-1", "sweep sandbox", "check that nothing is left on sandbox", "forget c"]
    );
    assert_eq!(step(&plan, "delete server master-1").1.after, [0, 1, 2]);
    assert_eq!(step(&plan, "sweep sandbox").1.after, [0, 1, 2, 3]);
    assert_eq!(step(&plan, "forget c").1.after, [5]);
    world.apply(&plan);
    assert!(world.facts.servers.is_empty());
}

#[test]
fn names_that_clouds_do_not_have_come_with_those_they_have() {
    let mut world = World::new();
    let failure = world
        .create(&SPEC.replace("flavor: tiny", "flavor: smal").replace("{flavor: small", "{flavor: huge, networks: [privat]"))
        .unwrap_err();
    assert_eq!((failure.class, failure.at.as_str()), (Class::NotFound, "c.yml"));
    assert_eq!(
        failure.got,
        "3 problems\n\
         c.yml:3:20: cloud sandbox has no flavor `huge`; it has `large`, `tiny`, `small`\n\
         c.yml:3:37: cloud sandbox has no network `privat`; it has `private`\n\
         c.yml:4:30: cloud sandbox has no flavor `smal`; it has `small`, `tiny`, `large`"
    );
    let again = Choices::of(&reader::parse(&SPEC.replace("tiny", "smal"), "c.yml").unwrap(), &cloud(), &world.facts).all();
    assert!(again.unwrap_err().got.starts_with("`groups.slaves.flavor`: cloud sandbox has no flavor `smal`"));
    let failure = world.create(&SPEC.replacen("image: host", "image: debian", 1)).unwrap_err();
    assert!(failure.got.ends_with("has 2 images called `debian`: name one by its id (`i-1`, `i-2`)"), "{}", failure.got);
    let failure = world.create(&format!("{SPEC}cloud: sandbx\n")).unwrap_err();
    assert!(failure.got.contains("there is no cloud `sandbx`; the clouds here are `sandbox`"), "{}", failure.got);
    world.create(&SPEC.replace("image: host", "image: i-2")).unwrap();
}

#[test]
fn a_group_that_names_no_flavor_has_its_clouds() {
    let text = SPEC.replace("flavor: tiny, ", "");
    let mut world = World::new();
    let mut spec = reader::parse(&text, "c.yml").unwrap();
    world.facts.fill_in(&mut spec, &cloud());
    let got = world.create(&text).unwrap_err().got;
    assert_eq!(got, "c.yml:4:11: cloud sandbox has no default flavor: name one, or give the cloud one (`quarterdeck cloud set`)");
    world.facts.clouds.get_mut(&cloud()).unwrap().defaults.flavor = Some("large".to_owned());
    world.facts.fill_in(&mut spec, &cloud());
    assert_eq!((spec.groups["slaves"].flavor.as_str(), spec.groups["master"].flavor.as_str()), ("large", "small"));
}

#[test]
fn too_little_quota_is_told_before_anything_is_made() {
    let mut world = World::new();
    world.facts.clouds.get_mut(&cloud()).unwrap().quota = quota(2, 5);
    let failure = world.create(SPEC).unwrap_err();
    assert_eq!(failure.class, Class::Quota);
    assert_eq!(failure.got, "servers: 6 wanted, 5 allowed (2 in use now)");
    assert_eq!(failure.at, "sandbox");
    let plan = world.create(&SPEC.replace("count: 3", "count: 2")).unwrap();
    assert_eq!(plan.quota[0].after, 5);
    assert_eq!(plan.quota[1].after, 2 * 512 + 512 + 2 * 256);
}

#[test]
fn where_there_is_no_room_servers_go_before_others_come() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let changed = SPEC.replace("count: 3", "count: 1").replace("playbooks:", "  db: {flavor: tiny, image: host}\nplaybooks:");
    assert!(step(&world.create(&changed).unwrap(), "create server db-1").1.after.is_empty());
    world.facts.clouds.get_mut(&cloud()).unwrap().quota = quota(4, 4);
    let plan = world.create(&changed).unwrap();
    let (room, joined) = step(&plan, "room on sandbox: 2 servers deleted");
    assert_eq!((joined.after.len(), step(&plan, "create server db-1").1.after.clone()), (2, vec![room]));
    assert_eq!(plan.quota[0].after, 3);
}

#[test]
fn a_preview_tells_everything_in_columns() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    assert_eq!(
        plan.preview().join("\n"),
        "\
create cluster c on sandbox: 4 servers to create, 2 playbooks to run

  + create  master-1                 small  host  sandbox
  + create  slaves-1 … slaves-3  ×3  tiny   host  sandbox  through master-1

  playbook  site.yml
            check.yml
  quota     servers              0 →        4  of 100
            ram_mb               0 →     1280  of 51200"
    );
    world.apply(&plan);
    world.status("slaves-2", ServerStatus::Error);
    let plan = world.scale(&[("slaves", 2)]).unwrap();
    assert_eq!(
        plan.preview()[..5].join("\n"),
        "\
scale cluster c on sandbox: 1 server to create, 2 servers to delete, 2 nodes to keep, 2 playbooks to run

    keep     master-1  small  host  sandbox
    keep     slaves-1  tiny   host  sandbox  through master-1
  ± replace  slaves-2  tiny   host  sandbox  through master-1"
    );
    world.apply(&plan);
    let plan = world.repair().unwrap();
    assert_eq!(plan.preview()[0], "repair cluster c on sandbox: nothing to do");
}

#[test]
fn playbooks_run_one_after_the_other_on_what_is_there() {
    let mut world = World::new();
    let created = world.create(SPEC).unwrap();
    world.apply(&created);
    let of_spec = world.plan(|facts, inputs| playbook(&[], "/x", facts, inputs)).unwrap();
    assert_eq!(titles(&of_spec), ["run site.yml", "run check.yml"]);
    assert_eq!((of_spec.base_dir.as_str(), of_spec.steps[1].after.as_slice()), ("/x", [0].as_slice()));
    world.facts.nodes.clear();
    assert_eq!(world.plan(|facts, inputs| playbook(&[], "/x", facts, inputs)).unwrap_err().class, Class::Refused);
}

#[derive(Clone, Debug)]
enum Move {
    Scale(u32, u32),
    Repair,
    Create(u32, u32),
    Lose(usize),
    Break(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (1..6u32, 1..9u32).prop_map(|(a, b)| Move::Scale(a, b)),
        Just(Move::Repair),
        (1..6u32, 1..9u32).prop_map(|(a, b)| Move::Create(a, b)),
        (0..20usize).prop_map(Move::Lose),
        (0..20usize).prop_map(Move::Break),
    ];
    proptest::collection::vec(one, 1..12)
}

proptest! {
    #[test]
    fn any_sequence_of_plans_leads_to_the_wanted_counts(moves in moves()) {
        let mut world = World::new();
        let text = |a: u32, b: u32| SPEC.replace("count: 3", &format!("count: {b}")).replace("{flavor: small", &format!("{{count: {a}, flavor: small"));
        let first = world.create(&text(1, 3)).unwrap();
        world.apply(&first);
        let mut wanted = (1, 3);
        for (n, one) in moves.into_iter().enumerate() {
            let names: Vec<String> = world.names().into_iter().map(str::to_owned).collect();
            let before = world.tokens;
            let plan = match one {
                Move::Scale(a, b) => { wanted = (a, b); world.scale(&[("master", a), ("slaves", b)]).unwrap() }
                Move::Create(a, b) => { wanted = (a, b); world.create(&text(a, b)).unwrap() }
                Move::Repair => world.repair().unwrap(),
                Move::Lose(at) => { world.lose(&names[at % names.len()].clone()); continue; }
                Move::Break(at) => {
                    let name = &names[at % names.len()];
                    if world.facts.servers.iter().any(|server| server.name == *name) { world.status(name, ServerStatus::Error); }
                    continue;
                }
            };
            if matches!(one, Move::Repair) {
                let after = std::mem::replace(&mut world.tokens, before);
                prop_assert_eq!(&world.repair().unwrap(), &plan, "the same input gives the same plan");
                world.tokens = after;
            }
            world.apply(&plan);
            let count = |group: &str| u32::try_from(world.facts.nodes.iter().filter(|node| node.group == group).count()).unwrap();
            prop_assert_eq!((count("master"), count("slaves")), wanted, "after move {}", n);
            prop_assert_eq!(world.facts.servers.len(), world.facts.nodes.len());
            prop_assert!(world.facts.nodes.iter().all(|node| node.state == NodeState::Up));
        }
        let plan = world.plan(delete).unwrap();
        world.apply(&plan);
        prop_assert!(world.facts.servers.is_empty() && world.facts.nodes.is_empty());
    }
}
