//! Real `ansible-playbook`: finding or installing it, the inventory, the job, its events and questions.

use std::path::PathBuf;

use crate::base::Cx;
use crate::base::process::{self, Program};
use crate::base::venv::{self, Recipe, Stamp, Venv};
use crate::model::{Class, Failure};

pub mod events;
pub mod inventory;
pub mod playbook;
pub mod question;

/// Pinned packages of the managed virtualenv.
const REQUIREMENTS: &str = include_str!("../../assets/ansible/requirements.txt");
const PROGRAM: &str = "ansible-playbook";
const FIND: &str = "find Ansible";
/// Lowest version of ansible-core that the callback plugin speaks with.
const LOWEST: (u32, u32) = (2, 15);
/// Folder in the data directory for what is known of the one on the PATH.
const ON_PATH: &str = "on-path";

/// Where Ansible may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Holds the managed virtualenv.
    pub data_dir: PathBuf,
    /// Python for the managed virtualenv; found when left out.
    pub python: Option<PathBuf>,
    /// Use the one on the PATH where it works, even where a managed one is there.
    pub use_path: bool,
}

impl Settings {
    fn recipe(&self) -> Recipe {
        Recipe {
            root: self.data_dir.clone(),
            requirements: REQUIREMENTS,
            program: PROGRAM,
            python: self.python.clone(),
            lowest_python: (3, 11),
        }
    }
}

/// An Ansible that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ansible {
    /// `ansible-playbook`.
    pub playbook: PathBuf,
    /// Version of ansible-core.
    pub version: String,
    /// The Python it runs with.
    pub python: PathBuf,
    /// Ours, not the one on the PATH.
    pub managed: bool,
}

/// Finds Ansible: the one on the PATH where the settings want it and it works, else the managed one. Costs a few
/// file times while nothing changed since the last call, else about a second.
///
/// # Errors
/// `NotFound` when there is none that runs; `Cancelled`.
pub async fn find(settings: &Settings, cx: &Cx) -> Result<Ansible, Failure> {
    let tried = FIND;
    let mut got = "there is no managed Ansible that works".to_owned();
    if settings.use_path {
        match on_path(settings, cx).await {
            Ok(Some(ansible)) => return Ok(ansible),
            Ok(None) => got.push_str(", and no ansible-playbook on the PATH"),
            Err(failure) if failure.class == Class::Cancelled => return Err(failure),
            Err(failure) => got = format!("{got}, and the one on the PATH does not do ({}: {})", failure.at, failure.got),
        }
    }
    if let Some(ansible) = venv::check(&settings.recipe(), cx).await.and_then(managed) {
        return Ok(ansible);
    }
    if cx.cancel.is_cancelled() {
        return Err(Failure::cancelled(tried));
    }
    Err(Failure::not_found(tried, got).at(settings.data_dir.display()).next("quarterdeck ansible install"))
}

/// Every Ansible that could be used, whatever the settings want, and the Python that would make the managed one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidates {
    pub managed: Option<Ansible>,
    /// `None`: there is no `ansible-playbook`; the failure says why the one there does not do.
    pub on_path: Result<Option<Ansible>, Failure>,
    /// With its version, major and minor.
    pub python: Result<(PathBuf, (u32, u32)), Failure>,
}

/// Looks at everything that could serve.
pub async fn candidates(settings: &Settings, cx: &Cx) -> Candidates {
    let recipe = settings.recipe();
    let (managed_one, on_path, python) = tokio::join!(venv::check(&recipe, cx), on_path(settings, cx), venv::python(&recipe, cx));
    Candidates { managed: managed_one.and_then(managed), on_path, python }
}

/// Whether a failure says that there is no Ansible: [`install`] mends it.
pub fn is_missing(failure: &Failure) -> bool {
    failure.class == Class::NotFound && failure.tried == FIND
}

/// Makes the managed virtualenv, or repairs it. Does nothing when it works and holds the pinned versions.
///
/// # Errors
/// There is no Python for it (`next` says what to install), or pip failed.
pub async fn install(settings: &Settings, cx: &Cx) -> Result<Ansible, Failure> {
    let venv = venv::ensure(&settings.recipe(), cx).await?;
    let said = venv.version.clone();
    managed(venv).ok_or_else(|| Failure::broken("install Ansible", format!("its version is unclear: {said}")))
}

