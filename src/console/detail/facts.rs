//! What is known of a thing, as a table for people.

use crate::client::argv;
use crate::console::run::outcome_sign;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::words;
use crate::model::play::{HostResult, Outcome};
use crate::model::time::work_duration;
use crate::model::{Capability, CloudName, Failure, NodeState, Step, Time, Work};
use crate::protocol::live::{Freshness, ListKind, Rows};

use super::jump::Jump;
use super::sheet::{Sheet, pad};
use super::subject::{Subject, server_of};

/// Runs of a cluster that are listed.
const RUNS: usize = 8;
/// Hosts of a task that are listed.
const HOSTS: usize = 200;

/// The table.
pub fn sheet(model: &Model, subject: &Subject) -> Sheet {
    let mut sheet = Sheet::default();
    match subject {
        Subject::Cloud(_) => cloud(model, subject, &mut sheet),
        Subject::Flavor(..) => flavor(model, subject, &mut sheet),
        Subject::Image(..) => image(model, subject, &mut sheet),
        Subject::Resource(..) => resource(model, subject, &mut sheet),
        Subject::Server(..) => server(model, subject, &mut sheet),
        Subject::Cluster(_) => cluster(model, subject, &mut sheet),
        Subject::Node(..) => node(model, subject, &mut sheet),
        Subject::Docker(tab, row) => super::docker::sheet(model, *tab, row, &mut sheet),
        Subject::Run(_) => run(model, subject, &mut sheet),
        Subject::Step(..) => step(model, subject, &mut sheet),
        Subject::Task { host: None, .. } => task(model, subject, &mut sheet),
        Subject::Task { .. } => result(model, subject, &mut sheet),
    }
    if let Some(line) = subject.line(model) {
        sheet.blank();
        sheet.fact("command", line, Role::Dim);
    }
    sheet
}

/// A point in time: the day, the time, and how long ago.
pub fn when(model: &Model, at: Time) -> String {
    let ago = model.now.since(at);
    format!("{} {}   {} ago", words::day(at, &model.zone), words::time_of_day(at, &model.zone), work_duration(ago))
}

/// What failed, in its four parts.
pub fn failure(sheet: &mut Sheet, failure: &Failure) {
    sheet.fact("tried", &failure.tried, Role::Text);
    sheet.fact("at", &failure.at, Role::Text);
    sheet.fact("got", &failure.got, Role::Failed);
    sheet.fact("next", &failure.next, Role::Strong);
}

fn cloud(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(row) = subject.cloud(model) else { return };
    let (info, name) = (&row.info, &row.info.name);
    let (text, role, failed) = match &row.health {
        Freshness::Fresh { at } => (format!("answers, as of {}", words::when(model.now, *at, &model.zone)), Role::Ok, None),
        Freshness::Loading => ("is being asked".to_owned(), Role::Running, None),
        Freshness::Stale { at, failure } => {
            (format!("answered {}", words::when(model.now, *at, &model.zone)), Role::Warn, failure.as_ref())
        }
        Freshness::Failed { failure } => ("does not answer".to_owned(), Role::Failed, Some(failure)),
    };
    sheet.fact("name", name.as_str(), Role::Strong);
    sheet.fact("status", text, role);
    failed.iter().for_each(|f| failure(sheet, f));
    sheet.fact("driver", info.driver.to_string(), Role::Text);
    sheet.fact("where", &info.endpoint, Role::Text);
    sheet.fact("set in", &info.source, Role::Dim);
    sheet.maybe("user", row.user.as_ref(), Role::Text);
    sheet.fact("default", if info.default { "yes: commands that name no cloud go here" } else { "no" }, Role::Text);
    sheet.maybe("servers", row.servers.map(|n| n.to_string()), Role::Text);
    if let Some((_, Some(Rows::Quota(quota)))) = model.list(name, ListKind::Quota)
        && !quota.items.is_empty()
    {
        sheet.title("QUOTA");
        for item in &quota.items {
            let limit =
                item.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("of {}", words::amount(&item.name, limit)));
            let role = if item.limit.is_some_and(|limit| item.used >= limit) { Role::Warn } else { Role::Text };
            sheet.fact(&item.name.replace('_', " "), format!("{} {limit}", words::amount(&item.name, item.used)), role);
        }
    }
    sheet.title("WHAT ITS DRIVER CAN");
    for (name, capability) in &info.capabilities.0 {
        let (text, role) = match capability {
            Capability::Yes => ("yes".to_owned(), Role::Text),
            Capability::Limited { note } => (format!("in part: {note}"), Role::Dim),
            Capability::No { reason } => (format!("no: {reason}"), Role::Dim),
        };
        sheet.rich([(pad(&name.replace('_', " "), 18).as_str(), Role::Title), (text.as_str(), role)]);
    }
}

