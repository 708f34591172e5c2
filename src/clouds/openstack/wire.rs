//! What the services say, as far as we listen. Whatever is missing or `null` is taken for nothing said: clouds differ.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A link; `next` leads to the next page.
#[derive(Deserialize, Debug)]
pub struct Link {
    pub rel: Option<String>,
    pub href: Option<String>,
}

/// One page of a list.
pub trait Page: serde::de::DeserializeOwned + Send {
    type Row: Send;
    /// The rows, and where the next page is.
    fn parts(self) -> (Vec<Self::Row>, Option<String>);
}

fn next(links: Option<Vec<Link>>) -> Option<String> {
    links.unwrap_or_default().into_iter().find(|link| link.rel.as_deref() == Some("next"))?.href
}

macro_rules! page {
    ($page:ident { $rows:ident: $row:ty, $links:ident }) => {
        #[derive(Deserialize, Debug)]
        pub struct $page {
            #[serde(default)]
            pub $rows: Vec<$row>,
            pub $links: Option<Vec<Link>>,
        }

        impl Page for $page {
            type Row = $row;

            fn parts(self) -> (Vec<$row>, Option<String>) {
                (self.$rows, next(self.$links))
            }
        }
    };
}

page!(Servers { servers: Server, servers_links });
page!(Flavors { flavors: Flavor, flavors_links });
page!(KeyPairs { keypairs: KeyPairRow, keypairs_links });
page!(Networks { networks: Network, networks_links });
page!(Subnets { subnets: Subnet, subnets_links });
page!(Ports { ports: Port, ports_links });
page!(Routers { routers: Router, routers_links });
page!(SecurityGroups { security_groups: SecurityGroup, security_groups_links });
page!(FloatingIps { floatingips: FloatingIp, floatingips_links });
page!(Volumes { volumes: Volume, volumes_links });
page!(ServerGroups { server_groups: ServerGroup, server_groups_links });

/// Glance says its next page in its own way.
#[derive(Deserialize, Debug)]
pub struct Images {
    #[serde(default)]
    pub images: Vec<Image>,
    pub next: Option<String>,
}

impl Page for Images {
    type Row = Image;

    fn parts(self) -> (Vec<Image>, Option<String>) {
        (self.images, self.next)
    }
}

#[derive(Deserialize, Debug)]
pub struct OneServer {
    pub server: Server,
}

