//! `.dockerignore`: which files of a directory are no part of a build's context.
//!
//! The rules are Docker's (docs.docker.com/build/concepts/context/#dockerignore-files): a pattern a line, `#` begins a
//! comment, `!` takes back in, the last pattern that matches a path or a directory above it decides. `*` and `?` stay
//! within one name, `**` stands for any number of directories.

use regex::Regex;

use crate::model::Failure;

struct Rule {
    pattern: Regex,
    /// `!`: what matches is in after all.
    keeps: bool,
}

/// See the module.
#[derive(Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

impl Ignore {
    /// The rules of a file; `name` is for messages.
    ///
    /// # Errors
    /// A pattern makes no sense.
    pub fn parse(text: &str, name: &str) -> Result<Self, Failure> {
        let mut rules = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (keeps, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let Some(path) = cleaned(line) else { continue };
            let pattern = Regex::new(&expression(&path)).map_err(|_| {
                Failure::refused("read which files a build leaves out", format!("{line:?} is no pattern"))
                    .at(format!("{name}:{}", number + 1))
            })?;
            rules.push(Rule { pattern, keeps });
        }
        Ok(Self { rules })
    }

    /// Whether a path within the context is left out.
    pub fn leaves_out(&self, path: &str) -> bool {
        let mut out = false;
        for rule in &self.rules {
            let above = path.match_indices('/').map(|(end, _)| &path[..end]);
            if rule.keeps == out && above.chain([path]).any(|path| rule.pattern.is_match(path)) {
                out = !rule.keeps;
            }
        }
        out
    }

    /// Whether anything below a directory that is left out may be in after all.
    pub fn may_keep(&self) -> bool {
        self.rules.iter().any(|rule| rule.keeps)
    }
}

/// A path without `.`, `..` and double slashes; nothing where it stands for the context itself.
fn cleaned(line: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in line.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// A pattern as a regular expression, as `moby/patternmatcher` makes one.
fn expression(pattern: &str) -> String {
    let mut out = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                match chars.peek() {
                    // `**/`: any number of directories, none included.
                    Some('/') => {
                        chars.next();
                        out.push_str("(?:.*/)?");
                    }
                    _ => out.push_str(".*"),
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => out.push_str(&regex::escape(&chars.next().map_or_else(|| "\\".to_owned(), String::from))),
            // A class is as in Go: what is in it is taken over.
            '[' => out.push('['),
            ']' => out.push(']'),
            '^' | '-' => out.push(c),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn out(text: &str, path: &str) -> bool {
        Ignore::parse(text, ".dockerignore").unwrap().leaves_out(path)
    }

    #[test]
    fn patterns_are_those_of_docker() {
        for (pattern, path) in [
            ("*.md", "README.md"),
            ("/target/", "target/debug/x"),
            ("**/*.o", "a/b/c.o"),
            ("**/*.o", "c.o"),
            ("a/**", "a/b/c"),
            ("./a/../b", "b"),
            ("tem?", "temp"),
            ("[ab].txt", "b.txt"),
            (r"a\*b", "a*b"),
            ("**", "anything/at/all"),
            ("node_modules", "node_modules/x/y"),
        ] {
            assert!(out(pattern, path), "{pattern} leaves {path} in");
        }
        for (pattern, path) in [
            ("*.md", "docs/README.md"),
            ("# target", "target"),
            ("tem?", "a/temp"),
            ("target", "targets"),
            (r"a\*b", "axb"),
            ("a.b", "axb"),
            ("", "x"),
            (".", "x"),
        ] {
            assert!(!out(pattern, path), "{pattern} leaves {path} out");
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let text = "*\n!src\n# a comment\nsrc/secret\n!src/secret/but-this\n";
        assert!(out(text, "Cargo.toml") && !out(text, "src/main.rs"));
        assert!(out(text, "src/secret/key") && !out(text, "src/secret/but-this"));
    }

    #[test]
    fn what_is_no_pattern_is_told_with_its_line() {
        let failure = Ignore::parse("ok\n[z-a]\n", ".dockerignore").err().unwrap();
        assert_eq!(failure.at, ".dockerignore:2");
    }
}
