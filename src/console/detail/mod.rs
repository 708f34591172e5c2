//! Everything that shows one thing in detail: its facts, what is wrong with it, what happened to it, how it differs
//! from another. Each is a text in the one viewer, made anew when what it tells of changes.

mod compare;
mod docker;
mod explain;
mod facts;
mod forms;
mod jump;
mod sheet;
mod subject;
mod timeline;

use std::collections::BTreeSet;

use crate::client::argv;
use crate::model::timeline::Moment;
use crate::protocol::{Command, Topic};

use super::action::{Action, Offer};
use super::layers::TextLayer;
use super::msg::Slot;
use super::state::Model;
use super::theme::Role;

pub use compare::Shape;
pub use explain::unhealthy;
pub use forms::Form;
pub use jump::{Jump, follow};
pub use sheet::Sheet;
pub use subject::Subject;

/// Things of a timeline that are asked for.
const MOMENTS: u32 = 1000;

/// What is shown of a thing.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// What is known of it, in one of three forms.
    Facts(Subject, Form),
    /// What is wrong with it, and what to do.
    Explain(Subject),
    /// What happened to a node; only changes and failures, when asked.
    Timeline { node: Subject, moments: Option<Vec<Moment>>, changes: bool },
    /// How two differ; all of both, when asked.
    Compare { one: Subject, two: Subject, shape: Shape, all: bool },
}

impl Kind {
    /// The facts of a thing as a table.
    pub fn facts(subject: Subject) -> Self {
        Self::Facts(subject, Form::Table)
    }

    /// What happened to a node.
    pub fn timeline(node: Subject) -> Self {
        Self::Timeline { node, moments: None, changes: false }
    }
}

/// A text about one thing, or two.
#[derive(Debug)]
pub struct Detail {
    pub kind: Kind,
    jumps: Vec<Jump>,
    /// The state of the model that it was made of, and the width it was made for.
    made: Option<(u64, u16)>,
    asked: bool,
}

/// Opens it over the panes.
pub fn open(model: &mut Model, kind: Kind) {
    let detail = Detail { kind, jumps: Vec::new(), made: None, asked: false };
    let title = detail.title(model);
    model.show_text(TextLayer::of_detail(title, detail));
}

impl Detail {
    /// What it is about, when it is one thing.
    pub fn subject(&self) -> Option<Subject> {
        match &self.kind {
            Kind::Facts(subject, _) | Kind::Explain(subject) | Kind::Timeline { node: subject, .. } => Some(subject.clone()),
            Kind::Compare { .. } => None,
        }
    }

    fn subjects(&self) -> Vec<&Subject> {
        match &self.kind {
            Kind::Facts(subject, _) | Kind::Explain(subject) | Kind::Timeline { node: subject, .. } => vec![subject],
            Kind::Compare { one, two, .. } => vec![one, two],
        }
    }

    /// What stands above it.
    pub fn title(&self, model: &Model) -> String {
        match &self.kind {
            Kind::Facts(subject, _) => format!("{} {}", subject.kind(), subject.name(model)),
            Kind::Explain(subject) => format!("why: {} {}", subject.kind(), subject.name(model)),
            Kind::Timeline { node, .. } => format!("timeline of {}", node.name(model)),
            Kind::Compare { one, two, .. } => format!("{} and {}", one.name(model), two.name(model)),
        }
    }

    /// What else is said above it: the forms, with the one that is shown; what is left out.
    pub fn said(&self) -> Vec<(String, bool)> {
        match &self.kind {
            Kind::Facts(_, form) => Form::ALL.iter().map(|f| (f.name().to_owned(), f == form)).collect(),
            Kind::Timeline { changes: true, .. } => vec![("changes only".to_owned(), true)],
            Kind::Compare { all: false, .. } => vec![("only what differs".to_owned(), true)],
            _ => Vec::new(),
        }
    }

