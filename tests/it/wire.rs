//! Sessions and clients together, around an engine that only pretends: over a pipe and over a real socket.

mod bench;
mod fake;
mod watcher;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use quarterdeck::client::{self, Incoming, Mirror, Options};
use quarterdeck::daemon::{Ending, Peer};
use quarterdeck::model::{Class, ClusterId, Failure, Run, RunNo};
use quarterdeck::protocol::command::{RefusalCode, StopMode};
use quarterdeck::protocol::frame::Frame;
use quarterdeck::protocol::live::Live;
use quarterdeck::protocol::message::Reply;
use quarterdeck::protocol::{Answer, Command, FromEngine, MAX_LINE, Role, StreamRequest, Topic, VERSION, View};

use bench::{Bench, Raw, Via, both_ways, follow};

both_ways! {
    a_client_gets_the_state_then_what_changes
    a_client_that_lost_its_line_gets_the_rest
    a_client_that_was_away_too_long_gets_a_snapshot
    steps_come_for_runs_that_are_watched
    a_client_that_does_not_read_costs_little_and_misses_nothing
    a_client_that_asks_and_does_not_read_is_sent_away
    two_operators_see_each_other
    what_somebody_looks_at_is_told_to_watchers_and_operators
    a_watcher_may_look_and_not_act
    another_version_is_told_the_way_out
    a_line_that_is_too_long_ends_the_session
    what_makes_no_sense_is_told_so
    a_command_is_done_once_though_the_line_was_lost
    a_slow_command_holds_up_nobody
    an_error_in_the_engine_ends_nothing
    a_long_answer_arrives_whole
    a_stopped_engine_is_not_called_back
    a_restarted_engine_is_found_again
    an_engine_that_is_busy_is_not_stopped
    a_stream_carries_frames_both_ways
    live_state_is_the_newest
}

fn titles(runs: &BTreeMap<RunNo, Run>) -> Vec<&str> {
    runs.values().map(|run| run.title.as_str()).collect()
}

fn watch_run(run: u64) -> Command {
    Command::Subscribe { topics: vec![Topic::Run { run: RunNo(run) }] }
}

async fn a_client_gets_the_state_then_what_changes(bench: Bench) {
    (1..=300).for_each(|n| bench.fake.run(n, 1));
    let client = bench.connect(bench.options().following()).await;
    let mut mirror = client.state().await.unwrap();
    assert_eq!(titles(mirror.runs()), titles(&bench.fake.runs()));
    assert_eq!(mirror.seq, 300);
    bench.fake.run(7, 2);
    bench.fake.record(quarterdeck::protocol::EventBody::RunGone(RunNo(8)));
    let kinds = follow(&mut client.incoming(), &mut mirror, |mirror, _| mirror.seq == 302).await;
    assert!(kinds.iter().all(|kind| *kind == "events"), "{kinds:?}");
    assert_eq!(titles(mirror.runs()), titles(&bench.fake.runs()));
}

async fn a_client_that_lost_its_line_gets_the_rest(bench: Bench) {
    (1..=9).for_each(|n| bench.fake.run(n, 1));
    let client = bench.connect(bench.options().following()).await;
    let mut mirror = client.state().await.unwrap();
    let mut incoming = client.incoming();
    bench.cut();
    (1..=500).for_each(|n| bench.fake.run(1 + n % 20, u32::try_from(n).unwrap()));
    let kinds = follow(&mut incoming, &mut mirror, |mirror, _| mirror.seq == 509).await;
    assert_eq!(titles(mirror.runs()), titles(&bench.fake.runs()));
    assert!(kinds.contains(&"lost") && !kinds.contains(&"snapshot"), "{kinds:?}");
    // Nothing that concerns this client happened meanwhile: it hears so.
    bench.cut();
    bench.fake.step(1, 0, 1);
    follow(&mut incoming, &mut mirror, |mirror, _| mirror.seq == 510).await;
}

async fn a_client_that_was_away_too_long_gets_a_snapshot(bench: Bench) {
    bench.fake.run(1, 1);
    bench.fake.run(2, 1);
    let client = bench.connect(bench.options().following()).await;
    let mut mirror = client.state().await.unwrap();
    client.request(watch_run(2)).await.unwrap();
    bench.cut();
    bench.fake.record(quarterdeck::protocol::EventBody::RunGone(RunNo(1)));
    let count = u32::try_from(fake::KEPT).unwrap() + 1;
    (1..=count).for_each(|n| bench.fake.run(2, n));
    bench.fake.step(2, 0, 1);
    let last = bench.fake.recent.seq();
    let whole = |mirror: &Mirror, _: &Incoming| mirror.seq == last && mirror.steps(RunNo(2)).is_some();
    let kinds = follow(&mut client.incoming(), &mut mirror, whole).await;
    assert!(kinds.contains(&"snapshot"), "{kinds:?}");
    assert_eq!(titles(mirror.runs()), titles(&bench.fake.runs()));
    assert_eq!(mirror.steps(RunNo(2)), Some(&bench.fake.steps(2)), "subscriptions are in force again");
}

