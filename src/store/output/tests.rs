use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::index::{Index, Mark};
use super::pager::SEARCH;
use super::*;
use crate::store::is_full;

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    (dir, path)
}

fn add(path: &Path, bytes: &[u8]) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn lines(page: &Page) -> Vec<&str> {
    page.lines.iter().map(String::as_str).collect()
}

#[test]
fn lines_come_as_they_are_but_for_their_ends() {
    let (_dir, path) = place();
    let mut pager = Pager::open(&path).unwrap();
    assert_eq!(pager.page(0, 9, false).unwrap(), Page::default());
    add(&path, b"plain\r\n\n\x1b[31mred\x1b[0m\n50%\r100%\r\nbad \xff\xfe bytes\nno end\r");
    let page = pager.page(0, 9, false).unwrap();
    assert_eq!(lines(&page), ["plain", "", "\u{1b}[31mred\u{1b}[0m", "50%\r100%", "bad \u{fffd}\u{fffd} bytes"]);
    assert_eq!((page.total, page.bytes), (5, 51));
    let page = pager.page(4, 9, true).unwrap();
    assert_eq!((page.total, lines(&page)), (6, vec!["bad \u{fffd}\u{fffd} bytes", "no end"]));
    add(&path, b"\nnext\n");
    let page = pager.page(LAST, 2, true).unwrap();
    assert_eq!((page.from, page.total, lines(&page)), (5, 7, vec!["no end", "next"]));
    assert_eq!(pager.page(99, 2, true).unwrap().from, 7);
    assert_eq!(pager.page(3, 0, true).unwrap().lines.len(), 0);
    assert_eq!(pager.size().unwrap(), (7, 57));
}

#[test]
fn a_long_line_is_cut_at_a_character_and_says_so() {
    let (_dir, path) = place();
    let long = format!("x{}", "ä".repeat(40_000));
    add(&path, format!("first\n{long}\nlast\n{}", "y".repeat(MAX_LINE + 1)).as_bytes());
    let page = Pager::open(&path).unwrap().page(0, 9, true).unwrap();
    assert_eq!(page.lines.len(), 4);
    let shown = page.lines[1].strip_suffix(" … [cut: 80001 bytes]").unwrap();
    assert_eq!(shown, &long[..MAX_LINE - 1]);
    assert_eq!(page.lines[2], "last");
    assert!(page.lines[3].ends_with("y … [cut: 16385 bytes]"));
    add(&path, "z".repeat(MAX_LINE).as_bytes());
    let whole = format!("{}\n", "w".repeat(MAX_LINE));
    add(&path, format!("\n{whole}").as_bytes());
    assert_eq!(Pager::open(&path).unwrap().page(LAST, 1, true).unwrap().lines[0], whole.trim_end());
}

#[test]
fn a_page_fits_into_a_message_of_the_protocol() {
    let (_dir, path) = place();
    add(&path, format!("{}\n", "\u{1b}".repeat(MAX_LINE)).repeat(30).as_bytes());
    let mut pager = Pager::open(&path).unwrap();
    let mut from = 0;
    while from < 30 {
        let page = pager.page(from, 1000, true).unwrap();
        let json = serde_json::to_string(&page.lines).unwrap();
        assert!(json.len() < 900_000 && !page.lines.is_empty());
        from += page.lines.len() as u64;
    }
    assert_eq!(from, 30);
}

#[test]
fn an_output_that_shrinks_is_read_anew() {
    let (_dir, path) = place();
    add(&path, &b"one\ntwo\nthree\n".repeat(20_000));
    let mut pager = Pager::open(&path).unwrap();
    assert_eq!(pager.size().unwrap().0, 60_000);
    fs::write(&path, "new\n").unwrap();
    let page = pager.page(LAST, 5, true).unwrap();
    assert_eq!((page.total, lines(&page)), (1, vec!["new"]));
}

#[test]
fn an_output_that_was_written_over_gives_other_lines_but_no_panic() {
    let (_dir, path) = place();
    add(&path, format!("{}\n", "x".repeat(50_000)).repeat(40).as_bytes());
    let mut pager = Pager::open(&path).unwrap();
    pager.page(0, 40, true).unwrap();
    fs::write(&path, format!("short\n{}", "y".repeat(3_000_000))).unwrap();
    for from in 0..45 {
        pager.page(from, 40, true).unwrap();
    }
}

fn numbered(count: u64) -> Vec<u8> {
    (0..count).flat_map(|n| format!("line {n} {}\n", "x".repeat(usize::try_from(n % 90).unwrap())).into_bytes()).collect()
}

