//! The connections that read.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::{failed, open_to_read, trouble};
use crate::model::{AuditEntry, Failure, HomeId, Plan, PlanId, RunNo, Step, Time};
use crate::protocol::{Event, EventBody};
use crate::store::{Loaded, Since};

/// Connections that are kept for the next reader.
const KEPT: usize = 4;

/// Reads the file, on as many connections as there are readers at once.
#[derive(Debug)]
pub(in crate::store) struct Reader {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// What retention has to know of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::store) struct RunSeen {
    pub(in crate::store) number: RunNo,
    pub(in crate::store) over: bool,
    pub(in crate::store) ended: Option<Time>,
    pub(in crate::store) pinned: bool,
}

/// A row that cannot be read, or whose content makes no sense.
enum Bad {
    Sqlite(rusqlite::Error),
    Content { table: &'static str, error: serde_json::Error },
}

impl From<rusqlite::Error> for Bad {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sqlite(e)
    }
}

impl Reader {
    pub(in crate::store) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Bad>) -> Result<T, Failure> {
        let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let db = match idle {
            Some(db) => db,
            None => open_to_read(&self.path).map_err(|e| failed("read the store", &self.path, e))?,
        };
        let result = work(&db);
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(db);
        }
        drop(idle);
        result.map_err(|bad| match bad {
            Bad::Sqlite(e) => failed("read the store", &self.path, e),
            Bad::Content { table, error } => trouble::corrupt(&self.path, format!("a row of table {table}: {error}")),
        })
    }

    /// The id of this home, and the highest number ever given to a run.
    pub(in crate::store) fn home(&self) -> Result<(HomeId, u64), Failure> {
        self.with(|db| {
            let home: String = db.query_row("SELECT value FROM meta WHERE key = 'home'", [], |row| row.get(0))?;
            let home = content("meta", &Value::String(home).to_string())?;
            let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_run'";
            let last: Option<u64> = db.query_row(sql, [], |row| row.get(0)).optional()?;
            Ok((home, last.unwrap_or(0)))
        })
    }

    pub(in crate::store) fn load(&self) -> Result<Loaded, Failure> {
        self.with(|db| {
            let moment = db.unchecked_transaction()?;
            let seq = moment.query_row("SELECT coalesce(max(seq), 0) FROM event", [], |row| row.get(0))?;
            let loaded = Loaded {
                seq,
                runs: all(&moment, "run", "SELECT body FROM run ORDER BY number", [])?,
                clusters: all(&moment, "cluster", "SELECT body FROM cluster ORDER BY id", [])?,
                nodes: all(&moment, "node", "SELECT body FROM node ORDER BY cluster, name", [])?,
                prompts: all(&moment, "prompt", "SELECT body FROM prompt WHERE open ORDER BY id", [])?,
                unfinished_steps: all(
                    &moment,
                    "step",
                    "SELECT step.body FROM step JOIN run ON run.number = step.run WHERE NOT run.over ORDER BY run, idx",
                    [],
                )?,
            };
            Ok(loaded)
        })
    }

    pub(in crate::store) fn steps(&self, run: RunNo) -> Result<Vec<Step>, Failure> {
        self.with(|db| all(db, "step", "SELECT body FROM step WHERE run = ?1 ORDER BY idx", [run.0]))
    }

    pub(in crate::store) fn events_since(&self, after: u64, limit: usize) -> Result<Since, Failure> {
        self.with(|db| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = db.prepare_cached("SELECT seq, at, v, body FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            let mut rows = rows.query((after, limit))?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(event(row)?);
            }
            let gap = events.first().is_some_and(|e| e.seq != after + 1);
            Ok(if gap { Since::Gone } else { Since::Events(events) })
        })
    }

    pub(in crate::store) fn audit(&self, count: u32) -> Result<Vec<AuditEntry>, Failure> {
        self.with(|db| all(db, "audit", "SELECT body FROM audit ORDER BY seq DESC LIMIT ?1", [count]))
    }

    pub(in crate::store) fn idem(&self, key: Uuid) -> Result<Option<Value>, Failure> {
        self.with(|db| one(db, "idem", "SELECT answer FROM idem WHERE key = ?1", [key.to_string()]))
    }

    pub(in crate::store) fn plan(&self, id: PlanId) -> Result<Option<Plan>, Failure> {
        self.with(|db| one(db, "plan", "SELECT body FROM plan WHERE id = ?1", [id.to_string()]))
    }

    pub(in crate::store) fn cache(&self, key: &str) -> Result<Option<Value>, Failure> {
        self.with(|db| one(db, "cache", "SELECT body FROM cache WHERE key = ?1", [key]))
    }

    /// All runs, oldest first.
    pub(in crate::store) fn runs_seen(&self) -> Result<Vec<RunSeen>, Failure> {
        self.with(|db| {
            let mut rows = db.prepare_cached("SELECT number, over, ended, pinned FROM run ORDER BY number")?;
            let seen = rows.query_map([], |row| {
                Ok(RunSeen {
                    number: RunNo(row.get(0)?),
                    over: row.get(1)?,
                    ended: row.get::<_, Option<i64>>(2)?.map(Time),
                    pinned: row.get(3)?,
                })
            })?;
            Ok(seen.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn content<T: DeserializeOwned>(table: &'static str, json: &str) -> Result<T, Bad> {
    serde_json::from_str(json).map_err(|error| Bad::Content { table, error })
}

fn all<T: DeserializeOwned>(db: &Connection, table: &'static str, sql: &str, params: impl Params) -> Result<Vec<T>, Bad> {
    let mut rows = db.prepare_cached(sql)?;
    let mut rows = rows.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(content(table, &row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

fn one<T: DeserializeOwned>(db: &Connection, table: &'static str, sql: &str, params: impl Params) -> Result<Option<T>, Bad> {
    let json: Option<String> = db.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?;
    json.map(|json| content(table, &json)).transpose()
}

fn event(row: &Row<'_>) -> Result<Event, Bad> {
    let json: String = row.get(3)?;
    let body: EventBody = content("event", &json)?;
    Ok(Event { v: row.get(2)?, seq: row.get(0)?, at: Time(row.get(1)?), body })
}
