//! Whole clusters on a real OpenStack control plane, driven through the real binary.

mod killed;
mod single;

use std::collections::BTreeMap;
use std::time::Duration;

use quarterdeck::base::http::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::faults::{AtWrite, carried_on_within};
use crate::home::{Home, Said, finish};
use crate::lab::machines::Machines;
use crate::lab::{self, KEYSTONE, NEUTRON, Project};

/// The longest that a command may take on the lab.
const LIMIT: Duration = Duration::from_secs(300);
/// The same while its engine is killed again and again.
const KILLED: Duration = Duration::from_secs(420);

const SPEC: &str = "\
name: demo
groups:
  front: {flavor: m1.nano, image: lab-image, public_address: true, ports: [80, 8000-8010, 53/udp]}
  back: {count: 2, flavor: m1.nano, image: lab-image, via: front}
on_failure: rollback
";

const PLAYBOOK: &str = "\
- hosts: all
  gather_facts: false
  tasks:
    - name: Leave word
      ansible.builtin.copy: {content: here, dest: /srv/word, mode: '0644'}
    - name: Meet the others
      ansible.builtin.command: grep -c '^10[.].*-[12] ' /etc/hosts
      register: met
      changed_when: false
      failed_when: met.stdout != '3'
";

/// A home with one project of the lab, and machines behind its servers.
struct Stage {
    home: Home,
    _machines: Machines,
    project: Project,
    runtime: Runtime,
}

