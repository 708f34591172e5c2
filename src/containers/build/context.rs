//! A build's context: a directory as a stream of tar, without what `.dockerignore` leaves out.
//!
//! Owners become root, as Docker has it, so that the same files give the same image whoever builds. Links are sent as
//! links: nothing outside the directory is read.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::ignore::Ignore;
use crate::model::Failure;

/// Bytes that are handed on at once, and how many such pieces may wait.
const PIECE: usize = 128 << 10;
const WAITING: usize = 8;

/// A directory that a build takes files from.
#[derive(Debug)]
pub struct Context {
    dir: PathBuf,
    /// The Dockerfile, by its path within it.
    dockerfile: String,
    ignore: Ignore,
}

impl std::fmt::Debug for Ignore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ignore")
    }
}

impl Context {
    /// Looks at a directory: the Dockerfile is there, and what is left out makes sense.
    ///
    /// # Errors
    /// It is no directory, the Dockerfile is missing or outside of it, or an ignore file makes no sense.
    pub fn open(dir: &Path, dockerfile: &str) -> Result<Self, Failure> {
        let tried = "read the context of a build";
        let meta = fs::metadata(dir).map_err(|e| Failure::refused(tried, e).at(dir.display()))?;
        if !meta.is_dir() {
            return Err(Failure::refused(tried, "it is no directory").at(dir.display()));
        }
        let inside = Path::new(dockerfile).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !inside || dockerfile.is_empty() {
            let failure = Failure::refused(tried, "the Dockerfile is not within the context").at(dockerfile);
            return Err(failure.next("name it by its path within the directory, without .. in it"));
        }
        let path = dir.join(dockerfile);
        if !path.is_file() {
            let next = "write one, or name it: -f PATH (within the context)";
            return Err(Failure::not_found(tried, "there is no such Dockerfile").at(path.display()).next(next));
        }
        // One beside the Dockerfile goes before the common one.
        let own = format!("{dockerfile}.dockerignore");
        let name = if dir.join(&own).is_file() { own.as_str() } else { ".dockerignore" };
        let ignore = match fs::read_to_string(dir.join(name)) {
            Ok(text) => Ignore::parse(&text, &dir.join(name).display().to_string())?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ignore::default(),
            Err(e) => return Err(Failure::refused(tried, e).at(dir.join(name).display())),
        };
        Ok(Self { dir: dir.to_owned(), dockerfile: dockerfile.to_owned(), ignore })
    }

    /// Packs it on a thread of its own; the pieces come as they are taken. An error ends them.
    pub fn pack(self) -> Receiver<io::Result<Bytes>> {
        let (pieces, packed) = channel(WAITING);
        std::thread::spawn(move || {
            let out = Out { pieces: pieces.clone(), piece: Vec::with_capacity(PIECE) };
            let mut tar = tar::Builder::new(out);
            tar.follow_symlinks(false);
            let done = self.walk(&mut tar, "").and_then(|()| tar.into_inner()).and_then(|mut out| out.flush());
            if let Err(error) = done {
                // Nobody may be there any more to hear of it.
                let _ = pieces.blocking_send(Err(error));
            }
        });
        packed
    }

    /// Adds what is in a directory, in the order of names: the same files are always the same bytes.
    fn walk(&self, tar: &mut tar::Builder<Out>, below: &str) -> io::Result<()> {
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", self.dir.join(below).display()));
        let mut names = Vec::new();
        for entry in fs::read_dir(self.dir.join(below)).map_err(named)? {
            names.push(entry.map_err(named)?.file_name());
        }
        names.sort();
        for name in names {
            let Some(name) = name.to_str() else {
                let text = format!("{}: its name is no UTF-8", self.dir.join(below).join(&name).display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            };
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let full = self.dir.join(&path);
            let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", full.display()));
            let meta = fs::symlink_metadata(&full).map_err(named)?;
            let out = self.ignore.leaves_out(&path) && !self.needed(&path);
            if meta.is_dir() {
                if !out {
                    add(tar, &path, &meta, &full).map_err(named)?;
                }
                if !out || self.ignore.may_keep() || self.dockerfile.starts_with(&format!("{path}/")) {
                    self.walk(tar, &path)?;
                }
            } else if !out {
                add(tar, &path, &meta, &full).map_err(named)?;
            }
        }
        Ok(())
    }

    /// The builder reads it even where it is left out.
    fn needed(&self, path: &str) -> bool {
        path == self.dockerfile || path == ".dockerignore"
    }
}

fn add(tar: &mut tar::Builder<Out>, path: &str, meta: &Metadata, full: &Path) -> io::Result<()> {
    let kind = meta.file_type();
    if kind.is_socket() || kind.is_fifo() || kind.is_block_device() || kind.is_char_device() {
        // No part of an image; Docker leaves sockets out too.
        return Ok(());
    }
    let mut header = tar::Header::new_gnu();
    header.set_metadata_in_mode(meta, tar::HeaderMode::Complete);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(meta.mtime()).unwrap_or(0));
    if kind.is_symlink() {
        header.set_size(0);
        return tar.append_link(&mut header, path, fs::read_link(full)?);
    }
    if kind.is_dir() {
        header.set_size(0);
        return tar.append_data(&mut header, format!("{path}/"), io::empty());
    }
    let (file, size) = (File::open(full)?, meta.len());
    header.set_size(size);
    tar.append_data(&mut header, path, Exactly { file: file.take(size), left: size })
}

