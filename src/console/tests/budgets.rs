//! What a key and a page cost: bytes exactly, times loosely (the benches hold them to their limits).

use super::seed::{console, live, server, servers_now};
use super::*;
use crate::console::Start;
use crate::console::theme::Profile;
use crate::model::ServerStatus;
use crate::protocol::Live;

/// A console with so many servers.
fn many(width: u16, height: u16, count: u32) -> Headless {
    let mut console = console(width, height, Profile::TrueColour, Start::Home);
    console.keys(b"4");
    let rows =
        (0..count).map(|i| server("sandbox", i, if i % 9 == 0 { ServerStatus::Error } else { ServerStatus::Active })).collect();
    console.message(servers_now(rows));
    console.background();
    console.take_effects();
    console
}

#[test]
fn a_cursor_move_costs_half_a_kilobyte_at_most() {
    let mut console = many(200, 50, 10_000);
    console.keys(b"jjj");
    let mut moves: Vec<usize> = (0..30).map(|_| console.keys(b"j").len()).collect();
    moves.sort_unstable();
    let (median, worst) = (moves[15], moves[29]);
    println!("cursor move at 200×50: {median} bytes, {worst} where the hints change too");
    assert!(median <= 512, "{median} bytes");
    assert!(worst <= 1024, "{worst} bytes");
}

#[test]
fn a_page_switch_costs_twelve_kilobytes_at_most() {
    let mut console = many(200, 50, 10_000);
    let mut worst = 0;
    for key in [b"6", b"4", b"5", b"4", b"1", b"4"] {
        worst = worst.max(console.keys(key).len());
    }
    println!("page switch at 200×50: {worst} bytes");
    assert!(worst <= 12 * 1024, "{worst} bytes");
}

#[test]
fn what_a_key_changes_does_not_wait_for_what_comes_in() {
    let mut console = super::seed::console_on_run(120, 40, Profile::TrueColour, 43);
    console.background();
    console.message(live(Live::Output { run: crate::model::RunNo(43), step: 1, attempt: 1, lines: 50_000, bytes: 1 }));
    answer_pages(&mut console, 50_000);
    let key = console.keys(b"\t");
    let key = key.len();
    let rest = console.background().len();
    assert!(key < 700, "a key wrote {key} bytes of what came in");
    assert!(rest > 1000, "the new lines are still to be written: {rest}");
}

#[test]
fn drawing_ten_thousand_rows_touches_the_window_only() {
    let mut console = many(200, 50, 10_000);
    let start = std::time::Instant::now();
    for _ in 0..50 {
        console.keys(b"j");
    }
    let each = start.elapsed() / 50;
    println!("key to bytes over 10,000 rows, unoptimised: {each:?}");
    assert!(each < std::time::Duration::from_millis(60), "{each:?}");
}
