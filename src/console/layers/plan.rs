//! A plan before anything is done: what it makes and takes away, what it does to the quota, its steps, its warnings.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role, Theme};
use crate::console::widgets::canvas::{Canvas, cells, wrap};
use crate::console::widgets::field::Field;
use crate::console::words;
use crate::model::plan::QuotaEffect;
use crate::model::text::clean;
use crate::model::{Failure, Level, Plan, PlanKind, Ruling, Work};
use crate::protocol::Command;

use super::{Flow, frame};

/// Steps that are listed one by one; more are summed up by kind.
const LISTED: usize = 16;

/// How far it is.
enum Stage {
    /// The engine is planning.
    Planning,
    Shown(Box<Plan>),
    /// It was said yes to.
    Starting,
    /// It could not be planned, or not be started.
    Refused(Box<Failure>),
}

/// The plan that is looked at.
pub struct PlanLayer {
    title: String,
    stage: Stage,
    /// Makes the plan again.
    again: Command,
    top: usize,
    /// The cluster's name, typed, before it is deleted.
    name: Field,
    vault: Field,
    /// A guard wants the name.
    wants_name: bool,
    /// Why the guards are against it.
    against: Option<String>,
}

/// A line in pieces.
type Rich = Vec<(String, Role)>;

impl PlanLayer {
    /// Asks for the plan.
    pub fn ask(model: &mut Model, title: impl Into<String>, command: Command) -> Self {
        model.request(Slot::Plan, command.clone());
        Self {
            title: title.into(),
            stage: Stage::Planning,
            again: command,
            top: 0,
            name: Field::default(),
            vault: Field::secret(),
            wants_name: false,
            against: None,
        }
    }

    /// The plan came.
    pub fn show(&mut self, mut plan: Plan, ruling: Ruling, mark: &str) {
        let undo = plan.undoes.map_or_else(String::new, |run| format!("undo run {run}: "));
        self.title = format!("{undo}{} {}{mark}", plan.kind, plan.cluster_name);
        self.against = ruling.check(plan.touches()).err();
        if let Some(why) = &self.against {
            plan.warnings.insert(0, format!("a guard is in the way: {why}"));
        } else if ruling.level == Some(Level::Name) {
            plan.warnings.insert(0, format!("its name must be typed: {}", ruling.why));
        }
        let otherwise = if plan.kind == PlanKind::Delete { Level::Name } else { Level::Yes };
        self.wants_name = ruling.level_or(otherwise) == Level::Name;
        self.stage = Stage::Shown(Box::new(plan));
        self.top = 0;
    }

    /// It was refused.
    pub fn refuse(&mut self, failure: Failure) {
        self.stage = Stage::Refused(Box::new(failure));
        self.top = 0;
    }

    /// The command that leads here: the command line has it as one.
    pub fn command(&self) -> &Command {
        &self.again
    }

    fn needs_vault(plan: &Plan) -> bool {
        plan.steps.iter().any(|s| matches!(&s.work, Work::Playbook { call } if call.vault))
    }

