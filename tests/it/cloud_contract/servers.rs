//! The life of servers.

use quarterdeck::base::Cx;
use quarterdeck::model::{Class, ClusterId, PlacedFile, PowerAction, ServerStatus, Token};

use super::{Fixture, active, said, until, wanted};

pub async fn a_server_is_created_found_adopted_listed_and_deleted(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    cloud.identity(&cx).await.unwrap();
    let new = wanted(fixture, ClusterId::new(), "alpha-1");
    let token = new.tags.token.clone();
    assert!(cloud.servers_by_token(&cx, &token).await.unwrap().is_empty());

    let made = cloud.create_server(&cx, &new).await.unwrap();
    assert_eq!((made.name.as_str(), made.tags.as_ref()), ("alpha-1", Some(&new.tags)));
    let found = cloud.servers_by_token(&cx, &token).await.unwrap();
    assert_eq!(found.iter().map(|s| &s.id).collect::<Vec<_>>(), [&made.id]);

    let server = until(cloud.as_ref(), &made.id, ServerStatus::Active).await;
    assert!(server.address().is_some(), "an active server has an address");
    assert_eq!(said(fixture, &server, "echo $((6 * 7))").await.trim(), "42");
    let listed = cloud.servers(&cx).await.unwrap();
    assert!(listed.iter().any(|s| s.id == server.id && s.status == ServerStatus::Active && s.tags == made.tags));

    cloud.delete_server(&cx, &server.id).await.unwrap();
    assert!(!cloud.servers(&cx).await.unwrap().iter().any(|s| s.id == server.id));
    assert!(cloud.servers_by_token(&cx, &token).await.unwrap().is_empty());
    cloud.delete_server(&cx, &server.id).await.expect("deleting what is gone succeeds");
    assert_eq!(cloud.server(&cx, &server.id).await.unwrap_err().class, Class::NotFound);
}

pub async fn a_token_never_makes_two(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let new = wanted(fixture, ClusterId::new(), "twin-1");
    let (a, b, c) = tokio::join!(cloud.create_server(&cx, &new), cloud.create_server(&cx, &new), cloud.create_server(&cx, &new));
    let ids = [a.unwrap().id, b.unwrap().id, c.unwrap().id];
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(cloud.servers_by_token(&cx, &new.tags.token).await.unwrap().len(), 1);
    until(cloud.as_ref(), &ids[0], ServerStatus::Active).await;
    assert_eq!(cloud.create_server(&cx, &new).await.unwrap().id, ids[0]);
}

pub async fn a_cluster_has_its_servers_and_no_others(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let (mine, other) = (ClusterId::new(), ClusterId::new());
    for (cluster, name) in [(mine, "mine-1"), (mine, "mine-2"), (other, "other-1")] {
        cloud.create_server(&cx, &wanted(fixture, cluster, name)).await.unwrap();
    }
    let mut names: Vec<String> =
        cloud.servers_of_cluster(&cx, fixture.home(), mine).await.unwrap().into_iter().map(|s| s.name).collect();
    names.sort();
    assert_eq!(names, ["mine-1", "mine-2"]);
    let elsewhere = quarterdeck::model::HomeId::new();
    assert!(cloud.servers_of_cluster(&cx, elsewhere, mine).await.unwrap().is_empty(), "another home's cluster");
}

pub async fn an_unknown_server_is_not_found(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    for id in ["00000000-0000-0000-0000-000000000000", "no-such-server", "../../etc", ""] {
        assert_eq!(cloud.server(&cx, id).await.unwrap_err().class, Class::NotFound, "{id:?}");
        assert_eq!(cloud.console_log(&cx, id, 10).await.unwrap_err().class, Class::NotFound, "{id:?}");
        assert_eq!(cloud.power(&cx, id, PowerAction::Stop).await.unwrap_err().class, Class::NotFound, "{id:?}");
        cloud.delete_server(&cx, id).await.unwrap_or_else(|e| panic!("{id:?}: {e}"));
    }
    assert!(cloud.servers_by_token(&cx, &Token::from_random([9; 20])).await.unwrap().is_empty());
}

