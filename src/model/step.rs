//! Steps: one side effect each, written down before and after.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::spec::PlaybookSpec;
use super::{
    CloudName, ClusterId, Failure, NewBuild, NewImage, NewServer, Ports, PromptId, RunNo, ServerChange, StepId, Time, Token,
};

/// State of a step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StepState {
    Pending,
    Running,
    Waiting { on: Wait },
    Done,
    Failed,
    Skipped,
    Cancelled,
    Undoing,
    Undone,
    UndoFailed,
}

impl StepState {
    /// Nothing more will happen to it by itself.
    pub fn ended(&self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Waiting { .. } | Self::Undoing)
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed => "undo failed",
        })
    }
}

/// Why a step waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Wait {
    /// The cloud's limit of calls at once.
    Slot { cloud: CloudName, limit: u32 },
    /// The next attempt, at this time.
    Retry { at: Time, why: String },
    /// An operator's answer.
    Prompt { prompt: PromptId },
    /// Room on the disk.
    Disk,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot { cloud, limit } => write!(f, "{cloud}: limit {limit} at once"),
            Self::Retry { why, .. } => write!(f, "tries again: {why}"),
            Self::Prompt { .. } => f.write_str("for an answer"),
            Self::Disk => f.write_str("for room on the disk"),
        }
    }
}

/// A custom command as it is run: nothing of it is left open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandCall {
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Directory it runs in.
    pub cwd: String,
    /// The cluster that its thing belongs to, for rules.
    pub cluster: Option<String>,
    /// It changes something.
    pub dangerous: bool,
    /// Secrets that its arguments stand for; they are kept in memory only, and asked for when they are not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// What a step does: its kind and its data. `engine::steps` has one file for each.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Work {
    /// Makes the cluster's key pair and credentials file.
    MakeKey,
    /// Creates the server of a node; undo deletes it.
    CreateServer { server: Box<NewServer> },
    /// Switches the server of a node on; undo switches it off again.
    StartServer,
    /// Makes the cluster's network with its way to the outside, or finds it; undo takes it away.
    MakeNetwork,
    /// Makes a security group of the cluster, or brings it to these ports; undo takes it away. `group`: of one group.
    SecurityGroup { group: Option<String>, ports: Vec<Ports> },
    /// Gives the server of a node a public address; undo gives it back.
    PublicAddress,
    /// Waits until the server of a node is active.
    WaitServer,
    /// Waits until the node answers over SSH, learns its host key.
    WaitSsh,
    /// Writes `/etc/hosts` on every node.
    WriteHosts,
    /// Runs one playbook on the cluster.
    Playbook { call: Box<PlaybookSpec> },
    /// Deletes the server of a node (`server` may be unknown: then it is found by `token`).
    DeleteServer { server: Option<String>, token: Option<Token> },
    /// Deletes whatever carries the cluster's tag and belongs to no node.
    Sweep,
    /// Gives back what the cluster has beside servers: floating IPs, security groups, network, router.
    GiveBack,
    /// Checks that nothing of the cluster is left on the cloud.
    VerifyGone,
    /// Removes the cluster's record, keys and known hosts.
    Forget,
    /// Uploads an image; undo deletes it, whole or half.
    UploadImage { image: Box<NewImage> },
    /// Changes a server of no plan, and waits until it has changed.
    ChangeServer { server: String, change: ServerChange },
    /// Makes or repairs the managed virtualenv with Ansible.
    InstallAnsible,
    /// Runs a custom command.
    Command { call: Box<CommandCall> },
    /// Builds an image.
    Build { build: Box<NewBuild> },
    /// Nothing: the steps after it wait for all those before it.
    Join,
}

impl Work {
    /// The kind's name, as in the stored form.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MakeKey => "make_key",
            Self::CreateServer { .. } => "create_server",
            Self::StartServer => "start_server",
            Self::MakeNetwork => "make_network",
            Self::SecurityGroup { .. } => "security_group",
            Self::PublicAddress => "public_address",
            Self::WaitServer => "wait_server",
            Self::WaitSsh => "wait_ssh",
            Self::WriteHosts => "write_hosts",
            Self::Playbook { .. } => "playbook",
            Self::DeleteServer { .. } => "delete_server",
            Self::Sweep => "sweep",
            Self::GiveBack => "give_back",
            Self::VerifyGone => "verify_gone",
            Self::Forget => "forget",
            Self::UploadImage { .. } => "upload_image",
            Self::ChangeServer { .. } => "change_server",
            Self::InstallAnsible => "install_ansible",
            Self::Command { .. } => "command",
            Self::Build { .. } => "build",
            Self::Join => "join",
        }
    }

    /// Whether its output is what people watch, line by line.
    pub fn talks(&self) -> bool {
        matches!(
            self,
            Self::Playbook { .. }
                | Self::Build { .. }
                | Self::Command { .. }
                | Self::InstallAnsible
                | Self::UploadImage { .. }
                | Self::ChangeServer { .. }
        )
    }

    /// Whether what happens inside it is told by events: the tasks of a playbook, the steps of a build.
    pub fn plays(&self) -> bool {
        matches!(self, Self::Playbook { .. } | Self::Build { .. })
    }

    /// Whether it makes a server, which `undo` takes away again.
    pub fn creates(&self) -> bool {
        matches!(self, Self::CreateServer { .. })
    }

    /// Whether servers stand on what it makes: it is taken away after them.
    pub fn carries(&self) -> bool {
        matches!(self, Self::MakeNetwork | Self::SecurityGroup { .. })
    }

    /// Whether `undo` does something about it.
    pub fn can_undo(&self) -> bool {
        self.creates() || self.carries() || matches!(self, Self::StartServer | Self::PublicAddress | Self::UploadImage { .. })
    }
}

/// One step of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub run: RunNo,
    /// Place in the run, from 0; the order of showing.
    pub index: u32,
    /// What it does, for people: `create server slaves-2`.
    pub title: String,
    pub work: Work,
    /// The cluster it works on.
    pub cluster: Option<ClusterId>,
    /// The node it works on.
    pub node: Option<String>,
    /// The cloud whose limit it counts against.
    pub cloud: Option<CloudName>,
    /// Indexes of the steps that must be done (or skipped) before.
    pub after: Vec<u32>,
    pub state: StepState,
    /// 0 before the first attempt.
    pub attempt: u32,
    pub token: Token,
    pub started: Option<Time>,
    pub ended: Option<Time>,
    /// Why it failed, or what the last attempt met.
    pub failure: Option<Failure>,
    /// What it says of itself when done: `127.4.2.1`, `ok 40 changed 6`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The engine added it to the end of an undo.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
}

impl Step {
    /// A step that has not begun, on nothing and after nothing.
    pub fn new(run: RunNo, index: u32, title: String, work: Work, token: Token) -> Self {
        Self {
            id: StepId::new(),
            run,
            index,
            title,
            work,
            cluster: None,
            node: None,
            cloud: None,
            after: Vec::new(),
            state: StepState::Pending,
            attempt: 0,
            token,
            started: None,
            ended: None,
            failure: None,
            note: String::new(),
            cleanup: false,
        }
    }
}
