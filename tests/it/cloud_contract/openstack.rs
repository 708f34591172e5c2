//! The OpenStack driver keeps the contract, against a real control plane.
//!
//! Its servers have no operating system: behind each that must answer SSH stands a machine of the sandbox, booted
//! with the same user data, and switched as Nova says that the server was switched.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Output};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use quarterdeck::base::Cx;
use quarterdeck::base::http::Method;
use quarterdeck::clouds::Cloud;
use quarterdeck::clouds::openstack::{Config, OpenStackCloud};
use quarterdeck::model::{CloudName, ClusterId, HomeId, NewServer, PlacedFile, PowerAction, Server, ServerStatus, Tags, Token};
use serde_json::{Value, json};

use super::sandbox::{SandboxFixture, in_a_runtime};
use super::{Faults, Fixture, contract, until};
use crate::lab::proxy::Proxy;
use crate::lab::{self, KEYSTONE, NOVA, Project, text};

contract!(OpenStackFixture::new);
contract!(OpenStackFixture::new: networks { what_a_cluster_has_is_made_once_found_and_given_back, lost_answers_leave_nothing_twice,
    what_was_made_is_listed });
contract!(OpenStackFixture::new: uploads { a_file_becomes_an_image, what_cannot_be_an_image_is_refused,
    an_upload_that_breaks_leaves_nothing });

/// Name of a flavor that no host can hold.
const TOO_LARGE: &str = "qd-larger-than-all";

/// A project of the lab, reached through a proxy that can misbehave.
pub struct OpenStackFixture {
    cloud: OpenStackCloud,
    home: HomeId,
    proxy: Proxy,
    project: Project,
    machines: SandboxFixture,
    /// Machines behind servers: id in the sandbox, and how many of Nova's actions they have followed.
    shadows: tokio::sync::Mutex<HashMap<String, (String, usize)>>,
    too_large: OnceLock<String>,
}

impl OpenStackFixture {
    /// `None`, with a word about it, where there is no lab.
    pub fn new() -> Option<Self> {
        let test = std::thread::current().name().unwrap_or("openstack").to_owned();
        if !lab::there(&test) {
            return None;
        }
        let machines = SandboxFixture::new()?;
        let proxy = Proxy::new();
        let project = in_a_runtime(Project::new(true));
        let cloud = open(&project, &proxy);
        Some(Self {
            cloud,
            home: HomeId::new(),
            proxy,
            project,
            machines,
            shadows: tokio::sync::Mutex::default(),
            too_large: OnceLock::new(),
        })
    }

    /// A flavor for servers that must fail.
    fn too_large(&self) -> String {
        let admin = self.project.admin().clone();
        let make = async move {
            let body = json!({ "flavor": { "name": TOO_LARGE, "id": TOO_LARGE, "vcpus": 1, "ram": 1 << 30, "disk": 1 } });
            let (status, told) = admin.call(Method::POST, NOVA, "/v2.1/flavors", Some(body)).await;
            assert!(status == 200 || status == 409, "{status} {told}");
        };
        self.too_large.get_or_init(|| {
            in_a_runtime(make);
            TOO_LARGE.to_owned()
        });
        TOO_LARGE.to_owned()
    }

