//! A home with a bit of everything, the same in every test.

mod docker;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::console::Start;
use crate::console::headless::Headless;
use crate::console::theme::Profile;
use crate::model::capability::names;
use crate::model::cloud::ImageStatus;
use crate::model::cluster::LastPlaybook;
use crate::model::play::{PlayBody, Totals};
use crate::model::prompt::PromptState;
use crate::model::run::RunKind;
use crate::model::spec::{GroupSpec, OnFailure, PlaybookEntry, PlaybookSpec};
use crate::model::timeline::{Happened, Moment};
use crate::model::*;
use crate::protocol::hello::ClientKind;
use crate::protocol::live::{CloudRow, Freshness, Present};
use crate::protocol::*;

pub const NOW: Time = Time(1_795_186_800_000);

pub fn ago(seconds: i64) -> Time {
    Time(NOW.0 - seconds * 1000)
}

pub fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn failure() -> Failure {
    Failure::new(
        Class::Quota,
        "create server app-9 (small, debian-12)",
        "No valid host was found. There are not enough hosts available.",
    )
    .at("lab-demo")
    .next("retry later, go on with 11 nodes, or give everything back")
}

fn group(count: u32, via: Option<&str>) -> GroupSpec {
    GroupSpec {
        count,
        cloud: None,
        flavor: "small".into(),
        image: "host".into(),
        networks: vec![],
        zone: None,
        server_group: None,
        hints: BTreeMap::new(),
        volume: None,
        key_pair: None,
        public_address: false,
        ports: vec![],
        via: via.map(str::to_owned),
        vars: BTreeMap::new(),
        files: vec![],
    }
}

pub fn spec(name: &str, groups: &[(&str, u32)]) -> ClusterSpec {
    ClusterSpec {
        name: name.into(),
        cloud: None,
        ssh: Default::default(),
        groups: groups.iter().map(|(n, c)| ((*n).to_owned(), group(*c, None))).collect(),
        files: vec![],
        vars: BTreeMap::new(),
        hosts: BTreeMap::new(),
        playbooks: vec![PlaybookEntry::Path("site.yml".into()), PlaybookEntry::Path("check.yml".into())],
        on_failure: OnFailure::Ask,
        ready: None,
    }
}

pub fn cluster(
    n: u128,
    name: &str,
    state: ClusterState,
    groups: &[(&str, u32)],
    last: Option<(bool, &[&str])>,
    run: u64,
) -> Cluster {
    Cluster {
        id: ClusterId(uuid(n)),
        name: name.into(),
        revision: 1,
        state,
        cloud: CloudName::new(if name == "web-prod" { "lab-demo" } else { "sandbox" }),
        spec: spec(name, groups),
        base_dir: "/home/ana".into(),
        created: ago(i64::try_from(n).unwrap() * 90_000),
        ssh_user: "root".into(),
        public_key: None,
        last_run: Some(RunNo(run)),
        last_playbook: last.map(|(ok, hosts)| LastPlaybook {
            run: RunNo(run),
            name: "site.yml".into(),
            ok,
            failed_hosts: hosts.iter().map(|h| (*h).to_owned()).collect(),
            at: ago(720),
        }),
        belongings: vec![],
    }
}

pub fn node(cluster: u128, group: &str, index: u32, state: NodeState) -> Node {
    let address = (state == NodeState::Up).then(|| format!("127.83.4.{}", 10 + index));
    Node {
        cluster: ClusterId(uuid(cluster)),
        name: format!("{group}-{index}"),
        group: group.into(),
        index,
        cloud: CloudName::new("sandbox"),
        flavor: "small".into(),
        image: "host".into(),
        state,
        server: Some(format!("s-{cluster}-{index}")),
        token: None,
        address,
        inner_address: None,
        ssh_port: 2222,
        via: (group == "slaves").then(|| "master-1".to_owned()),
        host_key: (state == NodeState::Up).then(|| "ssh-ed25519 AAAA".to_owned()),
        created: Some(ago(180_000)),
        note: (state == NodeState::Gone).then(|| "its server was deleted elsewhere".to_owned()),
    }
}

