//! `quarterdeck cloud …`

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::foreign::{Place, openstack};
use crate::model::{Capability, CloudInfo, Driver, Failure, Quota};
use crate::protocol::live::{CloudRow, Freshness};
use crate::protocol::{Command, ListKind, Rows};

use super::ask::Sure;
use super::exit::{Code, Ended, Stop};
use super::out::Tone;
use super::session::{Session, odd};
use super::table::Table;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the configured clouds
    List(Json),
    /// Show one cloud: who we are there, quota, what its driver can do
    Show {
        /// The cloud [default: the default cloud]
        cloud: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Configure a cloud
    Add(Add),
    /// Take a cloud out of the configuration; nothing is deleted on it
    Remove {
        cloud: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Check address and credentials of a cloud, or of all
    Test {
        /// The cloud [default: all]
        cloud: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Make a cloud the default
    Use { cloud: String },
    /// Change settings of a cloud; an empty value removes one
    Set {
        cloud: String,
        /// Settings, for instance boot_ms=3000
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = setting)]
        settings: Vec<(String, String)>,
    },
}

#[derive(Args, Debug)]
pub struct Add {
    /// Its name: lower-case letters, digits, - and _
    name: String,
    /// What kind of cloud it is
    #[arg(long, value_enum)]
    driver: DriverWord,
    /// What the driver wants to know
    #[arg(short, long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

/// Drivers as words of the command line.
#[derive(Clone, Copy, ValueEnum, Debug)]
enum DriverWord {
    Sandbox,
    Docker,
    Openstack,
    Synnefo,
    Libcloud,
}

impl From<DriverWord> for Driver {
    fn from(word: DriverWord) -> Self {
        match word {
            DriverWord::Sandbox => Self::Sandbox,
            DriverWord::Docker => Self::Docker,
            DriverWord::Openstack => Self::Openstack,
            DriverWord::Synnefo => Self::Synnefo,
            DriverWord::Libcloud => Self::Libcloud,
        }
    }
}

pub fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    let session = Session::open().await?;
    match verb {
        Verb::List(json) => {
            let rows = session.clouds(false).await?;
            list(app, &rows, json)
        }
        Verb::Show { cloud, json } => show(app, &session, cloud.as_deref(), json).await,
        Verb::Add(add) => {
            let mut settings: BTreeMap<String, String> = add.settings.into_iter().collect();
            if matches!(add.driver, DriverWord::Openstack) {
                // The engine has neither this shell's directory nor its variables.
                settings = openstack::from_here(&Place::here(), &add.name, &settings);
            }
            session.ask(Command::CloudAdd { name: add.name.clone(), driver: add.driver.into(), settings }).await?;
            app.done(&format!("cloud {} is configured; check it: quarterdeck cloud test {}", add.name, add.name))
        }
        Verb::Remove { cloud, sure } => {
            let info = session.cloud(Some(&cloud)).await?;
            let tried = format!("remove cloud {cloud}");
            let question = format!("Take cloud {cloud} ({}) out of the configuration?", info.source);
            sure.confirm(&tried, &question).await?;
            session.ask(Command::CloudRemove { name: info.name }).await?;
            app.done(&format!("cloud {cloud} is no longer configured"))
        }
        Verb::Test { cloud, json } => test(app, &session, cloud.as_deref(), json).await,
        Verb::Use { cloud } => {
            let info = session.cloud(Some(&cloud)).await?;
            session.ask(Command::CloudUse { name: info.name }).await?;
            app.done(&format!("commands that name no cloud go to {cloud} now"))
        }
        Verb::Set { cloud, settings } => {
            let info = session.cloud(Some(&cloud)).await?;
            session.ask(Command::CloudSet { name: info.name, settings: settings.into_iter().collect() }).await?;
            app.done(&format!("cloud {cloud} is set"))
        }
    }
}

fn list(app: &mut App<'_>, rows: &[CloudRow], json: Json) -> Ended {
    if json.json {
        return app.json(&rows);
    }
    let mut table = Table::new(["name", "driver", "health", "servers", "endpoint", "source"]);
    for row in rows {
        let mark = if row.info.default { " (default)" } else { "" };
        table.row([
            format!("{}{mark}", row.info.name),
            row.info.driver.to_string(),
            health(&row.health),
            row.servers.map_or(String::from("-"), |count| count.to_string()),
            row.info.endpoint.clone(),
            row.info.source.clone(),
        ]);
    }
    app.out.table(&table, "no cloud is configured; quarterdeck try makes a sandbox on this computer")?;
    Ok(Code::Done)
}

