//! Clouds: one trait, one driver a folder. Every driver passes `tests/it/cloud_contract`.

use std::time::Duration;

use async_trait::async_trait;

use crate::base::Cx;
use crate::model::capability::names;
use crate::model::{
    Belonging, Capabilities, CloudName, ClusterId, Driver, Failure, Flavor, FloatingIp, HomeId, Identity, Image, KeyPair,
    Network, NewImage, NewSecurityGroup, NewServer, Port, PowerAction, Quota, Router, SecurityGroup, Server, ServerAction,
    ServerChange, ServerGroup, Subnet, Tags, Token, UsualNetwork, Volume, Zone,
};

pub mod openstack;
pub mod sandbox;

/// How the engine is to treat a cloud.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manners {
    /// Calls that change something, at once.
    pub at_once: u32,
    /// How long after a create call its server may still be missing from lists.
    pub settle: Duration,
    /// Between two looks at a server that boots.
    pub poll: Duration,
    /// A server that is not active after this long has failed.
    pub boot_limit: Duration,
}

/// One configured account at a provider.
///
/// Calls may be repeated: deleting what is gone succeeds; creating twice with one token gives the same server
/// (the engine asks [`Cloud::servers_by_token`] first, a driver that can does it as well).
#[async_trait]
pub trait Cloud: Send + Sync {
    fn name(&self) -> &CloudName;
    fn driver(&self) -> Driver;
    /// Where it is, for messages.
    fn endpoint(&self) -> String;
    fn capabilities(&self) -> Capabilities;
    fn manners(&self) -> Manners;

    // --- looking ---
    /// Who we are there. The cheapest call that proves address and credentials.
    async fn identity(&self, cx: &Cx) -> Result<Identity, Failure>;
    async fn flavors(&self, cx: &Cx) -> Result<Vec<Flavor>, Failure>;
    async fn images(&self, cx: &Cx) -> Result<Vec<Image>, Failure>;
    async fn networks(&self, cx: &Cx) -> Result<Vec<Network>, Failure>;
    async fn key_pairs(&self, cx: &Cx) -> Result<Vec<KeyPair>, Failure>;
    async fn floating_ips(&self, cx: &Cx) -> Result<Vec<FloatingIp>, Failure>;
    async fn quota(&self, cx: &Cx) -> Result<Quota, Failure>;
    async fn servers(&self, cx: &Cx) -> Result<Vec<Server>, Failure>;
    /// `NotFound` when there is none of that id.
    async fn server(&self, cx: &Cx, id: &str) -> Result<Server, Failure>;
    /// Servers that a step of this home made; more than one only after an accident.
    async fn servers_by_token(&self, cx: &Cx, token: &Token) -> Result<Vec<Server>, Failure>;
    /// Servers of one cluster of one home.
    async fn servers_of_cluster(&self, cx: &Cx, home: HomeId, cluster: ClusterId) -> Result<Vec<Server>, Failure>;
    /// The last `lines` lines that the server wrote to its console.
    async fn console_log(&self, cx: &Cx, id: &str, lines: u32) -> Result<String, Failure>;

    async fn subnets(&self, cx: &Cx) -> Result<Vec<Subnet>, Failure> {
        let _ = cx;
        Err(self.cannot("list subnets", names::NETWORKS))
    }
    /// Those of the own project.
    async fn ports(&self, cx: &Cx) -> Result<Vec<Port>, Failure> {
        let _ = cx;
        Err(self.cannot("list ports", names::NETWORKS))
    }
    /// Those of the own project.
    async fn routers(&self, cx: &Cx) -> Result<Vec<Router>, Failure> {
        let _ = cx;
        Err(self.cannot("list routers", names::NETWORKS))
    }
    /// Those of the own project, with their rules.
    async fn security_groups(&self, cx: &Cx) -> Result<Vec<SecurityGroup>, Failure> {
        let _ = cx;
        Err(self.cannot("list security groups", names::SECURITY_GROUPS))
    }
    async fn volumes(&self, cx: &Cx) -> Result<Vec<Volume>, Failure> {
        let _ = cx;
        Err(self.cannot("list volumes", names::VOLUMES))
    }
    async fn server_groups(&self, cx: &Cx) -> Result<Vec<ServerGroup>, Failure> {
        let _ = cx;
        Err(self.cannot("list server groups", names::SERVER_GROUPS))
    }
    /// Where servers can be placed.
    async fn zones(&self, cx: &Cx) -> Result<Vec<Zone>, Failure> {
        let _ = cx;
        Err(self.cannot("list availability zones", names::ZONES))
    }
    /// What was done to a server, the newest first, each with its events.
    async fn server_actions(&self, cx: &Cx, id: &str) -> Result<Vec<ServerAction>, Failure> {
        let _ = cx;
        Err(self.cannot(&format!("read the actions of server {id}"), names::ACTIONS))
    }
    /// The network of servers that name none.
    async fn usual_network(&self, cx: &Cx) -> Result<UsualNetwork, Failure> {
        let _ = cx;
        Ok(UsualNetwork::Unasked)
    }
    /// What one cluster of one home has there beside its servers, in order of age. With everything that would keep one
    /// of them from being deleted.
    async fn belongings(&self, cx: &Cx, home: HomeId, cluster: ClusterId) -> Result<Vec<Belonging>, Failure> {
        let _ = (cx, home, cluster);
        Ok(Vec::new())
    }

