//! Following a run that a scripted engine tells of, over an in-memory line that is cut.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use tokio::io::DuplexStream;
use tokio::sync::broadcast;
use tokio_util::codec::Framed;

use super::*;
use crate::cli::out::tests::Written;
use crate::cli::tail::tests::step;
use crate::client::{self, Dial, Io, Options};
use crate::config::Paths;
use crate::model::play::{HostState, Totals};
use crate::model::{Choice, Failure, PlayState, PromptKind, RunKind, Step, StepCounts, Time, Work};
use crate::protocol::command::Request;
use crate::protocol::line::{LineCodec, one_line};
use crate::protocol::message::Reply;
use crate::protocol::{ClientKind, Event, Role, VERSION, Welcome};

/// What the scripted engine holds.
struct Home {
    run: Run,
    steps: Vec<Step>,
    plays: Vec<StepPlay>,
    lines: Vec<String>,
    ended: bool,
    prompts: Vec<Prompt>,
    seq: u64,
    /// Pages of output handed out so far.
    pages: u32,
    /// The line is cut instead of answering these pages.
    cuts: Vec<u32>,
}

type Shared = Arc<Mutex<Home>>;

/// Few lines a page, so that there are many pages.
const LINES: usize = 7;

#[derive(Clone)]
struct Fake {
    home: Shared,
    tell: broadcast::Sender<FromEngine>,
}

#[async_trait]
impl Dial for Fake {
    async fn dial(&mut self, _start: bool) -> Result<Box<dyn Io>, Failure> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(serve(self.clone(), theirs));
        Ok(Box::new(ours))
    }
}

async fn serve(fake: Fake, io: DuplexStream) {
    let mut lines = Framed::new(io, LineCodec::default());
    let mut told = fake.tell.subscribe();
    let hello = lines.next().await;
    assert!(hello.is_some());
    let (welcome, snapshot) = greeting(&fake.home.lock().unwrap());
    for message in [welcome, snapshot] {
        lines.send(one_line(&message).unwrap()).await.unwrap();
    }
    loop {
        let message = tokio::select! {
            line = lines.next() => {
                let Some(Ok(line)) = line else { return };
                let request: Request = serde_json::from_slice(&line).unwrap();
                let Some(answer) = answer(&mut fake.home.lock().unwrap(), request.command) else { return };
                FromEngine::Reply { req: request.req, result: answer }
            }
            Ok(message) = told.recv() => message,
        };
        if lines.send(one_line(&message).unwrap()).await.is_err() {
            return;
        }
    }
}

fn greeting(home: &Home) -> (FromEngine, FromEngine) {
    let welcome = Welcome {
        protocol: VERSION,
        program: "0".into(),
        instance: "i".into(),
        pid: 1,
        role: Role::Operator,
        session: 1,
        seq: home.seq,
        home: "h".into(),
    };
    let event = |body| Event { v: 1, seq: home.seq, at: Time(0), body };
    let mut events = vec![event(EventBody::Run(Box::new(home.run.clone())))];
    events.extend(home.prompts.iter().map(|p| event(EventBody::Prompt(Box::new(p.clone())))));
    (FromEngine::Welcome(welcome), FromEngine::Snapshot { seq: home.seq, first: true, last: true, events })
}

/// The answer to a request; `None` cuts the line.
fn answer(home: &mut Home, command: Command) -> Option<Reply> {
    let answer = match command {
        Command::Subscribe { .. } => Answer::Done,
        Command::RunDetail { .. } => {
            Answer::RunDetail { run: Box::new(home.run.clone()), steps: home.steps.clone(), plays: home.plays.clone() }
        }
        Command::OutputPage { attempt, from, count, .. } => {
            home.pages += 1;
            if home.cuts.contains(&home.pages) {
                return None;
            }
            let from = usize::try_from(from).unwrap();
            let lines: Vec<String> = home.lines.iter().skip(from).take(LINES.min(count as usize)).cloned().collect();
            let total = home.lines.len() as u64;
            Answer::Output(OutputPage {
                attempt,
                from: from as u64,
                lines,
                times: Vec::new(),
                total,
                bytes: 0,
                ended: home.ended,
            })
        }
        other => panic!("{other:?} was not expected"),
    };
    Some(Reply::Ok(Box::new(answer)))
}

fn run(state: RunState) -> Run {
    Run {
        number: RunNo(42),
        id: uuid::Uuid::nil(),
        kind: RunKind::Playbook,
        title: "site.yml on hello".into(),
        state,
        cluster: None,
        cluster_name: None,
        by: "ann".into(),
        created: Time(0),
        started: Some(Time(1000)),
        ended: state.ended().then_some(Time(3500)),
        steps: StepCounts { total: 1, ..StepCounts::default() },
        in_flight: vec![],
        waits: None,
        failure: None,
        ending: None,
        pinned: false,
        play_totals: Totals::default(),
    }
}

fn playing(state: StepState) -> Step {
    let mut step = step(Work::InstallAnsible, state, 1);
    step.run = RunNo(42);
    step
}

fn home(state: RunState, lines: Vec<String>) -> Home {
    Home {
        run: run(state),
        steps: vec![playing(if state.ended() { StepState::Done } else { StepState::Running })],
        plays: vec![],
        lines,
        ended: state.ended(),
        prompts: vec![],
        seq: 5,
        pages: 0,
        cuts: vec![],
    }
}

