//! Moving, paging, looking for something, leaving out.

use proptest::prelude::*;

use super::find::Count;
use super::*;
use crate::model::{Find, Finder};

/// The lines of a file that somebody else holds.
fn text(number: u64) -> String {
    format!("line {number}{}", if number.is_multiple_of(7) { " fatal" } else { "" })
}

/// Answers questions from a file of `total` lines, as the engine does.
fn serve(view: &mut LogView, total: u64) {
    for _ in 0..200 {
        let (wish, search) = (view.wants(), view.wants_search());
        if wish.is_none() && search.is_none() {
            return;
        }
        match wish {
            Some(Wish::Page { from, count }) => {
                let to = (from + u64::from(count)).min(total);
                view.page(from, &(from..to).map(text).collect::<Vec<_>>(), &[], total);
            }
            Some(Wish::Pick(numbers)) => {
                assert!(numbers.len() <= PAGE as usize && numbers.is_sorted());
                view.page(numbers[0], &numbers.iter().map(|n| text(*n)).collect::<Vec<_>>(), &[], total);
            }
            None => {}
        }
        if let Some((query, from, to)) = search {
            let finder = query.find.as_ref().map(|f| Finder::new(f).unwrap());
            let upto = to.min(from + 1000);
            let is_in =
                |n: &u64| finder.as_ref().is_none_or(|f| f.is_in(&text(*n))) && (query.host.is_none() || n.is_multiple_of(3));
            let hits: Vec<u64> = (from..upto).filter(is_in).collect();
            view.searched(from, upto, &hits);
        }
    }
    panic!("it asks without end");
}

fn window(view: &LogView) -> Vec<String> {
    let top = view.top();
    (top..top + view.height).filter_map(|row| view.row(row)).map(|line| line.text().to_owned()).collect()
}

fn view(total: u64) -> LogView {
    let mut view = LogView::default();
    view.set_window(80, 10);
    view.set_total(total);
    serve(&mut view, total);
    view
}

fn one(span: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(span).collect()
}

fn search(view: &mut LogView, find: &str) {
    let from = view.origin();
    view.search(Some(Find::text(find)), from).unwrap();
}

#[test]
fn it_follows_the_end_until_somebody_moves() {
    let mut view = view(1000);
    assert_eq!(window(&view).last().unwrap(), "line 999");
    view.step(-1);
    assert!(!view.following());
    assert_eq!(view.cursor_line(), Some(999), "the cursor comes in at the end");
    view.step(-12);
    assert_eq!((view.cursor_line(), view.top()), (Some(987), 987));
    let seen = window(&view);
    view.set_total(50_000);
    serve(&mut view, 50_000);
    assert_eq!(window(&view), seen, "it moved although it stands still");
    assert_eq!(view.below(), 50_000 - 997);
    view.follow(true);
    serve(&mut view, 50_000);
    assert_eq!(window(&view).last().unwrap(), "line 49999");
}

#[test]
fn what_has_ended_is_asked_for_once() {
    let mut view = LogView::default();
    view.set_window(80, 10);
    serve(&mut view, 700);
    assert_eq!(window(&view).last().unwrap(), "line 699");
    let mut empty = LogView::default();
    assert!(empty.wants().is_some());
    empty.page(0, &[], &[], 0);
    assert_eq!(empty.wants(), None, "it asks again what it was told");
}

#[test]
fn while_new_lines_come_the_old_ones_stay_on_the_screen() {
    let mut view = view(100);
    let seen = window(&view);
    view.set_total(90_000);
    assert_eq!(window(&view), seen);
    assert!(view.wants().is_some());
    assert!(view.wants().is_none(), "two questions are open");
}

#[test]
fn a_search_leads_from_find_to_find_and_counts_them() {
    let mut view = view(10_000);
    view.go_to_start();
    serve(&mut view, 10_000);
    search(&mut view, "FATAL");
    assert_eq!(view.count().map(|c| (c.at, c.more)), Some((None, true)));
    serve(&mut view, 10_000);
    assert_eq!(view.cursor_line(), Some(0));
    let all = 10_000_u64.div_ceil(7);
    assert_eq!(view.count(), Some(Count { at: Some(1), all, more: false }));
    assert_eq!(view.next_hit(true), Some(Next::At { line: 7, wrapped: false }));
    assert_eq!(view.next_hit(false), Some(Next::At { line: 0, wrapped: false }));
    assert_eq!(view.next_hit(false), Some(Next::At { line: 9996, wrapped: true }));
    serve(&mut view, 10_000);
    assert!(window(&view).contains(&"line 9996 fatal".to_owned()));
    assert_eq!(view.count().unwrap().at, Some(all));
    // What comes in later is found as well.
    view.set_total(10_010);
    serve(&mut view, 10_010);
    assert_eq!(view.count().unwrap().all, 10_010_u64.div_ceil(7));
    search(&mut view, "nowhere");
    serve(&mut view, 10_010);
    assert_eq!(view.next_hit(true), Some(Next::Nowhere));
    assert!(view.search(Some(Find { regex: true, ..Find::text("a(") }), 0).is_err());
    assert_eq!(view.find(), Some(&Find::text("nowhere")), "what is no expression changes nothing");
}

