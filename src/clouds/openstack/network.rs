//! Neutron: networks of clusters, security groups, floating IPs. What is there already is found by its mark, and
//! finished where it is not whole: each call may have been broken off anywhere.

use serde_json::{Value, json};

use super::belongings::{mark, read_mark};
use super::catalog::Service;
use super::session::{Call, Reply};
use super::{OpenStack, wire};
use crate::base::Cx;
use crate::base::http::{Method, Repeat};
use crate::model::{Belonging, BelongingKind, ClusterId, Failure, NewSecurityGroup, Ports, Tags};

/// How often a free floating IP is looked for that nobody else takes meanwhile.
const TAKES: u32 = 20;

/// The range of a cluster's own network, a /20 of 10.64.0.0/10: 4,091 servers. Made of the cluster's id, so that two
/// clusters are likely to be told apart where somebody joins them.
fn range(cluster: ClusterId) -> String {
    let bytes = cluster.0.as_bytes();
    format!("10.{}.{}.0/20", 64 + (bytes[14] & 0x3f), bytes[15] & 0xf0)
}

/// The rules that a security group is to have.
fn rules(wanted: &NewSecurityGroup, id: &str) -> Vec<Value> {
    let mut rules = Vec::new();
    for (ethertype, everybody, ping) in [("IPv4", "0.0.0.0/0", "icmp"), ("IPv6", "::/0", "ipv6-icmp")] {
        let rule = json!({ "security_group_id": id, "direction": "ingress", "ethertype": ethertype });
        let with = |more: Value| {
            let mut rule = rule.clone();
            if let (Some(rule), Value::Object(more)) = (rule.as_object_mut(), more) {
                rule.extend(more);
            }
            rule
        };
        if wanted.members {
            rules.push(with(json!({ "remote_group_id": id })));
            rules.push(with(json!({ "protocol": ping, "remote_ip_prefix": everybody })));
        }
        for Ports { protocol, first, last } in &wanted.ports {
            rules.push(with(json!({ "protocol": protocol.to_string(), "port_range_min": first, "port_range_max": last,
                "remote_ip_prefix": everybody })));
        }
    }
    rules
}

/// Whether a rule that is there is one that is wanted.
fn is(rule: &wire::Rule, wanted: &Value) -> bool {
    let text = |key: &str| wanted[key].as_str();
    let port = |key: &str| wanted[key].as_u64();
    // Some clouds write "everybody" as nothing, and pings of the new protocol by their old name.
    let prefix = rule.remote_ip_prefix.as_deref().filter(|prefix| !["0.0.0.0/0", "::/0"].contains(prefix));
    let protocol = |word: Option<&str>| word.map(|word| if word == "icmpv6" { "ipv6-icmp" } else { word }.to_owned());
    rule.ethertype.as_deref() == text("ethertype")
        && protocol(rule.protocol.as_deref()) == protocol(text("protocol"))
        && rule.port_range_min.map(u64::from) == port("port_range_min")
        && rule.port_range_max.map(u64::from) == port("port_range_max")
        && rule.remote_group_id.as_deref() == text("remote_group_id")
        && prefix.is_none()
}

impl OpenStack {
    fn belonging(&self, kind: BelongingKind, id: &str, name: &str, tags: &Tags, lent: bool) -> Belonging {
        let (id, name) = (id.to_owned(), name.to_owned());
        Belonging { cloud: self.name.clone(), kind, id, name, tags: Some(tags.clone()), lent }
    }

    /// The oldest of a kind that the cluster has for something.
    async fn has(&self, cx: &Cx, kind: BelongingKind, tags: &Tags) -> Result<Option<Belonging>, Failure> {
        let all = self.all_belongings(cx, tags.home, tags.cluster).await?;
        Ok(all.into_iter().find(|found| found.kind == kind && found.tags.is_some() && found.what_for() == tags.node))
    }

