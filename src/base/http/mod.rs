//! One transport for every REST interface: connections that are used again, time-outs, compression, limits,
//! retries of what may be repeated, texts of failures without secrets.
//!
//! A [`Http`] is for one place (a cloud, a registry): its TLS settings, its patience, its connections. Paging and
//! the meaning of answers are the driver's.

mod answer;
mod lines;
mod proxy;
mod request;
mod retry;
mod seen;
mod settings;
mod tls;
mod transfer;
mod trouble;
mod upgrade;

#[cfg(test)]
pub mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};

pub use answer::{Answer, message_of};
pub use lines::Lines;
pub use request::{Body, Pieces, Repeat, Request};
pub use reqwest::header;
pub use reqwest::{Method, StatusCode, Url};
pub use retry::Retries;
pub use seen::{Counter, Seen, Watch};
pub use settings::{Settings, Times, Tls};
pub use transfer::Download;
pub use upgrade::Wire;

use super::Cx;
use crate::model::Failure;
use request::Beat;
use trouble::Trouble;

/// How often a redirect within one host is followed.
const REDIRECTS: usize = 3;

/// A client of one place. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    settings: Settings,
    watch: Arc<dyn Watch>,
    /// Why `https` cannot work here.
    no_roots: Option<String>,
}

impl Http {
    /// A client with these settings; nothing is connected yet.
    ///
    /// # Errors
    /// A certificate or key file cannot be used; a proxy of the environment makes no sense.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        let (client, no_roots) = tls::client(&settings)?;
        Ok(Self { client, settings, watch: Arc::new(seen::Nobody), no_roots })
    }

    /// Tells `watch` of every call from now on.
    #[must_use]
    pub fn watched(mut self, watch: Arc<dyn Watch>) -> Self {
        self.watch = watch;
        self
    }

    /// Whether certificates are checked; when not, that is to be shown.
    pub fn verifies(&self) -> bool {
        self.settings.tls.verify
    }

    /// Sends a request and reads the whole answer, whatever its status; [`Answer::ok`] makes a failure of a bad
    /// one. What may be repeated is repeated first: see [`Repeat`].
    ///
    /// # Errors
    /// No answer came, or it is longer than allowed; cancelled, out of time.
    pub async fn send(&self, cx: &Cx, request: &Request) -> Result<Answer, Failure> {
        cx.run(request.tried(), self.with_retries(request)).await.map_err(|f| request.placed(f))
    }

    async fn with_retries(&self, request: &Request) -> Result<Answer, Failure> {
        let retries = &self.settings.retries;
        let mut attempt = 1;
        loop {
            let result = self.once(request, attempt).await;
            let pause = match &result {
                Ok(answer) => retries.after_answer(request.repeats(), answer, attempt),
                Err(trouble) => retries.after_trouble(request.repeats(), trouble, attempt),
            };
            let Some(pause) = pause else { return result.map_err(|trouble| trouble.failure(request)) };
            tracing::debug!(at = %request.at(), attempt, ?pause, "the call is repeated");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One attempt: the answer's head, then its body.
    async fn once(&self, request: &Request, attempt: u32) -> Result<Answer, Trouble> {
        let began = Instant::now();
        let result = async {
            let response = self.head(request).await?;
            self.whole(response).await
        }
        .await;
        let answer = result.as_ref().ok();
        self.tell(request, answer.map(|a| a.status), answer.map_or(0, |a| a.body.len() as u64), began, attempt);
        result
    }

    fn tell(&self, request: &Request, status: Option<StatusCode>, bytes: u64, began: Instant, attempt: u32) {
        let (at, took) = (request.at(), began.elapsed());
        let status = status.map(|status| status.as_u16());
        tracing::debug!(method = %request.method(), %at, status, bytes, ms = took.as_millis() as u64, attempt, "call");
        self.watch.call(&Seen { method: request.method().as_str(), at: &at, status, bytes, took, attempt });
    }

    /// Sends and waits for the head of the answer. Redirects within one host are followed where nothing is changed.
    async fn head(&self, request: &Request) -> Result<reqwest::Response, Trouble> {
        let mut url = request.url().clone();
        if url.scheme() == "https"
            && let Some(why) = &self.no_roots
        {
            return Err(Trouble::NoRoots(why.clone()));
        }
        for _ in 0..=REDIRECTS {
            let response = self.one_head(request, url.clone()).await?;
            match request.follows().then(|| redirect(&url, &response)).flatten() {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(Trouble::Loop)
    }

    async fn one_head(&self, request: &Request, url: Url) -> Result<reqwest::Response, Trouble> {
        let beat = Beat::default();
        let outgoing = request.build(&self.client, url, &beat).await?;
        let answer = std::pin::pin!(self.client.execute(outgoing));
        let patience = std::pin::pin!(beat.lost(self.settings.times.head));
        match select(answer, patience).await {
            Either::Left((result, _)) => result.map_err(Trouble::of),
            Either::Right(((), _)) => Err(Trouble::NoHead(self.settings.times.head)),
        }
    }

    async fn whole(&self, mut response: reqwest::Response) -> Result<Answer, Trouble> {
        let (status, headers) = (response.status(), response.headers().clone());
        let most = self.settings.longest;
        if response.content_length().is_some_and(|length| length > most) {
            return Err(Trouble::TooLong(most));
        }
        let mut body = Vec::new();
        while let Some(chunk) = chunk(&mut response, self.settings.times.idle, body.len() as u64).await? {
            if (body.len() + chunk.len()) as u64 > most {
                return Err(Trouble::TooLong(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.into() })
    }
}

/// The next piece of a body; `so_far` bytes of it came before.
async fn chunk(response: &mut reqwest::Response, idle: Duration, so_far: u64) -> Result<Option<bytes::Bytes>, Trouble> {
    match tokio::time::timeout(idle, response.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => Err(Trouble::Cut { so_far, why: trouble::words(&error) }),
        Err(_) => Err(Trouble::Stalled { so_far, idle }),
    }
}

/// Where a redirect leads, when that is on the same host.
fn redirect(from: &Url, response: &reqwest::Response) -> Option<Url> {
    let leads = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let to = response.headers().get(header::LOCATION).filter(|_| leads)?.to_str().ok()?;
    from.join(to).ok().filter(|to| to.origin() == from.origin())
}
