//! OpenStack: Keystone v3, Nova, Glance and Neutron, spoken to over `base::http`.
//!
//! An engine's servers carry its mark in their metadata (read everywhere) and as tags (where Nova can filter by
//! them). Lists are read whole, page by page; looks at single servers are put together (`looks`); names are looked up
//! in lists that are kept for a minute (`names`).

mod belongings;
mod catalog;
mod changes;
mod cloud_init;
mod convert;
mod identity;
mod images;
mod keep;
mod looks;
mod names;
mod network;
mod oidc;
mod quota;
mod resources;
mod servers;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Cloud, Manners};
use crate::base::Cx;
use crate::base::http::Watch;
use crate::model::account::OpenstackAccount;
use crate::model::capability::names as can;
use crate::model::{
    Belonging, Capabilities, Capability, CloudName, ClusterId, Driver, Failure, Flavor, FloatingIp, HomeId, Identity, Image,
    KeyPair, Network, NewImage, NewSecurityGroup, NewServer, Port, PowerAction, Quota, Router, SecurityGroup, Server,
    ServerAction, ServerChange, ServerGroup, ServerStatus, Subnet, Tags, Token, UsualNetwork, Volume, Zone,
};
use catalog::Service;
use looks::Looks;
use names::{Names, Usual};
use servers::{Makings, is_id};
use session::{Call, Session};

/// Calls that change something, at once, unless the settings say otherwise.
const AT_ONCE: u32 = 10;
/// Between two looks at a server.
const POLL: Duration = Duration::from_secs(1);
/// How long a server that was asked for may be missing from lists: a create call that lost its answer may still wait
/// in Nova.
const SETTLE: Duration = Duration::from_secs(10);
/// A server that is not active by then has failed.
const BOOT: Duration = Duration::from_secs(600);

/// What an OpenStack cloud is made of.
#[derive(Clone)]
pub struct Config {
    /// Its name in this home.
    pub name: CloudName,
    pub account: OpenstackAccount,
    /// Where its token may be kept between starts, where the account wants that.
    pub token_file: PathBuf,
    /// Hears of every call.
    pub watch: Option<Arc<dyn Watch>>,
}

/// See the module. Its methods are those of [`OpenStackCloud`].
pub struct OpenStack {
    name: CloudName,
    session: Session,
    names: Names,
    looks: Looks,
    makings: Makings,
    /// Held while a free floating IP is taken.
    taking: tokio::sync::Mutex<()>,
}

/// The driver.
#[derive(Clone)]
pub struct OpenStackCloud(Arc<OpenStack>);

impl OpenStackCloud {
    /// A cloud that nobody has asked anything so far.
    ///
    /// # Errors
    /// The account's certificates or the proxies of the environment cannot be used.
    pub fn open(config: Config) -> Result<Self, Failure> {
        let Config { name, account, token_file, watch } = config;
        let kept = account.cache_token.then_some(token_file);
        let mut session = Session::open(account, kept)?;
        if let Some(watch) = watch {
            session = session.watched(watch);
        }
        let (names, looks, makings) = (Names::default(), Looks::default(), Makings::default());
        Ok(Self(Arc::new(OpenStack { name, session, names, looks, makings, taking: tokio::sync::Mutex::default() })))
    }
}

impl OpenStack {
    fn address(&self) -> String {
        self.session.account.auth_url.clone()
    }

    fn poll(&self) -> Duration {
        POLL
    }

    /// Servers in our words.
    async fn converted(&self, cx: &Cx, rows: Vec<wire::Server>) -> Vec<Server> {
        if rows.is_empty() {
            return Vec::new();
        }
        let lookup = self.names.lookup(&self.session, cx).await;
        let known = lookup.known();
        let servers: Vec<Server> = rows.into_iter().map(|row| convert::server(&self.name, row, &known)).collect();
        servers.iter().for_each(|server| self.looks.note(server));
        servers
    }

