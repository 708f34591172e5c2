//! `quarterdeck flavor|network|subnet|… list` and what all lists of a cloud share.

use clap::{Args, Subcommand};

use crate::model::time::short_duration;
use crate::model::{Flavor, Image, ImageStatus, Network, Server, Time};
use crate::protocol::{ListKind, Rows};

use super::exit::{Code, Ended};
use super::session::Session;
use super::table::Table;
use super::{App, Json, wiring};

/// Nouns that can only be listed.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List them
    List(List),
}

#[derive(Args, Debug)]
pub struct List {
    /// The cloud [default: the default cloud]
    #[arg(long, value_name = "CLOUD")]
    pub cloud: Option<String>,
    #[command(flatten)]
    pub json: Json,
}

pub async fn run(app: &mut App<'_>, verb: Verb, kind: ListKind) -> Ended {
    let Verb::List(list) = verb;
    show(app, list, kind).await
}

/// Shows one list of a cloud.
pub async fn show(app: &mut App<'_>, list: List, kind: ListKind) -> Ended {
    let session = Session::open().await?;
    let cloud = session.cloud(list.cloud.as_deref()).await?;
    let rows = session.list(&cloud, kind).await?;
    if list.json.json {
        return match rows {
            Rows::Flavors(rows) => app.json(&rows),
            Rows::Images(rows) => app.json(&rows),
            Rows::Networks(rows) => app.json(&rows),
            Rows::KeyPairs(rows) => app.json(&rows),
            Rows::Servers(rows) => app.json(&rows),
            Rows::FloatingIps(rows) => app.json(&rows),
            Rows::Quota(quota) => app.json(&quota.items),
            Rows::Subnets(rows) => app.json(&rows),
            Rows::Ports(rows) => app.json(&rows),
            Rows::Routers(rows) => app.json(&rows),
            Rows::SecurityGroups(rows) => app.json(&rows),
            Rows::Volumes(rows) => app.json(&rows),
            Rows::ServerGroups(rows) => app.json(&rows),
            Rows::Zones(rows) => app.json(&rows),
        };
    }
    let table = match &rows {
        Rows::Flavors(rows) => flavors(rows),
        Rows::Images(rows) => images(rows, app.now),
        Rows::Networks(rows) => networks(rows),
        Rows::Servers(rows) => servers(rows, app.now),
        Rows::Quota(quota) => wiring::quota(quota),
        Rows::KeyPairs(rows) => wiring::key_pairs(rows),
        Rows::FloatingIps(rows) => wiring::floating_ips(rows),
        Rows::Subnets(rows) => wiring::subnets(rows),
        Rows::Ports(rows) => wiring::ports(rows),
        Rows::Routers(rows) => wiring::routers(rows),
        Rows::SecurityGroups(rows) => wiring::security_groups(rows),
        Rows::Volumes(rows) => wiring::volumes(rows),
        Rows::ServerGroups(rows) => wiring::server_groups(rows),
        Rows::Zones(rows) => wiring::zones(rows),
    };
    app.out.table(&table, &format!("cloud {} has no {}", cloud.name, kind.word()))?;
    Ok(Code::Done)
}

fn flavors(rows: &[Flavor]) -> Table {
    let mut table = Table::new(["name", "vcpus", "ram", "disk", "id", "note"]);
    for f in rows {
        let (ram, disk) = (format!("{} MiB", f.ram_mb), format!("{} GiB", f.disk_gb));
        table.row([f.name.clone(), f.vcpus.to_string(), ram, disk, f.id.clone(), f.note.clone()]);
    }
    table
}

fn images(rows: &[Image], now: Time) -> Table {
    let mut table = Table::new(["name", "status", "size", "age", "user", "id"]);
    for image in rows {
        let status = match image.status {
            ImageStatus::Active => "active",
            ImageStatus::Saving => "saving",
            ImageStatus::Error => "error",
        };
        table.row([
            image.name.clone(),
            status.to_owned(),
            image.size.map_or("-".to_owned(), bytes),
            age(now, image.created),
            image.ssh_user.clone().unwrap_or_default(),
            image.id.clone(),
        ]);
    }
    table
}

fn networks(rows: &[Network]) -> Table {
    let mut table = Table::new(["name", "cidr", "external", "id"]);
    for network in rows {
        let external = if network.external { "yes" } else { "no" };
        table.row([network.name.clone(), network.cidr.clone().unwrap_or_default(), external.to_owned(), network.id.clone()]);
    }
    table
}

fn servers(rows: &[Server], now: Time) -> Table {
    let mut table = Table::new(["name", "status", "address", "flavor", "image", "age", "id"]);
    for server in rows {
        table.row([
            server.name.clone(),
            server.status.to_string(),
            server.address().unwrap_or("-").to_owned(),
            server.flavor.clone(),
            server.image.clone(),
            age(now, Some(server.created)),
            server.id.clone(),
        ]);
    }
    table
}

/// How long ago: `12 min`.
pub fn age(now: Time, then: Option<Time>) -> String {
    then.map_or("-".to_owned(), |then| short_duration(now.since(then)))
}

/// A size as people say it: `1.5 GiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let (mut unit, mut tenths) = (0, count.saturating_mul(10));
    while tenths >= 10_240 && unit < UNITS.len() - 1 {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]) }
}

/// A point in time on this computer's clock: `2026-11-20 09:30:12`.
pub fn clock(time: Time) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(stamp) => stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_read_well() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(179 << 20), "179.0 MiB");
        assert_eq!(age(Time(180_000), Some(Time(0))), "3 min");
        assert_eq!(age(Time(0), Some(Time(5))), "0 s", "clocks go back");
        assert_eq!(age(Time(0), None), "-");
    }
}
