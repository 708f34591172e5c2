//! Cells → bytes: the shortest way we know from what the terminal shows to what it is to show.
//!
//! Colours are written as the theme's profile means them: a named colour as 30–37 or 90–97 (never as an index), no
//! colour at all as no code at all.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Modifiers that show on a blank cell.
const VISIBLE_ON_BLANK: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);
/// Shortest run of blanks that is erased rather than written.
const ERASE_FROM: u16 = 10;
/// Symbol of a cell of which nothing is known: no target has it.
const UNKNOWN: &str = "\u{0}";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pen {
    fg: Color,
    bg: Color,
    mods: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, mods: Modifier::empty() };

/// What the terminal shows, and the way to change it.
#[derive(Debug)]
pub struct Screen {
    shown: Buffer,
    /// False: nothing is known, the next paint starts with a clear.
    known: bool,
    pen: Pen,
    at: Option<(u16, u16)>,
    cursor: Option<Position>,
    /// Erasing fills with the background colour (all terminals but GNU screen).
    bce: bool,
}

impl Screen {
    /// A screen of this size; `bce`: see [`erases_with_background`].
    pub fn new(area: Rect, bce: bool) -> Self {
        Self { shown: Buffer::empty(area), known: false, pen: PLAIN, at: None, cursor: None, bce }
    }

    /// Nothing is known any more: of a new size, or somebody else wrote to the terminal.
    pub fn forget(&mut self, area: Rect) {
        *self = Self::new(area, self.bce);
    }

    /// Size of the screen.
    pub fn area(&self) -> Rect {
        *self.shown.area()
    }

    /// What the terminal shows once all bytes so far have arrived.
    pub fn shown(&self) -> &Buffer {
        &self.shown
    }

