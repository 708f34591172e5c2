//! Prompts: what a run asks an operator.

use serde::{Deserialize, Serialize};

use super::{Failure, PromptId, RunNo, StepId, Time};

/// What kind of answer is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "wants", rename_all = "snake_case")]
pub enum PromptKind {
    /// A step failed for good: one of the choices.
    Failure { failure: Failure },
    /// Yes or no (as choices).
    Approval,
    /// A line of text that goes to a job's terminal.
    Text,
    /// A secret: shown by nobody, stored nowhere.
    Secret,
    /// Something needs only an acknowledgement (`pause`).
    Continue,
}

/// One possible answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// What is sent back: `retry`, `skip`, `undo`, `keep`, `yes`, `no`.
    pub word: String,
    /// The key that picks it on a screen.
    pub key: char,
    /// For people: `retry`, `go on without app-9`.
    pub label: String,
}

/// State of a prompt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum PromptState {
    Open,
    Answered {
        by: String,
        at: Time,
        /// The word; never a secret.
        word: String,
    },
    /// What asked is gone.
    Withdrawn,
}

impl PromptState {
    /// What is said to whoever answers once more: `ben has answered it already: retry`.
    pub fn too_late(&self) -> Option<String> {
        match self {
            Self::Answered { by, word, .. } if word.is_empty() => Some(format!("{by} has answered it already")),
            Self::Answered { by, word, .. } => Some(format!("{by} has answered it already: {word}")),
            Self::Open | Self::Withdrawn => None,
        }
    }
}

/// A question of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prompt {
    pub id: PromptId,
    pub run: RunNo,
    pub step: Option<StepId>,
    /// The question, one line or more.
    pub question: String,
    pub kind: PromptKind,
    pub choices: Vec<Choice>,
    pub opened: Time,
    pub state: PromptState,
}
