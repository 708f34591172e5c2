//! A real OpenStack control plane with fake servers, where one is given: `QUARTERDECK_LAB` names its directory.

mod beside;
#[path = "../../src/base/http/tests/call.rs"]
#[expect(dead_code, reason = "the stub of the unit tests uses the rest")]
mod call;
pub mod machines;
pub mod proxy;

use std::sync::OnceLock;
use std::time::Duration;

use quarterdeck::base::Cx;
use quarterdeck::base::http::{Http, Method, Request, Settings, Url};
use quarterdeck::model::account::{Called, InDomain, OpenstackAccount, OpenstackAuth, Scope, Secret};
use secrecy::SecretString;
use serde_json::{Value, json};

/// Names of the services' ports in the lab.
pub const KEYSTONE: u16 = 15000;
pub const NOVA: u16 = 18774;
pub const NEUTRON: u16 = 19696;
pub const GLANCE: u16 = 19292;

/// What every user of the lab has.
const PASSWORD: &str = "labsecret";

/// Whether there is a lab. Without one a test is skipped by name; one that is named and does not answer is a failure.
pub fn there(test: &str) -> bool {
    static THERE: OnceLock<Result<bool, String>> = OnceLock::new();
    let there = THERE.get_or_init(|| {
        if std::env::var_os("QUARTERDECK_LAB").is_none_or(|dir| dir.is_empty()) {
            return Ok(false);
        }
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], KEYSTONE));
        let answers = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5));
        answers.map(|_| true).map_err(|e| format!("the lab does not answer on {address}: {e}"))
    });
    match there {
        Ok(true) => true,
        Ok(false) => {
            crate::support::skipped(test, "no OpenStack lab is given (QUARTERDECK_LAB)");
            false
        }
        Err(why) => panic!("{why}"),
    }
}

/// Somebody who talks to the lab with plain calls, beside the driver.
#[derive(Clone)]
pub struct Person {
    http: Http,
    token: SecretString,
}

impl Person {
    /// The administrator.
    pub async fn admin() -> Self {
        Self::log_in("admin", PASSWORD, "admin").await
    }

