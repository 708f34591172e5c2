//! What a cluster has beside its servers: how it is marked and found, and how it is given back.
//!
//! The mark is the description, since it goes into the create call itself on every Neutron; tags come after.

use std::collections::BTreeSet;

use serde_json::json;

use super::catalog::Service;
use super::servers::is_id;
use super::session::{Call, Reply};
use super::{OpenStack, wire};
use crate::base::Cx;
use crate::base::http::{Method, Repeat};
use crate::model::{Belonging, BelongingKind, Class, ClusterId, Failure, HomeId, Tags, Token};

/// How every mark begins.
const MARK: &str = "quarterdeck ";
/// At the end of the mark of what is not ours.
const LENT: &str = " lent";

/// The mark of something.
pub fn mark(tags: &Tags, lent: bool) -> String {
    let Tags { home, cluster, node, token } = tags;
    format!("{MARK}home={home} cluster={cluster} for={node} token={token}{}", if lent { LENT } else { "" })
}

/// Whether an engine has made something.
pub fn is_marked(description: Option<&str>) -> bool {
    description.is_some_and(|text| text.starts_with(MARK))
}

/// What a mark says, and whether the thing is lent.
pub fn read_mark(description: Option<&str>) -> Option<(Tags, bool)> {
    let text = description?.strip_prefix(MARK)?;
    let (text, lent) = text.strip_suffix(LENT).map_or((text, false), |text| (text, true));
    let value = |key: &str| text.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let uuid = |key: &str| value(key)?.parse::<uuid::Uuid>().ok();
    let tags = Tags {
        home: HomeId(uuid("home")?),
        cluster: ClusterId(uuid("cluster")?),
        node: value("for")?.to_owned(),
        token: Token(value("token")?.to_owned()),
    };
    Some((tags, lent))
}

/// A row of any kind.
struct Row {
    kind: BelongingKind,
    id: String,
    name: Option<String>,
    description: Option<String>,
    created: Option<String>,
}

macro_rules! rows {
    ($all:expr, $kind:ident) => {
        $all.into_iter().map(|row| Row {
            kind: BelongingKind::$kind,
            id: row.id,
            name: row.name,
            description: row.description,
            created: row.created_at,
        })
    };
}

impl OpenStack {
    /// A list of Neutron's, of the own project only: who administers a cloud sees all.
    pub(super) async fn own_list(&self, cx: &Cx, path: &str, what: &str) -> Result<Call, Failure> {
        let token = self.session.token(cx).await?;
        let call = Call::get(Service::Network, path, format!("list {what}"));
        Ok(match token.project() {
            Some(project) => call.query(&[("project_id", project)]),
            None => call,
        })
    }

    pub(super) async fn own_floating_ips(&self, cx: &Cx) -> Result<Vec<wire::FloatingIp>, Failure> {
        let call = self.own_list(cx, "/floatingips", "floating IPs").await?;
        self.session.all::<wire::FloatingIps>(cx, &call).await
    }

    /// All that the cluster has, the oldest first; what only hangs on it last.
    pub(super) async fn all_belongings(&self, cx: &Cx, home: HomeId, cluster: ClusterId) -> Result<Vec<Belonging>, Failure> {
        let session = &self.session;
        let networks = self.own_list(cx, "/networks", "networks").await?;
        let routers = self.own_list(cx, "/routers", "routers").await?;
        let groups = self.own_list(cx, "/security-groups", "security groups").await?;
        let (networks, routers, groups, ips) = tokio::try_join!(
            session.all::<wire::Networks>(cx, &networks),
            session.all::<wire::Routers>(cx, &routers),
            session.all::<wire::SecurityGroups>(cx, &groups),
            self.own_floating_ips(cx)
        )?;
        let ips = ips.into_iter().map(|row| Row {
            kind: BelongingKind::FloatingIp,
            id: row.id,
            name: row.floating_ip_address,
            description: row.description,
            created: row.created_at,
        });
        let rows = rows!(networks, Network).chain(rows!(routers, Router)).chain(rows!(groups, SecurityGroup)).chain(ips);
        let mut found: Vec<(Option<String>, Belonging)> = rows
            .filter_map(|row| {
                let (tags, lent) = read_mark(row.description.as_deref())?;
                let name = row.name.filter(|name| !name.is_empty()).unwrap_or_else(|| row.id.clone());
                let cloud = self.name.clone();
                let ours = tags.home == home && tags.cluster == cluster;
                let found = Belonging { cloud, kind: row.kind, id: row.id, name, tags: Some(tags), lent };
                ours.then_some((row.created, found))
            })
            .collect();
        found.sort_by(|(one, a), (other, b)| (one, &a.id).cmp(&(other, &b.id)));
        let mut found: Vec<Belonging> = found.into_iter().map(|(_, found)| found).collect();
        let hanging = self.ports_on(cx, &found).await?;
        found.extend(hanging);
        Ok(found)
    }

