//! What a project has beside servers, flavors and images. Each kind has a list of its own, which is opened by name or
//! from what it belongs to; the line of tabs shows it while it is open.

use crate::protocol::live::ListKind;

use super::action::Action;

/// A kind of these things.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Resource {
    Networks,
    Subnets,
    Ports,
    Routers,
    SecurityGroups,
    Rules,
    FloatingIps,
    KeyPairs,
    Volumes,
    ServerGroups,
    Zones,
    Quota,
    /// What was done to servers.
    Actions,
    /// What a cloud did for such an action.
    Events,
}

impl Resource {
    /// All kinds.
    pub const ALL: [Resource; 14] = [
        Self::Networks,
        Self::Subnets,
        Self::Ports,
        Self::Routers,
        Self::SecurityGroups,
        Self::Rules,
        Self::FloatingIps,
        Self::KeyPairs,
        Self::Volumes,
        Self::ServerGroups,
        Self::Zones,
        Self::Quota,
        Self::Actions,
        Self::Events,
    ];

    /// What its list is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Networks => "networks",
            Self::Subnets => "subnets",
            Self::Ports => "ports",
            Self::Routers => "routers",
            Self::SecurityGroups => "security groups",
            Self::Rules => "rules",
            Self::FloatingIps => "floating ips",
            Self::KeyPairs => "key pairs",
            Self::Volumes => "volumes",
            Self::ServerGroups => "server groups",
            Self::Zones => "zones",
            Self::Quota => "quota",
            Self::Actions => "actions",
            Self::Events => "events",
        }
    }

    /// One of them.
    pub fn one(self) -> &'static str {
        match self {
            Self::Networks => "network",
            Self::Subnets => "subnet",
            Self::Ports => "port",
            Self::Routers => "router",
            Self::SecurityGroups => "security group",
            Self::Rules => "rule",
            Self::FloatingIps => "floating IP",
            Self::KeyPairs => "key pair",
            Self::Volumes => "volume",
            Self::ServerGroups => "server group",
            Self::Zones => "zone",
            Self::Quota => "quota",
            Self::Actions => "action",
            Self::Events => "event",
        }
    }

    /// The action that opens its list.
    pub fn action(self) -> Action {
        match self {
            Self::Networks => Action::GotoNetworks,
            Self::Subnets => Action::GotoSubnets,
            Self::Ports => Action::GotoPorts,
            Self::Routers => Action::GotoRouters,
            Self::SecurityGroups => Action::GotoSecurityGroups,
            Self::Rules => Action::GotoRules,
            Self::FloatingIps => Action::GotoFloatingIps,
            Self::KeyPairs => Action::GotoKeyPairs,
            Self::Volumes => Action::GotoVolumes,
            Self::ServerGroups => Action::GotoServerGroups,
            Self::Zones => Action::GotoZones,
            Self::Quota => Action::GotoQuota,
            Self::Actions => Action::GotoActions,
            Self::Events => Action::GotoEvents,
        }
    }

    /// The lists that its rows are made of: what it shows first, then those that give names to ids.
    pub fn lists(self) -> &'static [ListKind] {
        match self {
            Self::Networks => &[ListKind::Networks],
            Self::Subnets => &[ListKind::Subnets],
            Self::Ports => &[ListKind::Ports, ListKind::Servers, ListKind::Routers, ListKind::Subnets],
            Self::Routers => &[ListKind::Routers],
            Self::SecurityGroups | Self::Rules => &[ListKind::SecurityGroups],
            Self::FloatingIps => &[ListKind::FloatingIps, ListKind::Servers],
            Self::KeyPairs => &[ListKind::KeyPairs],
            Self::Volumes => &[ListKind::Volumes, ListKind::Servers],
            Self::ServerGroups => &[ListKind::ServerGroups, ListKind::Servers],
            Self::Zones => &[ListKind::Zones],
            Self::Quota => &[ListKind::Quota],
            // They are asked for by server.
            Self::Actions | Self::Events => &[],
        }
    }
}
