//! Pictures of every pane and layer in four sizes: the text, and which role each cell has.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use super::seed::{console, console_on_run, prompt};
use super::*;
use crate::console::Start;
use crate::console::theme::{GlyphSet, Profile, Role, Theme};
use crate::model::plan::{PlanCounts, PlannedStep};
use crate::model::*;
use crate::protocol::command::{BlueprintInfo, Refusal};
use crate::protocol::live::Freshness;
use crate::protocol::{EventBody, FromEngine, ListKind, Live};

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 40), (200, 50)];

/// One letter for each role that a cell can have, by its colours.
fn style_map(buffer: &Buffer, theme: &Theme) -> String {
    let letters = "tsdfb@:-TOS,m!okwFURW~psgGKhxLED[nQ>_";
    let mut known: BTreeMap<String, char> = BTreeMap::new();
    for (role, letter) in Role::ALL.iter().zip(letters.chars()) {
        let style: Style = theme.style(*role);
        known.entry(format!("{:?}{:?}", style.fg, style.add_modifier)).or_insert(letter);
    }
    let area = buffer.area;
    let mut out = String::new();
    for y in 0..area.height {
        let mut line = String::new();
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            let mods = cell.modifier - Modifier::empty();
            let key = format!("{:?}{:?}", Some(cell.fg), mods);
            line.push(if cell.symbol() == " " { ' ' } else { known.get(&key).copied().unwrap_or('?') });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn picture(console: &mut Headless) -> String {
    picture_in(console, Profile::TrueColour)
}

/// The text and the roles, in these colours.
pub fn picture_in(console: &mut Headless, profile: Profile) -> String {
    console.background();
    let theme = Theme::standard(profile, GlyphSet::Unicode);
    format!("{}\n{}\n{}", console.text(), "=".repeat(40), style_map(console.shown(), &theme))
}

/// Takes a picture of a console in each size, after `make` has brought it there.
pub fn pictures(name: &str, make: impl Fn(u16, u16) -> Headless) {
    for (width, height) in SIZES {
        let mut console = make(width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&mut console));
    }
}

fn home(keys: &'static str) -> impl Fn(u16, u16) -> Headless {
    move |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Home);
        console.keys(keys.as_bytes());
        console
    }
}

fn on_run(number: u64, keys: &'static str) -> impl Fn(u16, u16) -> Headless {
    move |width, height| {
        let mut console = console_on_run(width, height, Profile::TrueColour, number);
        console.keys(keys.as_bytes());
        answer_pages(&mut console, 1204);
        console
    }
}

#[test]
fn panes() {
    for (name, keys) in
        [("clouds", "1"), ("flavors", "2"), ("images", "3"), ("servers", "4jjj"), ("clusters", "5"), ("runs", "6j")]
    {
        pictures(name, home(keys));
    }
}

#[test]
fn docker_engines_and_what_they_hold() {
    pictures("docker", home("8"));
    pictures("docker_silent", home("8jX"));
    pictures("containers", home("8\r"));
    pictures("container_described", home("gCjd"));
    pictures("docker_images", home("gI"));
    pictures("docker_networks", home("8\t\t\t"));
    pictures("docker_volumes", home("8\t\t\t\t"));
}

#[test]
fn nodes_have_the_focus() {
    pictures("nodes", home("5jj\tj"));
}

#[test]
fn filtered_sorted_and_marked() {
    pictures("filtered", home("4/status=active no\r"));
    pictures("filter_line", home("4/act"));
    pictures("filter_values", home("4/status=\t\t"));
    pictures("filter_wrong", home("4/node ram>8x age<2h"));
    pictures("sorted_marked", home("4>>  "));
}

#[test]
fn an_empty_home_teaches() {
    pictures("empty", |width, height| {
        let mut console = Headless::new(width, height, Profile::TrueColour, super::seed::NOW, Start::Home);
        console.connect(super::seed::welcome());
        console.message(FromEngine::Snapshot { seq: 0, first: true, last: true, events: vec![] });
        console
    });
}

