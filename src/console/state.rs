//! The model: everything the screen is drawn from. It has one owner, and [`update`](super::update::update) is the only
//! thing that changes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use crate::client::Mirror;
use crate::config::Motion;
use crate::facts;
use crate::model::{CloudName, Cluster, ClusterId, DockerList, DockerName, Failure, Node, Prompt, Run, RunNo, Server, Time};
use crate::protocol::live::{DockerRows, Freshness, ListKind, Rows};
use crate::protocol::{Command, Role as Seat, Topic};

use super::Start;
use super::action::Action;
use super::audit::Audit;
use super::bulk::Bulk;
use super::deeds::Deeds;
use super::favourites::{self, Counts};
use super::go::Trail;
use super::input::{Key, Keymap};
use super::layers::{Layer, TextLayer};
use super::mouse::Pointer;
use super::msg::{Effect, Slot};
use super::panes;
use super::people::People;
use super::recall::Recall;
use super::run::RunView;
use super::tell::Tell;
use super::theme::{Role, Theme};
use super::widgets::table::Table;
use super::wizard::Wizard;

pub use super::tab::Tab;

/// The line to the engine.
#[derive(Clone, PartialEq, Debug)]
pub enum Link {
    /// Not yet there.
    Opening,
    Up,
    /// Lost; tried again at this time, or not at all.
    Lost {
        failure: Box<Failure>,
        again: Option<Time>,
    },
}

/// Who sits here, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Me {
    pub operator: String,
    pub seat: Seat,
    /// Working directory, for relative paths.
    pub cwd: String,
    /// The terminal's kind, for shells.
    pub term: String,
}

/// A short message.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    pub text: String,
    pub role: Role,
    pub until: Time,
}

/// How long a notice stays, milliseconds.
const NOTICE: i64 = 5000;
/// How long after the first key of a sequence it is shown how it goes on, milliseconds: who knows it is not disturbed.
const HINTS_AFTER: i64 = 400;

/// Everything the screen is drawn from.
pub struct Model {
    /// The home as the engine tells it.
    pub mirror: Mirror,
    pub link: Link,
    pub now: Time,
    pub zone: TimeZone,
    pub area: Rect,
    pub me: Me,
    pub tab: Tab,
    tables: BTreeMap<Tab, Table>,
    /// Nodes of the selected cluster.
    pub nodes: Table,
    /// The focus is on the lower part.
    pub lower: bool,
    /// The run that is open, over the tab.
    pub run: Option<Box<RunView>>,
    /// What lies over the panes; the last is on top.
    pub layers: Vec<Layer>,
    pub notice: Option<Notice>,
    pub keymap: Keymap,
    /// Keys of a sequence that is not complete.
    pub keys: Vec<Key>,
    pub theme: Theme,
    /// The theme in the settings: a name, or `auto`.
    pub wanted_theme: String,
    pub motion: Motion,
    /// What is told beside the screen.
    pub tell: Tell,
    /// All themes that can be chosen.
    pub themes: Vec<Theme>,
    /// What the environment tells of the terminal.
    pub terminal: facts::Terminal,
    /// The terminal's background, once it has told it.
    pub background: Option<(u8, u8, u8)>,
    /// Only this cloud is shown.
    pub scope: Option<CloudName>,
    /// Only this Docker engine is shown.
    pub docker_scope: Option<DockerName>,
    /// Prompts that somebody put aside.
    pub put_aside: BTreeSet<crate::model::PromptId>,
    generations: BTreeMap<Slot, u64>,
    /// What has been asked for and not been answered.
    waiting: BTreeSet<Slot>,
    /// What was refused: it is not asked for again before somebody wants it.
    refused: BTreeSet<Slot>,
    effects: Vec<Effect>,
    stale: BTreeSet<Tab>,
    subscribed: BTreeSet<Topic>,
    /// The first whole state has come.
    pub ready: bool,
    /// Counts up with whatever comes in.
    pub news: u64,
    /// Who changed what.
    pub audit: Audit,
    /// What was done to servers.
    pub deeds: Deeds,
    /// The others, and what they are told.
    pub people: People,
    /// What was typed before.
    pub recall: Recall,
    /// Nothing that changes something is done from here until it is switched off.
    pub read_only: bool,
    /// Lines of the palette by digit.
    pub favourites: BTreeMap<u8, String>,
    /// How many rows they have.
    pub counts: Counts,
    /// The views that were looked at.
    pub trail: Trail,
    /// The last action on several things.
    pub bulk: Option<Bulk>,
    /// The mouse.
    pub pointer: Pointer,
    /// When the first key of an unfinished sequence was pressed.
    pub keys_since: Time,
}

