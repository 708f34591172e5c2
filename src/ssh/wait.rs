//! Whether a node answers, and waiting until it does.

use super::Target;
use crate::base::Cx;
use crate::model::Failure;

/// What a probe found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// The server's host key, `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// Milliseconds from the first packet to the end of the login.
    pub took_ms: u64,
}

/// One attempt to connect and log in.
///
/// # Errors
/// As [`super::connect`].
pub async fn probe(_target: &Target, _cx: &Cx) -> Result<Probe, Failure> {
    unimplemented!()
}

/// Probes again and again until the node lets us in.
///
/// # Errors
/// The last probe's failure when the deadline passes or it cannot heal; `Cancelled`.
pub async fn wait(_target: &Target, _cx: &Cx) -> Result<Probe, Failure> {
    unimplemented!()
}