async fn steps_come_for_runs_that_are_watched(bench: Bench) {
    bench.fake.run(1, 1);
    bench.fake.run(2, 1);
    (0..400).for_each(|index| bench.fake.step(1, index, 1));
    bench.fake.step(2, 0, 1);
    let client = bench.connect(bench.options().following()).await;
    let mut mirror = client.state().await.unwrap();
    let mut incoming = client.incoming();
    assert_eq!(mirror.steps(RunNo(1)), None);
    assert_eq!(client.request(watch_run(1)).await.unwrap(), Answer::Done);
    follow(&mut incoming, &mut mirror, |mirror, _| mirror.steps(RunNo(1)) == Some(&bench.fake.steps(1))).await;
    bench.fake.step(1, 3, 2);
    bench.fake.step(2, 0, 2);
    bench.fake.run(1, 2);
    let last = bench.fake.recent.seq();
    follow(&mut incoming, &mut mirror, |mirror, _| mirror.seq == last).await;
    assert_eq!(mirror.steps(RunNo(1)), Some(&bench.fake.steps(1)));
    assert_eq!(mirror.steps(RunNo(2)), None, "nobody asked for these");
    client.request(Command::Unsubscribe { topics: vec![Topic::Run { run: RunNo(1) }] }).await.unwrap();
    mirror.forget_run(RunNo(1));
    bench.fake.step(1, 3, 3);
    bench.fake.run(1, 3);
    follow(&mut incoming, &mut mirror, |mirror, _| mirror.seq == last + 2).await;
    assert_eq!(mirror.steps(RunNo(1)), None);
}

async fn a_client_that_does_not_read_costs_little_and_misses_nothing(bench: Bench) {
    let mut raw = bench.raw().await;
    raw.hello(|hello| hello.follow = true).await;
    assert!(matches!(raw.next().await, Some(FromEngine::Welcome(_))));
    assert!(matches!(raw.next().await, Some(FromEngine::Snapshot { seq: 0, last: true, .. })));
    // Far more than fits into the line, and into what waits for it; other sessions run in between.
    for round in 0..40 {
        for n in 0..fake::KEPT as u64 / 2 {
            bench.fake.run(n % 50, round);
        }
        tokio::task::yield_now().await;
    }
    let last = bench.fake.recent.seq();
    let (mut mirror, mut at, mut messages) = (Mirror::default(), 0, 0);
    while at < last {
        let message = raw.next().await.expect("the line is there");
        match &message {
            FromEngine::Events { after, upto, .. } => {
                assert_eq!(*after, at, "ranges join");
                at = *upto;
            }
            FromEngine::Snapshot { seq, last: true, .. } => at = *seq,
            FromEngine::Snapshot { .. } => {}
            other => panic!("{other:?}"),
        }
        messages += 1;
        mirror.apply(message);
    }
    assert_eq!(titles(mirror.runs()), titles(&bench.fake.runs()));
    assert!(messages < 5_000, "{messages} messages for {last} events");
}

