//! Small files, read whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        crate::base::files::write_private(&path, b"s3cret").unwrap();
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
