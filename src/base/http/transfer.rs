//! Bodies too large for memory.

use std::time::Instant;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::answer::Answer;
use super::request::Request;
use super::{Http, chunk};
use crate::base::Cx;
use crate::model::Failure;

/// What came of a download.
#[derive(Clone, Debug)]
pub struct Download {
    /// The head of the answer; its body is empty where it went into the file.
    pub answer: Answer,
    /// Bytes that were written.
    pub bytes: u64,
}

impl Http {
    /// Writes the body of the answer to `into` as it comes, with progress. An answer that does not say that all
    /// went well is returned whole instead. Not repeated: what was written is the caller's, who can ask for the
    /// rest with a `Range`.
    ///
    /// # Errors
    /// No answer, a body that is cut or stops, or `into` cannot be written.
    pub async fn download(
        &self,
        cx: &Cx,
        request: &Request,
        into: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<Download, Failure> {
        let began = Instant::now();
        let work = async {
            let mut response = self.head(request).await.map_err(|trouble| trouble.failure(request))?;
            if !response.status().is_success() {
                let answer = self.whole(response).await.map_err(|trouble| trouble.failure(request))?;
                return Ok(Download { answer, bytes: 0 });
            }
            let total = response.content_length();
            let answer = Answer { status: response.status(), headers: response.headers().clone(), body: bytes::Bytes::new() };
            let mut bytes = 0;
            let written = |e| Failure::broken(request.tried(), e).next("make room for it");
            while let Some(piece) =
                chunk(&mut response, self.settings.times.idle, bytes).await.map_err(|trouble| trouble.failure(request))?
            {
                into.write_all(&piece).await.map_err(written)?;
                bytes += piece.len() as u64;
                cx.progress.progress(bytes, total, "received");
            }
            into.flush().await.map_err(written)?;
            Ok(Download { answer, bytes })
        };
        let result = cx.run(request.tried(), work).await.map_err(|f| request.placed(f));
        let done = result.as_ref().ok();
        self.tell(request, done.map(|d| d.answer.status), done.map_or(0, |d| d.bytes), began, 1);
        result
    }
}
