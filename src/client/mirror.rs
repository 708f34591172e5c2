//! The state of a home as a client knows it. Pure: messages in, state out.

use std::collections::BTreeMap;

use crate::model::{
    AuditEntry, CloudName, Cluster, ClusterId, DockerList, DockerName, Forward, Node, PlayEvent, PlayState, Prompt, PromptId,
    PromptState, Rules, Run, RunNo, Step,
};
use crate::protocol::live::{CloudRow, DockerRow, DockerRows, Freshness, ListKind, Live, Present, Rows};
use crate::protocol::{Answer, Event, EventBody, FromEngine, Welcome};

/// What a message changed, for screens that draw only what is different.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// Anything may be different.
    All,
    Run(RunNo),
    Step(RunNo, u32),
    Cluster(ClusterId),
    Node(ClusterId, String),
    Prompt(PromptId),
    Audit(Box<AuditEntry>),
    Clouds,
    List(CloudName, ListKind),
    Dockers,
    Docker(DockerName, DockerList),
    /// A step's playbook.
    Play(RunNo, u32),
    /// How much output a step has.
    Output(RunNo, u32),
    Presence,
    Forwards,
}

/// Playbook events that did not come by themselves: ask with `Command::PlayPage` and hand the answer to
/// [`Mirror::apply_plays`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissingPlays {
    pub run: RunNo,
    pub step: u32,
    pub attempt: u32,
    pub from: u64,
    pub count: u32,
}

/// How much output a step has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutputSize {
    pub attempt: u32,
    /// Whole lines.
    pub lines: u64,
    pub bytes: u64,
}

/// The playbook of a step's last attempt.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Play {
    pub attempt: u32,
    pub state: PlayState,
    /// Events there are, as far as is known: more than `state.events` while some are missing.
    pub known: u64,
}

/// A prompt that was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    pub prompt: PromptId,
    pub run: RunNo,
    /// By whom, and what: `ben answered: retry`.
    pub says: String,
}

/// What comes out of recorded events.
#[derive(Clone, PartialEq, Debug, Default)]
struct Recorded {
    runs: BTreeMap<RunNo, Run>,
    steps: BTreeMap<RunNo, BTreeMap<u32, Step>>,
    clusters: BTreeMap<ClusterId, Cluster>,
    nodes: BTreeMap<(ClusterId, String), Node>,
    prompts: BTreeMap<PromptId, Prompt>,
    answered: Option<Answered>,
    /// The event that each step is from: the steps of a run come beside the range as well.
    step_seq: BTreeMap<(RunNo, u32), u64>,
}

/// The state of a home.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Mirror {
    /// The newest recorded event that is in here.
    pub seq: u64,
    /// The home that `seq` counts in.
    pub home: String,
    recorded: Recorded,
    /// A snapshot that is not complete yet.
    coming: Option<Recorded>,
    /// Playbooks of runs that were looked at.
    pub plays: BTreeMap<(RunNo, u32), Play>,
    pub outputs: BTreeMap<(RunNo, u32), OutputSize>,
    pub lists: BTreeMap<(CloudName, ListKind), (Freshness, Option<Rows>)>,
    pub clouds: Vec<CloudRow>,
    pub dockers: Vec<DockerRow>,
    pub docker_lists: BTreeMap<(DockerName, DockerList), (Freshness, Option<DockerRows>)>,
    pub present: Vec<Present>,
    /// The port forwards that are open.
    pub forwards: Vec<Forward>,
    /// The guards and commands of the settings.
    pub rules: Rules,
}

impl Mirror {
    /// Runs by number.
    pub fn runs(&self) -> &BTreeMap<RunNo, Run> {
        &self.recorded.runs
    }

    /// Steps of a run that was subscribed to, by index.
    pub fn steps(&self, run: RunNo) -> Option<&BTreeMap<u32, Step>> {
        self.recorded.steps.get(&run)
    }

    /// Clusters by id.
    pub fn clusters(&self) -> &BTreeMap<ClusterId, Cluster> {
        &self.recorded.clusters
    }

    /// Nodes by cluster and name.
    pub fn nodes(&self) -> &BTreeMap<(ClusterId, String), Node> {
        &self.recorded.nodes
    }

    /// Nodes of one cluster, in order of name.
    pub fn nodes_of(&self, cluster: ClusterId) -> impl Iterator<Item = &Node> {
        self.recorded.nodes.range((cluster, String::new())..).take_while(move |((id, _), _)| *id == cluster).map(|(_, n)| n)
    }

