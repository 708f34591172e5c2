//! Builds: from what somebody asks for to a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use uuid::Uuid;

use super::start;
use crate::containers::build::Context;
use crate::engine::core::Core;
use crate::engine::door::Who;
use crate::model::build::is_secret_id;
use crate::model::{Failure, NewBuild, Work};
use crate::protocol::{Answer, Refusal};

/// Starts the run of a build. What is wrong with it as it stands is refused before.
pub async fn run(
    core: &Arc<Core>,
    who: &Who,
    mut build: NewBuild,
    secrets: BTreeMap<String, String>,
    key: Option<Uuid>,
) -> Result<Answer, Refusal> {
    let title = format!("build {}", build.called());
    let wrong = |got: String, next: &str| Err(Refusal::bad(Failure::refused(&title, got).next(next)));
    if !Path::new(&build.context).is_absolute() {
        return wrong(format!("the directory {:?} is not absolute", build.context), "give the whole path");
    }
    if let Some(id) = secrets.keys().find(|id| !is_secret_id(id)) {
        return wrong(format!("{id:?} is no id of a secret"), "an id is letters, digits, - and _, at most 64");
    }
    core.dockers.get(&build.docker).map_err(Refusal::of)?;
    let (dir, dockerfile) = (build.context.clone(), build.dockerfile.clone());
    let looked = tokio::task::spawn_blocking(move || Context::open(Path::new(&dir), &dockerfile).map(drop)).await;
    looked.map_err(|e| Refusal::of(Failure::broken(&title, e)))?.map_err(Refusal::bad)?;
    build.secrets = secrets.keys().cloned().collect();
    let secrets = secrets.into_iter().map(|(id, value)| (id, SecretString::from(value))).collect();
    start::single(core, who, &title, Work::Build { build: Box::new(build) }, None, secrets, key).await
}
