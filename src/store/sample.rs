//! Events for tests, made out of the golden corpus.

use std::sync::LazyLock;

use crate::model::{Cluster, ClusterId, Node, Prompt, PromptId, PromptState, Run, RunNo, RunState, Step, StepState, Time};
use crate::protocol::{Event, EventBody};

/// The golden corpus: real events of every kind, as an engine of version 1 stored them.
pub const GOLDEN: &str = include_str!("../../tests/golden/events-v1.ndjson");

pub fn one_of_each() -> Vec<EventBody> {
    GOLDEN.lines().map(|line| serde_json::from_str::<Event>(line).unwrap().body).collect()
}

fn first<T: Clone>(pick: impl Fn(&EventBody) -> Option<&T>) -> T {
    static EVENTS: LazyLock<Vec<EventBody>> = LazyLock::new(one_of_each);
    EVENTS.iter().find_map(pick).unwrap().clone()
}

pub fn run(number: u64, state: RunState, title: &str) -> EventBody {
    let run: Run = first(|b| if let EventBody::Run(run) = b { Some(&**run) } else { None });
    let ended = state.ended().then_some(Time(5));
    EventBody::Run(Box::new(Run { number: RunNo(number), state, ended, title: title.to_owned(), ..run }))
}

pub fn step(run: u64, index: u32, title: &str) -> EventBody {
    let step: Step = first(|b| if let EventBody::Step(step) = b { Some(&**step) } else { None });
    EventBody::Step(Box::new(Step { run: RunNo(run), index, title: title.to_owned(), state: StepState::Running, ..step }))
}

pub fn cluster(id: ClusterId, revision: u64) -> EventBody {
    let cluster: Cluster = first(|b| if let EventBody::Cluster(cluster) = b { Some(&**cluster) } else { None });
    EventBody::Cluster(Box::new(Cluster { id, revision, ..cluster }))
}

pub fn node(cluster: ClusterId, name: &str, port: u16) -> EventBody {
    let node: Node = first(|b| if let EventBody::Node(node) = b { Some(&**node) } else { None });
    EventBody::Node(Box::new(Node { cluster, name: name.to_owned(), ssh_port: port, ..node }))
}

pub fn prompt(id: PromptId, run: u64, open: bool) -> EventBody {
    let prompt: Prompt = first(|b| if let EventBody::Prompt(prompt) = b { Some(&**prompt) } else { None });
    let state = if open { PromptState::Open } else { PromptState::Withdrawn };
    EventBody::Prompt(Box::new(Prompt { id, run: RunNo(run), state, ..prompt }))
}