    /// Network, subnet, router, and the router's place on the network.
    pub(super) async fn network_of_cluster(&self, cx: &Cx, name: &str, tags: &Tags) -> Result<Belonging, Failure> {
        let tried = format!("make network {name}");
        let network = match self.has(cx, BelongingKind::Network, tags).await? {
            Some(found) => found,
            None => {
                let body = json!({ "network": { "name": name, "description": mark(tags, false), "admin_state_up": true } });
                let made = self.post(cx, "/networks", &tried, &body).await?.json::<wire::OneNetwork>()?.network;
                self.names.forget_networks().await;
                self.belonging(BelongingKind::Network, &made.id, name, tags, false)
            }
        };
        let subnet = self.subnet_of(cx, &network.id, name, tags).await?;
        let router = match self.has(cx, BelongingKind::Router, tags).await? {
            Some(found) => Some(found.id),
            None => self.router(cx, name, tags).await?,
        };
        if let Some(router) = router {
            self.join(cx, &router, &subnet, name).await?;
        }
        Ok(network)
    }

    async fn subnet_of(&self, cx: &Cx, network: &str, name: &str, tags: &Tags) -> Result<String, Failure> {
        let tried = format!("make the subnet of network {name}");
        let call = Call::get(Service::Network, "/subnets", &tried).query(&[("network_id", network)]);
        let there = self.session.all::<wire::Subnets>(cx, &call).await?;
        if let Some(id) = there.into_iter().find_map(|subnet| subnet.id) {
            return Ok(id);
        }
        let body = json!({ "subnet": { "name": name, "description": mark(tags, false), "network_id": network,
            "ip_version": 4, "cidr": range(tags.cluster) } });
        let made = self.post(cx, "/subnets", &tried, &body).await?.json::<wire::OneSubnet>()?.subnet;
        made.id.ok_or_else(|| Failure::broken(tried, "the answer names no subnet").at(self.address()))
    }

    /// A router to the outside; `None` where the cloud has no outside.
    async fn router(&self, cx: &Cx, name: &str, tags: &Tags) -> Result<Option<String>, Failure> {
        let tried = format!("make the router of network {name}");
        let Some(external) = self.names.external_network(&self.session, cx, &tried).await? else {
            cx.output.line("the cloud shows no external network: the cluster's network has no way to the outside");
            return Ok(None);
        };
        let body = json!({ "router": { "name": name, "description": mark(tags, false),
            "external_gateway_info": { "network_id": external.id } } });
        Ok(Some(self.post(cx, "/routers", &tried, &body).await?.json::<wire::OneRouter>()?.router.id))
    }

    async fn join(&self, cx: &Cx, router: &str, subnet: &str, name: &str) -> Result<(), Failure> {
        let on_it = async || -> Result<bool, Failure> {
            let ports = self.ports_of_device(cx, router).await?;
            let here = |port: &wire::Port| port.fixed_ips.iter().any(|ip| ip.subnet_id.as_deref() == Some(subnet));
            Ok(ports.iter().any(here))
        };
        if on_it().await? {
            return Ok(());
        }
        let tried = format!("put the router on network {name}");
        let path = format!("/routers/{router}/add_router_interface");
        let body = json!({ "subnet_id": subnet });
        let call = Call::new(Service::Network, Method::PUT, path, tried).json(&body).repeat(Repeat::Unbegun);
        let reply = self.session.call(cx, &call).await?;
        // An earlier call may have arrived after all.
        if matches!(reply.status().as_u16(), 400 | 409) && on_it().await? { Ok(()) } else { reply.ok().map(drop) }
    }

