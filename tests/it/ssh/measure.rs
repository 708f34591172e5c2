//! How fast: `cargo test --release --test it ssh::measure -- --ignored --nocapture`.

use std::time::Instant;

use futures::StreamExt;
use quarterdeck::ssh::fan_out;
use quarterdeck::ssh::pool::Pool;

use super::server::{Home, Manners, Server};
use super::{cx, many};

const NODES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn two_hundred_nodes() {
    let home = Home::new();
    let server = Server::start_at(&home, Manners { builtin: true, ..Manners::default() }, "0.0.0.0:0".parse().unwrap()).await;
    let (pool, targets) = (Pool::default(), many(&home, &server, NODES));
    for what in ["connect, learn the host key, log in, exec", "exec on kept connections", "again"] {
        let start = Instant::now();
        let answers: Vec<_> = fan_out(&pool, targets.clone(), "builtin".to_owned(), NODES, cx()).collect().await;
        let took = start.elapsed();
        assert!(answers.iter().all(|answer| answer.result.as_ref().is_ok_and(|done| done.ok())));
        let mut each: Vec<_> = answers.iter().map(|answer| answer.took_ms).collect();
        each.sort_unstable();
        println!("{NODES} nodes: {what}: {took:.0?} in all, median {} ms, slowest {} ms", each[NODES / 2], each[NODES - 1]);
    }
    assert_eq!(server.connections(), NODES);
    let pool = Pool::default();
    let start = Instant::now();
    let again = fan_out(&pool, targets, "builtin".to_owned(), NODES, cx()).count().await;
    println!("{again} nodes: connect with the host key pinned, log in, exec: {:.0?} in all", start.elapsed());
}