fn flavor(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(flavor) = subject.flavor(model) else { return };
    sheet.fact("name", &flavor.name, Role::Strong);
    sheet.fact("vcpus", flavor.vcpus.to_string(), Role::Text);
    sheet.fact("ram", words::bytes(flavor.ram_mb << 20), Role::Text);
    sheet.fact("disk", words::bytes(flavor.disk_gb << 30), Role::Text);
    sheet.fact("note", &flavor.note, Role::Text);
    sheet.fact_to("cloud", flavor.cloud.as_str(), Jump::Describe(Subject::Cloud(flavor.cloud.clone())));
    sheet.fact("id", &flavor.id, Role::Dim);
    used_by(model, sheet, |node| node.cloud == flavor.cloud && node.flavor == flavor.name);
}

fn image(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(image) = subject.image(model) else { return };
    sheet.fact("name", &image.name, Role::Strong);
    sheet.fact("status", format!("{:?}", image.status).to_lowercase(), Role::Text);
    sheet.maybe("size", image.size.map(words::bytes), Role::Text);
    sheet.maybe("login", image.ssh_user.as_ref(), Role::Text);
    sheet.maybe("made", image.created.map(|at| when(model, at)), Role::Text);
    sheet.fact_to("cloud", image.cloud.as_str(), Jump::Describe(Subject::Cloud(image.cloud.clone())));
    sheet.fact("id", &image.id, Role::Dim);
    for (name, value) in &image.properties {
        sheet.fact("says", format!("{name}={value}"), Role::Dim);
    }
    used_by(model, sheet, |node| node.cloud == image.cloud && node.image == image.name);
}

/// What its cloud tells of it, field by field.
fn resource(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(serde_json::Value::Object(fields)) = subject.value(model) else { return };
    for (name, value) in &fields {
        let text = said(value);
        match name.as_str() {
            "cloud" => sheet.fact_to("cloud", &text, Jump::Describe(Subject::Cloud(CloudName::new(text.as_str())))),
            name => sheet.fact(&name.replace('_', " "), text, if name == "name" { Role::Strong } else { Role::Text }),
        }
    }
}

/// A value as people read it: lists with a line for each thing, what is in it behind each other.
fn said(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => "–".to_owned(),
        Value::Array(all) => all.iter().map(said).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => {
            let some = fields.iter().filter(|(_, value)| !value.is_null());
            some.map(|(name, value)| format!("{} {}", name.replace('_', " "), said(value))).collect::<Vec<_>>().join("   ")
        }
    }
}

/// The nodes that something is used by.
fn used_by(model: &Model, sheet: &mut Sheet, uses: impl Fn(&crate::model::Node) -> bool) {
    let nodes: Vec<_> = model.mirror.nodes().values().filter(|node| uses(node)).collect();
    if nodes.is_empty() {
        return;
    }
    sheet.title("NODES THAT USE IT");
    for node in nodes {
        let subject = Subject::Node(node.cluster, node.name.clone());
        let cluster = Subject::Cluster(node.cluster).name(model);
        sheet.rich_to([(pad(&node.name, 18).as_str(), Role::Accent), (cluster.as_str(), Role::Dim)], Jump::Describe(subject));
    }
}