fn index_path(path: &Path) -> PathBuf {
    path.with_file_name("output.idx")
}

#[test]
fn the_index_is_kept_used_and_made_again_when_it_is_no_good() {
    let (dir, path) = place();
    add(&path, &numbered(30_000));
    let good = Pager::open(&path).unwrap().page(29_000, 3, true).unwrap();
    assert!(good.lines[0].starts_with("line 29000 "));
    let kept = fs::read(index_path(&path)).unwrap();
    let file = fs::File::open(&path).unwrap();
    assert_eq!(Index::load(&path, &file).unwrap().lines(), 30_000);

    let mut flipped = kept.clone();
    flipped[kept.len() / 2] ^= 1;
    for bad in [&flipped[..], &kept[..kept.len() - 8], &kept[..20], b"", b"qdindex1"] {
        fs::write(index_path(&path), bad).unwrap();
        assert_eq!(Index::load(&path, &file), None);
        assert_eq!(Pager::open(&path).unwrap().page(29_000, 3, true).unwrap(), good);
        assert_eq!(fs::read(index_path(&path)).unwrap(), kept);
    }

    // The index of another file, and one of a file that was longer.
    let other = dir.path().join("other");
    add(&other, &numbered(40_000));
    fs::rename(&other, &path).unwrap();
    assert_eq!(Pager::open(&path).unwrap().size().unwrap().0, 40_000);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1000).unwrap();
    assert!(Pager::open(&path).unwrap().page(LAST, 1, true).unwrap().total < 100);
}

#[test]
fn no_line_is_lost_while_somebody_else_writes() {
    let (_dir, path) = place();
    let log = OutputLog::append(&path).unwrap();
    let total = 50_000u64;
    let writer = std::thread::spawn(move || {
        for n in (0..total).step_by(50) {
            let batch: Vec<String> = (n..n + 50).map(|n| format!("line {n}")).collect();
            log.lines(batch.iter().map(String::as_str)).unwrap();
        }
    });
    let mut pager = Pager::open(&path).unwrap();
    let mut next = 0;
    while next < total {
        let page = pager.page(next, 1000, false).unwrap();
        for line in page.lines {
            assert_eq!(line, format!("line {next}"));
            next += 1;
        }
        // Somebody who comes later sees the same.
        let late = Pager::open(&path).unwrap().page(LAST, 1, false).unwrap();
        assert!(late.lines.iter().all(|line| *line == format!("line {}", late.total - 1)));
    }
    writer.join().unwrap();
    assert_eq!(pager.size().unwrap().0, total);
}

#[test]
fn a_line_that_was_cut_short_is_ended_before_the_next() {
    let (_dir, path) = place();
    add(&path, b"whole\ncut sho");
    let log = OutputLog::append(&path).unwrap();
    log.line("next").unwrap();
    drop(log);
    OutputLog::append(&path).unwrap().lines(["a", "b"]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "whole\ncut sho\nnext\na\nb\n");
}

#[test]
fn a_full_disk_is_recognised() {
    let (_dir, path) = place();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let failure = OutputLog::append(&path).unwrap().line("lost").unwrap_err();
    assert!(is_full(&failure), "{failure}");
}

#[test]
fn outputs_are_read_from_many_threads_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..40).map(|n| dir.path().join(n.to_string())).collect();
    for path in &paths {
        add(path, &numbered(500));
    }
    let pages = Pages::default();
    std::thread::scope(|scope| {
        for path in paths.iter().chain(&paths).chain(&paths) {
            scope.spawn(|| {
                let page = pages.read(path, |pager| pager.page(LAST, 1, true)).unwrap();
                assert_eq!((page.from, page.total), (499, 500));
            });
        }
    });
    assert_eq!(pages.read(&paths[0], Pager::size).unwrap().0, 500);
    assert_eq!(pages.own(&paths[0]).unwrap().size().unwrap().0, 500);
    assert_eq!(pages.read(&dir.path().join("none yet"), Pager::size).unwrap(), (0, 0));
    assert!(pages.read(dir.path(), Pager::size).is_err());
}

/// The lines of an output, found in the plainest way.
fn plainly(bytes: &[u8], ended: bool) -> Vec<String> {
    let mut lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let last = lines.pop().unwrap();
    if ended && !last.is_empty() {
        lines.push(last);
    }
    let text = |line: &&[u8]| match line.len() {
        0..=MAX_LINE => String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned(),
        length => format!("{} … [cut: {length} bytes]", String::from_utf8_lossy(&line[..MAX_LINE])),
    };
    lines.iter().map(text).collect()
}

