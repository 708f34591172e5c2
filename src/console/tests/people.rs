//! Who is here, and following somebody's view.

use super::screens::pictures;
use super::seed::{ago, clouds, console, console_on_run, live, welcome, who};
use super::*;
use crate::console::Start;
use crate::console::run::Part;
use crate::console::state::Tab;
use crate::console::theme::Profile;
use crate::model::{CloudName, RunNo};
use crate::protocol::live::Present;
use crate::protocol::view::RunView;
use crate::protocol::{Live, Role, View, Welcome};

fn list(tab: &str, selected: &str, filter: &str) -> View {
    View { tab: tab.into(), selected: Some(selected.into()), filter: filter.into(), ..View::default() }
}

fn on_run(number: u64, part: &str, step: Option<&str>) -> View {
    let run = RunView { number: RunNo(number), part: part.into(), step: step.map(str::to_owned), task: None, host: None };
    View { tab: "runs".into(), run: Some(run), ..View::default() }
}

fn me() -> Present {
    who(1, "ana", Role::Operator, None)
}

fn ben(view: View) -> Present {
    who(2, "ben", Role::Operator, Some(view))
}

fn home() -> Headless {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.take_effects();
    console
}

fn here(console: &mut Headless, clients: Vec<Present>) {
    console.message(live(Live::Presence { clients }));
    console.background();
}

/// What was told of this console's view, last.
fn told(console: &mut Headless) -> Option<View> {
    sent(console).into_iter().rev().find_map(|(_, _, command)| match command {
        Command::Session { view: Some(view), read_only: None } => Some(*view),
        _ => None,
    })
}

#[test]
fn what_is_looked_at_is_told_when_it_changes_and_no_oftener_than_can_be_read() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    let (slot, generation, first) = sent(&mut console).into_iter().find(|s| s.0 == Slot::View).expect("it is told at once");
    let Command::Session { view: Some(view), read_only: None } = first else { panic!("{first:?}") };
    assert_eq!((view.tab.as_str(), view.name.as_str()), ("clusters", "analytics"));
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Done)) });
    // Keys in a row are one change, told when the time has come.
    console.keys(b"4jjj");
    assert_eq!(told(&mut console), None);
    let due = console.model.next_change().expect("it is told by itself");
    console.take(Msg::Time(due));
    let view = told(&mut console).expect("the change");
    assert_eq!((view.tab.as_str(), view.selected.as_deref(), view.name.as_str()), ("servers", Some("sandbox/id-4"), "node-4"));
    // Until the answer is here nothing more is told, and nothing when nothing changes.
    console.keys(b"j");
    console.take(Msg::Time(Time(due.0 + 60_000)));
    assert_eq!(told(&mut console), None);
    console.take(Msg::Reply { slot: Slot::View, generation: generation + 1, result: Ok(Box::new(Answer::Done)) });
    assert_eq!(told(&mut console).and_then(|view| view.selected), Some("sandbox/id-5".into()));
    console.take(Msg::Reply { slot: Slot::View, generation: generation + 2, result: Ok(Box::new(Answer::Done)) });
    console.take(Msg::Time(Time(due.0 + 120_000)));
    assert_eq!(told(&mut console), None);
    // A new line knows nothing of it.
    console.connect(welcome());
    assert!(told(&mut console).is_some());
}

#[test]
fn what_is_typed_into_forms_is_not_told() {
    let mut console = home();
    console.take(Msg::Reply { slot: Slot::View, generation: 1, result: Ok(Box::new(Answer::Done)) });
    console.keys(b":hunter2");
    console.take(Msg::Time(Time(super::seed::NOW.0 + 60_000)));
    assert_eq!(told(&mut console), None);
}

#[test]
fn the_view_of_another_is_shown_live_until_one_goes_elsewhere() {
    let mut console = home();
    here(&mut console, vec![me(), ben(list("servers", "sandbox/id-4", "status=error"))]);
    console.keys(b"gw");
    assert!(console.text().contains("servers/sandbox/id-4  status=error"), "{}", console.text());
    console.keys(b"f");
    console.background();
    assert_eq!((console.model.tab, console.model.table(Tab::Servers).selected()), (Tab::Servers, Some("sandbox/id-4")));
    assert!(console.text().contains("following ben") && console.text().contains("/ status=error"), "{}", console.text());

    // A run, its part and its step.
    here(&mut console, vec![me(), ben(on_run(43, "output", None))]);
    let run = |console: &Headless| console.model.run.as_ref().map(|view| (view.number, view.part));
    assert_eq!(run(&console), Some((RunNo(43), Part::Output)));
    console.message(super::seed::steps(super::seed::steps_of_43()));
    here(&mut console, vec![me(), ben(on_run(43, "steps", Some("2")))]);
    assert_eq!(run(&console), Some((RunNo(43), Part::Steps)));
    assert_eq!(console.model.run.as_ref().unwrap().steps.selected(), Some("2"));

    // One cloud only.
    here(&mut console, vec![me(), ben(View { cloud: Some(CloudName::new("lab-demo")), ..list("images", "x", "") })]);
    assert_eq!(run(&console), None);
    assert_eq!(console.model.scope, Some(CloudName::new("lab-demo")));

    // Help, themes and the like go nowhere; another tab does.
    console.keys(b"?\x1bT");
    assert!(console.model.people.following.is_some());
    console.keys(b"5");
    console.background();
    assert!(console.model.people.following.is_none());
    assert!(console.text().contains("no longer following ben"), "{}", console.text());
    here(&mut console, vec![me(), ben(list("flavors", "", ""))]);
    assert_eq!(console.model.tab, Tab::Clusters);
}