fn server(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(server) = subject.server(model) else { return };
    let (_, role) = words::server_status(&server.status);
    sheet.fact("name", &server.name, Role::Strong);
    sheet.fact("status", server.status.to_string(), role);
    sheet.maybe("fault", server.fault.as_ref(), Role::Failed);
    for address in &server.addresses {
        let kind = format!("{:?}", address.kind).to_lowercase();
        let network = address.network.as_ref().map_or_else(String::new, |n| format!(", {n}"));
        sheet.fact("address", format!("{}   {kind}{network}", address.ip), Role::Text);
    }
    sheet.fact("ssh port", server.ssh_port.to_string(), Role::Text);
    sheet.fact("flavor", &server.flavor, Role::Text);
    sheet.fact("image", &server.image, Role::Text);
    sheet.fact("made", when(model, server.created), Role::Text);
    if let Some(tags) = &server.tags {
        let node = Subject::Node(tags.cluster, tags.node.clone());
        let cluster = Subject::Cluster(tags.cluster).name(model);
        if node.node(model).is_some() {
            sheet.fact_to("node", format!("{} of {cluster}", tags.node), Jump::Describe(node));
        } else {
            sheet.fact("node", format!("{}, of a cluster that is not in this home", tags.node), Role::Warn);
        }
        sheet.fact("token", tags.token.to_string(), Role::Dim);
    }
    sheet.fact_to("cloud", server.cloud.as_str(), Jump::Describe(Subject::Cloud(server.cloud.clone())));
    sheet.fact("id", &server.id, Role::Dim);
    for (name, value) in &server.metadata {
        sheet.fact("says", format!("{name}={value}"), Role::Dim);
    }
    sheet.blank();
    let (cloud, id, name) = (server.cloud.clone(), server.id.clone(), server.name.clone());
    sheet.link("its console log", Jump::ConsoleLog { cloud, server: id, name });
}

fn cluster(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(cluster) = subject.cluster(model) else { return };
    let (_, role) = words::cluster_state(cluster.state);
    sheet.fact("name", &cluster.name, Role::Strong);
    sheet.fact("status", cluster.state.to_string(), role);
    sheet.fact_to("cloud", cluster.cloud.as_str(), Jump::Describe(Subject::Cloud(cluster.cloud.clone())));
    for (name, group) in &cluster.spec.groups {
        let on = group.cloud.as_ref().map_or_else(String::new, |cloud| format!(" on {cloud}"));
        sheet.fact("group", format!("{name}   {} × {} from {}{on}", group.count, group.flavor, group.image), Role::Text);
    }
    sheet.fact("login", &cluster.ssh_user, Role::Text);
    sheet.fact("made", when(model, cluster.created), Role::Text);
    if let Some(last) = &cluster.last_playbook {
        let (text, role) = if last.ok {
            (format!("{}   well, {}", last.name, when(model, last.at)), Role::Ok)
        } else {
            (format!("{}   failed on {}, {}", last.name, last.failed_hosts.join(", "), when(model, last.at)), Role::Failed)
        };
        sheet.fact("playbook", text, role);
    }
    sheet.fact("on failure", format!("{:?}", cluster.spec.on_failure).to_lowercase(), Role::Text);
    sheet.fact("folder", &cluster.base_dir, Role::Dim);
    sheet.fact("revision", cluster.revision.to_string(), Role::Dim);
    sheet.fact("id", cluster.id.to_string(), Role::Dim);
    sheet.title("NODES");
    for node in model.mirror.nodes_of(cluster.id) {
        let (_, role) = words::node_state(node.state);
        let state = pad(&node.state.to_string(), 10);
        let address = pad(node.address.as_deref().unwrap_or("–"), 17);
        let pieces = [
            (pad(&node.name, 18), Role::Accent),
            (state, role),
            (address, Role::Text),
            (node.note.clone().unwrap_or_default(), Role::Warn),
        ];
        let jump = Jump::Describe(Subject::Node(cluster.id, node.name.clone()));
        sheet.rich_to(pieces.iter().map(|(text, role)| (text.as_str(), *role)), jump);
    }
    let runs: Vec<_> = model.mirror.runs().values().rev().filter(|r| r.cluster == Some(cluster.id)).take(RUNS).collect();
    if !runs.is_empty() {
        sheet.title("RUNS");
    }
    for run in runs {
        let (_, role) = words::run_state(run.state);
        let pieces = [
            (pad(&format!("run {}", run.number), 10), Role::Accent),
            (pad(&run.state.to_string(), 11), role),
            (run.title.clone(), Role::Text),
        ];
        sheet.rich_to(pieces.iter().map(|(text, role)| (text.as_str(), *role)), Jump::Describe(Subject::Run(run.number)));
    }
}

