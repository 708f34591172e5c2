//! When a background frame may be written, and how much of it.
//!
//! A write that returns proves nothing: over SSH a megabyte can be queued behind it. So each background chunk ends
//! with a question (`CSI 5 n`), and the next one waits for the answer (`CSI 0 n`). The chunk grows while answers come
//! as fast as for small ones, and shrinks when they do not: a slow link slows the frames and nothing else.
//! Frames that answer a key are never held back.
//!
//! Over SSH, background also has a rate: a link that could take more is shared with what else the person does.

/// The question that ends a background chunk.
pub const QUESTION: &[u8] = b"\x1b[5n";
/// Smallest chunk, bytes: about what may be unanswered on a slow link.
pub const MIN_CHUNK: usize = 1024;
/// Largest chunk, bytes: a whole screen.
const MAX_CHUNK: usize = 64 * 1024;
/// A terminal that has not answered for so long does not answer, milliseconds.
const SILENCE: u64 = 2000;
/// Bytes a second for a terminal that does not answer.
const SILENT_RATE: u64 = 4096;
/// Shortest time between two background frames, milliseconds.
const FRAME: u64 = 33;
/// Bytes a second of background over SSH, on the average: with the keys' own frames it stays below 80 kB.
const REMOTE_RATE: u64 = 64_000;
/// What was not used of that rate may be used later, milliseconds' worth: a whole screen.
const REMOTE_BURST: u64 = 250;
/// An answer that comes so much later than the fastest shows a queue, milliseconds.
const QUEUED: u64 = 120;

/// What may be written now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowance {
    /// A chunk of so many bytes.
    Bytes(usize),
    /// Nothing before this time, milliseconds.
    At(u64),
}

/// Paces background frames. Times are milliseconds of a clock that only goes forward.
#[derive(Debug)]
pub struct Pacer {
    chunk: usize,
    asked: Option<u64>,
    fastest: Option<u64>,
    silent: bool,
    /// The terminal is at the other end of an SSH line.
    remote: bool,
    /// Up to when [`REMOTE_RATE`] is used up; what is older than [`REMOTE_BURST`] does not count.
    used: i64,
    /// Not before.
    next: u64,
}

impl Pacer {
    /// Nothing is known of the line but whether it is an SSH line.
    pub fn new(remote: bool) -> Self {
        Self { chunk: MIN_CHUNK, asked: None, fastest: None, silent: false, remote, used: i64::MIN, next: 0 }
    }

    /// Nothing else is known of the line any more.
    pub fn forget(&mut self) {
        *self = Self { next: self.next, used: self.used, ..Self::new(self.remote) };
    }

    /// What background may be written at `now`.
    pub fn allowance(&mut self, now: u64) -> Allowance {
        if let Some(asked) = self.asked {
            if now < asked + SILENCE {
                return Allowance::At(asked + SILENCE);
            }
            self.asked = None;
            self.silent = true;
            self.chunk = MIN_CHUNK;
        }
        if now < self.next { Allowance::At(self.next) } else { Allowance::Bytes(self.chunk) }
    }

    /// So many bytes of background were written, with the question behind them. `whole`: the frame is complete, and the
    /// next one comes `least` milliseconds later at the earliest.
    pub fn wrote(&mut self, now: u64, bytes: usize, whole: bool, least: u64) {
        let frame = FRAME.max(least);
        if self.silent {
            let cost = (bytes as u64 * 1000).div_ceil(SILENT_RATE);
            // It was asked all the same: an answer ends the silence.
            self.next = now + cost.max(frame);
            return;
        }
        self.asked = Some(now);
        self.next = if whole { now + frame } else { now };
        if self.remote {
            let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
            let cost = (bytes as u64 * 1000).div_ceil(REMOTE_RATE);
            self.used = self.used.max(signed(now) - signed(REMOTE_BURST)) + signed(cost);
            self.next = self.next.max(u64::try_from(self.used).unwrap_or(0));
        }
    }

