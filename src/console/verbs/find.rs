//! From the names that people type to the things that they mean.

use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::words;
use crate::model::{Cluster, Flavor, Image, NodeState, Run, Server, ThingKind};
use crate::protocol::live::{ListKind, Rows};

/// Something that has a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Thing {
    /// What is typed.
    pub name: String,
    /// What it is like now.
    pub says: String,
    pub role: Role,
    /// The tab where it stands, and its row there.
    pub tab: Tab,
    pub id: String,
}

fn thing(tab: Tab, id: String, name: impl Into<String>, says: impl Into<String>, role: Role) -> Thing {
    Thing { name: name.into(), says: says.into(), role, tab, id }
}

/// The clouds.
pub fn clouds(model: &Model) -> Vec<Thing> {
    let of = |cloud: &crate::protocol::live::CloudRow| {
        let name = cloud.info.name.to_string();
        thing(Tab::Clouds, name.clone(), name, cloud.info.driver.to_string(), Role::Dim)
    };
    model.mirror.clouds.iter().map(of).collect()
}

/// The clusters, by name.
pub fn clusters(model: &Model) -> Vec<Thing> {
    let mut all: Vec<&Cluster> = model.mirror.clusters().values().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let of = |c: &Cluster| {
        let (_, role) = words::cluster_state(c.state);
        thing(Tab::Clusters, c.id.to_string(), &c.name, c.state.to_string(), role)
    };
    all.into_iter().map(of).collect()
}

/// The runs, newest first.
pub fn runs(model: &Model) -> Vec<Thing> {
    let of = |run: &Run| {
        let (_, role) = words::run_state(run.state);
        let number = run.number.to_string();
        thing(Tab::Runs, number.clone(), number, format!("{}   {}", run.state, run.title), role)
    };
    model.mirror.runs().values().rev().map(of).collect()
}

/// Names of things of several clouds: with the cloud before it where a name is not alone.
fn unique(mut things: Vec<(String, Thing)>) -> Vec<Thing> {
    let mut counts = std::collections::HashMap::new();
    for (_, thing) in &things {
        *counts.entry(thing.name.clone()).or_insert(0u32) += 1;
    }
    for (cloud, thing) in &mut things {
        if counts.get(&thing.name).is_some_and(|n| *n > 1) {
            thing.name = format!("{cloud}/{}", thing.name);
        }
    }
    things.into_iter().map(|(_, thing)| thing).collect()
}

/// The servers of the clouds in scope.
pub fn servers(model: &Model) -> Vec<Thing> {
    let all = model.each(ListKind::Servers, |rows| match rows {
        Rows::Servers(list) => Some(list),
        _ => None,
    });
    let of = |s: &Server| {
        let (_, role) = words::server_status(&s.status);
        (s.cloud.to_string(), thing(Tab::Servers, format!("{}/{}", s.cloud, s.id), &s.name, s.status.to_string(), role))
    };
    unique(all.map(of).collect())
}

/// The images of the clouds in scope.
pub fn images(model: &Model) -> Vec<Thing> {
    let all = model.each(ListKind::Images, |rows| match rows {
        Rows::Images(list) => Some(list),
        _ => None,
    });
    let of = |i: &Image| {
        (i.cloud.to_string(), thing(Tab::Images, format!("{}/{}", i.cloud, i.id), &i.name, i.cloud.to_string(), Role::Dim))
    };
    unique(all.map(of).collect())
}

/// The flavors of the clouds in scope.
pub fn flavors(model: &Model) -> Vec<Thing> {
    let all = model.each(ListKind::Flavors, |rows| match rows {
        Rows::Flavors(list) => Some(list),
        _ => None,
    });
    let of = |f: &Flavor| {
        let says = format!("{} vcpu, {}", f.vcpus, words::bytes(f.ram_mb << 20));
        (f.cloud.to_string(), thing(Tab::Flavors, format!("{}/{}", f.cloud, f.id), &f.name, says, Role::Dim))
    };
    unique(all.map(of).collect())
}

/// Nodes of clusters as `CLUSTER/NODE`; their rows are those of their clusters.
pub fn nodes(model: &Model) -> Vec<Thing> {
    let mut out = Vec::new();
    for cluster in clusters(model) {
        let Some(found) = model.cluster(&cluster.id) else { continue };
        for node in model.mirror.nodes_of(found.id).filter(|n| n.state == NodeState::Up) {
            let (_, role) = words::node_state(node.state);
            let says = node.address.clone().unwrap_or_default();
            out.push(thing(Tab::Clusters, cluster.id.clone(), format!("{}/{}", cluster.name, node.name), says, role));
        }
    }
    out
}

/// The server that a line begins with, and the rest of the line: names may have spaces.
///
/// # Errors
/// There is no such server.
pub fn server_and<'l>(model: &Model, line: &'l str) -> Result<(Thing, &'l str), String> {
    let behind = |name: &str| {
        let rest = line.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
    };
    let all = servers(model);
    let fits = all.iter().filter_map(|thing| Some((thing.clone(), behind(&thing.name)?)));
    let first = line.split(' ').next().unwrap_or_default();
    match fits.max_by_key(|(thing, _)| thing.name.len()) {
        Some(found) => Ok(found),
        None => by_name(all, "server", first).map(|thing| (thing, line[first.len()..].trim())),
    }
}

/// All things of a kind.
pub fn things(model: &Model, kind: ThingKind) -> Vec<Thing> {
    match kind {
        ThingKind::Server => servers(model),
        ThingKind::Node => nodes(model),
        ThingKind::Cluster => clusters(model),
        ThingKind::Image => images(model),
        ThingKind::Cloud => clouds(model),
        ThingKind::Run => runs(model),
    }
}

/// The thing of this name.
///
/// # Errors
/// There is none; the message has the nearest name.
pub fn by_name(things: Vec<Thing>, kind: &str, name: &str) -> Result<Thing, String> {
    let mut near: Option<(f64, String)> = None;
    let mut some = Vec::new();
    for thing in things {
        if thing.name == name || (thing.tab != Tab::Runs && thing.id == name) {
            return Ok(thing);
        }
        let likeness = strsim::jaro_winkler(&thing.name, name);
        if near.as_ref().is_none_or(|(best, _)| likeness > *best) {
            near = Some((likeness, thing.name.clone()));
        }
        if some.len() < 6 {
            some.push(thing.name);
        }
    }
    Err(match near {
        Some((likeness, near)) if likeness > 0.8 => format!("there is no {kind} {name}; did you mean {near}?"),
        Some(_) => format!("there is no {kind} {name}; there are {}", some.join(", ")),
        None => format!("there is no {kind} so far"),
    })
}
