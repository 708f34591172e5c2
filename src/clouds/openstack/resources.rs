//! Lists of what a project has beside servers and images: wiring, volumes, groups of servers, zones.

use std::collections::BTreeMap;

use serde_json::json;

use super::catalog::Service;
use super::servers::is_id;
use super::session::Call;
use super::{OpenStack, convert, names, wire};
use crate::base::Cx;
use crate::base::http::Method;
use crate::model::{Attachment, Class, Failure, Port, Router, SecurityGroup, SecurityRule, ServerGroup, Subnet, Volume, Zone};

/// Rows of a list of server groups that are asked for at once: what Nova gives at most unless it is told otherwise.
const GROUPS: &str = "1000";

/// What a row is called: its name, or its id where it has none.
fn named(name: Option<String>, id: &str) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned())
}

/// A state as we write it.
fn status(word: Option<String>) -> String {
    word.unwrap_or_default().to_lowercase()
}

/// Names by id; what is not among them stays an id.
struct Called(BTreeMap<String, String>);

impl Called {
    fn of(&self, id: &str) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}

impl OpenStack {
    async fn networks_called(&self, cx: &Cx) -> Result<Called, Failure> {
        let rows = names::read_networks(&self.session, cx).await?;
        Ok(Called(rows.into_iter().map(|row| (row.id.clone(), named(row.name, &row.id))).collect()))
    }

    /// Subnets of all networks that are shown, as they are listed.
    pub(super) async fn all_subnets(&self, cx: &Cx) -> Result<Vec<Subnet>, Failure> {
        let call = Call::get(Service::Network, "/subnets", "list subnets");
        let (rows, networks) = tokio::try_join!(self.session.all::<wire::Subnets>(cx, &call), self.networks_called(cx))?;
        let subnet = |row: wire::Subnet| {
            let id = row.id?;
            let network_id = row.network_id.unwrap_or_default();
            Some(Subnet {
                cloud: self.name.clone(),
                name: named(row.name, &id),
                network: networks.of(&network_id),
                network_id,
                cidr: row.cidr,
                ip_version: row.ip_version.unwrap_or(4),
                gateway: row.gateway_ip,
                dhcp: row.enable_dhcp.unwrap_or(false),
                dns: row.dns_nameservers,
                id,
            })
        };
        Ok(rows.into_iter().filter_map(subnet).collect())
    }

    pub(super) async fn own_ports(&self, cx: &Cx) -> Result<Vec<Port>, Failure> {
        let session = &self.session;
        let ports = self.own_list(cx, "/ports", "ports").await?;
        let groups =
            self.own_list(cx, "/security-groups", "security groups").await?.query(&[("fields", "id"), ("fields", "name")]);
        let (rows, networks, groups) = tokio::try_join!(
            session.all::<wire::Ports>(cx, &ports),
            self.networks_called(cx),
            session.all::<wire::SecurityGroups>(cx, &groups)
        )?;
        let groups = Called(groups.into_iter().map(|row| (row.id.clone(), named(row.name, &row.id))).collect());
        let port = |row: wire::Port| {
            let network_id = row.network_id.unwrap_or_default();
            Port {
                cloud: self.name.clone(),
                name: named(row.name, &row.id),
                network: networks.of(&network_id),
                network_id,
                status: status(row.status),
                mac: row.mac_address,
                addresses: row.fixed_ips.iter().filter_map(|ip| ip.ip_address.clone()).collect(),
                subnets: row.fixed_ips.into_iter().filter_map(|ip| ip.subnet_id).collect(),
                owner: row.device_owner.unwrap_or_default(),
                device: row.device_id.filter(|id| !id.is_empty()),
                security_groups: row.security_groups.iter().map(|id| groups.of(id)).collect(),
                id: row.id,
            }
        };
        Ok(rows.into_iter().map(port).collect())
    }

    pub(super) async fn own_routers(&self, cx: &Cx) -> Result<Vec<Router>, Failure> {
        let call = self.own_list(cx, "/routers", "routers").await?;
        let (rows, networks) = tokio::try_join!(self.session.all::<wire::Routers>(cx, &call), self.networks_called(cx))?;
        let router = |row: wire::Router| {
            let gateway = row.external_gateway_info;
            let addresses = gateway.as_ref().map(|gateway| &gateway.external_fixed_ips);
            Router {
                cloud: self.name.clone(),
                name: named(row.name, &row.id),
                status: status(row.status),
                addresses: addresses.into_iter().flatten().filter_map(|ip| ip.ip_address.clone()).collect(),
                external: gateway.and_then(|gateway| gateway.network_id).map(|id| networks.of(&id)),
                id: row.id,
            }
        };
        Ok(rows.into_iter().map(router).collect())
    }

