//! `quarterdeck cluster …`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::model::time::short_duration;
use crate::model::{Cluster, Failure, Level, Node, Plan, PlanId, RunNo};
use crate::protocol::{Command, SpecSource};

use super::ask::Sure;
use super::exit::{Code, Ended, Stop};
use super::find;
use super::lists::{age, clock};
use super::session::Session;
use super::table::Table;
use super::watch::watch;
use super::{App, Json};

/// Largest spec, bytes; it has to fit into one line of the protocol.
const MAX_SPEC: u64 = 512 * 1024;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show what would be done, and do nothing
    Plan(PlanArgs),
    /// Create a cluster from a spec, or bring an existing one to it
    Create(Create),
    /// Carry out a plan that was shown by `cluster plan`
    Apply {
        /// The plan's id
        plan: uuid::Uuid,
        #[command(flatten)]
        go: Go,
    },
    /// List the clusters
    List(Json),
    /// Show one cluster and its nodes
    Show {
        cluster: String,
        #[command(flatten)]
        json: Json,
    },
    /// Change how many nodes its groups have
    Scale {
        cluster: String,
        /// New size of a group, for instance slaves=5
        #[arg(required = true, value_name = "GROUP=COUNT", value_parser = count)]
        counts: Vec<(String, u32)>,
        #[command(flatten)]
        go: Go,
    },
    /// Make nodes anew that were lost
    Repair {
        cluster: String,
        #[command(flatten)]
        go: Go,
    },
    /// Delete a cluster with all its servers
    Delete {
        cluster: String,
        #[command(flatten)]
        go: Go,
    },
    /// Print the JSON Schema of a spec, for editors
    Schema,
}

/// Where a spec comes from.
#[derive(Args, Debug)]
#[group(multiple = false)]
struct Source {
    /// The spec's file; - reads it from stdin
    #[arg(short, long, value_name = "SPEC")]
    file: Option<PathBuf>,
    /// A blueprint; see `quarterdeck blueprint list`
    #[arg(short, long, value_name = "NAME")]
    blueprint: Option<String>,
}

/// What of a spec can be said differently.
#[derive(Args, Debug)]
struct Instead {
    /// Name of the cluster, instead of the spec's
    #[arg(long)]
    name: Option<String>,
    /// Cloud, instead of the spec's
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
}

/// How a change is carried out.
#[derive(Args, Debug, Clone)]
pub struct Go {
    #[command(flatten)]
    pub sure: Sure,
    /// Return as soon as the run has started
    #[arg(long)]
    pub detach: bool,
}

#[derive(Args, Debug)]
pub struct Create {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    instead: Instead,
    #[command(flatten)]
    go: Go,
}

#[derive(Args, Debug)]
pub struct PlanArgs {
    /// An existing cluster, with --scale, --repair or --delete
    #[arg(conflicts_with_all = ["file", "blueprint"])]
    cluster: Option<String>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    instead: Instead,
    /// Plan a change of a group's size
    #[arg(long, value_name = "GROUP=COUNT", value_parser = count, requires = "cluster")]
    scale: Vec<(String, u32)>,
    /// Plan a repair
    #[arg(long, requires = "cluster", conflicts_with = "scale")]
    repair: bool,
    /// Plan a deletion
    #[arg(long, requires = "cluster", conflicts_with_all = ["scale", "repair"])]
    delete: bool,
    #[command(flatten)]
    json: Json,
}

fn count(text: &str) -> Result<(String, u32), String> {
    let (group, count) = text.split_once('=').filter(|(group, _)| !group.is_empty()).ok_or("write GROUP=COUNT")?;
    let count = count.parse().map_err(|_| format!("{count} is no number of nodes"))?;
    Ok((group.to_owned(), count))
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::Schema => app.json(&crate::model::spec::schema()),
        Verb::List(json) => list(app, json).await,
        Verb::Show { cluster, json } => show(app, &cluster, json).await,
        Verb::Plan(args) => plan(app, args).await,
        Verb::Create(create) => {
            let command = create_command(&create.source, create.instead)?;
            let mut session = Session::open().await?;
            let plan = session.plan(command).await?;
            carry_out(app, &mut session, plan, create.go).await
        }
        Verb::Apply { plan, go } => apply(app, PlanId(plan), go).await,
        Verb::Scale { cluster, counts, go } => change(app, &cluster, go, |of| scale(of, counts)).await,
        Verb::Repair { cluster, go } => change(app, &cluster, go, |of| Command::PlanRepair { cluster: of.id }).await,
        Verb::Delete { cluster, go } => change(app, &cluster, go, |of| Command::PlanDelete { cluster: of.id }).await,
    }
}

