//! Which keys mean which action, from keys.toml: the built-in file, and the user's over it.

use std::collections::BTreeMap;

use toml::Value;

use crate::console::action::Action;

use super::key::Key;

/// The built-in file.
pub const BUILT_IN: &str = include_str!("keys.toml");

/// The names of the tables, from the widest to the narrowest: a key of a narrower one goes first.
pub const CONTEXTS: &[&str] = &["global", "list", "clouds", "flavors", "images", "servers", "clusters", "runs", "run"];

/// Keys → actions, by context.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    contexts: BTreeMap<String, BTreeMap<Vec<Key>, Action>>,
}

/// What a sequence of keys means so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    Action(Action),
    /// Longer sequences begin like this.
    Prefix,
    Nothing,
}

impl Keymap {
    /// The built-in keys.
    pub fn built_in() -> Self {
        let mut keymap = Self::default();
        let problems = keymap.overlay(BUILT_IN, "keys.toml");
        debug_assert!(problems.is_empty(), "{problems:?}");
        keymap
    }

    /// Lays a user's file over it. What is wrong in it is left out and told, each with its place; the rest counts.
    pub fn overlay(&mut self, text: &str, path: &str) -> Vec<String> {
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => return vec![format!("{path}: {error}")],
        };
        let mut problems = Vec::new();
        for (context, entries) in &table {
            if !CONTEXTS.contains(&context.as_str()) {
                problems.push(format!(
                    "{}: there is no table [{context}]; there are {}",
                    place(text, path, context),
                    CONTEXTS.join(", ")
                ));
                continue;
            }
            let Value::Table(entries) = entries else {
                problems.push(format!("{}: [{context}] is no table", place(text, path, context)));
                continue;
            };
            for (keys, value) in entries {
                if let Err(problem) = self.bind(context, keys, value) {
                    problems.push(format!("{}: {problem}", place(text, path, &format!("\"{keys}\""))));
                }
            }
        }
        problems
    }

    fn bind(&mut self, context: &str, keys: &str, value: &Value) -> Result<(), String> {
        let sequence = keys.split_whitespace().map(str::parse).collect::<Result<Vec<Key>, _>>()?;
        if sequence.is_empty() {
            return Err("an empty key".to_owned());
        }
        let bound = self.contexts.entry(context.to_owned()).or_default();
        match value {
            Value::Boolean(false) => {
                bound.remove(&sequence);
            }
            Value::String(name) => {
                let action = Action::named(name).ok_or_else(|| format!("there is no action `{name}`{}", did_you_mean(name)))?;
                bound.insert(sequence, action);
            }
            _ => return Err("a key leads to the name of an action, or to false".to_owned()),
        }
        Ok(())
    }

    /// What the keys mean where these contexts count, narrowest first.
    pub fn meaning(&self, contexts: &[&str], keys: &[Key]) -> Meaning {
        let maps = || contexts.iter().filter_map(|c| self.contexts.get(*c));
        if let Some(action) = maps().find_map(|m| m.get(keys)) {
            return Meaning::Action(*action);
        }
        if maps().any(|m| m.keys().any(|k| k.len() > keys.len() && k.starts_with(keys))) {
            Meaning::Prefix
        } else {
            Meaning::Nothing
        }
    }

    /// How sequences that begin with these keys go on: the next key and the action.
    pub fn continuations(&self, contexts: &[&str], keys: &[Key]) -> Vec<(String, Action)> {
        let mut out = BTreeMap::new();
        for map in contexts.iter().filter_map(|c| self.contexts.get(*c)) {
            for (sequence, action) in map.iter().filter(|(s, _)| s.len() > keys.len() && s.starts_with(keys)) {
                let rest: Vec<String> = sequence[keys.len()..].iter().map(Key::to_string).collect();
                out.entry(rest.join(" ")).or_insert(*action);
            }
        }
        out.into_iter().collect()
    }

    /// The shortest sequence that leads to an action where these contexts count, as written.
    pub fn key_of(&self, contexts: &[&str], action: Action) -> Option<String> {
        self.keys_of(contexts, action).into_iter().next()
    }

    /// All sequences that lead to an action where these contexts count, the plainest first.
    pub fn keys_of(&self, contexts: &[&str], action: Action) -> Vec<String> {
        let mut found: Vec<&Vec<Key>> = Vec::new();
        for context in contexts {
            let Some(map) = self.contexts.get(*context) else { continue };
            let hits = map.iter().filter(|(_, a)| **a == action).map(|(keys, _)| keys);
            found.extend(hits.filter(|keys| self.meaning(contexts, keys) == Meaning::Action(action)));
        }
        found.sort_by_key(|keys| {
            (keys.len(), keys.iter().any(|k| k.ctrl || k.alt), keys.iter().map(|k| k.to_string().len()).sum::<usize>())
        });
        found.into_iter().map(|keys| keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")).collect()
    }
}

/// `path:line` of the first place where `what` stands.
fn place(text: &str, path: &str, what: &str) -> String {
    match text.lines().position(|line| line.contains(what)) {
        Some(line) => format!("{path}:{}", line + 1),
        None => path.to_owned(),
    }
}

fn did_you_mean(name: &str) -> String {
    let near = Action::ALL.iter().map(|a| (strsim::jaro_winkler(a.name(), name), a.name())).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((likeness, near)) if likeness > 0.8 => format!("; did you mean `{near}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_keys_are_whole() {
        let mut keymap = Keymap::default();
        assert_eq!(keymap.overlay(BUILT_IN, "keys.toml"), Vec::<String>::new());
        for (context, map) in &keymap.contexts {
            for keys in map.keys() {
                // No sequence hides behind a shorter one.
                let shorter = (1..keys.len()).find(|&n| map.contains_key(&keys[..n]));
                assert_eq!(shorter, None, "[{context}] {keys:?}");
            }
        }
        for action in Action::ALL {
            let reachable = CONTEXTS.iter().any(|c| keymap.key_of(&[c], *action).is_some());
            assert!(reachable, "no key leads to `{}`", action.name());
        }
    }

    #[test]
    fn nothing_that_destroys_is_on_a_control_key() {
        let keymap = Keymap::built_in();
        for map in keymap.contexts.values() {
            for (keys, action) in map {
                let destroys = matches!(action, Action::Delete | Action::Cancel | Action::ServerStop | Action::ServerReboot);
                assert!(!(destroys && keys.iter().any(|k| k.ctrl)), "{keys:?}");
            }
        }
    }

    #[test]
    fn a_users_file_changes_removes_and_is_told_its_mistakes() {
        let mut keymap = Keymap::built_in();
        let text = "[global]\n\"q\" = false\n\"x\" = \"quit\"\n\"hyper-x\" = \"quit\"\n\"z\" = \"qit\"\n[nowhere]\n";
        let problems = keymap.overlay(text, "keys.toml");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems.iter().any(|p| p.starts_with("keys.toml:4:")), "{problems:?}");
        assert!(problems.iter().any(|p| p.contains("did you mean `quit`")), "{problems:?}");
        assert_eq!(keymap.meaning(&["global"], &[Key::char('q')]), Meaning::Nothing);
        assert_eq!(keymap.meaning(&["global"], &[Key::char('x')]), Meaning::Action(Action::Quit));
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
