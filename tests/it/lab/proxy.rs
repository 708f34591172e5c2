//! A proxy in front of the lab that does what a healthy control plane will not: it is slow, it is overloaded, it
//! loses answers, it sends servers to hosts that are not there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::call::{Call, read};
use super::{GLANCE, KEYSTONE, NEUTRON, NOVA};

/// How the proxy misbehaves now.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub latency: Duration,
    /// Share of calls that meet a 503.
    pub errors: f64,
    /// Share of calls that meet a 429.
    pub throttle: f64,
    /// Share of changing calls whose answer is lost.
    pub lost: f64,
    /// The flavor in place of the one that is asked for.
    pub flavor: Option<String>,
    /// A server is not active for this long after it was asked for.
    pub boot: Duration,
    /// The next calls whose line begins so are refused, once each.
    pub refuse: Vec<(String, u16, Value)>,
}

#[derive(Default)]
struct State {
    faults: Faults,
    /// When servers were asked for, and how long they are to take.
    born: HashMap<String, (Instant, Duration)>,
    calls: Vec<String>,
}

/// See the module.
pub struct Proxy {
    state: Arc<Mutex<State>>,
    /// Ours, by the lab's.
    ports: HashMap<u16, u16>,
    /// Its own threads: it serves whatever the test's runtime does.
    runtime: Option<Runtime>,
}

impl Proxy {
    /// One in front of all services.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let mut ports = HashMap::new();
        let mut listeners = Vec::new();
        for theirs in [KEYSTONE, NOVA, NEUTRON, GLANCE] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            ports.insert(theirs, listener.local_addr().unwrap().port());
            listeners.push((theirs, listener));
        }
        for (theirs, listener) in listeners {
            let (state, ports) = (Arc::clone(&state), ports.clone());
            runtime.spawn(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let way = Way { theirs, state: Arc::clone(&state), ports: ports.clone(), client: client.clone() };
                    tokio::spawn(async move { way.serve(stream).await });
                }
            });
        }
        Self { state, ports, runtime: Some(runtime) }
    }

    /// Where it stands for a service of the lab.
    pub fn port(&self, theirs: u16) -> u16 {
        self.ports[&theirs]
    }

    /// Turns the faults.
    pub fn turn(&self, turn: impl FnOnce(&mut Faults)) {
        turn(&mut lock(&self.state).faults);
    }

    /// Calls so far: `GET /v2.1/servers`.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.state).calls.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The way to one service.
struct Way {
    theirs: u16,
    state: Arc<Mutex<State>>,
    ports: HashMap<u16, u16>,
    client: reqwest::Client,
}

fn hits(rate: f64) -> bool {
    rate >= 1.0 || (rate > 0.0 && u128::from_le_bytes(*uuid::Uuid::new_v4().as_bytes()) % 1000 < (rate * 1000.0) as u128)
}

impl Way {
    async fn serve(&self, mut stream: TcpStream) {
        while let Some(mut call) = read(&mut stream).await {
            let faults = {
                let mut state = lock(&self.state);
                state.calls.push(format!("{} {}", call.method, call.target));
                state.faults.clone()
            };
            tokio::time::sleep(faults.latency).await;
            let refused = self.refused(&call, &faults);
            let (status, headers, body) = match refused {
                Some((status, body)) => {
                    let after = (status == 429).then(|| ("retry-after".to_owned(), "1".to_owned()));
                    (status, after.into_iter().collect(), body.to_string().into_bytes())
                }
                None => {
                    self.spoil(&mut call, &faults);
                    let Some(answer) = self.forward(&call).await else { return };
                    if hits(faults.lost) && changes(&call) {
                        return;
                    }
                    answer
                }
            };
            let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let body = if call.method == "HEAD" { Vec::new() } else { body };
            if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                return;
            }
        }
    }

    fn refused(&self, call: &Call, faults: &Faults) -> Option<(u16, Value)> {
        let line = format!("{} {}", call.method, call.target);
        let mut state = lock(&self.state);
        if let Some(at) = state.faults.refuse.iter().position(|(start, ..)| line.starts_with(start)) {
            let (_, status, body) = state.faults.refuse.remove(at);
            return Some((status, body));
        }
        if hits(faults.throttle) {
            return Some((429, json!({ "overLimit": { "code": 429, "message": "This request was rate-limited." } })));
        }
        hits(faults.errors).then(|| (503, json!({ "error": { "message": "Service Unavailable" } })))
    }

    /// Sends a server where nothing can hold it.
    fn spoil(&self, call: &mut Call, faults: &Faults) {
        let Some(flavor) = faults.flavor.as_ref().filter(|_| call.method == "POST" && call.target.ends_with("/servers")) else {
            return;
        };
        let mut body: Value = serde_json::from_slice(&call.body).unwrap();
        body["server"]["flavorRef"] = json!(flavor);
        call.body = body.to_string().into_bytes();
    }

    async fn forward(&self, call: &Call) -> Option<(u16, Vec<(String, String)>, Vec<u8>)> {
        let url = format!("http://127.0.0.1:{}{}", self.theirs, call.target);
        let mut request = self.client.request(call.method.parse().unwrap(), url).body(call.body.clone());
        for (name, value) in &call.headers {
            if !["host", "content-length", "connection", "accept-encoding", "transfer-encoding"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let kept = |name: &str| !["content-length", "transfer-encoding", "connection", "keep-alive"].contains(&name);
        let headers = answer.headers().iter().filter(|(name, _)| kept(name.as_str()));
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
        let body = answer.bytes().await.ok()?.to_vec();
        Some((status, headers, self.changed(call, body)))
    }

    /// The lab's addresses become ours; servers that are to boot slowly do.
    fn changed(&self, call: &Call, body: Vec<u8>) -> Vec<u8> {
        if self.theirs == KEYSTONE {
            let mut text = String::from_utf8_lossy(&body).into_owned();
            for (theirs, ours) in &self.ports {
                text = text.replace(&format!("http://127.0.0.1:{theirs}"), &format!("http://127.0.0.1:{ours}"));
            }
            return text.into_bytes();
        }
        if self.theirs != NOVA || !call.target.contains("/servers") {
            return body;
        }
        let Ok(mut told) = serde_json::from_slice::<Value>(&body) else { return body };
        let mut state = lock(&self.state);
        if call.method == "POST"
            && let Some(id) = told["server"]["id"].as_str()
        {
            let boot = state.faults.boot;
            state.born.insert(id.to_owned(), (Instant::now(), boot));
        }
        let slow = |server: &mut Value| {
            let boots = server["id"].as_str().and_then(|id| state.born.get(id)).is_some_and(|(at, boot)| at.elapsed() < *boot);
            if boots && server["status"] == "ACTIVE" {
                server["status"] = json!("BUILD");
                server["OS-EXT-STS:task_state"] = json!("spawning");
            }
        };
        slow(&mut told["server"]);
        told["servers"].as_array_mut().into_iter().flatten().for_each(&slow);
        for key in ["server", "servers"] {
            if told[key].is_null() {
                told.as_object_mut().map(|map| map.remove(key));
            }
        }
        told.to_string().into_bytes()
    }
}

/// Whether a call changes something that somebody may look for. Log-ins and questions do not.
fn changes(call: &Call) -> bool {
    let asks =
        call.target.contains("/auth/") || (call.target.ends_with("/action") && call.body.windows(8).any(|w| w == b"os-getCo"));
    call.method != "GET" && call.method != "HEAD" && !asks
}
