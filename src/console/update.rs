//! The one thing that changes the model: a message in, effects out. Pure: the same messages lead to the same model.

use crate::client::{Incoming, mirror::Change};
use crate::model::{Failure, RunNo, Time};
use crate::protocol::command::RefusalCode;
use crate::protocol::{Answer, FromEngine, Refusal, Role as Seat};

use super::act;
use super::action::{Action, Offer};
use super::audit;
use super::bulk;
use super::custom;
use super::deeds;
use super::detail;
use super::forward;
use super::go::{self, Place};
use super::input::{Code, Input, Key, Meaning};
use super::layers::{Flow, Layer, PromptLayer, TextLayer};
use super::layout;
use super::mouse;
use super::msg::{Effect, Msg, Slot};
use super::panes;
use super::people;
use super::rails;
use super::run::{self, RunView};
use super::setup::{AUTO, Looks};
use super::state::{Link, Model, Tab};
use super::tell;
use super::theme::{Kind, Role};
use super::verbs;
use super::viewer;
use super::wizard;

pub use act::act;

/// Takes in a message.
pub fn update(model: &mut Model, msg: Msg) {
    model.news += u64::from(matches!(msg, Msg::Incoming(_) | Msg::Reply { .. }));
    match msg {
        Msg::Input(Input::Key(key)) => people::own(model, |model| key_pressed(model, key)),
        Msg::Input(Input::Paste(text)) => people::own(model, |model| pasted(model, &text)),
        Msg::Input(Input::Mouse(mouse)) => people::own(model, |model| mouse::moved(model, mouse)),
        Msg::Input(Input::Background(rgb)) => background(model, rgb),
        Msg::Input(Input::Focus(_) | Input::Answer) => {}
        Msg::Looks(looks) => looks_changed(model, *looks),
        Msg::Setup(heard) => wizard::heard(model, *heard),
        Msg::Resize(area) => model.area = area,
        Msg::Time(now) => time(model, now),
        Msg::Incoming(incoming) => came(model, *incoming),
        Msg::Reply { slot, generation, result } => {
            if model.answered(&slot, generation) {
                reply(model, slot, result);
            }
        }
        Msg::File { path, result } => file(model, &path, result),
        Msg::Edited(result) => edited(model, result),
        Msg::Kept(Ok(())) => {}
        Msg::Kept(Err(failure)) => model.say(failure.line(), Role::Warn),
        Msg::Taken(Ok(text)) => model.say(text, Role::Ok),
        Msg::ForPager(Ok(path)) => model.effect(Effect::Page(path)),
        Msg::Taken(Err(failure)) | Msg::ForPager(Err(failure)) => model.show_text(TextLayer::failure(&failure)),
        Msg::ShellEnded(Ok(text)) => model.say(text, Role::Dim),
        Msg::ShellEnded(Err(failure)) => model.show_text(TextLayer::failure(&failure)),
    }
}

/// Brings everything that follows from the model up to date, after one message or many: rows, windows,
/// subscriptions. Returns what is to be done.
pub fn settle(model: &mut Model) -> Vec<Effect> {
    people::show(model);
    audit::ask(model);
    fit(model);
    model.make_rows();
    people::tell(model);
    tell::look(model);
    ask(model);
    if model.layers.is_empty() && model.ready {
        let here = Place::of(model);
        model.trail.walk(here);
    }
    model.subscribe();
    model.take_effects()
}

/// Tells every table and the output how many rows they have.
fn fit(model: &mut Model) {
    let area = model.area;
    for layer in &mut model.layers {
        if let Layer::Text(text) = layer {
            text.fit(area);
        }
    }
    if let Some(mut view) = model.run.take() {
        view.fit(area, view.failure_lines(&model.mirror), view.has_playbooks(&model.mirror));
        model.run = Some(view);
        return;
    }
    let body = layout::list_body(layout::frame(area, true).body, detail_lines(model.tab));
    let tab = model.tab;
    model.table_mut(tab).set_window(body.table.height.saturating_sub(1));
    model.nodes.set_window(body.detail.height.saturating_sub(1));
}

