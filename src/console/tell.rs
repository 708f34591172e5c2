//! Who looks elsewhere is told: that a run ended or asks, how far the runs are. What of it, the settings say.

use std::collections::BTreeMap;

use crate::config::{Bell, Notify};
use crate::model::{PromptId, Run, RunNo, RunState};

use super::msg::Effect;
use super::state::Model;
use super::terminal::beside::{Beside, Progress};
use super::words;

/// What is to be told, and what has been.
#[derive(Debug)]
pub struct Tell {
    pub bell: Bell,
    pub desktop: bool,
    pub progress: bool,
    pub title: bool,
    /// Runs and prompts as they were last looked at; `None`: before the first look, when nothing is news.
    seen: Option<Seen>,
    shown_progress: Option<Progress>,
    shown_title: String,
}

#[derive(Debug)]
struct Seen {
    /// Whether they had ended.
    runs: BTreeMap<RunNo, bool>,
    prompts: Vec<PromptId>,
}

impl Default for Tell {
    fn default() -> Self {
        Self::new(&Notify::default())
    }
}

impl Tell {
    /// As the settings say.
    pub fn new(notify: &Notify) -> Self {
        Self {
            bell: *notify.bell,
            desktop: *notify.desktop,
            progress: *notify.progress,
            title: *notify.title,
            seen: None,
            shown_progress: None,
            shown_title: String::new(),
        }
    }

    /// Other settings; what has been told stays told.
    pub fn set(&mut self, notify: &Notify) {
        (self.bell, self.desktop, self.progress, self.title) = (*notify.bell, *notify.desktop, *notify.progress, *notify.title);
    }
}

/// Looks at runs and prompts, and tells what is new.
pub fn look(model: &mut Model) {
    if !model.ready {
        return;
    }
    let now = Seen {
        runs: model.mirror.runs().iter().map(|(number, run)| (*number, run.state.ended())).collect(),
        prompts: model.mirror.prompts().keys().copied().collect(),
    };
    let mut signals = Vec::new();
    if let Some(before) = &model.tell.seen {
        for run in model.mirror.runs().values().filter(|r| r.state.ended() && before.runs.get(&r.number) != Some(&true)) {
            let bad = matches!(run.state, RunState::Failed);
            ring(&model.tell, bad, &run.title, &ended(run), &mut signals);
        }
        for prompt in model.mirror.prompts().values().filter(|p| !before.prompts.contains(&p.id)) {
            let title = model.mirror.runs().get(&prompt.run).map_or(String::new(), |r| r.title.clone());
            ring(&model.tell, true, &title, &format!("run {} asks: {}", prompt.run, prompt.question), &mut signals);
        }
    }
    model.tell.seen = Some(now);
    if model.tell.progress {
        let progress = progress(model);
        if progress != model.tell.shown_progress {
            model.tell.shown_progress = progress;
            signals.push(Beside::Progress(progress));
        }
    }
    if model.tell.title {
        let title = title(model);
        if title != model.tell.shown_title {
            model.tell.shown_title.clone_from(&title);
            signals.push(Beside::Title(title));
        }
    }
    for signal in signals {
        model.effect(Effect::Beside(signal));
    }
}

fn ring(tell: &Tell, bad: bool, title: &str, text: &str, signals: &mut Vec<Beside>) {
    let rings = match tell.bell {
        Bell::Never => false,
        Bell::Failure => bad,
        Bell::Always => true,
    };
    if rings && !signals.contains(&Beside::Bell) {
        signals.push(Beside::Bell);
    }
    if tell.desktop {
        signals.push(Beside::Message { title: title.to_owned(), text: text.to_owned() });
    }
}

fn ended(run: &Run) -> String {
    match &run.failure {
        Some(failure) if run.state == RunState::Failed => format!("run {} failed: {}", run.number, failure.line()),
        _ => format!("run {} is {}", run.number, run.state),
    }
}

/// All runs under way together, by their steps.
fn progress(model: &Model) -> Option<Progress> {
    let (mut done, mut all, mut any) = (0u64, 0u64, false);
    for run in model.under_way() {
        any = true;
        done += u64::from(run.steps.done);
        all += u64::from(run.steps.total);
    }
    let percent = u8::try_from((done * 100).checked_div(all).unwrap_or(0)).unwrap_or(100);
    any.then(|| Progress { percent, trouble: model.asks().next().is_some() })
}

fn title(model: &Model) -> String {
    let runs: Vec<&Run> = model.under_way().collect();
    let what = match (model.asks().next(), &runs[..]) {
        (Some(prompt), _) => format!("run {} asks", prompt.run),
        (None, []) => "quiet".to_owned(),
        (None, [run]) => run.title.clone(),
        (None, runs) => words::many(runs.len() as u64, "run"),
    };
    format!("quarterdeck: {what}")
}
