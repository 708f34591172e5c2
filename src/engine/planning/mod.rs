//! Plans: what is asked for, the world it meets, and the files it needs, handed to the pure planner.

mod facts;
mod freeze;
mod placed;
mod undo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::core::Core;
use crate::clusters::{Inputs, Wanted, blueprints, plan, spec};
use crate::model::spec::PlaybookSpec;
use crate::model::{CloudName, Cluster, ClusterId, ClusterSpec, Failure, PlacedFile, Plan, PlanId, RunNo};
use crate::protocol::{Refusal, SpecSource};

use freeze::Frozen;

pub use undo::undo;

pub use freeze::{adopt, clean, drop_password};

/// A spec, read, with where it came from.
struct Source {
    spec: ClusterSpec,
    path: String,
    /// Its text, where there is one.
    text: String,
    base_dir: PathBuf,
}

/// A cluster from a spec; one that is there already is brought to it.
///
/// # Errors
/// The spec is wrong, names what the cloud has not, or needs more than the quota gives.
pub async fn create(core: &Core, source: &SpecSource, name: Option<String>, cloud: Option<String>) -> Result<Plan, Refusal> {
    let mut source = read(core, source).map_err(Refusal::bad)?;
    if let Some(name) = name {
        if !crate::model::ids::is_name(&name) {
            let shown: String = crate::model::text::clean(&name).chars().take(60).collect();
            let failure = Failure::refused("plan a cluster", format!("{shown:?} is no name for a cluster"))
                .next("a name is lower-case letters, digits, - and _, beginning with a letter or digit, at most 40 characters");
            return Err(Refusal::bad(failure));
        }
        source.spec.name = name;
    }
    if cloud.is_some() {
        source.spec.cloud = cloud;
    }
    from_spec(core, source).await
}

/// The same cluster once more, as its record says: what is missing is made, what is broken is made anew.
///
/// # Errors
/// As [`create`].
pub async fn converge(core: &Core, spec: ClusterSpec, base_dir: &str) -> Result<Plan, Refusal> {
    let path = format!("spec of cluster {}", spec.name);
    from_spec(core, Source { spec, path, text: String::new(), base_dir: PathBuf::from(base_dir) }).await
}

async fn from_spec(core: &Core, source: Source) -> Result<Plan, Refusal> {
    let Source { mut spec, path, text, base_dir } = source;
    let default_cloud = match &spec.cloud {
        Some(cloud) => CloudName::new(cloud.clone()),
        None => core.clouds.default_name().map_err(Refusal::of)?,
    };
    let existing = core.journal.state().cluster_named(&spec.name).cloned();
    let facts = facts::gather(core, &spec, &default_cloud, existing).await.map_err(Refusal::of)?;
    facts.fill_in(&mut spec, &default_cloud);
    let files = placed::files(&spec, &base_dir).map_err(Refusal::bad)?;
    let keys = placed::keys(&spec, &base_dir).map_err(Refusal::bad)?;
    let playbooks: Vec<PlaybookSpec> = spec.playbooks.iter().map(|p| p.spec()).collect();
    let id = PlanId::new();
    let frozen = freeze::freeze(core, id, &base_dir, &playbooks).map_err(Refusal::bad)?;
    let base = base_dir.to_string_lossy();
    let wanted = Wanted { spec: &spec, path: &path, text: &text, base_dir: &base, default_cloud: &default_cloud };
    let given = Given { plan: id, frozen, files, keys };
    make(core, given, |inputs| plan::create(&wanted, &facts, inputs)).await
}

/// What a plan is made from beside the world.
struct Given {
    plan: PlanId,
    frozen: Frozen,
    /// Files placed at boot, by group.
    files: BTreeMap<String, Vec<PlacedFile>>,
    keys: Vec<String>,
}

