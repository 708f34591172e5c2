//! The cluster's own key pair, and the file with its credentials.

use serde_json::json;

use super::{Change, Done, StepCx};
use crate::base::files::write_private;
use crate::engine::keys;
use crate::model::Failure;

/// Makes the key pair unless it is there.
pub async fn make(cx: &StepCx) -> Result<Done, Failure> {
    let cluster = cx.cluster()?;
    let dirs = &cx.core.settings.dirs;
    let (path, dir) = (dirs.key(cluster.id), dirs.cluster(cluster.id));
    let public = keys::pair(&path, &format!("quarterdeck {}", cluster.name))?;
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
