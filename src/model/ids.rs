//! Names and numbers of things.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts after the older ones (UUIDv7).
            #[allow(clippy::new_without_default, reason = "an id is never a default value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A cluster; survives renames of nothing, reuse of nothing.
    ClusterId
);
uuid_id!(
    /// One step of one run.
    StepId
);
uuid_id!(
    /// A question that a run asks.
    PromptId
);
uuid_id!(
    /// A plan that was shown to somebody.
    PlanId
);
uuid_id!(
    /// One home: one store, one engine. Written into every resource the engine makes.
    HomeId
);

/// The number of a run in its home: 1, 2, 3 … ("run 42"). Never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunNo(pub u64);

impl fmt::Display for RunNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a cloud, unique in its home.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CloudName(pub String);

impl CloudName {
    /// Wraps a name; the configuration has checked it with [`is_name`].
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CloudName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a step writes into the thing it creates, so that the thing can be found again after a crash:
/// `qd-` and 20 characters of base32 (100 random bits). One per step, the same over its attempts.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl Token {
    /// Makes a token out of 20 random bytes (five bits of each are used).
    pub fn from_random(bytes: [u8; 20]) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut text = String::with_capacity(23);
        text.push_str("qd-");
        text.extend(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])));
        Self(text)
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest name of a cluster, group or cloud: a node's name (`group-10000`) must stay a DNS label.
pub const MAX_NAME: usize = 40;

/// Whether `name` can name a cluster, a group or a cloud: `[a-z0-9]` first, then `[a-z0-9_-]`,
/// at most [`MAX_NAME`] characters. Such a name is also safe as a file name and as an Ansible group.
pub fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    name.len() <= MAX_NAME
        && chars.next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_23_characters_of_a_known_alphabet() {
        let token = Token::from_random([0xff; 20]);
        assert_eq!(token.as_str(), "qd-77777777777777777777");
        assert_eq!(Token::from_random([0; 20]).as_str(), "qd-aaaaaaaaaaaaaaaaaaaa");
    }

    #[test]
    fn names_that_could_be_paths_are_no_names() {
        for bad in ["", "../etc", "a/b", "A", "-x", "_x", "a b", "ä", &"a".repeat(MAX_NAME + 1)] {
            assert!(!is_name(bad), "{bad:?} was taken");
        }
        for good in ["a", "web-1", "9lives", "my_cluster"] {
            assert!(is_name(good), "{good:?} was refused");
        }
    }
}
