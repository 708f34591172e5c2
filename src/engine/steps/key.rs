//! The cluster's own key pair, and the file with its credentials.

use secrecy::ExposeSecret;
use serde_json::json;

use super::{Change, Done, StepCx};
use crate::engine::files::{private_dir, write_private};
use crate::model::Failure;
use crate::ssh::keys;

/// Makes the key pair unless it is there.
pub async fn make(cx: &StepCx) -> Result<Done, Failure> {
    let cluster = cx.cluster()?;
    let dirs = &cx.core.settings.dirs;
    let (path, dir) = (dirs.key(cluster.id), dirs.cluster(cluster.id));
    let public_path = path.with_extension("pub");
    private_dir(&dir)?;
    // The public half is written last: where it is there, the pair is whole.
    let public = match std::fs::read_to_string(&public_path) {
        Ok(line) if path.exists() => line.trim().to_owned(),
        _ => {
            let pair = keys::generate(&format!("quarterdeck {}", cluster.name))?;
            write_private(&path, pair.private.expose_secret().as_bytes())?;
            write_private(&public_path, format!("{}\n", pair.public).as_bytes())?;
            pair.public
        }
    };
    let credentials = json!({
        "cluster": cluster.name,
        "id": cluster.id,
        "ssh_user": cluster.ssh_user,
        "ssh_private_key_file": path,
        "known_hosts_file": dirs.known_hosts(cluster.id),
        "public_key": public,
    });
    let text = serde_json::to_vec_pretty(&credentials).unwrap_or_default();
    write_private(&dir.join("credentials.json"), &text)?;
    let mut done = Done::note("ed25519");
    done.changes.push(Change::Cluster(Box::new(move |c| c.public_key = Some(public))));
    Ok(done)
}