/// How many lines a tab would like below its table.
pub fn detail_lines(tab: Tab) -> u16 {
    match tab {
        Tab::Clusters => 14,
        Tab::Clouds | Tab::Docker => 6,
        Tab::Servers | Tab::Runs | Tab::Audit | Tab::Held(_) => 4,
        Tab::Flavors | Tab::Images | Tab::Resource(_) => 2,
        Tab::Pulse => 0,
    }
}

fn time(model: &mut Model, now: Time) {
    model.now = now;
    if model.notice.as_ref().is_some_and(|n| n.until <= now) {
        model.notice = None;
    }
    if model.under_way().next().is_some() {
        model.touch(Tab::Runs);
    }
}

// --- keys ---

/// A key was pressed.
pub fn key_pressed(model: &mut Model, key: Key) {
    model.notice = None;
    if model.keymap.meaning(&["global"], &[key]) == Meaning::Action(Action::CopyCommand) {
        // What a layer is about to do can be copied without leaving it.
        detail::copy_command(model);
        return;
    }
    if let Some(mut layer) = model.layers.pop() {
        let place = model.layers.len();
        let flow = layer.key(model, key);
        if flow != Flow::Close {
            // What it opened lies over it.
            model.layers.insert(place.min(model.layers.len()), layer);
        }
        if flow != Flow::Pass {
            return;
        }
    }
    if !model.keys.is_empty() && key.code == Code::Esc {
        model.keys.clear();
        return;
    }
    if model.keys.is_empty() {
        model.keys_since = model.now;
    }
    model.keys.push(key);
    match model.keymap.meaning(&model.contexts(), &model.keys) {
        Meaning::Prefix => {}
        Meaning::Nothing => {
            let unknown = model.keys.len() > 1;
            let keys: Vec<String> = model.keys.drain(..).map(|k| k.to_string()).collect();
            if unknown {
                model.say(format!("{} is no key here", keys.join(" ")), Role::Dim);
            }
        }
        Meaning::Action(action) => {
            model.keys.clear();
            act(model, action);
        }
        Meaning::Line(line) => {
            model.keys.clear();
            if let Err(wrong) = verbs::run(model, &line) {
                model.say(wrong.text, Role::Warn);
            }
        }
    }
}

/// The terminal told its background: the theme follows it, when the choice was left to that.
fn background(model: &mut Model, rgb: (u8, u8, u8)) {
    let kind = Kind::of(rgb);
    model.background = Some(rgb);
    if model.wanted_theme == AUTO && model.theme.kind != kind {
        choose_theme(model, kind.standard());
    }
}

/// Settings were changed while one looks: what is wrong is said, the last good ones stay.
fn looks_changed(model: &mut Model, looks: Result<Looks, Failure>) {
    let mut looks = match looks {
        Ok(looks) => looks,
        Err(failure) => return model.say(failure.line(), Role::Warn),
    };
    let layout = |model: &Model| (Tab::every().map(|tab| model.table(tab).shown()).collect::<Vec<_>>(), model.favourites.clone());
    let before = layout(model);
    let problems = looks.lay_out(model);
    looks.problems.extend(problems);
    let same = (&looks.themes, &looks.wanted, &looks.keymap) == (&model.themes, &model.wanted_theme, &model.keymap);
    match looks.problem() {
        Some(problem) => model.say(problem, Role::Warn),
        // What was kept from here is no news.
        None if same && layout(model) == before => {}
        None => model.say("the settings are read again", Role::Dim),
    }
    let name =
        if looks.wanted == model.wanted_theme || looks.wanted == AUTO { model.theme.name.clone() } else { looks.wanted.clone() };
    model.themes = looks.themes;
    model.wanted_theme = looks.wanted;
    model.keymap = looks.keymap;
    model.tell.set(&looks.notify);
    model.motion = looks.motion;
    model.pointer.on = looks.mouse;
    choose_theme(model, &name);
}

