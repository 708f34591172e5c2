//! Keys: made for clusters, and read from files to log in.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, decode_secret_key, key::safe_rng};
use secrecy::{ExposeSecret, SecretString};

use super::Auth;
use super::known::describe;
use crate::model::Failure;

/// A new key pair.
#[derive(Debug)]
pub struct KeyFile {
    /// OpenSSH PEM, not encrypted; belongs in a 0600 file.
    pub private: SecretString,
    /// One line: `ssh-ed25519 AAAA… comment`.
    pub public: String,
}

/// Makes an ed25519 key pair. Control characters in `comment` become spaces.
///
/// # Errors
/// `Broken` when the key cannot be encoded.
pub fn generate(comment: &str) -> Result<KeyFile, Failure> {
    let failed = |e: russh::keys::ssh_key::Error| Failure::broken("make an SSH key", e);
    let mut key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(failed)?;
    key.set_comment(comment.replace(char::is_control, " "));
    let private = key.to_openssh(LineEnding::LF).map_err(failed)?;
    let public = key.public_key().to_openssh().map_err(failed)?;
    Ok(KeyFile { private: SecretString::from(private.as_str()), public })
}

/// A private key that can sign, with its certificate if there is one.
#[derive(Debug)]
pub(super) struct OwnKey {
    pub key: Arc<PrivateKey>,
    pub certificate: Option<Certificate>,
    /// For messages: the key's file, type and fingerprint.
    pub name: String,
}

/// What there is to log in with.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    pub own: Vec<OwnKey>,
    pub agent: Option<PathBuf>,
    /// Public halves of encrypted key files: the agent may hold the rest.
    pub wanted: Vec<PublicKey>,
    /// Why a key file is of no use, each with what to do about it.
    pub useless: Vec<Failure>,
}

impl Proofs {
    /// Reads the key files.
    ///
    /// # Errors
    /// That of the first useless key, when there is nothing else to log in with.
    pub async fn load(auth: &Auth) -> Result<Self, Failure> {
        let auth = auth.clone();
        let read = move || Self::read(&auth);
        tokio::task::spawn_blocking(read).await.map_err(|e| Failure::broken("read SSH keys", e))?
    }

    fn read(auth: &Auth) -> Result<Self, Failure> {
        let mut proofs = Self { agent: auth.agent.clone(), ..Self::default() };
        for path in &auth.keys {
            if let Err(useless) = proofs.read_file(path) {
                proofs.useless.push(useless);
            }
        }
        if let Some(data) = &auth.key_data {
            let key = decode_secret_key(data.expose_secret(), None)
                .map_err(|e| unreadable("the key in memory", &e).next("hand in an unencrypted OpenSSH or PEM key"))?;
            proofs.add(key, None, "the key in memory");
        }
        if proofs.own.is_empty() && proofs.agent.is_none() {
            let none = || Failure::refused("log in over SSH", "there is neither a key nor an agent to log in with");
            return Err(proofs.useless.into_iter().next().unwrap_or_else(|| none().next("name a key file, or start ssh-agent")));
        }
        Ok(proofs)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Failure> {
        let path = &at_home(path);
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                Failure::not_found("read the SSH key", "no such file").at(&shown).next("check the path of the key file")
            }
            _ => Failure::refused("read the SSH key", e).at(&shown).next("check who may read the key file"),
        })?;
        let text = SecretString::from(text);
        if std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0) {
            tracing::warn!("others may read the SSH key {shown}; chmod 600 {shown}");
        }
        match decode_secret_key(text.expose_secret(), None) {
            Ok(key) => {
                let certificate = russh::keys::load_openssh_certificate(beside(path, "-cert.pub")).ok();
                self.add(key, certificate, &shown);
                Ok(())
            }
            Err(russh::keys::Error::KeyIsEncrypted) => {
                let public = PrivateKey::from_openssh(text.expose_secret()).map(|key| key.public_key().clone());
                self.wanted.extend(public.ok().or_else(|| russh::keys::load_public_key(beside(path, ".pub")).ok()));
                Err(Failure::refused("use the SSH key", "it is encrypted")
                    .at(&shown)
                    .next(format!("load it into ssh-agent (ssh-add {shown}) and connect with SSH_AUTH_SOCK set")))
            }
            Err(e) => Err(unreadable(&shown, &e).next("hand in a private key in OpenSSH or PEM form")),
        }
    }

    fn add(&mut self, key: PrivateKey, certificate: Option<Certificate>, origin: &str) {
        let name = format!("{origin} ({})", describe(key.public_key()));
        self.own.push(OwnKey { key: Arc::new(key), certificate, name });
    }
}

fn unreadable(at: &str, error: &russh::keys::Error) -> Failure {
    Failure::refused("read the SSH key", error).at(at)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// `~/x` is a file in the home directory.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Class;

    // Made by ssh-keygen with the passphrase `secret`.
    const ENCRYPTED: &str = include_str!("../../tests/data/ssh/encrypted");

    #[test]
    fn a_new_key_is_one_line_and_its_own_every_time() {
        let key = generate("quarterdeck hello\nroot ssh-rsa AAAA").unwrap();
        assert_eq!(key.public.lines().count(), 1);
        assert!(key.public.starts_with("ssh-ed25519 AAAA") && key.public.ends_with("hello root ssh-rsa AAAA"));
        let back = PrivateKey::from_openssh(key.private.expose_secret()).unwrap();
        assert_eq!(back.public_key().to_openssh().unwrap(), key.public);
        assert_ne!(key.public, generate("quarterdeck hello").unwrap().public);
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[tokio::test]
    async fn an_encrypted_key_names_the_agent_and_is_looked_for_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id");
        std::fs::write(&path, ENCRYPTED).unwrap();
        let mut auth = Auth { keys: vec![path.clone()], ..Auth::default() };
        let failure = Proofs::load(&auth).await.unwrap_err();
        assert_eq!(failure.class, Class::Refused);
        assert!(failure.next.contains("ssh-agent") && failure.next.contains("ssh-add"), "{failure}");
        assert_eq!(failure.at, path.display().to_string());
        auth.agent = Some(dir.path().join("agent"));
        let proofs = Proofs::load(&auth).await.unwrap();
        assert_eq!((proofs.own.len(), proofs.wanted.len(), proofs.useless.len()), (0, 1, 1));
    }

    #[tokio::test]
    async fn missing_and_broken_keys_say_so() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Auth { keys: vec![dir.path().join("none")], ..Auth::default() };
        assert_eq!(Proofs::load(&missing).await.unwrap_err().class, Class::NotFound);
        let path = dir.path().join("id");
        std::fs::write(&path, "ssh-ed25519 AAAA not a private key").unwrap();
        let broken = Auth { keys: vec![path], ..Auth::default() };
        assert_eq!(Proofs::load(&broken).await.unwrap_err().class, Class::Refused);
        assert!(Proofs::load(&Auth::default()).await.unwrap_err().next.contains("ssh-agent"));
    }
}