    /// Appends to `out` what leads from the shown screen to `target`, restricted to cells for which `only` says yes,
    /// and stops soon after `limit` bytes. Returns whether all was written. An unchanged screen gives no byte.
    pub fn paint(
        &mut self,
        target: &Buffer,
        cursor: Option<Position>,
        limit: usize,
        only: &dyn Fn(u16, u16) -> bool,
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        if !self.known {
            out.extend_from_slice(b"\x1b[0m\x1b[?25l\x1b[2J");
            self.known = true;
        }
        let area = self.area().intersection(*target.area());
        let mut complete = true;
        'rows: for y in 0..area.height {
            if row(&self.shown, y) == row(target, y) {
                // Most rows stay as they are from frame to frame: nothing of them has to be measured.
                continue;
            }
            let mut x = 0;
            while x < area.width {
                let cells = cells_of(&target[(x, y)]).min(area.width - x);
                let differs = (x..x + cells).any(|i| self.differs(target, i, y));
                if !differs || !only(x, y) {
                    x += cells;
                    continue;
                }
                if out.len() - start >= limit {
                    complete = false;
                    break 'rows;
                }
                self.hide_cursor(out);
                x = self.put(target, x, y, area.width, only, out);
            }
        }
        if complete {
            self.place_cursor(cursor, out);
        }
        complete
    }

    fn differs(&self, target: &Buffer, x: u16, y: u16) -> bool {
        !same(&self.shown[(x, y)], &target[(x, y)])
    }

    /// Writes the cell at `x` (or a run of blanks from there); returns where to go on.
    fn put(&mut self, target: &Buffer, x: u16, y: u16, width: u16, only: &dyn Fn(u16, u16) -> bool, out: &mut Vec<u8>) -> u16 {
        let cell = &target[(x, y)];
        if blank(cell) {
            let run = (x..width)
                .take_while(|&i| target[(i, y)].symbol() == " " && same(cell, &target[(i, y)]) && only(i, y))
                .count() as u16;
            let erasable = (self.bce || cell.bg == Color::Reset) && (cell.modifier & VISIBLE_ON_BLANK).is_empty();
            let to_end = x + run == width && run >= 3;
            if erasable && (to_end || run >= ERASE_FROM) {
                self.go(x, y, target, out);
                self.pen_for(cell, out);
                if to_end {
                    out.extend_from_slice(b"\x1b[K");
                } else {
                    let _ = write!(out, "\x1b[{run}X");
                }
                self.set_shown(target, x, x + run, y);
                return x + run;
            }
        }
        self.go(x, y, target, out);
        self.pen_for(cell, out);
        self.print(target, x, y, out)
    }

    fn print(&mut self, target: &Buffer, x: u16, y: u16, out: &mut Vec<u8>) -> u16 {
        let cell = &target[(x, y)];
        let width = self.area().width;
        let symbol = if cell.symbol().is_empty() { " " } else { cell.symbol() };
        out.extend_from_slice(symbol.as_bytes());
        let next = (x + cells_of(cell)).min(width);
        self.set_shown(target, x, next, y);
        self.at = (next < width).then_some((next, y));
        next
    }

    /// Cells `x..end` show the target now. Half of a wide character that was overwritten takes the other half along:
    /// what is shown there is unknown.
    fn set_shown(&mut self, target: &Buffer, x: u16, end: u16, y: u16) {
        if x > 0 && cells_of(&self.shown[(x - 1, y)]) == 2 {
            self.shown[(x - 1, y)].set_symbol(UNKNOWN);
        }
        if end < self.area().width && cells_of(&self.shown[(end - 1, y)]) == 2 {
            self.shown[(end, y)].set_symbol(UNKNOWN);
        }
        for i in x..end {
            self.shown[(i, y)] = target[(i, y)].clone();
        }
    }

    /// Moves to a cell the shortest way.
    fn go(&mut self, x: u16, y: u16, target: &Buffer, out: &mut Vec<u8>) {
        match self.at {
            Some(at) if at == (x, y) => return,
            Some((from, row)) if row == y && from < x => {
                // Up to three cells that stay are written again when they need no other pen: that is shorter.
                let gap = from..x;
                let plain = gap.len() <= 3
                    && gap.clone().all(|i| {
                        let cell = &target[(i, y)];
                        cell.symbol().len() == 1 && self.fits(cell) && !self.differs(target, i, y)
                    });
                if plain {
                    for i in gap {
                        out.extend_from_slice(target[(i, y)].symbol().as_bytes());
                    }
                } else if x - from == 1 {
                    out.extend_from_slice(b"\x1b[C");
                } else {
                    let _ = write!(out, "\x1b[{}C", x - from);
                }
            }
            Some((_, row)) if x == 0 && y == row + 1 => out.extend_from_slice(b"\r\n"),
            _ => {
                let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
            }
        }
        self.at = Some((x, y));
    }

    /// Whether the pen as it is writes this cell.
    fn fits(&self, cell: &Cell) -> bool {
        let want = pen(cell);
        if blank(cell) {
            self.pen.bg == want.bg && (self.pen.mods ^ want.mods) & VISIBLE_ON_BLANK == Modifier::empty()
        } else {
            self.pen == want
        }
    }

    fn pen_for(&mut self, cell: &Cell, out: &mut Vec<u8>) {
        if self.fits(cell) {
            return;
        }
        let mut want = pen(cell);
        if blank(cell) {
            want.fg = self.pen.fg;
            want.mods = (want.mods & VISIBLE_ON_BLANK) | (self.pen.mods - VISIBLE_ON_BLANK);
        }
        let mut codes = Vec::with_capacity(32);
        if want == PLAIN {
            codes.push(b'0');
        } else {
            let mut from = self.pen;
            let lost = from.mods - want.mods;
            if (lost & (Modifier::BOLD | Modifier::DIM)) != Modifier::empty() {
                code(&mut codes, 22);
                from.mods -= Modifier::BOLD | Modifier::DIM;
            }
            for (modifier, _, off) in
                MODS.iter().filter(|(m, _, _)| lost.contains(*m) && *m != Modifier::BOLD && *m != Modifier::DIM)
            {
                code(&mut codes, *off);
                from.mods -= *modifier;
            }
            for (_, on, _) in MODS.iter().filter(|(m, _, _)| (want.mods - from.mods).contains(*m)) {
                code(&mut codes, *on);
            }
            if from.fg != want.fg {
                colour(&mut codes, want.fg, 30);
            }
            if from.bg != want.bg {
                colour(&mut codes, want.bg, 40);
            }
        }
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(&codes);
        out.push(b'm');
        self.pen = want;
    }

    fn hide_cursor(&mut self, out: &mut Vec<u8>) {
        if self.cursor.take().is_some() {
            out.extend_from_slice(b"\x1b[?25l");
        }
    }

    fn place_cursor(&mut self, cursor: Option<Position>, out: &mut Vec<u8>) {
        if cursor == self.cursor && (cursor.is_none() || cursor.map(|p| (p.x, p.y)) == self.at) {
            return;
        }
        match cursor {
            None => self.hide_cursor(out),
            Some(p) => {
                let _ = write!(out, "\x1b[{};{}H", p.y + 1, p.x + 1);
                self.at = Some((p.x, p.y));
                if self.cursor.is_none() {
                    out.extend_from_slice(b"\x1b[?25h");
                }
                self.cursor = Some(p);
            }
        }
    }
}