/// Health in a word or two.
pub fn health(health: &Freshness) -> String {
    match health {
        Freshness::Loading => "not checked".to_owned(),
        Freshness::Fresh { .. } => "ok".to_owned(),
        Freshness::Stale { failure: None, .. } => "ok before".to_owned(),
        Freshness::Stale { failure: Some(failure), .. } | Freshness::Failed { failure } => format!("failed: {}", failure.got),
    }
}

async fn show(app: &mut App<'_>, session: &Session, name: Option<&str>, json: Json) -> Ended {
    let info = session.cloud(name).await?;
    let rows = session.clouds(true).await?;
    let row = rows.into_iter().find(|row| row.info.name == info.name).ok_or_else(odd)?;
    let Rows::Quota(quota) = session.list(&info, ListKind::Quota).await? else { return Err(odd()) };
    if json.json {
        let mut value = serde_json::json!(row);
        value["quota"] = serde_json::json!(quota);
        return app.json(&value);
    }
    app.out.facts(&[
        ("name", info.name.to_string()),
        ("driver", info.driver.to_string()),
        ("endpoint", info.endpoint.clone()),
        ("source", info.source.clone()),
        ("default", if info.default { "yes" } else { "no" }.to_owned()),
        ("health", health(&row.health)),
        ("user", row.user.clone().unwrap_or_default()),
        ("servers", row.servers.map_or(String::new(), |count| count.to_string())),
    ])?;
    quota_table(app, &quota)?;
    capabilities(app, &info)?;
    Ok(Code::Done)
}

fn quota_table(app: &mut App<'_>, quota: &Quota) -> Result<(), Stop> {
    let mut table = Table::new(["quota", "used", "limit"]);
    for item in &quota.items {
        table.row([item.name.clone(), item.used.to_string(), item.limit.map_or("none".to_owned(), |limit| limit.to_string())]);
    }
    app.out.line("")?;
    app.out.table(&table, "it tells of no quota")?;
    Ok(())
}

/// What the driver can, with what is worth knowing.
pub fn capabilities(app: &mut App<'_>, info: &CloudInfo) -> Result<(), Stop> {
    app.out.line("")?;
    let mut table = Table::new(["can", "", "note"]);
    for (name, capability) in &info.capabilities.0 {
        let (can, note) = match capability {
            Capability::Yes => ("yes", ""),
            Capability::Limited { note } => ("in part", note.as_str()),
            Capability::No { reason } => ("no", reason.as_str()),
        };
        table.row([name.replace('_', " "), can.to_owned(), note.to_owned()]);
    }
    app.out.table(&table, "it says of nothing that it can do it")?;
    Ok(())
}

async fn test(app: &mut App<'_>, session: &Session, name: Option<&str>, json: Json) -> Ended {
    let wanted = match name {
        Some(name) => Some(session.cloud(Some(name)).await?.name),
        None => None,
    };
    let mut rows = session.clouds(true).await?;
    rows.retain(|row| wanted.as_ref().is_none_or(|name| row.info.name == *name));
    let failed = rows.iter().any(|row| bad(&row.health).is_some());
    if json.json {
        app.json(&rows)?;
    } else if rows.is_empty() {
        app.out.line("no cloud is configured; quarterdeck try makes a sandbox on this computer")?;
    } else {
        for row in &rows {
            match bad(&row.health) {
                None => {
                    let user = row.user.as_ref().map_or(String::new(), |user| format!(" as {user}"));
                    app.out.toned(Tone::Good, "ok      ", &format!("{}{user} at {}", row.info.name, row.info.endpoint))?;
                }
                Some(failure) => {
                    app.out.toned(Tone::Bad, "failed  ", &format!("{}: {}", row.info.name, failure.line()))?;
                    if !failure.next.is_empty() {
                        app.out.line(&format!("        next: {}", failure.next))?;
                    }
                }
            }
        }
    }
    Ok(if failed { Code::Failed } else { Code::Done })
}

fn bad(health: &Freshness) -> Option<&Failure> {
    match health {
        Freshness::Failed { failure } | Freshness::Stale { failure: Some(failure), .. } => Some(failure),
        _ => None,
    }
}
