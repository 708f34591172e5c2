//! A plan as a person reads it before saying yes.

use std::collections::BTreeSet;

use super::spec::PlaybookSpec;
use super::text::clean;
use super::{NodeState, Plan, PlanKind, PlannedStep, Ports, QuotaEffect, Work};

/// What a row says of its nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Create,
    Replace,
    Delete,
    Start,
    Keep,
}

impl Sign {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Create => ("+", "create"),
            Self::Replace => ("±", "replace"),
            Self::Delete => ("-", "delete"),
            Self::Start => ("^", "start"),
            Self::Keep => (" ", "keep"),
        }
    }
}

/// Nodes next to each other to which the same happens.
struct Row<'a> {
    sign: Sign,
    first: &'a str,
    last: &'a str,
    count: u32,
    flavor: &'a str,
    image: &'a str,
    cloud: &'a str,
    via: Option<&'a str>,
}

impl Plan {
    /// What a person reads before saying yes: aligned lines, no colour, safe to show. Long groups take one line.
    pub fn preview(&self) -> Vec<String> {
        let mut lines = vec![self.headline()];
        let rows = table(&self.rows());
        let calls = self.steps.iter().filter_map(|step| if let Work::Playbook { call } = &step.work { Some(call) } else { None });
        let networks = self.steps.iter().filter(|step| step.work.carries()).map(network);
        let parts = [
            ("network", networks.collect()),
            ("playbook", calls.map(|call| playbook(call)).collect()),
            ("quota", self.quota.iter().map(|effect| quota(effect, self)).collect()),
            ("warning", self.warnings.clone()),
        ];
        for block in [rows, parts.into_iter().flat_map(|(name, values)| named(name, values)).collect()] {
            if !block.is_empty() {
                lines.push(String::new());
                lines.extend(block);
            }
        }
        lines.iter().map(|line| clean(line).into_owned()).collect()
    }

    /// One line: what it does, in numbers.
    pub fn headline(&self) -> String {
        let (name, cloud) = (&self.cluster_name, &self.cloud);
        let verb = match self.kind {
            PlanKind::Create if self.saw_revision.is_some() => format!("bring cluster {name} on {cloud} to its spec"),
            PlanKind::Playbook => format!("run on cluster {name} on {cloud}"),
            kind => format!("{kind} cluster {name} on {cloud}"),
        };
        if self.steps.is_empty() {
            return format!("{verb}: nothing to do");
        }
        let counts = &self.counts;
        let keep = if self.kind == PlanKind::Playbook { 0 } else { counts.keep };
        let parts = [
            (counts.create, "server", "to create"),
            (counts.delete, "server", "to delete"),
            (counts.start, "server", "to start"),
            (keep, "node", "to keep"),
            (counts.playbooks, "playbook", "to run"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, rest)| format!("{count} {what}{} {rest}", if *count == 1 { "" } else { "s" }))
            .collect();
        format!("{verb}: {}", if parts.is_empty() { "nothing to create or delete".to_owned() } else { parts.join(", ") })
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::new();
        let of = |which: &dyn Fn(&Work) -> bool| -> BTreeSet<&str> {
            self.steps.iter().filter(|step| which(&step.work)).filter_map(|step| step.node.as_deref()).collect()
        };
        let replaced = of(&|work| matches!(work, Work::DeleteServer { .. }));
        let started = of(&|work| matches!(work, Work::StartServer));
        let mut group = "";
        for node in &self.nodes {
            let sign = match node.state {
                NodeState::Planned if replaced.contains(node.name.as_str()) => Sign::Replace,
                NodeState::Planned => Sign::Create,
                NodeState::Deleting => Sign::Delete,
                _ if started.contains(node.name.as_str()) => Sign::Start,
                _ => Sign::Keep,
            };
            let row = Row {
                sign,
                first: &node.name,
                last: &node.name,
                count: 1,
                flavor: &node.flavor,
                image: &node.image,
                cloud: node.cloud.as_str(),
                via: node.via.as_deref(),
            };
            match rows.last_mut() {
                Some(before) if group == node.group && before.same(&row) => {
                    before.last = &node.name;
                    before.count += 1;
                }
                _ => rows.push(row),
            }
            group = &node.group;
        }
        rows
    }
}

impl Row<'_> {
    /// Whether the same happens to the nodes of both.
    fn same(&self, other: &Row<'_>) -> bool {
        self.sign == other.sign
            && (self.flavor, self.image, self.cloud, self.via) == (other.flavor, other.image, other.cloud, other.via)
    }

    fn cells(&self) -> [String; 7] {
        let (glyph, word) = self.sign.words();
        let several = self.count > 1;
        [
            format!("{glyph} {word}"),
            if several { format!("{} … {}", self.first, self.last) } else { self.first.to_owned() },
            if several { format!("×{}", self.count) } else { String::new() },
            self.flavor.to_owned(),
            self.image.to_owned(),
            self.cloud.to_owned(),
            self.via.map_or_else(String::new, |via| format!("through {via}")),
        ]
    }
}

/// The values below each other, the name before the first.
fn named(name: &str, values: Vec<String>) -> Vec<String> {
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    values.iter().zip(names).map(|(value, name)| format!("  {name:<10}{value}")).collect()
}

/// Rows in columns as wide as their widest cell.
fn table(rows: &[Row<'_>]) -> Vec<String> {
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let filled = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let line: String = filled.map(|(cell, width)| format!("  {cell:width$}")).collect();
        line.trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// What servers stand on.
fn network(step: &PlannedStep) -> String {
    match &step.work {
        Work::SecurityGroup { ports, .. } if ports.is_empty() => format!("{}: closed", step.title),
        Work::SecurityGroup { ports, .. } => {
            let ports: Vec<String> = ports.iter().map(Ports::to_string).collect();
            format!("{}: open for {}", step.title, ports.join(", "))
        }
        _ => format!("{}, with a router to the outside", step.title),
    }
}

fn playbook(call: &PlaybookSpec) -> String {
    let mut parts = vec![call.path.clone()];
    let words = [
        ("only tags", call.tags.join(" ")),
        ("without tags", call.skip_tags.join(" ")),
        ("only on", call.limit.clone().unwrap_or_default()),
    ];
    parts.extend(words.iter().filter(|(_, value)| !value.is_empty()).map(|(what, value)| format!("{what} {value}")));
    if call.check {
        parts.push("changes nothing (check)".to_owned());
    }
    parts.join(", ")
}

fn quota(effect: &QuotaEffect, plan: &Plan) -> String {
    let limit = effect.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("of {limit}"));
    let cloud = if effect.cloud == plan.cloud { String::new() } else { format!(" on {}", effect.cloud) };
    format!("{:<14}{:>8} → {:>8}  {limit}{cloud}", effect.name, effect.used, effect.after)
}
