//! Why something is not well: the causes in order, each with what shows it and where to look, then what to do.

use std::collections::BTreeMap;

use crate::client::argv;
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::words;
use crate::model::play::{HostResult, TaskState};
use crate::model::{
    CloudName, ClusterState, DockerInfo, Failure, Node, NodeState, PlayState, Run, RunKind, RunNo, RunState, Server,
    ServerStatus, Step, StepState,
};
use crate::protocol::Command;
use crate::protocol::live::{Freshness, ListKind, Rows};

use super::jump::Jump;
use super::sheet::{Sheet, pad};
use super::subject::{Subject, server_of};

/// Hosts that are named one by one.
const NAMED: usize = 6;
/// Causes of one kind that are told one by one.
const TOLD: usize = 12;

/// Something that is wrong.
struct Cause {
    what: String,
    role: Role,
    /// What shows it: a name, and what it says.
    evidence: Vec<(&'static str, String)>,
    links: Vec<(String, Jump)>,
}

impl Cause {
    fn new(what: impl Into<String>, role: Role) -> Self {
        Self { what: what.into(), role, evidence: Vec::new(), links: Vec::new() }
    }

    fn shows(mut self, name: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.evidence.push((name, text));
        }
        self
    }

    fn failure(self, failure: &Failure) -> Self {
        self.shows("tried", &failure.tried).shows("at", &failure.at).shows("got", &failure.got)
    }

    fn link(mut self, text: impl Into<String>, jump: Jump) -> Self {
        self.links.push((text.into(), jump));
        self
    }
}

/// What there is to do: in words, and what does it.
struct Remedy {
    text: String,
    jump: Option<Jump>,
    /// The command line that does it.
    line: Option<String>,
}

#[derive(Default)]
struct Report {
    causes: Vec<Cause>,
    remedies: Vec<Remedy>,
}

impl Report {
    fn remedy(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() && !self.remedies.iter().any(|r| r.text == text) {
            self.remedies.push(Remedy { text, jump: None, line: None });
        }
    }

    fn remedy_by(&mut self, text: impl Into<String>, jump: Jump) {
        self.remedies.push(Remedy { text: text.into(), jump: Some(jump), line: None });
    }

    fn remedy_line(&mut self, text: impl Into<String>, line: Option<String>) {
        self.remedies.push(Remedy { text: text.into(), jump: None, line });
    }
}

/// Whether something is wrong with it, as far as can be told at a glance.
pub fn unhealthy(model: &Model, subject: &Subject) -> bool {
    match subject {
        Subject::Cloud(_) => subject.cloud(model).is_some_and(|row| cloud_failure(&row.health).is_some()),
        Subject::Server(..) => subject.server(model).is_some_and(|s| s.status == ServerStatus::Error),
        Subject::Cluster(_) => {
            subject.cluster(model).is_some_and(|c| matches!(c.state, ClusterState::Degraded | ClusterState::Failed))
        }
        Subject::Node(..) => subject.node(model).is_some_and(|node| bad_node(node.state)),
        Subject::Run(_) => subject.run(model).is_some_and(|run| run.state == RunState::Failed || run.failure.is_some()),
        Subject::Step(..) => subject.step(model).is_some_and(bad_step),
        Subject::Task { .. } => match subject.result(model) {
            Some(result) => result.outcome.bad(),
            None => subject.task(model).is_some_and(|task| task.totals.failed + task.totals.unreachable > 0),
        },
        Subject::Docker(tab, row) => docker_failure(model, *tab, row).is_some(),
        Subject::Flavor(..) | Subject::Image(..) | Subject::Resource(..) => false,
    }
}

