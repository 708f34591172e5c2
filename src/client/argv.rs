//! The command line that does the same as a command: what a screen shows beside a button, ready to be copied.

use std::collections::BTreeMap;

use crate::model::spec::PlaybookSpec;
use crate::model::text::{names_a_secret, shell_word};
use crate::model::{CloudName, ClusterId, DockerList, Ending, Extras, NewBuild, PowerAction, PromptKind, ServerChange, Thing};
use crate::protocol::command::StopMode;
use crate::protocol::{Command, ListKind, Rows, SpecSource};

use super::Mirror;

/// A line in the making: names come before options, unless one of them would be taken for an option.
struct Words {
    verb: Vec<String>,
    names: Vec<String>,
    options: Vec<String>,
}

impl Words {
    fn new(verb: &str) -> Self {
        let verb = std::iter::once("quarterdeck").chain(verb.split(' ')).map(str::to_owned).collect();
        Self { verb, names: Vec::new(), options: Vec::new() }
    }

    fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    fn flag(mut self, flag: &str, on: bool) -> Self {
        if on {
            self.options.push(flag.to_owned());
        }
        self
    }

    fn option(mut self, option: &str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        if value.starts_with('-') {
            self.options.push(format!("{option}={value}"));
        } else {
            self.options.extend([option.to_owned(), value.to_owned()]);
        }
        self
    }

    fn maybe(self, option: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.option(option, value),
            None => self,
        }
    }

    fn end(self) -> Vec<String> {
        let Self { mut verb, names, options } = self;
        if names.iter().any(|name| name.starts_with('-')) {
            verb.extend(options);
            verb.push("--".to_owned());
            verb.extend(names);
        } else {
            verb.extend(names);
            verb.extend(options);
        }
        verb
    }
}

/// The words of the command line that does the same, the program's name first. `None`: it has no such words, or a
/// secret would be among them.
pub fn argv(command: &Command, mirror: &Mirror) -> Option<Vec<String>> {
    let acts = || on_cloud(command, mirror).or_else(|| act(command, mirror));
    look(command, mirror).or_else(|| plan(command, mirror)).or_else(acts).map(Words::end)
}

/// [`argv`] as one line for a shell.
pub fn line(command: &Command, mirror: &Mirror) -> Option<String> {
    argv(command, mirror).map(|words| shell(&words))
}

