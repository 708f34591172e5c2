//! Looks at single servers, many at a time: fifty that wait for fifty servers ask once.
//!
//! The first who asks starts a look; who comes while it goes on is served by the next. One server is asked for by
//! its id. Several are asked for by their tokens in one list; a server that is missing there is asked for by its id,
//! so that "not found" is always Nova's own word.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::OpenStack;
use super::catalog::Service;
use super::session::Call;
use super::wire;
use crate::base::Cx;
use crate::model::{Failure, Server};

/// How long the first waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// Tokens in one list: their address must not become too long for servers and proxies.
const AT_ONCE: usize = 60;
/// Longest look, whoever waits for it.
const LIMIT: Duration = Duration::from_secs(60);

type Answer = oneshot::Sender<Result<Server, Failure>>;

#[derive(Default)]
struct Waiting {
    asked: Vec<(String, Answer)>,
    /// Somebody serves them.
    served: bool,
}

/// See the module.
#[derive(Default)]
pub struct Looks {
    waiting: Mutex<Waiting>,
    /// Tokens of servers by id, as far as they were seen.
    tokens: Mutex<HashMap<String, String>>,
}

impl Looks {
    /// Remembers with which token a server is found.
    pub fn note(&self, server: &Server) {
        if let Some(tags) = server.tags.as_ref().filter(|tags| !tags.token.0.is_empty()) {
            lock(&self.tokens).insert(server.id.clone(), tags.token.0.clone());
        }
    }

    /// A server that is gone, with its token.
    pub fn forget(&self, id: &str) -> Option<String> {
        lock(&self.tokens).remove(id)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server of this id, now.
///
/// # Errors
/// `NotFound`; the cloud's own.
pub async fn look(cloud: &Arc<OpenStack>, cx: &Cx, id: &str) -> Result<Server, Failure> {
    let tried = format!("look at server {id}");
    let (answer, told) = oneshot::channel();
    let first = {
        let mut waiting = lock(&cloud.looks.waiting);
        waiting.asked.push((id.to_owned(), answer));
        !std::mem::replace(&mut waiting.served, true)
    };
    if first {
        // Whoever asked first may be cancelled; the others are served all the same.
        tokio::spawn(serve(Arc::clone(cloud)));
    }
    cx.run(&tried, async { told.await.unwrap_or_else(|_| Err(Failure::transient(&tried, "the look was broken off"))) }).await
}

async fn serve(cloud: Arc<OpenStack>) {
    loop {
        tokio::time::sleep(GATHER).await;
        let asked = {
            let mut waiting = lock(&cloud.looks.waiting);
            if waiting.asked.is_empty() {
                waiting.served = false;
                return;
            }
            std::mem::take(&mut waiting.asked)
        };
        let mut by_id: HashMap<String, Vec<Answer>> = HashMap::new();
        for (id, answer) in asked.into_iter().filter(|(_, answer)| !answer.is_closed()) {
            by_id.entry(id).or_default().push(answer);
        }
        for (id, result) in results(&cloud, by_id.keys().cloned().collect()).await {
            for answer in by_id.remove(&id).unwrap_or_default() {
                // Who no longer waits wants no answer.
                let _ = answer.send(result.clone());
            }
        }
    }
}

async fn results(cloud: &Arc<OpenStack>, ids: Vec<String>) -> Vec<(String, Result<Server, Failure>)> {
    let cx = Cx::quiet().within(LIMIT);
    let (mut done, mut left) = (Vec::new(), ids);
    let tagged = cloud.session.place(&cx, Service::Compute).await.is_ok_and(|place| place.speaks(26));
    if left.len() > 1 && tagged {
        let tokens: Vec<String> = {
            let known = lock(&cloud.looks.tokens);
            left.iter().filter_map(|id| known.get(id).cloned()).collect()
        };
        for some in tokens.chunks(AT_ONCE) {
            let found = list(cloud, &cx, some).await;
            match found {
                Ok(servers) => {
                    for server in servers {
                        if let Some(at) = left.iter().position(|id| *id == server.id) {
                            done.push((left.swap_remove(at), Ok(server)));
                        }
                    }
                }
                // What is wrong with one is wrong with all: nobody asks again one by one.
                Err(failure) => return done.into_iter().chain(left.into_iter().map(|id| (id, Err(failure.clone())))).collect(),
            }
        }
    }
    let singly = left.into_iter().map(|id| {
        let cx = &cx;
        async move {
            let result = one(cloud, cx, &id).await;
            (id, result)
        }
    });
    done.extend(futures::future::join_all(singly).await);
    done
}

async fn list(cloud: &OpenStack, cx: &Cx, tokens: &[String]) -> Result<Vec<Server>, Failure> {
    let any = tokens.join(",");
    let call = Call::get(Service::Compute, "/servers/detail", "look at servers").query(&[("tags-any", &any)]);
    let rows = cloud.session.all::<wire::Servers>(cx, &call).await?;
    Ok(cloud.converted(cx, rows).await)
}

async fn one(cloud: &OpenStack, cx: &Cx, id: &str) -> Result<Server, Failure> {
    let call = Call::get(Service::Compute, format!("/servers/{id}"), format!("look at server {id}"));
    let row = cloud.session.ask::<wire::OneServer>(cx, &call).await?.server;
    Ok(cloud.converted(cx, vec![row]).await.remove(0))
}
