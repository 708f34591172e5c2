//! Which keys mean which action, from keys.toml: the built-in file, a preset over it, and the user's over both.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::console::action::Action;
use crate::console::verbs;
use crate::model::{CustomCommand, ThingKind};

use super::key::{Code, Key};

/// The built-in file.
pub const BUILT_IN: &str = include_str!("keys.toml");

/// Sets of keys for hands that know another program; a user's file chooses one with `preset = "vim"`.
pub const PRESETS: &[(&str, &str)] =
    &[("default", ""), ("vim", include_str!("presets/vim.toml")), ("emacs", include_str!("presets/emacs.toml"))];

/// The names of the tables, from the widest to the narrowest: a key of a narrower one goes first.
pub const CONTEXTS: &[&str] = &[
    "global",
    "list",
    "pulse",
    "clouds",
    "flavors",
    "images",
    "servers",
    "clusters",
    "runs",
    "audit",
    "resources",
    "output",
    "run",
    "page",
    "setup",
    "review",
    "written",
];

/// Where a key comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum From {
    BuiltIn,
    Preset(&'static str),
    /// A line of the user's file, counted from 1.
    Line(usize),
    /// A command of the settings: `FILE:LINE`.
    Setting(String),
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Preset(name) => f.write_str(name),
            Self::Line(line) => write!(f, "keys.toml:{line}"),
            Self::Setting(place) => f.write_str(place),
        }
    }
}

/// What a sequence of keys leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Bound {
    goal: Goal,
    from: From,
    /// What it does, where that says more than its goal.
    about: Option<String>,
}

impl Bound {
    /// What it does, for people.
    fn does(&self) -> &str {
        self.about.as_deref().unwrap_or_else(|| self.goal.does())
    }
}

/// An action, or a line of the palette.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Goal {
    Action(Action),
    Line(String),
}

impl Goal {
    /// As it is written in keys.toml.
    fn name(&self) -> &str {
        match self {
            Self::Action(action) => action.name(),
            Self::Line(line) => line,
        }
    }

    /// What it does, for people.
    fn does(&self) -> &str {
        match self {
            Self::Action(action) => action.does(),
            Self::Line(line) => line,
        }
    }
}

/// Keys → actions, by context.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keymap {
    contexts: BTreeMap<String, BTreeMap<Vec<Key>, Bound>>,
}

/// What a sequence of keys means so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Meaning {
    Action(Action),
    /// A line of the palette.
    Line(String),
    /// Longer sequences begin like this.
    Prefix,
    Nothing,
}

/// One row of the list of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    pub context: &'static str,
    pub keys: String,
    /// The action's name, or a line of the palette.
    pub name: String,
    pub does: String,
    pub from: From,
}

impl Keymap {
    /// The built-in keys.
    pub fn built_in() -> Self {
        let mut keymap = Self::default();
        keymap.lay(BUILT_IN, "the built-in keys", &|_| From::BuiltIn);
        keymap
    }

    /// The keys of a preset; `None`: there is none of this name.
    pub fn preset(name: &str) -> Option<Self> {
        let (name, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
        let mut keymap = Self::built_in();
        keymap.lay(text, name, &|_| From::Preset(name));
        Some(keymap)
    }

    /// Lays a user's file over it. What is wrong in it is left out and told, each with its place; the rest counts.
    pub fn overlay(&mut self, text: &str, path: &str) -> Vec<String> {
        self.lay(text, path, &From::Line)
    }

    /// Lays a text over it; `from` says where its line is from.
    fn lay(&mut self, text: &str, path: &str, from: &dyn Fn(usize) -> From) -> Vec<String> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut page = Page { text, path, problems: Vec::new() };
        for error in errors {
            page.problem(&error.span().unwrap_or(0..0), error.message().replace('\n', ", "));
        }
        self.choose(&mut page, table.get_ref());
        let mut laid = Vec::new();
        for (context, entries) in table.get_ref() {
            let name = context.get_ref().as_ref();
            match (CONTEXTS.iter().find(|c| **c == name), entries.get_ref()) {
                _ if name == "preset" => {}
                (None, _) => {
                    page.problem(&context.span(), format!("there is no table [{name}]; there are {}", CONTEXTS.join(", ")))
                }
                (Some(context), DeValue::Table(entries)) => {
                    for (keys, value) in entries {
                        match self.bind(context, keys.get_ref(), value.get_ref(), from(page.line(&keys.span()))) {
                            Ok(sequence) => laid.push((*context, sequence, keys.span())),
                            Err(problem) => page.problem(&keys.span(), problem),
                        }
                    }
                }
                (Some(_), _) => page.problem(&context.span(), format!("[{name}] is no table")),
            }
        }
        for (context, keys, span) in &laid {
            if let Some(clash) = self.clash(context, keys) {
                page.problem(span, clash);
            }
        }
        for (i, (context, keys, span)) in laid.iter().enumerate() {
            if laid[..i].iter().any(|(c, k, _)| (c, k) == (context, keys)) {
                page.problem(span, format!("{} stands twice in [{context}]; the later one counts", written(keys)));
            }
        }
        page.told()
    }

