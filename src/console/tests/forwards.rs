//! Port forwards: opened from a node, listed, closed.

use super::screens::pictures;
use super::seed::{ago, console, live, present};
use super::*;
use crate::console::Start;
use crate::console::theme::Profile;
use crate::model::{CloudName, Failure, Forward, Thing};
use crate::protocol::Live;

fn forward(number: u64, name: &str, route: &str) -> Forward {
    Forward {
        number,
        through: Thing::Server { cloud: CloudName::new("sandbox"), server: name.into() },
        name: name.into(),
        route: route.parse().unwrap(),
        since: ago(3600),
        by: "ana".into(),
        open: 0,
        total: 0,
        sent: 0,
        received: 0,
        failure: None,
    }
}

fn three() -> Vec<Forward> {
    let busy = Forward { open: 2, total: 1204, sent: 80_000, received: 700 << 20, ..forward(2, "db-1", "5432:db.internal:5432") };
    let failure = Failure::refused("connect through 127.8.1.2:2222", "connection refused\u{1b}[2J").at("localhost:81");
    let bad = Forward { total: 3, failure: Some(failure), ..forward(7, "app-2", "8081:81") };
    vec![forward(1, "analytics/master-1", "8080:80"), busy, bad]
}

fn opened(console: &mut Headless) -> Vec<(Thing, String)> {
    let all = sent(console).into_iter();
    all.filter_map(|(_, _, command)| match command {
        Command::ForwardOpen { through, route } => Some((through, route.to_string())),
        _ => None,
    })
    .collect()
}

#[test]
fn they_look_as_they_did() {
    pictures("forwards", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Home);
        console.message(live(Live::Forwards { rows: three() }));
        console.keys(b"gF");
        console
    });
    pictures("forward_asked", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Home);
        console.keys(b"F8080:");
        console
    });
}

#[test]
fn a_route_is_typed_and_what_is_wrong_with_it_is_said() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.keys(b"F80x\r");
    console.background();
    assert!(console.text().contains("\"80x\" is no port"), "{}", console.text());
    assert_eq!(opened(&mut console), []);
    console.keys(b"\x7f\x7f\x7f9000:db:5432\r");
    let asked = opened(&mut console);
    let [(Thing::Node { node, .. }, route)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(route, "9000:db:5432");
    assert!(!node.is_empty());
}

#[test]
fn one_is_closed_by_who_may() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.message(live(present()));
    console.message(live(Live::Forwards { rows: three() }));
    console.keys(b"gFkD");
    let closed = |console: &mut Headless| sent(console).into_iter().any(|s| s.2 == Command::ForwardClose { number: 2 });
    assert!(closed(&mut console));
    console.model.read_only = true;
    console.keys(b"D");
    assert!(!closed(&mut console));
    // The next one takes the place of one that is gone.
    console.model.read_only = false;
    console.message(live(Live::Forwards { rows: vec![three().remove(0), three().remove(2)] }));
    console.keys(b"D");
    assert!(sent(&mut console).into_iter().any(|s| s.2 == Command::ForwardClose { number: 7 }));
}
