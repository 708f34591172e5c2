//! A recorded run, printed again with its timing.

use std::time::Duration;

use clap::Args;

use crate::model::{PlayEvent, RunNo, Step, StepState, Time, Work};
use crate::protocol::command::RefusalCode;
use crate::protocol::{Answer, Command};

use super::App;
use super::exit::{Code, Ended, Stop};
use super::find;
use super::session::{Session, answer_as, odd};
use super::tail::{Say, Tail};
use super::watch::{print, summary};

/// Asked for at once.
const PAGE: u32 = 1000;

#[derive(Args, Debug)]
pub struct Replay {
    /// The run's number
    #[arg(value_parser = clap::value_parser!(u64))]
    run: u64,
    /// How many times as fast; 0 does not wait at all
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed >= 0.0 => Ok(speed),
        _ => Err("give a number, 0 or more".to_owned()),
    }
}

/// Something that is printed at a moment of the run.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    at: Time,
    say: Say,
}

pub async fn run(app: &mut App<'_>, session: &mut Session, replay: Replay) -> Ended {
    let number = RunNo(replay.run);
    find::run(session.state().await?, number)?;
    let (run, steps, plays) = answer_as!(
        session,
        Command::RunDetail { run: number },
        Answer::RunDetail { run, steps, plays } => (run, steps, plays)
    )?;
    let mut moments = step_moments(&steps);
    for step in steps.iter().filter(|step| step.work.talks()) {
        for attempt in 1..=step.attempt {
            let lines = lines(session, number, step.index, attempt).await?;
            let events = events(session, number, step.index, attempt).await?;
            moments.extend(output_moments(step, attempt, lines, &events));
        }
    }
    // A stable sort: what happened at the same moment stays in order.
    moments.sort_by_key(|moment| moment.at);
    app.out.line(&format!("run {}: {}", run.number, run.title))?;
    let play = async {
        let mut before = run.started.unwrap_or(run.created);
        for moment in moments {
            pause(moment.at.since(before), replay.speed, app).await?;
            before = Time(before.0.max(moment.at.0));
            print(&mut app.out, moment.say, true)?;
        }
        summary(&mut app.out, &run, &plays)?;
        Ok(Code::Done)
    };
    tokio::select! {
        ended = play => ended,
        _ = tokio::signal::ctrl_c() => Err(Stop::Quiet(Code::Interrupted)),
    }
}

/// Waits as long as the run did.
async fn pause(ms: u64, speed: f64, app: &mut App<'_>) -> Result<(), Stop> {
    if speed == 0.0 || ms == 0 {
        return Ok(());
    }
    app.out.flush()?;
    let wait = Duration::from_millis(ms).div_f64(speed.max(0.001));
    tokio::time::sleep(wait).await;
    Ok(())
}

/// When each step began and ended.
fn step_moments(steps: &[Step]) -> Vec<Moment> {
    let mut moments = Vec::new();
    for step in steps {
        let said = |state: StepState, ended| {
            let shown = Step { state, ended, work: Work::MakeKey, ..step.clone() };
            Tail::default().step(&shown)
        };
        if let Some(at) = step.started {
            moments.extend(said(StepState::Running, None).into_iter().map(|say| Moment { at, say }));
        }
        if let Some(at) = step.ended.filter(|_| step.state.ended()) {
            moments.extend(said(step.state.clone(), Some(at)).into_iter().map(|say| Moment { at, say }));
        }
    }
    moments
}

/// When each line of output was written: an event tells how many bytes there were before it.
fn output_moments(step: &Step, attempt: u32, lines: Vec<String>, events: &[PlayEvent]) -> Vec<Moment> {
    let start = step.started.unwrap_or_default();
    let end = step.ended.or(events.last().map(|e| e.at)).unwrap_or(start);
    // The times of an attempt before the last are not recorded, but those of its events are.
    let first = events.first().map_or(if attempt < step.attempt { start } else { end }, |e| e.at);
    let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
    let heading = Say::Heading(format!("{}{again}", step.title));
    let mut moments = vec![Moment { at: Time(start.0.min(first.0)), say: heading }];
    let (mut bytes, mut next) = (0u64, 0usize);
    for line in lines {
        bytes += line.len() as u64 + 1;
        while events.get(next).is_some_and(|event| event.offset < bytes) {
            next += 1;
        }
        let at = events.get(next).map_or(end, |event| event.at);
        moments.push(Moment { at, say: Say::Output(line) });
    }
    moments
}

async fn lines(session: &Session, run: RunNo, step: u32, attempt: u32) -> Result<Vec<String>, Stop> {
    let mut lines: Vec<String> = Vec::new();
    loop {
        let command =
            Command::OutputPage { run, step, attempt, from: lines.len() as u64, count: PAGE, pick: Vec::new(), times: false };
        match session.client.request(command).await {
            Ok(Answer::Output(page)) => {
                let empty = page.lines.is_empty();
                lines.extend(page.lines);
                if empty || lines.len() as u64 >= page.total {
                    return Ok(lines);
                }
            }
            Ok(_) => return Err(odd()),
            Err(refusal) if refusal.code == RefusalCode::NotFound => return Ok(lines),
            Err(refusal) => return Err(refusal.into()),
        }
    }
}

async fn events(session: &Session, run: RunNo, step: u32, attempt: u32) -> Result<Vec<PlayEvent>, Stop> {
    let mut all: Vec<PlayEvent> = Vec::new();
    loop {
        let command = Command::PlayPage { run, step, attempt, from: all.len() as u64, count: PAGE };
        match session.client.request(command).await {
            Ok(Answer::Plays { events, total, .. }) => {
                let empty = events.is_empty();
                all.extend(events);
                if empty || all.len() as u64 >= total {
                    return Ok(all);
                }
            }
            Ok(_) => return Err(odd()),
            Err(refusal) if refusal.code == RefusalCode::NotFound => return Ok(all),
            Err(refusal) => return Err(refusal.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tail::tests::step;
    use crate::model::play::PlayBody;

    fn event(at: i64, offset: u64) -> PlayEvent {
        PlayEvent { at: Time(at), offset, body: PlayBody::End }
    }

    #[test]
    fn lines_take_the_time_of_the_event_that_follows_them() {
        let mut step = step(Work::InstallAnsible, StepState::Done, 1);
        step.ended = Some(Time(9000));
        let lines = vec!["ab".to_owned(), "cd".to_owned(), "ef".to_owned()];
        let moments = output_moments(&step, 1, lines, &[event(2000, 0), event(3000, 3), event(5000, 6)]);
        let times: Vec<i64> = moments.iter().map(|m| m.at.0).collect();
        assert_eq!(times, [1000, 3000, 5000, 9000]);
        assert_eq!(moments[0].say, Say::Heading("site.yml".into()));
    }

    #[test]
    fn a_step_is_told_when_it_began_and_when_it_ended() {
        let mut step = step(Work::MakeKey, StepState::Done, 1);
        step.ended = Some(Time(3500));
        let moments = step_moments(&[step]);
        assert_eq!(moments.iter().map(|m| m.at.0).collect::<Vec<_>>(), [1000, 3500]);
        assert!(matches!(&moments[1].say, Say::Step { text, .. } if text.contains("2.5 s")));
    }

    #[test]
    fn speeds_are_numbers_from_zero() {
        assert_eq!(speed("2.5"), Ok(2.5));
        assert_eq!(speed("0"), Ok(0.0));
        for bad in ["-1", "fast", "inf", "nan"] {
            assert!(speed(bad).is_err());
        }
    }
}
