//! Going places: tabs, things, back and forth through the views, and what belongs to a thing.

use crate::model::{AuditEntry, CloudName, Cluster, ClusterId, Container, DockerList, Run, RunKind, RunNo, Server, Time};
use crate::protocol::{View, view};

use super::layers::Layer;
use super::msg::Effect;
use super::panes;
use super::resource::Resource;
use super::run::{Part, RunView};
use super::state::{Model, Tab};
use super::theme::Role;
use super::widgets::filter::quoted;
use super::words;

/// What belongs to a cloud beside its servers, and the keys that lead there.
const RESOURCES: [(char, Resource); 10] = [
    ('n', Resource::Networks),
    ('b', Resource::Subnets),
    ('p', Resource::Ports),
    ('r', Resource::Routers),
    ('g', Resource::SecurityGroups),
    ('a', Resource::FloatingIps),
    ('y', Resource::KeyPairs),
    ('v', Resource::Volumes),
    ('z', Resource::Zones),
    ('u', Resource::Quota),
];

/// Views that are kept to go back to.
const KEEP: usize = 100;

/// A view as it was left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    tab: Tab,
    scope: Option<CloudName>,
    run: Option<RunPlace>,
    filter: String,
    selected: Option<String>,
    lower: bool,
    node: Option<String>,
}

/// How a run was looked at: the part, and what was selected in each.
#[derive(Clone, PartialEq, Eq, Debug)]
struct RunPlace {
    number: RunNo,
    part: Part,
    step: Option<String>,
    task: Option<String>,
    host: Option<String>,
}

impl Place {
    /// Where one is.
    pub fn of(model: &Model) -> Self {
        let table = model.table(model.tab);
        Self {
            tab: model.tab,
            scope: model.scope.clone(),
            run: model.run.as_ref().map(|view| RunPlace {
                number: view.number,
                part: view.part,
                step: owned(view.steps.selected()),
                task: owned(view.plays.selected()),
                host: owned(view.hosts.selected()),
            }),
            filter: table.filter().to_owned(),
            selected: owned(table.selected()),
            lower: model.lower,
            node: owned(model.nodes.selected()),
        }
    }

    /// The same as others see it.
    pub fn view(&self, model: &Model) -> View {
        // The first column names a row: of a run, its number.
        let column = if self.tab == Tab::Audit { 2 } else { 0 };
        let name = self.selected.as_ref().and_then(|id| model.table(self.tab).cell(id, column));
        View {
            tab: self.tab.name().to_owned(),
            cloud: self.scope.clone(),
            filter: self.filter.trim().to_owned(),
            name: name.unwrap_or_default().to_owned(),
            selected: self.selected.clone(),
            node: self.node.clone(),
            lower: self.lower,
            run: self.run.clone().map(|run| view::RunView {
                number: run.number,
                part: run.part.name().to_owned(),
                step: run.step,
                task: run.task,
                host: run.host,
            }),
            follows: None,
        }
    }

    /// What somebody else looks at; `None`: this console has no such list.
    pub fn of_view(view: &View) -> Option<Self> {
        let run = view.run.clone().map(|run| RunPlace {
            number: run.number,
            part: Part::ALL.into_iter().find(|part| part.name() == run.part).unwrap_or(Part::Steps),
            step: run.step,
            task: run.task,
            host: run.host,
        });
        Some(Self {
            tab: Tab::named(&view.tab)?,
            scope: view.cloud.clone(),
            run,
            filter: view.filter.clone(),
            selected: view.selected.clone(),
            lower: view.lower,
            node: view.node.clone(),
        })
    }

    /// It is another view, not the same one looked at elsewhere.
    fn differs(&self, other: &Self) -> bool {
        (self.tab, &self.scope, &self.filter) != (other.tab, &other.scope, &other.filter)
            || self.run.as_ref().map(|run| run.number) != other.run.as_ref().map(|run| run.number)
    }
}

fn owned(id: Option<&str>) -> Option<String> {
    id.map(str::to_owned)
}

/// The views that were looked at.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    here: Option<Place>,
    back: Vec<Place>,
    forward: Vec<Place>,
}

impl Trail {
    /// Whether there is a view to go back to, and one to go forward to.
    pub fn ways(&self) -> (bool, bool) {
        (!self.back.is_empty(), !self.forward.is_empty())
    }

