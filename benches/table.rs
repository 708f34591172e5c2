//! The table of limits, for the benches and for the tests that measure something on the way.

use serde::Deserialize;

/// One limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub name: String,
    /// The most that may be measured.
    pub limit: f64,
    pub unit: String,
    pub why: String,
}

impl Budget {
    /// How many times the limit was measured: 1 is just within. A limit of nothing is exceeded by anything.
    pub fn ratio(&self, measured: f64) -> f64 {
        if measured <= 0.0 { 0.0 } else { measured / self.limit }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    budget: Vec<Budget>,
}

/// All limits, in the order of the file.
///
/// # Panics
/// The file is wrong.
pub fn budgets() -> Vec<Budget> {
    let table: Table = toml::from_str(include_str!("budgets.toml")).expect("budgets.toml can be read");
    let mut names: Vec<&str> = table.budget.iter().map(|b| b.name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|w| w[0] == w[1]);
    assert!(twice.is_none(), "budgets.toml names {twice:?} twice");
    table.budget
}
