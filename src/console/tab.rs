//! The tabs: one list each.

use crate::model::DockerList;
use crate::protocol::live::ListKind;

use super::action::Action;
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
    /// The Docker engines.
    Docker,
    /// Opened by name or from what it belongs to; the line of tabs shows it while it is open.
    Resource(Resource),
    /// What Docker engines hold: opened from their tab or by name, as above.
    Held(DockerList),
}

impl Tab {
    /// The tabs that are always there, from left to right.
    #[rustfmt::skip]
    pub const ALL: [Tab; 9] = [
        Tab::Pulse, Tab::Clouds, Tab::Flavors, Tab::Images, Tab::Servers, Tab::Clusters, Tab::Runs, Tab::Audit, Tab::Docker,
    ];

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
            Self::Docker => "docker",
            Self::Resource(kind) => kind.name(),
            Self::Held(DockerList::Containers) => "containers",
            Self::Held(DockerList::Images) => "docker-images",
            Self::Held(DockerList::Networks) => "docker-networks",
            Self::Held(DockerList::Volumes) => "docker-volumes",
        }
    }

    /// Every tab there is.
    pub fn every() -> impl Iterator<Item = Self> {
        let resources = Resource::ALL.into_iter().map(Self::Resource);
        Self::ALL.into_iter().chain(resources).chain(DockerList::ALL.into_iter().map(Self::Held))
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
            Self::Docker => Some(8),
            Self::Resource(_) | Self::Held(_) => None,
        }
    }

    /// The action that leads to it.
    pub fn goto(self) -> Action {
        match self {
            Self::Pulse => Action::GotoPulse,
            Self::Clouds => Action::GotoClouds,
            Self::Flavors => Action::GotoFlavors,
            Self::Images => Action::GotoImages,
            Self::Servers => Action::GotoServers,
            Self::Clusters => Action::GotoClusters,
            Self::Runs => Action::GotoRuns,
            Self::Audit => Action::GotoAudit,
            Self::Docker => Action::GotoDocker,
            Self::Resource(kind) => kind.action(),
            Self::Held(DockerList::Containers) => Action::GotoContainers,
            Self::Held(DockerList::Images) => Action::GotoLocalImages,
            Self::Held(DockerList::Networks) => Action::GotoDockerNetworks,
            Self::Held(DockerList::Volumes) => Action::GotoDockerVolumes,
        }
    }

    /// The tab that an action leads to.
    pub fn led_to(action: Action) -> Option<Self> {
        Self::every().find(|tab| tab.goto() == action)
    }

    /// It is about Docker engines, not clouds.
    pub fn of_docker(self) -> bool {
        matches!(self, Self::Docker | Self::Held(_))
    }

    /// Its rows come by themselves: there is nothing to be read again.
    pub fn tells(self) -> bool {
        self.list().is_none() && !self.of_docker() && !self.is_asked_for()
    }

    /// The list of a cloud that it shows, when it shows one.
    pub fn list(self) -> Option<ListKind> {
        match self {
            Self::Flavors => Some(ListKind::Flavors),
            Self::Images => Some(ListKind::Images),
            Self::Servers => Some(ListKind::Servers),
            Self::Resource(kind) => kind.lists().first().copied(),
            _ => None,
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
            Self::Held(_) => "docker",
            tab => tab.name(),
        }
    }
}
