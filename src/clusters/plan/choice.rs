//! Names of the spec against what the clouds offer.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::capability::names::{
    BOOT_VOLUME, FLOATING_IPS, HINTS, KEY_PAIRS, NETWORK_CREATE, SECURITY_GROUPS, SERVER_GROUPS, ZONES,
};
use crate::model::spec::GroupSpec;
use crate::model::text::clean;
use crate::model::{Class, CloudName, ClusterSpec, Extras, Failure, Flavor, Image, ImageStatus, Ports, UsualNetwork};

use super::super::spec::place;
use super::super::words::{list, shown};
use super::super::{CloudFacts, Facts};

/// Names in one message.
const NAMED: usize = 10;

/// What a group's names mean on its cloud.
#[derive(Clone, PartialEq, Debug)]
pub struct Choice<'a> {
    pub cloud: CloudName,
    pub flavor: &'a Flavor,
    pub image: &'a Image,
    /// Ids; empty: the cluster's own, or the cloud asks for none.
    pub networks: Vec<String>,
    /// The cluster has, or is to have, a network of its own here.
    pub own_network: bool,
    /// What it asks for beside, with ids for names.
    pub extras: Extras,
    /// Its nodes are to have public addresses, and the cloud has some.
    pub public_address: bool,
    /// Ports that everybody may reach; `None` where the cloud closes none.
    pub ports: Option<Vec<Ports>>,
}

/// The choices of all groups, or why there is none.
pub struct Choices<'a> {
    groups: BTreeMap<String, Result<Choice<'a>, Vec<Wrong>>>,
    facts: &'a Facts,
    name: String,
    /// Path and text of the spec, for places.
    source: (String, &'a str),
}

/// One name that means nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Wrong {
    /// `groups.slaves.flavor`
    field: String,
    message: String,
    class: Class,
}

impl<'a> Choices<'a> {
    /// Looks up the names of every group. `cloud` is that of groups that name none.
    pub fn of(spec: &ClusterSpec, cloud: &CloudName, facts: &'a Facts) -> Self {
        let groups = spec.groups.iter().map(|(name, group)| (name.clone(), choose(name, group, cloud, facts))).collect();
        Self { groups, facts, name: spec.name.clone(), source: (String::new(), "") }
    }

    /// Messages name this file, and the places in its text.
    pub fn told_at(mut self, path: &str, text: &'a str) -> Self {
        self.source = (clean(path).into_owned(), text);
        self
    }

