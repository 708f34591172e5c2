//! Compares what is measured with the table, and prints it.

use std::collections::BTreeSet;

use crate::table::{Budget, budgets};

/// How far above a limit a measurement may be on a machine that is shared with others.
const TOLERANCE: f64 = 3.0;

/// What was measured so far.
pub struct Report {
    budgets: Vec<Budget>,
    /// The ratio above which a measurement fails.
    most: f64,
    /// Part of the names that are wanted.
    only: String,
    seen: BTreeSet<String>,
    failed: Vec<String>,
}

impl Report {
    pub fn new(strict: bool, only: String) -> Self {
        let most = if strict { 1.0 } else { TOLERANCE };
        println!("{:<26} {:>12} {:>10}  {:<9} {:>6}", "name", "measured", "limit", "unit", "ratio");
        Self { budgets: budgets(), most, only, seen: BTreeSet::new(), failed: Vec::new() }
    }

    /// Whether any of the names is asked for: preparations for others can be left out.
    pub fn wants(&self, names: &[&str]) -> bool {
        names.iter().any(|name| name.contains(&self.only))
    }

    /// Whether this one is asked for by its own name or the beginning of it, beyond the room: then it may take its time.
    pub fn asked(&self, name: &str) -> bool {
        let (room, last) = name.split_once('.').unwrap_or(("", name));
        self.only == last || (self.only.len() > room.len() + 1 && name.starts_with(&self.only))
    }

    /// Measures `name` and compares; `work` answers in the unit of the table.
    ///
    /// # Panics
    /// The table has no such name.
    pub fn measure(&mut self, name: &str, work: impl FnOnce() -> f64) {
        if self.wants(&[name]) {
            self.take(name, work());
        }
    }

    /// Compares what was measured on the way.
    ///
    /// # Panics
    /// The table has no such name.
    pub fn take(&mut self, name: &str, measured: f64) {
        if !self.wants(&[name]) {
            return;
        }
        let budget = self.budgets.iter().find(|b| b.name == name);
        let budget = budget.unwrap_or_else(|| panic!("budgets.toml has no {name}"));
        let ratio = budget.ratio(measured);
        let verdict = match ratio {
            r if r > self.most => "FAILED",
            r if r > 1.0 => "above the limit",
            _ => "",
        };
        let Budget { limit, unit, .. } = budget;
        println!("{name:<26} {measured:>12.3} {limit:>10}  {unit:<9} {ratio:>6.2}  {verdict}");
        self.seen.insert(name.to_owned());
        if ratio > self.most {
            self.failed.push(format!("{name}: {measured:.3} {unit}, limit {limit} ({})", budget.why));
        }
    }

    /// Says why `name` cannot be measured here.
    pub fn skip(&mut self, name: &str, why: &str) {
        if self.wants(&[name]) {
            println!("{name:<26} skipped: {why}");
            self.seen.insert(name.to_owned());
        }
    }

    /// Prints the end; the exit code. A limit that nothing measures is a failure: it would hold nothing.
    pub fn end(mut self) -> i32 {
        let wanted = self.budgets.iter().map(|b| &b.name).filter(|name| name.contains(&self.only));
        let unseen = wanted.filter(|name| !self.seen.contains(*name)).map(|name| format!("{name}: nothing measures it"));
        self.failed.extend(unseen.collect::<Vec<_>>());
        for line in &self.failed {
            eprintln!("failed: {line}");
        }
        i32::from(!self.failed.is_empty())
    }
}
