//! Streams of bytes: shells, and commands on many nodes at once. The engine owns the SSH end.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};

use super::core::Core;
use super::door::{FrameIo, Who};
use super::planning::cluster_of;
use super::policy;
use crate::base::Cx;
use crate::model::{CloudName, ClusterId, Deed, Failure, Node};
use crate::protocol::StreamRequest;
use crate::protocol::frame::{Exit, Frame, NodeAnswer};
use crate::protocol::hello::PtySize;
use crate::ssh::{Output, Pty, Shell, Target, fan_out};

/// Nodes at once, at most, whatever a client asks for.
const AT_ONCE: u32 = 256;
/// Bytes of one node's answer, each of stdout and stderr: both fit into a frame even when every byte is escaped.
const ANSWER: usize = 16 * 1024;

type Io = Pin<Box<dyn FrameIo>>;

/// Serves a stream until either side ends it.
pub async fn serve(core: &Arc<Core>, who: &Who, request: StreamRequest, mut io: Io) {
    core.settle_settings().await;
    let result = match request {
        StreamRequest::Shell { cluster, node, command, pty } => match node_target(core, cluster, &node) {
            Ok(target) => shell(core, who, &target, &node, command, pty, &mut io).await,
            Err(failure) => Err(failure),
        },
        StreamRequest::FanOut { cluster, nodes, command, at_once } => {
            many(core, who, cluster, nodes, command, at_once, &mut io).await
        }
        StreamRequest::ServerShell { cloud, server, command, pty } => match server_target(core, who, &cloud, &server).await {
            Ok(target) => shell(core, who, &target, &server, command, pty, &mut io).await,
            Err(failure) => Err(failure),
        },
    };
    if let Err(failure) = result {
        // The client may be gone: then nobody is there to be told.
        let _ = io.send(Frame::Exit(Exit { status: None, failure: Some(failure) })).await;
    }
    let _ = io.close().await;
}

fn node_target(core: &Core, cluster: ClusterId, node: &str) -> Result<Target, Failure> {
    let cluster = cluster_of(core, cluster)?;
    let nodes = core.journal.state().nodes_of(cluster.id);
    let clouds = nodes.iter().filter(|n| n.name == node).map(|n| &n.cloud);
    may_open(core, clouds, Some(&cluster.name), 1, &format!("open a shell on {node}"))?;
    core.write_known_hosts(&cluster, &nodes)?;
    core.target(&cluster, &nodes, node)
}

/// A server that belongs to a cluster is reached as its node.
async fn server_target(core: &Core, who: &Who, cloud: &CloudName, server: &str) -> Result<Target, Failure> {
    let driver = core.clouds.get(cloud)?;
    let found = super::requests::find_server(&driver, &Cx::quiet(), server).await?;
    let tags = found.tags.as_ref().filter(|tags| core.journal.state().clusters.contains_key(&tags.cluster));
    match tags {
        Some(tags) => node_target(core, tags.cluster, &tags.node),
        None => {
            may_open(core, [cloud], None, 1, &format!("open a shell on {}", found.name))?;
            super::keys::target(core, who, driver.as_ref(), &found).await
        }
    }
}

/// A shell, or a command over SSH, can change anything.
fn may_open<'c>(
    core: &Core,
    clouds: impl IntoIterator<Item = &'c CloudName> + Clone,
    cluster: Option<&str>,
    count: u32,
    tried: &str,
) -> Result<(), Failure> {
    policy::may(core, Deed::Shell, clouds, cluster, count, tried).map_err(|refusal| refusal.failure)
}

async fn shell(
    core: &Core,
    who: &Who,
    target: &Target,
    name: &str,
    command: Option<String>,
    pty: Option<PtySize>,
    io: &mut Io,
) -> Result<(), Failure> {
    core.note(who, format!("{} {name}", if command.is_some() { "command on" } else { "shell on" })).await?;
    let connection = crate::ssh::connect(target, &Cx::quiet()).await?;
    let pty = pty.map(|p| Pty { term: p.term, cols: p.cols, rows: p.rows });
    let Shell { input, mut output } = connection.shell(pty, command.as_deref()).await?;
    let (mut tell, mut hear) = io.split();
    // Both ways at once: a flood of output must not keep a key (or a large paste) from getting through.
    let said = async {
        loop {
            let frame = match output.next().await? {
                Output::Stdout(bytes) => Frame::Data(bytes),
                Output::Stderr(bytes) => Frame::Error(bytes),
                Output::Exit { status, .. } => {
                    // The client may be gone: then nobody is there to be told.
                    let _ = tell.send(Frame::Exit(Exit { status, failure: None })).await;
                    return Ok(());
                }
            };
            if tell.send(frame).await.is_err() {
                return Ok(());
            }
        }
    };
    // Until the client is gone: the session ends with it, as with ssh.
    let typed = async {
        while let Some(Ok(frame)) = hear.next().await {
            match frame {
                Frame::Data(bytes) => input.write(bytes).await?,
                Frame::Resize { cols, rows } => input.resize(cols, rows).await?,
                Frame::Eof => input.eof().await?,
                _ => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = said => ended,
        ended = typed => ended,
    }
}

async fn many(
    core: &Core,
    who: &Who,
    cluster: ClusterId,
    names: Vec<String>,
    command: String,
    at_once: u32,
    io: &mut Io,
) -> Result<(), Failure> {
    let cluster = cluster_of(core, cluster)?;
    let nodes = core.journal.state().nodes_of(cluster.id);
    core.write_known_hosts(&cluster, &nodes)?;
    let wanted: Vec<&Node> = nodes.iter().filter(|n| names.is_empty() || names.contains(&n.name)).collect();
    let count = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    may_open(core, wanted.iter().map(|n| &n.cloud), Some(&cluster.name), count, "run a command on nodes")?;
    core.note(who, format!("command on {} nodes of {}", wanted.len(), cluster.name)).await?;
    let cx = Cx::quiet();
    let _stop = cx.cancel.clone().drop_guard();
    let mut targets = Vec::new();
    for node in wanted {
        match core.target(&cluster, &nodes, &node.name) {
            Ok(target) => targets.push((node.name.clone(), target)),
            Err(failure) => {
                let exit = Exit { status: None, failure: Some(failure) };
                let answer = NodeAnswer { node: node.name.clone(), exit, stdout: String::new(), stderr: String::new(), took: 0 };
                if io.send(Frame::Node(answer)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    let mut answers = std::pin::pin!(fan_out(&core.ssh, targets, command, at_once.min(AT_ONCE) as usize, cx));
    let mut bad = false;
    while let Some(answer) = answers.next().await {
        let (exit, stdout, stderr) = match answer.result {
            Ok(done) => {
                bad |= done.status != Some(0);
                (Exit { status: done.status, failure: None }, text(&done.stdout), text(&done.stderr))
            }
            Err(failure) => {
                bad = true;
                (Exit { status: None, failure: Some(failure) }, String::new(), String::new())
            }
        };
        let answer = NodeAnswer { node: answer.node, exit, stdout, stderr, took: answer.took_ms };
        if io.send(Frame::Node(answer)).await.is_err() {
            return Ok(());
        }
    }
    let _ = io.send(Frame::Exit(Exit { status: Some(i32::from(bad)), failure: None })).await;
    Ok(())
}

fn text(bytes: &Bytes) -> String {
    let cut = bytes.len().min(ANSWER);
    let mut text = String::from_utf8_lossy(&bytes[..cut]).into_owned();
    if cut < bytes.len() {
        text.push_str(&format!("\n… ({} more bytes)", bytes.len() - cut));
    }
    text
}
