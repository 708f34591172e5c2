//! What one looks at: a thing of any kind, by what names it.

use serde_json::Value;

use crate::console::panes;
use crate::console::resource::Resource;
use crate::console::run::Part;
use crate::console::state::{Model, Tab};
use crate::model::play::{HostResult, TaskState};
use crate::model::{CloudName, Cluster, ClusterId, Flavor, Image, Node, Run, RunNo, Server, Step};
use crate::protocol::live::{CloudRow, ListKind, Rows};
use crate::protocol::{Command, Topic};

use super::docker;

/// A thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    Cloud(CloudName),
    Flavor(CloudName, String),
    Image(CloudName, String),
    /// The row of a list of such things.
    Resource(Resource, String),
    Server(CloudName, String),
    Cluster(ClusterId),
    Node(ClusterId, String),
    /// A Docker engine, or what one holds: a row of one of these tabs.
    Docker(Tab, String),
    Run(RunNo),
    Step(RunNo, u32),
    /// A task of a step's playbook, by its id; with a host, what came of it there.
    Task {
        run: RunNo,
        step: u32,
        task: String,
        host: Option<String>,
    },
}

/// `cloud/id`, as rows of lists are named.
fn of_list(row: &str) -> Option<(CloudName, String)> {
    let (cloud, id) = row.split_once('/')?;
    Some((CloudName::new(cloud), id.to_owned()))
}

impl Subject {
    /// What is selected.
    pub fn here(model: &Model) -> Option<Self> {
        if let Some(text) = model.text() {
            return text.detail().and_then(|detail| detail.subject());
        }
        if let Some(view) = &model.run {
            return Self::in_run(model, view);
        }
        if model.lower {
            let node = model.selected_node()?;
            return Some(Self::Node(node.cluster, node.name.clone()));
        }
        Self::of_row(model, model.tab, model.table(model.tab).selected()?)
    }

    fn in_run(model: &Model, view: &crate::console::run::RunView) -> Option<Self> {
        let run = view.number;
        let step = view.with_facts(&model.mirror, |facts| facts.shown_step(view.steps.selected())).flatten();
        let play = view.with_facts(&model.mirror, |facts| Some(facts.shown_play(step)?.0)).flatten();
        match view.part {
            Part::Steps => Some(view.steps.selected().and(step).map_or(Self::Run(run), |step| Self::Step(run, step))),
            Part::Output => Some(step.map_or(Self::Run(run), |step| Self::Step(run, step))),
            Part::Plays => {
                let row = view.plays.looked_at().unwrap_or_default();
                let (task, host) = match row.strip_prefix("result ").and_then(|rest| rest.split_once(' ')) {
                    Some((task, host)) => (task, Some(host.to_owned())),
                    None => (row.strip_prefix("task ").unwrap_or_default(), view.show.host.clone()),
                };
                match play.filter(|_| !task.is_empty()) {
                    Some(step) => Some(Self::Task { run, step, task: task.to_owned(), host }),
                    None => Some(Self::Run(run)),
                }
            }
            Part::Hosts => {
                let cluster = model.mirror.runs().get(&run)?.cluster;
                let key = cluster.zip(view.hosts.selected().map(str::to_owned));
                let node = key.filter(|key| model.mirror.nodes().contains_key(key));
                Some(node.map_or(Self::Run(run), |(cluster, node)| Self::Node(cluster, node)))
            }
        }
    }

    /// The thing of a row.
    pub fn of_row(model: &Model, tab: Tab, row: &str) -> Option<Self> {
        match tab {
            Tab::Clouds => {
                model.mirror.clouds.iter().find(|c| c.info.name.as_str() == row).map(|c| Self::Cloud(c.info.name.clone()))
            }
            Tab::Flavors => of_list(row).map(|(cloud, id)| Self::Flavor(cloud, id)).filter(|s| s.flavor(model).is_some()),
            Tab::Images => of_list(row).map(|(cloud, id)| Self::Image(cloud, id)).filter(|s| s.image(model).is_some()),
            Tab::Servers => of_list(row).map(|(cloud, id)| Self::Server(cloud, id)).filter(|s| s.server(model).is_some()),
            Tab::Resource(kind) => {
                let there = panes::resources::value(model, kind, row).is_some();
                there.then(|| Self::Resource(kind, row.to_owned()))
            }
            Tab::Clusters => model.cluster(row).map(|c| Self::Cluster(c.id)),
            _ if tab.of_docker() => docker::name(model, tab, row).map(|_| Self::Docker(tab, row.to_owned())),
            Tab::Audit => panes::audit::entry(model, row)?.run.filter(|n| model.mirror.runs().contains_key(n)).map(Self::Run),
            _ => row.parse().ok().map(RunNo).filter(|n| model.mirror.runs().contains_key(n)).map(Self::Run),
        }
    }

