//! The settings as people and editors look at them: each value with the place it is from, and a schema of the file.
//!
//! The schema is what the reader itself asks for when it is given an empty file, so it cannot differ from what is read.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::reader::Kind;
use super::settings::{COLOURS, DRIVERS, GLYPHS, MOTIONS, OF_CLOUDS, Settings, word_of};
use super::{Origin, Sourced, notify};

/// One value.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// `console.theme`
    pub key: String,
    /// Nothing where nothing is set and there is no default.
    pub value: Value,
    /// `FILE:LINE`, `$VARIABLE` or `default`.
    pub from: String,
    /// What it is for.
    pub about: String,
}

impl Row {
    /// Whether somebody set it.
    pub fn is_set(&self) -> bool {
        self.from != Origin::Default.to_string()
    }
}

fn row<T>(key: &str, about: &str, set: &Sourced<T>, value: impl FnOnce(&T) -> Value) -> Row {
    Row { key: key.to_owned(), value: value(&set.value), from: set.origin.to_string(), about: about.to_owned() }
}

/// What everybody has, in the order of the file: the tables of clouds, guards, commands, columns and favourites follow.
fn common(s: &Settings) -> Vec<Row> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map_or(Value::Null, |p| json!(p.display().to_string()));
    vec![
        row("default_cloud", "commands that name no cloud go here", &s.default_cloud, |v| json!(v)),
        row("engine.idle_hours", "the engine ends after so long with no client and no run; 0: never", &s.idle_hours, |v| {
            json!(v)
        }),
        row("engine.log", "what the engine logs: error, warn, info, debug, trace; or by part", &s.log, |v| json!(v)),
        row("retention.runs", "runs that are kept; pinned and unfinished ones stay", &s.keep_runs, |v| json!(v)),
        row("retention.days", "days that runs are kept", &s.keep_days, |v| json!(v)),
        row("retention.gigabytes", "room for runs, gigabytes", &s.keep_gigabytes, |v| json!(v)),
        row("ansible.use_path", "the Ansible on the PATH even when the managed one is there", &s.ansible_use_path, |v| json!(v)),
        row("ansible.python", "makes the managed virtualenv", &s.ansible_python, path),
        row("console.theme", "a name of `quarterdeck theme list`; auto: after the terminal's background", &s.theme, |v| json!(v)),
        row("console.colours", "how many colours", &s.colours, |v| json!(word_of(COLOURS, *v))),
        row("console.glyphs", "which signs", &s.glyphs, |v| json!(word_of(GLYPHS, *v))),
        row("console.mouse", "click, double click, wheel; off: the terminal selects and copies", &s.mouse, |v| json!(v)),
        row("console.open", "the tab that the console begins with", &s.open, |v| json!(v)),
        row("console.motion", "reduced: times every ten seconds, one frame a second", &s.motion, |v| json!(word_of(MOTIONS, *v))),
        row("notify.bell", "when the terminal's bell rings", &s.notify.bell, |v| json!(word_of(notify::BELLS, *v))),
        row("notify.desktop", "a message of the desktop (OSC 9, OSC 777)", &s.notify.desktop, |v| json!(v)),
        row("notify.progress", "progress on the taskbar (OSC 9;4)", &s.notify.progress, |v| json!(v)),
        row("notify.title", "what goes on, in the window's title", &s.notify.title, |v| json!(v)),
        row("notify.command", "a program that the engine calls with what happened", &s.notify.command, path),
        row("watch.dir", "where people who may only look find a socket", &s.watch_dir, path),
        row("watch.group", "the group of those people", &s.watch_group, |v| json!(v)),
    ]
}

impl Settings {
    /// Every value, with the place it is from. What is set for a cloud's driver and may be secret is not said.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = common(self);
        let text = |key: String, set: &Sourced<String>| row(&key, "", set, |v| json!(v));
        rows.extend(self.columns.iter().map(|(list, set)| text(format!("console.columns.{list}"), set)));
        rows.extend(self.favourites.iter().map(|(digit, set)| text(format!("console.favourites.{digit}"), set)));
        for (name, cloud) in &self.clouds {
            let key = |key: &str| format!("clouds.{name}.{key}");
            rows.push(row(&key("driver"), "", &cloud.driver, |v| json!(word_of(DRIVERS, *v))));
            let said = [("flavor", &cloud.flavor), ("image", &cloud.image)];
            rows.extend(said.into_iter().filter_map(|(word, set)| Some(text(key(word), set.as_ref()?))));
            rows.extend(cloud.read_only.iter().map(|set| row(&key("read_only"), "", set, |v| json!(v))));
            rows.extend(cloud.values.iter().map(|(word, set)| {
                let hide = crate::model::text::names_a_secret(word);
                row(&key(word), "", set, |v| if hide { json!("(hidden)") } else { json!(v) })
            }));
        }
        for (name, docker) in &self.dockers {
            let (key, from) = (format!("docker.{name}.host"), docker.origin.to_string());
            rows.push(Row { key, value: json!(docker.address.host), from, about: "a Docker engine".to_owned() });
        }
        rows
    }
}