fn node(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(node) = subject.node(model) else { return };
    let (_, role) = words::node_state(node.state);
    sheet.fact("name", &node.name, Role::Strong);
    sheet.fact("status", node.state.to_string(), role);
    sheet.maybe("note", node.note.as_ref(), Role::Warn);
    sheet.fact_to("cluster", Subject::Cluster(node.cluster).name(model), Jump::Describe(Subject::Cluster(node.cluster)));
    sheet.fact("group", &node.group, Role::Text);
    sheet.maybe("address", node.address.as_ref(), Role::Text);
    sheet.fact("ssh port", node.ssh_port.to_string(), Role::Text);
    sheet.maybe("through", node.via.as_ref(), Role::Text);
    sheet.fact("flavor", &node.flavor, Role::Text);
    sheet.fact("image", &node.image, Role::Text);
    sheet.maybe("made", node.created.map(|at| when(model, at)), Role::Text);
    sheet.fact_to("cloud", node.cloud.as_str(), Jump::Describe(Subject::Cloud(node.cloud.clone())));
    match (server_of(model, node), &node.server) {
        (Some(server), _) => {
            let subject = Subject::Server(server.cloud.clone(), server.id.clone());
            sheet.fact_to("server", format!("{}   {}", server.name, server.status), Jump::Describe(subject));
        }
        (None, Some(id)) => sheet.fact("server", id, Role::Dim),
        (None, None) => sheet.fact("server", "none so far", Role::Dim),
    }
    sheet.maybe("host key", node.host_key.as_ref(), Role::Dim);
    sheet.maybe("token", node.token.as_ref().map(ToString::to_string), Role::Dim);
    sheet.blank();
    sheet.link("what happened to it", Jump::Timeline(subject.clone()));
    if let Some(id) = &node.server {
        let (cloud, server, name) = (node.cloud.clone(), id.clone(), node.name.clone());
        sheet.link("its console log", Jump::ConsoleLog { cloud, server, name });
    }
    if node.state != NodeState::Up {
        sheet.link(format!("why it is {}", node.state), Jump::Explain(subject.clone()));
    }
}

