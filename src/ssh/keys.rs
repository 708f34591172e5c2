//! Keys of clusters.

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use secrecy::SecretString;

use crate::model::Failure;

/// A new key pair.
#[derive(Debug)]
pub struct KeyFile {
    /// OpenSSH PEM, not encrypted; belongs in a 0600 file.
    pub private: SecretString,
    /// One line: `ssh-ed25519 AAAA… comment`.
    pub public: String,
}

/// Makes an ed25519 key pair. Line feeds in `comment` become spaces.
///
/// # Errors
/// `Broken` when the key cannot be encoded.
pub fn generate(comment: &str) -> Result<KeyFile, Failure> {
    let failed = |e: russh::keys::ssh_key::Error| Failure::broken("make an SSH key", e);
    let mut key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(failed)?;
    key.set_comment(comment.split(char::is_control).collect::<Vec<_>>().join(" "));
    let private = key.to_openssh(LineEnding::LF).map_err(failed)?;
    let public = key.public_key().to_openssh().map_err(failed)?;
    Ok(KeyFile { private: SecretString::from(private.as_str()), public })
}