impl Model {
    /// A model with nothing in it.
    pub fn new(area: Rect, theme: Theme, me: Me, zone: TimeZone, start: Start) -> Self {
        let (tab, run) = match start {
            Start::Home | Start::Setup => (Tab::Clusters, None),
            Start::At(tab) => (tab, None),
            Start::Run(number) => (Tab::Clusters, Some(Box::new(RunView::new(number)))),
        };
        Self {
            mirror: Mirror::default(),
            link: Link::Opening,
            now: Time(0),
            zone,
            area,
            me,
            tab,
            tables: Tab::every().map(|tab| (tab, Table::default())).collect(),
            nodes: Table::lazy(),
            lower: false,
            run,
            layers: Vec::new(),
            notice: None,
            keymap: Keymap::built_in(),
            keys: Vec::new(),
            wanted_theme: theme.name.clone(),
            motion: Motion::Full,
            tell: Tell::default(),
            themes: vec![theme.clone()],
            terminal: facts::terminal::look(|_| None),
            background: None,
            theme,
            scope: None,
            docker_scope: None,
            put_aside: BTreeSet::new(),
            generations: BTreeMap::new(),
            waiting: BTreeSet::new(),
            refused: BTreeSet::new(),
            effects: Vec::new(),
            stale: Tab::every().collect(),
            subscribed: BTreeSet::new(),
            ready: false,
            news: 0,
            audit: Audit::default(),
            deeds: Deeds::default(),
            people: People::default(),
            recall: Recall::default(),
            read_only: false,
            favourites: BTreeMap::new(),
            counts: Counts::default(),
            trail: Trail::default(),
            bulk: None,
            pointer: Pointer::default(),
            keys_since: Time(0),
        }
    }

    // --- effects ---

    /// Wants something done.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Sends a command; answers to older ones of the same slot are void from now on.
    pub fn request(&mut self, slot: Slot, command: Command) {
        let generation = self.generations.entry(slot.clone()).or_default();
        *generation += 1;
        let generation = *generation;
        self.waiting.insert(slot.clone());
        self.effects.push(Effect::Request { slot, generation, command: Box::new(command) });
    }

    /// An answer came: whether it is the one that is waited for.
    pub fn answered(&mut self, slot: &Slot, generation: u64) -> bool {
        self.generations.get(slot) == Some(&generation) && self.waiting.remove(slot)
    }

    /// Something can be asked for in this slot: nothing is, and nothing was refused.
    pub fn is_idle(&self, slot: &Slot) -> bool {
        !self.waiting.contains(slot) && !self.refused.contains(slot)
    }

    /// The engine refuses what this slot asks for.
    pub fn refused(&mut self, slot: Slot) {
        self.refused.insert(slot);
    }

    /// What was refused may be asked for again: the line is new, or somebody wants it.
    pub fn ask_anew(&mut self) {
        self.refused.clear();
        if let Some(view) = &mut self.run {
            view.ask_anew();
        }
    }

    /// Answers to what was asked for in this slot are void.
    pub fn forget(&mut self, slot: &Slot) {
        if let Some(generation) = self.generations.get_mut(slot) {
            *generation += 1;
        }
        self.waiting.remove(slot);
    }

    /// Takes what is to be done.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Says something in passing.
    pub fn say(&mut self, text: impl Into<String>, role: Role) {
        self.notice = Some(Notice { text: text.into(), role, until: Time(self.now.0 + NOTICE) });
    }

    /// It is to be shown how the sequence that has begun goes on.
    pub fn shows_continuations(&self) -> bool {
        !self.keys.is_empty() && self.now.0 >= self.keys_since.0 + HINTS_AFTER
    }

    // --- what is looked at ---

    /// The table of a tab.
    pub fn table(&self, tab: Tab) -> &Table {
        &self.tables[&tab]
    }

