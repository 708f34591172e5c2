//! Streams of bytes: shells, and commands on many nodes at once. The engine owns the SSH end.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};

use super::core::Core;
use super::door::{FrameIo, Who};
use super::planning::cluster_of;
use super::{policy, targets};
use crate::base::Cx;
use crate::model::{ClusterId, Deed, Failure, Node, Thing};
use crate::protocol::StreamRequest;
use crate::protocol::frame::{Exit, Frame, NodeAnswer};
use crate::protocol::hello::PtySize;
use crate::ssh::{Output, Pty, Shell, fan_out};

/// Nodes at once, at most, whatever a client asks for.
const AT_ONCE: u32 = 256;
/// Bytes of one node's answer, each of stdout and stderr: both fit into a frame even when every byte is escaped.
const ANSWER: usize = 16 * 1024;

type Io = Pin<Box<dyn FrameIo>>;

/// Serves a stream until either side ends it.
pub async fn serve(core: &Arc<Core>, who: &Who, request: StreamRequest, mut io: Io) {
    core.settle_settings().await;
    let result = match request {
        StreamRequest::Shell { cluster, node, command, pty } => {
            shell(core, who, Thing::Node { cluster, node }, command, pty, &mut io).await
        }
        StreamRequest::FanOut { cluster, nodes, command, at_once } => {
            many(core, who, cluster, nodes, command, at_once, &mut io).await
        }
        StreamRequest::ServerShell { cloud, server, command, pty } => {
            shell(core, who, Thing::Server { cloud, server }, command, pty, &mut io).await
        }
    };
    if let Err(failure) = result {
        // The client may be gone: then nobody is there to be told.
        let _ = io.send(Frame::Exit(Exit { status: None, failure: Some(failure) })).await;
    }
    let _ = io.close().await;
}

async fn shell(
    core: &Core,
    who: &Who,
    thing: Thing,
    command: Option<String>,
    pty: Option<PtySize>,
    io: &mut Io,
) -> Result<(), Failure> {
    let name = targets::allowed(core, Deed::Shell, "open a shell on", &thing).await?;
    let target = targets::of(core, &thing, who.context.agent.as_ref().map(Into::into)).await?;
    core.note(who, format!("{} {name}", if command.is_some() { "command on" } else { "shell on" })).await?;
    let connection = crate::ssh::connect(&target, &Cx::quiet()).await?;
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
    // A command over SSH can change anything.
    let clouds = wanted.iter().map(|n| &n.cloud);
    policy::may(core, Deed::Shell, clouds, Some(&cluster.name), count, "run a command on nodes").map_err(|r| r.failure)?;
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
