//! What messages and keys do to the model.

use super::seed::{console, console_on_run, event, live, prompt, server};
use super::*;
use crate::config::{Bell, Motion, Notify};
use crate::console::Start;
use crate::console::action::Action;
use crate::console::input::Keymap;
use crate::console::setup::Looks;
use crate::console::state::Tab;
use crate::console::terminal::beside::{Beside, Progress};
use crate::console::theme::{GlyphSet, Profile, Theme};
use crate::model::*;
use crate::protocol::command::RefusalCode;
use crate::protocol::{EventBody, FromEngine, ListKind, Live, Refusal, Topic};

fn home(keys: &str) -> Headless {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.take_effects();
    console.keys(keys.as_bytes());
    console
}

fn servers(names: &[u32]) -> FromEngine {
    let rows = names.iter().map(|i| server("sandbox", *i, ServerStatus::Active)).collect();
    super::seed::servers_now(rows)
}

#[test]
fn what_is_looked_at_is_subscribed_to_and_no_more() {
    let mut console = home("4");
    let commands: Vec<Command> = sent(&mut console).into_iter().map(|s| s.2).collect();
    let topic = |name: &str, list| Topic::List { cloud: CloudName::new(name), list };
    let lists = |name: &str| [topic(name, ListKind::Flavors), topic(name, ListKind::Servers)];
    let topics = [lists("lab-demo"), lists("sandbox")].concat();
    assert_eq!(commands, [Command::Subscribe { topics: topics.clone() }], "servers, and flavors for their sizes");
    console.keys(b"5");
    let commands: Vec<Command> = sent(&mut console).into_iter().map(|s| s.2).collect();
    assert_eq!(commands, [Command::Unsubscribe { topics }]);
    console.keys(b"5");
    assert_eq!(sent(&mut console), []);
}

#[test]
fn the_selection_stays_on_its_row_whatever_comes_and_goes() {
    let mut console = home("4");
    console.message(servers(&[3, 5, 7]));
    console.keys(b"j");
    assert_eq!(console.model.table(Tab::Servers).selected(), Some("sandbox/id-5"));
    console.message(servers(&[1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(console.model.table(Tab::Servers).selected(), Some("sandbox/id-5"));
    console.keys(b" ");
    console.message(servers(&[2, 7]));
    assert!(console.model.table(Tab::Servers).selected().is_some(), "the next row takes over");
    assert_eq!(console.model.table(Tab::Servers).marked().0, 0, "the marked one is gone");
}

#[test]
fn the_sort_order_and_the_filter_hold_when_rows_change() {
    let mut console = home("4/node\r");
    console.message(servers(&[10, 9, 100]));
    console.keys(b">");
    let table = console.model.table(Tab::Servers);
    assert_eq!(table.counts(), (4, 4));
    console.keys(b"\x1b[H");
    let names: Vec<_> = (0..3)
        .map(|_| {
            let id = console.model.table(Tab::Servers).selected().unwrap().to_owned();
            console.keys(b"j");
            id
        })
        .collect();
    assert_eq!(names, ["sandbox/id-9", "sandbox/id-10", "lab-demo/id-90"]);
}

#[test]
fn deleting_a_cluster_wants_its_name() {
    let mut console = home("D");
    let plan = sent(&mut console).pop().unwrap();
    assert!(matches!(plan.2, Command::PlanDelete { .. }), "{plan:?}");
    let mut shown = super::screens::plan_for_tests(PlanKind::Delete);
    shown.cluster_name = "analytics".into();
    console.take(Msg::Reply { slot: plan.0, generation: plan.1, result: Ok(Box::new(Answer::Plan(Box::new(shown.clone())))) });
    console.keys(b"\r");
    assert_eq!(sent(&mut console), [], "it was deleted without its name");
    console.keys(b"analytic\r");
    assert_eq!(sent(&mut console), []);
    console.keys(b"s\r");
    let (slot, generation, command) = sent(&mut console).pop().unwrap();
    assert_eq!(command, Command::Apply { plan: shown.id, vault_password: None });
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Run(RunNo(42)))) });
    assert_eq!(console.model.run.as_ref().unwrap().number, RunNo(42));
    assert!(console.model.layers.is_empty());
}

#[test]
fn an_answer_to_an_older_question_is_void() {
    let mut console = home("D");
    let old = sent(&mut console).pop().unwrap();
    console.keys(b"\x1b");
    console.keys(b"D");
    let new = sent(&mut console).pop().unwrap();
    let plan = |name: &str| {
        let mut plan = super::screens::plan_for_tests(PlanKind::Delete);
        plan.cluster_name = name.into();
        Ok(Box::new(Answer::Plan(Box::new(plan))))
    };
    console.take(Msg::Reply { slot: new.0, generation: new.1, result: plan("new") });
    console.take(Msg::Reply { slot: old.0, generation: old.1, result: plan("old") });
    console.background();
    assert!(console.text().contains("type new to delete it"), "{}", console.text());
}

