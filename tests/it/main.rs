//! Tests of the parts together, and of the real binary. One test binary, one module a subject.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod ssh;
mod support;
