//! Reaching nodes over SSH.

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{Done, StepCx};
use crate::base::Cx;
use crate::clusters::hosts;
use crate::model::{Class, Failure, Node, NodeState};
use crate::ssh::{self, KnownHosts, Target};

/// Nodes that are written to at once.
const AT_ONCE: usize = 32;

/// Waits until the node answers over SSH and learns its host key: at first contact with a server that we made just
/// now, and never again.
pub async fn wait(cx: &StepCx) -> Result<Done, Failure> {
    let (cluster, node, cloud) = (cx.cluster()?, cx.node()?, cx.cloud()?);
    cx.core.write_known_hosts(cluster, &cx.nodes)?;
    let mut target = cx.core.target(cluster, &cx.nodes, &node.name)?;
    let learnt = cx.dir().join("known_hosts");
    if node.host_key.is_none() {
        crate::base::files::private_dir(&cx.dir())?;
        target.known = KnownHosts::learn(&learnt);
    }
    let limit = cloud.manners().boot_limit;
    let call = cx.cx().within(limit);
    let probe = ssh::wait(&target, &call).await;
    // The deadline is this step's last word: six times the boot limit helps nobody.
    let probe = probe.map_err(|f| if f.class == Class::Transient { Failure { class: Class::Broken, ..f } } else { f })?;
    call.output.line(&format!("{} answers: {}", target.address(), probe.host_key));
    Ok(Done::note(format!("{} ms", probe.took_ms)).node(&node.name, move |n| {
        n.state = NodeState::Up;
        n.host_key = Some(probe.host_key);
    }))
}

/// Writes the names of all nodes into the `/etc/hosts` of each.
pub async fn write_hosts(cx: &StepCx) -> Result<Done, Failure> {
    let cluster = cx.cluster()?;
    cx.core.write_known_hosts(cluster, &cx.nodes)?;
    let up: Vec<&Node> = cx.nodes.iter().filter(|n| n.state == NodeState::Up).collect();
    let block = Bytes::from(hosts::etc_hosts(cluster, &cx.nodes));
    let call = cx.cx();
    let mut writes = Vec::new();
    for node in up {
        writes.push(write_block(cx, cx.core.target(cluster, &cx.nodes, &node.name)?, &node.name, block.clone(), call.clone()));
    }
    let results: Vec<Result<(), Failure>> = stream::iter(writes).buffer_unordered(AT_ONCE).collect().await;
    let count = results.len();
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(Done::note(format!("{count} nodes")))
}

async fn write_block(cx: &StepCx, target: Target, node: &str, block: Bytes, call: Cx) -> Result<(), Failure> {
    let command = if target.user == "root" { WRITE_BLOCK.to_owned() } else { format!("sudo -n sh -c '{WRITE_BLOCK}'") };
    let result = cx.core.ssh.exec(&target, &command, Some(block), &call).await?;
    if result.status == Some(0) {
        return Ok(());
    }
    Err(Failure::broken("write /etc/hosts", String::from_utf8_lossy(&result.stderr).trim()).at(node))
}

/// Replaces our block of `/etc/hosts` with the one on stdin, in place: the file may be a mount of its own.
const WRITE_BLOCK: &str = r##"set -e; n=$(sed "/^# BEGIN quarterdeck/,/^# END quarterdeck/d" /etc/hosts); b=$(cat); printf "%s\n# BEGIN quarterdeck\n%s\n# END quarterdeck\n" "$n" "$b" > /etc/hosts"##;
