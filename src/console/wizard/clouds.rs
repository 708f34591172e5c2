//! Page 3: the clouds that are configured, the sandbox, and those that other programs are configured for; each tried
//! where this version has its driver.

use crate::config::setup::CloudAnswer;
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::wrap;
use crate::console::words;
use crate::facts;
use crate::model::text::clean;
use crate::model::{Capability, CloudName, Driver, Failure, Part};
use crate::protocol::Command;

use super::form::{Line, Rich, RowId, padded, warning};
use super::{Ask, Examined, Tried, Wizard};

/// Where what is said of a cloud begins.
const NAME: u16 = 16;

/// A cloud that can be chosen, or could be.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub name: CloudName,
    /// Its name where it was found.
    pub found: String,
    pub driver: Driver,
    /// Where it was found.
    pub source: String,
    pub endpoint: String,
    pub user: String,
    /// It is in the settings already.
    pub configured: bool,
    pub chosen: bool,
    /// Why it cannot be chosen.
    pub why_not: Option<String>,
    /// What is wrong with it as it is written.
    pub problem: Option<Failure>,
}

impl Wizard {
    /// All of them, in the order of the page.
    pub(super) fn entries(&self, model: &Model) -> Vec<Entry> {
        let known = |name: &CloudName| model.mirror.clouds.iter().find(|row| row.info.name == *name);
        let configured = self.begin.now.clouds.iter().map(|(name, cloud)| Entry {
            name: name.clone(),
            found: String::new(),
            driver: cloud.driver,
            source: known(name).map_or_else(|| "settings.toml".to_owned(), |row| row.info.source.clone()),
            endpoint: known(name).map(|row| row.info.endpoint.clone()).unwrap_or_default(),
            user: String::new(),
            configured: true,
            chosen: true,
            why_not: Some("it is configured already; quarterdeck cloud remove takes it out".to_owned()),
            problem: None,
        });
        let mut entries: Vec<Entry> = configured.collect();
        if !entries.iter().any(|entry| entry.driver == Driver::Sandbox) {
            entries.push(self.sandbox());
        }
        let found: Vec<Entry> = self.facts.iter().flat_map(|facts| &facts.clouds).map(|cloud| self.found(cloud)).collect();
        for entry in found {
            if !entries.iter().any(|other| other.name == entry.name && other.driver == entry.driver) {
                entries.push(entry);
            }
        }
        entries
    }

    fn sandbox(&self) -> Entry {
        let chosen = self.answers.clouds.iter().find(|(_, cloud)| cloud.driver == Driver::Sandbox);
        let name = chosen.map_or_else(|| CloudName::new("sandbox"), |(name, _)| name.clone());
        Entry {
            name,
            found: String::new(),
            driver: Driver::Sandbox,
            source: "machines on this computer, no account needed".to_owned(),
            endpoint: String::new(),
            user: String::new(),
            configured: false,
            chosen: chosen.is_some(),
            why_not: None,
            problem: None,
        }
    }

    fn found(&self, cloud: &crate::config::foreign::FoundCloud) -> Entry {
        let name = CloudName::new(cloud.home_name());
        let drivers = match &self.examined {
            Examined::Done { drivers, .. } => drivers.as_slice(),
            _ => &[],
        };
        let why_not = match &self.examined {
            Examined::Asking => Some("the engine is still being asked".to_owned()),
            _ => cloud.problem.as_ref().map(|problem| problem.got.clone()).or_else(|| facts::why_not(cloud.driver, drivers)),
        };
        Entry {
            chosen: self.answers.clouds.get(&name).is_some_and(|answer| answer.driver == cloud.driver),
            name,
            found: cloud.name.clone(),
            driver: cloud.driver,
            source: self.facts.as_ref().map_or_else(String::new, |facts| facts.short(&cloud.origin)),
            endpoint: cloud.endpoint.clone(),
            user: cloud.user.clone(),
            configured: false,
            why_not,
            problem: cloud.problem.clone(),
        }
    }

