//! What a project has beside servers: its lists, where they lead, and what a cloud says that has none.

use super::screens::pictures;
use super::seed::{ago, clouds, console, live};
use super::*;
use crate::console::Start;
use crate::console::resource::Resource;
use crate::console::state::Tab;
use crate::console::theme::Profile;
use crate::model::capability::names;
use crate::model::*;
use crate::protocol::live::{CloudRow, Freshness, Live, Rows};
use crate::protocol::{ListKind, Topic};

fn lab() -> CloudName {
    CloudName::new("lab-demo")
}

fn list(kind: ListKind, rows: Rows) -> Live {
    Live::List { cloud: lab(), kind, freshness: Freshness::Fresh { at: ago(5) }, rows: Some(rows) }
}

fn rule(n: u32, direction: &str, protocol: Option<&str>, port: Option<u16>, peer: Option<&str>) -> SecurityRule {
    SecurityRule {
        id: format!("rule-{n}"),
        direction: direction.into(),
        ethertype: "IPv4".into(),
        protocol: protocol.map(str::to_owned),
        first: port,
        last: port,
        peer: peer.map(str::to_owned),
    }
}

fn port(n: u32, owner: &str, device: &str, address: &str) -> Port {
    Port {
        cloud: lab(),
        id: format!("port-{n}"),
        name: format!("port-{n}"),
        network: "private".into(),
        network_id: "net-1".into(),
        status: if n == 3 { "down" } else { "active" }.into(),
        mac: Some("fa:16:3e:00:00:01".into()),
        addresses: vec![address.into()],
        subnets: vec!["sub-1".into()],
        owner: owner.into(),
        device: Some(device.into()).filter(|_| !device.is_empty()),
        security_groups: vec!["default".into(), "web".into()],
    }
}

fn network(n: u32, name: &str, cidr: &str, external: bool) -> Network {
    Network { cloud: lab(), id: format!("net-{n}"), name: name.into(), cidr: Some(cidr.into()), external }
}

fn wiring() -> Vec<Live> {
    let networks = vec![network(1, "private", "10.10.0.0/16", false), network(2, "public", "172.24.0.0/16", true)];
    let subnet = Subnet {
        cloud: lab(),
        id: "sub-1".into(),
        name: "private-v4".into(),
        network: "private".into(),
        network_id: "net-1".into(),
        cidr: Some("10.10.0.0/16".into()),
        ip_version: 4,
        gateway: Some("10.10.0.1".into()),
        dhcp: true,
        dns: vec!["10.10.0.2".into()],
    };
    let router = Router {
        cloud: lab(),
        id: "router-1".into(),
        name: "router1".into(),
        status: "active".into(),
        external: Some("public".into()),
        addresses: vec!["172.24.0.9".into()],
    };
    let ports = vec![
        port(1, "compute:nova", "id-90", "10.10.0.14"),
        port(2, "network:router_interface", "router-1", "10.10.0.1"),
        port(3, "", "", "10.10.0.77"),
    ];
    let group = |n: u32, name: &str, rules| SecurityGroup {
        cloud: lab(),
        id: format!("group-{n}"),
        name: name.into(),
        description: format!("for {name}"),
        rules,
    };
    let web = vec![
        rule(1, "ingress", Some("tcp"), Some(443), Some("0.0.0.0/0")),
        rule(2, "ingress", Some("tcp"), Some(22), Some("10.0.0.0/8")),
        rule(3, "ingress", None, None, Some("default")),
        rule(4, "egress", None, None, None),
    ];
    vec![
        list(ListKind::Networks, Rows::Networks(networks)),
        list(ListKind::Subnets, Rows::Subnets(vec![subnet])),
        list(ListKind::Routers, Rows::Routers(vec![router])),
        list(ListKind::Ports, Rows::Ports(ports)),
        list(
            ListKind::SecurityGroups,
            Rows::SecurityGroups(vec![group(1, "default", vec![rule(9, "egress", None, None, None)]), group(2, "web", web)]),
        ),
    ]
}

