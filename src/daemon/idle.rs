//! When an engine that nobody needs ends by itself.

use std::time::{Duration, Instant};

/// Counts how long it has been quiet.
#[derive(Debug)]
pub struct Idle {
    limit: Option<Duration>,
    quiet_since: Option<Instant>,
}

impl Idle {
    /// `hours` of quiet are allowed; 0: any time.
    pub fn new(hours: u64) -> Self {
        Self { limit: (hours > 0).then(|| Duration::from_secs(hours * 3_600)), quiet_since: None }
    }

    /// Looks once: whether it has been `quiet` (no client, no run) at every look for the time allowed.
    pub fn look(&mut self, quiet: bool, now: Instant) -> bool {
        if !quiet {
            self.quiet_since = None;
            return false;
        }
        let since = *self.quiet_since.get_or_insert(now);
        self.limit.is_some_and(|limit| now.duration_since(since) >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_after_quiet_hours_in_a_row() {
        let (start, hour) = (Instant::now(), Duration::from_secs(3_600));
        let mut idle = Idle::new(24);
        assert!(!idle.look(true, start));
        assert!(!idle.look(true, start + 23 * hour));
        assert!(!idle.look(false, start + 24 * hour), "somebody came");
        assert!(!idle.look(true, start + 25 * hour));
        assert!(idle.look(true, start + 49 * hour));
        let mut never = Idle::new(0);
        never.look(true, start);
        assert!(!never.look(true, start + 9_999 * hour));
    }
}
