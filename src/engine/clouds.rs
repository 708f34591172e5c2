//! The clouds of the home: made from the settings, made anew when the settings change.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use super::door::{CloudBook, CloudEntry};
use super::settings::EngineSettings;
use crate::clouds::Cloud;
use crate::clouds::openstack::{Config, OpenStackCloud};
use crate::clouds::sandbox::{Knobs, Sandbox, Settings as SandboxSettings};
use crate::model::{CloudInfo, CloudName, Defaults, Driver, Failure, HomeId, Rules};

/// The drivers that this version has.
pub const DRIVERS: &[Driver] = &[Driver::Sandbox, Driver::Openstack];

/// Calls to a cloud whose time is kept.
const CALLS: usize = 24;

/// One configured cloud: what the settings say, and its driver when it could be made.
#[derive(Clone)]
pub struct Account {
    pub entry: CloudEntry,
    pub driver: Result<Arc<dyn Cloud>, Failure>,
}

impl Account {
    /// What people see of it.
    pub fn info(&self) -> CloudInfo {
        CloudInfo {
            name: self.entry.name.clone(),
            driver: self.entry.driver,
            endpoint: self.driver.as_ref().map(|d| d.endpoint()).unwrap_or_default(),
            source: self.entry.source.clone(),
            default: self.entry.default,
            read_only: self.entry.read_only.clone(),
            prod: self.entry.prod,
            capabilities: self.driver.as_ref().map(|d| d.capabilities()).unwrap_or_default(),
            defaults: self.entry.defaults.clone(),
        }
    }
}

/// See the module.
pub struct Clouds {
    pub book: Arc<dyn CloudBook>,
    accounts: RwLock<BTreeMap<CloudName, Account>>,
    rules: RwLock<Arc<Rules>>,
    /// How long the last calls of each took, milliseconds.
    took: Mutex<BTreeMap<CloudName, VecDeque<u32>>>,
    /// [`CloudBook::version`] of what was read last.
    version: AtomicU64,
}

impl Clouds {
    /// Makes the drivers of all configured clouds. One that cannot be made says why when it is asked for.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub fn open(book: Arc<dyn CloudBook>, settings: &EngineSettings, home: HomeId) -> Result<Self, Failure> {
        let (accounts, rules, took) = (RwLock::default(), RwLock::default(), Mutex::default());
        let clouds = Self { book, accounts, rules, took, version: AtomicU64::new(0) };
        clouds.reload(settings, home)?;
        Ok(clouds)
    }

    /// Reads the settings again.
    ///
    /// # Errors
    /// They cannot be read; the clouds stay as they were.
    pub fn reload(&self, settings: &EngineSettings, home: HomeId) -> Result<(), Failure> {
        // Taken before the file is read: what changes meanwhile is read again.
        let version = self.book.version();
        let (entries, rules) = (self.book.clouds()?, self.book.rules()?);
        let old = self.accounts.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut new = BTreeMap::new();
        for entry in entries {
            // A driver whose settings are as before is kept, with its connections.
            let driver = match old.get(&entry.name) {
                Some(account) if account.driver.is_ok() && same(&account.entry, &entry) => account.driver.clone(),
                _ => open(&entry, settings, home),
            };
            new.insert(entry.name.clone(), Account { entry, driver });
        }
        *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = new;
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        self.version.store(version, Ordering::Release);
        Ok(())
    }

    /// The settings have changed since they were read.
    pub fn stale(&self) -> bool {
        self.book.version() != self.version.load(Ordering::Acquire)
    }

    /// Waits for a call to a cloud, and notes how long it took where it was answered.
    ///
    /// # Errors
    /// The call's own.
    pub async fn timed<T>(&self, cloud: &CloudName, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let began = Instant::now();
        let answer = call.await?;
        let took = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        let mut all = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = all.entry(cloud.clone()).or_default();
        calls.push_back(took);
        if calls.len() > CALLS {
            calls.pop_front();
        }
        Ok(answer)
    }

    /// How long the last calls to a cloud took, milliseconds, the newest last.
    pub fn latency(&self, cloud: &CloudName) -> Vec<u32> {
        let all = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(cloud).map(|calls| calls.iter().copied().collect()).unwrap_or_default()
    }

    /// The rules of the home.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the settings say of a cloud.
    pub fn entry(&self, name: &CloudName) -> Option<CloudEntry> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(name).map(|account| account.entry.clone())
    }

    /// All of them, in order of name.
    pub fn all(&self) -> Vec<Account> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The driver of one cloud.
    ///
    /// # Errors
    /// There is no such cloud (the message names those there are), or its driver cannot be made.
    pub fn get(&self, name: &CloudName) -> Result<Arc<dyn Cloud>, Failure> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        match accounts.get(name) {
            Some(account) => account.driver.clone(),
            None => {
                let names: Vec<_> = accounts.keys().map(CloudName::as_str).collect();
                let next = if names.is_empty() {
                    "add one: `quarterdeck cloud add sandbox --driver sandbox`, or start with `quarterdeck try`".to_owned()
                } else {
                    format!("the clouds are: {}", names.join(", "))
                };
                Err(Failure::not_found(format!("use cloud {name}"), "there is no cloud of that name").next(next))
            }
        }
    }

    /// What is used on a cloud where nobody names a flavor or an image.
    pub fn defaults(&self, name: &CloudName) -> Defaults {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.get(name).map(|account| account.entry.defaults.clone()).unwrap_or_default()
    }

    /// Where commands go that name no cloud.
    ///
    /// # Errors
    /// There is no cloud at all.
    pub fn default_name(&self) -> Result<CloudName, Failure> {
        let all = self.all();
        all.iter().find(|a| a.entry.default).or_else(|| all.first()).map(|a| a.entry.name.clone()).ok_or_else(|| {
            Failure::not_found("choose a cloud", "no cloud is configured")
                .next("add one: `quarterdeck cloud add sandbox --driver sandbox`, or start with `quarterdeck try`")
        })
    }
}

/// Whether two entries are the same cloud: then one driver serves both.
pub fn same(a: &CloudEntry, b: &CloudEntry) -> bool {
    a.driver == b.driver && a.settings == b.settings && a.account == b.account
}

/// Makes the driver of a cloud.
///
/// # Errors
/// This version has no such driver, or it does not like its settings.
pub fn open(entry: &CloudEntry, settings: &EngineSettings, home: HomeId) -> Result<Arc<dyn Cloud>, Failure> {
    match entry.driver {
        Driver::Sandbox => {
            let knobs = Knobs::from_map(&entry.settings).map_err(|f| f.at(&entry.source))?;
            let sandbox = Sandbox::open(SandboxSettings {
                name: entry.name.clone(),
                home,
                dir: settings.dirs.sandbox.join(entry.name.as_str()),
                program: settings.program.clone(),
                knobs,
            })?;
            Ok(Arc::new(sandbox))
        }
        Driver::Openstack => {
            let account = entry.account.clone().unwrap_or_else(|| {
                Err(Failure::broken(format!("open cloud {}", entry.name), "its account was not read").at(&entry.source))
            })?;
            Ok(Arc::new(OpenStackCloud::open(Config {
                name: entry.name.clone(),
                account: (*account).clone(),
                token_file: settings.dirs.tokens.join(format!("{}.json", entry.name)),
                watch: None,
            })?))
        }
        Driver::Docker | Driver::Synnefo | Driver::Libcloud => Err(Failure::refused(
            format!("open cloud {}", entry.name),
            format!("this version has no driver for {}", entry.driver),
        )
        .at(&entry.source)
        .next("take the cloud out of the settings, or use a version that has the driver")),
    }
}
