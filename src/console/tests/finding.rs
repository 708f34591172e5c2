//! Finding and acting: the palette, views, favourites, columns, marks, actions on several.

use super::seed::{console, event, failure, live, server};
use super::*;
use crate::console::Start;
use crate::console::state::Tab;
use crate::console::theme::Profile;
use crate::model::*;
use crate::protocol::live::Freshness;
use crate::protocol::{EventBody, ListKind, Live, Refusal};

fn home(keys: &str) -> Headless {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    console.keys(b"5");
    console.take_effects();
    console.keys(keys.as_bytes());
    console
}

/// Types a line into the palette and sends it off.
fn line(console: &mut Headless, text: &str) {
    console.keys(b":");
    console.keys(text.as_bytes());
    console.keys(b"\r");
}

/// The newest command that is not about subscriptions.
fn asked(console: &mut Headless) -> Command {
    sent(console).into_iter().rev().find(|s| s.0 != Slot::Subscription).expect("nothing was asked").2
}

fn kept(console: &mut Headless) -> Vec<(String, Option<String>)> {
    let keep = |e| match e {
        Effect::Keep { part, key, text } => Some((format!("{part}.{key}"), text)),
        _ => None,
    };
    console.take_effects().into_iter().filter_map(keep).collect()
}

fn typed(console: &mut Headless) -> Vec<String> {
    let typed = |e| match e {
        Effect::Typed { kind, line } => Some(format!("{kind}: {line}")),
        _ => None,
    };
    console.take_effects().into_iter().filter_map(typed).collect()
}

fn filter(console: &Headless) -> &str {
    console.model.table(console.model.tab).filter()
}

// --- the palette ---

#[test]
fn a_line_names_what_it_is_about_from_anywhere() {
    let mut console = home("6");
    line(&mut console, "servers status=error");
    assert_eq!((console.model.tab, filter(&console)), (Tab::Servers, "status=error"));
    assert_eq!(console.model.table(Tab::Servers).counts(), (1, 6));
    assert_eq!(typed(&mut console), ["palette: servers status=error"]);

    line(&mut console, "cluster delete web-prod");
    assert_eq!(console.model.tab, Tab::Clusters);
    assert_eq!(console.model.selected_cluster().unwrap().name, "web-prod");
    assert_eq!(console.model.notice.as_ref().unwrap().text, "run 42 is working on it", "as with the key");
    line(&mut console, "cluster delete analytics");
    let plan = asked(&mut console);
    assert_eq!(plan, Command::PlanDelete { cluster: ClusterId(super::seed::uuid(1)) });
    console.keys(b"\x1b");

    line(&mut console, "cloud use lab-demo");
    assert_eq!(asked(&mut console), Command::CloudUse { name: CloudName::new("lab-demo") });
    line(&mut console, "cluster scale analytics slaves=5");
    let counts = [("slaves".to_owned(), 5)].into();
    assert_eq!(asked(&mut console), Command::PlanScale { cluster: ClusterId(super::seed::uuid(1)), counts });
    console.keys(b"\x1b");
    line(&mut console, "run show 41");
    assert_eq!(console.model.run.as_ref().unwrap().number, RunNo(41));
    line(&mut console, "goto batch-test");
    assert_eq!(console.model.selected_cluster().unwrap().name, "batch-test");
}

#[test]
fn a_wrong_line_says_what_is_wrong_and_where_and_stays() {
    let mut console = home("");
    for (text, says) in [
        ("cloud use lap-demo", "there is no cloud lap-demo; did you mean lab-demo?"),
        ("servers ram>8x", "`x` is no unit of a size"),
        ("cluster scale analytics masters=2", "has no group masters; it has master, slaves"),
        ("favourite 77", "is no digit"),
    ] {
        line(&mut console, text);
        console.background();
        assert!(console.text().contains(says), "{text}: {}", console.text());
        assert!(console.text().contains(text), "what was typed stays");
        console.keys(b"\x1b");
        assert!(console.model.layers.is_empty());
    }
    assert_eq!(typed(&mut console), [] as [&str; 0], "nothing wrong is kept");
}

