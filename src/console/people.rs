//! Who is here, what each looks at, and following one of them: this console tells what it shows when that changes, and
//! shows what another one tells while it follows.

use crate::model::Time;
use crate::protocol::live::Present;
use crate::protocol::{Command, View};

use super::go::{self, Place};
use super::layers::Layer;
use super::msg::Slot;
use super::state::{Link, Model};
use super::theme::Role;

/// Shortest time between two tellings, milliseconds: a key that is held down is one change.
const TELL_EVERY: i64 = 250;

/// What this console knows of itself among the others.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Number of this session; 0: not known.
    pub me: u64,
    pub following: Option<Following>,
    /// What was told last, and when.
    told: Option<(Place, Option<u64>, Time)>,
    /// What is shown now is told then.
    pub next: Option<Time>,
}

/// Whose view is shown here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Following {
    pub session: u64,
    pub name: String,
    /// What was shown last, and how much had come in by then: what was missing may be here since.
    shown: Option<(View, u64)>,
}

impl People {
    /// A new line: nothing was told on it. Sessions of before are gone.
    pub fn connected(&mut self, me: u64) {
        (self.me, self.told, self.next) = (me, None, None);
    }
}

/// There is an engine, and what it tells is whole.
fn heard(model: &Model) -> bool {
    model.link == Link::Up && model.ready
}

fn present(model: &Model, session: u64) -> Option<&Present> {
    model.mirror.present.iter().find(|one| one.session == session)
}

/// Those whose views lead from one session to the next, each by following; it ends at who follows nobody.
fn chain(model: &Model, first: u64) -> Vec<u64> {
    let mut out = vec![first];
    while let Some(next) = out.last().and_then(|last| present(model, *last)).and_then(|one| one.view.as_ref()?.follows) {
        if out.contains(&next) {
            break;
        }
        out.push(next);
    }
    out
}

/// Begins to show what somebody looks at.
///
/// # Errors
/// It is oneself, or gone, or follows this console.
pub fn follow(model: &mut Model, session: u64) -> Result<(), String> {
    let me = model.people.me;
    let one = present(model, session).ok_or("this session is gone")?;
    let name = one.operator.clone();
    if session == me {
        return Err("that is you".to_owned());
    }
    if one.view.is_none() {
        return Err(format!("{name} does not tell what there is to see ({:?})", one.kind).to_lowercase());
    }
    if chain(model, session).contains(&me) {
        return Err(format!("{name} follows you"));
    }
    model.say(format!("following {name}; any key that goes elsewhere ends it"), Role::Text);
    model.people.following = Some(Following { session, name, shown: None });
    Ok(())
}

/// [`follow`] by name: the session of that name that tells what it looks at and came first.
///
/// # Errors
/// As [`follow`]; there is nobody of that name.
pub fn follow_name(model: &mut Model, name: &str) -> Result<(), String> {
    let named = model.mirror.present.iter().filter(|one| one.operator == name && one.session != model.people.me);
    let session = named.min_by_key(|one| (one.view.is_none(), one.since)).map(|one| one.session);
    match session {
        Some(session) => follow(model, session),
        None if name == model.me.operator => Err("that is you".to_owned()),
        None => Err(format!("nobody of the name {name} is here")),
    }
}

/// The names of the others, and what each looks at.
pub fn others(model: &Model) -> Vec<(String, String)> {
    let others = model.mirror.present.iter().filter(|one| one.session != model.people.me);
    others.filter_map(|one| Some((one.operator.clone(), one.view.as_ref()?.to_string()))).collect()
}

/// Shows one's own views again.
pub fn unfollow(model: &mut Model) {
    if let Some(following) = model.people.following.take() {
        model.say(format!("no longer following {}", following.name), Role::Text);
    }
}

/// Calls `change`, which does what somebody here wants: going elsewhere ends following.
pub fn own(model: &mut Model, change: impl FnOnce(&mut Model)) {
    let before = model.people.following.as_ref().map(|following| (following.session, Place::of(model)));
    change(model);
    if let Some((session, place)) = before
        && model.people.following.as_ref().is_some_and(|following| following.session == session)
        && Place::of(model) != place
    {
        unfollow(model);
    }
}

/// Shows what the one who is followed looks at.
pub fn show(model: &mut Model) {
    let Some(following) = model.people.following.as_ref().filter(|_| heard(model)) else { return };
    let (session, name, me) = (following.session, following.name.clone(), model.people.me);
    let Some(one) = present(model, session) else {
        model.people.following = None;
        return model.say(format!("{name} has left: no longer following"), Role::Warn);
    };
    let circle = chain(model, session);
    if circle.contains(&me) && circle.iter().all(|other| *other <= me) {
        // Both began at once. One of them goes on.
        model.people.following = None;
        return model.say(format!("{name} follows you: no longer following"), Role::Warn);
    }
    let Some((view, place)) = one.view.as_ref().and_then(|view| Some((view.clone(), Place::of_view(view)?))) else { return };
    if Place::of(model) == place || following.shown.as_ref().is_some_and(|(last, news)| *last == view && *news == model.news) {
        return;
    }
    model.layers.retain(|layer| !matches!(layer, Layer::Text(_)));
    go::show(model, &place);
    let news = model.news;
    if let Some(following) = &mut model.people.following {
        following.shown = Some((view, news));
    }
}

/// Tells what is shown here, when it is something else than before; what changes quickly is told now and then.
pub fn tell(model: &mut Model) {
    if !heard(model) {
        return;
    }
    let here = Place::of(model);
    let follows = model.people.following.as_ref().map(|following| following.session);
    model.people.next = None;
    if let Some((place, of, at)) = &model.people.told {
        if (place, *of) == (&here, follows) {
            return;
        }
        let due = Time(at.0 + TELL_EVERY);
        if model.now < due {
            model.people.next = Some(due);
            return;
        }
    }
    // The answer to the last one brings us here again.
    if !model.is_idle(&Slot::View) {
        return;
    }
    let view = View { follows, ..here.view(model) };
    model.people.told = Some((here, follows, model.now));
    model.request(Slot::View, Command::Session { view: Some(Box::new(view)), read_only: None });
}
