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

/// The file of a blueprint that is its spec.
pub const SPEC_FILE: &str = "cluster.yml";

/// The files of `assets/blueprints/NAME`.
macro_rules! files {
    ($name:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../assets/blueprints/", $name, "/", $path)))),+]
    };
}

const ALL: &[Blueprint] = &[
    Blueprint {
        name: "hello",
        summary: "a master and two workers, with a short tour of what a playbook run shows",
        files: files!("hello": "cluster.yml", "site.yml", "templates/greeting.txt.j2"),
    },
    Blueprint {
        name: "web",
        summary: "a load balancer in front of three application nodes",
        files: files!("web": "cluster.yml", "site.yml", "files/app.py", "files/balancer.py", "files/check.py", "files/service.py"),
    },
];

impl Blueprint {
    /// The spec's text.
    pub fn spec(&self) -> &'static str {
        self.files.iter().find(|(path, _)| *path == SPEC_FILE).map_or("", |(_, text)| text)
    }
}

/// All of them, in the order of showing.
pub fn all() -> &'static [Blueprint] {
    ALL
}

/// The one of that name.
pub fn find(name: &str) -> Option<&'static Blueprint> {
    ALL.iter().find(|blueprint| blueprint.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::clusters::spec;

    #[test]
    fn every_blueprint_is_whole() {
        for blueprint in all() {
            let spec = spec::parse(blueprint.spec(), SPEC_FILE).unwrap();
            assert_eq!(spec.name, blueprint.name);
            assert_eq!(spec.cloud, None, "a blueprint goes to the default cloud");
            for entry in &spec.playbooks {
                let path = entry.spec().path;
                assert!(blueprint.files.iter().any(|(file, _)| *file == path), "{path} is missing");
            }
        }
        assert_eq!(find("hello").map(|b| b.name), Some("hello"));
        assert_eq!(find("nothing"), None);
    }

    #[test]
    fn every_file_of_the_folders_is_shipped() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/blueprints");
        let mut there = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    there.insert(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let shipped = all().iter().flat_map(|b| b.files.iter().map(|(path, _)| format!("{}/{path}", b.name))).collect();
        assert_eq!(there, shipped);
    }
}
