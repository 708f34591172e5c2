//! The spec of a cluster: what a person writes in YAML. Reading it, with errors that name the line, is
//! `clusters::spec`; `quarterdeck cluster schema` prints the schema of these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::BootVolume;

/// What [`super::ids::is_name`] takes, as a pattern.
const NAME: &str = "^[a-z0-9][a-z0-9_-]{0,39}$";

/// Names of Ansible variables, as a pattern.
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// What [`super::Ports::parse`] reads, as a pattern.
const PORTS: &str = "^[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp))?$";

/// Variables for Ansible: any YAML value under a name.
pub type Vars = BTreeMap<String, Value>;

/// Named groups of nodes on a cloud, and the playbooks that make something of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cluster")]
pub struct ClusterSpec {
    /// Name of the cluster, unique in the home: `[a-z0-9][a-z0-9_-]*`, at most 40 characters.
    #[schemars(title = "Name", regex(pattern = NAME), example = &"analytics")]
    pub name: String,
    /// Cloud of every group that names no other; the default cloud when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Cloud", regex(pattern = NAME), example = &"sandbox")]
    pub cloud: Option<String>,
    /// How to log in.
    #[serde(default)]
    #[schemars(title = "Login")]
    pub ssh: SshSpec,
    /// The groups, each an Ansible group of the same name; at least one.
    #[schemars(title = "Groups", extend("minProperties" = 1, "propertyNames" = {
        "pattern": NAME, "not": { "enum": ["all", "ungrouped", "localhost"] }
    }))]
    pub groups: BTreeMap<String, GroupSpec>,
    /// Files placed on every node at boot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Files")]
    pub files: Vec<FileSpec>,
    /// Variables of all hosts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(title = "Variables", extend("propertyNames" = { "pattern": VARIABLE }))]
    pub vars: Vars,
    /// Variables of single hosts, by node name (`slaves-1`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(title = "Variables of hosts", extend("propertyNames" = { "pattern": "^[a-z0-9][a-z0-9_-]*-[1-9][0-9]*$" }))]
    pub hosts: BTreeMap<String, Vars>,
    /// Playbooks, run in this order once all nodes are reachable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Playbooks", example = ["site.yml"])]
    pub playbooks: Vec<PlaybookEntry>,
    /// What happens when a step fails for good.
    #[serde(default)]
    #[schemars(title = "On failure")]
    pub on_failure: OnFailure,
    /// When the cluster may go on without all of its nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Ready")]
    pub ready: Option<ReadySpec>,
}

/// The JSON Schema of a spec, for editors.
pub fn schema() -> Value {
    schemars::schema_for!(ClusterSpec).to_value()
}

/// How to log in to the nodes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshSpec {
    /// The user; the image's own, else `root`, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "User", example = &"debian")]
    pub user: Option<String>,
    /// Public key files (or key lines) that may log in beside the cluster's own key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Public keys", example = ["~/.ssh/id_ed25519.pub"])]
    pub keys: Vec<String>,
    /// Private key file to log in with; a key is made for the cluster when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Private key", example = &"~/.ssh/id_ed25519")]
    pub identity: Option<String>,
}

