//! The shape of the command line.

use clap::{CommandFactory, Parser};

use super::Cli;

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn what_people_type_is_understood() {
    for line in [
        "quarterdeck",
        "quarterdeck try",
        "quarterdeck doctor --json",
        "quarterdeck cluster plan -f spec.yml --json",
        "quarterdeck cluster plan web --scale app=3 --scale lb=1",
        "quarterdeck cluster create --blueprint hello --name h2 --cloud lab --yes --detach",
        "quarterdeck cluster scale web app=5 lb=2 --yes",
        "quarterdeck playbook run -c hello site.yml other.yml --limit web -t a,b --skip-tags c --check -f 9 -e a=1 -e @x -vvv",
        "quarterdeck playbook run -c hello --vault-password-file pw",
        "quarterdeck inventory hello --host node-1",
        "quarterdeck ssh hello --all -- uptime -p",
        "quarterdeck ssh hello/node-1",
        "quarterdeck run cancel 42 --undo",
        "quarterdeck run replay 42 --speed 4",
        "quarterdeck run answer 42 retry",
        "quarterdeck engine stop --now",
        "quarterdeck server create a --flavor small --image host --network n1 --network n2",
        "quarterdeck completions zsh",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for line in [
        "quarterdeck nonsense",
        "quarterdeck cluster create -f a.yml --blueprint hello",
        "quarterdeck cluster scale web",
        "quarterdeck cluster scale web app",
        "quarterdeck cluster scale web app=many",
        "quarterdeck cluster scale web app=-1",
        "quarterdeck cluster plan --scale app=3",
        "quarterdeck playbook run -c hello --vault-password-file a --ask-vault-pass",
        "quarterdeck playbook run -c hello -f 0",
        "quarterdeck ssh hello --all",
        "quarterdeck run show latest",
        "quarterdeck run cancel 4 --undo --keep",
        "quarterdeck run replay 4 --speed -2",
        "quarterdeck inventory hello --list --host a",
    ] {
        match parse(line) {
            Ok(_) => panic!("{line}: was taken"),
            Err(error) => assert_eq!(error.exit_code(), 2, "{line}"),
        }
    }
}

/// The help of one command, as wide as its longest line.
fn help(path: &[&str]) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut found = &mut command;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.render_long_help().to_string()
}

#[test]
fn helps_read_as_they_did() {
    for path in [
        &[][..],
        &["cloud"],
        &["cluster"],
        &["cluster", "create"],
        &["cluster", "plan"],
        &["playbook", "run"],
        &["ssh"],
        &["run"],
        &["server"],
        &["engine"],
    ] {
        let name = if path.is_empty() { "help".to_owned() } else { format!("help_{}", path.join("_")) };
        insta::assert_snapshot!(name, help(path));
    }
}

mod shown_lines {
    //! What the console shows as the command line that does the same is understood by this command line.

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::Cli;
    use crate::client::{Mirror, argv};
    use crate::model::spec::PlaybookSpec;
    use crate::model::*;
    use crate::protocol::command::StopMode;
    use crate::protocol::{Command, Event, EventBody, FromEngine, ListKind, SpecSource};
    use clap::Parser;

