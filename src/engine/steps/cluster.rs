//! The cluster as a whole: nothing too much, nothing left, nothing remembered.

use std::time::Duration;

use super::{Change, Done, StepCx, network};
use crate::model::{Failure, Server};

/// How often, and how far apart, a cloud is asked whether all is gone.
const LOOKS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(500);

async fn servers(cx: &StepCx) -> Result<Vec<Server>, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let Some(cluster) = cx.step.cluster else { return Ok(Vec::new()) };
    call.run(&cx.step.title, cloud.servers_of_cluster(&call, cx.core.store.home_id(), cluster)).await
}

/// Deletes servers that carry the cluster's tag and belong to none of its nodes.
pub async fn sweep(cx: &StepCx) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let ours = |server: &Server| {
        cx.nodes.iter().any(|n| network::stays(n) && n.cloud == server.cloud && n.server.as_deref() == Some(server.id.as_str()))
    };
    let mut count = 0;
    for server in servers(cx).await? {
        if ours(&server) {
            continue;
        }
        call.output.line(&format!("deleting server {} ({}): no node is on it", server.name, server.id));
        call.run(&cx.step.title, cloud.delete_server(&call, &server.id)).await?;
        count += 1;
    }
    let surplus = network::surplus(cx).await?;
    network::remove(cx, &cloud, &call, &surplus).await?;
    count += surplus.len();
    Ok(Done::note(if count == 0 { "nothing too much".to_owned() } else { format!("{count} deleted") }))
}

/// Checks that nothing of the cluster is left on the cloud.
pub async fn verify_gone(cx: &StepCx) -> Result<Done, Failure> {
    let call = cx.cx();
    let mut left: Vec<String> = Vec::new();
    for _ in 0..LOOKS {
        left = servers(cx).await?.iter().map(|s| format!("server {} ({})", s.name, s.id)).collect();
        left.extend(network::left(cx).await?);
        if left.is_empty() {
            return Ok(Done::note("nothing left"));
        }
        call.sleep(&cx.step.title, PAUSE).await?;
    }
    Err(Failure::broken(&cx.step.title, format!("still there: {}", left.join(", ")))
        .at(cx.cloud()?.endpoint())
        .next("delete the cluster once more, or delete them with `quarterdeck server delete` or the cloud's own tools"))
}

/// Removes the cluster's record, keys and known hosts.
pub fn forget(cx: &StepCx) -> Result<Done, Failure> {
    if let Some(cluster) = cx.step.cluster {
        let dir = cx.core.settings.dirs.cluster(cluster);
        match std::fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::broken(format!("remove {}", dir.display()), e));
            }
            _ => {}
        }
    }
    let mut done = Done::note("forgotten");
    done.changes.push(Change::ClusterGone);
    Ok(done)
}
