//! The graph of steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::capability::names::{FLOATING_IPS, NETWORK_CREATE, SECURITY_GROUPS};
use crate::model::spec::PlaybookSpec;
use crate::model::{BelongingKind, CloudName, ClusterId, Failure, HomeId, NewServer, Node, PlannedStep, Ports, Tags, Work};

use super::super::Facts;
use super::Inputs;
use super::change::{Change, Changes, Fate};
use super::choice::Choices;

/// Steps in the making. Every step comes after those that it waits for.
pub struct Graph<'a, 'i> {
    pub steps: Vec<PlannedStep>,
    home: HomeId,
    cluster: ClusterId,
    inputs: &'a mut Inputs<'i>,
}

/// Steps that servers wait for.
pub struct Before {
    pub key: Option<u32>,
    /// Networks and security groups.
    pub ground: BTreeMap<CloudName, Vec<u32>>,
}

impl<'a, 'i> Graph<'a, 'i> {
    /// An empty graph.
    pub fn new(home: HomeId, cluster: ClusterId, inputs: &'a mut Inputs<'i>) -> Self {
        Self { steps: Vec::new(), home, cluster, inputs }
    }

    fn add(&mut self, title: String, work: Work, node: Option<&str>, cloud: Option<&CloudName>, after: Vec<u32>) -> u32 {
        let index = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(PlannedStep { title, work, node: node.map(str::to_owned), cloud: cloud.cloned(), after });
        index
    }

    /// One step that stands for many, so that those after it do not name each of them.
    fn join(&mut self, title: String, after: Vec<u32>) -> Vec<u32> {
        if after.len() < 2 { after } else { vec![self.add(title, Work::Join, None, None, after)] }
    }

    /// The cluster's key, before anything that needs it.
    pub fn make_key(&mut self) -> u32 {
        self.add("make the cluster's key".to_owned(), Work::MakeKey, None, None, Vec::new())
    }

    /// What servers stand on: the cluster's own network, and its security groups, on every cloud where servers are made
    /// (and where `all`, on all clouds).
    pub fn ground(
        &mut self,
        changes: &Changes<'_>,
        choices: &Choices<'_>,
        facts: &Facts,
        name: &str,
        all: bool,
    ) -> BTreeMap<CloudName, Vec<u32>> {
        let made: BTreeSet<&CloudName> = changes.all.iter().filter(|c| c.creates()).map(|c| &c.node.cloud).collect();
        let clouds: BTreeSet<&CloudName> =
            choices.iter().map(|(_, choice)| &choice.cloud).filter(|cloud| all || made.contains(cloud)).collect();
        let mut ground = BTreeMap::new();
        for cloud in clouds {
            let here: Vec<_> = choices.iter().filter(|(_, choice)| choice.cloud == *cloud).collect();
            let mut steps = Vec::new();
            if made.contains(cloud) && here.iter().any(|(_, choice)| choice.own_network) {
                steps.push(self.add(format!("network of {name} on {cloud}"), Work::MakeNetwork, None, Some(cloud), Vec::new()));
            }
            if here.iter().any(|(_, choice)| choice.ports.is_some()) {
                steps.push(self.security_group(format!("security group of {name} on {cloud}"), cloud, None, vec![Ports::SSH]));
            }
            for (group, choice) in here {
                let Some(ports) = &choice.ports else { continue };
                // One without ports any more is closed.
                let there = facts.belongings_on(cloud, BelongingKind::SecurityGroup).any(|found| found.what_for() == group);
                if !ports.is_empty() || there {
                    let title = format!("security group of {group} on {cloud}");
                    steps.push(self.security_group(title, cloud, Some(group), ports.clone()));
                }
            }
            ground.insert(cloud.clone(), steps);
        }
        ground
    }

    fn security_group(&mut self, title: String, cloud: &CloudName, group: Option<&str>, ports: Vec<Ports>) -> u32 {
        self.add(title, Work::SecurityGroup { group: group.map(str::to_owned), ports }, None, Some(cloud), Vec::new())
    }