    /// Takes the preset that a file names in the place of the built-in keys.
    fn choose(&mut self, page: &mut Page<'_>, table: &DeTable<'_>) {
        let Some((_, value)) = table.iter().find(|(key, _)| key.get_ref() == "preset") else { return };
        let preset = match value.get_ref() {
            DeValue::String(name) => Self::preset(name),
            _ => None,
        };
        match preset {
            Some(preset) => *self = preset,
            None => {
                let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
                page.problem(&value.span(), format!("there is no such preset; there are {}", names.join(", ")));
            }
        }
    }

    fn bind(&mut self, context: &str, keys: &str, value: &DeValue<'_>, from: From) -> Result<Vec<Key>, String> {
        let sequence = sequence(keys)?;
        let bound = self.contexts.entry(context.to_owned()).or_default();
        match value {
            DeValue::Boolean(false) => {
                bound.remove(&sequence);
            }
            DeValue::String(name) => {
                verbs::check(name)?;
                let goal = Action::named(name).map_or_else(|| Goal::Line(name.clone().into_owned()), Goal::Action);
                bound.insert(sequence.clone(), Bound { goal, from, about: None });
            }
            _ => return Err("a key leads to the name of an action, to a line of the palette, or to false".to_owned()),
        }
        Ok(sequence)
    }

    /// Gives the commands of the settings their keys. One that does something else already is left as it is, and told
    /// with both places.
    pub fn lay_commands(&mut self, commands: &[CustomCommand]) -> Vec<String> {
        let with_key = commands.iter().filter_map(|command| Some((command, command.key.as_deref()?)));
        with_key.filter_map(|(command, key)| self.lay_command(command, key).err()).collect()
    }

    fn lay_command(&mut self, command: &CustomCommand, key: &str) -> Result<(), String> {
        let told = |wrong: String| format!("{}: the key of command {}: {wrong}", command.source, command.name);
        let sequence = sequence(key).map_err(told)?;
        let contexts: &[&str] = match command.on {
            ThingKind::Server => &["servers"],
            ThingKind::Node | ThingKind::Cluster => &["clusters"],
            ThingKind::Image => &["images"],
            ThingKind::Cloud => &["clouds"],
            ThingKind::Run => &["runs", "run"],
        };
        for context in contexts {
            let beside: &[&str] = if *context == "run" { &["output", "list", "global"] } else { &["list", "global"] };
            let mut here = std::iter::once(*context).chain(beside.iter().copied());
            let taken = here.find_map(|other| Some((other, self.contexts.get(other)?.get(&sequence)?)));
            if let Some((other, bound)) = taken {
                let (name, from) = (bound.goal.name(), &bound.from);
                return Err(told(format!("{key} is `{name}` in [{other}] ({from}): take another key, or remove that one")));
            }
        }
        for context in contexts {
            let goal = Goal::Line(format!("command run {}", command.name));
            let about = Some(command.about.clone().unwrap_or_else(|| goal.name().to_owned()));
            let bound = Bound { goal, from: From::Setting(command.source.clone()), about };
            self.contexts.entry((*context).to_owned()).or_default().insert(sequence.clone(), bound);
            if let Some(clash) = self.clash(context, &sequence) {
                self.contexts.entry((*context).to_owned()).or_default().remove(&sequence);
                return Err(told(clash));
            }
        }
        Ok(())
    }

