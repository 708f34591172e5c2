//! Carries bytes between this terminal and a shell on a node.

use std::io::IsTerminal;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{self, Options};
use crate::model::Failure;
use crate::protocol::StreamRequest;
use crate::protocol::frame::Frame;

use super::exit::{Ended, Stop};
use super::out::remark;
use super::ssh::passed_on;

/// Bytes read from stdin at once.
const CHUNK: usize = 16 * 1024;

/// Opens the stream and serves it until the remote side ends.
///
/// # Errors
/// The stream cannot be opened, or the line to the engine is lost.
pub async fn carry(options: &Options, request: StreamRequest) -> Ended {
    let pty = matches!(&request, StreamRequest::Shell { pty: Some(_), .. } | StreamRequest::ServerShell { pty: Some(_), .. });
    let stream = client::stream(options, request).await?;
    // From here to the end the terminal hands on every key, Ctrl-C included.
    let raw = if pty { Some(Raw::set()?) } else { None };
    let ended = pump(stream, raw.is_some()).await;
    drop(raw);
    let exit = ended?;
    if let Some(failure) = &exit.failure {
        remark(&format!("quarterdeck: {failure}"));
    }
    Ok(passed_on(&exit))
}

async fn pump(stream: client::Stream, raw: bool) -> Result<crate::protocol::frame::Exit, Stop> {
    let lost = |error: std::io::Error| Failure::transient("talk to the shell", error).next("the line to the engine was lost");
    let (mut to, mut from) = stream.split();
    let mut resized = signal(SignalKind::window_change()).map_err(lost)?;
    let (mut stdin, mut stdout, mut stderr) = (tokio::io::stdin(), tokio::io::stdout(), tokio::io::stderr());
    let mut chunk = BytesMut::with_capacity(CHUNK);
    let mut open = raw || !std::io::stdin().is_terminal();
    loop {
        tokio::select! {
            frame = from.next() => match frame {
                Some(Ok(Frame::Data(bytes))) => write(&mut stdout, &bytes).await?,
                Some(Ok(Frame::Error(bytes))) => write(&mut stderr, &bytes).await?,
                Some(Ok(Frame::Exit(exit))) => return Ok(exit),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(lost(error).into()),
                None => return Err(super::session::closed().into()),
            },
            read = stdin.read_buf(&mut chunk), if open => {
                let ended = matches!(read, Ok(0) | Err(_));
                let frame = if ended { Frame::Eof } else { Frame::Data(chunk.split().freeze()) };
                // Who listens no more has said why: that is read next.
                open = to.send(frame).await.is_ok() && !ended;
            }
            _ = resized.recv(), if raw => {
                if let Ok((cols, rows)) = crossterm::terminal::size() {
                    let _ = to.send(Frame::Resize { cols, rows }).await;
                }
            }
        }
    }
}

async fn write(to: &mut (impl AsyncWriteExt + Unpin), bytes: &Bytes) -> Result<(), Stop> {
    to.write_all(bytes).await?;
    to.flush().await?;
    Ok(())
}

/// The terminal in raw mode, until dropped.
struct Raw;

impl Raw {
    fn set() -> Result<Self, Failure> {
        crossterm::terminal::enable_raw_mode().map_err(|error| Failure::broken("prepare the terminal", error))?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}