#[test]
fn a_prompt_opens_once_is_answered_by_its_key_and_closes_when_another_answers() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Run(RunNo(42)));
    console.take_effects();
    console.message(event(101, EventBody::Prompt(Box::new(prompt()))));
    assert_eq!(console.model.layers.len(), 1);
    console.keys(b"z");
    assert_eq!(sent(&mut console), []);
    console.keys(b"\x1b");
    assert!(console.model.layers.is_empty(), "put aside");
    console.message(event(102, EventBody::Run(Box::new(super::seed::runs()[2].clone()))));
    assert!(console.model.layers.is_empty(), "it came back by itself");
    console.keys(b"a");
    console.keys(b"r");
    let (_, _, command) = sent(&mut console).pop().unwrap();
    assert_eq!(command, Command::Answer { prompt: prompt().id, word: "retry".into(), text: None });

    console.keys(b"a");
    assert_eq!(console.model.layers.len(), 1);
    let state = prompt::PromptState::Answered { by: "ben".into(), at: super::seed::NOW, word: "undo".into() };
    console.message(event(103, EventBody::Prompt(Box::new(Prompt { state, ..prompt() }))));
    assert!(console.model.layers.is_empty(), "somebody else has answered");
}

#[test]
fn a_secret_is_sent_and_never_shown() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Run(RunNo(42)));
    let secret = Prompt { kind: PromptKind::Secret, choices: vec![], ..prompt() };
    console.message(event(101, EventBody::Prompt(Box::new(secret))));
    console.take_effects();
    let mut bytes = console.keys(b"hunter2");
    bytes.extend(console.background());
    assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
    assert!(!console.text().contains("hunter2"));
    console.keys(b"\r");
    let (_, _, command) = sent(&mut console).pop().unwrap();
    assert_eq!(command, Command::Answer { prompt: prompt().id, word: String::new(), text: Some("hunter2".into()) });
}

#[test]
fn a_watcher_looks_and_does_not_act() {
    let mut console = home("");
    let mut watcher = super::seed::welcome();
    watcher.role = crate::protocol::Role::Watcher;
    console.connect(watcher);
    console.take_effects();
    for keys in ["D", "n", "p", "6c", "4D"] {
        console.keys(keys.as_bytes());
        let acts: Vec<_> = sent(&mut console).into_iter().filter(|(_, _, c)| !c.only_looks()).collect();
        assert_eq!(acts, [], "{keys}");
        assert!(console.model.layers.is_empty(), "{keys}");
    }
}

#[test]
fn what_the_driver_cannot_do_says_why() {
    let mut console = home("4jjj");
    console.keys(b"s");
    assert_eq!(console.model.notice.as_ref().unwrap().text, "the server is not up");
    assert_eq!(sent(&mut console).into_iter().filter(|s| s.0 != Slot::Subscription).count(), 0);
}

#[test]
fn cancel_is_a_ladder() {
    let mut console = home("6c");
    console.keys(b"u");
    let command = sent(&mut console).pop().unwrap().2;
    assert_eq!(command, Command::Cancel { run: RunNo(43), mode: Ending::Undo });
}

#[test]
fn a_shell_goes_to_the_selected_node() {
    let mut console = home("\tj");
    console.keys(b"s");
    let shell = console.take_effects().into_iter().find_map(|e| match e {
        Effect::Shell { request, .. } => Some(request),
        _ => None,
    });
    let Some(crate::protocol::StreamRequest::Shell { node, .. }) = shell else { panic!("{shell:?}") };
    assert_eq!(node, "slaves-1");
}

#[test]
fn the_output_stands_still_while_lines_come_and_catches_up() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 43);
    console.keys(b"\t\t\t");
    console.keys(b"kkk");
    answer_pages(&mut console, 1204);
    console.background();
    let output = |c: &Headless| c.text().lines().skip(22).take(12).map(str::to_owned).collect::<Vec<_>>();
    let seen = output(&console);
    console.message(live(Live::Output { run: RunNo(43), step: 1, attempt: 1, lines: 90_000, bytes: 9_000_000 }));
    answer_pages(&mut console, 90_000);
    console.background();
    assert_eq!(output(&console), seen);
    console.keys(b"G");
    answer_pages(&mut console, 90_000);
    console.background();
    assert!(console.text().contains("line 89999"), "{}", console.text());
}

