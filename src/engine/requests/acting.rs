//! Requests that change something: done once, and written into the audit.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{about, builds, commands, key_pairs, looking, retry, servers, start};
use crate::base::Cx;
use crate::engine::core::{Core, lock};
use crate::engine::door::Who;
use crate::engine::runs::{self, Order, Reply};
use crate::engine::{forwards, policy};
use crate::model::capability::names::IMAGE_UPLOAD;
use crate::model::{AuditEntry, CloudName, ClusterId, Deed, Failure, NewServer, PromptId, RunNo, Tags, Work};
use crate::protocol::live::ListKind;
use crate::protocol::{Answer, Command, EventBody, Refusal};

/// Carries out a request that changes something; `key` is its idempotency key.
pub async fn act(core: &Arc<Core>, who: &Who, command: Command, key: Option<Uuid>) -> Result<Answer, Refusal> {
    if core.resting.load(std::sync::atomic::Ordering::Acquire) {
        let failure = Failure::transient("carry out a request", "the engine is stopping").next("try again in a moment");
        return Err(Refusal::of(failure));
    }
    let starts = matches!(
        command,
        Command::Apply { .. }
            | Command::Retry { .. }
            | Command::CommandRun { .. }
            | Command::BuildRun { .. }
            | Command::AnsibleInstall
            | Command::ServerCreate { .. }
            | Command::ServerChange { .. }
            | Command::ImageUpload { .. }
    );
    let about = about::of(core, &command).await;
    let result = if starts { start(core, who, command, key).await } else { other(core, who, command).await };
    if starts && result.is_ok() {
        // It has written its audit and its key together with the run.
        return result;
    }
    let entry = super::audit(core, who, &about.what, about.run, result.as_ref().map(|_| ()));
    let entry = AuditEntry { cluster: about.cluster, cloud: about.cloud, ..entry };
    let idem = match (&result, key) {
        (Ok(answer), Some(key)) => serde_json::to_value(answer).ok().map(|v| (key, v)),
        _ => None,
    };
    core.journal.commit_once(vec![EventBody::Audit(Box::new(entry))], idem).await.map_err(Refusal::of)?;
    result
}

/// What becomes a run.
async fn start(core: &Arc<Core>, who: &Who, command: Command, key: Option<Uuid>) -> Result<Answer, Refusal> {
    match command {
        Command::Apply { plan, vault_password } => {
            start::apply(core, who, plan, vault_password.map(SecretString::from), key).await
        }
        Command::Retry { run, failed_hosts } => retry::retry(core, who, run, failed_hosts, key).await,
        Command::CommandRun { name, thing, inputs } => commands::run(core, who, &name, &thing, &inputs, key).await,
        Command::BuildRun { build, secrets } => builds::run(core, who, *build, secrets, key).await,
        Command::ServerCreate { cloud, server } => {
            let server = servers::placed(core, &cloud, server).await.map_err(Refusal::of)?;
            let title = format!("create server {}", server.name);
            let work = Work::CreateServer { server: Box::new(tagged(core, *server)) };
            start::single(core, who, &title, work, Some(cloud), Default::default(), key).await
        }
        Command::ServerChange { cloud, server, change } => {
            let (title, work) = servers::change(core, &cloud, &server, change).await.map_err(Refusal::of)?;
            start::single(core, who, &title, work, Some(cloud), Default::default(), key).await
        }
        Command::ImageUpload { cloud, image } => {
            let driver = core.clouds.get(&cloud).map_err(Refusal::of)?;
            let title = format!("upload image {}", image.name);
            if let Err(reason) = driver.capabilities().check(IMAGE_UPLOAD) {
                return Err(Refusal::of(Failure::refused(title, reason).at(driver.endpoint())));
            }
            start::single(core, who, &title, Work::UploadImage { image }, Some(cloud), Default::default(), key).await
        }
        _ => install(core, who, key).await,
    }
}