    /// What the engine is to tell of meanwhile.
    pub fn topics(&self, model: &Model) -> BTreeSet<Topic> {
        self.subjects().into_iter().flat_map(|subject| subject.topics(model)).collect()
    }

    /// It is read line by line, long ones wrapped; else it has columns.
    pub fn reads_as_text(&self) -> bool {
        matches!(self.kind, Kind::Facts(..) | Kind::Explain(_))
    }

    /// What can be done with it.
    pub fn offers(&self, model: &Model) -> Vec<Offer> {
        let mut offers = Vec::new();
        if !self.jumps.is_empty() {
            offers.push(Offer::hint(Action::Open));
        }
        match &self.kind {
            Kind::Facts(..) => offers.push(Offer::hint(Action::NextPart)),
            Kind::Timeline { .. } => offers.push(Offer::hint(Action::ChangedOnly)),
            Kind::Compare { .. } => offers.extend([Action::CompareShape, Action::CompareAll].map(Offer::hint)),
            Kind::Explain(_) => {}
        }
        offers.extend(self::offers(model));
        offers
    }

    /// Does what can be done with it; false when it is none of that.
    pub fn act(&mut self, action: Action) -> bool {
        match (&mut self.kind, action) {
            (Kind::Facts(_, form), Action::NextPart) => *form = form.next(),
            (Kind::Facts(_, form), Action::PreviousPart) => *form = form.next().next(),
            (Kind::Timeline { changes, .. }, Action::ChangedOnly) => *changes = !*changes,
            (Kind::Compare { shape, .. }, Action::CompareShape) => *shape = shape.other(),
            (Kind::Compare { all, .. }, Action::CompareAll) => *all = !*all,
            _ => return false,
        }
        self.made = None;
        true
    }

    /// Where a line leads.
    pub fn jump(&self, link: u32) -> Option<Jump> {
        self.jumps.get(usize::try_from(link).ok()?).cloned()
    }

    /// Asks for what is missing, once.
    pub fn ask(&mut self, model: &mut Model) {
        if self.asked || !model.ready {
            return;
        }
        self.asked = true;
        let runs: BTreeSet<_> = self.subjects().into_iter().filter_map(Subject::needs).collect();
        for run in runs {
            model.request(Slot::Detail(run), Command::RunDetail { run });
        }
        if let Kind::Explain(subject) = &self.kind {
            for run in explain::needs(model, subject) {
                model.request(Slot::Detail(run), Command::RunDetail { run });
            }
        }
        if let Kind::Timeline { node: Subject::Node(cluster, node), .. } = &self.kind {
            let command = Command::Timeline { cluster: *cluster, node: node.clone(), count: MOMENTS };
            model.request(Slot::Timeline, command);
        }
    }

    /// The line to the engine is new: what was asked for is to be asked again.
    pub fn reconnected(&mut self) {
        self.asked = false;
    }

    /// The text, when it is to be made anew.
    pub fn sheet(&mut self, model: &Model, width: u16) -> Option<Vec<crate::console::widgets::log::Line>> {
        if self.made == Some((model.news, width)) {
            return None;
        }
        self.made = Some((model.news, width));
        let sheet = match &self.kind {
            Kind::Facts(subject, form) => forms::sheet(model, subject, *form),
            Kind::Explain(subject) => explain::sheet(model, subject),
            Kind::Timeline { node, moments, changes } => timeline::sheet(model, node, moments.as_deref(), *changes),
            Kind::Compare { one, two, shape, all } => compare::sheet(model, (one, two), *shape, *all, width),
        };
        self.jumps = sheet.jumps;
        Some(sheet.lines)
    }

    /// Where the cursor is to be at first.
    pub fn first_link(&self, lines: &[crate::console::widgets::log::Line]) -> Option<u64> {
        let first = matches!(self.kind, Kind::Explain(_)).then(|| lines.iter().position(|line| line.link.is_some()))??;
        Some(first as u64)
    }

