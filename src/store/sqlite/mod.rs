//! The store's state in one SQLite file: all SQL is in this room.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{place, trouble};
use crate::model::Failure;

mod journal;
mod migrate;
mod projection;
mod read;

pub(super) use journal::{Journal, Keep, Outcome, Write};
pub(super) use read::{Reader, RunSeen};

/// `QDCK` in the file's header: this SQLite file is one of ours.
const APPLICATION_ID: u32 = 0x5144_434b;

/// How long a connection waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the file for writing, made (0600) when missing, and brings it to the newest schema.
fn open(path: &Path) -> Result<Connection, Failure> {
    look_at_header(path)?;
    let made = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    made.map_err(|e| trouble::io("open the store", path, &e))?;
    keep_name(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|e| failed("open the store", path, e))?;
    ready(&mut db, path).map_err(|e| e.into_failure(path))?;
    Ok(db)
}

/// Opens the file for reading only. It has been opened by [`open`] before.
fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// Makes the file's name durable in its directory. Where a file system cannot, there is nothing to be done.
fn keep_name(path: &Path) {
    let _ = path.parent().map(|dir| File::open(dir).and_then(|d| d.sync_all()));
}

enum Unready {
    Sqlite(rusqlite::Error),
    Failure(Failure),
}

impl Unready {
    fn into_failure(self, path: &Path) -> Failure {
        match self {
            Self::Sqlite(e) => failed("open the store", path, e),
            Self::Failure(f) => f,
        }
    }
}

impl From<rusqlite::Error> for Unready {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sqlite(e)
    }
}

impl From<Failure> for Unready {
    fn from(f: Failure) -> Self {
        Self::Failure(f)
    }
}

fn ready(db: &mut Connection, path: &Path) -> Result<(), Unready> {
    db.busy_timeout(PATIENCE)?;
    // Until the file is known to be ours and not newer, closing it must not write into it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: u32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let objects: u32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if objects > 0 {
        judge(path, version, application)?;
    }
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA journal_size_limit = 16777216;")?;
    db.set_prepared_statement_cache_capacity(64);
    migrate::to_newest(db, path, migrate::MIGRATIONS)?;
    Ok(())
}

/// Judges a file by its first hundred bytes, so that one that is not for us is not touched at all.
fn look_at_header(path: &Path) -> Result<(), Failure> {
    let mut header = Vec::with_capacity(100);
    match File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header).map_err(|e| trouble::io("open the store", path, &e))?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(trouble::io("open the store", path, &e)),
    };
    if header.is_empty() {
        return Ok(());
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(trouble::corrupt(path, "it does not begin like a SQLite file"));
    }
    let number = |at: usize| header.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    match (number(60), number(68)) {
        (Some(version), Some(application)) if (version, application) != (0, 0) => judge(path, version, application),
        (Some(_), Some(_)) => Ok(()),
        _ => Err(trouble::corrupt(path, "it is cut off")),
    }
}

fn judge(path: &Path, version: u32, application: u32) -> Result<(), Failure> {
    if application != APPLICATION_ID {
        return Err(Failure::refused("open the store", "this SQLite file belongs to another program")
            .at(path.display())
            .next("move it away, or choose another directory with QUARTERDECK_HOME"));
    }
    let newest = u32::try_from(migrate::MIGRATIONS.len()).unwrap_or(u32::MAX);
    if version > newest {
        return Err(Failure::refused(
            "open the store",
            format!("a newer quarterdeck wrote it (schema {version}; this program knows up to {newest})"),
        )
        .at(path.display())
        .next("use the newer program, or choose another directory with QUARTERDECK_HOME; the file was left as it is"));
    }
    Ok(())
}

/// What a SQLite error means.
fn failed(tried: &str, path: &Path, error: rusqlite::Error) -> Failure {
    let room_is_gone = || path.parent().and_then(|dir| place::free(dir).ok()).is_some_and(|free| free < 1 << 20);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => trouble::full(tried, path, error),
        Some(ErrorCode::SystemIoFailure) if room_is_gone() => trouble::full(tried, path, error),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => trouble::corrupt(path, error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Failure::transient(tried, error).at(path.display()).next("another program holds the file; close it")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Failure::broken(tried, error).at(path.display()).next("make the file and its directory yours and writable")
        }
        _ => Failure::broken(tried, error).at(path.display()),
    }
}

#[cfg(test)]
mod tests;
