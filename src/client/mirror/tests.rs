//! However the same events arrive, the state at the end is the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::play::{PlayBody, Totals};
use crate::model::{PromptKind, RunKind, RunState, StepCounts, StepId, StepState, Time, Token, Work};
use crate::protocol::event::{EVENT_VERSION, Key};
use crate::protocol::hello::Role;

fn run(number: u64, n: u64) -> EventBody {
    EventBody::Run(Box::new(Run {
        number: RunNo(number),
        id: Uuid::nil(),
        kind: RunKind::Command,
        title: format!("{n}"),
        state: RunState::Running,
        cluster: None,
        cluster_name: None,
        by: String::new(),
        created: Time(0),
        started: None,
        ended: None,
        steps: StepCounts::default(),
        in_flight: Vec::new(),
        waits: None,
        failure: None,
        pinned: false,
        play_totals: Totals::default(),
        ending: None,
    }))
}

fn step(number: u64, index: u32, n: u64) -> EventBody {
    EventBody::Step(Box::new(Step {
        id: StepId(Uuid::nil()),
        run: RunNo(number),
        index,
        title: format!("{n}"),
        work: Work::MakeKey,
        cluster: None,
        node: None,
        cloud: None,
        after: Vec::new(),
        state: StepState::Running,
        attempt: 1,
        token: Token::from_random([0; 20]),
        started: None,
        ended: None,
        failure: None,
        note: String::new(),
        cleanup: false,
    }))
}

fn prompt(id: u128, n: u64, open: bool) -> EventBody {
    let answered = PromptState::Answered { by: String::new(), at: Time(0), word: String::new() };
    EventBody::Prompt(Box::new(Prompt {
        id: PromptId(Uuid::from_u128(id)),
        run: RunNo(1),
        step: None,
        question: format!("{n}"),
        kind: PromptKind::Approval,
        choices: Vec::new(),
        opened: Time(0),
        state: if open { PromptState::Open } else { answered },
    }))
}

/// What may happen next; a run that is gone stays gone, as in the engine.
#[derive(Clone, Debug)]
enum Fact {
    Run(u64),
    RunGone(u64),
    Step(u64, u32),
    Prompt(u128, bool),
}

fn log(facts: &[Fact]) -> Vec<Event> {
    let mut gone = BTreeSet::new();
    let mut events: Vec<Event> = Vec::new();
    for fact in facts {
        let seq = events.len() as u64 + 1;
        let body = match *fact {
            Fact::Run(n) | Fact::RunGone(n) | Fact::Step(n, _) if gone.contains(&n) => continue,
            Fact::Run(n) => run(n, seq),
            Fact::RunGone(n) => {
                gone.insert(n);
                EventBody::RunGone(RunNo(n))
            }
            Fact::Step(n, index) => step(n, index, seq),
            Fact::Prompt(id, open) => prompt(id, seq, open),
        };
        events.push(Event { v: EVENT_VERSION, seq, at: Time(0), body });
    }
    events
}

/// One way of bringing the client further.
#[derive(Clone, Debug)]
enum Way {
    /// So many events, all or the last of each thing.
    Range(usize, bool),
    /// Some that are known and some new ones.
    Overlap(usize, usize),
    /// The state some events further on.
    Snapshot(usize, usize),
    /// The steps of a run, as they are some events further on.
    Beside(u64, usize),
    /// The line is lost in the middle of a snapshot.
    HalfSnapshot,
}

struct Engine {
    events: Vec<Event>,
}

impl Engine {
    fn range(&self, after: usize, upto: usize, coalesce: bool) -> FromEngine {
        let part = &self.events[after..upto];
        let last: BTreeMap<Key, u64> = part.iter().map(|event| (event.key(), event.seq)).collect();
        let events = part.iter().filter(|event| !coalesce || last[&event.key()] == event.seq).cloned().collect();
        FromEngine::Events { after: after as u64, upto: upto as u64, events }
    }

    /// The last event of each thing that is there at `seq`; `of`: the steps of that run, else everything but steps.
    fn state(&self, seq: usize, of: Option<u64>) -> Vec<Event> {
        let mut last: BTreeMap<Key, Event> = BTreeMap::new();
        for event in &self.events[..seq] {
            match &event.body {
                EventBody::RunGone(gone) => {
                    last.retain(|key, _| !matches!(key, Key::Run(run) | Key::Step(run, _) if run == gone));
                }
                _ => drop(last.insert(event.key(), event.clone())),
            }
        }
        last.into_values().filter(|event| event.topic_run().map(|run| run.0) == of).collect()
    }

    fn beside(&self, at: usize, seq: usize, run: u64) -> FromEngine {
        FromEngine::Events { after: at as u64, upto: at as u64, events: self.state(seq, Some(run)) }
    }

    fn bring(&self, mirror: &mut Mirror, at: usize, way: &Way) -> usize {
        let end = self.events.len();
        let ahead = |by: usize| (at + by).min(end);
        match *way {
            Way::Range(by, coalesce) => {
                mirror.apply(self.range(at, ahead(by), coalesce));
                ahead(by)
            }
            Way::Overlap(back, by) => {
                mirror.apply(self.range(at.saturating_sub(back), ahead(by), by % 2 == 0));
                ahead(by)
            }
            Way::Snapshot(by, cut) => {
                let seq = ahead(by) as u64;
                let all = self.state(ahead(by), None);
                let (one, two) = all.split_at(cut.min(all.len()));
                mirror.apply(FromEngine::Snapshot { seq, first: true, last: false, events: one.to_vec() });
                mirror.apply(FromEngine::Snapshot { seq, first: false, last: true, events: two.to_vec() });
                (1..4).for_each(|run| drop(mirror.apply(self.beside(ahead(by), ahead(by), run))));
                ahead(by)
            }
            Way::Beside(run, by) => {
                mirror.apply(self.beside(at, ahead(by), run));
                at
            }
            Way::HalfSnapshot => {
                mirror.apply(FromEngine::Snapshot { seq: end as u64, first: true, last: false, events: self.state(end, None) });
                mirror.apply(FromEngine::Welcome(welcome("home")));
                at
            }
        }
    }
}