    pub(super) async fn own_security_groups(&self, cx: &Cx) -> Result<Vec<SecurityGroup>, Failure> {
        let call = self.own_list(cx, "/security-groups", "security groups").await?;
        let rows = self.session.all::<wire::SecurityGroups>(cx, &call).await?;
        let called = Called(rows.iter().map(|row| (row.id.clone(), named(row.name.clone(), &row.id))).collect());
        let rule = |row: wire::Rule| SecurityRule {
            id: row.id,
            direction: row.direction.unwrap_or_default(),
            ethertype: row.ethertype.unwrap_or_default(),
            protocol: row.protocol,
            first: row.port_range_min,
            last: row.port_range_max,
            peer: row.remote_group_id.map(|id| called.of(&id)).or(row.remote_ip_prefix),
        };
        let group = |row: wire::SecurityGroup| SecurityGroup {
            cloud: self.name.clone(),
            name: named(row.name, &row.id),
            description: row.description.unwrap_or_default(),
            rules: row.security_group_rules.into_iter().map(rule).collect(),
            id: row.id,
        };
        Ok(rows.into_iter().map(group).collect())
    }

    pub(super) async fn all_volumes(&self, cx: &Cx) -> Result<Vec<Volume>, Failure> {
        let call = Call::get(Service::Volume, "/volumes/detail", "list volumes");
        let rows = self.session.all::<wire::Volumes>(cx, &call).await?;
        let volume = |row: wire::Volume| Volume {
            cloud: self.name.clone(),
            name: named(row.name, &row.id),
            status: status(row.status),
            size_gb: row.size.unwrap_or(0),
            bootable: row.bootable.as_deref() == Some("true"),
            kind: row.volume_type,
            zone: row.availability_zone,
            created: row.created_at.as_deref().and_then(convert::time),
            attached: row
                .attachments
                .into_iter()
                .filter_map(|at| Some(Attachment { server: at.server_id?, device: at.device }))
                .collect(),
            id: row.id,
        };
        Ok(rows.into_iter().map(volume).collect())
    }

    /// Nova gives no links from page to page here: more than its largest page are asked for by their place.
    pub(super) async fn all_server_groups(&self, cx: &Cx) -> Result<Vec<ServerGroup>, Failure> {
        let mut all: Vec<ServerGroup> = Vec::new();
        loop {
            let from = all.len().to_string();
            let query = [("limit", GROUPS), ("offset", from.as_str())];
            let call = Call::get(Service::Compute, "/os-server-groups", "list server groups").query(&query);
            let rows = self.session.all::<wire::ServerGroups>(cx, &call).await?;
            let full = rows.len().to_string() == GROUPS;
            all.extend(rows.into_iter().map(|row| self.server_group(row)));
            if !full {
                return Ok(all);
            }
        }
    }

    fn server_group(&self, row: wire::ServerGroup) -> ServerGroup {
        ServerGroup {
            cloud: self.name.clone(),
            name: named(row.name, &row.id),
            policy: row.policy.unwrap_or_else(|| row.policies.join(", ")),
            members: row.members,
            id: row.id,
        }
    }

    pub(super) async fn make_server_group(&self, cx: &Cx, name: &str, policy: &str) -> Result<ServerGroup, Failure> {
        let tried = format!("create server group {name}");
        let speaks = cx.run(&tried, self.session.place(cx, Service::Compute)).await?.speaks(64);
        let policy = if speaks { json!({ "policy": policy }) } else { json!({ "policies": [policy] }) };
        let mut body = json!({ "server_group": policy });
        body["server_group"]["name"] = json!(name);
        let call = Call::new(Service::Compute, Method::POST, "/os-server-groups", &tried).json(&body);
        let made = cx.run(&tried, self.session.ask::<wire::OneServerGroup>(cx, &call)).await;
        let next = "policies are affinity, anti-affinity, soft-affinity and soft-anti-affinity";
        made.map(|made| self.server_group(made.server_group)).map_err(|failure| match failure.class {
            Class::Refused if failure.next.is_empty() => failure.next(next),
            _ => failure,
        })
    }

    /// Servers that are in it stay.
    pub(super) async fn drop_server_group(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        if !is_id(id) {
            return Ok(());
        }
        let tried = format!("delete server group {id}");
        let call = Call::new(Service::Compute, Method::DELETE, format!("/os-server-groups/{id}"), &tried);
        let reply = cx.run(&tried, self.session.call(cx, &call)).await?;
        if reply.status().as_u16() == 404 { Ok(()) } else { reply.ok().map(drop) }
    }

    pub(super) async fn all_zones(&self, cx: &Cx) -> Result<Vec<Zone>, Failure> {
        let call = Call::get(Service::Compute, "/os-availability-zone", "list availability zones");
        let rows = self.session.ask::<wire::Zones>(cx, &call).await?.zones;
        let zone = |row: wire::Zone| Zone {
            cloud: self.name.clone(),
            name: row.name,
            available: row.state.and_then(|state| state.available).unwrap_or(true),
        };
        Ok(rows.into_iter().map(zone).collect())
    }
}