async fn install(core: &Arc<Core>, who: &Who, key: Option<Uuid>) -> Result<Answer, Refusal> {
    let under_way = core.journal.state().runs.values().find(|r| r.title == INSTALL && !r.state.ended()).map(|r| r.number);
    match under_way {
        Some(run) => Ok(Answer::Run(run)),
        None => start::single(core, who, INSTALL, Work::InstallAnsible, None, Default::default(), key).await,
    }
}

pub const INSTALL: &str = "install Ansible";

/// The engine's own marks; a server of no cluster carries the nil id.
fn tagged(core: &Core, mut server: NewServer) -> NewServer {
    server.tags =
        Tags { home: core.store.home_id(), cluster: ClusterId(Uuid::nil()), node: server.name.clone(), token: core.token() };
    server
}

async fn other(core: &Arc<Core>, who: &Who, command: Command) -> Result<Answer, Refusal> {
    match command {
        Command::Cancel { run, mode } => {
            looking::run_of(core, run).map_err(Refusal::of)?;
            ordered(core, run, |done| Order::Cancel { mode, done }).await
        }
        Command::Answer { prompt, word, text } => {
            let run = prompt_run(core, prompt)?;
            let (text, by) = (text.map(SecretString::from), who.operator.clone());
            ordered(core, run, |done| Order::Answer { prompt, word, text, by, done }).await
        }
        Command::Pin { run, pinned } => pin(core, run, pinned).await,
        Command::ServerDelete { cloud, server } => done(servers::delete(core, &cloud, &server).await),
        Command::ServerPower { cloud, server, action } => done(servers::power(core, &cloud, &server, action).await),
        Command::KeyPairCreate { .. }
        | Command::KeyPairImport { .. }
        | Command::KeyPairDelete { .. }
        | Command::ServerGroupCreate { .. }
        | Command::ServerGroupDelete { .. }
        | Command::ImageRegister { .. }
        | Command::ImageDelete { .. } => on_cloud(core, command).await,
        Command::ForwardOpen { through, route } => {
            let forward = forwards::open(core, who, through, route).await.map_err(Refusal::of)?;
            Ok(Answer::Forward(Box::new(forward)))
        }
        Command::ForwardClose { number } => done(forwards::close(core, number).await),
        Command::CloudAdd { name, driver, settings } => {
            // An account that cannot be read is told before it is written down.
            let entry = core.clouds.book.entry(CloudName::new(name.as_str()), driver, settings.clone(), "the new settings");
            let readable = entry.account.map_or(Ok(()), |account| account.map(drop));
            let added = readable.and_then(|()| core.clouds.book.add(&name, driver, &settings));
            done(added.and_then(|()| core.reload_clouds()))
        }
        Command::CloudRemove { name } => {
            let used = core.journal.state().clusters.values().find(|c| c.cloud == name).map(|c| c.name.clone());
            if let Some(cluster) = used {
                let failure = Failure::refused(format!("remove cloud {name}"), format!("cluster {cluster} is on it"));
                return Err(Refusal::of(failure.next(format!("delete it first: `quarterdeck cluster delete {cluster}`"))));
            }
            done(core.clouds.book.remove(&name).and_then(|()| core.reload_clouds()))
        }
        Command::CloudUse { name } => done(core.clouds.book.set_default(&name).and_then(|()| core.reload_clouds())),
        Command::CloudSet { name, settings } => done(core.clouds.book.set(&name, &settings).and_then(|()| core.reload_clouds())),
        _ => Err(elsewhere()),
    }
}

