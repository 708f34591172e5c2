//! Files that a spec places on nodes, and keys that may log in: read when the plan is made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::spec::FileSpec;
use crate::model::{ClusterSpec, Failure, PlacedFile};

/// Largest placed file, bytes: clouds take no more with a request.
const MAX_FILE: u64 = 256 * 1024;

/// The placed files of each group; a group's own come after the spec's, so they win.
pub fn files(spec: &ClusterSpec, base_dir: &Path) -> Result<BTreeMap<String, Vec<PlacedFile>>, Failure> {
    let mut out = BTreeMap::new();
    for (name, group) in &spec.groups {
        let placed = spec.files.iter().chain(&group.files).map(|f| file(f, base_dir)).collect::<Result<Vec<_>, _>>()?;
        out.insert(name.clone(), placed);
    }
    Ok(out)
}

fn file(spec: &FileSpec, base_dir: &Path) -> Result<PlacedFile, Failure> {
    let content = match (&spec.content, &spec.from) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(from)) => read(&resolve(from, base_dir))?,
        (None, None) => Vec::new(),
    };
    let mode = u32::from_str_radix(&spec.mode, 8).map_err(|e| Failure::refused(format!("place {}", spec.path), e))?;
    Ok(PlacedFile { path: spec.path.clone(), content_base64: STANDARD.encode(content), mode })
}

/// The public keys that a spec names: key lines as they are, files by their content.
pub fn keys(spec: &ClusterSpec, base_dir: &Path) -> Result<Vec<String>, Failure> {
    let mut out = Vec::new();
    for key in &spec.ssh.keys {
        if key.starts_with("ssh-") || key.starts_with("ecdsa-") || key.starts_with("sk-") {
            out.push(key.trim().to_owned());
            continue;
        }
        let path = resolve(key, base_dir);
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        if text.contains("PRIVATE KEY") {
            let failure = Failure::refused(format!("read public key {}", path.display()), "this is a private key");
            return Err(failure.next("name the file that ends in .pub"));
        }
        out.extend(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned));
    }
    Ok(out)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let tried = || format!("read {}", path.display());
    let failed = |e: std::io::Error| Failure::refused(tried(), e).next("paths in a spec start at the spec's own directory");
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE {
        return Err(Failure::refused(tried(), format!("{size} bytes are too many: at most {MAX_FILE}")));
    }
    fs::read(path).map_err(failed)
}

/// A path as a person writes it: `~/…`, absolute, or from the spec's directory.
pub fn resolve(path: &str, base_dir: &Path) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => base_dir.join(path),
    }
}
