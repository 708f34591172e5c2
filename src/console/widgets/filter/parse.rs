//! From the text of a filter to its terms and faults.

use std::ops::Range;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use regex::RegexBuilder;

use crate::console::widgets::table::{Column, Kind};

use super::units::{Wrong, number};
use super::{Fault, Op, Term, Test, Value, Wants, Word};

/// Largest regular expression, compiled, bytes.
const MAX_REGEX: usize = 1 << 20;

/// Signs between a column and a value; longer ones first.
pub const SIGNS: &[&str] = &["!=", "!~", ">=", "<=", "=", "~", ">", "<"];

/// A piece of the text between spaces, with quotes taken away.
#[derive(Debug)]
pub struct Token {
    pub span: Range<usize>,
    /// `!` stands before it.
    pub not: bool,
    /// Column and sign, when there are both.
    pub column: Option<(Range<usize>, &'static str)>,
    /// Where the value, or the word, begins.
    pub value_at: usize,
    pub value: String,
    pub quoted: bool,
}

/// Cuts a text into its tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(skip) = text[at..].find(|c: char| !c.is_whitespace()) {
        let token = token(text, at + skip);
        at = token.span.end;
        out.push(token);
    }
    out
}

fn token(text: &str, start: usize) -> Token {
    let mut at = start;
    let not = text[at..].starts_with('!') && !text[at..].starts_with("!=") && !text[at..].starts_with("!~");
    if not {
        at += 1;
    }
    let name_end = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').map_or(text.len(), |n| at + n);
    let sign = SIGNS.iter().find(|sign| name_end > at && text[name_end..].starts_with(**sign));
    let column = sign.map(|sign| (at..name_end, *sign));
    if let Some((name, sign)) = &column {
        at = name.end + sign.len();
    }
    let value_at = at;
    let mut value = String::new();
    let (mut quote, mut quoted) = (None, false);
    let mut end = text.len();
    for (i, c) in text[at..].char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => value.push(c),
            None if c == '"' => (quote, quoted) = (Some(c), true),
            None if c.is_whitespace() => {
                end = at + i;
                break;
            }
            None => value.push(c),
        }
    }
    Token { span: start..end, not, column, value_at, value, quoted }
}

/// Reads a text: what is right becomes terms, what is wrong faults.
pub fn parse(text: &str, columns: &[Column]) -> (Vec<Term>, Vec<Fault>) {
    let (mut terms, mut faults) = (Vec::new(), Vec::new());
    for token in tokens(text) {
        match term(text, &token, columns) {
            Ok(Some(term)) => terms.push(term),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    (terms, faults)
}

fn term(text: &str, token: &Token, columns: &[Column]) -> Result<Option<Term>, Fault> {
    let value = token.value_at..token.span.end;
    let Some((name, sign)) = &token.column else {
        if token.value.is_empty() {
            return Ok(None);
        }
        let test = match (token.value.strip_prefix('\''), token.value.strip_prefix('~')) {
            _ if token.quoted => Test::Exact(word(&token.value, AtomKind::Substring)),
            (Some(""), _) | (_, Some("")) => return Ok(None),
            (Some(exact), _) => Test::Exact(word(exact, AtomKind::Substring)),
            (_, Some(expression)) => Test::Anywhere(regex(expression, &value)?),
            // What leaves out must not leave out by chance.
            _ if token.not => Test::Exact(word(&token.value, AtomKind::Substring)),
            _ => Test::Fuzzy(word(&token.value, AtomKind::Fuzzy)),
        };
        return Ok(Some(Term { not: token.not, test }));
    };
    let index = column(&text[name.clone()], name, columns)?;
    if token.value.is_empty() && !token.quoted {
        return Err(Fault { span: value, text: "a value is missing".to_owned(), unfinished: true });
    }
    let (wants, turned) = wants(sign, token, columns[index].kind, &value)?;
    Ok(Some(Term { not: token.not != turned, test: Test::Column(index, wants) }))
}

/// What a sign and a value want of a column, and whether the sign turns it round.
fn wants(sign: &str, token: &Token, kind: Kind, at: &Range<usize>) -> Result<(Wants, bool), Fault> {
    let fault = |wrong: Wrong| Fault { span: at.clone(), text: wrong.text, unfinished: wrong.unfinished };
    let op = match sign {
        "=" | "!=" => {
            let values = if token.quoted { vec![token.value.as_str()] } else { token.value.split(',').collect() };
            let value = |v: &str| Value { text: v.to_lowercase(), number: number(v, kind).ok().filter(|_| kind != Kind::Text) };
            return Ok((Wants::Is(values.into_iter().map(value).collect()), sign == "!="));
        }
        "~" | "!~" => return Ok((Wants::Matches(regex(&token.value, at)?), sign == "!~")),
        ">" => Op::More,
        ">=" => Op::MoreOrEqual,
        "<" => Op::Less,
        _ => Op::LessOrEqual,
    };
    if kind == Kind::Text {
        return Ok((Wants::CompareText(op, token.value.clone()), false));
    }
    Ok((Wants::Compare(op, number(&token.value, kind).map_err(fault)?), false))
}

/// The column that is meant: by its name, its other name, or the beginning of one.
fn column(name: &str, at: &Range<usize>, columns: &[Column]) -> Result<usize, Fault> {
    let name = name.to_ascii_lowercase();
    let names = |c: &Column| [c.id, c.alias].into_iter().filter(|n| !n.is_empty()).collect::<Vec<_>>();
    if let Some(index) = columns.iter().position(|c| names(c).contains(&name.as_str())) {
        return Ok(index);
    }
    let begins = |c: &Column| names(c).iter().any(|n| n.starts_with(&name));
    let near: Vec<usize> = (0..columns.len()).filter(|&i| begins(&columns[i])).collect();
    let fault = |text: String| Fault { span: at.clone(), text, unfinished: false };
    match near.as_slice() {
        [only] => Ok(*only),
        [] => {
            let all = columns.iter().flat_map(names);
            let near = all.map(|n| (strsim::jaro_winkler(n, &name), n)).max_by(|a, b| a.0.total_cmp(&b.0));
            let hint = match near {
                Some((likeness, near)) if likeness > 0.75 => format!("; did you mean {near}?"),
                _ => format!("; there are {}", list(columns)),
            };
            Err(fault(format!("there is no column {name}{hint}")))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|&i| columns[i].id).collect();
            Err(fault(format!("{name} may be {}", names.join(" or "))))
        }
    }
}

fn list(columns: &[Column]) -> String {
    columns.iter().map(|c| c.id).collect::<Vec<_>>().join(", ")
}

fn regex(expression: &str, at: &Range<usize>) -> Result<regex::Regex, Fault> {
    let cased = expression.chars().any(char::is_uppercase);
    let built = RegexBuilder::new(expression).case_insensitive(!cased).size_limit(MAX_REGEX).build();
    built.map_err(|error| {
        let text = match &error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
                format!("regular expression: {last}")
            }
        };
        // Brackets that are still open may be closed yet.
        let unfinished = text.contains("unclosed") || text.contains("incomplete");
        Fault { span: at.clone(), text, unfinished }
    })
}

fn word(text: &str, kind: AtomKind) -> Word {
    let cased = text.chars().any(char::is_uppercase);
    let atom = Atom::new(text, CaseMatching::Smart, Normalization::Smart, kind, false);
    Word { text: text.to_owned(), cased, atom }
}