fn rest() -> Vec<Live> {
    let ip = |n: u32, server: Option<&str>| FloatingIp {
        cloud: lab(),
        id: format!("fip-{n}"),
        address: format!("172.24.3.{n}"),
        server: server.map(str::to_owned),
        port: server.map(|_| "port-1".to_owned()),
        description: String::new(),
    };
    let pair = KeyPair { cloud: lab(), name: "ana".into(), fingerprint: "aa:bb:cc:dd".into(), public_key: None };
    let volume = Volume {
        cloud: lab(),
        id: "vol-1".into(),
        name: "data".into(),
        status: "in-use".into(),
        size_gb: 40,
        bootable: false,
        kind: Some("ssd".into()),
        zone: Some("nova".into()),
        created: Some(ago(90_000)),
        attached: vec![Attachment { server: "id-90".into(), device: Some("/dev/vdb".into()) }],
    };
    let group = ServerGroup {
        cloud: lab(),
        id: "sg-1".into(),
        name: "apart".into(),
        policy: "anti-affinity".into(),
        members: vec!["id-90".into()],
    };
    let zone = |name: &str, available| Zone { cloud: lab(), name: name.into(), available };
    let item = |name: &str, used, limit| QuotaItem { name: name.into(), used, limit };
    let quota = Quota {
        items: vec![item("servers", 46, Some(50)), item("ram_mb", 4096, Some(65_536)), item("security_group_rules", 17, None)],
    };
    vec![
        list(ListKind::FloatingIps, Rows::FloatingIps(vec![ip(7, Some("id-90")), ip(8, None)])),
        list(ListKind::KeyPairs, Rows::KeyPairs(vec![pair])),
        list(ListKind::Volumes, Rows::Volumes(vec![volume])),
        list(ListKind::ServerGroups, Rows::ServerGroups(vec![group])),
        list(ListKind::Zones, Rows::Zones(vec![zone("nova", true), zone("old", false)])),
        list(ListKind::Quota, Rows::Quota(quota)),
    ]
}

/// The clouds of the seeded home, of which lab-demo can everything.
fn clouds_that_can() -> Vec<CloudRow> {
    let Live::Clouds { mut rows } = clouds() else { unreachable!("these are the clouds") };
    let all = [names::NETWORKS, names::SECURITY_GROUPS, names::FLOATING_IPS, names::KEY_PAIRS, names::VOLUMES];
    for name in all.into_iter().chain([names::SERVER_GROUPS, names::ZONES, names::QUOTA, names::ACTIONS]) {
        rows[1].info.capabilities.0.insert(name.to_owned(), Capability::Yes);
    }
    let no = Capability::No { reason: "servers share the host's network".into() };
    rows[0].info.capabilities.0.insert(names::NETWORKS.to_owned(), no);
    rows
}

/// The seeded home, in which lab-demo can everything and the sandbox says what it cannot.
fn home(width: u16, height: u16, keys: &str) -> Headless {
    let mut console = console(width, height, Profile::TrueColour, Start::Home);
    let rows = clouds_that_can();
    console.message(live(Live::Clouds { rows }));
    wiring().into_iter().chain(rest()).for_each(|body| console.message(live(body)));
    console.take_effects();
    console.keys(keys.as_bytes());
    console
}

fn line(console: &mut Headless, text: &str) {
    console.keys(format!(":{text}\r").as_bytes());
}

/// The open list and its filter.
fn place(console: &Headless) -> (Tab, &str) {
    (console.model.tab, console.model.table(console.model.tab).filter())
}

#[test]
fn lists() {
    for kind in Resource::ALL.into_iter().filter(|kind| !kind.lists().is_empty()) {
        let line = format!(":{}\r", kind.name());
        pictures(&format!("resource_{}", kind.name().replace(' ', "_")), |width, height| home(width, height, &line));
    }
}

#[test]
fn a_network_leads_to_its_subnets_and_those_to_their_ports_and_escape_leads_back() {
    use Resource::{Networks, Ports, Subnets};
    let mut console = home(120, 40, "gn\r");
    assert_eq!(place(&console), (Tab::Resource(Subnets), "network=private cloud=lab-demo"));
    console.keys(b"\r");
    assert_eq!(place(&console), (Tab::Resource(Ports), "subnet=\"*private-v4*\" cloud=lab-demo"));
    assert_eq!(console.model.table(console.model.tab).counts(), (3, 3));
    console.keys(b"\x1b");
    assert_eq!(place(&console), (Tab::Resource(Subnets), "network=private cloud=lab-demo"));
    console.keys(b"\x1b");
    assert_eq!(place(&console), (Tab::Resource(Networks), ""));
}

