//! The one connection that writes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{failed, open, projection};
use crate::model::{Failure, PlanId, Time};
use crate::protocol::event::EVENT_VERSION;
use crate::store::record::Record;

/// How much of the events is kept. What they add up to, and the audit, is kept in any case.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Keep {
    /// The newest events.
    pub(in crate::store) events: u64,
    /// Bytes of their JSON; the newest [`ANYWAY`] stay whatever they weigh.
    pub(in crate::store) bytes: u64,
}

/// Events that are kept whatever they weigh.
const ANYWAY: u64 = 50;

/// Something to be written.
#[derive(Debug)]
pub(in crate::store) enum Write {
    Append {
        records: Vec<Record>,
        idem: Option<(Uuid, String)>,
    },
    Plan {
        id: PlanId,
        body: String,
    },
    Cache {
        key: String,
        body: String,
    },
    /// Forgets the answers and plans from before a time.
    Tidy {
        before: Time,
    },
}

/// What came of one [`Write`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::store) enum Outcome {
    Written {
        /// Number of its first event, where it has any.
        first: u64,
    },
    /// The idempotency key was used before; nothing was written.
    Repeat,
}

/// The writing connection. A transaction is staged, then committed or abandoned.
#[derive(Debug)]
pub(in crate::store) struct Journal {
    db: Connection,
    path: PathBuf,
    keep: Keep,
    /// Numbers of the oldest (1 when there is none) and the newest (0 when there is none) durable event.
    first: u64,
    last: u64,
    /// Running sum of the bytes of all events ever, at `last`.
    bytes: u64,
    staged: Option<Ends>,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u64,
    last: u64,
    bytes: u64,
}

impl Journal {
    /// Opens the file at `path`, made when missing, brought to the newest schema when older.
    pub(in crate::store) fn open(path: &Path, keep: Keep) -> Result<Self, Failure> {
        let db = open(path)?;
        let mut journal = Self { db, path: path.to_owned(), keep, first: 1, last: 0, bytes: 0, staged: None };
        journal.read_ends().map_err(|e| failed("open the store", path, e))?;
        Ok(journal)
    }

    /// Number of the newest durable event; 0 when there is none.
    pub(in crate::store) fn last(&self) -> u64 {
        self.last
    }

