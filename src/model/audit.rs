//! Who changed what, when, from where.

use serde::{Deserialize, Serialize};

use super::{CloudName, RunNo, Time};

/// One change that somebody asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
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
    /// Name of the cluster it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The cloud it is about; of several, the cluster's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudName>,
    /// `ok`, or the message of the refusal.
    pub result: String,
}
