//! The servers of all clouds in scope.

use std::collections::BTreeMap;

use crate::console::action::{Action, Offer};
use crate::console::rails;
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::capability::names;
use crate::model::{ClusterId, Deed, Flavor, Server, ServerStatus};
use crate::protocol::live::{ListKind, Rows};

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 18, 40, 0),
    Column::text("status", "STATUS", 10, 12, 0),
    Column::text("address", "ADDRESS", 15, 40, 1),
    Column::text("cluster", "CLUSTER", 12, 24, 2),
    Column::text("created", "MADE", 10, 10, 3).time(),
    Column::text("flavor", "FLAVOR", 9, 16, 4),
    Column::text("image", "IMAGE", 10, 24, 5),
    Column::text("cloud", "CLOUD", 9, 16, 6),
    Column::number("vcpus", "VCPUS", 5, 6, 7).extra(),
    Column::number("ram", "RAM", 7, 9, 7).bytes().extra(),
    Column::number("disk", "DISK", 7, 9, 8).bytes().extra(),
    Column::text("fault", "FAULT", 14, 50, 8).extra(),
    Column::text("id", "ID", 12, 36, 9).extra(),
];

pub fn rows(model: &Model) -> Vec<Row> {
    let names: BTreeMap<ClusterId, &str> = model.mirror.clusters().iter().map(|(id, c)| (*id, c.name.as_str())).collect();
    let flavors = model.each(ListKind::Flavors, |rows| match rows {
        Rows::Flavors(list) => Some(list),
        _ => None,
    });
    let mut sizes: BTreeMap<(&str, &str), &Flavor> = BTreeMap::new();
    for flavor in flavors {
        // A server names its flavor, or its id where the cloud gives no name.
        sizes.insert((flavor.cloud.as_str(), &flavor.id), flavor);
        sizes.insert((flavor.cloud.as_str(), &flavor.name), flavor);
    }
    all(model)
        .map(|server| row(model, server, &names, sizes.get(&(server.cloud.as_str(), server.flavor.as_str())).copied()))
        .collect()
}

fn all(model: &Model) -> impl Iterator<Item = &Server> {
    model.each(ListKind::Servers, |rows| match rows {
        Rows::Servers(list) => Some(list),
        _ => None,
    })
}