fn choose_theme(model: &mut Model, name: &str) {
    if let Some(theme) = model.themes.iter().find(|t| t.name == name) {
        model.theme = theme.clone();
    }
}

fn pasted(model: &mut Model, text: &str) {
    if let Some(mut layer) = model.layers.pop() {
        layer.paste(model, text);
        model.layers.push(layer);
    }
}

/// Everything that can be done where the focus is: what matters most here first.
pub fn offers(model: &Model) -> Vec<Offer> {
    if model.text().is_none() && model.wizard().is_some() {
        return wizard::offers(model);
    }
    let mut offers = match (model.text(), &model.run) {
        (Some(text), _) => text.offers(model),
        (None, Some(view)) => run::offers(model, view),
        (None, None) => panes::offers(model, model.tab),
    };
    let list = [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::First, Action::Last];
    offers.extend(list.map(Offer::yes));
    if model.text().is_none() && model.run.is_none() && model.tab != Tab::Pulse {
        let rows = (model.table(model.tab).counts().1 == 0).then_some("the list is empty");
        offers.push(Offer::yes(Action::Filter).unless(rows));
        let marks = [Action::Mark, Action::MarkRange, Action::MarkAll, Action::MarkInvert];
        let sorts = [Action::SortNext, Action::SortPrevious, Action::SortReverse];
        offers.extend(marks.into_iter().chain(sorts).map(|a| Offer::yes(a).unless(rows)));
        offers.push(Offer::yes(Action::Columns));
        offers.push(Offer::yes(Action::Refresh).unless(model.tab.tells().then_some("the engine tells at once what changes")));
    }
    offers.push(Offer::yes(Action::Jump).unless(go::related(model).is_empty().then_some("nothing belongs to it")));
    if model.text().is_none() {
        let none = custom::why_none(model);
        offers.push(Offer { hinted: none.is_none(), ..Offer::yes(Action::Command).unless(none) });
    }
    offers.push(Offer::yes(Action::Copy));
    if model.text().is_none() {
        // What is wrong comes before what can be done in general.
        let (why, rest): (Vec<Offer>, Vec<Offer>) = detail::offers(model).into_iter().partition(|o| o.hinted);
        let first = offers.len().min(1);
        offers.splice(first..first, why);
        offers.extend(rest);
    }
    let no_question = model.asks().next().is_none().then(|| "no run asks anything".to_owned());
    let (back, forward) = model.trail.ways();
    let everywhere = [
        Offer::yes(Action::Answer).unless(no_question.or_else(|| model.why_only_looking())),
        Offer::yes(Action::NextPart),
        Offer::yes(Action::PreviousPart),
        Offer::yes(Action::Back),
        Offer::yes(Action::NextTab),
        Offer::yes(Action::PreviousTab),
        Offer::yes(Action::CloudScope).unless(no_scope(model)),
        Offer::yes(Action::Favourites),
        Offer::yes(Action::Forwards),
        Offer::yes(Action::People),
        Offer::yes(Action::Unfollow).unless(model.people.following.is_none().then_some("you follow nobody")),
        Offer::yes(Action::ViewBack).unless((!back).then_some("this is the first view")),
        Offer::yes(Action::ViewForward).unless((!forward).then_some("this is the last view")),
        Offer::yes(Action::Results).unless(model.bulk.is_none().then_some("nothing was done to several things so far")),
        Offer::yes(Action::ReadOnly).unless((model.me.seat == Seat::Watcher).then_some("you are watching")),
        Offer::yes(Action::Setup).unless(model.why_only_looking()),
        Offer::yes(Action::Theme),
        Offer::yes(Action::Palette),
        Offer::yes(Action::Help),
        Offer::yes(Action::Redraw),
        Offer::yes(Action::Suspend),
        Offer::yes(Action::Quit),
    ];
    for offer in everywhere.into_iter().chain(Tab::every().map(|tab| Offer::yes(tab.goto()))) {
        if !offers.iter().any(|o| o.action == offer.action) {
            offers.push(offer);
        }
    }
    offers
}

