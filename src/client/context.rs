//! What the engine is told of this client's surroundings.

use std::collections::BTreeMap;

use crate::protocol::ClientContext;

/// The person's name on accounts that several people share.
pub const OPERATOR_VARIABLE: &str = "QUARTERDECK_OPERATOR";

/// The surroundings of this process.
pub fn context() -> ClientContext {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    ClientContext {
        operator: text(OPERATOR_VARIABLE).or_else(account).unwrap_or_default(),
        cwd: std::env::current_dir().map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_default(),
        agent: text("SSH_AUTH_SOCK"),
        ssh_connection: text("SSH_CONNECTION"),
        env: allowed(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))),
        pid: std::process::id(),
    }
}

fn account() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name)
}

/// What may travel: how the terminal and the language are, and Ansible's settings unless they are secrets.
fn allowed(all: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    const PLAIN: &[&str] = &["LANG", "LC_ALL", "LC_MESSAGES", "TERM", "COLORTERM"];
    const SECRET: &[&str] = &["PASS", "SECRET", "TOKEN", "KEY", "VAULT", "CREDENTIAL"];
    let ansible = |name: &str| name.starts_with("ANSIBLE_") && !SECRET.iter().any(|part| name.contains(part));
    all.filter(|(name, value)| value.len() <= 4_096 && (PLAIN.contains(&name.as_str()) || ansible(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_travel() {
        let all =
            ["LANG", "ANSIBLE_FORKS", "ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_BECOME_PASS", "OS_PASSWORD", "AWS_TOKEN", "HOME"];
        let got = allowed(all.iter().map(|name| ((*name).to_owned(), "x".to_owned())));
        assert_eq!(got.keys().collect::<Vec<_>>(), ["ANSIBLE_FORKS", "LANG"]);
    }
}