    /// The table of a tab, to be changed.
    pub fn table_mut(&mut self, tab: Tab) -> &mut Table {
        self.tables.entry(tab).or_default()
    }

    /// The keymap's tables that count where the focus is, narrowest first.
    pub fn contexts(&self) -> Vec<&'static str> {
        if self.text().is_some() {
            vec!["page", "output", "list", "global"]
        } else if let Some(wizard) = self.wizard() {
            wizard.contexts()
        } else if self.run.is_some() {
            vec!["run", "output", "list", "global"]
        } else {
            vec![self.tab.context(), "list", "global"]
        }
    }

    /// The text that lies over the panes, the topmost.
    pub fn text(&self) -> Option<&TextLayer> {
        self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Text(text) => Some(&**text),
            _ => None,
        })
    }

    /// The same, to be changed.
    pub fn text_mut(&mut self) -> Option<&mut TextLayer> {
        self.layers.iter_mut().rev().find_map(|layer| match layer {
            Layer::Text(text) => Some(&mut **text),
            _ => None,
        })
    }

    /// Lays a text over the panes.
    pub fn show_text(&mut self, text: TextLayer) {
        self.layers.push(Layer::Text(Box::new(text)));
    }

    /// The key of an action here, for hints.
    pub fn key_of(&self, action: Action) -> Option<String> {
        self.keymap.key_of(&self.contexts(), action)
    }

    /// The clouds that are shown.
    pub fn clouds_in_scope(&self) -> Vec<CloudName> {
        let names = self.mirror.clouds.iter().map(|row| row.info.name.clone());
        names.filter(|name| self.scope.as_ref().is_none_or(|s| s == name)).collect()
    }

    /// Why a cloud has no such list.
    pub fn why_no_list(&self, cloud: &CloudName, list: ListKind) -> Option<String> {
        let row = self.mirror.clouds.iter().find(|row| row.info.name == *cloud)?;
        // A driver that could not be made has told nothing: why it could not is said when the list is read.
        let told = !row.info.capabilities.0.is_empty();
        list.needs().filter(|_| told).and_then(|name| row.info.capabilities.check(name).err())
    }

    /// The clouds that are shown and have such a list.
    pub fn clouds_with(&self, list: ListKind) -> Vec<CloudName> {
        self.clouds_in_scope().into_iter().filter(|cloud| self.why_no_list(cloud, list).is_none()).collect()
    }

    /// The cloud of commands that name none: the one in scope, else the default.
    pub fn main_cloud(&self) -> Option<CloudName> {
        let default = || self.mirror.clouds.iter().find(|r| r.info.default).or(self.mirror.clouds.first());
        self.scope.clone().or_else(|| default().map(|row| row.info.name.clone()))
    }

    /// A list of a cloud, and how good it is.
    pub fn list(&self, cloud: &CloudName, kind: ListKind) -> Option<&(Freshness, Option<Rows>)> {
        self.mirror.lists.get(&(cloud.clone(), kind))
    }

    /// The rows of one kind, over all clouds in scope.
    pub fn each<'m, T: 'm>(&'m self, kind: ListKind, pick: fn(&'m Rows) -> Option<&'m Vec<T>>) -> impl Iterator<Item = &'m T> {
        let clouds = self.clouds_in_scope();
        clouds.into_iter().filter_map(move |cloud| self.list(&cloud, kind)?.1.as_ref()).filter_map(pick).flatten()
    }

    /// The Docker engines that are shown.
    pub fn dockers_in_scope(&self) -> Vec<DockerName> {
        let names = self.mirror.dockers.iter().map(|row| row.info.name.clone());
        names.filter(|name| self.docker_scope.as_ref().is_none_or(|s| s == name)).collect()
    }

    /// The rows of one kind, over all Docker engines in scope.
    pub fn each_docker<'m, T: 'm>(
        &'m self,
        list: DockerList,
        pick: fn(&'m DockerRows) -> Option<&'m Vec<T>>,
    ) -> impl Iterator<Item = &'m T> {
        let dockers = self.dockers_in_scope();
        let rows = move |docker| self.mirror.docker_lists.get(&(docker, list))?.1.as_ref();
        dockers.into_iter().filter_map(rows).filter_map(pick).flatten()
    }

    /// The lists that a tab shows: of which cloud or Docker engine, how good, and whether rows are there.
    pub fn lists_of(&self, tab: Tab) -> Vec<(String, Option<(&Freshness, bool)>)> {
        if let Tab::Held(kind) = tab {
            let list = |docker: DockerName| {
                let name = docker.to_string();
                (name, self.mirror.docker_lists.get(&(docker, kind)).map(|(freshness, rows)| (freshness, rows.is_some())))
            };
            return self.dockers_in_scope().into_iter().map(list).collect();
        }
        let Some(kind) = tab.list() else { return Vec::new() };
        let list = |cloud: CloudName| {
            let known = self.list(&cloud, kind).map(|(freshness, rows)| (freshness, rows.is_some()));
            (cloud.to_string(), known)
        };
        self.clouds_with(kind).into_iter().map(list).collect()
    }

    /// The server of this row id (`cloud/id`).
    pub fn server(&self, id: &str) -> Option<&Server> {
        let (cloud, server) = id.split_once('/')?;
        match self.list(&CloudName::new(cloud), ListKind::Servers)? {
            (_, Some(Rows::Servers(servers))) => servers.iter().find(|s| s.id == server),
            _ => None,
        }
    }

    /// The servers that an action is about: the marked ones, else the selected one.
    pub fn target_servers(&self) -> Vec<Server> {
        let ids = self.table(Tab::Servers).targets();
        ids.iter().filter_map(|id| self.server(id)).cloned().collect()
    }

    /// The cluster of this row id.
    pub fn cluster(&self, id: &str) -> Option<&Cluster> {
        self.mirror.clusters().get(&ClusterId(id.parse().ok()?))
    }

    /// The selected cluster, when clusters are looked at.
    pub fn selected_cluster(&self) -> Option<&Cluster> {
        if self.tab == Tab::Clusters { self.cluster(self.table(Tab::Clusters).selected()?) } else { None }
    }

    /// The selected node, when the nodes of a cluster are looked at.
    pub fn selected_node(&self) -> Option<&Node> {
        let cluster = self.selected_cluster()?.id;
        let name = self.nodes.selected()?;
        self.mirror.nodes().get(&(cluster, name.to_owned()))
    }

    /// The run that actions are about: the one that is open, else the selected one.
    pub fn current_run(&self) -> Option<&Run> {
        let number = match (&self.run, self.tab) {
            (Some(view), _) => view.number,
            (None, Tab::Pulse) => RunNo(self.table(Tab::Pulse).selected()?.strip_prefix("run ")?.parse().ok()?),
            (None, Tab::Runs) => RunNo(self.table(Tab::Runs).selected()?.parse().ok()?),
            (None, Tab::Audit) => panes::audit::entry(self, self.table(Tab::Audit).selected()?)?.run?,
            _ => return None,
        };
        self.mirror.runs().get(&number)
    }

    /// Runs under way, newest first.
    pub fn under_way(&self) -> impl Iterator<Item = &Run> {
        self.mirror.runs().values().rev().filter(|r| !r.state.ended())
    }

    /// What runs ask, oldest first.
    pub fn asks(&self) -> impl Iterator<Item = &Prompt> {
        self.mirror.prompts().values()
    }

    /// Why nothing that changes something can be done from here.
    pub fn why_only_looking(&self) -> Option<String> {
        if self.me.seat == Seat::Watcher {
            return Some("you are watching".to_owned());
        }
        if self.read_only {
            return Some("this session is read-only".to_owned());
        }
        (self.link != Link::Up).then(|| "the engine is not connected".to_owned())
    }

    // --- subscriptions ---

    /// What the screen needs to be told of.
    pub fn topics(&self) -> BTreeSet<Topic> {
        let mut topics = BTreeSet::from([Topic::Clouds, Topic::Presence, Topic::Forwards]);
        if let Some(cloud) = self.main_cloud() {
            topics.insert(Topic::List { cloud, list: ListKind::Quota });
        }
        for list in self.tab.lists() {
            topics.extend(self.clouds_with(list).into_iter().map(|cloud| Topic::List { cloud, list }));
        }
        if self.tab.of_docker() {
            topics.insert(Topic::Dockers);
        }
        if let Tab::Held(list) = self.tab {
            topics.extend(self.dockers_in_scope().into_iter().map(|docker| Topic::Docker { docker, list }));
        }
        if self.tab == Tab::Pulse {
            let lists = [ListKind::Servers, ListKind::Quota];
            let of = |cloud: CloudName| lists.map(|list| Topic::List { cloud: cloud.clone(), list });
            topics.extend(self.clouds_in_scope().into_iter().flat_map(of));
        }
        // Names of servers are completed too.
        if self.layers.iter().any(|layer| matches!(layer, Layer::Palette(_))) {
            let list = ListKind::Servers;
            topics.extend(self.clouds_in_scope().into_iter().map(|cloud| Topic::List { cloud, list }));
        }
        if let Some(view) = &self.run {
            topics.insert(Topic::Run { run: view.number });
        }
        for layer in &self.layers {
            if let Layer::Text(text) = layer {
                topics.extend(text.detail().into_iter().flat_map(|detail| detail.topics(self)));
            }
        }
        if let Some(run) = self.wizard().and_then(Wizard::watched_run) {
            topics.insert(Topic::Run { run });
        }
        topics
    }

    /// Subscribes to what the screen needs now and no longer to what it does not.
    pub fn subscribe(&mut self) {
        if self.link != Link::Up {
            return;
        }
        let wanted = self.topics();
        let come: Vec<Topic> = wanted.difference(&self.subscribed).cloned().collect();
        let gone: Vec<Topic> = self.subscribed.difference(&wanted).cloned().collect();
        self.subscribed = wanted;
        for (topics, on) in [(gone, false), (come, true)] {
            if topics.is_empty() {
                continue;
            }
            let command = if on { Command::Subscribe { topics } } else { Command::Unsubscribe { topics } };
            self.request(Slot::Subscription, command);
        }
    }

    // --- rows ---

    /// The rows of a tab are to be made anew.
    pub fn touch(&mut self, tab: Tab) {
        self.stale.insert(tab);
        self.counts.touch(tab);
    }

    /// The rows of every tab are to be made anew.
    pub fn touch_all(&mut self) {
        Tab::every().for_each(|tab| self.touch(tab));
    }

    /// Makes the rows of what is visible anew where something changed.
    pub fn make_rows(&mut self) {
        if self.run.is_none() && self.stale.remove(&self.tab) {
            let tab = self.tab;
            if tab == Tab::Pulse {
                favourites::recount(self);
            }
            let (rows, notices, now) = (panes::rows(self, tab), panes::notices(self, tab), self.now.0);
            let table = self.table_mut(tab);
            table.set_notices(notices, now);
            table.set_rows(panes::columns(tab), rows);
        }
        if self.run.is_none() && self.tab == Tab::Clusters {
            let rows = panes::nodes::rows(self);
            self.nodes.set_rows(panes::nodes::COLUMNS, rows);
        }
        if let Some(mut view) = self.run.take() {
            view.make_rows(self);
            self.run = Some(view);
        }
        let mut layers = std::mem::take(&mut self.layers);
        for layer in &mut layers {
            if let Layer::Text(text) = layer {
                text.refresh(self);
            }
        }
        self.layers = layers;
    }

    /// When the next visible thing changes by itself, when anything does.
    pub fn next_change(&self) -> Option<Time> {
        let tick = match self.motion {
            Motion::Full => 1000,
            Motion::Reduced => 10_000,
        };
        let tick = || Time((self.now.0 / tick + 1) * tick);
        let mut next: Option<Time> = self.notice.as_ref().map(|n| n.until);
        let hints = Time(self.keys_since.0 + HINTS_AFTER);
        if !self.keys.is_empty() && hints > self.now {
            next = Some(next.map_or(hints, |n| n.min(hints)));
        }
        let mut at = |t: Time| next = Some(next.map_or(t, |n| n.min(t)));
        self.people.next.into_iter().for_each(&mut at);
        if self.under_way().next().is_some() && self.link == Link::Up {
            at(tick());
        }
        if let Some(replay) = self.run.as_ref().and_then(|v| v.replay.as_ref())
            && replay.playing()
        {
            at(Time(self.now.0 + 100));
        }
        next
    }
}