#[derive(Deserialize, Debug, Default)]
pub struct Server {
    pub id: String,
    pub name: Option<String>,
    pub status: Option<String>,
    pub flavor: Option<ServerFlavor>,
    /// `""` where it boots from a volume.
    pub image: Option<ServerImage>,
    pub addresses: Option<BTreeMap<String, Vec<ServerAddress>>>,
    pub created: Option<String>,
    pub fault: Option<Fault>,
    pub metadata: Option<BTreeMap<String, String>>,
    #[serde(rename = "OS-EXT-STS:task_state")]
    pub task_state: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct ServerFlavor {
    pub id: Option<String>,
    pub original_name: Option<String>,
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
pub enum ServerImage {
    Image {
        id: String,
    },
    /// `""`
    Nothing(serde::de::IgnoredAny),
}

#[derive(Deserialize, Debug)]
pub struct ServerAddress {
    pub addr: Option<String>,
    pub version: Option<u8>,
    #[serde(rename = "OS-EXT-IPS:type")]
    pub kind: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct Fault {
    pub message: Option<String>,
    pub details: Option<String>,
}

/// What a create answers.
#[derive(Deserialize, Debug)]
pub struct Created {
    pub server: CreatedServer,
}

#[derive(Deserialize, Debug)]
pub struct CreatedServer {
    pub id: String,
}

#[derive(Deserialize, Debug)]
pub struct Flavor {
    pub id: String,
    pub name: Option<String>,
    pub vcpus: Option<u32>,
    pub ram: Option<u64>,
    pub disk: Option<u64>,
    #[serde(rename = "OS-FLV-DISABLED:disabled")]
    pub disabled: Option<bool>,
    #[serde(rename = "OS-FLV-EXT-DATA:ephemeral")]
    pub ephemeral: Option<u64>,
}

#[derive(Deserialize, Debug)]
pub struct KeyPairRow {
    pub keypair: KeyPair,
}

#[derive(Deserialize, Debug)]
pub struct OneKeyPair {
    pub keypair: KeyPair,
}

#[derive(Deserialize, Debug)]
pub struct KeyPair {
    pub name: String,
    pub fingerprint: Option<String>,
    pub public_key: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct Limits {
    pub limits: AbsoluteLimits,
}

#[derive(Deserialize, Debug)]
pub struct AbsoluteLimits {
    pub absolute: BTreeMap<String, i64>,
}

/// Neutron's quotas with what is used.
#[derive(Deserialize, Debug)]
pub struct QuotaDetails {
    pub quota: BTreeMap<String, QuotaDetail>,
}

#[derive(Deserialize, Debug)]
pub struct QuotaDetail {
    pub limit: Option<i64>,
    pub used: Option<i64>,
    pub reserved: Option<i64>,
}

#[derive(Deserialize, Debug)]
pub struct ConsoleOutput {
    pub output: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct Image {
    pub id: String,
    pub name: Option<String>,
    pub status: Option<String>,
    pub size: Option<u64>,
    pub created_at: Option<String>,
    pub min_disk: Option<u64>,
    pub min_ram: Option<u64>,
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize, Debug, Clone)]
pub struct Network {
    pub id: String,
    pub name: Option<String>,
    pub project_id: Option<String>,
    pub tenant_id: Option<String>,
    pub shared: Option<bool>,
    #[serde(rename = "router:external")]
    pub external: Option<bool>,
    pub subnets: Option<Vec<String>>,
    pub description: Option<String>,
    pub created_at: Option<String>,
}

/// What a create or a look at one thing answers.
macro_rules! one {
    ($one:ident { $key:ident: $row:ty }) => {
        #[derive(Deserialize, Debug)]
        pub struct $one {
            pub $key: $row,
        }
    };
}

one!(OneNetwork { network: Network });
one!(OneSubnet { subnet: Subnet });
one!(OneRouter { router: Router });
one!(OneSecurityGroup { security_group: SecurityGroup });
one!(OneFloatingIp { floatingip: FloatingIp });

#[derive(Deserialize, Debug)]
pub struct Router {
    pub id: String,
    pub name: Option<String>,
    pub status: Option<String>,
    pub description: Option<String>,
    pub created_at: Option<String>,
    pub external_gateway_info: Option<Gateway>,
}

#[derive(Deserialize, Debug)]
pub struct Gateway {
    pub network_id: Option<String>,
    #[serde(default)]
    pub external_fixed_ips: Vec<FixedIp>,
}

#[derive(Deserialize, Debug)]
pub struct SecurityGroup {
    pub id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub created_at: Option<String>,
    #[serde(default)]
    pub security_group_rules: Vec<Rule>,
}

#[derive(Deserialize, Debug)]
pub struct Rule {
    pub id: String,
    pub direction: Option<String>,
    pub ethertype: Option<String>,
    pub protocol: Option<String>,
    pub port_range_min: Option<u16>,
    pub port_range_max: Option<u16>,
    pub remote_ip_prefix: Option<String>,
    pub remote_group_id: Option<String>,
}

#[derive(Deserialize, Debug, Clone)]
pub struct Subnet {
    pub id: Option<String>,
    pub name: Option<String>,
    pub network_id: Option<String>,
    pub cidr: Option<String>,
    pub ip_version: Option<u8>,
    pub gateway_ip: Option<String>,
    pub enable_dhcp: Option<bool>,
    #[serde(default)]
    pub dns_nameservers: Vec<String>,
}

#[derive(Deserialize, Debug)]
pub struct Port {
    pub id: String,
    pub name: Option<String>,
    pub status: Option<String>,
    pub mac_address: Option<String>,
    pub device_id: Option<String>,
    pub device_owner: Option<String>,
    pub network_id: Option<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub fixed_ips: Vec<FixedIp>,
}

#[derive(Deserialize, Debug)]
pub struct FixedIp {
    pub subnet_id: Option<String>,
    pub ip_address: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct FloatingIp {
    pub id: String,
    pub floating_ip_address: Option<String>,
    pub port_id: Option<String>,
    pub port_details: Option<PortDetails>,
    pub floating_network_id: Option<String>,
    pub description: Option<String>,
    pub created_at: Option<String>,
    pub revision_number: Option<u64>,
}

#[derive(Deserialize, Debug)]
pub struct PortDetails {
    pub device_id: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct Volume {
    pub id: String,
    pub name: Option<String>,
    pub status: Option<String>,
    pub size: Option<u64>,
    /// `"true"` or `"false"`.
    pub bootable: Option<String>,
    pub volume_type: Option<String>,
    pub availability_zone: Option<String>,
    pub created_at: Option<String>,
    #[serde(default)]
    pub attachments: Vec<VolumeAttachment>,
}

#[derive(Deserialize, Debug)]
pub struct VolumeAttachment {
    pub server_id: Option<String>,
    pub device: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct ServerGroup {
    pub id: String,
    pub name: Option<String>,
    /// From microversion 2.64 on.
    pub policy: Option<String>,
    /// Before.
    #[serde(default)]
    pub policies: Vec<String>,
    #[serde(default)]
    pub members: Vec<String>,
}

#[derive(Deserialize, Debug)]
pub struct OneServerGroup {
    pub server_group: ServerGroup,
}

#[derive(Deserialize, Debug)]
pub struct Zones {
    #[serde(rename = "availabilityZoneInfo", default)]
    pub zones: Vec<Zone>,
}

#[derive(Deserialize, Debug)]
pub struct Zone {
    #[serde(rename = "zoneName")]
    pub name: String,
    #[serde(rename = "zoneState")]
    pub state: Option<ZoneState>,
}

#[derive(Deserialize, Debug)]
pub struct ZoneState {
    pub available: Option<bool>,
}

#[derive(Deserialize, Debug)]
pub struct Actions {
    #[serde(rename = "instanceActions", default)]
    pub actions: Vec<Action>,
}

#[derive(Deserialize, Debug)]
pub struct OneAction {
    #[serde(rename = "instanceAction")]
    pub action: Action,
}

#[derive(Deserialize, Debug)]
pub struct Action {
    pub request_id: String,
    pub action: Option<String>,
    pub start_time: Option<String>,
    pub user_id: Option<String>,
    pub message: Option<String>,
    pub events: Option<Vec<ActionEvent>>,
}

#[derive(Deserialize, Debug)]
pub struct ActionEvent {
    pub event: Option<String>,
    pub start_time: Option<String>,
    pub finish_time: Option<String>,
    pub result: Option<String>,
    pub details: Option<String>,
}

// --- Keystone ---

#[derive(Deserialize, Debug)]
pub struct TokenAnswer {
    pub token: TokenBody,
}

#[derive(Deserialize, serde::Serialize, Debug, Clone)]
pub struct TokenBody {
    pub expires_at: Option<String>,
    pub user: Option<Named>,
    pub project: Option<Named>,
    pub domain: Option<Named>,
    #[serde(default)]
    pub roles: Vec<Named>,
    #[serde(default)]
    pub catalog: Vec<CatalogEntry>,
}

#[derive(Deserialize, serde::Serialize, Debug, Clone)]
pub struct Named {
    pub id: Option<String>,
    pub name: Option<String>,
}

#[derive(Deserialize, serde::Serialize, Debug, Clone)]
pub struct CatalogEntry {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: Option<String>,
    #[serde(default)]
    pub endpoints: Vec<CatalogEndpoint>,
}

#[derive(Deserialize, serde::Serialize, Debug, Clone)]
pub struct CatalogEndpoint {
    pub interface: Option<String>,
    pub region: Option<String>,
    pub region_id: Option<String>,
    pub url: Option<String>,
}

#[derive(Deserialize, Debug)]
pub struct Projects {
    #[serde(default)]
    pub projects: Vec<Named>,
}

/// One version of a service, or several.
#[derive(Deserialize, Debug, Default)]
pub struct Versions {
    pub version: Option<Version>,
    #[serde(default)]
    pub versions: Vec<Version>,
}

#[derive(Deserialize, Debug, Clone)]
pub struct Version {
    pub id: Option<String>,
    /// The newest microversion.
    pub version: Option<String>,
    pub min_version: Option<String>,
}