#[test]
fn what_is_not_here_yet_is_shown_when_it_comes() {
    let mut console = home();
    here(&mut console, vec![me(), ben(on_run(43, "steps", Some("2")))]);
    console.keys(b":people follow ben\r");
    assert_eq!(console.model.run.as_ref().map(|view| view.steps.selected().is_some()), Some(false), "no steps so far");
    console.message(super::seed::steps(super::seed::steps_of_43()));
    assert_eq!(console.model.run.as_ref().and_then(|view| view.steps.selected().map(str::to_owned)), Some("2".into()));
    assert!(console.model.people.following.is_some());
}

#[test]
fn esc_stops_where_one_is_and_who_leaves_is_followed_no_longer() {
    let mut console = home();
    let view = list("servers", "sandbox/id-2", "");
    here(&mut console, vec![me(), ben(view.clone())]);
    console.keys(b":people follow ben\r");
    console.keys(b"\x1b");
    assert!(console.model.people.following.is_none());
    assert_eq!(console.model.tab, Tab::Servers);
    console.keys(b":people follow ben\r");
    here(&mut console, vec![me()]);
    assert!(console.model.people.following.is_none());
    assert!(console.text().contains("ben has left"), "{}", console.text());
    console.keys(b":people follow carl\r");
    assert!(console.text().contains("nobody of the name carl"), "{}", console.text());
}

#[test]
fn two_who_follow_each_other_come_to_rest() {
    let mut console = home();
    let follows_me = View { follows: Some(1), ..list("servers", "sandbox/id-2", "") };
    here(&mut console, vec![me(), ben(follows_me.clone())]);
    console.keys(b":people follow ben\r");
    assert!(console.model.people.following.is_none() && console.text().contains("ben follows you"), "{}", console.text());
    console.keys(b"\x1b\x1b");
    // Both at once: the later session gives way.
    here(&mut console, vec![me(), ben(list("servers", "sandbox/id-2", ""))]);
    console.keys(b":people follow ben\r");
    let mine = View { follows: Some(2), ..list("servers", "sandbox/id-2", "") };
    here(&mut console, vec![Present { view: Some(mine.clone()), ..me() }, ben(follows_me)]);
    assert!(console.model.people.following.is_some(), "the other one gives way");
    let earlier = Present { session: 1, view: Some(View { follows: Some(3), ..mine }), ..ben(View::default()) };
    let later = Welcome { session: 3, ..welcome() };
    console.connect(later);
    here(&mut console, vec![earlier, Present { session: 3, ..me() }]);
    console.keys(b"\x1b:people follow ben\r");
    assert!(console.model.people.following.is_none());
}

fn many() -> Vec<Present> {
    let watcher = who(3, "carla", Role::Watcher, Some(View { follows: Some(2), ..on_run(43, "output", None) }));
    let program = Present { kind: crate::protocol::ClientKind::Cli, since: ago(4), ..who(4, "deploy", Role::Operator, None) };
    let named = View { name: "web-prod".into(), ..list("clusters", "00000000-0000-0000-0000-000000000002", "state=creating") };
    let remote = Some("2001:db8::17".to_owned());
    vec![me(), Present { from: remote, ..ben(named) }, watcher, program]
}

#[test]
fn people_have_a_layer() {
    let marked = |console: &mut Headless| {
        let Live::Clouds { mut rows } = clouds() else { panic!() };
        rows.iter_mut().for_each(|row| row.info.prod = row.info.name.as_str() == "lab-demo");
        console.message(live(Live::Clouds { rows }));
    };
    pictures("people", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Home);
        marked(&mut console);
        console.message(live(Live::Presence { clients: many() }));
        console.keys(b"gwj");
        console
    });
    pictures("people_followed", |width, height| {
        let mut console = console_on_run(width, height, Profile::TrueColour, 41);
        console.message(live(Live::Presence { clients: vec![me(), ben(on_run(41, "steps", Some("1")))] }));
        console.keys(b":people follow ben\r");
        answer_pages(&mut console, 1204);
        console
    });
}