#[test]
fn the_output_of_a_run_that_ended_before_one_looked_is_asked_for() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Run(RunNo(41)));
    console.message(super::seed::steps(super::seed::steps_of_41()));
    assert!(answer_pages(&mut console, 1204) > 0);
    console.background();
    assert!(console.text().contains("line 1199"), "{}", console.text());
    assert_eq!(answer_pages(&mut console, 1204), 0);
}

#[test]
fn favourites_are_counted_when_rows_change_and_not_before() {
    let mut console = console(120, 40, Profile::TrueColour, Start::At(Tab::Pulse));
    assert_eq!(console.model.tab, Tab::Pulse);
    console.model.favourites = [(1, "servers status=active".to_owned()), (2, "theme light".to_owned())].into();
    console.model.touch(Tab::Servers);
    console.model.touch(Tab::Pulse);
    console.model.make_rows();
    let counted = console.model.counts.of(1).unwrap();
    assert!(counted > 0 && console.model.counts.of(2).is_none());
    // What is drawn is what was counted, whatever the rows are like by now.
    console.model.mirror.lists.clear();
    console.background();
    console.model.touch(Tab::Runs);
    console.model.touch(Tab::Pulse);
    console.model.make_rows();
    assert_eq!(console.model.counts.of(1), Some(counted), "the rows of the servers were not touched");
    console.model.touch(Tab::Servers);
    console.model.touch(Tab::Pulse);
    console.model.make_rows();
    assert_eq!(console.model.counts.of(1), None, "nothing is known of servers any more");
}

#[test]
fn the_console_can_open_on_every_tab() {
    assert_eq!(crate::config::TABS, Tab::ALL.map(Tab::name));
}

#[test]
fn the_theme_follows_the_background_when_that_is_the_choice() {
    let themed = |wanted: &str, background: &[u8]| {
        let mut console = home("");
        console.model.wanted_theme = wanted.to_owned();
        let all = crate::console::theme::BUILT_IN.iter().map(|(name, _)| *name);
        let read = |name| Theme::built_in(name, Profile::TrueColour, GlyphSet::Unicode);
        console.model.themes = all.filter_map(read).collect();
        console.keys(background);
        console.model.theme.name.clone()
    };
    assert_eq!(themed("auto", b"\x1b]11;rgb:ffff/ffff/f0f0\x07"), "light");
    assert_eq!(themed("auto", b"\x1b]11;rgb:0c/0c/10\x1b\\"), "quarterdeck");
    assert_eq!(themed("quarterdeck", b"\x1b]11;rgb:ffff/ffff/f0f0\x07"), "quarterdeck");
}

#[test]
fn changed_settings_count_at_once_and_wrong_ones_are_told() {
    let mut console = home("");
    let looks = |text: &str| {
        let mut keymap = Keymap::built_in();
        let problems = keymap.overlay(text, "keys.toml");
        let theme = |name: &&str| Theme::built_in(name, Profile::TrueColour, GlyphSet::Unicode);
        let themes = ["quarterdeck", "ember"].iter().filter_map(theme).collect();
        let (notify, motion) = (Notify::default(), Motion::Full);
        let (columns, favourites) = (Default::default(), Default::default());
        Looks {
            themes,
            wanted: "ember".to_owned(),
            keymap,
            notify,
            motion,
            mouse: false,
            open: "clusters",
            columns,
            favourites,
            problems,
        }
    };
    console.take(Msg::Looks(Box::new(Ok(looks("[global]\n\"Q\" = \"quit\"\n")))));
    assert_eq!(console.model.theme.name, "ember");
    assert_eq!(console.model.key_of(Action::Quit).as_deref(), Some("Q"));
    console.take(Msg::Looks(Box::new(Err(Failure::refused("read the settings", "line 3 is odd")))));
    console.background();
    assert!(console.text().contains("line 3 is odd"), "{}", console.text());
    assert_eq!(console.model.key_of(Action::Quit).as_deref(), Some("Q"));
    console.take(Msg::Looks(Box::new(Ok(looks("[global]\n\"X\" = \"qit\"\n")))));
    console.background();
    assert!(console.text().contains("keys.toml:2: there is no action `qit`"), "{}", console.text());
}

/// What the terminal was told beside the screen.
fn signals(console: &mut crate::console::headless::Headless) -> Vec<Beside> {
    let signal = |effect| match effect {
        Effect::Beside(signal) => Some(signal),
        _ => None,
    };
    console.take_effects().into_iter().filter_map(signal).collect()
}

