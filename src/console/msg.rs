//! What comes in, and what is to be done: the two ends of [`update`](super::update::update).

use ratatui::layout::Rect;

use crate::client::Incoming;
use crate::model::{Failure, RunNo, Time};
use crate::protocol::{Answer, Command, Refusal, StreamRequest};

use super::input::Input;

/// What a request is for. A new request for the same thing makes older answers void.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Slot {
    /// Which topics are subscribed to.
    Subscription,
    /// Steps and playbooks of the run that is open.
    Detail(RunNo),
    /// A page of output for the view.
    Output,
    /// Events of a playbook that did not come by themselves.
    Plays(RunNo, u32),
    /// Events for a replay.
    ReplayPlays(u32),
    /// Output for a replay.
    ReplayOutput(u32),
    /// The plan that is looked at.
    Plan,
    /// Carrying out a plan, or starting a run some other way: its number comes back.
    Start,
    Blueprints,
    /// A text to be shown: a console log.
    Text(String),
    /// Anything else; the words say what, for the notice.
    Act(String),
}

/// What came in.
#[derive(Debug)]
pub enum Msg {
    Input(Input),
    Resize(Rect),
    Incoming(Box<Incoming>),
    Reply {
        slot: Slot,
        generation: u64,
        result: Result<Box<Answer>, Box<Refusal>>,
    },
    /// A file that was asked for.
    File {
        path: String,
        result: Result<String, Failure>,
    },
    /// What the editor left; `None`: nothing was changed.
    Edited(Result<Option<String>, Failure>),
    /// A shell on a node ended.
    ShellEnded(Result<String, Failure>),
    /// Time goes on.
    Time(Time),
}

/// What is to be done outside of the model.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    Request {
        slot: Slot,
        generation: u64,
        command: Box<Command>,
    },
    /// Try a lost line again now.
    Reconnect,
    ReadFile(String),
    /// Edit a text in the user's editor.
    Edit(String),
    /// A shell on a node; the title is for the line above it.
    Shell {
        request: StreamRequest,
        title: String,
    },
    Copy(String),
    /// Draw the whole screen again.
    Redraw,
    Suspend,
    Quit,
}