#[test]
fn a_line_is_completed_and_earlier_ones_come_back() {
    let mut console = home(":cluster del\t");
    console.background();
    assert!(console.text().contains(": cluster delete analytics"), "verb, then the first name faintly:\n{}", console.text());
    console.keys(b"w\x1b[C");
    assert!(console.text().contains(": cluster delete web-prod"), "{}", console.text());
    console.keys(b"\x1b");
    line(&mut console, "theme quarterdeck");
    line(&mut console, "servers age<2h");
    console.keys(b":");
    console.keys(b"\x10\x10");
    assert!(console.text().contains(": theme quarterdeck"), "{}", console.text());
    console.keys(b"\x0e");
    assert!(console.text().contains(": servers age<2h"), "{}", console.text());
}

#[test]
fn the_palette_asks_for_the_names_that_it_completes() {
    let mut console = home("");
    console.keys(b":");
    let topics: Vec<_> = sent(&mut console).into_iter().map(|s| s.2).collect();
    assert!(matches!(&topics[..], [Command::Subscribe { topics }] if topics.len() == 2), "{topics:?}");
    console.keys(b"ssh web-prod/\x1b");
    console.keys(b":ssh web");
    console.background();
    assert!(console.text().contains("ssh web-prod/lb-1"), "{}", console.text());
}

// --- views ---

#[test]
fn one_goes_back_and_forth_through_views_as_they_were() {
    let mut console = home("");
    line(&mut console, "servers status=error");
    line(&mut console, "run show 41");
    console.keys(b"\t");
    console.keys(b"2");
    console.keys(b"\x1b[1;3D");
    assert_eq!(console.model.run.as_ref().map(|r| r.number), Some(RunNo(41)));
    console.keys(b"\x0f");
    assert_eq!((console.model.tab, filter(&console)), (Tab::Servers, "status=error"));
    assert!(console.model.run.is_none());
    assert_eq!(console.model.table(Tab::Servers).selected(), Some("sandbox/id-4"));
    console.keys(b"\x0f");
    assert_eq!(console.model.tab, Tab::Clusters);
    console.keys(b"\x1b[1;3C\x1b[1;3C\x1b[1;3C");
    assert_eq!((console.model.tab, console.model.run.is_none()), (Tab::Flavors, true));
    console.keys(b"\x1b[1;3C");
    assert_eq!(console.model.notice.as_ref().unwrap().text, "this is the last view");
}

#[test]
fn what_belongs_together_is_one_key_away() {
    let mut console = home("J");
    console.background();
    for way in ["servers cluster=analytics", "runs cluster=analytics", "cloud show sandbox"] {
        assert!(console.text().contains(way), "{way}:\n{}", console.text());
    }
    console.keys(b"l");
    assert_eq!(console.model.run.as_ref().unwrap().number, RunNo(40), "its last run");
    console.keys(b"Jc");
    assert_eq!(console.model.selected_cluster().unwrap().name, "analytics", "and back to its cluster");
    console.keys(b"3Js");
    assert_eq!((console.model.tab, filter(&console)), (Tab::Servers, "image=host cloud=sandbox"));
    assert_eq!(console.model.table(Tab::Servers).counts().0, 5);
}

#[test]
fn the_run_that_made_a_server_is_found() {
    let mut console = home("");
    let mut made = server("sandbox", 1, ServerStatus::Active);
    let tags = Tags {
        home: HomeId(super::seed::uuid(9)),
        cluster: ClusterId(super::seed::uuid(2)),
        node: "app-1".into(),
        token: Token("qd-aaaaaaaaaaaaaaaaaaaa".into()),
    };
    made.tags = Some(tags);
    made.created = super::seed::ago(20);
    console.message(super::seed::servers_now(vec![made]));
    console.keys(b"4J");
    console.background();
    assert!(console.text().contains("run 42 that made it: create web-prod"), "{}", console.text());
    console.keys(b"r");
    assert_eq!(console.model.run.as_ref().unwrap().number, RunNo(42));
}

