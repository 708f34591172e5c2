//! Looking into the output of a step: pages, times, search, the lines of one host.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::ansible::events::Tail;
use crate::ansible::playbook::EVENTS;
use crate::base::lately::Lately;
use crate::engine::core::{Core, lock};
use crate::model::lines::{HostLines, Stamps};
use crate::model::{Failure, Find, Finder, RunNo, Time};
use crate::protocol::Answer;
use crate::protocol::command::{FoundLines, OutputPage};
use crate::store::output;

/// Most lines of one page.
const PAGE: u32 = 5000;
/// Most lines that one search tells of: their numbers fit into a message.
const FOUND: u32 = 50_000;
/// Events read at once.
const CHUNK: usize = 10_000;
/// Outputs whose index stays in memory.
const OPEN: usize = 4;

/// An output: of a step's attempt.
pub struct Place {
    attempt: u32,
    dir: PathBuf,
    /// Nothing is added any more.
    ended: bool,
}

impl Place {
    fn output(&self) -> PathBuf {
        self.dir.join("output")
    }
}

/// Where the output of a step is; `attempt` 0 is its last one.
///
/// # Errors
/// There is no such step.
pub async fn place(core: &Core, run: RunNo, step: u32, attempt: u32) -> Result<Place, Failure> {
    let step = super::looking::find_step(core, run, step).await?;
    let attempt = if attempt == 0 { step.attempt.max(1) } else { attempt };
    let ended = attempt < step.attempt || step.state.ended();
    Ok(Place { attempt, dir: core.store.step_dir(run, step.index, attempt), ended })
}

/// A page, or the picked lines.
///
/// # Errors
/// The output cannot be read.
pub async fn page(
    core: &Arc<Core>,
    place: Place,
    from: u64,
    count: u32,
    mut pick: Vec<u64>,
    times: bool,
) -> Result<Answer, Failure> {
    let core = Arc::clone(core);
    blocking(move || {
        pick.truncate(PAGE as usize);
        pick.sort_unstable();
        let page = core.pages.read(&place.output(), |pager| match pick.as_slice() {
            [] => pager.page(from, count.min(PAGE), place.ended),
            pick => pager.pick(pick, place.ended),
        })?;
        let times = if times { core.indexes.times(&place.dir, &page.offsets) } else { Vec::new() };
        let (from, lines, total, bytes) = (page.from, page.lines, page.total, page.bytes);
        Ok(Answer::Output(OutputPage { attempt: place.attempt, from, lines, times, total, bytes, ended: place.ended }))
    })
    .await
}

/// The lines in which something is found.
///
/// # Errors
/// It is no expression; the output cannot be read.
pub async fn search(
    core: &Arc<Core>,
    place: Place,
    find: Option<Find>,
    host: Option<String>,
    lines: Range<u64>,
    count: u32,
) -> Result<Answer, Failure> {
    let wrong = |find: &Find, why| Failure::refused(format!("search for {}", find.text), why);
    let finder = find.map(|f| Finder::new(&f).map_err(|why| wrong(&f, why))).transpose()?;
    let core = Arc::clone(core);
    blocking(move || {
        let host = host.map(|host| core.indexes.host(&place.dir, &host));
        let wanted = |offset: u64, line: &str| {
            host.as_ref().is_none_or(|h| h.holds(offset, line)) && finder.as_ref().is_none_or(|f| f.is_in(line))
        };
        let from = lines.start;
        // A pager of its own: a page must not wait for a search.
        let found = core.pages.own(&place.output())?.search(lines, count.min(FOUND) as usize, place.ended, wanted)?;
        let (attempt, ended, from) = (place.attempt, place.ended, from.min(found.upto));
        Ok(Answer::Found(FoundLines { attempt, from, upto: found.upto, lines: found.lines, total: found.total, ended }))
    })
    .await
}

/// The number of the line that holds a byte.
///
/// # Errors
/// The output cannot be read.
pub async fn line(core: &Arc<Core>, place: Place, byte: u64) -> Result<Answer, Failure> {
    let core = Arc::clone(core);
    blocking(move || Ok(Answer::Line(core.pages.read(&place.output(), |pager| pager.line_at(byte, place.ended))?))).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::broken("read output", e))?
}

/// What the events of a playbook say of its output, kept for those who look again: reading them all takes a second
/// when there are a million.
pub struct Indexes(Lately<PathBuf, Index>);

impl Default for Indexes {
    fn default() -> Self {
        Self(Lately::new(OPEN))
    }
}

struct Index {
    tail: Tail,
    stamps: Stamps,
    /// Of the host that was asked for last.
    host: Option<HostLines>,
}

impl Index {
    fn new(dir: &Path, host: Option<&str>) -> Self {
        Self { tail: Tail::new(dir.join(EVENTS)), stamps: Stamps::default(), host: host.map(HostLines::new) }
    }

    /// Takes in what was written since.
    fn refresh(&mut self) {
        loop {
            let events = self.tail.read(CHUNK);
            if events.is_empty() {
                return;
            }
            for event in &events {
                self.stamps.event(event);
                if let Some(host) = &mut self.host {
                    host.event(event);
                }
            }
        }
    }
}

impl Indexes {
    fn of(&self, dir: &Path) -> Arc<Mutex<Index>> {
        self.0.get(dir.to_owned(), || Index::new(dir, None))
    }

    /// When the lines that begin at these bytes were written. The events of a playbook tell it, for any other output
    /// the engine that wrote it.
    fn times(&self, dir: &Path, offsets: &[u64]) -> Vec<Option<Time>> {
        let index = self.of(dir);
        let mut index = lock(&index);
        index.refresh();
        if index.stamps.is_empty() {
            let stamps = output::stamps(&dir.join("output"));
            return offsets.iter().map(|offset| stamps.at(*offset)).collect();
        }
        offsets.iter().map(|offset| index.stamps.at(*offset)).collect()
    }

    /// The lines of a host.
    fn host(&self, dir: &Path, host: &str) -> HostLines {
        let index = self.of(dir);
        let mut index = lock(&index);
        if index.host.as_ref().is_none_or(|known| known.host() != host) {
            *index = Index::new(dir, Some(host));
        }
        index.refresh();
        index.host.clone().unwrap_or_else(|| HostLines::new(host))
    }
}