    /// Takes in where one is by now. To be called when nothing is being chosen or typed.
    pub fn walk(&mut self, now: Place) {
        if let Some(before) = self.here.replace(now.clone())
            && before.differs(&now)
        {
            self.back.push(before);
            if self.back.len() > KEEP {
                self.back.remove(0);
            }
            self.forward.clear();
        }
    }
}

/// Goes back to the view before this one, or forward again.
pub fn walk(model: &mut Model, forward: bool) {
    let trail = &mut model.trail;
    let (from, to) = if forward { (&mut trail.forward, &mut trail.back) } else { (&mut trail.back, &mut trail.forward) };
    let Some(place) = from.pop() else { return };
    to.extend(trail.here.take());
    trail.here = Some(place.clone());
    show(model, &place);
    // Something may be gone by now: where one is, is what there is.
    model.trail.here = Some(Place::of(model));
}

/// Shows a place, as far as there is such a thing.
pub fn show(model: &mut Model, place: &Place) {
    let same = (model.tab, &model.scope) == (place.tab, &place.scope) && model.run.is_some() == place.run.is_some();
    model.scope.clone_from(&place.scope);
    model.tab = place.tab;
    model.lower = place.lower;
    let open = model.run.take();
    model.run = place.run.as_ref().map(|run| {
        // One that is open already keeps its place in the output.
        let mut view = open.filter(|view| view.number == run.number).unwrap_or_else(|| Box::new(RunView::new(run.number)));
        view.part = run.part;
        let parts = [(&mut view.steps, &run.step), (&mut view.plays, &run.task), (&mut view.hosts, &run.host)];
        parts.into_iter().for_each(|(table, id)| table.select(id.as_deref()));
        view
    });
    if !same {
        model.touch_all();
    }
    if model.run.is_none() {
        model.make_rows();
    }
    let table = model.table_mut(place.tab);
    table.set_filter(&place.filter);
    table.select(place.selected.as_deref());
    model.nodes.select(place.node.as_deref());
}

/// To a tab.
pub fn goto(model: &mut Model, tab: Tab) {
    model.layers.retain(|layer| !matches!(layer, Layer::Text(_)));
    model.run = None;
    model.lower = false;
    model.tab = tab;
    model.touch(tab);
}

/// Shows one cloud only, or all.
pub fn scope(model: &mut Model, cloud: Option<CloudName>) {
    model.scope = cloud;
    model.touch_all();
    let now = model.scope.as_ref().map_or_else(|| "all clouds".to_owned(), ToString::to_string);
    model.say(format!("showing {now}"), Role::Dim);
}

/// Shows the next Docker engine only, or all of them again.
pub fn next_docker_scope(model: &mut Model) {
    let names: Vec<_> = model.mirror.dockers.iter().map(|row| row.info.name.clone()).collect();
    model.docker_scope = match &model.docker_scope {
        None => names.first().cloned(),
        Some(scope) => names.iter().position(|n| n == scope).and_then(|at| names.get(at + 1)).cloned(),
    };
    model.touch_all();
    let now = model.docker_scope.as_ref().map_or_else(|| "all Docker engines".to_owned(), ToString::to_string);
    model.say(format!("showing {now}"), Role::Dim);
}

/// To one thing: its tab, with the thing selected and nothing else in the way.
///
/// # Errors
/// It is not there any more.
pub fn focus(model: &mut Model, tab: Tab, id: &str) -> Result<(), String> {
    goto(model, tab);
    model.make_rows();
    let shown = |model: &mut Model| {
        let table = model.table_mut(tab);
        table.select(Some(id));
        table.selected() == Some(id)
    };
    model.table_mut(tab).unmark();
    if shown(model) {
        return Ok(());
    }
    model.table_mut(tab).set_filter("");
    if shown(model) { Ok(()) } else { Err(format!("it is not among the {} any more", tab.name())) }
}

// --- columns ---

/// Shows these columns of the open list, in this order, and keeps them.
///
/// # Errors
/// There is no column of such a name.
pub fn choose_columns(model: &mut Model, names: &[&str]) -> Result<(), String> {
    let columns = panes::columns(model.tab);
    let place = |name: &&str| {
        let known = || columns.iter().map(|c| c.id).collect::<Vec<_>>().join(", ");
        columns.iter().position(|c| c.id == *name).ok_or_else(|| format!("there is no column {name}; there are {}", known()))
    };
    let chosen = names.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let tab = model.tab;
    model.table_mut(tab).choose(Some(chosen));
    keep_columns(model);
    Ok(())
}

