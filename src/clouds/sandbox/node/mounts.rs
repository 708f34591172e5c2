//! The file systems of a server.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::clouds::sandbox::record::Kind;
use crate::clouds::sandbox::tree;

/// Directories of the host that hold its programs.
pub const PROGRAMS: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "nix", "gnu"];
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
const NONE: Option<&str> = None;

/// Says of a failing call what it was about.
trait About<T> {
    fn about(self, what: impl FnOnce() -> String) -> io::Result<T>;
}

impl<T, E: Into<io::Error>> About<T> for Result<T, E> {
    fn about(self, what: impl FnOnce() -> String) -> io::Result<T> {
        self.map_err(|e| {
            let e = e.into();
            io::Error::new(e.kind(), format!("{}: {e}", what()))
        })
    }
}

/// A place where the parts of a server's file system are put together. The parts are bound below it while the
/// paths that lead to them can still be walked: as root's mapped self nobody gets through `/root`.
#[derive(Clone, Debug)]
pub struct Stage(PathBuf);

impl Stage {
    /// Makes the stage out of `image` and `disk`, relative to the current directory, in this process's own mount
    /// namespace. It hides a directory that every Linux has; who stands in it by relative paths keeps it.
    ///
    /// # Errors
    /// The kernel refuses a mount.
    pub fn set(image: &Path, disk: &Path) -> io::Result<Self> {
        mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).about(|| "make mounts private".into())?;
        let base = ["/tmp", "/mnt", "/opt", "/srv"].iter().map(Path::new).find(|p| p.is_dir());
        let base = base.ok_or_else(|| io::Error::other("there is none of /tmp, /mnt, /opt, /srv"))?;
        mount(Some("sandbox"), base, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755"))
            .about(|| format!("mount a tmpfs on {}", base.display()))?;
        let stage = Self(base.to_owned());
        for (name, source) in [("image", Some(image)), ("disk", Some(disk)), ("root", None), ("local", None)] {
            fs::create_dir(stage.at(name))?;
            if let Some(source) = source {
                bind(source, &stage.at(name))?;
            }
        }
        Ok(stage)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts the root together and makes it `/`. What differs from the ideal is said in the notes.
    ///
    /// # Errors
    /// The kernel refuses a mount that a server cannot do without.
    pub fn enter(&self, kind: Kind, boot_id: &str) -> io::Result<Vec<String>> {
        let mut notes = Vec::new();
        let root = self.at("root");
        if !self.mount_root()? {
            notes.push("the kernel refuses overlays here: the image was copied".to_owned());
        }
        for dir in ["dev", "proc", "sys", "run", "tmp", "etc", "root", "var", "mnt"] {
            make_dir(&root.join(dir))?;
        }
        if kind == Kind::Host {
            self.bind_programs(&root)?;
        }
        notes.extend(mount_proc(&root));
        notes.extend(mount_sys(&root));
        tmpfs(&root.join("run"), "mode=0755")?;
        fs::create_dir(root.join("run/lock"))?;
        mount_dev(&root)?;
        hide_boot_id(&root, boot_id);
        nix::unistd::chdir(&root)?;
        nix::unistd::pivot_root(".", ".").about(|| "pivot_root".into())?;
        umount2(".", MntFlags::MNT_DETACH).about(|| "let go of the host's root".into())?;
        nix::unistd::chdir("/")?;
        Ok(notes)
    }

    /// The image below, the disk above; `false` when it had to be copied. A server stays with what its first
    /// boot found.
    fn mount_root(&self) -> io::Result<bool> {
        let (root, copy) = (self.at("root"), self.at("disk/copy"));
        if !copy.exists() {
            match overlay(&self.at("image"), &self.at("disk/upper"), &self.at("disk/work"), &root) {
                Ok(()) => return Ok(true),
                Err(error) if fs::read_dir(self.at("disk/upper"))?.next().is_some() => {
                    return Err(error).about(|| "mount the disk over the image, as at the first boot".into());
                }
                Err(_) => {
                    let half = self.at("disk/copy.half");
                    let _ = fs::remove_dir_all(&half);
                    tree::copy(&self.at("image"), &half, &|uid, gid| Some((uid, gid)))?;
                    fs::rename(&half, &copy)?;
                }
            }
        }
        bind(&copy, &root)?;
        Ok(false)
    }

    /// The host's programs, read-only, with `/usr/local` the server's own.
    fn bind_programs(&self, root: &Path) -> io::Result<()> {
        let local = self.at("local");
        bind(&root.join("usr/local"), &local)?;
        for name in PROGRAMS {
            let (host, here) = (Path::new("/").join(name), root.join(name));
            let Ok(meta) = fs::symlink_metadata(&host) else { continue };
            if meta.is_symlink() {
                if fs::symlink_metadata(&here).is_err() {
                    symlink(fs::read_link(&host)?, &here)?;
                }
            } else if meta.is_dir() {
                make_dir(&here)?;
                bind(&host, &here)?;
                read_only(&here)?;
            }
        }
        if root.join("usr/local").is_dir() { bind(&local, &root.join("usr/local")) } else { Ok(()) }
    }
}

fn make_dir(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e).about(|| format!("make {}", path.display())),
        _ => Ok(()),
    }
}

