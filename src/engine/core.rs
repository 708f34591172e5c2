//! What every part of the engine shares.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::clouds::Clouds;
use super::docker::Dockers;
use super::door::{Attached, Who};
use super::feeds::Hub;
use super::journal::Journal;
use super::runs::Order;
use super::settings::EngineSettings;
use super::slots::Slots;
use super::watch::Pokes;
use crate::base::{Clock, SystemClock};
use crate::model::{Cluster, Failure, Node, RunNo, Time, Token};
use crate::protocol::EventBody;
use crate::ssh::pool::Pool;
use crate::store::Store;

/// The secrets of one run, by name.
pub type RunSecrets = BTreeMap<String, SecretString>;

/// What every part of the engine shares.
pub struct Core {
    pub settings: EngineSettings,
    pub store: Store,
    pub journal: Journal,
    pub clouds: Clouds,
    pub dockers: Dockers,
    pub slots: Arc<Slots>,
    pub hub: Arc<Hub>,
    pub ssh: Pool,
    /// Changes with every start.
    pub instance: String,
    pub started: std::time::Instant,
    /// Secrets of runs under way, by name; never written down.
    pub secrets: Mutex<HashMap<RunNo, RunSecrets>>,
    /// The runs under way, and how to give them orders.
    pub running: Mutex<HashMap<RunNo, mpsc::UnboundedSender<Order>>>,
    /// Who is connected.
    pub clients: Mutex<Vec<Attached>>,
    /// Wakes those who read lists.
    pub pokes: Pokes,
    /// Counts up when the settings of clouds changed.
    pub clouds_changed: tokio::sync::watch::Sender<u64>,
    /// What is wrong with the settings as they are now.
    pub settings_trouble: Mutex<Option<String>>,
    /// Held while a run is begun.
    pub starting: tokio::sync::Mutex<()>,
    /// Requests under way, by idempotency key.
    pub gates: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>,
    /// Port forwards.
    pub forwards: super::forwards::Forwards,
    /// Reads outputs.
    pub pages: crate::store::output::Pages,
    /// What is known of outputs that were looked into.
    pub indexes: super::requests::Indexes,
    /// The engine comes to rest: no new run begins.
    pub resting: std::sync::atomic::AtomicBool,
}

/// Takes a lock whose holder may have panicked: the data behind our locks are valid at any moment.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Now.
    pub fn now(&self) -> Time {
        SystemClock.now()
    }

    /// A new token.
    pub fn token(&self) -> Token {
        Token::from_random(rand::random())
    }

    /// The gate of a request with this key: one at a time goes through.
    pub fn gate(&self, key: Uuid) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.gates).entry(key).or_default())
    }

    /// The request with this key was answered, and the answer is kept in the store.
    pub fn open_gate(&self, key: Uuid) {
        lock(&self.gates).remove(&key);
    }

    /// Reads the settings of clouds again and tells those who watch them.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn reload_clouds(&self) -> Result<(), Failure> {
        self.clouds.reload(&self.settings, self.store.home_id())?;
        self.clouds_changed.send_modify(|n| *n += 1);
        Ok(())
    }

    /// Reads the settings again when somebody changed them by hand. Settings that are wrong leave things as they were;
    /// people are told.
    pub async fn settle_settings(self: &Arc<Self>) {
        let core = Arc::clone(self);
        let settled = tokio::task::spawn_blocking(move || if core.clouds.stale() { core.reload_clouds() } else { Ok(()) });
        let trouble = settled.await.unwrap_or_else(|e| Err(Failure::broken("read the settings", e))).err();
        if let Some(failure) = &trouble {
            tracing::warn!(%failure, "the settings of before stay in force");
        }
        *lock(&self.settings_trouble) = trouble.map(|failure| format!("{}; those of before stay in force", failure.line()));
    }

    /// Writes into the audit what somebody did that is no run.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn note(&self, who: &Who, what: String) -> Result<(), Failure> {
        let entry = super::requests::audit(self, who, &what, None, Ok(()));
        self.journal.commit(vec![EventBody::Audit(Box::new(entry))]).await
    }

    /// Where Ansible is looked for.
    pub fn ansible_settings(&self) -> crate::ansible::Settings {
        crate::ansible::Settings {
            data_dir: self.settings.dirs.ansible.clone(),
            python: self.settings.ansible_python.clone(),
            use_path: self.settings.ansible_use_path,
        }
    }

    /// How a cluster's node is reached over SSH.
    ///
    /// # Errors
    /// The node has no address so far, or its way through other nodes leads nowhere.
    pub fn target(&self, cluster: &Cluster, nodes: &[Node], node: &str) -> Result<crate::ssh::Target, Failure> {
        let dirs = &self.settings.dirs;
        crate::ssh::targets::target_for(
            cluster,
            nodes,
            node,
            &dirs.key(cluster.id),
            &dirs.known_hosts(cluster.id),
            self.agent().as_deref(),
        )
    }

    /// The agent of an operator who is attached now, the one who came last.
    pub fn agent(&self) -> Option<std::path::PathBuf> {
        let clients = lock(&self.clients);
        clients.iter().rev().find_map(|c| c.who.context.agent.as_ref()).map(Into::into)
    }

    /// Writes the cluster's known-hosts file anew from what is recorded of its nodes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_known_hosts(&self, cluster: &Cluster, nodes: &[Node]) -> Result<(), Failure> {
        let path = self.settings.dirs.known_hosts(cluster.id);
        let mut text = String::new();
        for node in nodes {
            if let (Some(address), Some(key)) = (&node.address, &node.host_key) {
                text.push_str(&crate::ssh::known::line(address, node.ssh_port, key));
                text.push('\n');
            }
        }
        crate::base::files::write_private(&path, text.as_bytes())
    }
}
