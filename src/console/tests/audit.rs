//! The audit, and what guards ask before things are taken away.

use super::screens::pictures;
use super::seed::{ago, clouds, console, event, live};
use super::*;
use crate::console::Start;
use crate::console::state::Tab;
use crate::console::theme::Profile;
use crate::model::*;
use crate::protocol::{EventBody, Live};

fn entry(seconds: i64, who: &str, what: &str, run: Option<u64>, cluster: Option<&str>, cloud: &str) -> AuditEntry {
    AuditEntry {
        at: ago(seconds),
        who: who.into(),
        uid: 1000,
        client: if who == "ben" { "cli" } else { "console" }.into(),
        from: (who == "ben").then(|| "2001:db8::17 50000 10.0.0.1 22".to_owned()),
        what: what.into(),
        run: run.map(RunNo),
        cluster: cluster.map(str::to_owned),
        cloud: Some(CloudName::new(cloud)),
        result: "ok".into(),
    }
}

fn entries() -> Vec<AuditEntry> {
    let refused = "delete server db-1: a guard is in the way: customers are on it (settings.toml:9)";
    vec![
        entry(41, "ana", "site.yml on batch-test", Some(43), Some("batch-test"), "sandbox"),
        entry(42, "ana", "create web-prod", Some(42), Some("web-prod"), "lab-demo"),
        AuditEntry { result: refused.into(), ..entry(300, "ben", "delete server db-1 on lab-demo", None, None, "lab-demo") },
        entry(780, "ben", "site.yml on batch-test", Some(41), Some("batch-test"), "sandbox"),
        entry(86_400 * 3, "ana", "pin run 7", Some(7), None, "sandbox"),
    ]
}

fn opened(width: u16, height: u16, keys: &str) -> Headless {
    let mut console = console(width, height, Profile::TrueColour, Start::Home);
    prod(&mut console);
    console.keys(b"7");
    answer(&mut console, &Slot::Audit, Answer::Audit(entries()));
    console.keys(keys.as_bytes());
    console
}

/// The cloud lab-demo is production.
fn prod(console: &mut Headless) {
    let Live::Clouds { mut rows } = clouds() else { panic!() };
    rows.iter_mut().for_each(|row| row.info.prod = row.info.name.as_str() == "lab-demo");
    console.message(live(Live::Clouds { rows }));
}

#[test]
fn the_audit_is_a_list_like_every_other() {
    pictures("audit", |width, height| opened(width, height, "jj"));
    pictures("audit_filtered", |width, height| opened(width, height, "/who=ben guard\r"));
    pictures("audit_jump", |width, height| opened(width, height, "jJ"));
    pictures("audit_empty", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Home);
        console.keys(b"7");
        answer(&mut console, &Slot::Audit, Answer::Audit(vec![]));
        console
    });
}

#[test]
fn what_is_done_meanwhile_comes_by_itself_and_leads_to_its_run() {
    let mut console = opened(120, 40, "j");
    let selected = |console: &Headless| console.model.table(Tab::Audit).selected().map(str::to_owned);
    let before = selected(&console);
    console.message(event(101, EventBody::Audit(Box::new(entry(0, "carla", "stop server web-1", None, None, "sandbox")))));
    console.background();
    assert!(console.text().contains("carla") && console.text().contains("3 of 6"), "{}", console.text());
    assert_eq!(selected(&console), before, "the selection stays on its entry");
    console.keys(b"\r");
    assert_eq!(console.model.run.as_ref().map(|view| view.number), Some(RunNo(42)));
    // What has no run says so.
    console.keys(b"\x1b\x1b[H\r");
    assert!(console.model.run.is_none() && console.text().contains("no run belongs to it"), "{}", console.text());
    // One cloud only; the palette filters; a new line reads it again.
    console.keys(b":audit stop\r");
    assert_eq!(console.model.table(Tab::Audit).counts(), (1, 6));
    console.take_effects();
    console.connect(super::seed::welcome());
    assert!(sent(&mut console).iter().any(|(slot, _, command)| *slot == Slot::Audit && matches!(command, Command::Audit { .. })));
}

#[test]
fn production_says_so_in_every_list() {
    for (keys, what) in [("1", "PROD"), ("4", "lab-demo PROD"), ("5", "lab-demo PROD")] {
        let mut console = console(120, 40, Profile::TrueColour, Start::Home);
        prod(&mut console);
        console.keys(keys.as_bytes());
        console.background();
        assert!(console.text().contains(what), "{keys}: {}", console.text());
    }
    for keys in ["2", "3"] {
        let mut console = console(120, 40, Profile::TrueColour, Start::Home);
        let Live::Clouds { mut rows } = clouds() else { panic!() };
        rows.iter_mut().for_each(|row| row.info.prod = true);
        console.message(live(Live::Clouds { rows }));
        console.keys(keys.as_bytes());
        console.background();
        assert!(console.text().contains("sandbox PROD"), "{keys}: {}", console.text());
    }
}

/// With a rule for an action: what the screen says after these keys, and how many commands were sent.
fn guarded(action: &str, level: Option<Level>, max: Option<u32>, keys: &str) -> (String, usize) {
    let mut console = console(120, 40, Profile::TrueColour, Start::Home);
    prod(&mut console);
    let rule = GuardRule { action: vec![action.into()], level, max, source: "s.toml:7".into(), ..GuardRule::default() };
    console.message(live(Live::Rules { rules: Rules { guards: vec![rule], commands: Vec::new() } }));
    console.take_effects();
    console.keys(keys.as_bytes());
    console.background();
    let acts = |command: &Command| matches!(command, Command::ImageDelete { .. } | Command::PlanDelete { .. });
    let count = sent(&mut console).iter().filter(|(_, _, command)| acts(command)).count();
    (console.text(), count)
}

#[test]
fn guards_are_asked_for_images_and_for_several_clusters() {
    let image = |level| guarded("image delete", Some(level), None, "3D");
    assert_eq!(image(Level::None).1, 1);
    let (text, count) = image(Level::Yes);
    assert!(count == 0 && text.contains("y yes") && text.contains("s.toml:7"), "{text}");
    let (text, count) = image(Level::Name);
    assert!(count == 0 && text.contains("type host:"), "{text}");
    let (text, count) = image(Level::Deny);
    assert!(count == 0 && text.contains("by the rule in s.toml:7"), "{text}");

    let clusters = |level, max| guarded("cluster delete", level, max, "5*D");
    assert_eq!(clusters(Some(Level::None), None).1, 3);
    let (text, count) = clusters(Some(Level::Yes), None);
    assert!(count == 0 && text.contains("y yes") && text.contains("This is PROD."), "{text}");
    let (text, count) = clusters(None, None);
    assert!(count == 0 && text.contains("type 3 clusters:"), "{text}");
    let (text, count) = clusters(None, Some(9));
    assert!(count == 0 && text.contains("at most 9 at once"), "{text}");
}
