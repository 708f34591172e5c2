//! The tree against the schema of the types: unknown and missing fields, wrong kinds, wrong words, ranges.
//!
//! The schema comes from the types themselves, so that a field exists in one place only. Of JSON Schema this
//! reads what `schemars` writes for them: `$ref`, `type`, `properties`, `required`, `additionalProperties`,
//! `items`, `minimum`, `maximum`, `const`, `oneOf`, `anyOf`.

use serde_json::Value;

use super::super::words::{did_you_mean, list, shown};
use super::problems::Problems;
use super::tree::{Key, Kind, Pos, Tree};

/// Notes everything in `tree` that `schema` does not allow. `text` is the document.
pub fn check(tree: &Tree, text: &str, schema: &Value, problems: &mut Problems) {
    let lines = text.lines().collect();
    Shape { root: schema, lines, problems }.value(tree, schema, &mut Vec::new());
}

struct Shape<'a> {
    root: &'a Value,
    lines: Vec<&'a str>,
    problems: &'a mut Problems,
}

impl<'a> Shape<'a> {
    fn value(&mut self, tree: &Tree, schema: &'a Value, path: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if let Some(words) = words_of(schema) {
            return self.word(tree, &words, path);
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return self.any_of(tree, choices, path);
        }
        let types = types_of(schema);
        if types.is_empty() {
            return self.free(tree);
        }
        match &tree.kind {
            Kind::Null if types.iter().any(|t| matches!(*t, "null" | "object" | "array")) && !path.is_empty() => {}
            Kind::Null => self.problems.add(tree.pos, format!("{} is empty; it must be {}", what(path), people(&types))),
            _ if !types.iter().any(|t| admits(t, &tree.kind)) => {
                self.problems.add(tree.pos, format!("{} must be {}, not {}", what(path), people(&types), found(&tree.kind)));
            }
            Kind::Map(entries) => self.map(tree.pos, entries, schema, path),
            Kind::List(items) => self.list(items, schema, path),
            Kind::Number(number) if types.contains(&"integer") => self.range(tree.pos, *number, schema, path),
            Kind::Number(_) | Kind::Text(_) | Kind::Bool => {}
        }
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/")) else {
            return schema;
        };
        self.root.get("$defs").and_then(|defs| defs.get(name)).unwrap_or(schema)
    }

    /// The choice that the value's kind fits; `schemars` writes them for an optional part and for a value that
    /// is one text or a mapping.
    fn any_of(&mut self, tree: &Tree, choices: &'a [Value], path: &mut Vec<String>) {
        let fits = choices.iter().find(|choice| types_of(self.resolve(choice)).iter().any(|t| admits(t, &tree.kind)));
        if let Some(choice) = fits {
            return self.value(tree, choice, path);
        }
        let types: Vec<&str> = choices.iter().flat_map(|choice| types_of(self.resolve(choice))).collect();
        self.problems.add(tree.pos, format!("{} must be {}, not {}", what(path), people(&types), found(&tree.kind)));
    }

    fn word(&mut self, tree: &Tree, words: &[&str], path: &[String]) {
        let names = || list("", words.iter().copied(), words.len());
        match &tree.kind {
            Kind::Text(word) if words.contains(&word.as_str()) => {}
            Kind::Text(word) => {
                let hint = did_you_mean(word, words.iter().copied());
                self.problems
                    .add(tree.pos, format!("{} cannot be `{}`{hint}; it is one of {}", what(path), shown(word), names()));
            }
            other => self.problems.add(tree.pos, format!("{} must be one of {}, not {}", what(path), names(), found(other))),
        }
    }

    fn map(&mut self, pos: Pos, entries: &[(Key, Tree)], schema: &'a Value, path: &mut Vec<String>) {
        let empty = serde_json::Map::new();
        let fields = schema.get("properties").and_then(Value::as_object);
        let names = || fields.unwrap_or(&empty).keys().map(String::as_str);
        let others = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
        for (key, value) in entries {
            path.push(shown(&key.text));
            match fields.and_then(|f| f.get(&key.text)) {
                Some(field) => self.value(value, field, path),
                None if *others == Value::Bool(false) => {
                    let hint = did_you_mean(&key.text, names());
                    let hint = if hint.is_empty() { format!("; known are {}", list("", names(), 20)) } else { hint };
                    path.pop();
                    self.problems.add(key.pos, format!("unknown field `{}`{}{hint}", shown(&key.text), inside(path)));
                    continue;
                }
                None => self.value(value, others, path),
            }
            path.pop();
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !entries.iter().any(|(key, _)| key.text == name) {
                self.problems.add(pos, format!("`{name}` is missing{}", inside(path)));
            }
        }
    }

    fn list(&mut self, items: &[Tree], schema: &'a Value, path: &mut Vec<String>) {
        let Some(of) = schema.get("items") else { return };
        for (at, item) in items.iter().enumerate() {
            path.push((at + 1).to_string());
            self.value(item, of, path);
            path.pop();
        }
    }

    fn range(&mut self, pos: Pos, number: f64, schema: &Value, path: &[String]) {
        let limit = |name| schema.get(name).and_then(Value::as_f64);
        let (least, most) = (limit("minimum").unwrap_or(0.0), limit("maximum").unwrap_or(f64::from(u32::MAX)));
        if number.fract() != 0.0 || number < least || number > most {
            self.problems.add(pos, format!("{} must be a whole number from {least} to {most}, not {number}", what(path)));
        }
    }

    /// A value of any kind, as Ansible gets it: what would arrive as something else is a problem.
    fn free(&mut self, tree: &Tree) {
        match &tree.kind {
            Kind::Map(entries) => entries.iter().for_each(|(_, value)| self.free(value)),
            Kind::List(items) => items.iter().for_each(|item| self.free(item)),
            Kind::Number(_) if self.leading_zero(tree.defined) => {
                self.problems
                    .add(tree.pos, "a number with a leading zero is read differently by different programs: put it in quotes");
            }
            Kind::Text(text) if text.starts_with("$ANSIBLE_VAULT;") => {
                let message =
                    "encrypted values cannot be in a spec: put them in a variables file beside the playbook (`vars_files`)";
                self.problems.add(tree.pos, message);
            }
            _ => {}
        }
    }

    fn leading_zero(&self, pos: Pos) -> bool {
        let at = |n: u64| usize::try_from(n - 1).unwrap_or(usize::MAX);
        let Some(line) = self.lines.get(at(pos.line)) else { return false };
        let mut chars = line.chars().skip(at(pos.column)).skip_while(|c| matches!(c, '-' | '+'));
        chars.next() == Some('0') && chars.next().is_some_and(|c| c.is_ascii_digit())
    }
}

