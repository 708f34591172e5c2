//! Lists of the clouds, kept fresh while somebody looks at them.
//!
//! A list is read again after its interval, with jitter; sooner after a change of ours (`poke`), later while the
//! cloud does not answer. Only what differs is told. The last rows are kept in the store, so that the first frame
//! of a new console shows them, marked with their time.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::clouds::Account;
use super::core::{Core, lock};
use super::docker;
use crate::base::Cx;
use crate::model::{CloudName, DockerList, DockerName, Failure, Time};
use crate::protocol::Topic;
use crate::protocol::live::{CloudRow, Freshness, ListKind, Live, Rows};

/// Longest wait for one list.
pub const LIMIT: Duration = Duration::from_secs(60);
/// Longest pause while a cloud does not answer.
const LONGEST: Duration = Duration::from_secs(120);

/// After being woken: what changes together is read once.
const GATHER: Duration = Duration::from_millis(150);

/// Wakes those who read lists.
#[derive(Default)]
pub struct Pokes(Mutex<HashMap<Topic, Arc<Notify>>>);

impl Pokes {
    /// Something of ours changed this list: read it again now.
    pub fn poke(&self, cloud: &CloudName, list: ListKind) {
        self.wake(&Topic::List { cloud: cloud.clone(), list });
    }

    /// Something changed this list of a Docker engine.
    pub fn docker(&self, docker: &DockerName, list: DockerList) {
        self.wake(&Topic::Docker { docker: docker.clone(), list });
    }

    fn wake(&self, topic: &Topic) {
        if let Some(notify) = lock(&self.0).get(topic) {
            notify.notify_one();
        }
    }

    /// Servers and what they use up have changed.
    pub fn servers(&self, cloud: &CloudName) {
        self.poke(cloud, ListKind::Servers);
        self.poke(cloud, ListKind::Quota);
    }

    fn of(&self, topic: &Topic) -> Arc<Notify> {
        Arc::clone(lock(&self.0).entry(topic.clone()).or_default())
    }
}

fn interval(list: ListKind) -> Duration {
    match list {
        ListKind::Servers => Duration::from_secs(5),
        ListKind::Quota | ListKind::FloatingIps | ListKind::Ports | ListKind::Volumes => Duration::from_secs(15),
        ListKind::Subnets | ListKind::Routers | ListKind::SecurityGroups | ListKind::ServerGroups => Duration::from_secs(30),
        ListKind::Flavors | ListKind::Images | ListKind::Networks | ListKind::KeyPairs | ListKind::Zones => {
            Duration::from_secs(60)
        }
    }
}

/// Reads one list now.
///
/// # Errors
/// The cloud's own.
pub async fn read_list(core: &Core, cloud: &CloudName, list: ListKind, cx: &Cx) -> Result<Rows, Failure> {
    let driver = core.clouds.get(cloud)?;
    let read = async {
        Ok(match list {
            ListKind::Flavors => Rows::Flavors(driver.flavors(cx).await?),
            ListKind::Images => Rows::Images(driver.images(cx).await?),
            ListKind::Networks => Rows::Networks(driver.networks(cx).await?),
            ListKind::KeyPairs => Rows::KeyPairs(driver.key_pairs(cx).await?),
            ListKind::Servers => Rows::Servers(driver.servers(cx).await?),
            ListKind::FloatingIps => Rows::FloatingIps(driver.floating_ips(cx).await?),
            ListKind::Quota => Rows::Quota(driver.quota(cx).await?),
            ListKind::Subnets => Rows::Subnets(driver.subnets(cx).await?),
            ListKind::Ports => Rows::Ports(driver.ports(cx).await?),
            ListKind::Routers => Rows::Routers(driver.routers(cx).await?),
            ListKind::SecurityGroups => Rows::SecurityGroups(driver.security_groups(cx).await?),
            ListKind::Volumes => Rows::Volumes(driver.volumes(cx).await?),
            ListKind::ServerGroups => Rows::ServerGroups(driver.server_groups(cx).await?),
            ListKind::Zones => Rows::Zones(driver.zones(cx).await?),
        })
    };
    let call = format!("list {} of {cloud}", list.word());
    let rows = core.clouds.timed(cloud, cx.run(&call, read)).await?;
    core.store.cache_put(&cache_key(cloud, list), json!({ "at": core.now(), "rows": rows })).await?;
    Ok(rows)
}

