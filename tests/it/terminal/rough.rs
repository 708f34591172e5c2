//! What terminals and people do to a console: sizes that change all the time, too small ones, pastes, reports that
//! nobody asked for, outputs without end.

use std::time::{Duration, Instant};

use super::open;
use crate::home::Home;
use crate::pty::text;
use crate::stage::Stage;

/// What the palette says while nothing is typed and after.
const PALETTE: &str = "type what to do";

/// A home with a cloud, so that the console has something to show.
fn home() -> Home {
    let home = Home::new();
    home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
    home
}

#[test]
fn a_storm_of_resizes_ends_in_a_whole_screen() {
    let home = home();
    let calm = open(&home, &[], 80, 24);
    calm.wait_for("GiB");
    let terminal = open(&home, &[], 80, 24);
    terminal.wait_for("GiB");
    for n in 0..100u16 {
        terminal.resize(1 + (n * 37) % 200, 1 + (n * 23) % 50);
        if n % 9 == 0 {
            terminal.press("]");
        }
    }
    terminal.press("5");
    terminal.resize(80, 24);
    // Both are here: the same home looks the same.
    let whole = calm.text();
    terminal.expect(move |screen, _| text(screen) == whole);
    terminal.met("the screen of a console that was never resized");
}

#[test]
fn a_screen_too_small_says_so_and_comes_back() {
    let home = home();
    let mut terminal = open(&home, &[], 20, 5);
    terminal.wait_for("20×5 is too small");
    terminal.wait_for("q leaves");
    terminal.resize(1, 1);
    terminal.press("46");
    terminal.resize(80, 24);
    terminal.wait_for("RUNS");
    terminal.resize(20, 5);
    terminal.wait_for("20×5 is too small");
    terminal.press("q");
    assert!(terminal.end().success());
    assert_eq!(terminal.disorder(), None);
}

#[test]
fn a_paste_of_a_megabyte_is_taken_or_left_but_never_typed() {
    let home = home();
    let mut terminal = open(&home, &[], 80, 24);
    terminal.wait_for("CLUSTERS");
    // With a quit key at its end: pasted text is no command.
    let paste = format!("\x1b[200~{}\nq\x1b[201~", "word ".repeat(200_000));
    terminal.press(&paste);
    terminal.press("4");
    terminal.wait_for("SERVERS");
    terminal.press(":");
    terminal.wait_for(PALETTE);
    terminal.press(&paste);
    terminal.wait_for("word word");
    terminal.press("\x1b");
    terminal.wait_without(PALETTE);
    terminal.press("6");
    terminal.wait_for("RUNS");
    terminal.press("q");
    assert!(terminal.end().success());
}

#[test]
fn reports_of_focus_are_no_keys_whole_or_in_pieces_or_lost() {
    let home = home();
    let mut terminal = open(&home, &[], 80, 24);
    terminal.wait_for("CLUSTERS");
    terminal.press(":");
    terminal.wait_for(PALETTE);
    terminal.press("\x1b[O".repeat(50));
    for piece in ["a", "\x1b[", "I", "b", "\x1b[I\x1b[Oc", "\x1b[O"] {
        terminal.press(piece);
    }
    terminal.wait_for(" abc ");
    terminal.press("\x1b[I\x15goto runs\x1b[O\r");
    terminal.wait_for("RUNS");
    terminal.press("q");
    assert!(terminal.end().success());
    assert_eq!(terminal.disorder(), None);
}

#[test]
fn who_comes_back_to_ten_megabytes_of_output_sees_its_end() {
    let stage = Stage::set(Home::new(), 1).unwrap();
    let run = stage.start("ten.yml", 1);
    stage.wait(&run);
    for _ in 0..2 {
        let mut terminal = stage.console(120, 40);
        terminal.wait_for("ten.yml on lab-1");
        let begun = Instant::now();
        terminal.expect(|screen, _| full(&screen.contents()));
        // Both keys may come in one piece: the second is about a row that the first shows.
        terminal.press("6\r");
        let took = terminal.met("a screen full of output") - begun;
        assert!(took < Duration::from_secs(5), "{took:?}");
        terminal.wait_for("100,000 lines");
        terminal.child.kill().unwrap();
    }
}

/// Whether the last line of the output is shown and the lines above it are, too.
fn full(text: &str) -> bool {
    let lines: Vec<u32> = text.lines().filter_map(|line| line.trim().split_once(" changed: [node-")?.0.parse().ok()).collect();
    lines.len() >= 10 && lines.last() == Some(&99_999) && lines.windows(2).all(|pair| pair[0] + 1 == pair[1])
}
