//! What the console costs without a terminal: bytes of a key, time of a frame over long tables.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use quarterdeck::console::Start;
use quarterdeck::console::headless::Headless;
use quarterdeck::console::theme::Profile;
use quarterdeck::model::{Address, AddressKind, Capabilities, CloudInfo, CloudName, Driver, Server, ServerStatus, Time};
use quarterdeck::protocol::live::{CloudRow, Freshness};
use quarterdeck::protocol::{FromEngine, ListKind, Live, Rows};

use crate::report::Report;
use crate::store::median;

const NOW: Time = Time(1_800_000_000_000);
/// Columns of the table of servers.
const COLUMNS: usize = 8;

pub fn run(report: &mut Report) {
    let small = ["console.cursor_bytes", "console.page_bytes", "console.draw_10k", "console.filter_10k", "console.sort_10k"];
    if report.wants(&small) {
        let mut console = with_servers(10_000);
        bytes(report, &mut console);
        report.measure("console.draw_10k", || draw(&mut console));
        report.measure("console.filter_10k", || filter(&mut console));
        report.measure("console.sort_10k", || sort(&mut console));
    }
    if report.wants(&["console.draw_100k", "console.filter_100k"]) {
        let mut console = with_servers(100_000);
        report.measure("console.draw_100k", || draw(&mut console));
        report.measure("console.filter_100k", || filter(&mut console));
    }
}

fn bytes(report: &mut Report, console: &mut Headless) {
    let mut moves: Vec<usize> = (0..30).map(|_| console.keys(b"j").len()).collect();
    moves.sort_unstable();
    report.take("console.cursor_bytes", moves[15] as f64);
    let pages = [b"6", b"4", b"5", b"4", b"1", b"4"].map(|key| console.keys(key).len());
    report.take("console.page_bytes", *pages.iter().max().unwrap() as f64);
}

/// From a key to its bytes.
fn key(console: &mut Headless, key: &[u8]) -> Duration {
    let began = Instant::now();
    console.keys(key);
    began.elapsed()
}

/// A key that moves the selection, ms.
fn draw(console: &mut Headless) -> f64 {
    median((0..100).map(|_| key(console, b"j")).collect())
}

/// A key typed into the filter, ms: the slowest one of some filters.
fn filter(console: &mut Headless) -> f64 {
    let filters = ["node-99", "err", "status=error", "127.83.4 small"];
    let slowest = |filter: &str| {
        let mut times = vec![Vec::new(); filter.len()];
        for _ in 0..9 {
            console.keys(b"/");
            for (at, letter) in filter.bytes().enumerate() {
                times[at].push(key(console, &[letter]));
            }
            console.keys(b"\x1b");
        }
        times.into_iter().map(median).fold(0.0, f64::max)
    };
    let slowest = filters.map(slowest);
    println!("  the slowest letter of {filters:?}: {slowest:.2?} ms");
    slowest.into_iter().fold(0.0, f64::max)
}

/// A key that sorts, ms: by the column that takes longest.
fn sort(console: &mut Headless) -> f64 {
    let mut times = vec![Vec::new(); COLUMNS];
    for _ in 0..9 {
        for times in &mut times {
            times.push(key(console, b">"));
        }
        // As it comes.
        console.keys(b">");
    }
    let columns: Vec<f64> = times.into_iter().map(median).collect();
    println!("  by column: {columns:.2?} ms");
    columns.into_iter().fold(0.0, f64::max)
}

/// A console of 200×50 with so many servers on its screen.
fn with_servers(count: u32) -> Headless {
    let mut console = Headless::new(200, 50, Profile::TrueColour, NOW, Start::Home);
    console.message(FromEngine::Live { revision: 1, body: clouds(count) });
    console.keys(b"4");
    console.message(FromEngine::Live { revision: 2, body: servers(count) });
    console.background();
    assert!(console.text().contains("node-1"), "the servers are on the screen:\n{}", console.text());
    console
}

/// One cloud.
pub fn clouds(servers: u32) -> Live {
    let info = CloudInfo {
        name: CloudName::new("sandbox"),
        driver: Driver::Sandbox,
        endpoint: "here".into(),
        source: "settings.toml:1".into(),
        default: true,
        read_only: None,
        prod: false,
        defaults: Default::default(),
        capabilities: Capabilities::default(),
    };
    let row = CloudRow { info, health: Freshness::Fresh { at: NOW }, user: None, servers: Some(servers), latency: Vec::new() };
    Live::Clouds { rows: vec![row] }
}

/// Its servers.
pub fn servers(count: u32) -> Live {
    let cloud = CloudName::new("sandbox");
    let rows = (0..count).map(|i| server(&cloud, i)).collect();
    Live::List { cloud, kind: ListKind::Servers, freshness: Freshness::Fresh { at: NOW }, rows: Some(Rows::Servers(rows)) }
}

fn server(cloud: &CloudName, i: u32) -> Server {
    let ip = format!("127.83.{}.{}", i / 250, i % 250 + 1);
    Server {
        cloud: cloud.clone(),
        id: format!("id-{i}"),
        // Not in order: there is something to sort.
        name: format!("node-{}", u64::from(i) * 7919 % 100_003),
        status: if i.is_multiple_of(9) { ServerStatus::Error } else { ServerStatus::Active },
        flavor: ["small", "medium", "large"][i as usize % 3].into(),
        image: "host".into(),
        addresses: vec![Address { ip, kind: AddressKind::Fixed, network: Some("lab".into()) }],
        ssh_port: 2222,
        created: Time(NOW.0 - i64::from(i) * 300_000),
        fault: None,
        tags: None,
        metadata: BTreeMap::new(),
    }
}