    /// Ports of servers on the cluster's networks, or in its security groups.
    async fn ports_on(&self, cx: &Cx, those: &[Belonging]) -> Result<Vec<Belonging>, Failure> {
        let of = |kind| those.iter().filter(move |one| one.kind == kind).map(|one| one.id.as_str()).collect::<BTreeSet<_>>();
        let (networks, groups) = (of(BelongingKind::Network), of(BelongingKind::SecurityGroup));
        if networks.is_empty() && groups.is_empty() {
            return Ok(Vec::new());
        }
        let token = self.session.token(cx).await?;
        let mut query = vec![("fields", "id"), ("fields", "name"), ("fields", "device_id"), ("fields", "device_owner")];
        query.extend([("fields", "network_id"), ("fields", "security_groups")]);
        query.extend(token.project().map(|project| ("project_id", project)));
        let call = Call::get(Service::Network, "/ports", "list ports").query(&query);
        let ports = self.session.all::<wire::Ports>(cx, &call).await?;
        let hangs = |port: &wire::Port| {
            // Neutron takes its own away with what they belong to.
            let theirs = port.device_owner.as_deref().is_some_and(|owner| owner.starts_with("network:"));
            let here = port.network_id.as_deref().is_some_and(|network| networks.contains(network));
            !theirs && (here || port.security_groups.iter().any(|group| groups.contains(group.as_str())))
        };
        let belonging = |port: wire::Port| {
            let device = port.device_id.filter(|device| !device.is_empty()).map(|device| format!("of server {device}"));
            let name = device.or(port.name.filter(|name| !name.is_empty())).unwrap_or_else(|| port.id.clone());
            Belonging { cloud: self.name.clone(), kind: BelongingKind::Port, id: port.id, name, tags: None, lent: false }
        };
        Ok(ports.into_iter().filter(hangs).map(belonging).collect())
    }

    /// Deletes those, in the order that works.
    pub(super) async fn drop_belongings(&self, cx: &Cx, those: &[Belonging]) -> Result<(), Failure> {
        use BelongingKind::{FloatingIp, Network, Port, Router, SecurityGroup};
        for kind in [FloatingIp, Port, Router, Network, SecurityGroup] {
            for one in those.iter().filter(|one| one.kind == kind && is_id(&one.id)) {
                match kind {
                    FloatingIp if one.lent => self.let_go(cx, one).await?,
                    FloatingIp => self.drop_one(cx, "floatingips", one).await?,
                    Port => self.drop_port(cx, one).await?,
                    Router => self.drop_router(cx, one).await?,
                    Network => self.drop_network(cx, one).await?,
                    SecurityGroup => self.drop_one(cx, "security-groups", one).await?,
                }
            }
        }
        Ok(())
    }

    async fn drop_one(&self, cx: &Cx, path: &str, one: &Belonging) -> Result<(), Failure> {
        let tried = format!("delete {one}");
        let call = Call::new(Service::Network, Method::DELETE, format!("/{path}/{}", one.id), &tried);
        let reply = self.session.call(cx, &call).await?;
        match reply.status().as_u16() {
            404 => Ok(()),
            // Something still hangs on it, and is on its way out.
            409 => Err(Failure { class: Class::Transient, ..reply.failure() }),
            _ => reply.ok().map(drop),
        }
    }

