//! `quarterdeck docker …`: the Docker engines, and what they hold.

use clap::{Args, Subcommand};

use crate::model::docker::short_id;
use crate::model::time::short_duration;
use crate::model::{Container, DockerFacts, DockerInfo, DockerList, DockerNetwork, DockerVolume, Failure, LocalImage, Time};
use crate::protocol::live::{DockerRow, Freshness};
use crate::protocol::{Answer, Command, DockerRows};

use super::cloud::health;
use super::exit::{Code, Ended, Stop};
use super::lists::{age, bytes};
use super::names;
use super::session::{Session, answer_as, odd};
use super::table::Table;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the Docker engines: of Docker's contexts, DOCKER_HOST, this computer's socket, and the settings
    List(Json),
    /// Show one Docker engine: version, what it holds, what takes room on its disk
    Show {
        /// The Docker engine [default: the one that Docker itself uses]
        docker: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// List its containers, those that do not run included
    Containers(Of),
    /// List the images on its disk; those of clouds are another thing: quarterdeck image list
    Images(Of),
    /// List its networks; those of clouds are another thing: quarterdeck network list
    Networks(Of),
    /// List its volumes
    Volumes(Of),
}

#[derive(Args, Debug)]
pub struct Of {
    /// The Docker engine [default: the one that Docker itself uses]
    docker: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    let session = Session::open().await?;
    match verb {
        Verb::List(json) => {
            let rows = rows(&session, true).await?;
            list(app, &rows, json)
        }
        Verb::Show { docker, json } => show(app, &session, docker.as_deref(), json).await,
        Verb::Containers(of) => things(app, &session, of, DockerList::Containers).await,
        Verb::Images(of) => things(app, &session, of, DockerList::Images).await,
        Verb::Networks(of) => things(app, &session, of, DockerList::Networks).await,
        Verb::Volumes(of) => things(app, &session, of, DockerList::Volumes).await,
    }
}

async fn rows(session: &Session, test: bool) -> Result<Vec<DockerRow>, Stop> {
    answer_as!(session, Command::Dockers { test }, Answer::Dockers(rows) => rows)
}

/// The Docker engine of this name, or the default one.
///
/// # Errors
/// There is none of that name, or none at all.
pub async fn find(session: &Session, name: Option<&str>) -> Result<DockerInfo, Stop> {
    let rows = rows(session, false).await?;
    let found = match name {
        Some(name) => rows.iter().find(|row| row.info.name.as_str() == name),
        None => rows.iter().find(|row| row.info.default),
    };
    match (found, name) {
        (Some(row), _) => Ok(row.info.clone()),
        (None, Some(name)) if !rows.is_empty() => {
            Err(names::unknown("Docker engine", name, rows.iter().map(|row| row.info.name.as_str())).into())
        }
        _ => Err(Failure::not_found("find a Docker engine", "there is none here").next(NONE).into()),
    }
}

const NONE: &str = "install Docker on this computer, or name one in the settings: [docker.NAME] host = \"tcp://HOST:2376\"";

fn list(app: &mut App<'_>, rows: &[DockerRow], json: Json) -> Ended {
    if json.json {
        return app.json(&rows);
    }
    let mut table = Table::new(["name", "health", "version", "running", "images", "disk", "address", "source"]);
    for row in rows {
        let mark = if row.info.default { " (default)" } else { "" };
        let facts = row.facts.as_ref();
        let said = |say: fn(&DockerFacts) -> String| facts.map_or("-".to_owned(), say);
        table.row([
            format!("{}{mark}", row.info.name),
            health(&row.health),
            said(|f| f.version.clone()),
            said(|f| format!("{} of {}", f.running, f.containers)),
            said(|f| f.images.to_string()),
            said(|f| f.disk.map_or("-".to_owned(), |disk| bytes(disk.total()))),
            row.info.address.host.clone(),
            row.info.source.clone(),
        ]);
    }
    app.out.table(&table, &format!("there is no Docker engine here: {NONE}"))?;
    Ok(Code::Done)
}

async fn show(app: &mut App<'_>, session: &Session, name: Option<&str>, json: Json) -> Ended {
    let info = find(session, name).await?;
    let row = rows(session, true).await?.into_iter().find(|row| row.info.name == info.name).ok_or_else(odd)?;
    if json.json {
        app.json(&row)?;
    } else {
        facts(app, &row)?;
    }
    match row.health {
        Freshness::Failed { failure } => Err(failure.into()),
        _ => Ok(Code::Done),
    }
}

