//! The clusters.

use crate::console::action::{Action, Offer};
use crate::console::rails;
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::{Cluster, ClusterState, Deed, NodeState, Run};

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 14, 32, 0),
    Column::text("status", "STATUS", 12, 12, 0),
    Column::number("nodes", "NODES", 5, 7, 0),
    Column::text("note", "NOW", 16, 44, 1),
    Column::text("playbook", "LAST PLAYBOOK", 19, 30, 2),
    Column::text("groups", "GROUPS", 20, 34, 3),
    Column::text("cloud", "CLOUD", 9, 16, 4),
    Column::text("created", "MADE", 10, 10, 5).time(),
];

pub fn rows(model: &Model) -> Vec<Row> {
    let mut clusters: Vec<&Cluster> = model.mirror.clusters().values().collect();
    if let Some(scope) = &model.scope {
        clusters.retain(|c| c.cloud == *scope || c.spec.groups.values().any(|g| g.cloud.as_deref() == Some(scope.as_str())));
    }
    clusters.sort_by(|a, b| a.name.cmp(&b.name));
    clusters.into_iter().map(|c| row(model, c)).collect()
}

fn row(model: &Model, cluster: &Cluster) -> Row {
    let (glyph, role) = words::cluster_state(cluster.state);
    let (mut up, mut total, mut gone) = (0u32, 0u32, 0u64);
    for node in model.mirror.nodes_of(cluster.id) {
        total += u32::from(node.state != NodeState::Deleting);
        up += u32::from(node.state == NodeState::Up);
        gone += u64::from(node.state == NodeState::Gone);
    }
    let nodes_role = if up == total { Role::Text } else { Role::Running };
    let groups: Vec<String> = cluster.spec.groups.iter().map(|(name, group)| format!("{name} {}", group.count)).collect();
    Row {
        id: cluster.id.to_string(),
        cells: vec![
            Cell::new(&cluster.name, Role::Strong),
            Cell::state(glyph, cluster.state.to_string(), role),
            Cell::number(format!("{up}/{total}"), f64::from(total), nodes_role),
            now(model, cluster, gone),
            playbook(model, cluster),
            Cell::new(groups.join(" · "), Role::Dim),
            rails::cell(model, &cluster.cloud),
            Cell::number(words::when(model.now, cluster.created, &model.zone), cluster.created.0 as f64, Role::Dim),
        ],
    }
}

/// What happens to it now, or what is wrong with it.
fn now(model: &Model, cluster: &Cluster, gone: u64) -> Cell {
    if let Some(run) = run_on(model, cluster) {
        let (glyph, role) = words::run_state(run.state);
        return Cell::state(glyph, format!("run {} {}", run.number, run.kind), role);
    }
    if gone > 0 {
        return Cell::state(Glyph::Warn, format!("{} gone", words::many(gone, "node")), Role::Warn);
    }
    Cell::none()
}

/// The run that works on a cluster.
fn run_on<'m>(model: &'m Model, cluster: &Cluster) -> Option<&'m Run> {
    model.under_way().find(|r| r.cluster == Some(cluster.id))
}

fn playbook(model: &Model, cluster: &Cluster) -> Cell {
    let Some(last) = &cluster.last_playbook else { return Cell::none() };
    let at = words::when(model.now, last.at, &model.zone);
    if last.ok {
        Cell::state(Glyph::Done, format!("{} {at}", last.name), Role::Ok)
    } else {
        let count = last.failed_hosts.len();
        let failed = if count > 0 { format!("{count} failed") } else { "failed".to_owned() };
        Cell::state(Glyph::Failed, format!("{} {failed}", last.name), Role::Failed)
    }
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let cluster = model.selected_cluster();
    let watching = || model.why_only_looking();
    let nothing = || cluster.is_none().then(|| "no cluster is selected".to_owned());
    let busy = || {
        let run = run_on(model, cluster?)?;
        Some(format!("run {} is working on it", run.number))
    };
    let acts = || watching().or_else(nothing).or_else(busy);
    let guard = |deed| cluster.and_then(|c| rails::why_not(model, deed, &c.cloud, Some(&c.name)));
    let leaving = || cluster.filter(|c| c.state == ClusterState::Deleting).map(|_| "it is being deleted".to_owned());
    let whole = || {
        let cluster = cluster?;
        let well = cluster.state == ClusterState::Running && model.mirror.nodes_of(cluster.id).all(|n| n.state == NodeState::Up);
        well.then(|| "nothing is wrong with it".to_owned())
    };
    let no_shell = || match model.selected_node() {
        Some(node) if node.state != NodeState::Up => Some(format!("{} is {}", node.name, node.state)),
        Some(_) => None,
        None if cluster.is_some_and(|c| model.mirror.nodes_of(c.id).any(|n| n.state == NodeState::Up)) => None,
        None => Some("no node is up".to_owned()),
    };
    let no_run = || cluster.and_then(|c| c.last_run).is_none().then(|| "no run has touched it".to_owned());
    let any = model.table(Tab::Clusters).counts().1 > 0;
    vec![
        Offer { hinted: any, ..Offer::yes(Action::Open).unless(nothing().or_else(no_run)) },
        Offer::hint(Action::ClusterNew).unless(watching()),
        Offer {
            hinted: any,
            ..Offer::yes(Action::Playbook).unless(acts().or_else(leaving).or_else(|| guard(Deed::PlaybookRun)))
        },
        Offer {
            hinted: any,
            ..Offer::yes(Action::Shell).unless(watching().or_else(nothing).or_else(no_shell).or_else(|| guard(Deed::Shell)))
        },
        Offer::yes(Action::Forward).unless(watching().or_else(nothing).or_else(no_shell).or_else(|| guard(Deed::Forward))),
        Offer { hinted: any, ..Offer::yes(Action::Scale).unless(acts().or_else(leaving).or_else(|| guard(Deed::ClusterScale))) },
        Offer { hinted: any, ..Offer::yes(Action::ClusterDelete).unless(acts().or_else(|| guard(Deed::ClusterDelete))) },
        Offer::yes(Action::Repair).unless(acts().or_else(leaving).or_else(whole).or_else(|| guard(Deed::ClusterRepair))),
        Offer { hinted: !any, ..Offer::yes(Action::Try).unless(watching()) },
    ]
}

pub fn lesson() -> (String, Vec<Action>) {
    ("No clusters yet.".to_owned(), vec![Action::ClusterNew, Action::Try, Action::Setup])
}
