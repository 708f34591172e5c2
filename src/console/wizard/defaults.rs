//! Page 4: the default cloud, and each cloud's default flavor and image, picked from its live lists.

use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::words;
use crate::model::CloudName;

use super::clouds::columns;
use super::form::{Line, RowId, field};
use super::picker::Picker;
use super::{Tried, Wizard};

/// What stands where nothing is chosen.
const NONE: &str = "none";
/// Memory with which a system runs with ease, MiB.
const EASE_MB: u64 = 512;
/// Rows of a list that are shown beside.
const LISTED: usize = 12;

impl Wizard {
    pub(super) fn defaults_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        if self.answers.clouds.is_empty() {
            return vec![Line::text("No cloud is chosen, so there is nothing to choose from.", Role::Text)];
        }
        let several = self.answers.clouds.len() > 1;
        let default = self.answers.default_cloud.as_ref().map_or(NONE, CloudName::as_str);
        let says = if several { "for commands that name no cloud" } else { "the only one" };
        let mut lines = field(&RowId::DefaultCloud, "cloud", (default, Role::Strong), says, width);
        for (name, cloud) in &self.answers.clouds {
            lines.push(Line::gap());
            let mut head = vec![(name.to_string(), Role::Title)];
            match self.trials.get(name) {
                Some(Tried::Asking) => head.push(("   asking…".to_owned(), Role::Dim)),
                Some(Tried::Failed(failure)) => {
                    head.push((format!("   {} {}", model.theme.glyph(Glyph::Failed), failure.got), Role::Failed));
                }
                _ => {}
            }
            lines.push(Line::rich(head));
            for (row, label, value) in
                [(RowId::Flavor(name.clone()), "flavor", &cloud.flavor), (RowId::Image(name.clone()), "image", &cloud.image)]
            {
                let says = match value {
                    Some(value) => self.says(&row, value),
                    None => format!("of {}: every spec and command names one", words::many(self.names(&row).len() as u64, label)),
                };
                lines.extend(field(&row, label, (value.as_deref().unwrap_or(NONE), Role::Strong), &says, width));
            }
        }
        lines
    }

    /// The names that a row can have.
    pub(super) fn names(&self, row: &RowId) -> Vec<String> {
        match row {
            RowId::DefaultCloud => self.answers.clouds.keys().map(ToString::to_string).collect(),
            RowId::Flavor(cloud) => {
                self.trial(cloud).map(|trial| trial.flavors.iter().map(|f| f.name.clone()).collect()).unwrap_or_default()
            }
            RowId::Image(cloud) => {
                self.trial(cloud).map(|trial| trial.images.iter().map(|i| i.name.clone()).collect()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// What is known of one of them.
    fn says(&self, row: &RowId, name: &str) -> String {
        match row {
            RowId::Flavor(cloud) => {
                let found = self.trial(cloud).and_then(|trial| trial.flavors.iter().find(|flavor| flavor.name == name));
                found.map_or_else(String::new, |f| {
                    format!(
                        "{}   {}   {} disk",
                        words::many(f.vcpus.into(), "vcpu"),
                        words::bytes(f.ram_mb << 20),
                        words::bytes(f.disk_gb << 30)
                    )
                })
            }
            RowId::Image(cloud) => {
                let found = self.trial(cloud).and_then(|trial| trial.images.iter().find(|image| image.name == name));
                let parts = found.map(|image| {
                    let user = image.ssh_user.as_ref().map(|user| format!("log in as {user}"));
                    [image.size.map(words::bytes), user].into_iter().flatten().collect::<Vec<_>>().join("   ")
                });
                parts.unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    /// What a row has now.
    fn value(&self, row: &RowId) -> Option<String> {
        match row {
            RowId::DefaultCloud => self.answers.default_cloud.as_ref().map(ToString::to_string),
            RowId::Flavor(cloud) => self.answers.clouds.get(cloud)?.flavor.clone(),
            RowId::Image(cloud) => self.answers.clouds.get(cloud)?.image.clone(),
            _ => None,
        }
    }

    /// Gives a row a value, or none.
    pub(super) fn name_default(&mut self, row: &RowId, name: Option<String>) {
        match row {
            RowId::DefaultCloud => self.answers.default_cloud = name.map(CloudName::new).or(self.answers.default_cloud.take()),
            RowId::Flavor(cloud) => {
                if let Some(cloud) = self.answers.clouds.get_mut(cloud) {
                    cloud.flavor = name;
                }
            }
            RowId::Image(cloud) => {
                if let Some(cloud) = self.answers.clouds.get_mut(cloud) {
                    cloud.image = name;
                }
            }
            _ => {}
        }
    }

    /// The next or previous name; before the first and after the last there is none, but for the default cloud.
    pub(super) fn change_default(&mut self, model: &mut Model, row: &RowId, forward: bool) {
        let names = self.names(row);
        if names.is_empty() {
            return model.say("the cloud has not told what it has", Role::Warn);
        }
        let mut all: Vec<Option<String>> = names.into_iter().map(Some).collect();
        if *row != RowId::DefaultCloud {
            all.insert(0, None);
        }
        let now = self.value(row);
        let at = all.iter().position(|name| *name == now).unwrap_or(0);
        let next = (at + if forward { 1 } else { all.len() - 1 }) % all.len();
        self.name_default(row, all.swap_remove(next));
    }

    /// Proposes a flavor and an image of a cloud that is new here: the only image, the smallest flavor that runs a
    /// system with ease.
    pub(super) fn propose_defaults(&mut self, name: &CloudName) {
        let Some(trial) = self.trial(name) else { return };
        let mut flavors: Vec<_> = trial.flavors.iter().collect();
        flavors.sort_by_key(|flavor| (flavor.ram_mb, flavor.vcpus));
        let flavor = flavors.iter().find(|flavor| flavor.ram_mb >= EASE_MB).or(flavors.last()).map(|flavor| flavor.name.clone());
        let image = match trial.images.as_slice() {
            [only] => Some(only.name.clone()),
            _ => None,
        };
        if self.begin.draft.is_some() || self.begin.now.clouds.contains_key(name) {
            return;
        }
        if let Some(cloud) = self.answers.clouds.get_mut(name).filter(|cloud| cloud.flavor.is_none() && cloud.image.is_none()) {
            (cloud.flavor, cloud.image) = (flavor, image);
        }
    }

    /// Opens the list of names of a row, to find one by typing.
    pub(super) fn pick_default(&mut self, model: &mut Model, row: &RowId) {
        let names = self.names(row);
        if names.is_empty() {
            return model.say("the cloud has not told what it has", Role::Warn);
        }
        let items = names.into_iter().map(|name| (name.clone(), self.says(row, &name))).collect();
        let title = match row {
            RowId::Flavor(cloud) => format!("flavors of {cloud}"),
            RowId::Image(cloud) => format!("images of {cloud}"),
            _ => "clouds".to_owned(),
        };
        self.picker = Some(Picker::new(row.clone(), title, items, self.value(row).as_deref()));
    }

    /// The list behind the selected row.
    pub(super) fn defaults_aside(&self, model: &Model) -> Vec<Line> {
        let lines = self.defaults_lines(model, 80);
        let Some(row) = self.selected(&lines) else { return Vec::new() };
        let (names, now) = (self.names(&row), self.value(&row));
        if names.len() < 2 || row == RowId::DefaultCloud {
            return Vec::new();
        }
        let title = if matches!(row, RowId::Flavor(_)) { "FLAVORS" } else { "IMAGES" };
        let mut lines = vec![Line::text(title, Role::Title)];
        let at = now.as_ref().and_then(|now| names.iter().position(|name| name == now)).unwrap_or(0);
        let first = at.saturating_sub(LISTED / 2).min(names.len().saturating_sub(LISTED));
        for name in names.iter().skip(first).take(LISTED) {
            let (mark, role) =
                if Some(name) == now.as_ref() { (Glyph::Selected, Role::Strong) } else { (Glyph::Dot, Role::Text) };
            let mut spans =
                vec![(format!("{} ", model.theme.glyph(mark)), if mark == Glyph::Selected { Role::Accent } else { Role::Faint })];
            spans.extend(columns(&[(name.clone(), 18, role), (self.says(&row, name), 40, Role::Dim)]));
            lines.push(Line::rich(spans));
        }
        if names.len() > LISTED {
            lines
                .push(Line::text(format!("  {} in all: space finds one by typing", words::count(names.len() as u64)), Role::Dim));
        }
        lines
    }
}