fn run(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(run) = subject.run(model) else { return };
    let (_, role) = words::run_state(run.state);
    sheet.fact("run", run.number.to_string(), Role::Strong);
    sheet.fact("title", &run.title, Role::Strong);
    sheet.fact("status", run.state.to_string(), role);
    if let Some(f) = &run.failure {
        failure(sheet, f);
    }
    sheet.maybe("waits", run.waits.as_ref(), Role::Waiting);
    sheet.fact("kind", run.kind.to_string(), Role::Text);
    sheet.fact("by", &run.by, Role::Text);
    match (run.cluster, &run.cluster_name) {
        (Some(id), _) if model.mirror.clusters().contains_key(&id) => {
            sheet.fact_to("cluster", Subject::Cluster(id).name(model), Jump::Describe(Subject::Cluster(id)));
        }
        (_, Some(name)) => sheet.fact("cluster", format!("{name}, which is gone"), Role::Text),
        _ => {}
    }
    sheet.fact("asked for", when(model, run.created), Role::Text);
    sheet.maybe("started", run.started.map(|at| when(model, at)), Role::Text);
    sheet.maybe("ended", run.ended.map(|at| when(model, at)), Role::Text);
    let took = run.started.map(|from| work_duration(run.ended.unwrap_or(model.now).since(from)));
    sheet.maybe("took", took, Role::Text);
    let s = run.steps;
    sheet.fact("steps", format!("{} done, {} failed, {} left out, {} in all", s.done, s.failed, s.skipped, s.total), Role::Text);
    let t = run.play_totals;
    if t != Default::default() {
        let text = format!("{} ok, {} changed, {} failed, {} unreachable", t.ok + t.changed, t.changed, t.failed, t.unreachable);
        sheet.fact("results", text, if t.failed + t.unreachable > 0 { Role::Failed } else { Role::Text });
    }
    sheet.fact("kept", if run.pinned { "for ever" } else { "as long as others" }, Role::Text);
    sheet.fact("id", run.id.to_string(), Role::Dim);
    let Some(steps) = model.mirror.steps(run.number) else { return };
    sheet.title("STEPS");
    for step in steps.values() {
        let (_, role) = words::step_state(&step.state);
        let note = step.failure.as_ref().map_or(&step.note, |f| &f.got).lines().next().unwrap_or_default().to_owned();
        let pieces = [
            (pad(&step.index.to_string(), 4), Role::Dim),
            (pad(&step.state.to_string(), 11), role),
            (pad(&step.title, 36), Role::Accent),
            (pad(&took_of(model, step), 8), Role::Dim),
            (note, if step.failure.is_some() { Role::Failed } else { Role::Dim }),
        ];
        let jump = Jump::Describe(Subject::Step(run.number, step.index));
        sheet.rich_to(pieces.iter().map(|(text, role)| (text.as_str(), *role)), jump);
    }
}

fn took_of(model: &Model, step: &Step) -> String {
    step.started.map_or_else(String::new, |from| work_duration(step.ended.unwrap_or(model.now).since(from)))
}

fn step(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let Some(step) = subject.step(model) else { return };
    let (_, role) = words::step_state(&step.state);
    sheet.fact("step", format!("{} of run {}", step.index, step.run), Role::Strong);
    sheet.fact("title", &step.title, Role::Strong);
    sheet.fact("status", step.state.to_string(), role);
    if let Some(f) = &step.failure {
        failure(sheet, f);
    }
    sheet.fact("note", &step.note, Role::Text);
    sheet.fact("kind", step.work.name().replace('_', " "), Role::Text);
    sheet.fact("attempt", step.attempt.to_string(), Role::Text);
    sheet.maybe("started", step.started.map(|at| when(model, at)), Role::Text);
    sheet.maybe("ended", step.ended.map(|at| when(model, at)), Role::Text);
    sheet.fact("took", took_of(model, step), Role::Text);
    if let (Some(cluster), Some(node)) = (step.cluster, &step.node) {
        let subject = Subject::Node(cluster, node.clone());
        match subject.node(model) {
            Some(_) => sheet.fact_to("node", node, Jump::Describe(subject)),
            None => sheet.fact("node", format!("{node}, which is gone"), Role::Text),
        }
    }
    if let Some(cloud) = &step.cloud {
        sheet.fact_to("cloud", cloud.as_str(), Jump::Describe(Subject::Cloud(cloud.clone())));
    }
    if let Work::Playbook { call } = &step.work {
        sheet.fact("playbook", &call.path, Role::Text);
        sheet.maybe("only hosts", call.limit.as_ref(), Role::Text);
        sheet.fact("only tags", call.tags.join(", "), Role::Text);
        sheet.fact("not tags", call.skip_tags.join(", "), Role::Text);
        sheet.maybe("check", call.check.then_some("yes: changes nothing, only reports"), Role::Text);
    }
    let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
    sheet.maybe("after", (!after.is_empty()).then(|| format!("steps {}", after.join(", "))), Role::Dim);
    sheet.fact("token", step.token.to_string(), Role::Dim);
    sheet.blank();
    if step.attempt > 0 {
        sheet.link("its output", Jump::Output { run: step.run, step: step.index, byte: 0 });
    }
    if step.failure.is_some() {
        sheet.link("why it failed", Jump::Explain(Subject::Run(step.run)));
    }
}

