//! The settings' list of clouds, lent to the engine.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::foreign::docker::Context;
use crate::config::foreign::{Place, docker, openstack};
use crate::config::{DockerSettings, Paths, Settings, SettingsFile};
use crate::engine::door::{CloudBook, CloudEntry, DockerEntry};
use crate::model::{CloudName, Defaults, DockerInfo, DockerName, Driver, Failure, Rules};

/// The clouds of `settings.toml`.
pub struct Book {
    paths: Paths,
    /// One change at a time: each reads the file, changes it, writes it.
    file: Mutex<SettingsFile>,
}

impl Book {
    /// The clouds of a home.
    pub fn of(paths: &Paths) -> Self {
        Self { paths: paths.clone(), file: Mutex::new(SettingsFile::of(paths)) }
    }

    fn file(&self) -> MutexGuard<'_, SettingsFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CloudBook for Book {
    fn clouds(&self) -> Result<Vec<CloudEntry>, Failure> {
        let settings = Settings::load(&self.paths)?;
        let default = settings.default_cloud.value;
        let entry = |(name, cloud): (CloudName, crate::config::CloudSettings)| {
            let values = cloud.values.into_iter().map(|(key, value)| (key, value.value)).collect();
            let is_default = default.as_ref() == Some(&name);
            CloudEntry {
                defaults: Defaults { flavor: cloud.flavor.map(|name| name.value), image: cloud.image.map(|name| name.value) },
                default: is_default,
                read_only: cloud.read_only.filter(|set| set.value).map(|set| set.origin.to_string()),
                prod: cloud.prod,
                ..self.entry(name, cloud.driver.value, values, &cloud.origin.to_string())
            }
        };
        Ok(settings.clouds.into_iter().map(entry).collect())
    }

    fn dockers(&self) -> Result<Vec<DockerEntry>, Failure> {
        let (contexts, _) = docker::contexts(&Place::here());
        Ok(dockers(Settings::load(&self.paths)?.dockers, contexts))
    }

    fn rules(&self) -> Result<Rules, Failure> {
        Ok(Settings::load(&self.paths)?.rules)
    }

    fn version(&self) -> u64 {
        // A change that leaves all of these as they were is none that a person makes.
        let mut hasher = std::hash::DefaultHasher::new();
        if let Ok(meta) = std::fs::metadata(self.paths.settings()) {
            (meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino()).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn entry(&self, name: CloudName, driver: Driver, settings: BTreeMap<String, String>, source: &str) -> CloudEntry {
        let account = match driver {
            Driver::Openstack => Some(openstack::account(&Place::here(), name.as_str(), &settings, source).map(Arc::new)),
            _ => None,
        };
        // What an account is made of may hold secrets: it is in there, and nowhere else.
        let settings = if account.is_some() { BTreeMap::new() } else { settings };
        let (defaults, source) = (Defaults::default(), source.to_owned());
        CloudEntry { name, driver, settings, account, defaults, source, default: false, read_only: None, prod: false }
    }

    fn add(&self, name: &str, driver: Driver, settings: &BTreeMap<String, String>) -> Result<(), Failure> {
        self.file().add_cloud(name, driver, settings)
    }

    fn remove(&self, name: &CloudName) -> Result<(), Failure> {
        self.file().remove_cloud(name)
    }

    fn set_default(&self, name: &CloudName) -> Result<(), Failure> {
        self.file().use_cloud(name)
    }

    fn set(&self, name: &CloudName, settings: &BTreeMap<String, String>) -> Result<(), Failure> {
        self.file().set_cloud(name, settings)
    }
}

/// The Docker engines of the settings, then those of Docker's contexts whose names are free. The default is what the
/// settings say, else what Docker's command line uses, else the first.
fn dockers(own: BTreeMap<String, DockerSettings>, contexts: Vec<Context>) -> Vec<DockerEntry> {
    let entry = |name: String, address, source: &dyn std::fmt::Display, default, problem| DockerEntry {
        info: DockerInfo { name: DockerName::new(name), address, source: source.to_string(), default },
        problem,
    };
    let mut all: Vec<DockerEntry> =
        own.into_iter().map(|(name, docker)| entry(name, docker.address, &docker.origin, docker.default, None)).collect();
    let chosen = all.iter().position(|docker| docker.info.default);
    for context in contexts {
        if !all.iter().any(|docker| docker.info.name.as_str() == context.name) {
            let default = context.current && chosen.is_none();
            all.push(entry(context.name, context.address, &context.origin, default, context.problem));
        }
    }
    let default = all.iter().position(|docker| docker.info.default).unwrap_or(0);
    all.iter_mut().enumerate().for_each(|(i, docker)| docker.info.default = i == default);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;
    use crate::model::DockerAddress;

    #[test]
    fn docker_engines_have_one_name_and_one_default() {
        let address = |host: &str| DockerAddress { host: host.to_owned(), tls: None };
        let own = |default| DockerSettings { address: address("tcp://own"), default, origin: Origin::Default };
        let context = |name: &str, current| Context {
            name: name.to_owned(),
            address: address("unix:///x"),
            origin: Origin::Default,
            current,
            problem: None,
        };
        let names = |all: Vec<DockerEntry>| {
            let mark = |d: DockerEntry| format!("{}{}", d.info.name, if d.info.default { "*" } else { "" });
            all.into_iter().map(mark).collect::<Vec<_>>().join(" ")
        };
        let contexts = || vec![context("default", false), context("far", true), context("b", false)];
        assert_eq!(names(dockers(BTreeMap::new(), contexts())), "default far* b");
        assert_eq!(names(dockers(BTreeMap::from([("b".into(), own(true))]), contexts())), "b* default far");
        assert_eq!(names(dockers(BTreeMap::from([("b".into(), own(false))]), Vec::new())), "b*");
    }

    #[test]
    fn the_engine_reads_what_it_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path());
        paths.create().unwrap();
        let book = Book::of(&paths);
        assert!(book.clouds().unwrap().is_empty(), "nothing is invented");
        let knobs = BTreeMap::from([("boot_ms".to_owned(), "10".to_owned())]);
        book.add("lab", Driver::Sandbox, &knobs).unwrap();
        book.add("two", Driver::Docker, &BTreeMap::new()).unwrap();
        book.set_default(&CloudName::new("two")).unwrap();
        let clouds = book.clouds().unwrap();
        assert_eq!((clouds[0].name.as_str(), &clouds[0].settings, clouds[0].default), ("lab", &knobs, false));
        assert_eq!((clouds[1].driver, clouds[1].default), (Driver::Docker, true));
        assert!(clouds[0].source.contains("settings.toml:"), "{}", clouds[0].source);
        book.remove(&CloudName::new("lab")).unwrap();
        assert_eq!(book.clouds().unwrap().len(), 1);
    }
}