    /// What two marked rows stand for, or a marked and the selected one.
    pub fn pair(model: &Model) -> Option<(Self, Self)> {
        if model.run.is_some() || model.text().is_some() {
            return None;
        }
        let table = if model.lower { &model.nodes } else { model.table(model.tab) };
        let mut rows = table.targets();
        if rows.len() == 1 && table.marked().0 == 1 {
            rows.extend(table.selected().filter(|row| *row != rows[0]).map(str::to_owned));
        }
        let [one, two] = rows.as_slice() else { return None };
        let subject = |row: &str| {
            if model.lower {
                let cluster = model.selected_cluster()?.id;
                model.mirror.nodes().get(&(cluster, row.to_owned())).map(|n| Self::Node(n.cluster, n.name.clone()))
            } else {
                Self::of_row(model, model.tab, row)
            }
        };
        Some((subject(one)?, subject(two)?))
    }

    /// The kind, for titles.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cloud(_) => "cloud",
            Self::Flavor(..) => "flavor",
            Self::Image(..) => "image",
            Self::Resource(kind, _) => kind.one(),
            Self::Server(..) => "server",
            Self::Cluster(_) => "cluster",
            Self::Node(..) => "node",
            Self::Docker(tab, _) => docker::kind(*tab),
            Self::Run(_) => "run",
            Self::Step(..) => "step",
            Self::Task { host: None, .. } => "task",
            Self::Task { .. } => "result",
        }
    }

    /// Its name.
    pub fn name(&self, model: &Model) -> String {
        match self {
            Self::Cloud(name) => name.to_string(),
            Self::Flavor(_, id) => self.flavor(model).map_or_else(|| id.clone(), |f| f.name.clone()),
            Self::Image(_, id) => self.image(model).map_or_else(|| id.clone(), |i| i.name.clone()),
            Self::Resource(kind, row) => panes::resources::name(model, *kind, row),
            Self::Server(_, id) => self.server(model).map_or_else(|| id.clone(), |s| s.name.clone()),
            Self::Cluster(id) => self.cluster(model).map_or_else(|| id.to_string(), |c| c.name.clone()),
            Self::Node(_, name) => name.clone(),
            Self::Docker(tab, row) => docker::name(model, *tab, row).unwrap_or_else(|| row.clone()),
            Self::Run(number) => self.run(model).map_or_else(|| number.to_string(), |run| format!("{number}  {}", run.title)),
            Self::Step(run, index) => {
                self.step(model).map_or_else(|| format!("{index} of run {run}"), |step| format!("{} of run {run}", step.title))
            }
            Self::Task { task, host, .. } => {
                let name = self.task(model).map_or_else(|| task.clone(), |t| t.name.clone());
                host.as_ref().map_or(name.clone(), |host| format!("{name} on {host}"))
            }
        }
    }

    /// As other programs get it: the keys are those of `--json`.
    pub fn value(&self, model: &Model) -> Option<Value> {
        let value = match self {
            Self::Cloud(_) => serde_json::to_value(self.cloud(model)?),
            Self::Flavor(..) => serde_json::to_value(self.flavor(model)?),
            Self::Image(..) => serde_json::to_value(self.image(model)?),
            Self::Resource(kind, row) => return panes::resources::value(model, *kind, row),
            Self::Server(..) => serde_json::to_value(self.server(model)?),
            Self::Cluster(_) => serde_json::to_value(self.cluster(model)?),
            Self::Node(..) => serde_json::to_value(self.node(model)?),
            Self::Docker(tab, row) => return docker::value(model, *tab, row),
            Self::Run(_) => serde_json::to_value(self.run(model)?),
            Self::Step(..) => serde_json::to_value(self.step(model)?),
            Self::Task { host: None, .. } => serde_json::to_value(self.task(model)?),
            Self::Task { .. } => serde_json::to_value(self.result(model)?),
        };
        value.ok()
    }

    /// What is compared: a node together with its server.
    pub fn whole(&self, model: &Model) -> Option<Value> {
        let mut value = self.value(model)?;
        if let Some(server) = self.node(model).and_then(|node| server_of(model, node))
            && let (Value::Object(fields), Ok(server)) = (&mut value, serde_json::to_value(server))
        {
            fields.insert("server".to_owned(), server);
        }
        Some(value)
    }

    /// The command that shows the same.
    pub fn command(&self, model: &Model) -> Option<Command> {
        Some(match self {
            Self::Cloud(name) => Command::List { cloud: name.clone(), list: ListKind::Quota },
            Self::Flavor(cloud, _) => Command::List { cloud: cloud.clone(), list: ListKind::Flavors },
            Self::Image(cloud, _) => Command::List { cloud: cloud.clone(), list: ListKind::Images },
            Self::Resource(kind, row) => {
                let (cloud, rest) = of_list(row)?;
                match kind.lists().first() {
                    Some(list) => Command::List { cloud, list: *list },
                    // What is in no list was asked of a server.
                    None => Command::ServerActions { cloud, server: rest.split('/').next()?.to_owned() },
                }
            }
            Self::Server(cloud, id) => Command::ServerShow { cloud: cloud.clone(), server: id.clone() },
            Self::Cluster(_) => return None,
            Self::Docker(tab, row) => docker::command(*tab, row),
            Self::Node(..) => {
                let server = server_of(model, self.node(model)?)?;
                Command::ServerShow { cloud: server.cloud.clone(), server: server.id.clone() }
            }
            Self::Run(run) | Self::Step(run, _) | Self::Task { run, .. } => Command::RunDetail { run: *run },
        })
    }

    /// What must be told of, as long as it is looked at.
    pub fn topics(&self, model: &Model) -> Vec<Topic> {
        let list = |cloud: &CloudName, list| Topic::List { cloud: cloud.clone(), list };
        match self {
            Self::Cloud(name) => vec![list(name, ListKind::Quota)],
            Self::Flavor(cloud, _) => vec![list(cloud, ListKind::Flavors)],
            Self::Image(cloud, _) => vec![list(cloud, ListKind::Images)],
            Self::Resource(kind, row) => {
                let cloud = of_list(row).map(|(cloud, _)| cloud);
                cloud.iter().flat_map(|cloud| kind.lists().iter().map(|kind| list(cloud, *kind))).collect()
            }
            Self::Server(cloud, _) => vec![list(cloud, ListKind::Servers), list(cloud, ListKind::Quota)],
            Self::Node(..) => self.node(model).map(|node| list(&node.cloud, ListKind::Servers)).into_iter().collect(),
            Self::Cluster(id) => {
                let clouds: std::collections::BTreeSet<&CloudName> = model.mirror.nodes_of(*id).map(|n| &n.cloud).collect();
                clouds.into_iter().map(|cloud| list(cloud, ListKind::Servers)).collect()
            }
            Self::Docker(tab, row) => docker::topics(*tab, row),
            Self::Run(run) | Self::Step(run, _) | Self::Task { run, .. } => vec![Topic::Run { run: *run }],
        }
    }

    /// The run that must be known in detail.
    pub fn needs(&self) -> Option<RunNo> {
        match self {
            Self::Run(run) | Self::Step(run, _) | Self::Task { run, .. } => Some(*run),
            _ => None,
        }
    }

    // --- what is known of it ---

    /// The cloud.
    pub fn cloud<'m>(&self, model: &'m Model) -> Option<&'m CloudRow> {
        let Self::Cloud(name) = self else { return None };
        model.mirror.clouds.iter().find(|c| c.info.name == *name)
    }

    /// The flavor.
    pub fn flavor<'m>(&self, model: &'m Model) -> Option<&'m Flavor> {
        let Self::Flavor(cloud, id) = self else { return None };
        match model.list(cloud, ListKind::Flavors)? {
            (_, Some(Rows::Flavors(rows))) => rows.iter().find(|f| f.id == *id),
            _ => None,
        }
    }

    /// The image.
    pub fn image<'m>(&self, model: &'m Model) -> Option<&'m Image> {
        let Self::Image(cloud, id) = self else { return None };
        match model.list(cloud, ListKind::Images)? {
            (_, Some(Rows::Images(rows))) => rows.iter().find(|i| i.id == *id),
            _ => None,
        }
    }

    /// The server.
    pub fn server<'m>(&self, model: &'m Model) -> Option<&'m Server> {
        let Self::Server(cloud, id) = self else { return None };
        server(model, cloud, id)
    }

    /// The cluster.
    pub fn cluster<'m>(&self, model: &'m Model) -> Option<&'m Cluster> {
        let Self::Cluster(id) = self else { return None };
        model.mirror.clusters().get(id)
    }

    /// The node.
    pub fn node<'m>(&self, model: &'m Model) -> Option<&'m Node> {
        let Self::Node(cluster, name) = self else { return None };
        model.mirror.nodes().get(&(*cluster, name.clone()))
    }

    /// The run.
    pub fn run<'m>(&self, model: &'m Model) -> Option<&'m Run> {
        let Self::Run(number) = self else { return None };
        model.mirror.runs().get(number)
    }

    /// The step.
    pub fn step<'m>(&self, model: &'m Model) -> Option<&'m Step> {
        let Self::Step(run, index) = self else { return None };
        model.mirror.steps(*run)?.get(index)
    }

    /// The task.
    pub fn task<'m>(&self, model: &'m Model) -> Option<&'m TaskState> {
        let Self::Task { run, step, task, .. } = self else { return None };
        let play = model.mirror.plays.get(&(*run, *step))?;
        play.state.plays.iter().flat_map(|part| &part.tasks).find(|t| t.id == *task)
    }

    /// What came of the task on its host.
    pub fn result<'m>(&self, model: &'m Model) -> Option<&'m HostResult> {
        let Self::Task { host: Some(host), .. } = self else { return None };
        self.task(model)?.results.get(host)
    }
}

/// A server by its id.
pub fn server<'m>(model: &'m Model, cloud: &CloudName, id: &str) -> Option<&'m Server> {
    match model.list(cloud, ListKind::Servers)? {
        (_, Some(Rows::Servers(rows))) => rows.iter().find(|s| s.id == id),
        _ => None,
    }
}

/// The server of a node, when the list of its cloud is here.
pub fn server_of<'m>(model: &'m Model, node: &Node) -> Option<&'m Server> {
    server(model, &node.cloud, node.server.as_deref()?)
}
