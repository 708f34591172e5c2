//! Taking text somewhere: to the clipboard, to a file, to `$PAGER`. An output is paged through; it is never in memory
//! as a whole, but for what a clipboard takes.

use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;

use crate::client::Client;
use crate::model::text::clean;
use crate::model::{Failure, RunNo};
use crate::protocol::{Answer, Command};

use super::app::App;
use super::effects::{expand, lend_terminal};
use super::msg::{Goal, Msg, Source};
use super::terminal::mux::Mux;
use super::words;

/// Longest text for a clipboard, bytes: longer ones are refused by terminals.
const MAX_COPY: usize = 74_000;
/// Lines asked for at once.
const PAGE: u32 = 2000;

/// Takes a text to its goal; what comes of it is said.
pub async fn take(app: &mut App, title: String, source: Source, goal: Goal) {
    let client = app.client.clone();
    match goal {
        Goal::Clipboard => {
            let saved = app.options.paths.data.join("saved");
            match clipboard(&client, &source, &title, &saved).await {
                Ok((text, says)) => {
                    if let Some(text) = text {
                        app.push_extra(&osc52(&text, Mux::here()));
                    }
                    let _ = app.results.send(Msg::Taken(Ok(says)));
                }
                Err(failure) => drop(app.results.send(Msg::Taken(Err(failure)))),
            }
        }
        Goal::File(path) => {
            let results = app.results.clone();
            tokio::spawn(async move {
                let result = save(&client, &source, &expand(&path)).await;
                let _ = results.send(Msg::Taken(result.map(|(lines, path)| saved_says(lines, &path))));
            });
        }
        Goal::Pager => {
            let results = app.results.clone();
            tokio::spawn(async move {
                let path = std::env::temp_dir().join(format!("quarterdeck-{}.txt", uuid::Uuid::new_v4()));
                let result = save(&client, &source, &path).await;
                let _ = results.send(Msg::ForPager(result.map(|(_, path)| path)));
            });
        }
    }
}

fn saved_says(lines: u64, path: &Path) -> String {
    format!("saved {} to {}", words::many(lines, "line"), path.display())
}

