//! Words that people type: the nearest valid one, and how a wrong one is shown.

use crate::model::text;

/// Longest piece of a person's text in a message, in characters.
const SHOWN: usize = 60;

/// Words longer than this are compared with nothing.
const COMPARED: usize = 100;

/// `text` fit for a message: no control sequence, one line, cut with `…` when long.
pub fn shown(text: &str) -> String {
    let head: String = text.chars().take(SHOWN + 1).collect();
    let clean = text::clean(&head);
    let mut out: String = clean.chars().take(SHOWN).collect();
    if head.chars().count() > SHOWN {
        out.push('…');
    }
    out
}

/// How unlike two words are, 0 for equal ones; upper and lower case count as the same.
fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}

/// All `valid` words, nearest to `word` first, then in order of the alphabet (only so when `word` is empty).
pub fn ranked<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut words: Vec<&str> = valid.into_iter().collect();
    words.sort_unstable();
    words.dedup();
    if !word.is_empty() && word.len() <= COMPARED {
        words.sort_by_key(|candidate| distance(word, candidate));
    }
    words
}

/// The valid word that was probably meant, if one is near enough.
pub fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > COMPARED {
        return None;
    }
    let best = ranked(word, valid).into_iter().next()?;
    let allowed = (word.chars().count().max(best.chars().count()) / 3).max(1);
    let near = distance(word, best) <= allowed;
    let begins = word.len() >= 3 && (best.starts_with(word) || word.starts_with(best) && best.len() >= 3);
    (near || begins).then_some(best)
}

/// ` (did you mean `x`?)`, or nothing.
pub fn did_you_mean<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, valid).map_or_else(String::new, |best| format!(" (did you mean `{best}`?)"))
}

/// At most `most` words, nearest first: "`a`, `b` and 3 more"; "none" when there are none.
pub fn list<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let words = ranked(word, valid);
    if words.is_empty() {
        return "none".to_owned();
    }
    let named: Vec<String> = words.iter().take(most).map(|w| format!("`{}`", shown(w))).collect();
    let named = named.join(", ");
    match words.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_or_none() {
        let valid = ["name", "cloud", "groups", "playbooks", "on_failure"];
        assert_eq!(nearest("groop", valid), Some("groups"));
        assert_eq!(nearest("grups", valid), Some("groups"));
        assert_eq!(nearest("playbook", valid), Some("playbooks"));
        assert_eq!(nearest("onfailure", valid), Some("on_failure"));
        assert_eq!(nearest("NAME", valid), Some("name"));
        assert_eq!(nearest("zebra", valid), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), valid), None);
    }

    #[test]
    fn lists_are_short_and_start_with_the_nearest() {
        assert_eq!(list("smal", ["tiny", "small", "large"], 2), "`small`, `tiny` and 1 more");
        assert_eq!(list("x", [], 10), "none");
    }

    #[test]
    fn text_of_people_is_cut_and_cleaned() {
        assert_eq!(shown(&"a".repeat(70)), format!("{}…", "a".repeat(60)));
        assert_eq!(shown("\u{1b}[31mred"), "red");
        assert_eq!(shown("two\nlines"), "two·lines");
    }
}
