//! What a client asks, and what it is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::spec::PlaybookSpec;
use crate::model::timeline::Moment;
use crate::model::{
    AuditEntry, CloudName, ClusterId, DockerList, DockerName, Driver, Ending, Failure, Find, Finding, Forward, Identity,
    NewBuild, NewImage, NewServer, Plan, PlanId, PlayEvent, PowerAction, PromptId, Route, Rules, Run, RunNo, Server,
    ServerAction, ServerChange, Step, Thing,
};

pub use super::answer::{BlueprintInfo, EngineStatus, FoundLines, OutputPage, StepPlay, Trial};
use super::live::{DockerRow, DockerRows, Freshness, ListKind, Rows, Topic};
use super::view::View;

/// One request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the client, unique in its connection; the reply carries it.
    pub req: u64,
    /// Present on what changes something: sent again with the same key, it is answered as the first time and
    /// done once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idem: Option<Uuid>,
    pub command: Command,
}

/// Where a spec comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum SpecSource {
    /// A spec's text; `path` is for messages, `base_dir` is where relative paths start.
    Text { text: String, path: String, base_dir: String },
    /// A blueprint that ships with the program; its files with a spec of one's own in the place of its spec, where there
    /// is a `text`.
    Blueprint {
        blueprint: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

/// When the engine is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMode {
    /// Refused while runs are under way.
    WhenIdle,
    /// At once; runs are taken up again by the next engine.
    Now,
}

