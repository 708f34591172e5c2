//! Docker engines and what they hold, as things that are looked at.

use serde_json::Value;

use crate::console::panes::{containers, docker, docker_networks, docker_volumes, local_images};
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::words;
use crate::model::{DiskUse, DockerList, DockerName, Time};
use crate::protocol::live::Freshness;
use crate::protocol::{Command, Topic};

use super::facts::{failure, when};
use super::sheet::Sheet;

/// The kind of thing that a tab shows, for titles.
pub fn kind(tab: Tab) -> &'static str {
    match tab {
        Tab::Held(DockerList::Containers) => "container",
        Tab::Held(DockerList::Images) => "local image",
        Tab::Held(DockerList::Networks) => "Docker network",
        Tab::Held(DockerList::Volumes) => "Docker volume",
        _ => "Docker engine",
    }
}

/// Its name.
pub fn name(model: &Model, tab: Tab, row: &str) -> Option<String> {
    match tab {
        Tab::Docker => docker::find(model, row).map(|d| d.info.name.to_string()),
        Tab::Held(DockerList::Containers) => containers::find(model, row).map(|c| c.name.clone()),
        Tab::Held(DockerList::Images) => local_images::find(model, row).map(local_images::called),
        Tab::Held(DockerList::Networks) => docker_networks::find(model, row).map(|n| n.name.clone()),
        Tab::Held(DockerList::Volumes) => docker_volumes::find(model, row).map(|v| v.name.clone()),
        _ => None,
    }
}

/// As other programs get it.
pub fn value(model: &Model, tab: Tab, row: &str) -> Option<Value> {
    let value = match tab {
        Tab::Docker => serde_json::to_value(docker::find(model, row)?),
        Tab::Held(DockerList::Containers) => serde_json::to_value(containers::find(model, row)?),
        Tab::Held(DockerList::Images) => serde_json::to_value(local_images::find(model, row)?),
        Tab::Held(DockerList::Networks) => serde_json::to_value(docker_networks::find(model, row)?),
        Tab::Held(DockerList::Volumes) => serde_json::to_value(docker_volumes::find(model, row)?),
        _ => return None,
    };
    value.ok()
}

/// The Docker engine of a row.
fn engine(tab: Tab, row: &str) -> DockerName {
    // No name of a Docker engine has a slash in it; ids and names of volumes may.
    DockerName::new(if tab == Tab::Docker { row } else { row.split('/').next().unwrap_or_default() })
}

/// The command that shows the same.
pub fn command(tab: Tab, row: &str) -> Command {
    match tab {
        Tab::Held(list) => Command::Docker { docker: engine(tab, row), list },
        _ => Command::Dockers { test: true },
    }
}

/// What must be told of, as long as it is looked at.
pub fn topics(tab: Tab, row: &str) -> Vec<Topic> {
    match tab {
        Tab::Held(list) => vec![Topic::Dockers, Topic::Docker { docker: engine(tab, row), list }],
        _ => vec![Topic::Dockers],
    }
}

/// All that is known of it.
pub fn sheet(model: &Model, tab: Tab, row: &str, sheet: &mut Sheet) {
    match tab {
        Tab::Docker => of_engine(model, row, sheet),
        Tab::Held(DockerList::Containers) => of_container(model, row, sheet),
        Tab::Held(DockerList::Images) => of_image(model, row, sheet),
        Tab::Held(DockerList::Networks) => of_network(model, row, sheet),
        Tab::Held(DockerList::Volumes) => of_volume(model, row, sheet),
        _ => {}
    }
}

fn of_engine(model: &Model, row: &str, sheet: &mut Sheet) {
    let Some(docker) = docker::find(model, row) else { return };
    let info = &docker.info;
    sheet.fact("name", info.name.as_str(), Role::Strong);
    match &docker.health {
        Freshness::Failed { failure: why } => {
            sheet.fact("status", "does not answer", Role::Failed);
            failure(sheet, why);
        }
        Freshness::Loading => sheet.fact("status", "is being asked", Role::Running),
        _ => sheet.fact("status", "answers", Role::Ok),
    }
    sheet.fact("where", &info.address.host, Role::Text);
    if let Some(tls) = &info.address.tls {
        let (text, role) =
            if tls.unchecked { ("TLS, but its certificate is not checked", Role::Warn) } else { ("TLS", Role::Text) };
        sheet.fact("connection", text, role);
    }
    sheet.fact("set in", &info.source, Role::Dim);
    let Some(f) = &docker.facts else { return };
    sheet.fact("computer", &f.host, Role::Text);
    sheet.fact("version", format!("{}   API {}", f.version, f.api), Role::Text);
    sheet.fact("builder", if f.buildkit { "BuildKit" } else { "classic" }, Role::Text);
    sheet.fact("system", format!("{}   kernel {}   {}", f.system, f.kernel, f.platform), Role::Text);
    sheet.fact("storage", &f.storage, Role::Text);
    sheet.fact("swarm", &f.swarm, Role::Text);
    sheet.fact("cpus", f.cpus.to_string(), Role::Text);
    sheet.fact("memory", words::bytes(f.memory), Role::Text);
    sheet.fact("containers", format!("{} running of {}", f.running, f.containers), Role::Text);
    f.warnings.iter().for_each(|warning| sheet.fact("warns", warning, Role::Warn));
    if let Some(disk) = &f.disk {
        of_disk(disk, sheet);
    }
}

