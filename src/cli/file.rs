//! Files that a command names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::model::Failure;

/// Reads a whole text file (`-`: stdin) of at most `limit` bytes.
///
/// # Errors
/// It is not there, larger than `limit`, or not UTF-8.
pub fn read(path: &Path, limit: u64, tried: &str) -> Result<String, Failure> {
    let wrong = |got: &dyn std::fmt::Display| Failure::refused(tried, got).at(path.display());
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::not_found(tried, "no such file").at(path.display()));
        }
        Err(error) => return Err(wrong(&error)),
        Ok(_) => {}
    }
    if bytes.len() as u64 > limit {
        return Err(wrong(&format!("larger than {} KiB", limit / 1024)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        wrong(&format!("line {line} is not UTF-8 text"))
    })
}

/// A path as the text that crosses the protocol.
///
/// # Errors
/// It is not UTF-8.
pub fn text(path: &Path, tried: &str) -> Result<String, Failure> {
    let wrong = || Failure::refused(tried, "the path is not UTF-8 text").at(path.display());
    path.to_str().map(str::to_owned).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Class;

    #[test]
    fn what_cannot_be_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert_eq!(read(&path, 10, "read").unwrap_err().class, Class::NotFound);
        std::fs::write(&path, "0123456789x").unwrap();
        assert!(read(&path, 10, "read").unwrap_err().got.contains("larger than"));
        std::fs::write(&path, b"a\nb\xff").unwrap();
        assert_eq!(read(&path, 10, "read").unwrap_err().got, "line 2 is not UTF-8 text");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 10, "read").unwrap(), "0123456789");
        assert!(read(dir.path(), 10, "read").is_err());
    }
}
