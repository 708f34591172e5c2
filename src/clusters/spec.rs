//! Reading a spec, with errors that name file, line, column and the nearest valid word.

use crate::model::{ClusterSpec, Failure};

/// Reads a spec. `path` is for messages.
///
/// # Errors
/// All problems at once (at most 20), one a line: `file:line:column: message`.
pub fn parse(_text: &str, _path: &str) -> Result<ClusterSpec, Failure> {
    unimplemented!()
}

/// The JSON Schema of a spec.
pub fn schema() -> serde_json::Value {
    unimplemented!()
}
