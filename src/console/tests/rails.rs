//! Guard rails, and prompts that somebody else answers.

use super::seed::{clouds, console, event, live, prompt};
use super::*;
use crate::console::Start;
use crate::console::theme::Profile;
use crate::model::*;
use crate::protocol::{EventBody, Live};

fn home(keys: &str) -> Headless {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.take_effects();
    console.keys(keys.as_bytes());
    console
}

fn guard(action: &str, level: Level) -> Live {
    let rule = GuardRule { action: vec![action.into()], level: Some(level), source: "s.toml:7".into(), ..GuardRule::default() };
    Live::Rules { rules: Rules { guards: vec![rule], commands: Vec::new() } }
}

#[test]
fn a_guard_decides_what_is_asked() {
    let stop = |level| {
        let mut console = home("4");
        console.message(live(guard("server stop", level)));
        console.take_effects();
        console.keys(b"-");
        console.background();
        let text = console.text();
        (text, sent(&mut console).into_iter().filter(|s| matches!(s.2, Command::ServerPower { .. })).count())
    };
    let (_, asked_nothing) = stop(Level::None);
    assert_eq!(asked_nothing, 1);
    let (text, sent) = stop(Level::Name);
    assert!(sent == 0 && text.contains("type ") && text.contains("s.toml:7"), "{text}");
    let (text, sent) = stop(Level::Deny);
    assert!(sent == 0 && text.contains("by the rule in s.toml:7"), "{text}");
}

#[test]
fn production_says_so_and_read_only_is_greyed_with_its_line() {
    let mut console = home("5");
    let Live::Clouds { mut rows } = clouds() else { panic!() };
    for row in &mut rows {
        row.info.prod = true;
        row.info.read_only = Some("s.toml:3".into());
    }
    console.message(live(Live::Clouds { rows }));
    console.background();
    assert!(console.text().contains("PROD"), "{}", console.text());
    console.keys(b"D");
    console.background();
    assert!(console.text().contains("is read-only (s.toml:3)"), "{}", console.text());
    assert!(!sent(&mut console).iter().any(|s| matches!(s.2, Command::PlanDelete { .. })));
}

#[test]
fn a_read_only_session_acts_again_only_after_a_question() {
    let mut console = home("W");
    assert!(console.model.read_only);
    let told = Command::Session { view: None, read_only: Some(true) };
    assert!(sent(&mut console).iter().any(|s| s.2 == told));
    console.keys(b"D");
    assert!(sent(&mut console).is_empty(), "it acted");
    console.keys(b"W");
    console.keys(b"n");
    assert!(console.model.read_only);
    console.keys(b"Wy");
    let (slot, generation, command) = sent(&mut console).pop().unwrap();
    assert_eq!(command, Command::Session { view: None, read_only: Some(false) });
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Done)) });
    assert!(!console.model.read_only);
}

#[test]
fn a_prompt_that_another_answers_says_who() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Run(RunNo(42)));
    console.message(event(101, EventBody::Prompt(Box::new(prompt()))));
    console.background();
    assert!(!console.model.layers.is_empty());
    let state = PromptState::Answered { by: "ben".into(), at: super::seed::NOW, word: "retry".into() };
    console.message(event(102, EventBody::Prompt(Box::new(Prompt { state, ..prompt() }))));
    console.background();
    assert!(console.model.layers.is_empty());
    assert!(console.text().contains("ben answered: retry"), "{}", console.text());
}
