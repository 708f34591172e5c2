//! What pages are made of: lines, some of which belong to a row that can be selected.

use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::config::setup::AnsibleChoice;
use crate::console::theme::{Glyph, Profile, Role, Theme};
use crate::console::widgets::canvas::{Canvas, cells, wrap};
use crate::model::text::clean;
use crate::model::{CloudName, Finding, Verdict};

/// Where the values of a page stand.
pub const LABEL: u16 = 12;
/// Where what is said of a value stands, from there.
pub const VALUE: u16 = 12;

/// A row that can be selected; named by what it is about, so that rows that come and go do not move the selection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowId {
    Colours,
    Glyphs,
    Theme,
    Clipboard,
    Ansible(AnsibleChoice),
    Cloud(CloudName),
    DefaultCloud,
    Flavor(CloudName),
    Image(CloudName),
    Watch,
    WatchDir,
    WatchGroup,
    Unit,
}

/// Text in pieces.
pub type Rich = Vec<(String, Role)>;

/// One line of a page.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Line {
    /// The row that it belongs to; the first such line carries the marker.
    pub row: Option<RowId>,
    pub spans: Rich,
    /// Something drawn behind the text.
    pub art: Option<Art>,
}

/// What is no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Art {
    /// The colours of a profile, side by side.
    Colours(Profile),
}

impl Line {
    /// A line of plain text.
    pub fn text(text: impl Into<String>, role: Role) -> Self {
        Self { spans: vec![(text.into(), role)], ..Self::default() }
    }

    /// An empty line.
    pub fn gap() -> Self {
        Self::default()
    }

    /// A line in pieces.
    pub fn rich(spans: Rich) -> Self {
        Self { spans, ..Self::default() }
    }

    /// The same as a row's.
    #[must_use]
    pub fn of(mut self, row: RowId) -> Self {
        self.row = Some(row);
        self
    }
}

/// `label      value     what there is to say of it`, which goes on below itself.
pub fn field(row: &RowId, label: &str, value: (&str, Role), says: &str, width: u16) -> Vec<Line> {
    let value_width = VALUE.max(cells(value.0) + 2);
    let mut pieces = wrap(&clean(says), width.saturating_sub(LABEL + value_width).max(16)).into_iter();
    let first = pieces.next().unwrap_or_default();
    let spans = vec![
        (padded(label, LABEL), Role::Dim),
        (padded(value.0, value_width), value.1),
        (first.trim_end().to_owned(), Role::Dim),
    ];
    let mut lines = vec![Line::rich(spans).of(row.clone())];
    let indent = usize::from(LABEL + value_width);
    let more = |piece: String| Line::text(format!("{:indent$}{}", "", piece.trim_end()), Role::Dim).of(row.clone());
    lines.extend(pieces.map(more));
    lines
}

/// Text below a field, wrapped to `width` cells and indented to where values stand.
pub fn below(text: &str, role: Role, width: u16) -> Vec<Line> {
    let room = width.saturating_sub(LABEL);
    let pieces = text.lines().flat_map(|line| wrap(&clean(line), room));
    pieces.map(|piece| Line::text(format!("{:LABEL$}{}", "", piece.trim_end(), LABEL = usize::from(LABEL)), role)).collect()
}

/// Text filled up to so many cells, and one more.
pub fn padded(text: &str, width: u16) -> String {
    let missing = width.saturating_sub(cells(text)).max(1);
    format!("{text}{:1$}", "", usize::from(missing))
}

/// The sign and role of a verdict.
pub fn verdict(verdict: Verdict) -> (Glyph, Role) {
    match verdict {
        Verdict::Ok => (Glyph::Done, Role::Ok),
        Verdict::Note => (Glyph::Dot, Role::Dim),
        Verdict::Missing => (Glyph::Failed, Role::Failed),
    }
}

/// A finding: what was found, and what to do where there is something to do.
pub fn finding(theme: &Theme, label: &str, finding: &Finding, width: u16) -> Vec<Line> {
    let (glyph, role) = verdict(finding.verdict);
    let text = if finding.verdict == Verdict::Missing { Role::Text } else { Role::Dim };
    let mut pieces = wrap(&clean(finding.found.lines().next().unwrap_or_default()), width.saturating_sub(LABEL + 2)).into_iter();
    let first = pieces.next().unwrap_or_default();
    let mut lines = vec![Line::rich(vec![
        (padded(label, LABEL), Role::Dim),
        (format!("{} ", theme.glyph(glyph)), role),
        (first.trim_end().to_owned(), text),
    ])];
    let indent = |piece: String, role| Line::text(format!("{:1$}{2}", "", usize::from(LABEL + 2), piece.trim_end()), role);
    lines.extend(pieces.map(|piece| indent(piece, text)));
    if !finding.next.is_empty() && finding.verdict != Verdict::Ok {
        let pieces = finding.next.lines().flat_map(|line| wrap(&clean(line), width.saturating_sub(LABEL + 2)));
        lines.extend(pieces.map(|piece| indent(piece, Role::Text)));
    }
    lines
}

/// A finding that deserves a look: it names what it is about.
pub fn warning(theme: &Theme, label: &str, found: &Finding, width: u16) -> Vec<Line> {
    let named = Finding { found: format!("{}: {}", found.name, found.found), ..found.clone() };
    let mut lines = finding(theme, label, &named, width);
    if let Some(sign) = lines.first_mut().and_then(|line| line.spans.get_mut(1)) {
        *sign = (format!("{} ", theme.glyph(Glyph::Warn)), Role::Warn);
    }
    lines
}

