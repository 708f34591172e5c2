//! Docker's contexts: which engines its command line is configured for.
//!
//! The files are those of Docker's command line: `config.json`, `contexts/meta/*/meta.json`, and for TLS
//! `contexts/tls/SHA256(NAME)/docker/{ca,cert,key}.pem`. The variables are its own too.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Found, FoundCloud, Place, Settings};
use crate::config::files::read_text;
use crate::config::origin::Origin;
use crate::model::{DockerAddress, DockerTls, Driver, Failure};

const SOCKET: &str = "var/run/docker.sock";
/// What Docker calls the engine of `DOCKER_HOST`, or of this computer's socket.
pub const DEFAULT: &str = "default";

#[derive(Deserialize, Default)]
struct Config {
    #[serde(default, rename = "currentContext")]
    current: String,
    #[serde(default)]
    auths: std::collections::BTreeMap<String, Auth>,
}

#[derive(Deserialize, Default)]
struct Auth {
    #[serde(default)]
    auth: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Name")]
    name: String,
    #[serde(default, rename = "Endpoints")]
    endpoints: std::collections::BTreeMap<String, Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(default, rename = "Host")]
    host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    unchecked: bool,
}

/// A Docker engine that Docker's command line is configured for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    pub name: String,
    pub address: DockerAddress,
    pub origin: Origin,
    /// Docker's command line goes there when nobody says where.
    pub current: bool,
    /// What is wrong with it as it is written.
    pub problem: Option<Failure>,
}

