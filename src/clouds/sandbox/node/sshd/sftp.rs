//! SFTP, as the user who logged in: each session has a thread of its own, since ids belong to threads.

use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions, ReadDir};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russh_sftp::extensions::{ExpandPathExtension, FsyncExtension, HARDLINK, HardlinkExtension};
use russh_sftp::protocol::{
    Attrs, Data, File as Entry, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, StatusReply};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::users::{self, User};

const POSIX_RENAME: &str = "posix-rename@openssh.com";
const FSYNC: &str = "fsync@openssh.com";
const EXPAND_PATH: &str = "expand-path@openssh.com";

/// Entries of a directory in one answer.
const ENTRIES: usize = 64;
/// Bytes of a file in one answer, at most.
const MAX_READ: usize = 128 * 1024;

/// Serves one SFTP session until its input ends.
///
/// # Errors
/// The thread cannot be started, or cannot become the user.
pub async fn serve<I, O>(user: User, many_users: bool, input: I, output: O) -> io::Result<()>
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Unpin + Send + 'static,
{
    let (done, ended) = oneshot::channel();
    let groups = users::groups(&user);
    std::thread::Builder::new().name("sftp".into()).stack_size(256 * 1024).spawn(move || {
        let result = become_user(&user, &groups, many_users).and_then(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(async {
                let (finished, finish) = oneshot::channel();
                let session = Session { home: PathBuf::from(&user.home), open: HashMap::new(), next: 0, _finished: finished };
                russh_sftp::server::run(tokio::io::join(input, output), session).await;
                // The session is dropped when its input has ended, and this sender with it.
                let _ = finish.await;
            });
            Ok(())
        });
        let _ = done.send(result);
    })?;
    ended.await.map_err(io::Error::other)?
}

/// Takes the user's ids for this thread alone: the C library's functions would change all threads.
fn become_user(user: &User, groups: &[u32], many_users: bool) -> io::Result<()> {
    if user.uid == 0 {
        return Ok(());
    }
    let (uid, gid) = (user.uid, user.gid);
    // SAFETY: system calls on values that outlive them.
    let done = unsafe {
        (!many_users || libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0)
            && libc::syscall(libc::SYS_setresgid, gid, gid, gid) == 0
            && libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

enum Open {
    File(File),
    Dir(ReadDir),
}

struct Session {
    home: PathBuf,
    open: HashMap<String, Open>,
    next: u64,
    _finished: oneshot::Sender<()>,
}

/// An error as the protocol says it.
struct Trouble(StatusReply);

impl From<Trouble> for StatusReply {
    fn from(trouble: Trouble) -> Self {
        trouble.0
    }
}

impl From<StatusCode> for Trouble {
    fn from(code: StatusCode) -> Self {
        Self(code.into())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => StatusCode::NoSuchFile,
            io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
            _ => StatusCode::Failure,
        };
        Self(code.with_message(error.to_string()))
    }
}

fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: "Ok".to_owned(), language_tag: "en-US".to_owned() }
}

impl Session {
    fn at(&self, path: &str) -> PathBuf {
        self.home.join(path)
    }

    fn keep(&mut self, open: Open) -> String {
        self.next += 1;
        let handle = self.next.to_string();
        self.open.insert(handle.clone(), open);
        handle
    }

    fn file(&self, handle: &str) -> Result<&File, Trouble> {
        match self.open.get(handle) {
            Some(Open::File(file)) => Ok(file),
            _ => Err(StatusCode::Failure.with_message("no such handle").into_trouble()),
        }
    }

    fn expand(&self, path: &str) -> PathBuf {
        match path.strip_prefix('~') {
            None => self.at(path),
            Some(rest) => {
                let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
                let home = users::find(name).map_or_else(|| self.home.clone(), |user| PathBuf::from(user.home));
                home.join(rest)
            }
        }
    }
}

trait IntoTrouble {
    fn into_trouble(self) -> Trouble;
}

impl IntoTrouble for StatusReply {
    fn into_trouble(self) -> Trouble {
        Trouble(self)
    }
}

impl Handler for Session {
    type Error = Trouble;