/// What a client can ask. Everything that changes something needs the operator's role.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    // --- looking ---
    Subscribe {
        topics: Vec<Topic>,
    },
    Unsubscribe {
        topics: Vec<Topic>,
    },
    /// Reads a list again now.
    Refresh {
        cloud: CloudName,
        list: ListKind,
    },
    Status,
    /// The clouds, with an identity check of each when `test`.
    Clouds {
        test: bool,
    },
    /// One list, read now.
    List {
        cloud: CloudName,
        list: ListKind,
    },
    /// The Docker engines; asked for their health, facts and disk when `test`.
    Dockers {
        test: bool,
    },
    /// One list of a Docker engine, read now.
    Docker {
        docker: DockerName,
        list: DockerList,
    },
    /// Reads a list of a Docker engine again now.
    DockerRefresh {
        docker: DockerName,
        list: DockerList,
    },
    /// A run with its steps and the state of its playbooks.
    RunDetail {
        run: RunNo,
    },
    /// Lines `from`… (from 0) of a step's output; `attempt` 0 is the last one.
    OutputPage {
        run: RunNo,
        step: u32,
        attempt: u32,
        from: u64,
        count: u32,
        /// These lines instead of `from` and `count`; the numbers rise.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pick: Vec<u64>,
        /// With the time at which each was written.
        #[serde(default)]
        times: bool,
    },
    /// Numbers of the lines `from`…`to` (not itself) of a step's output in which something is found, at most `count`,
    /// as far as one bounded look goes.
    SearchOutput {
        run: RunNo,
        step: u32,
        attempt: u32,
        /// What is in them; without it, all of the host's.
        #[serde(default)]
        find: Option<Find>,
        /// Only lines about this host, by the playbook's events.
        #[serde(default)]
        host: Option<String>,
        from: u64,
        to: u64,
        count: u32,
    },
    /// Number of the line of a step's output that holds this byte.
    OutputLine {
        run: RunNo,
        step: u32,
        attempt: u32,
        byte: u64,
    },
    /// Playbook events `from`… of a step.
    PlayPage {
        run: RunNo,
        step: u32,
        attempt: u32,
        from: u64,
        count: u32,
    },
    Blueprints,
    /// An Ansible dynamic inventory (`--list`).
    Inventory {
        cluster: ClusterId,
    },
    ServerShow {
        cloud: CloudName,
        server: String,
    },
    /// What was done to a server.
    ServerActions {
        cloud: CloudName,
        server: String,
    },
    ConsoleLog {
        cloud: CloudName,
        server: String,
        lines: u32,
    },
    /// What happened to a node, newest first: at most `count` things.
    Timeline {
        cluster: ClusterId,
        node: String,
        count: u32,
    },
    /// The newest `count` entries.
    Audit {
        count: u32,
    },
    /// A plan that was made before.
    Plan {
        plan: PlanId,
    },
    /// The guards and commands of the settings.
    Rules,
    /// What others see of this client; what is left out stays as it was. Ends with the connection.
    Session {
        /// What it looks at.
        #[serde(default)]
        view: Option<Box<View>>,
        /// Refuse whatever acts, from this client.
        #[serde(default)]
        read_only: Option<bool>,
    },

    // --- planning: changes nothing outside ---
    /// A cluster from a spec; `name` and `cloud` override the spec's. An existing cluster is brought to the spec.
    PlanCreate {
        source: SpecSource,
        name: Option<String>,
        cloud: Option<String>,
    },
    PlanScale {
        cluster: ClusterId,
        counts: BTreeMap<String, u32>,
    },
    PlanRepair {
        cluster: ClusterId,
    },
    PlanDelete {
        cluster: ClusterId,
    },
    /// To take back what a run did that has ended.
    PlanUndo {
        run: RunNo,
    },
    /// Playbooks on a cluster; empty: those of its spec.
    PlanPlaybook {
        cluster: ClusterId,
        playbooks: Vec<PlaybookSpec>,
        base_dir: String,
    },

    // --- looking around: changes nothing, and is the operators' alone ---
    /// What this computer has, and which drivers this version has.
    Examine,
    /// Whether a cloud would answer if it were configured so, and what it has.
    CloudTry {
        name: CloudName,
        driver: Driver,
        settings: BTreeMap<String, String>,
    },

    // --- acting ---
    /// Carries out a plan that was made before. `vault_password` stays in memory.
    Apply {
        plan: PlanId,
        #[serde(default)]
        vault_password: Option<String>,
    },
    Cancel {
        run: RunNo,
        mode: Ending,
    },
    /// A failed run once more: its failed and not yet done steps; a playbook only on its failed hosts when asked.
    Retry {
        run: RunNo,
        failed_hosts: bool,
    },
    /// `word` is one of the prompt's choices, or empty when `text` answers it.
    Answer {
        prompt: PromptId,
        word: String,
        #[serde(default)]
        text: Option<String>,
    },
    Pin {
        run: RunNo,
        pinned: bool,
    },
    /// A server of no cluster; the engine puts its own tags in.
    ServerCreate {
        cloud: CloudName,
        server: Box<NewServer>,
    },
    ServerDelete {
        cloud: CloudName,
        server: String,
    },
    ServerPower {
        cloud: CloudName,
        server: String,
        action: PowerAction,
    },
    /// Changes a server, as a run: a new disk, another flavor.
    ServerChange {
        cloud: CloudName,
        server: String,
        change: ServerChange,
    },
    /// Makes a key pair: the private half goes into a new file of this computer, the public one to the cloud.
    KeyPairCreate {
        cloud: CloudName,
        name: String,
        path: String,
    },
    /// Makes a public key known to a cloud.
    KeyPairImport {
        cloud: CloudName,
        name: String,
        public_key: String,
    },
    KeyPairDelete {
        cloud: CloudName,
        name: String,
    },
    /// Servers that are to be placed with regard to each other, by a policy of the cloud's.
    ServerGroupCreate {
        cloud: CloudName,
        name: String,
        policy: String,
    },
    /// By its id.
    ServerGroupDelete {
        cloud: CloudName,
        group: String,
    },
    /// Makes an image out of a directory or tar on this computer (what the driver can).
    ImageRegister {
        cloud: CloudName,
        name: String,
        path: String,
    },
    /// Uploads a file of this computer as an image, as a run; the engine puts its own token in.
    ImageUpload {
        cloud: CloudName,
        image: Box<NewImage>,
    },
    ImageDelete {
        cloud: CloudName,
        image: String,
    },
    CloudAdd {
        name: String,
        driver: Driver,
        settings: BTreeMap<String, String>,
    },
    CloudRemove {
        name: CloudName,
    },
    CloudUse {
        name: CloudName,
    },
    /// Changes settings of a cloud, for instance the sandbox's fault knobs.
    CloudSet {
        name: CloudName,
        settings: BTreeMap<String, String>,
    },
    /// Runs a custom command on a thing, as a run.
    CommandRun {
        name: String,
        thing: Thing,
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    /// Opens a port of the engine's computer that leads through a node or server.
    ForwardOpen {
        through: Thing,
        route: Route,
    },
    /// Closes a forward and cuts what is connected through it.
    ForwardClose {
        number: u64,
    },
    /// Builds an image, as a run. `secrets`: their values by id; they stay in memory.
    BuildRun {
        build: Box<NewBuild>,
        #[serde(default)]
        secrets: BTreeMap<String, String>,
    },
    /// Makes or repairs the managed virtualenv with Ansible, as a run.
    AnsibleInstall,
    Stop {
        mode: StopMode,
    },
    /// Executes the binary anew (an upgrade); runs go on.
    Restart,
}

/// What a command may do at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It shows something: watchers may send it too.
    Looks,
    /// It looks around as an operator, and changes nothing outside.
    Plans,
    /// It changes something: it is done once, and written into the audit.
    Acts,
}

