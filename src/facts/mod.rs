//! What this computer, this account and this terminal have: one answer, which the doctor prints and the wizard
//! begins with. What the engine sees by itself (disk, Ansible, kernel) it tells with `Command::Examine`.

mod clouds;
mod home;
pub mod service;
pub mod terminal;
mod tools;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::foreign::{self, FoundCloud, Place};
use crate::config::{Origin, Paths, Settings};
use crate::model::{Failure, Finding};

pub use clouds::{configured, found, why_not};
pub use home::engine;
pub use service::Service;
pub use terminal::Terminal;

/// Everything that a process of this account can find out by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub terminal: Terminal,
    pub service: Service,
    /// Clouds that other programs are configured for.
    pub clouds: Vec<FoundCloud>,
    /// What the Docker engines among them answer: their version.
    pub docker: BTreeMap<String, Result<String, Failure>>,
    /// The person's home directory.
    pub home: PathBuf,
    /// Names of the groups that this account is in.
    pub groups: Vec<String>,
    /// All of it for reading, the clouds of other programs left out: see [`found`].
    pub findings: Vec<Finding>,
}

/// Looks at everything. Blocks: for a moment as a rule, for seconds when a Docker engine does not answer.
pub fn gather(paths: &Paths, place: &Place) -> Facts {
    let settings = Settings::load(paths);
    let terminal = terminal::look(|name| place.var(name).map(str::to_owned));
    let service = service::look(place);
    let foreign = foreign::find(place);
    let docker = tools::docker(&foreign.clouds);
    let watchers = settings.as_ref().ok().map(home::watchers);
    let findings = [
        home::program(paths, &settings),
        terminal.findings(),
        tools::findings(place),
        foreign.findings,
        watchers.into_iter().collect(),
        service.findings(),
    ]
    .concat();
    Facts { terminal, service, clouds: foreign.clouds, docker, home: place.home.clone(), groups: groups(), findings }
}

impl Facts {
    /// Where something comes from, as people write it: `~/.kamakirc:4`.
    pub fn short(&self, origin: &Origin) -> String {
        match origin {
            Origin::File { path, line } => match path.strip_prefix(&self.home) {
                Ok(rest) => format!("~/{}:{line}", rest.display()),
                Err(_) => origin.to_string(),
            },
            Origin::Default => String::new(),
            Origin::Env(_) => origin.to_string(),
        }
    }
}

fn groups() -> Vec<String> {
    let mut ids = nix::unistd::getgroups().unwrap_or_default();
    ids.push(nix::unistd::getegid());
    let mut names: Vec<String> =
        ids.into_iter().filter_map(|id| nix::unistd::Group::from_gid(id).ok().flatten()).map(|group| group.name).collect();
    names.sort();
    names.dedup();
    names
}
