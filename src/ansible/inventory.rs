//! The inventory of a cluster: pure functions from what is recorded to what Ansible reads.
//!
//! Connection settings that all nodes share are variables of `all`, so that a variable of a group or host in the
//! spec overrides them. What differs by node (address, port, the jump) is a variable of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::model::{Cluster, Node, NodeState};

/// Files of a cluster that its inventory names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterPaths {
    /// The private key to log in with.
    pub key: PathBuf,
    /// The cluster's own known hosts.
    pub known_hosts: PathBuf,
}

/// The inventory of a cluster as the answer of a dynamic inventory to `--list`, host variables in `_meta`. Nodes
/// without an address, and those that are gone or leave, are not in it.
pub fn render(cluster: &Cluster, nodes: &[Node], paths: &ClusterPaths) -> Value {
    let view = View { cluster, nodes, paths };
    let mut answer = Map::new();
    for (name, group) in &cluster.spec.groups {
        let hosts: Vec<&str> = view.of_group(name).map(|node| node.name.as_str()).collect();
        answer.insert(name.clone(), json!({"hosts": hosts, "vars": group.vars}));
    }
    let groups: Vec<&String> = cluster.spec.groups.keys().collect();
    answer.insert("all".into(), json!({"children": groups, "vars": view.all()}));
    let hosts: Map<String, Value> = view.reachable().map(|node| (node.name.clone(), view.host(node).into())).collect();
    answer.insert("_meta".into(), json!({"hostvars": hosts}));
    answer.into()
}

/// What [`render`] made as a file for `-i`, which takes another structure: JSON that Ansible reads as a YAML
/// inventory. The file's name must end in `.json`.
pub fn as_file(list: &Value) -> String {
    let mut children = Map::new();
    for (name, group) in list.as_object().into_iter().flatten().filter(|(name, _)| *name != "all" && *name != "_meta") {
        let names = group["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let hosts: Map<String, Value> = names.map(|host| (host.to_owned(), list["_meta"]["hostvars"][host].clone())).collect();
        children.insert(name.clone(), json!({"hosts": hosts, "vars": group["vars"]}));
    }
    format!("{:#}\n", json!({"all": {"vars": list["all"]["vars"], "children": children}}))
}

struct View<'a> {
    cluster: &'a Cluster,
    nodes: &'a [Node],
    paths: &'a ClusterPaths,
}

