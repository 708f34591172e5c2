//! Small helpers around external programs: the environment they inherit, and running short ones.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::Cx;
use crate::model::{Class, Failure};

/// Variables that a scrubbed program inherits. A name that ends in `*` is a prefix.
pub const KEPT: &[&str] = &["HOME", "LANG", "LC_*", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"];

/// Variables that a program which loads from the network needs as well.
pub const KEPT_NETWORK: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_CACHE_DIR",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "PIP_RETRIES",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "XDG_CACHE_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Longest output of a short program that is kept, bytes; the rest is read and dropped.
const KEEP: u64 = 1 << 20;

/// The variables of this process that [`KEPT`] allows.
pub fn kept_env() -> Vec<(OsString, OsString)> {
    env_of(KEPT)
}

/// The variables of this process that `names` allows.
pub fn env_of(names: &[&str]) -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| allowed(name, names)).collect()
}

fn allowed(name: &OsStr, names: &[&str]) -> bool {
    let Some(name) = name.to_str() else { return false };
    names.iter().any(|kept| match kept.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *kept,
    })
}

/// The first executable file `name` in the directories of PATH, for which `fits` holds.
pub fn on_path(name: &str, fits: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_executable(file) && fits(file))
}

/// Whether `file` is a regular file with an executable bit.
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// A short program: no input, a scrubbed environment, its output captured.
#[derive(Clone, Debug)]
pub struct Program {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    limit: Duration,
}

/// How a short program ended.
#[derive(Clone, Debug)]
pub struct Ran {
    pub status: ExitStatus,
    /// The first MiB of standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    /// A program with the environment of [`KEPT`] and a limit of one minute.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { argv: vec![program.as_ref().to_owned()], env: kept_env(), limit: Duration::from_secs(60) }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.argv.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.argv.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Lets it inherit the variables that `names` allows.
    #[must_use]
    pub fn inherit(mut self, names: &[&str]) -> Self {
        self.env.extend(env_of(names));
        self
    }

    /// How long it may take; it is killed with all it started after that.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command line, for messages.
    pub fn line(&self) -> String {
        self.argv.iter().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be run, took too long, or `cx` was cancelled. A bad exit code is not an error.
    pub async fn run(&self, cx: &Cx) -> Result<Ran, Failure> {
        self.run_lines(cx, |_| {}).await
    }

    /// Runs it to its end, handing over each line of its standard output as it comes.
    ///
    /// # Errors
    /// As [`Program::run`].
    pub async fn run_lines(&self, cx: &Cx, each: impl FnMut(&str)) -> Result<Ran, Failure> {
        let tried = format!("run {}", self.argv[0].to_string_lossy());
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).env_clear().envs(self.env.iter().map(|(n, v)| (n, v)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| {
            let class = if e.kind() == std::io::ErrorKind::NotFound { Class::NotFound } else { Class::Broken };
            Failure::new(class, &tried, e)
        })?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let (out, err) = tokio::join!(capture_lines(stdout, each), capture(stderr));
            let status = child.wait().await.map_err(|e| Failure::broken(&tried, e))?;
            Ok(Ran { status, stdout: out, stderr: err })
        };
        let ran = cx.within(self.limit).run(&tried, work).await.map_err(|f| f.at(self.line()));
        if ran.is_ok() {
            group.keep();
        }
        ran
    }
}

/// Kills a process group when dropped, so that a cancelled call leaves nothing running.
struct Group(Option<i32>);

impl Group {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

async fn capture_lines(from: Option<impl AsyncRead + Unpin>, mut each: impl FnMut(&str)) -> String {
    let mut kept = String::new();
    let Some(from) = from else { return kept };
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without end must not fill the memory.
        match (&mut lines).take(KEEP).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return kept,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        each(text.trim_end_matches(['\n', '\r']));
        if kept.len() + text.len() <= KEEP as usize {
            kept.push_str(&text);
        }
    }
}

async fn capture(from: Option<impl AsyncRead + Unpin>) -> String {
    capture_lines(from, |_| {}).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_variables_are_kept() {
        for kept in ["PATH", "LC_ALL", "LC_TIME", "HOME"] {
            assert!(allowed(OsStr::new(kept), KEPT), "{kept}");
        }
        for dropped in ["OS_PASSWORD", "PATHS", "ANSIBLE_VAULT_PASSWORD_FILE", "SSH_AUTH_SOCK", "LD_PRELOAD"] {
            assert!(!allowed(OsStr::new(dropped), KEPT), "{dropped}");
        }
    }

    #[tokio::test]
    async fn output_is_captured_and_lines_are_heard_as_they_come() {
        let mut heard = Vec::new();
        let program = Program::new("/bin/sh").args(["-c", "echo one; printf 'tw\\377o'; echo three >&2; exit 4"]);
        let ran = program.run_lines(&Cx::quiet(), |l| heard.push(l.to_owned())).await.unwrap();
        assert_eq!(heard, ["one", "tw\u{fffd}o"]);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status.code()), ("one\ntw\u{fffd}o", "three\n", Some(4)));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_not_found() {
        let failure = Program::new("/no/such/program").run(&Cx::quiet()).await.unwrap_err();
        assert_eq!(failure.class, Class::NotFound);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_killed_with_its_children() {
        let mark = format!("{}.25", 100_000 + std::process::id());
        let script = format!("sleep {mark} & echo started; wait");
        let program = Program::new("/bin/sh").args(["-c", script.as_str()]).limit(Duration::from_millis(300));
        let failure = program.run(&Cx::quiet()).await.unwrap_err();
        assert_eq!(failure.class, Class::Transient);
        let alive = || {
            std::fs::read_dir("/proc")
                .unwrap()
                .flatten()
                .any(|e| std::fs::read(e.path().join("cmdline")).is_ok_and(|c| c == format!("sleep\0{mark}\0").as_bytes()))
        };
        let end = std::time::Instant::now() + Duration::from_secs(5);
        while alive() {
            assert!(std::time::Instant::now() < end, "the child lives on");
            tokio::task::yield_now().await;
        }
    }
}