fn row(model: &Model, server: &Server, clusters: &BTreeMap<ClusterId, &str>, flavor: Option<&Flavor>) -> Row {
    let size = |bytes: u64| Cell::number(words::bytes(bytes), bytes as f64, Role::Dim);
    let (glyph, role) = words::server_status(&server.status);
    let cluster = match &server.tags {
        Some(tags) => clusters.get(&tags.cluster).map_or_else(Cell::none, |name| Cell::new(*name, Role::Text)),
        None => Cell::none(),
    };
    Row {
        id: format!("{}/{}", server.cloud, server.id),
        cells: vec![
            Cell::new(&server.name, Role::Strong),
            Cell::state(glyph, server.status.to_string(), role),
            server.address().map_or_else(Cell::none, |a| Cell::new(a, Role::Text)),
            cluster,
            Cell::number(words::when(model.now, server.created, &model.zone), server.created.0 as f64, Role::Dim),
            Cell::new(&server.flavor, Role::Dim),
            Cell::new(&server.image, Role::Dim),
            rails::cell(model, &server.cloud),
            flavor.map_or_else(Cell::none, |f| Cell::number(f.vcpus.to_string(), f.vcpus.into(), Role::Dim)),
            flavor.map_or_else(Cell::none, |f| size(f.ram_mb << 20)),
            flavor.map_or_else(Cell::none, |f| size(f.disk_gb << 30)),
            server.fault.as_ref().map_or_else(Cell::none, |fault| Cell::new(fault, Role::Failed)),
            Cell::new(&server.id, Role::Faint),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(server) = model.server(id) else { return Vec::new() };
    let addresses: Vec<String> = server
        .addresses
        .iter()
        .map(|a| match &a.network {
            Some(network) => format!("{} ({network})", a.ip),
            None => a.ip.clone(),
        })
        .collect();
    let line = format!("{}   ssh port {}   id {}", addresses.join("  "), server.ssh_port, server.id);
    let mut facts = vec![("address", line, Role::Dim)];
    if let Some(fault) = &server.fault {
        facts.push(("fault", fault.clone(), Role::Failed));
    }
    facts
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let server = model.table(Tab::Servers).selected().and_then(|id| model.server(id));
    let why = |capability: Option<&str>| -> Option<String> {
        let Some(server) = server else { return Some("no server is selected".to_owned()) };
        let can = |name: &str| {
            let cloud = model.mirror.clouds.iter().find(|c| c.info.name == server.cloud)?;
            cloud.info.capabilities.check(name).err()
        };
        capability.and_then(can)
    };
    let watching = || model.why_only_looking();
    let guard = |deed| server.and_then(|server| rails::why_not_server(model, deed, server));
    let state = |bad: bool, text: &str| (bad && model.table(Tab::Servers).marked().0 == 0).then(|| text.to_owned());
    let status = server.map(|s| &s.status);
    let up = status == Some(&ServerStatus::Active);
    let off = status == Some(&ServerStatus::Shutoff);
    let broken = status == Some(&ServerStatus::Error);
    let waits = status == Some(&ServerStatus::VerifyResize);
    let resize = |bad: bool, text: &str| {
        let can = watching().or_else(|| why(Some(names::RESIZE)));
        can.or_else(|| bad.then(|| text.to_owned())).or_else(|| guard(Deed::ServerResize))
    };
    vec![
        Offer::hint(Action::Shell).unless(
            watching().or_else(|| why(None)).or_else(|| state(!up, "the server is not up")).or_else(|| guard(Deed::Shell)),
        ),
        Offer::yes(Action::Forward).unless(
            watching().or_else(|| why(None)).or_else(|| state(!up, "the server is not up")).or_else(|| guard(Deed::Forward)),
        ),
        Offer::hint(Action::ConsoleLog).unless(why(Some(names::CONSOLE_LOG))),
        Offer::yes(Action::ServerActions).unless(why(Some(names::ACTIONS))),
        Offer::hint(Action::ServerStart).unless(
            watching()
                .or_else(|| why(Some(names::POWER)))
                .or_else(|| state(!off, "the server is not off"))
                .or_else(|| guard(Deed::ServerStart)),
        ),
        Offer::hint(Action::ServerStop).unless(
            watching()
                .or_else(|| why(Some(names::POWER)))
                .or_else(|| state(!up, "the server is not up"))
                .or_else(|| guard(Deed::ServerStop)),
        ),
        Offer::yes(Action::ServerReboot).unless(
            watching()
                .or_else(|| why(Some(names::POWER)))
                .or_else(|| state(!up, "the server is not up"))
                .or_else(|| guard(Deed::ServerReboot)),
        ),
        Offer {
            hinted: waits,
            ..Offer::yes(Action::ServerConfirm).unless(resize(!waits, "no new flavor waits to be confirmed"))
        },
        Offer {
            hinted: waits,
            ..Offer::yes(Action::ServerRevert).unless(resize(!waits, "no new flavor waits to be taken back"))
        },
        Offer::yes(Action::ServerResize).unless(resize(!up && !off, "the server is neither up nor off")),
        Offer::yes(Action::ServerRebuild).unless(
            watching()
                .or_else(|| why(Some(names::REBUILD)))
                .or_else(|| state(!up && !off && !broken, "the server is neither up nor off"))
                .or_else(|| guard(Deed::ServerRebuild)),
        ),
        Offer::hint(Action::ServerDelete).unless(watching().or_else(|| why(None)).or_else(|| guard(Deed::ServerDelete))),
        Offer::yes(Action::Open).unless(why(None)),
    ]
}

pub fn lesson() -> (String, Vec<Action>) {
    ("No servers. A cluster makes some.".to_owned(), vec![Action::GotoClusters])
}