    /// Open prompts.
    pub fn prompts(&self) -> &BTreeMap<PromptId, Prompt> {
        &self.recorded.prompts
    }

    /// The prompt that was answered last.
    pub fn answered(&self) -> Option<&Answered> {
        self.recorded.answered.as_ref()
    }

    /// Takes in a message; says what is different now. Replies and farewells change nothing.
    pub fn apply(&mut self, message: FromEngine) -> Vec<Change> {
        match message {
            FromEngine::Welcome(welcome) => self.welcome(welcome),
            FromEngine::Events { after, upto, events } => self.events(after, upto, events),
            FromEngine::Snapshot { seq, first, last, events } => self.snapshot(seq, first, last, events),
            FromEngine::Live { body, .. } => self.live(body),
            FromEngine::Reply { .. } | FromEngine::Bye(_) | FromEngine::Part { .. } => Vec::new(),
        }
    }

    /// Takes in the answer to `RunDetail`: where the run's playbooks are by now, and what is not known at all yet.
    pub fn apply_detail(&mut self, answer: &Answer) -> Vec<Change> {
        let Answer::RunDetail { run, steps, plays } = answer else { return Vec::new() };
        let number = run.number;
        self.recorded.runs.entry(number).or_insert_with(|| (**run).clone());
        let known = self.recorded.steps.entry(number).or_default();
        for step in steps {
            known.entry(step.index).or_insert_with(|| step.clone());
        }
        for given in plays {
            let play = self.plays.entry((number, given.step)).or_default();
            if (given.attempt, given.state.events) >= (play.attempt, play.state.events) {
                let known = if given.attempt == play.attempt { play.known } else { 0 };
                let mut state = given.state.clone();
                state.index();
                *play = Play { attempt: given.attempt, known: known.max(state.events), state };
            }
        }
        let played = plays.iter().map(|p| Change::Play(number, p.step));
        std::iter::once(Change::Run(number)).chain(steps.iter().map(|s| Change::Step(number, s.index))).chain(played).collect()
    }

    /// Takes in playbook events `first`… of a step's attempt, from wherever they come: what is known already is
    /// left out, what does not follow on is left for [`Mirror::missing_plays`].
    pub fn apply_plays(&mut self, run: RunNo, step: u32, attempt: u32, first: u64, events: &[PlayEvent]) -> Vec<Change> {
        let play = self.plays.entry((run, step)).or_default();
        if attempt < play.attempt {
            return Vec::new();
        }
        if attempt > play.attempt {
            *play = Play { attempt, ..Play::default() };
        }
        play.known = play.known.max(first + events.len() as u64);
        if first > play.state.events {
            return Vec::new();
        }
        let skip = usize::try_from(play.state.events - first).unwrap_or(usize::MAX);
        let before = play.state.events;
        events.iter().skip(skip).for_each(|event| play.state.apply(event));
        if play.state.events == before { Vec::new() } else { vec![Change::Play(run, step)] }
    }

    /// What is missing of the playbooks of `run`.
    pub fn missing_plays(&self, run: RunNo) -> Vec<MissingPlays> {
        let of_run = self.plays.range((run, 0)..=(run, u32::MAX));
        of_run
            .filter(|(_, play)| play.known > play.state.events)
            .map(|((run, step), play)| MissingPlays {
                run: *run,
                step: *step,
                attempt: play.attempt,
                from: play.state.events,
                count: u32::try_from(play.known - play.state.events).unwrap_or(u32::MAX),
            })
            .collect()
    }

    /// Forgets the details of a run that is no longer subscribed to.
    pub fn forget_run(&mut self, run: RunNo) {
        self.recorded.steps.remove(&run);
        self.recorded.step_seq.retain(|(of, _), _| *of != run);
        self.plays.retain(|(of, _), _| *of != run);
        self.outputs.retain(|(of, _), _| *of != run);
    }

    fn welcome(&mut self, welcome: Welcome) -> Vec<Change> {
        self.coming = None;
        if welcome.home == self.home {
            return Vec::new();
        }
        *self = Self { home: welcome.home, ..Self::default() };
        vec![Change::All]
    }

    fn events(&mut self, after: u64, upto: u64, events: Vec<Event>) -> Vec<Change> {
        // Steps of a run that was just subscribed to come beside the range: as they were at some event, which
        // may be one that the range has not reached.
        let beside = after == upto;
        let seq = self.seq;
        let news = events.into_iter().filter(|event| beside || event.seq > seq);
        let changes = news.filter_map(|event| self.recorded.apply(event)).collect();
        self.seq = seq.max(upto);
        self.tidy(changes)
    }

