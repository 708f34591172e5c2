//! The sections of the pulse, each out of what is known now.

use std::collections::BTreeMap;

use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::natural;
use crate::console::words;
use crate::model::time::work_duration;
use crate::model::{Cluster, ClusterState, NodeState, Quota, Run};
use crate::protocol::live::{CloudRow, Freshness, ListKind, Rows};

use super::{Line, Piece, REST, Section, attention, history};

/// From here on an answer is slow, milliseconds.
const SLOW: u32 = 2000;

/// All sections, in the order in which they stand.
pub fn all(model: &Model) -> Vec<Section> {
    let tall = if model.area.height >= 40 { 4 } else { 1 };
    let mut all = vec![attention::section(model), under_way(model), clouds(model), clusters(model), servers(model)];
    all.push(history::section(model, tall));
    all.extend(kept(model));
    all
}

/// Runs under way: how far they are, what is in flight, why they wait.
fn under_way(model: &Model) -> Section {
    let lines: Vec<Line> = model.under_way().map(|run| run_line(model, run)).collect();
    let section = |lines| Section { title: "RUNS", lines, least: 1, brief: None, rank: 1, right: false };
    if lines.is_empty() {
        let none =
            vec![Piece::Glyph(Glyph::Pending, Role::Faint), Piece::Text("nothing is under way".to_owned(), Role::Dim, REST)];
        return section(vec![Line::plain(none)]);
    }
    section(lines)
}

fn run_line(model: &Model, run: &Run) -> Line {
    let (glyph, role) = words::run_state(run.state);
    let done = run.steps.done + run.steps.skipped;
    let (says, says_role) = match &run.waits {
        Some(waits) => (format!("waits: {waits}"), Role::Waiting),
        None => (run.in_flight.join(" · "), Role::Dim),
    };
    let pieces = vec![
        Piece::Glyph(glyph, role),
        Piece::Text(format!("{} {}", run.number, run.title), Role::Strong, 26),
        Piece::Gauge {
            name: "",
            used: done.into(),
            limit: run.steps.total.into(),
            says: format!("{done}/{}", run.steps.total),
            high: false,
        },
        Piece::Text(says, says_role, REST),
    ];
    let time = run.started.map_or_else(String::new, |from| work_duration(model.now.since(from)));
    Line::new(format!("run {}", run.number), format!("run show {}", run.number), pieces).at(time, Role::Dim)
}

/// The clouds: whether they answer, how fast, how old what we know is, how full they are.
fn clouds(model: &Model) -> Section {
    let lines: Vec<Line> = model.mirror.clouds.iter().map(|cloud| cloud_line(model, cloud)).collect();
    let brief = counted(model.mirror.clouds.iter().map(health), "clouds");
    let none = || vec![Line::new("clouds", "clouds", vec![Piece::Text("no cloud yet".to_owned(), Role::Faint, 0)])];
    let lines = if lines.is_empty() { none() } else { lines };
    Section { title: "CLOUDS", lines, least: 1, brief: Some(brief), rank: 2, right: true }
}

fn health(cloud: &CloudRow) -> (Glyph, Role, &'static str) {
    match &cloud.health {
        Freshness::Fresh { .. } => (Glyph::On, Role::Ok, "answers"),
        Freshness::Loading => (Glyph::Busy, Role::Running, "asking"),
        Freshness::Stale { failure: None, .. } => (Glyph::Off, Role::Stale, "not asked"),
        Freshness::Stale { .. } => (Glyph::Warn, Role::Warn, "no answer"),
        Freshness::Failed { .. } => (Glyph::Failed, Role::Failed, "failed"),
    }
}

