//! Real `ansible-playbook`: finding or installing it, the inventory, the job, its events.

use std::path::PathBuf;

use crate::base::Cx;
use crate::model::Failure;

pub mod events;
pub mod inventory;
pub mod playbook;

/// Where Ansible may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Holds the managed virtualenv.
    pub data_dir: PathBuf,
    /// Python for the managed virtualenv; found when left out.
    pub python: Option<PathBuf>,
    /// Whether the one on the PATH may be used.
    pub use_path: bool,
}

/// An Ansible that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ansible {
    /// `ansible-playbook`.
    pub playbook: PathBuf,
    /// Version of ansible-core.
    pub version: String,
    /// The Python it runs with.
    pub python: PathBuf,
    /// Ours, not the one on the PATH.
    pub managed: bool,
}

/// Finds Ansible: the managed one when it is healthy, else the one on the PATH.
///
/// # Errors
/// `NotFound` when there is none that runs.
pub async fn find(settings: &Settings, cx: &Cx) -> Result<Ansible, Failure> {
    let _ = (settings, cx);
    unimplemented!()
}

/// Makes (or repairs) the managed virtualenv.
///
/// # Errors
/// There is no Python for it, or pip failed.
pub async fn install(settings: &Settings, cx: &Cx) -> Result<Ansible, Failure> {
    let _ = (settings, cx);
    unimplemented!()
}