fn cache_key(cloud: &CloudName, list: ListKind) -> String {
    format!("list/{cloud}/{list:?}")
}

/// The rows that were read last, and when.
pub async fn cached<R: DeserializeOwned>(core: &Core, key: &str) -> Option<(Time, R)> {
    let value = core.store.cache_get(key).await.ok()??;
    let at = serde_json::from_value(value.get("at")?.clone()).ok()?;
    Some((at, serde_json::from_value(value.get("rows")?.clone()).ok()?))
}

/// The configured clouds; with an identity check of each when `test`.
pub async fn cloud_rows(core: &Core, test: bool) -> Vec<CloudRow> {
    join_all(core.clouds.all().into_iter().map(|account| async move {
        if test {
            tested(core, account).await
        } else {
            CloudRow { info: account.info(), health: Freshness::Loading, user: None, servers: None, latency: Vec::new() }
        }
    }))
    .await
}

async fn tested(core: &Core, account: Account) -> CloudRow {
    let cx = Cx::quiet().within(LIMIT);
    let info = account.info();
    let name = info.name.clone();
    let check = async {
        let driver = account.driver?;
        let identity = core.clouds.timed(&name, cx.run(&format!("test cloud {name}"), driver.identity(&cx))).await?;
        let count = format!("count servers of {name}");
        let servers = core.clouds.timed(&name, cx.run(&count, driver.servers(&cx))).await?;
        let user = match identity.project {
            Some(project) => format!("{} in {project}", identity.user),
            None => identity.user,
        };
        Ok((user, servers.len()))
    };
    let (health, user, servers) = match check.await {
        Ok((user, servers)) => (Freshness::Fresh { at: core.now() }, Some(user), u32::try_from(servers).ok()),
        Err(failure) => (Freshness::Failed { failure }, None, None),
    };
    let latency = core.clouds.latency(&info.name);
    CloudRow { info, health, user, servers, latency }
}

/// Keeps what is watched fresh, for as long as the engine lives.
pub async fn keep_fresh(core: Arc<Core>) {
    let mut interest = core.hub.interest();
    let mut readers: HashMap<Topic, JoinHandle<()>> = HashMap::new();
    let mut ears: HashMap<DockerName, JoinHandle<()>> = HashMap::new();
    loop {
        let watched = core.hub.watched();
        let heard = |topic: &Topic| match topic {
            Topic::Docker { docker, .. } => Some(docker.clone()),
            _ => None,
        };
        let heard: BTreeSet<DockerName> = watched.iter().filter_map(heard).collect();
        ears.retain(|docker, ear| {
            let keep = heard.contains(docker);
            if !keep {
                ear.abort();
            }
            keep
        });
        readers.retain(|topic, reader| {
            let keep = watched.contains(topic);
            if !keep {
                reader.abort();
            }
            keep
        });
        for topic in watched {
            match &topic {
                Topic::List { cloud, list } if !readers.contains_key(&topic) => {
                    let reader = tokio::spawn(read_cloud_on(Arc::clone(&core), cloud.clone(), *list));
                    readers.insert(topic, reader);
                }
                Topic::Docker { docker, list } if !readers.contains_key(&topic) => {
                    let reader = tokio::spawn(docker::read_on(Arc::clone(&core), docker.clone(), *list));
                    readers.insert(topic, reader);
                }
                Topic::Dockers if !readers.contains_key(&topic) => {
                    readers.insert(topic, tokio::spawn(docker::health_on(Arc::clone(&core))));
                }
                Topic::Clouds if !readers.contains_key(&topic) => {
                    readers.insert(topic, tokio::spawn(clouds_on(Arc::clone(&core))));
                }
                _ => {}
            }
        }
        for docker in heard {
            ears.entry(docker.clone()).or_insert_with(|| tokio::spawn(docker::listen(Arc::clone(&core), docker)));
        }
        if interest.changed().await.is_err() {
            return;
        }
    }
}

