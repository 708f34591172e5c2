//! What a cluster has on a cloud beside its servers: network, router, security groups, floating IPs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CloudName, Network, Tags};

/// What kind of thing it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BelongingKind {
    /// With its subnets.
    Network,
    Router,
    SecurityGroup,
    FloatingIp,
    Port,
}

impl fmt::Display for BelongingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Router => "router",
            Self::SecurityGroup => "security group",
            Self::FloatingIp => "floating IP",
            Self::Port => "port",
        })
    }
}

/// One thing that a cluster has on a cloud beside its servers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Belonging {
    pub cloud: CloudName,
    pub kind: BelongingKind,
    /// The provider's id.
    pub id: String,
    /// Its name; of a floating IP the address.
    pub name: String,
    /// `node` says what it is for: a node, a group, or nothing where it is for the whole cluster. Absent of what only
    /// hangs on something of the cluster, as ports do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// It was there before the cluster: it is let go at the end, and not deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lent: bool,
}

impl Belonging {
    /// What it is for: a node, a group, or nothing.
    pub fn what_for(&self) -> &str {
        self.tags.as_ref().map_or("", |tags| tags.node.as_str())
    }
}

impl fmt::Display for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind, self.name, self.id)
    }
}

/// A protocol with ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Tcp,
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// Ports that are open to everybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Ports {
    pub protocol: Protocol,
    pub first: u16,
    pub last: u16,
}

impl Ports {
    /// Where SSH servers listen.
    pub const SSH: Self = Self { protocol: Protocol::Tcp, first: 22, last: 22 };

    /// Reads `80`, `8000-8010`, `53/udp`; `None` when it is nothing like that.
    pub fn parse(text: &str) -> Option<Self> {
        let (range, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.strip_suffix("/tcp").unwrap_or(text), Protocol::Tcp),
            Some((range, "udp")) => (range, Protocol::Udp),
            Some(_) => return None,
        };
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u16>().ok().filter(|port| digits && *port > 0)
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, number(range)?),
        };
        (first <= last).then_some(Self { protocol, first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first)?,
            false => write!(f, "{}-{}", self.first, self.last)?,
        }
        if self.protocol == Protocol::Udp { f.write_str("/udp") } else { Ok(()) }
    }
}

/// A security group that a cluster is to have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewSecurityGroup {
    pub name: String,
    /// What everybody may reach.
    pub ports: Vec<Ports>,
    /// Members reach each other without limit, and answer a ping.
    pub members: bool,
    pub tags: Tags,
}

/// The network of servers that name none.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum UsualNetwork {
    /// Servers need not name one.
    #[default]
    Unasked,
    /// This one.
    Is(Network),
    /// There is none: a cluster makes its own.
    Missing,
    /// Nobody can say which: the reason, with the names there are.
    Unclear(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_and_written_alike() {
        for text in ["80", "8000-8010", "53/udp", "6000-6010/udp"] {
            assert_eq!(Ports::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Ports::parse("22/tcp"), Some(Ports::SSH));
        for bad in ["", "0", "65536", "80-", "90-80", "80/icmp", "+80", "http", "80/tcp/udp", " 80"] {
            assert_eq!(Ports::parse(bad), None, "{bad:?}");
        }
    }
}