/// Why there is nothing to choose between.
fn no_scope(model: &Model) -> Option<&'static str> {
    if model.tab.of_docker() {
        return (model.mirror.dockers.len() < 2).then_some("there is one Docker engine at most");
    }
    (model.mirror.clouds.len() < 2).then_some("there is one cloud at most")
}

/// Opens the screen of a run.
pub fn open_run(model: &mut Model, number: RunNo) {
    if model.run.as_ref().is_some_and(|view| view.number == number) {
        return;
    }
    model.run = Some(Box::new(RunView::new(number)));
}

// --- the engine ---

fn came(model: &mut Model, incoming: Incoming) {
    match incoming {
        Incoming::Connected(welcome) => {
            let again = matches!(model.link, Link::Lost { .. });
            model.link = Link::Up;
            model.me.seat = welcome.role;
            model.people.connected(welcome.session);
            model.audit.lost();
            if again {
                model.say("connected again", Role::Ok);
                model.ask_anew();
                if let Some(detail) = model.text_mut().and_then(TextLayer::detail_mut) {
                    detail.reconnected();
                }
            }
            changed(model, FromEngine::Welcome(welcome));
            rails::tell(model);
            wizard::connected(model);
        }
        Incoming::Lost { failure, retry_in } => {
            let again = retry_in.map(|d| Time(model.now.0 + i64::try_from(d.as_millis()).unwrap_or(0)));
            model.link = Link::Lost { failure: Box::new(failure), again };
            model.touch_all();
        }
        Incoming::Engine(message) => {
            if let FromEngine::Snapshot { last: true, .. } | FromEngine::Events { .. } = &message {
                model.ready = true;
            }
            changed(model, message);
        }
    }
}

fn changed(model: &mut Model, message: FromEngine) {
    for change in model.mirror.apply(message) {
        apply_change(model, change);
    }
}

fn apply_change(model: &mut Model, change: Change) {
    model.touch(Tab::Pulse);
    wizard::changed(model, &change);
    match change {
        Change::All => model.touch_all(),
        Change::Run(number) => {
            model.touch(Tab::Runs);
            model.touch(Tab::Clusters);
            if model.ready && model.run.as_ref().is_some_and(|v| v.number == number) && !model.mirror.runs().contains_key(&number)
            {
                model.run = None;
                model.say(format!("run {number} was removed"), Role::Warn);
            }
        }
        Change::Cluster(_) => {
            model.touch(Tab::Clusters);
            model.touch(Tab::Servers);
        }
        Change::Node(..) => model.touch(Tab::Clusters),
        Change::Clouds => {
            model.touch_all();
            if model.scope.as_ref().is_some_and(|scope| !model.mirror.clouds.iter().any(|c| c.info.name == *scope)) {
                model.scope = None;
            }
        }
        Change::List(_, kind) => {
            for tab in Tab::every().filter(|tab| tab.lists().contains(&kind)) {
                model.touch(tab);
            }
        }
        Change::Dockers => {
            Tab::every().filter(|tab| tab.of_docker()).for_each(|tab| model.touch(tab));
            if model.docker_scope.as_ref().is_some_and(|scope| !model.mirror.dockers.iter().any(|d| d.info.name == *scope)) {
                model.docker_scope = None;
            }
        }
        Change::Docker(_, list) => model.touch(Tab::Held(list)),
        Change::Prompt(id) => {
            if !model.mirror.prompts().contains_key(&id) {
                let before = model.layers.len();
                model.layers.retain(|layer| !matches!(layer, Layer::Prompt(p) if p.id == id));
                // Whoever was about to answer, or looks at the run, is told who was faster.
                let answered = model.mirror.answered().filter(|answered| answered.prompt == id).cloned();
                if let Some(answered) = answered
                    && (model.layers.len() < before || model.run.as_ref().is_some_and(|view| view.number == answered.run))
                {
                    model.say(answered.says, Role::Text);
                }
                model.put_aside.remove(&id);
            }
        }
        Change::Audit(entry) => {
            model.audit.came(*entry);
            model.touch(Tab::Audit);
        }
        Change::Step(..) | Change::Play(..) | Change::Output(..) | Change::Presence | Change::Forwards => {}
    }
}

