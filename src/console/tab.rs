//! The tabs: one list each.

use crate::protocol::live::ListKind;

use super::resource::Resource;

/// A list, or the pulse.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Tab {
    Pulse,
    Clouds,
    Flavors,
    Images,
    Servers,
    Clusters,
    Runs,
    Audit,
    /// Opened by name or from what it belongs to; the line of tabs shows it while it is open.
    Resource(Resource),
}

impl Tab {
    /// The tabs that are always there, from left to right.
    pub const ALL: [Tab; 8] =
        [Tab::Pulse, Tab::Clouds, Tab::Flavors, Tab::Images, Tab::Servers, Tab::Clusters, Tab::Runs, Tab::Audit];

    /// Its name: on the screen and as the keymap's table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pulse => "pulse",
            Self::Clouds => "clouds",
            Self::Flavors => "flavors",
            Self::Images => "images",
            Self::Servers => "servers",
            Self::Clusters => "clusters",
            Self::Runs => "runs",
            Self::Audit => "audit",
            Self::Resource(kind) => kind.name(),
        }
    }

    /// Every tab there is.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Resource::ALL.into_iter().map(Self::Resource))
    }

    /// The tab of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::every().find(|tab| tab.name() == name)
    }

    /// The digit that leads to it, where one does.
    pub fn digit(self) -> Option<u8> {
        match self {
            Self::Pulse => Some(0),
            Self::Clouds => Some(1),
            Self::Flavors => Some(2),
            Self::Images => Some(3),
            Self::Servers => Some(4),
            Self::Clusters => Some(5),
            Self::Runs => Some(6),
            Self::Audit => Some(7),
            Self::Resource(_) => None,
        }
    }

    /// The list of a cloud that it shows, when it shows one.
    pub fn list(self) -> Option<ListKind> {
        match self {
            Self::Flavors => Some(ListKind::Flavors),
            Self::Images => Some(ListKind::Images),
            Self::Servers => Some(ListKind::Servers),
            Self::Resource(kind) => kind.lists().first().copied(),
            Self::Pulse | Self::Clouds | Self::Clusters | Self::Runs | Self::Audit => None,
        }
    }

    /// All lists of clouds that its rows are made of.
    pub fn lists(self) -> Vec<ListKind> {
        match self {
            // Sizes of servers are those of their flavors.
            Self::Servers => vec![ListKind::Servers, ListKind::Flavors],
            Self::Resource(kind) => kind.lists().to_vec(),
            tab => tab.list().into_iter().collect(),
        }
    }

    /// What was done to servers: read when it is asked for, and not kept up.
    pub fn is_asked_for(self) -> bool {
        matches!(self, Self::Resource(Resource::Actions | Resource::Events))
    }

    /// The keymap's table of its own keys.
    pub fn context(self) -> &'static str {
        match self {
            Self::Resource(_) => "resources",
            tab => tab.name(),
        }
    }
}
