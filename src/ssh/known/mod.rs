//! Host keys: learnt at first contact, pinned after.
//!
//! The file has OpenSSH's form, so that `ssh` and Ansible check against the same pins.

mod entries;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

pub(super) use entries::{Names, Pins, Verdict, plain_line};

use crate::model::Failure;

/// A known-hosts file, and what to do about a host that is not in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KnownHosts {
    path: PathBuf,
    learn: bool,
}

impl KnownHosts {
    /// Only hosts that are in the file are accepted.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), learn: false }
    }

    /// A host that is not in the file yet has its key added; from then on it is pinned.
    pub fn learn(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), learn: true }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether unknown hosts are learnt.
    pub fn learns(&self) -> bool {
        self.learn
    }

    /// Forgets the pins of exactly this host: its server is gone, and another may get its address. Wildcards,
    /// revocations and authorities stay.
    ///
    /// # Errors
    /// `Broken` when the file cannot be read or written.
    pub async fn forget(&self, host: &str, port: u16) -> Result<(), Failure> {
        let names = Names::new(host, port);
        let path = self.path.clone();
        blocking(move || {
            if !path.exists() {
                return Ok(());
            }
            change(&path, |text| {
                let left = entries::without(&text, &names);
                (left != text).then_some(left)
            })
        })
        .await
        .map_err(|e| self.unusable("forget a host key", &e))
    }

    /// What the file says about a host.
    pub(super) async fn pins(&self, host: &str, port: u16) -> Result<Pins, Failure> {
        let names = Names::new(host, port);
        let path = self.path.clone();
        blocking(move || Ok(Pins::of(&read(&path)?, &names))).await.map_err(|e| self.unusable("read the known hosts", &e))
    }

    /// Accepts the key that a host shows, or says why not; learns it where that is asked for.
    pub(super) async fn check(&self, pins: &Pins, host: &str, port: u16, shown: &PublicKeyOrCertificate) -> Result<(), Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut verdict = pins.judge(shown, host, now);
        let key = shown.public_key();
        if verdict == Verdict::Unknown && self.learn {
            verdict = self.add(host, port, key.clone()).await?;
        }
        self.explain(verdict, host, port, &key)
    }

    /// Pins `key` unless somebody was faster, and judges it by what is in the file then.
    async fn add(&self, host: &str, port: u16, key: PublicKey) -> Result<Verdict, Failure> {
        let names = Names::new(host, port);
        let (path, host) = (self.path.clone(), host.to_owned());
        let learnt = blocking(move || {
            let mut verdict = Verdict::Known;
            change(&path, |mut text| {
                verdict = Pins::of(&text, &names).judge(&key.clone().into(), &host, 0);
                if verdict != Verdict::Unknown {
                    return None;
                }
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(&line(&host, port, &plain_line(&key)?));
                text.push('\n');
                verdict = Verdict::Known;
                Some(text)
            })?;
            Ok(verdict)
        });
        learnt.await.map_err(|e| self.unusable("learn a host key", &e))
    }

    fn explain(&self, verdict: Verdict, host: &str, port: u16, key: &PublicKey) -> Result<(), Failure> {
        let names = Names::new(host, port);
        let (name, file, shown) = (names.canonical(), self.path.display(), describe(key));
        let refused = |got: String, next: String| {
            Err(Failure::refused("check the host key", got).at(super::target::host_port(host, port)).next(next))
        };
        match verdict {
            Verdict::Known => Ok(()),
            Verdict::Unknown => refused(
                format!("it shows {shown}, and {file} knows no key of it"),
                format!("compare the fingerprint with the server's console, then add its key to {file} as {name}"),
            ),
            Verdict::Changed { known } => {
                let known: Vec<_> = known.iter().map(|(line, key)| format!("{} (line {line})", describe(key))).collect();
                refused(
                    format!("its key changed: it shows {shown}, but {file} knows {}", known.join(" and ")),
                    format!(
                        "if the server was rebuilt, forget the old key: ssh-keygen -f {file} -R '{name}'; otherwise \
                         somebody may sit between you and it"
                    ),
                )
            }
            Verdict::Revoked { line } => refused(
                format!("it shows {shown}, which line {line} of {file} revokes"),
                "give the server a new host key".to_owned(),
            ),
            Verdict::Unreadable { line } => refused(
                format!("it shows {shown}, but its key in line {line} of {file} cannot be read"),
                format!("correct or remove line {line} of {file}"),
            ),
        }
    }

    fn unusable(&self, tried: &str, error: &io::Error) -> Failure {
        Failure::broken(tried, error).at(self.path.display()).next("make sure that you own the file and its directory")
    }
}

