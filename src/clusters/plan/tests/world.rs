//! A world in which plans are made and carried out.

use super::*;

pub fn cloud() -> CloudName {
    CloudName::new("sandbox")
}

pub fn flavor(name: &str, vcpus: u32, ram_mb: u64) -> Flavor {
    Flavor { cloud: cloud(), id: format!("f-{name}"), name: name.into(), vcpus, ram_mb, disk_gb: 1, note: String::new() }
}

pub fn image(name: &str, id: &str, ssh_user: Option<&str>) -> Image {
    Image {
        cloud: cloud(),
        id: id.into(),
        name: name.into(),
        status: ImageStatus::Active,
        size: None,
        created: None,
        ssh_user: ssh_user.map(str::to_owned),
        properties: BTreeMap::new(),
    }
}

pub fn quota(used: u64, limit: u64) -> Quota {
    let item = |name: &str, used, limit| QuotaItem { name: name.into(), used, limit: Some(limit) };
    Quota { items: vec![item("servers", used, limit), item("ram_mb", used * 512, limit * 512)] }
}

pub fn offer() -> CloudFacts {
    CloudFacts {
        defaults: Default::default(),
        flavors: vec![flavor("tiny", 1, 256), flavor("small", 1, 512), flavor("large", 4, 4096)],
        images: vec![image("host", "i-host", Some("root")), image("debian", "i-1", None), image("debian", "i-2", None)],
        networks: vec![Network { cloud: cloud(), id: "n-1".into(), name: "private".into(), cidr: None, external: false }],
        quota: quota(0, 100),
        ..CloudFacts::default()
    }
}

pub fn nothing_there() -> Facts {
    Facts {
        home: HomeId(Uuid::from_u128(1)),
        clouds: BTreeMap::from([(cloud(), offer())]),
        cluster: None,
        nodes: Vec::new(),
        servers: Vec::new(),
        belongings: Vec::new(),
    }
}

/// A world in which plans are carried out.
pub struct World {
    pub facts: Facts,
    pub tokens: u32,
    pub servers: u64,
}

impl World {
    pub fn new() -> Self {
        Self { facts: nothing_there(), tokens: 0, servers: 0 }
    }

    pub fn plan(&mut self, make: impl FnOnce(&Facts, Inputs<'_>) -> Result<Plan, Failure>) -> Result<Plan, Failure> {
        let tokens = &mut self.tokens;
        let mut token = || {
            *tokens += 1;
            Token(format!("qd-{tokens:020}"))
        };
        let files = BTreeMap::new();
        let inputs = Inputs {
            plan: PlanId(Uuid::from_u128(2)),
            cluster: ClusterId(Uuid::from_u128(3)),
            keys: &["ssh-ed25519 AAAA me".to_owned()],
            files: &files,
            frozen: BTreeMap::new(),
            token: &mut token,
        };
        make(&self.facts, inputs)
    }

    pub fn create(&mut self, text: &str) -> Result<Plan, Failure> {
        let spec = reader::parse(text, "c.yml")?;
        let default_cloud = cloud();
        let wanted = Wanted { spec: &spec, path: "c.yml", text, base_dir: "/specs", default_cloud: &default_cloud };
        self.plan(|facts, inputs| create(&wanted, facts, inputs))
    }

    pub fn scale(&mut self, counts: &[(&str, u32)]) -> Result<Plan, Failure> {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        self.plan(|facts, inputs| scale(&counts, facts, inputs))
    }

    pub fn repair(&mut self) -> Result<Plan, Failure> {
        self.plan(repair)
    }

    /// Carries a plan out, all of it.
    pub fn apply(&mut self, plan: &Plan) {
        check(plan);
        let cluster = Cluster {
            revision: plan.saw_revision.unwrap_or(0) + 1,
            state: ClusterState::Running,
            public_key: Some("ssh-ed25519 AAAA c".into()),
            ..Cluster::planned(plan, Time(0))
        };
        self.facts.cluster = Some(cluster);
        self.facts.nodes.clone_from(&plan.nodes);
        for step in &plan.steps {
            self.carry_out(step);
        }
    }

    pub fn carry_out(&mut self, step: &PlannedStep) {
        let Some(name) = &step.node else { return };
        match &step.work {
            Work::CreateServer { server } => {
                self.servers += 1;
                let id = format!("s-{}", self.servers);
                self.facts.servers.push(server_called(&id, name, step.cloud.clone().unwrap(), server.tags.clone()));
                let node = self.node(name);
                assert_eq!(node.token.as_ref(), Some(&server.tags.token));
                node.server = Some(id);
            }
            Work::WaitSsh => {
                let node = self.node(name);
                node.state = NodeState::Up;
                node.host_key = Some("ssh-ed25519 AAAA h".into());
            }
            Work::StartServer => self.status(name, ServerStatus::Active),
            Work::DeleteServer { server, token } => {
                self.facts
                    .servers
                    .retain(|s| Some(&s.id) != server.as_ref() && s.tags.as_ref().map(|t| &t.token) != token.as_ref());
                self.facts.nodes.retain(|node| node.name != *name || node.state != NodeState::Deleting);
            }
            _ => {}
        }
    }

    pub fn node(&mut self, name: &str) -> &mut Node {
        self.facts.nodes.iter_mut().find(|node| node.name == name).unwrap()
    }

    pub fn names(&self) -> Vec<&str> {
        self.facts.nodes.iter().map(|node| node.name.as_str()).collect()
    }

    pub fn lose(&mut self, name: &str) {
        let id = self.node(name).server.clone();
        self.facts.servers.retain(|server| Some(&server.id) != id.as_ref());
    }

    pub fn status(&mut self, name: &str, status: ServerStatus) {
        let id = self.node(name).server.clone();
        self.facts.servers.iter_mut().find(|server| Some(&server.id) == id.as_ref()).unwrap().status = status;
    }
}

pub fn server_called(id: &str, name: &str, cloud: CloudName, tags: Tags) -> Server {
    Server {
        cloud,
        id: id.into(),
        name: name.into(),
        status: ServerStatus::Active,
        flavor: "tiny".into(),
        image: "host".into(),
        addresses: vec![Address { ip: "10.0.0.1".into(), kind: AddressKind::Fixed, network: None }],
        ssh_port: 22,
        created: Time(0),
        fault: None,
        tags: Some(tags),
        metadata: BTreeMap::new(),
    }
}
