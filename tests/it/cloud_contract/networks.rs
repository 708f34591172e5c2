//! Networks, security groups and floating IPs of clusters, for clouds that have them.

use std::collections::BTreeSet;

use quarterdeck::base::Cx;
use quarterdeck::model::{Belonging, BelongingKind, Class, ClusterId, NewSecurityGroup, Ports, ServerStatus, Tags, Token};

use super::{Fixture, until, wanted};

fn tags(fixture: &dyn Fixture, cluster: ClusterId, what_for: &str) -> Tags {
    Tags { home: fixture.home(), cluster, node: what_for.to_owned(), token: Token::from_random(super::uuid_bytes()) }
}

fn group(tags: Tags, ports: &[&str]) -> NewSecurityGroup {
    let ports = ports.iter().map(|text| Ports::parse(text).unwrap()).collect();
    NewSecurityGroup { name: "qd-contract".to_owned(), ports, members: true, tags }
}

async fn all(fixture: &dyn Fixture, cluster: ClusterId) -> Vec<Belonging> {
    fixture.cloud().belongings(&Cx::quiet(), fixture.home(), cluster).await.unwrap()
}

fn kinds(those: &[Belonging]) -> Vec<BelongingKind> {
    let mut kinds: Vec<_> = those.iter().map(|one| one.kind).collect();
    kinds.sort();
    kinds
}

/// Calls until an answer arrives, where half of those of changing calls are lost.
macro_rules! untiring {
    ($fixture:expr, $call:expr) => {{
        let mut made = None;
        for _ in 0..40 {
            $fixture.faults().lost_answers(0.5);
            let result = $call.await;
            $fixture.faults().lost_answers(0.0);
            match result {
                Ok(done) => {
                    made = Some(done);
                    break;
                }
                Err(failure) => assert_eq!(failure.class, Class::Transient, "{failure}"),
            }
        }
        made.expect("one answer of forty arrives")
    }};
}

pub async fn what_a_cluster_has_is_made_once_found_and_given_back(fixture: &dyn Fixture) {
    use BelongingKind::{FloatingIp, Network, Port, Router, SecurityGroup};
    let (cloud, cx, cluster) = (fixture.cloud(), Cx::quiet(), ClusterId::new());
    let mine = tags(fixture, cluster, "");
    let network = cloud.make_network(&cx, "qd-contract", &mine).await.unwrap();
    assert_eq!((network.kind, network.tags.as_ref()), (Network, Some(&mine)));
    // Another step, another token: what is there is taken over, with the mark of who made it.
    let again = fixture.reopened().make_network(&cx, "qd-contract", &tags(fixture, cluster, "")).await.unwrap();
    assert_eq!(again, network);
    let first = cloud.security_group(&cx, &group(mine.clone(), &["22", "80"])).await.unwrap();
    let changed = cloud.security_group(&cx, &group(tags(fixture, cluster, ""), &["22", "53/udp"])).await.unwrap();
    assert_eq!(first, changed);
    assert_eq!(kinds(&all(fixture, cluster).await), [Network, Router, SecurityGroup]);
    assert_eq!(all(fixture, ClusterId::new()).await, []);

    let mut new = wanted(fixture, cluster, "public-1");
    new.networks = vec![network.id.clone()];
    new.security_groups = vec![first.id.clone()];
    let server = cloud.create_server(&cx, &new).await.unwrap();
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    let address = cloud.public_address(&cx, &server.id, &tags(fixture, cluster, "public-1")).await.unwrap();
    let again = cloud.public_address(&cx, &server.id, &tags(fixture, cluster, "public-1")).await.unwrap();
    assert_eq!(address, again);
    let now = all(fixture, cluster).await;
    assert_eq!(kinds(&now), [Network, Router, SecurityGroup, FloatingIp, Port]);

    // A server on it is no part of it, and is not cut off.
    let failure = cloud.give_back(&cx, &now).await.unwrap_err();
    assert!(failure.class == Class::Refused && failure.got.contains(&server.id), "{failure}");
    cloud.delete_server(&cx, &server.id).await.unwrap();
    let now = all(fixture, cluster).await;
    cloud.give_back(&cx, &now).await.unwrap();
    cloud.give_back(&cx, &now).await.expect("giving back what is gone succeeds");
    assert_eq!(all(fixture, cluster).await, []);
}

