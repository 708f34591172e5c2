//! Moving in a replay: its pace, and where it is.

use crate::console::action::Action;
use crate::console::layers::{AskLine, Layer};
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::update::open_run;
use crate::model::Time;

use super::Replay;

/// Milliseconds of a small step.
const STEP: i64 = 10_000;

/// Plays the current run back.
pub fn begin(model: &mut Model) {
    let Some(run) = model.current_run().cloned() else { return };
    open_run(model, run.number);
    if let Some(view) = &mut model.run {
        view.begin_replay();
    }
}

fn replay(model: &mut Model) -> Option<&mut Replay> {
    model.run.as_mut()?.replay.as_deref_mut()
}

/// Does what can be done with a replay.
pub fn act(model: &mut Model, action: Action) {
    let now = model.now;
    let Some(replay) = replay(model) else { return };
    let by = |ms: i64| Some((Time(replay.at().0 + ms), String::new()));
    let (to, otherwise) = match action {
        Action::ReplayFaster => return replay.faster(1),
        Action::ReplaySlower => return replay.faster(-1),
        Action::ReplayPause if replay.ended() => {
            let begin = replay.span().0;
            replay.pause(now);
            (Some((begin, String::new())), "")
        }
        Action::ReplayPause => return replay.pause(now),
        Action::ReplayTo => return model.layers.push(Layer::Ask(AskLine::seek())),
        Action::ReplayBack => (by(-STEP), ""),
        Action::ReplayOn => (by(STEP), ""),
        Action::ReplayNextTask => (replay.next_task(), "there is no later task"),
        Action::ReplayPreviousTask => (replay.previous_task(), "there is no earlier task"),
        _ => (replay.next_failure(), "nothing fails from here on"),
    };
    match to {
        Some((at, says)) => go(model, at, says),
        None => model.say(otherwise, Role::Dim),
    }
}

fn go(model: &mut Model, at: Time, says: String) {
    let now = model.now;
    let Some(view) = &mut model.run else { return };
    let Some(replay) = &mut view.replay else { return };
    if replay.seek(at, now) {
        // There are fewer lines now.
        view.log_of = None;
    }
    if !says.is_empty() {
        model.say(says, Role::Dim);
    }
}

/// Goes to a time that somebody typed. False: it is none.
pub fn seek_to(model: &mut Model, text: &str) -> bool {
    let Some(replay) = replay(model) else { return true };
    let (from, to) = replay.span();
    let Some(ms) = typed(text, replay.at().since(from), to.since(from)) else { return false };
    go(model, Time(from.0.saturating_add_unsigned(ms)), String::new());
    true
}

/// Milliseconds since the beginning that `1:30`, `1:02:33`, `90`, `50%`, `+10` or `-10` mean.
fn typed(text: &str, at: u64, whole: u64) -> Option<u64> {
    let text = text.trim();
    let seconds = |text: &str| {
        text.split(':').try_fold(0u64, |sum, part| {
            let part: u64 = part.parse().ok()?;
            sum.checked_mul(60)?.checked_add(part)
        })
    };
    let ms = |text: &str| seconds(text)?.checked_mul(1000);
    if let Some(percent) = text.strip_suffix('%') {
        return Some(whole / 100 * percent.trim().parse::<u64>().ok()?.min(100));
    }
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(more), _) => Some(at.saturating_add(ms(more)?)),
        (_, Some(less)) => Some(at.saturating_sub(ms(less)?)),
        _ => ms(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = |text| typed(text, 60_000, 200_000);
        for (text, want) in [("90", 90_000), ("1:30", 90_000), ("1:02:33", 3_753_000), ("50%", 100_000), ("+10", 70_000)] {
            assert_eq!(read(text), Some(want), "{text}");
        }
        assert_eq!(read("-1:30"), Some(0));
        for text in ["", "soon", "1:", "50 percent", "9999999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
