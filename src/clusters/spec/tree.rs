//! A YAML document as a tree in which every key and value knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// A place in the document, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Pos {
    pub line: u64,
    pub column: u64,
}

impl Pos {
    /// The start of the document.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place that the YAML reader tells; the start where it tells none.
    pub fn of(location: Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// One value with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Tree {
    pub pos: Pos,
    /// Where it is written, when it came in by an alias or a merge.
    pub defined: Pos,
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    Null,
    Bool,
    Number(f64),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(Key, Tree)>),
}

/// A key of a mapping.
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    pub text: String,
    pub pos: Pos,
}

impl Tree {
    /// The place of the value at `path` (keys, and numbers for places in lists); of the deepest part of the
    /// path that is there, otherwise.
    pub fn place(&self, path: &[&str]) -> Pos {
        let Some((first, rest)) = path.split_first() else { return self.pos };
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(key, _)| key.text == *first).map(|(_, value)| value.place(rest)),
            Kind::List(items) => first.parse().ok().and_then(|at: usize| items.get(at)).map(|value| value.place(rest)),
            _ => None,
        }
        .unwrap_or(self.pos)
    }

    /// The place of the key at the end of `path`; as [`Tree::place`] when it is not there.
    pub fn key_place(&self, path: &[&str]) -> Pos {
        let Some((last, parents)) = path.split_last() else { return self.pos };
        let mut tree = self;
        for part in parents {
            match &tree.kind {
                Kind::Map(entries) => match entries.iter().find(|(key, _)| key.text == *part) {
                    Some((_, value)) => tree = value,
                    None => return tree.pos,
                },
                _ => return self.place(path),
            }
        }
        match &tree.kind {
            Kind::Map(entries) => entries.iter().find(|(key, _)| key.text == *last).map_or(tree.pos, |(key, _)| key.pos),
            _ => tree.pos,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { pos: Pos::of(spanned.referenced), defined: Pos::of(spanned.defined), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Bool)
    }

    #[allow(clippy::cast_precision_loss, reason = "only ranges far below 2^53 are compared")]
    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "only ranges far below 2^53 are compared")]
    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Kind, E> {
        Ok(Kind::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let key = Key { text: key.value, pos: Pos::of(key.referenced) };
            entries.push((key, access.next_value()?));
        }
        Ok(Kind::Map(entries))
    }
}
