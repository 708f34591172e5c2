//! What servers boot from: the host's own system, and root file systems that a user registered.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::ids::Ids;
use super::layout::{Layout, is_id};
use super::record::{is_locked, take_lock, write_durably};
use super::{inside, skeleton, tree};
use crate::model::{Time, Token};

/// The image that every sandbox has.
pub const HOST: &str = "host";

/// A registered image.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImageRecord {
    pub v: u32,
    pub id: String,
    pub created: Time,
    /// Bytes of its files.
    pub size: u64,
    /// Where it came from.
    pub source: String,
    /// Entries that could not be read.
    pub unread: u64,
    /// Of the step that uploaded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// What an image is made of.
pub struct Source {
    /// A directory, or a tar archive.
    pub path: PathBuf,
    pub token: Option<Token>,
}

/// All registered images.
pub fn registered(layout: &Layout) -> Vec<ImageRecord> {
    let mut images: Vec<ImageRecord> = fs::read_dir(layout.images())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| serde_json::from_slice(&fs::read(entry.path().join("image.json")).ok()?).ok())
        .collect();
    images.sort_by(|a, b| a.id.cmp(&b.id));
    images
}

/// The tree under servers of the host image, made when there is none that fits. Call with the cloud's lock held.
///
/// # Errors
/// It cannot be written.
pub fn host_tree(layout: &Layout, ids: &Ids) -> io::Result<String> {
    let name = format!("{HOST}-{}", skeleton::stamp());
    if !layout.image(&name).exists() {
        let half = layout.images().join(format!(".new-{name}"));
        inside::remove(&half)?;
        fs::create_dir(&half)?;
        skeleton::make(&half.join("root"), ids)?;
        fs::rename(&half, layout.image(&name))?;
    }
    Ok(name)
}

/// Host trees that no server stands on any more and none will.
pub fn stale_host_trees(layout: &Layout, in_use: &[String]) -> Vec<String> {
    let current = format!("{HOST}-{}", skeleton::stamp());
    fs::read_dir(layout.images())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("host-") && *name != current && !in_use.contains(name))
        .collect()
}

/// Why `name` cannot be that of a new image.
pub fn bad_name(layout: &Layout, name: &str) -> Option<String> {
    if !is_id(name) || name == HOST || name.starts_with("host-") {
        return Some("letters, digits, '.', '_' and '-' make a name; \"host\" is taken".to_owned());
    }
    layout.image(name).exists().then(|| "there is an image of that name".to_owned())
}

/// Copies a directory or unpacks an archive into a new image.
///
/// # Errors
/// It cannot be read or written, or is no root file system.
pub fn register(layout: &Layout, ids: &Ids, program: &Path, name: &str, source: &Source, now: Time) -> io::Result<ImageRecord> {
    let half = layout.images().join(format!(".new-{name}-{}", std::process::id()));
    inside::remove(&half)?;
    fs::create_dir(&half)?;
    let result = take_lock(&half.join("lock")).and_then(|lock| {
        let root = half.join("root");
        let unread = inside::unpack(program, ids, &source.path, &root)?;
        if !["bin/sh", "usr/bin/sh"].iter().any(|sh| fs::symlink_metadata(root.join(sh)).is_ok()) {
            return Err(io::Error::other("there is no /bin/sh in it: it is no root file system"));
        }
        let record = ImageRecord {
            v: 1,
            id: name.to_owned(),
            created: now,
            size: size(&root),
            source: source.path.display().to_string(),
            unread,
            token: source.token.clone(),
        };
        let json = serde_json::to_vec_pretty(&record).map_err(io::Error::other)?;
        write_durably(&half.join("image.json"), &json, 0o600)?;
        fs::rename(&half, layout.image(name))?;
        drop(lock);
        Ok(record)
    });
    if result.is_err() {
        let _ = inside::remove_with(program, &half, ids);
    }
    result
}

/// What a killed engine left half made.
pub fn half_made(layout: &Layout) -> Vec<std::path::PathBuf> {
    fs::read_dir(layout.images())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(".new-"))
        .map(|entry| entry.path())
        .filter(|path| !is_locked(&path.join("lock")))
        .collect()
}

