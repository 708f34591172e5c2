//! One HTTP call as it comes in at a server of the tests: the stub beside this file, and the proxy in `tests/it/lab`.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A call as it came in.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Call {
    /// `GET /path?query`
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Its headers, a line each, all in lower case.
    pub fn head(&self) -> String {
        self.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_lowercase())).collect()
    }
}

/// Reads one call; `None` when the other side has gone.
pub async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Call { method, target, headers, body })
}
