//! What `POST /build` is asked, and the lines that it answers: "Docker Engine API" v1.41, ImageBuild. Those of BuildKit
//! carry protobuf (`moby.buildkit.v1.StatusResponse`) in base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bollard_buildkit_proto::moby::buildkit::v1::StatusResponse;
use prost::Message;
use serde::Deserialize;
use serde_json::Value;

use crate::model::NewBuild;

/// The query of a build. `session` also says that BuildKit is to do it.
pub fn query(build: &NewBuild, token: &str, session: Option<&str>) -> Vec<(&'static str, String)> {
    let json = |map: &std::collections::BTreeMap<String, String>| serde_json::to_string(map).unwrap_or_default();
    let mut query = vec![
        ("dockerfile", build.dockerfile.clone()),
        ("buildargs", json(&build.args)),
        ("labels", json(&build.labels)),
        // The classic builder leaves no container behind, whether it ends well or not.
        ("rm", "1".to_owned()),
        ("forcerm", "1".to_owned()),
    ];
    query.extend(build.tags.iter().map(|tag| ("t", tag.clone())));
    query.extend(build.target.iter().map(|target| ("target", target.clone())));
    query.extend(build.platform.iter().map(|platform| ("platform", platform.clone())));
    query.extend(build.no_cache.then(|| ("nocache", "1".to_owned())));
    query.extend(build.pull.then(|| ("pull", "1".to_owned())));
    match session {
        Some(session) => {
            query.extend([("version", "2".to_owned()), ("session", session.to_owned()), ("buildid", token.to_owned())]);
        }
        None => query.push(("version", "1".to_owned())),
    }
    query
}

#[derive(Deserialize, Debug, Default)]
#[serde(default)]
struct Line {
    id: String,
    stream: String,
    /// Of a base that is pulled: what goes on, and with which layer (`id`).
    status: String,
    progress: String,
    error: String,
    #[serde(rename = "errorDetail")]
    detail: Detail,
    aux: Value,
}

#[derive(Deserialize, Debug, Default)]
#[serde(default)]
struct Detail {
    message: String,
}

/// What a line of the answer says.
#[derive(Clone, PartialEq, Debug)]
pub enum Said {
    /// BuildKit: how its steps are.
    Steps(StatusResponse),
    /// The classic builder.
    Text(String),
    /// Id of the image that was built.
    Image(String),
    /// The build failed.
    Error(String),
    /// What changes nothing here.
    Nothing,
}

/// Reads a line. One that makes no sense says nothing: newer engines may say more.
pub fn read(line: &[u8]) -> Said {
    let Ok(line) = serde_json::from_slice::<Line>(line) else { return Said::Nothing };
    if !line.error.is_empty() || !line.detail.message.is_empty() {
        return Said::Error(if line.detail.message.is_empty() { line.error } else { line.detail.message });
    }
    if line.id == "moby.buildkit.trace" {
        let bytes = line.aux.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        return bytes.and_then(|bytes| StatusResponse::decode(bytes.as_slice()).ok()).map_or(Said::Nothing, Said::Steps);
    }
    if let Some(id) = line.aux.get("ID").and_then(Value::as_str) {
        return Said::Image(id.to_owned());
    }
    if !line.stream.is_empty() {
        return Said::Text(line.stream);
    }
    // A bar that moves is no line of a log.
    if !line.status.is_empty() && line.progress.is_empty() {
        let of = if line.id.is_empty() { String::new() } else { format!("{}: ", line.id) };
        return Said::Text(format!("{of}{}\n", line.status));
    }
    Said::Nothing
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::moby::buildkit::v1::Vertex;

    use super::*;

    #[test]
    fn lines_of_both_builders_are_read() {
        let status = StatusResponse { vertexes: vec![Vertex { name: "x".into(), ..Vertex::default() }], ..Default::default() };
        let trace = BASE64_STANDARD.encode(status.encode_to_vec());
        assert_eq!(read(format!(r#"{{"id":"moby.buildkit.trace","aux":"{trace}"}}"#).as_bytes()), Said::Steps(status));
        assert_eq!(read(br#"{"id":"moby.image.id","aux":{"ID":"sha256:ab"}}"#), Said::Image("sha256:ab".into()));
        assert_eq!(read(br#"{"stream":"Step 1/2 : FROM x\n"}"#), Said::Text("Step 1/2 : FROM x\n".into()));
        assert_eq!(read(br#"{"errorDetail":{"code":2,"message":"no"},"error":"no"}"#), Said::Error("no".into()));
        assert_eq!(read(br#"{"status":"Downloading","progress":"[=> ]","id":"ab"}"#), Said::Nothing);
        assert_eq!(read(br#"{"status":"Pull complete","id":"ab"}"#), Said::Text("ab: Pull complete\n".into()));
        assert_eq!(read(b"nonsense"), Said::Nothing);
    }

    #[test]
    fn nothing_of_a_build_becomes_more_than_a_value() {
        let evil = "a&t=b;$(reboot)".to_owned();
        let build = NewBuild {
            docker: crate::model::DockerName::new("x"),
            context: "/".into(),
            dockerfile: evil.clone(),
            tags: vec![evil.clone(), "two".into()],
            args: [(evil.clone(), evil.clone())].into(),
            labels: Default::default(),
            target: Some(evil.clone()),
            platform: None,
            secrets: vec![],
            no_cache: true,
            pull: false,
            classic: false,
        };
        let query = query(&build, "qd-t", Some("s"));
        let of = |name: &str| query.iter().filter(|(n, _)| *n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
        assert_eq!((of("t"), of("target")), (vec![evil.as_str(), "two"], vec![evil.as_str()]));
        assert_eq!((of("version"), of("nocache"), of("pull").len()), (vec!["2"], vec!["1"], 0));
        assert_eq!(of("buildargs"), [serde_json::json!({ evil.clone(): evil }).to_string()]);
    }
}