fn managed(venv: Venv) -> Option<Ansible> {
    let told = Told::read(&venv.version)?;
    Some(Ansible { playbook: venv.bin(PROGRAM), version: told.version, python: venv.bin("python"), managed: true })
}

/// What `ansible-playbook --version` tells.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Told {
    version: String,
    program: Option<PathBuf>,
    python: Option<PathBuf>,
}

impl Told {
    fn read(said: &str) -> Option<Self> {
        // `ansible-playbook [core 2.19.14]`
        let version = said.split_once("[core ")?.1.split_once([']', ' '])?.0.to_owned();
        let value = |name: &str| said.lines().find_map(|l| l.trim().strip_prefix(name)?.trim_start().strip_prefix("= "));
        // `python version = 3.11.2 (main, …) [GCC 12.2.0] (/usr/bin/python3)`
        let python = value("python version").and_then(|v| v.rsplit_once('(')?.1.strip_suffix(')')).map(PathBuf::from);
        Some(Self { version, program: value("executable location").map(PathBuf::from), python })
    }

    fn new_enough(&self) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= LOWEST
    }
}

/// The first `ansible-playbook` on the PATH, tried once and remembered.
async fn on_path(settings: &Settings, cx: &Cx) -> Result<Option<Ansible>, Failure> {
    let Some(file) = process::on_path(PROGRAM, |_| true) else { return Ok(None) };
    let memory = settings.data_dir.join(ON_PATH);
    let known = Stamp::read(&memory).filter(|s| s.recipe == file.to_string_lossy() && s.holds());
    let said = match known {
        Some(stamp) => stamp.version,
        None => {
            let ran = Program::new(&file).arg("--version").env("LC_ALL", "C.UTF-8").run(cx).await?;
            if !ran.status.success() {
                let got = ran.stderr.lines().last().unwrap_or("it failed").to_owned();
                return Err(Failure::broken("run ansible-playbook --version", got).at(file.display()));
            }
            ran.stdout.trim().to_owned()
        }
    };
    let broken = |got: String| Failure::broken("look at ansible-playbook", got).at(file.display());
    let told = Told::read(&said).ok_or_else(|| broken("it does not tell its version".to_owned()))?;
    if !told.new_enough() {
        return Err(broken(format!("version {}; {}.{} or newer is needed", told.version, LOWEST.0, LOWEST.1)));
    }
    // A shim leads elsewhere in every directory; what it led to stays.
    let real = told.program.clone().filter(|p| process::is_executable(p)).unwrap_or_else(|| file.clone());
    let python = told.python.clone().unwrap_or_else(|| PathBuf::from("/usr/bin/python3"));
    let stamp = Stamp::of(&file.to_string_lossy(), &said, &[file.clone(), real.clone(), python.clone()]);
    // Not being able to remember costs time at the next call, no more.
    let _ = std::fs::create_dir_all(&memory).and_then(|()| stamp.write(&memory));
    Ok(Some(Ansible { playbook: real, version: told.version, python, managed: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "ansible-playbook [core 2.19.14]
  config file = None
  executable location = /opt/a b/bin/ansible-playbook
  python version = 3.11.2 (main, Apr 28 2025, 14:11:48) [GCC 12.2.0] (/usr/bin/python3)
  jinja version = 3.1.6";

    #[test]
    fn the_version_is_read() {
        let told = Told::read(SAID).unwrap();
        assert_eq!(told.version, "2.19.14");
        assert_eq!(told.program, Some("/opt/a b/bin/ansible-playbook".into()));
        assert_eq!(told.python, Some("/usr/bin/python3".into()));
        assert!(told.new_enough());
        assert!(!Told::read("ansible-playbook [core 2.9.27] ").unwrap().new_enough());
        assert_eq!(Told::read("ansible-playbook 2.9.6"), None);
    }

    #[test]
    fn the_pins_name_exact_versions() {
        for line in REQUIREMENTS.lines().filter(|l| !l.starts_with('#')) {
            assert!(line.contains("=="), "{line}");
        }
        assert!(REQUIREMENTS.contains("ansible-core==2.19."));
    }

    #[tokio::test]
    async fn without_any_the_way_out_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: dir.path().join("ansible"), python: None, use_path: false };
        let failure = find(&settings, &Cx::quiet()).await.unwrap_err();
        assert_eq!((failure.class, failure.next.as_str()), (Class::NotFound, "quarterdeck ansible install"));
        assert!(is_missing(&failure));
        assert!(!settings.data_dir.exists(), "looking makes nothing");
    }
}
