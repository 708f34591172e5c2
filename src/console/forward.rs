//! Forwarding a port through the node or server that is selected.

use crate::model::text::clean;
use crate::model::{Deed, Forward, Level, NodeState, Route, Thing};
use crate::protocol::Command;

use super::bulk::Item;
use super::layers::{AskLine, Layer};
use super::rails::{self, Guarded};
use super::remove;
use super::state::{Model, Tab};
use super::theme::Role;

/// What a forward shall lead through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Through {
    thing: Thing,
    name: String,
    of: Guarded,
}

/// Asks which port, for the selected server or node; of a cluster, for the first node that is up.
pub fn ask(model: &mut Model) {
    if let Some(through) = selected(model) {
        model.layers.push(Layer::Ask(AskLine::forward(through)));
    }
}

fn selected(model: &Model) -> Option<Through> {
    if model.tab == Tab::Clusters {
        let cluster = model.selected_cluster()?;
        let first = || model.mirror.nodes_of(cluster.id).find(|node| node.state == NodeState::Up);
        let node = model.selected_node().or_else(first)?;
        let thing = Thing::Node { cluster: cluster.id, node: node.name.clone() };
        let of = (node.cloud.clone(), Some(cluster.name.clone()));
        return Some(Through { thing, name: format!("{}/{}", cluster.name, node.name), of });
    }
    let server = model.table(Tab::Servers).selected().and_then(|id| model.server(id))?;
    let cluster = server.tags.as_ref().and_then(|tags| model.mirror.clusters().get(&tags.cluster));
    let thing = Thing::Server { cloud: server.cloud.clone(), server: server.id.clone() };
    Some(Through { thing, name: server.name.clone(), of: (server.cloud.clone(), cluster.map(|c| c.name.clone())) })
}

/// Opens what was typed, as surely asked as the guards want it.
///
/// # Errors
/// What is wrong with it as it is written.
pub fn open(model: &mut Model, through: &Through, text: &str) -> Result<(), String> {
    let route: Route = text.parse()?;
    let Some((level, says)) = rails::question_of(model, Deed::Forward, std::slice::from_ref(&through.of), 1, Level::None) else {
        return Ok(());
    };
    let command = Command::ForwardOpen { through: through.thing.clone(), route };
    remove::asked(model, level, "forward", "port", says.trim_start(), vec![Item::new(&through.name, "", command)]);
    Ok(())
}

/// One is open.
pub fn opened(model: &mut Model, forward: &Forward) {
    let text = format!("{} leads to {} of {}", forward.address(), clean(&forward.route.far()), clean(&forward.name));
    model.say(text, Role::Ok);
}