/// What is made on a cloud, or deleted there, and is no server.
async fn on_cloud(core: &Core, command: Command) -> Result<Answer, Refusal> {
    match command {
        Command::KeyPairCreate { cloud, name, path } => {
            policy::may(core, Deed::KeyPairCreate, [&cloud], None, 1, &format!("create key pair {name}"))?;
            done(key_pairs::create(core, &cloud, &name, std::path::Path::new(&path)).await)
        }
        Command::KeyPairImport { cloud, name, public_key } => {
            policy::may(core, Deed::KeyPairImport, [&cloud], None, 1, &format!("import key pair {name}"))?;
            done(key_pairs::import(core, &cloud, &name, &public_key).await)
        }
        Command::KeyPairDelete { cloud, name } => {
            policy::may(core, Deed::KeyPairDelete, [&cloud], None, 1, &format!("delete key pair {name}"))?;
            done(key_pairs::delete(core, &cloud, &name).await)
        }
        Command::ServerGroupCreate { cloud, name, policy } => {
            policy::may(core, Deed::ServerGroupCreate, [&cloud], None, 1, &format!("create server group {name}"))?;
            let made = async { core.clouds.get(&cloud)?.create_server_group(&Cx::quiet(), &name, &policy).await };
            let made = made.await.map(|group| Answer::Text(group.id)).map_err(Refusal::of);
            core.pokes.poke(&cloud, ListKind::ServerGroups);
            made
        }
        Command::ServerGroupDelete { cloud, group } => {
            policy::may(core, Deed::ServerGroupDelete, [&cloud], None, 1, &format!("delete server group {group}"))?;
            let result = async { core.clouds.get(&cloud)?.delete_server_group(&Cx::quiet(), &group).await };
            let result = done(result.await);
            core.pokes.poke(&cloud, ListKind::ServerGroups);
            result
        }
        Command::ImageRegister { cloud, name, path } => {
            policy::may(core, Deed::ImageRegister, [&cloud], None, 1, &format!("register image {name}"))?;
            let result = async {
                let image = core.clouds.get(&cloud)?.register_image(&Cx::quiet(), &name, std::path::Path::new(&path)).await?;
                Ok(Answer::Text(image.id))
            };
            let result = result.await.map_err(Refusal::of);
            core.pokes.poke(&cloud, ListKind::Images);
            result
        }
        Command::ImageDelete { cloud, image } => {
            policy::may(core, Deed::ImageDelete, [&cloud], None, 1, &format!("delete image {image}"))?;
            let result = async { core.clouds.get(&cloud)?.delete_image(&Cx::quiet(), &image).await };
            let result = done(result.await);
            core.pokes.poke(&cloud, ListKind::Images);
            result
        }
        _ => Err(elsewhere()),
    }
}

fn elsewhere() -> Refusal {
    Refusal::bad(Failure::refused("carry out a request", "the engine does not take this request here"))
}

fn done(result: Result<(), Failure>) -> Result<Answer, Refusal> {
    result.map(|()| Answer::Done).map_err(Refusal::of)
}

/// Gives a run an order and waits until what follows is durable.
async fn ordered(core: &Core, run: RunNo, order: impl FnOnce(Reply) -> Order) -> Result<Answer, Refusal> {
    let ended = || {
        let failure = Failure::refused(format!("tell run {run}"), "it has ended");
        Refusal::of(failure.next(format!("`quarterdeck run show {run}` says how")))
    };
    let (reply, answer) = oneshot::channel();
    if !runs::order(core, run, order(reply)) {
        return Err(ended());
    }
    answer.await.map_err(|_| ended())?.map(|()| Answer::Done)
}

async fn pin(core: &Core, number: RunNo, pinned: bool) -> Result<Answer, Refusal> {
    let mut run = looking::run_of(core, number).map_err(Refusal::of)?;
    if lock(&core.running).contains_key(&number) {
        return ordered(core, number, |done| Order::Pin { pinned, done }).await;
    }
    run.pinned = pinned;
    core.journal.commit(vec![EventBody::Run(Box::new(run))]).await.map_err(Refusal::of)?;
    Ok(Answer::Done)
}

fn prompt_run(core: &Core, prompt: PromptId) -> Result<RunNo, Refusal> {
    let run = core.journal.state().prompts.get(&prompt).map(|p| p.run);
    run.ok_or_else(|| runs::too_late(core, prompt, None))
}
