//! What each action does to the model.

use crate::model::server::PowerAction;
use crate::model::{CloudName, DockerList, Driver, Ending, Level, RunNo};
use crate::protocol::{Command, SpecSource};

use super::action::Action;
use super::again;
use super::bulk::Item;
use super::change;
use super::custom;
use super::deeds;
use super::detail;
use super::forward;
use super::go::{self, goto};
use super::layers::{
    BulkLayer, Choose, Columns, Create, Favourites, FilterLine, ForwardsLayer, Help, Jump, Layer, Palette, PeopleLayer,
    PlanLayer, PlaybookLayer, PromptLayer, Scale, TextLayer, choose,
};
use super::msg::{Effect, Goal, Slot, Source};
use super::panes;
use super::people;
use super::rails;
use super::remove;
use super::run::{self, Only, Part, result_place, result_text};
use super::shell;
use super::state::{Model, Tab};
use super::theme::Role;
use super::update::{offers, open_run};
use super::verbs;
use super::viewer;
use super::widgets::table::Table;
use super::wizard;

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
    if model.text().is_some() && TextLayer::act(model, action) {
        return;
    }
    if wizard::act(model, action) {
        return;
    }
    if let Some(tab) = Tab::led_to(action) {
        return goto(model, tab);
    }
    match action {
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => moved(model, action),
        Action::Follow => follow(model),
        Action::Mark => table(model, |t| t.toggle_mark()),
        Action::MarkAll => table(model, |t| t.mark_all()),
        Action::MarkRange => table(model, |t| t.mark_range()),
        Action::MarkInvert => table(model, |t| t.mark_invert()),
        Action::Filter => model.layers.push(Layer::Filter(FilterLine::new(model))),
        Action::SortNext => sort(model, |t| t.sort_beside(1)),
        Action::SortPrevious => sort(model, |t| t.sort_beside(-1)),
        Action::SortReverse => sort(model, |t| t.sort_reverse()),
        Action::Columns => {
            let layer = Columns::new(model);
            model.layers.push(Layer::Columns(layer));
        }
        Action::Jump => {
            let layer = Jump::new(model);
            model.layers.push(Layer::Jump(layer));
        }
        Action::Favourites => {
            let layer = Favourites::new(model);
            model.layers.push(Layer::Favourites(layer));
        }
        Action::People => {
            let layer = PeopleLayer::new(model);
            model.layers.push(Layer::People(layer));
        }
        Action::Forwards => {
            let layer = ForwardsLayer::new(model);
            model.layers.push(Layer::Forwards(layer));
        }
        Action::Unfollow => people::unfollow(model),
        Action::Results => model.layers.push(Layer::Bulk(BulkLayer::default())),
        Action::ViewBack => go::walk(model, false),
        Action::ViewForward => go::walk(model, true),
        Action::Copy => copy(model),
        Action::Refresh => again::refresh(model),
        Action::Open => open(model),
        Action::Back => back(model),
        Action::NextPart | Action::PreviousPart => next_part(model, action == Action::PreviousPart),
        Action::NextTab => next_tab(model, 1),
        Action::PreviousTab => next_tab(model, Tab::ALL.len() - 1),
        Action::GotoPulse => goto(model, Tab::Pulse),
        Action::GotoClouds => goto(model, Tab::Clouds),
        Action::GotoFlavors => goto(model, Tab::Flavors),
        Action::GotoImages => goto(model, Tab::Images),
        Action::GotoServers => goto(model, Tab::Servers),
        Action::GotoClusters => goto(model, Tab::Clusters),
        Action::GotoRuns => goto(model, Tab::Runs),
        Action::GotoAudit => goto(model, Tab::Audit),
        Action::CloudScope => next_scope(model),
        Action::Theme => next_theme(model),
        Action::Palette => model.layers.push(Layer::Palette(Palette::new(model))),
        Action::Setup => model.effect(Effect::Setup(wizard::Wish::Open)),
        // Only while the wizard is open: it has done them.
        #[rustfmt::skip]
        Action::SetupNext | Action::SetupWrite | Action::SetupDone | Action::SetupBack | Action::SetupSkip
        | Action::SetupMore | Action::SetupLess | Action::SetupChoose | Action::SetupTest | Action::SetupEdit
        | Action::SetupInstall | Action::SetupAnswers | Action::SetupAnew => {}
        Action::Help => model.layers.push(Layer::Help(Help::default())),
        Action::Redraw => model.effect(Effect::Redraw),
        Action::Suspend => model.effect(Effect::Suspend),
        Action::Quit => model.effect(Effect::Quit),
        _ => act_on(model, action),
    }
}