impl<'a> View<'a> {
    fn reachable(&self) -> impl Iterator<Item = &'a Node> {
        let here = |node: &&Node| {
            node.address.is_some() && matches!(node.state, NodeState::Up | NodeState::Booting | NodeState::Creating)
        };
        self.nodes.iter().filter(here)
    }

    fn of_group(&self, group: &str) -> impl Iterator<Item = &'a Node> {
        let mut nodes: Vec<&Node> = self.reachable().filter(|node| node.group == group).collect();
        nodes.sort_by_key(|node| node.index);
        nodes.into_iter()
    }

    fn all(&self) -> Map<String, Value> {
        let mut vars = Map::new();
        let mut set = |name: &str, value: Value| vars.insert(name.to_owned(), value);
        set("ansible_user", json!(self.cluster.ssh_user));
        // Ansible puts it between double quotes into a setting of ssh.
        set("ansible_ssh_private_key_file", json!(setting(&self.paths.key)));
        // Discovery would find shims of version managers, which answer differently in every directory.
        set("ansible_python_interpreter", json!("/usr/bin/python3"));
        set("ansible_pipelining", json!(true));
        set("ansible_ssh_args", json!("-o ControlMaster=auto -o ControlPersist=60s"));
        set("ansible_ssh_common_args", json!(quoted(&self.host_checks())));
        vars.extend(self.cluster.spec.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        vars
    }

    fn host(&self, node: &Node) -> Map<String, Value> {
        let mut vars = Map::new();
        vars.insert("ansible_host".into(), json!(node.address));
        vars.insert("ansible_port".into(), json!(node.ssh_port));
        if let Some(proxy) = self.proxy(node, &mut BTreeSet::new()) {
            let mut args = self.host_checks();
            args.extend(["-o".to_owned(), format!("ProxyCommand={proxy}")]);
            vars.insert("ansible_ssh_common_args".into(), json!(quoted(&args)));
        }
        if let Some(own) = self.cluster.spec.hosts.get(&node.name) {
            vars.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        vars
    }

    /// Only keys that the cluster knows are accepted, only its own key is offered.
    fn host_checks(&self) -> Vec<String> {
        let known = setting(&self.paths.known_hosts);
        let settings =
            [format!("UserKnownHostsFile=\"{known}\""), "StrictHostKeyChecking=yes".into(), "IdentitiesOnly=yes".into()];
        settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]).collect()
    }

    /// The command that connects to the node through the one before it. `ssh -J` will not do: a jump inherits
    /// neither the key nor the known hosts.
    fn proxy(&self, node: &Node, seen: &mut BTreeSet<String>) -> Option<String> {
        let jump = self.nodes.iter().find(|n| Some(&n.name) == node.via.as_ref())?;
        if !seen.insert(jump.name.clone()) {
            return None;
        }
        let (address, target) = (jump.address.as_ref()?, node.address.as_ref()?);
        // Not `-i`, which looks for the file before it replaces tokens.
        let key = format!("IdentityFile=\"{}\"", setting(&self.paths.key));
        let mut args: Vec<String> = vec!["ssh".into(), "-o".into(), key];
        args.extend(["-p".to_owned(), jump.ssh_port.to_string(), "-o".to_owned(), "BatchMode=yes".to_owned()]);
        args.extend(self.host_checks());
        if let Some(before) = self.proxy(jump, seen) {
            args.extend(["-o".to_owned(), format!("ProxyCommand={before}")]);
        }
        let target = if target.contains(':') { format!("[{target}]") } else { target.clone() };
        args.extend(["-W".to_owned(), format!("{target}:{}", node.ssh_port)]);
        args.push(format!("{}@{address}", self.user(jump)));
        // The ssh that reads the command replaces tokens with a percent sign in it.
        Some(quoted(&args).replace('%', "%%"))
    }

    /// The user on a node, by the same precedence as Ansible's.
    fn user(&self, node: &Node) -> String {
        let spec = &self.cluster.spec;
        let own: [Option<&BTreeMap<String, Value>>; 3] =
            [spec.hosts.get(&node.name), spec.groups.get(&node.group).map(|g| &g.vars), Some(&spec.vars)];
        let user = own.into_iter().flatten().find_map(|vars| vars.get("ansible_user")?.as_str());
        user.unwrap_or(&self.cluster.ssh_user).to_owned()
    }
}