#[test]
fn a_search_tells_of_lines_goes_on_where_it_stopped_and_reads_no_more_than_it_may() {
    let (_dir, path) = place();
    add(&path, b"\x1b[31mfatal\x1b[0m: a\nok\r\nFATAL: fa\x1b[1mtal\nlast fatal");
    let mut pager = Pager::open(&path).unwrap();
    let mut search = |lines, most, ended| pager.search(lines, most, ended, |_, line| line.contains("fatal")).unwrap();
    assert_eq!(search(0..99, 9, false), Found { lines: vec![0, 2], upto: 3, total: 3 });
    assert_eq!(search(0..99, 9, true), Found { lines: vec![0, 2, 3], upto: 4, total: 4 });
    assert_eq!(search(0..99, 1, true), Found { lines: vec![0], upto: 1, total: 4 });
    assert_eq!(search(1..3, 9, true), Found { lines: vec![2], upto: 3, total: 4 });
    assert_eq!(search(50..99, 9, true), Found { lines: vec![], upto: 4, total: 4 });

    add(&path, b"\n");
    let long = format!("{}\n", "y".repeat(99)).repeat(200_000);
    add(&path, long.as_bytes());
    let first = pager.search(0..u64::MAX, 9, true, |_, _| false).unwrap();
    assert!((SEARCH / 100..SEARCH / 100 + 9).contains(&first.upto), "{first:?}");
    assert_eq!(pager.search(first.upto..u64::MAX, 1, true, |_, _| true).unwrap().lines, [first.upto]);
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..200),
        4 => prop::collection::vec("[ -~]{0,120}\r?\n", 0..200).prop_map(|lines| lines.concat().into_bytes()),
        1 => (15_000..120_000usize).prop_map(|n| vec![b'x'; n]),
        1 => Just(b"\n".repeat(3000)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_page_is_what_the_plainest_reading_gives(
        pieces in prop::collection::vec(piece(), 1..12),
        looks in prop::collection::vec((any::<prop::sample::Index>(), 0..50u32, any::<bool>(), any::<bool>()), 12),
    ) {
        let (_dir, path) = place();
        let mut written = Vec::new();
        let mut pager = Pager::open(&path).unwrap();
        for (piece, (at, count, ended, reopen)) in pieces.iter().zip(looks) {
            add(&path, piece);
            written.extend_from_slice(piece);
            let all = plainly(&written, ended);
            let from = at.index(all.len() + 1);
            if reopen {
                pager = Pager::open(&path).unwrap();
            }
            let page = pager.page(from as u64, count, ended).unwrap();
            let expected: Vec<String> = all.iter().skip(from).take(count as usize).cloned().collect();
            prop_assert_eq!((page.from, page.total, page.bytes), (from as u64, all.len() as u64, written.len() as u64));
            prop_assert!(page.lines.len() == expected.len() || !page.lines.is_empty());
            prop_assert_eq!(&page.lines[..], &expected[..page.lines.len()]);
            prop_assert_eq!(page.lines.len(), page.offsets.len());
            for (number, offset) in (from as u64..).zip(&page.offsets) {
                prop_assert!(*offset == 0 || written[*offset as usize - 1] == b'\n');
                prop_assert_eq!(pager.line_at(*offset, ended).unwrap(), number);
            }
            let odd: Vec<u64> = (0..all.len() as u64 + 3).filter(|n| n % 7 == from as u64 % 7).take(40).collect();
            let picked = pager.pick(&odd, ended).unwrap();
            let wanted: Vec<String> = odd.iter().filter_map(|n| all.get(*n as usize).cloned()).collect();
            prop_assert_eq!(&picked.lines[..], &wanted[..picked.lines.len()]);
            prop_assert!(picked.lines.len() == wanted.len() || !picked.lines.is_empty());
        }
    }
}

#[test]
fn marks_are_few_and_right_after_every_long_line() {
    let (_dir, path) = place();
    add(&path, format!("a\n{}\nb\n", "x".repeat(100_000)).as_bytes());
    let file = fs::File::open(&path).unwrap();
    let mut index = Index::default();
    index.extend(&file, file.metadata().unwrap().len()).unwrap();
    assert_eq!(index.before(1), Mark::default());
    assert_eq!(index.before(2), Mark { line: 2, offset: 100_003 });
    assert_eq!(index.exactly(2), Some(100_003));
    assert_eq!(index.exactly(1), None);
    assert_eq!(index.exactly(3), Some(100_005));
}
