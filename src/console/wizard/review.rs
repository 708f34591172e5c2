//! Page 6: every file that would change, as a difference, with its path and permissions; then what follows.

use crate::config::setup::{AnsibleChoice, Change, Kind, unified};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::wrap;
use crate::model::Verdict;
use crate::model::text::clean;

use super::effects::Wish;
use super::finish::Stage;
use super::form::{Line, padded};
use super::{Page, Wizard};

impl Wizard {
    /// Asks what would be written.
    pub(super) fn review(&mut self, model: &mut Model) {
        self.stage = Stage::Asking;
        model.setup(Wish::Propose(Box::new(self.final_answers())));
    }

    pub(super) fn review_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        match &self.stage {
            Stage::Asking => vec![Line::text("comparing with what is there…", Role::Dim)],
            Stage::Refused(failure) => {
                let mut lines = vec![Line::text(format!("{} {}", model.theme.glyph(Glyph::Failed), failure.tried), Role::Failed)];
                for (name, text) in [("at", &failure.at), ("got", &failure.got), ("next", &failure.next)] {
                    for (at, piece) in text.lines().flat_map(|line| wrap(&clean(line), width.saturating_sub(8))).enumerate() {
                        let label = if at == 0 { name } else { "" };
                        lines.push(Line::rich(vec![(padded(label, 8), Role::Dim), (piece.trim_end().to_owned(), Role::Text)]));
                    }
                }
                lines
            }
            Stage::Shown(_) if self.shows_answers => self.answers_lines(),
            Stage::Shown(changes) => self.changes_lines(model, changes),
            _ => self.finish_lines(model, width),
        }
    }

    fn changes_lines(&self, model: &Model, changes: &[Change]) -> Vec<Line> {
        let mut lines = self.then_lines(model);
        if changes.is_empty() {
            lines.insert(0, Line::text("Nothing: all settings are so already.", Role::Text));
            return lines;
        }
        for change in changes {
            let (what, role) = match &change.kind {
                Kind::Folder => ("new folder", Role::Ok),
                Kind::File { before: None, .. } => ("new file", Role::Ok),
                Kind::File { .. } => ("changed", Role::Changed),
            };
            lines.push(Line::gap());
            lines.push(Line::rich(vec![
                (padded(what, 11), role),
                (change.path.display().to_string(), Role::Strong),
                (format!("   {:04o}", change.mode), Role::Dim),
            ]));
            let Kind::File { before, after } = &change.kind else { continue };
            for diff in unified(before.as_deref().unwrap_or_default(), after) {
                let role = match diff.sign {
                    '+' => Role::Ok,
                    '-' => Role::Failed,
                    '@' => Role::Title,
                    _ => Role::Dim,
                };
                let text =
                    if diff.sign == '@' { format!("@@ {} @@", diff.text) } else { format!("{}{}", diff.sign, clean(&diff.text)) };
                lines.push(Line::text(format!("  {text}"), role));
            }
        }
        lines
    }

    /// What follows once everything is written.
    fn then_lines(&self, model: &Model) -> Vec<Line> {
        let answers = self.final_answers();
        let then = |text: String, keys: &str| {
            Line::rich(vec![(padded("then", 11), Role::Dim), (text, Role::Text), (format!("   {keys}"), Role::Dim)])
        };
        let mut lines = Vec::new();
        if answers.ansible == Some(AnsibleChoice::Managed) && !self.has_ansible(model) {
            lines.push(then("install Ansible into the data folder".to_owned(), ""));
        }
        match &answers.first_cluster {
            Some(first) => {
                let cloud = first.cloud.as_ref().or(answers.default_cloud.as_ref()).map(ToString::to_string).unwrap_or_default();
                lines.push(then(format!("plan the cluster {} on {cloud}", first.blueprint), "space: not now"));
            }
            None if self.why_no_first_cluster().is_none() => {
                lines.push(then("nothing".to_owned(), "space: a first cluster, hello"));
            }
            None => {}
        }
        let skipped: Vec<&str> = Page::ALL.into_iter().filter(|page| self.skipped.contains(page)).map(Page::name).collect();
        if !skipped.is_empty() {
            let text = format!("{} (passed over)", skipped.join(", "));
            lines.push(Line::rich(vec![(padded("as it is", 11), Role::Dim), (text, Role::Dim)]));
        }
        lines
    }

    /// Why there can be no first cluster.
    pub(super) fn why_no_first_cluster(&self) -> Option<String> {
        if self.answers.clouds.is_empty() {
            return Some("no cloud is chosen".to_owned());
        }
        (self.answers.ansible == Some(AnsibleChoice::None)).then(|| "its playbook needs Ansible".to_owned())
    }

    /// There is a managed Ansible, or one is being installed.
    pub(super) fn has_ansible(&self, model: &Model) -> bool {
        let under_way = self.install.and_then(|number| model.mirror.runs().get(&number)).is_some_and(|run| !run.state.ended());
        under_way || self.installed(model) || self.finding("managed ansible").is_some_and(|found| found.verdict == Verdict::Ok)
    }

    /// The file of answers that does the same without questions.
    fn answers_lines(&self) -> Vec<Line> {
        let mut lines =
            vec![Line::text("quarterdeck setup --answers FILE does the same with this file:", Role::Dim), Line::gap()];
        let role = |line: &str| if line.starts_with('[') { Role::Title } else { Role::Text };
        lines.extend(self.final_answers().render().lines().map(|line| Line::text(line, role(line))));
        lines
    }
}