    pub(super) fn clouds_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let mut lines = Vec::new();
        for entry in self.entries(model) {
            lines.extend(self.entry_lines(model, &entry, width));
        }
        // Files that cannot be read, and secrets that others can.
        let findings = self.facts.iter().flat_map(|facts| &facts.findings).filter(|found| found.part == Part::Clouds);
        let mut label = "look at";
        for found in findings {
            if !label.is_empty() {
                lines.push(Line::gap());
            }
            lines.extend(warning(&model.theme, std::mem::take(&mut label), found, width));
        }
        if self.facts.is_none() {
            lines.push(Line::text("  looking for clouds of other programs…", Role::Dim));
        }
        lines
    }

    fn entry_lines(&self, model: &Model, entry: &Entry, width: u16) -> Vec<Line> {
        let row = RowId::Cloud(entry.name.clone());
        let glyph = |glyph| model.theme.glyph(glyph);
        let usable = entry.configured || entry.why_not.is_none();
        let dot = match (entry.chosen, usable) {
            (true, _) => (Glyph::On, Role::Accent),
            (false, true) => (Glyph::Off, Role::Dim),
            (false, false) => (Glyph::Skipped, Role::Disabled),
        };
        let (name, text) = if usable { (Role::Strong, Role::Dim) } else { (Role::Disabled, Role::Disabled) };
        let source = if entry.configured { format!("configured in {}", entry.source) } else { entry.source.clone() };
        let first = vec![
            (format!("{} ", glyph(dot.0)), dot.1),
            (padded(entry.name.as_str(), NAME - 2), name),
            (padded(&entry.driver.to_string(), 11), text),
            (source, text),
        ];
        let mut lines = vec![Line::rich(first).of(row.clone())];
        let mut add = |text: &str, role: Role| {
            for piece in wrap(&clean(text), width.saturating_sub(NAME)) {
                lines.push(Line::text(format!("{:1$}{2}", "", usize::from(NAME), piece.trim_end()), role).of(row.clone()));
            }
        };
        match self.trials.get(&entry.name).filter(|_| usable) {
            Some(Tried::Failed(failure)) => {
                add(&format!("{} {}", glyph(Glyph::Failed), failure.line()), Role::Failed);
                if !failure.next.is_empty() {
                    add(&failure.next, Role::Text);
                }
            }
            Some(Tried::Asking) => add("asking…", Role::Dim),
            Some(Tried::Answers(trial)) => {
                let sizes = [
                    words::many(trial.flavors.len() as u64, "flavor"),
                    words::many(trial.images.len() as u64, "image"),
                    format!("as {}", trial.identity.user),
                ];
                let time = format!("{}.{:02} s", trial.took_ms / 1000, trial.took_ms % 1000 / 10);
                add(&format!("{} {time}   {}", glyph(Glyph::Done), sizes.join("   ")), Role::Ok);
            }
            None => {}
        }
        if !usable {
            let version = self.facts.as_ref().and_then(|facts| facts.docker.get(&entry.found)?.as_ref().ok());
            let version = version.filter(|_| entry.driver == Driver::Docker).map(|version| format!("engine {version}"));
            let place = [entry.endpoint.as_str(), entry.user.as_str(), version.as_deref().unwrap_or_default()];
            let place = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("   ");
            if !place.is_empty() {
                add(&place, Role::Dim);
            }
            match (&entry.problem, &entry.why_not) {
                (Some(problem), _) => add(&format!("{}; {}", problem.got, problem.next), Role::Dim),
                (None, Some(why)) => add(why, Role::Dim),
                (None, None) => {}
            }
        }
        lines
    }

    /// What there is to know of the selected cloud.
    pub(super) fn cloud_aside(&self, model: &Model, width: u16) -> Vec<Line> {
        let lines = self.clouds_lines(model, width);
        let Some(RowId::Cloud(name)) = self.selected(&lines) else { return Vec::new() };
        let Some(Tried::Answers(trial)) = self.trials.get(&name) else { return Vec::new() };
        let mut lines = vec![Line::text(format!("{name}: worth knowing"), Role::Title)];
        let mut add = |text: &str, role: Role| {
            for (at, piece) in wrap(&clean(text), width.saturating_sub(2)).into_iter().enumerate() {
                let mark = if at == 0 { model.theme.glyph(Glyph::Dot) } else { " " };
                lines.push(Line::rich(vec![(format!("{mark} "), Role::Dim), (piece.trim_end().to_owned(), role)]));
            }
        };
        for note in &trial.identity.notes {
            add(note, Role::Text);
        }
        for (what, capability) in &trial.capabilities.0 {
            let what = what.replace('_', " ");
            match capability {
                Capability::Yes => {}
                Capability::Limited { note } => add(&format!("{what}: {note}"), Role::Dim),
                Capability::No { reason } => add(&format!("no {what}: {reason}"), Role::Dim),
            }
        }
        lines
    }

    /// Tries every cloud that can be chosen and has not been tried.
    pub(super) fn try_clouds(&mut self, model: &mut Model) {
        if self.examined == Examined::Asking {
            return;
        }
        for entry in self.entries(model) {
            if (entry.configured || entry.why_not.is_none()) && !self.trials.contains_key(&entry.name) {
                self.try_cloud(model, &entry);
            }
        }
    }

    /// Tries one, again if it was tried before.
    pub(super) fn try_cloud(&mut self, model: &mut Model, entry: &Entry) {
        let settings = self.answers.clouds.get(&entry.name).map(|cloud| cloud.values.clone()).unwrap_or_default();
        let command = Command::CloudTry { name: entry.name.clone(), driver: entry.driver, settings };
        self.trials.insert(entry.name.clone(), Tried::Asking);
        model.request(Slot::Setup(Ask::Trial(entry.name.clone())), command);
    }

    /// The cloud of a row.
    pub(super) fn entry(&self, model: &Model, name: &CloudName) -> Option<Entry> {
        self.entries(model).into_iter().find(|entry| entry.name == *name)
    }

    /// Chooses a cloud, or no longer.
    pub(super) fn choose_cloud(&mut self, model: &mut Model, name: &CloudName) {
        let Some(entry) = self.entry(model, name) else { return };
        if let Some(why) = &entry.why_not {
            return model.say(why.clone(), Role::Warn);
        }
        if entry.chosen {
            self.answers.clouds.remove(name);
        } else {
            self.answers.clouds.insert(name.clone(), CloudAnswer::of(entry.driver));
        }
        let there = |name: &CloudName| self.answers.clouds.contains_key(name);
        if !self.answers.default_cloud.as_ref().is_some_and(there) {
            self.answers.default_cloud = self.answers.clouds.keys().next().cloned();
        }
    }

    /// Gives a cloud that is not configured so far another name.
    pub(super) fn rename_cloud(&mut self, model: &mut Model, old: &CloudName, name: &str) {
        let new = CloudName::new(name.trim());
        if new == *old {
            return;
        }
        if !crate::model::ids::is_name(new.as_str()) {
            return model.say("a name is a-z, 0-9, - and _, a letter or digit first", Role::Warn);
        }
        if self.answers.clouds.contains_key(&new) || self.begin.now.clouds.contains_key(&new) {
            return model.say(format!("there is a cloud {new} already"), Role::Warn);
        }
        let Some(cloud) = self.answers.clouds.remove(old) else { return };
        self.answers.clouds.insert(new.clone(), cloud);
        if self.answers.default_cloud.as_ref() == Some(old) {
            self.answers.default_cloud = Some(new.clone());
        }
        if let Some(first) = self.answers.first_cluster.as_mut().filter(|first| first.cloud.as_ref() == Some(old)) {
            first.cloud = Some(new.clone());
        }
        self.select(RowId::Cloud(new));
        self.try_clouds(model);
    }

    /// What a cloud answered, when it did.
    pub(super) fn trial(&self, name: &CloudName) -> Option<&crate::protocol::command::Trial> {
        match self.trials.get(name)? {
            Tried::Answers(trial) => Some(trial),
            _ => None,
        }
    }
}

/// Columns of a table as a line.
pub fn columns(cells: &[(String, u16, Role)]) -> Rich {
    cells.iter().map(|(text, width, role)| (padded(text, *width), *role)).collect()
}
