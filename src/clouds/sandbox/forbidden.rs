//! Why a kernel refuses namespaces, and which setting allows them.

use std::fs;
use std::io;

/// The settings that forbid user namespaces, each with the value that does and what to do.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
];

/// Which setting of this computer forbids namespaces, and the command that allows them.
pub fn setting() -> Option<(String, String)> {
    find(&|name| fs::read_to_string(format!("/proc/sys/{name}")).ok(), nix::unistd::geteuid().is_root())
}

fn find(read: &dyn Fn(&str) -> Option<String>, root: bool) -> Option<(String, String)> {
    SETTINGS.iter().find_map(|(name, forbids, fix)| {
        if root && !name.starts_with("user/") {
            return None;
        }
        let value = read(name)?;
        let dotted = name.replace('/', ".");
        (value.trim() == *forbids).then(|| (format!("{dotted} is {forbids}"), (*fix).to_owned()))
    })
}

/// The error of a refused namespace with its cause, where the kernel's settings show one.
pub fn explain(error: io::Error) -> io::Error {
    let refused = matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES | libc::ENOSPC | libc::EUSERS | libc::EINVAL))
        || error.kind() == io::ErrorKind::PermissionDenied;
    if !refused {
        return error;
    }
    let why = match setting() {
        Some((what, fix)) => format!("the kernel refuses namespaces ({error}): {what}; as root: {fix}"),
        None => format!("the kernel refuses namespaces ({error}); in a container its seccomp profile may forbid them"),
    };
    io::Error::new(error.kind(), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_forbids_is_named_with_its_cure() {
        let ubuntu = |name: &str| (name == "kernel/apparmor_restrict_unprivileged_userns").then(|| "1\n".to_owned());
        let (what, fix) = find(&ubuntu, false).unwrap();
        assert_eq!(what, "kernel.apparmor_restrict_unprivileged_userns is 1");
        assert!(fix.contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"));
        assert_eq!(find(&ubuntu, true), None, "root is not restricted by it");
        let none = |name: &str| (name == "user/max_user_namespaces").then(|| "0\n".to_owned());
        assert!(find(&none, true).unwrap().0.contains("user.max_user_namespaces"));
        assert_eq!(find(&|_| Some("10000\n".into()), false), None);
    }
}
