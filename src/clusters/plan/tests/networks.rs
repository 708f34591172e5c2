//! What plans do about networks, security groups and public addresses.

use super::world::offer;
use super::*;
use crate::model::capability::names;
use crate::model::{Belonging, BelongingKind, Capabilities, Capability, Ports, UsualNetwork};

const SPEC: &str = "\
name: c
groups:
  front: {flavor: tiny, image: host, public_address: true, ports: ['80', 8000-8010, '22']}
  back: {count: 2, flavor: tiny, image: host, via: front}
";

/// A cloud that has networks, and `usual` for those who name none.
fn world(usual: UsualNetwork) -> World {
    let mut world = World::new();
    let can = [names::NETWORK_CREATE, names::SECURITY_GROUPS, names::FLOATING_IPS];
    let capabilities = can.iter().fold(Capabilities::default(), |all, name| all.with(name, Capability::Yes));
    let item = |name: &str, used, limit| QuotaItem { name: name.into(), used, limit: Some(limit) };
    let quota = Quota {
        items: vec![
            item("floating_ips", 1, 2),
            item("ports", 10, 20),
            item("networks", 1, 10),
            item("routers", 1, 10),
            item("security_groups", 1, 3),
        ],
    };
    let facts = CloudFacts { capabilities, quota, usual_network: usual, ..offer() };
    world.facts.clouds.insert(cloud(), facts);
    world
}

fn network() -> Network {
    offer().networks.remove(0)
}

fn belonging(kind: BelongingKind, what_for: &str) -> Belonging {
    let id = Uuid::from_u128(3);
    let tags =
        Tags { home: HomeId(id), cluster: ClusterId(id), node: what_for.into(), token: Token(format!("qd-{kind}-{what_for}")) };
    Belonging { cloud: cloud(), kind, id: format!("{kind}-{what_for}"), name: "x".into(), tags: Some(tags), lent: false }
}

fn made(plan: &Plan, title: &str) -> Vec<String> {
    let Work::CreateServer { server } = &step(plan, title).1.work else { panic!("{title} makes no server") };
    server.networks.clone()
}

fn after(plan: &Plan, quota: &str) -> Option<u64> {
    plan.quota.iter().find(|effect| effect.name == quota).map(|effect| effect.after)
}

#[test]
fn a_cluster_without_a_network_gets_its_own() {
    let plan = world(UsualNetwork::Missing).create(SPEC).unwrap();
    check(&plan);
    let (network, found) = step(&plan, "network of c on sandbox");
    assert_eq!(found.work, Work::MakeNetwork);
    let (own, group) = step(&plan, "security group of c on sandbox");
    assert_eq!(group.work, Work::SecurityGroup { group: None, ports: vec![Ports::SSH] });
    let (front, group) = step(&plan, "security group of front on sandbox");
    let ports = ["80", "8000-8010"].map(|text| Ports::parse(text).unwrap()).to_vec();
    assert_eq!(group.work, Work::SecurityGroup { group: Some("front".into()), ports });
    for node in ["front-1", "back-1", "back-2"] {
        let title = format!("create server {node}");
        assert!([network, own, front].iter().all(|step_| step(&plan, &title).1.after.contains(step_)), "{title}");
        assert!(made(&plan, &title).is_empty(), "the engine fills it in once it is made");
    }
    let (address, found) = step(&plan, "public address of front-1");
    assert_eq!(found.after, [step(&plan, "wait for server front-1").0]);
    assert_eq!(step(&plan, "reach front-1").1.after, [address]);
    assert!(!titles(&plan).contains(&"public address of back-1"));
    assert!(step(&plan, "sweep sandbox").1.after.contains(&address));
    let wanted = [("floating_ips", 2), ("ports", 14), ("networks", 2), ("routers", 2), ("security_groups", 3)];
    assert!(wanted.iter().all(|(name, count)| after(&plan, name) == Some(*count)), "{:?}", plan.quota);
}

