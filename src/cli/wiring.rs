//! Tables of what a project has beside servers, and `quarterdeck security-group …`

use clap::Subcommand;

use crate::model::{
    Failure, FloatingIp, KeyPair, Port, Quota, Router, SecurityGroup, SecurityRule, ServerGroup, Subnet, Volume, Zone,
};
use crate::protocol::{ListKind, Rows};

use super::exit::{Code, Ended, Stop};
use super::lists::{self, List};
use super::session::Session;
use super::table::Table;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List them
    List(List),
    /// Show the rules of one
    Show {
        /// Name or id
        group: String,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(list) => lists::show(app, list, ListKind::SecurityGroups).await,
        Verb::Show { group, cloud, json } => {
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?;
            let Rows::SecurityGroups(rows) = session.list(&cloud, ListKind::SecurityGroups).await? else {
                return Err(super::session::odd());
            };
            let group = one(rows, &group)?;
            if json.json {
                return app.json(&group);
            }
            app.out.table(&rules(&group.rules), &format!("security group {} lets nothing through", group.name))?;
            Ok(Code::Done)
        }
    }
}

/// The security group of this id, or the only one of this name.
fn one(rows: Vec<SecurityGroup>, word: &str) -> Result<SecurityGroup, Stop> {
    if let Some(group) = rows.iter().find(|group| group.id == word) {
        return Ok(group.clone());
    }
    let tried = format!("show security group {word}");
    let names: Vec<String> = rows.iter().map(|group| group.name.clone()).collect();
    let mut named: Vec<SecurityGroup> = rows.into_iter().filter(|group| group.name == word).collect();
    match named.len() {
        1 => Ok(named.remove(0)),
        0 => Err(Stop::from(
            Failure::not_found(tried, "there is no security group of that name").next(format!("there are: {}", names.join(", "))),
        )),
        _ => {
            let ids: Vec<String> = named.into_iter().map(|group| group.id).collect();
            let got = format!("there are {} of that name", ids.len());
            Err(Stop::from(Failure::refused(tried, got).next(format!("name one by its id: {}", ids.join(", ")))))
        }
    }
}

fn or_dash(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| "-".to_owned())
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn rules(rows: &[SecurityRule]) -> Table {
    let mut table = Table::new(["direction", "protocol", "ports", "with", "type", "id"]);
    for rule in rows {
        let protocol = rule.protocol.clone().unwrap_or_else(|| "all".to_owned());
        let peer = rule.peer.clone().unwrap_or_else(|| "everybody".to_owned());
        table.row([rule.direction.clone(), protocol, rule.ports(), peer, rule.ethertype.clone(), rule.id.clone()]);
    }
    table
}

pub fn security_groups(rows: &[SecurityGroup]) -> Table {
    let mut table = Table::new(["name", "rules", "id", "description"]);
    for group in rows {
        table.row([group.name.clone(), group.rules.len().to_string(), group.id.clone(), group.description.clone()]);
    }
    table
}

pub fn subnets(rows: &[Subnet]) -> Table {
    let mut table = Table::new(["name", "network", "cidr", "gateway", "dhcp", "id"]);
    for subnet in rows {
        let (cidr, gateway) = (or_dash(subnet.cidr.as_ref()), or_dash(subnet.gateway.as_ref()));
        table.row([subnet.name.clone(), subnet.network.clone(), cidr, gateway, yes(subnet.dhcp), subnet.id.clone()]);
    }
    table
}

pub fn ports(rows: &[Port]) -> Table {
    let mut table = Table::new(["name", "status", "network", "addresses", "owner", "device", "security groups"]);
    for port in rows {
        let (addresses, groups) = (port.addresses.join(", "), port.security_groups.join(", "));
        let device = or_dash(port.device.as_ref());
        let (name, status, network) = (port.name.clone(), port.status.clone(), port.network.clone());
        table.row([name, status, network, addresses, port.owner.clone(), device, groups]);
    }
    table
}

pub fn routers(rows: &[Router]) -> Table {
    let mut table = Table::new(["name", "status", "external", "addresses", "id"]);
    for router in rows {
        let external = or_dash(router.external.as_ref());
        table.row([router.name.clone(), router.status.clone(), external, router.addresses.join(", "), router.id.clone()]);
    }
    table
}

pub fn floating_ips(rows: &[FloatingIp]) -> Table {
    let mut table = Table::new(["address", "server", "id", "description"]);
    for ip in rows {
        let server = or_dash(ip.server.as_ref().or(ip.port.as_ref()));
        table.row([ip.address.clone(), server, ip.id.clone(), ip.description.clone()]);
    }
    table
}

pub fn key_pairs(rows: &[KeyPair]) -> Table {
    let mut table = Table::new(["name", "fingerprint"]);
    for pair in rows {
        table.row([pair.name.clone(), pair.fingerprint.clone()]);
    }
    table
}

pub fn volumes(rows: &[Volume]) -> Table {
    let mut table = Table::new(["name", "status", "size", "bootable", "at", "type", "zone", "id"]);
    for volume in rows {
        let at: Vec<&str> = volume.attached.iter().map(|at| at.server.as_str()).collect();
        let at = if at.is_empty() { "-".to_owned() } else { at.join(", ") };
        let (kind, zone) = (or_dash(volume.kind.as_ref()), or_dash(volume.zone.as_ref()));
        let size = format!("{} GiB", volume.size_gb);
        let (name, status) = (volume.name.clone(), volume.status.clone());
        table.row([name, status, size, yes(volume.bootable), at, kind, zone, volume.id.clone()]);
    }
    table
}

pub fn server_groups(rows: &[ServerGroup]) -> Table {
    let mut table = Table::new(["name", "policy", "servers", "id"]);
    for group in rows {
        table.row([group.name.clone(), group.policy.clone(), group.members.len().to_string(), group.id.clone()]);
    }
    table
}

pub fn zones(rows: &[Zone]) -> Table {
    let mut table = Table::new(["name", "available"]);
    for zone in rows {
        table.row([zone.name.clone(), yes(zone.available)]);
    }
    table
}

pub fn quota(quota: &Quota) -> Table {
    let mut table = Table::new(["name", "used", "limit"]);
    for item in &quota.items {
        let limit = item.limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
        table.row([item.name.replace('_', " "), item.used.to_string(), limit]);
    }
    table
}
