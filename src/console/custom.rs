//! Commands of one's own: which of them fit what is selected or marked, and what each would run. The engine makes the
//! same of it by itself; what is shown here is what it will do.

use std::collections::BTreeMap;

use crate::client::argv;
use crate::model::{CloudName, ClusterId, CustomCommand, Deed, Level, Ruling, Run, RunNo, Thing, ThingFacts, ThingKind};
use crate::protocol::Command;
use crate::protocol::live::{ListKind, Rows};

use super::bulk::{self, Bulk, Item};
use super::go::Related;
use super::layers::{CommandForm, Confirm, Jump, Layer};
use super::msg::Slot;
use super::rails;
use super::state::{Model, Tab};
use super::verbs;
use super::words;

/// Most lines of a question that show what will run.
const MOST_SHOWN: usize = 6;

/// Inputs by name.
pub type Inputs = BTreeMap<String, String>;

/// One thing that a command is to be run on.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    pub thing: Thing,
    pub known: ThingFacts,
    /// Its row.
    row: String,
}

impl Target {
    /// What will run on it, as one would type it, or why nothing can.
    ///
    /// # Errors
    /// It lacks a fact that the command needs, or an input is missing.
    pub fn line(&self, command: &CustomCommand, inputs: &Inputs) -> Result<String, String> {
        command.arguments(&self.known.facts, inputs).map(|words| argv::shell(&words))
    }
}

/// A command where something is that it is for.
#[derive(Clone, PartialEq, Debug)]
pub struct Fit {
    pub command: CustomCommand,
    /// Why it cannot be run now.
    pub why_not: Option<String>,
}

impl Fit {
    /// What it does, for people.
    pub fn says(&self) -> String {
        self.command.about.clone().unwrap_or_else(|| self.command.argv.join(" "))
    }
}

/// The line of the palette that runs a command.
pub fn line(command: &CustomCommand) -> String {
    format!("command run {}", command.name)
}

// --- what is looked at ---

/// The selected or marked things of a kind, where the focus is.
pub fn targets(model: &Model, kind: ThingKind) -> Vec<Target> {
    let ids = |tab| model.table(tab).targets();
    let each = |ids: Vec<String>, one: &dyn Fn(&str) -> Option<Target>| ids.iter().filter_map(|id| one(id)).collect();
    match (kind, model.tab) {
        (ThingKind::Run, _) if model.run.is_some() => model.current_run().map(|run| of_run(model, run)).into_iter().collect(),
        _ if model.run.is_some() => Vec::new(),
        (ThingKind::Run, Tab::Pulse) => model.current_run().map(|run| of_run(model, run)).into_iter().collect(),
        (ThingKind::Run, Tab::Runs) => each(ids(Tab::Runs), &|id| run(model, id)),
        (ThingKind::Cloud, Tab::Clouds) => each(ids(Tab::Clouds), &|id| {
            let cloud = super::panes::clouds::name(id);
            Some(Target { known: ThingFacts::cloud(&cloud), thing: Thing::Cloud { cloud }, row: id.to_owned() })
        }),
        (ThingKind::Image, Tab::Images) => each(ids(Tab::Images), &|id| image(model, id)),
        (ThingKind::Server, Tab::Servers) => each(ids(Tab::Servers), &|id| server(model, id)),
        (ThingKind::Cluster, Tab::Clusters) if !model.lower => each(ids(Tab::Clusters), &|id| cluster(model, id)),
        (ThingKind::Cluster, Tab::Clusters) => {
            model.table(Tab::Clusters).selected().and_then(|id| cluster(model, id)).into_iter().collect()
        }
        (ThingKind::Node, Tab::Clusters) if model.lower => {
            let Some(cluster) = model.selected_cluster() else { return Vec::new() };
            each(model.nodes.targets(), &|name| node(model, cluster.id, name))
        }
        _ => Vec::new(),
    }
}

fn run(model: &Model, id: &str) -> Option<Target> {
    model.mirror.runs().get(&RunNo(id.parse().ok()?)).map(|run| of_run(model, run))
}

fn of_run(model: &Model, run: &Run) -> Target {
    let cloud = run.cluster.and_then(|id| model.mirror.clusters().get(&id)).map(|cluster| &cluster.cloud);
    Target { thing: Thing::Run { run: run.number }, known: ThingFacts::run(run, cloud), row: run.number.to_string() }
}

