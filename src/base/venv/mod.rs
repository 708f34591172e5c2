//! Python virtual environments that we manage.
//!
//! A folder holds versions of one environment, `venv-…`, and the link `current` to the one in use. A version is
//! made at its final place, since its scripts hold absolute paths, and counts only once it was tried: then it
//! gets its [`health::Stamp`] and the link. So nobody ever sees a half-made one, and a program that runs out of
//! an older version is not disturbed.

mod health;
mod python;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::Cx;
use super::process::{KEPT_NETWORK, Program};
use crate::model::{Class, Failure, text};

pub use health::{Stamp, files_of};

/// How long pip may take, slow networks included.
const PIP_LIMIT: Duration = Duration::from_secs(20 * 60);
/// Versions that are no longer current are kept this long, for programs that still run out of them.
const KEEP_OLD: Duration = Duration::from_secs(2 * 24 * 3600);
const CURRENT: &str = "current";
const PREFIX: &str = "venv-";

/// What an environment is made of.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The folder of its versions.
    pub root: PathBuf,
    /// What pip installs: the text of a requirements file.
    pub requirements: &'static str,
    /// The program in its `bin` that is wanted; runs with `--version` to see whether all is well.
    pub program: &'static str,
    /// The Python to make it with; one is looked for when left out.
    pub python: Option<PathBuf>,
    /// Lowest version of Python, major and minor.
    pub lowest_python: (u32, u32),
}

/// An environment that works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Venv {
    /// Its own folder, not the link.
    pub dir: PathBuf,
    /// What the program said to `--version`.
    pub version: String,
}

impl Venv {
    /// A program of it.
    pub fn bin(&self, name: &str) -> PathBuf {
        self.dir.join("bin").join(name)
    }
}

/// The current environment, if it works. Cheap (a few file times) while nothing changed since it was last tried;
/// after a change it is tried again.
pub async fn check(recipe: &Recipe, cx: &Cx) -> Option<Venv> {
    let dir = fs::canonicalize(recipe.root.join(CURRENT)).ok()?;
    let stamp = Stamp::read(&dir)?;
    if stamp.holds() {
        return Some(Venv { dir, version: stamp.version });
    }
    attempt(recipe, &dir, &stamp.recipe, cx).await.ok()
}

/// Makes the environment, or makes it anew where it is broken or of another recipe. A second caller waits for the
/// first and finds its work done.
///
/// # Errors
/// There is no fitting Python (`next` says what to install), pip failed, or what it installed does not run.
pub async fn ensure(recipe: &Recipe, cx: &Cx) -> Result<Venv, Failure> {
    let tried = "make a virtualenv";
    let broken = |e: std::io::Error| Failure::broken(tried, e).at(recipe.root.display());
    DirBuilder::new().recursive(true).mode(0o700).create(&recipe.root).map_err(broken)?;
    let root = fs::canonicalize(&recipe.root).map_err(broken)?;
    let recipe = &Recipe { root, ..recipe.clone() };
    let _lock = lock(recipe, cx).await?;

    let wanted = recipe_id(recipe);
    if let Some(venv) = check(recipe, cx).await
        && Stamp::read(&venv.dir).is_some_and(|s| s.recipe == wanted)
    {
        return Ok(venv);
    }
    sweep(&recipe.root, |dir| Stamp::read(dir).is_none());
    let (python, _) = python(recipe, cx).await?;
    let dir = recipe.root.join(format!("{PREFIX}{}-{:x}", &wanted[..8], cx.clock.now().0));
    let half_made = HalfMade(Some(dir.clone()));
    install(recipe, &python, &dir, cx).await?;
    let venv = attempt(recipe, &dir, &wanted, cx).await?;
    point_at(&recipe.root, &dir).map_err(broken)?;
    half_made.keep();
    sweep(&recipe.root, |old| old != dir && is_old(old));
    cx.output.line(&format!("ready: {}", venv.version));
    Ok(venv)
}

/// The Python that would make it, and its version.
///
/// # Errors
/// There is none that fits; `next` says what to install.
pub async fn python(recipe: &Recipe, cx: &Cx) -> Result<(PathBuf, (u32, u32)), Failure> {
    python::pick(recipe.python.as_deref(), recipe.lowest_python, cx).await
}

/// Names the content of a recipe.
fn recipe_id(recipe: &Recipe) -> String {
    let digest = Sha256::digest(recipe.requirements.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Waits until no other process makes the same environment. The lock ends with its file.
async fn lock(recipe: &Recipe, cx: &Cx) -> Result<File, Failure> {
    let tried = "make a virtualenv";
    let path = recipe.root.join("lock");
    let file = File::create(&path).map_err(|e| Failure::broken(tried, e).at(path.display()))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(Failure::broken(tried, e).at(path.display())),
        }
        if !std::mem::replace(&mut told, true) {
            cx.output.line("another process makes it at this moment; waiting for that");
        }
        cx.sleep(tried, Duration::from_millis(100)).await?;
    }
}