/// What changes something, or is about one thing.
fn act_on(model: &mut Model, action: Action) {
    match action {
        Action::CloudUse => cloud_use(model),
        Action::Command => custom::choose(model),
        Action::Try => try_out(model),
        Action::ClusterNew => {
            let layer = Create::new(model);
            model.layers.push(Layer::Create(Box::new(layer)));
        }
        Action::Playbook | Action::Scale | Action::Repair => cluster(model, action),
        Action::ClusterDelete => remove::clusters(model),
        Action::ServerDelete => remove::servers(model),
        Action::ImageDelete => remove::images(model),
        Action::CloudTest => model.request(Slot::CloudTest, Command::Clouds { test: true }),
        Action::Shell => shell::open(model),
        Action::Forward => forward::ask(model),
        Action::ServerStart => power(model, PowerAction::Start, "start"),
        Action::ServerStop => power(model, PowerAction::Stop, "stop"),
        Action::ServerReboot => power(model, PowerAction::Reboot, "reboot"),
        Action::ServerResize | Action::ServerRebuild | Action::ServerConfirm | Action::ServerRevert => change::act(model, action),
        Action::KeyPairDelete => remove::key_pairs(model),
        Action::ConsoleLog => console_log(model),
        Action::ServerActions => server_actions(model),
        Action::Answer => answer(model),
        Action::Cancel => cancel(model),
        Action::Retry => retry(model, false),
        Action::RetryHosts => retry(model, true),
        Action::Undo => undo(model),
        Action::ReadOnly => rails::toggle(model),
        Action::Pin => pin(model),
        Action::Replay => run::begin_replay(model),
        Action::ReplayPause | Action::ReplayFaster | Action::ReplaySlower | Action::ReplayTo => run::act_on_replay(model, action),
        Action::ReplayBack | Action::ReplayOn => run::act_on_replay(model, action),
        Action::ReplayNextTask | Action::ReplayPreviousTask | Action::ReplayNextFailure => run::act_on_replay(model, action),
        Action::FailedOnly => only(model, Only::Failed),
        Action::ChangedOnly => only(model, Only::Changed),
        Action::Describe | Action::Explain | Action::Timeline | Action::Compare | Action::CopyCommand => {
            detail::act(model, action)
        }
        Action::CompareShape | Action::CompareAll => {}
        Action::ToOutput => to_output(model),
        Action::Slowest => run_view(model, |view| view.show.slowest = !view.show.slowest),
        Action::ThisHost => run_view(model, |view| view.host_only = !view.host_only),
        Action::Search | Action::NextHit | Action::PreviousHit | Action::OnlyHits | Action::MoreAround | Action::LessAround => {
            viewer::act(model, action);
        }
        Action::Times | Action::Unfold | Action::Select | Action::Save | Action::Pager => drop(viewer::act(model, action)),
        Action::Left | Action::Right | Action::Wrap => drop(viewer::act(model, action)),
        // The others are done above.
        _ => {}
    }
}

// --- looking ---

fn table(model: &mut Model, change: impl FnOnce(&mut Table)) {
    let tab = model.tab;
    change(if model.lower { &mut model.nodes } else { model.table_mut(tab) });
}

