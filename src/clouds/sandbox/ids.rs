//! Which host ids stand behind the user and group ids of a server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// First host id of the servers of root, and how many there are.
const ROOT_BASE: u32 = 100_000;
const COUNT: u32 = 65_536;
/// What a subordinate range must hold to be worth using.
const LEAST: u32 = 1000;

/// A row of host ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Range {
    pub first: u32,
    pub count: u32,
}

/// How the ids of a server map to those of the host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "map", rename_all = "snake_case")]
pub enum Ids {
    /// The engine is root: 0 and up stand on a range of their own, never on the host's root.
    Shifted { range: Range },
    /// The engine is an ordinary user with subordinate ids: 0 is the user, 1 and up are subordinate.
    Subordinate { uid: u32, gid: u32, uids: Range, gids: Range },
    /// The engine is an ordinary user without: 0 is the user, there is nobody else.
    Single { uid: u32, gid: u32 },
}

impl Ids {
    /// Finds out what this process may use.
    pub fn detect() -> Self {
        let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        if uid == 0 {
            let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
            return Self::Shifted { range: root_range(&map) };
        }
        let name = nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|u| u.name);
        let uids = subordinate(Path::new("/etc/subuid"), uid, name.as_deref());
        let gids = subordinate(Path::new("/etc/subgid"), uid, name.as_deref());
        match (uids, gids, tool("newuidmap"), tool("newgidmap")) {
            (Some(uids), Some(gids), Some(_), Some(_)) => Self::Subordinate { uid, gid, uids, gids },
            _ => Self::Single { uid, gid },
        }
    }

    /// The host's user and group behind root of a server.
    pub fn root(&self) -> (u32, u32) {
        match self {
            Self::Shifted { range } => (range.first, range.first),
            Self::Subordinate { uid, gid, .. } | Self::Single { uid, gid } => (*uid, *gid),
        }
    }

    /// Whether a server has users beside root.
    pub fn many(&self) -> bool {
        !matches!(self, Self::Single { .. })
    }

    /// The host's id behind `id` of a server, for files that root writes from outside.
    pub fn shifted(&self, id: u32) -> Option<u32> {
        match self {
            Self::Shifted { range } => Some(range.first + if id < range.count { id } else { range.count.min(65_535) - 1 }),
            _ => None,
        }
    }

    /// Writes the maps of the process `pid`, which has just entered a user namespace of its own.
    ///
    /// # Errors
    /// The kernel, or `newuidmap`, refuses; the text names which.
    pub fn write_maps(&self, pid: i32) -> io::Result<()> {
        match self {
            Self::Shifted { range } => {
                let map = format!("0 {} {}\n", range.first, range.count);
                write_map(pid, "uid_map", &map)?;
                write_map(pid, "gid_map", &map)
            }
            Self::Subordinate { uid, gid, uids, gids } => {
                run_tool("newuidmap", pid, *uid, *uids)?;
                run_tool("newgidmap", pid, *gid, *gids)
            }
            Self::Single { uid, gid } => {
                write_map(pid, "setgroups", "deny")?;
                write_map(pid, "uid_map", &format!("0 {uid} 1\n"))?;
                write_map(pid, "gid_map", &format!("0 {gid} 1\n"))
            }
        }
    }
}

fn write_map(pid: i32, file: &str, text: &str) -> io::Result<()> {
    let path = format!("/proc/{pid}/{file}");
    fs::write(&path, text).map_err(|e| io::Error::new(e.kind(), format!("cannot write {path}: {e}")))
}

fn run_tool(name: &str, pid: i32, own: u32, range: Range) -> io::Result<()> {
    let path = tool(name).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is gone")))?;
    let numbers = [pid as u32, 0, own, 1, 1, range.first, range.count].map(|n| n.to_string());
    let out = Command::new(path).args(numbers).output()?;
    if out.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{name}: {}", String::from_utf8_lossy(&out.stderr).trim())))
}

fn tool(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"].iter().map(|d| Path::new(d).join(name)).find(|p| p.exists())
}

/// The range for servers of root: 100000 and up where this process has it (it may itself be in a user
/// namespace), else the upper part of the largest row that does not touch root.
fn root_range(uid_map: &str) -> Range {
    let rows: Vec<Range> = uid_map
        .lines()
        .filter_map(|line| {
            let mut n = line.split_whitespace().map(|w| w.parse::<u32>().ok());
            Some(Range { first: n.next()??, count: n.nth(1)?? })
        })
        .collect();
    let end = |r: &Range| u64::from(r.first) + u64::from(r.count);
    if rows.is_empty() || rows.iter().any(|r| r.first <= ROOT_BASE && end(r) >= u64::from(ROOT_BASE + COUNT)) {
        return Range { first: ROOT_BASE, count: COUNT };
    }
    let largest = rows.iter().max_by_key(|r| r.count).copied().unwrap_or(Range { first: 0, count: 2 });
    let first = if largest.first == 0 { largest.count / 2 } else { largest.first };
    let count = (end(&largest) - u64::from(first)).min(u64::from(COUNT));
    Range { first: first.max(1), count: u32::try_from(count).unwrap_or(COUNT) }
}

/// The first usable row of `uid` in a file like `/etc/subuid`.
fn subordinate(file: &Path, uid: u32, name: Option<&str>) -> Option<Range> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let mut parts = line.trim().split(':');
        let owner = parts.next()?;
        if Some(owner) != name && owner != uid.to_string() {
            return None;
        }
        let range = Range { first: parts.next()?.parse().ok()?, count: parts.next()?.parse().ok()? };
        (range.count >= LEAST).then_some(Range { count: range.count.min(COUNT), ..range })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_never_maps_to_root() {
        let whole = root_range("         0          0 4294967295\n");
        assert_eq!(whole, Range { first: 100_000, count: 65_536 });
        let rootless = root_range("0 1000 1\n1 100000 65536\n");
        assert_eq!(rootless, Range { first: 1, count: 65_536 });
        let narrow = root_range("0 231072 65536\n");
        assert_eq!(narrow, Range { first: 32_768, count: 32_768 });
        assert_eq!(root_range(""), Range { first: 100_000, count: 65_536 });
    }

    #[test]
    fn subordinate_ids_are_found_by_name_and_by_number() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("subuid");
        fs::write(&file, "ana:200000:10\nben:300000:65536\n1003:400000:70000\nana:500000:65536\n").unwrap();
        assert_eq!(subordinate(&file, 1001, Some("ana")), Some(Range { first: 500_000, count: 65_536 }));
        assert_eq!(subordinate(&file, 1003, None), Some(Range { first: 400_000, count: 65_536 }));
        assert_eq!(subordinate(&file, 1009, Some("eve")), None);
    }

    #[test]
    fn ids_outside_the_range_become_nobody() {
        let ids = Ids::Shifted { range: Range { first: 100_000, count: 65_536 } };
        assert_eq!((ids.shifted(0), ids.shifted(33)), (Some(100_000), Some(100_033)));
        assert_eq!(ids.shifted(70_000), Some(165_534));
        assert_eq!(Ids::Single { uid: 7, gid: 7 }.shifted(0), None);
    }
}