fn server(model: &Model, id: &str) -> Option<Target> {
    let server = model.server(id)?;
    let cluster = server.tags.as_ref().and_then(|tags| model.mirror.clusters().get(&tags.cluster));
    let known = ThingFacts::server(server, cluster.map(|cluster| cluster.name.as_str()));
    let thing = Thing::Server { cloud: server.cloud.clone(), server: server.id.clone() };
    Some(Target { thing, known, row: id.to_owned() })
}

fn image(model: &Model, id: &str) -> Option<Target> {
    let (cloud, image) = id.split_once('/')?;
    let cloud = CloudName::new(cloud);
    let (_, Some(Rows::Images(images))) = model.list(&cloud, ListKind::Images)? else { return None };
    let known = ThingFacts::image(images.iter().find(|i| i.id == image)?);
    Some(Target { known, thing: Thing::Image { cloud, image: image.to_owned() }, row: id.to_owned() })
}

fn cluster(model: &Model, id: &str) -> Option<Target> {
    let cluster = model.cluster(id)?;
    Some(Target { known: ThingFacts::cluster(cluster), thing: Thing::Cluster { cluster: cluster.id }, row: id.to_owned() })
}

fn node(model: &Model, cluster: ClusterId, name: &str) -> Option<Target> {
    let node = model.mirror.nodes().get(&(cluster, name.to_owned()))?;
    let known = ThingFacts::node(node, &model.mirror.clusters().get(&cluster)?.name);
    Some(Target { known, thing: Thing::Node { cluster, node: name.to_owned() }, row: name.to_owned() })
}

/// The commands that fit what is selected or marked.
pub fn fitting(model: &Model) -> Vec<Fit> {
    if model.mirror.rules.commands.is_empty() || model.text().is_some() || model.wizard().is_some() {
        return Vec::new();
    }
    let mut known: BTreeMap<ThingKind, Vec<Target>> = BTreeMap::new();
    let fit = |command: &CustomCommand| {
        let targets = known.entry(command.on).or_insert_with(|| targets(model, command.on));
        let why_not = why_not(model, command, targets);
        (!targets.is_empty()).then(|| Fit { command: command.clone(), why_not })
    };
    model.mirror.rules.commands.iter().filter_map(fit).collect()
}

/// Why there is nothing to choose among.
pub fn why_none(model: &Model) -> Option<&'static str> {
    if model.mirror.rules.commands.is_empty() {
        Some("the settings have no [[command]]")
    } else {
        fitting(model).is_empty().then_some("no command of yours is for this")
    }
}

/// What the guards say of a command on these things, the strictest of all.
fn ruling(model: &Model, targets: &[Target]) -> Ruling {
    let rules = &model.mirror.rules;
    let each = targets.iter().map(|t| rules.ruling(Deed::CommandRun, &t.known.cloud, t.known.cluster.as_deref()));
    each.reduce(Ruling::and).unwrap_or_default()
}

fn why_not(model: &Model, command: &CustomCommand, targets: &[Target]) -> Option<String> {
    let clouds = || targets.iter().filter_map(|target| target.known.cloud.as_ref());
    let read_only = || clouds().filter(|_| command.dangerous).find_map(|cloud| rails::why_read_only(model, cloud));
    let count = u32::try_from(targets.len()).unwrap_or(u32::MAX);
    model.why_only_looking().or_else(read_only).or_else(|| ruling(model, targets).check(count).err())
}

// --- running ---

/// The commands that fit, to choose one.
pub fn choose(model: &mut Model) {
    let keys = ('1'..='9').chain(('a'..='z').filter(|c| !matches!(c, 'j' | 'k')));
    let way = |(key, fit): (char, Fit)| Related {
        key,
        what: format!("{}: {}", fit.command.name, fit.says()),
        line: line(&fit.command),
        why_not: fit.why_not,
    };
    let ways: Vec<Related> = keys.zip(fitting(model)).map(way).collect();
    model.layers.push(Layer::Jump(Jump::of("run a command of yours", ways)));
}