fn moved(model: &mut Model, action: Action) {
    let tab = model.tab;
    let table = match &mut model.run {
        Some(view) if view.part == Part::Output => {
            viewer::act(model, action);
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

fn run_view(model: &mut Model, change: impl FnOnce(&mut super::run::RunView)) {
    if let Some(view) = &mut model.run {
        change(view);
    }
}

/// Shows only such results, or all.
fn only(model: &mut Model, only: Only) {
    run_view(model, |view| view.show.only = if view.show.only == only { Only::All } else { only });
}

/// To the lines that the selected result wrote.
fn to_output(model: &mut Model) {
    let Some(view) = &mut model.run else { return };
    let place = view.with_facts(&model.mirror, |facts| result_place(view, facts)).flatten();
    view.part = Part::Output;
    if let Some((step, byte)) = place {
        view.go_to_byte(step, byte);
    }
}

/// Follows what happens, or lets the output stand still.
fn follow(model: &mut Model) {
    run_view(model, |view| {
        if view.log.following() && view.steps.selected().is_none() {
            view.log.follow(false);
        } else {
            view.follow();
        }
    });
}

fn sort(model: &mut Model, change: impl FnOnce(&mut Table)) {
    let tab = model.tab;
    let table = model.table_mut(tab);
    change(table);
    let by = table.sort().map_or("as it comes", |s| table.columns()[s.column].title);
    model.say(format!("sorted by {}", by.to_lowercase()), Role::Dim);
}

/// The column that says most of a row.
fn named_by(tab: Tab) -> usize {
    match tab {
        Tab::Audit => 2,
        Tab::Runs => 1,
        _ => 0,
    }
}

fn copy(model: &mut Model) {
    let text = match &model.run {
        Some(view) if view.part == Part::Output => return viewer::copy(model),
        Some(view) => {
            view.with_facts(&model.mirror, |f| result_text(view, f)).flatten().map(|(title, text)| format!("{title}\n{text}"))
        }
        None if model.lower => model.nodes.selected().map(str::to_owned),
        None => {
            let table = model.table(model.tab);
            let names: Vec<&str> = table.targets().iter().filter_map(|id| table.cell(id, named_by(model.tab))).collect();
            (!names.is_empty()).then(|| names.join("\n"))
        }
    };
    match text {
        None => model.say("nothing to copy", Role::Dim),
        Some(text) => {
            let title = model.tab.name().to_owned();
            model.effect(Effect::Take { title, source: Source::Text(text), goal: Goal::Clipboard });
        }
    }
}

fn open(model: &mut Model) {
    if let Some(view) = &model.run {
        let text = view.with_facts(&model.mirror, |facts| result_text(view, facts)).flatten();
        if let Some((title, text)) = text {
            model.show_text(TextLayer::new(title, text));
        }
        return;
    }
    if again::open_missing(model) {
        return;
    }
    if let Some(why) = panes::missing::cannot(model) {
        return model.say(why, Role::Warn);
    }
    match model.tab {
        Tab::Pulse => {
            let Some(goal) = panes::pulse::goal(model) else { return };
            go_by_line(model, &goal);
        }
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
        Tab::Runs | Tab::Audit => {
            let run = model.current_run().map(|r| r.number);
            if let Some(run) = run {
                open_run(model, run);
            }
        }
        Tab::Docker => {
            let Some(docker) = model.table(Tab::Docker).selected().map(panes::docker::name) else { return };
            model.docker_scope = Some(docker);
            model.touch_all();
            goto(model, Tab::Held(DockerList::Containers));
        }
        Tab::Held(_) => detail::act(model, Action::Describe),
        Tab::Resource(kind) => match panes::resources::goal(model, kind) {
            Some(line) => go_by_line(model, &line),
            None => detail::act(model, Action::Describe),
        },
        Tab::Servers | Tab::Flavors | Tab::Images => detail::act(model, Action::Describe),
    }
}

/// Does what a line of the palette says.
pub fn go_by_line(model: &mut Model, line: &str) {
    if let Err(wrong) = verbs::run(model, line) {
        model.say(wrong.text, Role::Warn);
    }
}

fn back(model: &mut Model) {
    if model.people.following.is_some() {
        return people::unfollow(model);
    }
    if let Some(view) = &mut model.run {
        if view.log.back() {
            return;
        }
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
    let table = model.table_mut(tab);
    if table.unmark() {
        return;
    }
    // Nothing else leads back to where one came from.
    if matches!(tab, Tab::Resource(_) | Tab::Held(_)) && model.trail.ways().0 {
        return go::walk(model, false);
    }
    let table = model.table_mut(tab);
    if !table.filter().is_empty() {
        table.set_filter("");
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
    } else if model.tab == Tab::Pulse {
        let next = panes::pulse::next_section(model, back);
        model.table_mut(Tab::Pulse).select(next.as_deref());
    } else if model.tab.of_docker() {
        next_of_docker(model, back);
    } else {
        next_tab(model, if back { Tab::ALL.len() - 1 } else { 1 });
    }
}

/// The Docker engines, then what they hold, one list after the other.
fn next_of_docker(model: &mut Model, back: bool) {
    let all: Vec<Tab> = Tab::every().filter(|tab| tab.of_docker()).collect();
    let at = all.iter().position(|tab| *tab == model.tab).unwrap_or(0);
    goto(model, all[(at + if back { all.len() - 1 } else { 1 }) % all.len()]);
}

fn next_tab(model: &mut Model, by: usize) {
    // What is no tab of the line stands behind the last.
    let at = Tab::ALL.iter().position(|t| *t == model.tab).unwrap_or(Tab::ALL.len() - 1);
    goto(model, Tab::ALL[(at + by) % Tab::ALL.len()]);
}

fn next_scope(model: &mut Model) {
    if model.tab.of_docker() {
        return go::next_docker_scope(model);
    }
    let names: Vec<CloudName> = model.mirror.clouds.iter().map(|c| c.info.name.clone()).collect();
    let next = match &model.scope {
        None => names.first().cloned(),
        Some(scope) => names.iter().position(|n| n == scope).and_then(|at| names.get(at + 1)).cloned(),
    };
    go::scope(model, next);
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
    let source = SpecSource::Blueprint { blueprint: "hello".to_owned(), text: None };
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

fn power(model: &mut Model, action: PowerAction, word: &str) {
    let servers = model.target_servers();
    let otherwise = if action == PowerAction::Start { Level::None } else { Level::Yes };
    let Some((level, says)) = rails::question(model, action.into(), &servers, otherwise) else { return };
    let items: Vec<Item> = servers
        .into_iter()
        .map(|s| {
            let id = format!("{}/{}", s.cloud, s.id);
            Item::new(s.name, id, Command::ServerPower { cloud: s.cloud, server: s.id, action })
        })
        .collect();
    remove::asked(model, level, word, "server", says.trim_start(), items);
}

fn console_log(model: &mut Model) {
    let Some(server) = model.table(Tab::Servers).selected().and_then(|id| model.server(id)).cloned() else { return };
    console_log_of(model, server.cloud, server.id, &server.name);
}

fn server_actions(model: &mut Model) {
    let server = model.table(Tab::Servers).selected().and_then(|id| model.server(id)).cloned();
    if let Some(server) = server {
        deeds::open(model, &server);
    }
}

/// Asks for the console log of a server, to be read.
pub fn console_log_of(model: &mut Model, cloud: CloudName, server: String, name: &str) {
    let command = Command::ConsoleLog { cloud, server, lines: CONSOLE_LINES };
    model.request(Slot::Text(format!("console of {name}")), command);
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

fn undo(model: &mut Model) {
    let Some(run) = current(model) else { return };
    let layer = PlanLayer::ask(model, format!("undo run {run}"), Command::PlanUndo { run });
    model.layers.push(Layer::Plan(Box::new(layer)));
}

fn pin(model: &mut Model) {
    let Some(run) = model.current_run() else { return };
    let (run, pinned) = (run.number, !run.pinned);
    let says = if pinned { format!("run {run} is kept for ever") } else { format!("run {run} is kept as long as others") };
    model.request(Slot::Act(says), Command::Pin { run, pinned });
}