    /// What keeps these keys from what they should do, or what they hide: a shorter sequence ends before a longer one
    /// can go on.
    fn clash(&self, context: &str, keys: &[Key]) -> Option<String> {
        let bound = |context: &str, keys: &[Key]| self.contexts.get(context)?.get(keys);
        let mine = bound(context, keys)?;
        // What counts together with this table: a pane's keys with those of every list.
        let together = |other: &str| match (context, other) {
            (a, b) if a == b => true,
            ("global" | "list", _) | (_, "global" | "list") => true,
            _ => false,
        };
        for length in 1..keys.len() {
            let shorter = CONTEXTS.iter().find(|c| together(c) && bound(c, &keys[..length]).is_some());
            if let Some(other) = shorter {
                let short = written(&keys[..length]);
                return Some(format!("{} cannot be reached: {short} is a key of its own in [{other}]", written(keys)));
            }
        }
        let longer = CONTEXTS.iter().filter(|c| together(c)).flat_map(|c| {
            let keys_there = self.contexts.get(*c).into_iter().flatten();
            keys_there.filter(|(k, b)| k.len() > keys.len() && k.starts_with(keys) && b.goal != mine.goal)
        });
        let hidden: Vec<String> = longer.map(|(k, _)| written(k)).collect();
        (!hidden.is_empty())
            .then(|| format!("{} hides {}: remove them with false, or take another key", written(keys), hidden.join(", ")))
    }

    /// What the keys mean where these contexts count, narrowest first.
    pub fn meaning(&self, contexts: &[&str], keys: &[Key]) -> Meaning {
        let maps = || contexts.iter().filter_map(|c| self.contexts.get(*c));
        match maps().find_map(|m| m.get(keys)).map(|bound| &bound.goal) {
            Some(Goal::Action(action)) => return Meaning::Action(*action),
            Some(Goal::Line(line)) => return Meaning::Line(line.clone()),
            None => {}
        }
        if maps().any(|m| m.keys().any(|k| k.len() > keys.len() && k.starts_with(keys))) {
            Meaning::Prefix
        } else {
            Meaning::Nothing
        }
    }

    /// How sequences that begin with these keys go on: the next keys, and what they do.
    pub fn continuations(&self, contexts: &[&str], keys: &[Key]) -> Vec<(String, String)> {
        let mut out = BTreeMap::new();
        for map in contexts.iter().filter_map(|c| self.contexts.get(*c)) {
            for (sequence, bound) in map.iter().filter(|(s, _)| s.len() > keys.len() && s.starts_with(keys)) {
                out.entry(written(&sequence[keys.len()..])).or_insert_with(|| bound.does().to_owned());
            }
        }
        out.into_iter().collect()
    }

    /// The shortest sequence that leads to an action where these contexts count, as written.
    pub fn key_of(&self, contexts: &[&str], action: Action) -> Option<String> {
        self.keys_of(contexts, action).into_iter().next()
    }

    /// The shortest sequence that leads to a line of the palette where these contexts count.
    pub fn key_of_line(&self, contexts: &[&str], line: &str) -> Option<String> {
        let maps = contexts.iter().filter_map(|context| self.contexts.get(*context)).flatten();
        let hits = maps.filter(|(_, bound)| matches!(&bound.goal, Goal::Line(of) if of == line)).map(|(keys, _)| keys);
        hits.min_by_key(|keys| keys.len()).map(|keys| written(keys))
    }