/// Keeps the columns of the open list in the settings.
pub fn keep_columns(model: &mut Model) {
    let table = model.table(model.tab);
    let columns = panes::columns(model.tab);
    let names: Vec<&str> = table.shown().into_iter().map(|i| columns[i].id).collect();
    let text = table.is_chosen().then(|| names.join(" "));
    let key = model.tab.name().to_owned();
    model.effect(Effect::Keep { part: "columns", key, text });
}

// --- what belongs together ---

/// Something that belongs to the selected thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Related {
    pub key: char,
    /// For people: `3 servers`.
    pub what: String,
    /// The line that leads there.
    pub line: String,
    /// Why it cannot be gone now.
    pub why_not: Option<String>,
}

/// Owner, parts and runs of what is selected.
pub fn related(model: &Model) -> Vec<Related> {
    let mut out = Vec::new();
    let mut add = |key: char, what: String, line: String| out.push(Related { key, what, line, why_not: None });
    if let Some(view) = &model.run {
        if let Some(run) = model.mirror.runs().get(&view.number) {
            of_run(model, run, &mut add);
        }
        return out;
    }
    let Some(id) = model.table(model.tab).selected() else { return out };
    match model.tab {
        Tab::Pulse => {
            if let Some(run) = model.current_run() {
                of_run(model, run, &mut add);
            }
        }
        Tab::Clouds => {
            for (key, list) in [('s', "servers"), ('i', "images"), ('f', "flavors"), ('c', "clusters")] {
                add(key, format!("{list} of {id}"), format!("{list} cloud={id}"));
            }
            let cloud = CloudName::new(id);
            let has = |kind: Resource| kind.lists().iter().all(|list| model.why_no_list(&cloud, *list).is_none());
            for (key, kind) in RESOURCES.into_iter().filter(|(_, kind)| has(*kind)) {
                add(key, format!("{} of {id}", kind.name()), format!("{} cloud={id}", kind.name()));
            }
        }
        Tab::Flavors | Tab::Images => {
            let (cloud, name) =
                (id.split('/').next().unwrap_or_default(), model.table(model.tab).cell(id, 0).unwrap_or_default());
            let column = if model.tab == Tab::Images { "image" } else { "flavor" };
            add('s', format!("servers with {column} {name}"), format!("servers {column}={} cloud={cloud}", quoted(name)));
            add('o', format!("cloud {cloud}"), format!("cloud show {cloud}"));
        }
        Tab::Servers => {
            if let Some(server) = model.server(id) {
                of_server(model, server, &mut add);
            }
        }
        Tab::Clusters => {
            if let Some(cluster) = model.selected_cluster() {
                of_cluster(model, cluster, &mut add);
            }
        }
        Tab::Runs => {
            if let Some(run) = model.current_run() {
                of_run(model, run, &mut add);
            }
        }
        Tab::Audit => {
            if let Some(entry) = panes::audit::entry(model, id) {
                of_entry(model, entry, &mut add);
            }
        }
        Tab::Docker => of_docker(id, &mut add),
        Tab::Held(DockerList::Containers) => {
            if let Some(container) = panes::containers::find(model, id) {
                of_container(container, &mut add);
            }
        }
        Tab::Held(DockerList::Images) => {
            for tag in panes::local_images::find(model, id).into_iter().flat_map(|image| &image.tags) {
                add('c', format!("containers of {tag}"), format!("containers image={}", quoted(tag)));
            }
        }
        Tab::Held(_) => {}
        Tab::Resource(kind) => {
            panes::resources::ways(model, kind, id).into_iter().for_each(|(key, what, line)| add(key, what, line));
        }
    }
    out
}

fn of_docker(name: &str, add: &mut impl FnMut(char, String, String)) {
    for (key, tab) in [('c', "containers"), ('i', "docker-images"), ('n', "docker-networks"), ('v', "docker-volumes")] {
        add(key, format!("{tab} of {name}"), format!("{tab} docker={}", quoted(name)));
    }
}

fn of_container(container: &Container, add: &mut impl FnMut(char, String, String)) {
    add('i', format!("local image {}", container.image), format!("docker-images name={}", quoted(&container.image)));
    if let Some(service) = &container.service {
        add('s', format!("all containers of {service}"), format!("containers service={}", quoted(service)));
    }
}