    /// Scrolls, types, says yes or no.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match key.code {
            Code::Esc => {
                model.forget(&Slot::Plan);
                return Flow::Close;
            }
            Code::Up => self.top = self.top.saturating_sub(1),
            Code::Down => self.top += 1,
            Code::PageUp => self.top = self.top.saturating_sub(10),
            Code::PageDown => self.top += 10,
            Code::Enter => self.accept(model),
            Code::Char('r') if matches!(self.stage, Stage::Refused(_)) => {
                self.stage = Stage::Planning;
                model.request(Slot::Plan, self.again.clone());
            }
            _ => {
                if let Some(field) = self.field() {
                    field.key(key);
                }
            }
        }
        Flow::Stay
    }

    fn field(&mut self) -> Option<&mut Field> {
        let Stage::Shown(plan) = &self.stage else { return None };
        // The name first; once it is there, the password.
        match (self.wants_name, Self::needs_vault(plan)) {
            (true, vault) if !vault || self.name.text() != plan.cluster_name => Some(&mut self.name),
            (_, true) => Some(&mut self.vault),
            _ => None,
        }
    }

    fn accept(&mut self, model: &mut Model) {
        let Stage::Shown(plan) = &self.stage else { return };
        if let Some(why) = model.why_only_looking() {
            model.say(why, Role::Warn);
            return;
        }
        if let Some(why) = &self.against {
            model.say(why, Role::Warn);
            return;
        }
        if self.wants_name && self.name.text() != plan.cluster_name {
            model.say(format!("type {} to {} it", plan.cluster_name, verb(plan.kind)), Role::Warn);
            return;
        }
        let vault = Self::needs_vault(plan).then(|| self.vault.text().to_owned());
        model.request(Slot::Start, Command::Apply { plan: plan.id, vault_password: vault });
        self.stage = Stage::Starting;
        self.vault = Field::secret();
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = self.field() {
            field.insert(text);
        }
    }

    /// Draws the plan, or why there is none.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let width = area.width.saturating_sub(8).min(92);
        let (lines, edge): (Vec<Rich>, Role) = match &self.stage {
            Stage::Planning => (vec![vec![("planning…".into(), Role::Dim)]], Role::LayerEdge),
            Stage::Starting => (vec![vec![("starting…".into(), Role::Dim)]], Role::LayerEdge),
            Stage::Refused(failure) => (refusal(failure, width), Role::Danger),
            Stage::Shown(plan) => {
                let edge = if plan.kind == PlanKind::Delete { Role::Danger } else { Role::LayerEdge };
                (preview(plan, canvas.theme, width), edge)
            }
        };
        let extra = self.extra();
        let told = matches!(self.stage, Stage::Shown(_)) && area.height >= 16;
        let told_lines = if told { 2 } else { 0 };
        let extra_lines = if extra.is_some() { 2 } else { 0 } + told_lines;
        let height = (lines.len() as u16 + extra_lines).min(area.height.saturating_sub(4));
        let hints: &[(&str, &str)] = match &self.stage {
            Stage::Shown(plan) if plan.kind == PlanKind::Delete => &[("enter", "delete"), ("esc", "no")],
            Stage::Shown(_) => &[("enter", "do it"), ("esc", "no"), ("down", "more")],
            Stage::Refused(_) => &[("r", "plan again"), ("esc", "back")],
            _ => &[("esc", "back")],
        };
        let inside = frame::open(canvas, area, (width, height), &self.title, edge, hints);
        let room = usize::from(inside.height.saturating_sub(extra_lines));
        let top = self.top.min(lines.len().saturating_sub(room));
        for (row, line) in lines.iter().skip(top).take(room).enumerate() {
            canvas.spans(inside.x, inside.y + row as u16, inside.width, line.iter().map(|(t, r)| (t.as_str(), *r)));
        }
        if told {
            let place = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
            frame::same_as(model, canvas, place, &[&self.again]);
        }
        if let Some((label, field)) = extra {
            let y = inside.bottom().saturating_sub(1 + told_lines);
            let x = inside.x + canvas.text(inside.x, y, inside.width, &label, Role::Dim);
            field.draw(canvas, Rect { x, y, width: inside.right().saturating_sub(x), height: 1 }, true);
        }
    }

    fn extra(&self) -> Option<(String, &Field)> {
        let Stage::Shown(plan) = &self.stage else { return None };
        match (self.wants_name, Self::needs_vault(plan)) {
            (true, vault) if !vault || self.name.text() != plan.cluster_name => {
                Some((format!("type {} to {} it: ", plan.cluster_name, verb(plan.kind)), &self.name))
            }
            (_, true) => Some(("vault password: ".to_owned(), &self.vault)),
            _ => None,
        }
    }
}

/// What is done to the cluster, in `type NAME to … it`.
fn verb(kind: PlanKind) -> &'static str {
    match kind {
        PlanKind::Create => "create",
        PlanKind::Scale => "scale",
        PlanKind::Repair => "repair",
        PlanKind::Delete => "delete",
        PlanKind::Playbook => "run this on",
    }
}

