//! What russh and the operating system report, as failures that say where and what to do.

use std::io;
use std::time::Duration;

use russh::ChannelOpenFailure;

use super::Target;
use crate::model::text::clean;
use crate::model::{Class, Failure};

/// Why a session with a server ended: an error of the protocol, or a refusal of our own with its reason.
#[derive(Debug)]
pub(super) enum Broke {
    Wire(russh::Error),
    Refused(Box<Failure>),
}

impl From<russh::Error> for Broke {
    fn from(error: russh::Error) -> Self {
        Self::Wire(error)
    }
}

pub(super) const CONNECT: &str = "connect over SSH";

const IS_IT_UP: &str = "check that the server is up, that its address is right and that no firewall is in between";

/// The TCP connection could not be made.
pub(super) fn unreachable(target: &Target, error: &io::Error) -> Failure {
    let at = target.address();
    if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
        return Failure::broken(CONNECT, error)
            .at(at)
            .next("raise the limit of open files (ulimit -n) or connect to fewer at once");
    }
    let next = match error.kind() {
        io::ErrorKind::ConnectionRefused => "wait until its SSH server has started, or check the port",
        _ => IS_IT_UP,
    };
    Failure::transient(CONNECT, error).at(at).next(next)
}

/// Nothing came back in time.
pub(super) fn silent(target: &Target, what: &str, limit: Duration) -> Failure {
    Failure::transient(CONNECT, format!("{what} within {} s", limit.as_secs())).at(target.address()).next(IS_IT_UP)
}

/// The session ended before the login.
pub(super) fn handshake(target: &Target, broke: Broke) -> Failure {
    let error = match broke {
        Broke::Refused(failure) => return *failure,
        Broke::Wire(error) => error,
    };
    let at = target.address();
    match error {
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            let theirs = clean(&theirs.join(", ")).into_owned();
            Failure::refused(CONNECT, format!("no common {kind:?} algorithm; the server offers {theirs}"))
                .at(at)
                .next("update the server's SSH server, or allow it a current algorithm")
        }
        russh::Error::Version => Failure::refused(CONNECT, "what answers there is no SSH server").at(at).next("check the port"),
        russh::Error::WrongServerSig | russh::Error::StrictKeyExchangeViolation { .. } => {
            Failure::refused(CONNECT, error).at(at).next("somebody may sit between you and the server; try from another network")
        }
        other => closed(&at, CONNECT, &reason(&other)),
    }
}

/// The connection is gone.
pub(super) fn closed(at: &str, tried: &str, why: &str) -> Failure {
    Failure::transient(tried, why).at(at).next("try again; if it happens again, look at the SSH server's log")
}

/// The error in words for people.
pub(super) fn reason(error: &russh::Error) -> String {
    match error {
        russh::Error::HUP | russh::Error::Disconnect | russh::Error::SendError | russh::Error::RecvError => {
            "the server closed the connection".to_owned()
        }
        russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout => "the server stopped answering".to_owned(),
        russh::Error::IO(e) if e.kind() == io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

/// The server would not open a channel.
pub(super) fn not_opened(at: &str, tried: &str, reason: &ChannelOpenFailure) -> Failure {
    let (class, got, next) = match reason {
        ChannelOpenFailure::AdministrativelyProhibited => (
            Class::Refused,
            "the server does not allow it".to_owned(),
            "check MaxSessions and AllowTcpForwarding in its sshd_config",
        ),
        ChannelOpenFailure::ConnectFailed => (Class::Transient, "the server could not connect".to_owned(), IS_IT_UP),
        ChannelOpenFailure::ResourceShortage => {
            (Class::Transient, "the server is short of resources".to_owned(), "try again later")
        }
        ChannelOpenFailure::UnknownChannelType => {
            (Class::Refused, "the server does not know such a channel".to_owned(), "use a full SSH server on the node")
        }
        ChannelOpenFailure::Other { code, reason } => {
            (Class::Refused, format!("{} (code {code})", clean(reason)), "look at the SSH server's log")
        }
    };
    Failure::new(class, tried, got).at(at).next(next)
}
