//! What all sessions share: the engine, who is connected, and when it all ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::base::{Clock, SystemClock};
use crate::engine::door::{Attached, Door, Who};
use crate::protocol::{Bye, Hello, Role, VERSION, View, Welcome};

/// Why the process ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Somebody asked for it.
    Stop { by: String },
    /// The program is executed anew.
    Restart { by: String },
    /// Nobody was there and nothing ran for as long as the settings allow.
    Idle,
    /// The home is gone.
    Vanished,
}

impl Ending {
    /// What clients are told.
    pub fn bye(&self) -> Bye {
        let again = matches!(self, Self::Restart { .. });
        let (reason, next) = match self {
            Self::Stop { by } => (format!("the engine was stopped by {by}"), "quarterdeck engine start"),
            Self::Restart { by } => (format!("the engine is restarted by {by}"), ""),
            Self::Idle => ("the engine had nothing to do and ended".to_owned(), "quarterdeck engine start"),
            Self::Vanished => ("the folders of this home are gone".to_owned(), "quarterdeck engine start"),
        };
        Bye { reason, next: next.to_owned(), again }
    }
}

/// The account on the other end, and what it may do at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// As the kernel tells it.
    pub uid: u32,
    /// The role that its socket gives.
    pub role: Role,
}

/// What all sessions share.
pub struct Hall {
    pub(super) door: Arc<dyn Door>,
    sessions: Mutex<BTreeMap<u64, Attached>>,
    last: AtomicU64,
    ending: watch::Sender<Option<Ending>>,
}

impl Hall {
    /// A hall in front of an engine.
    pub fn new(door: Arc<dyn Door>) -> Arc<Self> {
        Arc::new(Self { door, sessions: Mutex::default(), last: AtomicU64::new(0), ending: watch::Sender::new(None) })
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Ends every session; the first reason counts.
    pub fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|now| now.is_none() && now.replace(ending).is_none());
    }

    /// Waits until it ends.
    pub async fn ended(&self) -> Ending {
        let mut ending = self.ending.subscribe();
        let known = ending.wait_for(Option::is_some).await.ok().and_then(|ending| ending.clone());
        match known {
            Some(ending) => ending,
            // The sender lives as long as this hall.
            None => std::future::pending().await,
        }
    }

    /// Lets a client in: from now on it counts as present, until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>, hello: &Hello, peer: Peer) -> Guest {
        let role = if hello.role == Role::Operator { peer.role } else { Role::Watcher };
        let who = Arc::new(Who {
            session: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            operator: operator(&hello.context.operator, peer.uid),
            uid: peer.uid,
            kind: hello.kind,
            role,
            context: hello.context.clone(),
        });
        let attached = Attached { who: Arc::clone(&who), since: SystemClock.now(), view: None, read_only: false };
        self.change(|sessions| {
            sessions.insert(who.session, attached);
        });
        Guest { hall: Arc::clone(self), who }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, Attached>)) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut sessions);
        // Told under the lock, so that the engine hears of changes in their order.
        self.door.presence(sessions.values().cloned().collect());
    }

    /// What a client tells of itself while it is connected.
    pub(super) fn tells(&self, session: u64, view: Option<Box<View>>, read_only: Option<bool>) {
        self.change(|sessions| {
            let Some(attached) = sessions.get_mut(&session) else { return };
            if let Some(view) = view {
                attached.view = Some(view.cleaned());
            }
            attached.read_only = read_only.unwrap_or(attached.read_only);
        });
    }

    /// The first line to a client that is let in.
    pub(super) fn welcome(&self, who: &Who) -> Welcome {
        Welcome {
            protocol: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.door.instance(),
            home: self.door.home(),
            pid: std::process::id(),
            role: who.role,
            session: who.session,
            seq: self.door.seq(),
        }
    }
}

/// A client that is present while this lives.
pub(super) struct Guest {
    hall: Arc<Hall>,
    pub(super) who: Arc<Who>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.hall.change(|sessions| {
            sessions.remove(&self.who.session);
        });
    }
}

/// The name that others see: what the client says, made safe to show, else the account's.
fn operator(said: &str, uid: u32) -> String {
    let name: String = crate::model::text::clean(said.trim()).chars().take(40).collect();
    if !name.is_empty() {
        return name;
    }
    match nix::unistd::User::from_uid(uid.into()) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_has_a_name_that_can_be_shown() {
        assert_eq!(operator(" ada\u{1b}[31m ", 0), "ada");
        assert_eq!(operator("", 4_294_000_000), "uid 4294000000");
        assert_eq!(operator(&"x".repeat(900), 0).len(), 40);
    }

    #[test]
    fn only_a_restart_asks_clients_back() {
        assert!(Ending::Restart { by: "ada".into() }.bye().again);
        assert!(!Ending::Stop { by: "ada".into() }.bye().again);
        assert!(!Ending::Idle.bye().again);
    }
}