/// The runs that must be known in detail to tell why.
pub fn needs(model: &Model, subject: &Subject) -> Vec<RunNo> {
    match subject {
        Subject::Cluster(id) => last_failed(model, *id).map(|run| run.number).into_iter().collect(),
        Subject::Node(cluster, _) => last_failed(model, *cluster).map(|run| run.number).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn bad_node(state: NodeState) -> bool {
    matches!(state, NodeState::Gone | NodeState::Failed | NodeState::Stopped)
}

fn bad_step(step: &Step) -> bool {
    matches!(step.state, StepState::Failed | StepState::UndoFailed)
}

fn cloud_failure(health: &Freshness) -> Option<&Failure> {
    match health {
        Freshness::Stale { failure: Some(failure), .. } | Freshness::Failed { failure } => Some(failure),
        _ => None,
    }
}

/// The newest run of a cluster, when it ended badly.
fn last_failed(model: &Model, cluster: crate::model::ClusterId) -> Option<&Run> {
    let newest = model.mirror.runs().values().rev().find(|run| run.cluster == Some(cluster))?;
    (newest.state == RunState::Failed).then_some(newest)
}

/// The text.
pub fn sheet(model: &Model, subject: &Subject) -> Sheet {
    let mut report = Report::default();
    match subject {
        Subject::Cloud(name) => of_cloud(model, name, &mut report),
        Subject::Server(cloud, id) => {
            if let Some(server) = super::subject::server(model, cloud, id) {
                of_server(model, server, &mut report);
            }
        }
        Subject::Cluster(_) => of_cluster(model, subject, &mut report),
        Subject::Node(..) => of_node(model, subject, &mut report),
        Subject::Run(run) | Subject::Step(run, _) => of_run(model, *run, &mut report),
        Subject::Task { run, .. } => of_run(model, *run, &mut report),
        Subject::Flavor(cloud, _) | Subject::Image(cloud, _) => of_cloud(model, cloud, &mut report),
        Subject::Docker(tab, row) => of_docker(model, *tab, row, &mut report),
        Subject::Resource(_, row) => {
            let cloud = CloudName::new(row.split('/').next().unwrap_or_default());
            of_cloud(model, &cloud, &mut report);
        }
    }
    let mut sheet = write(model, subject, &report);
    let waits = subject.needs().is_some_and(|run| model.mirror.steps(run).is_none());
    if waits {
        sheet.blank();
        sheet.text("The steps of the run are still being read…", Role::Dim);
    }
    sheet
}

fn write(model: &Model, subject: &Subject, report: &Report) -> Sheet {
    let mut sheet = Sheet::default();
    if report.causes.is_empty() {
        let name = subject.name(model);
        sheet.text(format!("Nothing is wrong with {name}, as far as is known."), Role::Ok);
    }
    for (at, cause) in report.causes.iter().enumerate() {
        sheet.blank();
        let number = pad(&format!("{}", at + 1), 4);
        sheet.rich([(number.as_str(), Role::Dim), (cause.what.as_str(), cause.role)]);
        for (name, text) in &cause.evidence {
            let mut name = format!("    {}", pad(name, 8));
            for line in text.lines().filter(|line| !line.trim().is_empty()).take(8) {
                let role = if name.trim() == "got" { Role::Text } else { Role::Dim };
                sheet.rich([(name.as_str(), Role::Title), (line, role)]);
                name = " ".repeat(12);
            }
        }
        for (text, jump) in &cause.links {
            sheet.sublink(text, jump.clone());
        }
    }
    if !report.remedies.is_empty() {
        sheet.title("WHAT TO DO");
    }
    for remedy in &report.remedies {
        match &remedy.jump {
            Some(jump) => {
                sheet.link(&remedy.text, jump.clone());
                if let Jump::Plan { command, .. } | Jump::Do { command, .. } = jump
                    && let Some(line) = argv::line(command, &model.mirror)
                {
                    sheet.text(format!("    {line}"), Role::Dim);
                }
            }
            None => {
                sheet.text(&remedy.text, Role::Text);
                sheet.text(remedy.line.as_ref().map_or_else(String::new, |line| format!("    {line}")), Role::Dim);
            }
        }
    }
    sheet
}

// --- runs ---

fn of_run(model: &Model, number: RunNo, report: &mut Report) {
    let Some(run) = model.mirror.runs().get(&number) else { return };
    if let Some(prompt) = model.asks().find(|prompt| prompt.run == number) {
        let cause = Cause::new(format!("It waits for an answer: {}", prompt.question), Role::Waiting);
        report.causes.push(cause.link("the run, and its question", Jump::Show(Subject::Run(number))));
    } else if let Some(waits) = run.waits.as_ref().filter(|_| !run.state.ended()) {
        report.causes.push(Cause::new(format!("It waits: {waits}"), Role::Waiting));
    }
    let steps = model.mirror.steps(number);
    let failed: Vec<&Step> = steps.into_iter().flat_map(|steps| steps.values()).filter(|step| bad_step(step)).collect();
    for step in failed.iter().take(TOLD) {
        match model.mirror.plays.get(&(number, step.index)).filter(|play| !play.state.failed_hosts().is_empty()) {
            Some(play) => of_playbook(model, run, step, &play.state, report),
            None => of_step(model, step, report),
        }
    }
    if failed.len() > TOLD {
        report.causes.push(Cause::new(format!("and {} more steps failed", failed.len() - TOLD), Role::Failed));
    }
    if let Some(failure) = &run.failure {
        if failed.is_empty() {
            report.causes.push(Cause::new(format!("run {number} failed"), Role::Failed).failure(failure));
        }
        report.remedy(&failure.next);
    }
    if run.state == RunState::Failed {
        let bad_hosts = run.kind == RunKind::Playbook && run.play_totals.failed + run.play_totals.unreachable > 0;
        let retry = |failed_hosts| Command::Retry { run: number, failed_hosts };
        let by = |says: &str, command| Jump::Do { says: says.to_owned(), command: Box::new(command) };
        if bad_hosts {
            report.remedy_by("run it again, on the failed hosts only", by("again, on the failed hosts", retry(true)));
        }
        report.remedy_by("take it up where it failed", by("taken up again", retry(false)));
    }
    not_done(steps.into_iter().flat_map(|steps| steps.values()), &failed, report);
}

/// What did not happen because of it.
fn not_done<'s>(steps: impl Iterator<Item = &'s Step>, failed: &[&Step], report: &mut Report) {
    let left = steps.filter(|s| matches!(s.state, StepState::Cancelled | StepState::Skipped | StepState::Pending)).count();
    if left > 0 && !failed.is_empty() {
        let text =
            format!("{} {} not done because of it", words::many(left as u64, "step"), if left == 1 { "was" } else { "were" });
        report.causes.push(Cause::new(text, Role::Dim));
    }
}

fn of_step(model: &Model, step: &Step, report: &mut Report) {
    let attempts = if step.attempt > 1 { format!(", after {} attempts", step.attempt) } else { String::new() };
    let mut cause = Cause::new(format!("{} failed{attempts}", step.title), Role::Failed);
    if let Some(failure) = &step.failure {
        cause = cause.failure(failure);
        report.remedy(&failure.next);
    }
    cause = cause.link("the step", Jump::Describe(Subject::Step(step.run, step.index)));
    if step.attempt > 0 {
        cause = cause.link("its output", Jump::Output { run: step.run, step: step.index, byte: 0 });
    }
    if let Some(node) = step.cluster.zip(step.node.clone()).map(|(cluster, node)| Subject::Node(cluster, node))
        && let Some(found) = node.node(model)
    {
        if let Some(server) = &found.server {
            let (cloud, server, name) = (found.cloud.clone(), server.clone(), found.name.clone());
            cause = cause.link(format!("console log of {name}"), Jump::ConsoleLog { cloud, server, name });
        }
        cause = cause.link(format!("what happened to {}", found.name), Jump::Timeline(node));
    }
    if let Some(cloud) = &step.cloud
        && model.mirror.clouds.iter().any(|row| row.info.name == *cloud && cloud_failure(&row.health).is_some())
    {
        cause = cause.link(format!("{cloud} does not answer"), Jump::Explain(Subject::Cloud(cloud.clone())));
    }
    report.causes.push(cause);
}

/// The tasks that failed, with their hosts put together by what they said.
fn of_playbook(model: &Model, run: &Run, step: &Step, play: &PlayState, report: &mut Report) {
    let tasks = play.plays.iter().flat_map(|part| &part.tasks);
    for task in tasks.filter(|task| task.totals.failed + task.totals.unreachable > 0) {
        let mut by_message: BTreeMap<(bool, &str), Vec<(&String, &HostResult)>> = BTreeMap::new();
        for (host, result) in task.results.iter().filter(|(_, result)| result.outcome.bad()) {
            let away = result.outcome == crate::model::play::Outcome::Unreachable;
            by_message.entry((away, result.msg.lines().next().unwrap_or_default())).or_default().push((host, result));
        }
        let more = by_message.len().saturating_sub(TOLD);
        for ((away, _), hosts) in by_message.into_iter().take(TOLD) {
            report.causes.push(of_hosts(model, run, step, task, away, &hosts));
        }
        if more > 0 {
            report.causes.push(Cause::new(format!("and {more} more messages of {}", task.name), Role::Failed));
        }
    }
}

fn of_hosts(model: &Model, run: &Run, step: &Step, task: &TaskState, away: bool, hosts: &[(&String, &HostResult)]) -> Cause {
    let names: Vec<&str> = hosts.iter().take(NAMED).map(|(host, _)| host.as_str()).collect();
    let more = if hosts.len() > NAMED { format!(" and {} more", hosts.len() - NAMED) } else { String::new() };
    let who = format!("{}{more}", names.join(", "));
    let (host, result) = hosts[0];
    let what = if away { format!("{who} could not be reached: {}", task.name) } else { format!("{} failed on {who}", task.name) };
    let cause = Cause::new(what, if away { Role::Unreachable } else { Role::Failed });
    let place = if task.path.is_empty() { String::new() } else { format!("{}   {}", task.path, task.action) };
    let cause = cause.shows("got", &result.msg).shows("more", &result.detail).shows("task", place);
    let (number, index) = (run.number, step.index);
    let cause = cause.link("its lines in the output", Jump::Output { run: number, step: index, byte: result.place() });
    let cause = cause.link(format!("{host} in this run"), Jump::Host { run: number, step: index, host: host.clone() });
    let Some(node) = run.cluster.map(|cluster| Subject::Node(cluster, host.clone())).filter(|n| n.node(model).is_some()) else {
        return cause;
    };
    if away {
        cause.link(format!("why {host} does not answer"), Jump::Explain(node))
    } else {
        cause.link(format!("what happened to {host} before"), Jump::Timeline(node))
    }
}

// --- clusters and nodes ---

fn of_cluster(model: &Model, subject: &Subject, report: &mut Report) {
    let Some(cluster) = subject.cluster(model) else { return };
    let nodes: Vec<&Node> = model.mirror.nodes_of(cluster.id).filter(|node| bad_node(node.state)).collect();
    for node in nodes.iter().take(TOLD) {
        report.causes.push(
            bad_node_cause(model, node)
                .link(format!("{} in detail", node.name), Jump::Explain(Subject::Node(cluster.id, node.name.clone()))),
        );
    }
    if nodes.len() > TOLD {
        report.causes.push(Cause::new(format!("and {} more nodes are not up", nodes.len() - TOLD), Role::Warn));
    }
    let mut clouds: Vec<&CloudName> = model.mirror.nodes_of(cluster.id).map(|node| &node.cloud).chain([&cluster.cloud]).collect();
    clouds.sort();
    clouds.dedup();
    clouds.into_iter().for_each(|cloud| silent_cloud(model, cloud, report));
    if let Some(run) = last_failed(model, cluster.id) {
        let mut cause = Cause::new(format!("its last run failed: run {}, {}", run.number, run.title), Role::Failed);
        if let Some(failure) = &run.failure {
            cause = cause.failure(failure);
        }
        report.causes.push(cause.link(format!("why run {} failed", run.number), Jump::Explain(Subject::Run(run.number))));
    } else if let Some(last) = cluster.last_playbook.as_ref().filter(|last| !last.ok) {
        let hosts = last.failed_hosts.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let cause = Cause::new(format!("{} failed on {hosts}", last.name), Role::Failed);
        report.causes.push(cause.link(format!("why run {} failed", last.run), Jump::Explain(Subject::Run(last.run))));
    }
    if !nodes.is_empty() {
        let command = Command::PlanRepair { cluster: cluster.id };
        let title = format!("repair {}", cluster.name);
        let jump = Jump::Plan { title, command: Box::new(command) };
        report.remedy_by("repair it: lost nodes come back; the plan is shown first", jump);
    }
}

fn bad_node_cause(model: &Model, node: &Node) -> Cause {
    let what = match node.state {
        NodeState::Gone => format!("{} is gone: its server is no longer there", node.name),
        NodeState::Stopped => format!("{} is switched off", node.name),
        NodeState::Failed => format!("{} could not be made; the cluster goes on without it", node.name),
        state => format!("{} is {state}", node.name),
    };
    let role = if node.state == NodeState::Failed { Role::Failed } else { Role::Warn };
    let cause = Cause::new(what, role).shows("note", node.note.clone().unwrap_or_default());
    match server_of(model, node) {
        Some(server) => cause.shows("server", format!("{} is {}", server.name, server.status)),
        None => cause,
    }
}

fn silent_cloud(model: &Model, cloud: &CloudName, report: &mut Report) {
    let row = model.mirror.clouds.iter().find(|row| row.info.name == *cloud);
    if let Some(failure) = row.and_then(|row| cloud_failure(&row.health)) {
        let cause = Cause::new(format!("{cloud} does not answer, so what is said of its servers is old"), Role::Warn);
        report.causes.push(
            cause.failure(failure).link(format!("why {cloud} does not answer"), Jump::Explain(Subject::Cloud(cloud.clone()))),
        );
    }
}

fn of_node(model: &Model, subject: &Subject, report: &mut Report) {
    let Some(node) = subject.node(model) else { return };
    if bad_node(node.state) {
        let mut cause = bad_node_cause(model, node);
        if let Some(server) = &node.server {
            let (cloud, server, name) = (node.cloud.clone(), server.clone(), node.name.clone());
            cause = cause.link("its console log", Jump::ConsoleLog { cloud, server, name });
        }
        report.causes.push(cause.link("what happened to it", Jump::Timeline(subject.clone())));
    }
    if let Some(server) = server_of(model, node).filter(|s| s.status == ServerStatus::Error) {
        of_server(model, server, report);
    }
    silent_cloud(model, &node.cloud, report);
    if let Some(via) = &node.via
        && let Some(gate) = Subject::Node(node.cluster, via.clone()).node(model).filter(|gate| gate.state != NodeState::Up)
    {
        let cause = Cause::new(format!("it is reached through {via}, which is {}", gate.state), Role::Warn);
        report
            .causes
            .push(cause.link(format!("why {via} is {}", gate.state), Jump::Explain(Subject::Node(node.cluster, via.clone()))));
    }
    failed_on(model, node, report);
    if bad_node(node.state) {
        let title = format!("repair {}", Subject::Cluster(node.cluster).name(model));
        let jump = Jump::Plan { title, command: Box::new(Command::PlanRepair { cluster: node.cluster }) };
        report.remedy_by("repair its cluster: it comes back; the plan is shown first", jump);
    }
}

/// What failed on the node in its cluster's last run.
fn failed_on(model: &Model, node: &Node, report: &mut Report) {
    let Some(run) = last_failed(model, node.cluster) else { return };
    for step in model.mirror.steps(run.number).into_iter().flat_map(|steps| steps.values()).filter(|step| bad_step(step)) {
        if step.node.as_deref() == Some(&node.name) {
            of_step(model, step, report);
        }
        let Some(play) = model.mirror.plays.get(&(run.number, step.index)) else { continue };
        for task in play.state.plays.iter().flat_map(|part| &part.tasks) {
            if let Some((host, result)) = task.results.get_key_value(&node.name).filter(|(_, result)| result.outcome.bad()) {
                let away = result.outcome == crate::model::play::Outcome::Unreachable;
                report.causes.push(of_hosts(model, run, step, task, away, &[(host, result)]));
            }
        }
    }
}

// --- servers and clouds ---

fn of_server(model: &Model, server: &Server, report: &mut Report) {
    let log = || {
        let (cloud, id, name) = (server.cloud.clone(), server.id.clone(), server.name.clone());
        Jump::ConsoleLog { cloud, server: id, name }
    };
    match &server.status {
        ServerStatus::Error => {
            let cause = Cause::new(format!("{} went to ERROR on {}", server.name, server.cloud), Role::Failed);
            let fault = server.fault.clone().unwrap_or_else(|| "the cloud does not say why".to_owned());
            report.causes.push(cause.shows("got", fault).link("its console log", log()));
            full_quota(model, &server.cloud, report);
            let delete = Command::ServerDelete { cloud: server.cloud.clone(), server: server.id.clone() };
            if server.tags.is_none() {
                report.remedy_line("delete it and create another", argv::line(&delete, &model.mirror));
            }
        }
        ServerStatus::Shutoff => {
            let cause = Cause::new(format!("{} is switched off", server.name), Role::Warn);
            report.causes.push(cause.link("its console log", log()));
            let action = crate::model::PowerAction::Start;
            let start = Command::ServerPower { cloud: server.cloud.clone(), server: server.id.clone(), action };
            report.remedy_by("switch it on", Jump::Do { says: format!("start {}", server.name), command: Box::new(start) });
        }
        _ => {}
    }
    if let Some(tags) = server.tags.as_ref().filter(|_| server.status == ServerStatus::Error)
        && let Some(cluster) = model.mirror.clusters().get(&tags.cluster)
    {
        let jump = Jump::Plan {
            title: format!("repair {}", cluster.name),
            command: Box::new(Command::PlanRepair { cluster: cluster.id }),
        };
        report.remedy_by(format!("repair {}: {} is made anew; the plan is shown first", cluster.name, tags.node), jump);
    }
    silent_cloud(model, &server.cloud, report);
}

/// Quotas with nothing left.
fn full_quota(model: &Model, cloud: &CloudName, report: &mut Report) {
    let Some((_, Some(Rows::Quota(quota)))) = model.list(cloud, ListKind::Quota) else { return };
    let full: Vec<String> = quota
        .items
        .iter()
        .filter(|item| item.limit.is_some_and(|limit| limit > 0 && item.used >= limit))
        .map(|item| format!("{} {} of {}", item.name.replace('_', " "), item.used, item.limit.unwrap_or(0)))
        .collect();
    if !full.is_empty() {
        let cause = Cause::new(format!("the quota of {cloud} is used up"), Role::Warn).shows("used", full.join(", "));
        report.causes.push(cause.link(format!("{cloud} in detail"), Jump::Describe(Subject::Cloud(cloud.clone()))));
    }
}

/// Why a Docker engine does not answer, or the one that holds something.
fn docker_failure<'m>(model: &'m Model, tab: Tab, row: &str) -> Option<(&'m DockerInfo, &'m Failure)> {
    let name = if tab == Tab::Docker { row } else { row.split('/').next()? };
    let docker = model.mirror.dockers.iter().find(|docker| docker.info.name.as_str() == name)?;
    cloud_failure(&docker.health).map(|failure| (&docker.info, failure))
}