/// The text for the clipboard and what is said of it; one that is too long is saved instead.
async fn clipboard(client: &Client, source: &Source, title: &str, folder: &Path) -> Result<(Option<String>, String), Failure> {
    let mut text = Vec::new();
    let mut pieces = Pieces::of(client, source);
    while text.len() <= MAX_COPY
        && let Some(piece) = pieces.next().await?
    {
        text.extend_from_slice(piece.as_bytes());
    }
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    if text.len() <= MAX_COPY {
        let text = String::from_utf8_lossy(&text).into_owned();
        let first = text.lines().next().unwrap_or_default().to_owned();
        let more = text.lines().count().saturating_sub(1);
        let tail = if more > 0 { format!(" and {}", words::many(more as u64, "more line")) } else { String::new() };
        return Ok((Some(text), format!("copied {first}{tail}")));
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = title.chars().map(plain).take(60).collect();
    let failed = |e: std::io::Error| Failure::broken("save what is too long for the clipboard", e).at(folder.display());
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let free = (1..10_000).map(|n| folder.join(format!("{name}-{n}.txt"))).find(|path| !path.exists());
    let path = free.ok_or_else(|| failed(std::io::Error::other("there are too many files already")))?;
    let (lines, path) = save(client, source, &path).await?;
    Ok((None, format!("too long for the clipboard: {}", saved_says(lines, &path))))
}

/// Writes a text into a new file; how many lines there are, and its whole path.
async fn save(client: &Client, source: &Source, path: &Path) -> Result<(u64, PathBuf), Failure> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let failed = |e: std::io::Error| {
        let exists = e.kind() == std::io::ErrorKind::AlreadyExists;
        let failure =
            Failure::refused("save a text", if exists { "there is such a file already".to_owned() } else { e.to_string() });
        let failure = failure.at(path.display());
        if exists { failure.next("choose another name") } else { failure }
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    let mut file = std::io::BufWriter::new(file);
    let mut lines = 0;
    let mut pieces = Pieces::of(client, source);
    while let Some(piece) = pieces.next().await? {
        lines += piece.lines().count() as u64;
        file.write_all(piece.as_bytes()).map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok((lines, path))
}

/// Gives the terminal to `$PAGER` with a text in a file of its own, which is gone afterwards.
///
/// # Errors
/// There is no such program.
pub async fn page(app: &mut App, path: &Path) -> Result<(), Failure> {
    let pager = std::env::var("PAGER").ok().filter(|p| !p.trim().is_empty()).unwrap_or_else(|| "less".to_owned());
    let result = lend_terminal(app, &pager, path).await;
    let _ = std::fs::remove_file(path);
    let failed = |e| Failure::broken("open the pager", e).at(&pager).next("set PAGER to a program that is installed");
    result.map(drop).map_err(failed)
}

/// A text, piece by piece, each ending with a line feed.
struct Pieces<'a> {
    client: &'a Client,
    left: Left<'a>,
}

enum Left<'a> {
    Text(Option<&'a str>),
    Output { run: RunNo, step: u32, attempt: u32, lines: Vec<Range<u64>> },
}

impl<'a> Pieces<'a> {
    fn of(client: &'a Client, source: &'a Source) -> Self {
        let left = match source {
            Source::Text(text) => Left::Text(Some(text)),
            Source::Output { run, step, attempt, lines } => {
                // The next one is the last: it is taken off the end.
                let lines = lines.iter().rev().cloned().collect();
                Left::Output { run: *run, step: *step, attempt: *attempt, lines }
            }
        };
        Self { client, left }
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        let (run, step, attempt, lines) = match &mut self.left {
            Left::Text(text) => return Ok(text.take().map(|text| format!("{text}\n"))),
            Left::Output { run, step, attempt, lines } => (*run, *step, *attempt, lines),
        };
        let mut numbers: Vec<u64> = Vec::new();
        while numbers.len() < PAGE as usize
            && let Some(span) = lines.last_mut()
        {
            let take = span.end.min(span.start + (PAGE as usize - numbers.len()) as u64);
            numbers.extend(span.start..take);
            span.start = take;
            if span.is_empty() {
                lines.pop();
            }
        }
        if numbers.is_empty() {
            return Ok(None);
        }
        let command = Command::OutputPage { run, step, attempt, from: 0, count: 0, pick: numbers.clone(), times: false };
        let page = match self.client.request(command).await {
            Ok(Answer::Output(page)) => page,
            Ok(_) => return Err(Failure::broken("read the output", "the engine answered something else")),
            Err(refusal) => return Err(refusal.failure),
        };
        // What did not fit into the answer is asked for again.
        let got = page.lines.len();
        if let Some(first) = numbers.get(got).filter(|_| got > 0) {
            lines.extend(spans(&numbers[got..]).into_iter().rev());
            debug_assert!(lines.last().is_some_and(|span| span.start == *first));
        }
        let text: String = page.lines.iter().flat_map(|line| [clean(line), "\n".into()]).collect();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

fn spans(numbers: &[u64]) -> Vec<Range<u64>> {
    let mut spans: Vec<Range<u64>> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some(last) if last.end == *number => last.end += 1,
            _ => spans.push(*number..number + 1),
        }
    }
    spans
}

/// The sequence that puts a text on the clipboard of the terminal, wherever that is, wrapped so that it gets through.
fn osc52(text: &str, mux: Mux) -> Vec<u8> {
    let coded = base64::engine::general_purpose::STANDARD.encode(text);
    let plain = format!("\x1b]52;c;{coded}\x07");
    match mux {
        // tmux takes it for itself (set-clipboard), or lets it through (allow-passthrough), as it is set.
        Mux::Tmux => [plain.as_bytes().to_vec(), mux.through(&plain)].concat(),
        _ => mux.through(&plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gets_through_what_is_in_between() {
        let text = |mux| String::from_utf8(osc52("hi", mux)).unwrap();
        assert_eq!(text(Mux::None), "\x1b]52;c;aGk=\x07");
        assert_eq!(text(Mux::Tmux), "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\");
        assert_eq!(text(Mux::Screen), "\x1bP\x1b]52;c;aGk=\x07\x1b\\");
        let long = String::from_utf8(osc52(&"x".repeat(1000), Mux::Screen)).unwrap();
        let joined = long.replace("\x1b\\\x1bP", "");
        assert!(long.matches("\x1bP").count() > 4);
        assert_eq!(joined, format!("\x1bP{}\x1b\\", String::from_utf8(osc52(&"x".repeat(1000), Mux::None)).unwrap()));
    }

    #[test]
    fn numbers_join_to_spans() {
        assert_eq!(spans(&[1, 2, 3, 7, 9, 10]), vec![1..4, 7..8, 9..11]);
    }
}
