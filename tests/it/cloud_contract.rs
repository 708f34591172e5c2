//! What every cloud driver has to do, as one suite: a driver joins with a [`Fixture`] and one line of [`contract`].

use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use quarterdeck::base::Cx;
use quarterdeck::clouds::Cloud;
use quarterdeck::model::{ClusterId, HomeId, NewServer, Server, ServerStatus, Tags, Token};

mod images;
mod limits;
mod networks;
pub mod openstack;
pub mod sandbox;
mod servers;
mod uploads;

/// A driver and what the suite needs around it. Dropping it takes away all servers.
#[async_trait]
pub trait Fixture: Send + Sync {
    fn cloud(&self) -> Arc<dyn Cloud>;
    /// The same cloud as an engine that was started anew finds it.
    fn reopened(&self) -> Arc<dyn Cloud>;
    fn home(&self) -> HomeId;
    /// The cheapest server there is.
    fn flavor(&self) -> String;
    fn image(&self) -> String;
    /// A public key whose private half [`Fixture::run`] uses.
    fn public_key(&self) -> String;
    /// Runs a command on an active server over SSH.
    async fn run(&self, server: &Server, command: &str) -> Output;
    fn faults(&self) -> &dyn Faults;
    /// Whether a quota holds for servers that are asked for at the same moment.
    fn counts_at_once(&self) -> bool {
        true
    }
}

/// Makes a cloud misbehave. Each stays until it is called again.
pub trait Faults {
    /// Every boot ends in `error`.
    fn boots_fail(&self, fail: bool);
    /// A boot takes this much longer.
    fn boots_take(&self, time: Duration);
    /// Every call takes this much longer.
    fn latency(&self, time: Duration);
    /// This share of calls fails as with a 503.
    fn errors(&self, rate: f64);
    /// This share of calls is asked to come back later.
    fn throttle(&self, rate: f64);
    /// This share of changing calls does its work, and the answer is lost.
    fn lost_answers(&self, rate: f64);
    /// At most so many servers.
    fn quota(&self, servers: u64);
}

/// Runs the suite against the fixture that `$new` makes: what every driver must do, or a part that only some can.
macro_rules! contract {
    ($new:path) => {
        contract!($new: servers { a_server_is_created_found_adopted_listed_and_deleted, a_token_never_makes_two,
            a_cluster_has_its_servers_and_no_others, an_unknown_server_is_not_found,
            power_off_and_on_keeps_the_disk, a_console_log_tells_of_the_boot, placed_files_are_there,
            a_restarted_engine_finds_everything, fifty_servers_at_once });
        contract!($new: limits { a_failed_boot_is_an_error_that_says_why, a_slow_boot_is_seen_as_build,
            a_quota_refuses_and_names_itself, what_does_not_exist_is_refused, errors_pass_and_are_transient,
            throttling_says_when_to_come_back, a_lost_answer_leaves_a_server_that_is_found,
            slow_answers_end_at_the_deadline_and_when_cancelled });
    };
    ($new:path: $part:ident { $($name:ident),* }) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            if let Some(fixture) = $new() {
                $crate::cloud_contract::$part::$name(&fixture).await;
            }
        })*
    };
}
pub(crate) use contract;

/// A server to ask for.
pub fn wanted(fixture: &dyn Fixture, cluster: ClusterId, name: &str) -> NewServer {
    NewServer {
        name: name.to_owned(),
        flavor: fixture.flavor(),
        image: fixture.image(),
        networks: Vec::new(),
        public_address: false,
        security_groups: Vec::new(),
        authorized_keys: vec![fixture.public_key()],
        files: Vec::new(),
        extras: Default::default(),
        tags: Tags { home: fixture.home(), cluster, node: name.to_owned(), token: Token::from_random(uuid_bytes()) },
    }
}

pub fn uuid_bytes() -> [u8; 20] {
    let (a, b) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let mut bytes = [0; 20];
    bytes[..16].copy_from_slice(a.as_bytes());
    bytes[16..].copy_from_slice(&b.as_bytes()[..4]);
    bytes
}

/// Creates a server and waits until it is active.
pub async fn active(fixture: &dyn Fixture, name: &str) -> Server {
    let cloud = fixture.cloud();
    let server = cloud.create_server(&Cx::quiet(), &wanted(fixture, ClusterId::new(), name)).await.unwrap();
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await
}

/// Waits until a server has a status. One that fails meanwhile fails the test, with its console log.
pub async fn until(cloud: &dyn Cloud, id: &str, status: ServerStatus) -> Server {
    let cx = Cx::quiet();
    let end = Instant::now() + cloud.manners().boot_limit;
    loop {
        let server = cloud.server(&cx, id).await.unwrap();
        if server.status == status {
            return server;
        }
        let gave_up = server.status == ServerStatus::Error || Instant::now() > end;
        if gave_up {
            let log = cloud.console_log(&cx, id, 50).await.unwrap_or_default();
            panic!("{} is {} ({:?}), not {status}; its console:\n{log}", server.name, server.status, server.fault);
        }
        tokio::time::sleep(cloud.manners().poll).await;
    }
}

/// What a command printed; it must have succeeded.
pub async fn said(fixture: &dyn Fixture, server: &Server, command: &str) -> String {
    let out = fixture.run(server, command).await;
    assert!(out.status.success(), "{command}: {} {}", out.status, String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}
