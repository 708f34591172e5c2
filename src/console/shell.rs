//! A shell on the node or server that is selected.

use crate::model::NodeState;
use crate::protocol::StreamRequest;
use crate::protocol::hello::PtySize;

use super::msg::Effect;
use super::state::{Model, Tab};

/// Opens it, in the place of the console. Of a cluster, on the selected node, else on the first that is up.
pub fn open(model: &mut Model) {
    let pty = Some(PtySize { term: model.me.term.clone(), cols: model.area.width, rows: model.area.height });
    let target = match model.tab {
        Tab::Clusters => {
            let node = model.selected_node().cloned().or_else(|| {
                let cluster = model.selected_cluster()?.id;
                model.mirror.nodes_of(cluster).find(|n| n.state == NodeState::Up).cloned()
            });
            node.map(|n| (StreamRequest::Shell { cluster: n.cluster, node: n.name.clone(), command: None, pty }, n.name))
        }
        _ => {
            let server = model.table(Tab::Servers).selected().and_then(|id| model.server(id)).cloned();
            server.map(|s| match &s.tags {
                Some(tags) if model.mirror.nodes().contains_key(&(tags.cluster, tags.node.clone())) => {
                    (StreamRequest::Shell { cluster: tags.cluster, node: tags.node.clone(), command: None, pty }, s.name)
                }
                _ => (StreamRequest::ServerShell { cloud: s.cloud, server: s.id, command: None, pty }, s.name),
            })
        }
    };
    if let Some((request, title)) = target {
        model.effect(Effect::Shell { request, title });
    }
}