fn cloud_line(model: &Model, cloud: &CloudRow) -> Line {
    let name = &cloud.info.name;
    let (glyph, role, word) = health(cloud);
    let mut pieces = vec![Piece::Glyph(glyph, role), Piece::Text(name.to_string(), Role::Strong, 14)];
    let servers = model.list(name, ListKind::Servers).map(|(freshness, _)| freshness);
    let age = match (&cloud.health, servers) {
        (Freshness::Stale { at, .. }, _) | (_, Some(Freshness::Stale { at, failure: Some(_) })) => {
            (format!("as of {}", words::when(model.now, *at, &model.zone)), Role::Stale)
        }
        (Freshness::Fresh { .. }, _) => (word.to_owned(), Role::Dim),
        _ => (word.to_owned(), role),
    };
    pieces.push(Piece::Text(age.0, age.1, 12));
    let quota = match model.list(name, ListKind::Quota) {
        Some((_, Some(Rows::Quota(quota)))) => Some(quota),
        _ => None,
    };
    match quota {
        Some(quota) => pieces.extend(gauges(quota)),
        None => {
            let count = cloud.servers.map(|n| words::many(n.into(), "server")).unwrap_or_default();
            pieces.push(Piece::Text(count, Role::Dim, REST));
        }
    }
    let line = |pieces| Line::new(format!("cloud {name}"), format!("cloud show {name}"), pieces);
    let Some(last) = cloud.latency.last().copied() else { return line(pieces) };
    pieces.push(Piece::Spark(bars(&cloud.latency), Role::Dim));
    line(pieces).at(words::latency(last), if last >= SLOW { Role::Warn } else { Role::Dim })
}

/// Eighths of a bar for each call: by the logarithm, so that one slow call does not flatten all others.
fn bars(latency: &[u32]) -> Vec<u16> {
    let log = |ms: u32| (1.0 + f64::from(ms)).ln();
    // What takes a tenth of a second is low in any company.
    let most = latency.iter().copied().max().unwrap_or(0).max(100);
    latency.iter().map(|ms| ((log(*ms) / log(most) * 8.0).round() as u16).clamp(1, 8)).collect()
}

/// The quotas that people run into first.
fn gauges(quota: &Quota) -> Vec<Piece> {
    let wanted = [("vcpu", "vcpus"), ("ram", "ram_mb"), ("servers", "servers"), ("ip", "floating_ips")];
    let gauge = |(short, name): (&'static str, &str)| {
        let item = quota.get(name)?;
        let limit = item.limit?;
        let says = match name {
            "ram_mb" => format!("{}/{}G", item.used.div_ceil(1024), limit / 1024),
            _ => format!("{}/{limit}", item.used),
        };
        Some(Piece::Gauge { name: short, used: item.used, limit, says, high: true })
    };
    wanted.into_iter().filter_map(gauge).collect()
}

/// The clusters: their nodes, what happens to them, how the last playbook went. Those that are not well first.
fn clusters(model: &Model) -> Section {
    let rank = |c: &Cluster| match c.state {
        ClusterState::Failed => 0,
        ClusterState::Degraded => 1,
        ClusterState::Creating | ClusterState::Deleting => 2,
        ClusterState::Running => 3,
    };
    let mut all: Vec<&Cluster> = model.mirror.clusters().values().collect();
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| natural(&a.name, &b.name)));
    let states = all.iter().map(|c| {
        let (glyph, role) = words::cluster_state(c.state);
        (glyph, role, state_word(c.state))
    });
    let brief = counted(states, "clusters");
    let mut lines: Vec<Line> = all.into_iter().map(|c| cluster_line(model, c)).collect();
    if lines.is_empty() {
        let none = Piece::Text("no cluster yet".to_owned(), Role::Faint, 0);
        lines.push(Line::new("clusters", "clusters", vec![none]));
    }
    Section { title: "CLUSTERS", lines, least: 1, brief: Some(brief), rank: 3, right: true }
}

fn state_word(state: ClusterState) -> &'static str {
    match state {
        ClusterState::Creating => "creating",
        ClusterState::Running => "running",
        ClusterState::Degraded => "degraded",
        ClusterState::Deleting => "deleting",
        ClusterState::Failed => "failed",
    }
}

