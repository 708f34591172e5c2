//! The Docker engines of the home: found in the settings and in Docker's own contexts, read while somebody looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use super::core::{Core, lock};
use super::door::{CloudBook, DockerEntry};
use super::watch::{self, LIMIT};
use crate::base::Cx;
use crate::containers::DockerEngine;
use crate::model::{DiskUse, DockerAddress, DockerList, DockerName, Failure, Time};
use crate::protocol::live::{DockerRow, DockerRows, Freshness, Live};
use crate::protocol::{Answer, Command, Topic};

/// Between two looks at the health of all.
const HEALTH: Duration = Duration::from_secs(20);
/// What takes room is counted again after this: that makes an engine read all its directories.
const DISK: Duration = Duration::from_secs(300);
/// Before the events of an engine are listened to again.
const DEAF: Duration = Duration::from_secs(10);

/// One of them: what is said of it, and its client when it could be made.
#[derive(Clone)]
struct Known {
    entry: DockerEntry,
    engine: Result<Arc<DockerEngine>, Failure>,
}

/// See the module.
pub struct Dockers {
    book: Arc<dyn CloudBook>,
    known: Mutex<BTreeMap<DockerName, Known>>,
    /// What took room, and when it was counted.
    disks: Mutex<BTreeMap<DockerName, (Instant, DiskUse)>>,
}

impl Dockers {
    /// Those that the book names; nothing is read before somebody asks.
    pub fn of(book: Arc<dyn CloudBook>) -> Self {
        Self { book, known: Mutex::default(), disks: Mutex::default() }
    }