/// Makes the folder and fills it.
async fn install(recipe: &Recipe, python: &Path, dir: &Path, cx: &Cx) -> Result<(), Failure> {
    let packages = recipe.requirements.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).count() as u64;
    let total = packages + 3;
    cx.progress.progress(0, Some(total), "making the virtualenv");
    cx.output.line(&format!("making {} with {}", dir.display(), python.display()));
    let made = Program::new(python).args(["-m", "venv"]).arg(dir).limit(Duration::from_secs(300)).run(cx).await?;
    if !made.status.success() {
        let got = last_lines(&format!("{}\n{}", made.stdout, made.stderr));
        return Err(Failure::broken("make a virtualenv", got).at(dir.display()).next(python::advice(true)));
    }
    let requirements = dir.join("requirements.txt");
    let write = fs::write(&requirements, recipe.requirements);
    write.map_err(|e| Failure::broken("make a virtualenv", e).at(requirements.display()))?;

    let mut done = 1;
    cx.progress.progress(done, Some(total), "installing packages");
    let pip = Program::new(dir.join("bin/python"))
        .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-r"])
        .arg(&requirements)
        .inherit(KEPT_NETWORK)
        .limit(PIP_LIMIT);
    let ran = pip
        .run_lines(cx, |line| {
            cx.output.line(line);
            if line.starts_with("Collecting ") || line.starts_with("Installing collected ") {
                done = (done + 1).min(total - 1);
                cx.progress.progress(done, Some(total), text::clean(line).split(" (").next().unwrap_or_default());
            }
        })
        .await?;
    if ran.status.success() { Ok(()) } else { Err(pip_failure(&ran.stderr, dir)) }
}

fn pip_failure(said: &str, dir: &Path) -> Failure {
    let small = said.to_lowercase();
    let network = ["retrying (", "connection", "timed out", "name resolution", "proxyerror", "network is unreachable"];
    let class = if network.iter().any(|word| small.contains(word)) { Class::Transient } else { Class::Broken };
    Failure::new(class, "install packages with pip", last_lines(said))
        .at(dir.display())
        .next("check the network; behind a proxy set HTTPS_PROXY, with a mirror PIP_INDEX_URL, and try again")
}

/// The last three lines that say something.
fn last_lines(said: &str) -> String {
    let mut lines: Vec<&str> = said.lines().rev().map(str::trim).filter(|l| !l.is_empty()).take(3).collect();
    lines.reverse();
    if lines.is_empty() { "it said nothing".to_owned() } else { text::clean_lines(&lines.join("\n")) }
}

/// Runs the program, and writes the stamp when it runs.
async fn attempt(recipe: &Recipe, dir: &Path, id: &str, cx: &Cx) -> Result<Venv, Failure> {
    let program = dir.join("bin").join(recipe.program);
    let ran = Program::new(&program).arg("--version").env("LC_ALL", "C.UTF-8").run(cx).await?;
    if !ran.status.success() || ran.stdout.trim().is_empty() {
        let got = last_lines(&format!("{}\n{}", ran.stdout, ran.stderr));
        return Err(Failure::broken(format!("run {} --version", recipe.program), got).at(program.display()));
    }
    let stamp = Stamp::of(id, ran.stdout.trim(), &health::of_venv(dir, recipe.program));
    stamp.write(dir).map_err(|e| Failure::broken("make a virtualenv", e).at(dir.display()))?;
    Ok(Venv { dir: dir.to_owned(), version: stamp.version })
}

/// Makes `current` lead to `dir`, in one step.
fn point_at(root: &Path, dir: &Path) -> std::io::Result<()> {
    let aside = root.join(".current");
    let _ = fs::remove_file(&aside);
    std::os::unix::fs::symlink(dir.file_name().unwrap_or_default(), &aside)?;
    fs::rename(aside, root.join(CURRENT))
}

/// Removes the versions for which `which` holds.
fn sweep(root: &Path, which: impl Fn(&Path) -> bool) {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(PREFIX)) {
        if which(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_old(dir: &Path) -> bool {
    let made = dir.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    made.elapsed().is_ok_and(|age| age > KEEP_OLD)
}

/// Removes a folder when dropped, also when the call was cancelled.
struct HalfMade(Option<PathBuf>);

impl HalfMade {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        if let Some(dir) = &self.0 {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_network_may_heal_others_do_not() {
        let cut = "WARNING: Retrying (Retry(total=0)) after connection broken\nERROR: No matching distribution found";
        let failure = pip_failure(cut, Path::new("/x"));
        assert!(failure.heals());
        assert!(failure.got.ends_with("ERROR: No matching distribution found"));
        assert!(!pip_failure("ERROR: No space left on device", Path::new("/x")).heals());
    }

    #[test]
    fn the_link_moves_and_half_made_ones_go() {
        let root = tempfile::tempdir().unwrap();
        for name in ["venv-a", "venv-b", "other"] {
            fs::create_dir(root.path().join(name)).unwrap();
            point_at(root.path(), &root.path().join(name)).unwrap();
            assert!(fs::canonicalize(root.path().join(CURRENT)).unwrap().ends_with(name));
        }
        Stamp::of("id", "1", &[]).write(&root.path().join("venv-b")).unwrap();
        sweep(root.path(), |dir| Stamp::read(dir).is_none());
        assert!(!root.path().join("venv-a").exists());
        assert!(root.path().join("venv-b").exists() && root.path().join("other").exists());
        drop(HalfMade(Some(root.path().join("venv-b"))));
        assert!(!root.path().join("venv-b").exists());
    }
}
