//! Points in time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC. For showing, never for ordering: order is by `seq`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// Milliseconds from `earlier` to this, 0 when `earlier` is later (clocks go back).
    pub fn since(self, earlier: Time) -> u64 {
        u64::try_from(self.0 - earlier.0).unwrap_or(0)
    }
}

/// A duration as people say it, at most five characters: `41 s`, `12 min`, `5 h`, `2 d`.
pub fn short_duration(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..=59 => format!("{s} s"),
        60..=3599 => format!("{} min", s / 60),
        3600..=86_399 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// A duration of work: tenths below ten seconds (`0.9 s`), then as [`short_duration`].
pub fn work_duration(ms: u64) -> String {
    if ms < 10_000 { format!("{}.{} s", ms / 1000, ms % 1000 / 100) } else { short_duration(ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(short_duration(41_900), "41 s");
        assert_eq!(short_duration(12 * 60_000), "12 min");
        assert_eq!(short_duration(49 * 3_600_000), "2 d");
        assert_eq!(work_duration(940), "0.9 s");
        assert_eq!(work_duration(12_400), "12 s");
    }
}