/// Nodes of one role.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// How many, 1 to 1000.
    #[serde(default = "one")]
    #[schemars(title = "Count", range(min = 1, max = 1000))]
    pub count: u32,
    /// Cloud of this group, when it is not the cluster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Cloud", regex(pattern = NAME))]
    pub cloud: Option<String>,
    /// Flavor, by name or id; the cloud's default when left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(title = "Flavor", example = &"small")]
    pub flavor: String,
    /// Image, by name or id; the cloud's default when left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(title = "Image", example = &"debian-12")]
    pub image: String,
    /// Networks, by name or id; the cloud's default when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Networks", example = ["private"])]
    pub networks: Vec<String>,
    /// Availability zone; the cloud chooses when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Zone", example = &"nova")]
    pub zone: Option<String>,
    /// Server group of the cloud, by name or id: its policy says whether its servers are on one host or on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Server group", example = &"apart")]
    pub server_group: Option<String>,
    /// Hints for the cloud's scheduler, in its own words: `different_host: [ID]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(title = "Scheduler hints")]
    pub hints: BTreeMap<String, Vec<String>>,
    /// Boot from a volume made of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Boot volume")]
    pub volume: Option<BootVolume>,
    /// Key pair of the cloud that may log in too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Key pair", example = &"ana")]
    pub key_pair: Option<String>,
    /// Whether each node gets a public address.
    #[serde(default)]
    #[schemars(title = "Public address")]
    pub public_address: bool,
    /// Ports that everybody may reach, beside SSH: `80`, `8000-8010`, `53/udp`. Where the cloud has security groups,
    /// all others are closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Ports", inner(regex(pattern = PORTS)), example = ["80", "8000-8010", "53/udp"])]
    pub ports: Vec<String>,
    /// A node (`master-1`) or a group (`master`: its first node) through which these nodes are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Reached through", example = &"master")]
    pub via: Option<String>,
    /// Variables of the group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(title = "Variables", extend("propertyNames" = { "pattern": VARIABLE }))]
    pub vars: Vars,
    /// Files placed on the group's nodes at boot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Files")]
    pub files: Vec<FileSpec>,
}

fn one() -> u32 {
    1
}

/// A file to be placed on a node at boot: its text here, or a file beside the spec.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Absolute path on the node.
    #[schemars(title = "Path", regex(pattern = "^/.*[^/]$"), example = &"/etc/motd")]
    pub path: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Content")]
    pub content: Option<String>,
    /// A file to copy, relative to the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Copy from", example = &"files/motd")]
    pub from: Option<String>,
    /// Permission bits as text, octal: `"0644"`.
    #[serde(default = "mode_0644")]
    #[schemars(title = "Mode", regex(pattern = "^[0-7]{3,4}$"), example = &"0600")]
    pub mode: String,
}

fn mode_0644() -> String {
    "0644".to_owned()
}

/// A playbook in the spec: its path alone, or with settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PlaybookEntry {
    /// The path, relative to the spec.
    Path(String),
    /// With settings.
    Full(PlaybookSpec),
}

impl PlaybookEntry {
    /// The same with every setting spelled out.
    pub fn spec(&self) -> PlaybookSpec {
        match self {
            Self::Path(path) => PlaybookSpec { path: path.clone(), ..PlaybookSpec::default() },
            Self::Full(spec) => spec.clone(),
        }
    }
}

/// One call of `ansible-playbook`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookSpec {
    /// The playbook's path, relative to the spec.
    #[schemars(title = "Path", example = &"site.yml")]
    pub path: String,
    /// Extra variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(title = "Extra variables", extend("propertyNames" = { "pattern": VARIABLE }))]
    pub vars: Vars,
    /// Only tasks with these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Tags")]
    pub tags: Vec<String>,
    /// No tasks with these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Skipped tags")]
    pub skip_tags: Vec<String>,
    /// A host pattern that limits the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Limit", example = &"workers:!workers-3")]
    pub limit: Option<String>,
    /// Change nothing, only report.
    #[serde(default)]
    #[schemars(title = "Check mode")]
    pub check: bool,
    /// Hosts at once; chosen from the cluster's size when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Forks", range(min = 1, max = 500))]
    pub forks: Option<u32>,
    /// `-v` to `-vvvv`: 0 to 4.
    #[serde(default)]
    #[schemars(title = "Verbosity", range(min = 0, max = 4))]
    pub verbosity: u8,
    /// The playbook needs the vault password: it is asked for when the run starts.
    #[serde(default)]
    #[schemars(title = "Vault")]
    pub vault: bool,
}

/// What happens when a step fails for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Give everything back that this run created.
    Rollback,
    /// Leave what is there as it is.
    Keep,
    /// Ask an operator.
    #[default]
    Ask,
}

/// When the cluster may go on without all of its nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadySpec {
    /// Go on with this many nodes of the whole cluster.
    #[schemars(title = "At least", range(min = 1), example = 10)]
    pub at_least: u32,
}