#[test]
fn runs_as_they_go_and_as_they_fail() {
    pictures("run_live", on_run(43, ""));
    pictures("run_failed", on_run(41, ""));
    pictures("run_plays", on_run(43, "\tj"));
    pictures("run_hosts", on_run(41, "\t\tjj"));
    pictures("run_output_standing", on_run(43, "\t\t\tkkkkkk"));
    pictures("run_result", on_run(41, "\t\tjj\r"));
}

#[test]
fn output_is_searched_and_narrowed() {
    pictures("search_line", on_run(41, "/openjdk"));
    pictures("search_found", on_run(41, "/openjdk\rN"));
    pictures("search_only", on_run(41, "/1180\r&++"));
    pictures("output_of_host", on_run(41, "\t\tjjH\tt"));
    pictures("output_selected", on_run(41, "\t\t\tkkkvkkw"));
    pictures("save_line", on_run(41, "s"));
}

#[test]
fn results_are_filtered_and_keep_their_tasks() {
    pictures("results_changed", on_run(41, "\tu"));
    pictures("results_failed", on_run(41, "\tx"));
    pictures("results_slowest", on_run(41, "\to"));
    pictures("results_of_host", on_run(41, "\t\tjjH\x1b[Z"));
}

#[test]
fn a_console_log_is_read_in_the_viewer() {
    pictures("console_log", |width, height| {
        let mut console = home("4l")(width, height);
        let text: String = (0..90).map(|n| format!("[    {n}.004] systemd[1]: unit-{n}.service started\n")).collect();
        answer(&mut console, &Slot::Text("console of node-1".into()), Answer::Text(text));
        console.keys(b"/unit-7\r");
        console
    });
}

#[test]
fn layers() {
    pictures("help", home("5?"));
    pictures("help_run", on_run(43, "?"));
    pictures("palette", home(":clus"));
    pictures("palette_name", home(":cluster scale \t"));
    pictures("palette_wrong", home(":cloud use lap-demo\r"));
    pictures("columns", home("4>>oj"));
    pictures("jump", home("5J"));
    pictures("favourites", |width, height| {
        let mut console = home("4/status=error\r's16")(width, height);
        console.keys(b"/status=failed\r's2");
        console.keys(b"'");
        console
    });
    pictures("prefix", |width, height| {
        let mut console = home("g")(width, height);
        console.take(Msg::Time(Time(super::seed::NOW.0 + 1000)));
        console
    });
    pictures("playbook", home("5p"));
    pictures("scale", home("5=+"));
    pictures("cancel", home("6c"));
    pictures("delete_server", home("4D"));
}

#[test]
fn a_prompt_of_the_open_run_comes_up() {
    pictures("prompt", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Run(RunNo(42)));
        console.message(super::seed::event(101, EventBody::Prompt(Box::new(prompt()))));
        console
    });
    pictures("prompt_secret", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Run(RunNo(42)));
        let secret = Prompt { kind: PromptKind::Secret, question: "Vault password:".into(), choices: vec![], ..prompt() };
        console.message(super::seed::event(101, EventBody::Prompt(Box::new(secret))));
        console.keys(b"hunter2");
        console
    });
}

/// A plan of each kind.
pub fn plan_for_tests(kind: PlanKind) -> Plan {
    let step = |title: &str, work: Work| PlannedStep { title: title.into(), work, node: None, cloud: None, after: vec![] };
    let mut steps = vec![step("make the key of web-prod", Work::MakeKey)];
    for i in 1..=12 {
        steps.push(step(&format!("wait for app-{i}"), Work::WaitServer));
    }
    for i in 1..=12 {
        steps.push(step(&format!("reach app-{i}"), Work::WaitSsh));
    }
    steps.push(step("write /etc/hosts on 12 nodes", Work::WriteHosts));
    let effect = |name: &str, used, after, limit| plan::QuotaEffect {
        cloud: CloudName::new("sandbox"),
        name: name.into(),
        used,
        limit,
        after,
    };
    Plan {
        id: PlanId(super::seed::uuid(5)),
        kind,
        cluster: ClusterId(super::seed::uuid(2)),
        cluster_name: "web-prod".into(),
        cloud: CloudName::new("sandbox"),
        saw_revision: None,
        spec: super::seed::spec("web-prod", &[("lb", 1), ("app", 11)]),
        base_dir: "/home/ana".into(),
        ssh_user: "root".into(),
        nodes: vec![],
        steps,
        counts: PlanCounts { create: 12, playbooks: 1, ..PlanCounts::default() },
        quota: vec![
            effect("servers", 7, 19, Some(50)),
            effect("ram_mb", 24 * 1024, 30 * 1024, Some(28 * 1024)),
            effect("disk_gb", 140, 380, None),
        ],
        undoes: None,
        frozen: BTreeMap::new(),
        warnings: vec!["the memory limit is shown on this cloud and not enforced".into()],
    }
}

