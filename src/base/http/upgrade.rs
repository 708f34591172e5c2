//! Connections that become something else: after `101 Switching Protocols` the bytes are the caller's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use reqwest::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Http;
use super::request::Request;
use super::trouble::{Trouble, words};
use crate::base::Cx;
use crate::model::Failure;

/// The bytes of a connection that was upgraded.
#[derive(Debug)]
pub struct Wire(reqwest::Upgraded);

impl Http {
    /// Sends a request that asks for an upgrade (its headers say to what). Not repeated.
    ///
    /// # Errors
    /// No answer, or another one than `101`.
    pub async fn upgrade(&self, cx: &Cx, request: &Request) -> Result<Wire, Failure> {
        let began = Instant::now();
        let work = async {
            let response = self.head(request).await.map_err(|trouble| trouble.failure(request))?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let answer = self.whole(response).await.map_err(|trouble| trouble.failure(request))?;
                return Err(answer.failure(request));
            }
            response.upgrade().await.map(Wire).map_err(|error| Trouble::Broken(words(&error)).failure(request))
        };
        let result = cx.run(request.tried(), work).await.map_err(|f| request.placed(f));
        self.tell(request, result.as_ref().ok().map(|_| StatusCode::SWITCHING_PROTOCOLS), 0, began, 1);
        result
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
