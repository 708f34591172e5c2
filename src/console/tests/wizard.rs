//! The wizard: each page in four sizes, and what its keys do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::screens::{picture_in, pictures};
use super::*;
use crate::config::foreign::FoundCloud;
use crate::config::setup::{Answers, Change, CloudAnswer, Draft, Kind};
use crate::config::{Colours, Origin, Settings};
use crate::console::Start;
use crate::console::headless::Headless;
use crate::console::theme::{GlyphSet, Profile, Theme};
use crate::console::wizard::{self, Ask, Begin, Heard, Wish};
use crate::facts::{Facts, Service, Terminal};
use crate::model::*;
use crate::protocol::FromEngine;
use crate::protocol::command::{Refusal, Trial};

fn terminal() -> Terminal {
    Terminal {
        term: "xterm-256color".into(),
        colours: Colours::True,
        colours_from: "COLORTERM=truecolor".into(),
        unicode: true,
        unicode_from: "LANG=en_US.UTF-8".into(),
        multiplexer: None,
        remote: false,
    }
}

fn facts() -> Facts {
    let file = |path: &str, line| Origin::File { path: PathBuf::from(path), line };
    let cloud = |name: &str, driver, endpoint: &str, user: &str, origin| FoundCloud {
        name: name.into(),
        driver,
        endpoint: endpoint.into(),
        user: user.into(),
        origin,
        problem: None,
        settings: Default::default(),
    };
    let openstack = file("/home/ana/.config/openstack/clouds.yaml", 3);
    let kamaki = file("/home/ana/.kamakirc", 4);
    let mut half = cloud("half", Driver::Synnefo, "https://other.example.org/identity/v2.0", "", kamaki.clone());
    half.problem = Some(Failure::refused("use cloud half", "it has no token").next("kamaki config set cloud.half.token …"));
    Facts {
        terminal: terminal(),
        service: Service {
            systemd: true,
            unit: "/home/ana/.config/systemd/user/quarterdeck.service".into(),
            installed: false,
            lingers: false,
            kills: true,
        },
        clouds: vec![
            cloud("lab-demo", Driver::Openstack, "https://lab.example.org:5000/v3", "ana in project demo", openstack),
            half,
            cloud("docker", Driver::Docker, "unix:///var/run/docker.sock", "", Origin::Default),
        ],
        docker: BTreeMap::from([("docker".to_owned(), Ok("28.2.1".to_owned()))]),
        home: "/home/ana".into(),
        groups: vec!["ana".into(), "ops".into()],
        findings: vec![
            Finding::ok(Part::Tools, "ssh client", "/usr/bin/ssh"),
            Finding::note(Part::Tools, "ssh agent", "none; clusters use keys of their own"),
            Finding::ok(Part::Tools, "ssh keys", "id_ed25519 in ~/.ssh"),
            Finding::note(Part::Clouds, "~/.kamakirc", "there is a secret in it, and other accounts can read it (mode 0644)")
                .next("chmod 600 /home/ana/.kamakirc"),
        ],
    }
}

fn examined(on_path: bool) -> Answer {
    let path = if on_path {
        Finding::ok(Part::Tools, "ansible on the path", "ansible-core 2.17.4 (/usr/bin/ansible-playbook)")
    } else {
        Finding::note(Part::Tools, "ansible on the path", "none")
    };
    Answer::Examined {
        findings: vec![
            Finding::ok(Part::Disk, "room", "44.5 GiB free at /home/ana/.local/share/quarterdeck"),
            Finding::ok(Part::Tools, "python", "3.11 (/usr/bin/python3)"),
            Finding::missing(Part::Tools, "ansible", "there is no managed Ansible that works")
                .next("quarterdeck ansible install"),
            Finding::note(Part::Tools, "managed ansible", "none"),
            path,
            Finding::ok(Part::Kernel, "namespaces", "user, mount, pid, host name and ipc namespaces work"),
            Finding::ok(Part::Kernel, "addresses", "127.0.0.0/8 is this computer"),
            Finding::note(Part::Kernel, "memory limits", "advisory: no control group of our own").next(
                "start the engine in a delegated group: systemd-run --user --scope -p Delegate=yes quarterdeck engine start",
            ),
        ],
        drivers: vec![Driver::Sandbox],
    }
}

