//! Carrying out the changes that were looked at.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::propose::{Change, Kind};
use crate::base::files::replace;
use crate::config::files::read_text;
use crate::config::paths::reason;
use crate::model::Failure;

const TRIED: &str = "write what was reviewed";

/// Carries out the changes; each file whole or not at all. Says of each what was done.
///
/// # Errors
/// A file is no longer as it was at the review: nothing was written. Or one cannot be written; the failure names those
/// that were.
pub fn write(changes: &[Change]) -> Result<Vec<String>, Failure> {
    for change in changes {
        if let Kind::File { before, .. } = &change.kind
            && read_text(&change.path)? != *before
        {
            return Err(Failure::refused(TRIED, "somebody has changed it since; nothing was written")
                .at(change.path.display())
                .next("review again"));
        }
    }
    let mut done: Vec<String> = Vec::new();
    for change in changes {
        let written = match &change.kind {
            Kind::File { after, .. } => put(&change.path, after, change.mode),
            Kind::Folder => make(&change.path, change.mode),
        };
        if let Err(e) = written {
            let so_far = if done.is_empty() { String::new() } else { format!("; before it: {}", done.join(", ")) };
            return Err(Failure::broken(TRIED, format!("{}{so_far}", reason(&e)))
                .at(change.path.display())
                .next(format!("make room or rights for {}, then review again", change.path.display())));
        }
        let verb = if change.kind == Kind::Folder { "made" } else { "wrote" };
        done.push(format!("{verb} {} ({:04o})", change.path.display(), change.mode));
    }
    Ok(done)
}

fn put(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    replace(path, text.as_bytes(), mode, true)
}

/// Exactly these permissions, whatever the umask.
fn make(path: &Path, mode: u32) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn file(path: &Path, before: Option<&str>, after: &str, mode: u32) -> Change {
        Change { path: path.to_owned(), mode, kind: Kind::File { before: before.map(str::to_owned), after: after.to_owned() } }
    }

    #[test]
    fn files_and_folders_get_their_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let (unit, folder) = (dir.path().join("a/b/x.service"), dir.path().join("watch"));
        let changes = [file(&unit, None, "text", 0o644), Change { path: folder.clone(), mode: 0o755, kind: Kind::Folder }];
        let said = write(&changes).unwrap();
        assert_eq!(said, [format!("wrote {} (0644)", unit.display()), format!("made {} (0755)", folder.display())]);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&unit), mode(&folder)), (0o644, 0o755));
    }

    #[test]
    fn what_changed_since_the_review_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::write(&two, "theirs").unwrap();
        let failure = write(&[file(&one, None, "x", 0o600), file(&two, Some("old"), "x", 0o600)]).unwrap_err();
        assert!(failure.got.contains("nothing was written") && failure.next == "review again", "{failure}");
        assert!(!one.exists());
        assert_eq!(fs::read_to_string(&two).unwrap(), "theirs");
    }

    #[test]
    fn what_cannot_be_written_names_what_was() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("one/below");
        let changes = [file(&dir.path().join("one"), None, "x", 0o600), file(&blocked, None, "x", 0o600)];
        let failure = write(&changes).unwrap_err();
        assert!(failure.at.contains("below") && failure.got.contains("before it: wrote"), "{failure}");
    }
}