pub fn run(number: u64, kind: RunKind, title: &str, state: RunState, cluster: Option<u128>) -> Run {
    let ended = state.ended().then(|| ago(700 - i64::try_from(number).unwrap()));
    Run {
        number: RunNo(number),
        id: uuid(u128::from(number)),
        kind,
        title: title.into(),
        state,
        cluster: cluster.map(|n| ClusterId(uuid(n))),
        cluster_name: cluster.map(|_| "web-prod".to_owned()),
        by: if number.is_multiple_of(2) { "ana" } else { "ben" }.into(),
        created: ago(800),
        started: Some(if ended.is_some() { ago(780) } else { ago(41) }),
        ended,
        steps: StepCounts { total: 12, done: if ended.is_some() { 12 } else { 7 }, running: 2, ..StepCounts::default() },
        in_flight: if ended.is_some() { vec![] } else { vec!["create server app-8".into(), "boot app-6".into()] },
        waits: None,
        failure: None,
        ending: None,
        pinned: false,
        play_totals: Totals::default(),
    }
}

fn step(run: u64, index: u32, title: &str, work: Work, state: StepState, took: u64) -> Step {
    let started = state != StepState::Pending;
    Step {
        id: StepId(uuid(1000 + u128::from(index))),
        run: RunNo(run),
        index,
        title: title.into(),
        work,
        cluster: None,
        node: None,
        cloud: Some(CloudName::new("sandbox")),
        after: vec![],
        attempt: u32::from(started),
        token: Token("qd-aaaaaaaaaaaaaaaaaaaa".into()),
        started: started.then(|| ago(100)),
        ended: state.ended().then(|| Time(ago(100).0 + i64::try_from(took).unwrap())),
        failure: None,
        note: String::new(),
        cleanup: false,
        state,
    }
}

fn playbook() -> Work {
    Work::Playbook { call: Box::new(PlaybookSpec { path: "site.yml".into(), ..PlaybookSpec::default() }) }
}

/// Steps of run 43: a playbook under way.
pub fn steps_of_43() -> Vec<Step> {
    let mut reach = step(43, 0, "reach 3 nodes", Work::WaitSsh, StepState::Done, 900);
    reach.note = "3 of 3".into();
    vec![
        reach,
        step(43, 1, "ansible-playbook site.yml", playbook(), StepState::Running, 0),
        step(43, 2, "ansible-playbook check.yml", playbook(), StepState::Pending, 0),
    ]
}

/// Steps of run 41: it failed on one host.
pub fn steps_of_41() -> Vec<Step> {
    let mut play = step(41, 1, "ansible-playbook site.yml", playbook(), StepState::Failed, 12_400);
    play.failure =
        Some(Failure::refused("run site.yml on batch-test", "1 host failed: slaves-2").next("F runs it again on that host"));
    vec![step(41, 0, "reach 3 nodes", Work::WaitSsh, StepState::Done, 900), play]
}

fn play_event(at: Time, offset: u64, body: PlayBody) -> PlayEvent {
    PlayEvent { at, offset, body }
}

/// Events of a playbook: two plays; the last task is under way, or failed on `slaves-2`.
pub fn play_events(failed: bool) -> Vec<PlayEvent> {
    use crate::model::play::Outcome::*;
    let hosts: Vec<String> = ["master-1", "slaves-1", "slaves-2"].map(str::to_owned).into();
    let mut events = vec![play_event(ago(90), 0, PlayBody::Playbook { name: "site.yml".into() })];
    let tasks = [
        ("p1", "prepare all", "t1", "gather facts", vec![Ok, Ok, Ok]),
        ("p1", "prepare all", "t2", "write /etc/motd", vec![Changed, Changed, Ok]),
        ("p1", "prepare all", "t3", "say hello", vec![Ok, Skipped, Skipped]),
        ("p2", "install workers", "t4", "add the repository", vec![Changed, Ok, Ok]),
        ("p2", "install workers", "t5", "install packages", if failed { vec![Ok, Changed, Failed] } else { vec![Ok, Changed] }),
    ];
    let mut play = "";
    let mut second = 89;
    for (p, play_name, t, name, outcomes) in tasks {
        if p != play {
            play = p;
            events.push(play_event(
                ago(second),
                0,
                PlayBody::Play { id: p.into(), name: play_name.into(), hosts: hosts.clone() },
            ));
        }
        let (id, name) = (t.to_owned(), name.to_owned());
        let task =
            PlayBody::Task { id, name, action: "command".into(), handler: false, no_log: false, path: "site.yml:7".into() };
        events.push(play_event(ago(second), 10, task));
        for host in &hosts {
            events.push(play_event(ago(second), 10, PlayBody::Start { task: t.into(), host: host.clone() }));
        }
        second -= 12;
        for (host, outcome) in hosts.iter().zip(outcomes) {
            let (msg, detail) = if outcome == Failed {
                (
                    "No package openjdk-99 available.".to_owned(),
                    "E: Unable to locate package openjdk-99\nexit status 100".to_owned(),
                )
            } else {
                (String::new(), String::new())
            };
            let result = PlayBody::Result { task: t.into(), host: host.clone(), outcome, took: 1240, msg, detail };
            events.push(play_event(ago(second), 20, result));
        }
    }
    if failed {
        events.push(play_event(ago(second), 30, PlayBody::End));
    }
    events
}