#[test]
fn who_looks_elsewhere_is_told_as_the_settings_say() {
    let mut console = home("");
    console.model.tell.title = true;
    console.model.tell.progress = true;
    console.message(event(200, EventBody::Prompt(Box::new(prompt()))));
    let told = signals(&mut console);
    assert!(told.contains(&Beside::Bell), "{told:?}");
    assert!(told.contains(&Beside::Title("quarterdeck: run 42 asks".into())), "{told:?}");
    assert!(told.iter().any(|s| matches!(s, Beside::Progress(Some(Progress { trouble: true, .. })))), "{told:?}");
    let mut run = console.model.mirror.runs()[&RunNo(43)].clone();
    run.state = RunState::Done;
    console.message(event(201, EventBody::Run(Box::new(run.clone()))));
    assert!(!signals(&mut console).contains(&Beside::Bell), "a run that went well rings nothing");
    (console.model.tell.bell, console.model.tell.desktop) = (Bell::Always, true);
    run.number = RunNo(44);
    console.message(event(202, EventBody::Run(Box::new(run.clone()))));
    let told = signals(&mut console);
    assert!(told.contains(&Beside::Bell), "{told:?}");
    assert!(told.iter().any(|s| matches!(s, Beside::Message { text, .. } if text == "run 44 is done")), "{told:?}");
    run.pinned = true;
    console.message(event(203, EventBody::Run(Box::new(run))));
    assert_eq!(signals(&mut console), []);
}

/// What the engine refuses it would refuse again: the console does not ask on and on.
#[test]
fn what_is_refused_is_asked_for_again_only_when_somebody_wants_it() {
    let mut console = console(120, 40, Profile::TrueColour, Start::Run(RunNo(41)));
    console.message(super::seed::steps(super::seed::steps_of_41()));
    let refuse_all = |console: &mut Headless| {
        for round in 0.. {
            let asked = sent(console);
            if asked.is_empty() {
                return round;
            }
            assert!(round < 5, "it asks on and on: {asked:?}");
            for (slot, generation, _) in asked {
                let failure = Failure::broken("read output", "the disk does not answer");
                let refusal = Refusal { code: RefusalCode::Failed, failure };
                console.take(Msg::Reply { slot, generation, result: Err(Box::new(refusal)) });
            }
        }
        0
    };
    assert!(refuse_all(&mut console) > 0);
    console.message(event(300, EventBody::RunGone(RunNo(9))));
    assert_eq!(refuse_all(&mut console), 0, "something else happened, and it asks again");
    console.keys(b"R");
    assert!(refuse_all(&mut console) > 0, "somebody wants it, and it does not ask");
}

#[test]
fn text_from_outside_is_harmless() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 43);
    let mut evil = server("sandbox", 1, ServerStatus::Active);
    evil.name = "a\u{1b}]52;c;ZXZpbA==\u{7}b\u{1b}[2Jc".into();
    console.message(super::seed::servers_now(vec![evil]));
    let mut bytes = console.background();
    bytes.extend(console.keys(b"4"));
    let text = String::from_utf8_lossy(&bytes);
    for bad in ["\u{1b}]", "\u{7}", "\u{1b}[2Jc"] {
        assert!(!text.contains(bad), "{bad:?} reached the terminal");
    }
    assert!(console.text().contains("abc"));
}

#[test]
fn a_replay_goes_through_the_run_again() {
    let mut console = console_on_run(120, 40, Profile::TrueColour, 41);
    console.take_effects();
    console.keys(b"r");
    let events = super::seed::play_events(true);
    let total = events.len() as u64;
    answer(&mut console, &Slot::ReplayPlays(1), Answer::Plays { from: 0, events, total });
    console.background();
    assert!(console.text().contains("replay 1×"), "{}", console.text());
    assert!(!console.text().contains("✘ failed"), "the end is shown at the beginning");
    for _ in 0..7 {
        console.keys(b">");
    }
    let later = Time(super::seed::NOW.0 + 10_000);
    console.take(Msg::Time(later));
    console.background();
    assert!(console.text().contains("replay at its end"), "{}", console.text());
    assert!(console.text().contains("✘ failed"));
    assert_eq!(console.model.next_change().map(|t| t.0 > later.0 + 900), Some(true), "it goes on ticking");
    console.keys(b"\x1b");
    assert!(console.model.run.as_ref().unwrap().replay.is_none());
}

#[test]
fn nothing_ticks_when_nothing_runs() {
    let mut console = home("");
    for run in super::seed::runs() {
        let ended = Run { state: RunState::Done, ended: Some(super::seed::NOW), ..run };
        let seq = console.model.mirror.seq + 1;
        console.message(event(seq, EventBody::Run(Box::new(ended))));
    }
    assert_eq!(console.model.next_change(), None);
    console.background();
    assert_eq!(console.background(), b"");
}
