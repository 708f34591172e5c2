//! The whole program: its size, and what it does beside bare Ansible on sandbox nodes, which needs user namespaces and
//! `python3-venv`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use quarterdeck::ansible::Ansible;

use crate::home::{Home, finish};
use crate::process::cpu_with_children;
use crate::report::Report;
use crate::store::{median, place};

const NAMES: &[&str] = &["engine.try", "engine.streaming_ratio", "engine.fan_out_ratio"];
/// Nodes of the fan-out.
const NODES: u32 = 100;
/// Interleaved pairs of a comparison: when it is asked for by name, and beside everything else.
const PAIRS: (usize, usize) = (15, 3);

pub fn run(report: &mut Report) {
    if report.wants(&["program.size"]) {
        size(report);
    }
    if !report.wants(NAMES) {
        return;
    }
    let home = Home::at(place());
    let ansible = match home.share_ansible() {
        Ok(ansible) => ansible,
        Err(failure) => return NAMES.iter().for_each(|name| report.skip(name, &failure.line())),
    };
    let started = Instant::now();
    home.run(["try", "--plain"]).ok();
    report.take("engine.try", started.elapsed().as_secs_f64());
    let pairs = if report.asked("engine.streaming_ratio") { PAIRS.0 } else { PAIRS.1 };
    report.measure("engine.streaming_ratio", || streaming(&home, &ansible, pairs));
    report.measure("engine.fan_out_ratio", || fan_out(&home, &ansible));
    home.run(["cluster", "delete", "hello", "--yes"]).ok();
}

/// The binary as it is shipped; it is built only when its size alone is asked for.
fn size(report: &mut Report) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let binary = target.join("dist/quarterdeck");
    if report.asked("program.size") {
        println!("  building profile dist");
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--profile", "dist"]).status().unwrap();
        assert!(built.success());
    }
    match std::fs::metadata(&binary) {
        Ok(meta) => {
            let age = meta.modified().unwrap().elapsed().unwrap_or_default().as_secs() / 3600;
            println!("  {}, built {age} h ago", binary.display());
            report.take("program.size", meta.len() as f64 / f64::from(1 << 20));
        }
        Err(_) => report.skip("program.size", "target/dist/quarterdeck is not built; `cargo bench -- program.size` builds it"),
    }
}

/// What one call took.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    /// Seconds of CPU of everything that worked for it.
    cpu: f64,
}

/// Our time over that of bare `ansible-playbook`, for the playbook of `hello` on its three nodes: the same inventory,
/// the same settings, connections of their own each time; the median of interleaved pairs.
fn streaming(home: &Home, ansible: &Ansible, pairs: usize) -> f64 {
    let playbook = home.path().join(format!("data/blueprints/hello-{}/site.yml", env!("CARGO_PKG_VERSION")));
    let inventory = frozen_inventory(home);
    let engine = home.engine().unwrap();
    let theirs = |n: usize| {
        let mut command = Command::new(&ansible.playbook);
        command.env("ANSIBLE_SSH_CONTROL_PATH_DIR", home.path().join(format!("cp/{n}")));
        command.env("LC_ALL", "C.UTF-8").arg("-i").arg(&inventory).arg(&playbook);
        timed(command, || 0.0)
    };
    let ours = || timed(home.command(["playbook", "run", "-c", "hello"]), || cpu_with_children(engine));
    // The first of each reads files that later ones find in memory.
    ours();
    theirs(pairs);
    let (mut watched, mut bare) = (Vec::new(), Vec::new());
    for n in 0..pairs {
        if n % 2 == 0 {
            watched.push(ours());
            bare.push(theirs(n));
        } else {
            bare.push(theirs(n));
            watched.push(ours());
        }
    }
    println!("  the playbook of hello, {pairs} pairs");
    compare("CPU", &watched, &bare, |took| took.cpu);
    compare("wall", &watched, &bare, |took| took.wall)
}

/// The inventory of the last run.
fn frozen_inventory(home: &Home) -> PathBuf {
    let runs = home.run(["run", "list", "--json"]).ok().json();
    let last = runs.as_array().unwrap().iter().map(|run| run["number"].as_u64().unwrap()).max().unwrap();
    let steps = std::fs::read_dir(home.path().join(format!("data/runs/{last}/steps"))).unwrap().flatten();
    let mut found = steps.map(|step| step.path().join("inventory.json")).filter(|path| path.exists());
    found.next().expect("a playbook's inventory")
}

/// Prints both medians; the median ratio of the pairs, and whether it shows against their spread.
fn compare(what: &str, ours: &[Took], theirs: &[Took], of: fn(&Took) -> f64) -> f64 {
    let middle = |mut values: Vec<f64>, quarter: usize| {
        values.sort_by(f64::total_cmp);
        values[(values.len() - 1) * quarter / 4]
    };
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| of(a) / of(b)).collect();
    let (low, ratio, high) = (middle(ratios.clone(), 1), middle(ratios.clone(), 2), middle(ratios, 3));
    let (a, b) = (middle(ours.iter().map(of).collect(), 2), middle(theirs.iter().map(of).collect(), 2));
    let shown = if high - low > (ratio - 1.0).abs() { "not shown: the spread is larger than the effect" } else { "shown" };
    println!("  {what}: {a:.2} s watched, {b:.2} s bare; ratio {ratio:.3}, half of the pairs in {low:.3} to {high:.3}: {shown}");
    ratio
}

/// Our time over Ansible's for one command on every node; medians of interleaved pairs.
fn fan_out(home: &Home, ansible: &Ansible) -> f64 {
    // The playbook of the blueprint runs on all of them.
    let scale = home.command(["cluster", "scale", "hello", &format!("workers={}", NODES - 1), "--yes"]);
    finish(scale, Duration::from_secs(600)).ok();
    let inventory = home.path().join("inventory.sh");
    let script = format!("#!/bin/sh\nexec {} inventory hello \"$@\"\n", env!("CARGO_BIN_EXE_quarterdeck"));
    std::fs::write(&inventory, script).unwrap();
    std::fs::set_permissions(&inventory, std::fs::Permissions::from_mode(0o700)).unwrap();
    let theirs = || {
        let mut command = Command::new(ansible.playbook.with_file_name("ansible"));
        command.env("QUARTERDECK_HOME", home.path());
        command.args(["all", "-m", "raw", "-a", "uptime", "-f", "50", "-i"]).arg(&inventory);
        timed(command, || 0.0)
    };
    let ours = || timed(home.command(["ssh", "hello", "--all", "--", "uptime"]), || 0.0);
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        fast.push(Duration::from_secs_f64(ours().wall));
        slow.push(Duration::from_secs_f64(theirs().wall));
    }
    let (fast, slow) = (median(fast), median(slow));
    println!(
        "  a command on {NODES} nodes: {fast:.0} ms here, {slow:.0} ms with ansible -m raw -f 50: {:.1} times faster",
        slow / fast
    );
    fast / slow
}

/// Runs a command to its end; `elsewhere` is the CPU, seconds so far, of who else works for it.
fn timed(mut command: Command, elsewhere: impl Fn() -> f64) -> Took {
    let children = || {
        let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        (used.user_time() + used.system_time()).num_microseconds() as f64 / 1e6
    };
    let (cpu, started) = (children() + elsewhere(), Instant::now());
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let wall = started.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}: {status}");
    Took { wall, cpu: children() + elsewhere() - cpu }
}
