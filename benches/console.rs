//! What the console costs: bytes of a key, time of a frame.

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

pub fn run(report: &mut Report) {
    if !report.wants(&["console.cursor_bytes", "console.page_bytes", "console.draw_10k"]) {
        return;
    }
    let mut console = with_servers(10_000);
    let mut moves: Vec<usize> = (0..30).map(|_| console.keys(b"j").len()).collect();
    moves.sort_unstable();
    report.take("console.cursor_bytes", f64::from(u32::try_from(moves[15]).unwrap()));
    let pages = [b"6", b"4", b"5", b"4", b"1", b"4"].map(|key| console.keys(key).len());
    report.take("console.page_bytes", f64::from(u32::try_from(*pages.iter().max().unwrap()).unwrap()));
    let draws: Vec<Duration> = (0..100)
        .map(|_| {
            let started = Instant::now();
            console.keys(b"j");
            started.elapsed()
        })
        .collect();
    report.take("console.draw_10k", median(draws));
}

/// A console of 200×50 with so many servers on its screen.
fn with_servers(count: u32) -> Headless {
    let mut console = Headless::new(200, 50, Profile::TrueColour, NOW, Start::Home);
    let cloud = CloudName::new("sandbox");
    let info = CloudInfo {
        name: cloud.clone(),
        driver: Driver::Sandbox,
        endpoint: "here".into(),
        source: "settings.toml:1".into(),
        default: true,
        capabilities: Capabilities::default(),
    };
    let freshness = Freshness::Fresh { at: NOW };
    let row = CloudRow { info, health: freshness.clone(), user: None, servers: Some(count) };
    console.message(FromEngine::Live { revision: 1, body: Live::Clouds { rows: vec![row] } });
    console.keys(b"4");
    let rows = Some(Rows::Servers((0..count).map(|i| server(&cloud, i)).collect()));
    console.message(FromEngine::Live { revision: 2, body: Live::List { cloud, kind: ListKind::Servers, freshness, rows } });
    console.background();
    assert!(console.text().contains("node-1"), "the servers are on the screen:\n{}", console.text());
    console
}

fn server(cloud: &CloudName, i: u32) -> Server {
    let ip = format!("127.83.{}.{}", i / 250, i % 250 + 1);
    Server {
        cloud: cloud.clone(),
        id: format!("id-{i}"),
        name: format!("node-{i}"),
        status: if i.is_multiple_of(9) { ServerStatus::Error } else { ServerStatus::Active },
        flavor: "small".into(),
        image: "host".into(),
        addresses: vec![Address { ip, kind: AddressKind::Fixed, network: Some("lab".into()) }],
        ssh_port: 2222,
        created: Time(NOW.0 - i64::from(i) * 300_000),
        fault: None,
        tags: None,
        metadata: BTreeMap::new(),
    }
}
