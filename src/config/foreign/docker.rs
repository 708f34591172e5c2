//! Docker's contexts: which engines its command line is configured for.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Found, FoundCloud, Place, Settings};
use crate::config::files::read_text;
use crate::config::origin::Origin;
use crate::model::{Driver, Failure};

const SOCKET: &str = "var/run/docker.sock";

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
}

pub fn find(place: &Place, found: &mut Found) {
    let dir = place.var("DOCKER_CONFIG").map_or_else(|| place.home.join(".docker"), PathBuf::from);
    let config = config(place, &dir.join("config.json"), found);
    let current = place.var("DOCKER_CONTEXT").map(str::to_owned).unwrap_or(config.current);
    let mut engines = Vec::new();
    let socket = place.root.join(SOCKET);
    if let Some(host) = place.var("DOCKER_HOST") {
        engines.push(engine("docker", host, Origin::Env("DOCKER_HOST".to_owned())));
    } else if socket.exists() {
        engines.push(engine("docker", &format!("unix://{}", socket.display()), Origin::Default));
    }
    let mut metas: Vec<PathBuf> = std::fs::read_dir(dir.join("contexts/meta"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("meta.json"))
        .collect();
    metas.sort();
    for path in metas {
        match meta(&path) {
            Ok(Some(meta)) => {
                let host = meta.endpoints.get("docker").map(|endpoint| endpoint.host.clone()).unwrap_or_default();
                let mut engine = engine(&meta.name, &host, Origin::File { path, line: 1 });
                if meta.name == current {
                    engine.user = "current context".to_owned();
                }
                engines.push(engine);
            }
            Ok(None) => {}
            Err(failure) => found.unreadable(place, &path, &failure),
        }
    }
    found.clouds.extend(engines);
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

fn engine(name: &str, host: &str, origin: Origin) -> FoundCloud {
    let problem =
        host.is_empty().then(|| Failure::refused(format!("use context {name}"), "it has no Docker endpoint").at(&origin));
    FoundCloud {
        name: name.to_owned(),
        driver: Driver::Docker,
        endpoint: host.to_owned(),
        user: String::new(),
        origin,
        problem,
        settings: Settings::default(),
    }
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
}