const MODS: &[(Modifier, u8, u8)] = &[
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];

fn pen(cell: &Cell) -> Pen {
    Pen { fg: cell.fg, bg: cell.bg, mods: cell.modifier }
}

/// The cells of a row.
fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let from = buffer.index_of(buffer.area.x, buffer.area.y + y);
    &buffer.content[from..from + usize::from(buffer.area.width)]
}

/// How many cells a cell's symbol takes.
fn cells_of(cell: &Cell) -> u16 {
    let symbol = cell.symbol();
    if symbol.len() <= 1 { 1 } else { symbol.width().clamp(1, 2) as u16 }
}

fn blank(cell: &Cell) -> bool {
    cell.symbol() == " " || cell.symbol().is_empty()
}

/// Two cells that look the same: the foreground of a blank does not show.
fn same(a: &Cell, b: &Cell) -> bool {
    if blank(a) && blank(b) {
        return a.bg == b.bg && (a.modifier ^ b.modifier) & VISIBLE_ON_BLANK == Modifier::empty();
    }
    a.symbol() == b.symbol() && pen(a) == pen(b)
}

fn code(out: &mut Vec<u8>, n: u8) {
    if !out.is_empty() {
        out.push(b';');
    }
    let _ = write!(out, "{n}");
}

fn colour(out: &mut Vec<u8>, colour: Color, base: u8) {
    let bright = base + 60;
    let plain = |n: u8| base + n;
    let n = match colour {
        Color::Reset => base + 9,
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(i) => {
            code(out, base + 8);
            let _ = write!(out, ";5;{i}");
            return;
        }
        Color::Rgb(r, g, b) => {
            code(out, base + 8);
            let _ = write!(out, ";2;{r};{g};{b}");
            return;
        }
    };
    code(out, n);
}