fn totals(ok: u64, changed: u64, failed: u64) -> Totals {
    Totals { ok, changed, failed, ..Totals::default() }
}

pub fn runs() -> Vec<Run> {
    let mut done = run(40, RunKind::Playbook, "site.yml on analytics", RunState::Done, Some(1));
    done.play_totals = totals(34, 6, 0);
    let mut failed = run(41, RunKind::Playbook, "site.yml on batch-test", RunState::Failed, Some(3));
    failed.play_totals = totals(9, 3, 1);
    failed.failure =
        Some(Failure::refused("run site.yml on batch-test", "1 host failed: slaves-2").next("F runs it again on that host"));
    let mut playing = run(43, RunKind::Playbook, "site.yml on batch-test", RunState::Running, Some(3));
    playing.steps = StepCounts { total: 3, done: 1, running: 1, ..StepCounts::default() };
    playing.in_flight = vec!["ansible-playbook site.yml".into()];
    vec![done, failed, run(42, RunKind::Create, "create web-prod", RunState::Running, Some(2)), playing]
}

fn body(events: Vec<EventBody>) -> Vec<Event> {
    let numbered = events.into_iter().enumerate();
    numbered.map(|(i, body)| Event { v: 1, seq: i as u64 + 1, at: NOW, body }).collect()
}

pub fn welcome() -> Welcome {
    Welcome {
        protocol: VERSION,
        program: "0.1.0".into(),
        instance: "one".into(),
        home: "home".into(),
        pid: 1,
        role: Role::Operator,
        session: 1,
        seq: 0,
    }
}

/// The recorded state as one snapshot.
pub fn snapshot() -> FromEngine {
    let mut events: Vec<EventBody> = runs().into_iter().map(|r| EventBody::Run(Box::new(r))).collect();
    let clusters = [
        cluster(1, "analytics", ClusterState::Running, &[("master", 1), ("slaves", 3)], Some((true, &[])), 40),
        cluster(2, "web-prod", ClusterState::Creating, &[("lb", 1), ("app", 11)], None, 42),
        cluster(3, "batch-test", ClusterState::Degraded, &[("master", 1), ("slaves", 2)], Some((false, &["slaves-2"])), 41),
    ];
    events.extend(clusters.into_iter().map(|c| EventBody::Cluster(Box::new(c))));
    let mut nodes = vec![node(1, "master", 1, NodeState::Up)];
    nodes.extend((1..=3).map(|i| node(1, "slaves", i, NodeState::Up)));
    nodes.push(node(2, "lb", 1, NodeState::Up));
    nodes.extend((1..=11).map(|i| node(2, "app", i, if i <= 6 { NodeState::Up } else { NodeState::Booting })));
    nodes.push(node(3, "master", 1, NodeState::Up));
    nodes.push(node(3, "slaves", 1, NodeState::Up));
    nodes.push(node(3, "slaves", 2, NodeState::Gone));
    events.extend(nodes.into_iter().map(|n| EventBody::Node(Box::new(n))));
    FromEngine::Snapshot { seq: 100, first: true, last: true, events: body(events) }
}

/// An event after the snapshot.
pub fn event(seq: u64, body: EventBody) -> FromEngine {
    FromEngine::Events { after: seq - 1, upto: seq, events: vec![Event { v: 1, seq, at: NOW, body }] }
}

/// Steps that come beside the range, as after a subscription.
pub fn steps(steps: Vec<Step>) -> FromEngine {
    let events = steps.into_iter().map(|s| Event { v: 1, seq: 50, at: NOW, body: EventBody::Step(Box::new(s)) }).collect();
    FromEngine::Events { after: 100, upto: 100, events }
}

pub fn live(body: Live) -> FromEngine {
    FromEngine::Live { revision: 1, body }
}

