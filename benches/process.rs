//! What a process costs, as the kernel tells it.

use std::fs::read_to_string;

/// What all threads of a process have used so far.
#[derive(Clone, Copy, Default)]
pub struct Used {
    /// Nanoseconds of CPU.
    pub cpu: u64,
    /// How often a thread went to sleep or was put aside: each time but the first, it woke up again.
    pub switches: u64,
}

impl Used {
    /// Of the threads that live now: one that ended meanwhile takes its part with it.
    pub fn by(pid: i32) -> Self {
        let mut used = Self::default();
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let path = task.path();
            let cpu = read_to_string(path.join("schedstat")).unwrap_or_default();
            used.cpu += cpu.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
            let status = read_to_string(path.join("status")).unwrap_or_default();
            let counts = status.lines().filter_map(|line| line.split_once("voluntary_ctxt_switches:"));
            used.switches += counts.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum::<u64>();
        }
        assert!(used.cpu > 0, "this kernel counts no CPU by thread");
        used
    }

    pub fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), switches: self.switches.saturating_sub(before.switches) }
    }
}

/// Seconds of CPU of a process and of all its children that have ended and were waited for.
pub fn cpu_with_children(pid: i32) -> f64 {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    // utime, stime, cutime and cstime are fields 14 to 17; `rest` begins with field 3.
    let ticks: f64 = rest.split(' ').skip(11).take(4).map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).unwrap().unwrap() as f64
}

/// Resident memory, MiB.
pub fn resident(pid: i32) -> f64 {
    let status = read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