#[test]
fn the_pulse() {
    pictures("pulse", home("0"));
    pictures("pulse_asks", |width, height| {
        let mut console = home("0j")(width, height);
        console.message(super::seed::event(101, EventBody::Prompt(Box::new(prompt()))));
        console
    });
    pictures("pulse_empty", |width, height| {
        let mut console = Headless::new(width, height, Profile::TrueColour, super::seed::NOW, Start::Home);
        console.connect(super::seed::welcome());
        console.message(FromEngine::Snapshot { seq: 0, first: true, last: true, events: vec![] });
        console.keys(b"0");
        console
    });
}

#[test]
fn several_at_once() {
    pictures("bulk", |width, height| {
        let mut console = home("4*")(width, height);
        console.take_effects();
        console.keys(b"D6 servers\r");
        for (i, (slot, generation, _)) in sent(&mut console).into_iter().enumerate().take(5) {
            let refusal = || Box::new(Refusal::of(super::seed::failure()));
            let result = if i == 2 { Err(refusal()) } else { Ok(Box::new(Answer::Done)) };
            console.take(Msg::Reply { slot, generation, result });
        }
        console.keys(b"n");
        console
    });
}

#[test]
fn clouds_that_cannot_be_read_have_rows() {
    pictures("missing", |width, height| {
        let mut console = home("4")(width, height);
        let refused = Failure::transient("list servers of lab-demo", "connection refused").at("lab.example.org:5000");
        let freshness = Freshness::Stale { at: super::seed::ago(3600), failure: Some(refused) };
        let (cloud, kind) = (CloudName::new("lab-demo"), ListKind::Servers);
        console.message(super::seed::live(Live::List { cloud, kind, freshness, rows: None }));
        console.keys(b"\x1b[H");
        console
    });
}

#[test]
fn plans() {
    pictures("plan_planning", home("5D"));
    pictures("plan_create", |width, height| {
        let mut console = home("5D")(width, height);
        answer(&mut console, &Slot::Plan, Answer::Plan(Box::new(plan_for_tests(PlanKind::Create))));
        console
    });
    pictures("plan_delete", |width, height| {
        let mut console = home("5D")(width, height);
        answer(&mut console, &Slot::Plan, Answer::Plan(Box::new(plan_for_tests(PlanKind::Delete))));
        console.keys(b"web");
        console
    });
    pictures("plan_refused", |width, height| {
        let mut console = home("5D")(width, height);
        let (slot, generation, _) = sent(&mut console).pop().unwrap();
        let refusal = Refusal::bad(Failure::refused(
            "read the spec",
            "cluster.yml:4:13: there is no flavor `smal` on sandbox; did you mean `small`?\ncluster.yml:9:3: unknown field `imgae`; did you mean `image`?",
        ));
        console.take(Msg::Reply { slot, generation, result: Err(Box::new(refusal)) });
        console
    });
}

fn blueprints() -> Answer {
    let one = |name: &str, summary: &str| BlueprintInfo {
        name: name.into(),
        summary: summary.into(),
        spec: format!(
            "# {summary}\nname: {name}\ngroups:\n  nodes:\n    count: 3\n    flavor: small\n    image: host\nplaybooks:\n  - site.yml\n"
        ),
        files: BTreeMap::new(),
    };
    Answer::Blueprints(vec![
        one("hello", "three nodes and a playbook that shows what there is to see"),
        one("web", "a load balancer in front of application nodes"),
    ])
}

