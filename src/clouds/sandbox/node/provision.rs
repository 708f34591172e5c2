//! What a server finds in its file system when it boots: its name, its keys, the files placed on it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use base64::Engine;

use super::sshd::users;
use crate::clouds::sandbox::record::Record;

/// Present once the first boot has placed everything.
const DONE: &str = "/var/lib/quarterdeck-sandbox/provisioned";
/// The user that host-image servers have beside root.
const USER: &str = "sandbox";

/// Writes what is the server's own. Called in the server, before anybody can log in. Repeated until it worked
/// once; after that only what may differ from boot to boot.
///
/// # Errors
/// The disk is full, or a placed file has an impossible path.
pub fn provision(record: &Record, hostname: &str, resolv: Option<&str>) -> io::Result<()> {
    if let Some(text) = resolv {
        replace("/etc/resolv.conf", text.as_bytes(), 0o644)?;
    }
    fs::set_permissions("/tmp", fs::Permissions::from_mode(0o1777))?;
    clear(Path::new("/tmp"));
    if Path::new(DONE).exists() {
        return Ok(());
    }
    replace("/etc/hostname", format!("{hostname}\n").as_bytes(), 0o644)?;
    let hosts = format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{} {hostname}\n", record.address);
    replace("/etc/hosts", hosts.as_bytes(), 0o644)?;
    replace("/etc/machine-id", format!("{:032x}\n", rand::random::<u128>()).as_bytes(), 0o444)?;
    for name in ["root", USER] {
        if let Some(user) = users::find(name).filter(|_| name == "root" || record.ids.many()) {
            home(&user, &record.authorized_keys)?;
        }
    }
    for file in &record.files {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&file.content_base64)
            .map_err(|e| io::Error::other(format!("file {}: {e}", file.path)))?;
        place(&file.path, &bytes, file.mode)?;
    }
    place(DONE, b"", 0o644)
}

/// The home of a user, its own, with the keys that may log in.
fn home(user: &users::User, keys: &[String]) -> io::Result<()> {
    let ssh = Path::new(&user.home).join(".ssh");
    fs::create_dir_all(&ssh)?;
    let file = ssh.join("authorized_keys");
    let mut text: String = keys.iter().map(|k| format!("{}\n", k.trim())).collect();
    let old = fs::read_to_string(&file).unwrap_or_default();
    text.extend(old.lines().filter(|l| !keys.iter().any(|k| k.trim() == l.trim())).map(|l| format!("{l}\n")));
    replace(&file.to_string_lossy(), text.as_bytes(), 0o600)?;
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o700))?;
    for path in [Path::new(&user.home), &ssh, &file] {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

fn place(path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let about = |e: io::Error| io::Error::new(e.kind(), format!("file {path}: {e}"));
    if !path.starts_with('/') {
        return Err(io::Error::other(format!("file {path}: not an absolute path")));
    }
    if let Some(parent) = Path::new(path).parent() {
        fs::create_dir_all(parent).map_err(about)?;
    }
    replace(path, bytes, mode & 0o7777).map_err(about)
}

/// Writes a regular file at `path`, whatever was there.
fn replace(path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = format!("{path}.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    fs::rename(&beside, path)
}

/// Empties a directory as far as it can be.
fn clear(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|t| t.is_dir());
        let _ = if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

/// The name as a host can bear it: letters, digits and dashes, at most 63.
pub fn hostname(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(63).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "server".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_host_name() {
        assert_eq!(hostname("web_1"), "web-1");
        assert_eq!(hostname("Büro/9"), "b-ro-9");
        assert_eq!(hostname("___"), "server");
        assert_eq!(hostname(&"x".repeat(99)).len(), 63);
    }
}
