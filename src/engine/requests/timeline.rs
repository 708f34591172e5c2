//! What happened to one node, out of the steps and the playbook events of the runs that are kept.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;

use crate::ansible::events::Tail;
use crate::ansible::playbook::EVENTS;
use crate::engine::core::Core;
use crate::model::play::{Outcome, PlayBody};
use crate::model::timeline::{Happened, Moment};
use crate::model::{ClusterId, Failure, PlayEvent, Run, Step, Work};

/// Most things that are told: they fit into a message.
const MOST: usize = 1000;
/// Newest runs that are looked through.
const RUNS: usize = 40;
/// Events read at once.
const CHUNK: usize = 10_000;
/// Longest message of a task, characters.
const MESSAGE: usize = 300;

/// What happened to a node, newest first.
///
/// # Errors
/// The store cannot be read.
pub async fn of(core: &Core, cluster: ClusterId, node: &str, count: usize) -> Result<Vec<Moment>, Failure> {
    let most = count.min(MOST);
    let runs: Vec<Run> = {
        let state = core.journal.state();
        state.runs.values().rev().filter(|run| run.cluster == Some(cluster)).take(RUNS).cloned().collect()
    };
    let mut moments = Vec::new();
    for run in runs {
        for step in super::looking::steps_of(core, run.number).await? {
            if matches!(step.work, Work::Playbook { .. }) && step.attempt > 0 {
                let dir = core.store.step_dir(run.number, step.index, step.attempt);
                let host = node.to_owned();
                let read = tokio::task::spawn_blocking(move || on_host(&dir, &step, &host));
                moments.extend(read.await.map_err(|e| Failure::broken("read playbook events", e))?);
            } else if step.node.as_deref() == Some(node) {
                moments.extend(moment(&step));
            }
        }
        if moments.len() >= most {
            break;
        }
    }
    moments.sort_by_key(|m: &Moment| Reverse((m.at, m.run, m.step)));
    moments.truncate(most);
    Ok(moments)
}

/// A step that worked on the node, once it has begun.
fn moment(step: &Step) -> Option<Moment> {
    let at = step.ended.or(step.started)?;
    let note = step.failure.as_ref().map_or_else(|| step.note.clone(), Failure::line);
    let took = step.started.zip(step.ended).map(|(from, to)| to.since(from));
    let what = Happened::Step { title: step.title.clone(), state: step.state.clone(), took, note };
    Some(Moment { at, run: step.run, step: step.index, attempt: step.attempt, what })
}

/// What a playbook did on one host. It blocks.
fn on_host(dir: &Path, step: &Step, host: &str) -> Vec<Moment> {
    let mut seen =
        OnHost { step, host, tasks: HashMap::new(), playbook: String::new(), written: 0, out: Vec::new(), quiet: None };
    let mut tail = Tail::new(dir.join(EVENTS));
    loop {
        let events = tail.read(CHUNK);
        if events.is_empty() {
            return seen.end();
        }
        events.iter().for_each(|event| seen.take(event));
    }
}

struct OnHost<'a> {
    step: &'a Step,
    host: &'a str,
    tasks: HashMap<String, String>,
    playbook: String,
    written: u64,
    out: Vec<Moment>,
    /// Tasks that did nothing: ok, skipped, and when the last one was.
    quiet: Option<(u64, u64, crate::model::Time)>,
}

impl OnHost<'_> {
    fn take(&mut self, event: &PlayEvent) {
        match &event.body {
            PlayBody::Playbook { name } => self.playbook.clone_from(name),
            PlayBody::Task { id, name, .. } => drop(self.tasks.insert(id.clone(), name.clone())),
            PlayBody::Result { task, host, outcome, took, msg, .. } if host == self.host => match outcome {
                Outcome::Ok | Outcome::Skipped => {
                    let (ok, skipped, _) = self.quiet.unwrap_or((0, 0, event.at));
                    let is_ok = u64::from(*outcome == Outcome::Ok);
                    self.quiet = Some((ok + is_ok, skipped + 1 - is_ok, event.at));
                }
                _ => {
                    let byte = if self.written < event.offset { self.written } else { event.offset.saturating_sub(1) };
                    let what = Happened::Task {
                        playbook: self.playbook.clone(),
                        name: self.tasks.get(task).cloned().unwrap_or_default(),
                        outcome: *outcome,
                        took: *took,
                        msg: msg.lines().next().unwrap_or_default().chars().take(MESSAGE).collect(),
                        byte,
                    };
                    self.push(event.at, what);
                }
            },
            _ => {}
        }
        self.written = self.written.max(event.offset);
    }

    fn push(&mut self, at: crate::model::Time, what: Happened) {
        self.out.push(Moment { at, run: self.step.run, step: self.step.index, attempt: self.step.attempt, what });
    }

    fn end(mut self) -> Vec<Moment> {
        if let Some((ok, skipped, at)) = self.quiet {
            let playbook = std::mem::take(&mut self.playbook);
            self.push(at, Happened::Quiet { playbook, ok, skipped });
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RunNo, Time, Token};

    #[test]
    fn what_a_playbook_changed_on_a_host_is_told_and_the_rest_counted() {
        let dir = tempfile::tempdir().unwrap();
        let lines = [
            r#"{"at":1,"offset":0,"event":"playbook","name":"site.yml"}"#,
            r#"{"at":2,"offset":10,"event":"task","id":"t","name":"install","action":"apt"}"#,
            r#"{"at":3,"offset":20,"event":"result","task":"t","host":"b","outcome":"changed","took":5}"#,
            r#"{"at":4,"offset":30,"event":"result","task":"t","host":"a","outcome":"changed","took":7}"#,
            r#"{"at":5,"offset":40,"event":"result","task":"t","host":"a","outcome":"ok","took":1}"#,
            r#"{"at":6,"offset":40,"event":"result","task":"t","host":"a","outcome":"failed","took":1,"msg":"no room\nat all"}"#,
            r#"{"at":7,"offset":41,"event":"result","task":"t","host":"a","outcome":"skipped","took":1}"#,
        ];
        std::fs::write(dir.path().join(EVENTS), lines.join("\n") + "\n").unwrap();
        let step = Step { attempt: 2, ..Step::new(RunNo(4), 3, "run site.yml".into(), Work::Sweep, Token("qd-x".into())) };
        let told: Vec<_> = on_host(dir.path(), &step, "a").into_iter().map(|m| (m.at, m.what)).collect();
        let task = |outcome, took, msg: &str, byte| Happened::Task {
            playbook: "site.yml".into(),
            name: "install".into(),
            outcome,
            took,
            msg: msg.into(),
            byte,
        };
        let want = vec![
            (Time(4), task(Outcome::Changed, 7, "", 20)),
            (Time(6), task(Outcome::Failed, 1, "no room", 39)),
            (Time(7), Happened::Quiet { playbook: "site.yml".into(), ok: 1, skipped: 1 }),
        ];
        assert_eq!(told, want);
    }
}
