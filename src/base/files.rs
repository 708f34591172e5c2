//! Small files of our own: private, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::Failure;

/// Replaces a file by `bytes`, readable by this account only: written aside, made durable, renamed. A link is
/// followed, so that a file kept elsewhere stays there. Missing directories are made, private as well.
///
/// # Errors
/// The directory or the file cannot be written; what was there is still there.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    private_dir(path.parent().unwrap_or(Path::new("/")))?;
    replace(path, bytes, 0o600, true)
        .map_err(|e| Failure::broken(format!("write {}", path.display()), e).next("make room or rights for it, then try again"))
}

/// Replaces a file by `bytes`, with these permissions whatever the umask; its directory is there. `durable`: it
/// survives a loss of power, which takes longer.
///
/// # Errors
/// It cannot be written; what was there is still there.
pub fn replace(path: &Path, bytes: &[u8], mode: u32, durable: bool) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let aside = aside(&target);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&aside, &target)?;
        if durable {
            File::open(target.parent().unwrap_or(Path::new("/")))?.sync_all()?;
        }
        Ok(())
    };
    // It may never have been made; the message is about the file itself.
    write().inspect_err(|_| drop(fs::remove_file(&aside)))
}

fn aside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{:08x}", rand::random::<u32>()));
    target.with_file_name(name)
}

/// Makes a directory that only its owner may enter, with its parents.
///
/// # Errors
/// It cannot be made.
pub fn private_dir(dir: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| Failure::broken(format!("make directory {}", dir.display()), e))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

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
        assert!(write_private(&real.join("no/such"), b"x").is_err());
        write_private(&dir.path().join("made/for/it"), b"x").unwrap();
        assert_eq!(fs::metadata(dir.path().join("made")).unwrap().mode() & 0o777, 0o700);
    }
}
