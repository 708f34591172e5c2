//! Through other servers.

use quarterdeck::model::Class;
use quarterdeck::ssh::pool::Pool;
use quarterdeck::ssh::{Target, connect, fan_out, probe};

use super::server::{Home, Manners, Server, free_port, text_of};
use super::{cx, many};
use futures::StreamExt;

fn via(target: Target, via: Target) -> Target {
    Target { via: Some(Box::new(via)), ..target }
}

#[tokio::test]
async fn a_way_may_have_several_jumps() {
    let home = Home::new();
    let (a, b, c) = tokio::join!(
        Server::start(&home, Manners::default()),
        Server::start(&home, Manners::default()),
        Server::start(&home, Manners::default())
    );
    let way = via(home.target(c.at), via(home.target(b.at), home.target(a.at)));
    let connection = connect(&way, &cx()).await.unwrap();
    let done = connection.exec("echo there", None, &cx()).await.unwrap();
    assert_eq!(&*done.stdout, b"there\n");
    assert_eq!(text_of(&home.known_hosts()).lines().count(), 3, "every host on the way is pinned");
    b.cut();
    let failure = connection.exec("true", None, &cx()).await.unwrap_err();
    assert_eq!((failure.class, failure.at), (Class::Transient, c.at.to_string()));
}

#[tokio::test]
async fn a_jump_that_fails_says_which() {
    let home = Home::new();
    let a = Server::start(&home, Manners::default()).await;
    let nobody = free_port();
    let failure = probe(&via(home.target(nobody), home.target(a.at)), &cx()).await.unwrap_err();
    assert_eq!((failure.class, failure.at.clone()), (Class::Transient, nobody.to_string()));
    assert!(failure.tried.contains(&a.at.to_string()), "{failure}");
    let failure = probe(&via(home.target(a.at), home.target(nobody)), &cx()).await.unwrap_err();
    assert_eq!(failure.at, nobody.to_string());
    let stranger = Home::new();
    let failure = probe(&via(home.target(a.at), stranger.target(a.at)), &cx()).await.unwrap_err();
    assert_eq!(failure.class, Class::Credentials);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_share_one_connection_to_the_jump() {
    let home = Home::new();
    let jump = Server::start(&home, Manners::default()).await;
    let server = Server::start_at(&home, Manners::default(), "0.0.0.0:0".parse().unwrap()).await;
    let mut targets = many(&home, &server, 30);
    for (_, target) in &mut targets {
        target.via = Some(Box::new(home.target(jump.at)));
    }
    let pool = Pool::default();
    for round in 1..=2 {
        let ok = fan_out(&pool, targets.clone(), "true".to_owned(), 0, cx()).filter(|a| std::future::ready(a.result.is_ok()));
        assert_eq!(ok.count().await, 30);
        assert_eq!((jump.connections(), server.connections()), (1, 30), "round {round}");
    }
    jump.cut();
    let again = pool.exec(&targets[0].1, "echo back", None, &cx()).await.unwrap();
    assert_eq!(&*again.stdout, b"back\n");
    assert_eq!(jump.connections(), 2);
}
