//! What can go wrong, and how it must show.

use std::time::{Duration, Instant};

use quarterdeck::base::Cx;
use quarterdeck::model::{Class, ClusterId, ServerStatus};

use super::{Fixture, until, wanted};

pub async fn a_failed_boot_is_an_error_that_says_why(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    fixture.faults().boots_fail(true);
    let new = wanted(fixture, ClusterId::new(), "broken-1");
    let server = cloud.create_server(&cx, &new).await.unwrap();
    let end = Instant::now() + cloud.manners().boot_limit;
    let failed = loop {
        let server = cloud.server(&cx, &server.id).await.unwrap();
        if server.status == ServerStatus::Error {
            break server;
        }
        assert!(server.status != ServerStatus::Active && Instant::now() < end, "{server:?}");
        tokio::time::sleep(cloud.manners().poll).await;
    };
    assert!(failed.fault.is_some_and(|why| !why.is_empty()), "an error says why");
    cloud.delete_server(&cx, &server.id).await.unwrap();
    assert!(cloud.servers_by_token(&cx, &new.tags.token).await.unwrap().is_empty());

    fixture.faults().boots_fail(false);
    let again = cloud.create_server(&cx, &new).await.unwrap();
    until(cloud.as_ref(), &again.id, ServerStatus::Active).await;
}

pub async fn a_slow_boot_is_seen_as_build(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let slow = Duration::from_secs(3);
    fixture.faults().boots_take(slow);
    let began = Instant::now();
    let server = cloud.create_server(&cx, &wanted(fixture, ClusterId::new(), "slow-1")).await.unwrap();
    assert!(began.elapsed() < slow, "create returns before the server has booted");
    assert_eq!(server.status, ServerStatus::Build);
    assert!(!fixture.run(&server, "true").await.status.success(), "it answers before it has booted");
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    assert!(began.elapsed() >= slow);
}

pub async fn a_quota_refuses_and_names_itself(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    fixture.faults().quota(2);
    let news: Vec<_> = (1..=5).map(|n| wanted(fixture, ClusterId::new(), &format!("quota-{n}"))).collect();
    let mut results = Vec::new();
    if fixture.counts_at_once() {
        results = futures::future::join_all(news.iter().map(|new| cloud.create_server(&cx, new))).await;
    } else {
        for new in &news {
            results.push(cloud.create_server(&cx, new).await);
        }
    }
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 2, "{results:?}");
    for failure in results.iter().filter_map(|r| r.as_ref().err()) {
        assert_eq!(failure.class, Class::Quota);
        assert!(failure.got.contains("servers") && failure.got.contains('2'), "{failure}");
    }
    let quota = cloud.quota(&cx).await.unwrap();
    let servers = quota.get("servers").unwrap();
    assert_eq!((servers.used, servers.limit), (2, Some(2)));
    let made = results.iter().find_map(|r| r.as_ref().ok()).unwrap();
    cloud.delete_server(&cx, &made.id).await.unwrap();
    let refused = news.iter().zip(&results).find(|(_, r)| r.is_err()).unwrap().0;
    cloud.create_server(&cx, refused).await.expect("there is room again");
}

pub async fn what_does_not_exist_is_refused(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let good = wanted(fixture, ClusterId::new(), "wrong-1");
    let mut flavor = good.clone();
    flavor.flavor = "gigantic".into();
    let mut image = good.clone();
    image.image = "../host".into();
    let mut network = good.clone();
    network.networks = vec!["moon".into()];
    for (wrong, word) in [(flavor, "gigantic"), (image, "../host"), (network, "moon")] {
        let failure = cloud.create_server(&cx, &wrong).await.unwrap_err();
        assert!(matches!(failure.class, Class::Refused | Class::NotFound), "{failure}");
        assert!(failure.got.contains(word), "{failure}");
    }
    assert!(cloud.servers_by_token(&cx, &good.tags.token).await.unwrap().is_empty());
    assert!(cloud.flavors(&cx).await.unwrap().iter().any(|f| f.name == good.flavor));
    assert!(cloud.images(&cx).await.unwrap().iter().any(|i| i.name == good.image));
}

pub async fn errors_pass_and_are_transient(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    fixture.faults().errors(1.0);
    let new = wanted(fixture, ClusterId::new(), "error-1");
    for failure in [cloud.servers(&cx).await.unwrap_err(), cloud.create_server(&cx, &new).await.unwrap_err()] {
        assert_eq!(failure.class, Class::Transient);
        assert!(failure.heals() && !failure.at.is_empty(), "{failure}");
    }
    fixture.faults().errors(0.3);
    let mut results = Vec::new();
    for _ in 0..40 {
        results.push(cloud.servers(&cx).await.is_ok());
    }
    assert!(results.contains(&true) && results.contains(&false), "{results:?}");
    fixture.faults().errors(0.0);
    assert!(cloud.servers(&cx).await.unwrap().is_empty(), "a refused create made something");
}

pub async fn throttling_says_when_to_come_back(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    fixture.faults().throttle(1.0);
    let failure = cloud.servers(&cx).await.unwrap_err();
    assert_eq!(failure.class, Class::Throttled);
    assert!(failure.retry_after_ms.is_some_and(|ms| ms > 0), "{failure}");
    fixture.faults().throttle(0.0);
    cloud.servers(&cx).await.unwrap();
}

pub async fn a_lost_answer_leaves_a_server_that_is_found(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let new = wanted(fixture, ClusterId::new(), "lost-1");
    fixture.faults().lost_answers(1.0);
    assert_eq!(cloud.create_server(&cx, &new).await.unwrap_err().class, Class::Transient);
    let found = cloud.servers_by_token(&cx, &new.tags.token).await.unwrap();
    assert_eq!(found.len(), 1);
    until(cloud.as_ref(), &found[0].id, ServerStatus::Active).await;
    assert_eq!(cloud.delete_server(&cx, &found[0].id).await.unwrap_err().class, Class::Transient);
    fixture.faults().lost_answers(0.0);
    cloud.delete_server(&cx, &found[0].id).await.unwrap();
    assert!(cloud.servers(&cx).await.unwrap().is_empty());
}

pub async fn slow_answers_end_at_the_deadline_and_when_cancelled(fixture: &dyn Fixture) {
    let cloud = fixture.cloud();
    fixture.faults().latency(Duration::from_secs(30));
    let began = Instant::now();
    let late = cloud.servers(&Cx::quiet().within(Duration::from_millis(100))).await.unwrap_err();
    assert_eq!(late.class, Class::Transient);
    let cx = Cx::quiet();
    cx.cancel.cancel();
    assert_eq!(cloud.servers(&cx).await.unwrap_err().class, Class::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(10));
    fixture.faults().latency(Duration::from_millis(200));
    let began = Instant::now();
    cloud.servers(&Cx::quiet()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200));
}
