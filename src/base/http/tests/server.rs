//! A server that does as it is told, once a call.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::call::{Call, read};

/// What it does with one call.
#[derive(Clone)]
pub enum Act {
    /// Answers with a status, headers and a body; `{here}` in the body stands for the server's own address.
    Told(u16, Vec<(String, String)>, String),
    /// Sends these bytes; the connection stays open.
    Say(Vec<u8>),
    /// Sends these bytes and closes.
    SayAndCut(Vec<u8>),
    /// Sends these bytes and falls silent, for longer than any test.
    SayAndStall(Vec<u8>),
    /// Closes without a word.
    Cut,
    /// Waits, then sends these bytes.
    Slow(Duration, Vec<u8>),
}

/// What is to be done, by how a call's line begins.
struct Acts {
    by_line: Vec<(String, VecDeque<Act>)>,
    repeats: bool,
}

impl Acts {
    fn next(&mut self, line: &str) -> Option<Act> {
        let fits = self.by_line.iter_mut().filter(|(start, _)| line.starts_with(start.as_str()));
        let (_, acts) = fits.max_by_key(|(start, _)| start.len())?;
        if self.repeats && acts.len() == 1 { acts.front().cloned() } else { acts.pop_front() }
    }
}

pub struct Server {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    connections: Arc<Mutex<u32>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Does `acts` in turn, then answers 200 with `{}`.
    pub async fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::with(Acts { by_line: vec![(String::new(), acts.into_iter().collect())], repeats: false }).await
    }

    /// Does the acts of the longest beginning of a call's line, the last one again and again.
    pub async fn by_path<'a>(acts: impl IntoIterator<Item = (&'a str, Vec<Act>)>) -> Self {
        let by_line = acts.into_iter().map(|(line, acts)| (line.to_owned(), acts.into())).collect();
        Self::with(Acts { by_line, repeats: true }).await
    }

    async fn with(acts: Acts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acts = Arc::new(Mutex::new(acts));
        let (calls, connections) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<Mutex<u32>>::default());
        let (kept, counted) = (Arc::clone(&calls), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *counted.lock().unwrap() += 1;
                tokio::spawn(serve(stream, Arc::clone(&acts), Arc::clone(&kept)));
            }
        });
        Self { address, calls, connections, task }
    }

    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn connections(&self) -> u32 {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, acts: Arc<Mutex<Acts>>, calls: Arc<Mutex<Vec<Call>>>) {
    while let Some(call) = read(&mut stream).await {
        let act = acts.lock().unwrap().next(&call.line()).unwrap_or_else(|| Act::Say(answer(200, &[], "{}")));
        let head_only = call.method == "HEAD";
        calls.lock().unwrap().push(call);
        let (bytes, then) = match act {
            Act::Told(status, headers, body) => {
                let here = stream.local_addr().unwrap().to_string();
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let body = if head_only { String::new() } else { body.replace("{here}", &here) };
                (answer(status, &headers, &body), Some(true))
            }
            Act::Say(bytes) => (bytes, Some(true)),
            Act::SayAndCut(bytes) => (bytes, Some(false)),
            Act::SayAndStall(bytes) => (bytes, None),
            Act::Cut => (Vec::new(), Some(false)),
            Act::Slow(time, bytes) => {
                tokio::time::sleep(time).await;
                (bytes, Some(true))
            }
        };
        if stream.write_all(&bytes).await.is_err() || then == Some(false) {
            return;
        }
        if then.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// An answer in full.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{more}\r\n{body}", body.len()).into_bytes()
}
