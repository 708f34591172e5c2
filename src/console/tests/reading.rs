//! Reading: what keys do to the viewer of text.

use super::seed::{ago, console, console_on_run, event, runs, steps_of_41};
use super::*;
use crate::console::Start;
use crate::console::msg::{Goal, Source};
use crate::console::state::Tab;
use crate::console::theme::Profile;
use crate::model::*;
use crate::protocol::EventBody;

fn home(keys: &str) -> Headless {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.take_effects();
    console.keys(keys.as_bytes());
    console
}

/// What is taken to the clipboard, a file or the pager.
fn taken(console: &mut Headless) -> Option<(Source, Goal)> {
    console.take_effects().into_iter().find_map(|e| match e {
        Effect::Take { source, goal, .. } => Some((source, goal)),
        _ => None,
    })
}

#[test]
fn a_search_finds_while_one_types_and_goes_on() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 41);
    console.keys(b"\t\t\tg");
    console.keys(b"g/fatal");
    answer_pages(&mut console, 1204);
    let line = |c: &Headless| c.model.run.as_ref().unwrap().log.cursor_line();
    assert_eq!(line(&console), Some(3));
    console.keys(b"\rnn");
    assert_eq!(line(&console), Some(13));
    console.keys(b"N");
    assert_eq!(line(&console), Some(8));
    console.background();
    assert!(console.text().contains("/fatal  2 of 241"), "{}", console.text());
    console.keys(b"ggN");
    answer_pages(&mut console, 1204);
    assert_eq!(line(&console), Some(1203));
    assert_eq!(console.model.notice.as_ref().unwrap().text, "from the other end");
    // An expression that is none is said, and changes nothing.
    console.keys(b"/\x1brfa(");
    console.background();
    assert!(console.text().contains("unclosed group"), "{}", console.text());
    console.keys(b"\x1b");
    assert_eq!(console.model.run.as_ref().unwrap().log.find().unwrap().text, "fatal");
    console.keys(b"\x1b");
    assert!(console.model.run.as_ref().unwrap().log.find().is_none());
    assert!(console.model.run.is_some(), "one step back at a time");
}

#[test]
fn lines_are_copied_saved_and_paged_whether_they_are_here_or_not() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 41);
    console.keys(b"\t\t\tkvky");
    let text = "ok: [slaves-1]\nfatal: [slaves-2]: FAILED! => {\"msg\": \"No package openjdk-99 available.\"}";
    assert_eq!(taken(&mut console), Some((Source::Text(text.into()), Goal::Clipboard)));
    console.keys(b"vg");
    console.keys(b"g");
    answer_pages(&mut console, 1204);
    console.take_effects();
    console.keys(b"y");
    let source = |lines| Source::Output { run: RunNo(41), step: 1, attempt: 1, lines };
    assert_eq!(taken(&mut console), Some((source(std::iter::once(0..1203).collect()), Goal::Clipboard)));
    console.keys(b"/slaves-1\r");
    answer_pages(&mut console, 1204);
    console.keys(b"&");
    answer_pages(&mut console, 1204);
    console.take_effects();
    console.keys(b"s\x15/tmp/x.txt\r");
    let lines: Vec<_> = (0..241).map(|n| n * 5 + 2..n * 5 + 3).filter(|r| r.end <= 1204).collect();
    assert_eq!(taken(&mut console), Some((source(lines), Goal::File("/tmp/x.txt".into()))));
    console.keys(b"\x1b");
    console.keys(b"\x1b");
    console.keys(b"L");
    assert_eq!(taken(&mut console), Some((source(std::iter::once(0..1204).collect()), Goal::Pager)));
}

#[test]
fn a_text_closes_step_by_step_and_a_tab_takes_its_place() {
    let mut console = home("4");
    console.keys(b"\r");
    assert!(console.model.text().is_some());
    console.keys(b"/small\r");
    console.keys(b"\x1b");
    assert!(console.model.text().is_some(), "the search is given up first");
    console.keys(b"\x1b");
    assert!(console.model.text().is_none());
    console.keys(b"\r6");
    assert!(console.model.text().is_none());
    assert_eq!(console.model.tab, Tab::Runs);
}

