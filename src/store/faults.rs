//! Faults on demand, for tests: only builds with debug assertions listen to these variables.
//!
//! - `QUARTERDECK_TEST_KILL=N`, `N.before` or `N.after`: the process gets SIGKILL right before (or after) the N-th
//!   transaction that appends events commits.
//! - `QUARTERDECK_TEST_FULL=FILE`: while FILE exists, the disk counts as full; when it contains `low`, writing still
//!   works and only [`super::Store::room`] refuses; with `reserve`, writing works once the reserve is given away.
//! - `QUARTERDECK_TEST_FS=nfs`: the home counts as being on NFS.

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::reserve::Reserve;

fn variable(name: &str) -> Option<String> {
    if cfg!(debug_assertions) { std::env::var(name).ok() } else { None }
}

/// The file system that is to be assumed, whatever the home is really on.
pub(super) fn file_system() -> Option<String> {
    variable("QUARTERDECK_TEST_FS")
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    Before,
    After,
}

/// Counts the transactions that append, and ends the process at the chosen one.
#[derive(Debug)]
pub(super) struct KillPoint {
    chosen: Option<(u64, Moment)>,
    count: u64,
}

impl KillPoint {
    pub(super) fn from_env() -> Self {
        Self { chosen: variable("QUARTERDECK_TEST_KILL").as_deref().and_then(parse), count: 0 }
    }

    /// To be called with everything written and nothing committed.
    pub(super) fn before_commit(&mut self) {
        self.count += 1;
        self.strike(Moment::Before);
    }

    /// To be called when the transaction is durable and nobody has heard of it.
    pub(super) fn after_commit(&self) {
        self.strike(Moment::After);
    }

    fn strike(&self, now: Moment) {
        if self.chosen == Some((self.count, now)) {
            // Nothing can be done if the kernel refuses; the test will notice that the process lives on.
            let _ = kill(Pid::this(), Signal::SIGKILL);
        }
    }
}

fn parse(text: &str) -> Option<(u64, Moment)> {
    let (number, moment) = match text.split_once('.') {
        None => (text, Moment::Before),
        Some((number, "before")) => (number, Moment::Before),
        Some((number, "after")) => (number, Moment::After),
        Some(_) => return None,
    };
    number.parse().ok().map(|n| (n, moment))
}

/// A disk that is full while a file exists.
#[derive(Clone, Debug, Default)]
pub(super) struct FullDisk {
    flag: Option<PathBuf>,
}

impl FullDisk {
    pub(super) fn from_env() -> Self {
        Self { flag: variable("QUARTERDECK_TEST_FULL").map(PathBuf::from) }
    }

    #[cfg(test)]
    pub(super) fn flagged_by(flag: PathBuf) -> Self {
        Self { flag: Some(flag) }
    }

    /// No new work is to be started.
    pub(super) fn low(&self) -> bool {
        self.flag.as_ref().is_some_and(|f| f.exists())
    }

    /// Nothing can be written.
    pub(super) fn full(&self, reserve: &Reserve) -> bool {
        match self.flag.as_ref().and_then(|f| std::fs::read_to_string(f).ok()).as_deref().map(str::trim) {
            None | Some("low") => false,
            Some("reserve") => reserve.there(),
            Some(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_point_is_a_number_and_a_side() {
        assert_eq!(parse("7"), Some((7, Moment::Before)));
        assert_eq!(parse("7.before"), Some((7, Moment::Before)));
        assert_eq!(parse("7.after"), Some((7, Moment::After)));
        assert_eq!(parse("7.never"), None);
        assert_eq!(parse("x"), None);
    }
}
