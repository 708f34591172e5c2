//! Brings an older file to the newest schema.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::backup::Progress;
use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::{APPLICATION_ID, Unready};
use crate::store::trouble;

/// What leads from schema *n* to *n + 1*, from 0 (an empty file). Only ever added to.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("schema_v1.sql")];

/// Carries out the migrations that the file lacks, each in a transaction of its own. A file with something in it is
/// copied first.
pub(super) fn to_newest(db: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Unready> {
    let version: usize = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Some(missing) = migrations.get(version..).filter(|m| !m.is_empty()) else { return Ok(()) };
    if version > 0 {
        back_up(db, path, version)?;
    }
    for (index, sql) in missing.iter().enumerate() {
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", version + index + 1)?;
        if version + index == 0 {
            step.pragma_update(None, "application_id", APPLICATION_ID)?;
            let home = Uuid::now_v7().to_string();
            step.execute("INSERT INTO meta(key, value) VALUES ('home', ?1), ('created', datetime('now'))", [home])?;
        }
        step.commit()?;
    }
    // An older program looks for the version in the file's header first: put it there now.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Where the copy of schema `version` goes.
pub(super) fn backup_path(path: &Path, version: usize) -> PathBuf {
    path.with_extension(format!("db.v{version}.backup"))
}

fn back_up(db: &Connection, path: &Path, version: usize) -> Result<(), Unready> {
    let copy = backup_path(path, version);
    let part = copy.with_extension("part");
    let say = |e: std::io::Error| Unready::Failure(trouble::io("copy the store before changing its schema", &copy, &e));
    match std::fs::remove_file(&part) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(say(e)),
        _ => {}
    }
    db.backup("main", &part, None::<fn(Progress)>)?;
    File::open(&part).and_then(|f| f.sync_all()).map_err(say)?;
    std::fs::rename(&part, &copy).map_err(say)?;
    Ok(())
}
