//! `quarterdeck ssh`: a shell or a command on a node, or a command on all nodes of a cluster.

use std::io::IsTerminal;

use clap::Args;
use serde_json::json;

use crate::client;
use crate::model::{Cluster, Failure, Node};
use crate::protocol::StreamRequest;
use crate::protocol::frame::{Exit, Frame, NodeAnswer};
use crate::protocol::hello::PtySize;

use super::App;
use super::exit::{Code, Ended, Stop};
use super::find::{self, Place};
use super::out::{Out, Tone, remark};
use super::session::{Session, options};
use super::terminal;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  quarterdeck ssh hello/node-1                 a shell
  quarterdeck ssh node-1 -- df -h              one command
  quarterdeck ssh hello --all -- uptime        a command on every node, as many at once as useful

The exit code is that of the remote shell or command; 255 when it could not be run. With --all it is 1 when any node
failed.")]
pub struct Ssh {
    /// A node (node-1, or hello/node-1), or a cluster
    #[arg(value_name = "NODE|CLUSTER")]
    place: String,
    /// On every node of the cluster
    #[arg(long, requires = "command")]
    all: bool,
    /// With --all: only nodes of this group
    #[arg(long, requires = "all", value_name = "GROUP")]
    group: Option<String>,
    /// With --all: nodes at once; 0 lets the engine choose
    #[arg(long, requires = "all", default_value_t = 0, value_name = "COUNT")]
    at_once: u32,
    /// With --all: the answers as JSON, once all are there
    #[arg(long, requires = "all")]
    json: bool,
    /// Give the command a terminal
    #[arg(short, long, conflicts_with = "all")]
    tty: bool,
    /// The command and its arguments
    #[arg(last = true)]
    command: Vec<String>,
}

/// How programs that could not even start a remote command end.
const NOT_RUN: Code = Code::Passed(255);

pub async fn run(app: &mut App<'_>, args: Ssh) -> Ended {
    let mut session = Session::open().await?;
    let mirror = session.state().await?;
    let command = (!args.command.is_empty()).then(|| args.command.join(" "));
    let (cluster, node) = match find::place(mirror, &args.place)? {
        Place::Node(_, node) if args.all => {
            let failure = Failure::refused("reach all nodes", format!("{} is one node", node.name));
            return Err(Stop::usage(failure.next("name a cluster with --all")));
        }
        Place::Node(cluster, node) => (cluster, node),
        Place::Cluster(cluster) => {
            let nodes = find::nodes(mirror, cluster);
            if args.all {
                let request = fan_out(cluster, &nodes, &args, command.unwrap_or_default())?;
                return every(&mut app.out, request, args.json).await;
            }
            (cluster, only(cluster, &nodes)?)
        }
    };
    let pty = args.tty || command.is_none();
    let request = StreamRequest::Shell { cluster: cluster.id, node: node.name.clone(), command, pty: pty.then(size).flatten() };
    drop(session);
    terminal::carry(&options()?, request).await
}

/// The node that a cluster's name stands for: its only one.
fn only<'a>(cluster: &Cluster, nodes: &[&'a Node]) -> Result<&'a Node, Stop> {
    if let [node] = nodes {
        return Ok(node);
    }
    let tried = format!("open a shell on {}", cluster.name);
    let Some(first) = nodes.first() else {
        return Err(Failure::refused(tried, "it has no nodes").into());
    };
    let failure = Failure::refused(tried, format!("it has {} nodes", nodes.len()));
    Err(Stop::usage(
        failure.next(format!("name one: quarterdeck ssh {}/{}; or run a command on --all", cluster.name, first.name)),
    ))
}

fn fan_out(cluster: &Cluster, nodes: &[&Node], args: &Ssh, command: String) -> Result<StreamRequest, Stop> {
    let wanted = nodes.iter().filter(|node| args.group.as_ref().is_none_or(|group| node.group == *group));
    let names: Vec<String> = wanted.map(|node| node.name.clone()).collect();
    if names.is_empty() {
        let failure = match &args.group {
            Some(group) => super::names::unknown("group", group, nodes.iter().map(|n| n.group.as_str())),
            None => Failure::refused(format!("reach all nodes of {}", cluster.name), "it has no nodes"),
        };
        return Err(failure.into());
    }
    Ok(StreamRequest::FanOut { cluster: cluster.id, nodes: names, command, at_once: args.at_once })
}

/// The terminal's size and kind, when there is a terminal.
pub fn size() -> Option<PtySize> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let (cols, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    Some(PtySize { term: std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned()), cols, rows })
}