    /// All sequences that lead to an action where these contexts count, the plainest first.
    pub fn keys_of(&self, contexts: &[&str], action: Action) -> Vec<String> {
        let mut found: Vec<&Vec<Key>> = Vec::new();
        for context in contexts {
            let Some(map) = self.contexts.get(*context) else { continue };
            let hits = map.iter().filter(|(_, bound)| bound.goal == Goal::Action(action)).map(|(keys, _)| keys);
            found.extend(hits.filter(|keys| self.meaning(contexts, keys) == Meaning::Action(action)));
        }
        found.sort_by_key(|keys| {
            (keys.len(), keys.iter().any(|k| k.ctrl || k.alt), keys.iter().map(|k| k.to_string().len()).sum::<usize>())
        });
        found.into_iter().map(|keys| written(keys)).collect()
    }

    /// Every key, by table, in the order of the actions.
    pub fn bindings(&self) -> Vec<Binding> {
        let mut all = Vec::new();
        for context in CONTEXTS {
            let mut here: Vec<(&Vec<Key>, &Bound)> = self.contexts.get(*context).into_iter().flatten().collect();
            here.sort_by_key(|(keys, bound)| (bound.goal.clone(), keys.len(), (*keys).clone()));
            let binding = |(keys, bound): (&Vec<Key>, &Bound)| Binding {
                context,
                keys: written(keys),
                name: bound.goal.name().to_owned(),
                does: bound.does().to_owned(),
                from: bound.from.clone(),
            };
            all.extend(here.into_iter().map(binding));
        }
        all
    }
}

/// A user's file while it is read.
struct Page<'a> {
    text: &'a str,
    path: &'a str,
    problems: Vec<(usize, String)>,
}

