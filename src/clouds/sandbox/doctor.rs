//! What the sandbox needs of this computer, and what to do where it is missing.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ids::Ids;
use super::{cgroup, forbidden};
use crate::model::{Finding, Part};

const PART: Part = Part::Kernel;

/// Looks at everything. Blocks for as long as a server needs to boot.
pub fn examine(program: &Path, dir: &Path, ids: &Ids) -> Vec<Finding> {
    let mut findings = namespaces(program, dir);
    findings.push(users(ids));
    findings.push(match cgroup::check() {
        Ok(()) => Finding::ok(PART, "memory limits", "set by the kernel's control groups"),
        Err(why) => Finding::note(PART, "memory limits", format!("advisory: {why}"))
            .next("start the engine in a delegated group: systemd-run --user --scope -p Delegate=yes quarterdeck engine start"),
    });
    findings.push(match TcpListener::bind(("127.16.0.1", 0)) {
        Ok(_) => Finding::ok(PART, "addresses", "127.0.0.0/8 is this computer"),
        Err(e) => Finding::missing(PART, "addresses", format!("127.16.0.1 cannot be used: {e}"))
            .next("as root: ip addr add 127.0.0.1/8 dev lo"),
    });
    findings.push(if Path::new("/usr/bin/python3").exists() {
        Finding::ok(PART, "python on servers", "/usr/bin/python3 is there for Ansible")
    } else {
        Finding::note(PART, "python on servers", "there is no /usr/bin/python3: Ansible has nothing to run on sandbox servers")
            .next("install python3")
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
        let first = Finding::ok(PART, NAME, "user, mount, pid, host name and ipc namespaces work");
        let other = |note| Finding::note(PART, "file systems", note).next("nothing: servers work all the same");
        return std::iter::once(first).chain(text.lines().map(other)).collect();
    }
    let fix = match forbidden::setting() {
        Some((_, fix)) => format!("as root: {fix}; or use a cloud of the docker driver"),
        None => "use a cloud of the docker driver".to_owned(),
    };
    vec![Finding::missing(PART, NAME, text).next(fix)]
}

fn users(ids: &Ids) -> Finding {
    const NAME: &str = "users on servers";
    match ids {
        Ids::Shifted { range } => Finding::ok(PART, NAME, format!("many; root of a server is {} of this computer", range.first)),
        Ids::Subordinate { uids, .. } => {
            Finding::ok(PART, NAME, format!("many; they are {} and up of this computer", uids.first))
        }
        Ids::Single { .. } => {
            let found = "root only: no newuidmap, or no range for this user in /etc/subuid and /etc/subgid";
            Finding::note(PART, NAME, found)
                .next("as root: apt install uidmap; usermod --add-subuids 200000-265535 --add-subgids 200000-265535 USER")
        }
    }
}