impl Stage {
    /// `None`, with a word about it, where something is missing. `network`: the project has one with a router.
    fn new(network: bool) -> Option<Self> {
        let test = std::thread::current().name().unwrap_or("openstack").to_owned();
        if !lab::there(&test) {
            return None;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let project = runtime.block_on(Project::new(network));
        let machines = Machines::behind(&project, &runtime, &test)?;
        let home = Home::with_ansible();
        let clouds = home.path().join("clouds.yaml");
        std::fs::write(&clouds, project.clouds_yaml(KEYSTONE)).unwrap();
        let file = format!("file={}", clouds.display());
        home.run(["cloud", "add", "lab", "--driver", "openstack", "-s", &file]).ok();
        Some(Self { home, _machines: machines, project, runtime })
    }

    fn run(&self, args: &[&str]) -> Said {
        finish(self.home.command(args), LIMIT)
    }

    /// Writes a spec; its path.
    fn spec(&self, text: &str) -> String {
        let path = self.home.path().join("demo.yml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(self.home.path().join("site.yml"), PLAYBOOK).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn left(&self) -> Vec<String> {
        let mut left = self.runtime.block_on(self.project.left());
        left.sort();
        left
    }

    /// How many the project has of each kind.
    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.left() {
            let kind = line.split(" \"").next().unwrap_or(&line).to_owned();
            let kind = kind.strip_suffix(" null").map_or_else(|| kind.clone(), str::to_owned);
            *counts.entry(kind.split(" null ").next().unwrap_or(&kind).to_owned()).or_default() += 1;
        }
        counts
    }

    fn list(&self, path: &str, key: &str) -> Vec<Value> {
        let path = format!("/v2.0/{path}?project_id={}", self.project.id);
        let told = self.runtime.block_on(self.project.person.get(NEUTRON, &path));
        told[key].as_array().cloned().unwrap_or_default()
    }

    fn node(&self, name: &str) -> Value {
        let shown = self.run(&["cluster", "show", "demo", "--json"]).ok().json();
        let node = shown["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).cloned();
        node.unwrap_or_else(|| panic!("no {name} in {shown:#}"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.home.kill_engine();
        self.runtime.block_on(self.project.remove());
    }
}

fn counts(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

/// What a project has when a cluster of three with one public node is on a network of its own. Ports: one a server,
/// one of the router; that of the floating IP and the router's gateway belong to no project.
const WHOLE: &[(&str, usize)] =
    &[("server", 3), ("floating IP", 1), ("router", 1), ("network", 1), ("subnet", 1), ("security group", 3), ("port", 4)];

#[test]
fn a_cluster_lives_on_a_network_of_its_own_and_leaves_nothing() {
    let Some(stage) = Stage::new(false) else { return };
    let before = stage.left();
    let spec = stage.spec(&format!("{SPEC}playbooks: [site.yml]\n"));
    stage.run(&["cluster", "create", "-f", &spec, "--yes"]).ok();
    assert_eq!(stage.counts(), counts(WHOLE), "{:#?}", stage.left());
    let ip = &stage.list("floatingips", "floatingips")[0];
    assert_eq!(stage.node("front-1")["address"], ip["floating_ip_address"]);
    assert_eq!(stage.node("front-1")["inner_address"], ip["fixed_ip_address"]);
    for node in ["front-1", "back-1", "back-2"] {
        assert_eq!(stage.node(node)["state"], "up");
        let said = stage.run(&["ssh", node, "--", "cat /srv/word"]).ok();
        assert_eq!(said.out.trim(), "here");
    }
    let groups = stage.list("security-groups", "security_groups");
    let front = groups.iter().find(|group| group["name"] == "qd-demo-front").unwrap();
    let mut open: Vec<String> = front["security_group_rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["direction"] == "ingress" && rule["ethertype"] == "IPv4")
        .map(|rule| format!("{} {}-{}", rule["protocol"], rule["port_range_min"], rule["port_range_max"]))
        .collect();
    open.sort();
    assert_eq!(open, ["\"tcp\" 80-80", "\"tcp\" 8000-8010", "\"udp\" 53-53"]);

    // Other ports count at once, without a server made anew.
    let spec = stage.spec(&SPEC.replace("[80, 8000-8010, 53/udp]", "[443]"));
    stage.run(&["cluster", "create", "-f", &spec, "--yes"]).ok();
    let groups = stage.list("security-groups", "security_groups");
    let front = groups.iter().find(|group| group["name"] == "qd-demo-front").unwrap().to_string();
    assert!(front.contains("443") && !front.contains("8010"), "{front}");
    assert_eq!(stage.counts(), counts(WHOLE));

    // One node more, and it away again.
    stage.run(&["cluster", "scale", "demo", "front=2", "--yes"]).ok();
    assert_eq!(stage.list("floatingips", "floatingips").len(), 2);
    stage.run(&["cluster", "scale", "demo", "front=1", "--yes"]).ok();
    assert_eq!(stage.counts(), counts(WHOLE), "{:#?}", stage.left());

    stage.run(&["cluster", "delete", "demo", "--yes"]).ok();
    assert_eq!(stage.left(), before);
}

#[test]
fn a_cluster_uses_what_the_project_has_and_leaves_it() {
    let Some(stage) = Stage::new(true) else { return };
    let person = &stage.project.person;
    let outside = stage.runtime.block_on(person.get(NEUTRON, "/v2.0/networks?router:external=true"));
    let made = json!({ "floatingip": { "floating_network_id": outside["networks"][0]["id"] } });
    let made = stage.runtime.block_on(person.does(Method::POST, NEUTRON, "/v2.0/floatingips", Some(made)));
    let before = stage.left();
    let spec = stage.spec(SPEC);
    stage.run(&["cluster", "create", "-f", &spec, "--yes"]).ok();
    let mut whole = counts(WHOLE);
    whole.insert("port".to_owned(), 4);
    assert_eq!(stage.counts(), whole, "{:#?}", stage.left());
    assert_eq!(stage.node("front-1")["address"], made["floatingip"]["floating_ip_address"], "the free one is taken");
    stage.run(&["cluster", "delete", "demo", "--yes"]).ok();
    assert_eq!(stage.left(), before);
    let ip = &stage.list("floatingips", "floatingips")[0];
    assert_eq!((&ip["port_id"], &ip["description"]), (&Value::Null, &json!("")));
}

#[test]
fn a_run_that_fails_gives_everything_back() {
    let Some(stage) = Stage::new(false) else { return };
    let before = stage.left();
    let spec = stage.spec(&format!("{SPEC}playbooks: [site.yml]\n"));
    std::fs::write(stage.home.path().join("site.yml"), "- hosts: all\n  gather_facts: false\n  tasks: [{fail: {msg: no}}]\n")
        .unwrap();
    let said = stage.run(&["cluster", "create", "-f", &spec, "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("undone    network of demo on lab"), "{}", said.out);
    assert_eq!(stage.left(), before);
    assert_eq!(stage.run(&["cluster", "list", "--json"]).ok().json(), json!([]));

    // One server alone, with a public address of its own.
    let key = stage.home.path().join("key.pub");
    std::fs::write(&key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMnUzWwLlgyY0RQBdvA9Cj1lTkAsjHcQgzmTqwwOv5kA test\n").unwrap();
    let create =
        ["server", "create", "alone", "--flavor", "m1.nano", "--image", "lab-image", "--public", "--key", key.to_str().unwrap()];
    let said = stage.run(&create);
    assert!(said.code == Some(1) && format!("{}{}", said.out, said.err).contains("no network for servers"), "{said:?}");
    stage.runtime.block_on(stage.project.make_network());
    let before = stage.left();
    stage.run(&create).ok();
    let shown = stage.run(&["server", "show", "alone", "--json"]).ok().json().to_string();
    let ip = &stage.list("floatingips", "floatingips")[0]["floating_ip_address"];
    assert!(shown.contains(ip.as_str().unwrap()), "{ip} in {shown}");
    stage.run(&["server", "stop", "alone"]).ok();
    let done = stage.run(&["server", "actions", "alone", "--json"]).ok().json();
    let done: Vec<&Value> = done.as_array().unwrap().iter().collect();
    let words: Vec<&str> = done.iter().map(|action| action["action"].as_str().unwrap()).collect();
    assert_eq!(words, ["stop", "create"]);
    assert!(done[1]["events"].to_string().contains("compute__do_build_and_run_instance"), "{done:#?}");
    let said = stage.run(&["server", "actions", "alone"]).ok().out;
    assert!(said.contains("compute_stop_instance") && said.contains("Success"), "{said}");
    stage.run(&["server", "delete", "alone", "--yes"]).ok();
    assert_eq!(stage.left(), before);
}

#[test]
fn what_cannot_be_is_said_before_anything_is_made() {
    let Some(stage) = Stage::new(true) else { return };
    let before = stage.left();
    let plan = |text: &str| {
        let said = stage.run(&["cluster", "plan", "-f", &stage.spec(text)]);
        assert_ne!(said.code, Some(0), "{said:?}");
        said.err
    };
    for (from, to, valid) in [
        ("flavor: m1.nano", "flavor: m1.nanno", "`m1.nano`"),
        ("image: lab-image", "image: lab-imag", "`lab-image`"),
        ("count: 2,", "count: 2, networks: [privat],", "`private`"),
    ] {
        let said = plan(&SPEC.replace(from, to));
        assert!(said.contains(valid) && said.contains("demo.yml:"), "{said}");
    }
    stage.runtime.block_on(stage.project.quota(json!({ "instances": 2 })));
    let said = plan(SPEC);
    assert!(said.contains("servers: 3 wanted, 2 allowed (0 in use now)"), "{said}");
    let path = format!("/v2.0/quotas/{}", stage.project.id);
    stage.runtime.block_on(stage.project.quota(json!({ "instances": 10 })));
    let quota = json!({ "quota": { "floatingip": 0, "security_group": 2 } });
    stage.runtime.block_on(stage.project.admin().does(Method::PUT, NEUTRON, &path, Some(quota)));
    let said = plan(SPEC);
    assert!(
        said.contains("floating_ips: 1 wanted, 0 allowed") && said.contains("security_groups: 3 wanted, 2 allowed"),
        "{said}"
    );
    assert_eq!(stage.left(), before);
}

#[test]
fn an_image_is_uploaded_by_a_run_that_survives_its_engine() {
    let Some(stage) = Stage::new(false) else { return };
    let path = stage.home.path().join("tiny disk.img");
    std::fs::write(&path, vec![7; 3_000_000]).unwrap();
    let upload = ["image", "upload", path.to_str().unwrap(), "--property", "os_distro=debian", "--min-ram", "64"];
    carried_on_within(&stage.home, &upload, &AtWrite("1.after"), KILLED).ok();
    let mine = || {
        let images = stage.run(&["image", "list", "--json"]).ok().json().as_array().unwrap().clone();
        images.into_iter().filter(|image| image["name"] == "tiny disk").collect::<Vec<_>>()
    };
    let images = mine();
    assert_eq!(images.len(), 1, "{images:#?}");
    assert_eq!((&images[0]["size"], &images[0]["ssh_user"]), (&json!(3_000_000), &json!("debian")));
    let said = stage.run(&["run", "tail", "1"]).ok().out;
    assert!(said.contains("sent: 100 %") && said.contains("os_hash_value"), "{said}");
    stage.run(&["image", "delete", "tiny disk", "--yes"]).ok();
    assert_eq!(mine().len(), 0);
    std::fs::write(&path, b"\xfd7zXZ\0").unwrap();
    let said = stage.run(&["image", "upload", path.to_str().unwrap()]);
    assert!(said.code == Some(1) && said.out.contains("unxz"), "{said:?}");
}