/// A JSON Schema (draft 2020-12) of `settings.toml`, for editors.
pub fn schema() -> Value {
    let abouts: BTreeMap<String, Row> = common(&Settings::default()).into_iter().map(|row| (row.key.clone(), row)).collect();
    let mut root = object();
    for asked in Settings::asked() {
        let mut shape = shape(&asked.kind);
        if let (Some(row), Some(map)) = (abouts.get(&asked.place), shape.as_object_mut()) {
            map.insert("description".to_owned(), json!(row.about));
            if !row.value.is_null() {
                map.insert("default".to_owned(), row.value.clone());
            }
        }
        put(&mut root, &asked.place, shape);
    }
    let words: Vec<&str> = DRIVERS.iter().map(|(word, _)| *word).collect();
    let text = || json!({"type": "string"});
    let truth = || json!({"type": "boolean"});
    let mut cloud = json!({"type": "object", "required": ["driver"], "properties": {
        "driver": {"enum": words}, "flavor": text(), "image": text(), "read_only": truth(), "prod": truth()},
        "additionalProperties": {"type": ["string", "number", "boolean"]}});
    debug_assert_eq!(cloud["properties"].as_object().map(Map::len), Some(OF_CLOUDS.len()));
    cloud["description"] = json!("a cloud; what is not named here is for its driver");
    put(&mut root, "clouds", json!({"type": "object", "additionalProperties": cloud}));
    let docker = json!({"type": "object", "required": ["host"], "properties": {"host": text(), "ca": text(), "cert": text(),
        "key": text(), "verify": truth(), "default": truth()}, "additionalProperties": false});
    put(&mut root, "docker", json!({"type": "object", "additionalProperties": docker}));
    put(&mut root, "console.columns", json!({"type": "object", "additionalProperties": text()}));
    let digits = json!({"type": "object", "patternProperties": {"^[0-9]$": text()}, "additionalProperties": false});
    put(&mut root, "console.favourites", digits);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("settings.toml of Quarterdeck");
    root
}

fn object() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

fn shape(kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Texts => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        Kind::Words(words) => json!({"enum": words}),
        Kind::Truth => json!({"type": "boolean"}),
        Kind::Number(range) => json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}),
        Kind::Plain => json!({"type": ["string", "number", "boolean"]}),
        Kind::Table => object(),
        Kind::Tables => json!({"type": "array", "items": object()}),
    }
}

/// Puts a shape at its place (`console.theme`); the tables above it are there already, since the reader asks for them
/// first.
fn put(root: &mut Value, place: &str, shape: Value) {
    let mut at = root;
    let mut words = place.split('.').peekable();
    while let Some(word) = words.next() {
        // Of a list of tables, its tables.
        if at.get("items").is_some_and(|items| items.get("properties").is_some()) {
            at = &mut at["items"];
        }
        let properties = &mut at["properties"];
        if words.peek().is_none() {
            properties[word] = shape;
            return;
        }
        at = &mut properties[word];
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader::Asked;
    use super::*;

    #[test]
    fn every_value_that_is_read_is_shown_and_described() {
        let shown: Vec<String> = common(&Settings::default()).into_iter().map(|row| row.key).collect();
        let lists = ["guard", "command", "clouds", "console.columns", "console.favourites"];
        let of_list = |place: &str| lists.iter().any(|list| place == *list || place.starts_with(&format!("{list}.")));
        let is_table = |asked: &Asked| matches!(asked.kind, Kind::Table | Kind::Tables);
        let mut read: Vec<String> =
            Settings::asked().into_iter().filter(|a| !is_table(a) && !of_list(&a.place)).map(|a| a.place).collect();
        read.sort();
        let mut sorted = shown.clone();
        sorted.sort();
        assert_eq!(read, sorted);
    }

    #[test]
    fn the_schema_reads_as_it_did() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&schema()).unwrap());
    }

    #[test]
    fn values_say_where_they_are_from_and_secrets_are_not_said() {
        let text =
            "[console]\ntheme = \"dawn\"\n[clouds.lab]\ndriver = \"openstack\"\npassword = \"hunter2\"\nregion = \"one\"\n";
        let settings = Settings::parse(std::path::Path::new("s.toml"), text).unwrap();
        let rows = settings.rows();
        let find = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
        assert_eq!((find("console.theme").from.as_str(), &find("console.theme").value), ("s.toml:2", &json!("dawn")));
        assert_eq!((find("engine.log").from.as_str(), find("engine.log").is_set()), ("default", false));
        assert_eq!(find("clouds.lab.region").from, "s.toml:6");
        assert!(!format!("{rows:?}").contains("hunter2"));
    }
}