fn trial() -> Answer {
    let cloud = CloudName::new("sandbox");
    let flavor = |name: &str, vcpus, ram_mb| Flavor {
        cloud: cloud.clone(),
        id: format!("f-{name}"),
        name: name.into(),
        vcpus,
        ram_mb,
        disk_gb: 10,
        note: String::new(),
    };
    let image = Image {
        cloud: cloud.clone(),
        id: "i-host".into(),
        name: "host".into(),
        status: ImageStatus::Active,
        size: None,
        created: None,
        ssh_user: Some("root".into()),
        properties: BTreeMap::new(),
    };
    Answer::Trial(Box::new(Trial {
        identity: Identity {
            user: "ana".into(),
            project: None,
            notes: vec!["no security boundary: programs on servers run as you, on this computer's network".into()],
        },
        flavors: vec![flavor("tiny", 1, 256), flavor("small", 1, 512), flavor("medium", 2, 2048), flavor("large", 4, 8192)],
        images: vec![image],
        capabilities: Capabilities::default()
            .with("power", Capability::Yes)
            .with("networks", Capability::No { reason: "servers of the sandbox share the host's network".into() }),
        took_ms: 34,
    }))
}

/// The wizard of an empty home, with everything looked at that is looked at at once.
fn wizard(width: u16, height: u16, profile: Profile, begin: Begin) -> Headless {
    let mut console = Headless::new(width, height, profile, super::seed::NOW, Start::Home);
    console.model.terminal = terminal();
    console.model.themes = ["quarterdeck", "light", "high-contrast", "colour-blind"]
        .map(|name| Theme::built_in(name, profile, GlyphSet::Unicode).unwrap())
        .to_vec();
    console.connect(super::seed::welcome());
    console.message(FromEngine::Snapshot { seq: 0, first: true, last: true, events: vec![] });
    wizard::open(&mut console.model, begin);
    console.take(Msg::Setup(Box::new(Heard::Facts(Box::new(facts())))));
    answer(&mut console, &Slot::Setup(Ask::Examine), examined(false));
    console
}

/// An empty home.
fn begin() -> Begin {
    Begin { now: Answers::of(&Settings::default()), draft: None }
}

fn first(width: u16, height: u16) -> Headless {
    wizard(width, height, Profile::TrueColour, begin())
}

/// As [`first`], on the page after so many `enter`s; the sandbox has answered.
fn on_page(pages: usize) -> impl Fn(u16, u16) -> Headless {
    move |width, height| {
        let mut console = first(width, height);
        go(&mut console, pages);
        console
    }
}

fn go(console: &mut Headless, pages: usize) {
    for at in 0..pages {
        console.keys(b"\r");
        if at == 1 {
            answer(console, &Slot::Setup(Ask::Trial(CloudName::new("sandbox"))), trial());
        }
    }
}

/// What the wizard wanted since the last look.
fn wishes(console: &mut Headless) -> Vec<Wish> {
    let effects = console.take_effects();
    effects.into_iter().filter_map(|effect| if let Effect::Setup(wish) = effect { Some(wish) } else { None }).collect()
}

fn proposed(console: &mut Headless) -> Answers {
    let wish =
        wishes(console).into_iter().rev().find_map(|wish| if let Wish::Propose(answers) = wish { Some(*answers) } else { None });
    wish.expect("nothing is to be compared")
}

