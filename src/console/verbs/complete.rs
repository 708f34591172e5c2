//! How a line can go on.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::console::custom;
use crate::console::panes;
use crate::console::people;
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::update::offers;
use crate::console::widgets::filter;

use super::find::{self, Thing};
use super::{Deed, Line, Takes, Verb, split};

/// Most ways to go on.
const MOST: usize = 200;

/// One line that can be meant.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    pub line: String,
    pub says: String,
    pub role: Role,
    /// Why it cannot be done now.
    pub why_not: Option<String>,
    /// More has to be typed behind it.
    pub open: bool,
    /// The action, for its key.
    pub verb: Option<Verb>,
}

impl Candidate {
    fn verb(verb: Verb, why_not: Option<String>, open: bool) -> Self {
        let shape = if verb.takes == Takes::Nothing { String::new() } else { format!("   {}", verb.takes.shape()) };
        let says = format!("{}{}", verb.does, if open { shape } else { String::new() });
        Self { line: verb.name.to_owned(), says, role: Role::Hint, why_not, open, verb: Some(verb) }
    }

    fn thing(verb: &str, thing: Thing) -> Self {
        let line = format!("{verb} {}", thing.name);
        Self { line, says: thing.says, role: thing.role, why_not: None, open: false, verb: None }
    }
}

/// The lines that a text may become, likeliest first.
pub fn complete(model: &Model, text: &str) -> Vec<Candidate> {
    match split(text) {
        Some(line) if line.verb.takes != Takes::Nothing && line.at > 0 && text[..line.at].ends_with(' ') => {
            arguments(model, text, &line)
        }
        _ => verbs(model, text),
    }
}

/// Verbs, and with some letters the things that there are.
fn verbs(model: &Model, text: &str) -> Vec<Candidate> {
    let offered = offers(model);
    let mut all = Vec::new();
    for offer in &offered {
        if !matches!(offer.action, crate::console::action::Action::Palette | crate::console::action::Action::Back) {
            all.push(Candidate::verb(Verb::of(offer.action), offer.why_not.clone(), false));
        }
    }
    for fit in custom::fitting(model) {
        let (line, says) = (custom::line(&fit.command), fit.says());
        all.push(Candidate { line, says, role: Role::Hint, why_not: fit.why_not, open: false, verb: None });
    }
    // What needs a name can be done from anywhere.
    for verb in Verb::all().filter(|v| v.takes != Takes::Nothing) {
        let here = matches!(verb.deed, Deed::Act(action) if offered.iter().any(|o| o.action == action));
        if !here {
            all.push(Candidate::verb(verb, None, true));
        }
    }
    let text = text.trim();
    if text.is_empty() {
        return all;
    }
    for (digit, line) in &model.favourites {
        let (says, role) = (line.clone(), Role::Hint);
        all.push(Candidate { line: format!("favourite {digit}"), says, role, why_not: None, open: false, verb: None });
    }
    let things = [
        ("cluster show", find::clusters(model)),
        ("run show", find::runs(model)),
        ("cloud show", find::clouds(model)),
        ("server show", if text.len() > 1 { find::servers(model) } else { Vec::new() }),
    ];
    for (verb, things) in things {
        all.extend(things.into_iter().map(|thing| Candidate::thing(verb, thing)));
    }
    best(all, text, |c| match c.line.strip_prefix("run show ") {
        // A run is looked for by its title too.
        Some(_) => format!("{} {}", c.line, c.says),
        None => c.line.clone(),
    })
}

