//! Processes that die at the wrong moment: the engine's, the server's first, its SSH server.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use quarterdeck::base::Cx;
use quarterdeck::clouds::Cloud;
use quarterdeck::model::{ClusterId, NewServer, Server, ServerStatus};

use super::root;
use crate::cloud_contract::sandbox::{SandboxFixture, open};
use crate::cloud_contract::{Fixture, active, until, wanted};
use crate::support;

/// Set in the process that is an engine to be killed: what it is to do, and on which directory.
const ENGINE: &str = "QUARTERDECK_TEST_SANDBOX_ENGINE";

#[tokio::test]
async fn an_ssh_server_that_dies_comes_back() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "sshd-1").await;
    let killed = fixture.ssh(&server, "root", &[]).arg("kill -9 $(pgrep -x sandbox-sshd)").output().await.unwrap();
    assert!(!killed.status.success());
    while !fixture.ssh(&server, "root", &[]).arg("true").output().await.unwrap().status.success() {}
    let log = fixture.sandbox().console_log(&Cx::quiet(), &server.id, 100).await.unwrap();
    assert!(log.contains("the SSH server ended"), "{log}");
}

#[tokio::test]
async fn a_killed_server_is_shut_off_with_all_its_processes_and_starts_again() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "killed-1").await;
    let mark = format!("99{}", std::process::id());
    root(&fixture, &server, &format!("setsid sleep {mark} >/dev/null 2>&1 & echo 1 > /root/kept")).await;
    support::until("its program", || lives(&mark).then_some(()));
    let pid = init(&fixture, &server);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    let cloud = fixture.cloud();
    until(cloud.as_ref(), &server.id, ServerStatus::Shutoff).await;
    support::until("the end of its processes", || (!lives(&mark)).then_some(()));
    cloud.power(&Cx::quiet(), &server.id, quarterdeck::model::PowerAction::Start).await.unwrap();
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    assert_eq!(root(&fixture, &server, "cat /root/kept").await, "1\n");
}

#[tokio::test]
async fn a_server_whose_directory_is_removed_ends() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "homeless-1").await;
    let pid = init(&fixture, &server);
    assert!(support::alive(pid));
    std::fs::remove_dir_all(fixture.dir().join("servers").join(&server.id)).unwrap();
    support::until("its end", || (!support::alive(pid)).then_some(()));
    assert!(fixture.cloud().servers(&Cx::quiet()).await.unwrap().is_empty());
}

/// The host's pid of the first process of a server.
fn init(fixture: &SandboxFixture, server: &Server) -> i32 {
    let state = support::text(fixture.dir().join("servers").join(&server.id).join("state"));
    let first: serde_json::Value = serde_json::from_str(state.lines().next().unwrap()).unwrap();
    first["pid"].as_i64().unwrap() as i32
}

/// Whether a process `sleep MARK` lives anywhere on this computer.
fn lives(mark: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes.map(|p| support::text(p.path().join("cmdline")));
    lines.any(|line| line == format!("sleep\0{mark}\0"))
}

/// The engine is killed while it creates six servers and, later, while it deletes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_engine_leaves_no_server_twice_and_none_half_made() {
    if let Ok(what) = std::env::var(ENGINE) {
        return be_the_engine(&what).await;
    }
    let Some(fixture) = SandboxFixture::new() else { return };
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    active(&fixture, "first-1").await;
    for round in 0..12_u64 {
        let cluster = ClusterId::new();
        let new: Vec<NewServer> = (1..=6).map(|n| wanted(&fixture, cluster, &format!("k{round}-{n}"))).collect();
        std::fs::write(fixture.dir().join("order.json"), serde_json::to_vec(&new).unwrap()).unwrap();
        kill_an_engine(&fixture, "create", Duration::from_millis(round * 9));
        let again = fixture.reopened();
        let mut found = 0;
        for new in &new {
            let servers = again.servers_by_token(&cx, &new.tags.token).await.unwrap();
            assert!(servers.len() <= 1, "{servers:?}");
            for server in servers {
                found += 1;
                assert_eq!(server.tags.as_ref(), Some(&new.tags));
                until(again.as_ref(), &server.id, ServerStatus::Active).await;
            }
            again.create_server(&cx, new).await.unwrap();
        }
        eprintln!("round {round}: {found} of {} survived", new.len());
        assert_eq!(again.servers_of_cluster(&cx, fixture.home(), cluster).await.unwrap().len(), new.len());

        kill_an_engine(&fixture, "delete", Duration::from_millis(round * 9));
        let again = fixture.reopened();
        for server in again.servers_of_cluster(&cx, fixture.home(), cluster).await.unwrap() {
            assert_ne!(server.status, ServerStatus::Deleting, "half deleted: {server:?}");
            again.delete_server(&cx, &server.id).await.unwrap();
        }
        let left = std::fs::read_dir(fixture.dir().join("servers")).unwrap().count();
        assert_eq!(left, 1, "only the first server is left");
    }
    let all = cloud.servers(&cx).await.unwrap();
    assert_eq!(all.iter().map(|s| s.status.clone()).collect::<Vec<_>>(), [ServerStatus::Active]);
}

/// Runs this test again as an engine and kills that some time after it began its work.
fn kill_an_engine(fixture: &SandboxFixture, what: &str, after: Duration) {
    let test = "sandbox::crashes::a_killed_engine_leaves_no_server_twice_and_none_half_made";
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(ENGINE, what)
        .env("QUARTERDECK_TEST_SANDBOX_DIR", fixture.dir().parent().unwrap())
        .env("QUARTERDECK_TEST_SANDBOX_HOME", fixture.home().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = fixture.dir().join("began");
    support::until("the beginning of its work", || began.exists().then_some(()));
    // The moment is the point of the test: nothing announces it.
    std::thread::sleep(after);
    engine.kill().unwrap();
    engine.wait().unwrap();
    std::fs::remove_file(began).unwrap();
}

async fn be_the_engine(what: &str) {
    let dir = std::env::var("QUARTERDECK_TEST_SANDBOX_DIR").unwrap();
    let home = quarterdeck::model::HomeId(std::env::var("QUARTERDECK_TEST_SANDBOX_HOME").unwrap().parse().unwrap());
    let (cloud, cx) = (open(Path::new(&dir), home), Cx::quiet());
    let order = support::text(Path::new(&dir).join("cloud/order.json"));
    let new: Vec<NewServer> = serde_json::from_str(&order).unwrap();
    let mut ids = Vec::new();
    if what == "delete" {
        for new in &new {
            ids.extend(cloud.servers_by_token(&cx, &new.tags.token).await.unwrap().into_iter().map(|s| s.id));
        }
    }
    std::fs::write(Path::new(&dir).join("cloud/began"), "").unwrap();
    if what == "create" {
        futures::future::join_all(new.iter().map(|new| cloud.create_server(&cx, new))).await;
    } else {
        futures::future::join_all(ids.iter().map(|id| cloud.delete_server(&cx, id))).await;
    }
    std::future::pending::<()>().await;
}