impl Command {
    /// What it may do at most. A new command has no reach by itself: whoever adds it decides here.
    pub fn reach(&self) -> Reach {
        match self {
            Self::Subscribe { .. }
            | Self::Unsubscribe { .. }
            | Self::Refresh { .. }
            | Self::Status
            | Self::Clouds { .. }
            | Self::List { .. }
            | Self::Dockers { .. }
            | Self::Docker { .. }
            | Self::DockerRefresh { .. }
            | Self::RunDetail { .. }
            | Self::OutputPage { .. }
            | Self::SearchOutput { .. }
            | Self::OutputLine { .. }
            | Self::PlayPage { .. }
            | Self::Blueprints
            | Self::Inventory { .. }
            | Self::ServerShow { .. }
            | Self::ConsoleLog { .. }
            | Self::ServerActions { .. }
            | Self::Timeline { .. }
            | Self::Audit { .. }
            | Self::Plan { .. }
            | Self::Rules
            | Self::Session { .. } => Reach::Looks,
            Self::PlanCreate { .. }
            | Self::PlanScale { .. }
            | Self::PlanRepair { .. }
            | Self::PlanDelete { .. }
            | Self::PlanUndo { .. }
            | Self::PlanPlaybook { .. }
            | Self::Examine
            | Self::CloudTry { .. } => Reach::Plans,
            Self::Apply { .. }
            | Self::Cancel { .. }
            | Self::Retry { .. }
            | Self::Answer { .. }
            | Self::Pin { .. }
            | Self::ServerCreate { .. }
            | Self::ServerDelete { .. }
            | Self::ServerPower { .. }
            | Self::ServerChange { .. }
            | Self::KeyPairCreate { .. }
            | Self::KeyPairImport { .. }
            | Self::KeyPairDelete { .. }
            | Self::ServerGroupCreate { .. }
            | Self::ServerGroupDelete { .. }
            | Self::ImageRegister { .. }
            | Self::ImageDelete { .. }
            | Self::ImageUpload { .. }
            | Self::CloudAdd { .. }
            | Self::CloudRemove { .. }
            | Self::CloudUse { .. }
            | Self::CloudSet { .. }
            | Self::CommandRun { .. }
            | Self::BuildRun { .. }
            | Self::ForwardOpen { .. }
            | Self::ForwardClose { .. }
            | Self::AnsibleInstall
            | Self::Stop { .. }
            | Self::Restart => Reach::Acts,
        }
    }

    /// Whether a watcher may send it.
    pub fn only_looks(&self) -> bool {
        self.reach() == Reach::Looks
    }

    /// Whether it changes something that is to be done once and written into the audit.
    pub fn acts(&self) -> bool {
        self.reach() == Reach::Acts
    }
}

/// Answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", content = "of", rename_all = "snake_case")]
pub enum Answer {
    Done,
    Status(EngineStatus),
    Clouds(Vec<super::live::CloudRow>),
    Identity(Identity),
    List {
        rows: Rows,
        freshness: Freshness,
    },
    Dockers(Vec<DockerRow>),
    Docker {
        rows: DockerRows,
        freshness: Freshness,
    },
    RunDetail {
        run: Box<Run>,
        steps: Vec<Step>,
        plays: Vec<StepPlay>,
    },
    Output(OutputPage),
    Found(FoundLines),
    /// Number of a line.
    Line(u64),
    Timeline(Vec<Moment>),
    Plays {
        from: u64,
        events: Vec<PlayEvent>,
        total: u64,
    },
    Blueprints(Vec<BlueprintInfo>),
    Inventory(serde_json::Value),
    Server(Box<Server>),
    ServerActions(Vec<ServerAction>),
    Text(String),
    Audit(Vec<AuditEntry>),
    Plan(Box<Plan>),
    Rules(Box<Rules>),
    Examined {
        findings: Vec<Finding>,
        drivers: Vec<Driver>,
    },
    Trial(Box<Trial>),
    /// A forward that is open now.
    Forward(Box<Forward>),
    /// A run was started (or is the one that this idempotency key started before).
    Run(RunNo),
}

/// Why a request was not carried out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    pub code: RefusalCode,
    pub failure: Failure,
}

/// Kinds of refusal, for exit codes and screens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The request itself is wrong: bad spec, unknown flavor.
    Bad,
    /// There is nothing of that name.
    NotFound,
    /// Not allowed: a watcher, a policy, another run in the way, quota.
    Refused,
    /// The plan is stale; the failure says what differs.
    Stale,
    /// It was tried and failed.
    Failed,
}

impl Refusal {
    /// A refusal with the code that fits the failure's class.
    pub fn of(failure: Failure) -> Self {
        use crate::model::Class;
        let code = match failure.class {
            Class::Refused | Class::Quota => RefusalCode::Refused,
            Class::NotFound => RefusalCode::NotFound,
            _ => RefusalCode::Failed,
        };
        Self { code, failure }
    }

    /// The request itself is wrong.
    pub fn bad(failure: Failure) -> Self {
        Self { code: RefusalCode::Bad, failure }
    }
}
