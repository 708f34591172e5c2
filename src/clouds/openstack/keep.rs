//! A token in a file of ours, for the next start of the engine: only where the settings ask for it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::identity;
use super::session::Token;
use super::wire::TokenBody;
use crate::base::files::write_private;
use crate::model::Time;
use crate::model::account::OpenstackAccount;

/// Less than this left is not worth a file.
const WORTH: i64 = 300_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of which account: a token of another one is not used.
    account: String,
    /// Milliseconds since 1970.
    ends: i64,
    token: String,
    body: TokenBody,
}

/// What an account is, credentials included, without saying them.
fn mark(account: &OpenstackAccount) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{}\n{:?}\n{:?}\n", account.auth_url, account.scope, account.auth));
    for secret in identity::secrets(&account.auth) {
        hash.update(secret.expose());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps a token that ends at `ends`. That it cannot be kept costs a log-in and nothing else.
pub fn write(path: &Path, account: &OpenstackAccount, token: &Token, ends: Time) {
    let kept =
        Kept { account: mark(account), ends: ends.0, token: token.secret.expose_secret().to_owned(), body: token.body.clone() };
    let text = zeroize::Zeroizing::new(serde_json::to_vec(&kept).unwrap_or_default());
    if let Err(failure) = write_private(path, &text) {
        tracing::warn!(%failure, "the token is not kept");
    }
}

/// The token of this account that is kept, if it holds for a while.
pub fn read(path: &Path, account: &OpenstackAccount, now: Time) -> Option<Token> {
    if std::fs::metadata(path).ok()?.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "a token that others can read is not used");
        return None;
    }
    let text = zeroize::Zeroizing::new(std::fs::read(path).ok()?);
    let kept: Kept = serde_json::from_slice(&text).ok()?;
    let left = kept.ends - now.0;
    if kept.account != mark(account) || left < WORTH {
        return None;
    }
    let left = Duration::from_millis(u64::try_from(left).ok()?);
    Some(Token { secret: SecretString::from(kept.token), body: kept.body, until: Instant::now() + left / 2 })
}

/// Forgets a token.
pub fn drop(path: &Path) {
    let _ = std::fs::remove_file(path);
}