fn of_disk(disk: &DiskUse, sheet: &mut Sheet) {
    sheet.title("WHAT TAKES ROOM");
    let rooms =
        [("images", disk.images), ("containers", disk.containers), ("volumes", disk.volumes), ("build cache", disk.cache)];
    for (name, room) in rooms {
        let unused = if room.unused == 0 { String::new() } else { format!(", {} not used", words::bytes(room.unused)) };
        sheet.fact(name, format!("{} in {}{unused}", words::bytes(room.bytes), words::count(room.count.into())), Role::Text);
    }
}

fn labels<'l>(labels: impl IntoIterator<Item = (&'l String, &'l String)>, sheet: &mut Sheet) {
    for (name, value) in labels {
        sheet.fact("label", format!("{name}={value}"), Role::Dim);
    }
}

fn made(model: &Model, at: Option<Time>, sheet: &mut Sheet) {
    sheet.maybe("made", at.map(|at| when(model, at)), Role::Text);
}

fn of_container(model: &Model, row: &str, sheet: &mut Sheet) {
    let Some(c) = containers::find(model, row) else { return };
    let (_, word, role) = containers::state(c);
    sheet.fact("name", &c.name, Role::Strong);
    sheet.fact("state", word, role);
    sheet.fact("says", &c.says, Role::Text);
    sheet.fact("image", &c.image, Role::Text);
    sheet.fact("command", &c.command, Role::Text);
    sheet.maybe("service", c.service.as_ref(), Role::Text);
    c.ports.iter().for_each(|port| sheet.fact("port", port, Role::Text));
    c.networks.iter().for_each(|network| sheet.fact("network", network, Role::Text));
    made(model, Some(c.created), sheet);
    sheet.fact("docker", c.docker.as_str(), Role::Text);
    sheet.fact("id", &c.id, Role::Dim);
    sheet.fact("image id", &c.image_id, Role::Dim);
    labels(&c.labels, sheet);
}

fn of_image(model: &Model, row: &str, sheet: &mut Sheet) {
    let Some(image) = local_images::find(model, row) else { return };
    sheet.fact("name", local_images::called(image), Role::Strong);
    sheet.fact("size", words::bytes(image.size), Role::Text);
    made(model, Some(image.created), sheet);
    sheet.maybe("containers", image.containers.map(|n| n.to_string()), Role::Text);
    sheet.fact("docker", image.docker.as_str(), Role::Text);
    sheet.fact("id", &image.id, Role::Dim);
    image.digests.iter().for_each(|digest| sheet.fact("digest", digest, Role::Dim));
    labels(&image.labels, sheet);
}

fn of_network(model: &Model, row: &str, sheet: &mut Sheet) {
    let Some(network) = docker_networks::find(model, row) else { return };
    sheet.fact("name", &network.name, Role::Strong);
    sheet.fact("driver", &network.driver, Role::Text);
    sheet.fact("scope", &network.scope, Role::Text);
    network.subnets.iter().for_each(|subnet| sheet.fact("subnet", subnet, Role::Text));
    sheet.fact("outside", if network.internal { "no: it leads nowhere" } else { "yes" }, Role::Text);
    made(model, network.created, sheet);
    sheet.fact("docker", network.docker.as_str(), Role::Text);
    sheet.fact("id", &network.id, Role::Dim);
    labels(&network.labels, sheet);
}

fn of_volume(model: &Model, row: &str, sheet: &mut Sheet) {
    let Some(volume) = docker_volumes::find(model, row) else { return };
    sheet.fact("name", &volume.name, Role::Strong);
    sheet.fact("driver", &volume.driver, Role::Text);
    sheet.fact("place", &volume.place, Role::Text);
    made(model, volume.created, sheet);
    sheet.fact("docker", volume.docker.as_str(), Role::Text);
    labels(&volume.labels, sheet);
}
