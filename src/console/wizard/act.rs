//! What can be done in the wizard, and what each action does.

use crate::config::setup::FirstCluster;
use crate::console::action::{Action, Offer};
use crate::console::msg::{Effect, Goal, Slot, Source};
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::protocol::Command;

use super::effects::Wish;
use super::finish::Stage;
use super::form::{Line, RowId, rows};
use super::terminal::Clipboard;
use super::{Ask, Begin, Page, Wizard, first_answers, with};

/// The keymap's tables that count here.
pub const CONTEXTS: [&str; 3] = ["setup", "list", "global"];

/// Everything that can be done in the wizard, what matters most here first.
pub fn offers(model: &Model) -> Vec<Offer> {
    let Some(wizard) = model.wizard() else { return Vec::new() };
    let mut offers = wizard.offers(model);
    if !wizard.before_writing() {
        offers.extend([Action::Up, Action::Down, Action::Help, Action::Redraw, Action::Suspend, Action::Quit].map(Offer::yes));
        return offers;
    }
    let rest = [
        Action::Up,
        Action::Down,
        Action::PageUp,
        Action::PageDown,
        Action::First,
        Action::Last,
        Action::SetupLess,
        Action::SetupAnew,
        Action::Help,
        Action::Redraw,
        Action::Suspend,
        Action::Quit,
    ];
    offers.extend(rest.map(Offer::yes));
    offers
}

/// Does an action in the wizard; `false`: it is not one of the wizard's.
pub fn act(model: &mut Model, action: Action) -> bool {
    if model.wizard().is_none() || matches!(action, Action::Help | Action::Redraw | Action::Suspend | Action::Quit) {
        return false;
    }
    with(model, |wizard, model| wizard.act(model, action));
    true
}