fn changes() -> Vec<Change> {
    let settings = "# Settings of Quarterdeck: `quarterdeck setup` writes them, and so may you.\n\ndefault_cloud = \"sandbox\"\n\n[clouds.sandbox]\ndriver = \"sandbox\"\nflavor = \"small\"\n";
    let unit = "[Unit]\nDescription=Quarterdeck engine\n";
    let file = |path: &str, mode, before: Option<&str>, after: &str| Change {
        path: path.into(),
        mode,
        kind: Kind::File { before: before.map(str::to_owned), after: after.into() },
    };
    vec![
        file("/home/ana/.config/quarterdeck/settings.toml", 0o600, None, settings),
        file("/home/ana/.config/systemd/user/quarterdeck.service", 0o644, Some("[Unit]\nDescription=mine\n"), unit),
        Change { path: "/srv/quarterdeck".into(), mode: 0o755, kind: Kind::Folder },
    ]
}

fn review(width: u16, height: u16) -> Headless {
    let mut console = on_page(5)(width, height);
    console.take(Msg::Setup(Box::new(Heard::Proposed(Ok(changes())))));
    console
}

#[test]
fn pages() {
    pictures("wizard_terminal", first);
    pictures("wizard_tools", on_page(1));
    pictures("wizard_clouds", on_page(2));
    pictures("wizard_defaults", |width, height| {
        let mut console = on_page(3)(width, height);
        console.keys(b"j\x1b[C\x1b[C");
        console
    });
    pictures("wizard_safety", |width, height| {
        let mut console = on_page(4)(width, height);
        console.keys(b" jjj ");
        console
    });
    pictures("wizard_review", review);
    pictures("wizard_answers", |width, height| {
        let mut console = review(width, height);
        console.keys(b"a");
        console
    });
}

#[test]
fn what_goes_wrong_and_what_goes_on() {
    pictures("wizard_cloud_failed", |width, height| {
        let mut console = on_page(1)(width, height);
        console.keys(b"\r");
        let slot = Slot::Setup(Ask::Trial(CloudName::new("sandbox")));
        let (_, generation, _) = sent(&mut console).into_iter().rev().find(|(s, _, _)| *s == slot).unwrap();
        let failure = Failure::refused("look at the sandbox cloud", "the kernel refuses namespaces (EPERM)")
            .next("as root: sysctl -w kernel.unprivileged_userns_clone=1; or use a cloud of the docker driver");
        console.take(Msg::Reply { slot, generation, result: Err(Box::new(Refusal::of(failure))) });
        console
    });
    pictures("wizard_installing", |width, height| {
        let mut console = on_page(1)(width, height);
        console.keys(b"i");
        answer(&mut console, &Slot::Setup(Ask::Install), Answer::Run(RunNo(1)));
        let run = super::seed::run(1, run::RunKind::Command, "install Ansible", RunState::Running, None);
        console.message(super::seed::event(1, crate::protocol::EventBody::Run(Box::new(run))));
        console
    });
    pictures("wizard_written", |width, height| {
        let mut console = review(width, height);
        console.keys(b"\r");
        let done = vec!["wrote /home/ana/.config/quarterdeck/settings.toml (0600)".to_owned()];
        console.take(Msg::Setup(Box::new(Heard::Written(Ok(done)))));
        console
    });
    pictures("wizard_refused", |width, height| {
        let mut console = on_page(5)(width, height);
        let failure = Failure::refused("let a group look", "there is no group opps")
            .at("/srv/quarterdeck")
            .next("name a group of this computer, or leave it out");
        console.take(Msg::Setup(Box::new(Heard::Proposed(Err(failure)))));
        console
    });
    pictures("wizard_picker", |width, height| {
        let mut console = on_page(3)(width, height);
        console.keys(b"j la");
        console
    });
}

#[test]
fn without_colours_and_with_sixteen() {
    for (profile, name) in [(Profile::Mono, "mono"), (Profile::Ansi, "16")] {
        for (page, pages) in [("terminal", 0), ("clouds", 2)] {
            let mut console = wizard(80, 24, profile, begin());
            go(&mut console, pages);
            insta::assert_snapshot!(format!("wizard_{page}_{name}"), picture_in(&mut console, profile));
        }
    }
}

