//! What an event changes in the tables that hold the present state.

use rusqlite::{Connection, params};

use crate::protocol::EventBody;
use crate::store::record::Record;

/// Brings the tables up to date with one event.
pub(super) fn apply(db: &Connection, seq: u64, record: &Record) -> rusqlite::Result<()> {
    let content = record.content();
    match &record.body {
        EventBody::Run(run) => {
            let ended = run.ended.map(|t| t.0);
            db.prepare_cached(
                "INSERT INTO run(number, over, ended, pinned, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT(number) DO UPDATE SET over = ?2, ended = ?3, pinned = ?4, body = ?5",
            )?
            .execute(params![run.number.0, run.state.ended(), ended, run.pinned, content])?;
            db.prepare_cached(
                "INSERT INTO meta(key, value) VALUES ('last_run', ?1) ON CONFLICT(key)
                 DO UPDATE SET value = ?1 WHERE CAST(value AS INTEGER) < ?2",
            )?
            .execute(params![run.number.to_string(), run.number.0])?;
        }
        EventBody::RunGone(run) => {
            for sql in
                ["DELETE FROM run WHERE number = ?1", "DELETE FROM step WHERE run = ?1", "DELETE FROM prompt WHERE run = ?1"]
            {
                db.prepare_cached(sql)?.execute([run.0])?;
            }
        }
        EventBody::Step(step) => {
            db.prepare_cached(
                "INSERT INTO step(run, idx, body) VALUES (?1, ?2, ?3) ON CONFLICT(run, idx) DO UPDATE SET body = ?3",
            )?
            .execute(params![step.run.0, step.index, content])?;
        }
        EventBody::Cluster(cluster) => {
            db.prepare_cached("INSERT INTO cluster(id, body) VALUES (?1, ?2) ON CONFLICT(id) DO UPDATE SET body = ?2")?
                .execute(params![cluster.id.to_string(), content])?;
        }
        EventBody::ClusterGone(id) => {
            for sql in ["DELETE FROM cluster WHERE id = ?1", "DELETE FROM node WHERE cluster = ?1"] {
                db.prepare_cached(sql)?.execute([id.to_string()])?;
            }
        }
        EventBody::Node(node) => {
            db.prepare_cached(
                "INSERT INTO node(cluster, name, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT(cluster, name) DO UPDATE SET body = ?3",
            )?
            .execute(params![node.cluster.to_string(), node.name, content])?;
        }
        EventBody::NodeGone { cluster, name } => {
            db.prepare_cached("DELETE FROM node WHERE cluster = ?1 AND name = ?2")?
                .execute(params![cluster.to_string(), name])?;
        }
        EventBody::Prompt(prompt) => {
            let open = prompt.state == crate::model::PromptState::Open;
            db.prepare_cached(
                "INSERT INTO prompt(id, run, open, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT(id) DO UPDATE SET run = ?2, open = ?3, body = ?4",
            )?
            .execute(params![prompt.id.to_string(), prompt.run.0, open, content])?;
        }
        EventBody::Audit(_) => {
            db.prepare_cached("INSERT INTO audit(seq, body) VALUES (?1, ?2)")?.execute(params![seq, content])?;
        }
        EventBody::Unknown(_) => {}
    }
    Ok(())
}
