//! The wizard: six pages that lead from an empty home to a running cluster. Pure like all of the console: it changes
//! itself and asks for effects. Nothing is written before the review; a draft is kept after every change, so that a
//! lost line loses nothing.

mod act;
mod clouds;
mod defaults;
mod draw;
mod effects;
mod finish;
mod form;
mod hear;
mod picker;
mod review;
mod safety;
mod terminal;
mod tools;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::setup::{Answers, CloudAnswer, Draft, FirstCluster};
use crate::config::{Paths, Settings};
use crate::facts::Facts;
use crate::model::{CloudName, Driver, Failure, Finding, RunNo};
use crate::protocol::Command;
use crate::protocol::command::Trial;

use super::input::Key;
use super::layers::{Flow, Layer};
use super::msg::{Effect, Slot};
use super::state::Model;
use super::theme::Kind;

pub use act::{act, offers};
pub use effects::{Wish, carry_out};
pub use hear::{Heard, changed, connected, heard, replied};

use finish::Stage;
use form::RowId;
use picker::Picker;
use safety::Typing;
use terminal::Clipboard;

/// The pages, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Page {
    Terminal,
    Tools,
    Clouds,
    Defaults,
    Safety,
    Review,
}

impl Page {
    /// All of them.
    pub const ALL: [Page; 6] = [Self::Terminal, Self::Tools, Self::Clouds, Self::Defaults, Self::Safety, Self::Review];

    /// Its name: on the screen and in the draft.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Tools => "tools",
            Self::Clouds => "clouds",
            Self::Defaults => "defaults",
            Self::Safety => "safety",
            Self::Review => "review",
        }
    }

    fn question(self) -> &'static str {
        match self {
            Self::Terminal => "How does this terminal look?",
            Self::Tools => "What runs playbooks here?",
            Self::Clouds => "Where are your clouds?",
            Self::Defaults => "What is used where nobody says otherwise?",
            Self::Safety => "Who may do what?",
            Self::Review => "This would be written",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.name() == name)
    }

    fn number(self) -> usize {
        Self::ALL.iter().position(|page| *page == self).unwrap_or(0)
    }

    /// The page after or before, if there is one.
    fn step(self, forward: bool) -> Option<Self> {
        let at = self.number();
        if forward { Self::ALL.get(at + 1).copied() } else { at.checked_sub(1).map(|at| Self::ALL[at]) }
    }
}

/// What is there when the wizard opens.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Begin {
    /// The answers that lead to the settings as they are.
    pub now: Answers,
    /// A set-up that was not finished.
    pub draft: Option<Draft>,
}

impl Begin {
    /// Reads settings and draft.
    ///
    /// # Errors
    /// The settings are wrong.
    pub fn read(paths: &Paths) -> Result<Self, Failure> {
        Ok(Self { now: Answers::of(&Settings::load(paths)?), draft: Draft::load(paths) })
    }

    /// Nobody has set up this home, and nobody has said that it is to stay so.
    pub fn first(&self) -> bool {
        self.now.clouds.is_empty() && !self.draft.as_ref().is_some_and(|draft| draft.left)
    }
}

/// What the wizard asks the engine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ask {
    Examine,
    Trial(CloudName),
    Install,
    /// The last line of the installation's output.
    InstallLine,
}

/// What the engine found on this computer.
#[derive(Clone, PartialEq, Debug)]
enum Examined {
    Asking,
    Done { findings: Vec<Finding>, drivers: Vec<Driver> },
    Failed(Box<Failure>),
}

/// How a cloud answered.
#[derive(Clone, PartialEq, Debug)]
enum Tried {
    Asking,
    Answers(Box<Trial>),
    Failed(Box<Failure>),
}

/// See the module.
pub struct Wizard {
    page: Page,
    /// The selected row of each page.
    at: BTreeMap<Page, RowId>,
    answers: Answers,
    /// Pages that were passed over: what they ask stays as it is.
    skipped: BTreeSet<Page>,
    begin: Begin,
    /// The kind of theme for a terminal that does not tell its background.
    kind: Kind,
    facts: Option<Box<Facts>>,
    examined: Examined,
    trials: BTreeMap<CloudName, Tried>,
    clipboard: Clipboard,
    typing: Option<Typing>,
    picker: Option<Picker>,
    /// The run that installs Ansible.
    install: Option<RunNo>,
    install_line: String,
    stage: Stage,
    /// Scrolled down by so many lines, on the review.
    top: usize,
    /// The review shows the file of answers instead.
    shows_answers: bool,
    /// The draft as it was kept last.
    kept: Option<Draft>,
    /// Escape was pressed once on the first page.
    leaving: bool,
    /// It goes away with the next look.
    closed: bool,
}

/// Opens the wizard over whatever is there.
pub fn open(model: &mut Model, begin: Begin) {
    let draft = begin.draft.clone();
    let mut wizard = Wizard {
        page: Page::Terminal,
        at: BTreeMap::new(),
        answers: first_answers(&begin.now),
        skipped: BTreeSet::new(),
        begin,
        kind: model.theme.kind,
        facts: None,
        examined: Examined::Asking,
        trials: BTreeMap::new(),
        clipboard: Clipboard::Untested,
        typing: None,
        picker: None,
        install: None,
        install_line: String::new(),
        stage: Stage::Asking,
        top: 0,
        shows_answers: false,
        kept: None,
        leaving: false,
        closed: false,
    };
    model.setup(Wish::Survey);
    model.setup(Wish::AskBackground);
    model.request(Slot::Setup(Ask::Examine), Command::Examine);
    if let Some(draft) = draft {
        wizard.answers = draft.answers;
        wizard.skipped = draft.skipped.iter().filter_map(|name| Page::named(name)).collect();
        let page = Page::named(&draft.page).unwrap_or(Page::Terminal);
        wizard.look(model);
        wizard.enter(model, page);
    }
    model.layers.push(Layer::Wizard(Box::new(wizard)));
}

