//! What is removed in time: runs over the limits, oldest first; what is only useful for a week; directories that
//! belong to no run.
//!
//! The record goes first, then the directory: a crash in between leaves a directory without a run, and such
//! directories are put aside when the store is opened and removed after.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::sqlite::RunSeen;
use super::{Store, trouble};
use crate::model::{Failure, RunNo, Time};

/// How long plans and answers to requests are kept, days.
pub const FORGET_DAYS: u32 = 7;

/// Directories with this prefix wait to be removed.
const GONE: &str = "gone-";

const DAY_MS: i64 = 86_400_000;

/// How much is kept. Pinned runs and those under way are kept over any limit, but count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub runs: usize,
    /// Days since the end of a run.
    pub days: u32,
    /// Bytes on the disk of all run directories together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs: 200, days: 90, bytes: 5_000_000_000 }
    }
}

/// The runs that are over the limits, to be recorded as gone before [`clear`] removes what they left.
///
/// # Errors
/// The store cannot be read.
pub async fn due(store: &Store, limits: Limits, now: Time) -> Result<Vec<RunNo>, Failure> {
    let dir = runs_dir(&store.inner.dir);
    let measured = store.read(move |reader| {
        let runs = reader.runs_seen()?.into_iter();
        Ok(runs.map(|run| (run, disk_use(&dir.join(run.number.to_string())))).collect::<Vec<_>>())
    });
    Ok(over(&measured.await?, limits, now))
}

/// Removes the directories of runs that are recorded as gone, and what was put aside; forgets old plans and answers.
/// A directory that cannot be removed is tried again next time.
///
/// # Errors
/// The store cannot be read or written.
pub async fn clear(store: &Store, gone: Vec<RunNo>, now: Time) -> Result<(), Failure> {
    let dir = runs_dir(&store.inner.dir);
    store.forget_before(Time(now.0 - i64::from(FORGET_DAYS) * DAY_MS)).await?;
    let clear = store.read(move |_| {
        for run in gone {
            put_aside(&dir, &run.to_string());
        }
        remove_put_aside(&dir);
        Ok(())
    });
    clear.await
}

/// Where the directories of runs are.
pub(super) fn runs_dir(data: &Path) -> PathBuf {
    data.join("runs")
}

/// The runs to remove, out of all runs with their bytes, oldest first. The newest run stays however large it is.
fn over(runs: &[(RunSeen, u64)], limits: Limits, now: Time) -> Vec<RunNo> {
    let oldest = now.0 - i64::from(limits.days) * DAY_MS;
    let newest = runs.last().map(|(run, _)| run.number);
    let mut count = runs.len();
    let mut bytes: u64 = runs.iter().map(|(_, size)| size).sum();
    let mut leaving = Vec::new();
    for (run, size) in runs.iter().filter(|(run, _)| run.over && !run.pinned) {
        let old = run.ended.is_some_and(|t| t.0 < oldest);
        let heavy = bytes > limits.bytes && Some(run.number) != newest;
        if old || heavy || count > limits.runs {
            leaving.push(run.number);
            count -= 1;
            bytes -= size;
        }
    }
    leaving
}

/// Puts directories aside that belong to no run: those whose removal was cut short, and those of a number that was
/// given out but never recorded (the next run of that number must not find them).
pub(super) fn put_aside_orphans(data: &Path, recorded: &BTreeSet<RunNo>) -> Result<(), Failure> {
    let dir = runs_dir(data);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(trouble::io("look for the directories of runs", &dir, &e)),
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.parse().is_ok_and(|number| !recorded.contains(&RunNo(number))) {
            put_aside(&dir, &name);
        }
    }
    Ok(())
}

/// Takes a directory out of the way, in one step.
fn put_aside(runs: &Path, name: &str) {
    let aside = runs.join(format!("{GONE}{name}-{}", uuid::Uuid::now_v7()));
    match fs::rename(runs.join(name), &aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => tracing::warn!(dir = %aside.display(), error = %e, "not put aside"),
        _ => {}
    }
}

fn remove_put_aside(runs: &Path) {
    let Ok(entries) = fs::read_dir(runs) else { return };
    for entry in entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(GONE)) {
        if let Err(e) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(dir = %entry.path().display(), error = %e, "not removed");
        }
    }
}

/// Bytes that a directory takes on the disk; what cannot be read counts nothing.
fn disk_use(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk_use(&entry.path()),
        Ok(meta) => meta.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests;