fn size(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    if !meta.is_dir() {
        return meta.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}

/// Fills `root`, which is not there yet, out of a directory or an archive. Runs where `owner` is allowed.
///
/// # Errors
/// It cannot be read or written.
pub fn fill(source: &Path, root: &Path, owner: tree::Owner<'_>) -> io::Result<u64> {
    if fs::metadata(source)?.is_dir() {
        return tree::copy(source, root, owner);
    }
    fs::create_dir(root)?;
    if let Some((uid, gid)) = owner(0, 0) {
        lchown(root, Some(uid), Some(gid))?;
    }
    let (reader, child) = decompress(source)?;
    let mut archive = tar::Archive::new(reader);
    let unread = unpack(&mut archive, root, owner)?;
    if let Some(mut child) = child {
        // Drain what follows the archive, else the program ends with a broken pipe.
        io::copy(&mut archive.into_inner(), &mut io::sink())?;
        if !child.wait()?.success() {
            return Err(io::Error::other("the archive is damaged"));
        }
    }
    Ok(unread)
}

fn unpack(archive: &mut tar::Archive<Box<dyn Read>>, root: &Path, owner: tree::Owner<'_>) -> io::Result<u64> {
    let mut left_out = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if !(kind.is_dir() || kind.is_file() || kind.is_symlink() || kind.is_hard_link() || kind.is_contiguous()) {
            continue;
        }
        entry.set_preserve_permissions(true);
        entry.set_preserve_mtime(true);
        let path = root.join(entry.path()?.strip_prefix("/").unwrap_or(&entry.path()?));
        let (uid, gid) = (id(entry.header().uid()), id(entry.header().gid()));
        let mode = entry.header().mode()? & 0o7777;
        if !entry.unpack_in(root)? {
            left_out += 1;
            continue;
        }
        if let Some((uid, gid)) = owner(uid, gid) {
            lchown(&path, Some(uid), Some(gid))?;
            // A change of owner clears the set-id bits.
            if kind.is_file() {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            }
        }
    }
    Ok(left_out)
}

fn id(number: io::Result<u64>) -> u32 {
    number.ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(65_534)
}

/// The archive as plain tar, through the program that knows its compression.
fn decompress(source: &Path) -> io::Result<(Box<dyn Read>, Option<Child>)> {
    let mut file = File::open(source)?;
    let mut magic = [0; 4];
    let n = file.read(&mut magic)?;
    file.rewind()?;
    let program = match magic.get(..n).unwrap_or_default() {
        [0x1f, 0x8b, ..] => "gzip",
        [0xfd, b'7', b'z', b'X'] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd] => "zstd",
        [b'B', b'Z', b'h', _] => "bzip2",
        _ => return Ok((Box::new(file), None)),
    };
    let mut child = Command::new(program)
        .arg("-dc")
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| io::Error::new(e.kind(), format!("cannot run {program}: {e}")))?;
    let out = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    Ok((Box::new(out), Some(child)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(path: &Path, entries: &[(&str, &str, u32)]) {
        let mut builder = tar::Builder::new(File::create(path).unwrap());
        for (name, text, mode) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(*mode);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        builder.finish().unwrap();
    }

    #[test]
    fn an_archive_is_unpacked_with_its_modes_compressed_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let tar = dir.path().join("image.tar");
        tar_of(&tar, &[("bin/sh", "#!", 0o755), ("bin/su", "#!", 0o4755), ("etc/secret", "s", 0o600)]);
        let zipped = Command::new("gzip").arg("-k").arg(&tar).status();
        let mut sources = vec![tar.clone()];
        if zipped.is_ok_and(|s| s.success()) {
            sources.push(dir.path().join("image.tar.gz"));
        }
        for (n, source) in sources.iter().enumerate() {
            let root = dir.path().join(format!("root-{n}"));
            assert_eq!(fill(source, &root, &|_, _| None).unwrap(), 0);
            let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode("bin/sh"), mode("bin/su"), mode("etc/secret")), (0o755, 0o4755, 0o600));
        }
    }

    #[test]
    fn a_damaged_archive_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("image.tar.gz");
        fs::write(&file, [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
        assert!(fill(&file, &dir.path().join("root"), &|_, _| None).is_err());
    }
}
