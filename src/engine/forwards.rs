//! Port forwards: they listen here, on the loopback address, as long as nobody closes them.
//!
//! What is open stands in the store, so that the next engine opens it again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::core::{Core, lock};
use super::door::Who;
use super::targets;
use crate::model::forward::{Forward, Route};
use crate::model::{ClusterId, Deed, Failure, Thing};
use crate::protocol::Topic;
use crate::protocol::live::Live;
use crate::ssh::forward::{Caller, Forwarder, Listener};

/// Forwards at once, at most.
const MOST: usize = 200;
/// Connections of one forward at once, at most: each has an SSH connection of its own.
const CONNECTIONS: usize = 64;
/// Where they stand in the store.
const KEPT: &str = "forwards";

/// The forwards that are open.
#[derive(Default)]
pub struct Forwards(Mutex<BTreeMap<u64, Entry>>);

struct Entry {
    forward: Forward,
    /// Dropped with the entry: nothing listens any more, and what is connected is cut.
    _stop: DropGuard,
}

/// All of them, in order of their numbers.
pub fn all(core: &Core) -> Vec<Forward> {
    lock(&core.forwards.0).values().map(|entry| entry.forward.clone()).collect()
}

/// Opens one.
///
/// # Errors
/// There is no such node or server, a guard is against it, the port is taken, or there are too many.
pub async fn open(core: &Arc<Core>, who: &Who, through: Thing, route: Route) -> Result<Forward, Failure> {
    let name = targets::allowed(core, Deed::Forward, "forward a port to", &through).await?;
    let tried = || format!("forward a port to {name}");
    // Whether there is a way to it shows now, not when somebody connects.
    targets::of(core, &through, core.agent()).await?;
    if lock(&core.forwards.0).len() >= MOST {
        return Err(Failure::refused(tried(), format!("{MOST} are open already")).next("close some: quarterdeck forward list"));
    }
    let forward = Forward {
        number: 0,
        through,
        route,
        since: core.now(),
        by: who.operator.clone(),
        name,
        open: 0,
        total: 0,
        sent: 0,
        received: 0,
        failure: None,
    };
    let forward = listen(core, forward).await?;
    keep(core).await;
    Ok(forward)
}

/// Closes one and cuts what is connected through it.
///
/// # Errors
/// `NotFound`.
pub async fn close(core: &Core, number: u64) -> Result<(), Failure> {
    let closed = lock(&core.forwards.0).remove(&number);
    if closed.is_none() {
        let failure = Failure::not_found(format!("close forward {number}"), "there is none of this number");
        return Err(failure.next("`quarterdeck forward list` shows those that are open"));
    }
    tell(core);
    keep(core).await;
    Ok(())
}

/// A cluster is gone: nothing leads through its nodes any more.
pub async fn cluster_gone(core: Arc<Core>, gone: ClusterId) {
    let count = || lock(&core.forwards.0).len();
    let before = count();
    lock(&core.forwards.0).retain(|_, entry| !matches!(&entry.forward.through, Thing::Node { cluster, .. } if *cluster == gone));
    if count() != before {
        tell(&core);
        keep(&core).await;
    }
}

/// Opens again what a former engine had open. One whose port is taken by now is kept and says so.
pub async fn resume(core: &Arc<Core>) {
    let kept = match core.store.cache_get(KEPT).await {
        Ok(kept) => kept.and_then(|kept| serde_json::from_value::<Vec<Forward>>(kept).ok()).unwrap_or_default(),
        Err(failure) => return tracing::warn!(%failure, "port forwards are not opened again"),
    };
    for forward in kept {
        let forward = Forward { open: 0, failure: None, ..forward };
        if let Err(failure) = listen(core, forward.clone()).await {
            let mut forwards = lock(&core.forwards.0);
            let stop = CancellationToken::new().drop_guard();
            forwards.insert(forward.number, Entry { forward: Forward { failure: Some(failure), ..forward }, _stop: stop });
        }
    }
    tell(core);
}

/// Those that a next engine opens again.
async fn keep(core: &Core) {
    if let Err(failure) = core.store.cache_put(KEPT, json!(all(core))).await {
        tracing::warn!(%failure, "the port forwards are not kept for the next engine");
    }
}

fn tell(core: &Core) {
    core.hub.publish(&Topic::Forwards, Live::Forwards { rows: all(core) });
}

/// Listens and gives it a number, where it has none.
async fn listen(core: &Arc<Core>, mut forward: Forward) -> Result<Forward, Failure> {
    let listener = Listener::bind(forward.route.local).await?;
    forward.route.local = listener.port();
    let stop = CancellationToken::new();
    {
        let mut forwards = lock(&core.forwards.0);
        if forward.number == 0 {
            forward.number = forwards.keys().next_back().copied().unwrap_or(0) + 1;
        }
        forwards.insert(forward.number, Entry { forward: forward.clone(), _stop: stop.clone().drop_guard() });
    }
    tell(core);
    tokio::spawn(serve(Arc::clone(core), forward.clone(), listener, stop));
    Ok(forward)
}

/// Takes what connects, until the forward is closed.
async fn serve(core: Arc<Core>, forward: Forward, listener: Listener, stop: CancellationToken) {
    let (number, forward, forwarder) = (forward.number, Arc::new(forward), Arc::new(Forwarder::default()));
    let room = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    let accept = async {
        loop {
            // Without room the rest waits in the kernel's queue, as with any server.
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let caller = listener.next().await;
            let (core, forward, forwarder, stop) =
                (Arc::clone(&core), Arc::clone(&forward), Arc::clone(&forwarder), stop.clone());
            tokio::spawn(async move {
                changed(&core, number, |f| (f.open, f.total) = (f.open + 1, f.total + 1));
                let carried = stop.run_until_cancelled(carry(&core, &forward, &forwarder, caller)).await;
                changed(&core, number, |f| {
                    f.open = f.open.saturating_sub(1);
                    match carried {
                        Some(Ok((sent, received))) => {
                            (f.sent, f.received, f.failure) = (f.sent + sent, f.received + received, None);
                        }
                        Some(Err(failure)) => f.failure = Some(failure),
                        None => {}
                    }
                });
                drop(place);
            });
        }
    };
    stop.run_until_cancelled(accept).await;
}

/// One connection. Where the node is, is looked up each time: it may have been made anew.
async fn carry(core: &Core, forward: &Forward, forwarder: &Forwarder, caller: Caller) -> Result<(u64, u64), Failure> {
    let target = targets::of(core, &forward.through, core.agent()).await?;
    forwarder.carry(&target, &forward.route.host, forward.route.port, caller).await
}

fn changed(core: &Core, number: u64, change: impl FnOnce(&mut Forward)) {
    if let Some(entry) = lock(&core.forwards.0).get_mut(&number) {
        change(&mut entry.forward);
    }
    tell(core);
}
