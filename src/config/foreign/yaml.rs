//! YAML with the lines of its keys. What stands under a key of a secret does not print.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::model::account::Secret;
use crate::model::text::names_a_secret;

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// A plain value as text; empty for null.
    Plain(String),
    /// The same under the key of a secret.
    Secret(Secret),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub key: String,
    /// From 1; 0 for one that stands in no file.
    pub line: usize,
    pub value: Node,
}

impl Node {
    /// Reads a document.
    ///
    /// # Errors
    /// It is no YAML.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str::<Node>(text).map_err(|e| e.to_string().lines().next().unwrap_or_default().to_owned())
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// A mapping without entries.
    pub fn map() -> Self {
        Self::Map(Vec::new())
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a plain value.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// The plain value under a key, unless it is empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.plain().filter(|text| !text.is_empty())
    }

    /// The secret under a key, unless it is empty.
    pub fn secret(&self, key: &str) -> Option<Secret> {
        match self.get(key)? {
            Self::Secret(secret) if !secret.expose().is_empty() => Some(secret.clone()),
            _ => None,
        }
    }

    /// Whether it says anything: an empty value does not.
    pub fn says(&self) -> bool {
        match self {
            Self::Plain(text) => !text.is_empty(),
            Self::Secret(secret) => !secret.expose().is_empty(),
            Self::List(_) | Self::Map(_) => true,
        }
    }

    /// Puts a value under a key of a mapping, in place of what is there.
    pub fn set(&mut self, key: &str, value: Node) {
        let Self::Map(entries) = self else { return };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => entries.push(Entry { key: key.to_owned(), line: 0, value }),
        }
    }

    /// Puts a text under a key; it is a secret where the key says so.
    pub fn set_text(&mut self, key: &str, text: &str) {
        self.set(key, if names_a_secret(key) { Self::Secret(Secret::new(text)) } else { Self::Plain(text.to_owned()) });
    }

    /// Takes a value out of a mapping.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let Self::Map(entries) = self else { return None };
        let at = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(at).value)
    }

    /// Adds all of `other`: mappings are merged on every level, anything else is replaced.
    pub fn merge(&mut self, other: &Node) {
        for entry in other.entries() {
            let into = match self {
                Self::Map(entries) => entries.iter_mut().find(|e| e.key == entry.key).map(|e| &mut e.value),
                _ => return,
            };
            match (into, &entry.value) {
                (Some(into @ Self::Map(_)), Self::Map(_)) => into.merge(&entry.value),
                _ => self.set(&entry.key, entry.value.clone()),
            }
        }
    }

    /// The same with `_` for `-` in all keys.
    #[must_use]
    pub fn normal(&self) -> Self {
        match self {
            Self::Map(entries) => {
                let normal = |e: &Entry| Entry { key: e.key.replace('-', "_"), line: e.line, value: e.value.normal() };
                Self::Map(entries.iter().map(normal).collect())
            }
            Self::List(list) => Self::List(list.iter().map(Self::normal).collect()),
            other => other.clone(),
        }
    }

    /// Whether a secret stands anywhere in it.
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            _ => self.entries().iter().any(|entry| entry.value.has_secret()),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Plain(String::new()))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Plain(String::new()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Plain(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = access.next_element()? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let line = usize::try_from(key.referenced.line()).unwrap_or(1).max(1);
            let value = if names_a_secret(&key.value) {
                // As it is written: a password of digits is no number.
                Node::Secret(Secret::new(access.next_value::<Option<String>>()?.unwrap_or_default()))
            } else {
                access.next_value()?
            };
            entries.push(Entry { key: key.value, line, value });
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_and_secrets_do_not_print() {
        let text = "clouds:\n  lab:\n    auth:\n      password: 0123e4\n      username: ana\n    verify: false\n    api: 3\n    nets: [a, b]\n";
        let root = Node::parse(text).unwrap();
        let lab = &root.get("clouds").unwrap().entries()[0];
        assert_eq!((lab.key.as_str(), lab.line), ("lab", 2));
        assert_eq!(lab.value.get("auth").unwrap().text("username"), Some("ana"));
        assert_eq!((lab.value.text("verify"), lab.value.text("api")), (Some("false"), Some("3")));
        assert_eq!(lab.value.get("auth").unwrap().secret("password").unwrap().expose(), "0123e4");
        assert!(root.has_secret() && !format!("{root:?}").contains("0123"));
        assert!(Node::parse("a: [").is_err());
    }
}