#[test]
fn what_is_plugged_in_has_its_name_and_is_a_way_on() {
    let mut console = home(160, 40, "");
    line(&mut console, "ports");
    console.background();
    let text = console.text();
    assert!(text.contains("node-90") && text.contains("router1"), "{text}");
    console.keys(b"Js");
    assert_eq!(place(&console), (Tab::Servers, "name=node-90 cloud=lab-demo"));
}

#[test]
fn rows_that_come_late_are_selected_before_what_a_cloud_has_not() {
    let mut console = home(120, 40, "");
    console.model.mirror.lists.remove(&(lab(), ListKind::Subnets));
    line(&mut console, "subnets");
    assert_eq!(console.model.table(console.model.tab).selected(), None);
    let subnets = wiring().into_iter().find(|body| matches!(body, Live::List { kind: ListKind::Subnets, .. })).unwrap();
    console.message(live(subnets));
    assert_eq!(console.model.table(console.model.tab).selected(), Some("lab-demo/sub-1"));
}

#[test]
fn a_security_group_leads_to_its_rules() {
    let mut console = home(120, 40, "gejj\r");
    assert_eq!(place(&console), (Tab::Resource(Resource::Rules), "group=web cloud=lab-demo"));
    assert_eq!(console.model.table(console.model.tab).counts(), (4, 5));
    console.keys(b"d");
    console.background();
    let text = console.text();
    assert!(text.contains("rule") && text.contains("443"), "{text}");
}

