//! The user's own program is told when a run ends or asks, whether or not anybody looks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::base::Cx;
use crate::base::process::Program;
use crate::model::{Failure, PromptId, PromptState, Run, RunNo};

use super::core::Core;
use super::feeds::Recorded;
use super::state::State;

/// How long the program may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How many of them run at once; more wait.
const AT_ONCE: usize = 4;
/// Events that are read at once.
const BATCH: usize = 256;

/// Tells `program` of what happens from now on, until the engine ends.
pub async fn tell(core: Arc<Core>, program: PathBuf) {
    let (mut feed, mut seen) = {
        let state = core.journal.state();
        (core.journal.feed(state.seq), Seen::new(&state))
    };
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        // What matters is the state; an event only says that it is time to look. A reader that fell behind looks too.
        let behind = matches!(feed.next(BATCH).await, Recorded::Behind);
        let news = {
            let state = core.journal.state();
            if behind {
                feed = core.journal.feed(state.seq);
            }
            seen.look(&state)
        };
        for news in news {
            let (program, slots) = (program.clone(), Arc::clone(&slots));
            tokio::spawn(async move {
                let Ok(_slot) = slots.acquire().await else { return };
                if let Err(failure) = call(&program, &news).await {
                    tracing::warn!(%failure, run = %news.run, "the program that is told of runs");
                }
            });
        }
    }
}

async fn call(program: &Path, news: &News) -> Result<(), Failure> {
    let ran = Program::new(program)
        .args([news.event, &news.run.to_string(), &news.title])
        .env("QUARTERDECK_EVENT", news.event)
        .env("QUARTERDECK_RUN", news.run.to_string())
        .env("QUARTERDECK_TITLE", &news.title)
        .env("QUARTERDECK_STATE", &news.state)
        .env("QUARTERDECK_CLUSTER", &news.cluster)
        .env("QUARTERDECK_TEXT", &news.text)
        .limit(LIMIT)
        .run(&Cx::quiet())
        .await?;
    if ran.status.success() {
        return Ok(());
    }
    let said = ran.stderr.lines().next().unwrap_or_default().to_owned();
    Err(Failure::broken(format!("run {}", program.display()), format!("{} {said}", ran.status)))
}

/// Something to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
struct News {
    /// `ended` or `asks`.
    event: &'static str,
    run: RunNo,
    title: String,
    state: String,
    cluster: String,
    /// What ended it badly, or what it asks.
    text: String,
}

impl News {
    fn about(run: &Run, event: &'static str, text: String) -> Self {
        Self {
            event,
            run: run.number,
            title: run.title.clone(),
            state: run.state.to_string(),
            cluster: run.cluster_name.clone().unwrap_or_default(),
            text,
        }
    }
}

/// What has been told.
#[derive(Debug)]
struct Seen {
    /// Runs, and whether they had ended.
    runs: HashMap<RunNo, bool>,
    prompts: HashSet<PromptId>,
}

impl Seen {
    /// What there is has been told.
    fn new(state: &State) -> Self {
        let open = state.prompts.values().filter(|p| p.state == PromptState::Open);
        Self { runs: state.runs.values().map(|r| (r.number, r.state.ended())).collect(), prompts: open.map(|p| p.id).collect() }
    }

    /// What is new.
    fn look(&mut self, state: &State) -> Vec<News> {
        let mut news = Vec::new();
        for prompt in state.prompts.values().filter(|p| p.state == PromptState::Open) {
            if self.prompts.insert(prompt.id)
                && let Some(run) = state.runs.get(&prompt.run)
            {
                news.push(News::about(run, "asks", prompt.question.clone()));
            }
        }
        for run in state.runs.values() {
            let ended = run.state.ended();
            if self.runs.insert(run.number, ended) != Some(true) && ended {
                news.push(News::about(run, "ended", run.failure.as_ref().map(Failure::line).unwrap_or_default()));
            }
        }
        self.runs.retain(|number, _| state.runs.contains_key(number));
        self.prompts.retain(|id| state.prompts.contains_key(id));
        news
    }
}