#[test]
fn a_replay_goes_where_one_wants() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 41);
    let run = Run { started: Some(ago(101)), ended: Some(ago(20)), ..runs()[1].clone() };
    console.message(event(101, EventBody::Run(Box::new(run))));
    let steps = steps_of_41().into_iter().map(|step| Step { ended: Some(ago(25)), ..step });
    (102..).zip(steps).for_each(|(seq, step)| console.message(event(seq, EventBody::Step(Box::new(step)))));
    console.take_effects();
    console.keys(b"rp");
    let events = super::seed::play_events(true);
    let total = events.len() as u64;
    answer(&mut console, &Slot::ReplayPlays(1), Answer::Plays { from: 0, events, total });
    let says = |c: &Headless| c.model.notice.as_ref().map(|n| n.text.clone()).unwrap_or_default();
    let at = |c: &Headless| c.model.run.as_ref().unwrap().replay.as_ref().unwrap().at();
    let begin = at(&console);
    console.keys(b"!");
    assert_eq!(says(&console), "slaves-2 fails");
    let failed = at(&console);
    console.background();
    assert!(console.text().contains("✘ slaves-2 failed: install packages"), "{}", console.text());
    assert!(console.text().contains("replay paused"), "{}", console.text());
    console.keys(b",");
    assert_eq!(says(&console), "install packages");
    console.background();
    assert!(!console.text().contains("slaves-2 failed"), "{}", console.text());
    console.keys(b",");
    assert_eq!(says(&console), "add the repository");
    console.keys(b".");
    assert_eq!(says(&console), "install packages");
    console.keys(b"@0\r");
    assert_eq!(at(&console), begin);
    console.keys(b"}}{");
    assert_eq!(at(&console), Time(begin.0 + 10_000));
    console.keys(b"@soon\r");
    assert!(says(&console).starts_with("write 1:30"), "{}", says(&console));
    console.keys(b"\x15100%\r!");
    assert_eq!(says(&console), "nothing fails from here on");
    assert!(at(&console) > failed);
    console.keys(b"p");
    assert_eq!(at(&console), begin, "from its end it begins again");
}

#[test]
fn causes_lead_to_where_they_show() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 41);
    console.keys(b"X");
    console.background();
    let text = console.text();
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part:?} is not said:\n{text}"));
    assert!(at("install packages failed on slaves-2") < at("No package openjdk-99 available."));
    assert!(at("WHAT TO DO") < at("quarterdeck run retry 41 --failed-hosts"));
    console.take_effects();
    // The cursor is on the first line that leads somewhere.
    console.keys(b"\r");
    assert!(console.model.layers.is_empty());
    let view = console.model.run.as_ref().unwrap();
    assert_eq!((view.part, view.steps.selected()), (crate::console::run::Part::Output, Some("1")));
    answer_pages(&mut console, 1204);
    // Two results stand before this one at byte 20 of the seed: it wrote no line of its own.
    assert_eq!(console.model.run.as_ref().unwrap().log.cursor_line(), Some(19 * 40));
}

#[test]
fn a_retry_is_offered_where_the_cause_is_told() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 41);
    console.keys(b"X/on the failed hosts only\r");
    console.take_effects();
    console.keys(b"\r");
    let command = sent(&mut console).pop().unwrap().2;
    assert_eq!(command, Command::Retry { run: RunNo(41), failed_hosts: true });
}

#[test]
fn two_marked_nodes_are_compared() {
    let mut console = home("5j\t");
    console.keys(b"|");
    assert!(console.model.notice.as_ref().unwrap().text.starts_with("mark two"));
    console.keys(b"  |");
    console.background();
    let text = console.text();
    assert!(text.contains("master-1") && text.contains("slaves-1"), "{text}");
    assert!(!text.contains("ssh_port"), "the same in both:\n{text}");
    console.keys(b"=");
    console.background();
    assert!(console.text().contains("ssh_port"), "{}", console.text());
    console.keys(b"\x1b");
    assert!(console.model.layers.is_empty());
}

#[test]
fn a_description_follows_what_it_tells_of() {
    let mut console = home("4d");
    console.background();
    assert!(console.text().contains("active"), "{}", console.text());
    console.keys(b"jj");
    let mut gone = super::seed::server("sandbox", 1, ServerStatus::Error);
    gone.fault = Some("it burns".into());
    console.message(super::seed::servers_now(vec![gone]));
    console.background();
    assert!(console.text().contains("it burns"), "{}", console.text());
    assert_eq!(console.model.text().unwrap().view.cursor_line(), Some(1), "who reads stays there");
}

#[test]
fn the_command_behind_what_is_asked_is_copied() {
    let copied = |console: &mut Headless| match taken(console) {
        Some((Source::Text(text), Goal::Clipboard)) => text,
        other => panic!("{other:?}"),
    };
    let mut console = home("D");
    console.keys(b"\x1b[19~");
    assert_eq!(copied(&mut console), "quarterdeck cluster delete analytics");
    assert_eq!(console.model.layers.len(), 1, "the question stays");
    console.keys(b"\x1b");
    console.keys(b"4-\x1b[19~");
    assert_eq!(copied(&mut console), "quarterdeck server stop node-1 --cloud sandbox");
    console.keys(b"\x1b");
    console.keys(b"6\x1b[19~");
    assert_eq!(copied(&mut console), "quarterdeck run show 43");
}