#[test]
fn what_it_is_not_in_is_left_out_but_for_the_lines_around() {
    let mut view = view(1000);
    view.go_to_line(490);
    search(&mut view, "fatal");
    serve(&mut view, 1000);
    assert_eq!(view.cursor_line(), Some(490));
    view.toggle_narrow();
    serve(&mut view, 1000);
    assert_eq!(view.rows(), 143);
    assert_eq!(view.cursor_line(), Some(490), "who reads stays at their line");
    assert!(window(&view).iter().all(|line| line.ends_with("fatal")), "{:?}", window(&view));
    view.widen(1);
    serve(&mut view, 1000);
    assert_eq!(view.rows(), 143 * 3 - 1);
    assert_eq!(view.cursor_line(), Some(490));
    view.set_host(Some("a"));
    view.widen(-1);
    serve(&mut view, 1000);
    let of_host = |row| view.line_of(row).unwrap().is_multiple_of(21);
    assert!((0..view.rows()).all(of_host), "only what is found in the host's lines");
    assert!(view.back() && view.back() && view.back());
    assert_eq!(view.rows(), 1000);
    assert!(!view.back());
}

#[test]
fn what_is_shown_of_lines_far_apart_stays_beside_many_that_lie_together() {
    let mut view = view(9000);
    for line in (0..4000).step_by(100) {
        view.go_to_line(line);
        serve(&mut view, 9000);
    }
    // A window of such lines spans more of them than are kept.
    search(&mut view, "00");
    serve(&mut view, 9000);
    view.toggle_narrow();
    serve(&mut view, 9000);
    let shown = window(&view);
    assert!(shown.len() == 10 && shown.iter().all(|line| line.contains("00")), "{shown:?}");
}

#[test]
fn a_selection_is_copied_whether_its_lines_are_here_or_not() {
    let mut view = view(5000);
    assert_eq!(view.meant(), 4990..5000, "what is seen, when nobody chose");
    view.step(-1);
    assert_eq!(view.text(view.meant()).unwrap(), "line 4999");
    view.toggle_select();
    view.step(-2);
    assert_eq!(view.text(view.meant()).unwrap(), "line 4997\nline 4998 fatal\nline 4999");
    assert_eq!(view.spans(view.meant()), one(4997..5000));
    view.go_to_start();
    serve(&mut view, 5000);
    assert_eq!(view.selection(), Some(0..5000));
    assert_eq!(view.spans(view.meant()), one(0..5000));
    search(&mut view, "fatal");
    serve(&mut view, 5000);
    view.toggle_narrow();
    assert_eq!(view.spans(0..2), vec![0..1, 7..8]);
    assert!(view.back() && view.selection().is_none());
}

#[test]
fn a_text_that_is_here_is_searched_at_once() {
    let lines = (0..100).map(|n| Line::rich([(text(n).as_str(), crate::console::theme::Role::Text)])).collect();
    let mut view = LogView::whole(lines);
    view.set_window(80, 10);
    assert_eq!((view.wants(), view.top(), view.following()), (None, 0, false));
    let next = view.search(Some(Find::text("fatal")), 1).unwrap();
    assert_eq!(next, Some(Next::At { line: 7, wrapped: false }));
    assert_eq!(view.count(), Some(Count { at: Some(2), all: 15, more: false }));
    assert_eq!(view.wants_search(), None);
    view.set_whole((0..5).map(|n| Line::output(&text(n), None)).collect());
    assert_eq!((view.cursor_line(), view.rows(), view.count().unwrap().all), (Some(4), 5, 1));
}

#[test]
fn wrapped_lines_can_be_read_to_their_end() {
    let lines = (0..30).map(|n| Line::output(&format!("{n} {}", "word ".repeat(40)), None)).collect();
    let mut view = LogView::whole(lines);
    view.set_window(82, 10);
    view.toggle_wrap();
    view.page_by(99);
    assert_eq!(view.top(), 27, "three lines of three pieces each");
    view.follow(true);
    assert_eq!(view.top(), 27);
    view.step(-1);
    view.step(-5);
    assert_eq!((view.top(), view.cursor_line()), (24, Some(24)));
    view.step(3);
    assert_eq!((view.top(), view.cursor_line()), (25, Some(27)));
}

proptest! {
    /// Whatever is pressed while lines come: the window shows consecutive rows, and no more lines are kept than allowed.
    #[test]
    fn nothing_is_lost(steps in proptest::collection::vec((0u8..14, 0u64..5000), 1..60), height in 1u16..80) {
        let mut view = LogView::default();
        let mut total = 0u64;
        view.set_window(80, height);
        for (what, n) in steps {
            match what {
                0 => total += n,
                1 => view.step(-(n as i64 % 200)),
                2 => view.step(n as i64 % 200),
                3 => view.go_to_start(),
                4 => view.follow(true),
                5 => view.page_by(-1),
                6 => view.go_to_line(n),
                7 => view.toggle_select(),
                8 => drop(view.search(Some(Find::text(format!("{}", n % 100))), n)),
                9 => drop(view.next_hit(n.is_multiple_of(2))),
                10 => view.toggle_narrow(),
                11 => view.widen(n as i64 % 5 - 2),
                12 => drop(view.set_host((n.is_multiple_of(2)).then_some("a"))),
                _ => view.follow(false),
            }
            view.set_total(total);
            serve(&mut view, total);
            prop_assert!(view.lines.len() <= KEEP);
            let (top, rows) = (view.top(), view.rows());
            let want: Vec<String> =
                (top..(top + u64::from(height)).min(rows)).map(|row| text(view.line_of(row).unwrap())).collect();
            prop_assert_eq!(window(&view), want);
            if view.following() {
                prop_assert_eq!(top + u64::from(height).min(rows), rows);
            }
            if let Some(cursor) = view.cursor.filter(|_| rows > 0) {
                prop_assert!((top..top + u64::from(height)).contains(&cursor), "{} {} {}", top, cursor, rows);
            }
        }
    }
}
