//! One call of `ansible-playbook` as a job.

use std::path::PathBuf;

use crate::ansible::Ansible;
use crate::base::job::JobSpec;
use crate::model::spec::PlaybookSpec;

/// What is to be called.
#[derive(Clone, PartialEq, Debug)]
pub struct PlaybookCall {
    pub spec: PlaybookSpec,
    /// The playbook file, absolute.
    pub playbook: PathBuf,
    pub inventory: PathBuf,
    /// The job's directory, absolute.
    pub job_dir: PathBuf,
    /// How many nodes the inventory has: decides about forks.
    pub nodes: usize,
    /// The vault password is given to the job as the secret `vault`; otherwise a vault playbook asks on its terminal.
    pub vault: bool,
    /// Coloured output.
    pub color: bool,
    /// An ssh-agent to log in with.
    pub ssh_auth_sock: Option<PathBuf>,
}

/// A file that must be there before the job starts; mode 0600.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobFile {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

/// The job of a call and the files that it needs.
pub fn job(ansible: &Ansible, call: &PlaybookCall) -> (JobSpec, Vec<JobFile>) {
    let _ = (ansible, call);
    unimplemented!()
}