/// Makes a plan, and keeps it until somebody says yes to it.
async fn make(core: &Core, given: Given, plan: impl FnOnce(Inputs<'_>) -> Result<Plan, Failure>) -> Result<Plan, Refusal> {
    let inputs = Inputs {
        plan: given.plan,
        cluster: ClusterId::new(),
        keys: &given.keys,
        files: &given.files,
        frozen: given.frozen.hashes,
        token: &mut || core.token(),
    };
    let mut plan = plan(inputs).map_err(Refusal::of)?;
    plan.warnings.extend(given.frozen.warning);
    core.store.plan_put(&plan).await.map_err(Refusal::of)?;
    Ok(plan)
}

/// What is to be done to a cluster that is there.
pub enum Aim<'a> {
    Scale(&'a BTreeMap<String, u32>),
    Repair,
    Delete,
    /// Playbooks, with paths from this directory; none: those of the spec.
    Playbooks(&'a [PlaybookSpec], PathBuf),
}

/// A plan for a cluster that is there.
///
/// # Errors
/// There is no such cluster, the aim is wrong, or the quota is too small.
pub async fn change(core: &Core, cluster: ClusterId, aim: Aim<'_>) -> Result<Plan, Refusal> {
    let cluster = cluster_of(core, cluster).map_err(Refusal::of)?;
    let spec = cluster.spec.clone();
    let base_dir = match &aim {
        Aim::Playbooks(_, base) if !base.as_os_str().is_empty() => base.clone(),
        _ => PathBuf::from(&cluster.base_dir),
    };
    let facts = facts::gather(core, &spec, &cluster.cloud.clone(), Some(cluster)).await.map_err(Refusal::of)?;
    let id = PlanId::new();
    let mut playbooks: Vec<PlaybookSpec> = match &aim {
        Aim::Delete => Vec::new(),
        Aim::Playbooks(calls, _) if !calls.is_empty() => calls.to_vec(),
        _ => spec.playbooks.iter().map(|p| p.spec()).collect(),
    };
    let (files, keys) = match &aim {
        Aim::Delete | Aim::Playbooks(..) => Default::default(),
        _ => {
            let files = placed::files(&spec, &base_dir).map_err(Refusal::bad)?;
            (files, placed::keys(&spec, &base_dir).map_err(Refusal::bad)?)
        }
    };
    let frozen = freeze::freeze(core, id, &base_dir, &playbooks).map_err(Refusal::bad)?;
    if frozen.warning.is_some() {
        // What is used where it is must be found from anywhere: the cluster's own directory may be another.
        playbooks.iter_mut().for_each(|call| call.path = base_dir.join(&call.path).to_string_lossy().into_owned());
    }
    let given = Given { plan: id, frozen, files, keys };
    let base = base_dir.to_string_lossy();
    make(core, given, |inputs| match aim {
        Aim::Scale(counts) => plan::scale(counts, &facts, inputs),
        Aim::Repair => plan::repair(&facts, inputs),
        Aim::Delete => plan::delete(&facts, inputs),
        Aim::Playbooks(..) => plan::playbook(&playbooks, &base, &facts, inputs),
    })
    .await
}

/// The cluster of this id.
///
/// # Errors
/// There is none.
pub fn cluster_of(core: &Core, id: ClusterId) -> Result<Cluster, Failure> {
    let state = core.journal.state();
    state.clusters.get(&id).cloned().ok_or_else(|| {
        Failure::not_found("find the cluster", format!("there is no cluster {id}"))
            .next("`quarterdeck cluster list` shows those there are")
    })
}

fn read(core: &Core, source: &SpecSource) -> Result<Source, Failure> {
    match source {
        SpecSource::Text { text, path, base_dir } => {
            let spec = spec::parse(text, path)?;
            Ok(Source { spec, path: path.clone(), text: text.clone(), base_dir: PathBuf::from(base_dir) })
        }
        SpecSource::Blueprint { blueprint, text } => {
            let found = blueprints::find(blueprint).ok_or_else(|| {
                let names: Vec<_> = blueprints::all().iter().map(|b| b.name).collect();
                Failure::not_found(format!("use blueprint {blueprint:?}"), "there is no blueprint of that name")
                    .next(format!("the blueprints are: {}", names.join(", ")))
            })?;
            let base_dir = lay_out(core, found)?;
            let path = format!("blueprint {}", found.name);
            let text = text.as_deref().unwrap_or_else(|| found.spec());
            Ok(Source { spec: spec::parse(text, &path)?, path, text: text.to_owned(), base_dir })
        }
    }
}

/// Writes a blueprint's files where playbooks can be run from; the place stays, for clusters refer to it.
fn lay_out(core: &Core, blueprint: &blueprints::Blueprint) -> Result<PathBuf, Failure> {
    let dir = core.settings.dirs.blueprints.join(format!("{}-{}", blueprint.name, core.settings.version));
    for (path, text) in blueprint.files {
        let at = dir.join(path);
        if std::fs::read_to_string(&at).ok().as_deref() != Some(text) {
            crate::base::files::write_private(&at, text.as_bytes())?;
        }
    }
    Ok(dir)
}

/// Where the frozen files of a run are.
pub fn frozen_dir(core: &Core, run: RunNo) -> PathBuf {
    core.store.run_dir(run).join("files")
}

/// Whether `path` leads out of the directory that it starts in.
fn leads_out(path: &str) -> bool {
    Path::new(path).components().any(|c| !matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir))
}