impl Page<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        self.text[..span.start.min(self.text.len())].matches('\n').count() + 1
    }

    fn problem(&mut self, span: &Range<usize>, message: String) {
        self.problems.push((span.start, format!("{}:{}: {message}", self.path, self.line(span))));
    }

    /// The problems in the order of the file.
    fn told(mut self) -> Vec<String> {
        self.problems.sort();
        self.problems.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// Keys as they are written, one after the other.
fn sequence(keys: &str) -> Result<Vec<Key>, String> {
    let sequence = keys.split_whitespace().map(str::parse).collect::<Result<Vec<Key>, _>>()?;
    if sequence.is_empty() {
        return Err("an empty key".to_owned());
    }
    match sequence.iter().find_map(|key| arrives_as(*key)) {
        Some(same) => Err(format!("terminals send {keys} as {same}; use {same}, or another key")),
        None => Ok(sequence),
    }
}

fn written(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

/// The key that a terminal sends in the place of this one, when it has only one code for both.
fn arrives_as(key: Key) -> Option<&'static str> {
    match (key.ctrl && !key.alt, key.code) {
        (true, Code::Char('i')) => Some("tab"),
        (true, Code::Char('m' | 'j')) => Some("enter"),
        (true, Code::Char('h')) => Some("backspace"),
        (true, Code::Char('[')) => Some("esc"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_whole() {
        for (preset, text) in PRESETS {
            let mut keymap = Keymap::default();
            assert_eq!(keymap.overlay(BUILT_IN, "keys.toml"), Vec::<String>::new());
            assert_eq!(keymap.overlay(text, preset), Vec::<String>::new(), "{preset}");
            for (context, map) in &keymap.contexts {
                for keys in map.keys() {
                    assert_eq!(keymap.clash(context, keys), None, "{preset}: [{context}]");
                }
            }
            for action in Action::ALL {
                let reachable = CONTEXTS.iter().any(|c| keymap.key_of(&[c, "list", "global"], *action).is_some());
                assert!(reachable, "{preset}: no key leads to `{}`", action.name());
            }
        }
    }

    #[test]
    fn nothing_that_destroys_is_on_a_control_key() {
        for (preset, _) in PRESETS {
            for Binding { keys, name, .. } in Keymap::preset(preset).unwrap().bindings() {
                let destroys = ["delete", "cancel", "stop", "reboot"].iter().any(|end| name.ends_with(end));
                assert!(!(destroys && keys.contains("ctrl-")), "{preset}: {keys}");
            }
        }
    }

    #[test]
    fn a_users_file_changes_removes_and_is_told_its_mistakes() {
        let mut keymap = Keymap::built_in();
        let text = "[global]\n\"q\" = false\n\"x\" = \"quit\"\n\"hyper-x\" = \"quit\"\n\"z\" = \"qit\"\n[nowhere]\n";
        let problems = keymap.overlay(text, "keys.toml");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("keys.toml:4:"), "{problems:?}");
        assert!(problems[1].starts_with("keys.toml:5:") && problems[1].contains("did you mean `quit`"), "{problems:?}");
        assert!(problems[2].starts_with("keys.toml:6:"), "{problems:?}");
        assert_eq!(keymap.meaning(&["global"], &[Key::char('q')]), Meaning::Nothing);
        assert_eq!(keymap.meaning(&["global"], &[Key::char('x')]), Meaning::Action(Action::Quit));
        let mine = keymap.bindings().into_iter().find(|b| b.keys == "x" && b.context == "global").unwrap();
        assert_eq!(mine.from, From::Line(3));
    }

    #[test]
    fn a_preset_is_chosen_and_changed() {
        let mut keymap = Keymap::built_in();
        let problems = keymap.overlay("preset = \"vim\"\n[global]\n\"Z Z\" = false\n", "keys.toml");
        assert_eq!(problems, Vec::<String>::new());
        let contexts = ["clusters", "list", "global"];
        let d = Key::char('d');
        assert_eq!(keymap.meaning(&contexts, &[d, d]), Meaning::Action(Action::ClusterDelete));
        assert_eq!(keymap.meaning(&contexts, &[Key::char('Z'), Key::char('Z')]), Meaning::Nothing);
        let problems = keymap.overlay("\npreset = \"nano\"\n", "k");
        assert_eq!(problems, ["k:2: there is no such preset; there are default, vim, emacs"]);
    }

    #[test]
    fn clashes_are_named() {
        let mut keymap = Keymap::built_in();
        let text =
            "[list]\n\"g\" = \"first\"\n[clusters]\n\"q x\" = \"cluster delete\"\n\"ctrl-m\" = \"open\"\n\"space\" = \"open\"\n";
        let problems = keymap.overlay(text, "k");
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].starts_with("k:2: g hides g "), "{problems:#?}");
        assert_eq!(problems[1], "k:4: q x cannot be reached: q is a key of its own in [global]");
        assert!(problems[2].starts_with("k:5: terminals send ctrl-m as enter"), "{problems:#?}");
    }

    #[test]
    fn a_key_leads_to_any_line_of_the_palette() {
        let mut keymap = Keymap::built_in();
        let text = "[global]\n\"g e\" = \"servers status=error\"\n\"g l\" = \"theme\"\n";
        let problems = keymap.overlay(text, "keys.toml");
        assert_eq!(problems, ["keys.toml:3: `theme` needs THEME"]);
        let keys = [Key::char('g'), Key::char('e')];
        assert_eq!(keymap.meaning(&["global"], &keys), Meaning::Line("servers status=error".into()));
        assert!(keymap.continuations(&["global"], &keys[..1]).contains(&("e".into(), "servers status=error".into())));
        let mine = keymap.bindings().into_iter().find(|b| b.keys == "g e").unwrap();
        assert_eq!((mine.name.as_str(), mine.from), ("servers status=error", From::Line(2)));
    }

    #[test]
    fn sequences_wait_for_their_end() {
        let keymap = Keymap::built_in();
        let contexts = ["clusters", "list", "global"];
        let g = Key::char('g');
        assert_eq!(keymap.meaning(&contexts, &[g]), Meaning::Prefix);
        assert_eq!(keymap.meaning(&contexts, &[g, Key::char('c')]), Meaning::Action(Action::GotoClusters));
        assert_eq!(keymap.meaning(&contexts, &[g, Key::char('9')]), Meaning::Nothing);
        assert!(keymap.continuations(&contexts, &[g]).len() >= 7);
        assert_eq!(keymap.key_of(&contexts, Action::Up).as_deref(), Some("k"));
    }
}
