//! Machines behind the servers of a project: the lab's have no operating system. Each active server gets a machine of
//! the sandbox, booted with its user data, which answers SSH at every address that Neutron gives the server.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck::base::Cx;
use quarterdeck::base::http::Method;
use quarterdeck::clouds::Cloud;
use quarterdeck::model::{Server, ServerStatus};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinHandle};

use super::{NEUTRON, NOVA, Person, Project, text};
use crate::cloud_contract::openstack::booted;
use crate::cloud_contract::sandbox::SandboxFixture;

/// Between two looks at the lab.
const PAUSE: Duration = Duration::from_millis(300);

/// See the module. They end with this.
pub struct Machines {
    watch: JoinHandle<()>,
    /// Held for its servers, which end with it.
    _sandbox: Arc<SandboxFixture>,
}

impl Machines {
    /// Watches over a project from now on; `None`, with a word about it, where this computer cannot.
    pub fn behind(project: &Project, runtime: &Runtime, test: &str) -> Option<Self> {
        let root = nix::unistd::geteuid().is_root();
        if crate::support::lacks(test, "root (addresses on the loopback interface)", root) {
            return None;
        }
        let sandbox = Arc::new(SandboxFixture::new()?);
        let admin = project.admin().clone();
        let (id, kept) = (project.id.clone(), Arc::clone(&sandbox));
        let watch = runtime.spawn(async move {
            let mut machines = HashMap::new();
            let mut doors = BTreeMap::new();
            loop {
                follow(&admin, &id, &kept, &mut machines, &mut doors).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
        Some(Self { watch, _sandbox: sandbox })
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// An address of a server that leads to its machine.
struct Door {
    address: String,
    serve: AbortHandle,
}

impl Door {
    fn open(address: &str, machine: &Server) -> Option<Self> {
        let done = std::process::Command::new("ip").args(["addr", "replace", &format!("{address}/32"), "dev", "lo"]).status();
        assert!(done.unwrap().success(), "{address} cannot be put on the loopback interface");
        let listener = std::net::TcpListener::bind((address, 22)).ok()?;
        listener.set_nonblocking(true).unwrap();
        let to = (machine.address().unwrap().to_owned(), machine.ssh_port);
        let serve = tokio::spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                let to = to.clone();
                tokio::spawn(async move {
                    if let Ok(mut machine) = TcpStream::connect(to).await {
                        // Whoever hangs up first is right.
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut machine).await;
                    }
                });
            }
        });
        Some(Self { address: address.to_owned(), serve: serve.abort_handle() })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serve.abort();
        let _ = std::process::Command::new("ip").args(["addr", "del", &format!("{}/32", self.address), "dev", "lo"]).status();
    }
}

/// Brings machines and doors in line with what the lab says now. What it does not say counts as gone.
async fn follow(
    admin: &Person,
    project: &str,
    sandbox: &SandboxFixture,
    machines: &mut HashMap<String, Server>,
    doors: &mut BTreeMap<String, (String, Door)>,
) {
    let list = async |port: u16, path: String, key: &str| -> Vec<Value> {
        admin.call(Method::GET, port, &path, None).await.1[key].as_array().cloned().unwrap_or_default()
    };
    let (cloud, cx) = (sandbox.sandbox(), Cx::quiet());
    let servers = list(NOVA, format!("/v2.1/servers/detail?all_tenants=1&project_id={project}"), "servers").await;
    for server in servers.iter().filter(|server| server["status"] == "ACTIVE") {
        if let Entry::Vacant(place) = machines.entry(text(&server["id"])) {
            let new = booted(&text(&server["name"]), &server["OS-EXT-SRV-ATTR:user_data"]);
            let machine = cloud.create_server(&cx, &new).await.unwrap();
            place.insert(crate::cloud_contract::until(cloud.as_ref(), &machine.id, ServerStatus::Active).await);
        }
    }
    let gone: Vec<String> =
        machines.keys().filter(|id| !servers.iter().any(|server| server["id"] == id.as_str())).cloned().collect();
    for id in gone {
        if let Some(machine) = machines.remove(&id) {
            cloud.delete_server(&cx, &machine.id).await.unwrap();
        }
    }
    let ports = list(NEUTRON, format!("/v2.0/ports?project_id={project}"), "ports").await;
    let ips = list(NEUTRON, format!("/v2.0/floatingips?project_id={project}"), "floatingips").await;
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for port in ports.iter().filter(|port| machines.contains_key(port["device_id"].as_str().unwrap_or_default())) {
        let server = text(&port["device_id"]);
        for ip in port["fixed_ips"].as_array().into_iter().flatten() {
            wanted.insert(text(&ip["ip_address"]), server.clone());
        }
        for ip in ips.iter().filter(|ip| ip["port_id"] == port["id"]) {
            wanted.insert(text(&ip["floating_ip_address"]), server.clone());
        }
    }
    doors.retain(|address, (server, _)| wanted.get(address) == Some(server));
    for (address, server) in wanted {
        if !doors.contains_key(&address)
            && let Some(door) = Door::open(&address, &machines[&server])
        {
            doors.insert(address, (server, door));
        }
    }
}