/// Those that match, best first; equal ones stay in their order.
fn best<T>(all: Vec<T>, text: &str, spelled: impl Fn(&T) -> String) -> Vec<T> {
    if text.is_empty() {
        return all.into_iter().take(MOST).collect();
    }
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    let mut scored: Vec<(u32, T)> = all
        .into_iter()
        .filter_map(|one| {
            let spelled = spelled(&one);
            let score = pattern.score(Utf32Str::new(&spelled, &mut letters), &mut matcher)?;
            // What begins so is meant before what only has the letters.
            Some((score + if spelled.starts_with(text) { 1000 } else { 0 }, one))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(MOST).map(|(_, one)| one).collect()
}

fn arguments(model: &Model, text: &str, line: &Line<'_>) -> Vec<Candidate> {
    let before = &text[..line.at];
    let verb = before.trim_end();
    let argument = &text[line.at..];
    let things = |all: Vec<Thing>| {
        let spelled = |t: &Thing| if t.tab == Tab::Runs { format!("{} {}", t.name, t.says) } else { t.name.clone() };
        best(all, argument.trim(), spelled).into_iter().map(|thing| Candidate::thing(verb, thing)).collect()
    };
    let words = |all: Vec<(String, String)>| {
        let made = best(all, argument.trim(), |(name, _)| name.clone()).into_iter();
        made.map(|(name, says)| Candidate {
            line: format!("{verb} {name}"),
            says,
            role: Role::Hint,
            why_not: None,
            open: false,
            verb: None,
        })
        .collect()
    };
    match line.verb.takes {
        Takes::Nothing => Vec::new(),
        Takes::Cloud => things(find::clouds(model)),
        Takes::Cluster => things(find::clusters(model)),
        Takes::Server => things(find::servers(model)),
        Takes::ServerFlavor | Takes::ServerImage => of_server(model, text, line),
        Takes::Image => things(find::images(model)),
        Takes::Run => things(find::runs(model)),
        Takes::Node => {
            let servers = find::servers(model).into_iter();
            things(find::nodes(model).into_iter().chain(servers).collect())
        }
        Takes::Anything => {
            let all =
                [find::clusters(model), find::clouds(model), find::servers(model), find::images(model), find::flavors(model)];
            things(all.concat())
        }
        Takes::Scope => {
            let all = std::iter::once(("all".to_owned(), "every cloud".to_owned()));
            words(all.chain(find::clouds(model).into_iter().map(|c| (c.name, c.says))).collect())
        }
        Takes::Command => commands(model, argument, words),
        Takes::Theme => words(model.themes.iter().map(|t| (t.name.clone(), String::new())).collect()),
        Takes::Person => words(people::others(model)),
        Takes::Column => words(columns(model)),
        Takes::Columns => last_word(text, line, columns(model)),
        Takes::Digit | Takes::Keep => {
            let digit = |d: u8| (d.to_string(), model.favourites.get(&d).cloned().unwrap_or_else(|| "free".to_owned()));
            words((1..=9).chain([0]).map(digit).collect())
        }
        Takes::Counts => of_cluster(model, text, line, |cluster| {
            cluster.spec.groups.iter().map(|(name, g)| (format!("{name}={}", g.count), "nodes now".to_owned())).collect()
        }),
        Takes::Playbooks => of_cluster(model, text, line, |cluster| {
            cluster.spec.playbooks.iter().map(|p| (p.spec().path, String::new())).collect()
        }),
        Takes::Filter(tab) => filters(model, text, line.at, tab),
        Takes::FilterHere => filters(model, text, line.at, model.tab),
    }
}

/// The names of one's own commands, then the things that one is for.
fn commands(model: &Model, argument: &str, words: impl Fn(Vec<(String, String)>) -> Vec<Candidate>) -> Vec<Candidate> {
    let all = &model.mirror.rules.commands;
    match argument.split_once(' ').and_then(|(name, _)| model.mirror.rules.command(name)) {
        Some(command) => {
            let things = find::things(model, command.on).into_iter();
            words(things.map(|thing| (format!("{} {}", command.name, thing.name), thing.says)).collect())
        }
        None => words(all.iter().map(|c| (c.name.clone(), c.about.clone().unwrap_or_else(|| c.on.one()))).collect()),
    }
}

/// Names and titles of the columns of the open list.
fn columns(model: &Model) -> Vec<(String, String)> {
    panes::columns(model.tab).iter().map(|c| (c.id.to_owned(), c.title.to_lowercase())).collect()
}

/// Ways to go on with the last word of a line that has several.
fn last_word(text: &str, line: &Line<'_>, all: Vec<(String, String)>) -> Vec<Candidate> {
    let argument = &text[line.at..];
    let start = argument.rfind(' ').map_or(0, |space| space + 1);
    let (before, word) = (&text[..line.at + start], &argument[start..]);
    let free = all.into_iter().filter(|(name, _)| !argument[..start].split(' ').any(|given| given == name));
    let fits = |(name, says): (String, String)| Candidate {
        line: format!("{before}{name}"),
        says,
        role: Role::Hint,
        why_not: None,
        open: false,
        verb: None,
    };
    best(free.collect(), word, |(name, _)| name.clone()).into_iter().map(fits).collect()
}

/// A server first, then a flavor or an image of its cloud.
fn of_server(model: &Model, text: &str, line: &Line<'_>) -> Vec<Candidate> {
    let argument = &text[line.at..];
    let found = find::server_and(model, argument).ok().filter(|_| argument.contains(' '));
    let Some((server, rest)) = found else {
        let verb = text[..line.at].trim_end();
        let servers = best(find::servers(model), argument.trim(), |t| t.name.clone());
        return servers.into_iter().map(|thing| Candidate { open: true, ..Candidate::thing(verb, thing) }).collect();
    };
    let all = if line.verb.takes == Takes::ServerFlavor { find::flavors(model) } else { find::images(model) };
    let cloud = server.id.split('/').next().unwrap_or_default();
    let there = all.into_iter().filter(|thing| thing.id.split('/').next() == Some(cloud)).map(|mut thing| {
        // They are all of one cloud: its name before theirs says nothing.
        thing.name = thing.name.strip_prefix(&format!("{cloud}/")).map_or(thing.name.clone(), str::to_owned);
        thing
    });
    let before = text[..text.len() - rest.len()].trim_end();
    best(there.collect(), rest, |t| t.name.clone()).into_iter().map(|thing| Candidate::thing(before, thing)).collect()
}

/// A cluster first, then what belongs to it.
fn of_cluster(
    model: &Model,
    text: &str,
    line: &Line<'_>,
    parts: impl Fn(&crate::model::Cluster) -> Vec<(String, String)>,
) -> Vec<Candidate> {
    let argument = &text[line.at..];
    let Some((name, _)) = argument.split_once(' ') else {
        let verb = text[..line.at].trim_end();
        let clusters = best(find::clusters(model), argument, |t| t.name.clone());
        return clusters.into_iter().map(|thing| Candidate::thing(verb, thing)).collect();
    };
    let cluster = model.mirror.clusters().values().find(|c| c.name == name);
    cluster.map(|c| last_word(text, line, parts(c))).unwrap_or_default()
}

/// The line as it stands, then the ways in which its filter can go on.
fn filters(model: &Model, text: &str, at: usize, tab: Tab) -> Vec<Candidate> {
    let argument = &text[at..];
    let columns = panes::columns(tab);
    let read = filter::Filter::new(argument, columns);
    let fault = read.faults().first().map(|f| f.text.clone());
    let unfinished = read.faults().first().is_some_and(|f| f.unfinished);
    let mut out = Vec::new();
    if !argument.trim().is_empty() && !unfinished {
        let says = format!("the {} that match", tab.name());
        out.push(Candidate { line: text.to_owned(), says, role: Role::Hint, why_not: fault, open: false, verb: None });
    }
    let completion = filter::complete(argument, columns, model.table(tab).rows());
    out.extend(completion.candidates.into_iter().take(MOST).map(|c| Candidate {
        line: format!("{}{}", &text[..at + completion.span.start], c.text),
        says: c.rows.map(|n| crate::console::words::many(n as u64, "row")).unwrap_or_default(),
        role: Role::Hint,
        why_not: None,
        open: c.rows.is_none(),
        verb: None,
    }));
    out
}