#[test]
fn a_cloud_that_cannot_be_read_has_a_row_that_explains_and_tries_again() {
    let mut console = home("");
    let freshness = Freshness::Failed { failure: failure() };
    let cloud = CloudName::new("lab-demo");
    console.message(live(Live::List { cloud: cloud.clone(), kind: ListKind::Flavors, freshness, rows: None }));
    console.keys(b"2");
    console.background();
    assert!(console.text().contains("✘ lab-demo") && console.text().contains("No valid host was found."), "{}", console.text());
    console.keys(b"/name=nothing\r");
    assert!(console.text().contains("✘ lab-demo"), "whatever the filter is");
    console.keys(b"\x1b[H* ");
    assert_eq!(console.model.table(Tab::Flavors).marked().0, 0, "it is no row to act on");
    console.keys(b"\x1b[H\r");
    console.background();
    assert!(console.text().contains("retry later, go on with 11 nodes"), "{}", console.text());
    console.take_effects();
    console.keys(b"t");
    assert_eq!(asked(&mut console), Command::Refresh { cloud, list: ListKind::Flavors });
}

// --- favourites, columns, sorting ---

#[test]
fn a_view_is_kept_on_a_digit() {
    let mut console = home("4/status=active\r'");
    console.take_effects();
    console.keys(b"s3");
    assert_eq!(kept(&mut console), [("favourites.3".into(), Some("servers status=active".into()))]);
    console.background();
    assert!(console.text().contains("'3 / status=active"), "the view says on which digit it is:\n{}", console.text());
    console.keys(b"6'");
    console.background();
    assert!(console.text().contains("servers status=active"), "{}", console.text());
    console.keys(b"3");
    assert_eq!((console.model.tab, filter(&console)), (Tab::Servers, "status=active"));
    line(&mut console, "favourite keep 0 runs status=failed");
    line(&mut console, "favourite 0");
    assert_eq!((console.model.tab, filter(&console)), (Tab::Runs, "status=failed"));
    console.take_effects();
    console.keys(b"'x3\x1b");
    assert_eq!(kept(&mut console), [("favourites.3".into(), None)]);
}

#[test]
fn columns_are_chosen_ordered_and_sorted_by() {
    let mut console = home("4");
    console.keys(b"o");
    // The second column goes to the first place, the first leaves.
    console.keys(b"jKj ");
    assert_eq!(
        kept(&mut console).pop(),
        Some(("columns.servers".into(), Some("status address cluster created flavor image cloud".into())))
    );
    console.keys(b"\x1b");
    console.background();
    let head = console.text().lines().nth(3).unwrap().to_owned();
    assert!(head.starts_with("   STATUS") && !head.contains("NAME"), "{head}");
    line(&mut console, "columns name ram status");
    console.background();
    let head = console.text().lines().nth(3).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(head, ["NAME", "RAM", "STATUS"]);
    line(&mut console, "sort name down");
    console.keys(b"\x1b[H");
    assert_eq!(console.model.table(Tab::Servers).selected(), Some("lab-demo/id-90"));
    console.keys(b"ox\x1b");
    assert_eq!(kept(&mut console).pop(), Some(("columns.servers".into(), None)));
    console.background();
    assert!(console.text().lines().nth(3).unwrap().contains("NAME"), "{}", console.text());
}

#[test]
fn ranges_are_marked_and_marks_turned_round() {
    let mut console = home("4");
    console.keys(b" jj");
    console.keys(b"V");
    let table = console.model.table(Tab::Servers);
    assert_eq!(table.targets(), ["sandbox/id-1", "sandbox/id-2", "sandbox/id-3", "sandbox/id-4"]);
    console.keys(b"~");
    assert_eq!(console.model.table(Tab::Servers).targets(), ["sandbox/id-5", "lab-demo/id-90"]);
    console.keys(b"/name=node-5\r");
    console.background();
    assert!(console.text().contains("2 marked, 1 hidden"), "{}", console.text());
}

// --- several at once ---

#[test]
fn each_of_several_has_its_own_result() {
    let mut console = home("4*");
    console.take_effects();
    console.keys(b"D");
    console.keys(b"6 servers\r");
    let asked = sent(&mut console);
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|(_, _, c)| matches!(c, Command::ServerDelete { .. })));
    for (i, (slot, generation, _)) in asked.into_iter().enumerate() {
        let result = if i == 2 { Err(Box::new(Refusal::of(failure()))) } else { Ok(Box::new(Answer::Done)) };
        console.take(Msg::Reply { slot, generation, result });
        if i == 3 {
            console.background();
            assert!(console.text().contains("4 of 6") && console.text().contains("1 failed"), "{}", console.text());
        }
    }
    console.background();
    assert!(console.text().contains("✘ node-3") && console.text().contains("No valid host"), "{}", console.text());
    console.keys(b"n\r");
    console.background();
    assert!(console.text().contains("tried   create server app-9"), "{}", console.text());
    console.keys(b"\x1b");
    console.take_effects();
    console.keys(b"r");
    assert_eq!(sent(&mut console).len(), 1, "only the one that failed");
    console.keys(b"\x1b");
    assert!(console.model.layers.is_empty());
    console.keys(b"B");
    assert_eq!(console.model.layers.len(), 1);
}

