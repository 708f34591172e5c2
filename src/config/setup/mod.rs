//! Setting up a home: the answers to the wizard's questions, what they change in which files, and the change itself.
//!
//! Nothing is written before [`write`]; [`propose`] only says what would be.

mod answers;
mod diff;
mod draft;
mod propose;
mod unit;
mod write;

pub use answers::{AnsibleChoice, Answers, AnswersFile, CloudAnswer, FirstCluster, WatchAnswer};
pub use diff::{DiffLine, unified};
pub use draft::Draft;
pub use propose::{Change, Kind, propose, watch_folder};
pub use unit::unit;
pub use write::write;
