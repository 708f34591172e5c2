//! Servers that get another flavor or a new disk: what there is to choose from, and the question before.

use crate::model::{Deed, Level, Server, ServerChange};
use crate::protocol::Command;
use crate::protocol::live::{ListKind, Rows};

use super::action::Action;
use super::go::{self, Related};
use super::layers::{Confirm, Jump, Layer};
use super::msg::Slot;
use super::rails;
use super::state::{Model, Tab};
use super::verbs::server_and;
use super::words;

/// Keys of what is chosen from, in this order; `j` and `k` move.
const KEYS: &str = "123456789abcdefghilmnopqrstuvwxyz";

/// What an action does to the selected server, once what it needs is known.
pub fn act(model: &mut Model, action: Action) {
    let server = model.table(Tab::Servers).selected().and_then(|id| model.server(id)).cloned();
    let Some(server) = server else { return };
    match action {
        Action::ServerResize => choose(model, &server),
        // The same disk as at first; another one is named on the line.
        Action::ServerRebuild => ask(model, &server, ServerChange::Rebuild { image: server.image.clone() }),
        Action::ServerConfirm => ask(model, &server, ServerChange::ConfirmResize),
        _ => ask(model, &server, ServerChange::RevertResize),
    }
}

/// `server resize SERVER FLAVOR`, `server rebuild SERVER IMAGE`.
///
/// # Errors
/// There is no such server.
pub fn by_line(model: &mut Model, action: Action, argument: &str) -> Result<(), String> {
    let (thing, rest) = server_and(model, argument)?;
    go::focus(model, thing.tab, &thing.id)?;
    let offered = super::update::offers(model).into_iter().find(|offer| offer.action == action);
    if let Some(why) = offered.and_then(|offer| offer.why_not) {
        return Err(why);
    }
    let Some(server) = model.server(&thing.id).cloned() else { return Err(format!("{} is gone", thing.name)) };
    match (action, rest) {
        (_, "") => act(model, action),
        (Action::ServerResize, flavor) => {
            ask(model, &server, ServerChange::Resize { flavor: flavor.to_owned(), confirm: false });
        }
        (_, image) => ask(model, &server, ServerChange::Rebuild { image: image.to_owned() }),
    }
    Ok(())
}

/// The flavors of its cloud, each on a key.
fn choose(model: &mut Model, server: &Server) {
    let flavors = match model.list(&server.cloud, ListKind::Flavors) {
        Some((_, Some(Rows::Flavors(rows)))) => rows.as_slice(),
        _ => &[],
    };
    let mut others: Vec<_> = flavors.iter().filter(|flavor| flavor.name != server.flavor).collect();
    others.sort_by_key(|flavor| (flavor.ram_mb, flavor.vcpus, flavor.disk_gb));
    let ways: Vec<Related> = others
        .into_iter()
        .zip(KEYS.chars())
        .map(|(flavor, key)| {
            let size = format!("{} vcpu, {}", flavor.vcpus, words::bytes(flavor.ram_mb << 20));
            let what = format!("{}   {size}, disk {}", flavor.name, words::bytes(flavor.disk_gb << 30));
            Related { key, what, line: format!("server resize {} {}", server.name, flavor.name), why_not: None }
        })
        .collect();
    if ways.is_empty() {
        return model
            .say(format!("{} has no other flavor, or its flavors are not here yet", server.cloud), super::theme::Role::Warn);
    }
    model.layers.push(Layer::Jump(Jump::of("resize to", ways)));
}

/// Asks as surely as the guards want, then starts the run.
fn ask(model: &mut Model, server: &Server, change: ServerChange) {
    let deed = Deed::from(&change);
    let (otherwise, text) = match &change {
        ServerChange::Rebuild { .. } => (Level::Name, "What is on its disk is lost. Its addresses stay."),
        ServerChange::Resize { .. } => (Level::Yes, "It is stopped meanwhile. The new flavor waits to be confirmed then."),
        ServerChange::ConfirmResize => (Level::Yes, "What it was before is given up."),
        ServerChange::RevertResize => (Level::Yes, "It is stopped meanwhile, and is then what it was before."),
    };
    let Some((level, says)) = rails::question(model, deed, std::slice::from_ref(server), otherwise) else { return };
    let title = change.title(&server.name);
    let command = Command::ServerChange { cloud: server.cloud.clone(), server: server.id.clone(), change };
    match level {
        Level::None => model.request(Slot::Start, command),
        level => {
            let typed = (level == Level::Name).then(|| server.name.clone());
            let layer = Confirm::new(title, format!("{text}{says}"), typed, vec![(Slot::Start, command)]);
            model.layers.push(Layer::Confirm(layer));
        }
    }
}