    fn unimplemented(&self) -> Trouble {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, Trouble> {
        let mut version = Version::new();
        for name in [POSIX_RENAME, FSYNC, EXPAND_PATH, HARDLINK] {
            version.extensions.insert(name.to_owned(), "1".to_owned());
        }
        Ok(version)
    }

    async fn open(&mut self, id: u32, name: String, flags: OpenFlags, attrs: FileAttributes) -> Result<Handle, Trouble> {
        let mut options = OpenOptions::from(flags);
        options.mode(attrs.permissions.unwrap_or(0o666) & 0o7777);
        let file = options.open(self.at(&name))?;
        if file.metadata()?.is_dir() {
            return Err(StatusCode::Failure.with_message("it is a directory").into_trouble());
        }
        Ok(Handle { id, handle: self.keep(Open::File(file)) })
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, Trouble> {
        self.open.remove(&handle).map(|_| ok(id)).ok_or_else(|| StatusCode::Failure.into())
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Result<Data, Trouble> {
        let mut data = vec![0; (len as usize).min(MAX_READ)];
        let n = self.file(&handle)?.read_at(&mut data, offset)?;
        if n == 0 && !data.is_empty() {
            return Err(StatusCode::Eof.into());
        }
        data.truncate(n);
        Ok(Data { id, data })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Result<Status, Trouble> {
        self.file(&handle)?.write_all_at(&data, offset)?;
        Ok(ok(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, Trouble> {
        Ok(Attrs { id, attrs: attributes(&fs::symlink_metadata(self.at(&path))?) })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, Trouble> {
        Ok(Attrs { id, attrs: attributes(&fs::metadata(self.at(&path))?) })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, Trouble> {
        Ok(Attrs { id, attrs: attributes(&self.file(&handle)?.metadata()?) })
    }

    async fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Result<Status, Trouble> {
        let path = self.at(&path);
        if let (Some(uid), Some(gid)) = (attrs.uid, attrs.gid) {
            std::os::unix::fs::chown(&path, Some(uid), Some(gid))?;
        }
        if let Some(mode) = attrs.permissions {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o7777))?;
        }
        if attrs.size.is_some() || attrs.mtime.is_some() {
            let file = OpenOptions::new().write(attrs.size.is_some()).read(attrs.size.is_none()).open(&path)?;
            set_size_and_times(&file, &attrs)?;
        }
        Ok(ok(id))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Result<Status, Trouble> {
        let file = self.file(&handle)?;
        if let (Some(uid), Some(gid)) = (attrs.uid, attrs.gid) {
            std::os::unix::fs::fchown(file, Some(uid), Some(gid))?;
        }
        if let Some(mode) = attrs.permissions {
            file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
        }
        set_size_and_times(file, &attrs)?;
        Ok(ok(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, Trouble> {
        let dir = fs::read_dir(self.at(&path))?;
        Ok(Handle { id, handle: self.keep(Open::Dir(dir)) })
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, Trouble> {
        let Some(Open::Dir(dir)) = self.open.get_mut(&handle) else { return Err(StatusCode::Failure.into()) };
        let names = users::names();
        let files: Vec<Entry> = dir
            .by_ref()
            .flatten()
            .take(ENTRIES)
            .filter_map(|entry| {
                let meta = fs::symlink_metadata(entry.path()).ok()?;
                let filename = entry.file_name().to_string_lossy().into_owned();
                let longname = listing(&filename, &meta, &names);
                Some(Entry { filename, longname, attrs: attributes(&meta) })
            })
            .collect();
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn remove(&mut self, id: u32, name: String) -> Result<Status, Trouble> {
        fs::remove_file(self.at(&name))?;
        Ok(ok(id))
    }

    async fn mkdir(&mut self, id: u32, path: String, attrs: FileAttributes) -> Result<Status, Trouble> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().mode(attrs.permissions.unwrap_or(0o777) & 0o7777).create(self.at(&path))?;
        Ok(ok(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, Trouble> {
        fs::remove_dir(self.at(&path))?;
        Ok(ok(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, Trouble> {
        let path = self.at(&path);
        let real = fs::canonicalize(&path).unwrap_or_else(|_| plain(&path));
        Ok(Name { id, files: vec![Entry::dummy(real.to_string_lossy())] })
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Result<Status, Trouble> {
        let to = self.at(&to);
        if fs::symlink_metadata(&to).is_ok() {
            return Err(StatusCode::Failure.with_message("the new name exists").into_trouble());
        }
        fs::rename(self.at(&from), to)?;
        Ok(ok(id))
    }

    async fn readlink(&mut self, id: u32, path: String) -> Result<Name, Trouble> {
        let target = fs::read_link(self.at(&path))?;
        Ok(Name { id, files: vec![Entry::dummy(target.to_string_lossy())] })
    }

    /// The first path is what the link says, the second where it is made: the order of every OpenSSH, which the
    /// protocol's text has the other way round.
    async fn symlink(&mut self, id: u32, target: String, link: String) -> Result<Status, Trouble> {
        std::os::unix::fs::symlink(target, self.at(&link))?;
        Ok(ok(id))
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Result<Packet, Trouble> {
        let mut data = bytes::Bytes::from(data);
        let bad = |_| Trouble::from(StatusCode::BadMessage);
        match request.as_str() {
            POSIX_RENAME => {
                let paths: HardlinkExtension = russh_sftp::de::from_bytes(&mut data).map_err(bad)?;
                fs::rename(self.at(&paths.oldpath), self.at(&paths.newpath))?;
            }
            HARDLINK => {
                let paths: HardlinkExtension = russh_sftp::de::from_bytes(&mut data).map_err(bad)?;
                fs::hard_link(self.at(&paths.oldpath), self.at(&paths.newpath))?;
            }
            FSYNC => {
                let file: FsyncExtension = russh_sftp::de::from_bytes(&mut data).map_err(bad)?;
                self.file(&file.handle)?.sync_all()?;
            }
            EXPAND_PATH => {
                let path: ExpandPathExtension = russh_sftp::de::from_bytes(&mut data).map_err(bad)?;
                let path = self.expand(&path.path);
                return Ok(Packet::Name(Name { id, files: vec![Entry::dummy(path.to_string_lossy())] }));
            }
            _ => return Err(StatusCode::OpUnsupported.into()),
        }
        Ok(Packet::Status(ok(id)))
    }
}

fn attributes(meta: &Metadata) -> FileAttributes {
    let seconds = |n: i64| u32::try_from(n).unwrap_or(0);
    FileAttributes {
        size: Some(meta.size()),
        uid: Some(meta.uid()),
        gid: Some(meta.gid()),
        permissions: Some(meta.mode()),
        atime: Some(seconds(meta.atime())),
        mtime: Some(seconds(meta.mtime())),
        ..FileAttributes::default()
    }
}

/// A line as of `ls -l`, with the time in UTC.
fn listing(name: &str, meta: &Metadata, names: &HashMap<u32, String>) -> String {
    let mode = meta.mode();
    let kind = match mode & libc::S_IFMT {
        libc::S_IFDIR => 'd',
        libc::S_IFLNK => 'l',
        libc::S_IFIFO => 'p',
        libc::S_IFSOCK => 's',
        libc::S_IFCHR => 'c',
        libc::S_IFBLK => 'b',
        _ => '-',
    };
    let bits: String = "rwxrwxrwx".chars().enumerate().map(|(n, c)| if mode & (0o400 >> n) == 0 { '-' } else { c }).collect();
    let owner = names.get(&meta.uid()).cloned().unwrap_or_else(|| meta.uid().to_string());
    let time = jiff::Timestamp::from_second(meta.mtime()).unwrap_or_default().strftime("%b %d %Y %H:%M");
    format!("{kind}{bits} {:>4} {owner:<8} {:<8} {:>10} {time} {name}", meta.nlink(), meta.gid(), meta.len())
}

fn set_size_and_times(file: &File, attrs: &FileAttributes) -> io::Result<()> {
    if let Some(size) = attrs.size {
        file.set_len(size)?;
    }
    let time = |seconds: u32| -> SystemTime { UNIX_EPOCH + Duration::from_secs(seconds.into()) };
    if let Some(mtime) = attrs.mtime {
        let times = fs::FileTimes::new().set_modified(time(mtime)).set_accessed(time(attrs.atime.unwrap_or(mtime)));
        file.set_times(times)?;
    }
    Ok(())
}

/// The path without `.` and `..`, for a file that is not there yet.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}
