//! `[notify]`: how one is told that a run ended or asks.

use std::path::PathBuf;

use super::origin::Sourced;
use super::reader::{Reader, Section};
use super::settings::put;

/// When the terminal's bell rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bell {
    Never,
    /// A run failed, or asks.
    Failure,
    /// A run ended, or asks.
    Always,
}

/// How one is told; all of it but the program by an open console, through its terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notify {
    pub bell: Sourced<Bell>,
    /// A message of the desktop: OSC 9 and OSC 777.
    pub desktop: Sourced<bool>,
    /// Progress on the taskbar or the tab: OSC 9;4.
    pub progress: Sourced<bool>,
    /// What goes on, in the window's title.
    pub title: Sourced<bool>,
    /// A program that the engine calls, whether or not anybody looks.
    pub command: Sourced<Option<PathBuf>>,
}

pub(super) const BELLS: &[(&str, Bell)] = &[("never", Bell::Never), ("failure", Bell::Failure), ("always", Bell::Always)];

impl Default for Notify {
    fn default() -> Self {
        Self {
            bell: Sourced::default(Bell::Failure),
            desktop: Sourced::default(false),
            progress: Sourced::default(false),
            title: Sourced::default(false),
            command: Sourced::default(None),
        }
    }
}

impl Notify {
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(section) = reader.section(root, "notify") else { return };
        reader.only(&section, &["bell", "desktop", "progress", "title", "command"]);
        put(&mut self.bell, reader.word(&section, "bell", BELLS));
        put(&mut self.desktop, reader.truth(&section, "desktop"));
        put(&mut self.progress, reader.truth(&section, "progress"));
        put(&mut self.title, reader.truth(&section, "title"));
        let command = reader.text(&section, "command");
        if let (Some(text), Some(value)) = (&command, section.get("command"))
            && !text.value.starts_with('/')
        {
            reader.problem(&value.span(), "notify.command must be the whole path of a program; it is called with what happened");
        }
        put(&mut self.command, command.map(|text| Sourced { value: Some(PathBuf::from(text.value)), origin: text.origin }));
    }
}
