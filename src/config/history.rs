//! What was typed before: commands and filters, over sessions, bounded. Several consoles may write at once.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use super::Paths;
use super::files::read_text;
use super::paths::reason;
use crate::base::files::write_private;
use crate::model::Failure;

/// Entries that are kept when the file has grown.
const KEEP: usize = 500;
/// Size at which the file is made shorter, bytes.
const MAX: u64 = 256 * 1024;
/// Longest entry, bytes.
const LONGEST: usize = 4096;

/// One line that was typed: where, and what.
pub type Typed = (String, String);

/// All lines, oldest first, each once, in the place where it was typed last.
///
/// # Errors
/// The file is there and cannot be read.
pub fn load(paths: &Paths) -> Result<Vec<Typed>, Failure> {
    let text = read_text(&paths.history())?.unwrap_or_default();
    let mut seen = HashSet::new();
    let mut out: Vec<Typed> = Vec::new();
    for line in text.lines().rev() {
        let Some((kind, typed)) = line.split_once('\t') else { continue };
        if out.len() < KEEP && seen.insert(line) {
            out.push((kind.to_owned(), typed.to_owned()));
        }
    }
    out.reverse();
    Ok(out)
}

/// Writes down a line that was typed at `kind`.
///
/// # Errors
/// The file cannot be written.
pub fn append(paths: &Paths, kind: &str, typed: &str) -> Result<(), Failure> {
    if typed.len() > LONGEST || typed.contains(char::is_control) || kind.contains(char::is_control) {
        return Ok(());
    }
    let path = paths.history();
    let failed = |e: std::io::Error| Failure::broken("write down what was typed", reason(&e)).at(path.display());
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
    // One write: lines of several consoles do not mix.
    file.write_all(format!("{kind}\t{typed}\n").as_bytes()).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > MAX {
        let lines: Vec<String> = load(paths)?.into_iter().map(|(kind, typed)| format!("{kind}\t{typed}\n")).collect();
        write_private(&path, lines.concat().as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn home() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path());
        paths.create().unwrap();
        (dir, paths)
    }

    #[test]
    fn what_was_typed_is_there_again_each_once() {
        let (_dir, paths) = home();
        assert_eq!(load(&paths).unwrap(), []);
        for typed in ["theme light", "servers status=error", "theme light"] {
            append(&paths, "command", typed).unwrap();
        }
        append(&paths, "servers", "age<2h").unwrap();
        append(&paths, "servers", "bad\nline").unwrap();
        let all: Vec<String> = load(&paths).unwrap().into_iter().map(|(k, t)| format!("{k}: {t}")).collect();
        assert_eq!(all, ["command: servers status=error", "command: theme light", "servers: age<2h"]);
        assert_eq!(std::fs::metadata(paths.history()).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_file_stays_bounded() {
        let (_dir, paths) = home();
        for i in 0..3000 {
            append(&paths, "command", &format!("{i} {}", "x".repeat(200))).unwrap();
        }
        assert!(std::fs::metadata(paths.history()).unwrap().len() <= MAX);
        let all = load(&paths).unwrap();
        assert_eq!(all.len(), KEEP);
        assert!(all[KEEP - 1].1.starts_with("2999 "));
    }
}
