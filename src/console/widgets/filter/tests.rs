use super::*;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Row};

const NOW: i64 = 1_800_000_000_000;

const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 4, 20, 0),
    Column::text("status", "STATUS", 4, 20, 0),
    Column::number("ram", "RAM", 4, 9, 1).bytes(),
    Column::text("created", "MADE", 4, 9, 1).time(),
    Column::number("nodes", "NODES", 4, 9, 1),
    Column::text("note", "NOTE", 4, 9, 1),
    Column::number("took", "TOOK", 4, 9, 1).took(),
];

fn row() -> Row {
    let gib = 1024.0 * 1024.0 * 1024.0;
    Row {
        id: "1".into(),
        cells: vec![
            Cell::new("web-frontend-12", Role::Text),
            Cell::new("active", Role::Ok),
            Cell::number("16 GiB", 16.0 * gib, Role::Text),
            Cell::number("14:32", (NOW - 3_600_000) as f64, Role::Dim),
            Cell::number("4/5", 5.0, Role::Text),
            Cell::none(),
            Cell::number("41 s", 41_000.0, Role::Text),
        ],
    }
}

const SHOWN: &[usize] = &[0, 1, 2, 3, 4, 5, 6];

fn passes(text: &str) -> bool {
    let filter = Filter::new(text, COLUMNS);
    let said = Sayings::of(&[row()], SHOWN);
    filter.ready(COLUMNS, SHOWN, NOW).passes(&row(), said.row(0))
}

#[test]
fn words_are_fuzzy_and_columns_are_typed() {
    for yes in [
        "",
        "web",
        "wfe",
        "web act",
        "'front",
        "status=active",
        "STATUS=Active",
        "st=active web",
        "status=error,active",
        "name=web-*",
        "name=*front*12",
        "ram>8g",
        "ram>=16GiB",
        "ram<17g",
        "ram=16g",
        "age<2h",
        "age>30m",
        "created<1d",
        "nodes=5",
        "nodes=4/5",
        "nodes>4",
        "took>40s took<1m",
        "!db",
        "status!=error",
        "!status=error",
        "name~^web-.*\\d+$",
        "~FRONTEND|frontend",
        "name!~^db",
        "note=\"\"",
        "name>alpha",
        "\"web-front\"",
    ] {
        assert!(passes(yes), "{yes:?} should pass: {:?}", Filter::new(yes, COLUMNS).faults());
    }
    for no in [
        "db",
        "status=error",
        "status=act",
        "ram>16g",
        "ram<8g",
        "age>2h",
        "!web",
        "!wEb-fr WEB",
        "status!=active",
        "!status=active",
        "zz",
        "name~^front",
        "'wfe",
        "name=web",
        "note~.",
        "\"web front\"",
        "took<30s",
    ] {
        assert!(!passes(no), "{no:?} should not pass");
    }
}

#[test]
fn what_leaves_out_wants_the_exact_letters() {
    assert!(passes("!wfe"), "only fuzzy words match wfe");
    assert!(!passes("!front"));
}

#[test]
fn mistakes_say_where_they_are() {
    let fault = |text: &str| {
        let filter = Filter::new(text, COLUMNS);
        let fault = filter.faults().first().cloned().unwrap_or_else(|| panic!("{text}: no fault"));
        (text[fault.span.clone()].to_owned(), fault.text, fault.unfinished)
    };
    let says = |text: &str, place: &str, what: &str, unfinished: bool| {
        let (at, said, soft) = fault(text);
        assert!(at == place && said.contains(what) && soft == unfinished, "{text}: {at:?} {said} {soft}");
    };
    says("web ram>8x", "8x", "`x` is no unit", false);
    says("ram>8", "8", "has a unit", true);
    says("age<soon", "soon", "no duration", false);
    says("stats=up web", "stats", "did you mean status?", false);
    says("zzzz=up", "zzzz", "there are name, status", false);
    says("n=up", "n", "name or nodes or note", false);
    says("status=", "", "missing", true);
    says("name~[a-", "[a-", "regular expression", true);
    says("name~a{2,1}", "a{2,1}", "regular expression", false);
    says("nodes>many", "many", "no number", false);
    assert!(passes("web ram>8x"), "a term that is wrong is left out, the others count");
    assert!(Filter::new("ram>8x", COLUMNS).is_empty());
}

