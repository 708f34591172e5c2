//! `quarterdeck command …`

use std::collections::BTreeMap;

use clap::{Args, Subcommand};

use crate::model::{CustomCommand, Deed, Failure, InputKind, Thing, ThingKind};
use crate::protocol::Command;

use super::ask::Sure;
use super::cluster::follow;
use super::exit::{Code, Ended, Stop};
use super::session::Session;
use super::table::Table;
use super::{App, Json, find, names};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the commands that the settings have
    List(Json),
    /// Run a command on a thing
    Run(Call),
}

#[derive(Args, Debug)]
#[command(
    after_help = "A command is a [[command]] of settings.toml: a list of arguments with placeholders, bound to a kind of thing.
The thing is named as elsewhere: a server, a node (node-1, or hello/node-1), a cluster, an image, a cloud, the number
of a run."
)]
pub struct Call {
    /// Name of the command
    command: String,
    /// The thing to run it on
    thing: String,
    /// An input of the command; may be repeated
    #[arg(short, long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
    /// The cloud of a server or an image [default: the default cloud]
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
    #[command(flatten)]
    sure: Sure,
    /// Return as soon as the run has started
    #[arg(long)]
    detach: bool,
}

fn input(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(json) => list(app, json).await,
        Verb::Run(call) => start(app, call).await,
    }
}

async fn list(app: &mut App<'_>, json: Json) -> Ended {
    let commands = Session::open().await?.rules().await?.commands;
    if json.json {
        return app.json(&commands);
    }
    let mut table = Table::new(["command", "on", "runs", "inputs", "about"]);
    for command in &commands {
        let danger = if command.dangerous { " (dangerous)" } else { "" };
        table.row([
            format!("{}{danger}", command.name),
            command.on.to_string(),
            command.argv.join(" "),
            command.inputs.iter().map(input_words).collect::<Vec<_>>().join(" "),
            command.about.clone().unwrap_or_default(),
        ]);
    }
    app.out.table(&table, "there is no command; write one as [[command]] into settings.toml")?;
    Ok(Code::Done)
}

/// `count=3`, `how=fast|slow`.
fn input_words(input: &crate::model::CommandInput) -> String {
    let value = match (&input.default, input.kind) {
        (Some(default), _) => default.clone(),
        (None, InputKind::Choice) => input.choices.join("|"),
        (None, InputKind::Number) => "NUMBER".to_owned(),
        (None, InputKind::Bool) => "true|false".to_owned(),
        (None, InputKind::String) => "TEXT".to_owned(),
        (None, InputKind::Secret) => "(the run asks for it)".to_owned(),
    };
    format!("{}={value}", input.name)
}

async fn start(app: &mut App<'_>, call: Call) -> Ended {
    let mut session = Session::open().await?;
    let rules = session.rules().await?;
    let Some(command) = rules.command(&call.command) else {
        return Err(names::unknown("command", &call.command, rules.commands.iter().map(|c| c.name.as_str())).into());
    };
    let tried = format!("run command {}", command.name);
    let inputs: BTreeMap<String, String> = call.inputs.iter().cloned().collect();
    if let Some(secret) = command.secrets().find(|name| inputs.contains_key(*name)) {
        let failure = Failure::refused(&tried, format!("{secret} is secret: everybody on this computer sees command lines"));
        return Err(Stop::usage(failure.at(&command.source).next("leave it out; the run asks for it")));
    }
    command.inputs_of(&inputs).map_err(|wrong| {
        let words: Vec<String> = command.inputs.iter().map(|input| format!("-i {}", input_words(input))).collect();
        Stop::usage(Failure::refused(&tried, wrong).at(&command.source).next(format!("give {}", words.join(" "))))
    })?;
    let Found { thing, cloud, cluster } = find_thing(&mut session, command, &call).await?;
    let ruling = rules.ruling(Deed::CommandRun, &cloud, cluster.as_deref());
    let question = format!("Run {} on {}?", command.name, call.thing);
    let (level, why) = command.level(&ruling);
    let ruling = crate::model::Ruling { level: Some(level), why, max: ruling.max };
    call.sure.obey(&ruling, level, &tried, &question, &call.thing).await?;
    let run = session.start(Command::CommandRun { name: command.name.clone(), thing, inputs }).await?;
    follow(app, &mut session, run, call.detach).await
}

/// A thing, and where it is.
struct Found {
    thing: Thing,
    cloud: Option<crate::model::CloudName>,
    cluster: Option<String>,
}

async fn find_thing(session: &mut Session, command: &CustomCommand, call: &Call) -> Result<Found, Stop> {
    let name = &call.thing;
    session.state().await?;
    let of_cloud = |cloud: &crate::model::CloudInfo, thing| Found { thing, cloud: Some(cloud.name.clone()), cluster: None };
    Ok(match command.on {
        ThingKind::Server => {
            let cloud = session.cloud(call.cloud.as_deref()).await?;
            let server = find::server(session, &cloud, name).await?;
            let cluster = server.tags.as_ref().and_then(|tags| session.mirror.clusters().get(&tags.cluster));
            let cluster = cluster.map(|cluster| cluster.name.clone());
            Found { cluster, ..of_cloud(&cloud, Thing::Server { cloud: cloud.name.clone(), server: server.id }) }
        }
        ThingKind::Image => {
            let cloud = session.cloud(call.cloud.as_deref()).await?;
            of_cloud(&cloud, Thing::Image { cloud: cloud.name.clone(), image: name.clone() })
        }
        ThingKind::Cloud => {
            let cloud = session.cloud(Some(name)).await?;
            of_cloud(&cloud, Thing::Cloud { cloud: cloud.name.clone() })
        }
        ThingKind::Node => match find::place(&session.mirror, name)? {
            find::Place::Node(cluster, node) => Found {
                thing: Thing::Node { cluster: cluster.id, node: node.name.clone() },
                cloud: Some(node.cloud.clone()),
                cluster: Some(cluster.name.clone()),
            },
            find::Place::Cluster(cluster) => {
                let failure = Failure::refused(format!("run command {}", command.name), format!("{} is a cluster", cluster.name));
                return Err(Stop::usage(failure.next("name one of its nodes, as hello/node-1")));
            }
        },
        ThingKind::Cluster => {
            let cluster = find::cluster(&session.mirror, name)?;
            Found {
                thing: Thing::Cluster { cluster: cluster.id },
                cloud: Some(cluster.cloud.clone()),
                cluster: Some(cluster.name.clone()),
            }
        }
        ThingKind::Run => {
            let number = name.parse().map(crate::model::RunNo).map_err(|_| {
                let failure =
                    Failure::refused(format!("run command {}", command.name), format!("{name:?} is no number of a run"));
                Stop::usage(failure.next("a run is named by its number, as 42"))
            })?;
            let run = find::run(&session.mirror, number)?;
            Found { thing: Thing::Run { run: number }, cloud: None, cluster: run.cluster_name.clone() }
        }
    })
}
