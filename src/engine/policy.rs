//! What may be done where: read-only clouds, and the guards of the settings. Every way that changes something on a
//! cloud passes here; what clients grey out is only a courtesy.

use super::core::Core;
use crate::model::{CloudName, ClusterId, Deed, Failure, Plan, Server, Work};
use crate::protocol::Refusal;
use crate::protocol::command::RefusalCode;

/// Lets an action on clouds pass that touches `count` things.
///
/// # Errors
/// `Refused`, with the rule and the place that it comes from: a cloud is read-only, a guard denies it or limits how much
/// is done at once.
pub fn may<'c>(
    core: &Core,
    deed: Deed,
    clouds: impl IntoIterator<Item = &'c CloudName> + Clone,
    cluster: Option<&str>,
    count: u32,
    tried: &str,
) -> Result<(), Refusal> {
    for cloud in clouds.clone() {
        writable(core, cloud, tried)?;
    }
    guarded(core, deed, clouds, cluster, count, tried)
}

/// Lets an action pass that changes nothing, so that a read-only cloud is no reason against it.
///
/// # Errors
/// As [`may`], but for read-only clouds.
pub fn guarded<'c>(
    core: &Core,
    deed: Deed,
    clouds: impl IntoIterator<Item = &'c CloudName>,
    cluster: Option<&str>,
    count: u32,
    tried: &str,
) -> Result<(), Refusal> {
    let rules = core.clouds.rules();
    rules.ruling(deed, clouds, cluster).check(count).map_err(|why| {
        let next = "what the rule says can be changed in the settings, by whoever may";
        refused(Failure::refused(tried, format!("a guard is in the way: {why}")).next(next))
    })
}

/// Lets changes of a cloud pass.
///
/// # Errors
/// It is read-only.
pub fn writable(core: &Core, cloud: &CloudName, tried: &str) -> Result<(), Refusal> {
    match core.clouds.entry(cloud).and_then(|entry| entry.read_only) {
        None => Ok(()),
        Some(place) => {
            let failure = Failure::refused(tried, format!("cloud {cloud} is read-only ({place})"));
            Err(refused(failure.next("take `read_only` out there when it shall be changed from here")))
        }
    }
}

/// Lets a plan be carried out.
///
/// # Errors
/// As [`may`].
pub fn plan(core: &Core, plan: &Plan) -> Result<(), Refusal> {
    let tried = format!("{} cluster {}", plan.kind, plan.cluster_name);
    may(core, plan.kind.into(), plan.clouds(), Some(&plan.cluster_name), plan.touches(), &tried)
}

/// Lets the one step of a run of no cluster begin.
///
/// # Errors
/// As [`may`].
pub fn single(core: &Core, work: &Work, cloud: Option<&CloudName>, tried: &str) -> Result<(), Refusal> {
    match work {
        Work::CreateServer { .. } => may(core, Deed::ServerCreate, cloud, None, 1, tried),
        Work::UploadImage { .. } => may(core, Deed::ImageUpload, cloud, None, 1, tried),
        Work::ChangeServer { change, .. } => may(core, change.into(), cloud, None, 1, tried),
        Work::Command { call } if call.dangerous => may(core, Deed::CommandRun, cloud, call.cluster.as_deref(), 1, tried),
        Work::Command { call } => guarded(core, Deed::CommandRun, cloud, call.cluster.as_deref(), 1, tried),
        _ => Ok(()),
    }
}

/// Lets something be done to a server.
///
/// # Errors
/// As [`may`].
pub fn server(core: &Core, deed: Deed, server: &Server, tried: &str) -> Result<(), Failure> {
    let cluster = server.tags.as_ref().and_then(|tags| cluster_name(core, tags.cluster));
    may(core, deed, [&server.cloud], cluster.as_deref(), 1, tried).map_err(|refusal| refusal.failure)
}

/// The name of a cluster of this home.
pub fn cluster_name(core: &Core, id: ClusterId) -> Option<String> {
    core.journal.state().clusters.get(&id).map(|cluster| cluster.name.clone())
}

fn refused(failure: Failure) -> Refusal {
    Refusal { code: RefusalCode::Refused, failure }
}
