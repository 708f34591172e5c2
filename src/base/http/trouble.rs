//! Calls that brought no answer, and what to say of them.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use super::request::Request;
use crate::model::{Class, Failure};

/// Why there is no answer.
#[derive(Debug)]
pub enum Trouble {
    /// No connection was made: nothing was sent.
    Connect(String),
    /// A certificate is not to be trusted, or the two sides do not agree on TLS.
    Tls(String),
    /// No head of an answer came in time.
    NoHead(Duration),
    /// The connection broke before the answer began.
    Broken(String),
    /// The connection broke within the body.
    Cut { so_far: u64, why: String },
    /// The body stopped coming.
    Stalled { so_far: u64, idle: Duration },
    /// The body is longer than allowed (bytes).
    TooLong(u64),
    /// A file to be sent cannot be read.
    File { path: PathBuf, error: std::io::Error },
    /// One redirect leads to the next.
    Loop,
    /// This computer has no certificate of any authority.
    NoRoots(String),
    /// The request itself makes no sense.
    Request(String),
}

impl Trouble {
    /// What an error of the client below means.
    pub fn of(error: reqwest::Error) -> Self {
        let why = words(&error);
        if let Some(io) = cause::<std::io::Error>(&error).filter(|io| io.get_ref().is_some_and(is_tls)) {
            return Self::Tls(io.to_string());
        }
        if error.is_connect() || error.is_dns() {
            if why.contains("certificate") || why.contains("TLS") {
                return Self::Tls(why);
            }
            return Self::Connect(if error.is_timeout() { "no connection within the time allowed".to_owned() } else { why });
        }
        if error.is_builder() { Self::Request(why) } else { Self::Broken(why) }
    }

    /// Whether the same call may work a moment later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::NoHead(_) | Self::Broken(_) | Self::Cut { .. } | Self::Stalled { .. })
    }

    /// Whether the other side has surely not begun with it.
    pub fn unbegun(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// What to say of it.
    pub fn failure(&self, request: &Request) -> Failure {
        let (class, got, next) = match self {
            Self::Connect(why) => {
                (Class::Transient, why.clone(), "check the address, the network and, where one is needed, the proxy")
            }
            Self::Tls(why) => (Class::Refused, why.clone(), "name the authority's certificate (cacert), or check the address"),
            Self::NoHead(time) => (Class::Transient, format!("no answer within {} s", time.as_secs_f64()), ""),
            Self::Broken(why) => (Class::Transient, format!("the connection was cut before the answer came: {why}"), ""),
            Self::Cut { so_far, why } => (Class::Transient, format!("the answer was cut after {so_far} bytes: {why}"), ""),
            Self::Stalled { so_far, idle } => {
                (Class::Transient, format!("the answer stopped for {} s after {so_far} bytes", idle.as_secs_f64()), "")
            }
            Self::TooLong(most) => (Class::Broken, format!("the answer is longer than {most} bytes"), "check the address"),
            Self::File { path, error } => {
                (Class::Refused, format!("{}: {error}", path.display()), "check the file and its rights")
            }
            Self::Loop => (Class::Refused, "one redirect leads to the next".to_owned(), "check the address"),
            Self::NoRoots(why) => (Class::Refused, why.clone(), "install ca-certificates, or name a CA file (cacert)"),
            Self::Request(why) => (Class::Broken, why.clone(), ""),
        };
        Failure::new(class, request.tried(), request.fit(&got)).at(request.at()).next(next)
    }
}

/// An error of the client below in words: what lies at the bottom of it, without addresses.
pub fn words(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = last.to_string();
    if std::ptr::eq(last as *const dyn Error as *const u8, error as *const reqwest::Error as *const u8) {
        // Nothing lies below it: its own words may name the address with its query.
        return text.split(" for url (").next().unwrap_or_default().to_owned();
    }
    text
}

fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        at = error.source();
    }
    None
}

fn is_tls(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let text = error.to_string();
    ["certificate", "handshake", "TLS", "peer is incompatible"].iter().any(|word| text.contains(word))
}
