//! Plans: the steps from what is to what is wanted.

use std::collections::BTreeMap;

use crate::model::spec::PlaybookSpec;
use crate::model::{CloudName, ClusterId, ClusterSpec, Failure, PlacedFile, Plan, PlanId, Token};

use super::Facts;

/// A spec and what it stands on.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub spec: &'a ClusterSpec,
    /// Where the spec came from, for messages.
    pub path: &'a str,
    /// Directory of the spec's relative paths.
    pub base_dir: &'a str,
    /// Cloud of groups that name none, in a spec that names none.
    pub default_cloud: &'a CloudName,
}

/// What comes in from outside, so that plans stay pure.
pub struct Inputs<'a> {
    /// Id of the plan.
    pub plan: PlanId,
    /// Id of the cluster, if one has to be made.
    pub cluster: ClusterId,
    /// OpenSSH public key lines that may log in, beside the cluster's own.
    pub keys: &'a [String],
    /// Files placed at boot, by group.
    pub files: &'a BTreeMap<String, Vec<PlacedFile>>,
    /// SHA-256 of playbooks and placed files, by path.
    pub frozen: BTreeMap<String, String>,
    /// A new token at every call.
    pub token: &'a mut dyn FnMut() -> Token,
}

/// A cluster as the spec wants it: made from nothing, or an existing one of that name brought there.
pub fn create(_wanted: &Wanted<'_>, _facts: &Facts, _inputs: Inputs<'_>) -> Result<Plan, Failure> {
    unimplemented!()
}

/// Groups of the cluster brought to these counts; the highest number leaves first.
pub fn scale(_counts: &BTreeMap<String, u32>, _facts: &Facts, _inputs: Inputs<'_>) -> Result<Plan, Failure> {
    unimplemented!()
}

/// Lost and broken nodes made anew.
pub fn repair(_facts: &Facts, _inputs: Inputs<'_>) -> Result<Plan, Failure> {
    unimplemented!()
}

/// The cluster given back: every server, then its record.
pub fn delete(_facts: &Facts, _inputs: Inputs<'_>) -> Result<Plan, Failure> {
    unimplemented!()
}

/// Playbooks on the cluster; none given: those of its spec. `base_dir` is where their paths start.
pub fn playbook(_calls: &[PlaybookSpec], _base_dir: &str, _facts: &Facts, _inputs: Inputs<'_>) -> Result<Plan, Failure> {
    unimplemented!()
}
