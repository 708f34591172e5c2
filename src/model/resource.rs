//! What a project has on a cloud beside servers: its wiring, its volumes, how its servers are placed.

use serde::{Deserialize, Serialize};

use super::{CloudName, Time};

/// A range of addresses of a network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subnet {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    /// Name of its network, or its id where the cloud shows no such network.
    pub network: String,
    pub network_id: String,
    pub cidr: Option<String>,
    /// 4 or 6.
    pub ip_version: u8,
    pub gateway: Option<String>,
    /// Servers are told their addresses when they boot.
    pub dhcp: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
}

/// Where something is plugged into a network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Port {
    pub cloud: CloudName,
    pub id: String,
    /// Its name, or its id where it has none.
    pub name: String,
    pub network: String,
    pub network_id: String,
    /// In the cloud's words: `active`, `down` …
    pub status: String,
    pub mac: Option<String>,
    pub addresses: Vec<String>,
    /// Ids of the subnets of its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// What is plugged in, in the cloud's words: `compute:nova`, `network:router_interface` …; empty: nothing.
    pub owner: String,
    /// Id of the server or router that is plugged in.
    pub device: Option<String>,
    /// Names of its security groups, or ids where the cloud shows no such group.
    pub security_groups: Vec<String>,
}

/// What leads from networks to others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Router {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    pub status: String,
    /// Name of the external network that it leads to.
    pub external: Option<String>,
    /// Its addresses there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// What may reach the servers that are in it, and what they may reach.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub rules: Vec<SecurityRule>,
}

/// One thing that a security group lets through.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecurityRule {
    pub id: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// `IPv4` or `IPv6`.
    pub ethertype: String,
    /// `None`: all protocols.
    pub protocol: Option<String>,
    /// First and last port (of `icmp`: type and code); `None`: all.
    pub first: Option<u16>,
    pub last: Option<u16>,
    /// Whom it is about: a range of addresses, or the name of a security group; `None`: everybody.
    pub peer: Option<String>,
}

impl SecurityRule {
    /// `22`, `8000-8010`, `all`.
    pub fn ports(&self) -> String {
        match (self.first, self.last) {
            (None, None) => "all".to_owned(),
            (Some(first), Some(last)) if first != last => format!("{first}-{last}"),
            (Some(port), _) | (None, Some(port)) => port.to_string(),
        }
    }
}

/// A disk that lives without its server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Volume {
    pub cloud: CloudName,
    pub id: String,
    /// Its name, or its id where it has none.
    pub name: String,
    /// In the cloud's words: `available`, `in-use` …
    pub status: String,
    /// GiB.
    pub size_gb: u64,
    /// Servers can boot from it.
    pub bootable: bool,
    pub kind: Option<String>,
    pub zone: Option<String>,
    pub created: Option<Time>,
    /// Where it is plugged in.
    pub attached: Vec<Attachment>,
}

/// A volume at a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// Id of the server.
    pub server: String,
    /// As the server sees it: `/dev/vdb`.
    pub device: Option<String>,
}

/// Servers that are placed with regard to each other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerGroup {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    /// In the cloud's words: `affinity`, `soft-anti-affinity` …
    pub policy: String,
    /// Ids of its servers.
    pub members: Vec<String>,
}

/// A part of a cloud that fails by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Zone {
    pub cloud: CloudName,
    pub name: String,
    /// New servers can be placed there.
    pub available: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_a_rule_read_well() {
        let rule = |first, last| SecurityRule {
            id: "1".into(),
            direction: "ingress".into(),
            ethertype: "IPv4".into(),
            protocol: Some("tcp".into()),
            first,
            last,
            peer: None,
        };
        assert_eq!(rule(None, None).ports(), "all");
        assert_eq!(rule(Some(22), Some(22)).ports(), "22");
        assert_eq!(rule(Some(8000), Some(8010)).ports(), "8000-8010");
        assert_eq!(rule(Some(8), None).ports(), "8");
    }
}
