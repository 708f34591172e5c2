//! What each action does to the model.

use crate::model::server::PowerAction;
use crate::model::{CloudName, Driver, Ending, NodeState, RunNo, Server};
use crate::protocol::hello::PtySize;
use crate::protocol::{Command, SpecSource, StreamRequest};

use super::action::Action;
use super::layers::{
    Choose, Confirm, Create, FilterLine, Help, Layer, Palette, PlanLayer, PlaybookLayer, PromptLayer, Scale, TextLayer, choose,
};
use super::msg::{Effect, Slot};
use super::panes;
use super::run::{Part, result_text};
use super::state::{Model, Tab};
use super::theme::Role;
use super::update::{offers, open_run};

/// What is said of the request that makes the sandbox cloud for a try.
pub const TRY: &str = "made the sandbox cloud";

/// Lines of a console log that are asked for.
const CONSOLE_LINES: u32 = 2000;

/// Does an action, or says why it cannot be done.
pub fn act(model: &mut Model, action: Action) {
    let offer = offers(model).into_iter().find(|o| o.action == action);
    match offer {
        None => model.say(format!("{} is for another place", action.name()), Role::Dim),
        Some(offer) => match offer.why_not {
            Some(why) => model.say(why, Role::Warn),
            None => carry_out(model, action),
        },
    }
}

fn carry_out(model: &mut Model, action: Action) {
    match action {
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => moved(model, action),
        Action::Left | Action::Right | Action::Follow | Action::Wrap => output(model, action),
        Action::Mark => table(model, |t| t.toggle_mark()),
        Action::MarkAll => table(model, |t| t.mark_all()),
        Action::Filter => model.layers.push(Layer::Filter(FilterLine::new(model))),
        Action::Sort | Action::SortReverse => sort(model, action == Action::SortReverse),
        Action::Copy => copy(model),
        Action::Refresh => refresh(model),
        Action::Open => open(model),
        Action::Back => back(model),
        Action::NextPart | Action::PreviousPart => next_part(model, action == Action::PreviousPart),
        Action::NextTab => next_tab(model, 1),
        Action::PreviousTab => next_tab(model, Tab::ALL.len() - 1),
        Action::GotoClouds => goto(model, Tab::Clouds),
        Action::GotoFlavors => goto(model, Tab::Flavors),
        Action::GotoImages => goto(model, Tab::Images),
        Action::GotoServers => goto(model, Tab::Servers),
        Action::GotoClusters => goto(model, Tab::Clusters),
        Action::GotoRuns => goto(model, Tab::Runs),
        Action::CloudScope => next_scope(model),
        Action::Theme => next_theme(model),
        Action::Palette => model.layers.push(Layer::Palette(Palette::default())),
        Action::Help => model.layers.push(Layer::Help(Help::default())),
        Action::Redraw => model.effect(Effect::Redraw),
        Action::Suspend => model.effect(Effect::Suspend),
        Action::Quit => model.effect(Effect::Quit),
        Action::CloudUse => cloud_use(model),
        Action::Try => try_out(model),
        Action::ClusterNew => {
            let layer = Create::new(model);
            model.layers.push(Layer::Create(Box::new(layer)));
        }
        Action::Playbook | Action::Scale | Action::Repair => cluster(model, action),
        Action::Delete => delete(model),
        Action::Shell => shell(model),
        Action::ServerStart => power(model, PowerAction::Start, "start"),
        Action::ServerStop => power(model, PowerAction::Stop, "stop"),
        Action::ServerReboot => power(model, PowerAction::Reboot, "reboot"),
        Action::ConsoleLog => console_log(model),
        Action::Answer => answer(model),
        Action::Cancel => cancel(model),
        Action::Retry => retry(model, false),
        Action::RetryHosts => retry(model, true),
        Action::Pin => pin(model),
        Action::Replay => replay(model),
        Action::ReplayPause | Action::ReplayFaster | Action::ReplaySlower => replay_pace(model, action),
        Action::FailedOnly => {
            if let Some(view) = &mut model.run {
                view.failed_only = !view.failed_only;
            }
        }
    }
}

// --- looking ---

fn table(model: &mut Model, change: impl FnOnce(&mut super::widgets::table::Table)) {
    let tab = model.tab;
    change(if model.lower { &mut model.nodes } else { model.table_mut(tab) });
}

