//! Tests of the whole console without a terminal.

mod audit;
mod budgets;
mod commands;
mod finding;
mod forwards;
mod mouse;
mod people;
mod rails;
mod random;
mod reading;
mod reducer;
mod resources;
mod screens;
mod seed;
mod wizard;

use std::collections::BTreeMap;

use crate::model::{Finder, Time};
use crate::protocol::command::{FoundLines, OutputPage};
use crate::protocol::{Answer, Command};

use super::headless::Headless;
use super::msg::{Effect, Msg, Slot};

/// The commands that were sent, with what they are for.
fn sent(console: &mut Headless) -> Vec<(Slot, u64, Command)> {
    let effects = console.take_effects();
    effects
        .into_iter()
        .filter_map(|e| match e {
            Effect::Request { slot, generation, command } => Some((slot, generation, *command)),
            _ => None,
        })
        .collect()
}

/// Answers the newest command of a slot.
fn answer(console: &mut Headless, want: &Slot, answer: Answer) {
    let (slot, generation, _) = sent(console).into_iter().rev().find(|(slot, _, _)| slot == want).expect("nothing was asked");
    console.take(Msg::Reply { slot, generation, result: Ok(Box::new(answer)) });
}

/// Answers all questions about an output of so many lines, as the engine does; how many pages were asked for.
fn answer_pages(console: &mut Headless, total: u64) -> usize {
    let mut count = 0;
    loop {
        // An older question of the same kind is void.
        let asked: BTreeMap<Slot, (u64, Answer)> = sent(console)
            .into_iter()
            .filter_map(|(slot, generation, command)| Some((slot, (generation, output_answer(&command, total)?))))
            .collect();
        if asked.is_empty() {
            return count;
        }
        for (slot, (generation, answer)) in asked {
            count += usize::from(slot == Slot::Output);
            console.take(Msg::Reply { slot, generation, result: Ok(Box::new(answer)) });
        }
    }
}

/// What the engine answers to a question about an output of so many lines. A line is written every 300 ms, and about
/// the host that stands in its brackets.
fn output_answer(command: &Command, total: u64) -> Option<Answer> {
    match command {
        Command::OutputPage { from, count, attempt, pick, times, .. } => {
            let page: Vec<u64> = (*from..(from + u64::from(*count)).min(total)).collect();
            let numbers = if pick.is_empty() { page } else { pick.clone() };
            let lines = numbers.iter().flat_map(|n| seed::output_lines(*n, 1)).collect();
            let at = |n: &u64| Some(Time(seed::ago(100).0 + 300 * i64::try_from(*n).unwrap_or(0)));
            let times = if *times { numbers.iter().map(at).collect() } else { Vec::new() };
            let from = numbers.first().copied().unwrap_or(0);
            Some(Answer::Output(OutputPage { attempt: *attempt, from, lines, times, total, bytes: total * 80, ended: false }))
        }
        Command::SearchOutput { find, host, from, to, attempt, .. } => {
            let finder = find.as_ref().and_then(|f| Finder::new(f).ok());
            let upto = (*to).min(total).min(from + 400);
            let wanted = |n: &u64| {
                let line = crate::model::text::clean(&seed::output_lines(*n, 1)[0]).into_owned();
                let host = host.as_ref().is_none_or(|h| line.contains(&format!("[{h}]")) || line.starts_with("TASK"));
                host && finder.as_ref().is_none_or(|f| f.is_in(&line))
            };
            let (attempt, from, ended) = (*attempt, *from, false);
            Some(Answer::Found(FoundLines { attempt, from, upto, lines: (from..upto).filter(wanted).collect(), total, ended }))
        }
        // As the seed has it: every event of a playbook stands behind so many lines.
        Command::OutputLine { byte, .. } => Some(Answer::Line((byte * 40).min(total.saturating_sub(1)))),
        Command::Timeline { .. } => Some(Answer::Timeline(seed::moments())),
        _ => None,
    }
}