fn refusal(failure: &Failure, width: u16) -> Vec<Rich> {
    let mut out = Vec::new();
    for (name, text, role) in [
        ("tried", &failure.tried, Role::Text),
        ("at", &failure.at, Role::Text),
        ("got", &failure.got, Role::Failed),
        ("next", &failure.next, Role::Strong),
    ] {
        let mut name = name;
        for line in text.lines().filter(|l| !l.is_empty()) {
            for piece in wrap(&clean(line), width.saturating_sub(7)) {
                out.push(vec![(format!("{name:<7}"), Role::Dim), (piece, role)]);
                name = "";
            }
        }
    }
    out
}

/// What a person reads before saying yes.
fn preview(plan: &Plan, theme: &Theme, width: u16) -> Vec<Rich> {
    let mut out = vec![counts(plan), Vec::new()];
    for warning in &plan.warnings {
        for (i, piece) in wrap(&clean(warning), width.saturating_sub(2)).into_iter().enumerate() {
            let sign = if i == 0 { theme.glyph(Glyph::Warn) } else { " " };
            out.push(vec![(format!("{sign} "), Role::Warn), (piece, Role::Warn)]);
        }
    }
    if !plan.warnings.is_empty() {
        out.push(Vec::new());
    }
    if !plan.quota.is_empty() {
        out.push(vec![(format!("{:<26}{:>10}{:>12}{:>12}", "QUOTA", "NOW", "AFTER", "LIMIT"), Role::Title)]);
        out.extend(plan.quota.iter().map(|effect| quota(effect, theme)));
        out.push(Vec::new());
    }
    out.push(vec![(format!("{} STEPS", plan.steps.len()), Role::Title)]);
    out.extend(steps(plan, theme));
    out
}

fn counts(plan: &Plan) -> Rich {
    let c = plan.counts;
    let mut line = vec![(format!("on {}   ", plan.cloud), Role::Text)];
    for (n, text, role) in [
        (c.create, format!("+{} to create", c.create), Role::Ok),
        (c.delete, format!("-{} to delete", c.delete), Role::Failed),
        (c.start, format!("{} to start", c.start), Role::Ok),
        (c.keep, format!("{} to keep", c.keep), Role::Dim),
        (c.playbooks, words::many(c.playbooks.into(), "playbook"), Role::Text),
    ] {
        if n > 0 {
            line.push((format!("{text}   "), role));
        }
    }
    line
}

fn quota(effect: &QuotaEffect, theme: &Theme) -> Rich {
    let amount = |n: u64| words::amount(&effect.name, n);
    let name = match effect.name.as_str() {
        "ram_mb" => "memory".to_owned(),
        "disk_gb" => "disk".to_owned(),
        other => other.replace('_', " "),
    };
    let limit = effect.limit.map_or_else(|| "none".to_owned(), amount);
    let role = if effect.exceeded() { Role::Failed } else { Role::Text };
    let mut line = vec![
        (format!("{:<26}{:>10}", format!("{name} on {}", effect.cloud), amount(effect.used)), Role::Text),
        (format!("{:>12}", amount(effect.after)), role),
        (format!("{limit:>12}"), Role::Dim),
    ];
    if effect.exceeded() {
        line.push((format!("  {} more than there is", theme.glyph(Glyph::Failed)), Role::Failed));
    }
    line
}

/// The steps; many of one kind become one line.
fn steps(plan: &Plan, theme: &Theme) -> Vec<Rich> {
    let dot = format!("{} ", theme.glyph(Glyph::Pending));
    if plan.steps.len() <= LISTED {
        return plan.steps.iter().map(|s| vec![(dot.clone(), Role::Pending), (s.title.clone(), Role::Text)]).collect();
    }
    let mut out: Vec<Rich> = Vec::new();
    let mut rest = plan.steps.as_slice();
    while let Some(first) = rest.first() {
        let kind = first.work.name();
        let run = rest.iter().take_while(|s| s.work.name() == kind).count();
        let mut line = vec![(dot.clone(), Role::Pending), (first.title.clone(), Role::Text)];
        if run > 1 {
            let last = &rest[run - 1].title;
            line.push((format!("  {} {}", theme.glyph(Glyph::Ellipsis), last), Role::Text));
            line.push((format!("   {run} steps"), Role::Dim));
        }
        debug_assert!(cells(&line[1].0) > 0 || first.title.is_empty());
        out.push(line);
        rest = &rest[run..];
    }
    out
}