pub async fn power_off_and_on_keeps_the_disk(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let server = active(fixture, "power-1").await;
    let boot_id = said(
        fixture,
        &server,
        "echo kept > /root/kept; mkdir -p /data; echo too > /data/kept; sync; cat /proc/sys/kernel/random/boot_id",
    );
    let boot_id = boot_id.await;
    cloud.power(&cx, &server.id, PowerAction::Stop).await.unwrap();
    let off = until(cloud.as_ref(), &server.id, ServerStatus::Shutoff).await;
    assert_eq!(off.addresses, server.addresses);
    assert!(!fixture.run(&server, "true").await.status.success(), "it answers although it is off");
    cloud.power(&cx, &server.id, PowerAction::Stop).await.expect("stopping twice does no harm");

    cloud.power(&cx, &server.id, PowerAction::Start).await.unwrap();
    let on = until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    assert_eq!(on.addresses, server.addresses);
    assert_eq!(said(fixture, &on, "cat /root/kept /data/kept").await, "kept\ntoo\n");
    let again = said(fixture, &on, "cat /proc/sys/kernel/random/boot_id").await;
    assert!(!boot_id.contains(again.trim()), "a boot has an id of its own");

    cloud.power(&cx, &server.id, PowerAction::Reboot).await.unwrap();
    let on = until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    assert_eq!(said(fixture, &on, "cat /root/kept").await, "kept\n");
    assert_ne!(said(fixture, &on, "cat /proc/sys/kernel/random/boot_id").await, again);
}

pub async fn a_console_log_tells_of_the_boot(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let server = active(fixture, "console-1").await;
    let log = cloud.console_log(&cx, &server.id, 100).await.unwrap();
    assert!(log.lines().count() > 1, "{log:?}");
    assert_eq!(cloud.console_log(&cx, &server.id, 1).await.unwrap().lines().count(), 1);
}

pub async fn placed_files_are_there(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let mut new = wanted(fixture, ClusterId::new(), "files-1");
    // "placed\n" and, for a path whose directories are not there yet, "deep\n".
    for (path, text, mode) in [("/etc/placed.conf", "cGxhY2VkCg==", 0o640), ("/opt/a/b/deep", "ZGVlcAo=", 0o755)] {
        new.files.push(PlacedFile { path: path.into(), content_base64: text.into(), mode });
    }
    let server = cloud.create_server(&cx, &new).await.unwrap();
    let server = until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    let said = said(fixture, &server, "cat /etc/placed.conf /opt/a/b/deep; stat -c %a /etc/placed.conf /opt/a/b/deep").await;
    assert_eq!(said, "placed\ndeep\n640\n755\n");
}

pub async fn a_restarted_engine_finds_everything(fixture: &dyn Fixture) {
    let cx = Cx::quiet();
    let server = active(fixture, "lasting-1").await;
    let again = fixture.reopened();
    let found = again.server(&cx, &server.id).await.unwrap();
    assert_eq!(
        (found.status, found.tags, found.addresses),
        (ServerStatus::Active, server.tags.clone(), server.addresses.clone())
    );
    let token = server.tags.clone().unwrap().token;
    assert_eq!(again.servers_by_token(&cx, &token).await.unwrap().len(), 1);
    again.delete_server(&cx, &server.id).await.unwrap();
    assert_eq!(fixture.cloud().server(&cx, &server.id).await.unwrap_err().class, Class::NotFound);
}

pub async fn fifty_servers_at_once(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let cluster = ClusterId::new();
    let began = std::time::Instant::now();
    let new: Vec<_> = (1..=50).map(|n| wanted(fixture, cluster, &format!("many-{n}"))).collect();
    let made = futures::future::join_all(new.iter().map(|new| cloud.create_server(&cx, new))).await;
    let servers: Vec<_> = made.into_iter().map(|made| made.unwrap()).collect();
    let waiting = servers.iter().map(|server| until(cloud.as_ref(), &server.id, ServerStatus::Active));
    let servers = futures::future::join_all(waiting).await;
    eprintln!("50 servers active after {:?}", began.elapsed());
    let mut addresses: Vec<_> = servers.iter().map(|s| s.address().unwrap().to_owned()).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 50, "every server has an address of its own");
    let answers = futures::future::join_all(servers.iter().map(|server| said(fixture, server, "hostname"))).await;
    eprintln!("and answering after {:?}", began.elapsed());
    for (server, answer) in servers.iter().zip(answers) {
        assert_eq!(answer.trim(), server.name);
    }
    assert_eq!(cloud.servers_of_cluster(&cx, fixture.home(), cluster).await.unwrap().len(), 50);
    let began = std::time::Instant::now();
    let gone = futures::future::join_all(servers.iter().map(|server| cloud.delete_server(&cx, &server.id))).await;
    gone.into_iter().for_each(|result| result.unwrap());
    eprintln!("and gone after {:?}", began.elapsed());
    assert!(cloud.servers_of_cluster(&cx, fixture.home(), cluster).await.unwrap().is_empty());
}
