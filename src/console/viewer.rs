//! What can be done with the viewer of text, wherever it is: the output of a run, a long text over the panes.

use crate::model::Time;
use crate::model::text::clean;

use super::action::{Action, Offer};
use super::layers::{AskLine, Layer, SearchLine};
use super::msg::{Effect, Goal, Slot, Source};
use super::run::Part;
use super::state::Model;
use super::theme::Role;
use super::widgets::log::{Clock, LogView, Next, Wish};
use super::words;

/// The viewer that has the keys: of the text on top, else of the open run.
pub fn viewer(model: &Model) -> Option<&LogView> {
    match model.text() {
        Some(text) => Some(&text.view),
        None => model.run.as_ref().map(|run| &run.log),
    }
}

/// The same, to be changed.
pub fn viewer_mut(model: &mut Model) -> Option<&mut LogView> {
    let text = model.layers.iter_mut().rev().find_map(|layer| match layer {
        Layer::Text(text) => Some(&mut text.view),
        _ => None,
    });
    text.or_else(|| model.run.as_mut().map(|run| &mut run.log))
}

/// What can be done with a viewer, what matters most first.
pub fn offers(view: &LogView, live: bool) -> Vec<Offer> {
    let nothing = || view.find().is_none().then_some("nothing is looked for");
    let mut offers = vec![
        Offer::hint(Action::Search),
        Offer { hinted: view.find().is_some(), ..Offer::yes(Action::NextHit).unless(nothing()) },
        Offer::yes(Action::PreviousHit).unless(nothing()),
        Offer { hinted: view.find().is_some(), ..Offer::yes(Action::OnlyHits).unless(nothing()) },
        Offer::yes(Action::MoreAround).unless(nothing()),
        Offer::yes(Action::LessAround).unless(nothing()),
        Offer::yes(Action::Select),
        Offer::hint(Action::Wrap),
        Offer::yes(Action::Unfold),
        Offer::yes(Action::Save),
        Offer::yes(Action::Pager),
        Offer::yes(Action::Left),
        Offer::yes(Action::Right),
    ];
    let no_times = (!live).then_some("a text has no times");
    offers.push(Offer::yes(Action::Times).unless(no_times));
    offers
}

/// Does what a viewer can do; false when it is no action of a viewer.
pub fn act(model: &mut Model, action: Action) -> bool {
    match action {
        Action::Search => {
            focus(model);
            let line = SearchLine::new(model);
            model.layers.push(Layer::Search(line));
        }
        Action::Save => {
            let line = AskLine::save(model);
            model.layers.push(Layer::Ask(line));
        }
        Action::Pager => {
            let Some(rows) = viewer(model).map(LogView::rows) else { return false };
            take(model, 0..rows, Goal::Pager);
        }
        Action::NextHit | Action::PreviousHit => {
            focus(model);
            let next = viewer_mut(model).and_then(|view| view.next_hit(action == Action::NextHit));
            tell(model, next);
        }
        Action::OnlyHits | Action::MoreAround | Action::LessAround => {
            let Some(view) = viewer_mut(model) else { return false };
            match action {
                Action::OnlyHits => view.toggle_narrow(),
                Action::MoreAround => view.widen(1),
                _ => view.widen(-1),
            }
            let text = match view.context() {
                None => "all lines".to_owned(),
                Some(0) => "only lines in which it is found".to_owned(),
                Some(n) => format!("lines in which it is found, and {n} on either side"),
            };
            model.say(text, Role::Dim);
        }
        Action::Select => {
            focus(model);
            let Some(view) = viewer_mut(model) else { return false };
            view.toggle_select();
        }
        Action::Unfold => {
            let unfolded = viewer_mut(model).is_some_and(LogView::toggle_fold);
            if !unfolded {
                model.say("no line here is folded", Role::Dim);
            }
        }
        Action::Times => {
            let Some(view) = viewer_mut(model) else { return false };
            view.next_clock();
            let text = match view.clock {
                Clock::Off => "no times",
                Clock::Since => "times since the step began",
                Clock::Day => "times of day",
            };
            model.say(text, Role::Dim);
        }
        _ => return look(model, action),
    }
    true
}