fn of_docker(model: &Model, tab: Tab, row: &str, report: &mut Report) {
    let Some((info, failure)) = docker_failure(model, tab, row) else { return };
    let cause = Cause::new(format!("Docker engine {} does not answer", info.name), Role::Failed).failure(failure);
    let cause = cause.shows("where", &info.address.host).shows("set in", &info.source);
    let all = Jump::Describe(Subject::Docker(Tab::Docker, info.name.to_string()));
    report.causes.push(cause.link("all that is known of it", all));
    report.remedy(&failure.next);
    report.remedy_line("look whether it is there", Some(format!("quarterdeck docker show {}", info.name)));
}

fn of_cloud(model: &Model, name: &CloudName, report: &mut Report) {
    let Some(row) = model.mirror.clouds.iter().find(|row| row.info.name == *name) else { return };
    if let Some(failure) = cloud_failure(&row.health) {
        let since = match &row.health {
            Freshness::Stale { at, .. } => format!("it answered {} for the last time", words::when(model.now, *at, &model.zone)),
            _ => "it has not answered so far".to_owned(),
        };
        let cause = Cause::new(format!("{name} does not answer"), Role::Failed).failure(failure);
        let cause = cause.shows("since", since).shows("where", &row.info.endpoint).shows("set in", &row.info.source);
        report.causes.push(cause.link("its settings and what its driver can", Jump::Describe(Subject::Cloud(name.clone()))));
        report.remedy(&failure.next);
        report.remedy_line("look whether it is there", Some(format!("quarterdeck cloud test {name}")));
    }
    for kind in [ListKind::Servers, ListKind::Flavors, ListKind::Images, ListKind::Quota] {
        if let Some((freshness, _)) = model.list(name, kind)
            && let Some(failure) = cloud_failure(freshness)
            && cloud_failure(&row.health).is_none_or(|of_cloud| of_cloud.got != failure.got)
        {
            let what = format!("{kind:?}").to_lowercase();
            report.causes.push(Cause::new(format!("its {what} cannot be read"), Role::Warn).failure(failure));
            report.remedy(&failure.next);
        }
    }
    full_quota(model, name, report);
}