/// Runs a command on many nodes and prints each answer as it comes.
async fn every(out: &mut Out, request: StreamRequest, json: bool) -> Ended {
    use futures::StreamExt;
    let mut stream = client::stream(&options()?, request).await?;
    let mut tally = Tally::default();
    let mut answers = Vec::new();
    loop {
        let frame = tokio::select! {
            frame = stream.next() => frame,
            _ = tokio::signal::ctrl_c() => return Err(Stop::Quiet(Code::Interrupted)),
        };
        match frame {
            Some(Ok(Frame::Node(answer))) => {
                tally.count(&answer);
                if json { answers.push(answer) } else { print_node(out, &answer)? }
            }
            Some(Ok(Frame::Exit(Exit { failure: Some(failure), .. }))) => return Err(failure.into()),
            Some(Ok(Frame::Exit(_))) | None => break,
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(Failure::transient("read the nodes' answers", error).into()),
        }
    }
    if json {
        out.json(&json!(answers))?;
    } else {
        remark(&tally.text());
    }
    Ok(if tally.failed == 0 { Code::Done } else { Code::Failed })
}

/// What one node said, each line with its name before it.
fn print_node(out: &mut Out, answer: &NodeAnswer) -> Result<(), Stop> {
    let prefix = format!("{}  ", answer.node);
    for line in answer.stdout.lines() {
        out.toned(Tone::Strong, &prefix, line)?;
    }
    for line in answer.stderr.lines() {
        out.toned(Tone::Busy, &prefix, line)?;
    }
    if let Some(end) = ending(&answer.exit) {
        out.toned(Tone::Bad, &prefix, &end)?;
    }
    out.flush()?;
    Ok(())
}

/// How a command ended badly; `None` when it did not.
pub fn ending(exit: &Exit) -> Option<String> {
    match exit {
        Exit { failure: Some(failure), .. } => Some(failure.line()),
        Exit { status: Some(0), .. } => None,
        Exit { status: Some(status), .. } => Some(format!("exit code {status}")),
        Exit { .. } => Some("ended without an exit code".to_owned()),
    }
}

/// The exit code that a shell passes on.
pub fn passed_on(exit: &Exit) -> Code {
    match exit.status {
        Some(status @ 0..=255) => Code::passed(status),
        _ => NOT_RUN,
    }
}

#[derive(Debug, Default)]
struct Tally {
    ok: u32,
    failed: u32,
    slowest: u64,
}

impl Tally {
    fn count(&mut self, answer: &NodeAnswer) {
        match ending(&answer.exit) {
            None => self.ok += 1,
            Some(_) => self.failed += 1,
        }
        self.slowest = self.slowest.max(answer.took);
    }

    fn text(&self) -> String {
        let slowest = crate::model::time::work_duration(self.slowest);
        format!("{} nodes: {} ok, {} failed; slowest {slowest}", self.ok + self.failed, self.ok, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::out::tests::Written;

    fn exit(status: Option<i32>, failure: Option<&str>) -> Exit {
        Exit { status, failure: failure.map(|got| Failure::transient("connect to a-1", got)) }
    }

    #[test]
    fn exit_codes_are_passed_on() {
        assert_eq!(passed_on(&exit(Some(0), None)).number(), 0);
        assert_eq!(passed_on(&exit(Some(7), None)).number(), 7);
        assert_eq!(passed_on(&exit(None, Some("refused"))).number(), 255);
        assert_eq!(passed_on(&exit(Some(999), None)).number(), 255);
    }

    #[test]
    fn each_line_of_a_node_has_its_name_and_bad_ends_are_told() {
        let written = Written::default();
        let mut out = written.out();
        let mut tally = Tally::default();
        let answer = |node: &str, exit, stdout: &str| NodeAnswer {
            node: node.into(),
            exit,
            stdout: stdout.into(),
            stderr: String::new(),
            took: 1200,
        };
        for answer in [
            answer("a-1", exit(Some(0), None), "one\ntwo\x1b[2J\n"),
            answer("a-2", exit(Some(3), None), ""),
            answer("a-3", exit(None, Some("refused")), ""),
        ] {
            tally.count(&answer);
            print_node(&mut out, &answer).unwrap();
        }
        assert_eq!(written.text(), "a-1  one\na-1  two\na-2  exit code 3\na-3  connect to a-1: refused\n");
        assert_eq!(tally.text(), "3 nodes: 1 ok, 2 failed; slowest 1.2 s");
    }
}