fn moved(model: &mut Model, action: Action) {
    let tab = model.tab;
    let table = match &mut model.run {
        Some(view) if view.part == Part::Output => {
            match action {
                Action::Up => view.log.scroll(-1),
                Action::Down => view.log.scroll(1),
                Action::PageUp => view.log.scroll_pages(-1),
                Action::PageDown => view.log.scroll_pages(1),
                Action::First => view.log.go_to_start(),
                _ => view.log.follow(true),
            }
            return;
        }
        Some(view) => match view.table_mut() {
            Some(table) => table,
            None => return,
        },
        None if model.lower => &mut model.nodes,
        None => model.table_mut(tab),
    };
    match action {
        Action::Up => table.step(-1),
        Action::Down => table.step(1),
        Action::PageUp => table.page(-1),
        Action::PageDown => table.page(1),
        Action::First => table.end(false),
        _ => table.end(true),
    }
    if model.run.is_none() && !model.lower && tab == Tab::Clusters {
        model.nodes.select(None);
    }
}

fn output(model: &mut Model, action: Action) {
    let Some(view) = &mut model.run else { return };
    match action {
        Action::Left => view.log.scroll_sideways(-16),
        Action::Right => view.log.scroll_sideways(16),
        Action::Wrap => view.log.wrapped = !view.log.wrapped,
        _ if view.log.following() && view.steps.selected().is_none() => view.log.follow(false),
        _ => view.follow(),
    }
}

fn sort(model: &mut Model, reverse: bool) {
    let tab = model.tab;
    let columns = panes::columns(tab);
    if reverse {
        model.table_mut(tab).sort_reverse(columns);
        return;
    }
    let by = model.table_mut(tab).sort_next(columns);
    model.say(format!("sorted by {}", by.to_lowercase()), Role::Dim);
}

fn copy(model: &mut Model) {
    let text = match &model.run {
        Some(view) if view.part == Part::Output => {
            let top = view.log.top();
            let rows = super::layout::frame(model.area, false).body.height;
            let lines = view.log.lines_from(top).take(usize::from(rows)).map(|(_, line)| line.to_owned());
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        Some(view) => {
            view.with_facts(&model.mirror, |f| result_text(view, f)).flatten().map(|(title, text)| format!("{title}\n{text}"))
        }
        None if model.lower => model.nodes.selected().map(str::to_owned),
        None => {
            let table = model.table(model.tab);
            let names: Vec<&str> =
                table.targets().iter().filter_map(|id| table.cell(id, usize::from(model.tab == Tab::Runs))).collect();
            (!names.is_empty()).then(|| names.join("\n"))
        }
    };
    match text {
        None => model.say("nothing to copy", Role::Dim),
        Some(text) => {
            let first = text.lines().next().unwrap_or_default().to_owned();
            let more = text.lines().count().saturating_sub(1);
            let tail = if more > 0 { format!(" and {}", super::words::many(more as u64, "more line")) } else { String::new() };
            model.effect(Effect::Copy(text));
            model.say(format!("copied {first}{tail}"), Role::Ok);
        }
    }
}

fn refresh(model: &mut Model) {
    let Some(list) = model.tab.list() else { return };
    for cloud in model.clouds_in_scope() {
        model.request(Slot::Act(format!("reading the {} of {cloud}", model.tab.name())), Command::Refresh { cloud, list });
    }
}

fn open(model: &mut Model) {
    if let Some(view) = &model.run {
        let text = view.with_facts(&model.mirror, |facts| result_text(view, facts)).flatten();
        if let Some((title, text)) = text {
            model.layers.push(Layer::Text(TextLayer::new(title, text)));
        }
        return;
    }
    match model.tab {
        Tab::Clouds => {
            let Some(cloud) = model.table(Tab::Clouds).selected().map(panes::clouds::name) else { return };
            model.scope = Some(cloud);
            model.touch_all();
            goto(model, Tab::Servers);
        }
        Tab::Clusters => {
            let run = model.selected_cluster().and_then(|c| c.last_run);
            if let Some(run) = run {
                open_run(model, run);
            }
        }
        Tab::Runs => {
            let run = model.current_run().map(|r| r.number);
            if let Some(run) = run {
                open_run(model, run);
            }
        }
        Tab::Servers => open_server(model),
        Tab::Flavors | Tab::Images => {}
    }
}

/// All that is known of a server.
fn open_server(model: &mut Model) {
    let Some(server) = model.table(Tab::Servers).selected().and_then(|id| model.server(id)) else { return };
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name:<10}{value}\n"));
    line("status", &server.status.to_string());
    if let Some(fault) = &server.fault {
        line("fault", fault);
    }
    for address in &server.addresses {
        line("address", &format!("{}   {}", address.ip, address.network.as_deref().unwrap_or_default()));
    }
    line("ssh port", &server.ssh_port.to_string());
    line("flavor", &server.flavor);
    line("image", &server.image);
    line("cloud", server.cloud.as_str());
    line("id", &server.id);
    for (name, value) in &server.metadata {
        line("says", &format!("{name}={value}"));
    }
    let layer = TextLayer::new(server.name.clone(), text.trim_end());
    model.layers.push(Layer::Text(layer));
}