#[test]
fn new_clusters() {
    pictures("create", |width, height| {
        let mut console = home("5n")(width, height);
        answer(&mut console, &Slot::Blueprints, blueprints());
        console
    });
    pictures("create_file", |width, height| {
        let mut console = home("5n")(width, height);
        answer(&mut console, &Slot::Blueprints, blueprints());
        console.keys(b"\x1b[B\x1b[B\r./cluster.yml");
        console
    });
    pictures("editor", |width, height| {
        let mut console = home("5n")(width, height);
        answer(&mut console, &Slot::Blueprints, blueprints());
        console.keys(b"e");
        console
    });
}

#[test]
fn lost_and_stale_is_said() {
    pictures("lost", |width, height| {
        let mut console = console(width, height, Profile::TrueColour, Start::Home);
        let failure = Failure::transient("attach to the engine", "the line was lost");
        let lost = crate::client::Incoming::Lost { failure, retry_in: Some(std::time::Duration::from_secs(1)) };
        console.take(Msg::Incoming(Box::new(lost)));
        console
    });
}

#[test]
fn a_tiny_terminal_gets_one_message() {
    let mut console = console(38, 9, Profile::TrueColour, Start::Home);
    console.background();
    insta::assert_snapshot!("tiny", console.text());
}

/// Without colours, and in ASCII, every state can still be told.
#[test]
fn without_colours_and_in_ascii() {
    let mut console = console_on_run(100, 30, Profile::Mono, 41);
    console.model.theme = Theme::standard(Profile::Mono, GlyphSet::Ascii);
    let bytes = console.keys(b"\x0c");
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("38;") && !text.contains("48;"), "a colour was written");
    insta::assert_snapshot!("mono_ascii", console.text());
    assert!(console.text().is_ascii(), "a sign is not ASCII");
}

/// On the home screens: keys, then answers about outputs and nodes.
fn looked(keys: &'static str) -> impl Fn(u16, u16) -> Headless {
    move |width, height| {
        let mut console = home(keys)(width, height);
        answer_pages(&mut console, 1204);
        console
    }
}

/// The same with the run 41 read before.
fn looked_after_41(keys: &'static str) -> impl Fn(u16, u16) -> Headless {
    move |width, height| {
        let mut console = on_run(41, "\x1b")(width, height);
        console.keys(keys.as_bytes());
        answer_pages(&mut console, 1204);
        console
    }
}

#[test]
fn things_are_described() {
    for (name, keys) in [
        ("describe_cloud", "1jd"),
        ("describe_flavor", "2d"),
        ("describe_image", "3d"),
        ("describe_server", "4jjjd"),
        ("describe_cluster", "5jd"),
        ("describe_node", "5j\tjjd"),
        ("describe_yaml", "4d\t"),
        ("describe_json", "4d\x1b[Z/addr\r"),
    ] {
        pictures(name, looked(keys));
    }
    pictures("describe_run", on_run(41, "d"));
    pictures("describe_step", on_run(41, "jd"));
    pictures("describe_result", on_run(41, "\txjjd"));
}

#[test]
fn what_is_not_well_is_explained() {
    pictures("explain_run", on_run(41, "X"));
    pictures("explain_cluster", looked_after_41("5jX"));
    pictures("explain_node", looked_after_41("5j\tjjX"));
    pictures("explain_server", looked("4jjjX"));
    pictures("explain_cloud", looked("1jX"));
    pictures("explain_well", looked("4X"));
}

#[test]
fn nodes_have_a_history_and_things_are_compared() {
    pictures("timeline", looked("5j\tjjh"));
    pictures("timeline_changes", looked("5j\tjjhu"));
    pictures("compare", looked("5j\t  |"));
    pictures("compare_unified", looked("5j\t  ||"));
    pictures("compare_all", looked("4  |="));
}
