//! What went wrong, in the four parts that every message needs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of failure it is: decides whether trying again can help.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// May pass by itself: connection cut, time-out, 5xx.
    Transient,
    /// The other side asks to slow down: 429, 413, 503 with `Retry-After`.
    Throttled,
    /// The request is wrong or not allowed; the same request fails again.
    Refused,
    /// What was asked for is not there.
    NotFound,
    /// There is not enough quota.
    Quota,
    /// Who we are was not accepted.
    Credentials,
    /// Our own side or an answer nobody can make sense of.
    Broken,
    /// Somebody cancelled it.
    Cancelled,
}

/// A failure: what was tried, where, what came back, what to do next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What was tried, as a verb phrase: `create server app-9`.
    pub tried: String,
    /// Where: an address, a file with line and column, a command.
    pub at: String,
    /// What came back.
    pub got: String,
    /// What the reader can do now; empty when there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
    /// The kind.
    pub class: Class,
    /// How long the other side asked to wait, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    /// A failure of `class`; add [`Failure::at`] and [`Failure::next`].
    pub fn new(class: Class, tried: impl Into<String>, got: impl fmt::Display) -> Self {
        Self { tried: tried.into(), at: String::new(), got: got.to_string(), next: String::new(), class, retry_after_ms: None }
    }

    /// Our own side broke, or the answer makes no sense.
    pub fn broken(tried: impl Into<String>, got: impl fmt::Display) -> Self {
        Self::new(Class::Broken, tried, got)
    }

    /// The request is wrong or not allowed.
    pub fn refused(tried: impl Into<String>, got: impl fmt::Display) -> Self {
        Self::new(Class::Refused, tried, got)
    }

    /// What was asked for is not there.
    pub fn not_found(tried: impl Into<String>, got: impl fmt::Display) -> Self {
        Self::new(Class::NotFound, tried, got)
    }

    /// It may work later.
    pub fn transient(tried: impl Into<String>, got: impl fmt::Display) -> Self {
        Self::new(Class::Transient, tried, got)
    }

    /// Somebody cancelled it.
    pub fn cancelled(tried: impl Into<String>) -> Self {
        Self::new(Class::Cancelled, tried, "cancelled")
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, at: impl fmt::Display) -> Self {
        self.at = at.to_string();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// Whether the same call can work later without anybody changing anything.
    pub fn heals(&self) -> bool {
        matches!(self.class, Class::Transient | Class::Throttled)
    }

    /// One line: `create server app-9 on lab: No valid host was found`.
    pub fn line(&self) -> String {
        if self.at.is_empty() {
            format!("{}: {}", self.tried, self.got)
        } else {
            format!("{} ({}): {}", self.tried, self.at, self.got)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())?;
        if self.next.is_empty() { Ok(()) } else { write!(f, "\n  next: {}", self.next) }
    }
}

impl std::error::Error for Failure {}