    fn snapshot(&mut self, seq: u64, first: bool, last: bool, events: Vec<Event>) -> Vec<Change> {
        if first {
            self.coming = Some(Recorded::default());
        }
        let Some(coming) = &mut self.coming else { return Vec::new() };
        for event in events {
            coming.apply(event);
        }
        if last && let Some(whole) = self.coming.take() {
            self.recorded = whole;
            self.seq = seq;
            return vec![Change::All];
        }
        Vec::new()
    }

    fn live(&mut self, live: Live) -> Vec<Change> {
        match live {
            Live::Clouds { rows } => {
                self.clouds = rows;
                vec![Change::Clouds]
            }
            Live::List { cloud, kind, freshness, rows } => {
                let entry = self.lists.entry((cloud.clone(), kind)).or_insert((Freshness::Loading, None));
                entry.0 = freshness;
                if rows.is_some() {
                    entry.1 = rows;
                }
                vec![Change::List(cloud, kind)]
            }
            Live::Dockers { rows } => {
                self.dockers = rows;
                vec![Change::Dockers]
            }
            Live::Docker { docker, kind, freshness, rows } => {
                let entry = self.docker_lists.entry((docker.clone(), kind)).or_insert((Freshness::Loading, None));
                entry.0 = freshness;
                if rows.is_some() {
                    entry.1 = rows;
                }
                vec![Change::Docker(docker, kind)]
            }
            Live::Plays { run, step, attempt, first, events } => self.apply_plays(run, step, attempt, first, &events),
            Live::Output { run, step, attempt, lines, bytes } => {
                let size = self.outputs.entry((run, step)).or_default();
                let newer = OutputSize { attempt, lines, bytes };
                if (attempt, lines, bytes) <= (size.attempt, size.lines, size.bytes) {
                    return Vec::new();
                }
                *size = newer;
                vec![Change::Output(run, step)]
            }
            Live::Rules { rules } => {
                self.rules = rules;
                vec![Change::Clouds]
            }
            Live::Forwards { rows } => {
                self.forwards = rows;
                vec![Change::Forwards]
            }
            Live::Presence { clients } => {
                self.present = clients;
                vec![Change::Presence]
            }
        }
    }

    /// Drops the details of runs that are gone.
    fn tidy(&mut self, changes: Vec<Change>) -> Vec<Change> {
        for change in &changes {
            if let Change::Run(run) = change
                && !self.recorded.runs.contains_key(run)
            {
                self.forget_run(*run);
            }
        }
        changes
    }
}

impl Recorded {
    fn apply(&mut self, event: Event) -> Option<Change> {
        match event.body {
            EventBody::Run(run) => {
                let number = run.number;
                self.runs.insert(number, *run);
                Some(Change::Run(number))
            }
            EventBody::RunGone(number) => {
                self.runs.remove(&number);
                Some(Change::Run(number))
            }
            EventBody::Step(step) => {
                let (run, index) = (step.run, step.index);
                let seq = self.step_seq.entry((run, index)).or_default();
                if event.seq < *seq {
                    return None;
                }
                *seq = event.seq;
                self.steps.entry(run).or_default().insert(index, *step);
                Some(Change::Step(run, index))
            }
            EventBody::Cluster(cluster) => {
                let id = cluster.id;
                self.clusters.insert(id, *cluster);
                Some(Change::Cluster(id))
            }
            EventBody::ClusterGone(id) => {
                self.clusters.remove(&id);
                Some(Change::Cluster(id))
            }
            EventBody::Node(node) => {
                let key = (node.cluster, node.name.clone());
                self.nodes.insert(key.clone(), *node);
                Some(Change::Node(key.0, key.1))
            }
            EventBody::NodeGone { cluster, name } => {
                let key = (cluster, name);
                self.nodes.remove(&key);
                Some(Change::Node(key.0, key.1))
            }
            EventBody::Prompt(prompt) => {
                let id = prompt.id;
                if prompt.state == PromptState::Open {
                    self.prompts.insert(id, (*prompt).clone());
                } else {
                    self.prompts.remove(&id);
                }
                if let PromptState::Answered { by, word, .. } = &prompt.state {
                    let what = if word.is_empty() { String::new() } else { format!(": {word}") };
                    self.answered = Some(Answered { prompt: id, run: prompt.run, says: format!("{by} answered{what}") });
                }
                Some(Change::Prompt(id))
            }
            EventBody::Audit(entry) => Some(Change::Audit(entry)),
            EventBody::Unknown(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
