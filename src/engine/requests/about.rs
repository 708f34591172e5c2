//! What the audit says of a request: in words, and which run, cluster and cloud it is about. Nothing secret goes in.

use super::acting::INSTALL;
use super::start;
use crate::engine::core::Core;
use crate::engine::forwards;
use crate::model::{CloudName, ClusterId, RunNo, Thing};
use crate::protocol::Command;

/// What a request is about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct About {
    pub what: String,
    pub run: Option<RunNo>,
    pub cluster: Option<String>,
    pub cloud: Option<CloudName>,
}

/// What a request is about, as things are before it is carried out.
pub async fn of(core: &Core, command: &Command) -> About {
    if let Command::Apply { plan, .. } = command
        && let Ok(plan) = start::plan_of(core, *plan).await
    {
        return About { what: start::title(&plan), run: None, cluster: Some(plan.cluster_name), cloud: Some(plan.cloud) };
    }
    let what = describe(core, command);
    match command {
        Command::Cancel { run, .. } | Command::Retry { run, .. } | Command::Pin { run, .. } => of_run(core, *run, what),
        Command::Answer { prompt, .. } => match core.journal.state().prompts.get(prompt).map(|prompt| prompt.run) {
            Some(run) => of_run(core, run, what),
            None => About { what, ..About::default() },
        },
        Command::ServerCreate { cloud, .. }
        | Command::ServerDelete { cloud, .. }
        | Command::ServerPower { cloud, .. }
        | Command::ServerChange { cloud, .. }
        | Command::KeyPairCreate { cloud, .. }
        | Command::KeyPairImport { cloud, .. }
        | Command::KeyPairDelete { cloud, .. }
        | Command::ServerGroupCreate { cloud, .. }
        | Command::ServerGroupDelete { cloud, .. }
        | Command::ImageRegister { cloud, .. }
        | Command::ImageDelete { cloud, .. }
        | Command::ImageUpload { cloud, .. }
        | Command::CloudRemove { name: cloud }
        | Command::CloudUse { name: cloud }
        | Command::CloudSet { name: cloud, .. } => About { what, cloud: Some(cloud.clone()), ..About::default() },
        Command::CloudAdd { name, .. } => About { what, cloud: Some(CloudName::new(name.as_str())), ..About::default() },
        Command::CommandRun { thing, .. } | Command::ForwardOpen { through: thing, .. } => match thing {
            Thing::Server { cloud, .. } | Thing::Image { cloud, .. } | Thing::Cloud { cloud } => {
                About { what, cloud: Some(cloud.clone()), ..About::default() }
            }
            Thing::Node { cluster, .. } | Thing::Cluster { cluster } => of_cluster(core, *cluster, what),
            Thing::Run { run } => of_run(core, *run, what),
        },
        _ => About { what, ..About::default() },
    }
}

fn of_cluster(core: &Core, cluster: ClusterId, what: String) -> About {
    let state = core.journal.state();
    let cluster = state.clusters.get(&cluster);
    About { what, run: None, cluster: cluster.map(|c| c.name.clone()), cloud: cluster.map(|c| c.cloud.clone()) }
}

fn of_run(core: &Core, number: RunNo, what: String) -> About {
    let run = core.journal.state().runs.get(&number).cloned();
    let of = match run.as_ref().and_then(|run| run.cluster) {
        Some(cluster) => of_cluster(core, cluster, what),
        None => About { what, ..About::default() },
    };
    let name = run.as_ref().and_then(|run| run.cluster_name.clone());
    About { run: run.map(|run| run.number), cluster: of.cluster.or(name), ..of }
}

fn describe(core: &Core, command: &Command) -> String {
    match command {
        Command::Cancel { run, mode } => format!("cancel run {run} ({mode:?})").to_lowercase(),
        Command::Answer { prompt, word, .. } => {
            let run = core.journal.state().prompts.get(prompt).map_or_else(|| "?".to_owned(), |p| p.run.to_string());
            format!("answer run {run}: {}", if word.is_empty() { "(text)" } else { word })
        }
        Command::Pin { run, pinned } => format!("{} run {run}", if *pinned { "pin" } else { "unpin" }),
        Command::ServerDelete { cloud, server } => format!("delete server {server} on {cloud}"),
        Command::ServerPower { cloud, server, action } => format!("{action:?} server {server} on {cloud}").to_lowercase(),
        Command::ServerChange { server, change, .. } => change.title(server),
        Command::KeyPairCreate { cloud, name, path } => format!("create key pair {name} on {cloud}, its private half in {path}"),
        Command::KeyPairImport { cloud, name, .. } => format!("import key pair {name} on {cloud}"),
        Command::KeyPairDelete { cloud, name } => format!("delete key pair {name} on {cloud}"),
        Command::ServerGroupCreate { cloud, name, policy } => format!("create server group {name} ({policy}) on {cloud}"),
        Command::ServerGroupDelete { cloud, group } => format!("delete server group {group} on {cloud}"),
        Command::ImageRegister { cloud, name, path } => format!("register image {name} from {path} on {cloud}"),
        Command::ImageDelete { cloud, image } => format!("delete image {image} on {cloud}"),
        Command::ForwardOpen { through, route } => {
            let name = match through {
                Thing::Node { node: name, .. } | Thing::Server { server: name, .. } => name.as_str(),
                _ => "?",
            };
            format!("forward {route} through {name}")
        }
        Command::ForwardClose { number } => {
            let forward = forwards::all(core).into_iter().find(|forward| forward.number == *number);
            let of = forward.map(|f| format!(" ({} through {})", f.route, f.name)).unwrap_or_default();
            format!("close forward {number}{of}")
        }
        Command::CloudAdd { name, driver, .. } => format!("add cloud {name} ({driver})"),
        Command::CloudRemove { name } => format!("remove cloud {name}"),
        Command::CloudUse { name } => format!("make cloud {name} the default"),
        // Values may be secrets: the names say enough.
        Command::CloudSet { name, settings } => {
            format!("set {} of cloud {name}", settings.keys().cloned().collect::<Vec<_>>().join(", "))
        }
        Command::Apply { .. } => "carry out a plan".to_owned(),
        Command::Retry { run, .. } => format!("retry run {run}"),
        Command::CommandRun { name, .. } => format!("run command {name}"),
        Command::BuildRun { build, .. } => format!("build {} on {}", build.called(), build.docker),
        Command::ImageUpload { image, .. } => format!("upload image {}", image.name),
        Command::AnsibleInstall => INSTALL.to_owned(),
        Command::ServerCreate { server, .. } => format!("create server {}", server.name),
        _ => "request".to_owned(),
    }
}
