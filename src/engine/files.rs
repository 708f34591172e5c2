//! Small files of the engine's own.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::model::Failure;

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// The directory or the file cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::broken(format!("write {}", path.display()), e);
    let dir = path.parent().unwrap_or(Path::new("/"));
    private_dir(dir)?;
    let aside = path.with_extension(format!("new-{:08x}", rand::random::<u32>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&aside, path).map_err(failed)?;
    File::open(dir).and_then(|d| d.sync_all()).map_err(failed)
}

/// Makes a directory that only its owner may enter, with its parents.
///
/// # Errors
/// It cannot be made.
pub fn private_dir(dir: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| Failure::broken(format!("make directory {}", dir.display()), e))
}