impl Fake {
    fn new(home: Home) -> Self {
        Self { home: Arc::new(Mutex::new(home)), tell: broadcast::channel(1000).0 }
    }

    fn record(&self, body: EventBody) {
        let seq = {
            let mut home = self.home.lock().unwrap();
            home.seq += 1;
            home.seq
        };
        let event = Event { v: 1, seq, at: Time(0), body };
        let _ = self.tell.send(FromEngine::Events { after: seq - 1, upto: seq, events: vec![event] });
    }

    /// Adds a line of output and tells of it.
    fn write(&self, line: String) {
        let lines = {
            let mut home = self.home.lock().unwrap();
            home.lines.push(line);
            home.lines.len() as u64
        };
        let body = Live::Output { run: RunNo(42), step: 3, attempt: 1, lines, bytes: 0 };
        let _ = self.tell.send(FromEngine::Live { revision: lines, body });
    }

    fn end(&self, state: RunState) {
        let step = playing(if state == RunState::Done { StepState::Done } else { StepState::Failed });
        let run = run(state);
        {
            let mut home = self.home.lock().unwrap();
            home.ended = true;
            (home.run, home.steps) = (run.clone(), vec![step.clone()]);
        }
        self.record(EventBody::Step(Box::new(step)));
        self.record(EventBody::Run(Box::new(run)));
    }

    /// Follows the run; what was printed, and how it ended.
    async fn followed(&self) -> (String, Ended) {
        let options = Options::new(ClientKind::Test, Paths::under(std::path::Path::new("/nonexistent"))).following();
        let written = Written::default();
        let mut session = Session::over(client::over(self.clone(), &options).await.unwrap());
        let ended = watch(&mut session, &mut written.out(), RunNo(42)).await;
        (written.text(), ended)
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("line {n}")).collect()
}

fn output(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with("line ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_line_comes_once_while_the_output_grows_and_the_line_is_cut() {
    let mut home = home(RunState::Running, numbered(10));
    home.cuts = vec![1, 4, 5, 17];
    let fake = Fake::new(home);
    let writer = fake.clone();
    let grow = tokio::spawn(async move {
        for n in 10..300 {
            writer.write(format!("line {n}"));
            tokio::task::yield_now().await;
        }
        writer.end(RunState::Done);
    });
    let (text, ended) = fake.followed().await;
    grow.await.unwrap();
    assert_eq!(output(&text), numbered(300));
    assert_eq!(ended, Ok(Code::Done));
    assert!(fake.home.lock().unwrap().pages > 17, "the line was cut at every place");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("done      run 42: site.yml on hello in 2.5 s"), "{text}");
}

#[tokio::test]
async fn a_run_that_has_ended_is_told_from_its_first_line() {
    let fake = Fake::new(home(RunState::Done, numbered(40)));
    let (text, ended) = fake.followed().await;
    assert_eq!(output(&text), numbered(40));
    assert_eq!(ended, Ok(Code::Done));
    assert!(text.starts_with("── run 42: site.yml on hello\n── site.yml\nline 0\n"), "{text}");
}

#[tokio::test]
async fn failed_hosts_are_named_with_their_message() {
    let mut home = home(RunState::Failed, numbered(1));
    home.run.play_totals = Totals { ok: 4, failed: 1, ..Totals::default() };
    home.run.failure = Some(Failure::refused("run site.yml", "a host failed").next("look at app-2"));
    let failure = Some(("install".to_owned(), "no space left\non device".to_owned()));
    let state = HostState { totals: Totals { failed: 1, ..Totals::default() }, now: None, failure };
    let mut play = PlayState::default();
    play.hosts.insert("app-2".to_owned(), state);
    home.plays = vec![StepPlay { step: 3, attempt: 1, state: play }];
    let (text, ended) = Fake::new(home).followed().await;
    assert_eq!(ended, Ok(Code::Failed));
    for wanted in
        ["ok 4  failed 1", "failed    app-2  install: no space left\n", "next: look at app-2", "quarterdeck run retry 42"]
    {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
}

#[tokio::test]
async fn without_a_terminal_a_question_is_told_with_the_way_to_answer_it() {
    let mut home = home(RunState::Running, numbered(1));
    home.prompts = vec![Prompt {
        id: PromptId::new(),
        run: RunNo(42),
        step: None,
        question: "Go on?".into(),
        kind: PromptKind::Approval,
        choices: vec![Choice { word: "yes".into(), key: 'y', label: "go on".into() }],
        opened: Time(0),
        state: PromptState::Open,
    }];
    let fake = Fake::new(home);
    let other = fake.clone();
    let answered = tokio::spawn(async move {
        // Another client answers once the first page is out, so that the question has been told.
        while other.home.lock().unwrap().pages == 0 {
            tokio::task::yield_now().await;
        }
        let mut prompt = other.home.lock().unwrap().prompts.remove(0);
        prompt.state = PromptState::Answered { by: "bob".into(), at: Time(1), word: "yes".into() };
        other.record(EventBody::Prompt(Box::new(prompt)));
        other.end(RunState::Done);
    });
    let (text, ended) = fake.followed().await;
    answered.await.unwrap();
    assert_eq!(ended, Ok(Code::Done));
    for wanted in ["asks      Go on?", "quarterdeck run answer 42 yes", "bob gave yes"] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
}