async fn a_client_that_asks_and_does_not_read_is_sent_away(bench: Bench) {
    let mut raw = bench.raw().await;
    raw.hello(|_| {}).await;
    for req in 0..40 {
        raw.send(format!(r#"{{"req":{req},"command":{{"do":"audit","count":500000}}}}"#)).await;
    }
    let present = bench.fake.present.subscribe().wait_for(Vec::is_empty).await.map(|_| ());
    assert!(present.is_ok());
    let mut answers = 0;
    while let Some(message) = raw.next().await {
        match message {
            FromEngine::Reply { .. } => answers += 1,
            FromEngine::Bye(bye) => assert!(bye.reason.contains("does not read"), "{bye:?}"),
            _ => {}
        }
    }
    assert!(answers < 40);
    let other = bench.connect(bench.options()).await;
    other.request(Command::Status).await.unwrap();
}

async fn two_operators_see_each_other(bench: Bench) {
    let one = bench.connect(bench.options().following()).await;
    let two = bench.connect(bench.options().following()).await;
    one.request(Command::Subscribe { topics: vec![Topic::Presence] }).await.unwrap();
    let (mut here, mut there) = (one.incoming(), two.incoming());
    let (mut mirror, mut other) = (Mirror::default(), Mirror::default());
    follow(&mut here, &mut mirror, |mirror, _| mirror.present.len() == 2).await;
    assert!(mirror.present.iter().all(|client| client.role == Role::Operator));
    bench.fake.run(1, 1);
    follow(&mut here, &mut mirror, |mirror, _| mirror.runs().len() == 1).await;
    follow(&mut there, &mut other, |mirror, _| mirror.runs().len() == 1).await;
    drop((two, there));
    follow(&mut here, &mut mirror, |mirror, _| mirror.present.len() == 1).await;
}

async fn what_somebody_looks_at_is_told_to_watchers_and_operators(bench: Bench) {
    let watcher = bench.connect(Options { role: Role::Watcher, ..bench.options() }).await;
    let operator = bench.connect(bench.options()).await;
    for (teller, hearer) in [(&operator, &watcher), (&watcher, &operator)] {
        hearer.request(Command::Subscribe { topics: vec![Topic::Presence] }).await.unwrap();
        let view = View { tab: "servers".into(), filter: "status=\u{1b}[31merror".into(), ..View::default() };
        let told = Command::Session { view: Some(Box::new(view.clone())), read_only: None };
        assert_eq!(teller.request(told).await.unwrap(), Answer::Done);
        let session = teller.welcome().session;
        let mut mirror = Mirror::default();
        let seen = |mirror: &Mirror| mirror.present.iter().find(|one| one.session == session).and_then(|one| one.view.clone());
        follow(&mut hearer.incoming(), &mut mirror, |mirror, _| seen(mirror).is_some()).await;
        assert_eq!(seen(&mirror), Some(View { filter: "status=error".into(), ..view }), "safe to show");
    }
}

async fn a_watcher_may_look_and_not_act(bench: Bench) {
    let options = Options { role: Role::Watcher, ..bench.options() };
    let client = bench.connect(options.clone()).await;
    assert_eq!(client.welcome().role, Role::Watcher);
    client.request(Command::Status).await.unwrap();
    client.request(watch_run(1)).await.unwrap();
    let acts = [
        Command::AnsibleInstall,
        Command::Restart,
        Command::Stop { mode: StopMode::Now },
        Command::PlanDelete { cluster: ClusterId::new() },
    ];
    for command in acts {
        let refusal = client.request(command).await.unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Refused, "{refusal:?}");
        assert!(refusal.failure.got.contains("watcher"), "{refusal:?}");
    }
    assert_eq!(*bench.fake.done.borrow(), 0);
    let shell = StreamRequest::Shell { cluster: ClusterId::new(), node: "a".into(), command: None, pty: None };
    let failure = client::stream_over(bench.io().await, &options, shell).await.err().unwrap();
    assert!(failure.got.contains("watcher"), "{failure}");
}

async fn another_version_is_told_the_way_out(bench: Bench) {
    let mut raw = bench.raw().await;
    raw.hello(|hello| hello.protocol = VERSION + 1).await;
    let (reason, next) = raw.bye().await;
    assert!(reason.contains(&format!("protocol {}", VERSION + 1)), "{reason}");
    assert_eq!(next, "quarterdeck engine restart");
    assert!(raw.next().await.is_none());
    assert!(bench.fake.present.borrow().is_empty(), "it was never let in");
}

async fn a_line_that_is_too_long_ends_the_session(bench: Bench) {
    let mut raw = bench.raw().await;
    raw.hello(|_| {}).await;
    raw.send("x".repeat(MAX_LINE + 1)).await;
    assert!(raw.bye().await.0.contains("longer than 1 MiB"));
    assert!(raw.next().await.is_none());
    // The client does not even try.
    let client = bench.connect(bench.options()).await;
    let text = "x".repeat(MAX_LINE);
    let source = quarterdeck::protocol::SpecSource::Text { text, path: String::new(), base_dir: String::new() };
    let refusal = client.request(Command::PlanCreate { source, name: None, cloud: None }).await.unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Bad);
    client.request(Command::Status).await.unwrap();
}