fn task(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let (Some(task), Subject::Task { run, step, task: id, .. }) = (subject.task(model), subject) else { return };
    let t = &task.totals;
    sheet.fact("task", &task.name, Role::Strong);
    sheet.fact("action", &task.action, Role::Text);
    sheet.fact("defined", &task.path, Role::Text);
    sheet.maybe("handler", task.handler.then_some("yes"), Role::Text);
    sheet.maybe("no log", task.no_log.then_some("yes: what it says is not shown"), Role::Text);
    sheet.fact("started", when(model, task.started), Role::Text);
    sheet.fact("took", work_duration(task.ended.unwrap_or(model.now).since(task.started)), Role::Text);
    let counts =
        format!("{} ok, {} changed, {} failed, {} unreachable, {} skipped", t.ok, t.changed, t.failed, t.unreachable, t.skipped);
    sheet.fact("results", counts, if t.failed + t.unreachable > 0 { Role::Failed } else { Role::Text });
    sheet.title("HOSTS");
    let mut hosts: Vec<(&String, &HostResult)> = task.results.iter().collect();
    hosts.sort_by_key(|(_, result)| std::cmp::Reverse(result.outcome.bad()));
    for (host, result) in hosts.into_iter().take(HOSTS) {
        let (_, role) = outcome_sign(result.outcome);
        let pieces = [
            (pad(host, 18), Role::Accent),
            (pad(result.outcome.word(), 12), role),
            (pad(&work_duration(result.took), 8), Role::Dim),
            (result.msg.lines().next().unwrap_or_default().to_owned(), role),
        ];
        let subject = Subject::Task { run: *run, step: *step, task: id.clone(), host: Some(host.clone()) };
        sheet.rich_to(pieces.iter().map(|(text, role)| (text.as_str(), *role)), Jump::Describe(subject));
    }
    if task.results.len() > HOSTS {
        sheet.text(format!("and {} more", words::count((task.results.len() - HOSTS) as u64)), Role::Faint);
    }
}

fn result(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let (Some(task), Subject::Task { run, step, host: Some(host), .. }) = (subject.task(model), subject) else { return };
    sheet.fact("host", host, Role::Strong);
    sheet.fact("task", &task.name, Role::Strong);
    let Some(result) = subject.result(model) else {
        sheet.fact("result", if task.running.contains_key(host) { "it is at it" } else { "none" }, Role::Dim);
        return;
    };
    let (_, role) = outcome_sign(result.outcome);
    sheet.fact("result", result.outcome.word(), role);
    sheet.fact("message", &result.msg, if result.outcome.bad() { Role::Failed } else { Role::Text });
    sheet.fact("more", &result.detail, Role::Text);
    sheet.fact("action", &task.action, Role::Text);
    sheet.fact("defined", &task.path, Role::Text);
    sheet.fact("at", when(model, result.at), Role::Text);
    sheet.fact("took", work_duration(result.took), Role::Text);
    sheet.blank();
    sheet.link("its lines in the output", Jump::Output { run: *run, step: *step, byte: result.place() });
    sheet.link("all results of the host in this run", Jump::Host { run: *run, step: *step, host: host.clone() });
    if result.outcome == Outcome::Unreachable
        && let Some(node) = model.mirror.runs().get(run).and_then(|r| r.cluster).map(|c| Subject::Node(c, host.clone()))
        && node.node(model).is_some()
    {
        sheet.link("why the node does not answer", Jump::Explain(node));
    }
}

impl Subject {
    /// The command line that shows the same.
    pub fn line(&self, model: &Model) -> Option<String> {
        match self {
            Self::Cluster(id) => argv::cluster_show(*id, &model.mirror),
            _ => argv::line(&self.command(model)?, &model.mirror),
        }
    }
}
