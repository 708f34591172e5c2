//! The mouse: what is pointed at, and that nothing else listens.

use super::seed::{console, console_on_run};
use super::*;
use crate::console::Start;
use crate::console::run::Part;
use crate::console::state::Tab;
use crate::console::theme::Profile;
use crate::model::Time;

fn home(keys: &str) -> Headless {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.model.pointer.on = true;
    console.keys(keys.as_bytes());
    console.background();
    console
}

/// Where a text begins on the screen.
fn place(console: &Headless, text: &str) -> (u16, u16) {
    let screen = console.text();
    let found = screen.lines().enumerate().find_map(|(y, line)| Some((line[..line.find(text)?].chars().count(), y)));
    let (x, y) = found.unwrap_or_else(|| panic!("{text} is not on the screen:\n{screen}"));
    (x as u16, y as u16)
}

fn press(console: &mut Headless, (x, y): (u16, u16)) {
    console.keys(format!("\x1b[<0;{0};{1}M\x1b[<0;{0};{1}m", x + 1, y + 1).as_bytes());
    console.background();
}

fn click(console: &mut Headless, text: &str) {
    let place = place(console, text);
    press(console, place);
}

fn wheel(console: &mut Headless, text: &str, down: bool) {
    let (x, y) = place(console, text);
    console.keys(format!("\x1b[<{};{};{}M", 64 + u8::from(down), x + 1, y + 1).as_bytes());
    console.background();
}

#[test]
fn tabs_rows_titles_and_hints_answer() {
    let mut console = home("5");
    click(&mut console, "servers");
    assert_eq!(console.model.tab, Tab::Servers);
    click(&mut console, "node-3");
    let selected = |console: &Headless| console.model.table(Tab::Servers).selected().unwrap().to_owned();
    assert!(selected(&console).ends_with("id-3"), "{}", selected(&console));
    assert!(console.model.layers.is_empty(), "one click opens nothing");
    click(&mut console, "node-3");
    assert!(console.model.text().is_some(), "two clicks open");
    console.keys(b"\x1b");
    console.background();

    // Two clicks that are far apart are one and one.
    click(&mut console, "node-2");
    console.model.now = Time(console.model.now.0 + 2000);
    click(&mut console, "node-2");
    assert!(console.model.layers.is_empty());

    let order = |console: &Headless| console.model.table(Tab::Servers).sort().map(|sort| (sort.column, sort.down));
    click(&mut console, "STATUS");
    assert_eq!(order(&console), Some((1, false)));
    click(&mut console, "STATUS");
    assert_eq!(order(&console), Some((1, true)));

    click(&mut console, "? help");
    assert_eq!(console.model.layers.len(), 1);
    // What lies below a layer is not meant; its own keys are.
    press(&mut console, (30, 1));
    assert_eq!((console.model.tab, console.model.layers.len()), (Tab::Servers, 1));
    click(&mut console, "esc close");
    assert!(console.model.layers.is_empty());
}

#[test]
fn the_wheel_scrolls_what_is_below_it() {
    let mut console = home("5");
    let selected = |console: &Headless| console.model.table(Tab::Clusters).selected().unwrap().to_owned();
    let before = selected(&console);
    wheel(&mut console, "batch-test", true);
    assert_ne!(selected(&console), before);
    assert!(!console.model.lower);
    wheel(&mut console, "app-3", true);
    assert!(console.model.nodes.selected().is_some(), "the nodes were below it");

    let mut console = console_on_run(120, 40, Profile::TrueColour, 43);
    console.model.pointer.on = true;
    answer_pages(&mut console, 500);
    console.background();
    let view = |console: &Headless| (console.model.run.as_ref().unwrap().part, console.model.run.as_ref().unwrap().log.top());
    let (part, top) = view(&console);
    let (_, y) = place(&console, "OUTPUT");
    console.keys(format!("\x1b[<64;10;{}M", y + 4).as_bytes());
    let (now, above) = view(&console);
    assert!(now == part && above < top, "the output stays where it was: {above} of {top}");
    press(&mut console, (10, y + 3));
    assert_eq!(view(&console).0, Part::Output);
    click(&mut console, "PLAYS");
    assert_eq!(view(&console).0, Part::Plays);
}

#[test]
fn without_the_setting_nothing_listens() {
    let mut console = home("5");
    console.model.pointer.on = false;
    click(&mut console, "servers");
    wheel(&mut console, "batch-test", true);
    click(&mut console, "? help");
    assert_eq!((console.model.tab, console.model.layers.len()), (Tab::Clusters, 0));
}
