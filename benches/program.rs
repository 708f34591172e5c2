//! The whole program against bare Ansible, on sandbox nodes: needs user namespaces and `python3-venv`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use quarterdeck::ansible::{self, Ansible};
use quarterdeck::base::Cx;

use crate::report::Report;
use crate::store::{median, place};

const NAMES: &[&str] = &["engine.try", "engine.streaming_ratio", "engine.fan_out_ratio"];
/// Nodes of the fan-out.
const NODES: u32 = 100;

pub fn run(report: &mut Report) {
    if !report.wants(NAMES) {
        return;
    }
    let ansible = match shared_ansible() {
        Ok(ansible) => ansible,
        Err(why) => return NAMES.iter().for_each(|name| report.skip(name, &why)),
    };
    let home = Home::new();
    report.measure("engine.try", || {
        let started = Instant::now();
        home.run(&["try", "--plain"]);
        started.elapsed().as_secs_f64()
    });
    report.measure("engine.streaming_ratio", || streaming(&home, &ansible));
    report.measure("engine.fan_out_ratio", || fan_out(&home, &ansible));
}

/// Our time over that of bare `ansible-playbook`, for the playbook of `hello` on its three nodes; medians of
/// interleaved pairs.
fn streaming(home: &Home, ansible: &Ansible) -> f64 {
    let inventory = home.inventory();
    let playbook = home.dir.path().join(format!("data/blueprints/hello-{}/site.yml", env!("CARGO_PKG_VERSION")));
    let theirs = || {
        let mut command = home.command(ansible.playbook.to_str().unwrap());
        command.env("ANSIBLE_PIPELINING", "1").arg("-i").arg(&inventory).arg(&playbook);
        timed(command)
    };
    let ours = || {
        let mut command = home.command(env!("CARGO_BIN_EXE_quarterdeck"));
        command.args(["playbook", "run", "-c", "hello"]);
        timed(command)
    };
    let (mut watched, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        watched.push(ours());
        bare.push(theirs());
    }
    let (watched, bare) = (median(watched), median(bare));
    println!("  the playbook of hello: {watched:.0} ms watched, {bare:.0} ms bare");
    watched / bare
}

/// Our time over Ansible's for one command on every node; medians of interleaved pairs.
fn fan_out(home: &Home, ansible: &Ansible) -> f64 {
    home.run(&["cluster", "scale", "hello", &format!("workers={}", NODES - 1), "--yes"]);
    let (inventory, program) = (home.inventory(), env!("CARGO_BIN_EXE_quarterdeck"));
    let bare = ansible.playbook.with_file_name("ansible");
    let theirs = || {
        let mut command = home.command(bare.to_str().unwrap());
        command.args(["all", "-m", "raw", "-a", "uptime", "-f", "50", "-i"]).arg(&inventory);
        timed(command)
    };
    let ours = || {
        let mut command = home.command(program);
        command.args(["ssh", "hello", "--all", "--", "uptime"]);
        timed(command)
    };
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        fast.push(ours());
        slow.push(theirs());
    }
    let (fast, slow) = (median(fast), median(slow));
    println!(
        "  a command on {NODES} nodes: {fast:.0} ms here, {slow:.0} ms with ansible -m raw -f 50: {:.1} times faster",
        slow / fast
    );
    fast / slow
}

fn timed(mut command: Command) -> Duration {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    started.elapsed()
}

fn shared_ansible() -> Result<Ansible, String> {
    let shared = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ansible-venv");
    let settings = ansible::Settings { data_dir: shared, python: None, use_path: false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ansible::install(&settings, &Cx::quiet())).map_err(|failure| failure.line())
}

/// A home whose cluster and engine end with it.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let dir = place();
        std::fs::create_dir_all(dir.path().join("data")).unwrap();
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ansible-venv");
        std::os::unix::fs::symlink(shared, dir.path().join("data/ansible")).unwrap();
        Self { dir }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("QUARTERDECK_HOME", self.dir.path()).stdin(Stdio::null());
        command
    }

    /// The cluster as a dynamic inventory for Ansible.
    fn inventory(&self) -> PathBuf {
        let path = self.dir.path().join("inventory.sh");
        let program = env!("CARGO_BIN_EXE_quarterdeck");
        std::fs::write(&path, format!("#!/bin/sh\nexec {program} inventory hello \"$@\"\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        path
    }

    fn run(&self, args: &[&str]) {
        let mut command = self.command(env!("CARGO_BIN_EXE_quarterdeck"));
        let output = command.args(args).output().unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for args in [&["cluster", "delete", "hello", "--yes"][..], &["engine", "stop"]] {
            let mut command = self.command(env!("CARGO_BIN_EXE_quarterdeck"));
            // What cannot be given back ends by itself once its directory is gone.
            let _ = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}
