//! Guard rails as the console shows them: what is greyed and why, what is asked, which clouds are production. The
//! engine refuses the same by itself.

use crate::model::{CloudInfo, CloudName, ClusterId, Deed, Level, Ruling, Server};
use crate::protocol::{Command, View};

use super::layers::{Confirm, Layer};
use super::msg::Slot;
use super::state::Model;
use super::theme::Role;
use super::widgets::table::Cell;

/// What is said of the request that lets a session act again.
pub const ACTING: &str = "this session may act again";

fn info<'m>(model: &'m Model, cloud: &CloudName) -> Option<&'m CloudInfo> {
    model.mirror.clouds.iter().map(|row| &row.info).find(|info| info.name == *cloud)
}

/// Why something cannot be done on a cloud: it is read-only, or a guard denies it.
pub fn why_not(model: &Model, deed: Deed, cloud: &CloudName, cluster: Option<&str>) -> Option<String> {
    why_read_only(model, cloud).or_else(|| model.mirror.rules.ruling(deed, [cloud], cluster).check(1).err())
}

/// Why nothing can be changed on a cloud.
pub fn why_read_only(model: &Model, cloud: &CloudName) -> Option<String> {
    let place = info(model, cloud).and_then(|info| info.read_only.as_ref())?;
    Some(format!("{cloud} is read-only ({place})"))
}

/// The cluster that a server belongs to.
fn cluster_of<'m>(model: &'m Model, server: &Server) -> Option<&'m str> {
    let tags = server.tags.as_ref()?;
    model.mirror.clusters().get(&tags.cluster).map(|cluster| cluster.name.as_str())
}

/// Why something cannot be done to a server.
pub fn why_not_server(model: &Model, deed: Deed, server: &Server) -> Option<String> {
    why_not(model, deed, &server.cloud, cluster_of(model, server))
}

/// How surely somebody is asked about these servers, and what is added to the question; `None`: the guards are against
/// it, and that was said.
pub fn question(model: &mut Model, deed: Deed, servers: &[Server], otherwise: Level) -> Option<(Level, String)> {
    let things: Vec<Guarded> = servers.iter().map(|s| (s.cloud.clone(), cluster_of(model, s).map(str::to_owned))).collect();
    question_of(model, deed, &things, servers.len(), otherwise)
}

/// What a guard can speak of: a cloud, and a cluster on it.
pub type Guarded = (CloudName, Option<String>);

/// The same about things of any kind; the action touches `count` of them, or so many servers.
pub fn question_of(model: &mut Model, deed: Deed, things: &[Guarded], count: usize, otherwise: Level) -> Option<(Level, String)> {
    let each = things.iter().map(|(cloud, cluster)| model.mirror.rules.ruling(deed, [cloud], cluster.as_deref()));
    let ruling = each.reduce(Ruling::and).unwrap_or_default();
    if let Err(why) = ruling.check(u32::try_from(count).unwrap_or(u32::MAX)) {
        model.say(why, Role::Warn);
        return None;
    }
    let mut says = if ruling.why.is_empty() { String::new() } else { format!("\n\n{}", ruling.why) };
    if things.iter().any(|(cloud, _)| is_prod(model, cloud)) {
        says.push_str("\n\nThis is PROD.");
    }
    Some((ruling.level_or(otherwise), says))
}

/// Others live from what runs there.
pub fn is_prod(model: &Model, cloud: &CloudName) -> bool {
    info(model, cloud).is_some_and(|info| info.prod)
}

/// What somebody looks at is on a cloud that is production, or belongs to a cluster there.
pub fn view_is_prod(model: &Model, view: &View) -> bool {
    let of_cluster = |id: ClusterId| model.mirror.clusters().get(&id).is_some_and(|cluster| is_prod(model, &cluster.cloud));
    if let Some(run) = &view.run {
        return model.mirror.runs().get(&run.number).and_then(|run| run.cluster).is_some_and(of_cluster);
    }
    let selected = view.selected.as_deref().unwrap_or_default();
    // The ids of rows: a cluster's, `CLOUD`, `CLOUD/…`.
    let cloud = CloudName::new(selected.split('/').next().unwrap_or_default());
    view.cloud.iter().chain([&cloud]).any(|cloud| is_prod(model, cloud))
        || selected.parse().is_ok_and(|id| of_cluster(ClusterId(id)))
}

/// What a title says when one of these clouds is production.
pub fn mark<'c>(model: &Model, clouds: impl IntoIterator<Item = &'c CloudName>) -> &'static str {
    if clouds.into_iter().any(|cloud| is_prod(model, cloud)) { "  PROD" } else { "" }
}

/// A cloud in a list.
pub fn cell(model: &Model, cloud: &CloudName) -> Cell {
    if is_prod(model, cloud) { Cell::new(format!("{cloud} PROD"), Role::Danger) } else { Cell::new(cloud.to_string(), Role::Dim) }
}

/// What the line at the top says beside the cloud.
pub fn signs(model: &Model) -> Vec<(&'static str, Role)> {
    let cloud = match (&model.scope, model.mirror.clouds.as_slice()) {
        (Some(scope), _) => info(model, scope),
        (None, [only]) => Some(&only.info),
        _ => None,
    };
    let mut signs = Vec::new();
    if cloud.is_some_and(|cloud| cloud.prod) {
        signs.push(("PROD", Role::Danger));
    }
    if model.read_only || cloud.is_some_and(|cloud| cloud.read_only.is_some()) {
        signs.push(("read-only", Role::Warn));
    }
    signs
}

/// Makes the session read-only at once; lets it act again only after a question.
pub fn toggle(model: &mut Model) {
    if model.read_only {
        let command = Command::Session { view: None, read_only: Some(false) };
        let text = "From then on this console changes what you tell it to.";
        let commands = vec![(Slot::Act(ACTING.to_owned()), command)];
        let layer = Confirm::new("let this session act again", text, None, commands);
        model.layers.push(Layer::Confirm(layer));
    } else {
        model.read_only = true;
        tell(model);
    }
}

/// Has the engine refuse what this session must not do, as it is after the line came (again) or the switch.
pub fn tell(model: &mut Model) {
    if model.read_only {
        let command = Command::Session { view: None, read_only: Some(true) };
        model.request(Slot::Act("this session is read-only".to_owned()), command);
    }
}