#[test]
fn only_clouds_that_have_such_a_list_are_asked_and_the_others_say_why() {
    let mut console = home(120, 40, "gn");
    line(&mut console, "ports");
    let asked: Vec<Topic> = sent(&mut console)
        .into_iter()
        .filter_map(|(_, _, command)| match command {
            Command::Subscribe { topics } => Some(topics),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(asked.contains(&Topic::List { cloud: lab(), list: ListKind::Ports }), "{asked:?}");
    assert!(!asked.contains(&Topic::List { cloud: CloudName::new("sandbox"), list: ListKind::Ports }), "{asked:?}");
    console.background();
    assert!(console.text().contains("servers share the host's network"), "{}", console.text());
}

fn action(id: &str, what: &str, seconds: i64, ended: bool, details: Option<&str>) -> ServerAction {
    let event = |name: &str, ended: bool, details: Option<&str>| ServerEvent {
        event: name.into(),
        started: ago(seconds),
        ended: ended.then(|| Time(ago(seconds).0 + 1900)),
        result: ended.then(|| if details.is_some() { "Error" } else { "Success" }.to_owned()),
        details: details.map(str::to_owned),
    };
    ServerAction {
        id: id.into(),
        action: what.into(),
        at: ago(seconds),
        by: Some("ana-id".into()),
        message: details.map(|_| "Error".to_owned()),
        events: vec![event("conductor_prepare", true, None), event("compute_do", ended, details)],
    }
}

fn with_actions(width: u16, height: u16, keys: &str) -> Headless {
    let mut console = home(width, height, "");
    line(&mut console, "servers name=node-90");
    console.keys(b"A");
    let actions = vec![
        action("req-3", "reboot", 60, false, None),
        action("req-2", "resize", 600, true, Some("Traceback\n  No valid host was found.\n")),
        action("req-1", "create", 9000, true, None),
    ];
    answer(&mut console, &Slot::Actions("lab-demo/id-90".into()), Answer::ServerActions(actions));
    console.keys(keys.as_bytes());
    console
}

#[test]
fn a_server_leads_to_its_actions_and_those_to_their_events() {
    pictures("resource_actions", |width, height| with_actions(width, height, "j"));
    pictures("resource_events", |width, height| with_actions(width, height, "j\r"));
    let mut console = with_actions(160, 40, "");
    assert_eq!(place(&console), (Tab::Resource(Resource::Actions), "server=node-90 cloud=lab-demo"));
    console.keys(b"R");
    let again = sent(&mut console).pop().expect("it is read again").2;
    assert_eq!(again, Command::ServerActions { cloud: lab(), server: "id-90".into() });
    console.keys(b"j\r");
    assert_eq!(place(&console), (Tab::Resource(Resource::Events), "request=req-2 cloud=lab-demo"));
    console.background();
    assert!(console.text().contains("No valid host was found."), "{}", console.text());
    console.keys(b"\x1b\x1b");
    assert_eq!(console.model.tab, Tab::Servers);
}

#[test]
fn a_driver_without_actions_says_why() {
    let mut console = home(120, 40, "4");
    console.keys(b"A");
    assert_eq!(console.model.notice.as_ref().unwrap().text, "this driver has no server actions");
}

// --- changes ---

/// The same, with the server of lab-demo in this state, and a second flavor there.
fn with_server(status: ServerStatus) -> Headless {
    let mut console = home(120, 40, "");
    let mut rows = clouds_that_can();
    for name in [names::POWER, names::RESIZE, names::REBUILD] {
        rows[1].info.capabilities.0.insert(name.to_owned(), Capability::Yes);
    }
    console.message(live(Live::Clouds { rows }));
    let flavor = |name: &str, ram_mb| Flavor {
        cloud: lab(),
        id: format!("f-{name}"),
        name: name.into(),
        vcpus: 1,
        ram_mb,
        disk_gb: 20,
        note: String::new(),
    };
    let flavors = vec![flavor("small", 512), flavor("large", 4096)];
    console.message(live(list(ListKind::Flavors, Rows::Flavors(flavors))));
    console.message(live(list(ListKind::Servers, Rows::Servers(vec![super::seed::server("lab-demo", 90, status)]))));
    line(&mut console, "servers name=node-90");
    console.take_effects();
    console
}

fn changed(console: &mut Headless) -> Option<ServerChange> {
    sent(console).into_iter().find_map(|(_, _, command)| match command {
        Command::ServerChange { change, server, .. } if server == "id-90" => Some(change),
        _ => None,
    })
}

#[test]
fn a_server_gets_another_flavor_after_a_choice_and_a_question() {
    let mut console = with_server(ServerStatus::Active);
    console.keys(b"=");
    console.background();
    assert!(console.text().contains("large   1 vcpu, 4 GiB"), "{}", console.text());
    console.keys(b"1");
    assert_eq!(changed(&mut console), None, "it asks first");
    console.keys(b"y");
    assert_eq!(changed(&mut console), Some(ServerChange::Resize { flavor: "large".into(), confirm: false }));

    line(&mut console, "server rebuild node-90 host");
    console.keys(b"node-90\r");
    assert_eq!(changed(&mut console), Some(ServerChange::Rebuild { image: "host".into() }));
}

#[test]
fn a_new_flavor_is_confirmed_or_taken_back_while_it_waits() {
    let mut console = with_server(ServerStatus::Active);
    line(&mut console, "server confirm node-90");
    assert_eq!(console.model.notice.as_ref().unwrap().text, "no new flavor waits to be confirmed");
    let mut console = with_server(ServerStatus::VerifyResize);
    line(&mut console, "server revert node-90");
    console.keys(b"y");
    assert_eq!(changed(&mut console), Some(ServerChange::RevertResize));
    let mut console = with_server(ServerStatus::VerifyResize);
    line(&mut console, "server confirm node-90");
    console.keys(b"y");
    assert_eq!(changed(&mut console), Some(ServerChange::ConfirmResize));
}

#[test]
fn a_key_pair_is_deleted_after_a_question() {
    let mut console = home(120, 40, "gkjD");
    console.keys(b"y");
    let command =
        sent(&mut console).into_iter().map(|(_, _, command)| command).find(|c| matches!(c, Command::KeyPairDelete { .. }));
    assert_eq!(command, Some(Command::KeyPairDelete { cloud: lab(), name: "ana".into() }));
}
