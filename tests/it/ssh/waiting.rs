//! Waiting for a node to come up.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck::base::{Cx, Progress};
use quarterdeck::model::Class;
use quarterdeck::ssh::wait;
use tokio::sync::watch;

use super::cx;
use super::server::{Home, Manners, Server, free_port};

/// Tells the number of attempts.
struct Attempts(watch::Sender<u64>);

impl Progress for Attempts {
    fn progress(&self, done: u64, _total: Option<u64>, _what: &str) {
        self.0.send_replace(done);
    }
}

fn counted(cx: Cx) -> (Cx, watch::Receiver<u64>) {
    let (sender, attempts) = watch::channel(0);
    (Cx { progress: Arc::new(Attempts(sender)), ..cx }, attempts)
}

#[tokio::test]
async fn a_node_is_found_once_it_is_up() {
    let home = Home::new();
    let target = home.target(free_port());
    let (cx, mut attempts) = counted(cx());
    let waiting = tokio::spawn({
        let (target, cx) = (target.clone(), cx.clone());
        async move { wait(&target, &cx).await }
    });
    attempts.wait_for(|n| *n >= 2).await.unwrap();
    let at = (std::net::Ipv4Addr::LOCALHOST, target.port).into();
    let _server = Server::start_at(&home, Manners { refused_logins: 2, ..Manners::default() }, at).await;
    assert!(waiting.await.unwrap().unwrap().host_key.starts_with("ssh-ed25519 "));
}

#[tokio::test]
async fn a_node_that_never_comes_is_given_up_with_its_last_answer() {
    let home = Home::new();
    let target = home.target(free_port());
    let failure = wait(&target, &Cx::quiet().within(Duration::from_millis(200))).await.unwrap_err();
    assert_eq!((failure.class, failure.at.clone()), (Class::Transient, target.address()));
    assert!(failure.got.contains("refused") && !failure.next.is_empty(), "{failure}");
}

#[tokio::test]
async fn waiting_ends_when_cancelled() {
    let home = Home::new();
    let (cx, mut attempts) = counted(cx());
    let target = home.target(free_port());
    let cancel = cx.cancel.clone();
    let waiting = tokio::spawn(async move { wait(&target, &cx).await });
    attempts.wait_for(|n| *n >= 1).await.unwrap();
    cancel.cancel();
    assert_eq!(waiting.await.unwrap().unwrap_err().class, Class::Cancelled);
}

#[tokio::test]
async fn a_wrong_host_key_is_not_waited_for() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let target = home.target(server.at);
    let other = super::host_key().public_key().to_openssh().unwrap();
    std::fs::write(home.known_hosts(), format!("[127.0.0.1]:{} {other}\n", target.port)).unwrap();
    assert_eq!(wait(&target, &cx()).await.unwrap_err().class, Class::Refused);
    assert_eq!(server.connections(), 1);
}