    /// Everything that leads to the new nodes; answers the steps that `/etc/hosts` has to wait for. New nodes
    /// get their tokens.
    pub fn nodes(
        &mut self,
        changes: &mut Changes<'_>,
        choices: &Choices<'_>,
        before: &Before,
        tight: &BTreeSet<CloudName>,
    ) -> Result<Vec<u32>, Failure> {
        let deletes = self.deletes(changes);
        let mut last: Vec<u32> = deletes.values().map(|(_, step)| *step).collect();
        let mut gone: BTreeMap<CloudName, Vec<u32>> = BTreeMap::new();
        for cloud in tight {
            let steps: Vec<u32> = deletes.values().filter(|(on, _)| on == cloud).map(|(_, step)| *step).collect();
            gone.insert(cloud.clone(), self.join(format!("room on {cloud}: {} servers deleted", steps.len()), steps));
        }
        let mut reached: BTreeMap<String, u32> = BTreeMap::new();
        for change in &mut changes.all {
            let mut after: Vec<u32> = before.key.into_iter().collect();
            after.extend(before.ground.get(&change.node.cloud).into_iter().flatten());
            match gone.get(&change.node.cloud) {
                Some(steps) => after.extend(steps),
                None => after.extend(deletes.get(&change.node.name).map(|(_, step)| *step)),
            }
            let made = match change.fate {
                Fate::Keep | Fate::Leave => continue,
                Fate::Reach => Vec::new(),
                Fate::Start => {
                    let title = format!("start server {}", change.node.name);
                    vec![self.add(title, Work::StartServer, Some(&change.node.name), Some(&change.node.cloud), Vec::new())]
                }
                Fate::Make | Fate::Replace => vec![self.create(&mut change.node, choices, after)?],
            };
            let public = choices.get(&change.node.group)?.public_address;
            let ssh = self.reach(&change.node, made, public, &reached);
            reached.insert(change.node.name.clone(), ssh);
            last.push(ssh);
        }
        Ok(last)
    }

    fn create(&mut self, node: &mut Node, choices: &Choices<'_>, after: Vec<u32>) -> Result<u32, Failure> {
        let choice = choices.get(&node.group)?;
        let token = (self.inputs.token)();
        node.token = Some(token.clone());
        let server = NewServer {
            name: node.name.clone(),
            flavor: choice.flavor.id.clone(),
            image: choice.image.id.clone(),
            networks: choice.networks.clone(),
            public_address: choice.public_address,
            security_groups: Vec::new(),
            authorized_keys: self.inputs.keys.to_vec(),
            files: self.inputs.files.get(&node.group).cloned().unwrap_or_default(),
            extras: choice.extras.clone(),
            tags: Tags { home: self.home, cluster: self.cluster, node: node.name.clone(), token },
        };
        let work = Work::CreateServer { server: Box::new(server) };
        Ok(self.add(format!("create server {}", node.name), work, Some(&node.name), Some(&node.cloud), after))
    }

    /// Active, with its public address, then reachable: through another node only once that one is.
    fn reach(&mut self, node: &Node, after: Vec<u32>, public: bool, reached: &BTreeMap<String, u32>) -> u32 {
        let name = node.name.as_str();
        let cloud = Some(&node.cloud);
        let mut active = self.add(format!("wait for server {name}"), Work::WaitServer, Some(name), cloud, after);
        if public {
            active = self.add(format!("public address of {name}"), Work::PublicAddress, Some(name), cloud, vec![active]);
        }
        let way = node.via.as_ref().and_then(|via| reached.get(via)).copied();
        let title = match &node.via {
            Some(via) => format!("reach {name} through {via}"),
            None => format!("reach {name}"),
        };
        self.add(title, Work::WaitSsh, Some(name), None, [active].into_iter().chain(way).collect())
    }

