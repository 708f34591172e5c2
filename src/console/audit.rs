//! The audit as it is known here: read when somebody looks at it, kept up by what comes in.

use crate::model::AuditEntry;
use crate::protocol::Command;

use super::msg::Slot;
use super::state::{Link, Model, Tab};

/// Entries that are read and kept: the newest ones. `quarterdeck audit -n` shows more.
const KEEP: usize = 2000;

/// The newest entries.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Newest first.
    entries: Vec<AuditEntry>,
    /// It was read on this line, so that nothing is missing.
    whole: bool,
}

impl Audit {
    /// The entries, newest first.
    pub fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }

    /// It was read.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Something may be missing: the line is new.
    pub fn lost(&mut self) {
        self.whole = false;
    }

    /// Takes what was read. What came in while it was read stays.
    pub fn read(&mut self, entries: Vec<AuditEntry>) {
        let newest = entries.first().map(|entry| entry.at);
        let come = self.entries.iter().take_while(|entry| Some(entry.at) >= newest).filter(|entry| !entries.contains(entry));
        let mut all: Vec<AuditEntry> = come.cloned().collect();
        all.extend(entries);
        self.entries = all;
        self.whole = true;
    }

    /// Takes one that came in.
    pub fn came(&mut self, entry: AuditEntry) {
        self.entries.insert(0, entry);
        self.entries.truncate(KEEP);
    }
}

/// It was read.
pub fn read(model: &mut Model, entries: Vec<AuditEntry>) {
    model.audit.read(entries);
    model.touch(Tab::Audit);
}

/// Reads it when it is looked at for the first time on this line.
pub fn ask(model: &mut Model) {
    let looks = model.tab == Tab::Audit && model.link == Link::Up && model.ready;
    if looks && !model.audit.is_whole() && model.is_idle(&Slot::Audit) {
        model.request(Slot::Audit, Command::Audit { count: KEEP as u32 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn entry(at: i64, what: &str) -> AuditEntry {
        AuditEntry { at: Time(at), what: what.into(), result: "ok".into(), ..AuditEntry::default() }
    }

    #[test]
    fn what_comes_in_while_it_is_read_is_neither_lost_nor_there_twice() {
        let mut audit = Audit::default();
        audit.came(entry(5, "in both"));
        audit.came(entry(6, "only here"));
        audit.read(vec![entry(5, "in both"), entry(1, "old")]);
        let what: Vec<&str> = audit.entries().iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(what, ["only here", "in both", "old"]);
        (0..3000).for_each(|n| audit.came(entry(10 + n, "more")));
        assert_eq!(audit.entries().len(), KEEP);
    }
}
