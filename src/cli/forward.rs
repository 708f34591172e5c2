//! `quarterdeck forward …`

use clap::{Args, Subcommand};

use crate::client::Incoming;
use crate::model::{Deed, Failure, Forward, Level, Route, Thing};
use crate::protocol::live::Live;
use crate::protocol::{Answer, Command, FromEngine, Topic};

use super::ask::Sure;
use super::exit::{Code, Ended, Stop};
use super::find::{self, Place};
use super::lists::clock;
use super::out::remark;
use super::session::{Session, answer_as};
use super::table::Table;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the ports that are open
    List(Json),
    /// Open a port here that leads through a node or server
    Open(Open),
    /// Close one, and cut what is connected through it
    Close(Close),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  quarterdeck forward open hello/node-1 8080            127.0.0.1:8080 leads to port 8080 of the node
  quarterdeck forward open node-1 9000:80               127.0.0.1:9000 to port 80
  quarterdeck forward open node-1 0:db.internal:5432    any free port to what the node knows as db.internal

The engine holds it: it stays open when this command and the console end, until it is closed.")]
pub struct Open {
    /// A node (node-1, or hello/node-1), or with --cloud a server
    #[arg(value_name = "NODE|SERVER")]
    place: String,
    /// Where from and where to, as for ssh -L; LOCAL 0 is any free port, HOST is the node itself
    #[arg(value_name = "[LOCAL:][HOST:]PORT")]
    route: Route,
    /// The place is a server of this cloud
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    json: Json,
}

#[derive(Args, Debug)]
pub struct Close {
    /// Its number
    #[arg(required_unless_present = "all")]
    number: Option<u64>,
    /// All that are open
    #[arg(long, conflicts_with = "number")]
    all: bool,
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(json) => list(app, json).await,
        Verb::Open(open) => begin(app, open).await,
        Verb::Close(close) => end(close).await,
    }
}

async fn list(app: &mut App<'_>, json: Json) -> Ended {
    let mut session = Session::open().await?;
    let rows = open_now(&mut session).await?;
    if json.json {
        return app.json(&rows);
    }
    let mut table = Table::new(["number", "here", "through", "to", "since", "by", "open", "total", "last failure"]);
    for row in rows {
        table.row([
            row.number.to_string(),
            row.address(),
            row.name.clone(),
            row.route.far(),
            clock(row.since),
            row.by.clone(),
            row.open.to_string(),
            row.total.to_string(),
            row.failure.as_ref().map_or_else(|| "-".to_owned(), Failure::line),
        ]);
    }
    app.out.table(&table, "no port is forwarded; quarterdeck forward open NODE PORT opens one")?;
    Ok(Code::Done)
}

/// Those that are open: the engine tells them as soon as somebody wants to know.
async fn open_now(session: &mut Session) -> Result<Vec<Forward>, Stop> {
    session.ask(Command::Subscribe { topics: vec![Topic::Forwards] }).await?;
    loop {
        if let Incoming::Engine(FromEngine::Live { body: Live::Forwards { rows }, .. }) = session.next().await? {
            return Ok(rows);
        }
    }
}

async fn begin(app: &mut App<'_>, open: Open) -> Ended {
    let mut session = Session::open().await?;
    let rules = session.rules().await?;
    session.state().await?;
    let tried = format!("forward {} through {}", open.route, open.place);
    let (through, cloud, cluster) = match &open.cloud {
        Some(cloud) => {
            let cloud = session.cloud(Some(cloud)).await?;
            let server = find::server(&session, &cloud, &open.place).await?;
            let cluster = server.tags.as_ref().and_then(|tags| session.mirror.clusters().get(&tags.cluster));
            let cluster = cluster.map(|cluster| cluster.name.clone());
            (Thing::Server { cloud: cloud.name.clone(), server: server.id }, cloud.name, cluster)
        }
        None => match find::place(&session.mirror, &open.place)? {
            Place::Node(cluster, node) => {
                (Thing::Node { cluster: cluster.id, node: node.name.clone() }, node.cloud.clone(), Some(cluster.name.clone()))
            }
            Place::Cluster(cluster) => {
                let failure = Failure::refused(&tried, format!("{} is a cluster", cluster.name));
                return Err(Stop::usage(failure.next(format!("name one of its nodes: {}/NODE", cluster.name))));
            }
        },
    };
    let ruling = rules.ruling(Deed::Forward, [&cloud], cluster.as_deref());
    open.sure.obey(&ruling, Level::None, &tried, &format!("Forward a port to {}?", open.place), &open.place).await?;
    let command = Command::ForwardOpen { through, route: open.route };
    let forward = answer_as!(session, command, Answer::Forward(forward) => *forward)?;
    if open.json.json {
        return app.json(&forward);
    }
    app.out.line(&format!("{} leads to {} of {}", forward.address(), forward.route.far(), forward.name))?;
    remark(&format!("close it with: quarterdeck forward close {}", forward.number));
    Ok(Code::Done)
}

async fn end(close: Close) -> Ended {
    let mut session = Session::open().await?;
    let numbers = match close.number {
        Some(number) => vec![number],
        None => open_now(&mut session).await?.iter().map(|forward| forward.number).collect(),
    };
    for number in numbers {
        session.ask(Command::ForwardClose { number }).await?;
    }
    Ok(Code::Done)
}
