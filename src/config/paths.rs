//! Where everything of a home is kept.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::model::{CloudName, ClusterId, Failure};

/// The variable that moves a whole home into one folder.
pub const HOME_VARIABLE: &str = "QUARTERDECK_HOME";

/// The folders of a home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// `settings.toml`, `keys.toml`, `themes/`.
    pub config: PathBuf,
    /// The store, output of runs, the managed virtualenv, the sandbox.
    pub data: PathBuf,
    /// Lock, socket, log.
    pub state: PathBuf,
    /// The one folder that holds the three, when there is one.
    pub home: Option<PathBuf>,
}

/// A socket by a path that is short however long that of its folder is (the kernel takes 107 bytes).
#[derive(Debug)]
pub struct SocketPath {
    /// Kept open: the path leads through it.
    _dir: File,
    path: PathBuf,
}

impl SocketPath {
    /// The socket `name` in `dir`.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be entered.
    pub fn of(dir: &Path, name: &str) -> io::Result<Self> {
        let dir = File::open(dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd())).join(name);
        Ok(Self { _dir: dir, path })
    }

    /// To bind or connect to while this lives.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Paths {
    /// The folders that the environment asks for: `QUARTERDECK_HOME`, else the XDG ones.
    ///
    /// # Errors
    /// There is neither a home directory nor one of these variables.
    pub fn from_env() -> Result<Self, Failure> {
        Self::choose(std::env::var_os(HOME_VARIABLE))
    }

    fn choose(home: Option<OsString>) -> Result<Self, Failure> {
        if let Some(home) = home.filter(|home| !home.is_empty()) {
            let home = std::path::absolute(&home)
                .map_err(|e| Failure::refused("find the home folder", e).at(format!("${HOME_VARIABLE}")))?;
            return Ok(Self::under(&home));
        }
        let none = || {
            Failure::refused("find the home folder", "this account has no home directory")
                .next(format!("set HOME, or {HOME_VARIABLE} to a folder of your own"))
        };
        let dirs = ProjectDirs::from("", "", "quarterdeck").ok_or_else(none)?;
        Ok(Self {
            config: dirs.config_dir().to_owned(),
            data: dirs.data_dir().to_owned(),
            state: dirs.state_dir().ok_or_else(none)?.to_owned(),
            home: None,
        })
    }

    /// A home in one folder.
    pub fn under(home: &Path) -> Self {
        let home = home.to_owned();
        Self { config: home.join("config"), data: home.join("data"), state: home.join("state"), home: Some(home) }
    }

    /// Makes the folders that are missing, for this account only, and checks that the state folder (whoever can
    /// write there can command the engine) belongs to this account alone.
    ///
    /// # Errors
    /// A folder cannot be made, or the state folder is another account's or open to others.
    pub fn create(&self) -> Result<(), Failure> {
        for dir in [&self.config, &self.data, &self.state] {
            make_private(dir)?;
        }
        check_private(&self.state)
    }

    /// The settings.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.toml")
    }

    /// The user's keys.
    pub fn keys(&self) -> PathBuf {
        self.config.join("keys.toml")
    }

    /// The user's themes, one file each.
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// The operators' socket.
    pub fn socket(&self) -> PathBuf {
        self.state.join(crate::protocol::SOCKET)
    }

    /// Held by the engine while it lives; its pid and version are in it.
    pub fn lock(&self) -> PathBuf {
        self.state.join("engine.lock")
    }

    /// The engine's log; older ones are `engine.log.1` and `.2`.
    pub fn log(&self) -> PathBuf {
        self.state.join("engine.log")
    }

    /// What was typed in consoles.
    pub fn history(&self) -> PathBuf {
        self.state.join("console.history")
    }

    /// What runs leave behind, one folder each.
    pub fn runs(&self) -> PathBuf {
        self.data.join("runs")
    }

    /// The managed virtualenv.
    pub fn ansible(&self) -> PathBuf {
        self.data.join("ansible")
    }

    /// What a sandbox cloud consists of.
    pub fn sandbox(&self, cloud: &CloudName) -> PathBuf {
        self.data.join("sandbox").join(cloud.as_str())
    }

    /// Keys, known hosts and credentials of a cluster.
    pub fn cluster(&self, cluster: ClusterId) -> PathBuf {
        self.data.join("clusters").join(cluster.to_string())
    }
}

/// Makes a folder, and those above it, for this account only; one that is there stays as it is.
fn make_private(dir: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| {
        Failure::refused("make a folder", reason(&e))
            .at(dir.display())
            .next("make room or rights for it, or set QUARTERDECK_HOME to another folder")
    })
}

/// Checks that `dir` is a folder of this account that nobody else can enter.
///
/// # Errors
/// It is not; the failure has the command that puts it right.
pub fn check_private(dir: &Path) -> Result<(), Failure> {
    let tried = "check the state folder";
    let meta = fs::metadata(dir).map_err(|e| Failure::refused(tried, reason(&e)).at(dir.display()))?;
    let me = nix::unistd::geteuid().as_raw();
    if !meta.is_dir() {
        return Err(Failure::refused(tried, "it is not a folder").at(dir.display()).next(format!("move {} away", dir.display())));
    }
    if meta.uid() != me {
        let got = format!("it belongs to the account {}, not to {}", account(meta.uid()), account(me));
        return Err(Failure::refused(tried, got).at(dir.display()).next(format!(
            "remove it or give it back (chown {} {}), or set {HOME_VARIABLE} to a folder of your own",
            account(me),
            dir.display()
        )));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        let got = format!("other accounts can enter it (mode {mode:04o}): they could command the engine");
        return Err(Failure::refused(tried, got).at(dir.display()).next(format!("chmod 700 {}", dir.display())));
    }
    Ok(())
}

fn account(uid: u32) -> String {
    match nix::unistd::User::from_uid(uid.into()) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// What the system says, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_variable_moves_everything() {
        let paths = Paths::choose(Some("/srv/qd".into())).unwrap();
        assert_eq!(paths.settings(), Path::new("/srv/qd/config/settings.toml"));
        assert_eq!(paths.socket(), Path::new("/srv/qd/state/engine.sock"));
        assert_eq!(paths.runs(), Path::new("/srv/qd/data/runs"));
        assert!(Paths::choose(Some("here".into())).unwrap().data.is_absolute());
    }

    #[test]
    fn the_state_folder_is_private_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(&dir.path().join("home"));
        paths.create().unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().mode() & 0o777;
        assert_eq!((mode(&paths.config), mode(&paths.data), mode(&paths.state)), (0o700, 0o700, 0o700));
        fs::set_permissions(&paths.state, fs::Permissions::from_mode(0o755)).unwrap();
        let failure = paths.create().unwrap_err();
        assert!(failure.next.starts_with("chmod 700 "), "{failure}");
        fs::remove_dir(&paths.state).unwrap();
        fs::write(&paths.state, "").unwrap();
        assert!(paths.create().is_err());
    }

    #[test]
    fn a_folder_of_another_account_is_refused() {
        if nix::unistd::geteuid().is_root() {
            let dir = tempfile::tempdir().unwrap();
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
            nix::unistd::chown(dir.path(), Some(12_345.into()), None).unwrap();
            let failure = check_private(dir.path()).unwrap_err();
            assert!(failure.got.contains("12345"), "{failure}");
        } else {
            let failure = check_private(Path::new("/")).unwrap_err();
            assert!(failure.got.contains("root"), "{failure}");
        }
    }
}