    // --- changing ---
    /// Returns as soon as the cloud knows the server; it may still be in `build`.
    async fn create_server(&self, cx: &Cx, server: &NewServer) -> Result<Server, Failure>;
    /// Returns when the server is gone from lists, or was not there.
    async fn delete_server(&self, cx: &Cx, id: &str) -> Result<(), Failure>;
    async fn power(&self, cx: &Cx, id: &str, action: PowerAction) -> Result<(), Failure>;
    /// Has the cloud begin with a change; returns as soon as it has taken it. Called again with the same token, for what
    /// has begun or is done, it does nothing.
    async fn change_server(&self, cx: &Cx, id: &str, change: &ServerChange, token: &Token) -> Result<(), Failure> {
        let _ = (cx, token);
        let name = if matches!(change, ServerChange::Rebuild { .. }) { names::REBUILD } else { names::RESIZE };
        Err(self.cannot(&change.title(id), name))
    }
    /// Makes a public key known under a name. That it is known already is fine, another key under this name is not.
    async fn import_key_pair(&self, cx: &Cx, name: &str, public_key: &str) -> Result<KeyPair, Failure> {
        let _ = (cx, public_key);
        Err(self.cannot(&format!("import key pair {name}"), names::KEY_PAIRS))
    }
    async fn delete_key_pair(&self, cx: &Cx, name: &str) -> Result<(), Failure> {
        let _ = cx;
        Err(self.cannot(&format!("delete key pair {name}"), names::KEY_PAIRS))
    }
    /// `policy` is one of the cloud's: `affinity`, `soft-anti-affinity` …
    async fn create_server_group(&self, cx: &Cx, name: &str, policy: &str) -> Result<ServerGroup, Failure> {
        let _ = (cx, policy);
        Err(self.cannot(&format!("create server group {name}"), names::SERVER_GROUPS))
    }
    async fn delete_server_group(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        let _ = cx;
        Err(self.cannot(&format!("delete server group {id}"), names::SERVER_GROUPS))
    }
    /// The network of a cluster, with addresses and a way to the outside: found, finished, or made. All of its parts
    /// carry the tags.
    async fn make_network(&self, cx: &Cx, name: &str, tags: &Tags) -> Result<Belonging, Failure> {
        let _ = (cx, tags);
        Err(self.cannot(&format!("make network {name}"), names::NETWORK_CREATE))
    }
    /// The security group of a cluster (and of what `tags.node` names), with exactly these ports: found and changed, or
    /// made.
    async fn security_group(&self, cx: &Cx, wanted: &NewSecurityGroup) -> Result<Belonging, Failure> {
        let _ = cx;
        Err(self.cannot(&format!("make security group {}", wanted.name), names::SECURITY_GROUPS))
    }
    /// A public address for a server: the one that the node of the tags has, else a free one, else a new one.
    async fn public_address(&self, cx: &Cx, server: &str, tags: &Tags) -> Result<Belonging, Failure> {
        let _ = (cx, tags);
        Err(self.cannot(&format!("give server {server} a public address"), names::FLOATING_IPS))
    }
    /// Deletes belongings, in the order that works; what is lent is let go. What is gone is gone.
    async fn give_back(&self, cx: &Cx, belongings: &[Belonging]) -> Result<(), Failure> {
        let _ = (cx, belongings);
        Ok(())
    }
    /// Makes an image out of a directory or archive on this computer.
    async fn register_image(&self, cx: &Cx, name: &str, path: &std::path::Path) -> Result<Image, Failure> {
        let _ = (cx, path);
        Err(self.cannot(&format!("register image {name}"), names::IMAGE_REGISTER))
    }
    /// Makes an image out of the file of a disk image on this computer, with progress. Repeated with the same token
    /// it gives the same image.
    async fn upload_image(&self, cx: &Cx, image: &NewImage) -> Result<Image, Failure> {
        let _ = cx;
        Err(self.cannot(&format!("upload image {}", image.name), names::IMAGE_UPLOAD))
    }
    /// Images that a step with this token uploaded, whole or half.
    async fn images_by_token(&self, cx: &Cx, token: &Token) -> Result<Vec<Image>, Failure> {
        let _ = (cx, token);
        Ok(Vec::new())
    }
    async fn delete_image(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        let _ = cx;
        Err(self.cannot(&format!("delete image {id}"), names::IMAGE_REGISTER))
    }

    /// The failure of a call that this driver has not.
    fn cannot(&self, tried: &str, capability: &str) -> Failure {
        let reason = self.capabilities().check(capability).err().unwrap_or_else(|| "not offered by this driver".to_owned());
        Failure::refused(tried, reason).at(self.endpoint())
    }
}