/// Words as one line for a shell.
pub fn shell(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

/// The line that shows a cluster.
pub fn cluster_show(id: ClusterId, mirror: &Mirror) -> Option<String> {
    Some(shell(&Words::new("cluster show").name(cluster_name(mirror, id)?).end()))
}

fn look(command: &Command, mirror: &Mirror) -> Option<Words> {
    Some(match command {
        Command::Refresh { cloud, list } | Command::List { cloud, list } => {
            let noun = match list {
                ListKind::Flavors => "flavor list",
                ListKind::Images => "image list",
                ListKind::Networks => "network list",
                ListKind::Servers => "server list",
                ListKind::Quota => return Some(Words::new("cloud show").name(cloud.as_str())),
                ListKind::KeyPairs => "key-pair list",
                ListKind::FloatingIps => "floating-ip list",
                ListKind::Subnets => "subnet list",
                ListKind::Ports => "port list",
                ListKind::Routers => "router list",
                ListKind::SecurityGroups => "security-group list",
                ListKind::Volumes => "volume list",
                ListKind::ServerGroups => "server-group list",
                ListKind::Zones => "zone list",
            };
            Words::new(noun).option("--cloud", cloud.as_str())
        }
        Command::Status => Words::new("engine status"),
        Command::Clouds { test } => Words::new(if *test { "cloud test" } else { "cloud list" }),
        Command::Dockers { .. } => Words::new("docker list"),
        Command::Docker { docker, list } | Command::DockerRefresh { docker, list } => {
            let verb = match list {
                DockerList::Containers => "docker containers",
                DockerList::Images => "docker images",
                DockerList::Networks => "docker networks",
                DockerList::Volumes => "docker volumes",
            };
            Words::new(verb).name(docker.as_str())
        }
        Command::RunDetail { run } => Words::new("run show").name(run.to_string()),
        Command::OutputPage { run, .. } | Command::SearchOutput { run, .. } => Words::new("run tail").name(run.to_string()),
        Command::Blueprints => Words::new("blueprint list"),
        Command::Inventory { cluster } => Words::new("inventory").name(cluster_name(mirror, *cluster)?),
        Command::ServerShow { cloud, server } => on_server("server show", cloud, server, mirror),
        Command::ServerActions { cloud, server } => on_server("server actions", cloud, server, mirror),
        Command::ConsoleLog { cloud, server, lines } => {
            on_server("server console", cloud, server, mirror).option("-n", lines.to_string())
        }
        Command::Audit { count } => Words::new("audit").option("-n", count.to_string()),
        _ => return None,
    })
}

fn plan(command: &Command, mirror: &Mirror) -> Option<Words> {
    let of = |verb: &str, cluster: &ClusterId| Some(Words::new(verb).name(cluster_name(mirror, *cluster)?));
    match command {
        Command::PlanCreate { source, name, cloud } => {
            let words = Words::new("cluster create");
            let words = match source {
                SpecSource::Blueprint { blueprint, text: None } => words.option("--blueprint", blueprint),
                // It stands in no file.
                SpecSource::Blueprint { text: Some(_), .. } => return None,
                SpecSource::Text { path, .. } => words.option("-f", path),
            };
            Some(words.maybe("--name", name.as_ref()).maybe("--cloud", cloud.as_ref()))
        }
        Command::PlanScale { cluster, counts } => {
            let words = of("cluster scale", cluster)?;
            Some(counts.iter().fold(words, |words, (group, count)| words.name(format!("{group}={count}"))))
        }
        Command::PlanRepair { cluster } => of("cluster repair", cluster),
        Command::PlanDelete { cluster } => of("cluster delete", cluster),
        Command::PlanPlaybook { cluster, playbooks, base_dir } => playbook(cluster_name(mirror, *cluster)?, playbooks, base_dir),
        _ => None,
    }
}

/// All playbooks of one line have the same options: what differs has no line.
fn playbook(cluster: String, playbooks: &[PlaybookSpec], base_dir: &str) -> Option<Words> {
    let words = Words::new("playbook run").option("-c", cluster);
    let Some(first) = playbooks.first() else { return Some(words) };
    let options = |call: &PlaybookSpec| PlaybookSpec { path: String::new(), ..call.clone() };
    if playbooks.iter().any(|call| options(call) != options(first)) {
        return None;
    }
    let words = playbooks.iter().fold(words, |words, call| {
        let there = call.path.starts_with('/') || base_dir.is_empty();
        words.name(if there { call.path.clone() } else { format!("{}/{}", base_dir.trim_end_matches('/'), call.path) })
    });
    let words = words.maybe("--limit", first.limit.as_ref());
    let tags = |tags: &[String]| (!tags.is_empty()).then(|| tags.join(","));
    let words = words.maybe("--tags", tags(&first.tags)).maybe("--skip-tags", tags(&first.skip_tags));
    let words = words.flag("--check", first.check).maybe("--forks", first.forks.map(|n| n.to_string()));
    let vars = (!first.vars.is_empty()).then(|| serde_json::to_string(&first.vars).unwrap_or_default());
    let words = words.maybe("-e", vars);
    let verbose = format!("-{}", "v".repeat(usize::from(first.verbosity)));
    Some(words.flag(&verbose, first.verbosity > 0).flag("--ask-vault-pass", first.vault))
}

fn act(command: &Command, mirror: &Mirror) -> Option<Words> {
    Some(match command {
        Command::Apply { plan, .. } => Words::new("cluster apply").name(plan.to_string()),
        Command::Cancel { run, mode } => {
            let words = Words::new("run cancel").name(run.to_string());
            let how = [("--undo", Ending::Undo), ("--keep", Ending::Keep), ("--force", Ending::Force)];
            how.into_iter().fold(words, |words, (flag, ending)| words.flag(flag, *mode == ending))
        }
        Command::Retry { run, failed_hosts } => {
            Words::new("run retry").name(run.to_string()).flag("--failed-hosts", *failed_hosts)
        }
        Command::Answer { prompt, word, text } => {
            let prompt = mirror.prompts().get(prompt)?;
            let words = Words::new("run answer").name(prompt.run.to_string());
            match (&prompt.kind, text) {
                // It asks for the secret itself.
                (PromptKind::Secret, _) => words,
                (_, Some(text)) if word.is_empty() => words.option("--text", text),
                _ => words.name(word),
            }
        }
        Command::Pin { run, pinned } => Words::new("run pin").name(run.to_string()).flag("--off", !pinned),
        Command::CloudAdd { name, driver, settings } => {
            let words = Words::new("cloud add").name(name).option("--driver", driver.to_string());
            if settings.keys().any(|key| names_a_secret(key)) {
                return None;
            }
            settings.iter().fold(words, |words, (key, value)| words.option("--set", format!("{key}={value}")))
        }
        Command::CloudRemove { name } => Words::new("cloud remove").name(name.as_str()),
        Command::CloudUse { name } => Words::new("cloud use").name(name.as_str()),
        Command::CloudSet { name, settings } => {
            let words = Words::new("cloud set").name(name.as_str());
            if settings.keys().any(|key| names_a_secret(key)) {
                return None;
            }
            settings.iter().fold(words, |words, (key, value)| words.name(format!("{key}={value}")))
        }
        Command::CommandRun { name, thing, inputs } => on_thing(name, thing, inputs, mirror)?,
        Command::ForwardOpen { through, route } => through_it(through, mirror)?.name(route.to_string()),
        Command::ForwardClose { number } => Words::new("forward close").name(number.to_string()),
        // What a secret is read from is not known any more.
        Command::BuildRun { build, secrets } if secrets.is_empty() => build_run(build),
        Command::AnsibleInstall => Words::new("ansible install"),
        Command::Stop { mode } => Words::new("engine stop").flag("--now", *mode == StopMode::Now),
        Command::Restart => Words::new("engine restart"),
        _ => return None,
    })
}

/// What changes something on a cloud.
fn on_cloud(command: &Command, mirror: &Mirror) -> Option<Words> {
    Some(match command {
        Command::ServerCreate { cloud, server } => {
            let words = Words::new("server create").name(&server.name);
            let words = words.option("--flavor", &server.flavor).option("--image", &server.image);
            let words = server.networks.iter().fold(words, |words, network| words.option("--network", network));
            let words = extras(words.flag("--public", server.public_address), &server.extras);
            words.option("--cloud", cloud.as_str())
        }
        Command::ServerDelete { cloud, server } => on_server("server delete", cloud, server, mirror),
        Command::ServerPower { cloud, server, action } => {
            let verb = match action {
                PowerAction::Start => "server start",
                PowerAction::Stop => "server stop",
                PowerAction::Reboot => "server reboot",
            };
            on_server(verb, cloud, server, mirror)
        }
        Command::ServerChange { cloud, server, change } => match change {
            ServerChange::Rebuild { image } => on_server("server rebuild", cloud, server, mirror).option("--image", image),
            ServerChange::Resize { flavor, confirm } => {
                on_server("server resize", cloud, server, mirror).option("--flavor", flavor).flag("--keep", *confirm)
            }
            ServerChange::ConfirmResize => on_server("server confirm", cloud, server, mirror),
            ServerChange::RevertResize => on_server("server revert", cloud, server, mirror),
        },
        Command::KeyPairCreate { cloud, name, path } => {
            Words::new("key-pair create").name(name).option("--file", path).option("--cloud", cloud.as_str())
        }
        Command::ServerGroupCreate { cloud, name, policy } => {
            Words::new("server-group create").name(name).option("--policy", policy).option("--cloud", cloud.as_str())
        }
        Command::ServerGroupDelete { cloud, group } => {
            Words::new("server-group delete").name(group).option("--cloud", cloud.as_str())
        }
        Command::KeyPairDelete { cloud, name } => Words::new("key-pair delete").name(name).option("--cloud", cloud.as_str()),
        Command::ImageRegister { cloud, name, path } => {
            Words::new("image register").name(path).option("--name", name).option("--cloud", cloud.as_str())
        }
        Command::ImageUpload { cloud, image } => {
            let words = Words::new("image upload").name(image.path.to_string_lossy()).option("--name", &image.name);
            let words = image.disk_format.iter().fold(words, |words, format| words.option("--format", format));
            let number = |words: Words, option, number: u64| match number {
                0 => words,
                number => words.option(option, number.to_string()),
            };
            let words = number(number(words, "--min-disk", image.min_disk_gb), "--min-ram", image.min_ram_mb);
            let set = image.properties.iter();
            let words = set.fold(words, |words, (name, value)| words.option("--property", format!("{name}={value}")));
            words.option("--cloud", cloud.as_str())
        }
        Command::ImageDelete { cloud, image } => Words::new("image delete").name(image).option("--cloud", cloud.as_str()),
        _ => return None,
    })
}

/// What a server is asked for beside.
fn extras(words: Words, extras: &Extras) -> Words {
    let words = words.maybe("--zone", extras.zone.as_ref()).maybe("--server-group", extras.server_group.as_ref());
    let hints = extras.hints.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
    let words = hints.fold(words, |words, hint| words.option("--hint", hint));
    let words = words.maybe("--volume", extras.volume.map(|volume| volume.size_gb.to_string()));
    let words = words.flag("--keep-volume", extras.volume.is_some_and(|volume| volume.keep));
    words.maybe("--key-pair", extras.key_pair.as_ref())
}

fn through_it(thing: &Thing, mirror: &Mirror) -> Option<Words> {
    let verb = "forward open";
    match thing {
        Thing::Node { cluster, node } => Some(Words::new(verb).name(format!("{}/{node}", cluster_name(mirror, *cluster)?))),
        Thing::Server { cloud, server } => Some(on_server(verb, cloud, server, mirror)),
        _ => None,
    }
}

fn build_run(build: &NewBuild) -> Words {
    let words = Words::new("build run").name(&build.context).option("-f", &build.dockerfile);
    let words = build.tags.iter().fold(words, |words, tag| words.option("-t", tag));
    let pair = |(name, value): (&String, &String)| format!("{name}={value}");
    let words = build.args.iter().map(pair).fold(words, |words, arg| words.option("--build-arg", arg));
    let words = build.labels.iter().map(pair).fold(words, |words, label| words.option("--label", label));
    let words = words.maybe("--target", build.target.as_ref()).maybe("--platform", build.platform.as_ref());
    let flags = [("--no-cache", build.no_cache), ("--pull", build.pull), ("--classic", build.classic)];
    let words = flags.into_iter().fold(words, |words, (flag, on)| words.flag(flag, on));
    words.option("--docker", build.docker.as_str())
}

/// A command of one's own on a thing; what is secret is asked for by the run.
fn on_thing(name: &str, thing: &Thing, inputs: &BTreeMap<String, String>, mirror: &Mirror) -> Option<Words> {
    let words = Words::new("command run").name(name);
    let words = match thing {
        Thing::Server { cloud, server } => {
            let found = on_server("", cloud, server, mirror);
            Words { names: [words.names, found.names].concat(), options: found.options, ..words }
        }
        Thing::Node { cluster, node } => words.name(format!("{}/{node}", cluster_name(mirror, *cluster)?)),
        Thing::Cluster { cluster } => words.name(cluster_name(mirror, *cluster)?),
        Thing::Image { cloud, image } => words.name(image).option("--cloud", cloud.as_str()),
        Thing::Cloud { cloud } => words.name(cloud.as_str()),
        Thing::Run { run } => words.name(run.to_string()),
    };
    let command = mirror.rules.command(name)?;
    let said = inputs.iter().filter(|(input, _)| !command.secrets().any(|secret| secret == *input));
    Some(said.fold(words, |words, (input, value)| words.option("-i", format!("{input}={value}"))))
}

fn cluster_name(mirror: &Mirror, id: ClusterId) -> Option<String> {
    mirror.clusters().get(&id).map(|cluster| cluster.name.clone())
}

/// A verb on a server: by its name, where that is the only one of the kind.
fn on_server(verb: &str, cloud: &CloudName, id: &str, mirror: &Mirror) -> Words {
    let servers = match mirror.lists.get(&(cloud.clone(), ListKind::Servers)) {
        Some((_, Some(Rows::Servers(servers)))) => servers.as_slice(),
        _ => &[],
    };
    let name = servers.iter().find(|s| s.id == id).map(|s| s.name.as_str());
    let alone = |name: &&str| servers.iter().filter(|s| s.name == *name || s.id == *name).count() == 1;
    Words::new(verb).name(name.filter(alone).unwrap_or(id)).option("--cloud", cloud.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_on_no_line() {
        let mirror = Mirror::default();
        let settings = [("username".to_owned(), "ana".to_owned()), ("password".to_owned(), "hunter2".to_owned())].into();
        let add = Command::CloudAdd { name: "lab".into(), driver: crate::model::Driver::Openstack, settings };
        assert_eq!(line(&add, &mirror), None);
        let apply = Command::Apply { plan: crate::model::PlanId::new(), vault_password: Some("hunter2".into()) };
        assert!(!line(&apply, &mirror).unwrap().contains("hunter2"));
    }
}