fn bind(source: &Path, target: &Path) -> io::Result<()> {
    mount(Some(source), target, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)
        .about(|| format!("bind {} to {}", source.display(), target.display()))
}

fn tmpfs(target: &Path, options: &str) -> io::Result<()> {
    mount(Some("tmpfs"), target, Some("tmpfs"), MsFlags::MS_NOSUID, Some(options))
        .about(|| format!("mount a tmpfs on {}", target.display()))
}

/// An overlay whose marks are `user.` attributes, the only ones an ordinary user may write.
///
/// # Errors
/// The kernel or the file system below refuses it.
pub fn overlay(lower: &Path, upper: &Path, work: &Path, target: &Path) -> io::Result<()> {
    let options = format!("lowerdir={},upperdir={},workdir={},userxattr", lower.display(), upper.display(), work.display());
    mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .about(|| format!("mount an overlay on {}", target.display()))
}

/// Makes a mount and all below it read-only; the other flags, which may be locked, stay.
fn read_only(target: &Path) -> io::Result<()> {
    let path = std::ffi::CString::new(target.as_os_str().as_encoded_bytes())?;
    let attr = libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: path and attr outlive the call, the size is that of attr.
    let done = unsafe {
        let size = size_of::<libc::mount_attr>();
        libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, path.as_ptr(), libc::AT_RECURSIVE, &raw const attr, size)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()).about(|| format!("make {} read-only", target.display())) }
}

fn mount_proc(root: &Path) -> Option<String> {
    let target = root.join("proc");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if mount(Some("proc"), &target, Some("proc"), flags, NONE).is_ok() {
        return None;
    }
    // Parts of the host's /proc are covered (as in a container): the kernel then allows no fresh one.
    Some(match bind(Path::new("/proc"), &target) {
        Ok(()) => "/proc shows the pids of the host: the kernel refuses a fresh one".to_owned(),
        Err(e) => format!("no /proc: {e}"),
    })
}

fn mount_sys(root: &Path) -> Option<String> {
    let target = root.join("sys");
    bind(Path::new("/sys"), &target).and_then(|()| read_only(&target)).err().map(|e| format!("/sys: {e}"))
}

fn mount_dev(root: &Path) -> io::Result<()> {
    let dev = root.join("dev");
    tmpfs(&dev, "mode=0755")?;
    for name in DEVICES {
        let (host, here) = (Path::new("/dev").join(name), dev.join(name));
        if host.exists() {
            fs::write(&here, "")?;
            bind(&host, &here)?;
        }
    }
    for dir in ["pts", "shm"] {
        fs::create_dir(dev.join(dir))?;
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("devpts"), &dev.join("pts"), Some("devpts"), flags, Some("newinstance,ptmxmode=0666,mode=0620"))
        .about(|| "mount terminals on /dev/pts".into())?;
    tmpfs(&dev.join("shm"), "mode=1777")?;
    let links = [("pts/ptmx", "ptmx"), ("/proc/self/fd", "fd"), ("fd/0", "stdin"), ("fd/1", "stdout"), ("fd/2", "stderr")];
    for (to, name) in links {
        symlink(to, dev.join(name))?;
    }
    Ok(())
}

/// Programs tell a reboot by this number.
fn hide_boot_id(root: &Path, boot_id: &str) {
    let file = root.join("run/boot_id");
    if fs::write(&file, format!("{boot_id}\n")).is_ok() {
        // Where /proc is the host's this may be refused; then the number is the host's too.
        let _ = bind(&file, &root.join("proc/sys/kernel/random/boot_id"));
    }
}

/// Makes `/dev/console` the terminal with this number of the server's own `/dev/pts`.
///
/// # Errors
/// The kernel refuses.
pub fn bind_console(number: u32) -> io::Result<()> {
    let console = Path::new("/dev/console");
    fs::write(console, "")?;
    bind(&Path::new("/dev/pts").join(number.to_string()), console)
}