fn scale(cluster: &Cluster, counts: Vec<(String, u32)>) -> Command {
    Command::PlanScale { cluster: cluster.id, counts: counts.into_iter().collect::<BTreeMap<_, _>>() }
}

fn create_command(source: &Source, instead: Instead) -> Result<Command, Stop> {
    let source = match (&source.file, &source.blueprint) {
        (Some(file), _) => spec_text(file)?,
        (None, Some(blueprint)) => SpecSource::Blueprint { blueprint: blueprint.clone(), text: None },
        (None, None) => {
            let failure = Failure::refused("plan a cluster", "neither a spec nor a blueprint is given");
            return Err(Stop::usage(failure.next("give -f SPEC, or --blueprint NAME (quarterdeck blueprint list)")));
        }
    };
    Ok(Command::PlanCreate { source, name: instead.name, cloud: instead.cloud })
}

fn spec_text(file: &Path) -> Result<SpecSource, Stop> {
    let tried = "read the spec";
    let text = super::file::read(file, MAX_SPEC, tried).map_err(Stop::usage)?;
    let absolute = std::path::absolute(file).map_err(|error| Failure::broken(tried, error).at(file.display()))?;
    let base = if file == Path::new("-") { std::env::current_dir().ok() } else { absolute.parent().map(Path::to_path_buf) };
    let base_dir = super::file::text(&base.unwrap_or_default(), tried)?;
    Ok(SpecSource::Text { text, path: file.display().to_string(), base_dir })
}

async fn plan(app: &mut App<'_>, args: PlanArgs) -> Ended {
    let (command, session) = match &args.cluster {
        None => (create_command(&args.source, args.instead)?, Session::open().await?),
        Some(name) => {
            let mut session = Session::open().await?;
            let cluster = find::cluster(session.state().await?, name)?;
            let command = match args {
                PlanArgs { repair: true, .. } => Command::PlanRepair { cluster: cluster.id },
                PlanArgs { delete: true, .. } => Command::PlanDelete { cluster: cluster.id },
                PlanArgs { scale: counts, .. } if !counts.is_empty() => scale(cluster, counts),
                _ => {
                    let failure = Failure::refused(format!("plan for cluster {name}"), "it is not said what is to change");
                    return Err(Stop::usage(failure.next("add --scale GROUP=COUNT, --repair or --delete")));
                }
            };
            (command, session)
        }
    };
    let plan = session.plan(command).await?;
    if args.json.json {
        return app.json(&plan);
    }
    preview(app, &plan)?;
    if !plan.steps.is_empty() {
        app.out.line(&format!("carry it out: quarterdeck cluster apply {}", plan.id))?;
    }
    Ok(Code::Done)
}

fn preview(app: &mut App<'_>, plan: &Plan) -> Result<(), Stop> {
    for line in plan.preview() {
        app.out.line(&line)?;
    }
    app.out.flush()?;
    Ok(())
}

/// Plans a change of an existing cluster and carries it out.
async fn change(app: &mut App<'_>, name: &str, go: Go, command: impl FnOnce(&Cluster) -> Command) -> Ended {
    let mut session = Session::open().await?;
    let command = command(find::cluster(session.state().await?, name)?);
    let plan = session.plan(command).await?;
    carry_out(app, &mut session, plan, go).await
}

/// Shows a plan, asks, starts its run and follows it.
pub async fn carry_out(app: &mut App<'_>, session: &mut Session, plan: Plan, go: Go) -> Ended {
    preview(app, &plan)?;
    if plan.steps.is_empty() {
        return app.done("there is nothing to do");
    }
    be_sure(session, &plan, &go.sure).await?;
    let run = session.apply(plan.id, None).await?;
    follow(app, session, run, go.detach).await
}

