//! How two things differ, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::cells;
use crate::console::widgets::table::natural;
use crate::console::words;
use crate::model::Time;

use super::sheet::{Sheet, column, tail_column};
use super::subject::Subject;

/// How the difference is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Side by side.
    Beside,
    /// One below the other, with `-` and `+`.
    Unified,
}

impl Shape {
    /// The other one.
    pub fn other(self) -> Self {
        if self == Self::Beside { Self::Unified } else { Self::Beside }
    }
}

/// One field of both.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Field {
    path: String,
    one: Option<String>,
    two: Option<String>,
}

impl Field {
    fn differs(&self) -> bool {
        self.one != self.two
    }
}

/// The text.
pub fn sheet(model: &Model, (one, two): (&Subject, &Subject), shape: Shape, all: bool, width: u16) -> Sheet {
    let mut sheet = Sheet::default();
    let (Some(left), Some(right)) = (one.whole(model), two.whole(model)) else {
        sheet.text("One of them is no longer there.", Role::Dim);
        return sheet;
    };
    let mut fields = fields(&left, &right);
    for field in &mut fields {
        for value in [&mut field.one, &mut field.two].into_iter().flatten() {
            if let Some(at) = time(&field.path, value) {
                *value = format!("{} {}", words::day(at, &model.zone), words::time_of_day(at, &model.zone));
            }
        }
    }
    let differing = fields.iter().filter(|field| field.differs()).count();
    let shown: Vec<&Field> = fields.iter().filter(|field| all || field.differs()).collect();
    let names = (one.name(model), two.name(model));
    match shape {
        Shape::Beside => beside(&mut sheet, &shown, &names, model.theme.glyph(Glyph::Ellipsis), width),
        Shape::Unified => unified(&mut sheet, &shown, &names),
    }
    sheet.blank();
    let text = match differing {
        0 => format!("All {} fields are the same.", fields.len()),
        1 => format!("1 of {} fields differs.", fields.len()),
        n => format!("{n} of {} fields differ.", fields.len()),
    };
    sheet.text(text, Role::Dim);
    sheet
}

fn beside(sheet: &mut Sheet, fields: &[&Field], names: &(String, String), ellipsis: &str, width: u16) {
    let widest = fields.iter().map(|field| cells(&field.path)).max().unwrap_or(0);
    let path = widest.clamp(8, (width / 3).max(8));
    let side = width.saturating_sub(path + 8) / 2;
    let mut line = |name: &str, left: &str, right: &str, roles: (Role, Role)| {
        let pieces = [
            (tail_column(name, path, ellipsis), Role::Title),
            ("  ".to_owned(), Role::Text),
            (column(left, side, ellipsis), roles.0),
            ("  ".to_owned(), Role::Text),
            (column(right, side, ellipsis).trim_end().to_owned(), roles.1),
        ];
        sheet.rich(pieces.iter().map(|(text, role)| (text.as_str(), *role)));
    };
    line("", &names.0, &names.1, (Role::Strong, Role::Strong));
    for field in fields {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        let roles = if field.differs() { (Role::Failed, Role::Ok) } else { (Role::Dim, Role::Dim) };
        line(&field.path, &text(&field.one), &text(&field.two), roles);
    }
}

fn unified(sheet: &mut Sheet, fields: &[&Field], names: &(String, String)) {
    sheet.rich([("--- ", Role::Failed), (names.0.as_str(), Role::Strong)]);
    sheet.rich([("+++ ", Role::Ok), (names.1.as_str(), Role::Strong)]);
    for field in fields {
        let path = format!("{}: ", field.path);
        if !field.differs() {
            let value = field.one.as_deref().unwrap_or_default();
            sheet.rich([("  ", Role::Dim), (path.as_str(), Role::Dim), (value, Role::Dim)]);
            continue;
        }
        for (sign, value, role) in [("- ", &field.one, Role::Failed), ("+ ", &field.two, Role::Ok)] {
            if let Some(value) = value {
                sheet.rich([(sign, role), (path.as_str(), Role::Title), (value.as_str(), role)]);
            }
        }
    }
}

/// A point in time, by the name of the field.
fn time(path: &str, value: &str) -> Option<Time> {
    let name = path.rsplit('.').next()?;
    ["created", "started", "ended", "at"].contains(&name).then(|| value.parse().ok().map(Time)).flatten()
}

/// All fields of both, by path, in a natural order.
fn fields(one: &Value, two: &Value) -> Vec<Field> {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    flatten(one, String::new(), &mut left);
    flatten(two, String::new(), &mut right);
    let mut paths: Vec<&String> = left.keys().chain(right.keys().filter(|path| !left.contains_key(*path))).collect();
    paths.sort_by(|a, b| natural(a, b));
    let field = |path: &String| Field { path: path.clone(), one: left.get(path).cloned(), two: right.get(path).cloned() };
    paths.into_iter().map(field).collect()
}

/// A value by the paths of its parts; parts of a list go by their name where they have one.
fn flatten(value: &Value, path: String, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => fields.iter().for_each(|(name, part)| flatten(part, below(name), into)),
        Value::Array(parts) if !parts.is_empty() => {
            for (at, part) in parts.iter().enumerate() {
                let named = part.get("name").and_then(Value::as_str);
                flatten(part, format!("{path}[{}]", named.map_or_else(|| at.to_string(), str::to_owned)), into);
            }
        }
        Value::String(text) => drop(into.insert(path, text.clone())),
        Value::Null => drop(into.insert(path, "none".to_owned())),
        Value::Object(_) | Value::Array(_) => drop(into.insert(path, "empty".to_owned())),
        other => drop(into.insert(path, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_told_apart_by_their_path() {
        let one = json!({"name": "a", "tags": {"x": 1}, "list": [{"name": "n", "v": 1}, 7], "gone": true, "none": null});
        let two = json!({"name": "b", "tags": {"x": 1}, "list": [{"name": "n", "v": 2}, 7], "none": null, "new": []});
        let differing: Vec<String> = fields(&one, &two)
            .into_iter()
            .filter(Field::differs)
            .map(|f| format!("{} {:?} {:?}", f.path, f.one.as_deref(), f.two.as_deref()))
            .collect();
        let want = [
            r#"gone Some("true") None"#,
            r#"list[n].v Some("1") Some("2")"#,
            r#"name Some("a") Some("b")"#,
            r#"new None Some("empty")"#,
        ];
        assert_eq!(differing, want);
        assert_eq!(fields(&one, &one).iter().filter(|f| f.differs()).count(), 0);
    }
}
