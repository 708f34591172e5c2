//! The failures of a store, and how two of them are recognised.

use std::fmt;
use std::io;
use std::path::Path;

use crate::model::{Class, Failure};

const FULL: &str = "no space left on the disk";
const REPEAT: &str = "this idempotency key was used before";

/// Whether a failure says that the disk is full.
pub fn is_full(failure: &Failure) -> bool {
    failure.class == Class::Broken && failure.got.starts_with(FULL)
}

/// Whether a failure says that the idempotency key was used before: the first answer is in [`super::Store::idem`].
pub fn is_repeat(failure: &Failure) -> bool {
    failure.class == Class::Refused && failure.got == REPEAT
}

pub(super) fn full(tried: &str, at: &Path, detail: impl fmt::Display) -> Failure {
    Failure::broken(tried, format!("{FULL} ({detail})"))
        .at(at.display())
        .next("free some space on that disk; what waits goes on by itself")
}

pub(super) fn repeat() -> Failure {
    Failure::refused("record the request", REPEAT)
}

pub(super) fn corrupt(path: &Path, detail: impl fmt::Display) -> Failure {
    let file = path.display();
    Failure::broken("read the store", format!("the file is damaged: {detail}")).at(&file).next(format!(
        "stop the engine, then try `sqlite3 {file} .recover | sqlite3 {file}.rescued` and put the rescued file in its place, \
         or move {file} aside to begin anew (servers on your clouds stay)"
    ))
}

/// A failure of the file system.
pub(super) fn io(tried: &str, at: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(tried, at, error),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Failure::broken(tried, error)
            .at(at.display())
            .next("make the directory yours and writable, or choose another one with QUARTERDECK_HOME"),
        _ => Failure::broken(tried, error).at(at.display()),
    }
}
