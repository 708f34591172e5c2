//! Connections kept for reuse.

use bytes::Bytes;

use super::{ExecResult, Target};
use crate::base::Cx;
use crate::model::Failure;

/// Keeps connections, each for 60 s after its last use; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pool {}

impl Pool {
    /// As [`super::Connection::exec`], over a kept connection when there is one. A kept connection that turns out
    /// broken before the command was sent is replaced once.
    ///
    /// # Errors
    /// As [`super::connect`] and [`super::Connection::exec`].
    pub async fn exec(&self, _target: &Target, _command: &str, _stdin: Option<Bytes>, _cx: &Cx) -> Result<ExecResult, Failure> {
        unimplemented!()
    }

    /// As [`super::Connection::put`], over a kept connection when there is one.
    ///
    /// # Errors
    /// As [`super::connect`] and [`super::Connection::put`].
    pub async fn put(&self, _target: &Target, _path: &str, _content: &[u8], _mode: u32, _cx: &Cx) -> Result<(), Failure> {
        unimplemented!()
    }
}
