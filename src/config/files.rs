//! Small files: read whole, written at once or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::paths::reason;
use crate::model::Failure;

/// Longest file of settings, bytes.
pub const MAX_FILE: u64 = 1 << 20;

/// The text of a file of the user's, `None` when there is none.
///
/// # Errors
/// It cannot be read, is no UTF-8, or longer than [`MAX_FILE`].
pub fn read_text(path: &Path) -> Result<Option<String>, Failure> {
    let fail = |got: String| Failure::refused("read a file", got).at(path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fail(reason(&e))),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| fail(reason(&e)))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fail("it is longer than 1 MiB".to_owned()));
    }
    String::from_utf8(bytes).map(Some).map_err(|e| fail(format!("byte {} is no UTF-8", e.utf8_error().valid_up_to())))
}

/// A secret of our own: the text of a file that nobody else can read.
///
/// # Errors
/// As [`read_text`]; also when there is none, or when other accounts can read it.
pub fn read_secret(path: &Path) -> Result<SecretString, Failure> {
    let fail = |got: String| Failure::refused("read a secret", got).at(path.display());
    let meta = fs::metadata(path).map_err(|e| fail(reason(&e)))?;
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o777;
        return Err(fail(format!("other accounts can read it (mode {mode:04o})")).next(format!("chmod 600 {}", path.display())));
    }
    read_text(path)?.map(SecretString::from).ok_or_else(|| fail("it is gone".to_owned()))
}

/// Replaces a file by `bytes`, readable by this account only: written aside, made durable, renamed. A link is
/// followed, so that a file kept elsewhere stays there.
///
/// # Errors
/// It cannot be written; what was there is still there.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let aside = aside(&target);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, &target)?;
        File::open(target.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&aside);
        Failure::broken("write a file", reason(&e)).at(path.display()).next("make room or rights for it, then try again")
    })
}

fn aside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.toml"), dir.path().join("link.toml"));
        std::os::unix::fs::symlink(&real, &link).unwrap();
        fs::write(&real, "old").unwrap();
        write_private(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left aside");
        assert!(write_private(&dir.path().join("no/such"), b"x").is_err());
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        write_private(&path, b"s3cret").unwrap();
        read_secret(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let failure = read_secret(&path).unwrap_err();
        assert!(failure.next.starts_with("chmod 600"), "{failure}");
        assert!(!failure.to_string().contains("s3cret"));
    }

    #[test]
    fn text_is_utf8_and_not_endless() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        assert_eq!(read_text(&path).unwrap(), None);
        fs::write(&path, b"ab\xff").unwrap();
        assert!(read_text(&path).unwrap_err().got.contains("byte 2"));
        fs::write(&path, vec![b'a'; MAX_FILE as usize + 1]).unwrap();
        assert!(read_text(&path).is_err());
    }
}