/// A file of just this length: one that became shorter while it was read is an error, not a hole.
struct Exactly {
    file: io::Take<File>,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        self.left -= n as u64;
        if n == 0 && self.left > 0 && !into.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent"));
        }
        Ok(n)
    }
}

/// Gathers small writes into pieces.
struct Out {
    pieces: Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the context any more");
        self.pieces.blocking_send(Ok(piece.into())).map_err(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn packed(dir: &Path, dockerfile: &str) -> io::Result<Vec<u8>> {
        let mut pieces = Context::open(dir, dockerfile).unwrap().pack();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.blocking_recv() {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(bytes);
        archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect()
    }

    #[test]
    fn what_is_left_out_is_not_sent_but_the_dockerfile_is() {
        let files = [
            ("Dockerfile", "FROM x"),
            (".dockerignore", "*\n!src\nsrc/*.key\n"),
            ("src/a.txt", "a"),
            ("src/b.key", "secret"),
            ("big/data", "x"),
        ];
        let dir = dir(&files);
        std::os::unix::fs::symlink("/etc/shadow", dir.path().join("src/link")).unwrap();
        let bytes = packed(dir.path(), "Dockerfile").unwrap();
        assert_eq!(names(&bytes), [".dockerignore", "Dockerfile", "src/", "src/a.txt", "src/link"]);
        let mut archive = tar::Archive::new(bytes.as_slice());
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
            assert!(!entry.path().unwrap().ends_with("link") || entry.header().entry_type().is_symlink());
        }
        assert_eq!(bytes, packed(dir.path(), "Dockerfile").unwrap(), "the same files are the same bytes");
    }

    #[test]
    fn a_dockerfile_in_a_directory_that_is_left_out_is_found() {
        let dir = dir(&[("deploy/Dockerfile", "FROM x"), ("deploy/x", ""), (".dockerignore", "deploy"), ("a", "")]);
        assert_eq!(names(&packed(dir.path(), "deploy/Dockerfile").unwrap()), [".dockerignore", "a", "deploy/Dockerfile"]);
        fs::write(dir.path().join("deploy/Dockerfile.dockerignore"), "a\n").unwrap();
        assert!(!names(&packed(dir.path(), "deploy/Dockerfile").unwrap()).contains(&"a".to_owned()));
    }

    #[test]
    fn nothing_outside_can_be_named() {
        let dir = dir(&[("Dockerfile", "FROM x")]);
        for bad in ["../Dockerfile", "/etc/passwd", "", "./a/../../b"] {
            assert!(Context::open(dir.path(), bad).unwrap_err().got.contains("not within"), "{bad}");
        }
        assert!(Context::open(dir.path(), "none").unwrap_err().next.contains("-f"));
        assert!(Context::open(&dir.path().join("Dockerfile"), "x").unwrap_err().got.contains("no directory"));
    }

    #[test]
    fn a_file_that_cannot_be_read_ends_it_with_its_name() {
        let dir = dir(&[("Dockerfile", "FROM x"), ("a", &"x".repeat(10))]);
        let path = dir.path().join("a");
        let mut short = Exactly { file: File::open(&path).unwrap().take(99), left: 99 };
        assert_eq!(short.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        fs::remove_file(&path).unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
        fs::write(dir.path().join("d").join(odd), "").unwrap();
        assert!(packed(dir.path(), "Dockerfile").unwrap_err().to_string().contains("no UTF-8"));
    }
}
