//! Requests of clients: looking, planning, acting.

mod about;
mod acting;
mod builds;
mod commands;
mod examining;
mod key_pairs;
mod looking;
mod output;
mod retry;
mod servers;
mod start;
mod timeline;

use std::sync::Arc;

use super::core::Core;
use super::door::Who;
use super::planning::{self, Aim};
use crate::model::{AuditEntry, Failure};
use crate::protocol::command::RefusalCode;
use crate::protocol::message::Reply;
use crate::protocol::{Answer, Command, Refusal, Request};

pub use looking::steps_of;
pub use output::Indexes;
pub use servers::find as find_server;

/// Carries out one request.
pub async fn serve(core: &Arc<Core>, who: &Arc<Who>, request: Request) -> Reply {
    let (core, who) = (Arc::clone(core), Arc::clone(who));
    // A client that goes away does not take along what it asked for.
    let work = tokio::spawn(async move { answer(&core, &who, request).await });
    let result = work.await.unwrap_or_else(|e| Err(Refusal::of(Failure::broken("carry out a request", e))));
    match result {
        Ok(answer) => Reply::Ok(Box::new(answer)),
        Err(refusal) => Reply::Refused(refusal),
    }
}

async fn answer(core: &Arc<Core>, who: &Who, request: Request) -> Result<Answer, Refusal> {
    let Request { idem, command, .. } = request;
    if !command.only_looks() || matches!(command, Command::Rules | Command::Clouds { .. }) {
        core.settle_settings().await;
    }
    if !command.acts() {
        return look_or_plan(core, command).await;
    }
    let Some(key) = idem else { return acting::act(core, who, command, None).await };
    // Two requests with one key: the second waits for the first, then finds its answer.
    let gate = core.gate(key);
    let _alone = gate.lock().await;
    if let Some(first) = core.store.idem(key).await.map_err(Refusal::of)? {
        return serde_json::from_value(first).map_err(|e| Refusal::of(Failure::broken("read a kept answer", e)));
    }
    let result = acting::act(core, who, command, Some(key)).await;
    core.open_gate(key);
    result
}

async fn look_or_plan(core: &Arc<Core>, command: Command) -> Result<Answer, Refusal> {
    let plan = match command {
        Command::PlanCreate { source, name, cloud } => planning::create(core, &source, name, cloud).await,
        Command::PlanScale { cluster, counts } => planning::change(core, cluster, Aim::Scale(&counts)).await,
        Command::PlanRepair { cluster } => planning::change(core, cluster, Aim::Repair).await,
        Command::PlanDelete { cluster } => planning::change(core, cluster, Aim::Delete).await,
        Command::PlanPlaybook { cluster, playbooks, base_dir } => {
            planning::change(core, cluster, Aim::Playbooks(&playbooks, base_dir.into())).await
        }
        Command::PlanUndo { run } => planning::undo(core, run).await,
        Command::Examine => return Ok(examining::examine(core).await),
        Command::CloudTry { name, driver, settings } => {
            let entry = core.clouds.book.entry(name, driver, settings, "not configured");
            return examining::try_out(core, entry).await.map_err(Refusal::of);
        }
        other => return looking::look(core, other).await,
    };
    plan.map(|p| Answer::Plan(Box::new(p)))
}

/// The entry of the audit for something that `who` asked for.
pub fn audit(core: &Core, who: &Who, what: &str, run: Option<crate::model::RunNo>, result: Result<(), &Refusal>) -> AuditEntry {
    AuditEntry {
        at: core.now(),
        who: who.operator.clone(),
        uid: who.uid,
        client: match who.kind {
            crate::protocol::ClientKind::Console => "console",
            crate::protocol::ClientKind::Cli => "cli",
            crate::protocol::ClientKind::Test => "test",
        }
        .to_owned(),
        from: who.context.ssh_connection.clone(),
        what: what.to_owned(),
        run,
        cluster: None,
        cloud: None,
        result: result.map_or_else(|refusal| refusal.failure.line(), |()| "ok".to_owned()),
    }
}

/// A refusal because something stands in the way.
fn in_the_way(failure: Failure) -> Refusal {
    Refusal { code: RefusalCode::Refused, failure }
}
