//! Key pairs of the engine's own: one for each cluster, and one for each server that it creates outside of clusters.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::core::Core;
use crate::base::Cx;
use crate::base::files::{private_dir, write_private};
use crate::clouds::Cloud;
use crate::model::{Failure, Server, Token};
use crate::ssh::{Auth, KnownHosts, Target, keys};

/// Makes the pair `path` and `path.pub` unless it is there; the line of the public key.
///
/// # Errors
/// The files cannot be written.
pub fn pair(path: &Path, comment: &str) -> Result<String, Failure> {
    let public_path = path.with_extension("pub");
    private_dir(path.parent().unwrap_or(Path::new("/")))?;
    // The public half is written last: where it is there, the pair is whole.
    match std::fs::read_to_string(&public_path) {
        Ok(line) if path.exists() => Ok(line.trim().to_owned()),
        _ => {
            let pair = keys::generate(comment)?;
            write_private(path, pair.private.expose_secret().as_bytes())?;
            write_private(&public_path, format!("{}\n", pair.public).as_bytes())?;
            Ok(pair.public)
        }
    }
}

/// The key of a server that belongs to no cluster, made unless it is there; the line of its public half.
///
/// # Errors
/// As [`pair`].
pub fn of_server(core: &Core, token: &Token, name: &str) -> Result<String, Failure> {
    pair(&core.settings.dirs.server(token).join("id_ed25519"), &format!("quarterdeck {name}"))
}

/// Forgets the key of a server that is gone.
pub fn forget(core: &Core, token: &Token) {
    let dir = core.settings.dirs.server(token);
    match std::fs::remove_dir_all(&dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => tracing::warn!(dir = %dir.display(), error = %e, "not removed"),
        _ => {}
    }
}

/// How a server is reached that belongs to no cluster: with the key it was created with, else with the agent of the
/// person who asks. Its host key is learnt at first contact, pinned after.
///
/// # Errors
/// `Refused` for a server that this home did not create, and for one to which there is no key; it has no address.
pub async fn target(core: &Core, agent: Option<PathBuf>, cloud: &dyn Cloud, server: &Server) -> Result<Target, Failure> {
    let tried = || format!("open a shell on {}", server.name);
    let Some(host) = server.address().map(str::to_owned) else {
        let failure = Failure::refused(tried(), format!("it has no address; it is {}", server.status));
        return Err(failure.next("wait until it is active"));
    };
    let by_hand = format!("use your own key: ssh -p {} {host}", server.ssh_port);
    let Some(tags) = server.tags.as_ref().filter(|tags| tags.home == core.store.home_id()) else {
        return Err(Failure::refused(tried(), "this home did not create the server, so it has no key to it").next(by_hand));
    };
    let dir = core.settings.dirs.server(&tags.token);
    let key = dir.join("id_ed25519");
    let keys: Vec<_> = key.exists().then_some(key).into_iter().collect();
    if keys.is_empty() && agent.is_none() {
        let got = "the key that the server was created with is not known here, and there is no ssh-agent";
        return Err(Failure::refused(tried(), got).next(format!("start an agent that has its key, or {by_hand}")));
    }
    private_dir(&dir)?;
    let images = cloud.images(&Cx::quiet()).await?;
    let user = images.into_iter().find(|i| i.name == server.image || i.id == server.image).and_then(|i| i.ssh_user);
    Ok(Target {
        host,
        port: server.ssh_port,
        user: user.unwrap_or_else(|| "root".to_owned()),
        auth: Auth { keys, key_data: None, agent },
        known: KnownHosts::learn(dir.join("known_hosts")),
        via: None,
    })
}
