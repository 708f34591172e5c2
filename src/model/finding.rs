//! Findings: one thing that was looked at, how it is, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How one thing is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// It works, with a difference worth knowing.
    Note,
    /// Something cannot be done as it is.
    Missing,
}

/// What a finding is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Version and place of the program, folders, settings.
    Program,
    Engine,
    Disk,
    Terminal,
    /// Python, Ansible, Docker, SSH.
    Tools,
    Clouds,
    /// What the sandbox needs of the kernel.
    Kernel,
    /// The socket for people who may only look.
    Watchers,
    /// What keeps the engine running after logout.
    Service,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program => "program",
            Self::Engine => "engine",
            Self::Disk => "disk",
            Self::Terminal => "terminal",
            Self::Tools => "tools",
            Self::Clouds => "clouds",
            Self::Kernel => "kernel",
            Self::Watchers => "watchers",
            Self::Service => "service",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    pub part: Part,
    /// What was looked at: `ssh agent`.
    pub name: String,
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when there is nothing to do.
    pub next: String,
}

impl Finding {
    /// All is well.
    pub fn ok(part: Part, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { part, name: name.into(), verdict: Verdict::Ok, found: found.into(), next: String::new() }
    }

    /// It works, with a difference worth knowing.
    pub fn note(part: Part, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, ..Self::ok(part, name, found) }
    }

    /// Something cannot be done as it is.
    pub fn missing(part: Part, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Missing, ..Self::ok(part, name, found) }
    }

    /// It could not be looked at, or what is there does not do.
    pub fn failed(part: Part, name: impl Into<String>, failure: &super::Failure) -> Self {
        Self::missing(part, name, failure.line()).next(failure.next.clone())
    }

    /// The same with what to do.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }
}
