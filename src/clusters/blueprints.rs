//! Ready specs with their playbooks, shipped inside the program.

/// A ready spec with its playbooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blueprint {
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Path and text of each file; the spec is `cluster.yml`.
    pub files: &'static [(&'static str, &'static str)],
}

impl Blueprint {
    /// The spec's text.
    pub fn spec(&self) -> &'static str {
        self.files.iter().find(|(path, _)| *path == "cluster.yml").map_or("", |(_, text)| text)
    }
}

/// All of them, in the order of showing.
pub fn all() -> &'static [Blueprint] {
    unimplemented!()
}

/// The one of that name.
pub fn find(name: &str) -> Option<&'static Blueprint> {
    all().iter().find(|b| b.name == name)
}