    /// The security group, with exactly its rules. Rules of those who go out are left as they are.
    pub(super) async fn group_of_cluster(&self, cx: &Cx, wanted: &NewSecurityGroup) -> Result<Belonging, Failure> {
        let tried = format!("make security group {}", wanted.name);
        let group = match self.has(cx, BelongingKind::SecurityGroup, &wanted.tags).await? {
            Some(found) => {
                let call = Call::get(Service::Network, format!("/security-groups/{}", found.id), &tried);
                self.session.ask::<wire::OneSecurityGroup>(cx, &call).await?.security_group
            }
            None => {
                let description = mark(&wanted.tags, false);
                let body = json!({ "security_group": { "name": wanted.name, "description": description } });
                self.post(cx, "/security-groups", &tried, &body).await?.json::<wire::OneSecurityGroup>()?.security_group
            }
        };
        let mut missing = rules(wanted, &group.id);
        for rule in group.security_group_rules.iter().filter(|rule| rule.direction.as_deref() == Some("ingress")) {
            match missing.iter().position(|wanted| is(rule, wanted)) {
                Some(at) => drop(missing.swap_remove(at)),
                None => {
                    let path = format!("/security-group-rules/{}", rule.id);
                    let call = Call::new(Service::Network, Method::DELETE, path, &tried);
                    let reply = self.session.call(cx, &call).await?;
                    if reply.status().as_u16() != 404 {
                        reply.ok()?;
                    }
                }
            }
        }
        if !missing.is_empty() {
            let body = json!({ "security_group_rules": missing });
            self.post(cx, "/security-group-rules", &tried, &body).await?.ok()?;
        }
        // What is there tells by its own mark who made it.
        let tags = read_mark(group.description.as_deref()).map_or_else(|| wanted.tags.clone(), |(tags, _)| tags);
        let name = group.name.as_deref().unwrap_or(&wanted.name);
        Ok(self.belonging(BelongingKind::SecurityGroup, &group.id, name, &tags, false))
    }

    /// A floating IP for a server. One looks for a free one at a time: two would take the same.
    pub(super) async fn floating_ip_for(&self, cx: &Cx, server: &str, tags: &Tags) -> Result<Belonging, Failure> {
        let tried = format!("give server {server} a public address");
        let (port, network) = self.port_of(cx, server, &tried).await?;
        let external = self.outside_of(cx, &network, &tried).await?;
        let alone = cx.run(&tried, async { Ok(self.taking.lock().await) }).await?;
        for _ in 0..TAKES {
            let all = self.own_floating_ips(cx).await?;
            let its = |row: &&wire::FloatingIp| {
                read_mark(row.description.as_deref())
                    .is_some_and(|(of, _)| (of.home, of.cluster, &of.node) == (tags.home, tags.cluster, &tags.node))
            };
            let oldest = all.iter().filter(its).min_by_key(|row| (row.created_at.clone(), row.id.clone()));
            let free = |row: &&wire::FloatingIp| {
                let there = row.floating_network_id.as_deref() == Some(external.id.as_str());
                there && row.port_id.is_none() && row.description.as_deref().unwrap_or_default().is_empty()
            };
            let (row, mark) = match (oldest, all.iter().find(free)) {
                (Some(row), _) => (row, None),
                (None, Some(row)) => (row, Some(mark(tags, true))),
                (None, None) => {
                    drop(alone);
                    return self.new_floating_ip(cx, &external.id, &port, tags, &tried).await;
                }
            };
            if row.port_id.as_deref() == Some(port.as_str()) || self.lead(cx, row, &port, mark.as_deref(), &tried).await? {
                let (own, lent) = match mark {
                    Some(_) => (tags.clone(), true),
                    None => read_mark(row.description.as_deref()).unwrap_or_else(|| (tags.clone(), false)),
                };
                let address = row.floating_ip_address.as_deref().unwrap_or(&row.id);
                return Ok(self.belonging(BelongingKind::FloatingIp, &row.id, address, &own, lent));
            }
        }
        Err(Failure::transient(tried, "every free floating IP was taken by somebody else meanwhile").at(self.address()))
    }

    /// Lets a floating IP lead to a port: `false` when somebody else has changed it meanwhile.
    async fn lead(&self, cx: &Cx, row: &wire::FloatingIp, port: &str, mark: Option<&str>, tried: &str) -> Result<bool, Failure> {
        let mut body = json!({ "floatingip": { "port_id": port } });
        if let Some(mark) = mark {
            body["floatingip"]["description"] = json!(mark);
        }
        let mut call = Call::new(Service::Network, Method::PUT, format!("/floatingips/{}", row.id), tried).json(&body);
        if let Some(revision) = row.revision_number {
            call = call.header("if-match", format!("revision_number={revision}"));
        }
        let reply = self.session.call(cx, &call).await?;
        match reply.status().as_u16() {
            404 | 409 | 412 => Ok(false),
            _ => reply.ok().map(|_| true),
        }
    }