    /// A floating IP of somebody else's goes back to where it was: free, and without a mark.
    async fn let_go(&self, cx: &Cx, one: &Belonging) -> Result<(), Failure> {
        let tried = format!("let go of {one}");
        let body = json!({ "floatingip": { "port_id": null, "description": "" } });
        let call = Call::new(Service::Network, Method::PUT, format!("/floatingips/{}", one.id), &tried).json(&body);
        let reply = self.session.call(cx, &call).await?;
        if reply.status().as_u16() == 404 { Ok(()) } else { reply.ok().map(drop) }
    }

    /// A port whose server is gone goes; one whose server lives is somebody's.
    async fn drop_port(&self, cx: &Cx, one: &Belonging) -> Result<(), Failure> {
        let device = one.name.strip_prefix("of server ").filter(|id| is_id(id));
        let gone = match device {
            Some(id) => {
                let call = Call::get(Service::Compute, format!("/servers/{id}"), format!("look at server {id}"));
                self.session.call(cx, &call).await?.status().as_u16() == 404
            }
            None => false,
        };
        if gone {
            return self.drop_one(cx, "ports", one).await;
        }
        let got = format!("{one} is in use and none of the cluster's");
        let next = "take it off the cluster's network or out of its security group, then delete the cluster once more";
        Err(Failure::refused("give back the network of the cluster", got).at(self.address()).next(next))
    }

    async fn drop_router(&self, cx: &Cx, one: &Belonging) -> Result<(), Failure> {
        let tried = format!("take {one} off its networks");
        let ports = self.ports_of_device(cx, &one.id).await?;
        for port in ports.iter().filter(|port| port.device_owner.as_deref() != Some("network:router_gateway")) {
            let body = json!({ "port_id": port.id });
            let path = format!("/routers/{}/remove_router_interface", one.id);
            let call = Call::new(Service::Network, Method::PUT, path, &tried).json(&body).repeat(Repeat::Unbegun);
            let reply = self.session.call(cx, &call).await?;
            if reply.status().as_u16() != 404 {
                reply.ok()?;
            }
        }
        self.drop_one(cx, "routers", one).await
    }

    /// A network with its subnets. Another router that somebody has put on it is in the way, and is said by Neutron.
    async fn drop_network(&self, cx: &Cx, one: &Belonging) -> Result<(), Failure> {
        self.drop_one(cx, "networks", one).await?;
        self.names.forget_networks().await;
        Ok(())
    }

    /// The ports of a server or router.
    pub(super) async fn ports_of_device(&self, cx: &Cx, device: &str) -> Result<Vec<wire::Port>, Failure> {
        let call = Call::get(Service::Network, "/ports", "list ports").query(&[("device_id", device)]);
        self.session.all::<wire::Ports>(cx, &call).await
    }

    /// Makes something of Neutron's, by a call that is not repeated once it may have begun.
    pub(super) async fn post(&self, cx: &Cx, path: &str, tried: &str, body: &serde_json::Value) -> Result<Reply, Failure> {
        let call = Call::new(Service::Network, Method::POST, path, tried).json(body);
        self.session.call(cx, &call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_what_it_was_made_of() {
        let tags = |node: &str| Tags {
            home: HomeId::new(),
            cluster: ClusterId::new(),
            node: node.to_owned(),
            token: Token::from_random([3; 20]),
        };
        for (node, lent) in [("", false), ("master-1", true), (&"n".repeat(50), true)] {
            let tags = tags(node);
            let mark = mark(&tags, lent);
            assert!(is_marked(Some(&mark)) && mark.len() <= 255, "{mark}");
            assert_eq!(read_mark(Some(&mark)), Some((tags, lent)));
        }
        for other in [None, Some(""), Some("mine"), Some("quarterdeck home=x"), Some("quarterdeckhouse")] {
            assert_eq!(read_mark(other), None);
        }
    }
}
