//! What can be done with a run, wherever it is looked at.

use crate::console::action::{Action, Offer};
use crate::console::state::Model;
use crate::model::RunKind;

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
        let bad = run.play_totals.failed + run.play_totals.unreachable;
        (bad == 0).then(|| "no host failed".to_owned())
    };
    let plays = || run.filter(|r| r.kind == RunKind::Command).map(|_| "a command has nothing to replay".to_owned());
    let live = run.is_some_and(|r| !r.state.ended());
    vec![
        Offer { hinted: live, ..Offer::yes(Action::Cancel).unless(watching().or_else(nothing).or_else(ended)) },
        Offer { hinted: !live, ..Offer::yes(Action::Retry).unless(watching().or_else(nothing).or_else(going).or_else(well)) },
        Offer {
            hinted: !live,
            ..Offer::yes(Action::RetryHosts).unless(watching().or_else(nothing).or_else(going).or_else(hosts))
        },
        Offer { hinted: !live, ..Offer::yes(Action::Replay).unless(nothing().or_else(going).or_else(plays)) },
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
    if view.replay.is_some() {
        offers.extend([Action::ReplayPause, Action::ReplayFaster, Action::ReplaySlower].map(Offer::hint));
    } else {
        let no_replay = Some("it is not a replay");
        offers.extend([Action::ReplayPause, Action::ReplayFaster, Action::ReplaySlower].map(|a| Offer::yes(a).unless(no_replay)));
    }
    if view.part == Part::Output {
        offers.push(Offer::hint(Action::Follow));
        offers.push(Offer::hint(Action::Wrap));
    } else {
        offers.push(Offer::hint(Action::Open));
        offers.push(Offer::yes(Action::Follow));
        offers.push(Offer::yes(Action::Wrap));
    }
    offers.extend(run_actions(model));
    offers.push(Offer::hint(Action::FailedOnly));
    offers
}
