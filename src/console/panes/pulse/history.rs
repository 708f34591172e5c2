//! What was: the last runs as bars of how long they took, with a sign for how each ended.

use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::words;
use crate::model::time::work_duration;
use crate::model::{Run, RunState};

use super::{Line, Piece, Section};

/// Runs that are looked at.
const RUNS: usize = 200;
/// Eighths that a bar of one row has.
const EIGHTHS: u16 = 8;

/// How long a run took, or has taken so far.
fn took(model: &Model, run: &Run) -> u64 {
    run.started.map_or(0, |from| run.ended.unwrap_or(model.now).since(from))
}

/// The last runs; `high` rows of bars.
pub fn section(model: &Model, high: u16) -> Section {
    let runs: Vec<&Run> = model.mirror.runs().values().rev().take(RUNS).collect();
    let section = |lines, brief| Section { title: "LAST RUNS", lines, least: 2, brief, rank: 4, right: false };
    if runs.is_empty() {
        return section(vec![Line::plain(vec![Piece::Text("no runs yet".to_owned(), Role::Faint, 0)])], None);
    }
    let longest = runs.iter().map(|r| took(model, r)).max().unwrap_or(0);
    let most = high * EIGHTHS;
    // Newest at the right.
    let bars: Vec<(u16, Role)> = runs.iter().rev().map(|r| (height(took(model, r), longest, most), look(r).1)).collect();
    let signs: Vec<(Glyph, Role)> = runs.iter().rev().map(|r| look(r)).collect();
    let summary = summary(model, &runs);
    let mut lines: Vec<Line> = (0..high).rev().map(|row| Line::plain(vec![Piece::Bars(bars.clone(), row)])).collect();
    lines.push(Line::plain(vec![Piece::Strip(signs.clone())]));
    lines.push(Line::new("runs", "runs", summary.clone()));
    let mut brief = summary;
    brief.truncate(4);
    section(lines, Some(Line::new("runs", "runs", brief)))
}

/// Eighths of a bar: by the logarithm, so that a minute can be told from an hour and from a second.
fn height(took: u64, longest: u64, most: u16) -> u16 {
    let log = |ms: u64| (1.0 + ms as f64 / 1000.0).ln();
    let share = if longest == 0 { 0.0 } else { log(took) / log(longest).max(f64::MIN_POSITIVE) };
    ((share * f64::from(most)).round() as u16).clamp(1, most)
}

fn look(run: &Run) -> (Glyph, Role) {
    match run.state {
        RunState::Done => (Glyph::Dot, Role::Ok),
        state => words::run_state(state),
    }
}

/// `36 done   ✘ 4 failed   median 41 s   longest 12 min`
fn summary(model: &Model, runs: &[&Run]) -> Vec<Piece> {
    let count = |state: RunState| runs.iter().filter(|r| r.state == state).count();
    let (done, failed) = (count(RunState::Done), count(RunState::Failed));
    let mut pieces = vec![
        Piece::Glyph(Glyph::Done, if done > 0 { Role::Ok } else { Role::Faint }),
        Piece::Text(format!("{done} done"), Role::Text, 0),
    ];
    if failed > 0 {
        pieces.push(Piece::Glyph(Glyph::Failed, Role::Failed));
        pieces.push(Piece::Text(format!("{failed} failed"), Role::Failed, 0));
    }
    let mut times: Vec<u64> = runs.iter().filter(|r| r.state.ended()).map(|r| took(model, r)).collect();
    times.sort_unstable();
    if let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) {
        pieces.push(Piece::Text(format!("median {}", work_duration(*median)), Role::Dim, 0));
        pieces.push(Piece::Text(format!("longest {}", work_duration(*longest)), Role::Dim, 0));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_tell_seconds_from_minutes_from_hours() {
        let hour = 3_600_000;
        let of = |ms| height(ms, hour, 8);
        assert_eq!(of(hour), 8);
        assert!(of(1000) >= 1 && of(1000) < of(60_000) && of(60_000) < of(hour), "{} {}", of(1000), of(60_000));
        assert_eq!(height(0, 0, 8), 1, "a run of no time is a run");
    }
}