/// The words of an enumeration.
fn words_of(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(Value::as_str).collect();
    }
    schema.get("oneOf").and_then(Value::as_array)?.iter().map(|choice| choice.get("const").and_then(Value::as_str)).collect()
}

fn types_of(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A text may be written without quotes even where it looks like a number or `yes`.
fn admits(kind: &str, found: &Kind) -> bool {
    match found {
        Kind::Null => kind == "null",
        Kind::Bool => matches!(kind, "boolean" | "string"),
        Kind::Number(_) => matches!(kind, "integer" | "number" | "string"),
        Kind::Text(_) => kind == "string",
        Kind::List(_) => kind == "array",
        Kind::Map(_) => kind == "object",
    }
}

/// The kinds in words.
fn people(types: &[&str]) -> String {
    let words = types.iter().filter_map(|kind| match *kind {
        "string" => Some("text"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("true or false"),
        "array" => Some("a list"),
        "object" => Some("a mapping"),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn found(kind: &Kind) -> String {
    match kind {
        Kind::Null => "nothing".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Number(number) => format!("the number {number}"),
        Kind::Text(text) => format!("the text `{}`", shown(text)),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a mapping".to_owned(),
    }
}

fn what(path: &[String]) -> String {
    if path.is_empty() { "the spec".to_owned() } else { format!("`{}`", path.join(".")) }
}

fn inside(path: &[String]) -> String {
    if path.is_empty() { String::new() } else { format!(" in `{}`", path.join(".")) }
}
