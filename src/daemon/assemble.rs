//! From the settings of a home to its engine.

use std::sync::Arc;

use super::Lent;
use crate::engine::Engine;
use crate::engine::door::Door;
use crate::engine::settings::{Dirs, EngineSettings};
use crate::model::Failure;

/// Bytes of the gigabyte that the settings speak of.
const GIGABYTE: u64 = 1_000_000_000;

/// Makes the engine of a home.
///
/// # Errors
/// This program cannot be found on the disk, or the engine cannot start.
pub async fn engine(lent: Lent) -> Result<Arc<dyn Door>, Failure> {
    let Lent { paths, settings, clouds } = lent;
    let program = std::env::current_exe().map_err(|e| Failure::broken("find this program on the disk", e))?;
    let dirs = Dirs {
        home: paths.data.clone(),
        clusters: paths.data.join("clusters"),
        servers: paths.data.join("servers"),
        plans: paths.data.join("plans"),
        blueprints: paths.data.join("blueprints"),
        ansible: paths.ansible(),
        tokens: paths.data.join("tokens"),
        sandbox: paths.data.join("sandbox"),
        data: paths.data,
    };
    let settings = EngineSettings {
        dirs,
        program,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ansible_use_path: settings.ansible_use_path.value,
        ansible_python: settings.ansible_python.value,
        notify: settings.notify.command.value,
        keep_runs: settings.keep_runs.value,
        keep_days: settings.keep_days.value,
        keep_bytes: settings.keep_gigabytes.value.saturating_mul(GIGABYTE),
    };
    Ok(Arc::new(Engine::start(settings, clouds).await?))
}
