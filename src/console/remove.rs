//! Taking things away, after as sure a question as the guards want.

use crate::model::{CloudName, Cluster, Deed, Level};
use crate::protocol::Command;

use super::bulk::{self, Bulk, Item};
use super::layers::{Confirm, Layer, PlanLayer};
use super::msg::Slot;
use super::rails;
use super::resource::Resource;
use super::state::{Model, Tab};
use super::words;

/// Deletes the clusters that are meant: one with its plan shown, several at once.
pub fn clusters(model: &mut Model) {
    let ids = model.table(Tab::Clusters).targets();
    let clusters: Vec<Cluster> = ids.iter().filter_map(|id| model.cluster(id)).cloned().collect();
    if let [cluster] = clusters.as_slice() {
        let layer = PlanLayer::ask(model, format!("delete {}", cluster.name), Command::PlanDelete { cluster: cluster.id });
        model.layers.push(Layer::Plan(Box::new(layer)));
        return;
    }
    let things: Vec<_> = clusters.iter().map(|c| (c.cloud.clone(), Some(c.name.clone()))).collect();
    let servers = clusters.iter().map(|c| model.mirror.nodes_of(c.id).count()).sum();
    let asks = rails::question_of(model, Deed::ClusterDelete, &things, servers, Level::Name);
    let Some((level, says)) = asks else { return };
    let item = |c: &Cluster| Item::new(&c.name, c.id.to_string(), Command::PlanDelete { cluster: c.id });
    let text = format!("All their servers are deleted. What is on their disks is lost.{says}");
    asked(model, level, "delete", "cluster", &text, clusters.iter().map(item).collect());
}

/// Deletes the servers that are meant.
pub fn servers(model: &mut Model) {
    let servers = model.target_servers();
    let in_cluster = servers.iter().any(|s| s.tags.is_some());
    let mut text = "What is on the disks is lost.".to_owned();
    if in_cluster {
        text.push_str(" Servers of a cluster are better deleted with their cluster: scale it, or delete it.");
    }
    let Some((level, says)) = rails::question(model, Deed::ServerDelete, &servers, Level::Name) else { return };
    text.push_str(&says);
    let items = servers.into_iter().map(|s| {
        let id = format!("{}/{}", s.cloud, s.id);
        Item::new(s.name, id, Command::ServerDelete { cloud: s.cloud, server: s.id })
    });
    asked(model, level, "delete", "server", &text, items.collect());
}

/// Deletes the images that are meant.
pub fn images(model: &mut Model) {
    let ids = model.table(Tab::Images).targets();
    let item = |id: &String| {
        let (cloud, image) = id.split_once('/')?;
        let (cloud, name) = (CloudName::new(cloud), model.table(Tab::Images).cell(id, 0)?);
        Some((cloud.clone(), Item::new(name, id, Command::ImageDelete { cloud, image: image.to_owned() })))
    };
    let (clouds, items): (Vec<_>, Vec<_>) = ids.iter().filter_map(item).unzip();
    let things: Vec<_> = clouds.into_iter().map(|cloud| (cloud, None)).collect();
    let asks = rails::question_of(model, Deed::ImageDelete, &things, items.len(), Level::Name);
    let Some((level, says)) = asks else { return };
    asked(model, level, "delete", "image", &format!("Servers that were made from it stay.{says}"), items);
}

/// Deletes the key pairs that are meant.
pub fn key_pairs(model: &mut Model) {
    let ids = model.table(Tab::Resource(Resource::KeyPairs)).targets();
    let item = |id: &String| {
        let (cloud, name) = id.split_once('/')?;
        let (cloud, name) = (CloudName::new(cloud), name.to_owned());
        Some((cloud.clone(), Item::new(&name, id, Command::KeyPairDelete { cloud, name: name.clone() })))
    };
    let (clouds, items): (Vec<_>, Vec<_>) = ids.iter().filter_map(item).unzip();
    let things: Vec<_> = clouds.into_iter().map(|cloud| (cloud, None)).collect();
    let asks = rails::question_of(model, Deed::KeyPairDelete, &things, items.len(), Level::Yes);
    let Some((level, says)) = asks else { return };
    asked(model, level, "delete", "key pair", &format!("Servers that have the key keep it.{says}"), items);
}

/// Does it at once, after a yes, or after the name was typed.
pub fn asked(model: &mut Model, level: Level, verb: &str, kind: &str, text: &str, items: Vec<Item>) {
    match (level, items.as_slice()) {
        (Level::None, [only]) => model.request(Slot::Act(format!("{verb} {}", only.name)), only.command.clone()),
        (Level::None, _) => {
            let title = format!("{verb} {}", words::many(items.len() as u64, kind));
            bulk::begin(model, Bulk::new(title, items));
        }
        (level, _) => confirm(model, verb, kind, text, items, level == Level::Name),
    }
}

/// One thing: asked with what is done to it. Several: each gets a result of its own.
fn confirm(model: &mut Model, verb: &str, kind: &str, text: &str, items: Vec<Item>, type_it: bool) {
    let title = format!("{verb} {}", words::many(items.len() as u64, kind));
    let names: Vec<&str> = items.iter().map(|i| i.name.as_str()).collect();
    let text = if text.is_empty() { names.join(", ") } else { format!("{}\n\n{text}", names.join(", ")) };
    let layer = match items.as_slice() {
        [] => return,
        [only] => {
            let command = (Slot::Act(format!("{verb}: {}", only.name)), only.command.clone());
            Confirm::new(format!("{verb} {kind}"), text, type_it.then(|| only.name.clone()), vec![command])
        }
        _ => {
            let word = type_it.then(|| words::many(items.len() as u64, kind));
            Confirm::several(text, word, Bulk::new(title, items))
        }
    };
    model.layers.push(Layer::Confirm(layer));
}
