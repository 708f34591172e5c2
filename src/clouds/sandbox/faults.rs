//! The dice behind the fault knobs: the same seed and the same order of calls give the same faults.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::knobs::Knobs;

/// Counts the throws, so that each is another one.
#[derive(Default)]
pub struct Dice {
    calls: AtomicU64,
    boots: Mutex<HashMap<String, u64>>,
}

impl Dice {
    /// Whether this call is among the `rate` that meet the fault called `what`.
    pub fn call(&self, knobs: &Knobs, what: &str, rate: f64) -> bool {
        rate > 0.0 && share(knobs.seed, what, self.calls.fetch_add(1, Ordering::Relaxed)) < rate
    }

    /// Whether this boot of the server called `name` fails. Another boot of it throws again.
    pub fn boot_fails(&self, knobs: &Knobs, name: &str) -> bool {
        let mut boots = self.boots.lock().unwrap_or_else(PoisonError::into_inner);
        let count = boots.entry(name.to_owned()).or_default();
        *count += 1;
        share(knobs.seed, name, *count) < knobs.boot_failure_rate
    }
}

/// A number from 0 to 1 (never 1) that depends on nothing but its inputs.
pub fn share(seed: u64, what: &str, count: u64) -> f64 {
    let mut x = seed ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in what.bytes() {
        x = mix(x ^ u64::from(byte));
    }
    (mix(x) >> 11) as f64 / (1_u64 << 53) as f64
}

/// One round of splitmix64.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What the SSH server of every server asks at every connection. It lives in a file that they hold open, since
/// they cannot see the path.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SshFaults {
    pub cut_ms: u64,
    pub cut_rate: f64,
    pub seed: u64,
}

/// Every text of [`SshFaults`] has this length, so that overwriting it in place leaves no rest.
const LENGTH: usize = 96;

impl SshFaults {
    pub fn of(knobs: &Knobs) -> Self {
        Self { cut_ms: knobs.ssh_cut_ms, cut_rate: knobs.ssh_cut_rate, seed: knobs.seed }
    }

    /// Writes over the file at `path`, keeping it the same file.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write(self, path: &Path) -> io::Result<()> {
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let text = format!("{:<width$}\n", format!("{} {} {}", self.cut_ms, self.cut_rate, self.seed), width = LENGTH - 1);
        file.write_all_at(text.as_bytes(), 0)
    }

    /// Reads the open file; what cannot be read is no fault.
    pub fn read(file: &std::fs::File) -> Self {
        let mut bytes = [0; LENGTH];
        let n = file.read_at(&mut bytes, 0).unwrap_or(0);
        let text = String::from_utf8_lossy(bytes.get(..n).unwrap_or_default()).into_owned();
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or("0");
        Self { cut_ms: next().parse().unwrap_or(0), cut_rate: next().parse().unwrap_or(0.0), seed: next().parse().unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_fair_and_repeat_themselves() {
        let hits = |seed| (0..1000).filter(|n| share(seed, "api", *n) < 0.3).count();
        assert!((250..350).contains(&hits(7)), "{}", hits(7));
        assert_eq!(hits(7), hits(7));
        let row = |seed| (0..20).map(|n| share(seed, "api", n) < 0.5).collect::<Vec<_>>();
        assert_ne!(row(1), row(2));
    }

    #[test]
    fn rates_of_none_and_all_are_exact() {
        let dice = Dice::default();
        let knobs = Knobs { boot_failure_rate: 1.0, ..Knobs::default() };
        for _ in 0..100 {
            assert!(dice.call(&knobs, "error", 1.0) && !dice.call(&knobs, "error", 0.0));
            assert!(dice.boot_fails(&knobs, "a"));
        }
        assert!(!dice.boot_fails(&Knobs::default(), "a"));
    }

    #[test]
    fn ssh_faults_are_read_from_a_file_that_stays_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("faults");
        SshFaults { cut_ms: 123_456, cut_rate: 0.25, seed: 9 }.write(&path).unwrap();
        let open = std::fs::File::open(&path).unwrap();
        assert_eq!(SshFaults::read(&open), SshFaults { cut_ms: 123_456, cut_rate: 0.25, seed: 9 });
        SshFaults::of(&Knobs::default()).write(&path).unwrap();
        assert_eq!(SshFaults::read(&open), SshFaults { cut_ms: 0, cut_rate: 1.0, seed: 1 });
    }
}