pub async fn lost_answers_leave_nothing_twice(fixture: &dyn Fixture) {
    let (cloud, cx, cluster) = (fixture.cloud(), Cx::quiet(), ClusterId::new());
    let mine = tags(fixture, cluster, "");
    untiring!(fixture, cloud.make_network(&cx, "qd-contract", &mine));
    untiring!(fixture, cloud.security_group(&cx, &group(mine.clone(), &["22", "80", "8000-8010"])));
    let now = all(fixture, cluster).await;
    assert_eq!(kinds(&now), [BelongingKind::Network, BelongingKind::Router, BelongingKind::SecurityGroup]);
    let tokens: BTreeSet<_> = now.iter().map(|one| one.tags.clone().unwrap().token).collect();
    assert_eq!(tokens, BTreeSet::from([mine.token.clone()]));
    untiring!(fixture, cloud.give_back(&cx, &now));
    assert_eq!(all(fixture, cluster).await, []);
}

pub async fn what_was_made_is_listed(fixture: &dyn Fixture) {
    let (cloud, cx, cluster) = (fixture.cloud(), Cx::quiet(), ClusterId::new());
    let mine = tags(fixture, cluster, "");
    let network = cloud.make_network(&cx, "qd-listed", &mine).await.unwrap();
    let made = cloud.security_group(&cx, &group(mine.clone(), &["22", "8000-8010"])).await.unwrap();
    let mut new = wanted(fixture, cluster, "listed-1");
    (new.networks, new.security_groups) = (vec![network.id.clone()], vec![made.id.clone()]);
    let server = cloud.create_server(&cx, &new).await.unwrap();
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;

    let subnets = cloud.subnets(&cx).await.unwrap();
    let subnet = subnets.iter().find(|subnet| subnet.network_id == network.id).expect("its subnet is listed");
    assert_eq!((subnet.network.as_str(), subnet.ip_version, subnet.dhcp), ("qd-listed", 4, true));
    assert!(subnet.cidr.is_some() && subnet.gateway.is_some(), "{subnet:?}");
    let ports = cloud.ports(&cx).await.unwrap();
    let port = ports.iter().find(|port| port.device.as_ref() == Some(&server.id)).expect("its port is listed");
    assert_eq!((port.network.as_str(), &port.security_groups), ("qd-listed", &vec![made.name.clone()]));
    assert_eq!((port.subnets.as_slice(), port.addresses.len()), (std::slice::from_ref(&subnet.id), 1), "{port:?}");
    assert!(port.owner.starts_with("compute:"), "{port:?}");
    let routers = cloud.routers(&cx).await.unwrap();
    let at = ports.iter().find(|port| port.owner == "network:router_interface" && port.network_id == network.id);
    let router = routers.iter().find(|router| Some(&router.id) == at.and_then(|port| port.device.as_ref()));
    let router = router.expect("the router on it is listed");
    assert!(router.external.is_some() && !router.addresses.is_empty(), "{router:?}");
    let groups = cloud.security_groups(&cx).await.unwrap();
    let found = groups.iter().find(|found| found.id == made.id).expect("its security group is listed");
    let opened: BTreeSet<String> = found.rules.iter().filter(|rule| rule.direction == "ingress").map(|r| r.ports()).collect();
    assert!(opened.contains("22") && opened.contains("8000-8010"), "{found:?}");
    assert!(found.rules.iter().any(|rule| rule.peer.as_ref() == Some(&found.name)), "members are named: {found:?}");
    assert!(cloud.zones(&cx).await.unwrap().iter().any(|zone| zone.available));
    assert_eq!(cloud.server_groups(&cx).await.unwrap(), []);

    cloud.delete_server(&cx, &server.id).await.unwrap();
    cloud.give_back(&cx, &all(fixture, cluster).await).await.unwrap();
    assert!(!cloud.subnets(&cx).await.unwrap().iter().any(|subnet| subnet.network_id == network.id));
}

/// What a driver has not is refused with the reason that its capabilities give, and not with an empty list.
pub async fn what_it_has_not_says_why(fixture: &dyn Fixture) {
    use quarterdeck::model::capability::names;
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let refusals = [
        (names::NETWORKS, cloud.subnets(&cx).await.err()),
        (names::NETWORKS, cloud.ports(&cx).await.err()),
        (names::NETWORKS, cloud.routers(&cx).await.err()),
        (names::SECURITY_GROUPS, cloud.security_groups(&cx).await.err()),
        (names::VOLUMES, cloud.volumes(&cx).await.err()),
        (names::SERVER_GROUPS, cloud.server_groups(&cx).await.err()),
        (names::ZONES, cloud.zones(&cx).await.err()),
    ];
    for (name, refused) in refusals {
        let failure = refused.unwrap_or_else(|| panic!("{name} were listed"));
        let reason = cloud.capabilities().check(name).expect_err("it cannot");
        assert_eq!((failure.class, &failure.got), (Class::Refused, &reason), "{name}");
    }
}
