//! An event body in the form in which it is written.

use serde_json::Value;

use crate::model::{Failure, RunNo};
use crate::protocol::EventBody;

/// An event body with its JSON, made once on the caller's thread.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) body: EventBody,
    /// `{"kind":…,"of":…}`.
    pub(super) json: String,
}

impl Record {
    /// # Errors
    /// It has no JSON form.
    pub(super) fn new(body: EventBody) -> Result<Self, Failure> {
        let json = serde_json::to_string(&body).map_err(|e| Failure::broken("record an event", e))?;
        Ok(Self { body, json })
    }

    /// Name of the kind, as in the stored form.
    pub(super) fn kind(&self) -> &str {
        match &self.body {
            EventBody::Run(_) => "run",
            EventBody::RunGone(_) => "run_gone",
            EventBody::Step(_) => "step",
            EventBody::Cluster(_) => "cluster",
            EventBody::ClusterGone(_) => "cluster_gone",
            EventBody::Node(_) => "node",
            EventBody::NodeGone { .. } => "node_gone",
            EventBody::Prompt(_) => "prompt",
            EventBody::Audit(_) => "audit",
            EventBody::Unknown(value) => value.get("kind").and_then(Value::as_str).unwrap_or("unknown"),
        }
    }

    /// The run it is about.
    pub(super) fn run(&self) -> Option<RunNo> {
        match &self.body {
            EventBody::Run(run) => Some(run.number),
            EventBody::RunGone(run) => Some(*run),
            EventBody::Step(step) => Some(step.run),
            EventBody::Prompt(prompt) => Some(prompt.run),
            EventBody::Audit(entry) => entry.run,
            _ => None,
        }
    }

    /// The JSON of what the event carries, cut out of [`Record::json`]; `null` for an unknown kind.
    pub(super) fn content(&self) -> &str {
        if matches!(self.body, EventBody::Unknown(_)) {
            return "null";
        }
        let start = r#"{"kind":"","of":"#.len() + self.kind().len();
        self.json.get(start..self.json.len().saturating_sub(1)).unwrap_or("null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    #[test]
    fn the_content_is_cut_out_exactly() {
        for body in sample::one_of_each() {
            let record = Record::new(body).unwrap();
            let whole: Value = serde_json::from_str(&record.json).unwrap();
            assert_eq!(whole["kind"], record.kind());
            if !matches!(record.body, EventBody::Unknown(_)) {
                let content: Value = serde_json::from_str(record.content()).unwrap();
                assert_eq!(content, whole["of"]);
            }
        }
    }
}
