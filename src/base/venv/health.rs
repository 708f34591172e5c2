//! Whether something that was tried is still what it was.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// File of a stamp.
const NAME: &str = "quarterdeck.json";

/// Says that a program ran well, and which files stood for it then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// Names what it was made of.
    pub recipe: String,
    /// What it said to `--version`.
    pub version: String,
    files: Vec<FileMark>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct FileMark {
    path: PathBuf,
    /// Where the path leads in the end: a link may lead elsewhere tomorrow.
    real: PathBuf,
    /// Time of the last change, nanoseconds.
    modified: i128,
    size: u64,
}

impl FileMark {
    fn of(path: &Path) -> io::Result<Self> {
        let real = fs::canonicalize(path)?;
        let data = real.metadata()?;
        let modified = i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec());
        // The size of a folder means nothing.
        Ok(Self { path: path.to_owned(), real, modified, size: if data.is_file() { data.len() } else { 0 } })
    }
}

impl Stamp {
    /// A stamp over `files` as they are now.
    pub fn of(recipe: &str, version: &str, files: &[PathBuf]) -> Self {
        let files = files.iter().filter_map(|f| FileMark::of(f).ok()).collect();
        Self { recipe: recipe.to_owned(), version: version.to_owned(), files }
    }

    /// The stamp in `dir`, if there is one.
    pub fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(NAME)).ok()?).ok()
    }

    /// Writes it into `dir`, in one step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let aside = dir.join(format!(".{NAME}.{}", std::process::id()));
        fs::write(&aside, serde_json::to_vec_pretty(self)?)?;
        fs::rename(aside, dir.join(NAME))
    }

    /// Whether its files are as they were.
    pub fn holds(&self) -> bool {
        !self.files.is_empty() && self.files.iter().all(|mark| FileMark::of(&mark.path).is_ok_and(|now| now == *mark))
    }
}

/// The files that stand for an environment: its Python, the program, and the folder of its packages.
pub(super) fn of_venv(dir: &Path, program: &str) -> Vec<PathBuf> {
    let mut files = vec![dir.join("pyvenv.cfg"), dir.join("bin/python"), dir.join("bin").join(program)];
    files.extend(fs::read_dir(dir.join("lib")).into_iter().flatten().flatten().map(|e| e.path().join("site-packages")));
    files
}

/// The same for a program outside of an environment: itself and its Python.
pub fn files_of(program: &Path, python: &Path) -> Vec<PathBuf> {
    vec![program.to_owned(), python.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_a_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b, link) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("link"));
        fs::write(&a, "1").unwrap();
        fs::write(&b, "1").unwrap();
        std::os::unix::fs::symlink(&a, &link).unwrap();
        Stamp::of("r", "2.0", &[a.clone(), link.clone()]).write(dir.path()).unwrap();
        let stamp = Stamp::read(dir.path()).unwrap();
        assert!(stamp.holds());
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&b, &link).unwrap();
        assert!(!stamp.holds(), "the link leads elsewhere");
        let stamp = Stamp::of("r", "2.0", std::slice::from_ref(&a));
        fs::write(&a, "longer").unwrap();
        assert!(!stamp.holds());
        assert!(!Stamp::of("r", "2.0", &[]).holds());
    }
}
