//! The client of a Docker engine: its HTTP interface over a socket of this computer or TCP, with or without TLS.
//!
//! Paths, queries and answers: "Docker Engine API" (docs.docker.com/reference/api/engine), versions 1.39 and newer.
//! The highest version that both sides know is agreed on with the first call (`GET /_ping`).

mod session;

use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::Cx;
use super::http::{Answer, Http, Lines, Method, Request, Retries, Settings, Times, Tls, Url};
use crate::model::{Class, DockerAddress, Failure};

pub use session::Session;

/// The newest version of the interface that is known here.
const NEWEST: Api = Api(1, 47);
/// The oldest that is served: of Docker 18.09, the first with BuildKit.
const OLDEST: Api = Api(1, 39);

/// A version of the interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Api(pub u32, pub u32);

impl Api {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// What was agreed on with the first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// The version that is spoken.
    pub api: Api,
    /// It has BuildKit: a Docker engine on Linux. What only speaks Docker's interface (Podman) has not.
    pub buildkit: bool,
}

/// A connection to one Docker engine. Nothing is connected before the first call.
pub struct Docker {
    http: Http,
    /// `http://docker/`, or where it really is.
    base: Url,
    host: String,
    socket: Option<PathBuf>,
    agreed: OnceCell<Agreed>,
}

impl Docker {
    /// The Docker engine at an address.
    ///
    /// # Errors
    /// The address makes no sense or is of a kind that is not served; a certificate or key file cannot be used.
    pub fn open(address: &DockerAddress) -> Result<Self, Failure> {
        // A list of a large engine, and `system/df` above all, takes its time.
        Self::patient(address, Duration::from_secs(120), Retries { more: 1, ..Retries::default() })
    }

    /// The same for builds: the first word may be long in coming, and nothing is asked twice.
    ///
    /// # Errors
    /// As [`Docker::open`].
    pub fn for_builds(address: &DockerAddress) -> Result<Self, Failure> {
        Self::patient(address, Duration::from_secs(3600), Retries::NONE)
    }

    fn patient(address: &DockerAddress, head: Duration, retries: Retries) -> Result<Self, Failure> {
        let (base, socket) = place(address)?;
        let tls = address.tls.clone().unwrap_or_default();
        let file = |path: &Option<String>| path.as_ref().map(PathBuf::from);
        let settings = Settings {
            tls: Tls { verify: !tls.unchecked, ca_file: file(&tls.ca), certificate: file(&tls.cert), key: file(&tls.key) },
            times: Times { head, ..Times::default() },
            retries,
            only_http1: true,
            socket: socket.clone(),
            ..Settings::default()
        };
        Ok(Self { http: Http::open(settings)?, base, host: address.host.clone(), socket, agreed: OnceCell::new() })
    }

    /// Its address, in Docker's words.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What both sides speak; asked for once.
    ///
    /// # Errors
    /// It does not answer, is too old, or is no Docker engine.
    pub async fn agreed(&self, cx: &Cx) -> Result<Agreed, Failure> {
        let ask = async {
            let tried = "greet the Docker engine";
            let mut url = self.base.clone();
            url.set_path("/_ping");
            let request = Request::new(Method::GET, url, tried);
            let answer = self.http.send(cx, &request).await.map_err(|f| self.placed(f))?;
            let answer = answer.ok(&request).map_err(|f| self.placed(f))?;
            let Some(theirs) = answer.header("api-version").and_then(Api::parse) else {
                let failure = Failure::broken(tried, "what answers there is no Docker engine").at(&self.host);
                return Err(failure.next("check the address"));
            };
            if theirs < OLDEST {
                let got =
                    format!("it speaks version {}.{} of the interface, older than {}.{}", theirs.0, theirs.1, OLDEST.0, OLDEST.1);
                return Err(Failure::refused(tried, got).at(&self.host).next("Docker 18.09 or newer is needed"));
            }
            let linux = answer.header("ostype").is_none_or(|os| os == "linux");
            let buildkit = linux && answer.header("libpod-api-version").is_none();
            Ok(Agreed { api: theirs.min(NEWEST), buildkit })
        };
        self.agreed.get_or_try_init(|| ask).await.copied()
    }