#[test]
fn a_network_that_is_there_is_used_and_remembered() {
    let mut world = world(UsualNetwork::Is(network()));
    let plan = world.create(SPEC).unwrap();
    assert!(!plan.steps.iter().any(|step| step.work == Work::MakeNetwork));
    assert_eq!(made(&plan, "create server back-1"), ["n-1"]);
    assert_eq!((after(&plan, "networks"), after(&plan, "ports")), (None, Some(13)));
    let mut spec = reader::parse(SPEC, "c.yml").unwrap();
    world.facts.fill_in(&mut spec, &cloud());
    assert!(spec.groups.values().all(|group| group.networks == ["private"]), "it does not change when the cloud's does");

    // A cluster with a network of its own stays on it.
    world.facts.belongings.push(belonging(BelongingKind::Network, ""));
    let mut spec = reader::parse(SPEC, "c.yml").unwrap();
    world.facts.fill_in(&mut spec, &cloud());
    assert!(spec.groups.values().all(|group| group.networks.is_empty()));
    let plan = world.create(SPEC).unwrap();
    assert!(made(&plan, "create server back-1").is_empty() && titles(&plan).contains(&"network of c on sandbox"));
    assert_eq!(after(&plan, "networks"), None, "it is there already");
}

#[test]
fn which_network_is_asked_where_nobody_can_say() {
    let failure = world(UsualNetwork::Unclear("has 2 networks: a, b".into())).create(SPEC).unwrap_err();
    assert!(failure.class == Class::Refused && failure.got.contains("has 2 networks: a, b"), "{failure}");
    let named = SPEC.replace("via: front", "via: front, networks: [privat]");
    let failure = world(UsualNetwork::Missing).create(&named).unwrap_err();
    assert!(failure.got.contains("has no network `privat`; it has `private`"), "{failure}");
    let named = SPEC.replace("via: front", "via: front, ports: [0]");
    let failure = reader::parse(&named, "c.yml").unwrap_err();
    assert!(failure.got.contains("`0` are no ports"), "{failure}");
}

#[test]
fn addresses_that_are_free_need_no_quota() {
    let two = SPEC.replace("public_address: true", "public_address: true, count: 2");
    let mut world = world(UsualNetwork::Is(network()));
    let failure = world.create(&two).unwrap_err();
    assert!(failure.class == Class::Quota && failure.got.contains("floating_ips: 3 wanted, 2 allowed"), "{failure}");
    world.facts.clouds.get_mut(&cloud()).unwrap().free_addresses = 1;
    assert_eq!(after(&world.create(&two).unwrap(), "floating_ips"), Some(2));
}

#[test]
fn ports_that_change_are_brought_to_what_is_there_and_all_is_given_back() {
    let mut world = world(UsualNetwork::Is(network()));
    let plan = world.create(SPEC).unwrap();
    world.apply(&plan);
    let those =
        [(BelongingKind::SecurityGroup, ""), (BelongingKind::SecurityGroup, "front"), (BelongingKind::FloatingIp, "front-1")];
    world.facts.belongings.extend(those.map(|(kind, what_for)| belonging(kind, what_for)));
    let closed = SPEC.replace("ports: ['80', 8000-8010, '22']", "ports: []");
    let plan = world.create(&closed).unwrap();
    let (_, group) = step(&plan, "security group of front on sandbox");
    assert_eq!(group.work, Work::SecurityGroup { group: Some("front".into()), ports: Vec::new() });
    let opened = closed.replace("via: front", "via: front, ports: ['53/udp']");
    let plan = world.create(&opened).unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("groups.back.ports")), "{:?}", plan.warnings);

    let plan = world.plan(delete).unwrap();
    check(&plan);
    let (given_back, found) = step(&plan, "give back networks and addresses on sandbox");
    assert_eq!((&found.work, &found.after), (&Work::GiveBack, &vec![step(&plan, "sweep sandbox").0]));
    assert_eq!(step(&plan, "check that nothing is left on sandbox").1.after, [given_back]);
}

#[test]
fn a_cloud_without_any_of_it_is_left_alone() {
    let mut world = World::new();
    let plan = world.create(SPEC).unwrap();
    let works =
        |plan: &Plan| plan.steps.iter().any(|s| s.work.carries() || matches!(s.work, Work::PublicAddress | Work::GiveBack));
    assert!(!works(&plan), "{:?}", titles(&plan));
    assert_eq!(plan.warnings.len(), 2, "{:?}", plan.warnings);
    world.apply(&plan);
    assert!(!works(&world.plan(delete).unwrap()));
}