/// The contexts, the default one first; and files that cannot be read, or should be read by nobody else.
pub fn contexts(place: &Place) -> (Vec<Context>, Found) {
    let mut found = Found::default();
    let dir = place.var("DOCKER_CONFIG").map_or_else(|| place.home.join(".docker"), PathBuf::from);
    let config = config(place, &dir.join("config.json"), &mut found);
    let named = place.var("DOCKER_CONTEXT").map(str::to_owned).unwrap_or(config.current);
    // As Docker has it: DOCKER_HOST goes before any context.
    let current = if place.var("DOCKER_HOST").is_some() || named.is_empty() { DEFAULT.to_owned() } else { named };
    let mut all: Vec<Context> = default(place, &dir).into_iter().collect();
    let mut metas: Vec<PathBuf> = std::fs::read_dir(dir.join("contexts/meta"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("meta.json"))
        .collect();
    metas.sort();
    for path in metas {
        match meta(&path) {
            Ok(Some(meta)) => all.push(context(&dir, meta, path)),
            Ok(None) => {}
            Err(failure) => found.unreadable(place, &path, &failure),
        }
    }
    all.iter_mut().for_each(|context| context.current = context.name == current);
    (all, found)
}

/// The engine of `DOCKER_HOST`, else of this computer's socket, else of this account's own.
fn default(place: &Place, dir: &Path) -> Option<Context> {
    let context = |host: String, tls, origin| Context {
        name: DEFAULT.to_owned(),
        address: DockerAddress { host, tls },
        origin,
        current: false,
        problem: None,
    };
    if let Some(host) = place.var("DOCKER_HOST") {
        let certs = place.var("DOCKER_CERT_PATH").map_or_else(|| dir.to_owned(), PathBuf::from);
        let verify = place.var("DOCKER_TLS_VERIFY").is_some();
        let tls = (verify || place.var("DOCKER_TLS").is_some()).then(|| tls_files(&certs, !verify));
        return Some(context(host.to_owned(), tls, Origin::Env("DOCKER_HOST".to_owned())));
    }
    let own = place.var("XDG_RUNTIME_DIR").map(|dir| Path::new(dir).join("docker.sock"));
    let socket = std::iter::once(place.root.join(SOCKET)).chain(own).find(|path| path.exists())?;
    Some(context(format!("unix://{}", socket.display()), None, Origin::Default))
}

fn context(dir: &Path, meta: Meta, path: PathBuf) -> Context {
    let origin = Origin::File { path, line: 1 };
    let endpoint = meta.endpoints.get("docker");
    let host = endpoint.map(|endpoint| endpoint.host.clone()).unwrap_or_default();
    let unchecked = endpoint.is_some_and(|endpoint| endpoint.unchecked);
    // Docker names the folder by the hash of the context's name.
    let id: String = Sha256::digest(meta.name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let certs = dir.join("contexts/tls").join(id).join("docker");
    let tls = (unchecked || certs.is_dir()).then(|| tls_files(&certs, unchecked));
    let problem =
        host.is_empty().then(|| Failure::refused(format!("use context {}", meta.name), "it has no Docker endpoint").at(&origin));
    Context { name: meta.name, address: DockerAddress { host, tls }, origin, current: false, problem }
}

fn tls_files(dir: &Path, unchecked: bool) -> DockerTls {
    let file = |name: &str| Some(dir.join(name)).filter(|path| path.exists()).map(|path| path.display().to_string());
    DockerTls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem"), unchecked }
}

/// What the wizard shows: the contexts as clouds that the driver `docker` could use.
pub fn find(place: &Place, found: &mut Found) {
    let (contexts, with) = contexts(place);
    found.findings.extend(with.findings);
    found.clouds.extend(contexts.into_iter().map(|context| FoundCloud {
        name: if context.name == DEFAULT { "docker".to_owned() } else { context.name },
        driver: Driver::Docker,
        endpoint: context.address.host,
        user: if context.current && !matches!(context.origin, Origin::Default | Origin::Env(_)) {
            "current context".to_owned()
        } else {
            String::new()
        },
        origin: context.origin,
        problem: context.problem,
        settings: Settings::default(),
    }));
}

fn config(place: &Place, path: &Path, found: &mut Found) -> Config {
    let read = read_text(path).and_then(|text| match text.map(zeroize::Zeroizing::new) {
        Some(text) => serde_json::from_str(&text).map_err(|e| Failure::refused("read a file", format!("it is no JSON: {e}"))),
        None => Ok(Config::default()),
    });
    match read {
        Ok(config) => {
            if config.auths.values().any(|auth| auth.auth.is_some()) {
                found.secret(place, path);
            }
            config
        }
        Err(failure) => {
            found.unreadable(place, path, &failure);
            Config::default()
        }
    }
}

fn meta(path: &Path) -> Result<Option<Meta>, Failure> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|e| Failure::refused("read a file", format!("it is no context: {e}")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::account;
    use super::*;

    #[test]
    fn the_socket_and_every_context_are_found() {
        let meta =
            r#"{"Name":"builder","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://ana@builder","SkipTLSVerify":false}}}"#;
        let config = r#"{"currentContext":"builder","auths":{"r.example.org":{"auth":"c2VjcmV0"}}}"#;
        let files = [("/var/run/docker.sock", ""), (".docker/config.json", config), (".docker/contexts/meta/ab/meta.json", meta)];
        let (_dir, place) = account(&files, &[]);
        let mut found = Found::default();
        find(&place, &mut found);
        assert_eq!(found.clouds[0].name, "docker");
        assert!(found.clouds[0].endpoint.ends_with("/var/run/docker.sock"));
        let builder = &found.clouds[1];
        assert_eq!((builder.endpoint.as_str(), builder.user.as_str()), ("ssh://ana@builder", "current context"));
        assert!(!format!("{found:?}").contains("c2VjcmV0"));
        assert!(found.findings.is_empty());
    }

    #[test]
    fn the_variable_goes_before_the_socket() {
        let (_dir, place) = account(&[("/var/run/docker.sock", "")], &[("DOCKER_HOST", "tcp://10.0.0.1:2376")]);
        let mut found = Found::default();
        find(&place, &mut found);
        assert_eq!(found.clouds.len(), 1);
        assert_eq!(found.clouds[0].endpoint, "tcp://10.0.0.1:2376");
    }

    #[test]
    fn tls_files_are_found_where_docker_puts_them() {
        let meta = r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2376"}}}"#;
        // printf far | sha256sum
        let certs = ".docker/contexts/tls/512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868/docker/ca.pem";
        let files = [(".docker/contexts/meta/x/meta.json", meta), (certs, "pem"), ("certs/cert.pem", "pem")];
        let (_dir, mut place) = account(&files, &[("DOCKER_HOST", "tcp://10.0.0.1"), ("DOCKER_TLS_VERIFY", "1")]);
        place.env.insert("DOCKER_CERT_PATH".into(), place.home.join("certs").display().to_string());
        let (all, _) = contexts(&place);
        let [by_variable, far] = all.as_slice() else { panic!("{all:?}") };
        assert!(by_variable.current && !far.current, "DOCKER_HOST goes before every context");
        let tls = by_variable.address.tls.as_ref().unwrap();
        assert!(tls.cert.as_ref().unwrap().ends_with("certs/cert.pem") && tls.ca.is_none() && !tls.unchecked);
        assert!(far.address.tls.as_ref().unwrap().ca.as_ref().unwrap().ends_with("docker/ca.pem"), "{far:?}");
    }
}
