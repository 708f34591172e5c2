//! What the types cannot say: names, ways, files, hosts that must fit together.

use std::collections::BTreeSet;

use crate::model::ids::{MAX_NAME, is_name};
use crate::model::spec::{FileSpec, PlaybookEntry, Vars};
use crate::model::{ClusterSpec, Ports};

use super::super::hosts::{node_name, split_name};
use super::super::via;
use super::super::words::{did_you_mean, list, shown};
use super::problems::Problems;
use super::tree::Tree;

/// Group names that mean something else to Ansible.
const RESERVED: [&str; 3] = ["all", "ungrouped", "localhost"];

/// Notes everything in `spec` that does not fit together. `tree` tells the places.
pub fn check(spec: &ClusterSpec, tree: &Tree, problems: &mut Problems) {
    let mut sense = Sense { spec, tree, problems };
    sense.names();
    sense.ssh();
    sense.groups();
    sense.hosts();
    sense.files(&spec.files, &["files"]);
    sense.vars(&spec.vars, &["vars"]);
    sense.playbooks();
    sense.ready();
}

struct Sense<'a> {
    spec: &'a ClusterSpec,
    tree: &'a Tree,
    problems: &'a mut Problems,
}

impl Sense<'_> {
    fn value(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.add(self.tree.place(path), message);
    }

    fn key(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.add(self.tree.key_place(path), message);
    }

    fn names(&mut self) {
        let spec = self.spec;
        if !is_name(&spec.name) {
            self.value(&["name"], not_a_name("cluster", &spec.name));
        }
        if let Some(cloud) = spec.cloud.as_ref().filter(|cloud| !is_name(cloud)) {
            self.value(&["cloud"], not_a_name("cloud", cloud));
        }
    }

    fn ssh(&mut self) {
        let spec = self.spec;
        if let Some(user) = spec.ssh.user.as_ref().filter(|user| !is_user(user)) {
            self.value(&["ssh", "user"], format!("`{}` cannot be a user's name", shown(user)));
        }
        if let Some(identity) = spec.ssh.identity.as_ref().filter(|path| !is_path(path)) {
            self.value(&["ssh", "identity"], format!("`{}` cannot be a file's path", shown(identity)));
        }
        for (at, key) in spec.ssh.keys.iter().enumerate() {
            if !is_path(key) {
                let message = "a public key file, or the one line of a public key, is wanted here";
                self.value(&["ssh", "keys", &at.to_string()], message);
            }
        }
    }

    fn groups(&mut self) {
        let spec = self.spec;
        if spec.groups.is_empty() {
            self.key(&["groups"], "a cluster has at least one group");
        }
        for (name, group) in &spec.groups {
            let path = ["groups", name.as_str()];
            if !is_name(name) {
                self.key(&path, not_a_name("group", name));
            } else if RESERVED.contains(&name.as_str()) {
                self.key(&path, format!("a group cannot be called `{name}`: Ansible gives that name a meaning of its own"));
            } else if let Some((other, _)) = split_name(name).filter(|(other, _)| spec.groups.contains_key(*other)) {
                self.key(&path, format!("a group cannot be called `{name}`: that is the name of a node of group `{other}`"));
            }
            if let Some(cloud) = group.cloud.as_ref().filter(|cloud| !is_name(cloud)) {
                self.value(&["groups", name, "cloud"], not_a_name("cloud", cloud));
            }
            for (at, network) in group.networks.iter().enumerate() {
                if network.trim().is_empty() || group.networks[..at].contains(network) {
                    let message = format!("network `{}` is empty or named twice", shown(network));
                    self.value(&["groups", name, "networks", &at.to_string()], message);
                }
            }
            for (at, ports) in group.ports.iter().enumerate().filter(|(_, ports)| Ports::parse(ports).is_none()) {
                let message = format!("`{}` are no ports: write `80`, `8000-8010` or `53/udp`, from 1 to 65535", shown(ports));
                self.value(&["groups", name, "ports", &at.to_string()], message);
            }
            self.files(&group.files, &["groups", name, "files"]);
            self.vars(&group.vars, &["groups", name, "vars"]);
        }
        for (name, message) in via::problems(spec) {
            self.value(&["groups", name, "via"], message);
        }
    }

    fn hosts(&mut self) {
        let spec = self.spec;
        for (host, vars) in &spec.hosts {
            let known = split_name(host).is_some_and(|(group, index)| spec.groups.get(group).is_some_and(|g| index <= g.count));
            if !known {
                let nodes: Vec<String> =
                    spec.groups.iter().flat_map(|(name, g)| (1..=g.count.min(50)).map(move |i| node_name(name, i))).collect();
                let hint = did_you_mean(host, nodes.iter().map(String::as_str));
                let names = list(host, nodes.iter().map(String::as_str), 5);
                self.key(&["hosts", host], format!("`{}` is no node of this cluster{hint}; its nodes are {names}", shown(host)));
            }
            self.vars(vars, &["hosts", host]);
        }
    }

    fn files(&mut self, files: &[FileSpec], at: &[&str]) {
        let mut seen = BTreeSet::new();
        for (number, file) in files.iter().enumerate() {
            let number = number.to_string();
            let path = |field| [at, &[number.as_str(), field]].concat();
            if let Some(message) = placed_path(&file.path) {
                self.value(&path("path"), message);
            }
            if !seen.insert(&file.path) {
                self.value(&path("path"), format!("`{}` is placed twice", shown(&file.path)));
            }
            match (&file.content, &file.from) {
                (Some(_), Some(_)) => self.value(&path("from"), "a file has `content` or `from`, not both"),
                (None, None) => self.value(&path("path"), "a file needs its text in `content`, or the file to copy in `from`"),
                (None, Some(from)) if !is_path(from) => {
                    self.value(&path("from"), format!("`{}` cannot be a file's path", shown(from)));
                }
                _ => {}
            }
            if mode(&file.mode).is_none() {
                let message =
                    format!("`{}` is no file mode; write octal digits in quotes, for instance \"0644\"", shown(&file.mode));
                self.value(&path("mode"), message);
            }
        }
    }

    fn vars(&mut self, vars: &Vars, at: &[&str]) {
        for name in vars.keys() {
            let mut chars = name.chars();
            let good = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !good {
                let message = format!("`{}` cannot be a variable: letters, digits and `_` only, no digit first", shown(name));
                self.key(&[at, &[name.as_str()]].concat(), message);
            }
        }
    }

    fn playbooks(&mut self) {
        let spec = self.spec;
        for (number, entry) in spec.playbooks.iter().enumerate() {
            let number = number.to_string();
            let (path, place) = match entry {
                PlaybookEntry::Path(path) => (path, vec!["playbooks", &number]),
                PlaybookEntry::Full(full) => (&full.path, vec!["playbooks", &number, "path"]),
            };
            if !is_path(path) || path.ends_with('/') {
                self.value(&place, format!("`{}` cannot be a playbook's path", shown(path)));
            }
            if let PlaybookEntry::Full(full) = entry {
                self.vars(&full.vars, &["playbooks", &number, "vars"]);
            }
        }
    }

    fn ready(&mut self) {
        let nodes: u32 = self.spec.groups.values().map(|group| group.count).fold(0, u32::saturating_add);
        if let Some(ready) = self.spec.ready.filter(|ready| ready.at_least > nodes) {
            let message = format!("at least {} nodes cannot be ready: the cluster has {nodes}", ready.at_least);
            self.value(&["ready", "at_least"], message);
        }
    }
}

/// The permission bits of `0644`, `755` and the like.
pub fn mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    if !(3..=4).contains(&digits.len()) || !digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        return None;
    }
    u32::from_str_radix(digits, 8).ok()
}

fn placed_path(path: &str) -> Option<String> {
    let reason = if !path.starts_with('/') {
        "a file is placed at an absolute path"
    } else if !is_path(path) || path.ends_with('/') {
        "this cannot be a file's path"
    } else if path.split('/').any(|part| part == ".." || part == ".") {
        "a placed file's path has no `.` and `..` in it"
    } else {
        return None;
    };
    Some(format!("`{}`: {reason}", shown(path)))
}

fn not_a_name(what: &str, name: &str) -> String {
    format!(
        "`{}` cannot name a {what}: lower-case letters, digits, `-` and `_`, a letter or digit first, at most {MAX_NAME} characters",
        shown(name)
    )
}

/// Not empty, one line, nothing that an option could be taken for.
fn is_path(text: &str) -> bool {
    !text.trim().is_empty() && !text.starts_with('-') && text.len() <= 4096 && !text.chars().any(char::is_control)
}

fn is_user(name: &str) -> bool {
    let mut chars = name.chars();
    name.len() <= 64
        && chars.next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
