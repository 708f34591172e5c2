//! A Docker engine to test with, and a home that finds it.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::home::Home;
use crate::support;

/// A base image for tests: a static busybox and nothing else. There is no public registry to pull from.
pub const BASE: &str = "quarterdeck-test/base:1";
/// The programs of it that tests use.
const APPLETS: &[&str] =
    &["sh", "cat", "echo", "sleep", "ls", "true", "false", "mkdir", "touch", "seq", "printf", "test", "env", "tr", "dd"];

/// A home that finds the Docker engine of this computer, by Docker's own rules.
pub struct Yard {
    pub home: Home,
    /// Begins the name of whatever the test makes there.
    pub name: String,
}

impl Yard {
    /// Nothing where this machine has no Docker engine.
    #[track_caller]
    pub fn open(test: &str) -> Option<Self> {
        let engine = try_docker(&["version"]).is_ok();
        if support::lacks(test, "a Docker engine", engine) || support::lacks(test, "busybox-static", busybox().is_some()) {
            return None;
        }
        make_base();
        let mut home = Home::new();
        // Contexts and logins of the person who tests are not ours.
        home.set_env("DOCKER_CONFIG", home.path().join("docker"));
        // The console does not begin with the wizard in a home that has a cloud.
        std::fs::create_dir_all(home.path().join("config")).unwrap();
        std::fs::write(
            home.path().join("config/settings.toml"),
            "[clouds.here]\ndriver = \"sandbox\"\n\n[console]\nopen = \"docker\"\n",
        )
        .unwrap();
        let name = format!("qd-test-{}-{}", test.replace('_', "-"), std::process::id());
        Some(Self { home, name })
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let of = |what: &[&str]| try_docker(what).unwrap_or_default();
        let filter = format!("name={}", self.name);
        for id in of(&["ps", "-aq", "--filter", &filter]).split_whitespace() {
            of(&["rm", "-f", "-v", id]);
        }
        let reference = format!("reference={}*", self.name);
        for name in of(&["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", &reference]).split_whitespace() {
            of(&["rmi", "-f", name]);
        }
        for kind in ["volume", "network"] {
            for name in of(&[kind, "ls", "-q", "--filter", &filter]).split_whitespace() {
                of(&[kind, "rm", name]);
            }
        }
    }
}

/// Docker's own command line, as a yardstick.
#[track_caller]
pub fn docker(args: &[&str]) -> String {
    try_docker(args).unwrap_or_else(|said| panic!("docker {args:?}: {said}"))
}

/// The same, where it may fail: what it said.
pub fn try_docker(args: &[&str]) -> Result<String, String> {
    let ran = Command::new("docker").args(args).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if ran.status.success() { Ok(text(&ran.stdout)) } else { Err(text(&ran.stderr)) }
}

/// A busybox that needs no libraries.
fn busybox() -> Option<PathBuf> {
    let path = ["/bin/busybox", "/usr/bin/busybox"].iter().map(Path::new).find(|path| path.exists())?;
    let linked = Command::new("ldd").arg(path).output().ok()?;
    (!linked.status.success()).then(|| path.to_owned())
}

/// Makes the base image, once for all tests.
fn make_base() {
    let lock = std::fs::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("docker-base.lock")).unwrap();
    // SAFETY: plain system call on a file of ours; the lock goes with the file.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0);
    if try_docker(&["image", "inspect", BASE]).is_ok() {
        return;
    }
    let mut tar = tar::Builder::new(Vec::new());
    let mut entry = |path: &str, kind: tar::EntryType, mode: u32, bytes: &[u8], link: Option<&str>| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        match link {
            Some(link) => tar.append_link(&mut header, path, link).unwrap(),
            None => tar.append_data(&mut header, path, bytes).unwrap(),
        }
    };
    for dir in ["bin/", "tmp/", "etc/"] {
        entry(dir, tar::EntryType::Directory, 0o755, &[], None);
    }
    entry("bin/busybox", tar::EntryType::Regular, 0o755, &std::fs::read(busybox().unwrap()).unwrap(), None);
    for applet in APPLETS {
        entry(&format!("bin/{applet}"), tar::EntryType::Symlink, 0o777, &[], Some("busybox"));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("base.tar");
    std::fs::write(&path, tar.into_inner().unwrap()).unwrap();
    docker(&["import", "--change", "ENV PATH=/bin", path.to_str().unwrap(), BASE]);
}
