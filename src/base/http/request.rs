//! A call to be made: what, where, and what of it must not be told.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::unfold;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::trouble::Trouble;
use crate::base::Progress;
use crate::model::Failure;
use crate::model::text::clean;

/// Bytes of a file that are sent at once.
const PIECE: usize = 128 << 10;

/// What may be sent once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// It changes nothing, or the same again: after any trouble that may pass.
    Always,
    /// Only where the other side has surely not begun with it: no connection, 429, 503 with `Retry-After`.
    Unbegun,
    /// Not here.
    Never,
}

/// What is sent along.
#[derive(Clone)]
pub enum Body {
    Empty,
    Bytes(Bytes),
    /// What another task makes, once: such a request is not sent again.
    Pieces(Pieces),
    /// A file, streamed, with progress.
    File {
        path: PathBuf,
        length: u64,
        progress: Arc<dyn Progress>,
    },
}

/// A body that is made while it is sent.
#[derive(Clone)]
pub struct Pieces(Arc<Mutex<Option<Receiver<std::io::Result<Bytes>>>>>);

impl Pieces {
    /// The pieces that come through a channel.
    pub fn of(pieces: Receiver<std::io::Result<Bytes>>) -> Self {
        Self(Arc::new(Mutex::new(Some(pieces))))
    }

    fn body(&self, beat: Beat) -> Result<reqwest::Body, Trouble> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pieces = taken.ok_or_else(|| Trouble::Request("its body was sent already".to_owned()))?;
        Ok(reqwest::Body::wrap_stream(unfold((pieces, beat), |(mut pieces, beat)| async move {
            beat.beat();
            Some((pieces.recv().await?, (pieces, beat)))
        })))
    }
}

/// See the module.
#[derive(Clone)]
pub struct Request {
    tried: String,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Body,
    repeat: Repeat,
    hidden: Vec<SecretString>,
}

impl Request {
    /// A request without a body; `tried` is for messages: a verb phrase.
    pub fn new(method: Method, url: Url, tried: impl Into<String>) -> Self {
        let repeat = match method {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE => Repeat::Always,
            _ => Repeat::Unbegun,
        };
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Self { tried: tried.into(), method, url, headers, body: Body::Empty, repeat, hidden: Vec::new() }
    }

    /// Adds a header, in place of one of that name. A value that no header can carry is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds a header whose value appears in no text.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &SecretString) -> Self {
        if let (Ok(name), Ok(mut header)) = (HeaderName::try_from(name), HeaderValue::try_from(value.expose_secret())) {
            header.set_sensitive(true);
            self.headers.insert(name, header);
        }
        self.hide(value)
    }

    /// Keeps a secret of the body out of all texts, even where the other side repeats it.
    #[must_use]
    pub fn hide(mut self, secret: &SecretString) -> Self {
        self.hidden.push(secret.clone());
        self
    }

    /// Sends `value` as JSON.
    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        // Maps with odd keys are the one thing that JSON cannot say; ours have none.
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.header(CONTENT_TYPE.as_str(), "application/json").body(Body::Bytes(bytes.into()))
    }

    /// Sends a body; say its type with a header.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Says what may be repeated, where the method does not.
    #[must_use]
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    #[cfg(test)]
    pub(super) fn headers_for_tests(&self) -> &HeaderMap {
        &self.headers
    }

    pub fn tried(&self) -> &str {
        &self.tried
    }

    pub fn method(&self) -> &Method {
        &self.method
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    pub fn repeats(&self) -> Repeat {
        self.repeat
    }

    /// Whether a redirect is to be followed: only where nothing is sent.
    pub(super) fn follows(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Where it goes, for people: without query, user and password.
    pub fn at(&self) -> String {
        let mut url = self.url.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        url.to_string()
    }

    /// Text from outside, with our secrets taken out, fit to be shown.
    pub(super) fn fit(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.hidden.iter().map(|s| s.expose_secret()).filter(|s| s.len() > 2) {
            text = text.replace(secret, "***");
        }
        clean(&text).into_owned()
    }

    /// A failure with its place, if it has none.
    pub(super) fn placed(&self, failure: Failure) -> Failure {
        if failure.at.is_empty() { failure.at(self.at()) } else { failure }
    }

    /// The request as the client below takes it. `beat` beats when something goes out.
    pub(super) async fn build(&self, client: &reqwest::Client, url: Url, beat: &Beat) -> Result<reqwest::Request, Trouble> {
        let mut builder = client.request(self.method.clone(), url).headers(self.headers.clone());
        match &self.body {
            // A POST without a body says so: some servers insist.
            Body::Empty if matches!(self.method, Method::GET | Method::HEAD | Method::DELETE) => {}
            Body::Empty => builder = builder.header(CONTENT_LENGTH, 0),
            Body::Bytes(bytes) => builder = builder.body(bytes.clone()),
            Body::Pieces(pieces) => builder = builder.body(pieces.body(beat.clone())?),
            Body::File { path, length, progress } => {
                let unreadable = |e| Trouble::File { path: path.clone(), error: e };
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                builder = builder.header(CONTENT_LENGTH, *length).body(pieces(file, *length, progress.clone(), beat.clone()));
            }
        }
        builder.build().map_err(Trouble::of)
    }
}

/// A file in pieces, exactly `length` bytes of it.
fn pieces(file: tokio::fs::File, length: u64, progress: Arc<dyn Progress>, beat: Beat) -> reqwest::Body {
    let stream = unfold((file, 0u64), move |(mut file, sent)| {
        let (progress, beat) = (progress.clone(), beat.clone());
        async move {
            beat.beat();
            let left = length.saturating_sub(sent);
            if left == 0 {
                return None;
            }
            let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
            let read = match file.read(&mut piece).await {
                Ok(0) => Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent")),
                other => other,
            };
            Some(match read {
                Ok(count) => {
                    piece.truncate(count);
                    let sent = sent + count as u64;
                    progress.progress(sent, Some(length), "sent");
                    (Ok(Bytes::from(piece)), (file, sent))
                }
                Err(error) => (Err(error), (file, length)),
            })
        }
    });
    reqwest::Body::wrap_stream(stream)
}

/// The time of the last sign of life.
#[derive(Clone)]
pub struct Beat(Arc<Mutex<Instant>>);

impl Default for Beat {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Beat {
    /// Something went out.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Ends when there was no beat for `patience`.
    pub fn lost(&self, patience: Duration) -> impl Future<Output = ()> + use<> {
        let last = Arc::clone(&self.0);
        async move {
            loop {
                let end = *last.lock().unwrap_or_else(PoisonError::into_inner) + patience;
                if Instant::now() >= end {
                    return;
                }
                tokio::time::sleep_until(end).await;
            }
        }
    }
}
