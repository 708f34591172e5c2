//! The blueprints as they ship: planned, made on the sandbox cloud, configured by real Ansible, twice.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use quarterdeck::ansible::events::Tail;
use quarterdeck::ansible::inventory::{self, ClusterPaths};
use quarterdeck::ansible::playbook::{self, PlaybookCall};
use quarterdeck::base::{Cx, job};
use quarterdeck::clusters::{CloudFacts, Facts, Inputs, Wanted, blueprints, plan, spec};
use quarterdeck::model::play::Totals;
use quarterdeck::model::{
    Cluster, ClusterId, ClusterState, Node, NodeState, Plan, PlanId, PlayState, ServerStatus, Time, Token, Work,
};
use quarterdeck::ssh::{self, KnownHosts, Target};

use crate::ansible::ansible;
use crate::cloud_contract::sandbox::SandboxFixture;
use crate::cloud_contract::{self, Fixture};
use crate::support::{PROGRAM, text};

/// A blueprint's cluster on a sandbox cloud of its own.
struct Lab {
    fixture: SandboxFixture,
    cluster: Cluster,
    nodes: Vec<Node>,
    dir: tempfile::TempDir,
    runs: u32,
}

impl Lab {
    /// Makes the servers. `None` where this machine has no sandbox.
    async fn up(name: &str) -> Option<Self> {
        let fixture = SandboxFixture::new()?;
        let blueprint = blueprints::find(name).unwrap();
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in blueprint.files {
            let path = dir.path().join("files").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let plan = planned(&fixture, blueprint.spec()).await;
        let mut lab = Self { cluster: cluster_of(&plan), nodes: plan.nodes.clone(), fixture, dir, runs: 0 };
        lab.carry_out(&plan).await;
        Some(lab)
    }

    async fn carry_out(&mut self, plan: &Plan) {
        let cloud = self.fixture.cloud();
        for step in &plan.steps {
            if let Work::CreateServer { server } = &step.work {
                cloud.create_server(&Cx::quiet(), server).await.unwrap();
            }
        }
        for node in &mut self.nodes {
            let token = node.token.clone().unwrap();
            let found = cloud.servers_by_token(&Cx::quiet(), &token).await.unwrap();
            let server = cloud_contract::until(cloud.as_ref(), &found[0].id, ServerStatus::Active).await;
            node.address = server.address().map(str::to_owned);
            node.ssh_port = server.ssh_port;
            let target = Target {
                host: node.address.clone().unwrap(),
                port: node.ssh_port,
                user: "root".into(),
                auth: ssh::Auth { keys: vec![self.fixture.key()], ..ssh::Auth::default() },
                known: KnownHosts::learn(self.dir.path().join("known_hosts")),
                via: None,
            };
            let probe = ssh::wait(&target, &Cx::quiet().within(Duration::from_secs(60))).await.unwrap();
            node.host_key = Some(probe.host_key);
            node.state = NodeState::Up;
        }
    }

    /// Runs the blueprint's playbook; it must succeed.
    async fn play(&mut self) -> PlayState {
        self.runs += 1;
        let at = |name: &str| self.dir.path().join(name);
        let job_dir = at(&format!("job-{}", self.runs));
        let paths = ClusterPaths { key: self.fixture.key(), known_hosts: at("known_hosts") };
        let list = inventory::render(&self.cluster, &self.nodes, &paths);
        std::fs::write(at("inventory.json"), inventory::as_file(&list)).unwrap();
        let call = PlaybookCall {
            spec: self.cluster.spec.playbooks[0].spec(),
            playbook: at("files/site.yml"),
            inventory: at("inventory.json"),
            job_dir: job_dir.clone(),
            control_dir: at("cp"),
            nodes: self.nodes.len(),
            vault: false,
            color: false,
            ssh_auth_sock: None,
        };
        let ansible = tokio::task::spawn_blocking(ansible).await.unwrap();
        let job = playbook::prepare(&ansible, &call).unwrap();
        let began = Instant::now();
        job::start(Path::new(PROGRAM), &job_dir, &job, Vec::new()).unwrap();
        let exit = job::wait(&job_dir, &Cx::quiet().within(Duration::from_secs(180))).await.unwrap();
        assert_eq!(exit.code, Some(0), "{}", text(job_dir.join("output")));
        let mut state = PlayState::default();
        Tail::new(job_dir.join(playbook::EVENTS)).read(usize::MAX).iter().for_each(|event| state.apply(event));
        println!("{}: run {} took {:?}", self.cluster.name, self.runs, began.elapsed());
        state
    }

    fn address(&self, node: &str) -> String {
        self.nodes.iter().find(|n| n.name == node).and_then(|n| n.address.clone()).unwrap()
    }

    async fn on(&self, node: &str, command: &str) -> String {
        let id = &self.nodes.iter().find(|n| n.name == node).unwrap().token;
        let found = self.fixture.cloud().servers_by_token(&Cx::quiet(), id.as_ref().unwrap()).await.unwrap();
        let output = self.fixture.run(&found[0], command).await;
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

async fn planned(fixture: &SandboxFixture, text: &str) -> Plan {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let offer = CloudFacts {
        defaults: Default::default(),
        flavors: cloud.flavors(&cx).await.unwrap(),
        images: cloud.images(&cx).await.unwrap(),
        networks: cloud.networks(&cx).await.unwrap(),
        quota: cloud.quota(&cx).await.unwrap(),
        capabilities: cloud.capabilities(),
        ..CloudFacts::default()
    };
    let facts = Facts {
        home: fixture.home(),
        clouds: BTreeMap::from([(cloud.name().clone(), offer)]),
        cluster: None,
        nodes: Vec::new(),
        servers: Vec::new(),
        belongings: Vec::new(),
    };
    let spec = spec::parse(text, "cluster.yml").unwrap();
    let wanted = Wanted { spec: &spec, path: "cluster.yml", text, base_dir: "/", default_cloud: cloud.name() };
    let inputs = Inputs {
        plan: PlanId::new(),
        cluster: ClusterId::new(),
        keys: &[fixture.public_key()],
        files: &BTreeMap::new(),
        frozen: BTreeMap::new(),
        token: &mut || Token::from_random(rand::random()),
    };
    plan::create(&wanted, &facts, inputs).unwrap()
}

fn cluster_of(plan: &Plan) -> Cluster {
    Cluster { revision: 1, state: ClusterState::Running, ..Cluster::planned(plan, Time(0)) }
}

/// The nodes that answer when a page is asked for several times.
fn answering(address: &str, times: usize) -> BTreeSet<String> {
    let ask = |_| {
        let mut line = TcpStream::connect((address, 8000)).unwrap();
        line.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        line.write_all(b"GET /page HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.lines().find_map(|line| line.strip_prefix("X-Node: ")).unwrap().to_owned()
    };
    (0..times).map(ask).collect()
}

fn unchanged(totals: &Totals) {
    assert_eq!((totals.changed, totals.failed, totals.unreachable), (0, 0, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_shows_what_a_run_can_show_and_then_changes_nothing() {
    let Some(mut lab) = Lab::up("hello").await else { return };
    let first = lab.play().await;
    let tasks: Vec<_> = first.plays.iter().flat_map(|play| &play.tasks).collect();
    assert_eq!((first.plays.len(), first.hosts.len()), (2, 3));
    assert!((9..=12).contains(&tasks.len()), "{} tasks", tasks.len());
    assert!(tasks.iter().any(|task| task.handler), "no handler");
    assert!(tasks.iter().any(|task| !task.items.is_empty()), "no loop");
    let totals = first.totals;
    assert!(totals.changed > 0 && totals.ok > totals.changed && totals.skipped == 1, "{totals:?}");
    let slowest = tasks.iter().flat_map(|task| task.results.values()).map(|result| result.took).max().unwrap();
    assert!(slowest >= 3_000, "the slow task took {slowest} ms: nobody sees it");
    let said: Vec<_> = tasks.iter().flat_map(|task| task.results.values()).map(|result| result.msg.as_str()).collect();
    assert!(said.iter().any(|msg| msg.contains("3 nodes are ready: master-1, workers-1, workers-2")), "{said:?}");
    assert!(lab.on("workers-2", "cat /srv/hello/greeting.txt").await.starts_with("Welcome aboard, workers-2!"));

    unchanged(&lab.play().await.totals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_answers_from_every_application_node_and_heals() {
    let Some(mut lab) = Lab::up("web").await else { return };
    lab.play().await;
    let all = BTreeSet::from(["app-1", "app-2", "app-3"].map(str::to_owned));
    let front = lab.address("lb-1");
    assert_eq!(answering(&front, 6), all);
    unchanged(&lab.play().await.totals);

    // The balancer passes over one that died; the next run starts that one again, and nothing else changes.
    lab.on("app-2", "kill $(cat /srv/web/app.lock)").await;
    let rest = BTreeSet::from(["app-1", "app-3"].map(str::to_owned));
    let gone = || TcpStream::connect((lab.address("app-2"), 8080)).is_err().then_some(());
    crate::support::until("the application to end", gone);
    assert_eq!(answering(&front, 6), rest);
    let healed = lab.play().await;
    assert_eq!(healed.totals.changed, 1, "{:?}", healed.totals);
    assert_eq!(answering(&front, 6), all);
}