/// A question of the run that is open comes up by itself, once.
fn ask(model: &mut Model) {
    let Some(view) = &model.run else { return };
    if !model.layers.is_empty() || view.replay.is_some() || model.why_only_looking().is_some() {
        return;
    }
    let open = model.asks().find(|p| p.run == view.number && !model.put_aside.contains(&p.id)).cloned();
    if let Some(prompt) = open {
        model.layers.push(Layer::Prompt(Box::new(PromptLayer::new(&prompt))));
    }
}

// --- answers ---

fn reply(model: &mut Model, slot: Slot, result: Result<Box<Answer>, Box<Refusal>>) {
    if let Slot::Setup(ask) = slot {
        return wizard::replied(model, ask, result);
    }
    let answer = match result {
        Ok(answer) => *answer,
        Err(refusal) => return refused(model, slot, *refusal),
    };
    match (slot, answer) {
        (Slot::Detail(_), answer) => {
            for change in model.mirror.apply_detail(&answer) {
                apply_change(model, change);
            }
        }
        (Slot::Plays(run, step), Answer::Plays { from, events, .. }) => {
            let attempt = model.mirror.plays.get(&(run, step)).map_or(0, |p| p.attempt);
            model.mirror.apply_plays(run, step, attempt, from, &events);
        }
        (Slot::Output, Answer::Output(page)) => {
            if let Some(view) = &mut model.run
                && view.log_of.is_some_and(|(_, attempt)| attempt == page.attempt || attempt == 0)
            {
                view.log.page(page.from, &page.lines, &page.times, if view.replay.is_some() { 0 } else { page.total });
            }
        }
        (Slot::Line, Answer::Line(line)) => {
            if let Some(view) = &mut model.run {
                view.go_to_line(line);
            }
        }
        (Slot::Audit, Answer::Audit(entries)) => audit::read(model, entries),
        (Slot::Actions(server), Answer::ServerActions(actions)) => deeds::read(model, &server, actions),
        (Slot::Timeline, Answer::Timeline(moments)) => {
            if let Some(detail) = model.text_mut().and_then(TextLayer::detail_mut) {
                detail.moments(moments);
            }
        }
        (Slot::Search, Answer::Found(found)) => {
            let next = model.run.as_mut().and_then(|view| view.log.searched(found.from, found.upto, &found.lines));
            viewer::tell(model, next);
        }
        (Slot::ReplayPlays(step), Answer::Plays { from, events, total }) => {
            if let Some(replay) = model.run.as_mut().and_then(|v| v.replay.as_mut()) {
                replay.events(step, from, events, total);
            }
        }
        (Slot::ReplayOutput(step), Answer::Output(page)) => {
            if let Some(replay) = model.run.as_mut().and_then(|v| v.replay.as_mut()) {
                replay.output(step, page.from, &page.lines, page.total);
            }
        }
        (Slot::Plan, Answer::Plan(plan)) => {
            let (ruling, mark) = (model.mirror.rules.of_plan(&plan), rails::mark(model, plan.clouds()));
            if let Some(Layer::Plan(layer)) = model.layers.iter_mut().rev().find(|l| matches!(l, Layer::Plan(_))) {
                layer.show(*plan, ruling, mark);
            }
        }
        (Slot::Start, Answer::Run(number)) => {
            model.layers.clear();
            people::own(model, |model| open_run(model, number));
        }
        (Slot::Blueprints, Answer::Blueprints(all)) => {
            if let Some(Layer::Create(layer)) = model.layers.iter_mut().find(|l| matches!(l, Layer::Create(_))) {
                layer.show(all);
            }
        }
        (Slot::Text(title), Answer::Text(text)) => {
            let text = if text.trim().is_empty() { "nothing was written".to_owned() } else { text };
            model.show_text(TextLayer::at_end(title, text));
        }
        (Slot::Bulk(batch, index), answer) => bulk::answered(model, batch, index, Ok(answer)),
        (Slot::CloudTest | Slot::Dockers, answer) => asked_all(model, answer),
        (Slot::Act(what), answer) => acted(model, what, &answer),
        _ => {}
    }
}