    /// The machine behind a server, as Nova's own record says that it must be now.
    async fn machine(&self, server: &Server) -> Server {
        let cx = Cx::quiet();
        let sandbox = self.machines.cloud();
        let admin = self.project.admin();
        let told = admin.get(NOVA, &format!("/v2.1/servers/{}/os-instance-actions", server.id)).await;
        let mut actions: Vec<(String, String)> = told["instanceActions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| (text(&action["start_time"]), text(&action["action"])))
            .collect();
        actions.sort();
        let mut shadows = self.shadows.lock().await;
        let (id, followed) = match shadows.get(&server.id) {
            Some(shadow) => shadow.clone(),
            None => {
                let told = admin.get(NOVA, &format!("/v2.1/servers/{}", server.id)).await;
                let new = booted(&server.name, &told["server"]["OS-EXT-SRV-ATTR:user_data"]);
                let id = sandbox.create_server(&cx, &new).await.unwrap().id;
                until(sandbox.as_ref(), &id, ServerStatus::Active).await;
                (id, 0)
            }
        };
        for (_, action) in &actions[followed..] {
            let (power, then) = match action.as_str() {
                "stop" => (PowerAction::Stop, ServerStatus::Shutoff),
                "start" => (PowerAction::Start, ServerStatus::Active),
                "reboot" => (PowerAction::Reboot, ServerStatus::Active),
                _ => continue,
            };
            sandbox.power(&cx, &id, power).await.unwrap();
            until(sandbox.as_ref(), &id, then).await;
        }
        shadows.insert(server.id.clone(), (id.clone(), actions.len()));
        sandbox.server(&cx, &id).await.unwrap()
    }
}

/// What cloud-init would make of a server's user data.
pub fn booted(name: &str, user_data: &Value) -> NewServer {
    let bytes =
        user_data.as_str().map(|data| base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap_or_default();
    let config: Value = match String::from_utf8(bytes).unwrap().strip_prefix("#cloud-config\n") {
        Some(text) => serde_json::from_str(text).unwrap(),
        None => Value::Null,
    };
    let list = |key: &str| config[key].as_array().cloned().unwrap_or_default();
    let file = |file: &Value| PlacedFile {
        path: text(&file["path"]),
        content_base64: text(&file["content"]),
        mode: u32::from_str_radix(&text(&file["permissions"]), 8).unwrap(),
    };
    NewServer {
        name: name.to_owned(),
        flavor: "tiny".into(),
        image: "host".into(),
        networks: Vec::new(),
        public_address: false,
        security_groups: Vec::new(),
        authorized_keys: list("ssh_authorized_keys").iter().map(text).collect(),
        files: list("write_files").iter().map(file).collect(),
        extras: Default::default(),
        tags: Tags { token: Token::from_random(super::uuid_bytes()), cluster: ClusterId::new(), ..Tags::unset(name) },
    }
}

fn open(project: &Project, proxy: &Proxy) -> OpenStackCloud {
    let mut account = project.account(proxy.port(KEYSTONE));
    // What the proxy does is to be seen.
    account.retries = Some(0);
    let config = Config { name: CloudName::new("lab"), account, token_file: PathBuf::from("/nowhere"), watch: None };
    OpenStackCloud::open(config).unwrap()
}

/// Does something asynchronous from within a test's own runtime.
fn beside(work: impl Future<Output = ()> + Send) {
    std::thread::scope(|scope| {
        scope.spawn(move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work));
    });
}

impl Drop for OpenStackFixture {
    fn drop(&mut self) {
        self.proxy.turn(|faults| *faults = Default::default());
        beside(self.project.remove());
    }
}

#[async_trait]
impl Fixture for OpenStackFixture {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(self.cloud.clone())
    }

    fn reopened(&self) -> Arc<dyn Cloud> {
        Arc::new(open(&self.project, &self.proxy))
    }

    fn home(&self) -> HomeId {
        self.home
    }

    fn flavor(&self) -> String {
        "m1.nano".to_owned()
    }

    fn image(&self) -> String {
        "lab-image".to_owned()
    }

    fn public_key(&self) -> String {
        self.machines.public_key()
    }

    async fn run(&self, server: &Server, command: &str) -> Output {
        let now = self.cloud.server(&Cx::quiet(), &server.id).await.unwrap();
        if !matches!(now.status, ServerStatus::Active | ServerStatus::Shutoff) {
            return Output { status: ExitStatus::from_raw(255 << 8), stdout: Vec::new(), stderr: b"no route to host".to_vec() };
        }
        let machine = self.machine(&now).await;
        self.machines.run(&machine, command).await
    }

    fn faults(&self) -> &dyn Faults {
        self
    }

    /// Nova counts once more after it has accepted: what is too much by then goes to `error`.
    fn counts_at_once(&self) -> bool {
        false
    }
}

impl Faults for OpenStackFixture {
    fn boots_fail(&self, fail: bool) {
        let flavor = fail.then(|| self.too_large());
        self.proxy.turn(|faults| faults.flavor = flavor);
    }

    fn boots_take(&self, time: Duration) {
        self.proxy.turn(|faults| faults.boot = time);
    }

    fn latency(&self, time: Duration) {
        self.proxy.turn(|faults| faults.latency = time);
    }

    fn errors(&self, rate: f64) {
        self.proxy.turn(|faults| faults.errors = rate);
    }

    fn throttle(&self, rate: f64) {
        self.proxy.turn(|faults| faults.throttle = rate);
    }

    fn lost_answers(&self, rate: f64) {
        self.proxy.turn(|faults| faults.lost = rate);
    }

    fn quota(&self, servers: u64) {
        beside(self.project.quota(json!({ "instances": servers })));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_in_the_middle_costs_a_log_in_and_nothing_else() {
    let Some(fixture) = OpenStackFixture::new() else { return };
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let before = fixture.project.left().await;
    let refused = || ("POST /v2.1/servers".to_owned(), 401, json!({ "error": { "message": "token expired" } }));
    fixture.proxy.turn(|faults| faults.refuse.push(refused()));
    let new = super::wanted(&fixture, ClusterId::new(), "renewed-1");
    let server = cloud.create_server(&cx, &new).await.unwrap();
    assert_eq!(cloud.servers_by_token(&cx, &new.tags.token).await.unwrap().len(), 1);
    let calls = fixture.proxy.calls();
    let count = |line: &str| calls.iter().filter(|call| *call == line).count();
    assert_eq!((count("POST /v3/auth/tokens"), count("POST /v2.1/servers")), (2, 2), "{calls:?}");
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    cloud.delete_server(&cx, &server.id).await.unwrap();
    assert_eq!(fixture.project.left().await, before, "nothing is left of it");
}
