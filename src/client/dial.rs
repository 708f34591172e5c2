//! Getting a line to the engine of a home, and the first words on it.

use std::io;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio_util::codec::Framed;

use super::{Options, launch};
use crate::config::paths::{SocketPath, check_private};
use crate::model::{Class, Failure};
use crate::protocol::line::{LineCodec, one_line};
use crate::protocol::{Bye, FromEngine, Hello, Welcome};

/// How long the engine may take to say its first word.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a line that breaks before the first word is tried, and the pause in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// What every message about the line begins with.
pub const ATTACH: &str = "attach to the engine";

/// Anything that carries bytes both ways.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Gets a line, each time it is asked.
#[async_trait]
pub trait Dial: Send {
    /// A fresh line. With `start`, an engine is started where there is none.
    async fn dial(&mut self, start: bool) -> Result<Box<dyn Io>, Failure>;
}

/// A line as text.
pub type Lines = Framed<Box<dyn Io>, LineCodec>;

/// Gets lines to the socket of a home.
pub struct Socket(pub Options);

#[async_trait]
impl Dial for Socket {
    async fn dial(&mut self, start: bool) -> Result<Box<dyn Io>, Failure> {
        Ok(Box::new(dial(&self.0, start).await?))
    }
}

/// A line to the socket of a home.
///
/// # Errors
/// There is no engine and none is to be started, or it could not be started.
pub async fn dial(options: &Options, start: bool) -> Result<UnixStream, Failure> {
    match knock(options).await? {
        Some(stream) => Ok(stream),
        None if start && options.watch.is_none() => launch::launch(options).await,
        None => {
            let (dir, name) = options.socket();
            Err(Failure::not_found(ATTACH, "no engine runs for this home")
                .at(dir.join(name).display())
                .next("quarterdeck engine start"))
        }
    }
}

/// A line, `None` when nobody listens.
///
/// # Errors
/// The folder of the socket is not private: whoever can write there could pose as the engine.
pub async fn knock(options: &Options) -> Result<Option<UnixStream>, Failure> {
    // Reset: it ended before it took this call, or is about to execute itself anew.
    let nobody = |e: &io::Error| {
        matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
    };
    let (dir, name) = options.socket();
    let fail = |e: io::Error| Failure::broken(ATTACH, e).at(dir.join(name).display());
    let short = match SocketPath::of(dir, name) {
        Ok(short) => short,
        Err(e) if nobody(&e) => return Ok(None),
        Err(e) => return Err(fail(e)),
    };
    if options.watch.is_none() {
        check_private(dir)?;
    }
    match UnixStream::connect(short.path()).await {
        Ok(stream) => Ok(Some(stream)),
        Err(e) if nobody(&e) => Ok(None),
        Err(e) => Err(fail(e)),
    }
}

/// Gets a line and says hello. An engine that ends in between (killed, or on its way out) is met again by the next
/// try, which starts another one where it may.
///
/// # Errors
/// As [`dial`] and [`greet`].
pub async fn attach(dial: &mut impl Dial, start: bool, hello: &Hello) -> Result<(Lines, Welcome), Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        let begun = Instant::now();
        let lost = match greet(dial.dial(start).await?, hello).await {
            // One that does not answer is there: another try would find the same.
            Err(failure) if start && failure.class == Class::Transient && begun.elapsed() < PATIENCE => failure,
            met => return met,
        };
        if tries >= TRIES {
            return Err(lost);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Says hello and hears the engine's first word.
///
/// # Errors
/// The engine sends this client away, or says nothing that makes sense.
pub async fn greet<S: Io>(io: S, hello: &Hello) -> Result<(Framed<S, LineCodec>, Welcome), Failure> {
    let mut lines = Framed::new(io, LineCodec::default());
    let talk = async {
        lines.send(one_line(hello).map_err(|e| e.to_string())?).await.map_err(|e| e.to_string())?;
        match lines.next().await {
            Some(Ok(line)) => {
                serde_json::from_slice::<FromEngine>(&line).map_err(|e| format!("its first line makes no sense: {e}"))
            }
            Some(Err(e)) => Err(e.to_string()),
            None => Err("it closed the line".to_owned()),
        }
    };
    match tokio::time::timeout(PATIENCE, talk).await {
        Ok(Ok(FromEngine::Welcome(welcome))) => Ok((lines, welcome)),
        Ok(Ok(FromEngine::Bye(bye))) => Err(sent_away(bye)),
        Ok(Ok(_)) => Err(Failure::broken(ATTACH, "its first line is no welcome").next("quarterdeck engine restart")),
        Ok(Err(got)) => Err(Failure::transient(ATTACH, got)),
        Err(_) => Err(Failure::transient(ATTACH, "it does not answer").next("quarterdeck engine restart")),
    }
}

/// What a farewell of the engine means to people.
pub fn sent_away(bye: Bye) -> Failure {
    let class = if bye.again { Class::Transient } else { Class::Refused };
    Failure::new(class, ATTACH, bye.reason).next(bye.next)
}