async fn apply(app: &mut App<'_>, plan: PlanId, go: Go) -> Ended {
    let mut session = Session::open().await?;
    let plan = session.plan(Command::Plan { plan }).await?;
    carry_out(app, &mut session, plan, go).await
}

/// Asks before a plan is carried out, as surely as the guards want it.
async fn be_sure(session: &Session, plan: &Plan, sure: &Sure) -> Result<(), Stop> {
    let rules = session.rules().await?;
    let (tried, name) = (format!("{} {}", plan.kind, plan.cluster_name), &plan.cluster_name);
    sure.obey(&rules.of_plan(plan), Level::Yes, &tried, "Do this?", name).await
}

/// Follows a run that was just started, unless it is left to itself.
pub async fn follow(app: &mut App<'_>, session: &mut Session, run: RunNo, detach: bool) -> Ended {
    if detach { app.started(run) } else { watch(session, &mut app.out, run).await }
}

async fn list(app: &mut App<'_>, json: Json) -> Ended {
    let mut session = Session::open().await?;
    let mirror = session.state().await?;
    let mut clusters: Vec<&Cluster> = mirror.clusters().values().collect();
    clusters.sort_by(|a, b| a.name.cmp(&b.name));
    if json.json {
        return app.json(&clusters);
    }
    let mut table = Table::new(["name", "state", "nodes", "cloud", "age", "playbook", "run"]);
    for cluster in clusters {
        let nodes = find::nodes(mirror, cluster);
        let up = nodes.iter().filter(|node| node.state == crate::model::NodeState::Up).count();
        let playbook = cluster.last_playbook.as_ref();
        table.row([
            cluster.name.clone(),
            cluster.state.to_string(),
            format!("{up}/{}", nodes.len()),
            cluster.cloud.to_string(),
            age(app.now, Some(cluster.created)),
            playbook.map_or("-".to_owned(), |p| format!("{} {}", p.name, if p.ok { "ok" } else { "failed" })),
            cluster.last_run.map_or("-".to_owned(), |run| run.to_string()),
        ]);
    }
    app.out.table(&table, "there is no cluster; quarterdeck try makes one on this computer")?;
    Ok(Code::Done)
}

async fn show(app: &mut App<'_>, name: &str, json: Json) -> Ended {
    let mut session = Session::open().await?;
    let mirror = session.state().await?;
    let cluster = find::cluster(mirror, name)?;
    let nodes = find::nodes(mirror, cluster);
    if json.json {
        let mut value = serde_json::json!(cluster);
        value["nodes"] = serde_json::json!(nodes);
        return app.json(&value);
    }
    let playbook = cluster.last_playbook.as_ref().map_or(String::new(), |p| {
        let failed = if p.failed_hosts.is_empty() { String::new() } else { format!(" on {}", p.failed_hosts.join(", ")) };
        format!("{} {}{failed}, run {}, {} ago", p.name, if p.ok { "ok" } else { "failed" }, p.run, age(app.now, Some(p.at)))
    });
    app.out.facts(&[
        ("name", cluster.name.clone()),
        ("id", cluster.id.to_string()),
        ("state", cluster.state.to_string()),
        ("cloud", cluster.cloud.to_string()),
        ("created", format!("{} ({} ago)", clock(cluster.created), short_duration(app.now.since(cluster.created)))),
        ("ssh user", cluster.ssh_user.clone()),
        ("last run", cluster.last_run.map_or(String::new(), |run| format!("run {run}"))),
        ("playbook", playbook),
    ])?;
    app.out.line("")?;
    app.out.table(&node_table(&nodes), "it has no nodes")?;
    Ok(Code::Done)
}

fn node_table(nodes: &[&Node]) -> Table {
    let mut table = Table::new(["node", "group", "state", "address", "flavor", "image", "via", "note"]);
    for node in nodes {
        table.row([
            node.name.clone(),
            node.group.clone(),
            node.state.to_string(),
            node.address.as_ref().map_or("-".to_owned(), |address| format!("{address}:{}", node.ssh_port)),
            node.flavor.clone(),
            node.image.clone(),
            node.via.clone().unwrap_or_default(),
            node.note.clone().unwrap_or_default(),
        ]);
    }
    table
}
