//! What a project has beside servers, one file a kind. Rows lead on: from a network to its subnets, from there to the
//! ports, from a security group to its rules.

mod actions;
mod events;
mod floating_ips;
mod key_pairs;
mod networks;
mod ports;
mod quota;
mod routers;
mod rules;
mod security_groups;
mod server_groups;
mod subnets;
mod volumes;
mod zones;

use serde_json::Value;

use crate::console::action::{Action, Offer};
use crate::console::rails;
use crate::console::resource::Resource;
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::widgets::filter::quoted;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::model::{CloudName, Deed};
use crate::protocol::live::{ListKind, Rows};

use super::Fact;

/// The rows of a list of a kind, over all clouds in scope: `fn all(model)`.
macro_rules! listed {
    ($kind:ident of $row:ty) => {
        fn all(model: &$crate::console::state::Model) -> impl Iterator<Item = &$row> {
            model.each($crate::protocol::live::ListKind::$kind, |rows| match rows {
                $crate::protocol::live::Rows::$kind(list) => Some(list),
                _ => None,
            })
        }
    };
}
use listed;

/// The columns of a kind.
pub fn columns(kind: Resource) -> &'static [Column] {
    match kind {
        Resource::Networks => networks::COLUMNS,
        Resource::Subnets => subnets::COLUMNS,
        Resource::Ports => ports::COLUMNS,
        Resource::Routers => routers::COLUMNS,
        Resource::SecurityGroups => security_groups::COLUMNS,
        Resource::Rules => rules::COLUMNS,
        Resource::FloatingIps => floating_ips::COLUMNS,
        Resource::KeyPairs => key_pairs::COLUMNS,
        Resource::Volumes => volumes::COLUMNS,
        Resource::ServerGroups => server_groups::COLUMNS,
        Resource::Zones => zones::COLUMNS,
        Resource::Quota => quota::COLUMNS,
        Resource::Actions => actions::COLUMNS,
        Resource::Events => events::COLUMNS,
    }
}

/// The rows of a kind.
pub fn rows(model: &Model, kind: Resource) -> Vec<Row> {
    match kind {
        Resource::Networks => networks::rows(model),
        Resource::Subnets => subnets::rows(model),
        Resource::Ports => ports::rows(model),
        Resource::Routers => routers::rows(model),
        Resource::SecurityGroups => security_groups::rows(model),
        Resource::Rules => rules::rows(model),
        Resource::FloatingIps => floating_ips::rows(model),
        Resource::KeyPairs => key_pairs::rows(model),
        Resource::Volumes => volumes::rows(model),
        Resource::ServerGroups => server_groups::rows(model),
        Resource::Zones => zones::rows(model),
        Resource::Quota => quota::rows(model),
        Resource::Actions => actions::rows(model),
        Resource::Events => events::rows(model),
    }
}

/// The thing of a row as other programs get it.
pub fn value(model: &Model, kind: Resource, id: &str) -> Option<Value> {
    match kind {
        Resource::Networks => networks::value(model, id),
        Resource::Subnets => subnets::value(model, id),
        Resource::Ports => ports::value(model, id),
        Resource::Routers => routers::value(model, id),
        Resource::SecurityGroups => security_groups::value(model, id),
        Resource::Rules => rules::value(model, id),
        Resource::FloatingIps => floating_ips::value(model, id),
        Resource::KeyPairs => key_pairs::value(model, id),
        Resource::Volumes => volumes::value(model, id),
        Resource::ServerGroups => server_groups::value(model, id),
        Resource::Zones => zones::value(model, id),
        Resource::Quota => quota::value(model, id),
        Resource::Actions => actions::value(model, id),
        Resource::Events => events::value(model, id),
    }
}

/// What is called a thing in its list, for titles.
pub fn name(model: &Model, kind: Resource, id: &str) -> String {
    let text = |value: &Value| {
        ["name", "address", "action", "event", "id"].iter().find_map(|key| Some(value.get(*key)?.as_str()?.to_owned()))
    };
    value(model, kind, id).as_ref().and_then(text).unwrap_or_else(|| id.to_owned())
}