fn back(model: &mut Model) {
    if let Some(view) = &mut model.run {
        if view.replay.take().is_some() {
            view.log_of = None;
        } else {
            model.run = None;
        }
        model.touch_all();
        return;
    }
    if model.lower {
        model.lower = false;
        model.nodes.select(None);
        return;
    }
    let tab = model.tab;
    let columns = panes::columns(tab);
    let table = model.table_mut(tab);
    if table.unmark() {
        return;
    }
    if !table.filter().is_empty() {
        table.set_filter(columns, "");
    } else if model.scope.take().is_some() {
        model.touch_all();
    }
}

fn next_part(model: &mut Model, back: bool) {
    if let Some(mut view) = model.run.take() {
        view.next_part(&model.mirror, back);
        model.run = Some(view);
    } else if model.tab == Tab::Clusters && model.nodes.counts().0 > 0 {
        model.lower = !model.lower;
        if model.lower && model.nodes.selected().is_none() {
            model.nodes.end(false);
        }
    } else {
        next_tab(model, if back { Tab::ALL.len() - 1 } else { 1 });
    }
}

fn next_tab(model: &mut Model, by: usize) {
    let at = Tab::ALL.iter().position(|t| *t == model.tab).unwrap_or(0);
    goto(model, Tab::ALL[(at + by) % Tab::ALL.len()]);
}

fn goto(model: &mut Model, tab: Tab) {
    model.run = None;
    model.lower = false;
    model.tab = tab;
    model.touch(tab);
}

fn next_scope(model: &mut Model) {
    let names: Vec<CloudName> = model.mirror.clouds.iter().map(|c| c.info.name.clone()).collect();
    model.scope = match &model.scope {
        None => names.first().cloned(),
        Some(scope) => names.iter().position(|n| n == scope).and_then(|at| names.get(at + 1)).cloned(),
    };
    model.touch_all();
    let now = model.scope.as_ref().map_or_else(|| "all clouds".to_owned(), ToString::to_string);
    model.say(format!("showing {now}"), Role::Dim);
}

fn next_theme(model: &mut Model) {
    let at = model.themes.iter().position(|t| t.name == model.theme.name).unwrap_or(0);
    if let Some(theme) = model.themes.get((at + 1) % model.themes.len().max(1)).cloned() {
        model.say(format!("theme {}", theme.name), Role::Dim);
        model.theme = theme;
    }
}

// --- acting ---

fn cloud_use(model: &mut Model) {
    let Some(name) = model.table(Tab::Clouds).selected().map(panes::clouds::name) else { return };
    model.request(Slot::Act(format!("{name} is the default now")), Command::CloudUse { name });
}

/// The sandbox, and the first blueprint on it.
fn try_out(model: &mut Model) {
    if model.mirror.clouds.iter().any(|c| c.info.driver == Driver::Sandbox) {
        try_hello(model);
    } else {
        let command = Command::CloudAdd { name: "sandbox".to_owned(), driver: Driver::Sandbox, settings: Default::default() };
        model.request(Slot::Act(TRY.to_owned()), command);
    }
}

/// Plans the blueprint `hello` on the sandbox.
pub fn try_hello(model: &mut Model) {
    let sandbox = model.mirror.clouds.iter().find(|c| c.info.driver == Driver::Sandbox);
    let cloud = Some(sandbox.map_or_else(|| "sandbox".to_owned(), |c| c.info.name.to_string()));
    let source = SpecSource::Blueprint { blueprint: "hello".to_owned() };
    let layer = PlanLayer::ask(model, "try the sandbox", Command::PlanCreate { source, name: None, cloud });
    model.layers.push(Layer::Plan(Box::new(layer)));
}

fn cluster(model: &mut Model, action: Action) {
    let Some(cluster) = model.selected_cluster().cloned() else { return };
    let layer = match action {
        Action::Playbook => Layer::Playbook(Box::new(PlaybookLayer::new(&cluster))),
        Action::Scale => Layer::Scale(Box::new(Scale::new(&cluster))),
        _ => {
            let command = Command::PlanRepair { cluster: cluster.id };
            Layer::Plan(Box::new(PlanLayer::ask(model, format!("repair {}", cluster.name), command)))
        }
    };
    model.layers.push(layer);
}

