//! What comes in, and what is to be done: the two ends of [`update`](super::update::update).

use std::ops::Range;
use std::path::PathBuf;

use ratatui::layout::Rect;

use crate::client::Incoming;
use crate::model::{Failure, RunNo, Time};
use crate::protocol::{Answer, Command, Refusal, StreamRequest};

use super::input::Input;
use super::setup::Looks;
use super::terminal::beside::Beside;
use super::wizard;

/// What a request is for. A new request for the same thing makes older answers void.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Slot {
    /// Which topics are subscribed to.
    Subscription,
    /// What is shown here, for others.
    View,
    /// Steps and playbooks of the run that is open.
    Detail(RunNo),
    /// A page of output for the view.
    Output,
    /// Lines in which something is found.
    Search,
    /// The line that holds a byte.
    Line,
    /// What happened to a node.
    Timeline,
    /// Who changed what.
    Audit,
    /// What was done to a server, by the id of its row.
    Actions(String),
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
    /// For the wizard.
    Setup(wizard::Ask),
    /// A text to be shown: a console log.
    Text(String),
    /// One of an action on several: which action, and which one.
    Bulk(u64, usize),
    /// Whether the clouds answer, asked again.
    CloudTest,
    /// How the Docker engines are, asked again.
    Dockers,
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
    /// A text was taken somewhere: what is said of it.
    Taken(Result<String, Failure>),
    /// A text lies in this file, for `$PAGER`.
    ForPager(Result<PathBuf, Failure>),
    /// A shell on a node ended.
    ShellEnded(Result<String, Failure>),
    /// Something was to be kept over sessions.
    Kept(Result<(), Failure>),
    /// Settings, keys or themes were changed; on failure the last good ones stay.
    Looks(Box<Result<Looks, Failure>>),
    /// For the wizard.
    Setup(Box<wizard::Heard>),
    /// Time goes on.
    Time(Time),
}

/// A text that is taken somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    Text(String),
    /// Lines of a step's output, by number.
    Output {
        run: RunNo,
        step: u32,
        attempt: u32,
        lines: Vec<Range<u64>>,
    },
}

/// Where a text is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Goal {
    /// The terminal's; what is too long for it is saved.
    Clipboard,
    /// A new file.
    File(String),
    Pager,
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
    /// Write down a line that was typed, so that it is there in the next session.
    Typed {
        kind: String,
        line: String,
    },
    /// Keep a text of `[console.PART]` in the settings; `None` takes it out.
    Keep {
        part: &'static str,
        key: String,
        text: Option<String>,
    },
    /// Take a text somewhere; the title names it.
    Take {
        title: String,
        source: Source,
        goal: Goal,
    },
    /// Open a file of ours in `$PAGER`, then remove it.
    Page(PathBuf),
    /// Tell the terminal something beside the screen.
    Beside(Beside),
    /// What the wizard wants.
    Setup(wizard::Wish),
    /// Draw the whole screen again.
    Redraw,
    Suspend,
    Quit,
}
