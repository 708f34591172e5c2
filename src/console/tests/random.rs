//! Any keys in any order over a home that changes: nothing panics, every frame fits.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::seed::{self, console, event, live};
use super::*;
use crate::console::Start;
use crate::console::theme::Profile;
use crate::model::*;
use crate::protocol::{EventBody, Live};

/// Keys that lead somewhere are likelier than others.
const KEYS: &[&[u8]] = &[
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"6",
    b"7",
    b"M",
    b"gw",
    b"m",
    b"i",
    b"E",
    b"S",
    b"K",
    b"W",
    b"j",
    b"k",
    b"\r",
    b"\x1b",
    b"\t",
    b"\x1b[Z",
    b" ",
    b"*",
    b"/",
    b"o",
    b"O",
    b"?",
    b":",
    b"n",
    b"t",
    b"p",
    b"=",
    b"D",
    b"s",
    b"r",
    b"c",
    b"e",
    b"F",
    b"P",
    b"a",
    b"f",
    b"w",
    b"x",
    b">",
    b"<",
    b"y",
    b"G",
    b"g",
    b"C",
    b"T",
    b"R",
    b"l",
    b"u",
    b"b",
    b"+",
    b"-",
    b"v",
    b"N",
    b"&",
    b"H",
    b"z",
    b"L",
    b"/fa",
    b"/l\r",
    b".",
    b",",
    b"!",
    b"{",
    b"@5\r",
    b"d",
    b"X",
    b"h",
    b"|",
    b"O",
    b"\x1b[19~",
    b"\x1br",
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[C",
    b"\x1b[D",
    b"\x1b[5~",
    b"\x1b[6~",
    b"\x1b[H",
    b"\x1b[F",
    b"\x1bOQ",
    b"\x7f",
    b"\x15",
    b"\x0c",
    b"\x1b[200~pasted\ntext\x1b[201~",
    "ä漢".as_bytes(),
];

const SIZES: [(u16, u16); 6] = [(120, 40), (80, 24), (60, 15), (40, 10), (20, 5), (200, 50)];

fn number(run: u64) -> RunNo {
    RunNo(run)
}

/// Something that the engine may say.
fn happens(console: &mut Headless, which: u8) {
    let seq = console.model.mirror.seq + 1;
    match which % 8 {
        0 => console.message(live(seed::clouds())),
        1 => console.message(event(seq, EventBody::Prompt(Box::new(seed::prompt())))),
        2 => console.message(seed::steps(seed::steps_of_43())),
        3 => console.message(live(Live::Plays {
            run: number(43),
            step: 1,
            attempt: 1,
            first: 0,
            events: seed::play_events(false),
        })),
        4 => console.message(live(Live::Output {
            run: number(43),
            step: 1,
            attempt: 1,
            lines: 1000 + u64::from(which) * 31,
            bytes: 1,
        })),
        5 => console.message(event(seq, EventBody::RunGone(number(40 + u64::from(which) % 4)))),
        6 => console.message(seed::snapshot()),
        _ => seed::lists().into_iter().for_each(|m| console.message(m)),
    }
}

/// Answers what was asked: sometimes with what was wanted, sometimes with a refusal.
fn answers(console: &mut Headless, well: bool) {
    for (slot, generation, command) in sent(console) {
        let result = match (&command, well) {
            (_, false) => Err(Box::new(crate::protocol::Refusal::of(seed::failure()))),
            (
                Command::OutputPage { .. } | Command::SearchOutput { .. } | Command::OutputLine { .. } | Command::Timeline { .. },
                _,
            ) => Ok(output_answer(&command, 5000).unwrap_or(Answer::Done)),
            (Command::PlayPage { from, .. }, _) => Ok(Answer::Plays { from: *from, events: vec![], total: *from }),
            (Command::PlanDelete { .. } | Command::PlanCreate { .. } | Command::PlanScale { .. }, _) => {
                Ok(Answer::Plan(Box::new(super::screens::plan_for_tests(PlanKind::Delete))))
            }
            (Command::Apply { .. } | Command::Retry { .. }, _) => Ok(Answer::Run(number(43))),
            (Command::ConsoleLog { .. }, _) => Ok(Answer::Text("booted\nup".into())),
            _ => Ok(Answer::Done),
        };
        console.take(Msg::Reply { slot, generation, result: result.map(Box::new) });
    }
}

/// One session of 10,000 events; the same number gives the same session again.
fn session(number: u8) {
    let step = (0usize..10, any::<prop::sample::Index>(), any::<u8>());
    let config = Config { cases: 25, max_shrink_iters: 2000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[number; 32]));
    runner
        .run(&proptest::collection::vec(step, 400), |steps| {
            let mut console = console(120, 40, Profile::TrueColour, Start::Home);
            for (n, (what, index, byte)) in steps.into_iter().enumerate() {
                match what {
                    0..=5 => console.press(KEYS[index.index(KEYS.len())]),
                    6 => console.press(&[byte]),
                    7 => happens(&mut console, byte),
                    8 => answers(&mut console, byte % 5 != 0),
                    _ => {
                        let (width, height) = SIZES[index.index(SIZES.len())];
                        console.resize(width, height);
                    }
                }
                // Drawing is most of the cost; states that are drawn are as random as the rest.
                if n % 4 == 0 {
                    console.background();
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Ten sessions: tests of their own, since they run side by side.
macro_rules! sessions {
    ($($name:ident: $number:literal,)*) => {
        $(#[test]
        fn $name() {
            session($number);
        })*
    };
}

sessions! {
    ten_thousand_random_events_break_nothing_0: 0,
    ten_thousand_random_events_break_nothing_1: 1,
    ten_thousand_random_events_break_nothing_2: 2,
    ten_thousand_random_events_break_nothing_3: 3,
    ten_thousand_random_events_break_nothing_4: 4,
    ten_thousand_random_events_break_nothing_5: 5,
    ten_thousand_random_events_break_nothing_6: 6,
    ten_thousand_random_events_break_nothing_7: 7,
    ten_thousand_random_events_break_nothing_8: 8,
    ten_thousand_random_events_break_nothing_9: 9,
}