#[test]
fn a_few_go_at_once_and_the_rest_can_be_left() {
    let mut console = home("4");
    let rows = (0..30).map(|i| server("sandbox", i, ServerStatus::Shutoff)).collect();
    console.message(super::seed::servers_now(rows));
    console.take_effects();
    console.keys(b"/cloud=sandbox\r*");
    console.take_effects();
    console.keys(b"+");
    let first = sent(&mut console);
    assert_eq!(first.len(), 8);
    let (slot, generation, _) = first[0].clone();
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Done)) });
    assert_eq!(sent(&mut console).len(), 1, "one answered, one more");
    console.keys(b"c");
    console.background();
    assert!(console.text().contains("21 left out"), "{}", console.text());
    console.keys(b"\x1b");
    for (slot, generation, _) in first.into_iter().skip(1) {
        console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Done)) });
    }
    assert_eq!(sent(&mut console), []);
}

#[test]
fn several_clusters_are_deleted_plan_by_plan() {
    let mut console = home("");
    for run in super::seed::runs() {
        let ended = Run { state: RunState::Done, ended: Some(super::seed::NOW), ..run };
        let seq = console.model.mirror.seq + 1;
        console.message(event(seq, EventBody::Run(Box::new(ended))));
    }
    console.keys(b"*D");
    console.take_effects();
    console.keys(b"3 clusters\r");
    let plans = sent(&mut console);
    assert_eq!(plans.len(), 3);
    let plan = super::screens::plan_for_tests(PlanKind::Delete);
    let (slot, generation, _) = plans[0].clone();
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Plan(Box::new(plan.clone())))) });
    let (slot, generation, apply) = sent(&mut console).pop().unwrap();
    assert_eq!(apply, Command::Apply { plan: plan.id, vault_password: None });
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Run(RunNo(44)))) });
    console.background();
    assert!(console.text().contains("done: run 44"), "{}", console.text());
}

// --- the pulse ---

#[test]
fn what_failed_is_two_keys_from_the_pulse() {
    let mut console = home("0");
    console.background();
    assert!(console.text().contains("1 host failed: slaves-2"), "{}", console.text());
    console.keys(b"\r");
    assert_eq!(console.model.run.as_ref().unwrap().number, RunNo(41));
    console.keys(b"\x1b");
    console.keys(b"\t\r");
    assert_eq!(console.model.run.as_ref().unwrap().number, RunNo(43), "the next section: what is under way");
    console.keys(b"\x1b\x1b");
    line(&mut console, "pulse");
    assert_eq!(console.model.tab, Tab::Pulse);
}

#[test]
fn the_pulse_stands_still_when_nothing_runs() {
    let mut console = home("0");
    for run in super::seed::runs() {
        let ended = Run { state: RunState::Done, ended: Some(super::seed::NOW), ..run };
        let seq = console.model.mirror.seq + 1;
        console.message(event(seq, EventBody::Run(Box::new(ended))));
    }
    // What is looked at now is told once.
    console.take(Msg::Time(console.model.next_change().expect("another view")));
    console.background();
    assert_eq!(console.model.next_change(), None);
    assert_eq!(console.background(), b"");
}

// --- sequences of keys ---

#[test]
fn a_sequence_shows_how_it_goes_on_only_to_who_waits() {
    let mut console = home("g");
    console.background();
    assert!(!console.text().contains("the servers"), "{}", console.text());
    let at = console.model.next_change().expect("it will be shown");
    console.take(Msg::Time(at));
    console.background();
    assert!(console.text().contains("the servers"), "{}", console.text());
    console.keys(b"s");
    assert_eq!(console.model.tab, Tab::Servers);
    assert!(console.model.next_change().is_none_or(|t| t.0 >= at.0 + 600), "nothing ticks for keys that are done");
}
