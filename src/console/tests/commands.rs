//! Commands of one's own: found, asked for, shown, run.

use std::path::Path;

use super::screens::pictures;
use super::seed::{console, live};
use super::*;
use crate::config::Settings;
use crate::console::Start;
use crate::console::input::Keymap;
use crate::console::theme::Profile;
use crate::model::{Rules, RunNo, Thing};
use crate::protocol::Live;

const SETTINGS: &str = r#"
[[command]]
name = "ping"
on = "server"
argv = ["ping", "-c", "{count}", "-W", "{wait}", "{address}"]
about = "whether it answers"
key = "i"
[[command.input]]
name = "count"
type = "number"
label = "packets"
default = 3
[[command.input]]
name = "wait"
type = "choice"
choices = ["1", "5", "30"]

[[command]]
name = "drain"
on = "server"
argv = ["drain", "--password-file={pass}", "--force={force}", "{name}"]
confirm = "name"
dangerous = true
[[command.input]]
name = "pass"
type = "secret"
[[command.input]]
name = "force"
type = "bool"
default = false

[[command]]
name = "report"
on = "cluster"
argv = ["report", "{name} of {cloud}"]
key = "i"

[[command]]
name = "tidy"
on = "run"
argv = ["tidy", "{name}"]
confirm = "yes"
"#;

pub fn rules() -> Rules {
    Settings::parse(Path::new("s.toml"), SETTINGS).unwrap().rules
}

fn home(size: (u16, u16), keys: &str) -> Headless {
    let mut console = console(size.0, size.1, Profile::TrueColour, Start::Home);
    console.message(live(Live::Rules { rules: rules() }));
    assert_eq!(console.model.keymap.lay_commands(&rules().commands), Vec::<String>::new());
    console.take_effects();
    console.keys(keys.as_bytes());
    console
}

fn text(console: &mut Headless) -> String {
    console.background();
    console.text()
}

/// The commands of one's own that were sent.
fn ran(console: &mut Headless) -> Vec<(Slot, u64, Command)> {
    sent(console).into_iter().filter(|(_, _, command)| matches!(command, Command::CommandRun { .. })).collect()
}

#[test]
fn a_key_of_its_own_asks_checks_shows_and_opens_the_run() {
    let mut console = home((120, 40), "4i");
    let shown = text(&mut console);
    assert!(shown.contains("packets") && shown.contains("nothing yet: ping needs its input wait"), "{shown}");
    console.keys(b"x\r");
    let shown = text(&mut console);
    assert!(shown.contains("count must be a number, not \"3x\""), "{shown}");
    console.keys(b"\x7f\r");
    let shown = text(&mut console);
    assert!(shown.contains("wait is needed"), "{shown}");
    // The place of the mistake has the focus: its first choice but one.
    console.keys(b"  ");
    let shown = text(&mut console);
    assert!(shown.contains("$ ping -c 3 -W 5 127."), "{shown}");
    assert!(ran(&mut console).is_empty());
    console.keys(b"\r");
    let (slot, generation, command) = ran(&mut console).pop().unwrap();
    let Command::CommandRun { name, thing, inputs } = command else { panic!() };
    assert_eq!((name.as_str(), inputs["count"].as_str(), inputs["wait"].as_str()), ("ping", "3", "5"));
    assert!(matches!(thing, Thing::Server { .. }));
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Run(RunNo(42)))) });
    assert_eq!(console.model.run.as_ref().map(|view| view.number), Some(RunNo(42)));
    assert!(console.model.layers.is_empty());
}

#[test]
fn several_marked_things_get_a_run_and_a_result_each() {
    let mut console = home((120, 40), "4 j :command run drain\r");
    let shown = text(&mut console);
    assert!(shown.contains("drain on 2 servers") && shown.contains("--password-file="), "{shown}");
    console.keys(b"hunter2");
    let shown = text(&mut console);
    assert!(!shown.contains("hunter2") && shown.contains("•••••••"), "{shown}");
    console.keys(b"\ty\r");
    let shown = text(&mut console);
    assert!(shown.contains("type 2 servers:") && shown.contains("--force=true") && !shown.contains("hunter2"), "{shown}");
    assert!(ran(&mut console).is_empty(), "it must be meant first");
    console.keys(b"2 servers\r");
    let asked = ran(&mut console);
    assert_eq!(asked.len(), 2);
    for (n, (slot, generation, _)) in asked.into_iter().enumerate() {
        let result = Ok(Box::new(Answer::Run(RunNo(50 + n as u64))));
        console.take(Msg::Reply { slot, generation, result });
    }
    let shown = text(&mut console);
    assert!(shown.contains("run 50") && shown.contains("run 51"), "{shown}");
    console.keys(b"\x1b");
    assert!(console.model.layers.is_empty(), "the form has done its part");
}

