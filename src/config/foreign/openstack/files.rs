//! `clouds.yaml`, `secure.yaml` and `clouds-public.yaml`, where openstacksdk looks for them.

use std::path::{Path, PathBuf};

use super::super::Place;
use super::super::yaml::Node;
use crate::config::files::read_text;
use crate::model::Failure;

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Read {
    pub path: PathBuf,
    pub node: Node,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub clouds: Option<Read>,
    pub secure: Option<Read>,
    pub public: Option<Read>,
    /// Files that cannot be used: openstacksdk goes on to the next, and so do we.
    pub bad: Vec<(PathBuf, Failure)>,
}

impl Files {
    /// The files of an account; `named` goes before the search path, and its neighbours before theirs.
    pub fn read(place: &Place, named: Option<&Path>) -> Self {
        let mut files = Self::default();
        files.clouds = match named {
            Some(path) => files.first(vec![path.to_owned()]),
            None => files.first(search(place, "clouds", "OS_CLIENT_CONFIG_FILE", None)),
        };
        let beside = named.and_then(Path::parent);
        files.secure = files.first(search(place, "secure", "OS_CLIENT_SECURE_FILE", beside));
        files.public = files.first(search(place, "clouds-public", "OS_CLIENT_VENDOR_FILE", beside));
        files
    }

    fn first(&mut self, paths: Vec<PathBuf>) -> Option<Read> {
        for path in paths {
            match read(&path) {
                Ok(Some(node)) => return Some(Read { path, node }),
                Ok(None) => {}
                Err(failure) => self.bad.push((path, failure)),
            }
        }
        None
    }

    /// The clouds of the file, each with what the secure file adds.
    pub fn merged(&self) -> Node {
        let mut all = Node::map();
        for read in [&self.clouds, &self.secure].into_iter().flatten() {
            if let Some(clouds) = read.node.get("clouds") {
                all.merge(clouds);
            }
        }
        all
    }

    /// A profile of the file for public clouds.
    pub fn profile(&self, name: &str) -> Option<&Node> {
        self.public.as_ref()?.node.get("public-clouds")?.get(name)
    }
}

fn read(path: &Path) -> Result<Option<Node>, Failure> {
    let Some(text) = read_text(path)?.map(zeroize::Zeroizing::new) else { return Ok(None) };
    Node::parse(&text)
        .map(Some)
        .map_err(|wrong| Failure::refused("read a file", format!("it is no YAML: {wrong}")).at(path.display()))
}

/// Where a file of this name may be, the first that counts first.
pub fn search(place: &Place, name: &str, variable: &str, beside: Option<&Path>) -> Vec<PathBuf> {
    let dirs = [
        place.cwd.clone(),
        place.config_home().join("openstack"),
        place.home.join(".config/openstack"),
        place.root.join("etc/xdg/openstack"),
        place.root.join("etc/openstack"),
    ];
    let dirs = beside.map(Path::to_owned).into_iter().chain(dirs);
    let files = dirs.flat_map(|dir| ["yaml", "yml", "json"].map(|ending| dir.join(format!("{name}.{ending}"))));
    let mut paths: Vec<PathBuf> = place.var(variable).map(PathBuf::from).into_iter().chain(files).collect();
    let mut seen = std::collections::BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}