/// The rows of a page, in their order.
pub fn rows(lines: &[Line]) -> Vec<RowId> {
    let mut rows: Vec<RowId> = Vec::new();
    for row in lines.iter().filter_map(|line| line.row.as_ref()) {
        if rows.last() != Some(row) {
            rows.push(row.clone());
        }
    }
    rows
}

/// The first of `lines` that is shown in `height` rows: all of the selected row is among them.
pub fn first_shown(lines: &[Line], selected: Option<&RowId>, height: usize) -> usize {
    let last = lines.len().saturating_sub(height);
    let of_row = |line: &Line| line.row.is_some() && line.row.as_ref() == selected;
    let Some(from) = lines.iter().position(of_row) else { return 0 };
    let to = lines.iter().rposition(of_row).unwrap_or(from);
    // One line more, where there is one: it shows that the page goes on.
    if to + 1 < height { 0 } else { (to + 2).saturating_sub(height).min(from).min(last) }
}

/// Draws lines from `first` on, the selected row marked. Returns where the marker is.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, lines: &[Line], selected: Option<&RowId>, first: usize) -> Option<u16> {
    let height = usize::from(area.height);
    let last = lines.len().saturating_sub(height);
    let mut marked = None;
    for (at, line) in lines.iter().skip(first).take(height).enumerate() {
        let y = area.y + at as u16;
        let here = Rect { y, height: 1, ..area };
        if line.row.is_some() && line.row.as_ref() == selected && marked.replace(marked.unwrap_or(y)).is_none() {
            canvas.tint(here, Role::Selected);
            canvas.glyph(area.x, y, Glyph::Selected, Role::Accent);
        }
        let spans = line.spans.iter().map(|(text, role)| (text.as_str(), *role));
        let used = canvas.spans(area.x + 2, y, area.width.saturating_sub(4), spans);
        if let Some(Art::Colours(profile)) = line.art {
            strip(canvas, Rect { x: area.x + 2 + used, width: area.width.saturating_sub(used + 4), ..here }, profile);
        }
    }
    let more = |canvas: &mut Canvas<'_>, y: u16, glyph| canvas.glyph(area.right().saturating_sub(1), y, glyph, Role::Dim);
    if first > 0 {
        more(canvas, area.y, Glyph::Up);
    }
    if first < last {
        more(canvas, area.bottom().saturating_sub(1), Glyph::Down);
    }
    marked
}

/// The colours of a profile, so that one sees whether the terminal has them. These are colours themselves, not the
/// look of anything, which is why no role names them.
fn strip(canvas: &mut Canvas<'_>, area: Rect, profile: Profile) {
    let width = area.width.min(48);
    for i in 0..width {
        let share = |steps: u16| u8::try_from(u32::from(i) * u32::from(steps) / u32::from(width.max(1))).unwrap_or(u8::MAX);
        let (symbol, style) = match profile {
            Profile::TrueColour => {
                let part = share(256);
                (" ", Style::new().bg(Color::Rgb(part, 160, 255 - part)))
            }
            Profile::Indexed => (
                " ",
                Style::new().bg(Color::Indexed(
                    [16, 17, 18, 19, 20, 21, 27, 33, 39, 45, 51, 50, 49, 48, 47, 46][usize::from(share(16)) & 15],
                )),
            ),
            Profile::Ansi => (" ", Style::new().bg(SIXTEEN[usize::from(share(16)) & 15])),
            Profile::Mono => {
                let (word, at) = [
                    ("bold ", Modifier::BOLD),
                    ("dim ", Modifier::DIM),
                    ("under ", Modifier::UNDERLINED),
                    ("back ", Modifier::REVERSED),
                ]
                .iter()
                .scan(0, |from, (word, modifier)| {
                    let start = *from;
                    *from += word.len();
                    Some((start, *word, *modifier))
                })
                .find(|(start, word, _)| (*start..start + word.len()).contains(&usize::from(i)))
                .map_or(("", (0, Modifier::empty())), |(start, word, modifier)| (word, (start, modifier)));
                let letter = word.get(usize::from(i) - at.0..).and_then(|rest| rest.get(..1)).unwrap_or(" ");
                (letter, Style::new().add_modifier(if letter == " " { Modifier::empty() } else { at.1 }))
            }
        };
        if let Some(cell) = canvas.buffer.cell_mut((area.x + i, area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}

const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        let row = |row: RowId| vec![Line::text("a", Role::Text).of(row.clone()), Line::text("b", Role::Text).of(row)];
        [row(RowId::Colours), vec![Line::gap()], row(RowId::Glyphs), row(RowId::Theme)].concat()
    }

    #[test]
    fn the_selected_row_is_in_sight_whole() {
        let lines = lines();
        for (row, range) in [(RowId::Colours, 0..2), (RowId::Glyphs, 3..5), (RowId::Theme, 5..7)] {
            for height in 2..9 {
                let first = first_shown(&lines, Some(&row), height);
                assert!(first <= range.start && range.end <= first + height, "{row:?} in {height}: from {first}");
                assert!(first == 0 || first + height <= lines.len(), "{row:?} in {height}: an empty end");
            }
        }
    }

    #[test]
    fn each_row_counts_once() {
        assert_eq!(rows(&lines()), [RowId::Colours, RowId::Glyphs, RowId::Theme]);
    }
}