/// What a person most likely wants: what is set up now; where nothing is, the sandbox and a first cluster on it.
fn first_answers(now: &Answers) -> Answers {
    let mut answers = now.clone();
    if answers.clouds.is_empty() {
        let name = CloudName::new("sandbox");
        answers.clouds.insert(name.clone(), CloudAnswer::of(Driver::Sandbox));
        answers.default_cloud = Some(name);
        answers.first_cluster = Some(FirstCluster { blueprint: "hello".to_owned(), cloud: None });
    }
    answers
}

/// Does something with the wizard, wherever it is among the layers.
fn with(model: &mut Model, act: impl FnOnce(&mut Wizard, &mut Model)) {
    let Some(place) = model.layers.iter().position(|layer| matches!(layer, Layer::Wizard(_))) else { return };
    let Layer::Wizard(mut wizard) = model.layers.remove(place) else { return };
    act(&mut wizard, model);
    wizard.keep(model);
    if !wizard.closed {
        // What it opened lies over it.
        model.layers.insert(place.min(model.layers.len()), Layer::Wizard(wizard));
    }
}

impl Wizard {
    /// Takes a key while something is typed or picked; any other is for the keymap.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        if let Some(mut picker) = self.picker.take() {
            if picker.key(key) {
                self.picker = Some(picker);
            } else if let Some((row, name)) = picker.picked() {
                self.name_default(&row, Some(name));
                self.keep(model);
            }
            return Flow::Stay;
        }
        if self.typing.is_some() {
            self.type_key(model, key);
            self.keep(model);
            return Flow::Stay;
        }
        Flow::Pass
    }

    /// Takes pasted text: into what is typed, or as the answer to the clipboard's test.
    pub fn paste(&mut self, text: &str) {
        match (&mut self.picker, &mut self.typing) {
            (Some(picker), _) => picker.paste(text),
            (None, Some(typing)) => typing.field.insert(text),
            (None, None) if self.page == Page::Terminal => self.clipboard.came(text),
            _ => {}
        }
    }

    /// What is looked at beside what the console looks at anyway.
    pub fn watched_run(&self) -> Option<RunNo> {
        self.install
    }

    /// Goes to a page; what it needs is asked for.
    fn enter(&mut self, model: &mut Model, page: Page) {
        self.page = page;
        self.top = 0;
        self.leaving = false;
        match page {
            Page::Clouds | Page::Defaults => self.try_clouds(model),
            Page::Review => self.review(model),
            Page::Terminal | Page::Tools | Page::Safety => {}
        }
    }

    /// The answers, without those of pages that were passed over.
    fn final_answers(&self) -> Answers {
        let mut answers = self.answers.clone();
        let now = &self.begin.now;
        if self.skipped.contains(&Page::Terminal) {
            (answers.theme, answers.colours, answers.glyphs) = (None, None, None);
        }
        if self.skipped.contains(&Page::Tools) {
            answers.ansible = None;
        }
        if self.skipped.contains(&Page::Clouds) {
            answers.clouds.retain(|name, _| now.clouds.contains_key(name));
        }
        if self.skipped.contains(&Page::Defaults) {
            answers.default_cloud.clone_from(&now.default_cloud);
            for (name, cloud) in &mut answers.clouds {
                let before = now.clouds.get(name);
                cloud.flavor = before.and_then(|cloud| cloud.flavor.clone());
                cloud.image = before.and_then(|cloud| cloud.image.clone());
            }
        }
        if self.skipped.contains(&Page::Safety) {
            (answers.watch, answers.unit) = (None, None);
        }
        let there = |name: &CloudName| answers.clouds.contains_key(name);
        if !answers.default_cloud.as_ref().is_some_and(there) {
            answers.default_cloud = answers.clouds.keys().next().cloned();
        }
        if answers.clouds.is_empty() || answers.ansible == Some(crate::config::setup::AnsibleChoice::None) {
            answers.first_cluster = None;
        }
        answers
    }

    /// Keeps the draft where it is not as it was kept last.
    fn keep(&mut self, model: &mut Model) {
        if !matches!(self.stage, Stage::Asking | Stage::Shown(_) | Stage::Refused(_)) || self.closed {
            return;
        }
        let draft = Draft {
            answers: self.answers.clone(),
            page: self.page.name().to_owned(),
            skipped: self.skipped.iter().map(|page| page.name().to_owned()).collect(),
            left: false,
        };
        if self.kept.as_ref() != Some(&draft) {
            self.kept = Some(draft.clone());
            model.setup(Wish::KeepDraft(Some(Box::new(draft))));
        }
    }

    /// A finding of the engine or of this process, by name.
    fn finding(&self, name: &str) -> Option<&Finding> {
        let engine = match &self.examined {
            Examined::Done { findings, .. } => findings.as_slice(),
            _ => &[],
        };
        let own = self.facts.as_ref().map(|facts| facts.findings.as_slice()).unwrap_or_default();
        engine.iter().chain(own).find(|finding| finding.name == name)
    }
}

impl Model {
    /// The wizard, while it is open.
    pub fn wizard(&self) -> Option<&Wizard> {
        self.layers.iter().find_map(|layer| if let Layer::Wizard(wizard) = layer { Some(&**wizard) } else { None })
    }

    /// Wants something done for the wizard.
    fn setup(&mut self, wish: Wish) {
        self.effect(Effect::Setup(wish));
    }
}
