//! Memory limits, where the kernel lets us set them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The groups that this home's servers are in carry this name.
const PREFIX: &str = "quarterdeck-";

/// A memory control group of one server.
pub struct Group(PathBuf);

impl Group {
    /// Puts a process into it; its children follow.
    ///
    /// # Errors
    /// The kernel refuses, or the process is gone.
    pub fn add(&self, pid: i32) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }
}

/// Makes the group of server `id` with a limit of `ram_mb` MiB.
///
/// # Errors
/// Why there can be no limit, for people.
pub fn create(id: &str, ram_mb: u64) -> Result<Group, String> {
    let (file, parent) = parent(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))?;
    if file == "memory.max" {
        // Without this the parent hands no memory limits down; often it does already.
        let _ = fs::write(parent.join("cgroup.subtree_control"), "+memory");
    }
    let group = parent.join(format!("{PREFIX}{id}"));
    match fs::create_dir(&group) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(format!("cannot make {}: {e}", group.display())),
        _ => {}
    }
    let limit = (ram_mb << 20).to_string();
    fs::write(group.join(file), limit).map_err(|e| {
        let _ = fs::remove_dir(&group);
        format!("cannot write {}: {e}", group.join(file).display())
    })?;
    Ok(Group(group))
}

/// Removes the group of a server that has no process any more.
pub fn remove(id: &str) {
    if let Ok((_, parent)) = parent(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo")) {
        let _ = fs::remove_dir(parent.join(format!("{PREFIX}{id}")));
    }
}

/// Whether limits can be set: `Err` says why not.
///
/// # Errors
/// As [`create`].
pub fn check() -> Result<(), String> {
    let id = format!("check-{}", std::process::id());
    let made = create(&id, 64).map(drop);
    remove(&id);
    made
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The file that holds the limit, and the directory in which groups are made.
///
/// With version 1 that is our own group. With version 2 a group that has processes can hand nothing down, so it
/// is the one above (the root group excepted).
fn parent(own: &str, mounts: &str) -> Result<(&'static str, PathBuf), String> {
    let path_of = |wanted: &dyn Fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            wanted(controllers).then(|| path.to_owned())
        })
    };
    if let Some(path) = path_of(&|c| c.split(',').any(|c| c == "memory")) {
        let mount = mount_point(mounts, "cgroup", Some("memory")).ok_or("memory control groups are not mounted")?;
        return Ok(("memory.limit_in_bytes", below(&mount, &path)));
    }
    let path = path_of(&str::is_empty).ok_or("this kernel has no control groups")?;
    let mount = mount_point(mounts, "cgroup2", None).ok_or("control groups are not mounted")?;
    let own = below(&mount, &path);
    let parent = if path == "/" { own } else { own.parent().map_or(mount, Path::to_owned) };
    Ok(("memory.max", parent))
}

fn below(mount: &Path, path: &str) -> PathBuf {
    mount.join(path.trim_start_matches('/'))
}

/// Where a file system of this type, with this option, is mounted.
fn mount_point(mounts: &str, kind: &str, option: Option<&str>) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split_whitespace();
        let is_kind = right.next()? == kind;
        let options = right.nth(1).unwrap_or_default();
        let has_option = option.is_none_or(|o| options.split(',').any(|x| x == o));
        (is_kind && has_option).then(|| left.split_whitespace().nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_groups_are_made_in_our_own() {
        let own = "5:cpu:/\n4:memory:/work\n0::/\n";
        let mounts = "33 25 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                      34 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = parent(own, mounts).unwrap();
        assert_eq!(found, ("memory.limit_in_bytes", PathBuf::from("/sys/fs/cgroup/memory/work")));
    }

    #[test]
    fn version_2_groups_are_made_beside_our_own() {
        let mounts = "34 25 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = parent("0::/user.slice/app.slice/qd.service\n", mounts).unwrap();
        assert_eq!(found, ("memory.max", PathBuf::from("/sys/fs/cgroup/user.slice/app.slice")));
        assert_eq!(parent("0::/\n", mounts).unwrap().1, PathBuf::from("/sys/fs/cgroup"));
    }

    #[test]
    fn a_machine_without_groups_says_so() {
        assert!(parent("", "").unwrap_err().contains("no control groups"));
        assert!(parent("4:memory:/\n", "").unwrap_err().contains("not mounted"));
    }
}