/// Whether a terminal of this `TERM` erases with the background colour; `tmux`: we run inside tmux, which does.
pub fn erases_with_background(term: &str, tmux: bool) -> bool {
    tmux || !term.starts_with("screen")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::Style;

    const ALL: &dyn Fn(u16, u16) -> bool = &|_, _| true;

    fn buffer(lines: &[(&str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 4));
        for (y, (text, style)) in lines.iter().enumerate() {
            buffer.set_stringn(0, y as u16, text, 20, *style);
        }
        buffer
    }

    fn painted(target: &Buffer) -> (Screen, String) {
        let mut screen = Screen::new(*target.area(), true);
        let mut out = Vec::new();
        assert!(screen.paint(target, None, usize::MAX, ALL, &mut out));
        (screen, String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_unchanged_screen_writes_nothing() {
        let target = buffer(&[("hello", Style::new().fg(Color::Red))]);
        let (mut screen, _) = painted(&target);
        let mut out = Vec::new();
        assert!(screen.paint(&target, None, usize::MAX, ALL, &mut out));
        assert!(out.is_empty());
    }

    #[test]
    fn named_colours_are_the_old_codes_and_no_colour_is_no_code() {
        let (_, text) = painted(&buffer(&[("a", Style::new().fg(Color::Red)), ("b", Style::new().fg(Color::LightBlue))]));
        assert!(text.contains("\u{1b}[31ma"), "{text:?}");
        assert!(text.contains("\u{1b}[94mb"), "{text:?}");
        let (_, text) = painted(&buffer(&[("a", Style::new().add_modifier(Modifier::REVERSED))]));
        assert!(text.contains("\u{1b}[7ma"), "{text:?}");
        assert!(!text.contains("38;") && !text.contains("\u{1b}[m") && !text.contains("39"), "{text:?}");
    }

    #[test]
    fn a_limit_stops_and_the_next_paint_goes_on() {
        let target = buffer(&[("aaaaaaaaaa", Style::new()), ("bbbbbbbbbb", Style::new()), ("cccccccccc", Style::new())]);
        let mut screen = Screen::new(*target.area(), true);
        let mut chunks = 0;
        loop {
            let mut out = Vec::new();
            chunks += 1;
            let done = screen.paint(&target, None, 8, ALL, &mut out);
            assert!(out.len() < 40);
            if done {
                break;
            }
        }
        assert!(chunks > 3);
        assert_eq!(screen.shown(), &target);
    }

    fn style() -> impl Strategy<Value = Style> {
        let colour = prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::DarkGray),
            Just(Color::Indexed(99)),
            Just(Color::Rgb(1, 2, 3))
        ];
        (colour.clone(), colour, 0u16..64).prop_map(|(fg, bg, bits)| {
            let all = [Modifier::BOLD, Modifier::DIM, Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED];
            let bits = if bits & 1 != 0 { bits & !2 } else { bits };
            let mods = all.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0).fold(Modifier::empty(), |m, (_, x)| m | *x);
            Style::new().fg(fg).bg(bg).remove_modifier(Modifier::all() - mods).add_modifier(mods)
        })
    }

    fn lines() -> impl Strategy<Value = Vec<(u16, u16, String, Style)>> {
        proptest::collection::vec((0u16..20, 0u16..4, "[ a-c漢]{0,12}", style()), 0..12)
    }

    fn build(parts: &[(u16, u16, String, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 4));
        for (x, y, text, style) in parts {
            buffer.set_stringn(*x, *y, text, usize::from(20 - x), *style);
        }
        buffer
    }

    fn check(terminal: &vt100::Parser, want: &Buffer) -> Result<(), TestCaseError> {
        for y in 0..4u16 {
            let mut x = 0u16;
            while x < 20 {
                let (cell, wanted) = (terminal.screen().cell(y, x).unwrap(), &want[(x, y)]);
                let blank_now = cell.contents().trim().is_empty();
                if blank(wanted) {
                    prop_assert!(blank_now, "{} {}: {:?} instead of a blank", x, y, cell.contents());
                } else {
                    prop_assert_eq!(cell.contents(), wanted.symbol());
                    prop_assert_eq!(cell.bold(), wanted.modifier.contains(Modifier::BOLD));
                    prop_assert_eq!(cell.fgcolor() == vt100::Color::Default, wanted.fg == Color::Reset);
                }
                prop_assert_eq!(cell.inverse(), wanted.modifier.contains(Modifier::REVERSED));
                prop_assert_eq!(cell.bgcolor() == vt100::Color::Default, wanted.bg == Color::Reset, "{} {}", x, y);
                x += wanted.symbol().width().max(1) as u16;
            }
        }
        Ok(())
    }

    proptest! {
        /// A real terminal parser, fed with what we write in pieces of any size, shows what we meant.
        #[test]
        fn a_terminal_shows_what_was_meant(first in lines(), second in lines(), limit in 1usize..300) {
            let (first, second) = (build(&first), build(&second));
            let mut screen = Screen::new(*first.area(), true);
            let mut terminal = vt100::Parser::new(4.try_into().unwrap(), 20.try_into().unwrap(), 0);
            for target in [&first, &second, &first] {
                loop {
                    let mut out = Vec::new();
                    let done = screen.paint(target, None, limit, ALL, &mut out);
                    terminal.process(&out);
                    if done { break; }
                }
                check(&terminal, target)?;
            }
        }
    }
}
