//! Doing what a line says: the thing that it names is looked at first, then the action is done as with its key.

use std::ops::Range;

use crate::console::act::act;
use crate::console::action::Action;
use crate::console::change;
use crate::console::custom;
use crate::console::favourites;
use crate::console::go;
use crate::console::layers::{Layer, PlanLayer};
use crate::console::panes;
use crate::console::people;
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::update::offers;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::table::Sort;
use crate::model::spec::PlaybookSpec;
use crate::model::{CloudName, Cluster, RunNo, ThingKind};
use crate::protocol::Command;

use super::find::{self, Thing};
use super::{Deed, Line, More, Takes, check, split};

/// What is wrong in a line, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    pub span: Range<usize>,
    pub text: String,
}

/// Does what a line says.
///
/// # Errors
/// It is no line of ours, or names nothing that is there; nothing was done.
pub fn run(model: &mut Model, text: &str) -> Result<(), Wrong> {
    let whole = 0..text.trim_end().len();
    check(text.trim()).map_err(|text| Wrong { span: whole.clone(), text })?;
    let Some(line) = split(text) else { return Ok(()) };
    let at = line.at..line.at + line.argument.len();
    let wrong = |text: String| Wrong { span: at.clone(), text };
    match (line.verb.deed, line.argument) {
        (Deed::Act(action), "") => {
            act(model, action);
            Ok(())
        }
        (Deed::Act(action), _) => with(model, action, &line).map_err(wrong),
        (Deed::More(more), _) => beside(model, more, &line).map_err(wrong),
    }
}

/// An action on what the argument names.
fn with(model: &mut Model, action: Action, line: &Line<'_>) -> Result<(), String> {
    match line.verb.takes {
        Takes::Filter(tab) => return filter(model, tab, line.argument),
        Takes::FilterHere => return filter(model, model.tab, line.argument),
        Takes::Counts => return counts(model, line.argument),
        Takes::Playbooks => return playbooks(model, line.argument),
        Takes::Columns => {
            let names: Vec<&str> = line.argument.split_whitespace().collect();
            return go::choose_columns(model, &names);
        }
        Takes::Run => {
            let thing = find::by_name(find::runs(model), "run", line.argument)?;
            open_run(model, &thing);
        }
        Takes::Node => {
            let servers = find::servers(model).into_iter();
            to_node(model, find::nodes(model).into_iter().chain(servers).collect(), line.argument)?;
        }
        Takes::Command => return custom::by_line(model, line.argument),
        Takes::ServerFlavor | Takes::ServerImage => return change::by_line(model, action, line.argument),
        takes => {
            let thing = named(model, takes, line.argument)?;
            go::focus(model, thing.tab, &thing.id)?;
        }
    }
    act(model, action);
    Ok(())
}

/// To a node by its name (`CLUSTER/NODE`), or to a server among these.
fn to_node(model: &mut Model, among: Vec<Thing>, name: &str) -> Result<(), String> {
    let thing = find::by_name(among, "node", name)?;
    go::focus(model, thing.tab, &thing.id)?;
    if let (Tab::Clusters, Some((_, node))) = (thing.tab, name.split_once('/')) {
        model.make_rows();
        model.nodes.select(Some(node));
        model.lower = true;
    }
    Ok(())
}

/// To a thing of this kind by its name.
///
/// # Errors
/// There is none.
pub fn go_to(model: &mut Model, kind: ThingKind, name: &str) -> Result<(), String> {
    let all = find::things(model, kind);
    if kind == ThingKind::Node {
        return to_node(model, all, name);
    }
    let thing = find::by_name(all, &kind.to_string(), name)?;
    go::focus(model, thing.tab, &thing.id)
}

fn open_run(model: &mut Model, thing: &Thing) {
    if let Ok(number) = thing.id.parse() {
        crate::console::update::open_run(model, RunNo(number));
    }
}

/// The thing that an argument names.
fn named(model: &Model, takes: Takes, name: &str) -> Result<Thing, String> {
    match takes {
        Takes::Cloud => find::by_name(find::clouds(model), "cloud", name),
        Takes::Cluster => find::by_name(find::clusters(model), "cluster", name),
        Takes::Server => find::by_name(find::servers(model), "server", name),
        Takes::Image => find::by_name(find::images(model), "image", name),
        Takes::Run => find::by_name(find::runs(model), "run", name),
        _ => {
            let all =
                [find::clusters(model), find::clouds(model), find::servers(model), find::images(model), find::flavors(model)];
            find::by_name(all.concat(), "thing", name)
        }
    }
}

