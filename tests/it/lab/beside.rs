//! The driver beside what others use: a script with openstacksdk and a pool of threads, `openstack server list`, curl.
//! What both do at once would take from each other: one does it after the other, on a lab that nobody else uses.
//!
//! The limits are those of the issue; shared machines are given three times of those of time (`QUARTERDECK_STRICT=1`:
//! the bare ones). Calls are counted, and are the same on every machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use quarterdeck::base::Cx;
use quarterdeck::base::http::{Counter, Method};
use quarterdeck::clouds::Cloud;
use quarterdeck::clouds::openstack::{Config, OpenStackCloud};
use quarterdeck::model::{CloudName, ClusterId, HomeId, NewServer, ServerStatus, Tags, Token};
use serde_json::json;

use super::{KEYSTONE, NOVA, Project, there};
use crate::cloud_contract::uuid_bytes;
use crate::home::{Home, finish};

/// As many servers as are made at once, by both.
const AT_ONCE: usize = 10;
/// How far above a limit of time a shared machine may be.
const TOLERANCE: f64 = 3.0;

/// One of two who do the same.
#[derive(Debug)]
struct Cost {
    /// Seconds until all servers were ready, and until all were gone.
    ready: f64,
    wall: f64,
    /// Seconds of CPU of the client.
    cpu: f64,
    calls: f64,
}

fn strict() -> bool {
    std::env::var_os("QUARTERDECK_STRICT").is_some()
}

/// Prints a ratio beside its limit; one of time may be above by what shared machines cost.
#[track_caller]
fn holds(what: &str, ours: f64, theirs: f64, limit: f64, tolerance: f64) {
    let ratio = ours / theirs;
    println!("{what:<28} ours {ours:>9.3}  theirs {theirs:>9.3}  ratio {ratio:>6.3}  limit {limit}");
    let most = if strict() { limit } else { limit * tolerance };
    assert!(ratio <= most, "{what}: {ours:.3} beside {theirs:.3} is {ratio:.3}, {most} is allowed");
}

/// The same of what depends on how the program was compiled: only a release is held to it.
#[track_caller]
fn holds_optimised(what: &str, ours: f64, theirs: f64, limit: f64) {
    if cfg!(debug_assertions) {
        println!("{what:<28} ours {ours:>9.3}  theirs {theirs:>9.3}  ratio {:>6.3}  (not optimised: not held)", ours / theirs);
    } else {
        holds(what, ours, theirs, limit, TOLERANCE);
    }
}

/// A project with room for so many servers, and a program of the lab's virtualenv that speaks for it.
struct Place {
    project: Project,
    dir: tempfile::TempDir,
}

impl Place {
    async fn new(servers: usize) -> Self {
        let project = Project::new(true).await;
        project.quota(json!({ "instances": servers + 10, "cores": servers + 10, "ram": (servers + 10) * 64 })).await;
        let ports = json!({ "quota": { "port": servers + 50 } });
        let path = format!("/v2.0/quotas/{}", project.id);
        project.admin().does(Method::PUT, super::NEUTRON, &path, Some(ports)).await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("clouds.yaml"), project.clouds_yaml(KEYSTONE)).unwrap();
        Self { project, dir }
    }

    fn clouds_yaml(&self) -> PathBuf {
        self.dir.path().join("clouds.yaml")
    }

    fn program(&self, name: &str) -> Command {
        let lab = std::env::var_os("QUARTERDECK_LAB").unwrap();
        let mut command = Command::new(Path::new(&lab).join("venv/bin").join(name));
        command.env("OS_CLIENT_CONFIG_FILE", self.clouds_yaml()).env("OS_CLOUD", "lab");
        command
    }

    fn driver(&self, calls: &Arc<Counter>) -> OpenStackCloud {
        let (name, account) = (CloudName::new("lab"), self.project.account(KEYSTONE));
        let config = Config { name, account, token_file: PathBuf::from("/nowhere"), watch: Some(calls.clone()) };
        OpenStackCloud::open(config).unwrap()
    }
}

