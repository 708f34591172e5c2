//! What the real console costs in a real terminal: time to the first frame, time of a key, bytes, wake-ups, memory.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::home::{Home, wait_until};
use crate::process::{Used, resident};
use crate::pty::Terminal;
use crate::report::Report;
use crate::stage::Stage;
use crate::store::{percentile, place};

/// What needs a cluster on the sandbox.
const STAGED: &[&str] = &[
    "console.first_frame",
    "console.first_frame_cold",
    "console.idle_bytes",
    "console.idle_wakeups",
    "console.idle_cpu",
    "console.timer_bytes",
    "console.attach_10mb",
    "console.key_p50_flood",
    "console.key_p99_flood",
    "console.log_bytes",
];
/// How long bytes and wake-ups are counted.
const WINDOW: Duration = Duration::from_secs(10);
/// How long a console is left alone before it counts as idle.
const SETTLED: Duration = Duration::from_secs(15);
/// Keys that are typed into a flood.
const KEYS: usize = 300;

pub fn run(report: &mut Report) {
    report.measure("console.memory", memory);
    if !report.wants(STAGED) {
        return;
    }
    let stage = match Stage::set(Home::at(place()), 1) {
        Ok(stage) => stage,
        Err(why) => return STAGED.iter().for_each(|name| report.skip(name, &why)),
    };
    report.measure("console.first_frame", || first_frames(&stage, false));
    report.measure("console.first_frame_cold", || first_frames(&stage, true));
    if report.wants(&["console.idle_bytes", "console.idle_wakeups", "console.idle_cpu"]) {
        idle(report, &stage);
    }
    report.measure("console.timer_bytes", || timer(&stage));
    report.measure("console.attach_10mb", || attach(&stage));
    if report.wants(&["console.key_p50_flood", "console.key_p99_flood", "console.log_bytes"]) {
        flood(report, &stage);
    }
}

/// Resident memory of a console with nothing to show, MiB.
fn memory() -> f64 {
    let home = Home::at(place());
    home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
    let console = Terminal::open(home.at_terminal(&[]), 200, 50);
    console.wait_for("CLUSTERS");
    // What starting takes is given back.
    std::thread::sleep(Duration::from_secs(2));
    resident(console.pid())
}

/// From the start of the program to a frame with the cluster in it; with and without an engine. ms, p95.
fn first_frames(stage: &Stage, cold: bool) -> f64 {
    let once = || {
        if cold {
            stage.home.run(["engine", "stop"]).ok();
            wait_until("the engine has ended", Duration::from_secs(10), || stage.home.engine().is_none());
        }
        let began = Instant::now();
        let mut console = stage.console(120, 40);
        console.expect(|screen, _| screen.contents().contains("lab-1"));
        let took = console.met("lab-1") - began;
        console.press("q");
        console.end();
        took
    };
    percentile((0..if cold { 20 } else { 40 }).map(|_| once()).collect(), 95)
}

/// A console that shows a cluster and has nothing to do.
fn idle(report: &mut Report, stage: &Stage) {
    let console = stage.console(120, 40);
    console.wait_for("lab-1");
    std::thread::sleep(SETTLED);
    let (bytes, before) = (console.written(), Used::by(console.pid()));
    std::thread::sleep(WINDOW);
    let used = Used::by(console.pid()).since(before);
    let bytes = console.bytes(bytes);
    if !bytes.is_empty() {
        println!("  written while idle: {:?}", String::from_utf8_lossy(&bytes));
    }
    report.take("console.idle_bytes", bytes.len() as f64);
    report.take("console.idle_wakeups", used.switches as f64);
    report.take("console.idle_cpu", used.cpu as f64 / WINDOW.as_nanos() as f64 * 100.0);
}

/// Bytes a second while a run goes on in which nothing happens: the home screen shows its time once.
fn timer(stage: &Stage) -> f64 {
    let run = stage.start("wait.yml", 1);
    let console = stage.console(120, 40);
    console.wait_for("wait.yml on lab-1");
    // Lists and presence come in during the first seconds.
    std::thread::sleep(Duration::from_secs(3));
    let before = console.written();
    std::thread::sleep(WINDOW);
    let written = console.written() - before;
    stage.cancel(&run);
    written as f64 / WINDOW.as_secs_f64()
}

/// From the key that opens a run with 10 MB of output to a screen full of its last lines: ms, p95 of new consoles.
fn attach(stage: &Stage) -> f64 {
    let run = stage.start("ten.yml", 1);
    stage.wait(&run);
    let full = |text: &str| {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(" changed: [node-")).collect();
        lines.len() >= 20 && lines.last().is_some_and(|line| line.contains("000099999"))
    };
    let once = || {
        let console = stage.console(200, 50);
        console.wait_for("ten.yml on lab-1");
        console.press("6");
        console.wait_for("RUNS");
        let began = Instant::now();
        console.expect(move |screen, _| full(&screen.contents()));
        console.press("\r");
        console.met("a screen full of output") - began
    };
    percentile((0..10).map(|_| once()).collect(), 95)
}

/// A run whose output grows by 50,000 lines a second, followed at 200×50.
fn flood(report: &mut Report, stage: &Stage) {
    let run = stage.start("flood.yml", 1);
    let follow = |console: &Terminal| {
        console.wait_for("flood.yml on lab-1");
        console.press("6\r");
        console.wait_for("changed: [node-");
        std::thread::sleep(Duration::from_secs(2));
    };
    if report.wants(&["console.key_p50_flood", "console.key_p99_flood"]) {
        let console = stage.console(200, 50);
        follow(&console);
        let times = keys(&console, KEYS, 15..50);
        report.take("console.key_p50_flood", percentile(times.clone(), 50));
        report.take("console.key_p99_flood", percentile(times, 99));
    }
    report.measure("console.log_bytes", || {
        let mut command = stage.home.at_terminal(&[]);
        command.env("SSH_CONNECTION", "192.0.2.1 40000 192.0.2.2 22");
        let console = Terminal::open(command, 200, 50);
        follow(&console);
        let before = console.written();
        std::thread::sleep(WINDOW);
        (console.written() - before) as f64 / WINDOW.as_secs_f64()
    });
    stage.cancel(&run);
}

/// Types letters into the palette, over the output: from the key to the bytes that show it.
pub fn keys(console: &Terminal, count: usize, pause: Range<u64>) -> Vec<Duration> {
    console.press(":");
    console.wait_for("type what to do");
    let letters: Vec<char> = ('а'..='я').collect();
    let mut times = Vec::new();
    for n in 0..count {
        let letter = letters[n % letters.len()].to_string();
        let shown = letter.clone();
        console.expect(move |_, bytes| bytes.windows(shown.len()).any(|w| w == shown.as_bytes()));
        let began = Instant::now();
        console.press(&letter);
        times.push(console.met(&letter) - began);
        console.press("\x7f");
        // Not in step with the frames.
        std::thread::sleep(Duration::from_millis(rand::random_range(pause.clone())));
    }
    times
}