    /// The choice of a group.
    pub fn get(&self, group: &str) -> Result<&Choice<'a>, Failure> {
        match self.groups.get(group) {
            Some(Ok(choice)) => Ok(choice),
            Some(Err(wrong)) => Err(self.failure(wrong)),
            None => Err(Failure::broken(self.tried(), format!("group `{}` is not in the spec", shown(group)))),
        }
    }

    /// `Ok` when every name of every group means something; else all that do not.
    pub fn all(&self) -> Result<(), Failure> {
        let wrong: Vec<Wrong> = self.groups.values().filter_map(|group| group.as_ref().err()).flatten().cloned().collect();
        if wrong.is_empty() { Ok(()) } else { Err(self.failure(&wrong)) }
    }

    /// All that there is a choice for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Choice<'a>)> {
        self.groups.iter().filter_map(|(name, choice)| Some((name.as_str(), choice.as_ref().ok()?)))
    }

    /// The user that the first group's image says, `root` when it says none.
    pub fn ssh_user(&self) -> String {
        self.ssh_users().next().unwrap_or_else(|| "root".to_owned())
    }

    /// What deserves a look before saying yes.
    pub fn warnings(&self, spec: &ClusterSpec) -> Vec<String> {
        let mut warnings = Vec::new();
        let users: BTreeSet<String> = self.ssh_users().collect();
        if users.len() > 1 && spec.ssh.user.is_none() {
            let users = users.into_iter().collect::<Vec<_>>().join(", ");
            warnings.push(format!(
                "the images have different users ({users}); `{}` is used for all: `ssh.user` decides",
                self.ssh_user()
            ));
        }
        for (name, choice) in self.groups.iter().filter_map(|(name, choice)| Some((name, choice.as_ref().ok()?))) {
            let can = |what| self.facts.clouds.get(&choice.cloud).map_or(Ok(()), |cloud| cloud.capabilities.check(what));
            let Some(group) = spec.groups.get(name) else { continue };
            if let (true, Err(reason)) = (group.public_address, can(FLOATING_IPS)) {
                warnings.push(format!("`groups.{name}.public_address` has no effect on {}: {reason}", choice.cloud));
            }
            if let (false, Err(reason)) = (group.ports.is_empty(), can(SECURITY_GROUPS)) {
                warnings.push(format!("`groups.{name}.ports` has no effect on {}: {reason}", choice.cloud));
            }
        }
        warnings
    }

    fn ssh_users(&self) -> impl Iterator<Item = String> {
        self.groups.values().flatten().map(|choice| choice.image.ssh_user.clone().unwrap_or_else(|| "root".to_owned()))
    }

    fn tried(&self) -> String {
        format!("plan cluster {}", self.name)
    }

    fn failure(&self, wrong: &[Wrong]) -> Failure {
        let class = wrong.first().map_or(Class::NotFound, |w| w.class);
        let (path, text) = (&self.source.0, self.source.1);
        let mut lines: Vec<String> = Vec::new();
        for Wrong { field, message, .. } in wrong {
            let place = if text.is_empty() { None } else { place(text, field) };
            let line = match place {
                Some((line, column)) => format!("{path}:{line}:{column}: {message}"),
                None => format!("`{field}`: {message}"),
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let got = if lines.len() == 1 { lines.concat() } else { format!("{} problems\n{}", lines.len(), lines.join("\n")) };
        Failure::new(class, self.tried(), got).at(path)
    }
}

fn choose<'a>(name: &str, group: &GroupSpec, cloud: &CloudName, facts: &'a Facts) -> Result<Choice<'a>, Vec<Wrong>> {
    let cloud = group.cloud.as_ref().map_or_else(|| cloud.clone(), CloudName::new);
    let Some(offer) = facts.clouds.get(&cloud) else {
        let names = list(cloud.as_str(), facts.clouds.keys().map(CloudName::as_str), NAMED);
        let message = format!("there is no cloud `{}`; the clouds here are {names}", shown(cloud.as_str()));
        let field = if group.cloud.is_some() { format!("groups.{name}.cloud") } else { "cloud".to_owned() };
        return Err(vec![Wrong { field, message, class: Class::NotFound }]);
    };
    let mut wrong = Vec::new();
    let mut keep = |field: &str, message: String, class| {
        let message = format!("cloud {cloud} {message}");
        wrong.push(Wrong { field: format!("groups.{name}.{field}"), message, class });
    };
    let flavor = pick("flavor", &group.flavor, &offer.flavors, |f| (&f.name, &f.id)).map_err(|(m, c)| keep("flavor", m, c)).ok();
    let image = pick("image", &group.image, &offer.images, |i| (&i.name, &i.id))
        .and_then(|image| match image.status {
            ImageStatus::Active => Ok(image),
            ImageStatus::Saving => Err((format!("is still saving image `{}`", shown(&group.image)), Class::Refused)),
            ImageStatus::Error => Err((format!("has image `{}`, but it is broken", shown(&group.image)), Class::Refused)),
        })
        .map_err(|(m, c)| keep("image", m, c))
        .ok();
    let mut networks: Vec<String> = group
        .networks
        .iter()
        .enumerate()
        .filter_map(|(at, word)| {
            let found = pick("network", word, &offer.networks, |n| (&n.name, &n.id));
            found.map_err(|(m, c)| keep(&format!("networks.{at}"), m, c)).ok()
        })
        .map(|network| network.id.clone())
        .collect();
    let mut own_network = group.networks.is_empty() && facts.has_network(&cloud);
    if group.networks.is_empty() && !own_network {
        match (&offer.usual_network, offer.capabilities.check(NETWORK_CREATE)) {
            (UsualNetwork::Unasked, _) => {}
            (UsualNetwork::Is(network), _) => networks.push(network.id.clone()),
            (UsualNetwork::Missing, Ok(())) => own_network = true,
            (UsualNetwork::Missing, Err(reason)) => keep("networks", format!("has no network: {reason}"), Class::Refused),
            (UsualNetwork::Unclear(reason), _) => keep("networks", reason.clone(), Class::Refused),
        }
    }
    let extras = extras(group, offer, &mut keep);
    let can = |what| offer.capabilities.check(what).is_ok();
    let public_address = group.public_address && can(FLOATING_IPS);
    let ports = can(SECURITY_GROUPS).then(|| ports(group));
    match (flavor, image) {
        (Some(flavor), Some(image)) if wrong.is_empty() => {
            Ok(Choice { cloud, flavor, image, networks, own_network, extras, public_address, ports })
        }
        _ => Err(wrong),
    }
}

