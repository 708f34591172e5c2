//! The inventory of a cluster.

use std::path::PathBuf;

use serde_json::Value;

use crate::model::{Cluster, Node};

/// Files of a cluster that its inventory names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterPaths {
    /// The private key to log in with.
    pub key: PathBuf,
    /// The cluster's own known hosts.
    pub known_hosts: PathBuf,
}

/// The inventory in the form of a dynamic inventory's `--list`, with `_meta.hostvars`.
pub fn render(cluster: &Cluster, nodes: &[Node], paths: &ClusterPaths) -> Value {
    let _ = (cluster, nodes, paths);
    unimplemented!()
}

/// The same as a static inventory file (JSON, which Ansible reads as YAML): groups with their hosts and variables.
pub fn as_file(list: &Value) -> String {
    let empty = Value::Object(serde_json::Map::new());
    let hostvars = list.pointer("/_meta/hostvars").unwrap_or(&empty);
    let mut children = serde_json::Map::new();
    let mut all = serde_json::Map::new();
    for (group, content) in list.as_object().into_iter().flatten() {
        let vars = content.get("vars").unwrap_or(&empty);
        if group == "all" {
            all.insert("vars".to_owned(), vars.clone());
        } else if group != "_meta" && group != "ungrouped" {
            let names = content.get("hosts").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let hosts: serde_json::Map<_, _> =
                names.map(|name| (name.to_owned(), hostvars.get(name).unwrap_or(&empty).clone())).collect();
            children.insert(group.clone(), serde_json::json!({ "hosts": hosts, "vars": vars }));
        }
    }
    all.insert("children".to_owned(), Value::Object(children));
    serde_json::json!({ "all": all }).to_string()
}
