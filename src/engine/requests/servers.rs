//! Requests about single servers.

use std::sync::Arc;

use crate::base::Cx;
use crate::clouds::Cloud;
use crate::engine::core::Core;
use crate::engine::policy;
use crate::engine::steps::network;
use crate::model::{Class, CloudName, Deed, Failure, PowerAction, Server};

/// The server of this id or (when it is the only one) name.
pub async fn find(cloud: &Arc<dyn Cloud>, cx: &Cx, server: &str) -> Result<Server, Failure> {
    let tried = format!("find server {server} on {}", cloud.name());
    match cx.run(&tried, cloud.server(cx, server)).await {
        Err(f) if f.class == Class::NotFound => {}
        other => return other,
    }
    let mut named: Vec<_> = cx.run(&tried, cloud.servers(cx)).await?.into_iter().filter(|s| s.name == server).collect();
    match (named.pop(), named.len()) {
        (Some(found), 0) => Ok(found),
        (Some(_), more) => Err(Failure::refused(tried, format!("{} servers have this name", more + 1)).next("say its id")),
        (None, _) => {
            let next = format!("`quarterdeck server list --cloud {}` shows those there are", cloud.name());
            Err(Failure::not_found(tried, "there is no server of that id or name").at(cloud.endpoint()).next(next))
        }
    }
}

/// Nobody but a run of its cluster deletes or stops what a run works on now.
fn check_free(core: &Core, server: &Server, tried: &str) -> Result<(), Failure> {
    let state = core.journal.state();
    let busy = server.tags.as_ref().and_then(|tags| state.busy(tags.cluster));
    match busy {
        Some(run) => Err(Failure::refused(tried, format!("run {} works on its cluster now ({})", run.number, run.title))
            .next(format!("wait for it, or `quarterdeck run cancel {}`", run.number))),
        None => Ok(()),
    }
}

/// Deletes one server.
pub async fn delete(core: &Core, cloud: &CloudName, server: &str) -> Result<(), Failure> {
    let (driver, cx) = (core.clouds.get(cloud)?, Cx::quiet());
    let found = find(&driver, &cx, server).await?;
    let tried = format!("delete server {}", found.name);
    policy::server(core, Deed::ServerDelete, &found, &tried)?;
    check_free(core, &found, &tried)?;
    driver.delete_server(&cx, &found.id).await?;
    if let Some(tags) = found.tags.as_ref().filter(|tags| tags.home == core.store.home_id()) {
        network::release_of(&driver, &cx, tags.home, &tags.token).await?;
        crate::engine::keys::forget(core, &tags.token);
    }
    core.pokes.servers(cloud);
    Ok(())
}

/// Starts, stops or reboots one server.
pub async fn power(core: &Core, cloud: &CloudName, server: &str, action: PowerAction) -> Result<(), Failure> {
    let (driver, cx) = (core.clouds.get(cloud)?, Cx::quiet());
    let found = find(&driver, &cx, server).await?;
    let tried = format!("{action:?} server {}", found.name).to_lowercase();
    policy::server(core, action.into(), &found, &tried)?;
    check_free(core, &found, &tried)?;
    driver.power(&cx, &found.id, action).await?;
    core.pokes.servers(cloud);
    Ok(())
}
