//! Custom commands: from a name and a thing to a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::{looking, servers, start};
use crate::base::Cx;
use crate::engine::core::Core;
use crate::engine::door::Who;
use crate::engine::planning::cluster_of;
use crate::engine::policy;
use crate::model::{CloudName, CommandCall, Failure, Thing, Work};
use crate::protocol::{Answer, Refusal};

/// What is known of a thing.
struct Known {
    facts: BTreeMap<&'static str, String>,
    cloud: Option<CloudName>,
    cluster: Option<String>,
}

impl Known {
    fn new(cloud: Option<&CloudName>, cluster: Option<&str>, facts: &[(&'static str, Option<String>)]) -> Self {
        let mut facts: BTreeMap<_, _> = facts.iter().filter_map(|(name, value)| Some((*name, value.clone()?))).collect();
        facts.extend(cloud.map(|cloud| ("cloud", cloud.to_string())));
        facts.extend(cluster.map(|cluster| ("cluster", cluster.to_owned())));
        Self { facts, cloud: cloud.cloned(), cluster: cluster.map(str::to_owned) }
    }
}

/// Starts the run of a command on a thing.
pub async fn run(
    core: &Arc<Core>,
    who: &Who,
    name: &str,
    thing: &Thing,
    inputs: &BTreeMap<String, String>,
    key: Option<Uuid>,
) -> Result<Answer, Refusal> {
    let tried = format!("run command {}", crate::model::text::clean(name));
    let rules = core.clouds.rules();
    let Some(command) = rules.command(name) else {
        let known: Vec<_> = rules.commands.iter().map(|command| command.name.as_str()).collect();
        let next = if known.is_empty() {
            "write it as [[command]] into settings.toml".to_owned()
        } else {
            format!("the commands are: {}", known.join(", "))
        };
        return Err(Refusal::of(Failure::not_found(tried, "there is no command of that name").next(next)));
    };
    let wrong = |got: String| Refusal::bad(Failure::refused(&tried, got).at(&command.source));
    if command.on != thing.kind() {
        return Err(wrong(format!("it is for {}, not for {}", command.on.one(), thing.kind().one())));
    }
    let inputs = command.inputs_of(inputs).map_err(wrong)?;
    let known = known(core, thing).await.map_err(Refusal::of)?;
    let argv = command.arguments(&known.facts, &inputs).map_err(wrong)?;
    let title = format!("{} on {}", command.name, known.facts.get("name").map_or("", String::as_str));
    let call = CommandCall {
        name: command.name.clone(),
        argv,
        cwd: who.context.cwd.clone(),
        cluster: known.cluster,
        dangerous: command.dangerous,
    };
    start::single(core, who, &title, Work::Command { call: Box::new(call) }, known.cloud, key).await
}

async fn known(core: &Core, thing: &Thing) -> Result<Known, Failure> {
    let cx = Cx::quiet();
    Ok(match thing {
        Thing::Server { cloud, server } => {
            let found = servers::find(&core.clouds.get(cloud)?, &cx, server).await?;
            let cluster = found.tags.as_ref().and_then(|tags| policy::cluster_name(core, tags.cluster));
            let (address, port) = (found.address().map(str::to_owned), Some(found.ssh_port.to_string()));
            let facts = [("name", Some(found.name)), ("id", Some(found.id)), ("address", address), ("port", port)];
            Known::new(Some(cloud), cluster.as_deref(), &facts)
        }
        Thing::Node { cluster, node } => {
            let cluster = cluster_of(core, *cluster)?;
            let missing = || Failure::not_found(format!("find node {node}"), format!("{} has no such node", cluster.name));
            let node = core.journal.state().nodes.get(&(cluster.id, node.clone())).cloned().ok_or_else(missing)?;
            let facts = [
                ("name", Some(node.name)),
                ("id", node.server),
                ("address", node.address),
                ("port", Some(node.ssh_port.to_string())),
                ("group", Some(node.group)),
            ];
            Known::new(Some(&node.cloud), Some(&cluster.name), &facts)
        }
        Thing::Cluster { cluster } => {
            let cluster = cluster_of(core, *cluster)?;
            let facts = [("name", Some(cluster.name.clone())), ("id", Some(cluster.id.to_string()))];
            Known::new(Some(&cluster.cloud), Some(&cluster.name), &facts)
        }
        Thing::Image { cloud, image } => {
            let driver = core.clouds.get(cloud)?;
            let images = cx.run(&format!("find image {image}"), driver.images(&cx)).await?;
            let missing = || Failure::not_found(format!("find image {image}"), "there is no image of that id or name");
            let found = images.into_iter().find(|i| i.id == *image || i.name == *image).ok_or_else(missing)?;
            Known::new(Some(cloud), None, &[("name", Some(found.name)), ("id", Some(found.id))])
        }
        Thing::Cloud { cloud } => {
            core.clouds.get(cloud)?;
            Known::new(Some(cloud), None, &[("name", Some(cloud.to_string()))])
        }
        Thing::Run { run } => {
            let run = looking::run_of(core, *run)?;
            let cloud = run.cluster.and_then(|id| core.journal.state().clusters.get(&id).map(|c| c.cloud.clone()));
            Known::new(cloud.as_ref(), run.cluster_name.as_deref(), &[("name", Some(run.number.to_string()))])
        }
    })
}
