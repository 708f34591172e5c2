//! Where to connect, as whom, and with which proof on either side.

use std::path::PathBuf;

use secrecy::SecretString;

use super::KnownHosts;

/// An SSH server and how to log in to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address, IPv6 without brackets.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub auth: Auth,
    /// Where its host key is pinned.
    pub known: KnownHosts,
    /// The server that the connection goes through.
    pub via: Option<Box<Target>>,
}

impl Target {
    /// `host:port`, for people; IPv6 in brackets.
    pub fn address(&self) -> String {
        host_port(&self.host, self.port)
    }
}

/// `host:port`, for people; IPv6 in brackets.
pub(super) fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What proves who we are, tried in this order. Nothing is ever forwarded to the server.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// Private key files (OpenSSH or PEM). A certificate `FILE-cert.pub` beside one is offered first.
    pub keys: Vec<PathBuf>,
    /// A private key held in memory.
    pub key_data: Option<SecretString>,
    /// Socket of an ssh-agent.
    pub agent: Option<PathBuf>,
}
