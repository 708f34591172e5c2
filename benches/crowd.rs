//! A console with much in it: it is attached to an engine of this bench that has 10,000 servers, and a run with
//! 100,000 lines of output.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck::config::Paths;
use quarterdeck::daemon::{Hall, Peer, serve};
use quarterdeck::model::CloudName;
use quarterdeck::protocol::{ListKind, Role, Topic};
use tokio::net::UnixListener;

use crate::console::{clouds, servers};
use crate::fake::Fake;
use crate::home::Home;
use crate::process::resident;
use crate::pty::Terminal;
use crate::report::Report;
use crate::store::place;

const SERVERS: u32 = 10_000;
const LINES: u64 = 100_000;

pub fn run(report: &mut Report) {
    report.measure("console.memory_10k", memory);
}

/// Resident memory, MiB.
fn memory() -> f64 {
    let home = Home::at(place());
    let paths = Paths::under(home.path());
    paths.create().unwrap();
    // A home that is set up: the wizard keeps out.
    std::fs::write(paths.settings(), "[clouds.sandbox]\ndriver = \"sandbox\"\n").unwrap();
    let fake = Fake::new();
    let cloud = CloudName::new("sandbox");
    fake.run(1, 1);
    fake.step(1, 0, 1);
    fake.output(1, LINES);
    fake.hub.publish(&Topic::Clouds, clouds(SERVERS));
    fake.hub.publish(&Topic::List { cloud, list: ListKind::Servers }, servers(SERVERS));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(listen(paths, Hall::new(fake as _)));

    let console = Terminal::open(home.at_terminal(&[]), 200, 50);
    console.wait_for("CLUSTERS");
    console.press("4");
    console.wait_for("10,000");
    console.press("/node-9");
    console.wait_for("give up");
    console.press("\x1b");
    console.wait_without("give up");
    console.press(">6");
    console.wait_for("RUNS");
    console.press("\r");
    console.wait_for("100,000 lines");
    // Up through the output, until as much of it is kept as ever is.
    console.press("\x1b[Z");
    for _ in 0..150 {
        console.press("\x15");
        // As fast as a key that is held down repeats.
        std::thread::sleep(Duration::from_millis(20));
    }
    resident(console.pid())
}

async fn listen(paths: Paths, hall: Arc<Hall>) {
    let listener = UnixListener::bind(paths.socket()).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let uid = stream.peer_cred().unwrap().uid();
        tokio::spawn(serve(Arc::clone(&hall), stream, Peer { uid, role: Role::Operator }));
    }
}
