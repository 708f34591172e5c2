//! Finding a Python to make an environment with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::base::Cx;
use crate::base::process::{Program, is_executable};
use crate::model::{Class, Failure};

/// What a Python tells of itself.
#[derive(Deserialize)]
struct Told {
    version: (u32, u32),
    /// It can make environments that have pip.
    venv: bool,
}

const ASK: &str = "\
import json, sys
try:
    import ensurepip, ssl, venv
    able = True
except ImportError:
    able = False
print(json.dumps({'version': sys.version_info[:2], 'venv': able}))";

/// The first Python that will do, and its version: the one that is asked for, else the system's, else those on the
/// PATH.
pub(super) async fn pick(wanted: Option<&Path>, lowest: (u32, u32), cx: &Cx) -> Result<(PathBuf, (u32, u32)), Failure> {
    let tried = "find a Python for the virtualenv";
    let candidates = wanted.map_or_else(candidates, |path| vec![path.to_owned()]);
    let mut without_venv = None;
    let mut too_old = None;
    for path in candidates {
        match ask(&path, cx).await {
            Ok(told) if told.version < lowest => too_old = too_old.or(Some((path, told.version))),
            Ok(told) if !told.venv => without_venv = without_venv.or(Some(path)),
            Ok(told) => return Ok((path, told.version)),
            Err(failure) if failure.class == Class::Cancelled => return Err(failure),
            Err(_) => {}
        }
    }
    let need = format!("Python {}.{} or newer", lowest.0, lowest.1);
    Err(match (without_venv, too_old) {
        (Some(path), _) => {
            let got = "this Python cannot make virtualenvs: its modules venv and ensurepip are not installed";
            Failure::not_found(tried, got).at(path.display()).next(advice(true))
        }
        (None, Some((path, (major, minor)))) => {
            let got = format!("this is Python {major}.{minor}; {need} is needed");
            Failure::not_found(tried, got).at(path.display()).next(advice(false))
        }
        (None, None) => Failure::not_found(tried, format!("there is no {need} here")).next(advice(false)),
    })
}

/// Where to look. A shim (of pyenv, asdf and the like) is no Python: what it leads to changes with the directory.
fn candidates() -> Vec<PathBuf> {
    const NAMES: [&str; 4] = ["python3", "python3.13", "python3.12", "python3.11"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(PathBuf::from("/usr/bin")).chain(std::env::split_paths(&path).filter(|d| !is_shims(d)));
    let mut found: Vec<PathBuf> = Vec::new();
    for file in dirs.flat_map(|dir| NAMES.map(|name| dir.join(name))).filter(|file| is_executable(file)) {
        if !found.contains(&file) {
            found.push(file);
        }
    }
    found
}

fn is_shims(dir: &Path) -> bool {
    !dir.is_absolute() || dir.components().any(|part| part.as_os_str() == "shims")
}

async fn ask(python: &Path, cx: &Cx) -> Result<Told, Failure> {
    let ran = Program::new(python).args(["-I", "-c", ASK]).limit(Duration::from_secs(20)).run(cx).await?;
    serde_json::from_str(ran.stdout.trim()).map_err(|e| Failure::broken("ask a Python", e).at(python.display()))
}

/// What to install on this system.
pub(super) fn advice(only_venv: bool) -> String {
    advice_for(&std::fs::read_to_string("/etc/os-release").unwrap_or_default(), only_venv)
}

fn advice_for(os_release: &str, only_venv: bool) -> String {
    let value = |name: &str| {
        let line = os_release.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
    };
    let family = format!("{} {}", value("ID"), value("ID_LIKE"));
    let is = |names: &[&str]| family.split(' ').any(|word| names.contains(&word));
    let install = if is(&["debian", "ubuntu"]) {
        if only_venv { "sudo apt install python3-venv" } else { "sudo apt install python3 python3-venv" }
    } else if is(&["fedora", "rhel", "centos"]) {
        if only_venv { "sudo dnf install python3-pip" } else { "sudo dnf install python3.12" }
    } else if is(&["suse", "opensuse", "sles"]) {
        "sudo zypper install python312"
    } else if is(&["alpine"]) {
        "sudo apk add python3"
    } else if is(&["arch"]) {
        "sudo pacman -S python"
    } else {
        "install Python 3.11 or newer with its modules venv and ensurepip"
    };
    format!("{install}, then try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_system() {
        assert_eq!(advice_for("ID=ubuntu\nID_LIKE=debian\n", true), "sudo apt install python3-venv, then try again");
        assert_eq!(
            advice_for("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", false),
            "sudo dnf install python3.12, then try again"
        );
        assert!(advice_for("", true).starts_with("install Python 3.11"));
    }

    #[test]
    fn shims_are_not_asked() {
        assert!(is_shims(Path::new("/home/x/.pyenv/shims")));
        assert!(is_shims(Path::new("relative/bin")));
        assert!(!is_shims(Path::new("/usr/local/bin")));
        assert!(candidates().iter().all(|c| !c.to_string_lossy().contains("/shims/")));
    }

    #[tokio::test]
    async fn a_python_without_venv_is_named_with_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let fake = |name: &str, says: &str| {
            use std::os::unix::fs::PermissionsExt;
            let path = dir.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let bare = fake("bare", r#"{"version": [3, 12], "venv": false}"#);
        let failure = pick(Some(&bare), (3, 11), &Cx::quiet()).await.unwrap_err();
        assert!(failure.got.contains("ensurepip") && failure.next.contains("try again"), "{failure}");
        let old = fake("old", r#"{"version": [3, 9], "venv": true}"#);
        let failure = pick(Some(&old), (3, 11), &Cx::quiet()).await.unwrap_err();
        assert!(failure.got.contains("Python 3.9") && failure.got.contains("3.11 or newer"), "{failure}");
        let good = fake("good", r#"{"version": [3, 13], "venv": true}"#);
        assert_eq!(pick(Some(&good), (3, 11), &Cx::quiet()).await.unwrap(), (good, (3, 13)));
    }
}