/// All clouds, or all Docker engines, were asked how they are.
fn asked_all(model: &mut Model, answer: Answer) {
    match answer {
        Answer::Clouds(rows) => {
            model.mirror.clouds = rows;
            model.touch_all();
            model.say("asked every cloud", Role::Ok);
        }
        Answer::Dockers(rows) => {
            model.mirror.dockers = rows;
            apply_change(model, Change::Dockers);
            model.say("asked every Docker engine", Role::Ok);
        }
        _ => {}
    }
}

/// Something was done: says what.
fn acted(model: &mut Model, what: String, answer: &Answer) {
    match answer {
        Answer::Run(number) => model.say(format!("{what}: run {number}"), Role::Ok),
        Answer::Forward(forward) => forward::opened(model, forward),
        _ if what == act::TRY => act::try_hello(model),
        _ => {
            if what == rails::ACTING {
                model.read_only = false;
            }
            model.say(what, Role::Ok);
        }
    }
}

fn refused(model: &mut Model, slot: Slot, refusal: Refusal) {
    match slot {
        Slot::Plan | Slot::Start => {
            let mut failure = refusal.failure;
            if refusal.code == RefusalCode::Stale && failure.next.is_empty() {
                failure.next = "r plans again".to_owned();
            }
            match model.layers.iter_mut().rev().find(|l| matches!(l, Layer::Plan(_))) {
                Some(Layer::Plan(layer)) => layer.refuse(failure),
                _ => model.show_text(TextLayer::failure(&failure)),
            }
        }
        Slot::Bulk(batch, index) => bulk::answered(model, batch, index, Err(refusal)),
        Slot::Act(_) | Slot::Text(_) | Slot::Blueprints | Slot::CloudTest | Slot::Dockers => {
            model.show_text(TextLayer::failure(&refusal.failure));
        }
        Slot::Actions(server) => {
            deeds::refused(model, &server);
            model.show_text(TextLayer::failure(&refusal.failure));
        }
        // What is only looked at is missing then, and is not asked for again by itself: the answer would be the same.
        // An engine of before, that does not know of views.
        Slot::View => model.refused(slot),
        Slot::Setup(_)
        | Slot::Subscription
        | Slot::Line
        | Slot::Timeline
        | Slot::Audit
        | Slot::Detail(_)
        | Slot::Output
        | Slot::Search
        | Slot::Plays(..)
        | Slot::ReplayPlays(_)
        | Slot::ReplayOutput(_) => {
            model.refused(slot);
            model.say(refusal.failure.line(), Role::Warn);
        }
    }
}

fn file(model: &mut Model, path: &str, result: Result<String, Failure>) {
    match result {
        Err(failure) => model.show_text(TextLayer::failure(&failure)),
        Ok(text) => {
            if let Some(Layer::Create(layer)) = model.layers.pop() {
                let place = model.layers.len();
                layer.file(model, path, text);
                model.layers.insert(place, Layer::Create(layer));
            }
        }
    }
}

fn edited(model: &mut Model, result: Result<Option<String>, Failure>) {
    match (result, model.layers.last_mut()) {
        (Ok(Some(text)), Some(Layer::Editor(editor))) => editor.edited(&text, &model.theme),
        (Ok(_), _) => {}
        (Err(failure), _) => model.show_text(TextLayer::failure(&failure)),
    }
}