/// Moves about; keeps the rest of the screen as it is.
fn look(model: &mut Model, action: Action) -> bool {
    let Some(view) = viewer_mut(model) else { return false };
    match action {
        Action::Up => view.step(-1),
        Action::Down => view.step(1),
        Action::PageUp => view.page_by(-1),
        Action::PageDown => view.page_by(1),
        Action::First => view.go_to_start(),
        Action::Last => view.follow(true),
        Action::Left => view.scroll_sideways(-16),
        Action::Right => view.scroll_sideways(16),
        Action::Wrap => view.toggle_wrap(),
        _ => return false,
    }
    true
}

/// The keys go to the output from now on.
fn focus(model: &mut Model) {
    if model.text().is_none()
        && let Some(run) = &mut model.run
    {
        run.part = Part::Output;
    }
}

/// Says where a search led, when it is not plain to see.
pub fn tell(model: &mut Model, next: Option<Next>) {
    let Some(find) = viewer(model).and_then(LogView::find).map(|find| find.text.clone()) else { return };
    match next {
        Some(Next::Nowhere) => model.say(format!("{find} is nowhere"), Role::Warn),
        Some(Next::At { wrapped: true, .. }) => model.say("from the other end", Role::Dim),
        _ => {}
    }
}

/// Copies what is meant: the selection, the line under the cursor, what is in the window.
pub fn copy(model: &mut Model) {
    let Some(view) = viewer_mut(model) else { return };
    let rows = view.meant();
    if view.selection().is_some() {
        view.toggle_select();
    }
    if rows.is_empty() {
        model.say("nothing to copy", Role::Dim);
    } else {
        take(model, rows, Goal::Clipboard);
    }
}

/// Takes rows of the viewer somewhere.
pub fn take(model: &mut Model, rows: std::ops::Range<u64>, goal: Goal) {
    let Some(view) = viewer(model) else { return };
    let title = match (model.text(), &model.run) {
        (Some(text), _) => text.title.clone(),
        (None, Some(run)) => format!("run {}", run.number),
        (None, None) => String::new(),
    };
    let source = match (view.text(rows.clone()), &model.run) {
        (Some(text), _) => Source::Text(text),
        (None, Some(run)) => {
            let Some((step, attempt)) = run.log_of else { return };
            Source::Output { run: run.number, step, attempt, lines: view.spans(rows) }
        }
        (None, None) => return,
    };
    model.effect(Effect::Take { title, source, goal });
}

/// Asks for what the output of the open run misses: lines, and where to go on looking.
pub fn ask(view: &mut LogView, model: &mut Model, of: (crate::model::RunNo, u32, u32)) {
    use crate::protocol::Command;
    let (run, step, attempt) = of;
    let times = view.clock != Clock::Off;
    match view.wants() {
        Some(Wish::Page { from, count }) => {
            let command = Command::OutputPage { run, step, attempt, from, count, pick: Vec::new(), times };
            model.request(Slot::Output, command);
        }
        Some(Wish::Pick(pick)) => {
            model.request(Slot::Output, Command::OutputPage { run, step, attempt, from: 0, count: 0, pick, times });
        }
        None => {}
    }
    if let Some((query, from, to)) = view.wants_search() {
        let (find, host) = (query.find, query.host);
        model.request(Slot::Search, Command::SearchOutput { run, step, attempt, find, host, from, to, count: 50_000 });
    }
}

/// `/fatal 3 of 17`: what is said of a search.
pub fn search_state(view: &LogView) -> Option<String> {
    let (find, count) = (view.find()?, view.count()?);
    let more = if count.more { "+" } else { "" };
    let text: String = clean(&find.text).chars().take(24).collect();
    Some(match count.at {
        Some(at) => format!("/{text}  {} of {}{more}", words::count(at), words::count(count.all)),
        None => format!("/{text}  {}{more}", words::count(count.all)),
    })
}

/// How a time reads before a line.
pub fn time_of(model: &Model, clock: Clock, began: Option<Time>, at: Time) -> String {
    match (clock, began) {
        (Clock::Since, Some(began)) => words::since(at.since(began)),
        _ => words::time_of_day(at, &model.zone),
    }
}