#[test]
fn enter_alone_leads_to_a_first_cluster_on_the_sandbox() {
    let mut console = first(80, 24);
    go(&mut console, 5);
    let answers = proposed(&mut console);
    assert_eq!(answers.default_cloud, Some(CloudName::new("sandbox")));
    assert_eq!(answers.clouds.keys().map(CloudName::as_str).collect::<Vec<_>>(), ["sandbox"]);
    assert_eq!(answers.first_cluster.as_ref().map(|first| first.blueprint.as_str()), Some("hello"));
    assert_eq!(answers.watch, None);

    console.keys(b"\r");
    assert!(!wishes(&mut console).iter().any(|wish| matches!(wish, Wish::Write(_))), "nothing is compared so far");
    console.take(Msg::Setup(Box::new(Heard::Proposed(Ok(changes())))));
    console.keys(b"\r");
    assert!(wishes(&mut console).contains(&Wish::Write(changes())));
    console.take(Msg::Setup(Box::new(Heard::Written(Ok(vec!["wrote it".into()])))));
    let after = wishes(&mut console);
    assert!(after.contains(&Wish::KeepDraft(None)) && after.contains(&Wish::RestartEngine), "{after:?}");
    console.take(Msg::Setup(Box::new(Heard::Restarted(Ok(())))));
    assert!(!sent(&mut console).iter().any(|(_, _, asked)| matches!(asked, Command::AnsibleInstall)), "not attached so far");
    console.connect(super::seed::welcome());
    // Ansible first, then the plan of the cluster.
    answer(&mut console, &Slot::Setup(Ask::Install), Answer::Run(RunNo(1)));
    let run = super::seed::run(1, run::RunKind::Command, "install Ansible", RunState::Done, None);
    console.message(super::seed::event(1, crate::protocol::EventBody::Run(Box::new(run))));
    let asked = sent(&mut console);
    let plan =
        asked.iter().find_map(|(slot, _, command)| (*slot == Slot::Plan).then_some(command)).expect("no plan is asked for");
    assert!(matches!(plan, Command::PlanCreate { cloud: Some(cloud), .. } if cloud == "sandbox"), "{plan:?}");
}

#[test]
fn a_page_that_is_passed_over_stays_as_it_is() {
    let mut console = first(80, 24);
    // The theme is changed, but then the page is passed over.
    console.keys(b"jj\x1b[Cs");
    console.keys(b"s");
    answer(&mut console, &Slot::Setup(Ask::Trial(CloudName::new("sandbox"))), trial());
    console.keys(b"sss");
    let answers = proposed(&mut console);
    assert_eq!(answers, Answers::default());
    // Going back and taking it undoes that.
    for _ in 0..5 {
        console.keys(b"\x1b");
    }
    console.keys(b"\r\r\r\r\r");
    let answers = proposed(&mut console);
    assert_eq!(answers.theme.as_deref(), Some("quarterdeck"));
    assert_eq!(answers.clouds.len(), 1);
}

#[test]
fn a_cloud_without_a_driver_cannot_be_chosen_and_says_why() {
    let mut console = on_page(2)(80, 24);
    console.keys(b"j ");
    console.background();
    assert!(console.text().contains("this version has no driver for openstack"), "{}", console.text());
    console.keys(b"\r\r\r");
    assert!(!proposed(&mut console).clouds.contains_key(&CloudName::new("lab-demo")));
}

