//! Builds of images.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DockerName;

/// A build as it was asked for. Everything in it is data: nothing becomes a word of a shell. Secrets are only named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewBuild {
    /// Where it is built.
    pub docker: DockerName,
    /// The directory on the engine's computer that the build may take files from, absolute.
    pub context: String,
    /// The Dockerfile, by its path within the context.
    pub dockerfile: String,
    /// Names of the image: `shop/web:1.4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Build arguments; they end up in the image's history, so they are no place for secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Stage that is built; the last one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `linux/arm64`; that of the Docker engine when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Ids of secrets, see [`is_secret_id`]: `RUN --mount=type=secret,id=ID` sees them, the image does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Nothing is taken from the cache.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_cache: bool,
    /// Bases are looked for in their registry even when they are here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pull: bool,
    /// The classic builder, also where there is BuildKit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub classic: bool,
}

impl NewBuild {
    /// What is built, for people: its first name, else its directory.
    pub fn called(&self) -> &str {
        match self.tags.first() {
            Some(tag) => tag,
            None => self.context.trim_end_matches('/').rsplit('/').next().unwrap_or_default(),
        }
    }
}

/// Whether this can name a secret: letters, digits, `_` and `-`, at most 64.
pub fn is_secret_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_secrets_are_no_paths() {
        assert!(is_secret_id("npm_token-1") && !is_secret_id("") && !is_secret_id("../etc/x") && !is_secret_id(&"a".repeat(65)));
    }
}
