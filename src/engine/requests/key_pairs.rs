//! Requests about the key pairs of clouds.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::ExposeSecret;

use crate::base::Cx;
use crate::engine::core::Core;
use crate::model::capability::names::KEY_PAIRS;
use crate::model::{CloudName, Failure};
use crate::protocol::live::ListKind;
use crate::ssh::keys;

/// Makes a key pair: the private half in a new file that only its owner reads, the public one at the cloud. Where the
/// cloud does not take it, the file goes again.
pub async fn create(core: &Core, cloud: &CloudName, name: &str, path: &Path) -> Result<(), Failure> {
    let tried = format!("create key pair {name}");
    let driver = core.clouds.get(cloud)?;
    driver.capabilities().check(KEY_PAIRS).map_err(|why| Failure::refused(&tried, why).at(driver.endpoint()))?;
    let pair = keys::generate(name)?;
    write_new(path, pair.private.expose_secret(), &tried)?;
    let result = import(core, cloud, name, &pair.public).await;
    if result.is_err() {
        let _ = std::fs::remove_file(path);
    }
    result
}

/// Writes a file that must not be there.
fn write_new(path: &Path, text: &str, tried: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::refused(tried, "there is such a file already").next("choose another name for it"),
        _ => Failure::refused(tried, error),
    };
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| failed(error).at(path.display()))
}

/// Makes a public key known to a cloud.
pub async fn import(core: &Core, cloud: &CloudName, name: &str, public_key: &str) -> Result<(), Failure> {
    let result = core.clouds.get(cloud)?.import_key_pair(&Cx::quiet(), name, public_key.trim()).await;
    core.pokes.poke(cloud, ListKind::KeyPairs);
    result.map(drop)
}

/// Deletes a key pair; servers that have its key keep it.
pub async fn delete(core: &Core, cloud: &CloudName, name: &str) -> Result<(), Failure> {
    let result = core.clouds.get(cloud)?.delete_key_pair(&Cx::quiet(), name).await;
    core.pokes.poke(cloud, ListKind::KeyPairs);
    result
}
