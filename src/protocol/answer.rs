//! Parts of what requests are answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Capabilities, Flavor, Identity, Image, PlayState, Time};

/// A blueprint, for lists.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlueprintInfo {
    pub name: String,
    pub summary: String,
    /// The spec's text.
    pub spec: String,
    /// All of its files, the spec included, by path within the blueprint.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// What the engine says of itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EngineStatus {
    pub pid: u32,
    pub program: String,
    pub home: String,
    /// Seconds since its start.
    pub up: u64,
    pub runs_under_way: u32,
    pub clients: u32,
    pub seq: u64,
    /// Resident memory, KiB.
    pub rss_kb: u64,
    /// Which Ansible is used: its version and path, or why there is none.
    pub ansible: String,
    /// Playbooks can be run.
    #[serde(default)]
    pub ansible_ready: bool,
    /// Something is wrong and people should know: a full disk.
    #[serde(default)]
    pub trouble: Vec<String>,
}

/// What a cloud answered that was tried out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Trial {
    pub identity: Identity,
    pub flavors: Vec<Flavor>,
    pub images: Vec<Image>,
    pub capabilities: Capabilities,
    /// Time of the identity check, milliseconds.
    pub took_ms: u64,
}

/// A page of output.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutputPage {
    pub attempt: u32,
    /// Number of the first line, from 0.
    pub from: u64,
    /// Lossy UTF-8, not cleaned; lines over 16 KiB are cut and say so.
    pub lines: Vec<String>,
    /// When each of them was written, as far as is known; empty unless it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Option<Time>>,
    /// Whole lines there are now.
    pub total: u64,
    pub bytes: u64,
    /// No line will be added any more.
    pub ended: bool,
}

/// What a search in an output came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundLines {
    pub attempt: u32,
    /// The lines from here…
    pub from: u64,
    /// …up to here, not itself, were looked at: go on there.
    pub upto: u64,
    /// Numbers of those that were found.
    pub lines: Vec<u64>,
    /// Whole lines there are now.
    pub total: u64,
    /// No line will be added any more.
    pub ended: bool,
}

/// The state of one step's playbook.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepPlay {
    pub step: u32,
    pub attempt: u32,
    pub state: PlayState,
}