    /// All of them, in the book's order. One whose address is as before keeps its client.
    fn all(&self) -> Result<Vec<Known>, Failure> {
        let entries = self.book.dockers()?;
        let mut known = lock(&self.known);
        let old = std::mem::take(&mut *known);
        let all: Vec<Known> = entries
            .into_iter()
            .map(|entry| {
                let before = old.get(&entry.info.name).filter(|k| k.engine.is_ok() && k.entry.info.address == entry.info.address);
                let engine = match (&entry.problem, before) {
                    (Some(problem), _) => Err(problem.clone()),
                    (None, Some(before)) => before.engine.clone(),
                    (None, None) => DockerEngine::open(entry.info.name.clone(), &entry.info.address).map(Arc::new),
                };
                Known { entry, engine }
            })
            .collect();
        known.extend(all.iter().map(|k| (k.entry.info.name.clone(), k.clone())));
        Ok(all)
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none of that name (the message names those there are), or it cannot be used as it is written.
    pub fn get(&self, name: &DockerName) -> Result<Arc<DockerEngine>, Failure> {
        if let Some(known) = lock(&self.known).get(name) {
            return known.engine.clone();
        }
        let all = self.all()?;
        match all.iter().find(|k| k.entry.info.name == *name) {
            Some(known) => known.engine.clone(),
            None => {
                let names: Vec<_> = all.iter().map(|k| k.entry.info.name.as_str()).collect();
                let next = if names.is_empty() { NONE.to_owned() } else { format!("there are: {}", names.join(", ")) };
                let tried = format!("use Docker engine {name}");
                Err(Failure::not_found(tried, "there is no Docker engine of that name").next(next))
            }
        }
    }

    /// Where one of them is, for a program that goes there by itself.
    ///
    /// # Errors
    /// As [`Dockers::get`].
    pub fn address(&self, name: &DockerName) -> Result<DockerAddress, Failure> {
        self.get(name)?;
        let address = lock(&self.known).get(name).map(|known| known.entry.info.address.clone());
        address
            .ok_or_else(|| Failure::not_found(format!("use Docker engine {name}"), "it has just been taken out of the settings"))
    }
}

/// What to do where there is none.
const NONE: &str = "install Docker here, or name one in the settings: [docker.NAME] host = \"tcp://HOST:2376\"";

/// The Docker engines; asked for their health, facts and disk when `test`.
///
/// # Errors
/// The settings cannot be read.
pub async fn rows(core: &Core, test: bool) -> Result<Vec<DockerRow>, Failure> {
    let row = |known: Known| async move {
        if test {
            return tested(core, known).await;
        }
        DockerRow { info: known.entry.info, health: Freshness::Loading, facts: None }
    };
    Ok(join_all(core.dockers.all()?.into_iter().map(row)).await)
}

/// A request that only looks at Docker engines.
///
/// # Errors
/// The settings cannot be read, or the Docker engine's own.
pub async fn look(core: &Core, command: &Command, cx: &Cx) -> Result<Answer, Failure> {
    Ok(match command {
        Command::Docker { docker, list } => {
            let rows = read_list(core, docker, *list, cx).await?;
            Answer::Docker { rows, freshness: Freshness::Fresh { at: core.now() } }
        }
        Command::DockerRefresh { docker, list } => {
            core.pokes.docker(docker, *list);
            Answer::Done
        }
        other => Answer::Dockers(rows(core, matches!(other, Command::Dockers { test: true })).await?),
    })
}

async fn tested(core: &Core, known: Known) -> DockerRow {
    let cx = Cx::quiet().within(LIMIT);
    let info = known.entry.info;
    let ask = async {
        let engine = known.engine?;
        let mut facts = cx.run("ask a Docker engine who it is", engine.facts(&cx)).await?;
        facts.disk = disk(core, &info.name, &engine, &cx).await;
        Ok(facts)
    };
    match ask.await {
        Ok(facts) => DockerRow { info, health: Freshness::Fresh { at: core.now() }, facts: Some(facts) },
        Err(failure) => DockerRow { info, health: Freshness::Failed { failure }, facts: None },
    }
}

/// What takes room there, counted not too long ago. An engine that cannot say it is well all the same.
async fn disk(core: &Core, name: &DockerName, engine: &DockerEngine, cx: &Cx) -> Option<DiskUse> {
    let before = lock(&core.dockers.disks).get(name).copied();
    if let Some((_, disk)) = before.filter(|(at, _)| at.elapsed() < DISK) {
        return Some(disk);
    }
    match engine.disk(cx).await {
        Ok(disk) => {
            lock(&core.dockers.disks).insert(name.clone(), (Instant::now(), disk));
            Some(disk)
        }
        Err(failure) => {
            tracing::debug!(%name, %failure, "nothing is known of its disk");
            before.map(|(_, disk)| disk)
        }
    }
}

/// Reads one list now.
///
/// # Errors
/// The Docker engine's own.
pub async fn read_list(core: &Core, docker: &DockerName, list: DockerList, cx: &Cx) -> Result<DockerRows, Failure> {
    let engine = core.dockers.get(docker)?;
    let read = async {
        Ok(match list {
            DockerList::Containers => DockerRows::Containers(engine.containers(cx).await?),
            DockerList::Images => DockerRows::Images(engine.images(cx).await?),
            DockerList::Networks => DockerRows::Networks(engine.networks(cx).await?),
            DockerList::Volumes => DockerRows::Volumes(engine.volumes(cx).await?),
        })
    };
    let rows = cx.run(&format!("list {} of {docker}", list.words()), read).await?;
    core.store.cache_put(&cache_key(docker, list), json!({ "at": core.now(), "rows": rows })).await?;
    Ok(rows)
}

fn cache_key(docker: &DockerName, list: DockerList) -> String {
    format!("docker/{docker}/{list:?}")
}

/// Events tell of changes at once; this is for what they do not tell.
fn interval(list: DockerList) -> Duration {
    match list {
        DockerList::Containers => Duration::from_secs(10),
        DockerList::Images | DockerList::Networks | DockerList::Volumes => Duration::from_secs(60),
    }
}

/// Keeps one list fresh, until dropped.
pub async fn read_on(core: Arc<Core>, docker: DockerName, list: DockerList) {
    let topic = Topic::Docker { docker: docker.clone(), list };
    let before: Option<(Time, DockerRows)> = watch::cached(&core, &cache_key(&docker, list)).await;
    let tell = |freshness: Freshness, rows: Option<DockerRows>| {
        core.hub.publish(&topic, Live::Docker { docker: docker.clone(), kind: list, freshness, rows });
    };
    let read = || async { read_list(&core, &docker, list, &Cx::quiet().within(LIMIT)).await };
    watch::read_on(&core, &topic, interval(list), before, read, tell).await;
}

/// Listens to a Docker engine and has its lists read again when they change, until dropped.
pub async fn listen(core: Arc<Core>, docker: DockerName) {
    loop {
        let heard = async {
            let mut events = core.dockers.get(&docker)?.events(&Cx::quiet()).await?;
            // What happened before we listened.
            DockerList::ALL.iter().for_each(|list| core.pokes.docker(&docker, *list));
            while let Some(changed) = events.next().await? {
                changed.iter().for_each(|list| core.pokes.docker(&docker, *list));
            }
            Ok::<(), Failure>(())
        };
        if let Err(failure) = heard.await {
            tracing::debug!(%docker, %failure, "its events are not heard");
        }
        tokio::time::sleep(DEAF).await;
    }
}

/// Asks all of them how they are, until dropped.
pub async fn health_on(core: Arc<Core>) {
    let mut changed = core.clouds_changed.subscribe();
    let mut told: Option<Vec<DockerRow>> = None;
    loop {
        match rows(&core, false).await {
            Ok(rows) if told.is_none() => core.hub.publish(&Topic::Dockers, Live::Dockers { rows }),
            Ok(_) => {}
            Err(failure) => tracing::warn!(%failure, "the Docker engines of before stay"),
        }
        if let Ok(rows) = rows(&core, true).await {
            // The time of a look is no change that anybody has to see.
            let same = |a: &DockerRow, b: &DockerRow| {
                (&a.info, &a.facts, watch::failure_of(&a.health)) == (&b.info, &b.facts, watch::failure_of(&b.health))
            };
            let as_before = |told: &Vec<DockerRow>| told.len() == rows.len() && told.iter().zip(&rows).all(|(a, b)| same(a, b));
            if !told.as_ref().is_some_and(as_before) {
                core.hub.publish(&Topic::Dockers, Live::Dockers { rows: rows.clone() });
                told = Some(rows);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(HEALTH) => {}
            _ = changed.changed() => {}
        }
    }
}
