//! Processes: who descends from whom, who waits for input, and ending them.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::MARK;

/// One process, as `/proc/PID/stat` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Process {
    pub pid: i32,
    pub parent: i32,
    pub session: i32,
    /// Ended, and not yet collected by its parent.
    pub zombie: bool,
}

/// All processes that can be seen.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

fn parse_stat(stat: &str) -> Option<Process> {
    let pid = stat.split(' ').next()?.parse().ok()?;
    // The name in parentheses may hold anything, parentheses and spaces included.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let zombie = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { pid, parent, session, zombie })
}

/// Those of `all` that descend from `root`, without it; zombies excluded.
pub(super) fn below(all: &[Process], root: i32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|p| p.parent == parent && p.pid != root) {
            if found.iter().all(|f| f.pid != process.pid) {
                found.push(*process);
                parents.push(process.pid);
            }
        }
    }
    found.retain(|p| !p.zombie);
    found
}

/// Sends a signal; a process that is gone is no error.
pub(super) fn send(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Kills every process of ours that carries the mark of the job of `dir`; returns how many.
pub(super) fn kill_marked(dir: &Path) -> usize {
    let Ok(dir) = std::path::absolute(dir) else { return 0 };
    let mark = format!("{MARK}={}", dir.display());
    let marked = |pid: i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|b| *b == 0).any(|entry| entry == mark.as_bytes())
    };
    let mut killed = 0;
    // More than once: a process may start another one while we look.
    for _ in 0..10 {
        let found: Vec<i32> = all().iter().filter(|p| !p.zombie).map(|p| p.pid).filter(|pid| marked(*pid)).collect();
        if found.is_empty() {
            break;
        }
        for pid in found {
            killed += usize::from(kill_if(pid, &marked));
        }
    }
    killed
}

/// Kills `pid` unless its number was given to another process meanwhile.
fn kill_if(pid: i32, still: &dyn Fn(i32) -> bool) -> bool {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    // SAFETY: the call takes two integers and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let Ok(raw) = i32::try_from(fd) else { return false };
    if raw < 0 {
        return false;
    }
    // SAFETY: the descriptor is new and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    if !still(pid) {
        return false;
    }
    // SAFETY: plain integers and a null pointer, which the call allows.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), libc::SIGKILL, std::ptr::null::<libc::siginfo_t>(), 0)
    };
    sent == 0
}

/// Whether a process waits for input from the job's terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reader {
    /// One is blocked reading the terminal.
    Reads,
    /// One waits for one of several things, which may be the terminal; or the kernel does not tell.
    Perhaps,
    /// None.
    No,
}

/// Looks at the program and what it started in its session: the first 64 processes.
pub(super) fn reader(program: i32, terminal: &str) -> Reader {
    let mut found = Reader::No;
    let mut waiting = vec![program];
    let mut looked = 0;
    while let Some(pid) = waiting.pop() {
        looked += 1;
        if looked > 64 {
            break;
        }
        for task in tasks(pid) {
            match reads(pid, task, terminal) {
                Reader::Reads => return Reader::Reads,
                Reader::Perhaps => found = Reader::Perhaps,
                Reader::No => {}
            }
            let children = fs::read_to_string(format!("/proc/{pid}/task/{task}/children")).unwrap_or_default();
            waiting.extend(children.split_ascii_whitespace().filter_map(|c| c.parse::<i32>().ok()));
        }
    }
    found
}

fn tasks(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).take(16).collect()
}

fn reads(pid: i32, task: i32, terminal: &str) -> Reader {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/task/{task}/syscall")) else {
        return waits_on_a_terminal(pid, task, terminal);
    };
    let mut words = text.split_ascii_whitespace();
    let number = words.next().and_then(|w| w.parse::<i64>().ok());
    let first = words.next().and_then(|w| i64::from_str_radix(w.trim_start_matches("0x"), 16).ok());
    match (number, first) {
        (Some(libc::SYS_read | libc::SYS_readv), Some(fd)) if is_terminal(pid, fd, terminal) => Reader::Reads,
        (Some(libc::SYS_pselect6 | libc::SYS_ppoll | libc::SYS_epoll_pwait), _) => Reader::Perhaps,
        #[cfg(target_arch = "x86_64")]
        (Some(libc::SYS_select | libc::SYS_poll | libc::SYS_epoll_wait), _) => Reader::Perhaps,
        _ => Reader::No,
    }
}

/// For kernels that do not show system calls to us: where in the kernel the task sleeps.
fn waits_on_a_terminal(pid: i32, task: i32, terminal: &str) -> Reader {
    let place = fs::read_to_string(format!("/proc/{pid}/task/{task}/wchan")).unwrap_or_default();
    let reads = matches!(place.trim(), "wait_woken" | "n_tty_read") && is_terminal(pid, 0, terminal);
    if reads { Reader::Perhaps } else { Reader::No }
}

fn is_terminal(pid: i32, fd: i64, terminal: &str) -> bool {
    let target = fs::read_link(format!("/proc/{pid}/fd/{fd}"));
    target.is_ok_and(|t| t.as_os_str() == terminal || t.as_os_str() == "/dev/tty")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses() {
        let got = parse_stat("42 (a) b (c)) S 7 42 40 34816 42 4194304 1").unwrap();
        assert_eq!(got, Process { pid: 42, parent: 7, session: 40, zombie: false });
        assert!(parse_stat("43 (x) Z 1 1 1 0").unwrap().zombie);
        assert_eq!(parse_stat("nonsense"), None);
    }

    #[test]
    fn descendants_are_found_over_generations() {
        let p = |pid, parent| Process { pid, parent, session: 1, zombie: false };
        let all = [p(1, 0), p(2, 1), p(3, 2), p(4, 3), p(5, 1), Process { zombie: true, ..p(6, 2) }, p(7, 6)];
        let mut got: Vec<i32> = below(&all, 2).iter().map(|p| p.pid).collect();
        got.sort_unstable();
        assert_eq!(got, [3, 4, 7]);
    }

    #[test]
    fn this_process_is_in_the_list() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(all().iter().any(|p| p.pid == me));
    }
}