fn facts(app: &mut App<'_>, row: &DockerRow) -> Result<(), Stop> {
    let info = &row.info;
    let tls = match &info.address.tls {
        None => "",
        Some(tls) if tls.unchecked => "TLS, its certificate is not checked",
        Some(_) => "TLS",
    };
    let mut facts = vec![
        ("name", info.name.to_string()),
        ("address", info.address.host.clone()),
        ("connection", tls.to_owned()),
        ("source", info.source.clone()),
        ("default", if info.default { "yes" } else { "no" }.to_owned()),
        ("health", if row.facts.is_some() { "ok".to_owned() } else { "failed".to_owned() }),
    ];
    if let Some(f) = &row.facts {
        facts.extend([
            ("computer", f.host.clone()),
            ("version", format!("{} (API {})", f.version, f.api)),
            ("builder", if f.buildkit { "BuildKit" } else { "classic" }.to_owned()),
            ("system", format!("{}, kernel {}, {}", f.system, f.kernel, f.platform)),
            ("storage", f.storage.clone()),
            ("swarm", f.swarm.clone()),
            ("cpus", f.cpus.to_string()),
            ("memory", bytes(f.memory)),
            ("containers", format!("{} running of {}", f.running, f.containers)),
        ]);
        facts.extend(f.warnings.iter().map(|warning| ("warns", warning.clone())));
    }
    app.out.facts(&facts)?;
    if let Some(disk) = row.facts.as_ref().and_then(|f| f.disk) {
        let mut table = Table::new(["takes room", "count", "size", "not used"]);
        let kinds =
            [("images", disk.images), ("containers", disk.containers), ("volumes", disk.volumes), ("build cache", disk.cache)];
        for (kind, room) in kinds {
            table.row([kind.to_owned(), room.count.to_string(), bytes(room.bytes), bytes(room.unused)]);
        }
        app.out.line("")?;
        app.out.table(&table, "")?;
    }
    Ok(())
}

async fn things(app: &mut App<'_>, session: &Session, of: Of, list: DockerList) -> Ended {
    let info = find(session, of.docker.as_deref()).await?;
    let command = Command::Docker { docker: info.name.clone(), list };
    let rows = answer_as!(session, command, Answer::Docker { rows, .. } => rows)?;
    if of.json.json {
        return match rows {
            DockerRows::Containers(rows) => app.json(&rows),
            DockerRows::Images(rows) => app.json(&rows),
            DockerRows::Networks(rows) => app.json(&rows),
            DockerRows::Volumes(rows) => app.json(&rows),
        };
    }
    let table = match &rows {
        DockerRows::Containers(rows) => containers(rows, app.now),
        DockerRows::Images(rows) => images(rows, app.now),
        DockerRows::Networks(rows) => networks(rows),
        DockerRows::Volumes(rows) => volumes(rows, app.now),
    };
    app.out.table(&table, &format!("Docker engine {} has no {}", info.name, list.words()))?;
    Ok(Code::Done)
}

fn containers(rows: &[Container], now: Time) -> Table {
    let mut table = Table::new(["name", "state", "image", "ports", "service", "age", "id"]);
    for c in rows {
        let state = if c.unhealthy { format!("{} (unhealthy)", c.state) } else { c.state.to_string() };
        let made = short_duration(now.since(c.created));
        let service = c.service.clone().unwrap_or_default();
        table.row([c.name.clone(), state, c.image.clone(), c.ports.join(" "), service, made, short_id(&c.id).to_owned()]);
    }
    table
}

fn images(rows: &[LocalImage], now: Time) -> Table {
    let mut table = Table::new(["name", "size", "age", "containers", "id"]);
    for image in rows {
        let name = if image.tags.is_empty() { "(no name)".to_owned() } else { image.tags.join(" ") };
        let used = image.containers.map_or("-".to_owned(), |n| n.to_string());
        table.row([name, bytes(image.size), short_duration(now.since(image.created)), used, image.short_id().to_owned()]);
    }
    table
}

fn networks(rows: &[DockerNetwork]) -> Table {
    let mut table = Table::new(["name", "driver", "scope", "subnets", "outside", "id"]);
    for network in rows {
        let outside = if network.internal { "no" } else { "yes" };
        let subnets = network.subnets.join(" ");
        let id = short_id(&network.id).to_owned();
        table.row([network.name.clone(), network.driver.clone(), network.scope.clone(), subnets, outside.to_owned(), id]);
    }
    table
}

fn volumes(rows: &[DockerVolume], now: Time) -> Table {
    let mut table = Table::new(["name", "driver", "age", "place"]);
    for volume in rows {
        table.row([volume.name.clone(), volume.driver.clone(), age(now, volume.created), volume.place.clone()]);
    }
    table
}