/// What is no action of its own.
fn beside(model: &mut Model, more: More, line: &Line<'_>) -> Result<(), String> {
    let argument = line.argument;
    match more {
        More::Show | More::Goto => {
            let thing = named(model, line.verb.takes, argument)?;
            if thing.tab == Tab::Runs {
                open_run(model, &thing);
                return Ok(());
            }
            go::focus(model, thing.tab, &thing.id)
        }
        More::Scope => {
            let cloud = match argument {
                "all" => None,
                name => Some(CloudName::new(find::by_name(find::clouds(model), "cloud", name)?.name)),
            };
            go::scope(model, cloud);
            Ok(())
        }
        More::Theme => {
            let theme = model.themes.iter().find(|t| t.name == argument).cloned();
            let names = || model.themes.iter().map(|t| t.name.as_str()).collect::<Vec<_>>().join(", ");
            let theme = theme.ok_or_else(|| format!("there is no theme {argument}; there are {}", names()))?;
            model.say(format!("theme {}", theme.name), Role::Dim);
            model.theme = theme;
            Ok(())
        }
        More::Follow => people::follow_name(model, argument),
        More::Sort => sort(model, argument),
        More::Favourite => favourites::go(model, digit(argument)?),
        More::Forget => {
            favourites::keep(model, digit(argument)?, None);
            Ok(())
        }
        More::Keep => {
            let (first, rest) = argument.split_once(' ').unwrap_or((argument, ""));
            let digit = digit(first)?;
            let kept = match rest.trim() {
                "" => favourites::here(model),
                line => {
                    check(line)?;
                    line.to_owned()
                }
            };
            favourites::keep(model, digit, Some(kept));
            Ok(())
        }
    }
}

fn digit(text: &str) -> Result<u8, String> {
    text.parse().ok().filter(|d| *d <= 9).ok_or_else(|| format!("`{text}` is no digit from 0 to 9"))
}

fn filter(model: &mut Model, tab: Tab, text: &str) -> Result<(), String> {
    if let Some(fault) = Filter::new(text, panes::columns(tab)).faults().first() {
        return Err(fault.text.clone());
    }
    go::goto(model, tab);
    model.make_rows();
    model.table_mut(tab).set_filter(text);
    Ok(())
}

fn sort(model: &mut Model, argument: &str) -> Result<(), String> {
    let (name, down) = match argument.split_once(' ') {
        Some((name, "down")) => (name, true),
        Some((_, other)) => return Err(format!("`{other}` is no order: write down, or nothing")),
        None => (argument, false),
    };
    let columns = panes::columns(model.tab);
    let column = columns.iter().position(|c| c.id == name || c.title.eq_ignore_ascii_case(name));
    let names = || columns.iter().map(|c| c.id).collect::<Vec<_>>().join(", ");
    let column = column.ok_or_else(|| format!("there is no column {name}; there are {}", names()))?;
    let tab = model.tab;
    model.run = None;
    model.table_mut(tab).set_sort(Some(Sort { column, down }));
    Ok(())
}

/// The cluster that a line begins with, looked at; and the rest of the line.
fn cluster<'l>(model: &mut Model, argument: &'l str) -> Result<(Cluster, &'l str), String> {
    let (name, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let thing = find::by_name(find::clusters(model), "cluster", name)?;
    go::focus(model, thing.tab, &thing.id)?;
    let cluster = model.cluster(&thing.id).cloned().ok_or_else(|| format!("{name} is gone"))?;
    Ok((cluster, rest.trim()))
}

fn counts(model: &mut Model, argument: &str) -> Result<(), String> {
    let (cluster, rest) = cluster(model, argument)?;
    if rest.is_empty() {
        act(model, Action::Scale);
        return Ok(());
    }
    let mut counts = std::collections::BTreeMap::new();
    for part in rest.split_whitespace() {
        let (group, count) = part.split_once('=').ok_or_else(|| format!("`{part}` is not GROUP=COUNT"))?;
        if !cluster.spec.groups.contains_key(group) {
            let known: Vec<&str> = cluster.spec.groups.keys().map(String::as_str).collect();
            return Err(format!("{} has no group {group}; it has {}", cluster.name, known.join(", ")));
        }
        let count = count.parse::<u32>().map_err(|_| format!("`{count}` is no count"))?;
        counts.insert(group.to_owned(), count);
    }
    plan(model, Action::Scale, format!("scale {}", cluster.name), Command::PlanScale { cluster: cluster.id, counts })
}

fn playbooks(model: &mut Model, argument: &str) -> Result<(), String> {
    let (cluster, rest) = cluster(model, argument)?;
    if rest.is_empty() {
        act(model, Action::Playbook);
        return Ok(());
    }
    let of_spec: Vec<PlaybookSpec> = cluster.spec.playbooks.iter().map(|p| p.spec()).collect();
    let one = |path: &str| {
        let known = of_spec.iter().find(|p| p.path == path).cloned();
        known.unwrap_or_else(|| PlaybookSpec { path: path.to_owned(), ..PlaybookSpec::default() })
    };
    let playbooks: Vec<PlaybookSpec> = rest.split_whitespace().map(one).collect();
    let known = playbooks.iter().all(|p| of_spec.iter().any(|o| o.path == p.path));
    let base_dir = if known { cluster.base_dir.clone() } else { model.me.cwd.clone() };
    let command = Command::PlanPlaybook { cluster: cluster.id, playbooks, base_dir };
    plan(model, Action::Playbook, format!("run {rest} on {}", cluster.name), command)
}

/// Asks for a plan, where the action may be done.
fn plan(model: &mut Model, action: Action, title: String, command: Command) -> Result<(), String> {
    if let Some(why) = offers(model).into_iter().find(|o| o.action == action).and_then(|o| o.why_not) {
        return Err(why);
    }
    let layer = PlanLayer::ask(model, title, command);
    model.layers.push(Layer::Plan(Box::new(layer)));
    Ok(())
}
