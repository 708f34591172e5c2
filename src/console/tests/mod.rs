//! Tests of the whole console without a terminal.

mod budgets;
mod random;
mod reducer;
mod screens;
mod seed;

use crate::protocol::command::OutputPage;
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

/// Answers all questions for pages of an output of so many lines; how many there were.
fn answer_pages(console: &mut Headless, total: u64) -> usize {
    let mut count = 0;
    loop {
        let question = sent(console).into_iter().find_map(|(slot, generation, command)| match command {
            Command::OutputPage { from, count, attempt, .. } => Some((slot, generation, from, count, attempt)),
            _ => None,
        });
        let Some((slot, generation, from, lines, attempt)) = question else { return count };
        count += 1;
        let lines = seed::output_lines(from, u64::from(lines).min(total.saturating_sub(from)));
        let page = OutputPage { attempt, from, lines, total, bytes: total * 80, ended: false };
        console.take(Msg::Reply { slot, generation, result: Ok(Box::new(Answer::Output(page))) });
    }
}
