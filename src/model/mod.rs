//! Pure data: what the words of the product mean, as types.
//!
//! Nothing here does input or output, knows a clock or a thread; every other room may use it.

pub mod account;
pub mod audit;
pub mod build;
pub mod capability;
pub mod cloud;
pub mod cluster;
pub mod custom;
pub mod docker;
pub mod failure;
pub mod find;
pub mod finding;
pub mod forward;
pub mod guard;
pub mod ids;
pub mod lines;
pub mod network;
pub mod plan;
pub mod play;
mod preview;
pub mod prompt;
pub mod quota;
pub mod resource;
pub mod run;
pub mod server;
pub mod spec;
pub mod step;
pub mod text;
pub mod time;
pub mod timeline;

pub use audit::AuditEntry;
pub use build::NewBuild;
pub use capability::{Capabilities, Capability};
pub use cloud::{CloudInfo, Defaults, Driver, Flavor, FloatingIp, Identity, Image, ImageStatus, KeyPair, Network, NewImage};
pub use cluster::{Cluster, ClusterState, Node, NodeState};
pub use custom::{CommandInput, CustomCommand, InputKind, Thing, ThingFacts, ThingKind};
pub use docker::{
    Container, ContainerState, DiskUse, DockerAddress, DockerFacts, DockerInfo, DockerList, DockerName, DockerNetwork, DockerTls,
    DockerVolume, LocalImage, Room,
};
pub use failure::{Class, Failure};
pub use find::{Find, Finder};
pub use finding::{Finding, Part, Verdict};
pub use forward::{Forward, Route};
pub use guard::{Deed, GuardRule, Level, Rules, Ruling};
pub use ids::{CloudName, ClusterId, HomeId, PlanId, PromptId, RunNo, StepId, Token};
pub use network::{Belonging, BelongingKind, NewSecurityGroup, Ports, Protocol, UsualNetwork};
pub use plan::{Plan, PlanKind, PlannedStep, QuotaEffect};
pub use play::{PlayEvent, PlayState};
pub use prompt::{Choice, Prompt, PromptKind, PromptState};
pub use quota::{Quota, QuotaItem};
pub use resource::{Attachment, Port, Router, SecurityGroup, SecurityRule, ServerGroup, Subnet, Volume, Zone};
pub use run::{Ending, Run, RunKind, RunState, StepCounts};
pub use server::{
    Address, AddressKind, BootVolume, Extras, NewServer, PlacedFile, PowerAction, Server, ServerAction, ServerChange,
    ServerEvent, ServerStatus, Tags,
};
pub use spec::ClusterSpec;
pub use step::{CommandCall, Step, StepState, Wait, Work};
pub use time::Time;
