//! Servers and how one is asked for.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CloudName, ClusterId, HomeId, Time, Token};

/// State of a server, in OpenStack's words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerStatus {
    Build,
    Active,
    Shutoff,
    Reboot,
    /// Its disk is made anew.
    Rebuild,
    /// It gets another flavor, or its former one back.
    Resize,
    /// It has another flavor, and waits for somebody to confirm it or to take it back.
    VerifyResize,
    Error,
    Deleting,
    /// A state of the cloud's own that has no word here.
    Other(String),
}

impl fmt::Display for ServerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build => "build",
            Self::Active => "active",
            Self::Shutoff => "shutoff",
            Self::Reboot => "reboot",
            Self::Rebuild => "rebuild",
            Self::Resize => "resize",
            Self::VerifyResize => "verify_resize",
            Self::Error => "error",
            Self::Deleting => "deleting",
            Self::Other(word) => word,
        })
    }
}

/// Where an address belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// On a network of the cloud.
    Fixed,
    /// Public: a floating IP, or an address on an external network.
    Public,
}

/// One address of a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Address {
    pub ip: String,
    pub kind: AddressKind,
    /// The network's name, where known.
    pub network: Option<String>,
}

/// What marks a resource as ours, beside its step's token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tags {
    pub home: HomeId,
    pub cluster: ClusterId,
    /// Name of the node; of what is no server: what it is for.
    pub node: String,
    pub token: Token,
}

impl Tags {
    /// Tags of a server that is asked for outside a cluster: a client does not know home or token, and the engine
    /// puts its own in.
    pub fn unset(name: &str) -> Self {
        let nil = uuid::Uuid::nil();
        Self { home: HomeId(nil), cluster: ClusterId(nil), node: name.to_owned(), token: Token(String::new()) }
    }
}

/// One virtual machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Server {
    pub cloud: CloudName,
    /// The provider's id, an opaque string.
    pub id: String,
    pub name: String,
    pub status: ServerStatus,
    /// Name of the flavor, or its id where the cloud gives no name.
    pub flavor: String,
    pub image: String,
    pub addresses: Vec<Address>,
    /// Port of its SSH server.
    pub ssh_port: u16,
    pub created: Time,
    /// Why it is in `error`, in the cloud's words.
    pub fault: Option<String>,
    /// Present when an engine made it.
    pub tags: Option<Tags>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Server {
    /// The address to reach it at: a public one first.
    pub fn address(&self) -> Option<&str> {
        self.addresses.iter().find(|a| a.kind == AddressKind::Public).or_else(|| self.addresses.first()).map(|a| a.ip.as_str())
    }

    /// Its address on a network of the cloud, for its neighbours there.
    pub fn inner_address(&self) -> Option<&str> {
        self.addresses.iter().find(|a| a.kind == AddressKind::Fixed).map(|a| a.ip.as_str())
    }
}

/// A file that is placed on a server when it boots (or, where the cloud cannot, right after).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlacedFile {
    /// Absolute path on the server.
    pub path: String,
    /// The content, base64.
    pub content_base64: String,
    /// Permission bits, for instance 0o644.
    pub mode: u32,
}

/// The disk of a server as a volume, which can outlive it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootVolume {
    /// GiB.
    #[schemars(title = "Size, GiB", range(min = 1))]
    pub size_gb: u32,
    /// It stays when the server is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(title = "Keep")]
    pub keep: bool,
}

/// What a server is to have that only some clouds can give.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    /// Availability zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Name or id of a server group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_group: Option<String>,
    /// Hints for the cloud's scheduler, in its own words, each with its values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, Vec<String>>,
    /// It boots from a volume that is made of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<BootVolume>,
    /// Name of a key pair of the cloud, beside the keys that are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pair: Option<String>,
}

impl Extras {
    /// Nothing of this is wanted.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A server to be created.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewServer {
    pub name: String,
    /// Name or id.
    pub flavor: String,
    /// Name or id.
    pub image: String,
    /// Names or ids; empty: the cloud's default.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Whether a public address is wanted.
    #[serde(default)]
    pub public_address: bool,
    /// Ids; empty: the cloud's default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// OpenSSH public key lines that may log in.
    pub authorized_keys: Vec<String>,
    #[serde(default)]
    pub files: Vec<PlacedFile>,
    #[serde(default, skip_serializing_if = "Extras::is_none")]
    pub extras: Extras,
    /// What makes it findable again.
    pub tags: Tags,
}

/// Something that was done to a server, as its cloud tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerAction {
    /// The cloud's id of the request.
    pub id: String,
    /// In the cloud's words: `create`, `stop`, `resize` …
    pub action: String,
    pub at: Time,
    /// Who asked for it, where the cloud says it.
    pub by: Option<String>,
    /// What went wrong, where something did.
    pub message: Option<String>,
    /// What the cloud did for it, the first thing first; empty where it does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ServerEvent>,
}

/// One thing that a cloud did for an action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerEvent {
    pub event: String,
    pub started: Time,
    /// `None`: it is under way, or was never told to have ended.
    pub ended: Option<Time>,
    /// `Success`, `Error`, in the cloud's words.
    pub result: Option<String>,
    /// Why it failed.
    pub details: Option<String>,
}

/// What can be done to a server's power.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    Start,
    Stop,
    Reboot,
}

/// A change of a server that takes its time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ServerChange {
    /// Makes its disk anew from an image, by name or id: what was on it is lost; addresses stay.
    Rebuild { image: String },
    /// Gives it another flavor, by name or id. The server waits in `verify_resize` until the change is confirmed;
    /// `confirm`: that is done at once.
    Resize { flavor: String, confirm: bool },
    /// Confirms its new flavor.
    ConfirmResize,
    /// Gives it back the flavor that it had.
    RevertResize,
}

impl ServerChange {
    /// What is done to a server, for people: `resize server web-1 to m1.large`.
    pub fn title(&self, server: &str) -> String {
        match self {
            Self::Rebuild { image } => format!("rebuild server {server} from {image}"),
            Self::Resize { flavor, .. } => format!("resize server {server} to {flavor}"),
            Self::ConfirmResize => format!("confirm the new flavor of server {server}"),
            Self::RevertResize => format!("give server {server} its former flavor"),
        }
    }
}