/// Something that belongs to a row: a key, what it is, the line that leads there.
pub type Way = (char, String, String);

/// Where a row leads, the way of `enter` first.
pub fn ways(model: &Model, kind: Resource, id: &str) -> Vec<Way> {
    let cell = |column: &str| {
        let at = columns(kind).iter().position(|c| c.id == column)?;
        model.table(Tab::Resource(kind)).cell(id, at).filter(|text| !text.is_empty() && *text != "–")
    };
    // A row that says what a cloud has not leads nowhere.
    let Some((cloud, _)) = id.split_once('/') else { return Vec::new() };
    let mut ways = Vec::new();
    let mut to = |key: char, what: &str, list: &str, column: &str, value: Option<&str>| {
        if let Some(value) = value {
            ways.push((key, format!("{what} {value}"), format!("{list} {column}={} cloud={cloud}", quoted(value))));
        }
    };
    // A thing can have several of these: the others stand around it.
    let among = |value: &str| format!("*{value}*");
    match kind {
        Resource::Networks => {
            to('s', "subnets of", "subnets", "network", cell("name"));
            to('p', "ports on", "ports", "network", cell("name"));
        }
        Resource::Subnets => {
            to('p', "ports on", "ports", "subnet", cell("name").map(among).as_deref());
            to('n', "network", "networks", "name", cell("network"));
        }
        Resource::Ports => {
            match cell("owner") {
                Some(owner) if owner.starts_with("network:router") => to('s', "router", "routers", "name", cell("device")),
                Some(owner) if owner.starts_with("compute:") => to('s', "server", "servers", "name", cell("device")),
                _ => {}
            }
            to('n', "network", "networks", "name", cell("network"));
            to('g', "security group", "security groups", "name", cell("groups").and_then(|all| all.split(", ").next()));
        }
        Resource::Routers => {
            to('p', "ports of", "ports", "device", cell("name"));
            to('n', "network", "networks", "name", cell("external"));
        }
        Resource::SecurityGroups => {
            to('r', "rules of", "rules", "group", cell("name"));
            to('p', "ports in", "ports", "groups", cell("name").map(among).as_deref());
        }
        Resource::Rules => to('g', "security group", "security groups", "name", cell("group")),
        Resource::FloatingIps => to('s', "server", "servers", "name", cell("server")),
        Resource::Volumes => to('s', "server", "servers", "name", cell("server").and_then(|all| all.split(", ").next())),
        Resource::Actions => {
            to('e', "events of", "events", "request", cell("request"));
            to('s', "server", "servers", "name", cell("server"));
        }
        Resource::Events => to('s', "server", "servers", "name", cell("server")),
        Resource::ServerGroups | Resource::KeyPairs | Resource::Zones | Resource::Quota => {}
    }
    ways.push(('o', format!("cloud {cloud}"), format!("cloud show {cloud}")));
    ways
}

/// Where `enter` leads on a row; `None`: to what is known of it.
pub fn goal(model: &Model, kind: Resource) -> Option<String> {
    use Resource::{Actions, Networks, Routers, SecurityGroups, Subnets};
    let leads = matches!(kind, Networks | Subnets | Routers | SecurityGroups | Actions);
    let id = model.table(Tab::Resource(kind)).selected().filter(|_| leads)?;
    // A cloud can have a network and nothing below it.
    let below = |cloud: &str| model.why_no_list(&CloudName::new(cloud), ListKind::Subnets).is_none();
    if kind == Resource::Networks && !below(id.split('/').next()?) {
        return None;
    }
    ways(model, kind, id).into_iter().next().map(|(_, _, line)| line)
}

