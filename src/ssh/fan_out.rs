//! One command on many nodes.

use std::time::Instant;

use futures::{Stream, StreamExt, stream};
use tokio_util::task::AbortOnDropHandle;

use super::pool::Pool;
use super::{ExecResult, Target};
use crate::base::Cx;
use crate::model::Failure;

/// How many at a time, when nobody says.
const AT_ONCE: usize = 128;

/// What one node of a fan-out said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The name given with the target.
    pub node: String,
    pub result: Result<ExecResult, Failure>,
    /// Milliseconds from start to end.
    pub took_ms: u64,
}

/// Runs `command` on all targets, at most `at_once` at a time (0: as many as useful); answers come in the order in
/// which they are there. A node that fails does not stop the others; dropping the stream stops what is running.
pub fn fan_out(
    pool: &Pool,
    targets: Vec<(String, Target)>,
    command: String,
    at_once: usize,
    cx: Cx,
) -> impl Stream<Item = Answer> + Send + use<> {
    let pool = pool.clone();
    let at_once = if at_once == 0 { AT_ONCE } else { at_once };
    let ask = move |(node, target): (String, Target)| {
        let (pool, command, cx) = (pool.clone(), command.clone(), cx.clone());
        // A task each: a slow reader of the answers must not make the others time out.
        let name = node.clone();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let start = Instant::now();
            let result = pool.exec(&target, &command, None, &cx).await;
            Answer { node: name, result, took_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX) }
        }));
        async move {
            task.await.unwrap_or_else(|e| {
                let failure = Failure::broken("run a command over SSH", e).next("look at the engine's log");
                Answer { node, result: Err(failure), took_ms: 0 }
            })
        }
    };
    stream::iter(targets).map(ask).buffer_unordered(at_once)
}
