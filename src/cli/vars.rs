//! Extra variables: `-e name=value`, `-e '{"name": 1}'`, `-e @file`, as `ansible-playbook` takes them.

use std::path::Path;

use serde_json::Value;

use crate::model::Failure;
use crate::model::spec::Vars;

/// Largest file of variables, bytes.
const MAX_FILE: u64 = 256 * 1024;

/// Reads all `-e` arguments, later ones win.
///
/// # Errors
/// An argument that is none of the three forms; a file that cannot be read.
pub fn parse(arguments: &[String]) -> Result<Vars, Failure> {
    let mut vars = Vars::new();
    for argument in arguments {
        vars.extend(one(argument)?);
    }
    Ok(vars)
}

fn one(argument: &str) -> Result<Vars, Failure> {
    let argument = argument.trim();
    if let Some(path) = argument.strip_prefix('@') {
        return mapping(&read(path)?, path);
    }
    if argument.starts_with('{') {
        return mapping(argument, "-e");
    }
    pairs(argument)
}

fn read(path: &str) -> Result<String, Failure> {
    let tried = || format!("read variables of {path}");
    let text = super::file::read(Path::new(path), MAX_FILE, &tried())?;
    if text.starts_with("$ANSIBLE_VAULT") {
        return Err(Failure::refused(tried(), "the file is encrypted with Ansible Vault")
            .at(path)
            .next("load it in the playbook with vars_files, and give the password with --vault-password-file"));
    }
    Ok(text)
}

fn mapping(text: &str, at: &str) -> Result<Vars, Failure> {
    let value: Value =
        serde_saphyr::from_str(text).map_err(|error| Failure::refused("read variables", error.to_string().trim()).at(at))?;
    match value {
        Value::Object(map) => Ok(map.into_iter().collect()),
        Value::Null => Ok(Vars::new()),
        _ => Err(Failure::refused("read variables", "expected names with values, not a list or a single value").at(at)),
    }
}

/// `a=1 b='x y'`: values are text. A word without `=` belongs to the value before it.
fn pairs(text: &str) -> Result<Vars, Failure> {
    let bad = || {
        Failure::refused("read variables", format!("{text:?} is not name=value"))
            .at("-e")
            .next("write -e name=value, -e '{\"name\": 1}' or -e @file.yml")
    };
    let mut found: Vec<(String, String)> = Vec::new();
    for word in words(text) {
        match word.split_once('=') {
            Some((name, value)) if is_variable(name) => found.push((name.to_owned(), value.to_owned())),
            _ => {
                let (_, value) = found.last_mut().ok_or_else(bad)?;
                value.push(' ');
                value.push_str(&word);
            }
        }
    }
    if found.is_empty() {
        return Err(bad());
    }
    Ok(found.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
}

fn is_variable(name: &str) -> bool {
    name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Words between spaces; quotes keep spaces in a word and go away.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            None => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vars(arguments: &[&str]) -> Value {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        json!(parse(&arguments).unwrap())
    }

    #[test]
    fn names_with_values_are_text() {
        assert_eq!(vars(&["a=1"]), json!({"a": "1"}));
        assert_eq!(vars(&["a=1 b='x y'"]), json!({"a": "1", "b": "x y"}));
        assert_eq!(vars(&["a=1", "a=2"]), json!({"a": "2"}));
        assert_eq!(vars(&["url=http://h/?q=1"]), json!({"url": "http://h/?q=1"}));
        assert_eq!(vars(&["msg=hello world"]), json!({"msg": "hello world"}));
        assert_eq!(vars(&["empty="]), json!({"empty": ""}));
    }

    #[test]
    fn json_and_files_keep_their_types() {
        assert_eq!(vars(&[r#"{"a": 1, "b": [true]}"#]), json!({"a": 1, "b": [true]}));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vars.yml");
        std::fs::write(&path, "a: 1\nb: {c: [x]}\n").unwrap();
        assert_eq!(vars(&[&format!("@{}", path.display())]), json!({"a": 1, "b": {"c": ["x"]}}));
    }

    #[test]
    fn what_is_no_variable_is_refused_with_the_way_out() {
        for bad in ["", "noequals", "=x", "a-b=1", "@/no/such/file", "{a: [", "[1]"] {
            assert!(parse(&[bad.to_owned()]).is_err(), "{bad:?} was taken");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.yml");
        std::fs::write(&path, "$ANSIBLE_VAULT;1.1;AES256\n6162\n").unwrap();
        let failure = parse(&[format!("@{}", path.display())]).unwrap_err();
        assert!(failure.next.contains("vault-password-file"), "{failure}");
    }
}
