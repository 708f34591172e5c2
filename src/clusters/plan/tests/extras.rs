//! What plans do about zones, server groups, hints, boot volumes and key pairs.

use super::world::offer;
use super::*;
use crate::model::capability::names;
use crate::model::{BootVolume, Capabilities, Capability, Extras, KeyPair, ServerGroup, Zone};

const SPEC: &str = "\
name: c
groups:
  one: {flavor: tiny, image: host, zone: nova, server_group: apart, hints: {query: ['x']}, volume: {size_gb: 20}, key_pair: ana}
";

/// A cloud that can all of it.
fn world() -> World {
    let mut world = World::new();
    let can = [names::ZONES, names::SERVER_GROUPS, names::HINTS, names::BOOT_VOLUME, names::KEY_PAIRS];
    let capabilities = can.iter().fold(Capabilities::default(), |all, name| all.with(name, Capability::Yes));
    let zone = |name: &str, available| Zone { cloud: cloud(), name: name.into(), available };
    let group = ServerGroup {
        cloud: cloud(),
        id: "g-1".into(),
        name: "apart".into(),
        policy: "anti-affinity".into(),
        members: Vec::new(),
    };
    let pair = KeyPair { cloud: cloud(), name: "ana".into(), fingerprint: String::new(), public_key: None };
    let item = |name: &str, used, limit| QuotaItem { name: name.into(), used, limit: Some(limit) };
    let facts = CloudFacts {
        capabilities,
        zones: vec![zone("nova", true), zone("attic", false)],
        server_groups: vec![group],
        key_pairs: vec![pair],
        quota: Quota { items: vec![item("servers", 0, 9), item("volumes", 1, 10), item("volume_gb", 30, 100)] },
        ..offer()
    };
    world.facts.clouds.insert(cloud(), facts);
    world
}

fn extras(plan: &Plan) -> Extras {
    let Work::CreateServer { server } = &step(plan, "create server one-1").1.work else { panic!("it makes no server") };
    server.extras.clone()
}

#[test]
fn what_is_asked_for_reaches_the_server_and_counts() {
    let plan = world().create(SPEC).unwrap();
    check(&plan);
    let wanted = Extras {
        zone: Some("nova".into()),
        server_group: Some("g-1".into()),
        hints: [("query".to_owned(), vec!["x".to_owned()])].into(),
        volume: Some(BootVolume { size_gb: 20, keep: false }),
        key_pair: Some("ana".into()),
    };
    assert_eq!(extras(&plan), wanted);
    let after = |name: &str| plan.quota.iter().find(|effect| effect.name == name).map(|effect| effect.after);
    assert_eq!((after("volumes"), after("volume_gb")), (Some(2), Some(50)));
    let plan =
        world().create(&SPEC.replace(", zone: nova, server_group: apart", "").replace(", volume: {size_gb: 20}", "")).unwrap();
    assert_eq!((extras(&plan).zone, extras(&plan).volume), (None, None));
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    for (from, to, says) in [
        ("zone: nova", "zone: nowa", "has no availability zone `nowa`; it has `nova`"),
        ("zone: nova", "zone: attic", "takes no servers in zone `attic` now"),
        ("server_group: apart", "server_group: apar", "has no server group `apar`; it has `apart`"),
        ("key_pair: ana", "key_pair: anna", "has no key pair `anna`; it has `ana`"),
        ("size_gb: 20", "size_gb: 71", "volume_gb: 101 wanted, 100 allowed"),
    ] {
        let failure = world().create(&SPEC.replace(from, to)).unwrap_err();
        assert!(failure.got.contains(says), "{to}: {failure}");
    }
}

#[test]
fn a_driver_that_cannot_says_why() {
    let mut world = world();
    let no = |reason: &str| Capability::No { reason: reason.to_owned() };
    let facts = world.facts.clouds.get_mut(&cloud()).unwrap();
    facts.capabilities = Capabilities::default()
        .with(names::ZONES, no("all on this computer"))
        .with(names::BOOT_VOLUME, no("no other disk"))
        .with(names::HINTS, no("no scheduler"))
        .with(names::SERVER_GROUPS, no("no hosts"))
        .with(names::KEY_PAIRS, no("no keys"));
    let failure = world.create(SPEC).unwrap_err();
    for reason in ["all on this computer", "no other disk", "no scheduler", "no hosts", "no keys"] {
        assert!(failure.got.contains(reason), "{reason}: {failure}");
    }
}