fn of_server(model: &Model, server: &Server, add: &mut impl FnMut(char, String, String)) {
    let cluster = server.tags.as_ref().and_then(|tags| model.mirror.clusters().get(&tags.cluster));
    if let Some(cluster) = cluster {
        add('c', format!("cluster {}", cluster.name), format!("cluster show {}", cluster.name));
        add('s', format!("all servers of {}", cluster.name), format!("servers cluster={}", quoted(&cluster.name)));
        if let Some(run) = maker(model, cluster.id, server.created) {
            add('r', format!("run {} that made it: {}", run.number, run.title), format!("run show {}", run.number));
        }
    }
    let (name, cloud) = (quoted(&server.name), &server.cloud);
    add('p', "its ports".to_owned(), format!("ports device={name} cloud={cloud}"));
    add('a', "its floating IPs".to_owned(), format!("floating ips server={name} cloud={cloud}"));
    add('v', "its volumes".to_owned(), format!("volumes server=\"*{}*\" cloud={cloud}", server.name));
    add('i', format!("image {}", server.image), format!("images name={} cloud={}", quoted(&server.image), server.cloud));
    add('f', format!("flavor {}", server.flavor), format!("flavors name={} cloud={}", quoted(&server.flavor), server.cloud));
    add('o', format!("cloud {}", server.cloud), format!("cloud show {}", server.cloud));
}

/// The run that was making nodes of a cluster at a time.
fn maker(model: &Model, cluster: ClusterId, at: Time) -> Option<&Run> {
    let makes = |run: &&Run| matches!(run.kind, RunKind::Create | RunKind::Scale | RunKind::Repair);
    let of_cluster = model.mirror.runs().values().rev().filter(|r| r.cluster == Some(cluster)).filter(makes);
    of_cluster.into_iter().find(|run| {
        // Clouds have clocks of their own.
        let slack = 5000;
        run.started.is_some_and(|from| from.0 - slack <= at.0) && run.ended.is_none_or(|to| at.0 <= to.0 + slack)
    })
}

fn of_cluster(model: &Model, cluster: &Cluster, add: &mut impl FnMut(char, String, String)) {
    let nodes = model.mirror.nodes_of(cluster.id).count() as u64;
    add('s', format!("its servers, {}", words::many(nodes, "node")), format!("servers cluster={}", quoted(&cluster.name)));
    add('r', "its runs".to_owned(), format!("runs cluster={}", quoted(&cluster.name)));
    if let Some(run) = cluster.last_run {
        add('l', format!("its last run, {run}"), format!("run show {run}"));
    }
    let made = model.mirror.runs().values().find(|r| r.cluster == Some(cluster.id) && r.kind == RunKind::Create);
    if let Some(run) = made.filter(|r| Some(r.number) != cluster.last_run) {
        add('m', format!("run {} that made it", run.number), format!("run show {}", run.number));
    }
    add('o', format!("cloud {}", cluster.cloud), format!("cloud show {}", cluster.cloud));
}

fn of_entry(model: &Model, entry: &AuditEntry, add: &mut impl FnMut(char, String, String)) {
    if let Some(run) = entry.run.and_then(|run| model.mirror.runs().get(&run)) {
        add('r', format!("run {}: {}", run.number, run.title), format!("run show {}", run.number));
    }
    if let Some(name) = &entry.cluster {
        if model.mirror.clusters().values().any(|cluster| cluster.name == *name) {
            add('c', format!("cluster {name}"), format!("cluster show {name}"));
        }
        add('k', format!("all that was done to {name}"), format!("audit cluster={}", quoted(name)));
    }
    if let Some(cloud) = &entry.cloud {
        add('o', format!("cloud {cloud}"), format!("cloud show {cloud}"));
    }
    add('w', format!("all that {} did", entry.who), format!("audit who={}", quoted(&entry.who)));
}

fn of_run(model: &Model, run: &Run, add: &mut impl FnMut(char, String, String)) {
    let cluster = run.cluster.and_then(|id| model.mirror.clusters().get(&id));
    if let Some(cluster) = cluster {
        let name = quoted(&cluster.name);
        add('c', format!("cluster {}", cluster.name), format!("cluster show {}", cluster.name));
        add('s', format!("servers of {}", cluster.name), format!("servers cluster={name}"));
        add('r', format!("all runs of {}", cluster.name), format!("runs cluster={name}"));
    } else if let Some(name) = &run.cluster_name {
        add('r', format!("all runs of {name}, which is gone"), format!("runs cluster={}", quoted(name)));
    }
    let kind = run.kind.to_string();
    add(
        'k',
        format!("all runs that {}", if kind == "playbook" { "ran a playbook".to_owned() } else { kind.clone() }),
        format!("runs kind={kind}"),
    );
}
