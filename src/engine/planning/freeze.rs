//! Frozen files: the playbooks of a plan, with what lies beside them, as they were when it was made. What runs is
//! what was shown, whatever happens to the originals in the meantime.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::leads_out;
use crate::base::files::private_dir;
use crate::engine::core::Core;
use crate::model::spec::PlaybookSpec;
use crate::model::{Failure, PlanId, RunNo, Time};

/// Most that is copied: files and bytes. A directory with more is somebody's home, not a project.
const MAX_FILES: u32 = 3000;
const MAX_BYTES: u64 = 32 << 20;
/// Deeper than this leads a link back to where it came from.
const MAX_DEPTH: usize = 64;
/// Largest file that may be a vault password.
const MAX_PASSWORD: u64 = 4096;
/// A plan that nobody said yes to is forgotten after a day.
const KEEP_MS: u64 = 24 * 3_600_000;

/// What was frozen.
#[derive(Default)]
pub struct Frozen {
    /// SHA-256 of each playbook, by path.
    pub hashes: BTreeMap<String, String>,
    /// Why nothing was copied, when so.
    pub warning: Option<String>,
}

/// Copies what the playbooks need into the plan's directory.
pub fn freeze(core: &Core, plan: PlanId, base_dir: &Path, playbooks: &[PlaybookSpec]) -> Result<Frozen, Failure> {
    let mut frozen = Frozen::default();
    for call in playbooks {
        let path = base_dir.join(&call.path);
        let failed = |e: std::io::Error| {
            Failure::not_found(format!("read playbook {}", path.display()), e)
                .next("a playbook's path starts at the directory of its spec")
        };
        let text = fs::read(&path).map_err(failed)?;
        frozen.hashes.insert(call.path.clone(), hex(&Sha256::digest(&text)));
    }
    if playbooks.is_empty() {
        return Ok(frozen);
    }
    if playbooks.iter().any(|p| leads_out(&p.path)) {
        frozen.warning = Some("a playbook lies outside of the directory: files are used as they are when it runs".to_owned());
        return Ok(frozen);
    }
    let to = core.settings.dirs.plans.join(plan.to_string()).join("files");
    frozen.warning = copied(base_dir, &to, core.settings.dirs.plans.clone(), playbooks)?;
    if frozen.warning.is_some() {
        remove(to.parent().unwrap_or(&to));
    }
    Ok(frozen)
}

/// Copies a directory; why the playbooks cannot be run out of the copy, when so.
fn copied(base_dir: &Path, to: &Path, ours: PathBuf, playbooks: &[PlaybookSpec]) -> Result<Option<String>, Failure> {
    let why = match Copy::of(ours).tree(base_dir, to) {
        Ok(()) => match playbooks.iter().find(|call| !to.join(&call.path).exists()) {
            Some(call) => format!("{} lies in a folder that is never copied", call.path),
            None => return Ok(None),
        },
        Err(TooMuch::Many) => format!("{} holds too much to be copied", base_dir.display()),
        Err(TooMuch::Io(path, e)) => return Err(Failure::broken(format!("copy {}", path.display()), e)),
    };
    Ok(Some(format!("{why}: playbooks are used as they are when they run")))
}

/// Moves the frozen files of a plan to the run that carries it out.
///
/// # Errors
/// They cannot be moved.
pub fn adopt(core: &Core, plan: PlanId, run: RunNo) -> Result<(), Failure> {
    let (from, to) = (core.settings.dirs.plans.join(plan.to_string()).join("files"), super::frozen_dir(core, run));
    private_dir(&core.store.run_dir(run))?;
    // A number whose run was never recorded may have left something.
    remove(&to);
    match fs::rename(&from, &to) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Failure::broken(format!("move {}", from.display()), e)),
        _ => {
            remove(from.parent().unwrap_or(&from));
            Ok(())
        }
    }
}

/// Removes copies of the vault password from the frozen files of a run: its file may lie beside the playbooks.
pub fn drop_password(core: &Core, run: RunNo, password: &SecretString) {
    fn walk(dir: &Path, password: &str) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                walk(&path, password);
            } else if meta.len() <= MAX_PASSWORD && fs::read(&path).is_ok_and(|c| c.trim_ascii() == password.as_bytes()) {
                remove_file(&path);
            }
        }
    }
    walk(&super::frozen_dir(core, run), password.expose_secret().trim());
}

