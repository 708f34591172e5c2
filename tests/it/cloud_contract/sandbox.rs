//! The sandbox driver keeps the contract.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quarterdeck::base::Cx;
use quarterdeck::clouds::Cloud;
use quarterdeck::clouds::sandbox::{Knobs, Sandbox, Settings};
use quarterdeck::model::{CloudName, HomeId, Server};

use super::{Faults, Fixture, contract};
use crate::support::{self, PROGRAM};

contract!(SandboxFixture::new);
contract!(SandboxFixture::new: networks { what_it_has_not_says_why });
contract!(SandboxFixture::new: images { an_image_is_made_of_a_directory_and_of_an_archive,
    an_upload_that_is_repeated_is_the_same_image, what_is_no_image_is_refused });

/// A sandbox cloud in a directory of its own.
pub struct SandboxFixture {
    cloud: Arc<Sandbox>,
    home: HomeId,
    dir: tempfile::TempDir,
    public_key: String,
}

impl SandboxFixture {
    /// `None`, with a word about it, where this kernel forbids namespaces.
    pub fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let home = HomeId::new();
        let key = dir.path().join("key");
        let made = std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        let public_key = std::fs::read_to_string(dir.path().join("key.pub")).unwrap().trim().to_owned();
        let cloud = Arc::new(open(dir.path(), home));
        let fixture = Self { cloud, home, dir, public_key };
        fixture.works().then_some(fixture)
    }

    fn works(&self) -> bool {
        let cloud = self.cloud.clone();
        let identity = in_a_runtime(async move { cloud.identity(&Cx::quiet()).await });
        match identity {
            Ok(_) => true,
            Err(why) => !support::lacks(std::thread::current().name().unwrap_or("sandbox"), &why.got, false),
        }
    }

    pub fn sandbox(&self) -> &Arc<Sandbox> {
        &self.cloud
    }

    /// Where the cloud keeps its things.
    pub fn dir(&self) -> PathBuf {
        cloud_dir(self.dir.path())
    }

    pub fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// The arguments of every OpenSSH client, up to the options; the port is not among them.
    pub fn ssh_options(&self) -> Vec<String> {
        let key = self.key();
        let options = [
            "BatchMode=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "IdentitiesOnly=yes",
            "ConnectTimeout=10",
        ];
        let mut args = vec!["-F".to_owned(), "/dev/null".to_owned(), "-i".to_owned(), key.display().to_string()];
        args.extend(options.iter().flat_map(|o| ["-o".to_owned(), (*o).to_owned()]));
        args
    }

    /// `ssh` to a server as `user`, with more options.
    pub fn ssh(&self, server: &Server, user: &str, more: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("ssh");
        command.args(self.ssh_options()).args(more).args(["-p", &server.ssh_port.to_string()]);
        command.arg(format!("{user}@{}", server.address().unwrap()));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Opens the cloud anew on an overlay, which ends with what is returned.
    pub fn move_to_an_overlay(&mut self) -> Overlay {
        let at = |name: &str| self.dir.path().join(name);
        for name in ["lower", "upper", "work", "merged"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        let options =
            format!("lowerdir={},upperdir={},workdir={}", at("lower").display(), at("upper").display(), at("work").display());
        let target = at("merged");
        let flags = nix::mount::MsFlags::empty();
        nix::mount::mount(Some("overlay"), &target, Some("overlay"), flags, Some(options.as_str())).unwrap();
        self.cloud = Arc::new(open(&target, self.home));
        Overlay(target)
    }

    fn turn(&self, turn: impl FnOnce(&mut Knobs)) {
        let mut knobs = self.cloud.knobs();
        turn(&mut knobs);
        self.cloud.set_knobs(knobs);
    }
}

fn cloud_dir(dir: &Path) -> PathBuf {
    dir.join("cloud")
}

/// A mount that ends with this.
pub struct Overlay(PathBuf);

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.0, nix::mount::MntFlags::MNT_DETACH);
    }
}

/// The cloud of a fixture, once more.
pub fn open(dir: &Path, home: HomeId) -> Sandbox {
    let settings =
        Settings { name: CloudName::new("sandbox"), home, dir: cloud_dir(dir), program: PROGRAM.into(), knobs: Knobs::default() };
    Sandbox::open(settings).unwrap()
}

/// Runs something asynchronous to its end wherever it is called.
pub fn in_a_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    std::thread::spawn(run).join().unwrap()
}

impl Drop for SandboxFixture {
    fn drop(&mut self) {
        let cloud = self.cloud.clone();
        cloud.set_knobs(Knobs::default());
        in_a_runtime(async move {
            let cx = Cx::quiet();
            for server in cloud.servers(&cx).await.unwrap_or_default() {
                if let Err(failure) = cloud.delete_server(&cx, &server.id).await {
                    eprintln!("{failure}");
                }
            }
        });
    }
}

#[async_trait]
impl Fixture for SandboxFixture {
    fn cloud(&self) -> Arc<dyn Cloud> {
        self.cloud.clone()
    }

    fn reopened(&self) -> Arc<dyn Cloud> {
        Arc::new(open(self.dir.path(), self.home))
    }

    fn home(&self) -> HomeId {
        self.home
    }

    fn flavor(&self) -> String {
        "tiny".to_owned()
    }

    fn image(&self) -> String {
        "host".to_owned()
    }

    fn public_key(&self) -> String {
        self.public_key.clone()
    }

    async fn run(&self, server: &Server, command: &str) -> Output {
        self.ssh(server, "root", &[]).arg(command).output().await.unwrap()
    }

    fn faults(&self) -> &dyn Faults {
        self
    }
}

impl Faults for SandboxFixture {
    fn boots_fail(&self, fail: bool) {
        self.turn(|knobs| knobs.boot_failure_rate = if fail { 1.0 } else { 0.0 });
    }

    fn boots_take(&self, time: Duration) {
        self.turn(|knobs| knobs.boot_ms = time.as_millis() as u64);
    }

    fn latency(&self, time: Duration) {
        self.turn(|knobs| knobs.api_latency_ms = time.as_millis() as u64);
    }

    fn errors(&self, rate: f64) {
        self.turn(|knobs| knobs.api_error_rate = rate);
    }

    fn throttle(&self, rate: f64) {
        self.turn(|knobs| knobs.api_throttle_rate = rate);
    }

    fn lost_answers(&self, rate: f64) {
        self.turn(|knobs| knobs.api_lost_answer_rate = rate);
    }

    fn quota(&self, servers: u64) {
        self.turn(|knobs| knobs.quota_servers = servers);
    }
}