    /// Writes a batch into a transaction, all of it or nothing.
    pub(in crate::store) fn stage<'a>(
        &mut self,
        batch: impl Iterator<Item = &'a Write>,
        at: Time,
    ) -> Result<Vec<Outcome>, Failure> {
        self.try_stage(batch, at).map_err(|e| self.abandon("write", e))
    }

    /// Makes what is staged durable.
    pub(in crate::store) fn commit(&mut self) -> Result<(), Failure> {
        self.db.execute_batch("COMMIT").map_err(|e| self.abandon("write", e))?;
        if let Some(Ends { first, last, bytes }) = self.staged.take() {
            (self.first, self.last, self.bytes) = (first, last, bytes);
        }
        Ok(())
    }

    fn abandon(&mut self, tried: &str, error: rusqlite::Error) -> Failure {
        self.staged = None;
        // After some errors SQLite has rolled back by itself.
        if !self.db.is_autocommit() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        // A failed commit leaves open what is on the disk: what the file says counts.
        let _ = self.read_ends();
        failed(&format!("{tried} to the store"), &self.path, error)
    }

    fn read_ends(&mut self) -> rusqlite::Result<()> {
        let last = self
            .db
            .query_row("SELECT seq, upto FROM event ORDER BY seq DESC LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let first = self.db.query_row("SELECT seq FROM event ORDER BY seq LIMIT 1", [], |row| row.get(0)).optional()?;
        (self.last, self.bytes) = last.unwrap_or((0, 0));
        self.first = first.unwrap_or(1);
        Ok(())
    }

    fn try_stage<'a>(&mut self, batch: impl Iterator<Item = &'a Write>, at: Time) -> rusqlite::Result<Vec<Outcome>> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let mut ends = Ends { first: self.first, last: self.last, bytes: self.bytes };
        let mut keys = HashSet::new();
        let mut outcomes = Vec::new();
        for write in batch {
            outcomes.push(self.put(write, at, &mut ends, &mut keys)?);
        }
        if ends.last > self.last {
            self.trim(&mut ends)?;
        }
        self.staged = Some(ends);
        Ok(outcomes)
    }

    fn put(&self, write: &Write, at: Time, ends: &mut Ends, keys: &mut HashSet<Uuid>) -> rusqlite::Result<Outcome> {
        let db = &self.db;
        let first = ends.last + 1;
        match write {
            Write::Append { records, idem } => {
                if let Some((key, answer)) = idem {
                    let new = keys.insert(*key)
                        && db
                            .prepare_cached("INSERT INTO idem(key, at, answer) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
                            .execute(params![key.to_string(), at.0, answer])?
                            == 1;
                    if !new {
                        return Ok(Outcome::Repeat);
                    }
                }
                for record in records {
                    self.add(record, at, ends)?;
                }
            }
            Write::Plan { id, body } => {
                db.prepare_cached("INSERT OR REPLACE INTO plan(id, at, body) VALUES (?1, ?2, ?3)")?.execute(params![
                    id.to_string(),
                    at.0,
                    body
                ])?;
            }
            Write::Cache { key, body } => {
                db.prepare_cached("INSERT OR REPLACE INTO cache(key, at, body) VALUES (?1, ?2, ?3)")?
                    .execute(params![key, at.0, body])?;
            }
            Write::Tidy { before } => {
                for sql in ["DELETE FROM idem WHERE at < ?1", "DELETE FROM plan WHERE at < ?1"] {
                    db.prepare_cached(sql)?.execute([before.0])?;
                }
            }
        }
        Ok(Outcome::Written { first })
    }

    fn add(&self, record: &Record, at: Time, ends: &mut Ends) -> rusqlite::Result<()> {
        ends.last += 1;
        ends.bytes += record.json.len() as u64;
        self.db
            .prepare_cached("INSERT INTO event(seq, at, v, kind, run, upto, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                ends.last,
                at.0,
                EVENT_VERSION,
                record.kind(),
                record.run().map(|r| r.0),
                ends.bytes,
                record.json
            ])?;
        projection::apply(&self.db, ends.last, record)
    }

    /// Removes the oldest events over the limits; a few more than were added, so that no commit waits long for it.
    fn trim(&self, ends: &mut Ends) -> rusqlite::Result<()> {
        let kept = ends.last + 1 - ends.first;
        let mut surplus = kept.saturating_sub(self.keep.events);
        if surplus == 0 && kept > ANYWAY {
            let before: Option<u64> = self
                .db
                .prepare_cached("SELECT upto FROM event WHERE seq = ?1")?
                .query_row([ends.first], |row| row.get(0))
                .optional()?;
            if before.is_some_and(|b| ends.bytes - b > self.keep.bytes) {
                surplus = kept - ANYWAY;
            }
        }
        let at_once = 64.max(2 * (ends.last - self.last));
        let until = ends.first + surplus.min(at_once);
        if until > ends.first {
            self.db.prepare_cached("DELETE FROM event WHERE seq < ?1")?.execute([until])?;
            ends.first = until;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    pub(super) fn db_objects(&self) -> Vec<String> {
        let mut names = self.db.prepare("SELECT name FROM sqlite_schema").unwrap();
        let names = names.query_map([], |row| row.get(0)).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Lets the file grow by so many pages only, as a full disk would.
    pub(super) fn limit_pages(&self, more: u32) {
        let now: u32 = self.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        self.db.query_row(&format!("PRAGMA max_page_count = {}", now + more), [], |_| Ok(())).unwrap();
    }
}
