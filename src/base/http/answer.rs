//! An answer, and what its status means.

use std::time::Duration;

use bytes::Bytes;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::request::Request;
use crate::model::{Class, Failure, Time};

/// Longest message of the other side that is shown, characters.
const SHOWN: usize = 600;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The answer, if it says that all went well.
    ///
    /// # Errors
    /// What its status means, with the other side's own words.
    pub fn ok(self, request: &Request) -> Result<Self, Failure> {
        if self.status.is_success() { Ok(self) } else { Err(self.failure(request)) }
    }

    /// The body as JSON. What is not known in it is passed over.
    ///
    /// # Errors
    /// It is no JSON, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let start: String = String::from_utf8_lossy(&self.body).chars().take(80).collect();
            let got = format!("an answer that makes no sense ({e}): {start}");
            Failure::broken(request.tried(), request.fit(&got)).at(request.at()).next("check that this is the right address")
        })
    }

    /// How long to wait, where the other side says it.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let at = time(text)?;
        let now = self.date()?;
        Some(Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or(0)))
    }

    /// The other side's clock when it answered.
    pub fn date(&self) -> Option<Time> {
        time(self.headers.get(DATE)?.to_str().ok()?)
    }

    /// The failure that the status means.
    pub fn failure(&self, request: &Request) -> Failure {
        let status = self.status.as_u16();
        let message = message_of(&self.body);
        let quota = message.to_lowercase().contains("quota");
        let class = match status {
            401 => Class::Credentials,
            403 | 409 | 413 if quota => Class::Quota,
            404 | 410 => Class::NotFound,
            413 | 429 => Class::Throttled,
            503 if self.retry_after().is_some() => Class::Throttled,
            408 | 425 | 500 | 502..=504 | 507..=599 => Class::Transient,
            _ => Class::Refused,
        };
        let reason = self.status.canonical_reason().unwrap_or("unknown status");
        let mut got = if message.is_empty() { format!("{status} {reason}") } else { format!("{status}: {message}") };
        if self.status.is_redirection()
            && let Some(to) = self.headers.get(LOCATION).and_then(|to| to.to_str().ok())
        {
            let to = to.split(['?', '#']).next().unwrap_or_default();
            got = format!("{status} {reason}: it sends on to {to}, which is another place");
        }
        let mut failure = Failure::new(class, request.tried(), request.fit(&got)).at(request.at());
        failure.retry_after_ms = self.retry_after().map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        failure
    }
}

fn time(text: &str) -> Option<Time> {
    let zoned = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Time(zoned.as_millisecond()))
}

/// What a body says of an error: the message in its JSON, the text of its HTML, or itself.
pub fn message_of(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => in_json(&value).unwrap_or_default(),
        Err(_) => without_tags(&String::from_utf8_lossy(&body[..body.len().min(64 << 10)])),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn in_json(value: &Value) -> Option<String> {
    const NAMES: [&str; 6] = ["message", "faultstring", "error_description", "detail", "reason", "title"];
    match value {
        Value::Object(map) => {
            let named = NAMES.iter().filter_map(|name| map.get(*name));
            let mut texts = named.filter_map(Value::as_str).filter(|text| !text.trim().is_empty());
            texts.next().map(str::to_owned).or_else(|| map.values().find_map(in_json))
        }
        Value::Array(list) => list.iter().find_map(in_json),
        _ => None,
    }
}

/// The text between tags, from the body on where there is one.
fn without_tags(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let text = lower.find("<body").map_or(text, |at| &text[at..]);
    let (mut out, mut inside) = (String::new(), false);
    for c in text.chars() {
        match c {
            '<' => {
                inside = true;
                out.push(' ');
            }
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}