    /// Deletes the servers that go, those last that others are reached through; answers cloud and step by node.
    fn deletes(&mut self, changes: &Changes<'_>) -> BTreeMap<String, (CloudName, u32)> {
        let going: Vec<(&Change<'_>, &Node)> =
            changes.all.iter().filter(|change| change.deletes()).filter_map(|change| Some((change, change.old?))).collect();
        let ways: BTreeMap<&str, &str> =
            going.iter().filter_map(|(_, node)| Some((node.name.as_str(), node.via.as_deref()?))).collect();
        let depth = |node: &Node| {
            let mut at = node.name.as_str();
            (0..ways.len()).take_while(|_| ways.get(at).map(|next| at = next).is_some()).count()
        };
        let mut ordered = going;
        ordered.sort_by_key(|(_, node)| std::cmp::Reverse(depth(node)));
        let mut steps: BTreeMap<String, (CloudName, u32)> = BTreeMap::new();
        let mut users: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (change, node) in ordered {
            let server = change.server.map(|server| server.id.clone()).or_else(|| node.server.clone());
            if server.is_none() && node.token.is_none() {
                continue;
            }
            let after = users.get(node.name.as_str()).cloned().unwrap_or_default();
            let work = Work::DeleteServer { server, token: node.token.clone() };
            let step = self.add(format!("delete server {}", node.name), work, Some(&node.name), Some(&node.cloud), after);
            steps.insert(node.name.clone(), (node.cloud.clone(), step));
            if let Some(via) = node.via.as_deref() {
                users.entry(via).or_default().push(step);
            }
        }
        steps
    }

    /// `/etc/hosts` on every node.
    pub fn hosts(&mut self, after: Vec<u32>) -> u32 {
        self.add("write /etc/hosts".to_owned(), Work::WriteHosts, None, None, after)
    }

    /// Playbooks, one after the other.
    pub fn playbooks(&mut self, calls: &[PlaybookSpec], after: Option<u32>) {
        let mut before = after;
        for call in calls {
            let check = if call.check { " (check)" } else { "" };
            let title = format!("run {}{check}", call.path);
            before =
                Some(self.add(title, Work::Playbook { call: Box::new(call.clone()) }, None, None, before.into_iter().collect()));
        }
    }

    /// A sweep of each cloud, once nothing is made or deleted there any more. It does not wait for playbooks:
    /// one that fails keeps no surplus alive.
    pub fn sweeps<'c>(&mut self, clouds: impl IntoIterator<Item = &'c CloudName>) {
        for cloud in clouds {
            self.sweep(cloud);
        }
    }

    fn sweep(&mut self, cloud: &CloudName) -> u32 {
        let after: Vec<u32> = (0u32..)
            .zip(&self.steps)
            .filter(|(_, step)| step.cloud.as_ref() == Some(cloud))
            // Every server that is made is waited for.
            .filter(|(_, step)| {
                matches!(step.work, Work::WaitServer | Work::PublicAddress | Work::DeleteServer { .. }) || step.work.carries()
            })
            .map(|(index, _)| index)
            .collect();
        self.add(format!("sweep {cloud}"), Work::Sweep, None, Some(cloud), after)
    }

    /// Every server deleted, every cloud swept and looked over, then the record forgotten.
    pub fn give_back<'c>(
        &mut self,
        changes: &Changes<'_>,
        clouds: impl IntoIterator<Item = &'c CloudName>,
        facts: &Facts,
        name: &str,
    ) {
        self.deletes(changes);
        let mut gone = Vec::new();
        for cloud in clouds {
            let mut swept = self.sweep(cloud);
            let can = |what| facts.clouds.get(cloud).is_some_and(|offer| offer.capabilities.check(what).is_ok());
            if [NETWORK_CREATE, SECURITY_GROUPS, FLOATING_IPS].into_iter().any(can) {
                let title = format!("give back networks and addresses on {cloud}");
                swept = self.add(title, Work::GiveBack, None, Some(cloud), vec![swept]);
            }
            let title = format!("check that nothing is left on {cloud}");
            gone.push(self.add(title, Work::VerifyGone, None, Some(cloud), vec![swept]));
        }
        self.add(format!("forget {name}"), Work::Forget, None, None, gone);
    }
}
