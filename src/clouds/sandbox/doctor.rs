//! What the sandbox needs of this computer, and what to do where it is missing.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ids::Ids;
use super::{cgroup, forbidden};

/// One thing that the sandbox needs of this computer, looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was looked at: `user namespaces`.
    pub name: String,
    /// Whether it is as the sandbox wants it.
    pub ok: bool,
    /// Whether no server can run without it.
    pub needed: bool,
    /// What was found.
    pub note: String,
    /// What to do about it; empty when there is nothing to do.
    pub fix: String,
}

impl Finding {
    fn good(name: &str, needed: bool, note: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: true, needed, note: note.into(), fix: String::new() }
    }

    fn bad(name: &str, needed: bool, note: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: false, needed, note: note.into(), fix: fix.into() }
    }
}

/// Looks at everything. Blocks for as long as a server needs to boot.
pub fn examine(program: &Path, dir: &Path, ids: &Ids) -> Vec<Finding> {
    let mut findings = namespaces(program, dir);
    findings.push(users(ids));
    findings.push(match cgroup::check() {
        Ok(()) => Finding::good("memory limits", false, "set by the kernel's control groups"),
        Err(why) => Finding::bad(
            "memory limits",
            false,
            format!("advisory: {why}"),
            "start the engine in a delegated group: systemd-run --user --scope -p Delegate=yes quarterdeck engine start",
        ),
    });
    findings.push(match TcpListener::bind(("127.16.0.1", 0)) {
        Ok(_) => Finding::good("addresses", true, "127.0.0.0/8 is this computer"),
        Err(e) => Finding::bad("addresses", true, format!("127.16.0.1 cannot be used: {e}"), "ip addr add 127.0.0.1/8 dev lo"),
    });
    findings.push(if Path::new("/usr/bin/python3").exists() {
        Finding::good("python", false, "/usr/bin/python3 is there for Ansible")
    } else {
        Finding::bad("python", false, "there is no /usr/bin/python3: Ansible has nothing to run on servers", "install python3")
    });
    findings
}

/// Only whether a server can run at all.
pub fn namespaces(program: &Path, dir: &Path) -> Vec<Finding> {
    const NAME: &str = "namespaces";
    let out = Command::new(program).args(["__sandbox", "check"]).arg(dir).env_clear().stdin(Stdio::null()).output();
    let (works, text) = match out {
        Ok(out) => (out.status.success(), String::from_utf8_lossy(&out.stdout).trim().to_owned()),
        Err(e) => (false, format!("cannot run {}: {e}", program.display())),
    };
    if works {
        let first = Finding::good(NAME, true, "user, mount, pid, host name and ipc namespaces work");
        let fixes = "servers work all the same";
        return std::iter::once(first).chain(text.lines().map(|note| Finding::bad("file systems", false, note, fixes))).collect();
    }
    let fix = match forbidden::setting() {
        Some((_, fix)) => format!("as root: {fix}; or use a cloud of the docker driver"),
        None => "use a cloud of the docker driver".to_owned(),
    };
    vec![Finding::bad(NAME, true, text, fix)]
}

fn users(ids: &Ids) -> Finding {
    const NAME: &str = "users on servers";
    match ids {
        Ids::Shifted { range } => {
            Finding::good(NAME, false, format!("many; root of a server is {} of this computer", range.first))
        }
        Ids::Subordinate { uids, .. } => {
            Finding::good(NAME, false, format!("many; they are {} and up of this computer", uids.first))
        }
        Ids::Single { .. } => Finding::bad(
            NAME,
            false,
            "root only: no newuidmap, or no range for this user in /etc/subuid and /etc/subgid",
            "as root: apt install uidmap; usermod --add-subuids 200000-265535 --add-subgids 200000-265535 USER",
        ),
    }
}