fn remove_file(path: &Path) {
    if let Err(e) = fs::remove_file(path) {
        tracing::warn!(file = %path.display(), error = %e, "a copy of the vault password is not removed");
    }
}

/// Removes what plans left that nobody said yes to.
pub fn clean(core: &Core, now: Time) {
    let Ok(entries) = fs::read_dir(&core.settings.dirs.plans) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        let made = Time(age.and_then(|a| i64::try_from(a.as_millis()).ok()).unwrap_or(now.0));
        if now.since(made) > KEEP_MS {
            remove(&entry.path());
        }
    }
}

fn remove(dir: &Path) {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => tracing::warn!(dir = %dir.display(), error = %e, "not removed"),
        _ => {}
    }
}

enum TooMuch {
    Many,
    Io(PathBuf, std::io::Error),
}

struct Copy {
    /// Where plans are kept: never copied into itself.
    ours: PathBuf,
    /// The directories that lead to where the copy is, by device and inode.
    above: Vec<(u64, u64)>,
    /// Files and directories.
    files: u32,
    bytes: u64,
}

impl Copy {
    fn of(ours: PathBuf) -> Self {
        Self { ours, above: Vec::new(), files: 0, bytes: 0 }
    }

    fn tree(&mut self, from: &Path, to: &Path) -> Result<(), TooMuch> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |e| TooMuch::Io(path, e)
        };
        private_dir(to).map_err(|f| TooMuch::Io(to.to_path_buf(), std::io::Error::other(f.got)))?;
        for entry in fs::read_dir(from).map_err(io(from))? {
            let entry = entry.map_err(io(from))?;
            let (path, name) = (entry.path(), entry.file_name());
            if is_clutter(&name.to_string_lossy()) || path == self.ours {
                continue;
            }
            // Links are followed: what they point to is part of the project.
            let Ok(meta) = fs::metadata(&path) else { continue };
            self.files += 1;
            self.bytes += if meta.is_file() { meta.len() } else { 0 };
            if self.files > MAX_FILES || self.bytes > MAX_BYTES || to.components().count() > MAX_DEPTH {
                return Err(TooMuch::Many);
            }
            if meta.is_dir() {
                let here = (meta.dev(), meta.ino());
                // A link to a directory that it lies in: following it would never end.
                if !self.above.contains(&here) {
                    self.above.push(here);
                    self.tree(&path, &to.join(&name))?;
                    self.above.pop();
                }
            } else if meta.is_file() {
                fs::copy(&path, to.join(&name)).map_err(io(&path))?;
            }
        }
        Ok(())
    }
}

fn is_clutter(name: &str) -> bool {
    matches!(name, "node_modules" | "target" | "__pycache__" | "venv") || (name.starts_with('.') && name != ".ansible-lint")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_a_circle_are_followed_once() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("roles")).unwrap();
        fs::write(from.join("roles/main.yml"), "[]").unwrap();
        for name in ["again", "roles/and-again"] {
            std::os::unix::fs::symlink(&from, from.join(name)).unwrap();
        }
        let mut copy = Copy::of(PathBuf::new());
        assert!(copy.tree(&from, &to).is_ok());
        assert!(to.join("roles/main.yml").exists() && !to.join("again/again").exists(), "{} copied", copy.files);
    }

    #[test]
    fn a_playbook_that_is_not_in_the_copy_is_told_of() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for folder in ["books", "target"] {
            fs::create_dir_all(from.join(folder)).unwrap();
            fs::write(from.join(folder).join("site.yml"), "[]").unwrap();
        }
        let warning = |path: &str| {
            let call = PlaybookSpec { path: path.to_owned(), ..PlaybookSpec::default() };
            copied(&from, &to, PathBuf::new(), &[call]).unwrap()
        };
        assert_eq!(warning("books/site.yml"), None);
        assert!(warning("target/site.yml").unwrap().starts_with("target/site.yml lies in a folder that is never copied"));
    }

    #[test]
    fn plans_are_not_copied_into_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let plans = dir.path().join("plans");
        fs::create_dir_all(&plans).unwrap();
        fs::write(dir.path().join("site.yml"), "[]").unwrap();
        let mut copy = Copy::of(plans.clone());
        assert!(copy.tree(dir.path(), &plans.join("p/files")).is_ok());
        assert!(plans.join("p/files/site.yml").exists() && !plans.join("p/files/plans").exists());
    }
}