fn cluster_line(model: &Model, cluster: &Cluster) -> Line {
    let (glyph, role) = words::cluster_state(cluster.state);
    let nodes = || model.mirror.nodes_of(cluster.id).filter(|n| n.state != NodeState::Deleting);
    let (up, total) = (nodes().filter(|n| n.state == NodeState::Up).count() as u64, nodes().count() as u64);
    let mut pieces = vec![
        Piece::Glyph(glyph, role),
        Piece::Text(cluster.name.clone(), Role::Strong, 14),
        Piece::Text(cluster.state.to_string(), role, 12),
        Piece::Gauge { name: "", used: up, limit: total, says: format!("{up}/{total}"), high: false },
    ];
    if let Some(run) = model.under_way().find(|r| r.cluster == Some(cluster.id)) {
        let (glyph, role) = words::run_state(run.state);
        pieces.push(Piece::Glyph(glyph, role));
        pieces.push(Piece::Text(format!("run {} {}", run.number, run.kind), role, REST));
    } else if let Some(last) = &cluster.last_playbook {
        let (glyph, role) = if last.ok { (Glyph::Done, Role::Ok) } else { (Glyph::Failed, Role::Failed) };
        let at = words::when(model.now, last.at, &model.zone);
        let says = match last.failed_hosts.len() {
            _ if last.ok => format!("{} {at}", last.name),
            0 => format!("{} failed {at}", last.name),
            n => format!("{} {n} failed {at}", last.name),
        };
        pieces.push(Piece::Glyph(glyph, role));
        pieces.push(Piece::Text(says, if last.ok { Role::Dim } else { role }, REST));
    }
    Line::new(format!("cluster {}", cluster.id), format!("cluster show {}", cluster.name), pieces)
}

/// Servers by state, over all clouds in scope.
fn servers(model: &Model) -> Section {
    let mut counts: BTreeMap<(u8, String), (u64, Glyph, Role)> = BTreeMap::new();
    let mut known = false;
    for cloud in model.clouds_in_scope() {
        let Some((_, Some(Rows::Servers(servers)))) = model.list(&cloud, ListKind::Servers) else { continue };
        known = true;
        for server in servers {
            let (glyph, role) = words::server_status(&server.status);
            let rank = match role {
                Role::Ok => 0,
                Role::Running => 1,
                Role::Warn => 2,
                Role::Failed => 4,
                _ => 3,
            };
            counts.entry((rank, server.status.to_string())).or_insert((0, glyph, role)).0 += 1;
        }
    }
    let section = |lines: Vec<Line>| Section { title: "SERVERS", lines, least: 1, brief: None, rank: 5, right: true };
    if counts.is_empty() {
        let text = if known { "no server" } else { "not read yet" };
        return section(vec![Line::new("servers", "servers", vec![Piece::Text(text.to_owned(), Role::Faint, 0)])]);
    }
    let mut pieces = vec![Piece::Stack(counts.values().map(|(n, _, role)| (*n, *role)).collect())];
    for ((_, status), (count, glyph, role)) in &counts {
        pieces.push(Piece::Glyph(*glyph, *role));
        pieces.push(Piece::Text(format!("{} {status}", words::count(*count)), Role::Text, 0));
    }
    section(vec![Line::new("servers", "servers", pieces)])
}

/// The views that are kept on digits, with how many rows they have by now.
fn kept(model: &Model) -> Option<Section> {
    let line = |(digit, line): (&u8, &String)| {
        let count = model.counts.of(*digit).map(|n| words::count(n as u64)).unwrap_or_default();
        let pieces = vec![Piece::Text(format!("'{digit}"), Role::Key, 2), Piece::Text(line.clone(), Role::Text, REST)];
        Line::new(format!("favourite {digit}"), format!("favourite {digit}"), pieces).at(count, Role::Text)
    };
    let lines: Vec<Line> = model.favourites.iter().map(line).collect();
    (!lines.is_empty()).then_some(Section { title: "KEPT", lines, least: 1, brief: None, rank: 6, right: true })
}

/// How many are in which state, in one line.
fn counted(states: impl Iterator<Item = (Glyph, Role, &'static str)>, goal: &str) -> Line {
    let mut counts: Vec<(Glyph, Role, &'static str, u64)> = Vec::new();
    for (glyph, role, word) in states {
        match counts.iter_mut().find(|(_, _, known, _)| *known == word) {
            Some(known) => known.3 += 1,
            None => counts.push((glyph, role, word, 1)),
        }
    }
    let pieces = counts.into_iter().flat_map(|(glyph, role, word, count)| {
        [Piece::Glyph(glyph, role), Piece::Text(format!("{} {word}", words::count(count)), Role::Text, 0)]
    });
    Line::new(goal, goal, pieces.collect())
}
