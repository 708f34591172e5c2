//! Custom commands: from a name and a thing to a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use uuid::Uuid;

use super::{looking, servers, start};
use crate::base::Cx;
use crate::engine::core::{Core, RunSecrets};
use crate::engine::door::Who;
use crate::engine::planning::cluster_of;
use crate::engine::policy;
use crate::model::{CommandCall, Failure, Thing, ThingFacts, Work};
use crate::protocol::{Answer, Refusal};

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
    let mut inputs = command.inputs_of(inputs).map_err(wrong)?;
    let names: Vec<String> = command.secrets().map(str::to_owned).collect();
    let given: RunSecrets =
        names.iter().filter_map(|name| Some((name.clone(), SecretString::from(inputs.remove(name)?)))).collect();
    let known = known(core, thing).await.map_err(Refusal::of)?;
    let argv = command.arguments(&known.facts, &inputs).map_err(wrong)?;
    let title = format!("{} on {}", command.name, known.name());
    let call = CommandCall {
        name: command.name.clone(),
        argv,
        cwd: who.context.cwd.clone(),
        cluster: known.cluster,
        dangerous: command.dangerous,
        secrets: names,
    };
    start::single(core, who, &title, Work::Command { call: Box::new(call) }, known.cloud, given, key).await
}

async fn known(core: &Core, thing: &Thing) -> Result<ThingFacts, Failure> {
    let cx = Cx::quiet();
    Ok(match thing {
        Thing::Server { cloud, server } => {
            let found = servers::find(&core.clouds.get(cloud)?, &cx, server).await?;
            let cluster = found.tags.as_ref().and_then(|tags| policy::cluster_name(core, tags.cluster));
            ThingFacts::server(&found, cluster.as_deref())
        }
        Thing::Node { cluster, node } => {
            let cluster = cluster_of(core, *cluster)?;
            let missing = || Failure::not_found(format!("find node {node}"), format!("{} has no such node", cluster.name));
            let node = core.journal.state().nodes.get(&(cluster.id, node.clone())).cloned().ok_or_else(missing)?;
            ThingFacts::node(&node, &cluster.name)
        }
        Thing::Cluster { cluster } => ThingFacts::cluster(&cluster_of(core, *cluster)?),
        Thing::Image { cloud, image } => {
            let driver = core.clouds.get(cloud)?;
            let images = cx.run(&format!("find image {image}"), driver.images(&cx)).await?;
            let missing = || Failure::not_found(format!("find image {image}"), "there is no image of that id or name");
            ThingFacts::image(images.iter().find(|i| i.id == *image || i.name == *image).ok_or_else(missing)?)
        }
        Thing::Cloud { cloud } => {
            core.clouds.get(cloud)?;
            ThingFacts::cloud(cloud)
        }
        Thing::Run { run } => {
            let run = looking::run_of(core, *run)?;
            let cloud = run.cluster.and_then(|id| core.journal.state().clusters.get(&id).map(|c| c.cloud.clone()));
            ThingFacts::run(&run, cloud.as_ref())
        }
    })
}