    /// Somebody in a project.
    pub async fn log_in(user: &str, password: &str, project: &str) -> Self {
        let http = Http::open(Settings::default()).unwrap();
        let domain = json!({ "id": "default" });
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": { "name": user, "domain": domain, "password": password } } },
            "scope": { "project": { "name": project, "domain": domain } } } });
        let request = Request::new(Method::POST, url(KEYSTONE, "/v3/auth/tokens"), "log in").json(&body);
        let answer = http.send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap();
        let token = SecretString::from(answer.header("x-subject-token").unwrap().to_owned());
        Self { http, token }
    }

    /// One call; the status and what was said.
    pub async fn call(&self, method: Method, port: u16, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::new(method, url(port, path), "prepare the lab")
            .secret_header("x-auth-token", &self.token)
            .header("openstack-api-version", "compute 2.96");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = self.http.send(&Cx::quiet(), &request).await.unwrap();
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// One call that must work.
    pub async fn does(&self, method: Method, port: u16, path: &str, body: Option<Value>) -> Value {
        let (status, told) = self.call(method.clone(), port, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {told}");
        told
    }

    pub async fn get(&self, port: u16, path: &str) -> Value {
        self.does(Method::GET, port, path, None).await
    }
}

fn url(port: u16, path: &str) -> Url {
    format!("http://127.0.0.1:{port}{path}").parse().unwrap()
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A project of its own, with a user, and (unless it is to be bare) a network with a router to the outside.
pub struct Project {
    pub name: String,
    pub id: String,
    user: String,
    admin: Person,
    pub person: Person,
}

impl Project {
    /// Makes one.
    pub async fn new(network: bool) -> Self {
        let admin = Person::admin().await;
        let name = format!("qd-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let made = json!({ "project": { "name": name, "domain_id": "default" } });
        let id = text(&admin.does(Method::POST, KEYSTONE, "/v3/projects", Some(made)).await["project"]["id"]);
        let made = json!({ "user": { "name": name, "domain_id": "default", "password": PASSWORD } });
        let user = text(&admin.does(Method::POST, KEYSTONE, "/v3/users", Some(made)).await["user"]["id"]);
        let roles = admin.get(KEYSTONE, "/v3/roles?name=member").await;
        let role = text(&roles["roles"][0]["id"]);
        admin.does(Method::PUT, KEYSTONE, &format!("/v3/projects/{id}/users/{user}/roles/{role}"), None).await;
        let person = Person::log_in(&name, PASSWORD, &name).await;
        let project = Self { name, id, user, admin, person };
        if network {
            project.make_network().await;
        }
        project
    }

    /// A network with a router to the outside.
    pub async fn make_network(&self) {
        let person = &self.person;
        let made = json!({ "network": { "name": "private" } });
        let network = person.does(Method::POST, NEUTRON, "/v2.0/networks", Some(made)).await;
        let made = json!({ "subnet": { "name": "private-v4", "network_id": network["network"]["id"], "ip_version": 4, "cidr": "10.20.0.0/16" } });
        let subnet = person.does(Method::POST, NEUTRON, "/v2.0/subnets", Some(made)).await;
        let outside = person.get(NEUTRON, "/v2.0/networks?router:external=true").await;
        let made =
            json!({ "router": { "name": "router", "external_gateway_info": { "network_id": outside["networks"][0]["id"] } } });
        let router = person.does(Method::POST, NEUTRON, "/v2.0/routers", Some(made)).await;
        let path = format!("/v2.0/routers/{}/add_router_interface", text(&router["router"]["id"]));
        person.does(Method::PUT, NEUTRON, &path, Some(json!({ "subnet_id": subnet["subnet"]["id"] }))).await;
    }

    /// The administrator, for what the project cannot do itself.
    pub fn admin(&self) -> &Person {
        &self.admin
    }

    /// Limits the servers of the project.
    pub async fn quota(&self, body: Value) {
        let path = format!("/v2.1/os-quota-sets/{}", self.id);
        self.admin.does(Method::PUT, NOVA, &path, Some(json!({ "quota_set": body }))).await;
    }

    /// The account of its user, at this Keystone.
    pub fn account(&self, keystone: u16) -> OpenstackAccount {
        let named = |name: &str| InDomain { called: Called::Name(name.to_owned()), domain: Some(Called::Name("Default".into())) };
        let auth = OpenstackAuth::Password { user: named(&self.name), password: Secret::new(PASSWORD) };
        let keystone = format!("http://127.0.0.1:{keystone}/v3");
        OpenstackAccount {
            region: Some("RegionOne".into()),
            ..OpenstackAccount::new(keystone, auth, Scope::Project(named(&self.name)), "the lab".to_owned())
        }
    }

    /// The same account for other programs, as cloud `lab`.
    pub fn clouds_yaml(&self, keystone: u16) -> String {
        format!(
            "clouds:\n  lab:\n    region_name: RegionOne\n    auth: {{auth_url: 'http://127.0.0.1:{keystone}/v3', username: {name}, \
             password: {PASSWORD}, project_name: {name}, user_domain_name: Default, project_domain_name: Default}}\n",
            name = self.name
        )
    }

    /// Everything that the project has now and that servers or clusters could have left: one line each.
    pub async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let rows = |told: &Value, key: &str, what: &str| {
            let rows = told[key].as_array().cloned().unwrap_or_default();
            rows.iter().map(|row| format!("{what} {} {}", row["name"], row["id"])).collect::<Vec<_>>()
        };
        let servers = self.person.get(NOVA, "/v2.1/servers").await;
        left.extend(rows(&servers, "servers", "server"));
        for (path, key, what) in [
            ("floatingips", "floatingips", "floating IP"),
            ("routers", "routers", "router"),
            ("networks", "networks", "network"),
            ("subnets", "subnets", "subnet"),
            ("security-groups", "security_groups", "security group"),
            ("ports", "ports", "port"),
        ] {
            let told = self.person.get(NEUTRON, &format!("/v2.0/{path}?project_id={}", self.id)).await;
            left.extend(rows(&told, key, what));
        }
        let keys = self.person.get(NOVA, "/v2.1/os-keypairs").await;
        left.extend(keys["keypairs"].as_array().into_iter().flatten().map(|k| format!("key pair {}", k["keypair"]["name"])));
        left
    }

    /// Takes everything away. What cannot be deleted is told: a test that ends must not break for it.
    pub async fn remove(&self) {
        let delete = async |person: &Person, port: u16, path: String| {
            let (status, told) = person.call(Method::DELETE, port, &path, None).await;
            if !(200..300).contains(&status) && status != 404 {
                eprintln!("DELETE {path}: {status} {told}");
            }
        };
        let list = async |port: u16, path: &str, key: &str| -> Vec<Value> {
            self.person.call(Method::GET, port, path, None).await.1[key].as_array().cloned().unwrap_or_default()
        };
        let end = std::time::Instant::now() + Duration::from_secs(120);
        loop {
            let servers = list(NOVA, "/v2.1/servers", "servers").await;
            if servers.is_empty() || std::time::Instant::now() > end {
                break;
            }
            for server in servers {
                delete(&self.admin, NOVA, format!("/v2.1/servers/{}", text(&server["id"]))).await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let own = format!("project_id={}", self.id);
        for ip in list(NEUTRON, &format!("/v2.0/floatingips?{own}"), "floatingips").await {
            delete(&self.person, NEUTRON, format!("/v2.0/floatingips/{}", text(&ip["id"]))).await;
        }
        for router in list(NEUTRON, &format!("/v2.0/routers?{own}"), "routers").await {
            let id = text(&router["id"]);
            for port in list(NEUTRON, &format!("/v2.0/ports?device_id={id}"), "ports").await {
                let body = json!({ "port_id": port["id"] });
                let path = format!("/v2.0/routers/{id}/remove_router_interface");
                self.person.call(Method::PUT, NEUTRON, &path, Some(body)).await;
            }
            delete(&self.person, NEUTRON, format!("/v2.0/routers/{id}")).await;
        }
        for (path, key) in [("ports", "ports"), ("networks", "networks"), ("security-groups", "security_groups")] {
            for row in list(NEUTRON, &format!("/v2.0/{path}?{own}"), key).await {
                delete(&self.admin, NEUTRON, format!("/v2.0/{path}/{}", text(&row["id"]))).await;
            }
        }
        for image in list(GLANCE, &format!("/v2/images?owner={}", self.id), "images").await {
            delete(&self.person, GLANCE, format!("/v2/images/{}", text(&image["id"]))).await;
        }
        delete(&self.admin, KEYSTONE, format!("/v3/users/{}", self.user)).await;
        delete(&self.admin, KEYSTONE, format!("/v3/projects/{}", self.id)).await;
    }
}
