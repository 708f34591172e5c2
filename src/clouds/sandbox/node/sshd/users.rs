//! The users of a server and the keys that may log in, read from its own files at every use: playbooks change them.
//! The C library's own look-ups are avoided, since an image may have another C library than this program.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use russh::keys::PublicKey;

/// One line of `/etc/passwd`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
}

/// The user called `name`.
pub fn find(name: &str) -> Option<User> {
    parse_user(&fs::read_to_string("/etc/passwd").unwrap_or_default(), name)
}

fn parse_user(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut parts = line.split(':');
        if parts.next()? != name {
            return None;
        }
        let (uid, gid) = (parts.nth(1)?.parse().ok()?, parts.next()?.parse().ok()?);
        let (home, shell) = (parts.nth(1)?.to_owned(), parts.next().unwrap_or_default().trim().to_owned());
        let home = if home.is_empty() { "/".to_owned() } else { home };
        let shell = if shell.is_empty() { "/bin/sh".to_owned() } else { shell };
        Some(User { name: name.to_owned(), uid, gid, home, shell })
    })
}

/// The names of all users, by number.
pub fn names() -> HashMap<u32, String> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = passwd.lines().map(|line| line.split(':'));
    fields.filter_map(|mut f| Some((f.next()?.to_owned(), f.nth(1)?.parse().ok()?))).map(|(name, uid)| (uid, name)).collect()
}

/// All groups of a user, its own first.
pub fn groups(user: &User) -> Vec<u32> {
    parse_groups(&fs::read_to_string("/etc/group").unwrap_or_default(), user)
}

fn parse_groups(group: &str, user: &User) -> Vec<u32> {
    let mut ids = vec![user.gid];
    for line in group.lines() {
        let mut parts = line.split(':').skip(2);
        let (Some(Ok(gid)), Some(members)) = (parts.next().map(str::parse), parts.next()) else { continue };
        if members.split(',').any(|m| m.trim() == user.name) && !ids.contains(&gid) {
            ids.push(gid);
        }
    }
    ids
}

/// Whether the user's `authorized_keys` hold this key.
pub fn may_log_in(user: &User, key: &PublicKey) -> bool {
    let file = Path::new(&user.home).join(".ssh/authorized_keys");
    holds(&fs::read_to_string(file).unwrap_or_default(), key)
}

fn holds(text: &str, key: &PublicKey) -> bool {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).any(|line| {
        // Options may stand before the key; they are not honoured, and may hold blanks in quotes.
        let starts = std::iter::once(0).chain(line.match_indices(' ').map(|(at, _)| at + 1));
        starts
            .filter_map(|at| line.get(at..))
            .filter(|rest| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| rest.starts_with(kind)))
            .any(|rest| PublicKey::from_openssh(rest).is_ok_and(|k| k.key_data() == key.key_data()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1001:Ana:/home/ana:\nbroken:x\n";

    #[test]
    fn users_are_read_as_the_c_library_would() {
        let root = parse_user(PASSWD, "root").unwrap();
        assert_eq!((root.uid, root.home.as_str(), root.shell.as_str()), (0, "/root", "/bin/bash"));
        let ana = parse_user(PASSWD, "ana").unwrap();
        assert_eq!((ana.gid, ana.shell.as_str()), (1001, "/bin/sh"));
        assert_eq!(parse_user(PASSWD, "broken"), None);
        assert_eq!(parse_user(PASSWD, "an"), None);
        let group = "root:x:0:\nana:x:1001:\nwheel:x:10:ben,ana\nstaff:x:50:ben\n";
        assert_eq!(parse_groups(group, &ana), [1001, 10]);
    }

    #[test]
    fn a_key_is_found_behind_options_and_comments() {
        let key = |seed: u8| {
            let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
            PublicKey::from(russh::keys::ssh_key::public::Ed25519PublicKey::from(&pair))
        };
        let (mine, other) = (key(1), key(2));
        let line = mine.to_openssh().unwrap();
        assert!(holds(&format!("# me\n\n{line} ana@home\n"), &mine));
        assert!(holds(&format!("no-pty,command=\"echo hello\" {line} ana@home\n"), &mine));
        assert!(!holds(&line, &other));
        assert!(!holds(&format!("#{line}"), &mine));
    }
}
