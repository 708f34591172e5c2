//! What several tests need.

use std::path::Path;
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_quarterdeck");

/// Whether a test has to do without a `part` of the machine, and so be skipped. Where every part must be there
/// (`QUARTERDECK_CI=1`), that is a failure.
#[track_caller]
pub fn lacks(test: &str, part: &str, there: bool) -> bool {
    assert!(there || std::env::var_os("QUARTERDECK_CI").is_none_or(|ci| ci != "1"), "{test}: {part} is missing");
    if !there {
        skipped(test, &format!("{part} is missing"));
    }
    !there
}

/// Says by name that a test is skipped, also in the list that `tests/run` shows at the end.
pub fn skipped(test: &str, why: &str) {
    println!("skipped: {test}: {why}");
    if let Some(list) = std::env::var_os("QUARTERDECK_SKIPPED") {
        use std::io::Write;
        let mut list = std::fs::OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "{test}: {why}").unwrap();
    }
}

/// Looks again and again until `look` finds something; fails after 30 seconds.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The text of a file; empty when it is not there. What is not UTF-8 is replaced.
pub fn text(path: impl AsRef<Path>) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Whether a process lives (a zombie does not).
pub fn alive(pid: i32) -> bool {
    let stat = text(format!("/proc/{pid}/stat"));
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
