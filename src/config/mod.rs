//! Where things are, and what the user has set: paths, settings, the list of clouds.
//!
//! Every value knows where it came from. Settings are read here and nowhere else; edits keep the file's comments.

pub mod edit;
pub mod environment;
pub mod files;
pub mod origin;
pub mod paths;
mod reader;
pub mod settings;

pub use edit::SettingsFile;
pub use files::{read_secret, read_text, write_private};
pub use origin::{Origin, Sourced};
pub use paths::Paths;
pub use settings::{CloudSettings, Colours, Settings};
