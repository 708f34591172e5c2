//! The engine's environment: what it may have of a shell's.

use std::ffi::{OsStr, OsString};

/// Variables that the engine keeps; names that end in `*` stand for all that begin so. Whatever else a shell had
/// (credentials above all) is not the engine's business.
const KEPT: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "LC_*",
    "TZ",
    "XDG_*",
    "QUARTERDECK_*",
    "SSL_CERT_*",
    // Where Docker engines are; no secrets.
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

fn is_kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    KEPT.iter().any(|kept| match kept.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *kept,
    })
}

/// What the engine keeps of this process's environment.
pub fn kept() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| is_kept(name))
}

/// Whether this process's environment is an engine's.
pub fn is_scrubbed() -> bool {
    std::env::vars_os().all(|(name, _)| is_kept(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_kept() {
        for name in ["OS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "LD_PRELOAD", "PYTHONPATH", "HOMES", "MY_LC_ALL"] {
            assert!(!is_kept(OsStr::new(name)), "{name}");
        }
        for name in ["HOME", "LC_ALL", "QUARTERDECK_HOME", "XDG_STATE_HOME", "SSL_CERT_FILE"] {
            assert!(is_kept(OsStr::new(name)), "{name}");
        }
    }
}