    async fn identity(&self, cx: &Cx) -> Result<Identity, Failure> {
        let token = self.session.check(cx).await?;
        let account = &self.session.account;
        let word = |named: &Option<wire::Named>| named.as_ref().and_then(|n| n.name.clone().or_else(|| n.id.clone()));
        let mut notes = account.notes.clone();
        if !self.session.http().verifies() {
            notes.insert(
                0,
                "certificates are not checked (verify: false): anybody on the way can read and change everything".to_owned(),
            );
        }
        let compute = self.session.place(cx, Service::Compute).await?;
        // A region or interface that is wrong for one of them is wrong at once, and not in the middle of a run.
        self.session.place(cx, Service::Image).await?;
        self.session.place(cx, Service::Network).await?;
        if let Some(region) = &account.region {
            notes.push(format!("region {region}"));
        }
        let version = compute.microversion.map_or("without microversions".to_owned(), |version| version.to_string());
        notes.push(format!("compute {version} at {}", compute.base));
        let roles: Vec<&str> = token.body.roles.iter().filter_map(|role| role.name.as_deref()).collect();
        if !roles.is_empty() {
            notes.push(format!("roles: {}", roles.join(", ")));
        }
        Ok(Identity {
            user: word(&token.body.user).unwrap_or_default(),
            project: word(&token.body.project).or_else(|| word(&token.body.domain)),
            notes,
        })
    }

    async fn networks(&self, cx: &Cx) -> Result<Vec<Network>, Failure> {
        let subnets = Call::get(Service::Network, "/subnets", "list subnets");
        let (networks, subnets) =
            tokio::try_join!(names::read_networks(&self.session, cx), self.session.all::<wire::Subnets>(cx, &subnets))?;
        Ok(networks.iter().map(|network| convert::network(&self.name, network, &subnets)).collect())
    }

    async fn floating_ips(&self, cx: &Cx) -> Result<Vec<FloatingIp>, Failure> {
        let call = Call::get(Service::Network, "/floatingips", "list floating IPs");
        let rows = self.session.all::<wire::FloatingIps>(cx, &call).await?;
        // Where Neutron does not say the server beside, the ports do.
        let mut servers = BTreeMap::new();
        if rows.iter().any(|row| row.port_id.is_some() && row.port_details.is_none()) {
            let fields = [("fields", "id"), ("fields", "device_id")];
            let call = Call::get(Service::Network, "/ports", "list ports").query(&fields);
            let ports = self.session.all::<wire::Ports>(cx, &call).await?;
            servers.extend(ports.into_iter().filter_map(|port| Some((port.id, port.device_id.filter(|id| !id.is_empty())?))));
        }
        Ok(rows.into_iter().map(|row| convert::floating_ip(&self.name, row, &servers)).collect())
    }
}

#[async_trait]
impl Cloud for OpenStackCloud {
    fn name(&self) -> &CloudName {
        &self.0.name
    }

    fn driver(&self) -> Driver {
        Driver::Openstack
    }

    fn endpoint(&self) -> String {
        if self.0.session.http().verifies() {
            self.0.address()
        } else {
            format!("{} (certificates not checked)", self.0.address())
        }
    }

    fn capabilities(&self) -> Capabilities {
        let no = |reason: &str| Capability::No { reason: reason.to_owned() };
        let limited = |note: &str| Capability::Limited { note: note.to_owned() };
        Capabilities::default()
            .with(can::POWER, Capability::Yes)
            .with(can::CONSOLE_LOG, Capability::Yes)
            .with(can::ACTIONS, Capability::Yes)
            .with(can::REBUILD, Capability::Yes)
            .with(can::RESIZE, Capability::Yes)
            .with(can::NETWORKS, Capability::Yes)
            .with(can::NETWORK_CREATE, Capability::Yes)
            .with(can::SECURITY_GROUPS, Capability::Yes)
            .with(can::FLOATING_IPS, Capability::Yes)
            .with(can::KEY_PAIRS, Capability::Yes)
            .with(can::VOLUMES, Capability::Yes)
            .with(can::SERVER_GROUPS, Capability::Yes)
            .with(can::ZONES, Capability::Yes)
            .with(can::BOOT_VOLUME, Capability::Yes)
            .with(can::HINTS, Capability::Yes)
            .with(can::IMAGE_UPLOAD, Capability::Yes)
            .with(can::IMAGE_REGISTER, no("images are uploaded, not registered from a directory"))
            .with(can::QUOTA, Capability::Yes)
            .with(can::MEMORY_LIMIT, Capability::Yes)
            .with(can::USERS, Capability::Yes)
            .with(can::FAULTS, no("a real cloud fails by itself"))
            .with(can::FILES, limited("placed by cloud-init at the first boot: the image must have it, and 48 KB is the limit"))
    }