#[test]
fn the_letters_that_were_found_are_told() {
    let found = |text: &str, column: usize| {
        let filter = Filter::new(text, COLUMNS);
        let cell = row().cells[column].clone();
        let text = cell.text.clone();
        filter.ready(COLUMNS, SHOWN, NOW).found(column, &cell, &text)
    };
    assert_eq!(found("front", 0), [4, 5, 6, 7, 8]);
    assert_eq!(found("'12 web", 0), [0, 1, 2, 13, 14]);
    assert_eq!(found("status=active", 1), [0, 1, 2, 3, 4, 5]);
    assert_eq!(found("status=active", 0), [] as [u32; 0]);
    assert_eq!(found("name~\\d", 0), [13, 14]);
    assert_eq!(found("!name=db ram>8g", 0), [] as [u32; 0]);
}

#[test]
fn a_filter_can_be_completed() {
    let texts = |text: &str| {
        let made = complete(text, COLUMNS, &[row(), row()]);
        (text[made.span.clone()].to_owned(), made.candidates.iter().map(|c| c.text.clone()).collect::<Vec<_>>())
    };
    assert_eq!(texts("web st"), ("st".into(), vec!["status=".into()]));
    assert_eq!(texts("!no"), ("no".into(), vec!["nodes>".into(), "note=".into()]));
    assert_eq!(texts("status=a"), ("a".into(), vec!["active".into()]));
    assert_eq!(texts("status=error,"), (String::new(), vec!["active".into()]));
    assert_eq!(texts("ram="), (String::new(), vec!["\"16 GiB\"".into()]));
    assert_eq!(texts("ag"), ("ag".into(), vec!["age<".into()]));
    assert_eq!(texts("").1.len(), COLUMNS.len());
    let counted = complete("status=", COLUMNS, &[row(), row()]);
    assert_eq!(counted.candidates[0].rows, Some(2));
}

proptest::proptest! {
    /// What is typed behind a filter that narrows it lets no row through that was left out before.
    #[test]
    fn a_longer_filter_lets_no_more_through(text in "[a-c1 ']{1,6}", more in "[a-c1 'ö=!<]{1,3}", cells in "[a-c1ö]{0,8}") {
        let (before, now) = (Filter::new(&text, COLUMNS), Filter::new(&format!("{text}{more}"), COLUMNS));
        let row = Row { id: "2".into(), cells: vec![Cell::new(cells, Role::Text)] };
        let sayings = Sayings::of(std::slice::from_ref(&row), SHOWN);
        let passes = |filter: &Filter| filter.ready(COLUMNS, SHOWN, NOW).passes(&row, sayings.row(0));
        proptest::prop_assert!(!now.narrows(&before) || !passes(&now) || passes(&before), "{text:?} {more:?} {row:?}");
    }

    /// Whatever is typed, nothing breaks, and faults lie within the text.
    #[test]
    fn any_text_is_read(text in "\\PC{0,24}", tail in "[a-z=<>~!\"'* ]{0,16}") {
        let text = format!("{tail}{text} {tail}");
        let filter = Filter::new(&text, COLUMNS);
        for fault in filter.faults() {
            proptest::prop_assert!(text.get(fault.span.clone()).is_some(), "{fault:?}");
        }
        let completion = complete(&text, COLUMNS, &[row()]);
        proptest::prop_assert!(text.get(completion.span).is_some());
        let odd = Row { id: "2".into(), cells: vec![Cell::new(text.clone(), Role::Text)] };
        let mut ready = filter.ready(COLUMNS, SHOWN, NOW);
        ready.passes(&odd, Sayings::of(std::slice::from_ref(&odd), SHOWN).row(0));
        for place in ready.found(0, &odd.cells[0], &text) {
            proptest::prop_assert!((place as usize) < text.chars().count());
        }
    }
}
