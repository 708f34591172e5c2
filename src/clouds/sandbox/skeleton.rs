//! The tree under servers of the `host` image: everything but the programs, which are the host's own.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::ids::Ids;
use super::tree;

/// What of the host's `/etc` a server may see. A `*` at the end stands for any rest of a name. Nothing that is a
/// secret, nothing that names the host's users, keys or networks.
const ETC: &[&str] = &[
    "adduser.conf",
    "alpine-release",
    "alternatives",
    "arch-release",
    "bash.bashrc",
    "bash_completion*",
    "bashrc",
    "ca-certificates*",
    "crypto-policies",
    "debconf.conf",
    "debian_version",
    "deluser.conf",
    "fedora-release",
    "gai.conf",
    "host.conf",
    "inputrc",
    "issue",
    "java*",
    "ld.so.cache",
    "ld.so.conf*",
    "libaudit.conf",
    "locale*",
    "localtime",
    "login.defs",
    "lsb-release",
    "magic*",
    "manpath.config",
    "mime.types",
    "nanorc",
    "netconfig",
    "os-release",
    "pam.conf",
    "pam.d",
    "perl",
    "pki",
    "profile*",
    "protocols",
    "python*",
    "redhat-release",
    "rpc",
    "security",
    "services",
    "shells",
    "skel",
    "ssl",
    "system-release*",
    "terminfo",
    "timezone",
    "vim*",
    "wgetrc",
    "xattr.conf",
    "xdg",
];

/// Below the allowed, what is left out.
const NEVER: &[&str] = &["private", "opasswd"];

