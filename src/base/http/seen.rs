//! What was called, for those who count.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One call that was made, every attempt by itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Seen<'a> {
    pub method: &'a str,
    /// Where it went, without its query.
    pub at: &'a str,
    /// `None`: no answer came.
    pub status: Option<u16>,
    /// Of the answer's body, after decompression.
    pub bytes: u64,
    pub took: Duration,
    /// From 1.
    pub attempt: u32,
}

/// Hears of every call.
pub trait Watch: Send + Sync {
    fn call(&self, seen: &Seen<'_>);
}

/// Hears nothing.
pub struct Nobody;

impl Watch for Nobody {
    fn call(&self, _seen: &Seen<'_>) {}
}

/// Counts calls by method.
#[derive(Debug, Default)]
pub struct Counter(Mutex<BTreeMap<String, u64>>);

impl Counter {
    /// All calls so far.
    pub fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Calls so far by method.
    pub fn by_method(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Watch for Counter {
    fn call(&self, seen: &Seen<'_>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(seen.method.to_owned()).or_default() += 1;
    }
}
