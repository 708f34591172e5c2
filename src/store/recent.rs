//! The newest events, in memory: what a client that keeps up asks for is answered without the disk.

use std::collections::VecDeque;

use crate::protocol::Event;

/// A queue of the newest events, bounded by number and by bytes of their JSON.
#[derive(Debug)]
pub(super) struct Recent {
    events: VecDeque<(Event, usize)>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

impl Recent {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, most, most_bytes }
    }

    /// Adds the next event; `bytes` is the length of its JSON.
    pub(super) fn push(&mut self, event: Event, bytes: usize) {
        self.bytes += bytes;
        self.events.push_back((event, bytes));
        while self.events.len() > self.most || (self.bytes > self.most_bytes && self.events.len() > 1) {
            if let Some((_, freed)) = self.events.pop_front() {
                self.bytes -= freed;
            }
        }
    }

    /// At most `limit` events after `after`; `None` when they are not all here.
    pub(super) fn since(&self, after: u64, limit: usize) -> Option<Vec<Event>> {
        let oldest = self.events.front()?.0.seq;
        let skip = usize::try_from((after + 1).checked_sub(oldest)?).ok()?;
        Some(self.events.iter().skip(skip).take(limit).map(|(event, _)| event.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use crate::protocol::EventBody;

    fn event(seq: u64) -> Event {
        Event { v: 1, seq, at: Time(0), body: EventBody::Unknown(serde_json::json!({"kind": "x"})) }
    }

    fn numbers(events: Option<Vec<Event>>) -> Option<Vec<u64>> {
        events.map(|e| e.iter().map(|e| e.seq).collect())
    }

    #[test]
    fn what_is_here_is_answered_whole_or_not_at_all() {
        let mut recent = Recent::new(3, 1000);
        assert_eq!(recent.since(0, 9), None);
        for seq in 5..=9 {
            recent.push(event(seq), 10);
        }
        assert_eq!(numbers(recent.since(5, 9)), None);
        assert_eq!(numbers(recent.since(6, 9)), Some(vec![7, 8, 9]));
        assert_eq!(numbers(recent.since(7, 1)), Some(vec![8]));
        assert_eq!(numbers(recent.since(9, 9)), Some(vec![]));
        recent.push(event(10), 995);
        assert_eq!(numbers(recent.since(9, 9)), Some(vec![10]));
        assert_eq!(numbers(recent.since(8, 9)), None);
    }
}
