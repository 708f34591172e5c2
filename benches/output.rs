//! What output costs to write and to look at.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quarterdeck::store::output::{LAST, OutputLog, Pager};

use crate::report::Report;
use crate::store::{median, percentile, place};

/// Lines a second, and for how many seconds.
const FLOOD: (u64, u64) = (50_000, 10);

pub fn run(report: &mut Report) {
    report.measure("output.write_line", write_line);
    if report.wants(&["output.flood_lost", "output.flood_page_p99", "output.flood_memory"]) {
        let flood = flood();
        report.take("output.flood_lost", flood.lost);
        report.take("output.flood_page_p99", flood.page_p99);
        report.take("output.flood_memory", flood.memory);
    }
    if report.wants(&["output.attach_cold", "output.attach_indexed"]) {
        let (cold, indexed) = attach();
        report.take("output.attach_cold", cold);
        report.take("output.attach_indexed", indexed);
    }
    report.measure("output.page_of_gigabyte", page_of_gigabyte);
}

/// About a hundred bytes, all of the same length.
fn line(n: u64) -> String {
    format!(
        "{n:09} TASK [install the packages] changed: [node-{:04}] (item=package-{:05}) {}\n",
        n % 1000,
        n % 77_777,
        "x".repeat(31)
    )
}

fn write_line() -> f64 {
    let home = place();
    let log = OutputLog::append(&home.path().join("output")).unwrap();
    let text = line(1);
    let begin = Instant::now();
    for _ in 0..200_000 {
        log.line(text.trim_end()).unwrap();
    }
    begin.elapsed().as_secs_f64() * 1e6 / 200_000.0
}

struct Flood {
    lost: f64,
    page_p99: f64,
    memory: f64,
}

/// A job writes 50,000 lines a second while somebody looks at the end, 60 times a second.
fn flood() -> Flood {
    let home = place();
    let path = home.path().join("output");
    let total = FLOOD.0 * FLOOD.1;
    let before = resident();
    let over = AtomicBool::new(false);
    let (times, wrong) = std::thread::scope(|scope| {
        scope.spawn(|| {
            write_paced(&path, total);
            over.store(true, Ordering::Release);
        });
        let mut pager = Pager::open(&path).unwrap();
        let (mut times, mut wrong) = (Vec::new(), 0);
        while !over.load(Ordering::Acquire) {
            let begin = Instant::now();
            let page = pager.page(LAST, 50, false).unwrap();
            times.push(begin.elapsed());
            wrong += (page.from..).zip(&page.lines).filter(|(n, text)| line(*n).trim_end() != *text).count();
            std::thread::sleep(Duration::from_millis(16));
        }
        (times, wrong)
    });
    let memory = resident() - before;
    Flood { lost: lost(&path, total) + wrong as f64, page_p99: percentile(times, 99), memory }
}

fn write_paced(path: &Path, total: u64) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let begin = Instant::now();
    let mut next = 0;
    while next < total {
        let due = total.min((begin.elapsed().as_secs_f64() * FLOOD.0 as f64) as u64);
        let text: String = (next..due).map(line).collect();
        file.write_all(text.as_bytes()).unwrap();
        next = due;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Lines that a reader from the first to the last does not get, gets wrong, or gets twice.
fn lost(path: &Path, total: u64) -> f64 {
    let mut pager = Pager::open(path).unwrap();
    let (mut next, mut right) = (0, 0);
    while next < total {
        let page = pager.page(next, 2000, true).unwrap();
        right += (next..).zip(&page.lines).filter(|(n, text)| line(*n).trim_end() == *text).count() as u64;
        next += (page.lines.len() as u64).max(1);
    }
    let doubled = pager.size().unwrap().0.saturating_sub(total);
    (total - right + doubled) as f64
}

/// Resident memory, MiB.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / f64::from(1 << 20)
}

fn fill(path: &Path, lines: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    for n in 0..lines {
        file.write_all(line(n).as_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn last_page(path: &Path, lines: u64) -> Duration {
    let begin = Instant::now();
    let page = Pager::open(path).unwrap().page(LAST, 50, true).unwrap();
    let took = begin.elapsed();
    assert_eq!((page.total, page.lines.len()), (lines, 50));
    took
}

/// Without and with an index.
fn attach() -> (f64, f64) {
    let home = place();
    let path = home.path().join("output");
    fill(&path, 100_000);
    let cold = (0..9).map(|_| {
        let _ = std::fs::remove_file(home.path().join("output.idx"));
        last_page(&path, 100_000)
    });
    let cold = median(cold.collect());
    (cold, median((0..9).map(|_| last_page(&path, 100_000)).collect()))
}

fn page_of_gigabyte() -> f64 {
    let home = place();
    let path = home.path().join("output");
    let lines = (1 << 30) / line(0).len() as u64;
    fill(&path, lines);
    last_page(&path, lines);
    let times = (1..50).map(|part| {
        let from = lines / 50 * part;
        let begin = Instant::now();
        let page = Pager::open(&path).unwrap().page(from, 50, true).unwrap();
        let took = begin.elapsed();
        assert_eq!(page.lines[0], line(from).trim_end());
        took
    });
    median(times.collect())
}
