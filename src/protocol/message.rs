//! What the engine sends.

use serde::{Deserialize, Serialize};

use super::command::{Answer, Refusal};
use super::event::Event;
use super::hello::{Bye, Welcome};
use super::live::Live;

/// One line from the engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum FromEngine {
    Welcome(Welcome),
    /// The answer to a request.
    Reply {
        req: u64,
        #[serde(flatten)]
        result: Reply,
    },
    /// Recorded events. Together they cover `after < seq <= upto`: those that are missing in between were
    /// replaced by a later one, or belong to topics that this client has not subscribed to.
    Events {
        after: u64,
        upto: u64,
        events: Vec<Event>,
    },
    /// A part of the state as of `seq`: forget what was known before the first part. `last` ends it.
    Snapshot {
        seq: u64,
        first: bool,
        last: bool,
        events: Vec<Event>,
    },
    /// Live state; `revision` counts within the engine's instance.
    Live {
        revision: u64,
        #[serde(flatten)]
        body: Live,
    },
    Bye(Bye),
    /// A piece of a message whose line would be too long: the texts of all pieces, up to the one that is `last`,
    /// make its line. Nothing comes in between.
    Part {
        last: bool,
        text: String,
    },
}

/// How a request ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Ok(Box<Answer>),
    Refused(Refusal),
}