    /// A request for `path` (`containers/json`), with its query.
    ///
    /// # Errors
    /// As [`Docker::agreed`].
    pub async fn request(
        &self,
        cx: &Cx,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        tried: &str,
    ) -> Result<Request, Failure> {
        let Agreed { api: Api(major, minor), .. } =
            self.agreed(cx).await.map_err(|f| Failure { tried: tried.to_owned(), ..f })?;
        let mut url = self.base.clone();
        url.set_path(&format!("/v{major}.{minor}/{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Request::new(method, url, tried))
    }

    /// Reads something as JSON.
    ///
    /// # Errors
    /// It does not answer, or says no.
    pub async fn get<T: DeserializeOwned>(&self, cx: &Cx, path: &str, query: &[(&str, &str)], tried: &str) -> Result<T, Failure> {
        let request = self.request(cx, Method::GET, path, query, tried).await?;
        self.send(cx, &request).await?.json(&request).map_err(|f| self.placed(f))
    }

    /// Sends a request, and takes its answer where that says that all went well.
    ///
    /// # Errors
    /// As [`Docker::get`].
    pub async fn send(&self, cx: &Cx, request: &Request) -> Result<Answer, Failure> {
        let answer = self.http.send(cx, request).await;
        answer.and_then(|answer| answer.ok(request)).map_err(|f| self.placed(f))
    }

    /// Sends a request whose answer comes line by line.
    ///
    /// # Errors
    /// As [`Docker::get`].
    pub async fn lines(&self, cx: &Cx, request: &Request) -> Result<Lines, Failure> {
        self.http.lines(cx, request).await.map_err(|f| self.placed(f))
    }

    /// A failure with the address that people know, and with what helps where the socket itself is the trouble.
    pub fn placed(&self, failure: Failure) -> Failure {
        let failure = failure.at(&self.host);
        let Some(socket) = self.socket.as_ref().filter(|_| failure.class == Class::Transient) else { return failure };
        let (class, next) = match std::os::unix::net::UnixStream::connect(socket).map_err(|e| e.kind()) {
            Err(std::io::ErrorKind::PermissionDenied) => {
                (Class::Refused, "your account may not use it: have it added to the group docker, then log in again")
            }
            Err(std::io::ErrorKind::NotFound) => {
                (Class::Transient, "there is no such socket: install Docker, or start it (systemctl start docker)")
            }
            Err(_) => (Class::Transient, "nobody listens there: start Docker (systemctl start docker)"),
            Ok(_) => return failure,
        };
        Failure { class, ..failure.next(next) }
    }
}

/// Where calls go, and the socket that they go through.
fn place(address: &DockerAddress) -> Result<(Url, Option<PathBuf>), Failure> {
    let tried = "reach a Docker engine";
    let host = address.host.trim();
    let wrong = |got: &str, next: &str| Err(Failure::refused(tried, got.to_owned()).at(host).next(next));
    let Some((scheme, rest)) = host.split_once("://") else {
        return wrong("it is no address", "write unix:///var/run/docker.sock or tcp://HOST:PORT");
    };
    let url = |url: String| Url::parse(&url).map_err(|e| Failure::refused(tried, e).at(host).next("write tcp://HOST:PORT"));
    match scheme {
        "unix" if rest.starts_with('/') => Ok((url("http://docker/".to_owned())?, Some(PathBuf::from(rest)))),
        "unix" => wrong("the path of its socket is not absolute", "write unix:///var/run/docker.sock"),
        "tcp" | "http" | "https" => {
            let tls = address.tls.is_some() || scheme == "https";
            let mut place = url(format!("{}://{rest}", if tls { "https" } else { "http" }))?;
            if scheme == "tcp" && place.port().is_none() {
                // Docker's own ports.
                let _ = place.set_port(Some(if tls { 2376 } else { 2375 }));
            }
            Ok((place, None))
        }
        "ssh" => wrong(
            "this version does not reach Docker engines over SSH",
            "forward its socket (ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST) and configure unix:///tmp/docker.sock",
        ),
        _ => wrong("this kind of address is not served", "write unix:///var/run/docker.sock or tcp://HOST:PORT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DockerTls;

    fn address(host: &str, tls: bool) -> DockerAddress {
        DockerAddress { host: host.to_owned(), tls: tls.then(DockerTls::default) }
    }

    #[test]
    fn addresses_are_those_of_docker() {
        let at = |host: &str, tls: bool| place(&address(host, tls)).map(|(url, socket)| (url.to_string(), socket));
        assert_eq!(at("unix:///run/d.sock", false).unwrap(), ("http://docker/".to_owned(), Some("/run/d.sock".into())));
        assert_eq!(at("tcp://10.0.0.5", false).unwrap(), ("http://10.0.0.5:2375/".to_owned(), None));
        assert_eq!(at("tcp://[::1]", true).unwrap(), ("https://[::1]:2376/".to_owned(), None));
        assert_eq!(at("tcp://h:99", true).unwrap(), ("https://h:99/".to_owned(), None));
        for wrong in ["", "docker", "unix://relative", "npipe:////./pipe/docker_engine", "ssh://ana@builder", "tcp://a b"] {
            let failure = at(wrong, false).unwrap_err();
            assert!(failure.class == Class::Refused && !failure.next.is_empty(), "{wrong}: {failure}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(Api::parse("1.41").unwrap() > Api::parse("1.9").unwrap());
        assert_eq!(Api::parse("1"), None);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_socket_is_told_with_what_helps() {
        let dir = tempfile::tempdir().unwrap();
        let ask = async |path: PathBuf| {
            let docker = Docker::open(&address(&format!("unix://{}", path.display()), false)).unwrap();
            docker.agreed(&Cx::quiet()).await.unwrap_err()
        };
        let failure = ask(dir.path().join("none.sock")).await;
        assert!(failure.next.contains("no such socket") && failure.at.starts_with("unix://"), "{failure}");
        let path = dir.path().join("dead.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(ask(path).await.next.contains("nobody listens"));
    }
}