#[test]
fn what_needs_no_more_runs_at_once_and_what_does_not_fit_is_told() {
    let mut console = home((120, 40), "5i");
    let asked = ran(&mut console);
    assert!(matches!(&asked[..], [(Slot::Start, _, Command::CommandRun { name, .. })] if name == "report"), "{asked:?}");
    console.keys(b":command run ping\r");
    let shown = text(&mut console);
    assert!(shown.contains("ping is for a server, and none is selected here"), "{shown}");
    console.keys(b"\x1b");
    console.keys(b"6:command run tidy 41\r");
    let shown = text(&mut console);
    assert!(
        shown.contains("tidy on 41") && shown.contains("$ tidy 41") && shown.contains("the command wants it (s.toml:"),
        "{shown}"
    );
    console.keys(b"y");
    assert!(matches!(
        &ran(&mut console)[..],
        [(Slot::Start, _, Command::CommandRun { thing: Thing::Run { run: RunNo(41) }, .. })]
    ));
    // A session that changes nothing runs none of them.
    console.keys(b"W5i");
    assert!(ran(&mut console).is_empty());
    assert!(text(&mut console).contains("read-only"));
}

#[test]
fn they_are_in_palette_chooser_and_help() {
    let mut console = home((120, 40), "4:ping");
    let shown = text(&mut console);
    assert!(shown.contains("command run ping") && shown.contains("whether it answers"), "{shown}");
    console.keys(b"\x1b");
    console.keys(b"?");
    let shown = text(&mut console);
    assert!(shown.contains("ping: whether it answers"), "{shown}");
    console.keys(b"\x1b");
    console.keys(b"M1");
    assert!(text(&mut console).contains("packets"), "{}", console.text());
    console.keys(b"\x1b");
    console.keys(b"3");
    console.keys(b"M");
    assert!(text(&mut console).contains("no command of yours is for this"), "{}", console.text());
}

#[test]
fn a_key_that_is_taken_is_named_with_both_places() {
    let mut commands = rules().commands;
    commands[0].key = Some("d".into());
    commands[1].key = Some("g x".into());
    commands[2].key = Some("D".into());
    commands[3].key = Some("ctrl-i".into());
    let mut keymap = Keymap::built_in();
    let told = keymap.lay_commands(&commands);
    let wanted = [
        "s.toml:2: the key of command ping: d is `describe` in [list] (built in): take another key, or remove that one",
        "s.toml:38: the key of command tidy: terminals send ctrl-i as tab; use tab, or another key",
    ];
    assert_eq!(told.iter().filter(|t| !t.contains("report")).collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>());
    assert!(told.iter().any(|t| t.contains("D is `cluster delete` in [clusters] (built in)")), "{told:?}");
    assert_eq!(keymap.key_of_line(&["servers", "list", "global"], "command run drain"), Some("g x".into()));
    assert_eq!(keymap.key_of_line(&["servers", "list", "global"], "command run ping"), None);
    // Two commands of one place cannot have one key either.
    commands[0].key = Some("i".into());
    commands[1].key = Some("i".into());
    let told = Keymap::built_in().lay_commands(&commands[..2]);
    assert!(told[0].contains("i is `command run ping` in [servers] (s.toml:2)"), "{told:?}");
}

#[test]
fn pictures_of_commands() {
    pictures("command_choose", |w, h| home((w, h), "4M"));
    pictures("command_form", |w, h| home((w, h), "4 j :command run ping\r\t "));
    pictures("command_confirm", |w, h| {
        let mut console = home((w, h), "4:command run drain\r");
        console.keys(b"\r");
        console
    });
}