/// Begins with a command on what is selected or marked: asks for its inputs, then how surely it is meant.
///
/// # Errors
/// There is no such command, it does not fit, or it must not be run.
pub fn begin(model: &mut Model, name: &str) -> Result<(), String> {
    let Some(command) = model.mirror.rules.command(name).cloned() else {
        let known: Vec<&str> = model.mirror.rules.commands.iter().map(|c| c.name.as_str()).collect();
        let known =
            if known.is_empty() { "the settings have none".to_owned() } else { format!("there are {}", known.join(", ")) };
        return Err(format!("there is no command {name}; {known}"));
    };
    let targets = targets(model, command.on);
    if targets.is_empty() {
        return Err(format!("{name} is for {}, and none is selected here", command.on.one()));
    }
    if let Some(why) = why_not(model, &command, &targets) {
        return Err(why);
    }
    if command.inputs.is_empty() {
        return run_it(model, &command, &targets, &Inputs::new());
    }
    model.layers.push(Layer::Command(Box::new(CommandForm::new(command, targets))));
    Ok(())
}

/// Runs a command with these inputs, once somebody has meant it as surely as is wanted: one thing opens its run, several
/// get a result each.
///
/// # Errors
/// It can be run on none of them: why, of the first.
pub fn run_it(model: &mut Model, command: &CustomCommand, targets: &[Target], inputs: &Inputs) -> Result<(), String> {
    let filled = command.inputs_of(inputs)?;
    let lines: Vec<Result<String, String>> = targets.iter().map(|target| target.line(command, &filled)).collect();
    if let (Some(Err(why)), true) = (lines.first(), lines.iter().all(Result::is_err)) {
        return Err(why.clone());
    }
    let (level, why) = command.level(&ruling(model, targets));
    let of =
        |target: &Target| Command::CommandRun { name: command.name.clone(), thing: target.thing.clone(), inputs: inputs.clone() };
    let several = words::many(targets.len() as u64, &command.on.to_string());
    let title = match targets {
        [only] => format!("{} on {}", command.name, only.known.name()),
        _ => format!("{} on {several}", command.name),
    };
    let bulk = || {
        let item = |target: &Target| Item::new(target.known.name(), target.row.clone(), of(target));
        Bulk::new(title.clone(), targets.iter().map(item).collect())
    };
    let asks = level > Level::None;
    match targets {
        [only] if !asks => model.request(Slot::Start, of(only)),
        _ if !asks => bulk::begin(model, bulk()),
        [only] => {
            let word = (level == Level::Name).then(|| only.known.name().to_owned());
            let text = question(model, &lines, targets, &why);
            let layer = Confirm::new(title, text, word, vec![(Slot::Start, of(only))]);
            model.layers.push(Layer::Confirm(layer));
        }
        _ => {
            let text = question(model, &lines, targets, &why);
            let layer = Confirm::several(text, (level == Level::Name).then_some(several), bulk());
            model.layers.push(Layer::Confirm(layer));
        }
    }
    Ok(())
}

/// What is asked: what will run, and why it is asked.
fn question(model: &Model, lines: &[Result<String, String>], targets: &[Target], why: &str) -> String {
    let one = |(line, target): (&Result<String, String>, &Target)| match line {
        Ok(line) => format!("$ {line}"),
        Err(why) => format!("not on {}: {why}", target.known.name()),
    };
    let mut text: Vec<String> = lines.iter().zip(targets).take(MOST_SHOWN).map(one).collect();
    if lines.len() > MOST_SHOWN {
        text.push(format!("and {} more", lines.len() - MOST_SHOWN));
    }
    text.extend([String::new(), why.to_owned()]);
    if targets.iter().filter_map(|t| t.known.cloud.as_ref()).any(|cloud| rails::is_prod(model, cloud)) {
        text.extend([String::new(), "This is PROD.".to_owned()]);
    }
    text.join("\n")
}

/// Runs what stands behind `command run`: a command, and a thing where one is named.
///
/// # Errors
/// As [`begin`]; or there is no such thing.
pub fn by_line(model: &mut Model, argument: &str) -> Result<(), String> {
    let (name, thing) = argument.split_once(' ').unwrap_or((argument, ""));
    if let (Some(command), false) = (model.mirror.rules.command(name), thing.trim().is_empty()) {
        verbs::go_to(model, command.on, thing.trim())?;
    }
    begin(model, name)
}
