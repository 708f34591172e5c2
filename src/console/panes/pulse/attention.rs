//! What needs somebody: questions, failures that nothing has put right since, clusters and clouds that are not well.

use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::words;
use crate::model::{ClusterState, NodeState, Run, RunState, ServerStatus, Time};
use crate::protocol::live::{Freshness, ListKind, Rows};

use super::{Line, Piece, REST, Section};

/// A failure is news for so long, milliseconds.
const LATELY: i64 = 24 * 3_600_000;
/// Failed runs that are listed.
const MOST: usize = 20;
/// Cells of what a line is about.
const WHAT: u16 = 26;

/// Everything that needs somebody, the most urgent first.
pub fn section(model: &Model) -> Section {
    let mut lines = questions(model);
    lines.extend(failures(model));
    lines.extend(clusters(model));
    lines.extend(clouds(model));
    lines.extend(servers(model));
    lines.extend(quotas(model));
    if lines.is_empty() {
        let text = if model.ready { "nothing: all is well" } else { "asking the engine…" };
        let (glyph, role) = if model.ready { (Glyph::Done, Role::Ok) } else { (Glyph::Pending, Role::Faint) };
        lines.push(Line::plain(vec![Piece::Glyph(glyph, role), Piece::Text(text.to_owned(), Role::Dim, REST)]));
    }
    let least = (lines.len() as u16).min(3);
    Section { title: "NEEDS YOU", lines, least, brief: None, rank: 0, right: false }
}

fn line(id: String, goal: String, (glyph, role): (Glyph, Role), what: &str, says: &str) -> Line {
    let says = says.lines().next().unwrap_or_default().to_owned();
    let pieces = vec![
        Piece::Glyph(glyph, role),
        Piece::Text(what.to_owned(), Role::Strong, WHAT),
        Piece::Text(says, if role == Role::Failed { role } else { Role::Text }, REST),
    ];
    Line::new(id, goal, pieces)
}

fn questions(model: &Model) -> Vec<Line> {
    let of = |prompt: &crate::model::Prompt| {
        let title = model.mirror.runs().get(&prompt.run).map_or("", |r| r.title.as_str());
        let goal = if model.why_only_looking().is_none() { "run answer" } else { "run show" };
        line(
            format!("ask {}", prompt.id),
            format!("{goal} {}", prompt.run),
            (Glyph::Asks, Role::Waiting),
            &format!("{} {title}", prompt.run),
            &prompt.question,
        )
        .at(words::when(model.now, prompt.opened, &model.zone), Role::Dim)
    };
    model.asks().map(of).collect()
}

/// Runs that failed lately, but for those that were put right: a later one of the same kind on the same cluster.
fn failures(model: &Model) -> Vec<Line> {
    let runs = model.mirror.runs();
    let since = Time(model.now.0 - LATELY);
    let lately = runs.values().rev().filter(|r| r.state == RunState::Failed && r.ended.is_some_and(|at| at >= since));
    let open = lately.filter(|failed| !runs.range(failed.number..).skip(1).any(|(_, later)| puts_right(later, failed)));
    let of = |run: &Run| {
        let got = run.failure.as_ref().map_or("", |f| f.got.as_str());
        line(
            format!("run {}", run.number),
            format!("run show {}", run.number),
            (Glyph::Failed, Role::Failed),
            &format!("{} {}", run.number, run.title),
            got,
        )
        .at(run.ended.map_or_else(String::new, |at| words::when(model.now, at, &model.zone)), Role::Dim)
    };
    open.take(MOST).map(of).collect()
}

fn puts_right(later: &Run, failed: &Run) -> bool {
    let same =
        later.title == failed.title || (later.cluster.is_some() && later.cluster == failed.cluster && later.kind == failed.kind);
    same && later.state == RunState::Done
}

fn clusters(model: &Model) -> Vec<Line> {
    let busy = |id| model.under_way().any(|r| r.cluster == Some(id));
    let mut out = Vec::new();
    for cluster in model.mirror.clusters().values() {
        let bad = matches!(cluster.state, ClusterState::Degraded | ClusterState::Failed);
        let lost = model.mirror.nodes_of(cluster.id).filter(|n| matches!(n.state, NodeState::Gone | NodeState::Failed)).count();
        if busy(cluster.id) || (!bad && lost == 0) {
            continue;
        }
        let says = match lost {
            0 => cluster.state.to_string(),
            lost => format!("{}: {} lost", cluster.state, words::many(lost as u64, "node")),
        };
        let look = match cluster.state {
            ClusterState::Failed => (Glyph::Failed, Role::Failed),
            _ => (Glyph::Warn, Role::Warn),
        };
        out.push(line(format!("cluster! {}", cluster.id), format!("cluster show {}", cluster.name), look, &cluster.name, &says));
    }
    out
}

fn clouds(model: &Model) -> Vec<Line> {
    let mut out = Vec::new();
    for cloud in &model.mirror.clouds {
        let (failure, at) = match &cloud.health {
            Freshness::Failed { failure } => (failure, None),
            Freshness::Stale { failure: Some(failure), at } => (failure, Some(*at)),
            _ => continue,
        };
        let name = &cloud.info.name;
        let look = if at.is_some() { (Glyph::Warn, Role::Warn) } else { (Glyph::Failed, Role::Failed) };
        let when = at.map_or_else(String::new, |at| format!("since {}", words::when(model.now, at, &model.zone)));
        let made = line(format!("cloud! {name}"), format!("cloud show {name}"), look, &format!("cloud {name}"), &failure.got);
        out.push(made.at(when, Role::Dim));
    }
    out
}

/// Servers in error, by cloud.
fn servers(model: &Model) -> Vec<Line> {
    let mut out = Vec::new();
    for cloud in model.clouds_in_scope() {
        let Some((_, Some(Rows::Servers(servers)))) = model.list(&cloud, ListKind::Servers) else { continue };
        let mut bad = servers.iter().filter(|s| s.status == ServerStatus::Error);
        let Some(first) = bad.next() else { continue };
        let count = 1 + bad.count() as u64;
        let what = if count == 1 { format!("server {}", first.name) } else { words::many(count, "server") };
        let fault = first.fault.as_deref().unwrap_or("in error");
        let says = if count == 1 { fault.to_owned() } else { format!("in error; {}: {fault}", first.name) };
        let goal = format!("servers status=error cloud={cloud}");
        out.push(
            line(format!("servers! {cloud}"), goal, (Glyph::Failed, Role::Failed), &what, &says).at(cloud.to_string(), Role::Dim),
        );
    }
    out
}

/// Quotas that are nearly used up.
fn quotas(model: &Model) -> Vec<Line> {
    let mut out = Vec::new();
    for cloud in model.clouds_in_scope() {
        let Some((_, Some(Rows::Quota(quota)))) = model.list(&cloud, ListKind::Quota) else { continue };
        for item in &quota.items {
            let Some(limit) = item.limit.filter(|limit| *limit > 0 && item.used * 10 >= limit * 9) else { continue };
            let name = item.name.replace('_', " ");
            let what = format!("quota of {cloud}");
            let says = format!("{} of {} {name} used", words::count(item.used), words::count(limit));
            let goal = format!("cloud show {cloud}");
            out.push(line(format!("quota! {cloud} {name}"), goal, (Glyph::Warn, Role::Warn), &what, &says));
        }
    }
    out
}
