//! One action on several things: a few at once, each with a result of its own.

use crate::model::{Failure, Time};
use crate::protocol::{Answer, Command, Refusal};

use super::layers::{BulkLayer, Layer};
use super::msg::Slot;
use super::state::Model;
use super::theme::Role;
use super::words;

/// How many are under way at once: the engine paces what reaches a cloud, this only keeps its queue short.
const AT_ONCE: usize = 8;

/// How far one of them is.
#[derive(Clone, PartialEq, Debug)]
pub enum State {
    /// Not begun.
    Pending,
    Running,
    Done(String),
    Failed(Box<Failure>),
    /// Left out: somebody stopped the rest.
    Skipped,
}

/// One thing and what is done to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub name: String,
    /// Its row, for how it is by now.
    pub id: String,
    /// A plan is carried out as soon as it is made.
    pub command: Command,
    pub state: State,
}

impl Item {
    /// Not begun.
    pub fn new(name: impl Into<String>, id: impl Into<String>, command: Command) -> Self {
        Self { name: name.into(), id: id.into(), command, state: State::Pending }
    }
}

/// The action on all of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Bulk {
    /// What is done: `delete 3 servers`.
    pub title: String,
    pub items: Vec<Item>,
    /// Tells its answers from those of an earlier one.
    batch: u64,
    pub begun: Time,
    pub ended: Option<Time>,
}

impl Bulk {
    /// An action that has not begun.
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        Self { title: title.into(), items, batch: 0, begun: Time(0), ended: None }
    }

    fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.items.iter().filter(|item| is(&item.state)).count()
    }

    /// How many have been answered, and how many of these failed.
    pub fn counts(&self) -> (usize, usize) {
        (self.count(|s| matches!(s, State::Done(_) | State::Failed(_))), self.failed())
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.count(|s| matches!(s, State::Failed(_)))
    }

    /// How many have not begun.
    pub fn pending(&self) -> usize {
        self.count(|s| *s == State::Pending)
    }
}

/// Begins, and shows how it goes.
pub fn begin(model: &mut Model, mut bulk: Bulk) {
    bulk.batch = model.bulk.as_ref().map_or(1, |b| b.batch + 1);
    bulk.begun = model.now;
    model.bulk = Some(bulk);
    // What it was asked with has done its part.
    model.layers.retain(|layer| !matches!(layer, Layer::Command(_)));
    model.layers.push(Layer::Bulk(BulkLayer::default()));
    go_on(model);
}

/// Begins what can begin.
fn go_on(model: &mut Model) {
    let Some(mut bulk) = model.bulk.take() else { return };
    let mut free = AT_ONCE.saturating_sub(bulk.count(|s| *s == State::Running));
    for (index, item) in bulk.items.iter_mut().enumerate() {
        if free == 0 {
            break;
        }
        if item.state == State::Pending {
            item.state = State::Running;
            model.request(Slot::Bulk(bulk.batch, index), item.command.clone());
            free -= 1;
        }
    }
    if bulk.ended.is_none() && bulk.count(|s| matches!(s, State::Pending | State::Running)) == 0 {
        bulk.ended = Some(model.now);
        ended(model, &bulk);
    }
    model.bulk = Some(bulk);
}

/// Says how it ended to whoever does not look.
fn ended(model: &mut Model, bulk: &Bulk) {
    if model.layers.iter().any(|layer| matches!(layer, Layer::Bulk(_))) {
        return;
    }
    let (done, failed) = bulk.counts();
    let key = model.key_of(super::action::Action::Results).unwrap_or_default();
    if failed > 0 {
        model.say(format!("{}: {failed} of {done} failed, {key} shows which", bulk.title), Role::Failed);
    } else {
        model.say(format!("{}: all {}", bulk.title, words::count(done as u64)), Role::Ok);
    }
}

/// An answer came.
pub fn answered(model: &mut Model, batch: u64, index: usize, result: Result<Answer, Refusal>) {
    let Some(bulk) = model.bulk.as_mut().filter(|b| b.batch == batch) else { return };
    let Some(item) = bulk.items.get_mut(index) else { return };
    match result {
        Ok(Answer::Plan(plan)) => {
            let apply = Command::Apply { plan: plan.id, vault_password: None };
            return model.request(Slot::Bulk(batch, index), apply);
        }
        Ok(Answer::Run(number)) => item.state = State::Done(format!("run {number}")),
        Ok(_) => item.state = State::Done(String::new()),
        Err(refusal) => item.state = State::Failed(Box::new(refusal.failure)),
    }
    go_on(model);
}

/// Leaves out what has not begun.
pub fn stop(model: &mut Model) {
    if let Some(bulk) = &mut model.bulk {
        bulk.items.iter_mut().filter(|i| i.state == State::Pending).for_each(|i| i.state = State::Skipped);
    }
    go_on(model);
}

/// Tries once more what failed or was left out.
pub fn again(model: &mut Model) {
    if let Some(bulk) = &mut model.bulk {
        let open = bulk.items.iter_mut().filter(|i| matches!(i.state, State::Failed(_) | State::Skipped));
        open.for_each(|i| i.state = State::Pending);
        bulk.ended = None;
    }
    go_on(model);
}
