//! A set-up that is not finished: kept in the state folder, so that a lost line loses nothing. No secret is in it.

use std::path::PathBuf;

use super::answers::{Answers, AnswersFile};
use crate::base::files::replace;
use crate::config::Paths;
use crate::config::files::read_text;
use crate::config::reader::{Reader, Section};
use crate::model::Failure;

/// A set-up that is not finished.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Draft {
    pub answers: Answers,
    /// The page that was open.
    pub page: String,
    /// Pages that were passed over.
    pub skipped: Vec<String>,
    /// It was left on purpose: it does not come up by itself.
    pub left: bool,
}

impl Draft {
    /// Where the draft of a home is kept.
    pub fn path(paths: &Paths) -> PathBuf {
        paths.state.join("setup.toml")
    }

    /// The draft of a home; one that cannot be read counts as none.
    pub fn load(paths: &Paths) -> Option<Self> {
        let path = Self::path(paths);
        let text = read_text(&path).ok()??;
        let mut reader = Reader::new(&path, &text);
        let answers = AnswersFile::read(&mut reader, &path, &["draft"]).answers;
        let table = reader.parse();
        let root = Section { table: &table, name: String::new() };
        let mut draft = Self { answers, ..Self::default() };
        if let Some(section) = reader.section(&root, "draft") {
            draft.page = reader.text(&section, "page").map(|text| text.value).unwrap_or_default();
            draft.left = reader.truth(&section, "left").is_some_and(|truth| truth.value);
            let skipped = reader.text(&section, "skipped").map(|text| text.value).unwrap_or_default();
            draft.skipped = skipped.split_whitespace().map(str::to_owned).collect();
        }
        reader.finish("read the draft").ok().map(|()| draft)
    }

    /// Keeps it: whole or not at all. It may be lost when the computer loses its power, which is why it is quick.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, paths: &Paths) -> Result<(), Failure> {
        let text = self.render();
        replace(&Self::path(paths), text.as_bytes(), 0o600, false)
            .map_err(|e| Failure::broken("keep the draft of the set-up", e).at(Self::path(paths).display()))
    }

    fn render(&self) -> String {
        let draft = format!("\n[draft]\npage = {:?}\nskipped = {:?}\nleft = {}\n", self.page, self.skipped.join(" "), self.left);
        format!("# A set-up that is not finished: `quarterdeck setup` goes on with it.\n{}{draft}", self.answers.render())
    }

    /// Removes the draft of a home, if there is one.
    pub fn forget(paths: &Paths) {
        // A draft that stays is offered again: no harm.
        let _ = std::fs::remove_file(Self::path(paths));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_draft_comes_back_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path());
        paths.create().unwrap();
        assert_eq!(Draft::load(&paths), None);
        let answers = Answers { theme: Some("light".into()), unit: Some(true), ..Answers::default() };
        let draft = Draft { answers, page: "clouds".into(), skipped: vec!["tools".into(), "safety".into()], left: false };
        draft.save(&paths).unwrap();
        assert_eq!(Draft::load(&paths), Some(draft.clone()));
        let meta = std::fs::metadata(Draft::path(&paths)).unwrap();
        assert_eq!(meta.mode() & 0o777, 0o600);
        let left = Draft { left: true, ..draft };
        left.save(&paths).unwrap();
        assert_eq!(Draft::load(&paths), Some(left));
        Draft::forget(&paths);
        assert_eq!(Draft::load(&paths), None);
        std::fs::write(Draft::path(&paths), "nonsense").unwrap();
        assert_eq!(Draft::load(&paths), None);
    }
}