    /// An answer came.
    pub fn answered(&mut self, now: u64) {
        if self.silent {
            // It speaks after all, but was slow: start small.
            self.forget();
            return;
        }
        let Some(asked) = self.asked.take() else { return };
        let took = now.saturating_sub(asked);
        let fastest = self.fastest.map_or(took, |f| f.min(took));
        self.fastest = Some(fastest);
        self.chunk = if took > fastest + QUEUED {
            (self.chunk / 2).max(MIN_CHUNK)
        } else if took <= fastest + QUEUED / 4 {
            (self.chunk * 2).min(MAX_CHUNK)
        } else {
            self.chunk
        };
    }

    /// Whether an answer is still to come.
    pub fn waits(&self) -> bool {
        self.asked.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a flood for `ms` over a link; returns bytes written and the longest time a chunk took.
    fn flood(rate: u64, round_trip: u64, ms: u64) -> (u64, u64) {
        paced(Pacer::new(false), rate, round_trip, ms)
    }

    fn paced(mut pacer: Pacer, rate: u64, round_trip: u64, ms: u64) -> (u64, u64) {
        let (mut now, mut written, mut worst) = (0, 0, 0);
        while now < ms {
            match pacer.allowance(now) {
                Allowance::At(at) => now = at,
                Allowance::Bytes(n) => {
                    pacer.wrote(now, n, false, 0);
                    let took = n as u64 * 1000 / rate + round_trip;
                    written += n as u64;
                    worst = worst.max(took);
                    now += took;
                    pacer.answered(now);
                }
            }
        }
        (written, worst)
    }

    #[test]
    fn a_slow_link_never_has_more_than_two_kilobytes_on_the_way() {
        let (written, worst) = flood(8000, 150, 60_000);
        assert!(worst <= 150 + 2 * 1024 * 1000 / 8000, "{worst}");
        assert!(written > 60 * 2000, "{written}");
    }

    #[test]
    fn a_fast_link_gets_whole_screens() {
        let (written, worst) = flood(10_000_000, 2, 2_000);
        assert!(written > 5_000_000, "{written}");
        assert!(worst < 20, "{worst}");
    }

    #[test]
    fn a_fast_line_over_ssh_gets_a_screen_at_once_and_then_its_rate() {
        let remote = || Pacer::new(true);
        let (written, _) = paced(remote(), 10_000_000, 2, 10_000);
        // The rate, the burst, and at most one chunk over it.
        assert!((600_000..730_000).contains(&written), "{written} in 10 s");
        let (first, _) = paced(remote(), 10_000_000, 2, 40);
        assert!(first >= 12_000, "{first} in the first 40 ms");
        let (slow, worst) = paced(remote(), 8000, 150, 60_000);
        assert!(slow > 60 * 2000 && worst <= 150 + 2 * 1024 * 1000 / 8000, "a slow line is held up by itself: {slow}, {worst}");
    }

    #[test]
    fn a_terminal_that_does_not_answer_gets_a_budget() {
        let mut pacer = Pacer::new(false);
        assert_eq!(pacer.allowance(0), Allowance::Bytes(MIN_CHUNK));
        pacer.wrote(0, 1024, true, 0);
        assert_eq!(pacer.allowance(100), Allowance::At(SILENCE));
        assert_eq!(pacer.allowance(SILENCE), Allowance::Bytes(MIN_CHUNK));
        pacer.wrote(SILENCE, 1024, true, 0);
        assert_eq!(pacer.allowance(SILENCE), Allowance::At(SILENCE + 250));
        pacer.answered(SILENCE + 300);
        pacer.wrote(SILENCE + 300, 10, true, 0);
        assert!(pacer.waits());
    }

    #[test]
    fn frames_come_at_most_thirty_times_a_second() {
        let mut pacer = Pacer::new(false);
        pacer.wrote(0, 100, true, 0);
        pacer.answered(1);
        assert_eq!(pacer.allowance(1), Allowance::At(FRAME));
        assert!(matches!(pacer.allowance(FRAME), Allowance::Bytes(_)));
    }
}