/// The line that pins a host's key (`ssh-ed25519 AAAA…`), in the form that OpenSSH looks for: the port is named only when
/// it is not 22. Without a line feed.
pub fn line(host: &str, port: u16, host_key: &str) -> String {
    format!("{} {}", Names::new(host, port).canonical(), host_key.trim())
}

/// Type and fingerprint: `ssh-ed25519 SHA256:…`.
pub(super) fn describe(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// A file that is not there is empty; one byte that is no text spoils only its own line.
fn read(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(e),
    }
}

/// Replaces the file by what `edit` makes of it, whole or not at all, one at a time over all processes. The lock is
/// on the directory, since the file itself is a new one after each change.
fn change(path: &Path, edit: impl FnOnce(String) -> Option<String>) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let lock = Flock::lock(File::open(dir)?, FlockArg::LockExclusive).map_err(|(_, e)| io::Error::from(e))?;
    let Some(text) = edit(read(path)?) else { return Ok(()) };
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    // One that a crash left behind.
    if let Err(e) = fs::remove_file(&new)
        && e.kind() != io::ErrorKind::NotFound
    {
        return Err(e);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    fs::rename(&new, path)?;
    drop(lock);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use russh::keys::key::safe_rng;
    use russh::keys::{Algorithm, PrivateKey};

    use super::*;
    use crate::model::Class;

    fn new_key() -> PublicKeyOrCertificate {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap().public_key().clone().into()
    }

    async fn meet(known: &KnownHosts, host: &str, key: &PublicKeyOrCertificate) -> Result<(), Failure> {
        let pins = known.pins(host, 22).await?;
        known.check(&pins, host, 22, key).await
    }

    #[tokio::test]
    async fn first_contact_is_learnt_then_pinned_then_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster/known_hosts");
        let known = KnownHosts::learn(&path);
        let (a, b) = (new_key(), new_key());
        meet(&known, "h", &a).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        meet(&known, "h", &a).await.unwrap();
        let changed = meet(&known, "h", &b).await.unwrap_err();
        assert_eq!(changed.class, Class::Refused);
        for key in [&a, &b] {
            let print = key.public_key().fingerprint(HashAlg::Sha256).to_string();
            assert!(changed.got.contains(&print), "{changed}");
        }
        assert!(changed.next.contains("ssh-keygen -f"), "{changed}");
        known.forget("h", 22).await.unwrap();
        meet(&KnownHosts::file(&path), "h", &b).await.unwrap_err();
        meet(&known, "h", &b).await.unwrap();
        meet(&KnownHosts::file(&path), "h", &b).await.unwrap();
    }

    #[test]
    fn a_line_has_the_form_that_openssh_looks_for() {
        assert_eq!(line("10.0.0.1", 22, "ssh-ed25519 AAAA\n"), "10.0.0.1 ssh-ed25519 AAAA");
        assert_eq!(line("::1", 2222, "ssh-ed25519 AAAA"), "[::1]:2222 ssh-ed25519 AAAA");
    }

    #[tokio::test]
    async fn a_strict_file_accepts_nobody_new_and_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let known = KnownHosts::file(dir.path().join("known_hosts"));
        let unknown = meet(&known, "h", &new_key()).await.unwrap_err();
        assert_eq!((unknown.class, unknown.at.as_str()), (Class::Refused, "h:22"));
        known.forget("h", 22).await.unwrap();
        assert!(!known.path().exists());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_tasks_learn_at_once_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let known = KnownHosts::learn(dir.path().join("known_hosts"));
        // Every host is met twice, with two keys: exactly one of them is pinned.
        let meetings = (0..100).map(|i| {
            let known = known.clone();
            tokio::spawn(async move { meet(&known, &format!("host-{}", i / 2), &new_key()).await.is_ok() })
        });
        let met = futures::future::join_all(meetings).await.into_iter().filter(|met| *met.as_ref().unwrap()).count();
        assert_eq!(met, 50);
        assert_eq!(read(known.path()).unwrap().lines().count(), 50);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let known = KnownHosts::learn(dir.path());
        let broken = known.pins("h", 22).await.unwrap_err();
        assert_eq!(broken.class, Class::Broken);
        assert_eq!(broken.at, dir.path().display().to_string());
    }
}