fn delete(model: &mut Model) {
    if model.tab == Tab::Clusters {
        let Some(cluster) = model.selected_cluster().cloned() else { return };
        let layer = PlanLayer::ask(model, format!("delete {}", cluster.name), Command::PlanDelete { cluster: cluster.id });
        model.layers.push(Layer::Plan(Box::new(layer)));
        return;
    }
    let servers = target_servers(model);
    let commands = servers.iter().map(|s| {
        let command = Command::ServerDelete { cloud: s.cloud.clone(), server: s.id.clone() };
        (Slot::Act(format!("deleting {}", s.name)), command)
    });
    let names: Vec<&str> = servers.iter().map(|s| s.name.as_str()).collect();
    let in_cluster = servers.iter().filter(|s| s.tags.is_some()).count();
    let mut text = format!("{}\n\nWhat is on the disks is lost.", names.join(", "));
    if in_cluster > 0 {
        text.push_str(" Servers of a cluster are better deleted with their cluster: scale it, or delete it.");
    }
    let word = if servers.len() == 1 { servers[0].name.clone() } else { super::words::many(servers.len() as u64, "server") };
    let title = format!("delete {}", super::words::many(servers.len() as u64, "server"));
    let layer = Confirm::new(title, text, Some(word), commands.collect());
    model.layers.push(Layer::Confirm(layer));
}

fn target_servers(model: &Model) -> Vec<Server> {
    let ids = model.table(Tab::Servers).targets();
    ids.iter().filter_map(|id| model.server(id)).cloned().collect()
}

fn power(model: &mut Model, action: PowerAction, word: &str) {
    let servers = target_servers(model);
    let commands: Vec<(Slot, Command)> = servers
        .iter()
        .map(|s| {
            let command = Command::ServerPower { cloud: s.cloud.clone(), server: s.id.clone(), action };
            (Slot::Act(format!("{word} {}", s.name)), command)
        })
        .collect();
    if action == PowerAction::Start {
        commands.into_iter().for_each(|(slot, command)| model.request(slot, command));
        return;
    }
    let names: Vec<&str> = servers.iter().map(|s| s.name.as_str()).collect();
    model.layers.push(Layer::Confirm(Confirm::new(
        format!("{word} {}", super::words::many(servers.len() as u64, "server")),
        names.join(", "),
        None,
        commands,
    )));
}

fn console_log(model: &mut Model) {
    let Some(server) = model.table(Tab::Servers).selected().and_then(|id| model.server(id)).cloned() else { return };
    let command = Command::ConsoleLog { cloud: server.cloud, server: server.id, lines: CONSOLE_LINES };
    model.request(Slot::Text(format!("console of {}", server.name)), command);
}

fn shell(model: &mut Model) {
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
                _ => (StreamRequest::ServerShell { cloud: s.cloud, server: s.id, pty }, s.name),
            })
        }
    };
    if let Some((request, title)) = target {
        model.effect(Effect::Shell { request, title });
    }
}

fn answer(model: &mut Model) {
    let here = model.run.as_ref().map(|view| view.number);
    let prompt = model.asks().find(|p| here == Some(p.run)).or_else(|| model.asks().next()).cloned();
    let Some(prompt) = prompt else { return };
    if here.is_some() && here != Some(prompt.run) {
        model.run = None;
    }
    open_run(model, prompt.run);
    model.layers.push(Layer::Prompt(Box::new(PromptLayer::new(&prompt))));
}

fn current(model: &Model) -> Option<RunNo> {
    model.current_run().map(|r| r.number)
}

fn cancel(model: &mut Model) {
    let Some(run) = current(model) else { return };
    let way = |key, label: &str, mode| choose::Way { key, label: label.to_owned(), command: Command::Cancel { run, mode } };
    model.layers.push(Layer::Choose(Choose {
        title: format!("cancel run {run}"),
        text: "Nothing new is started, and what runs is stopped. What becomes of what it has made?".to_owned(),
        ways: vec![
            way('a', "ask me once everything has stopped", Ending::Ask),
            way('u', "undo: give back what this run created", Ending::Undo),
            way('k', "keep what is there", Ending::Keep),
            way('f', "force: kill what runs, keep what is there", Ending::Force),
        ],
        about: format!("run {run}"),
        danger: true,
    }));
}

fn retry(model: &mut Model, failed_hosts: bool) {
    let Some(run) = current(model) else { return };
    model.request(Slot::Start, Command::Retry { run, failed_hosts });
}

fn pin(model: &mut Model) {
    let Some(run) = model.current_run() else { return };
    let (run, pinned) = (run.number, !run.pinned);
    let says = if pinned { format!("run {run} is kept for ever") } else { format!("run {run} is kept as long as others") };
    model.request(Slot::Act(says), Command::Pin { run, pinned });
}

fn replay(model: &mut Model) {
    let Some(run) = model.current_run().cloned() else { return };
    open_run(model, run.number);
    let Some(view) = &mut model.run else { return };
    view.begin_replay();
}

fn replay_pace(model: &mut Model, action: Action) {
    let now = model.now;
    let Some(view) = &mut model.run else { return };
    let Some(replay) = &mut view.replay else { return };
    match action {
        Action::ReplayFaster => replay.faster(1),
        Action::ReplaySlower => replay.faster(-1),
        _ => {
            let again = replay.ended();
            replay.pause(now);
            if again {
                view.log_of = None;
            }
        }
    }
}
