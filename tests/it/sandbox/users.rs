//! The same cloud for an ordinary user, with subordinate ids and without; and users on servers.
//!
//! Where the tests run as root, a user is made for the time of the test and the tests are run again as that user.
//! Where they do not, they are the user's tests already.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quarterdeck::base::Cx;
use quarterdeck::clouds::Cloud;
use quarterdeck::model::{Capability, capability::names};

use super::ansible::PLAYBOOK;
use super::{good, root};
use crate::cloud_contract::active;
use crate::cloud_contract::sandbox::SandboxFixture;
use crate::support::{PROGRAM, lacks};

#[tokio::test]
async fn a_server_has_users_beside_root_where_ids_allow_it() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "users-1").await;
    let capability = fixture.sandbox().capabilities().0.get(names::USERS).cloned();
    let sandbox =
        fixture.ssh(&server, "sandbox", &[]).arg("id -u; id -g; touch ~/mine; touch /etc/mine 2>/dev/null || echo no").output();
    if capability == Some(Capability::Yes) {
        assert_eq!(good(&sandbox.await.unwrap()), "1000\n1000\nno\n");
        assert_eq!(
            root(&fixture, &server, "chown 65534:33 /root && stat -c '%u %g' /root && chown 0:0 /root").await,
            "65534 33\n"
        );
        assert_eq!(root(&fixture, &server, "stat -c %U /home/sandbox/mine; su sandbox -c 'id -un'").await, "sandbox\nsandbox\n");
        // A terminal and SFTP as that user.
        let tty = fixture.ssh(&server, "sandbox", &["-tt"]).arg("stat -c %U $(tty)").output().await.unwrap();
        assert_eq!(good(&tty), "sandbox\r\n");
        let mut sftp = Command::new("sftp");
        sftp.args(fixture.ssh_options()).args(["-b", "-", "-P", &server.ssh_port.to_string()]);
        sftp.arg(format!("sandbox@{}", server.address().unwrap()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = sftp.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"pwd\nput /etc/hostname one\nput /etc/hostname /root/two\n")
            .unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(!out.status.success() && String::from_utf8_lossy(&out.stdout).contains("/home/sandbox"), "{out:?}");
        assert_eq!(
            root(&fixture, &server, "stat -c %U /home/sandbox/one; test ! -e /root/two && echo none").await,
            "sandbox\nnone\n"
        );
    } else {
        assert!(matches!(capability, Some(Capability::Limited { .. })), "{capability:?}");
        let refused = sandbox.await.unwrap();
        assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied"), "{refused:?}");
        assert_eq!(root(&fixture, &server, "id -un").await, "root\n");
    }
    fixture.sandbox().delete_server(&Cx::quiet(), &server.id).await.unwrap();
    let left = std::fs::read_dir(fixture.dir().join("trash")).unwrap().count();
    assert_eq!(left, 0, "files of other ids stayed behind");
}

#[test]
fn an_ordinary_user_of_one_id_has_the_same_cloud() {
    let Some(user) = OrdinaryUser::new("one") else { return };
    user.run_tests(&[
        "cloud_contract::sandbox::",
        "sandbox::inside::",
        "sandbox::sessions::",
        "sandbox::transfers::",
        "sandbox::users::a_server",
    ]);
}

#[test]
fn an_ordinary_user_with_subordinate_ids_has_the_same_cloud() {
    let Some(user) = OrdinaryUser::new("sub") else { return };
    let there = Path::new("/usr/bin/newuidmap").exists();
    if lacks("sandbox::users::an_ordinary_user_with_subordinate_ids", "uidmap", there) {
        return;
    }
    let range = "3000000-3065535";
    run(Command::new("usermod").args(["--add-subuids", range, "--add-subgids", range, &user.name]));
    user.run_tests(&[
        "cloud_contract::sandbox::a_server",
        "cloud_contract::sandbox::placed",
        "cloud_contract::sandbox::power",
        "cloud_contract::sandbox::an_image",
        "sandbox::inside::",
        "sandbox::transfers::",
        "sandbox::users::a_server",
    ]);
}

/// A user who exists for the time of a test.
struct OrdinaryUser {
    name: String,
    home: tempfile::TempDir,
}

impl OrdinaryUser {
    /// `None` when the tests run as an ordinary user anyway.
    fn new(kind: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let name = format!("qdtest-{kind}-{}", std::process::id());
        run(Command::new("useradd")
            .args(["--system", "--no-create-home", "--shell", "/bin/sh", "--home-dir"])
            .arg(home.path())
            .arg(&name));
        let user = nix::unistd::User::from_name(&name).unwrap().unwrap();
        chown(home.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        Some(Self { name, home })
    }

    /// Runs tests of this very binary as the user; they must pass.
    fn run_tests(&self, filters: &[&str]) {
        let (tests, program) = (self.reachable(&std::env::current_exe().unwrap()), self.reachable(Path::new(PROGRAM)));
        let mut command = self.command();
        command.arg(tests).args(filters).args(["--test-threads", "2", "--nocapture"]);
        command.env("QUARTERDECK_TEST_PROGRAM", program).env("HOME", self.home.path()).env("TMPDIR", self.home.path());
        // The list of what was skipped is not the user's to write: it is carried over below.
        command.env_remove("QUARTERDECK_SKIPPED");
        if let Some(playbook) = self.playbook() {
            command.env(PLAYBOOK, playbook).arg("sandbox::ansible::");
        }
        let out = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
        let passed = text.lines().find(|l| l.starts_with("test result")).unwrap_or_default().to_owned();
        assert!(!passed.contains(" 0 passed"), "{text}");
        for (_, skipped) in text.lines().filter_map(|l| l.split_once("skipped: ")) {
            lacks(&format!("as {}", self.name), skipped, false);
        }
        eprintln!("as {}: {passed}", self.name);
    }

    /// An `ansible-playbook` that the user can run, if there is one on the path.
    fn playbook(&self) -> Option<PathBuf> {
        let path = std::env::var_os(PLAYBOOK).map(PathBuf::from).or_else(|| {
            let dirs = std::env::var_os("PATH")?;
            std::env::split_paths(&dirs).map(|dir| dir.join("ansible-playbook")).find(|file| file.exists())
        })?;
        let runs =
            self.command().arg(&path).arg("--version").env("HOME", self.home.path()).output().is_ok_and(|o| o.status.success());
        runs.then_some(path)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &self.name, "--regid", &self.name, "--clear-groups", "--inh-caps=-all", "--"]);
        command
    }

    /// The file, or a copy of it where the user cannot get at it.
    fn reachable(&self, file: &Path) -> PathBuf {
        if self.command().args(["test", "-x"]).arg(file).status().unwrap().success() {
            return file.to_owned();
        }
        let copy = self.home.path().join(file.file_name().unwrap());
        std::fs::copy(file, &copy).unwrap();
        copy
    }
}

impl Drop for OrdinaryUser {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.name).output();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}