/// What a group asks for beside: each thing must be there, on a cloud that can.
fn extras(group: &GroupSpec, offer: &CloudFacts, keep: &mut impl FnMut(&str, String, Class)) -> Extras {
    let mut can = |asked: bool, field: &str, what: &str| match offer.capabilities.check(what) {
        Err(reason) if asked => {
            keep(field, format!("cannot give it: {reason}"), Class::Refused);
            false
        }
        _ => asked,
    };
    let zone = can(group.zone.is_some(), "zone", ZONES);
    let in_group = can(group.server_group.is_some(), "server_group", SERVER_GROUPS);
    let key = can(group.key_pair.is_some(), "key_pair", KEY_PAIRS);
    can(!group.hints.is_empty(), "hints", HINTS);
    can(group.volume.is_some(), "volume", BOOT_VOLUME);
    let mut extras = Extras { hints: group.hints.clone(), volume: group.volume, ..Extras::default() };
    if let Some(word) = group.zone.as_ref().filter(|_| zone) {
        match pick("availability zone", word, &offer.zones, |zone| (&zone.name, &zone.name)) {
            Ok(found) if found.available => extras.zone = Some(found.name.clone()),
            Ok(_) => keep("zone", format!("takes no servers in zone `{}` now", shown(word)), Class::Refused),
            Err((message, class)) => keep("zone", message, class),
        }
    }
    if let Some(word) = group.server_group.as_ref().filter(|_| in_group) {
        match pick("server group", word, &offer.server_groups, |group| (&group.name, &group.id)) {
            Ok(found) => extras.server_group = Some(found.id.clone()),
            Err((message, class)) => keep("server_group", message, class),
        }
    }
    if let Some(word) = group.key_pair.as_ref().filter(|_| key) {
        match pick("key pair", word, &offer.key_pairs, |pair| (&pair.name, &pair.name)) {
            Ok(found) => extras.key_pair = Some(found.name.clone()),
            Err((message, class)) => keep("key_pair", message, class),
        }
    }
    extras
}

/// The ports of a group, each once.
fn ports(group: &GroupSpec) -> Vec<Ports> {
    let ports: BTreeSet<Ports> = group.ports.iter().filter_map(|text| Ports::parse(text)).collect();
    ports.into_iter().filter(|ports| *ports != Ports::SSH).collect()
}

/// The row called `word`, by name or id; what the cloud has instead, otherwise.
fn pick<'a, T>(
    what: &str,
    word: &str,
    rows: &'a [T],
    names: impl Fn(&T) -> (&String, &String),
) -> Result<&'a T, (String, Class)> {
    if word.is_empty() {
        return Err((
            format!("has no default {what}: name one, or give the cloud one (`quarterdeck cloud set`)"),
            Class::NotFound,
        ));
    }
    if let Some(row) = rows.iter().find(|row| names(row).1 == word) {
        return Ok(row);
    }
    let found: Vec<&T> = rows.iter().filter(|row| names(row).0 == word).collect();
    match found.as_slice() {
        [row] => Ok(row),
        [] => {
            let valid = list(word, rows.iter().map(|row| names(row).0.as_str()), NAMED);
            Err((format!("has no {what} `{}`; it has {valid}", shown(word)), Class::NotFound))
        }
        several => {
            let ids = list("", several.iter().map(|row| names(row).1.as_str()), NAMED);
            let message = format!("has {} {what}s called `{}`: name one by its id ({ids})", several.len(), shown(word));
            Err((message, Class::Refused))
        }
    }
}
