//! Pictures of the main screens, made from the real program: `tests/pictures` runs this. Not part of the tests.

use std::fmt::Write as _;
use std::path::Path;

use crate::home::Home;
use crate::pty::Terminal;
use crate::support::until;

/// Size of a cell, in the units of the picture.
const CELL: (f32, f32) = (8.4, 18.0);
/// Around the screen.
const EDGE: f32 = 12.0;
/// The terminal's own colours, for what names none.
const INK: &str = "#cdd6e0";
const GROUND: &str = "#10151c";
/// The sixteen, as xterm has them.
const SIXTEEN: [&str; 16] = [
    "#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5", "#666666", "#f14c4c", "#23d18b",
    "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
];

/// Makes all pictures in `assets/pictures`.
#[test]
#[ignore = "makes pictures; tests/pictures runs it"]
fn make() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pictures");
    std::fs::create_dir_all(&dir).unwrap();
    let home = Home::with_sandbox();
    let take = |name: &str, terminal: &Terminal| {
        until("the frame is whole", || terminal.is_whole().then_some(()));
        let picture = terminal.screen(draw);
        std::fs::write(dir.join(format!("{name}.svg")), picture).unwrap();
    };
    let open = |args: &[&str]| {
        let mut command = home.at_terminal(args);
        command.env("COLORTERM", "truecolor");
        Terminal::open(command, 120, 34)
    };
    let mut live = open(&["try"]);
    live.wait_for("Load the cargo");
    take("run-live", &live);
    live.wait_for("13 of 13");
    take("run", &live);
    live.press("\x1b");
    live.wait_for("GROUPS");
    for &(name, keys, shows, back) in SCREENS {
        live.press(keys);
        live.wait_for(shows);
        live.wait_without("reading…");
        take(name, &live);
        if back {
            live.press("\x1b");
            live.wait_without(shows);
        }
    }
    live.press("q");
    live.end();
}

/// Each screen: its name, the keys that lead there from the one before, what it then shows, whether escape closes it.
const SCREENS: &[(&str, &str, &str, bool)] = &[
    ("clouds", "1", "CLOUDS", false),
    ("flavors", "2", "FLAVORS", false),
    ("images", "3", "IMAGES", false),
    ("servers", "4", "● active", false),
    ("pulse", "0", "3 active", false),
    ("runs", "6", "RESULT", false),
    ("clusters", "5", "GROUPS", false),
    ("describe", "d", "FACTS", true),
    ("help", "?", "keys for", true),
    ("palette", ":", "type what to do", true),
    ("scale", "=", "scale hello", true),
    ("playbook", "p", "run a playbook on", true),
];

/// The screen as an SVG: one text for each run of cells that look alike.
fn draw(screen: &vt100::Screen) -> String {
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let (width, height) = (f32::from(cols) * CELL.0 + 2.0 * EDGE, f32::from(rows) * CELL.1 + 2.0 * EDGE);
    let ground = screen.cell(0, 0).map_or(GROUND.to_owned(), |cell| looks(cell).1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n"
    );
    for row in 0..rows {
        let mut col = 0;
        while col < cols {
            let Some(first) = screen.cell(row, col) else { break };
            let look = looks(first);
            let mut text = String::new();
            let from = col;
            while let Some(cell) = screen.cell(row, col).filter(|cell| col < cols && looks(cell) == look) {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                col += 1;
            }
            span(&mut svg, (row, from, col - from), &text, &look, &ground);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Ink, ground, bold, underlined.
type Look = (String, String, bool, bool);

fn looks(cell: &vt100::Cell) -> Look {
    let (mut ink, mut ground) = (colour(cell.fgcolor(), INK), colour(cell.bgcolor(), GROUND));
    if cell.inverse() {
        std::mem::swap(&mut ink, &mut ground);
    }
    (ink, ground, cell.bold(), cell.underline())
}

fn colour(colour: vt100::Color, default: &str) -> String {
    match colour {
        vt100::Color::Default => default.to_owned(),
        vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        vt100::Color::Idx(n @ 0..16) => SIXTEEN[usize::from(n)].to_owned(),
        vt100::Color::Idx(n @ 16..=231) => {
            let part = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = n - 16;
            format!("#{:02x}{:02x}{:02x}", part(n / 36), part(n / 6 % 6), part(n % 6))
        }
        vt100::Color::Idx(n) => {
            let grey = 8 + 10 * (n - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

fn span(svg: &mut String, (row, col, count): (u16, u16, u16), text: &str, look: &Look, under: &str) {
    let (ink, ground, bold, underlined) = look;
    let (x, y) = (EDGE + f32::from(col) * CELL.0, EDGE + f32::from(row) * CELL.1);
    let width = f32::from(count) * CELL.0;
    if ground != under {
        let _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{ground}\"/>", CELL.1);
    }
    let shown = text.trim_end();
    if shown.is_empty() {
        return;
    }
    let begin = shown.len() - shown.trim_start().len();
    let x = x + begin as f32 * CELL.0;
    let shown = shown.trim_start();
    let length = f32::from(u16::try_from(unicode_width::UnicodeWidthStr::width(shown)).unwrap_or(u16::MAX)) * CELL.0;
    let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut more = String::new();
    if *bold {
        more.push_str(" font-weight=\"bold\"");
    }
    if *underlined {
        more.push_str(" text-decoration=\"underline\"");
    }
    let base = y + CELL.1 * 0.74;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{base:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" \
         fill=\"{ink}\"{more}>{escaped}</text>"
    );
}