fn welcome(home: &str) -> Welcome {
    Welcome {
        protocol: 1,
        program: String::new(),
        instance: String::new(),
        home: home.to_owned(),
        pid: 1,
        role: Role::Operator,
        session: 1,
        seq: 0,
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        6 => (1..4u64).prop_map(Fact::Run),
        1 => (1..4u64).prop_map(Fact::RunGone),
        8 => (1..4u64, 0..3u32).prop_map(|(run, index)| Fact::Step(run, index)),
        4 => (1..4u128, any::<bool>()).prop_map(|(id, open)| Fact::Prompt(id, open)),
    ]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        4 => (1..9usize, any::<bool>()).prop_map(|(by, coalesce)| Way::Range(by, coalesce)),
        2 => (0..9usize, 0..9usize).prop_map(|(back, by)| Way::Overlap(back, by)),
        1 => (0..9usize, 0..9usize).prop_map(|(by, cut)| Way::Snapshot(by, cut)),
        2 => (1..4u64, 0..9usize).prop_map(|(run, by)| Way::Beside(run, by)),
        1 => Just(Way::HalfSnapshot),
    ]
}

proptest! {
    #[test]
    fn any_way_leads_to_the_same_state(
        facts in proptest::collection::vec(fact(), 0..60),
        ways in proptest::collection::vec(way(), 0..40),
    ) {
        let engine = Engine { events: log(&facts) };
        let fresh = || {
            let mut mirror = Mirror::default();
            mirror.apply(FromEngine::Welcome(welcome("home")));
            mirror
        };
        let mut plain = fresh();
        for at in 0..engine.events.len() {
            plain.apply(engine.range(at, at + 1, false));
        }
        let (mut mirror, mut at) = (fresh(), 0);
        for way in &ways {
            at = engine.bring(&mut mirror, at, way);
        }
        mirror.apply(engine.range(at, engine.events.len(), false));
        prop_assert_eq!(mirror.seq, plain.seq);
        prop_assert_eq!(mirror.runs(), plain.runs());
        prop_assert_eq!(mirror.prompts(), plain.prompts());
        for number in (1..4).map(RunNo) {
            let steps = |of: &Mirror| of.steps(number).cloned().unwrap_or_default();
            prop_assert_eq!(steps(&mirror), steps(&plain));
        }
    }

    #[test]
    fn playbook_events_add_up_in_any_order(pieces in proptest::collection::vec((0..30u64, 0..9usize), 0..30)) {
        let all: Vec<_> = (0..38).map(|n| PlayEvent { at: Time(n), offset: 0, body: PlayBody::Playbook { name: n.to_string() } }).collect();
        let mut mirror = Mirror::default();
        let part = |first: u64, count: usize| all.iter().skip(usize::try_from(first).unwrap()).take(count).cloned().collect::<Vec<_>>();
        for (first, count) in pieces {
            mirror.apply_plays(RunNo(1), 0, 1, first, &part(first, count));
        }
        // What is missing is asked for in pages, as a client does.
        mirror.apply_plays(RunNo(1), 0, 1, 38, &[]);
        for _ in 0..20 {
            for missing in mirror.missing_plays(RunNo(1)) {
                mirror.apply_plays(missing.run, missing.step, missing.attempt, missing.from, &part(missing.from, 5));
            }
        }
        prop_assert!(mirror.missing_plays(RunNo(1)).is_empty());
        let play = &mirror.plays[&(RunNo(1), 0)];
        prop_assert_eq!((play.state.events, play.state.playbook.as_str()), (38, "37"));
    }
}

#[test]
fn a_later_attempt_begins_anew_and_an_earlier_one_is_over() {
    let event = |n| PlayEvent { at: Time(n), offset: 0, body: PlayBody::Playbook { name: n.to_string() } };
    let mut mirror = Mirror::default();
    mirror.apply_plays(RunNo(1), 0, 1, 0, &[event(1), event(2)]);
    mirror.apply_plays(RunNo(1), 0, 2, 0, &[event(3)]);
    assert!(mirror.apply_plays(RunNo(1), 0, 1, 2, &[event(4)]).is_empty());
    let play = &mirror.plays[&(RunNo(1), 0)];
    assert_eq!((play.attempt, play.state.events, play.state.playbook.as_str()), (2, 1, "3"));
    let live = |attempt, lines| FromEngine::Live {
        revision: 1,
        body: Live::Output { run: RunNo(1), step: 0, attempt, lines, bytes: lines },
    };
    mirror.apply(live(1, 900));
    assert_eq!(mirror.apply(live(2, 3)), [Change::Output(RunNo(1), 0)]);
    assert!(mirror.apply(live(1, 901)).is_empty());
    assert_eq!(mirror.outputs[&(RunNo(1), 0)].lines, 3);
}

#[test]
fn another_home_is_another_state() {
    let mut mirror = Mirror::default();
    mirror.apply(FromEngine::Welcome(welcome("one")));
    mirror.apply(FromEngine::Events { after: 0, upto: 1, events: log(&[Fact::Run(1)]) });
    assert!(mirror.apply(FromEngine::Welcome(welcome("one"))).is_empty());
    assert_eq!(mirror.runs().len(), 1);
    assert_eq!(mirror.apply(FromEngine::Welcome(welcome("two"))), [Change::All]);
    assert_eq!((mirror.runs().len(), mirror.seq), (0, 0));
}