async fn what_makes_no_sense_is_told_so(bench: Bench) {
    let mut raw = bench.raw().await;
    raw.hello(|_| {}).await;
    raw.send(r#"{"req":5,"command":{"do":"fly","to":"moon"}}"#).await;
    raw.next().await;
    match raw.next().await {
        Some(FromEngine::Reply { req: 5, result: Reply::Refused(refusal) }) => assert_eq!(refusal.code, RefusalCode::Bad),
        other => panic!("{other:?}"),
    }
    raw.send("\u{0}\u{1b}[2J garbage").await;
    assert!(raw.bye().await.0.contains("no request"));
    let mut http = bench.raw().await;
    http.send("GET / HTTP/1.1").await;
    assert!(http.bye().await.0.contains("no hello"));
}

async fn a_command_is_done_once_though_the_line_was_lost(bench: Bench) {
    let client = bench.connect(bench.options()).await;
    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.request(Command::AnsibleInstall).await }
    });
    bench.fake.slow.notified().await;
    bench.cut();
    // It goes on without the line; its answer finds nobody.
    bench.fake.gate.add_permits(1);
    assert_eq!(asked.await.unwrap().unwrap(), Answer::Run(RunNo(1)), "the answer of the first time");
    assert_eq!(*bench.fake.done.borrow(), 1);
    bench.fake.gate.add_permits(1);
    assert_eq!(client.request(Command::AnsibleInstall).await.unwrap(), Answer::Run(RunNo(2)), "another command");
}

async fn a_slow_command_holds_up_nobody(bench: Bench) {
    let client = bench.connect(bench.options()).await;
    let slow = tokio::spawn({
        let client = client.clone();
        async move { client.request(Command::Blueprints).await }
    });
    bench.fake.slow.notified().await;
    for _ in 0..100 {
        client.request(Command::Status).await.unwrap();
    }
    bench.fake.gate.add_permits(1);
    assert_eq!(slow.await.unwrap().unwrap(), Answer::Text("at last".to_owned()));
}

async fn an_error_in_the_engine_ends_nothing(bench: Bench) {
    let client = bench.connect(bench.options()).await;
    let refusal = client.request(Command::Clouds { test: false }).await.unwrap_err();
    assert_eq!(refusal.failure.class, Class::Broken);
    client.request(Command::Status).await.unwrap();
}

async fn a_long_answer_arrives_whole(bench: Bench) {
    let client = bench.connect(bench.options()).await;
    let answer = client.request(Command::Audit { count: 5_000_000 }).await.unwrap();
    assert_eq!(answer, Answer::Text("x".repeat(5_000_000)));
}

async fn a_stopped_engine_is_not_called_back(bench: Bench) {
    let client = bench.connect(bench.options().following()).await;
    let other = bench.connect(bench.options()).await;
    assert_eq!(other.request(Command::Stop { mode: StopMode::WhenIdle }).await.unwrap(), Answer::Done);
    assert!(matches!(bench.hall().ended().await, Ending::Stop { .. }));
    let mut incoming = client.incoming();
    let mut lost = None;
    follow(&mut incoming, &mut Mirror::default(), |_, message| {
        if let Incoming::Lost { failure, retry_in } = message {
            lost = Some((failure.clone(), *retry_in));
        }
        lost.is_some()
    })
    .await;
    let (failure, retry_in) = lost.unwrap();
    assert!(failure.got.contains("was stopped by"), "{failure}");
    assert_eq!((failure.next.as_str(), retry_in), ("quarterdeck engine start", None));
    let refusal = client.request(Command::Status).await.unwrap_err();
    assert_eq!(refusal.failure, failure);
    bench.renew();
    client.reconnect();
    follow(&mut incoming, &mut Mirror::default(), |_, message| matches!(message, Incoming::Connected(_))).await;
    client.request(Command::Status).await.unwrap();
}

async fn a_restarted_engine_is_found_again(bench: Bench) {
    bench.fake.run(1, 1);
    let client = bench.connect(bench.options().following()).await;
    let mut mirror = client.state().await.unwrap();
    client.request(watch_run(1)).await.unwrap();
    client.request(Command::Restart).await.unwrap();
    bench.hall().ended().await;
    bench.renew();
    bench.fake.step(1, 0, 1);
    let kinds = follow(&mut client.incoming(), &mut mirror, |mirror, _| mirror.steps(RunNo(1)).is_some()).await;
    assert!(kinds.contains(&"lost") && kinds.contains(&"connected"), "{kinds:?}");
    client.request(Command::Status).await.unwrap();
}

async fn an_engine_that_is_busy_is_not_stopped(bench: Bench) {
    *bench.fake.busy.lock().unwrap() = Some(Failure::refused("stop the engine", "run 4 is under way"));
    let client = bench.connect(bench.options()).await;
    let refusal = client.request(Command::Stop { mode: StopMode::WhenIdle }).await.unwrap_err();
    assert_eq!(refusal.failure.got, "run 4 is under way");
    client.request(Command::Status).await.unwrap();
}