    fn manners(&self) -> Manners {
        let at_once = self.0.session.account.at_once.unwrap_or(AT_ONCE).max(1);
        Manners { at_once, settle: SETTLE, poll: POLL, boot_limit: BOOT }
    }

    async fn identity(&self, cx: &Cx) -> Result<Identity, Failure> {
        cx.run("check the account", self.0.identity(cx)).await
    }

    async fn flavors(&self, cx: &Cx) -> Result<Vec<Flavor>, Failure> {
        let rows = cx.run("list flavors", names::read_flavors(&self.0.session, cx)).await?;
        Ok(rows.into_iter().map(|row| convert::flavor(&self.0.name, row)).collect())
    }

    async fn images(&self, cx: &Cx) -> Result<Vec<Image>, Failure> {
        let rows = cx.run("list images", names::read_images(&self.0.session, cx)).await?;
        Ok(rows.into_iter().filter_map(|row| convert::image(&self.0.name, row)).collect())
    }

    async fn networks(&self, cx: &Cx) -> Result<Vec<Network>, Failure> {
        cx.run("list networks", self.0.networks(cx)).await
    }

    async fn key_pairs(&self, cx: &Cx) -> Result<Vec<KeyPair>, Failure> {
        let call = Call::get(Service::Compute, "/os-keypairs", "list key pairs");
        let rows = cx.run("list key pairs", self.0.session.all::<wire::KeyPairs>(cx, &call)).await?;
        Ok(rows.into_iter().map(|row| convert::key_pair(&self.0.name, row.keypair)).collect())
    }

    async fn floating_ips(&self, cx: &Cx) -> Result<Vec<FloatingIp>, Failure> {
        cx.run("list floating IPs", self.0.floating_ips(cx)).await
    }

    async fn quota(&self, cx: &Cx) -> Result<Quota, Failure> {
        cx.run("read the quota", quota::read(&self.0.session, cx)).await
    }

    async fn servers(&self, cx: &Cx) -> Result<Vec<Server>, Failure> {
        const TRIED: &str = "list servers";
        let call = Call::get(Service::Compute, "/servers/detail", TRIED);
        // The names beside are read meanwhile.
        let both = async {
            let (rows, _) =
                tokio::join!(self.0.session.all::<wire::Servers>(cx, &call), self.0.names.lookup(&self.0.session, cx));
            Ok(self.0.converted(cx, rows?).await)
        };
        cx.run(TRIED, both).await
    }

    async fn server(&self, cx: &Cx, id: &str) -> Result<Server, Failure> {
        if !is_id(id) {
            return Err(self.0.no_server(&format!("look at server {id}"), id));
        }
        looks::look(&self.0, cx, id).await
    }

    async fn servers_by_token(&self, cx: &Cx, token: &Token) -> Result<Vec<Server>, Failure> {
        let all = self.0.tagged(cx, &token.0, "find servers by token").await?;
        let ours = |s: &Server| s.tags.as_ref().is_some_and(|tags| tags.token == *token) && s.status != ServerStatus::Deleting;
        Ok(all.into_iter().filter(ours).collect())
    }

    async fn servers_of_cluster(&self, cx: &Cx, home: HomeId, cluster: ClusterId) -> Result<Vec<Server>, Failure> {
        let all = self.0.tagged(cx, &convert::cluster_mark(cluster), "find servers of the cluster").await?;
        let ours = |s: &Server| s.tags.as_ref().is_some_and(|tags| tags.home == home && tags.cluster == cluster);
        Ok(all.into_iter().filter(ours).collect())
    }

    async fn subnets(&self, cx: &Cx) -> Result<Vec<Subnet>, Failure> {
        cx.run("list subnets", self.0.all_subnets(cx)).await
    }

    async fn ports(&self, cx: &Cx) -> Result<Vec<Port>, Failure> {
        cx.run("list ports", self.0.own_ports(cx)).await
    }

    async fn routers(&self, cx: &Cx) -> Result<Vec<Router>, Failure> {
        cx.run("list routers", self.0.own_routers(cx)).await
    }

    async fn security_groups(&self, cx: &Cx) -> Result<Vec<SecurityGroup>, Failure> {
        cx.run("list security groups", self.0.own_security_groups(cx)).await
    }

