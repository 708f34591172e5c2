//! Where things are, and what the user has set: paths, settings, the list of clouds.
//!
//! Every value knows where it came from. Settings are read here and nowhere else; edits keep the file's comments.

pub mod edit;
pub mod environment;
pub mod files;
pub mod foreign;
pub mod history;
pub mod notify;
pub mod origin;
pub mod paths;
mod reader;
mod rules;
pub mod settings;
pub mod setup;
pub mod shown;
pub mod themes;

pub use edit::SettingsFile;
pub use files::{read_secret, read_text};
pub use notify::{Bell, Notify};
pub use origin::{Origin, Sourced};
pub use paths::Paths;
pub use settings::{CloudSettings, Colours, DockerSettings, Glyphs, Motion, Settings, TABS};