async fn a_stream_carries_frames_both_ways(bench: Bench) {
    let request = StreamRequest::Shell { cluster: ClusterId::new(), node: "a-1".into(), command: None, pty: None };
    let mut stream = client::stream_over(bench.io().await, &bench.options(), request).await.unwrap();
    let big = Frame::Data(Bytes::from(vec![7; 200_000]));
    for frame in [Frame::Data(Bytes::from_static(b"ls\n")), Frame::Resize { cols: 80, rows: 24 }, big] {
        stream.send(frame.clone()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), frame);
    }
    stream.send(Frame::Eof).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(Frame::Exit(exit))) if exit.status == Some(0)));
    assert!(stream.next().await.is_none());
}

async fn live_state_is_the_newest(bench: Bench) {
    let mut raw = bench.raw().await;
    raw.hello(|_| {}).await;
    raw.next().await;
    bench.fake.output(1, 1);
    raw.send(r#"{"req":1,"command":{"do":"subscribe","topics":[{"topic":"run","run":1}]}}"#).await;
    let mut interest = bench.fake.hub.interest();
    interest.wait_for(|_| !bench.fake.hub.watched().is_empty()).await.unwrap();
    for lines in 2..=100_000 {
        bench.fake.output(1, lines);
        if lines % 1_000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let (mut revision_before, mut messages) = (0, 0);
    loop {
        match raw.next().await.expect("the line is there") {
            FromEngine::Live { revision, body: Live::Output { lines, .. } } => {
                assert!(revision > revision_before);
                (revision_before, messages) = (revision, messages + 1);
                if lines == 100_000 {
                    break;
                }
            }
            FromEngine::Reply { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(messages < 10_000, "{messages} messages");
    raw.send(r#"{"req":2,"command":{"do":"unsubscribe","topics":[{"topic":"run","run":1}]}}"#).await;
    interest.wait_for(|_| bench.fake.hub.watched().is_empty()).await.unwrap();
}

#[tokio::test]
async fn an_answer_without_end_is_refused() {
    let bench = Bench::new(Via::Pipe);
    let client = bench.connect(bench.options()).await;
    let refusal = client.request(Command::Audit { count: 68_000_000 }).await.unwrap_err();
    assert!(refusal.failure.got.contains("longer than"), "{refusal:?}");
    client.request(Command::Status).await.unwrap();
}

#[tokio::test]
async fn a_number_that_means_nothing_here_is_answered_by_a_snapshot() {
    let bench = Bench::new(Via::Pipe);
    bench.fake.run(1, 1);
    for (home, since) in [("another", 1), ("home", 2)] {
        let mut raw = bench.raw().await;
        raw.hello(|hello| (hello.follow, hello.since, hello.home) = (true, Some(since), Some(home.to_owned()))).await;
        raw.next().await;
        assert!(matches!(raw.next().await, Some(FromEngine::Snapshot { seq: 1, .. })), "{home}");
    }
}

#[tokio::test]
async fn another_account_is_not_let_in() {
    let bench = Bench::new(Via::Pipe);
    let uid = nix::unistd::geteuid().as_raw() + 1;
    let mut raw = Raw::over(bench.pipe(Peer { uid, role: Role::Operator }));
    raw.hello(|_| {}).await;
    assert!(raw.bye().await.0.contains("belongs to the account"));
    assert!(bench.fake.present.borrow().is_empty());
}

#[tokio::test]
async fn the_role_of_a_socket_is_the_most_that_it_gives() {
    let bench = Bench::new(Via::Pipe);
    let uid = nix::unistd::geteuid().as_raw() + 1;
    let mut raw = Raw::over(bench.pipe(Peer { uid, role: Role::Watcher }));
    raw.hello(|_| {}).await;
    assert!(matches!(raw.next().await, Some(FromEngine::Welcome(welcome)) if welcome.role == Role::Watcher));
    raw.send(r#"{"req":1,"command":{"do":"ansible_install"}}"#).await;
    assert!(matches!(raw.next().await, Some(FromEngine::Reply { result: Reply::Refused(_), .. })));
}

#[tokio::test]
async fn a_client_that_leaves_is_gone() {
    let bench = Bench::new(Via::Socket);
    let client = bench.connect(bench.options().following()).await;
    assert_eq!(bench.hall().clients(), 1);
    let mut present = bench.fake.present.subscribe();
    drop(client);
    present.wait_for(Vec::is_empty).await.unwrap();
    assert_eq!(Arc::strong_count(&bench.fake.recent), 1, "nothing reads events for it any more");
}