/// Directories, their modes; those of `/var` as the file system standard has them.
const DIRS: &[(&str, u32)] = &[
    ("boot", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("home/sandbox", 0o750),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/local", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/local/etc", 0o755),
    ("usr/local/include", 0o755),
    ("usr/local/lib", 0o755),
    ("usr/local/sbin", 0o755),
    ("usr/local/share", 0o755),
    ("usr/local/src", 0o755),
    ("var", 0o755),
    ("var/backups", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/lib/misc", 0o755),
    ("var/local", 0o2775),
    ("var/log", 0o755),
    ("var/mail", 0o2775),
    ("var/opt", 0o755),
    ("var/spool", 0o755),
    ("var/spool/cron", 0o755),
    ("var/tmp", 0o1777),
];

const MOTD: &str = "A sandbox server of Quarterdeck: a real target for SSH and Ansible, without systemd and package manager.\n\
                    It is no security boundary: it runs as a user of its host, on the host's network.\n";

/// Changes when the host's system has changed so far that a tree made before no longer fits its programs.
pub fn stamp() -> String {
    let mut hash = Sha256::new();
    for path in ["/etc/ld.so.cache", "/etc/os-release", "/etc/alternatives", "/etc/ssl/certs"] {
        if let Ok(meta) = fs::metadata(path) {
            hash.update(format!("{path} {} {} {}", meta.ino(), meta.len(), meta.mtime()));
        }
    }
    hash.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// Makes the tree at `root`.
///
/// # Errors
/// It cannot be written.
pub fn make(root: &Path, ids: &Ids) -> io::Result<()> {
    let (uid, gid) = ids.root();
    fs::create_dir(root)?;
    for (dir, mode) in DIRS {
        let path = root.join(dir);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
    }
    copy_etc(Path::new("/etc"), &root.join("etc"))?;
    for (name, text, mode) in generated(ids.many()) {
        let path = root.join("etc").join(name);
        // The host's may be a link to somewhere else.
        let _ = fs::remove_file(&path);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    let links =
        [("/proc/self/mounts", "etc/mtab"), ("/run", "var/run"), ("/run/lock", "var/lock"), ("../mail", "var/spool/mail")];
    for (to, at) in links {
        symlink(to, root.join(at))?;
    }
    for name in [".bashrc", ".profile"] {
        // A root without them has a plainer shell.
        let _ = fs::copy(Path::new("/etc/skel").join(name), root.join("root").join(name));
    }
    if matches!(ids, Ids::Shifted { .. }) { own(root, uid, gid) } else { Ok(()) }
}

fn copy_etc(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)?.flatten() {
        let name = entry.file_name();
        let Some(text) = name.to_str() else { continue };
        if ETC.iter().any(|allowed| allowed.strip_suffix('*').map_or(text == *allowed, |start| text.starts_with(start))) {
            copy_public(&entry.path(), &to.join(&name))?;
        }
    }
    Ok(())
}

/// Copies what everybody on the host may read anyway.
fn copy_public(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(meta) = fs::symlink_metadata(from) else { return Ok(()) };
    let never = from.file_name().and_then(|n| n.to_str()).is_some_and(|n| NEVER.contains(&n));
    if never || (!meta.is_symlink() && meta.mode() & 0o004 == 0) {
        return Ok(());
    }
    if meta.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)?.flatten() {
            copy_public(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    tree::copy(from, to, &|_, _| None).map(drop)
}

fn generated(many_users: bool) -> Vec<(&'static str, String, u32)> {
    let (mut passwd, mut group, mut shadow) = (
        "root:x:0:0:root:/root:/bin/bash\n".to_owned(),
        "root:x:0:\ntty:x:5:\nutmp:x:43:\n".to_owned(),
        "root:*:20000:0:99999:7:::\n".to_owned(),
    );
    if many_users {
        passwd.push_str("sandbox:x:1000:1000:sandbox:/home/sandbox:/bin/bash\n");
        group.push_str("sandbox:x:1000:\n");
        shadow.push_str("sandbox:*:20000:0:99999:7:::\n");
    }
    passwd.push_str("nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
    group.push_str("nogroup:x:65534:\n");
    shadow.push_str("nobody:*:20000:0:99999:7:::\n");
    let shells = if Path::new("/bin/bash").exists() { passwd } else { passwd.replace("/bin/bash", "/bin/sh") };
    vec![
        ("passwd", shells, 0o644),
        ("group", group, 0o644),
        ("shadow", shadow, 0o640),
        ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n".to_owned(), 0o644),
        ("hosts", "127.0.0.1 localhost\n".to_owned(), 0o644),
        ("hostname", "sandbox\n".to_owned(), 0o644),
        ("fstab", String::new(), 0o644),
        ("environment", String::new(), 0o644),
        ("motd", MOTD.to_owned(), 0o644),
        ("resolv.conf", String::new(), 0o644),
    ]
}

/// Gives everything below to the mapped root.
fn own(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    lchown(path, Some(uid), Some(gid))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            own(&entry?.path(), uid, gid)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_comes_along() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("etc"), dir.path().join("out"));
        for sub in ["ssl/private", "ssl/certs", "ssh", "python3.11"] {
            fs::create_dir_all(from.join(sub)).unwrap();
        }
        fs::create_dir(&to).unwrap();
        let write = |name: &str, mode: u32| {
            fs::write(from.join(name), "x").unwrap();
            fs::set_permissions(from.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        for name in ["shadow", "ssh/ssh_host_ed25519_key", "ssl/private/site.key", "sudoers", "passwd", "hostname"] {
            write(name, 0o644);
        }
        write("ssl/certs/ca.pem", 0o644);
        write("ssl/hidden.pem", 0o640);
        write("python3.11/site.py", 0o644);
        write("localtime", 0o644);
        copy_etc(&from, &to).unwrap();
        for there in ["ssl/certs/ca.pem", "python3.11/site.py", "localtime"] {
            assert!(to.join(there).exists(), "{there} is missing");
        }
        for gone in ["shadow", "ssh", "ssl/private", "ssl/hidden.pem", "sudoers", "passwd", "hostname"] {
            assert!(!to.join(gone).exists(), "{gone} came along");
        }
    }

    #[test]
    fn a_server_of_one_id_has_no_user_that_it_cannot_be() {
        let text = |many: bool, name: &str| generated(many).into_iter().find(|(n, ..)| *n == name).unwrap().1;
        assert!(text(true, "passwd").contains("sandbox:x:1000"));
        assert!(!text(false, "passwd").contains("sandbox"));
        assert!(text(false, "shadow").starts_with("root:*:"));
    }
}
