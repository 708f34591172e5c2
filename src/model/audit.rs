//! Who changed what, when, from where.

use serde::{Deserialize, Serialize};

use super::{RunNo, Time};

/// One change that somebody asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Time,
    /// The operator's name: `QUARTERDECK_OPERATOR` or the account's.
    pub who: String,
    pub uid: u32,
    /// `console`, `cli`.
    pub client: String,
    /// `SSH_CONNECTION` of the client, when it had one.
    pub from: Option<String>,
    /// What was asked for: `delete cluster web-prod`. Never a secret.
    pub what: String,
    pub run: Option<RunNo>,
    /// `ok`, or the message of the refusal.
    pub result: String,
}
