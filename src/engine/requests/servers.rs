//! Requests about single servers.

use std::sync::Arc;

use crate::base::Cx;
use crate::clouds::Cloud;
use crate::engine::core::Core;
use crate::engine::policy;
use crate::engine::steps::network;
use crate::model::capability::names::{BOOT_VOLUME, HINTS, KEY_PAIRS, REBUILD, RESIZE, SERVER_GROUPS, ZONES};
use crate::model::{Class, CloudName, Deed, Failure, NewServer, PowerAction, Server, ServerChange, ServerStatus, Work};

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

/// A server that is asked for, with ids for the names of what only some clouds can give. What is not there is refused
/// before a run begins.
pub async fn placed(core: &Core, cloud: &CloudName, mut server: Box<NewServer>) -> Result<Box<NewServer>, Failure> {
    let (driver, cx) = (core.clouds.get(cloud)?, Cx::quiet());
    let tried = format!("create server {}", server.name);
    let extras = &mut server.extras;
    let asked = [
        (extras.zone.is_some(), ZONES),
        (extras.server_group.is_some(), SERVER_GROUPS),
        (!extras.hints.is_empty(), HINTS),
        (extras.volume.is_some(), BOOT_VOLUME),
        (extras.key_pair.is_some(), KEY_PAIRS),
    ];
    for (_, name) in asked.into_iter().filter(|(asked, _)| *asked) {
        driver.capabilities().check(name).map_err(|reason| Failure::refused(&tried, reason).at(driver.endpoint()))?;
    }
    if let Some(zone) = &extras.zone {
        let zones = cx.run(&tried, driver.zones(&cx)).await?;
        named("availability zone", zone, zones.iter().map(|zone| (zone.name.as_str(), zone.name.as_str())), &tried)?;
    }
    if let Some(word) = &mut extras.server_group {
        let groups = cx.run(&tried, driver.server_groups(&cx)).await?;
        named("server group", word, groups.iter().map(|group| (group.name.as_str(), group.id.as_str())), &tried)?;
        if let Some(group) = groups.iter().find(|group| group.id == *word || group.name == *word) {
            word.clone_from(&group.id);
        }
    }
    if let Some(name) = &extras.key_pair {
        let pairs = cx.run(&tried, driver.key_pairs(&cx)).await?;
        named("key pair", name, pairs.iter().map(|pair| (pair.name.as_str(), pair.name.as_str())), &tried)?;
    }
    Ok(server)
}

/// What a run is to do that changes one server, and its title. What can be known before is refused before.
pub async fn change(core: &Core, cloud: &CloudName, server: &str, change: ServerChange) -> Result<(String, Work), Failure> {
    let (driver, cx) = (core.clouds.get(cloud)?, Cx::quiet());
    let found = find(&driver, &cx, server).await?;
    let title = change.title(&found.name);
    let needs = if matches!(change, ServerChange::Rebuild { .. }) { REBUILD } else { RESIZE };
    driver.capabilities().check(needs).map_err(|reason| Failure::refused(&title, reason).at(driver.endpoint()))?;
    policy::server(core, (&change).into(), &found, &title)?;
    check_free(core, &found, &title)?;
    let busy =
        !matches!(found.status, ServerStatus::Active | ServerStatus::Shutoff | ServerStatus::Error | ServerStatus::VerifyResize);
    if busy {
        let got = format!("it is {}", found.status);
        return Err(Failure::refused(&title, got).at(driver.endpoint()).next("wait until that is over"));
    }
    let refuse = |got: String, next: &str| Failure::refused(&title, got).at(driver.endpoint()).next(next);
    match &change {
        ServerChange::Rebuild { image } => {
            let images = cx.run(&title, driver.images(&cx)).await?;
            named("image", image, images.iter().map(|i| (i.name.as_str(), i.id.as_str())), &title)?;
        }
        ServerChange::Resize { flavor, .. } => {
            let flavors = cx.run(&title, driver.flavors(&cx)).await?;
            named("flavor", flavor, flavors.iter().map(|f| (f.name.as_str(), f.id.as_str())), &title)?;
            let same = flavors.iter().any(|f| f.name == found.flavor && (f.name == *flavor || f.id == *flavor));
            if same && found.status != ServerStatus::VerifyResize {
                return Err(refuse(format!("it has flavor {} already", found.flavor), "take another one"));
            }
        }
        ServerChange::ConfirmResize | ServerChange::RevertResize if found.status != ServerStatus::VerifyResize => {
            return Err(refuse(format!("it is {}: no change of its flavor waits", found.status), "quarterdeck server resize"));
        }
        ServerChange::ConfirmResize | ServerChange::RevertResize => {}
    }
    Ok((title, Work::ChangeServer { server: found.id, change }))
}

/// Something of this name or id must be there: the error has what there is.
fn named<'a>(what: &str, word: &str, all: impl Iterator<Item = (&'a str, &'a str)>, tried: &str) -> Result<(), Failure> {
    let all: Vec<(&str, &str)> = all.collect();
    if all.iter().any(|(name, id)| *name == word || *id == word) {
        return Ok(());
    }
    let mut names: Vec<&str> = all.into_iter().map(|(name, _)| name).collect();
    names.sort_by_key(|name| (strsim::damerau_levenshtein(word, name), *name));
    names.truncate(10);
    Err(Failure::not_found(tried, format!("there is no {what} {word:?}")).next(format!("there are: {}", names.join(", "))))
}
