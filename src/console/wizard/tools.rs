//! Page 2: Python and Ansible, Docker, SSH, and what the sandbox needs of the kernel.

use crate::config::setup::AnsibleChoice;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::model::time::work_duration;
use crate::model::{Driver, Finding, Part, RunState, Verdict};

use super::form::{LABEL, Line, Rich, RowId, below, finding, padded, warning};
use super::{Examined, Wizard};

/// What a managed Ansible takes on the disk and of time, as measured.
const COSTS: &str = "74 MB, about 10 s";

impl Wizard {
    pub(super) fn tools_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let mut lines = Vec::new();
        for (choice, name) in
            [(AnsibleChoice::Managed, "managed"), (AnsibleChoice::Path, "on the PATH"), (AnsibleChoice::None, "none")]
        {
            let label = if choice == AnsibleChoice::Managed { "ansible" } else { "" };
            let chosen = self.answers.ansible == Some(choice);
            let can = self.why_not_ansible(choice).is_none();
            let dot = if chosen { (Glyph::On, Role::Accent) } else { (Glyph::Off, Role::Dim) };
            let mut spans: Rich = vec![
                (padded(label, LABEL), Role::Dim),
                (format!("{} ", model.theme.glyph(dot.0)), dot.1),
                (padded(name, 13), if can { Role::Strong } else { Role::Disabled }),
            ];
            let (first, more) = self.ansible_says(model, choice);
            spans.extend(first);
            let row = RowId::Ansible(choice);
            lines.push(Line::rich(spans).of(row.clone()));
            let indent = |line: Line| {
                let spans =
                    line.spans.into_iter().map(|(text, role)| (format!("{:15}{}", "", text.trim_start()), role)).collect();
                Line::rich([vec![(padded("", LABEL), Role::Dim)], spans].concat()).of(row.clone())
            };
            lines.extend(more.iter().flat_map(|(text, role)| below(text, *role, width.saturating_sub(15))).map(indent));
        }
        lines.push(Line::gap());
        lines.extend(self.other_tools(model, width));
        lines
    }

    /// What stands beside a choice of Ansible, and below it.
    fn ansible_says(&self, model: &Model, choice: AnsibleChoice) -> (Rich, Rich) {
        let glyph = |glyph| model.theme.glyph(glyph);
        let good = |text: &str| vec![(format!("{} ", glyph(Glyph::Done)), Role::Ok), (text.to_owned(), Role::Text)];
        let asking = || (vec![("looking…".to_owned(), Role::Dim)], Vec::new());
        match choice {
            AnsibleChoice::None => (vec![("playbooks cannot be run".to_owned(), Role::Dim)], Vec::new()),
            AnsibleChoice::Managed => self.managed_says(model),
            AnsibleChoice::Path => match self.finding("ansible on the path") {
                None if self.examined == Examined::Asking => asking(),
                Some(found) if found.verdict == Verdict::Ok => (good(&found.found), Vec::new()),
                Some(found) => (vec![(found.found.clone(), Role::Disabled)], Vec::new()),
                None => (vec![("unknown".to_owned(), Role::Dim)], Vec::new()),
            },
        }
    }

    fn managed_says(&self, model: &Model) -> (Rich, Rich) {
        let glyph = |glyph| model.theme.glyph(glyph);
        if let Some(run) = self.install.and_then(|number| model.mirror.runs().get(&number)) {
            let time = run.started.map(|from| work_duration(run.ended.unwrap_or(model.now).since(from))).unwrap_or_default();
            match run.state {
                RunState::Done => return (vec![(format!("{} installed in {time}", glyph(Glyph::Done)), Role::Ok)], Vec::new()),
                state if state.ended() => {
                    let failure = run.failure.clone().map(|failure| (failure.line(), failure.next)).unwrap_or_default();
                    let more = vec![(failure.0, Role::Text), (failure.1, Role::Text), ("i tries again".to_owned(), Role::Dim)];
                    let first = vec![(format!("{} run {} {state}", glyph(Glyph::Failed), run.number), Role::Failed)];
                    return (first, more.into_iter().filter(|(text, _)| !text.is_empty()).collect());
                }
                _ => {
                    let first = vec![(format!("{} installing, {time}", glyph(Glyph::Busy)), Role::Running)];
                    return (first, vec![(self.install_line.clone(), Role::Dim)]);
                }
            }
        }
        match self.finding("managed ansible") {
            None if self.examined == Examined::Asking => (vec![("looking…".to_owned(), Role::Dim)], Vec::new()),
            Some(found) if found.verdict == Verdict::Ok => {
                (vec![(format!("{} ", glyph(Glyph::Done)), Role::Ok), (found.found.clone(), Role::Text)], Vec::new())
            }
            _ => {
                let first = vec![(format!("not installed so far: {COSTS}"), Role::Text)];
                (first, vec![("i installs it now, while you go on; else it is done after the review".to_owned(), Role::Dim)])
            }
        }
    }

    /// Why a choice cannot be made.
    pub(super) fn why_not_ansible(&self, choice: AnsibleChoice) -> Option<String> {
        match choice {
            AnsibleChoice::Path => match self.finding("ansible on the path") {
                Some(found) if found.verdict == Verdict::Ok => None,
                Some(found) => Some(format!("the PATH has no Ansible that does: {}", found.found)),
                None => Some("it is still being looked for".to_owned()),
            },
            AnsibleChoice::Managed | AnsibleChoice::None => None,
        }
    }

    /// Why Ansible cannot be installed now.
    pub(super) fn why_no_install(&self, model: &Model) -> Option<String> {
        if let Some(run) = self.install.and_then(|number| model.mirror.runs().get(&number))
            && !run.state.ended()
        {
            return Some("it is being installed".to_owned());
        }
        if self.finding("managed ansible").is_some_and(|found| found.verdict == Verdict::Ok) || self.installed(model) {
            return Some("it is installed already".to_owned());
        }
        model.why_only_looking()
    }

    /// The installation that was begun here is done.
    pub(super) fn installed(&self, model: &Model) -> bool {
        self.install.and_then(|number| model.mirror.runs().get(&number)).is_some_and(|run| run.state == RunState::Done)
    }

    fn other_tools(&self, model: &Model, width: u16) -> Vec<Line> {
        let theme = &model.theme;
        let mut lines = Vec::new();
        for (name, label) in [("python", "python"), ("ssh client", "ssh"), ("ssh agent", "ssh agent"), ("ssh keys", "ssh keys")] {
            lines.extend(self.finding(name).map(|found| finding(theme, label, found, width)).unwrap_or_default());
        }
        lines.extend(self.secrets(Part::Tools).flat_map(|found| warning(theme, "", found, width)));
        lines.extend(self.docker_lines(model, width));
        let kernel = |engine: &[Finding]| -> Vec<Finding> { engine.iter().filter(|f| f.part == Part::Kernel).cloned().collect() };
        match &self.examined {
            Examined::Done { findings, .. } => {
                let (good, other): (Vec<Finding>, Vec<Finding>) =
                    kernel(findings).into_iter().partition(|f| f.verdict == Verdict::Ok);
                if !good.is_empty() {
                    let names: Vec<&str> = good.iter().map(|f| f.name.as_str()).collect();
                    let all = Finding::ok(Part::Kernel, "kernel", format!("for the sandbox: {}", names.join(", ")));
                    lines.extend(finding(theme, "kernel", &all, width));
                }
                for (at, found) in other.iter().enumerate() {
                    let label = if at == 0 && good.is_empty() { "kernel" } else { "" };
                    let named = Finding { found: format!("{}: {}", found.name, found.found), ..found.clone() };
                    lines.extend(finding(theme, label, &named, width));
                }
            }
            Examined::Failed(failure) => {
                lines.extend(finding(theme, "engine", &Finding::failed(Part::Engine, "engine", failure), width));
            }
            Examined::Asking => lines.push(Line::rich(vec![
                (padded("kernel", LABEL), Role::Dim),
                ("trying what the sandbox needs…".to_owned(), Role::Dim),
            ])),
        }
        lines
    }

    fn docker_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let mut lines = Vec::new();
        let engines: Vec<_> = facts.clouds.iter().filter(|cloud| cloud.driver == Driver::Docker).collect();
        for (at, cloud) in engines.iter().enumerate() {
            let label = if at == 0 { "docker" } else { "" };
            let found = match facts.docker.get(&cloud.name) {
                Some(Ok(version)) => {
                    Finding::ok(Part::Tools, "docker", format!("engine {version}   {}   {}", cloud.name, cloud.endpoint))
                }
                Some(Err(failure)) => {
                    Finding::note(Part::Tools, "docker", format!("{}: {}", cloud.name, failure.got)).next(failure.next.clone())
                }
                None => Finding::note(Part::Tools, "docker", format!("{}: not asked", cloud.name)),
            };
            lines.extend(finding(&model.theme, label, &found, width));
        }
        if engines.is_empty() {
            let none = Finding::note(Part::Tools, "docker", "no engine and no context");
            lines.extend(finding(&model.theme, "docker", &none, width));
        }
        lines
    }

    /// Warnings about files of other programs that others can read.
    pub(super) fn secrets(&self, part: Part) -> impl Iterator<Item = &Finding> {
        let own = self.facts.as_ref().map(|facts| facts.findings.as_slice()).unwrap_or_default();
        own.iter().filter(move |found| found.part == part && found.next.starts_with("chmod "))
    }
}