fn cloud(name: &str, driver: Driver, default: bool, health: Freshness) -> CloudRow {
    let no = Capability::No { reason: "namespaces have no floating addresses".into() };
    let limited = Capability::Limited { note: "shown, not enforced".into() };
    let capabilities = Capabilities::default()
        .with(names::POWER, Capability::Yes)
        .with(names::CONSOLE_LOG, Capability::Yes)
        .with(names::FLOATING_IPS, no)
        .with(names::MEMORY_LIMIT, limited);
    CloudRow {
        info: CloudInfo {
            name: CloudName::new(name),
            driver,
            endpoint: if default { "this computer".into() } else { "https://lab.example.org:5000/v3".into() },
            source: "settings.toml:4".into(),
            default,
            defaults: Default::default(),
            read_only: None,
            prod: false,
            capabilities,
        },
        health,
        user: Some("ana".into()),
        servers: Some(7),
        latency: if default { vec![3, 4, 3, 5, 3] } else { vec![180, 210, 190, 640, 1900, 420, 230, 240] },
    }
}

pub fn clouds() -> Live {
    let stale = Freshness::Stale {
        at: ago(3600),
        failure: Some(Failure::transient("ask lab-demo who we are", "connection refused").at("lab.example.org:5000")),
    };
    Live::Clouds {
        rows: vec![
            cloud("sandbox", Driver::Sandbox, true, Freshness::Fresh { at: ago(5) }),
            cloud("lab-demo", Driver::Openstack, false, stale),
        ],
    }
}

fn list(cloud: &str, kind: ListKind, rows: Rows) -> FromEngine {
    let freshness =
        if cloud == "sandbox" { Freshness::Fresh { at: ago(5) } } else { Freshness::Stale { at: ago(3600), failure: None } };
    live(Live::List { cloud: CloudName::new(cloud), kind, freshness, rows: Some(rows) })
}

/// A list of the sandbox cloud's servers that came just now.
pub fn servers_now(rows: Vec<Server>) -> FromEngine {
    let freshness = Freshness::Fresh { at: NOW };
    live(Live::List { cloud: CloudName::new("sandbox"), kind: ListKind::Servers, freshness, rows: Some(Rows::Servers(rows)) })
}

pub fn server(cloud: &str, i: u32, status: ServerStatus) -> Server {
    Server {
        cloud: CloudName::new(cloud),
        id: format!("id-{i}"),
        name: format!("node-{i}"),
        fault: (status == ServerStatus::Error).then(|| "No valid host was found.".to_owned()),
        status,
        flavor: "small".into(),
        image: "host".into(),
        addresses: vec![Address {
            ip: format!("127.83.{}.{}", i / 250, i % 250 + 1),
            kind: AddressKind::Fixed,
            network: Some("lab".into()),
        }],
        ssh_port: 2222,
        created: ago(i64::from(i) * 300),
        tags: None,
        metadata: BTreeMap::new(),
    }
}

fn flavor(cloud: &str, name: &str, vcpus: u32, ram_mb: u64) -> Flavor {
    Flavor {
        cloud: CloudName::new(cloud),
        id: format!("f-{name}"),
        name: name.into(),
        vcpus,
        ram_mb,
        disk_gb: 20,
        note: String::new(),
    }
}

/// All lists of both clouds.
pub fn lists() -> Vec<FromEngine> {
    let statuses = [ServerStatus::Active, ServerStatus::Active, ServerStatus::Shutoff, ServerStatus::Error, ServerStatus::Build];
    let servers = statuses.into_iter().enumerate().map(|(i, s)| server("sandbox", i as u32 + 1, s)).collect();
    let image = Image {
        cloud: CloudName::new("sandbox"),
        id: "host".into(),
        name: "host".into(),
        status: ImageStatus::Active,
        size: None,
        created: Some(ago(900_000)),
        ssh_user: Some("root".into()),
        properties: [("os".to_owned(), "debian 12".to_owned())].into(),
    };
    let item = |name: &str, used, limit| QuotaItem { name: name.into(), used, limit: Some(limit) };
    let quota = Quota {
        items: vec![
            item("servers", 7, 50),
            item("vcpus", 12, 32),
            item("ram_mb", 24 * 1024, 128 * 1024),
            item("floating_ips", 2, 10),
        ],
    };
    vec![
        list("sandbox", ListKind::Servers, Rows::Servers(servers)),
        list("lab-demo", ListKind::Servers, Rows::Servers(vec![server("lab-demo", 90, ServerStatus::Active)])),
        list(
            "sandbox",
            ListKind::Flavors,
            Rows::Flavors(vec![flavor("sandbox", "small", 1, 512), flavor("sandbox", "large", 4, 8192)]),
        ),
        list("sandbox", ListKind::Images, Rows::Images(vec![image])),
        list("sandbox", ListKind::Quota, Rows::Quota(quota)),
    ]
}

