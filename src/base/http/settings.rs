//! How a place is talked to.

use std::path::PathBuf;
use std::time::Duration;

use super::Retries;

/// Settings of one place.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    pub tls: Tls,
    pub times: Times,
    pub retries: Retries,
    /// Longest body of an answer that is read into memory, bytes, after decompression.
    pub longest: u64,
    /// A socket of this computer that all calls go through; what host their addresses name says nothing then.
    pub socket: Option<PathBuf>,
    /// Nothing newer than HTTP/1.1: only that can be upgraded to something else.
    pub only_http1: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tls: Tls::default(),
            times: Times::default(),
            retries: Retries::default(),
            longest: 64 << 20,
            socket: None,
            only_http1: false,
        }
    }
}

/// Who is trusted, and who we are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
    /// Whether certificates are checked.
    pub verify: bool,
    /// PEM file of further authorities, beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// PEM file of our own certificate; its key may be in it.
    pub certificate: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { verify: true, ca_file: None, certificate: None, key: None }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the head of the answer, from the last byte of the request that went out.
    pub head: Duration,
    /// For the next piece of a body.
    pub idle: Duration,
    /// An unused connection is kept this long. Shorter than servers commonly do, so that they do not close first.
    pub keep: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), head: seconds(60), idle: seconds(30), keep: seconds(30) }
    }
}
