//! The first lines of a connection: who is there, and whether the two sides understand each other.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Framed;

use super::Lines;
use crate::daemon::hall::{Guest, Hall, Peer};
use crate::engine::door::FrameIo;
use crate::protocol::frame::FrameCodec;
use crate::protocol::line::{LineCodec, one_line};
use crate::protocol::{Bye, FromEngine, Hello, Role, StreamRequest, VERSION};

/// How long a client may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way out when two versions do not understand each other.
const RESTART: &str = "quarterdeck engine restart";

/// What a connection turned out to be.
pub enum Opening<S> {
    Session { guest: Guest, hello: Box<Hello>, lines: Lines<S> },
    Stream { guest: Guest, request: StreamRequest, frames: Pin<Box<dyn FrameIo>> },
}

/// Hears the client's first line and lets it in; `None` when it is gone or was sent away.
pub async fn open<S>(hall: &Arc<Hall>, io: S, peer: Peer) -> Option<Opening<S>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut lines = Framed::new(io, LineCodec::default());
    let first = tokio::select! {
        first = tokio::time::timeout(PATIENCE, lines.next()) => first.ok()??,
        ending = hall.ended() => {
            say(&mut lines, FromEngine::Bye(ending.bye())).await;
            return None;
        }
    };
    let hello = first.map_err(|e| (e.to_string(), "")).and_then(|line| understand(&line).map_err(|e| (e, RESTART)));
    let hello = match hello.and_then(|hello| allowed(&hello, peer).map(|()| hello)) {
        Ok(hello) => hello,
        Err((reason, next)) => {
            tracing::info!(uid = peer.uid, reason, "a client was sent away");
            say(&mut lines, FromEngine::Bye(Bye { reason, next: next.to_owned(), again: false })).await;
            return None;
        }
    };
    let guest = hall.enter(&hello, peer);
    if !say(&mut lines, FromEngine::Welcome(hall.welcome(&guest.who))).await {
        return None;
    }
    Some(match hello.stream {
        Some(request) => Opening::Stream { guest, request, frames: Box::pin(lines.map_codec(|_| FrameCodec)) },
        None => Opening::Session { guest, hello: Box::new(hello), lines },
    })
}

/// Whether the client may come in as what it wants to be; else why not, and what to do.
fn allowed(hello: &Hello, peer: Peer) -> Result<(), (String, &'static str)> {
    let me = nix::unistd::geteuid().as_raw();
    if peer.role == Role::Operator && peer.uid != me {
        let reason = format!("this engine belongs to the account {me}, the client to {}", peer.uid);
        return Err((reason, "set QUARTERDECK_HOME to a folder of your own"));
    }
    if hello.stream.is_some() && (peer.role == Role::Watcher || hello.role == Role::Watcher) {
        return Err(("a watcher may look, not act: no shells and commands".to_owned(), "attach as operator"));
    }
    Ok(())
}

/// Reads a hello, or says why the two sides cannot talk.
fn understand(line: &[u8]) -> Result<Hello, String> {
    /// What every version of a hello has.
    #[derive(Deserialize)]
    struct Version {
        protocol: u32,
        program: String,
    }
    let mine = env!("CARGO_PKG_VERSION");
    let version: Version = serde_json::from_slice(line).map_err(|_| "the first line is no hello of quarterdeck".to_owned())?;
    if version.protocol > VERSION || version.protocol + 1 < VERSION {
        return Err(format!(
            "this engine is quarterdeck {mine} (protocol {VERSION}), the client is quarterdeck {} (protocol {}): they do not understand each other",
            crate::model::text::clean(&version.program),
            version.protocol
        ));
    }
    serde_json::from_slice(line).map_err(|e| format!("the hello makes no sense to quarterdeck {mine}: {e}"))
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(lines: &mut Lines<S>, message: FromEngine) -> bool {
    let Ok(line) = one_line(&message) else { return false };
    matches!(tokio::time::timeout(PATIENCE, lines.send(line)).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_told_both_versions() {
        let hello = |protocol: u32| format!(r#"{{"protocol":{protocol},"program":"9.9","shape":"new"}}"#);
        let reason = understand(hello(VERSION + 1).as_bytes()).unwrap_err();
        assert!(reason.contains("9.9") && reason.contains(env!("CARGO_PKG_VERSION")), "{reason}");
        assert!(understand(hello(VERSION).as_bytes()).unwrap_err().contains("makes no sense"));
        assert!(understand(b"GET / HTTP/1.1").unwrap_err().contains("no hello"));
    }
}
