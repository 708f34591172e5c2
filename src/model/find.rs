//! What is looked for in a text, and where it stands in it.

use std::ops::Range;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Largest compiled expression, bytes: what somebody types stays far below, what would eat memory is refused.
const MAX: usize = 1 << 20;

/// What is looked for: a text or a regular expression. Case makes no difference unless it is asked for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Find {
    pub text: String,
    /// `text` is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// `A` is not `a`.
    #[serde(default)]
    pub case: bool,
}

impl Find {
    /// A plain text, in whatever case.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A [`Find`] made ready. The time it takes grows with the text alone: no expression makes it slow.
#[derive(Clone, Debug)]
pub struct Finder(Regex);

impl Finder {
    /// Makes it ready.
    ///
    /// # Errors
    /// The regular expression is none, in words.
    pub fn new(find: &Find) -> Result<Self, String> {
        let pattern = if find.regex { find.text.clone() } else { regex::escape(&find.text) };
        let built = RegexBuilder::new(&pattern).case_insensitive(!find.case).size_limit(MAX).build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
            // The first lines show the place with a caret; the last one says what is wrong.
            error => {
                let text = error.to_string();
                text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })
    }

    /// Whether it is in a line.
    pub fn is_in(&self, line: &str) -> bool {
        self.0.is_match(line)
    }

    /// Where it is in a line, in bytes; what matches nothing at all has no place.
    pub fn places<'a>(&'a self, line: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.0.find_iter(line).map(|found| found.range()).filter(|range| !range.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(find: &Find, line: &str) -> Vec<(usize, usize)> {
        Finder::new(find).unwrap().places(line).map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn text_is_found_in_any_case_unless_case_counts() {
        assert_eq!(places(&Find::text("fatal"), "FATAL: fatal"), [(0, 5), (7, 12)]);
        assert_eq!(places(&Find { case: true, ..Find::text("fatal") }, "FATAL: fatal"), [(7, 12)]);
        assert_eq!(places(&Find::text("STRASSE é"), "strasse É"), [(0, 10)]);
    }

    #[test]
    fn signs_mean_themselves_unless_it_is_an_expression() {
        assert_eq!(places(&Find::text("a.b"), "axb a.b"), [(4, 7)]);
        let expression = Find { regex: true, ..Find::text("a.b|^x*") };
        assert_eq!(places(&expression, "axb a.b"), [(0, 3), (4, 7)]);
        assert!(places(&Find { regex: true, ..Find::text("x*") }, "abc").is_empty());
    }

    #[test]
    fn what_is_no_expression_says_what_is_wrong() {
        let wrong = |text: &str| Finder::new(&Find { regex: true, ..Find::text(text) }).unwrap_err();
        assert_eq!(wrong("a("), "unclosed group");
        assert_eq!(wrong("(a{1000}){1000}"), "the expression is too large");
    }
}
