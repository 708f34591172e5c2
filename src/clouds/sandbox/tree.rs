//! Copies of directory trees.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

/// Says who is to own a copy, from the owner and group of the original; `None`: whoever copies.
pub type Owner<'a> = &'a dyn Fn(u32, u32) -> Option<(u32, u32)>;

/// Copies directories, files and symbolic links with their modes and times of change. Sockets, pipes and devices
/// are left out. Returns how many entries could not be read.
///
/// # Errors
/// The copy cannot be written.
pub fn copy(from: &Path, to: &Path, owner: Owner<'_>) -> io::Result<u64> {
    let mut unread = 0;
    copy_entry(from, to, owner, &mut unread)?;
    Ok(unread)
}

fn copy_entry(from: &Path, to: &Path, owner: Owner<'_>, unread: &mut u64) -> io::Result<()> {
    let Ok(meta) = fs::symlink_metadata(from) else {
        *unread += 1;
        return Ok(());
    };
    if meta.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
        own(to, &meta, owner)
    } else if meta.is_dir() {
        let Ok(entries) = fs::read_dir(from) else {
            *unread += 1;
            return Ok(());
        };
        fs::DirBuilder::new().mode(0o700).create(to)?;
        for entry in entries {
            let entry = entry?;
            copy_entry(&entry.path(), &to.join(entry.file_name()), owner, unread)?;
        }
        own(to, &meta, owner)?;
        finish(to, &meta)
    } else if meta.is_file() {
        let Ok(mut source) = fs::File::open(from) else {
            *unread += 1;
            return Ok(());
        };
        io::copy(&mut source, &mut fs::File::create_new(to)?)?;
        own(to, &meta, owner)?;
        finish(to, &meta)
    } else {
        Ok(())
    }
}

fn own(path: &Path, meta: &Metadata, owner: Owner<'_>) -> io::Result<()> {
    match owner(meta.uid(), meta.gid()) {
        Some((uid, gid)) => lchown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// Mode (after the owner, whose change clears set-id bits) and time.
fn finish(path: &Path, meta: &Metadata) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(meta.mode() & 0o7777))?;
    if let (Ok(file), Ok(time)) = (fs::File::open(path), meta.modified()) {
        // A time that cannot be kept is no loss.
        let _ = file.set_modified(time);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_files_links_and_modes() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/file"), "text").unwrap();
        fs::set_permissions(from.join("a/b/file"), fs::Permissions::from_mode(0o4750)).unwrap();
        symlink("b/file", from.join("a/link")).unwrap();
        let to = dir.path().join("to");
        assert_eq!(copy(&from, &to, &|_, _| None).unwrap(), 0);
        assert_eq!(fs::read_to_string(to.join("a/link")).unwrap(), "text");
        assert_eq!(fs::read_link(to.join("a/link")).unwrap(), Path::new("b/file"));
        assert_eq!(fs::metadata(to.join("a/b/file")).unwrap().mode() & 0o7777, 0o4750);
    }
}
