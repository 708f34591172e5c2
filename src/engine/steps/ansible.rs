//! The managed virtualenv with Ansible.

use super::{Done, StepCx};
use crate::model::Failure;

/// Makes it, or repairs it.
pub async fn install(cx: &StepCx) -> Result<Done, Failure> {
    let call = cx.cx();
    let ansible = crate::ansible::install(&cx.core.ansible_settings(), &call).await?;
    Ok(Done::note(format!("ansible-core {}", ansible.version)))
}