#[test]
fn what_is_configured_stays_chosen() {
    let now = Answers {
        default_cloud: Some(CloudName::new("lab")),
        clouds: BTreeMap::from([(CloudName::new("lab"), CloudAnswer::of(Driver::Sandbox))]),
        ..Answers::default()
    };
    let mut console = wizard(80, 24, Profile::TrueColour, Begin { now, draft: None });
    console.keys(b"\r\r ");
    console.background();
    assert!(console.text().contains("configured already"), "{}", console.text());
    console.keys(b"\r\r\r");
    let answers = proposed(&mut console);
    assert_eq!(answers.clouds.keys().map(CloudName::as_str).collect::<Vec<_>>(), ["lab"]);
    assert_eq!(answers.first_cluster, None, "nobody asked for one");
}

#[test]
fn the_draft_is_kept_at_every_step_and_opens_where_it_was() {
    let mut console = first(80, 24);
    console.keys(b"jj\x1b[C\r\r");
    answer(&mut console, &Slot::Setup(Ask::Trial(CloudName::new("sandbox"))), trial());
    // Keys are answered first: effects of before are gone with the answer.
    console.keys(b"e\x15lab\r");
    let kept = wishes(&mut console).into_iter().rev().find_map(|wish| match wish {
        Wish::KeepDraft(Some(draft)) => Some(*draft),
        _ => None,
    });
    let draft = kept.expect("nothing is kept");
    assert_eq!((draft.page.as_str(), draft.left), ("clouds", false));
    assert!(draft.answers.clouds.contains_key(&CloudName::new("lab")), "{draft:?}");

    let begin = Begin { draft: Some(draft), ..begin() };
    assert!(begin.first(), "it comes up again by itself");
    let mut again = wizard(80, 24, Profile::TrueColour, begin);
    again.background();
    assert!(again.text().contains("CLOUDS") && again.text().contains("lab"), "{}", again.text());
    assert!(again.text().contains("Going on with the set-up of before"), "{}", again.text());
    again.keys(b"N");
    again.background();
    assert!(again.text().contains("TERMINAL"), "{}", again.text());
}

#[test]
fn leaving_takes_two_keys_and_is_remembered() {
    let mut console = first(80, 24);
    console.keys(b"jj\x1b[C\x1b[C");
    assert_eq!(console.model.theme.name, "light");
    console.keys(b"\x1b");
    assert!(console.model.wizard().is_some());
    console.keys(b"\x1b");
    assert!(console.model.wizard().is_none());
    assert_eq!(console.model.theme.name, "quarterdeck", "nothing was written, so nothing stays");
    let left = wishes(&mut console).into_iter().any(|wish| matches!(wish, Wish::KeepDraft(Some(draft)) if draft.left));
    assert!(left, "it would come up again by itself");
    assert!(!Begin { draft: Some(Draft { left: true, ..Draft::default() }), ..Begin::default() }.first());
}

#[test]
fn the_clipboard_is_tested_by_pasting() {
    let mut console = first(80, 24);
    console.keys(b"y");
    let word = console
        .take_effects()
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Take { source: crate::console::msg::Source::Text(text), .. } => Some(text),
            _ => None,
        })
        .expect("nothing is copied");
    console.keys(format!("\x1b[200~{word}\x1b[201~").as_bytes());
    console.background();
    assert!(console.text().contains("✔ works"), "{}", console.text());
}

#[test]
fn the_one_on_the_path_is_proposed_where_there_is_no_other() {
    let mut console = Headless::new(80, 24, Profile::TrueColour, super::seed::NOW, Start::Home);
    console.connect(super::seed::welcome());
    wizard::open(&mut console.model, begin());
    console.take(Msg::Time(super::seed::NOW));
    answer(&mut console, &Slot::Setup(Ask::Examine), examined(true));
    console.keys(b"\r\r\r\r\r");
    assert_eq!(proposed(&mut console).ansible, Some(crate::config::setup::AnsibleChoice::Path));
}

#[test]
fn a_watcher_finds_no_wizard() {
    let mut console = super::seed::console(80, 24, Profile::TrueColour, Start::Home);
    console.model.me.seat = crate::protocol::Role::Watcher;
    console.keys(b"W");
    assert!(wishes(&mut console).is_empty());
}
