//! One cloud out of all that is said of it, by the rules of openstacksdk: profile, then the file, then the region,
//! then what was asked for; old words in the place of new ones.

use super::super::yaml::Node;
use super::files::Files;
use super::profiles;
use crate::model::Failure;

/// Keys that stand under `auth`, wherever they were written. Each with its older words.
const AUTH: &[(&str, &[&str])] = &[
    ("domain_id", &[]),
    ("domain_name", &[]),
    ("user_domain_id", &[]),
    ("user_domain_name", &[]),
    ("project_domain_id", &[]),
    ("project_domain_name", &[]),
    ("token", &["auth_token"]),
    ("passcode", &[]),
    ("project_id", &["tenant_id"]),
    ("project_name", &["tenant_name"]),
];

/// Keys of `auth` that variables and our own settings may name.
pub const AUTH_KEYS: &[&str] = &[
    "auth_url",
    "username",
    "user_id",
    "password",
    "token",
    "auth_token",
    "passcode",
    "project_name",
    "project_id",
    "tenant_name",
    "tenant_id",
    "domain_name",
    "domain_id",
    "user_domain_name",
    "user_domain_id",
    "project_domain_name",
    "project_domain_id",
    "default_domain",
    "default_domain_id",
    "default_domain_name",
    "system_scope",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "identity_provider",
    "protocol",
    "client_id",
    "client_secret",
    "openid_scope",
    "access_token",
    "access_token_endpoint",
    "discovery_endpoint",
];

/// The cloud called `name` (or what `extra` alone says), ready to be read: `region` and `extra` go before the files.
///
/// # Errors
/// There is no such cloud, or no such region of it; its profile is not known.
pub fn cloud(files: &Files, name: Option<&str>, region: Option<&str>, extra: &Node, tried: &str) -> Result<Node, Failure> {
    let all = files.merged();
    let at = files.clouds.as_ref().map(|read| read.path.display().to_string()).unwrap_or_default();
    let ours = match name {
        None => Node::map(),
        Some(name) => all.get(name).cloned().ok_or_else(|| unknown(files, &all, name, tried))?.normal(),
    };
    let mut node = Node::map();
    node.set("auth", Node::map());
    let profile = ours.text("profile").or_else(|| ours.text("cloud"));
    if let Some(profile) = profile {
        let known = files.profile(profile).cloned().or_else(|| profiles::profile(profile));
        match known {
            Some(known) => update(&mut node, &known.normal()),
            // As openstacksdk: what the file itself says may be enough.
            None if ours.get("auth").and_then(|auth| auth.text("auth_url")).is_some() => {}
            None => {
                let got = format!("its profile {profile:?} is not known here");
                let next = "put the profile's auth_url and regions beside it, or into clouds-public.yaml";
                return Err(Failure::refused(tried, got).at(at).next(next));
            }
        }
    }
    // A region that the cloud itself names goes before those of its profile.
    let regions = match ours.get("regions").or_else(|| ours.get("region_name")) {
        Some(_) => regions(&ours),
        None => regions(&node),
    };
    update(&mut node, &ours);
    let asked = region.or_else(|| extra.text("region_name"));
    let chosen = match asked {
        None => regions.first(),
        Some(asked) if regions.is_empty() => {
            node.set("region_name", Node::Plain(asked.to_owned()));
            None
        }
        Some(asked) => Some(regions.iter().find(|(known, _)| known == asked).ok_or_else(|| {
            let known = regions.iter().map(|(known, _)| known.as_str()).collect::<Vec<_>>().join(", ");
            Failure::not_found(tried, format!("there is no region {asked:?}")).at(&at).next(format!("its regions are: {known}"))
        })?),
    };
    if let Some((name, values)) = chosen {
        update(&mut node, values);
        node.set("region_name", Node::Plain(name.clone()));
    }
    node.remove("regions");
    update(&mut node, &extra.normal());
    fix(&mut node);
    Ok(node)
}

