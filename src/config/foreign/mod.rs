//! Clouds that other programs are configured for: `clouds.yaml`, `OS_*` variables, `.kamakirc`, Docker contexts.
//! The files are read where they are and never written. Of a secret only its presence is kept.

pub mod docker;
mod kamaki;
pub mod openstack;
mod yaml;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::origin::Origin;
use crate::model::ids::{MAX_NAME, is_name};
use crate::model::text::shell_word;
use crate::model::{Driver, Failure, Finding, Part};

/// Where to look: the environment of a process, in a form that tests can make.
#[derive(Clone, Debug)]
pub struct Place {
    pub env: BTreeMap<String, String>,
    /// The person's home directory.
    pub home: PathBuf,
    /// Working directory.
    pub cwd: PathBuf,
    /// `/`, or what stands for it.
    pub root: PathBuf,
}

impl Place {
    /// This process's.
    pub fn here() -> Self {
        let text = |os: std::ffi::OsString| os.into_string().ok();
        Self {
            env: std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect(),
            home: directories::BaseDirs::new().map_or_else(|| PathBuf::from("/"), |dirs| dirs.home_dir().to_owned()),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            root: PathBuf::from("/"),
        }
    }

    /// A variable, unless it is empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `XDG_CONFIG_HOME`, or its default.
    pub fn config_home(&self) -> PathBuf {
        self.var("XDG_CONFIG_HOME").map_or_else(|| self.home.join(".config"), PathBuf::from)
    }

    /// A path as people write it, `~` for the home directory.
    pub fn short(&self, path: &Path) -> String {
        match path.strip_prefix(&self.home) {
            Ok(rest) if self.home != Path::new("/") => format!("~/{}", rest.display()),
            _ => path.display().to_string(),
        }
    }
}

/// A cloud that another program is configured for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundCloud {
    /// Its name there.
    pub name: String,
    pub driver: Driver,
    /// A URL or a socket; empty when it is not said.
    pub endpoint: String,
    /// Who we are there, as far as the file says: `ana in project demo`.
    pub user: String,
    pub origin: Origin,
    /// What is wrong with it as it is written.
    pub problem: Option<Failure>,
    /// The settings with which a home takes it in.
    pub settings: Settings,
}

/// Settings of a cloud by name. Those of a shell's variables hold secrets, which do not print.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(pub BTreeMap<String, String>);

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FoundCloud {
    /// The name it would have in a home: its own where that is one, else the nearest to it.
    pub fn home_name(&self) -> String {
        let lower = self.name.to_lowercase();
        let fit: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
        let fit: String = fit.trim_start_matches(['-', '_']).chars().take(MAX_NAME).collect();
        if is_name(&fit) { fit } else { self.driver.to_string() }
    }
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    pub clouds: Vec<FoundCloud>,
    /// Files that cannot be read, secrets that others can read.
    pub findings: Vec<Finding>,
}

impl Found {
    fn unreadable(&mut self, place: &Place, path: &Path, failure: &Failure) {
        let name = place.short(path);
        self.findings.push(Finding::note(Part::Clouds, name, failure.got.clone()).next(failure.next.clone()));
    }

    /// Warns when other accounts can read a file in which there is a secret.
    fn secret(&mut self, place: &Place, path: &Path) {
        if let Some(finding) = too_wide(Part::Clouds, &place.short(path), path) {
            self.findings.push(finding);
        }
    }
}

/// All clouds that other programs are configured for, as far as `place` shows them.
pub fn find(place: &Place) -> Found {
    let mut found = Found::default();
    openstack::find(place, &mut found);
    kamaki::find(place, &mut found);
    docker::find(place, &mut found);
    found
}

/// A warning with the command that helps, when other accounts can read a secret file.
pub fn too_wide(part: Part, name: &str, path: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        Finding::note(part, name, format!("there is a secret in it, and other accounts can read it (mode {mode:04o})"))
            .next(format!("chmod 600 {}", shell_word(&path.display().to_string())))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::model::Verdict;

    /// An account with these files (path under its home or, with a leading `/`, under its root) and variables.
    pub fn account(files: &[(&str, &str)], vars: &[(&str, &str)]) -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        let (home, root) = (dir.path().join("home"), dir.path().join("root"));
        fs::create_dir_all(home.join("work")).unwrap();
        for (path, text) in files {
            let path = path.strip_prefix('/').map_or_else(|| home.join(path), |path| root.join(path));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let env = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let place = Place { env, cwd: home.join("work"), home, root };
        (dir, place)
    }

    #[test]
    fn names_become_names_of_a_home() {
        let named = |name: &str| {
            let cloud = FoundCloud {
                name: name.into(),
                driver: Driver::Openstack,
                endpoint: String::new(),
                user: String::new(),
                origin: Origin::Default,
                problem: None,
                settings: Settings::default(),
            };
            cloud.home_name()
        };
        assert_eq!(named("lab-demo"), "lab-demo");
        assert_eq!(named("My Cloud.EU"), "my-cloud-eu");
        assert_eq!(named("_x"), "x");
        assert_eq!(named("云"), "openstack");
        assert_eq!(named(&"x".repeat(90)).len(), MAX_NAME);
    }

    #[test]
    fn a_secret_that_others_can_read_is_told_with_the_command() {
        let (_dir, place) = account(&[("a b/secret", "x")], &[]);
        let path = place.home.join("a b/secret");
        assert_eq!(too_wide(Part::Tools, "x", &path), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let finding = too_wide(Part::Tools, "x", &path).unwrap();
        assert_eq!(finding.verdict, Verdict::Note);
        assert!(finding.found.contains("0644") && finding.next.starts_with("chmod 600 '/"), "{finding:?}");
    }

    #[test]
    fn nothing_is_found_in_an_empty_account() {
        let (_dir, place) = account(&[], &[]);
        assert_eq!(find(&place), Found::default());
    }
}
