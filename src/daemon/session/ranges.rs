//! Recorded events as one client gets them: what it asked for, the last of each thing, in ranges that join.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::RunNo;
use crate::protocol::{Event, FromEngine};

/// Events in one message, at most.
pub const PER_MESSAGE: usize = 128;

/// The messages that bring a client from `after` to `upto`; `events` are all there are in between. None when none
/// of them is for this client: the next range then starts at `after` as well.
pub fn ranges(after: u64, upto: u64, events: &[Arc<Event>], runs: &BTreeSet<RunNo>) -> Vec<FromEngine> {
    let wanted = || events.iter().filter(|event| event.topic_run().is_none_or(|run| runs.contains(&run)));
    let mut last = HashMap::new();
    for event in wanted() {
        last.insert(event.key(), event.seq);
    }
    let kept: Vec<Event> = wanted().filter(|event| last.get(&event.key()) == Some(&event.seq)).map(|e| (**e).clone()).collect();
    let count = kept.len().div_ceil(PER_MESSAGE);
    let mut from = after;
    let mut messages = Vec::with_capacity(count);
    for (index, part) in kept.chunks(PER_MESSAGE).enumerate() {
        let to = if index + 1 == count { upto } else { part.last().map_or(from, |event| event.seq) };
        messages.push(FromEngine::Events { after: from, upto: to, events: part.to_vec() });
        from = to;
    }
    messages
}

/// The messages of a snapshot.
pub fn snapshot(seq: u64, events: Vec<Event>) -> Vec<FromEngine> {
    if events.is_empty() {
        return vec![FromEngine::Snapshot { seq, first: true, last: true, events }];
    }
    let count = events.len().div_ceil(PER_MESSAGE);
    let mut parts = events.into_iter();
    (0..count)
        .map(|index| FromEngine::Snapshot {
            seq,
            first: index == 0,
            last: index + 1 == count,
            events: parts.by_ref().take(PER_MESSAGE).collect(),
        })
        .collect()
}

/// Steps that come beside the range, at the place where the range is.
pub fn beside(at: u64, events: Vec<Event>) -> Vec<FromEngine> {
    let mut rest = events.into_iter().peekable();
    let mut messages = Vec::new();
    while rest.peek().is_some() {
        let events = rest.by_ref().take(PER_MESSAGE).collect();
        messages.push(FromEngine::Events { after: at, upto: at, events });
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use crate::protocol::EventBody;

    fn gone(seq: u64, run: u64) -> Arc<Event> {
        Arc::new(Event { v: 1, seq, at: Time(0), body: EventBody::RunGone(RunNo(run)) })
    }

    #[test]
    fn the_last_of_each_thing_is_kept_and_ranges_join() {
        let events: Vec<_> = (11..=1_010).map(|seq| gone(seq, seq % 300)).collect();
        let messages = ranges(10, 1_010, &events, &BTreeSet::new());
        let (mut at, mut seen) = (10, BTreeSet::new());
        for message in &messages {
            let FromEngine::Events { after, upto, events } = message else { panic!("no events") };
            assert_eq!(*after, at);
            assert!(events.iter().all(|e| *after < e.seq && e.seq <= *upto));
            seen.extend(events.iter().map(|e| e.seq));
            at = *upto;
        }
        assert_eq!((at, seen), (1_010, (711..=1_010).collect()));
        assert_eq!(messages.len(), 300usize.div_ceil(PER_MESSAGE));
    }

    #[test]
    fn an_empty_state_is_a_snapshot_too() {
        let parts = snapshot(4, Vec::new());
        assert!(matches!(parts[..], [FromEngine::Snapshot { seq: 4, first: true, last: true, .. }]));
        let many = snapshot(400, (1..=400).map(|seq| (*gone(seq, seq)).clone()).collect());
        let ends: Vec<_> = many
            .iter()
            .map(|m| match m {
                FromEngine::Snapshot { first, last, events, .. } => (*first, *last, events.len()),
                _ => panic!("no snapshot"),
            })
            .collect();
        assert_eq!(ends, [(true, false, 128), (false, false, 128), (false, false, 128), (false, true, 16)]);
    }
}