/// Somebody at a console, and what they look at. The console under test is session 1.
pub fn who(session: u64, operator: &str, role: Role, view: Option<View>) -> Present {
    Present {
        operator: operator.into(),
        kind: ClientKind::Console,
        role,
        since: ago(600 - i64::try_from(session).unwrap()),
        session,
        view,
        read_only: false,
        from: None,
    }
}

pub fn present() -> Live {
    Live::Presence { clients: vec![who(1, "ana", Role::Operator, None), who(2, "ben", Role::Watcher, None)] }
}

pub fn prompt() -> Prompt {
    let choice = |word: &str, key, label: &str| Choice { word: word.into(), key, label: label.into() };
    Prompt {
        id: PromptId(uuid(77)),
        run: RunNo(42),
        step: None,
        question: "Server app-9 went to ERROR while booting.".into(),
        kind: PromptKind::Failure { failure: failure() },
        choices: vec![
            choice("retry", 'r', "retry"),
            choice("skip", 's', "go on without app-9"),
            choice("undo", 'u', "undo the run"),
            choice("keep", 'k', "keep what is there"),
        ],
        opened: ago(3),
        state: PromptState::Open,
    }
}

/// The lines of an output.
pub fn output_lines(from: u64, count: u64) -> Vec<String> {
    let line = |n: u64| match n % 5 {
        0 => format!("TASK [install packages {n}] ****************************************"),
        1 => "changed: [master-1]".to_owned(),
        2 => "ok: [slaves-1]".to_owned(),
        3 => "fatal: [slaves-2]: FAILED! => {\"msg\": \"No package openjdk-99 available.\"}".to_owned(),
        _ => format!("line {n} \u{1b}[31mred\u{1b}[0m with a title \u{1b}]0;evil\u{7} and an end"),
    };
    (from..from + count).map(line).collect()
}

/// A console over the whole seeded home.
pub fn console(width: u16, height: u16, profile: Profile, start: Start) -> Headless {
    let mut console = Headless::new(width, height, profile, NOW, start);
    console.connect(welcome());
    console.message(snapshot());
    console.message(live(clouds()));
    lists().into_iter().for_each(|message| console.message(message));
    console.message(live(docker::dockers()));
    docker::lists().into_iter().for_each(|message| console.message(message));
    console.message(live(present()));
    console
}

/// The same with a run open whose steps, playbook and output are here. 43 is under way, 41 failed.
pub fn console_on_run(width: u16, height: u16, profile: Profile, number: u64) -> Headless {
    let mut console = console(width, height, profile, Start::Run(RunNo(number)));
    let failed = number == 41;
    console.message(steps(if failed { steps_of_41() } else { steps_of_43() }));
    let run = RunNo(number);
    console.message(live(Live::Plays { run, step: 1, attempt: 1, first: 0, events: play_events(failed) }));
    console.message(live(Live::Output { run, step: 1, attempt: 1, lines: 1204, bytes: 90_000 }));
    super::answer_pages(&mut console, 1204);
    console
}

/// What happened to slaves-2.
pub fn moments() -> Vec<Moment> {
    let moment = |seconds, run, step, what| Moment { at: ago(seconds), run: RunNo(run), step, attempt: 1, what };
    let task = |name: &str, outcome, msg: &str, byte| Happened::Task {
        playbook: "site.yml".into(),
        name: name.into(),
        outcome,
        took: 1240,
        msg: msg.into(),
        byte,
    };
    let step = |title: &str, took, note: &str| Happened::Step {
        title: title.into(),
        state: StepState::Done,
        took: Some(took),
        note: note.into(),
    };
    vec![
        moment(700, 41, 1, task("install packages", play::Outcome::Failed, "No package openjdk-99 available.", 20)),
        moment(720, 41, 1, task("write /etc/motd", play::Outcome::Changed, "", 10)),
        moment(721, 41, 1, Happened::Quiet { playbook: "site.yml".into(), ok: 3, skipped: 1 }),
        moment(90_000, 12, 7, step("reach slaves-2", 900, "")),
        moment(90_004, 12, 6, step("create server slaves-2", 2100, "127.83.4.12")),
    ]
}