async fn read_cloud_on(core: Arc<Core>, cloud: CloudName, list: ListKind) {
    let topic = Topic::List { cloud: cloud.clone(), list };
    let before = cached(&core, &cache_key(&cloud, list)).await;
    let tell = |freshness: Freshness, rows: Option<Rows>| {
        core.hub.publish(&topic, Live::List { cloud: cloud.clone(), kind: list, freshness, rows });
    };
    let read = || async { read_list(&core, &cloud, list, &Cx::quiet().within(LIMIT)).await };
    read_on(&core, &topic, interval(list), before, read, tell).await;
}

/// Reads a list again and again, at this pace and whenever it is poked, and tells what differs.
pub async fn read_on<R: Clone + PartialEq, F: Future<Output = Result<R, Failure>>>(
    core: &Core,
    topic: &Topic,
    pace: Duration,
    mut last: Option<(Time, R)>,
    read: impl Fn() -> F,
    tell: impl Fn(Freshness, Option<R>),
) {
    let poked = core.pokes.of(topic);
    match &last {
        Some((at, rows)) => tell(Freshness::Stale { at: *at, failure: None }, Some(rows.clone())),
        None => tell(Freshness::Loading, None),
    }
    let (mut told, mut pause) = (None, pace);
    loop {
        match read().await {
            Ok(rows) => {
                pause = pace;
                let same = told.as_ref() == Some(&None) && last.as_ref().is_some_and(|(_, l)| *l == rows);
                last = Some((core.now(), rows.clone()));
                if !same {
                    tell(Freshness::Fresh { at: core.now() }, Some(rows));
                    told = Some(None);
                }
            }
            Err(failure) => {
                pause = (pause * 2).min(LONGEST);
                if told.as_ref() != Some(&Some(failure.clone())) {
                    told = Some(Some(failure.clone()));
                    match &last {
                        Some((at, rows)) => tell(Freshness::Stale { at: *at, failure: Some(failure) }, Some(rows.clone())),
                        None => tell(Freshness::Failed { failure }, None),
                    }
                }
            }
        }
        let jitter = pause.mul_f64(rand::random_range(0.9..1.1));
        tokio::select! {
            () = tokio::time::sleep(jitter) => {}
            () = poked.notified() => tokio::time::sleep(GATHER).await,
        }
    }
}

async fn clouds_on(core: Arc<Core>) {
    let mut changed = core.clouds_changed.subscribe();
    let mut told = None;
    loop {
        core.settle_settings().await;
        if told.is_none() {
            core.hub.publish(&Topic::Clouds, Live::Rules { rules: (*core.clouds.rules()).clone() });
            core.hub.publish(&Topic::Clouds, Live::Clouds { rows: cloud_rows(&core, false).await });
        }
        let rows = cloud_rows(&core, true).await;
        // The time of a check is no change that anybody has to see, nor that a call took a little longer.
        let facts = |r: &CloudRow| (r.info.clone(), r.user.clone(), r.servers, failure_of(&r.health), pace(&r.latency));
        let facts: Vec<_> = rows.iter().map(facts).collect();
        if told.as_ref() != Some(&facts) {
            core.hub.publish(&Topic::Clouds, Live::Clouds { rows });
            told = Some(facts);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(30)) => {}
            _ = changed.changed() => told = None,
        }
    }
}

/// How fast a cloud answers, so coarsely that only twice as long is another pace.
fn pace(latency: &[u32]) -> u32 {
    let mut last: Vec<u32> = latency.iter().rev().take(8).copied().collect();
    last.sort_unstable();
    // What takes next to nothing is all the same.
    last.get(last.len() / 2).map_or(1, |median| (median / 50).next_power_of_two())
}

/// Why something does not answer, where it does not.
pub fn failure_of(health: &Freshness) -> Option<Failure> {
    match health {
        Freshness::Failed { failure } => Some(failure.clone()),
        Freshness::Stale { failure, .. } => failure.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_pace_is_told() {
        assert_eq!(pace(&[]), pace(&[0, 3, 9]), "next to nothing");
        assert_eq!(pace(&[200, 210, 190]), pace(&[220, 205, 215]));
        assert_eq!(pace(&[200, 210, 1900, 190, 205]), pace(&[200, 210, 190]), "one slow call is no pace");
        assert_ne!(pace(&[200, 210, 190]), pace(&[500, 480, 510]));
    }
}
