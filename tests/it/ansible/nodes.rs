//! A cluster's inventory on real nodes: SSH with host keys pinned, a jump, a jump behind a jump.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use quarterdeck::ansible::inventory::{self, ClusterPaths};
use quarterdeck::model::play::Outcome;
use quarterdeck::model::{CloudName, Cluster, ClusterId, ClusterState, Node, NodeState, PlayState, Server, Time};
use serde_json::json;

use super::Play;
use crate::cloud_contract::active;
use crate::cloud_contract::sandbox::SandboxFixture;

const BOOK: &str = "
- hosts: all
  tasks:
    - {name: whoami, command: hostname, register: me, changed_when: false}
    - {name: same, assert: {that: me.stdout == inventory_hostname}}
    - {name: variables, debug: {msg: '{{ tier }} {{ role | default(\"none\") }}'}}
";

fn cluster() -> Cluster {
    let spec = json!({
        "name": "chain",
        "vars": {"tier": "test"},
        "groups": {
            "gate": {"flavor": "tiny", "image": "host"},
            "inner": {"flavor": "tiny", "image": "host", "count": 2, "vars": {"role": "worker"}},
        },
    });
    Cluster {
        id: ClusterId::new(),
        name: "chain".into(),
        revision: 1,
        state: ClusterState::Running,
        cloud: CloudName::new("sandbox"),
        spec: serde_json::from_value(spec).unwrap(),
        base_dir: "/".into(),
        created: Time(0),
        ssh_user: "root".into(),
        public_key: None,
        last_run: None,
        last_playbook: None,
        belongings: Vec::new(),
    }
}

fn node(cluster: &Cluster, server: &Server, via: Option<&str>) -> Node {
    let (group, index) = server.name.rsplit_once('-').unwrap();
    Node {
        cluster: cluster.id,
        name: server.name.clone(),
        group: group.into(),
        index: index.parse().unwrap(),
        cloud: server.cloud.clone(),
        flavor: server.flavor.clone(),
        image: server.image.clone(),
        state: NodeState::Up,
        server: Some(server.id.clone()),
        token: None,
        address: server.address().map(str::to_owned),
        ssh_port: server.ssh_port,
        via: via.map(str::to_owned),
        host_key: None,
        created: None,
        note: None,
        inner_address: None,
    }
}

/// The known hosts lines of these nodes.
fn known_hosts(nodes: &[&Node]) -> String {
    let scan = |node: &&Node| {
        let (address, port) = (node.address.clone().unwrap(), node.ssh_port.to_string());
        let out = Command::new("ssh-keyscan").args(["-T", "10", "-p", &port, &address]).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let lines: String = nodes.iter().map(scan).collect();
    assert!(lines.lines().count() >= nodes.len(), "{lines}");
    lines
}

fn run(cluster: &Cluster, nodes: &[Node], paths: &ClusterPaths) -> (PlayState, String) {
    let play = Play::new(BOOK).on("all");
    let list = inventory::render(cluster, nodes, paths);
    std::fs::write(&play.call.inventory, inventory::as_file(&list)).unwrap();
    play.run();
    (play.state(), play.output())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_playbook_reaches_every_node_through_its_chain() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let (gate, one, two) = tokio::join!(active(&fixture, "gate-1"), active(&fixture, "inner-1"), active(&fixture, "inner-2"));
    let cluster = cluster();
    let nodes = [node(&cluster, &gate, None), node(&cluster, &one, Some("gate-1")), node(&cluster, &two, Some("inner-1"))];
    // Characters that a shell, ssh's settings and Ansible each read in their own way.
    let dir = fixture.dir().parent().unwrap().join("a 100% \"odd\" it's $place");
    std::fs::create_dir(&dir).unwrap();
    let paths = ClusterPaths { key: dir.join("key"), known_hosts: known_path(&dir) };
    std::fs::copy(fixture.key(), &paths.key).unwrap();
    std::fs::set_permissions(&paths.key, Permissions::from_mode(0o600)).unwrap();

    let all: Vec<&Node> = nodes.iter().collect();
    std::fs::write(&paths.known_hosts, known_hosts(&all)).unwrap();
    let (state, output) = tokio::task::block_in_place(|| run(&cluster, &nodes, &paths));
    assert_eq!(state.failed_hosts(), Vec::<String>::new(), "{output}");
    let said = |host: &str| state.plays[0].tasks.last().unwrap().results[host].msg.clone();
    assert_eq!([said("gate-1"), said("inner-1"), said("inner-2")], ["test none", "test worker", "test worker"]);

    // The same without the key of the first jump: what is behind it is refused, it was not gone around.
    std::fs::write(&paths.known_hosts, known_hosts(&all[1..])).unwrap();
    let (state, output) = tokio::task::block_in_place(|| run(&cluster, &nodes, &paths));
    for host in ["gate-1", "inner-1", "inner-2"] {
        let result = state.plays[0].tasks[0].results.get(host).map(|r| r.outcome);
        assert_eq!(result, Some(Outcome::Unreachable), "{host}: {output}");
    }
}

fn known_path(dir: &Path) -> std::path::PathBuf {
    dir.join("known hosts")
}
