//! What can be done with a run, wherever it is looked at.

use crate::console::action::{Action, Offer};
use crate::console::state::Model;
use crate::console::viewer;

use crate::model::{Run, RunKind};

use super::{Part, RunView};

/// What can be done with the run that is selected or open.
pub fn run_actions(model: &Model) -> Vec<Offer> {
    let run = model.current_run();
    let watching = || model.why_only_looking();
    let nothing = || run.is_none().then(|| "no run is selected".to_owned());
    let ended = || run.filter(|r| r.state.ended()).map(|r| format!("it is {}", r.state));
    let going = || run.filter(|r| !r.state.ended()).map(|_| "it is still under way".to_owned());
    let well = || {
        run.filter(|r| r.failure.is_none() && r.steps.done + r.steps.skipped >= r.steps.total)
            .map(|_| "nothing failed".to_owned())
    };
    let hosts = || {
        let run = run?;
        if run.kind == RunKind::Build {
            return Some("a build has no hosts".to_owned());
        }
        let bad = run.play_totals.failed + run.play_totals.unreachable;
        (bad == 0).then(|| "no host failed".to_owned())
    };
    let kind = || {
        let can = |r: &&Run| matches!(r.kind, RunKind::Create | RunKind::Scale);
        (!run.as_ref().is_some_and(can)).then(|| "what it did cannot be taken back".to_owned())
    };
    let live = run.is_some_and(|r| !r.state.ended());
    vec![
        Offer { hinted: live, ..Offer::yes(Action::Cancel).unless(watching().or_else(nothing).or_else(ended)) },
        Offer { hinted: !live, ..Offer::yes(Action::Retry).unless(watching().or_else(nothing).or_else(going).or_else(well)) },
        Offer {
            hinted: !live,
            ..Offer::yes(Action::RetryHosts).unless(watching().or_else(nothing).or_else(going).or_else(hosts))
        },
        Offer { hinted: !live, ..Offer::yes(Action::Replay).unless(nothing().or_else(going)) },
        Offer::yes(Action::Undo).unless(watching().or_else(nothing).or_else(going).or_else(kind)),
        Offer::yes(Action::Pin).unless(watching().or_else(nothing)),
    ]
}

/// What can be done in the screen of a run, what matters most first.
pub fn offers(model: &Model, view: &RunView) -> Vec<Offer> {
    let mut offers = Vec::new();
    let asks = model.asks().any(|p| p.run == view.number);
    if asks {
        offers.push(Offer::hint(Action::Answer).unless(model.why_only_looking()));
    }
    offers.push(Offer::hint(Action::NextPart));
    offers.push(Offer::yes(Action::Refresh));
    let no_replay = view.replay.is_none().then_some("it is not a replay");
    let replay = [
        (Action::ReplayPause, true),
        (Action::ReplayFaster, true),
        (Action::ReplayNextTask, true),
        (Action::ReplayNextFailure, true),
        (Action::ReplayPreviousTask, false),
        (Action::ReplaySlower, false),
        (Action::ReplayBack, false),
        (Action::ReplayOn, false),
        (Action::ReplayTo, false),
    ];
    let hinted = |hint: bool| hint && no_replay.is_none();
    offers.extend(replay.map(|(action, hint)| Offer { hinted: hinted(hint), ..Offer::yes(action).unless(no_replay) }));
    let output = view.part == Part::Output;
    offers.push(if output { Offer::hint(Action::Follow) } else { Offer::yes(Action::Follow) });
    if !output {
        offers.push(Offer::hint(Action::Open));
    }
    let of_viewer = viewer::offers(&view.log, true).into_iter();
    offers.extend(of_viewer.map(|offer| Offer { hinted: offer.hinted && output, ..offer }));
    offers.push(Offer::yes(Action::ThisHost).unless((!view.has_playbooks(&model.mirror)).then_some("it has no playbook")));
    let results = matches!(view.part, Part::Plays | Part::Hosts);
    offers.push(Offer::yes(Action::ToOutput).unless((!results).then_some("no result is selected")));
    offers.extend(run_actions(model));
    offers.push(Offer::hint(Action::FailedOnly));
    offers.push(Offer::yes(Action::ChangedOnly).unless((!view.has_playbooks(&model.mirror)).then_some("it has no playbook")));
    offers.push(Offer::yes(Action::Slowest));
    offers
}
