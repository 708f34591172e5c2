//! Which calls are made once more, and when.

use std::time::Duration;

use super::answer::Answer;
use super::request::Repeat;
use super::trouble::Trouble;

/// How often, and after which pauses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retries {
    /// Attempts after the first one.
    pub more: u32,
    /// Before the second attempt; twice as long each time.
    pub first: Duration,
    /// Longest pause. What asks to be left alone for longer is not asked again here: the caller is told.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { more: 3, first: Duration::from_millis(200), longest: Duration::from_secs(5) }
    }
}

impl Retries {
    /// None at all: every trouble is the caller's.
    pub const NONE: Self = Self { more: 0, first: Duration::ZERO, longest: Duration::ZERO };

    /// The pause before the next attempt, when there is to be one after this answer.
    pub fn after_answer(&self, repeat: Repeat, answer: &Answer, attempt: u32) -> Option<Duration> {
        let asked = answer.retry_after();
        let may = match answer.status.as_u16() {
            // The other side has not begun.
            429 => repeat != Repeat::Never,
            503 if asked.is_some() => repeat != Repeat::Never,
            408 | 500 | 502 | 503 | 504 => repeat == Repeat::Always,
            _ => false,
        };
        if !may || attempt > self.more {
            return None;
        }
        match asked {
            Some(asked) if asked > self.longest => None,
            Some(asked) => Some(asked.max(self.pause(attempt))),
            None => Some(self.pause(attempt)),
        }
    }

    /// The same after an attempt that brought no answer.
    pub fn after_trouble(&self, repeat: Repeat, trouble: &Trouble, attempt: u32) -> Option<Duration> {
        let may = match repeat {
            Repeat::Always => trouble.passes(),
            Repeat::Unbegun => trouble.passes() && trouble.unbegun(),
            Repeat::Never => false,
        };
        (may && attempt <= self.more).then(|| self.pause(attempt))
    }

    /// Half of it is chance, so that many do not come back at once.
    fn pause(&self, attempt: u32) -> Duration {
        let full = self.first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.longest);
        full.mul_f64(rand::random_range(0.5..=1.0))
    }
}