impl Wizard {
    /// The keymap's tables that count on this page.
    pub fn contexts(&self) -> Vec<&'static str> {
        let own = match (self.before_writing(), self.page) {
            (false, _) => Some("written"),
            (true, Page::Review) => Some("review"),
            _ => None,
        };
        own.into_iter().chain(CONTEXTS).collect()
    }

    /// Whether the page scrolls and has no rows.
    pub(super) fn scrolls(&self) -> bool {
        self.page == Page::Review
    }

    /// The selected row of the page, or its first.
    pub(super) fn selected(&self, lines: &[Line]) -> Option<RowId> {
        let rows = rows(lines);
        let at = self.at.get(&self.page).filter(|row| rows.contains(row));
        at.or(rows.first()).cloned()
    }

    pub(super) fn select(&mut self, row: RowId) {
        self.at.insert(self.page, row);
    }

    fn row(&self, model: &Model) -> Option<RowId> {
        self.selected(&self.shown_lines(model).0)
    }

    /// Nothing has been written so far.
    pub(super) fn before_writing(&self) -> bool {
        matches!(self.stage, Stage::Asking | Stage::Shown(_) | Stage::Refused(_))
    }

    fn offers(&self, model: &Model) -> Vec<Offer> {
        let last = self.page == Page::Review;
        if !self.before_writing() {
            let busy = !matches!(self.stage, Stage::Done { .. });
            return vec![Offer::hint(Action::SetupDone).unless(busy.then_some("what was asked for is being done"))];
        }
        let mut offers = Vec::new();
        let row = self.row(model);
        match self.page {
            Page::Terminal => {
                offers.push(Offer::hint(Action::SetupMore));
                offers.push(Offer::hint(Action::Copy));
            }
            Page::Tools => {
                let why = match &row {
                    Some(RowId::Ansible(choice)) => self.why_not_ansible(*choice),
                    _ => Some("nothing is selected".to_owned()),
                };
                offers.push(Offer::hint(Action::SetupChoose).unless(why));
                offers.push(Offer::hint(Action::SetupInstall).unless(self.why_no_install(model)));
            }
            Page::Clouds => offers.extend(self.cloud_offers(model, row.as_ref())),
            Page::Defaults => {
                let none = self.answers.clouds.is_empty().then_some("no cloud is chosen");
                offers.push(Offer::hint(Action::SetupMore).unless(none));
                offers.push(Offer::hint(Action::SetupChoose).unless(none));
            }
            Page::Safety => offers.push(Offer::hint(Action::SetupMore)),
            Page::Review => {
                offers.push(Offer::hint(Action::SetupChoose).unless(self.why_no_first_cluster()));
                offers.push(Offer::hint(Action::SetupAnswers));
                offers.push(Offer::yes(Action::Copy));
            }
        }
        let not_yet = match &self.stage {
            _ if !last => None,
            Stage::Asking => Some("it is still being compared".to_owned()),
            Stage::Refused(_) => Some("it cannot be written so".to_owned()),
            _ => model.why_only_looking(),
        };
        let next = if last { Action::SetupWrite } else { Action::SetupNext };
        offers.insert(0, Offer::hint(next).unless(not_yet));
        if !last {
            offers.push(Offer::hint(Action::SetupSkip));
        }
        offers.push(Offer::hint(Action::SetupBack));
        offers.extend([Action::NextPart, Action::PreviousPart].map(Offer::yes));
        for action in [Action::SetupMore, Action::SetupChoose] {
            if !last && !offers.iter().any(|offer| offer.action == action) {
                offers.push(Offer::yes(action));
            }
        }
        offers
    }

    fn cloud_offers(&self, model: &Model, row: Option<&RowId>) -> Vec<Offer> {
        let entry = match row {
            Some(RowId::Cloud(name)) => self.entry(model, name),
            _ => None,
        };
        let nothing = || entry.is_none().then(|| "no cloud is selected".to_owned());
        let why = entry.as_ref().and_then(|entry| entry.why_not.clone());
        let untried = entry.as_ref().filter(|entry| !entry.configured).and_then(|entry| entry.why_not.clone());
        let name = match &entry {
            Some(entry) if entry.chosen && !entry.configured => None,
            _ => Some("only a cloud that is chosen now can be given a name".to_owned()),
        };
        vec![
            Offer::hint(Action::SetupChoose).unless(nothing().or(why)),
            Offer::hint(Action::SetupTest).unless(nothing().or(untried)),
            Offer::hint(Action::SetupEdit).unless(nothing().or(name)),
        ]
    }

    fn act(&mut self, model: &mut Model, action: Action) {
        if action != Action::SetupBack {
            self.leaving = false;
        }
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => {
                self.moved(model, action)
            }
            Action::SetupNext => self.next(model),
            Action::SetupWrite => self.write(model),
            Action::SetupDone => {
                self.closed = true;
                model.touch_all();
            }
            Action::SetupBack => self.back(model),
            Action::SetupSkip => {
                self.skipped.insert(self.page);
                self.step(model, true);
            }
            Action::NextPart => self.step(model, true),
            Action::PreviousPart => self.step(model, false),
            Action::SetupMore => self.change(model, true),
            Action::SetupLess => self.change(model, false),
            Action::SetupChoose => self.choose(model),
            Action::SetupTest => self.test(model),
            Action::SetupEdit => {
                if let Some(row) = self.row(model) {
                    self.begin_typing(model, row);
                }
            }
            Action::SetupInstall => model.request(Slot::Setup(Ask::Install), Command::AnsibleInstall),
            Action::SetupAnswers => {
                self.shows_answers = !self.shows_answers;
                self.top = 0;
            }
            Action::SetupAnew => self.anew(model),
            Action::Copy => self.copy(model),
            _ => {}
        }
    }

    fn moved(&mut self, model: &Model, action: Action) {
        let (lines, height) = self.shown_lines(model);
        let rows = if self.scrolls() { Vec::new() } else { rows(&lines) };
        let at = self.selected(&lines).and_then(|row| rows.iter().position(|other| *other == row)).unwrap_or(0);
        let last = rows.len().saturating_sub(1);
        // Beyond the last row the page goes on for reading.
        let room = lines.len().saturating_sub(usize::from(height));
        let scrolled = |by: isize| self.top.saturating_add_signed(by).min(room);
        let (next, top) = match action {
            Action::Up if self.top > 0 => (at, scrolled(-1)),
            Action::Up => (at.saturating_sub(1), 0),
            Action::Down if at < last && self.top == 0 => (at + 1, 0),
            Action::Down => (at, scrolled(1)),
            Action::PageUp => (at, scrolled(-10)),
            Action::PageDown => (at, scrolled(10)),
            Action::First => (0, 0),
            _ => (last, room),
        };
        self.top = top;
        if let Some(row) = rows.get(next) {
            self.select(row.clone());
        }
    }

    fn step(&mut self, model: &mut Model, forward: bool) {
        if let Some(page) = self.page.step(forward) {
            self.enter(model, page);
        }
    }

    fn next(&mut self, model: &mut Model) {
        self.skipped.remove(&self.page);
        self.step(model, true);
    }

    fn back(&mut self, model: &mut Model) {
        if self.shows_answers && self.page == Page::Review {
            self.shows_answers = false;
        } else if self.page != Page::Terminal {
            self.step(model, false);
        } else if std::mem::replace(&mut self.leaving, true) {
            self.leave(model);
        } else {
            model.say("esc again leaves the set-up; quarterdeck setup goes on with it", Role::Warn);
        }
    }

    /// Leaves on purpose: the draft stays, and does not come up by itself.
    fn leave(&mut self, model: &mut Model) {
        if let Some(mut draft) = self.kept.take() {
            draft.left = true;
            model.setup(Wish::KeepDraft(Some(Box::new(draft))));
        }
        self.answers.clone_from(&self.begin.now);
        self.look(model);
        self.closed = true;
    }

    /// Forgets the draft and begins from what is set up now.
    fn anew(&mut self, model: &mut Model) {
        self.answers = first_answers(&self.begin.now);
        self.begin = Begin { draft: None, ..self.begin.clone() };
        self.skipped.clear();
        self.at.clear();
        self.shows_answers = false;
        self.look(model);
        self.enter(model, Page::Terminal);
    }

    fn change(&mut self, model: &mut Model, forward: bool) {
        let Some(row) = self.row(model) else { return };
        self.skipped.remove(&self.page);
        self.select(row.clone());
        match self.page {
            Page::Terminal => self.change_look(model, &row, forward),
            Page::Defaults => self.change_default(model, &row, forward),
            Page::Safety => self.change_safety(model, &row),
            Page::Tools | Page::Clouds | Page::Review => {}
        }
    }

    fn choose(&mut self, model: &mut Model) {
        if self.page == Page::Review {
            let first = FirstCluster { blueprint: "hello".to_owned(), cloud: None };
            self.answers.first_cluster = if self.answers.first_cluster.is_some() { None } else { Some(first) };
            return;
        }
        let Some(row) = self.row(model) else { return };
        self.skipped.remove(&self.page);
        self.select(row.clone());
        match (self.page, &row) {
            (Page::Tools, RowId::Ansible(choice)) => self.answers.ansible = Some(*choice),
            (Page::Clouds, RowId::Cloud(name)) => self.choose_cloud(model, name),
            (Page::Defaults, row) => self.pick_default(model, row),
            _ => self.change(model, true),
        }
    }

    fn test(&mut self, model: &mut Model) {
        if let Some(RowId::Cloud(name)) = self.row(model)
            && let Some(entry) = self.entry(model, &name)
        {
            self.try_cloud(model, &entry);
        }
    }

    fn copy(&mut self, model: &mut Model) {
        if self.page == Page::Review {
            return model.effect(taken("the file of answers", self.final_answers().render()));
        }
        // Different each time, so that an old copy is not taken for this one.
        let word = format!("quarterdeck-{:04x}", model.now.0 & 0xffff);
        model.effect(taken("a word", word.clone()));
        self.clipboard = Clipboard::Copied(word);
        self.select(RowId::Clipboard);
    }
}

/// A text on its way to the clipboard.
fn taken(title: &str, text: String) -> Effect {
    Effect::Take { title: title.to_owned(), source: Source::Text(text), goal: Goal::Clipboard }
}