fn unknown(files: &Files, all: &Node, name: &str, tried: &str) -> Failure {
    let known: Vec<&str> = all.entries().iter().map(|entry| entry.key.as_str()).collect();
    let Some(read) = &files.clouds else {
        let got = match files.bad.first() {
            Some((path, failure)) => format!("{}: {}", path.display(), failure.got),
            None => "there is no clouds.yaml".to_owned(),
        };
        let next = "write ~/.config/openstack/clouds.yaml, or name the file: set `file`";
        return Failure::not_found(tried, got).next(next);
    };
    let next = if known.is_empty() { "there are none".to_owned() } else { format!("its clouds are: {}", known.join(", ")) };
    Failure::not_found(tried, format!("there is no cloud {name:?} in it")).at(read.path.display()).next(next)
}

/// Takes over all keys of `new`, those of `auth` one by one.
fn update(old: &mut Node, new: &Node) {
    for entry in new.entries() {
        match (entry.key.as_str(), &entry.value) {
            ("auth", Node::Map(_)) => {
                let mut auth = old.get("auth").cloned().unwrap_or_else(Node::map);
                entry.value.entries().iter().for_each(|e| auth.set(&e.key, e.value.clone()));
                old.set("auth", auth);
            }
            (key, value) => old.set(key, value.clone()),
        }
    }
}

/// The regions with their own values.
fn regions(node: &Node) -> Vec<(String, Node)> {
    let one = |node: &Node| match node {
        Node::Plain(name) => Some((name.clone(), Node::map())),
        Node::Map(_) => Some((node.text("name")?.to_owned(), node.get("values").map(Node::normal).unwrap_or_else(Node::map))),
        _ => None,
    };
    match (node.get("regions"), node.get("region_name")) {
        (Some(Node::List(list)), _) if !list.is_empty() => list.iter().filter_map(one).collect(),
        (_, Some(Node::List(list))) => list.iter().filter_map(one).collect(),
        (_, Some(Node::Plain(names))) if names.contains(',') => {
            names.split(',').map(|name| (name.trim().to_owned(), Node::map())).collect()
        }
        _ => Vec::new(),
    }
}

/// Old words and odd places.
fn fix(node: &mut Node) {
    if let Some(kind) = node.text("auth_plugin").map(str::to_owned)
        && node.text("auth_type").is_none()
    {
        node.set("auth_type", Node::Plain(kind));
    }
    if let Some(kind) = node.text("endpoint_type").map(str::to_owned)
        && node.get("interface").is_none()
    {
        node.set("interface", Node::Plain(kind));
    }
    let mut auth = node.get("auth").cloned().unwrap_or_else(Node::map);
    for (key, older) in AUTH {
        let mut found = None;
        // What stands outside of `auth` goes before.
        for word in older.iter().copied().chain([*key]) {
            found = auth.remove(word).or(found);
            found = node.remove(word).or(found);
        }
        if let Some(found) = found.filter(Node::says) {
            auth.set(key, found);
        }
    }
    for key in AUTH_KEYS {
        if auth.get(key).is_none()
            && let Some(found) = node.remove(key).filter(Node::says)
        {
            auth.set(key, found);
        }
    }
    let scoped = ["project_id", "project_name"].iter().any(|key| auth.get(key).is_some());
    if scoped {
        for (one, both) in
            [("domain_id", ["user_domain_id", "project_domain_id"]), ("domain_name", ["user_domain_name", "project_domain_name"])]
        {
            if let Some(domain) = auth.remove(one) {
                both.iter().filter(|key| auth.get(key).is_none()).copied().collect::<Vec<_>>().into_iter().for_each(|key| {
                    auth.set(key, domain.clone());
                });
            }
        }
    }
    if let (Some(url), Some(region)) = (auth.text("auth_url").map(str::to_owned), node.text("region_name")) {
        auth.set("auth_url", Node::Plain(url.replace("{region_name}", region)));
    }
    node.set("auth", auth);
}