/// What is to be known of the selected row beside its cells.
pub fn facts(model: &Model, kind: Resource, id: &str) -> Vec<Fact> {
    let Some(Value::Object(fields)) = value(model, kind, id) else { return Vec::new() };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut facts = vec![("id", text("id"), Role::Dim), ("says", text("description"), Role::Dim)];
    if let Some(Value::Array(members)) = fields.get("members") {
        let names: Vec<String> =
            members.iter().filter_map(Value::as_str).map(|id| server_name(model, cloud_of(&fields), id)).collect();
        facts.push(("servers", names.join(", "), Role::Text));
    }
    facts.retain(|(_, text, _)| !text.is_empty());
    facts
}

fn cloud_of(fields: &serde_json::Map<String, Value>) -> &str {
    fields.get("cloud").and_then(Value::as_str).unwrap_or_default()
}

pub fn offers(model: &Model, kind: Resource) -> Vec<Offer> {
    let nothing = model.table(Tab::Resource(kind)).selected().is_none().then_some("nothing is selected");
    let mut offers = vec![Offer::hint(Action::Open).unless(nothing)];
    if kind == Resource::KeyPairs {
        offers.push(Offer::hint(Action::KeyPairDelete).unless(why_no_delete(model)));
    }
    offers.extend([
        Offer::hint(Action::Jump).unless(nothing),
        Offer::hint(Action::ViewBack).unless((!model.trail.ways().0).then_some("this is the first view")),
        Offer::hint(Action::CloudScope),
    ]);
    offers
}

/// Why the selected key pair cannot be deleted.
fn why_no_delete(model: &Model) -> Option<String> {
    let Some(id) = model.table(Tab::Resource(Resource::KeyPairs)).selected() else {
        return Some("nothing is selected".to_owned());
    };
    let cloud = CloudName::new(id.split('/').next().unwrap_or_default());
    model.why_only_looking().or_else(|| rails::why_not(model, Deed::KeyPairDelete, &cloud, None))
}

pub fn lesson(model: &Model, kind: Resource) -> (String, Vec<Action>) {
    if matches!(kind, Resource::Actions | Resource::Events) {
        let text = if model.deeds.waits() { "Asking the cloud…" } else { "Go to a server and ask what was done to it." };
        return (text.to_owned(), vec![Action::GotoServers]);
    }
    (format!("No {}: the clouds have none.", kind.name()), vec![Action::Refresh])
}

// --- what several kinds need ---

/// The name of a server, or its id where its list is not here.
fn server_name(model: &Model, cloud: &str, id: &str) -> String {
    model.server(&format!("{cloud}/{id}")).map_or_else(|| id.to_owned(), |server| server.name.clone())
}

/// The name of what is plugged in: a server, a router, or the id.
fn device_name(model: &Model, cloud: &CloudName, id: &str) -> String {
    let router = || match model.list(cloud, ListKind::Routers) {
        Some((_, Some(Rows::Routers(rows)))) => rows.iter().find(|router| router.id == id).map(|router| router.name.clone()),
        _ => None,
    };
    let server = model.server(&format!("{cloud}/{id}")).map(|server| server.name.clone());
    server.or_else(router).unwrap_or_else(|| id.to_owned())
}

/// A text, or nothing to say.
fn said(text: &str, role: Role) -> Cell {
    if text.is_empty() { Cell::none() } else { Cell::new(text, role) }
}

/// The same of a text that may be missing.
fn maybe(text: Option<&String>, role: Role) -> Cell {
    text.map_or_else(Cell::none, |text| Cell::new(text, role))
}

/// A state in the cloud's words.
fn state(word: &str) -> Cell {
    use crate::console::theme::Glyph;
    let (glyph, role) = match word {
        "active" | "available" | "in-use" => (Glyph::On, Role::Ok),
        "down" | "reserved" | "closed" => (Glyph::Off, Role::Skipped),
        "" => return Cell::none(),
        word if word.starts_with("error") => (Glyph::Failed, Role::Failed),
        _ => (Glyph::Busy, Role::Running),
    };
    Cell::state(glyph, word, role)
}
