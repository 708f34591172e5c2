//! What keeps the engine running after logout: systemd's user manager, logind, lingering.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::foreign::Place;
use crate::model::{Finding, Part};

/// How this account's background processes live.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// There is a systemd user manager.
    pub systemd: bool,
    /// Where the user unit is, or would be.
    pub unit: PathBuf,
    pub installed: bool,
    /// The user manager stays after logout.
    pub lingers: bool,
    /// logind ends all processes of an account when it logs out.
    pub kills: bool,
}

/// Looks at systemd and logind, as far as files tell.
pub fn look(place: &Place) -> Service {
    let uid = nix::unistd::geteuid();
    let runtime = place.var("XDG_RUNTIME_DIR").map_or_else(|| place.root.join(format!("run/user/{uid}")), PathBuf::from);
    let account = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name).unwrap_or_default();
    let unit = place.config_home().join("systemd/user/quarterdeck.service");
    Service {
        systemd: place.root.join("run/systemd/system").exists() && runtime.join("systemd").exists(),
        installed: unit.exists(),
        unit,
        lingers: !account.is_empty() && place.root.join("var/lib/systemd/linger").join(account).exists(),
        kills: kills(&place.root),
    }
}

/// `KillUserProcesses`; where nobody sets it, distributions build logind with no.
fn kills(root: &Path) -> bool {
    let mut files = Vec::new();
    for dir in ["usr/lib/systemd", "run/systemd", "etc/systemd"] {
        files.push(root.join(dir).join("logind.conf"));
        let mut dropped: Vec<PathBuf> = fs::read_dir(root.join(dir).join("logind.conf.d"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "conf"))
            .collect();
        dropped.sort();
        files.append(&mut dropped);
    }
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let said = texts.flat_map(|text| {
        let values = text.lines().filter_map(|line| line.trim().strip_prefix("KillUserProcesses=").map(str::to_owned));
        values.collect::<Vec<_>>()
    });
    said.last().is_some_and(|word| matches!(word.trim().to_ascii_lowercase().as_str(), "yes" | "true" | "1" | "on"))
}

impl Service {
    /// Whether the engine would end with the login session.
    pub fn ends_at_logout(&self) -> bool {
        self.kills && !self.lingers
    }

    /// What is left to do by hand after a set-up; `unit`: a user unit was written.
    pub fn next_steps(&self, unit: bool) -> Vec<String> {
        let mut steps = Vec::new();
        if unit && self.systemd {
            steps.push("systemctl --user daemon-reload && systemctl --user enable quarterdeck".to_owned());
        } else if unit {
            steps.push("nothing starts user units here: the unit waits for systemd".to_owned());
        }
        if self.ends_at_logout() {
            steps.push("loginctl enable-linger    else logind ends the engine when you log out".to_owned());
        }
        steps
    }

    /// The same for reading.
    pub fn findings(&self) -> Vec<Finding> {
        const PART: Part = Part::Service;
        let unit = match (self.systemd, self.installed) {
            (_, true) => Finding::ok(PART, "user unit", self.unit.display().to_string()),
            (true, false) => Finding::ok(PART, "user unit", "none: the engine starts with the first command"),
            (false, false) => Finding::ok(PART, "user unit", "no systemd here: the engine starts with the first command"),
        };
        let logout = if self.ends_at_logout() {
            Finding::note(PART, "logout", "logind ends this account's processes at logout, the engine and its runs too")
                .next("loginctl enable-linger, then quarterdeck setup for a user unit")
        } else if self.lingers {
            Finding::ok(PART, "logout", "the engine stays (lingering is on)")
        } else {
            Finding::ok(PART, "logout", "the engine stays")
        };
        vec![unit, logout]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_killing_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!kills(dir.path()), "distributions say no");
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n");
        assert!(!kills(dir.path()));
        put("usr/lib/systemd/logind.conf.d/10.conf", "[Login]\nKillUserProcesses=yes\n");
        assert!(kills(dir.path()));
        put("etc/systemd/logind.conf.d/20.conf", "[Login]\nKillUserProcesses=no\n");
        assert!(!kills(dir.path()));
    }

    #[test]
    fn an_engine_that_would_end_at_logout_is_told_with_the_way_out() {
        let service = Service { systemd: true, unit: "/u".into(), installed: false, lingers: false, kills: true };
        assert!(service.findings()[1].next.contains("enable-linger"));
        assert_eq!(service.next_steps(true).len(), 2);
        let service = Service { lingers: true, ..service };
        assert_eq!(service.next_steps(false), Vec::<String>::new());
        assert!(service.findings()[1].next.is_empty());
    }
}
