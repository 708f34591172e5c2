//! Where things stand, for every size: pure arithmetic, used for drawing and for knowing how many rows fit.

use ratatui::layout::Rect;

/// Smallest size that gets more than one message.
pub const LEAST: (u16, u16) = (40, 10);

/// The parts of a whole screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Cloud, quota, runs, people.
    pub pulse: Rect,
    /// Tabs, or the run's own line.
    pub head: Rect,
    pub body: Rect,
    /// Runs under way; empty when there is no room.
    pub activity: Rect,
    /// The rule over the last line; notices stand on it.
    pub foot_rule: u16,
    pub foot: Rect,
}

/// Divides a screen.
pub fn frame(area: Rect, with_activity: bool) -> Frame {
    let line = |y: u16| Rect::new(area.x, area.y + y, area.width, 1);
    let lines = match area.height {
        _ if !with_activity => 0,
        0..=19 => 0,
        20..=29 => 2,
        _ => 3,
    };
    let foot = area.height.saturating_sub(1);
    let foot_rule = area.height.saturating_sub(2);
    let activity_top = foot_rule.saturating_sub(lines);
    let body_bottom = if lines > 0 { activity_top.saturating_sub(1) } else { foot_rule };
    Frame {
        pulse: line(0),
        head: line(1),
        body: Rect::new(area.x, area.y + 3, area.width, body_bottom.saturating_sub(3)),
        activity: Rect::new(area.x, area.y + activity_top, area.width, lines),
        foot_rule: area.y + foot_rule,
        foot: line(foot),
    }
}

/// A list with something about the selected row below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListBody {
    pub table: Rect,
    /// The rule between, when there is a lower part.
    pub rule: Option<u16>,
    pub detail: Rect,
}

/// Divides a body; `detail` is how many lines the lower part would like.
pub fn list_body(body: Rect, detail: u16) -> ListBody {
    // The table keeps at least its title and four rows.
    let room = body.height.saturating_sub(6);
    let detail = detail.min(room).min(body.height / 2);
    if detail < 2 {
        return ListBody { table: body, rule: None, detail: Rect { height: 0, ..body } };
    }
    let table = Rect { height: body.height - detail - 1, ..body };
    let rule = table.bottom();
    ListBody { table, rule: Some(rule), detail: Rect { y: rule + 1, height: detail, ..body } }
}

/// The parts of a run's screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunBody {
    /// What failed; no lines when nothing did.
    pub failure: Rect,
    /// Steps, plays, hosts; where only one fits, they all stand in the same place.
    pub parts: [Rect; 3],
    /// All parts are side by side.
    pub side_by_side: bool,
    /// The line over the output; the output itself.
    pub output_head: Rect,
    pub output: Rect,
    /// Only the focused part fits: it has the whole body, below its line of titles.
    pub single: bool,
    /// Titles of the parts, where only one is shown.
    pub titles: Rect,
}

/// Divides a run's body. `playbooks`: it has any, so plays and hosts need room from the start.
pub fn run_body(body: Rect, failure_lines: u16, playbooks: bool) -> RunBody {
    let failure_lines = failure_lines.min(body.height / 3);
    let failure = Rect { height: failure_lines, ..body };
    let rest = Rect { y: body.y + failure_lines, height: body.height - failure_lines, ..body };
    let none = Rect { height: 0, ..rest };
    if body.height < 14 {
        let titles = Rect { height: 1.min(rest.height), ..rest };
        let inner = Rect { y: rest.y + titles.height, height: rest.height - titles.height, ..rest };
        return RunBody {
            failure,
            parts: [inner; 3],
            side_by_side: false,
            output_head: none,
            output: inner,
            single: true,
            titles,
        };
    }
    let upper = (rest.height * 9 / 20).max(6);
    let output_head = Rect { y: rest.y + upper + 1, height: 1, ..rest };
    let output = Rect { y: output_head.y + 1, height: rest.height.saturating_sub(upper + 2), ..rest };
    let upper = Rect { height: upper, ..rest };
    if playbooks && body.width >= 100 {
        let w = upper.width;
        let (steps, hosts) = ((w * 31 / 100).min(64), (w * 32 / 100).min(70));
        let plays = w - steps - hosts;
        let parts = [
            Rect { width: steps, ..upper },
            Rect { x: upper.x + steps, width: plays, ..upper },
            Rect { x: upper.x + steps + plays, width: hosts, ..upper },
        ];
        return RunBody { failure, parts, side_by_side: true, output_head, output, single: false, titles: none };
    }
    let titles = Rect { height: 1, ..upper };
    let inner = Rect { y: upper.y + 1, height: upper.height - 1, ..upper };
    RunBody { failure, parts: [inner; 3], side_by_side: false, output_head, output, single: false, titles }
}

/// A box in the middle of the screen, no larger than the screen.
pub fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width.saturating_sub(2)).max(10);
    let height = height.min(area.height.saturating_sub(2)).max(3);
    let x = area.x + area.width.saturating_sub(width) / 2;
    let y = area.y + area.height.saturating_sub(height) * 2 / 5;
    Rect::new(x, y, width, height).intersection(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_overlap_and_stay_inside() {
        for width in 40..220 {
            for height in 10..70 {
                let area = Rect::new(0, 0, width, height);
                let frame = frame(area, true);
                assert!(frame.body.bottom() <= frame.foot_rule, "{width}x{height}");
                assert!(frame.activity.height == 0 || frame.activity.top() > frame.body.bottom() - 1, "{width}x{height}");
                assert!(frame.foot.bottom() <= height);
                let list = list_body(frame.body, 7);
                assert!(list.table.bottom() <= frame.body.bottom() && list.detail.bottom() <= frame.body.bottom());
                for playbooks in [false, true] {
                    let run = run_body(frame.body, 2, playbooks);
                    assert!(run.output.bottom() <= frame.body.bottom(), "{width}x{height} {run:?}");
                    assert!(run.single || run.parts[0].bottom() < run.output_head.y, "{width}x{height} {run:?}");
                }
            }
        }
    }
}
