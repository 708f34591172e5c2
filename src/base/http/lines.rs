//! Answers that come line by line, for as long as the other side has something to say.

use std::time::Instant;

use super::Http;
use super::request::Request;
use super::trouble::Trouble;
use crate::base::Cx;
use crate::model::Failure;

/// Longest line, bytes.
const LONGEST: usize = 32 << 20;

/// An answer of which there is more to come.
pub struct Lines {
    response: reqwest::Response,
    request: Request,
    /// What came and was not taken.
    rest: Vec<u8>,
    /// Where in `rest` the next line begins.
    at: usize,
    /// How far `rest` was searched for a line's end.
    searched: usize,
    so_far: u64,
}

impl Http {
    /// Sends a request whose answer is read line by line. Not repeated. The next line may be hours away: whoever reads
    /// decides how long to wait.
    ///
    /// # Errors
    /// No answer, or one that does not say that all went well.
    pub async fn lines(&self, cx: &Cx, request: &Request) -> Result<Lines, Failure> {
        let began = Instant::now();
        let work = async {
            let response = self.head(request).await.map_err(|trouble| trouble.failure(request))?;
            if response.status().is_success() {
                return Ok(Lines { response, request: request.clone(), rest: Vec::new(), at: 0, searched: 0, so_far: 0 });
            }
            let answer = self.whole(response).await.map_err(|trouble| trouble.failure(request))?;
            Err(answer.failure(request))
        };
        let result = cx.run(request.tried(), work).await.map_err(|f| request.placed(f));
        self.tell(request, result.as_ref().ok().map(|lines| lines.response.status()), 0, began, 1);
        result
    }
}

impl Lines {
    /// The next line, without its end; none when there is no more. Cancel-safe.
    ///
    /// # Errors
    /// The connection is cut, or a line is longer than 32 MiB.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(end) = self.rest[self.searched..].iter().position(|b| *b == b'\n') {
                let end = self.searched + end;
                let line = self.rest[self.at..end].to_vec();
                (self.at, self.searched) = (end + 1, end + 1);
                return Ok(Some(line));
            }
            self.rest.drain(..self.at);
            (self.at, self.searched) = (0, self.rest.len());
            if self.rest.len() > LONGEST {
                return Err(Trouble::TooLong(LONGEST as u64).failure(&self.request));
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => {
                    self.so_far += chunk.len() as u64;
                    self.rest.extend_from_slice(&chunk);
                }
                Ok(None) if self.rest.is_empty() => return Ok(None),
                Ok(None) => {
                    self.searched = 0;
                    return Ok(Some(std::mem::take(&mut self.rest)));
                }
                Err(error) => {
                    let cut = Trouble::Cut { so_far: self.so_far, why: super::trouble::words(&error) };
                    return Err(cut.failure(&self.request));
                }
            }
        }
    }
}
