//! The graph of steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::spec::PlaybookSpec;
use crate::model::{CloudName, ClusterId, Failure, HomeId, NewServer, Node, PlannedStep, Tags, Work};

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

    /// Everything that leads to the new nodes; answers the steps that `/etc/hosts` has to wait for. New nodes
    /// get their tokens.
    pub fn nodes(
        &mut self,
        changes: &mut Changes<'_>,
        choices: &Choices<'_>,
        key: Option<u32>,
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
            let mut after: Vec<u32> = key.into_iter().collect();
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
            let ssh = self.reach(&change.node, made, &reached);
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
            authorized_keys: self.inputs.keys.to_vec(),
            files: self.inputs.files.get(&node.group).cloned().unwrap_or_default(),
            tags: Tags { home: self.home, cluster: self.cluster, node: node.name.clone(), token },
        };
        let work = Work::CreateServer { server: Box::new(server) };
        Ok(self.add(format!("create server {}", node.name), work, Some(&node.name), Some(&node.cloud), after))
    }

    /// Active, then reachable: through another node only once that one is.
    fn reach(&mut self, node: &Node, after: Vec<u32>, reached: &BTreeMap<String, u32>) -> u32 {
        let name = node.name.as_str();
        let active = self.add(format!("wait for server {name}"), Work::WaitServer, Some(name), Some(&node.cloud), after);
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
            .filter(|(_, step)| matches!(step.work, Work::WaitServer | Work::DeleteServer { .. }))
            .map(|(index, _)| index)
            .collect();
        self.add(format!("sweep {cloud}"), Work::Sweep, None, Some(cloud), after)
    }

    /// Every server deleted, every cloud swept and looked over, then the record forgotten.
    pub fn give_back<'c>(&mut self, changes: &Changes<'_>, clouds: impl IntoIterator<Item = &'c CloudName>, name: &str) {
        self.deletes(changes);
        let mut gone = Vec::new();
        for cloud in clouds {
            let swept = self.sweep(cloud);
            let title = format!("check that nothing is left on {cloud}");
            gone.push(self.add(title, Work::VerifyGone, None, Some(cloud), vec![swept]));
        }
        self.add(format!("forget {name}"), Work::Forget, None, None, gone);
    }
}