    fn id(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    /// A home with one cluster of this name, and one question of run 42.
    fn home(cluster: &str) -> Mirror {
        let spec = serde_json::json!({"name": cluster, "groups": {}});
        let cluster = serde_json::from_value(serde_json::json!({
            "id": id(1), "name": cluster, "revision": 1, "state": "running", "cloud": "lab", "spec": spec, "base_dir": "",
            "created": 0, "ssh_user": "root", "public_key": null, "last_run": null, "last_playbook": null,
        }));
        let prompt = serde_json::from_value(serde_json::json!({
            "id": id(9), "run": 42, "step": null, "question": "?", "kind": {"wants": "text"}, "choices": [], "opened": 0,
            "state": {"is": "open"},
        }));
        let bodies = [EventBody::Cluster(Box::new(cluster.unwrap())), EventBody::Prompt(Box::new(prompt.unwrap()))];
        let events = (1..).zip(bodies).map(|(seq, body)| Event { v: 1, seq, at: Time(0), body }).collect();
        let mut mirror = Mirror::default();
        mirror.apply(FromEngine::Snapshot { seq: 2, first: true, last: true, events });
        mirror
    }

    fn new_server(name: &str, count: u32) -> NewServer {
        let (server, tags) = (|| name.to_owned(), Tags::unset(name));
        NewServer {
            name: server(),
            flavor: server(),
            image: server(),
            networks: vec![server(), "n".into()],
            public_address: true,
            security_groups: Vec::new(),
            authorized_keys: vec![],
            files: vec![],
            extras: Extras {
                zone: Some(server()),
                server_group: Some(server()),
                hints: [("different_host".to_owned(), vec![server()])].into(),
                volume: Some(BootVolume { size_gb: count, keep: true }),
                key_pair: Some(server()),
            },
            tags,
        }
    }

    fn commands(name: &str, count: u32) -> Vec<Command> {
        let (cluster, cloud, run) = (ClusterId(id(1)), CloudName::new(name), RunNo(42));
        let server = || name.to_owned();
        let call = |path: &str| PlaybookSpec {
            path: path.to_owned(),
            tags: vec!["a".into(), "b".into()],
            limit: Some(name.to_owned()),
            check: true,
            forks: Some(5),
            verbosity: 3,
            vault: true,
            vars: [("x".to_owned(), serde_json::json!({"y": [name]}))].into(),
            ..PlaybookSpec::default()
        };
        let settings = BTreeMap::from([("boot_ms".to_owned(), name.to_owned())]);
        let image = NewImage {
            name: server(),
            path: server().into(),
            disk_format: Some(server()),
            min_disk_gb: u64::from(count),
            min_ram_mb: 0,
            properties: settings.clone(),
            token: Token(String::new()),
        };
        let new = new_server(name, count);
        let text = SpecSource::Text { text: String::new(), path: name.to_owned(), base_dir: String::new() };
        let counts = BTreeMap::from([("app".to_owned(), count), ("lb".to_owned(), 1)]);
        let mut all = vec![
            Command::PlanCreate { source: text, name: Some(server()), cloud: Some(server()) },
            Command::PlanScale { cluster, counts },
            Command::PlanRepair { cluster },
            Command::PlanDelete { cluster },
            Command::PlanPlaybook { cluster, playbooks: vec![], base_dir: String::new() },
            Command::PlanPlaybook { cluster, playbooks: vec![call(name), call("/b.yml")], base_dir: "/srv/it s".into() },
            Command::Apply { plan: PlanId(id(5)), vault_password: Some("hunter2".into()) },
            Command::Retry { run, failed_hosts: true },
            Command::Answer { prompt: PromptId(id(9)), word: server(), text: None },
            Command::Answer { prompt: PromptId(id(9)), word: String::new(), text: Some(server()) },
            Command::Pin { run, pinned: false },
            Command::ServerCreate { cloud: cloud.clone(), server: Box::new(new) },
            Command::ServerDelete { cloud: cloud.clone(), server: server() },
            Command::ServerShow { cloud: cloud.clone(), server: server() },
            Command::ServerActions { cloud: cloud.clone(), server: server() },
            Command::ConsoleLog { cloud: cloud.clone(), server: server(), lines: count },
            Command::ImageRegister { cloud: cloud.clone(), name: server(), path: server() },
            Command::ImageUpload { cloud: cloud.clone(), image: Box::new(image) },
            Command::ImageDelete { cloud: cloud.clone(), image: server() },
            Command::CloudAdd { name: server(), driver: Driver::Sandbox, settings: settings.clone() },
            Command::CloudRemove { name: cloud.clone() },
            Command::CloudUse { name: cloud.clone() },
            Command::CloudSet { name: cloud.clone(), settings },
            Command::Inventory { cluster },
            Command::RunDetail { run },
            Command::Audit { count },
            Command::AnsibleInstall,
            Command::Restart,
            Command::Status,
            Command::Blueprints,
            Command::Clouds { test: true },
            Command::Stop { mode: StopMode::Now },
        ];
        all.extend(forwards(cluster, &cloud, name));
        all.extend([Ending::Ask, Ending::Undo, Ending::Keep, Ending::Force].map(|mode| Command::Cancel { run, mode }));
        let powers = [PowerAction::Start, PowerAction::Stop, PowerAction::Reboot];
        all.extend(powers.map(|action| Command::ServerPower { cloud: cloud.clone(), server: server(), action }));
        let changes = [
            ServerChange::Rebuild { image: name.to_owned() },
            ServerChange::Resize { flavor: name.to_owned(), confirm: true },
            ServerChange::ConfirmResize,
            ServerChange::RevertResize,
        ];
        all.extend(changes.map(|change| Command::ServerChange { cloud: cloud.clone(), server: server(), change }));
        all.push(Command::KeyPairCreate { cloud: cloud.clone(), name: server(), path: format!("/{name}") });
        all.push(Command::ServerGroupCreate { cloud: cloud.clone(), name: server(), policy: "affinity".into() });
        all.push(Command::ServerGroupDelete { cloud: cloud.clone(), group: server() });
        all.push(Command::KeyPairDelete { cloud: cloud.clone(), name: server() });
        all.extend(ListKind::ALL.map(|list| Command::List { cloud: cloud.clone(), list }));
        all.extend(docker_commands(name));
        all
    }

    fn docker_commands(name: &str) -> Vec<Command> {
        let pairs = BTreeMap::from([("word".to_owned(), name.to_owned())]);
        let build = NewBuild {
            docker: DockerName::new(name),
            context: format!("/{name}"),
            dockerfile: name.to_owned(),
            tags: vec![name.to_owned(), "two".into()],
            args: pairs.clone(),
            labels: pairs,
            target: Some(name.to_owned()),
            platform: Some("linux/arm64".into()),
            secrets: vec![],
            no_cache: true,
            pull: true,
            classic: true,
        };
        let build = Command::BuildRun { build: Box::new(build), secrets: BTreeMap::new() };
        let mut all = vec![Command::Dockers { test: true }, build];
        all.extend(DockerList::ALL.map(|list| Command::Docker { docker: DockerName::new(name), list }));
        all
    }

    fn forwards(cluster: ClusterId, cloud: &CloudName, name: &str) -> [Command; 3] {
        let open = |through, route: &str| Command::ForwardOpen { through, route: route.parse().unwrap() };
        [
            open(Thing::Node { cluster, node: "node-1".into() }, "8080:db:80"),
            open(Thing::Server { cloud: cloud.clone(), server: name.to_owned() }, "80"),
            Command::ForwardClose { number: 3 },
        ]
    }

    #[test]
    fn they_read_as_a_person_would_write_them() {
        let (mirror, run) = (home("web prod"), RunNo(42));
        let cluster = ClusterId(id(1));
        let line = |command| argv::line(&command, &mirror).unwrap();
        assert_eq!(line(Command::PlanDelete { cluster }), "quarterdeck cluster delete 'web prod'");
        let counts = BTreeMap::from([("app".to_owned(), 5)]);
        assert_eq!(line(Command::PlanScale { cluster, counts }), "quarterdeck cluster scale 'web prod' app=5");
        assert_eq!(line(Command::Cancel { run, mode: Ending::Undo }), "quarterdeck run cancel 42 --undo");
        let delete = Command::ServerDelete { cloud: CloudName::new("lab"), server: "-x".into() };
        assert_eq!(line(delete), "quarterdeck server delete --cloud lab -- -x");
        let playbooks = vec![PlaybookSpec { path: "site.yml".into(), limit: Some("app".into()), ..Default::default() }];
        let play = Command::PlanPlaybook { cluster, playbooks, base_dir: "/srv".into() };
        assert_eq!(line(play), "quarterdeck playbook run /srv/site.yml -c 'web prod' --limit app");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Whatever things are called, the line is understood, and each name arrives whole.
        #[test]
        fn this_command_line_understands_them(name in "-?[a-zA-Z0-9 '\"$._é-]{1,12}", count in 1u32..999) {
            // As long as an option of the line's own: which of the two a word is, cannot be told then.
            prop_assume!(!(name.starts_with('-') && name.chars().count() == 2));
            let mirror = home(&name);
            for command in commands(&name, count) {
                let words = argv::argv(&command, &mirror).unwrap_or_else(|| panic!("{command:?} has no line"));
                let cli = Cli::try_parse_from(&words).unwrap_or_else(|e| panic!("{words:?}: {e}"));
                let understood = format!("{cli:?}");
                for word in words.iter().filter(|word| **word == name) {
                    prop_assert!(understood.contains(&format!("{word:?}")), "{words:?} is understood as {understood}");
                }
            }
        }
    }
}
