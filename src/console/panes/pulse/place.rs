//! Which section gets how many rows, and where: pure arithmetic.

use ratatui::layout::Rect;

use super::Section;

/// From this width on there are two columns.
const TWO: u16 = 150;

/// Cells of the titles at the left of their sections.
pub const TITLES: u16 = 12;

/// A section in its place.
#[derive(Debug)]
pub struct Placed {
    pub section: Section,
    pub area: Rect,
}

/// The sections in the order in which one walks through them on a screen of this width.
pub fn in_order(sections: Vec<Section>, width: u16) -> Vec<Section> {
    if width < TWO {
        return sections;
    }
    let (right, mut left): (Vec<Section>, Vec<Section>) = sections.into_iter().partition(|s| s.right);
    left.extend(right);
    left
}

/// Gives every section its place in an area.
pub fn place(sections: Vec<Section>, area: Rect) -> Vec<Placed> {
    if area.width < TWO {
        return column(sections, area);
    }
    let (right, left): (Vec<Section>, Vec<Section>) = sections.into_iter().partition(|s| s.right);
    let half = area.width * 52 / 100;
    let mut placed = column(left, Rect { width: half - 2, ..area });
    placed.extend(column(right, Rect { x: area.x + half, width: area.width - half, ..area }));
    placed
}

/// One below the other: the least for as many as there is room for, then more for those that matter most, then air
/// between them.
fn column(sections: Vec<Section>, area: Rect) -> Vec<Placed> {
    let wish = |s: &Section| s.lines.len() as u16;
    let mut order: Vec<usize> = (0..sections.len()).collect();
    order.sort_by_key(|&i| sections[i].rank);
    let mut rows = vec![0u16; sections.len()];
    let mut left = area.height;
    for &i in &order {
        let least = sections[i].least.min(wish(&sections[i])).max(1);
        // What has a brief form has it where even the least does not fit.
        let given = if least <= left { least } else { left.min(u16::from(sections[i].brief.is_some() || least == 1)) };
        rows[i] = given;
        left -= given;
    }
    // Air first between the sections, while every one keeps growing room.
    let shown = rows.iter().filter(|r| **r > 0).count() as u16;
    let want: u16 = (0..sections.len()).filter(|&i| rows[i] > 0).map(|i| wish(&sections[i]).saturating_sub(rows[i])).sum();
    let air = if left >= want + shown.saturating_sub(1) { 1 } else { 0 };
    left -= air * shown.saturating_sub(1);
    // One more row to each in turn, the most important first.
    while left > 0 {
        let before = left;
        for &i in &order {
            if left > 0 && rows[i] > 0 && rows[i] < wish(&sections[i]) {
                rows[i] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    let mut y = area.y;
    let mut placed = Vec::new();
    for (i, section) in sections.into_iter().enumerate() {
        if rows[i] > 0 {
            placed.push(Placed { section, area: Rect { y, height: rows[i], ..area } });
            y += rows[i] + air;
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::*;

    fn section(lines: usize, least: u16, rank: u8, brief: bool) -> Section {
        let line = Line::plain(Vec::new());
        Section {
            title: "",
            lines: vec![line.clone(); lines],
            least,
            brief: brief.then_some(line),
            rank,
            right: rank.is_multiple_of(2),
        }
    }

    #[test]
    fn places_never_overlap_and_stay_inside() {
        for width in [40, 60, 80, 149, 150, 200] {
            for height in 1..60 {
                let area = Rect::new(0, 3, width, height);
                let all = vec![section(30, 1, 0, false), section(2, 1, 1, false), section(9, 1, 2, true), section(6, 2, 3, true)];
                let placed = place(all, area);
                assert!(!placed.is_empty(), "{width}x{height}");
                for (i, one) in placed.iter().enumerate() {
                    assert!(one.area.bottom() <= area.bottom() && one.area.right() <= area.right(), "{width}x{height} {one:?}");
                    for other in &placed[..i] {
                        assert!(!one.area.intersects(other.area), "{width}x{height}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_matters_most_grows_first() {
        let placed = column(vec![section(10, 1, 0, false), section(10, 1, 1, false)], Rect::new(0, 0, 60, 7));
        let rows: Vec<u16> = placed.iter().map(|p| p.area.height).collect();
        assert_eq!(rows, [4, 3]);
    }
}