    async fn new_floating_ip(&self, cx: &Cx, external: &str, port: &str, tags: &Tags, tried: &str) -> Result<Belonging, Failure> {
        let body =
            json!({ "floatingip": { "floating_network_id": external, "port_id": port, "description": mark(tags, false) } });
        let reply: Reply = self.post(cx, "/floatingips", tried, &body).await?;
        let made = reply.json::<wire::OneFloatingIp>()?.floatingip;
        let address = made.floating_ip_address.as_deref().unwrap_or(&made.id);
        Ok(self.belonging(BelongingKind::FloatingIp, &made.id, address, tags, false))
    }

    /// The port of a server that can have a floating IP, and its network.
    async fn port_of(&self, cx: &Cx, server: &str, tried: &str) -> Result<(String, String), Failure> {
        let ports = self.ports_of_device(cx, server).await?;
        let old = |ip: &wire::FixedIp| ip.ip_address.as_deref().is_some_and(|address| !address.contains(':'));
        let found = ports.into_iter().find(|port| port.fixed_ips.iter().any(old));
        found.and_then(|port| Some((port.id, port.network_id?))).ok_or_else(|| {
            let next = "it gets a floating IP once it is on a network with IPv4";
            Failure::refused(tried, "the server has no port with an IPv4 address").at(self.address()).next(next)
        })
    }

    /// The external network behind a network: the only one, the one that is named, or the one that its router leads to.
    async fn outside_of(&self, cx: &Cx, network: &str, tried: &str) -> Result<wire::Network, Failure> {
        let unclear = match self.names.external_network(&self.session, cx, tried).await {
            Ok(Some(external)) => return Ok(external),
            Ok(None) => return Err(Failure::refused(tried, "the cloud shows no external network").at(self.address())),
            Err(failure) => failure,
        };
        let query = [("network_id", network), ("device_owner", "network:router_interface")];
        let call = Call::get(Service::Network, "/ports", tried).query(&query);
        for port in self.session.all::<wire::Ports>(cx, &call).await? {
            let Some(router) = port.device_id else { continue };
            let call = Call::get(Service::Network, format!("/routers/{router}"), tried);
            let router = self.session.ask::<wire::OneRouter>(cx, &call).await?.router;
            if let Some(outside) = router.external_gateway_info.and_then(|gateway| gateway.network_id) {
                return self.names.network(&self.session, cx, &outside, tried).await;
            }
        }
        Err(unclear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HomeId, Token};

    fn wanted(members: bool, ports: &[&str]) -> NewSecurityGroup {
        let tags =
            Tags { home: HomeId::new(), cluster: ClusterId::new(), node: String::new(), token: Token::from_random([3; 20]) };
        let ports = ports.iter().map(|text| Ports::parse(text).unwrap()).collect();
        NewSecurityGroup { name: "qd-demo".into(), ports, members, tags }
    }

    #[test]
    fn a_rule_that_is_there_is_known_again() {
        let wanted = rules(&wanted(true, &["22", "8000-8010", "53/udp"]), "g1");
        assert_eq!(wanted.len(), 10);
        for (at, one) in wanted.iter().enumerate() {
            let mut told = one.clone();
            told["id"] = json!("r1");
            if told["protocol"] == "ipv6-icmp" {
                told["protocol"] = json!("icmpv6");
            }
            let rule: wire::Rule = serde_json::from_value(told).unwrap();
            let known: Vec<usize> = (0..wanted.len()).filter(|at| is(&rule, &wanted[*at])).collect();
            assert_eq!(known, [at], "{one}");
        }
        let narrow = json!({ "id": "r", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22,
            "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8" });
        let narrow: wire::Rule = serde_json::from_value(narrow).unwrap();
        assert!(!wanted.iter().any(|wanted| is(&narrow, wanted)), "who may come in is part of a rule");
    }

    #[test]
    fn ranges_are_private_and_whole() {
        for _ in 0..200 {
            let range = range(ClusterId(uuid::Uuid::new_v4()));
            let address: std::net::Ipv4Addr = range.strip_suffix("/20").unwrap().parse().unwrap();
            let [ten, second, third, last] = address.octets();
            assert!(ten == 10 && (64..128).contains(&second) && third % 16 == 0 && last == 0, "{range}");
        }
    }
}