    /// What happened to the node came.
    pub fn moments(&mut self, came: Vec<Moment>) {
        if let Kind::Timeline { moments, .. } = &mut self.kind {
            *moments = Some(came);
            self.made = None;
        }
    }
}

/// What can be done with the thing that is selected.
pub fn offers(model: &Model) -> Vec<Offer> {
    let here = Subject::here(model);
    let nothing = here.is_none().then_some("nothing is selected");
    let ill = here.as_ref().is_some_and(|subject| unhealthy(model, subject));
    let kind = model.text().and_then(|text| text.detail()).map(|detail| &detail.kind);
    let node = node_of(model, here.as_ref());
    let timeline = node.is_none().then_some("it is no node");
    let pair = Subject::pair(model).is_none().then_some("mark two, or one beside the selected");
    let command = (!says_command(model)).then_some("the command line has no words for it");
    let explains = matches!(kind, Some(Kind::Explain(_)));
    let mut offers = vec![
        Offer { hinted: ill && !explains, ..Offer::yes(Action::Explain).unless(nothing) },
        Offer::yes(Action::Describe).unless(nothing),
        Offer::yes(Action::Timeline).unless(timeline),
        Offer::yes(Action::CopyCommand).unless(command),
    ];
    if kind.is_none() && model.text().is_none() && model.run.is_none() {
        offers.push(Offer { hinted: pair.is_none(), ..Offer::yes(Action::Compare).unless(pair) });
    }
    offers
}

/// Does what can be done with the thing that is selected.
pub fn act(model: &mut Model, action: Action) {
    let here = Subject::here(model);
    match (action, here) {
        (Action::Describe, Some(subject)) => open(model, Kind::facts(subject)),
        (Action::Explain, Some(subject)) => open(model, Kind::Explain(subject)),
        (Action::Timeline, here) => {
            if let Some(node) = node_of(model, here.as_ref()) {
                open(model, Kind::timeline(node));
            }
        }
        (Action::Compare, _) => {
            if let Some((one, two)) = Subject::pair(model) {
                open(model, Kind::Compare { one, two, shape: Shape::Beside, all: false });
            }
        }
        (Action::CopyCommand, _) => copy_command(model),
        _ => {}
    }
}

/// The node that is meant: the thing itself, or the one that a server is.
fn node_of(model: &Model, subject: Option<&Subject>) -> Option<Subject> {
    match subject? {
        node @ Subject::Node(..) => Some(node.clone()),
        server @ Subject::Server(..) => {
            let tags = server.server(model)?.tags.as_ref()?;
            let key = (tags.cluster, tags.node.clone());
            model.mirror.nodes().contains_key(&key).then_some(Subject::Node(key.0, key.1))
        }
        _ => None,
    }
}

/// Whether there is one: a quick look, since it is asked at every key.
fn says_command(model: &Model) -> bool {
    let asked = model.layers.iter().rev().any(|layer| !layer.commands().is_empty());
    match Subject::here(model) {
        // Most can be shown; a node only while it has a server.
        Some(subject) if !asked && !matches!(subject, Subject::Node(..)) => true,
        _ => command_here(model).is_some(),
    }
}

/// The command line that does what the topmost layer is about to do, or shows what is selected.
fn command_here(model: &Model) -> Option<String> {
    let asked = model.layers.iter().rev().find_map(|layer| layer.commands().into_iter().next().map(|_| layer.commands()));
    if let Some(commands) = asked {
        let lines: Vec<String> = commands.iter().filter_map(|command| argv::line(command, &model.mirror)).collect();
        return (!lines.is_empty()).then(|| lines.join("\n"));
    }
    Subject::here(model)?.line(model)
}

/// Copies it.
pub fn copy_command(model: &mut Model) {
    use super::msg::{Effect, Goal, Source};
    match command_here(model) {
        Some(text) => {
            model.effect(Effect::Take { title: "command".to_owned(), source: Source::Text(text), goal: Goal::Clipboard })
        }
        None => model.say("the command line has no words for it", Role::Dim),
    }
}
