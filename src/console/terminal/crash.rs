//! What a panic of the console leaves behind: a terminal that is given back, a report in a file, and a word to the
//! person who sat there.

use std::backtrace::Backtrace;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Failure;
use crate::model::text::clean;

use super::guard;

/// From now on a panic of this thread, which owns the screen, gives the terminal back and says where its report is.
/// One of another thread leaves a report only, since what it says would be written across the screen. Reports go
/// into `dir`; while nobody holds the terminal, panics are reported as before.
pub fn watch(dir: &Path) {
    static ONCE: AtomicBool = AtomicBool::new(false);
    if ONCE.swap(true, Ordering::SeqCst) {
        return;
    }
    let before = std::panic::take_hook();
    let (owner, dir) = (std::thread::current().id(), dir.to_owned());
    std::panic::set_hook(Box::new(move |info| {
        if !guard::is_taken() {
            return before(info);
        }
        let report = report(&dir, info);
        if std::thread::current().id() == owner {
            guard::restore();
            eprintln!("quarterdeck: {}", failure(info, report));
        }
    }));
}

/// What the person is told.
fn failure(info: &PanicHookInfo<'_>, report: io::Result<PathBuf>) -> Failure {
    let what = clean(info.payload_as_str().unwrap_or("it did not say why")).into_owned();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let report = match report {
        Ok(path) => format!("{} says more, for a bug report", path.display()),
        Err(error) => format!("no report could be written: {error}"),
    };
    Failure::broken("show the console", format!("it met an error of its own, {what}"))
        .at(place)
        .next(format!("`quarterdeck` opens it again; the engine and its runs go on\n  report: {report}"))
}

/// Writes down what is known; no values of the program are in it but the panic's own message.
fn report(dir: &Path, info: &PanicHookInfo<'_>) -> io::Result<PathBuf> {
    let now = jiff::Timestamp::now();
    let path = dir.join(format!("crash-{}-{}.txt", now.strftime("%Y%m%dT%H%M%SZ"), std::process::id()));
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    let size = guard::size();
    let term = std::env::var("TERM").unwrap_or_default();
    let thread = std::thread::current();
    writeln!(file, "quarterdeck {}, console, {now}", env!("CARGO_PKG_VERSION"))?;
    writeln!(file, "terminal {} of {}×{}, thread {}", clean(&term), size.width, size.height, thread.name().unwrap_or("unnamed"))?;
    writeln!(file, "{info}\n{}", Backtrace::force_capture())?;
    Ok(path)
}