fn said(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Seconds of CPU of this process so far.
fn cpu() -> f64 {
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(used.user_time()) + seconds(used.system_time())
}

/// The driver makes so many servers, waits for them and deletes them, as the engine does it.
async fn driver(place: &Place, count: usize) -> Cost {
    let calls = Arc::new(Counter::default());
    let (cloud, cx) = (place.driver(&calls), Cx::quiet());
    let (home, cluster) = (HomeId::new(), ClusterId::new());
    let wanted = |n: usize| {
        let name = format!("ours-{n}");
        let tags = Tags { home, cluster, node: name.clone(), token: Token::from_random(uuid_bytes()) };
        let (flavor, image) = ("m1.nano".to_owned(), "lab-image".to_owned());
        let (networks, keys) = (vec!["private".to_owned()], Vec::new());
        NewServer {
            name,
            flavor,
            image,
            networks,
            public_address: false,
            security_groups: Vec::new(),
            authorized_keys: keys,
            files: Vec::new(),
            extras: Default::default(),
            tags,
        }
    };
    cloud.identity(&cx).await.unwrap();
    let (before, used, began) = (calls.total(), cpu(), Instant::now());
    let slots = tokio::sync::Semaphore::new(AT_ONCE);
    let make = async |n: usize| {
        let slot = slots.acquire().await.unwrap();
        let id = cloud.create_server(&cx, &wanted(n)).await.unwrap().id;
        drop(slot);
        loop {
            let server = cloud.server(&cx, &id).await.unwrap();
            match server.status {
                ServerStatus::Active => return id,
                ServerStatus::Error => panic!("{server:?}"),
                _ => tokio::time::sleep(cloud.manners().poll).await,
            }
        }
    };
    let ids: Vec<String> = stream::iter(0..count).map(make).buffer_unordered(count).collect().await;
    let ready = began.elapsed().as_secs_f64();
    let gone = stream::iter(&ids).map(|id| cloud.delete_server(&cx, id)).buffer_unordered(count);
    gone.for_each(async |result| result.unwrap()).await;
    let wall = began.elapsed().as_secs_f64();
    println!("ours: {:?}", calls.by_method());
    Cost { ready, wall, cpu: cpu() - used, calls: (calls.total() - before) as f64 }
}

fn script(place: &Place, count: usize) -> Cost {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lab/beside.py");
    let mut command = place.program("python");
    let said = said(command.arg(path).args([count.to_string(), AT_ONCE.to_string()]).output().unwrap());
    let numbers: Vec<f64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [wall, ready, cpu, calls] = numbers[..] else { panic!("{said}") };
    Cost { ready, wall, cpu, calls }
}

async fn beside_the_script(count: usize) {
    let place = Place::new(count).await;
    let before = place.project.left().await;
    let ours = driver(&place, count).await;
    assert_eq!(place.project.left().await, before, "nothing is left of ours");
    let theirs = script(&place, count);
    println!("{count} servers created, ready and deleted: {ours:?} beside {theirs:?}");
    println!("ready after {:.1} s, theirs after {:.1} s", ours.ready, theirs.ready);
    place.project.remove().await;
    holds("wall, s", ours.wall, theirs.wall, 1.0, TOLERANCE);
    holds("calls", ours.calls, theirs.calls, 0.5, 1.0);
    holds_optimised("client CPU, s", ours.cpu, theirs.cpu, 0.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure_fifty_servers_beside_the_sdk() {
    if there("fifty servers beside the sdk") {
        beside_the_script(50).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long; tests/soak runs it"]
async fn soak_two_hundred_servers_beside_the_sdk() {
    if there("two hundred servers beside the sdk") {
        beside_the_script(200).await;
    }
}

/// The median of seconds of several tries, the first of which warms up.
async fn median(mut once: impl AsyncFnMut()) -> f64 {
    let mut took = Vec::new();
    for at in 0..6 {
        let began = Instant::now();
        once().await;
        if at > 0 {
            took.push(began.elapsed().as_secs_f64());
        }
    }
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

/// Peak memory of a program that is run, MiB, as the kernel counts it for children: the largest so far.
fn peak_of_children() -> f64 {
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    used.max_rss() as f64 / 1024.0
}

async fn beside_curl(count: usize) {
    let place = Place::new(count).await;
    let servers = json!({ "server": { "name": "many", "flavorRef": flavor(&place).await, "imageRef": image(&place).await,
        "networks": "auto", "min_count": count, "max_count": count } });
    place.project.person.does(Method::POST, NOVA, "/v2.1/servers", Some(servers)).await;
    // Two a second, where nobody else wants the lab.
    let end = Instant::now() + Duration::from_secs(60 + 3 * count as u64);
    loop {
        let told = place.project.person.get(NOVA, "/v2.1/servers?status=ACTIVE").await;
        if told["servers"].as_array().is_some_and(|all| all.len() == count) {
            break;
        }
        assert!(Instant::now() < end, "{} of {count} are active", told["servers"].as_array().map_or(0, Vec::len));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let calls = Arc::new(Counter::default());
    let (cloud, cx) = (place.driver(&calls), Cx::quiet());
    let ours = median(async || assert_eq!(cloud.servers(&cx).await.unwrap().len(), count)).await;
    let token = said(place.program("openstack").args(["token", "issue", "-f", "value", "-c", "id"]).output().unwrap());
    let curl = || {
        let mut command = Command::new("curl");
        command.args(["--silent", "--fail", "--compressed", "--output", "/dev/null"]);
        command.args(["-H", &format!("X-Auth-Token: {}", token.trim()), "-H", "OpenStack-API-Version: compute 2.96"]);
        said(command.arg(format!("http://127.0.0.1:{NOVA}/v2.1/servers/detail")).output().unwrap());
    };
    let theirs = median(async || curl()).await;

    // The whole program, its engine running, beside the official client.
    let home = Home::new();
    let file = format!("file={}", place.clouds_yaml().display());
    home.run(["cloud", "add", "lab", "--driver", "openstack", "-s", &file]).ok();
    let limit = Duration::from_secs(60);
    let list = median(async || drop(finish(home.command(["server", "list"]), limit).ok())).await;
    let status = home.run(["engine", "status", "--json"]).ok().json();
    let engine = status["rss_kb"].as_f64().unwrap() / 1024.0;
    let client = peak_of_children();
    let official = median(async || drop(said(place.program("openstack").args(["server", "list"]).output().unwrap()))).await;
    let official_memory = peak_of_children();
    home.kill_engine();
    place.project.remove().await;
    println!("memory of the engine {engine:.1} MiB, of any program that ran before the official client {client:.1} MiB");
    holds("list by the driver, s", ours, theirs, 1.2, TOLERANCE);
    holds("server list, s", list, official, 0.2, TOLERANCE);
    holds_optimised("memory of the engine, MiB", engine, official_memory, 0.3);
}

async fn flavor(place: &Place) -> String {
    let told = place.project.person.get(NOVA, "/v2.1/flavors").await;
    let all = told["flavors"].as_array().unwrap();
    super::text(&all.iter().find(|flavor| flavor["name"] == "m1.nano").unwrap()["id"])
}

async fn image(place: &Place) -> String {
    let told = place.project.person.get(super::GLANCE, "/v2/images?name=lab-image").await;
    super::text(&told["images"][0]["id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure_list_of_fifty_beside_curl() {
    if there("a list of fifty beside curl") {
        beside_curl(50).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long; tests/soak runs it"]
async fn soak_list_of_two_hundred_beside_curl() {
    if there("a list of two hundred beside curl") {
        beside_curl(200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long; tests/soak runs it"]
async fn soak_list_of_a_thousand_beside_curl() {
    if there("a list of a thousand beside curl") {
        beside_curl(1000).await;
    }
}