    async fn volumes(&self, cx: &Cx) -> Result<Vec<Volume>, Failure> {
        cx.run("list volumes", self.0.all_volumes(cx)).await
    }

    async fn server_groups(&self, cx: &Cx) -> Result<Vec<ServerGroup>, Failure> {
        cx.run("list server groups", self.0.all_server_groups(cx)).await
    }

    async fn zones(&self, cx: &Cx) -> Result<Vec<Zone>, Failure> {
        cx.run("list availability zones", self.0.all_zones(cx)).await
    }

    async fn server_actions(&self, cx: &Cx, id: &str) -> Result<Vec<ServerAction>, Failure> {
        cx.run("read the actions of a server", self.0.actions(cx, id)).await
    }

    async fn usual_network(&self, cx: &Cx) -> Result<UsualNetwork, Failure> {
        const TRIED: &str = "find the network of servers that name none";
        let usual = self.0.names.usual_network(&self.0.session, cx, Duration::ZERO, TRIED);
        Ok(match cx.run(TRIED, usual).await? {
            Usual::Is(network) => UsualNetwork::Is(convert::network(&self.0.name, &network, &[])),
            Usual::Missing => UsualNetwork::Missing,
            Usual::Several(names) => {
                UsualNetwork::Unclear(format!("{}; name one in `networks` of the group", Usual::unclear(&names)))
            }
        })
    }

    async fn belongings(&self, cx: &Cx, home: HomeId, cluster: ClusterId) -> Result<Vec<Belonging>, Failure> {
        cx.run("look for what the cluster has", self.0.all_belongings(cx, home, cluster)).await
    }

    async fn console_log(&self, cx: &Cx, id: &str, lines: u32) -> Result<String, Failure> {
        self.0.console(cx, id, lines).await
    }

    async fn create_server(&self, cx: &Cx, server: &NewServer) -> Result<Server, Failure> {
        self.0.create(cx, server).await
    }

    async fn delete_server(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        self.0.delete(cx, id).await
    }

    async fn power(&self, cx: &Cx, id: &str, action: PowerAction) -> Result<(), Failure> {
        self.0.switch(cx, id, action).await
    }

    async fn change_server(&self, cx: &Cx, id: &str, change: &ServerChange, token: &Token) -> Result<(), Failure> {
        self.0.change(cx, id, change, token).await
    }

    async fn import_key_pair(&self, cx: &Cx, name: &str, public_key: &str) -> Result<KeyPair, Failure> {
        self.0.import_key(cx, name, public_key).await
    }

    async fn delete_key_pair(&self, cx: &Cx, name: &str) -> Result<(), Failure> {
        self.0.drop_key(cx, name).await
    }

    async fn create_server_group(&self, cx: &Cx, name: &str, policy: &str) -> Result<ServerGroup, Failure> {
        self.0.make_server_group(cx, name, policy).await
    }

    async fn delete_server_group(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        self.0.drop_server_group(cx, id).await
    }

    async fn make_network(&self, cx: &Cx, name: &str, tags: &Tags) -> Result<Belonging, Failure> {
        self.0.network_of_cluster(cx, name, tags).await
    }

    async fn security_group(&self, cx: &Cx, wanted: &NewSecurityGroup) -> Result<Belonging, Failure> {
        self.0.group_of_cluster(cx, wanted).await
    }

    async fn public_address(&self, cx: &Cx, server: &str, tags: &Tags) -> Result<Belonging, Failure> {
        self.0.floating_ip_for(cx, server, tags).await
    }

    async fn give_back(&self, cx: &Cx, belongings: &[Belonging]) -> Result<(), Failure> {
        self.0.drop_belongings(cx, belongings).await
    }

    async fn upload_image(&self, cx: &Cx, image: &NewImage) -> Result<Image, Failure> {
        self.0.upload(cx, image).await
    }

    async fn images_by_token(&self, cx: &Cx, token: &Token) -> Result<Vec<Image>, Failure> {
        let rows = self.0.images_of(cx, token, "find images by token").await?;
        Ok(rows.into_iter().filter_map(|row| convert::image(&self.0.name, row)).collect())
    }

    async fn delete_image(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        self.0.drop_image(cx, id).await
    }
}
