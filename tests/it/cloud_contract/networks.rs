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