/// A path as it stands between double quotes in a setting of ssh, where a percent sign begins a token.
fn setting(path: &Path) -> String {
    path.display().to_string().replace('\\', r"\\").replace('"', r#"\""#).replace('%', "%%")
}

/// One line that a shell, or Python's `shlex`, takes apart into the same words.
fn quoted(words: &[String]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// With backslashes only: ssh, too, looks for quotes in a ProxyCommand, and unlike a shell it honours a backslash
/// between single quotes. Nested single quotes are unbalanced for one of the two.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c) || !c.is_ascii();
    let escaped = word.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c]));
    if word.is_empty() { "''".to_owned() } else { escaped.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::{ClusterSpec, GroupSpec};
    use crate::model::{CloudName, ClusterId, ClusterState, Time};

    fn cluster(spec: &Value) -> Cluster {
        let spec: ClusterSpec = serde_json::from_value(spec.clone()).unwrap();
        Cluster {
            id: ClusterId::new(),
            name: spec.name.clone(),
            revision: 1,
            state: ClusterState::Running,
            cloud: CloudName::new("sandbox"),
            spec,
            base_dir: "/".into(),
            created: Time(0),
            ssh_user: "root".into(),
            public_key: None,
            last_run: None,
            last_playbook: None,
            belongings: Vec::new(),
        }
    }

    fn node(cluster: &Cluster, group: &str, index: u32, address: &str, via: Option<&str>) -> Node {
        let GroupSpec { flavor, image, .. } = cluster.spec.groups[group].clone();
        Node {
            cluster: cluster.id,
            name: format!("{group}-{index}"),
            group: group.into(),
            index,
            cloud: cluster.cloud.clone(),
            flavor,
            image,
            state: NodeState::Up,
            server: None,
            token: None,
            address: (!address.is_empty()).then(|| address.to_owned()),
            ssh_port: 2222,
            via: via.map(str::to_owned),
            host_key: None,
            created: None,
            note: None,
            inner_address: None,
        }
    }

    fn sample() -> (Cluster, Vec<Node>, ClusterPaths) {
        let cluster = cluster(&json!({
            "name": "web",
            "vars": {"tier": "test", "ansible_python_interpreter": "/opt/python"},
            "groups": {
                "master": {"flavor": "s", "image": "i", "vars": {"ansible_user": "admin"}},
                "slaves": {"flavor": "s", "image": "i", "count": 3, "vars": {"role": "worker"}},
            },
            "hosts": {"slaves-1": {"disk": "/dev/vdb"}},
        }));
        let mut nodes = vec![
            node(&cluster, "slaves", 10, "127.9.0.10", Some("master-1")),
            node(&cluster, "slaves", 1, "127.9.0.1", Some("master-1")),
            node(&cluster, "master", 1, "127.9.0.7", None),
            node(&cluster, "slaves", 2, "", Some("master-1")),
            node(&cluster, "slaves", 3, "127.9.0.3", None),
        ];
        nodes[4].state = NodeState::Gone;
        let paths = ClusterPaths { key: "/data/it's/key".into(), known_hosts: "/data/100%/known hosts".into() };
        (cluster, nodes, paths)
    }

    #[test]
    fn groups_variables_and_addresses_are_there() {
        let (cluster, nodes, paths) = sample();
        let got = render(&cluster, &nodes, &paths);
        let missing = "neither the one without address nor the one that is gone";
        assert_eq!(got["slaves"]["hosts"], json!(["slaves-1", "slaves-10"]), "{missing}");
        assert_eq!(got["slaves"]["vars"], json!({"role": "worker"}));
        let host = &got["_meta"]["hostvars"]["slaves-1"];
        assert_eq!((&host["ansible_host"], &host["ansible_port"]), (&json!("127.9.0.1"), &json!(2222)));
        assert_eq!(host["disk"], "/dev/vdb");
        let all = &got["all"]["vars"];
        assert_eq!(all["tier"], "test");
        assert_eq!(all["ansible_python_interpreter"], "/opt/python", "the spec has the last word");
        assert_eq!(all["ansible_user"], "root");
        assert!(all["ansible_ssh_common_args"].as_str().unwrap().contains("StrictHostKeyChecking=yes"));
        assert_eq!(got["all"]["children"], json!(["master", "slaves"]));
    }

    #[test]
    fn the_file_says_the_same() {
        let (cluster, nodes, paths) = sample();
        let list = render(&cluster, &nodes, &paths);
        let file: Value = serde_json::from_str(&as_file(&list)).unwrap();
        assert_eq!(file["all"]["vars"], list["all"]["vars"]);
        let slaves = &file["all"]["children"]["slaves"];
        assert_eq!(slaves["vars"], list["slaves"]["vars"]);
        assert_eq!(
            slaves["hosts"],
            json!({
                "slaves-1": list["_meta"]["hostvars"]["slaves-1"],
                "slaves-10": list["_meta"]["hostvars"]["slaves-10"],
            })
        );
    }

    #[test]
    fn a_jump_has_its_own_key_port_user_and_known_hosts() {
        let (cluster, nodes, paths) = sample();
        let got = &render(&cluster, &nodes, &paths)["_meta"]["hostvars"];
        let args = got["slaves-1"]["ansible_ssh_common_args"].as_str().unwrap();
        for part in [r"ProxyCommand=ssh\ -o\ IdentityFile", r"-p\ 2222", r"-W\ 127.9.0.1:2222\ admin@127.9.0.7", "BatchMode=yes"]
        {
            assert!(args.contains(part), "{part} in {args}");
        }
        assert!(got["master-1"].get("ansible_ssh_common_args").is_none());
    }

    #[test]
    fn a_circle_of_jumps_ends() {
        let (cluster, mut nodes, paths) = sample();
        nodes[2].via = Some("slaves-1".into());
        let got = render(&cluster, &nodes, &paths);
        assert!(got["_meta"]["hostvars"]["slaves-1"].is_object());
    }

    #[test]
    fn words_survive_a_shell() {
        for word in ["plain", "two words", "it's", "", "a\"b", "$HOME `x`", "%%h"] {
            let line = format!("printf %s {}", quote(word));
            let out = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
    }
}
