//! A cloud's settings as an account: what a driver needs to know, every word checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::yaml::Node;
use super::super::{Place, too_wide};
use super::files::Files;
use super::merge::{self, AUTH_KEYS};
use crate::config::reader::nearest;
use crate::model::account::{
    Called, InDomain, Interface, Oidc, OidcGrant, OpenstackAccount, OpenstackAuth, Scope, ServiceChoice,
};
use crate::model::{Failure, Part};

/// Our own words, beside those of clouds.yaml.
const OWN: &[&str] = &["cloud", "file", "region", "project", "network", "external_network", "cache_token", "at_once", "retries"];

/// Words of clouds.yaml that settings may use too.
const CLOUD: &[&str] =
    &["auth_type", "auth_methods", "region_name", "interface", "endpoint_type", "verify", "insecure", "cacert", "cert", "key"];

/// What may be said of one service, behind its name.
const SERVICE: &[&str] =
    &["_endpoint_override", "_service_type", "_service_name", "_region_name", "_interface", "_default_microversion"];

/// Ways to log in.
const TYPES: &str = "password, token, v3applicationcredential, v3totp, v3multifactor, v3oidcpassword, \
                     v3oidcclientcredentials, v3oidcaccesstoken";

/// The account that the settings of cloud `name` mean. Without an address of their own they point into a
/// `clouds.yaml`: to the cloud called `cloud`, else to that of the same name. `source` is where they stand.
///
/// # Errors
/// The file, the cloud, or a word of it is missing or wrong: with its place and what there is.
pub fn account(
    place: &Place,
    name: &str,
    settings: &BTreeMap<String, String>,
    source: &str,
) -> Result<OpenstackAccount, Failure> {
    let tried = format!("use cloud {name}");
    let said = |key: &str| settings.get(key).map(String::as_str).filter(|text| !text.is_empty());
    check_words(settings, &tried, source)?;
    let named = said("file").map(|path| expand(place, path));
    if let Some(path) = named.as_ref().filter(|path| !path.is_file()) {
        let failure = Failure::not_found(tried, "there is no such file").at(path.display());
        return Err(failure.next(format!("check `file` in {source}")));
    }
    let complete = said("auth_url").is_some() && said("cloud").is_none();
    let files = if complete { Files::default() } else { Files::read(place, named.as_deref()) };
    let mut extra = Node::map();
    for (key, text) in settings.iter().filter(|(key, text)| !OWN.contains(&key.as_str()) && !text.is_empty()) {
        extra.set_text(key, text);
    }
    let wanted = (!complete).then(|| said("cloud").unwrap_or(name));
    let mut node = merge::cloud(&files, wanted, said("region"), &extra, &tried)?;
    if let Some(project) = said("project") {
        other_project(&mut node, project);
    }
    let source = match (&files.clouds, wanted) {
        (Some(read), Some(wanted)) => format!("{} ({wanted})", read.path.display()),
        _ => source.to_owned(),
    };
    let reader = Reader { tried, source, place };
    let mut account = reader.account(&node)?;
    account.network = said("network").map(str::to_owned).or(account.network);
    account.external_network = said("external_network").map(str::to_owned).or(account.external_network);
    account.cache_token = said("cache_token").is_some_and(truth);
    account.at_once = reader.number("at_once", said("at_once"))?;
    account.retries = reader.number("retries", said("retries"))?;
    account.notes.extend(wide(&files, place));
    Ok(account)
}

/// Only words that mean something, so that a slip of the pen is not silently another account.
fn check_words(settings: &BTreeMap<String, String>, tried: &str, source: &str) -> Result<(), Failure> {
    let plain = || OWN.iter().chain(CLOUD).chain(AUTH_KEYS).copied();
    for key in settings.keys() {
        let of_service = SERVICE.iter().any(|end| key.strip_suffix(end).is_some_and(|service| !service.is_empty()));
        if !of_service && !plain().any(|word| word == key) {
            let hint = nearest(key, plain());
            let next = "what clouds.yaml knows is known here, and: cloud, file, region, project, network, external_network";
            return Err(Failure::refused(tried, format!("unknown setting {key}{hint}")).at(source).next(next));
        }
    }
    Ok(())
}

/// The same user in another project.
fn other_project(node: &mut Node, project: &str) {
    let mut auth = node.get("auth").cloned().unwrap_or_else(Node::map);
    ["project_id", "project_name", "system_scope", "domain_id", "domain_name"].iter().for_each(|key| {
        auth.remove(key);
    });
    let looks_like_id = project.len() == 32 && project.chars().all(|c| c.is_ascii_hexdigit());
    auth.set(if looks_like_id { "project_id" } else { "project_name" }, Node::Plain(project.to_owned()));
    node.set("auth", auth);
}

/// Files with a secret that other accounts can read.
fn wide(files: &Files, place: &Place) -> Vec<String> {
    let read = [&files.clouds, &files.secure].into_iter().flatten().filter(|read| read.node.has_secret());
    let findings = read.filter_map(|read| too_wide(Part::Clouds, &place.short(&read.path), &read.path));
    findings.map(|finding| format!("{}: {}; {}", finding.name, finding.found, finding.next)).collect()
}

fn expand(place: &Place, path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => place.home.join(rest),
        None => PathBuf::from(path),
    }
}

fn truth(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1" | "y" | "t")
}

struct Reader<'a> {
    tried: String,
    /// Where the account is written.
    source: String,
    place: &'a Place,
}

impl Reader<'_> {
    fn wrong(&self, got: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::refused(&self.tried, got.into()).at(&self.source).next(next)
    }

    fn number(&self, key: &str, text: Option<&str>) -> Result<Option<u32>, Failure> {
        let wrong = |text: &str| self.wrong(format!("{key} is {text:?}, which is no number"), "write a whole number");
        text.map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    fn account(&self, node: &Node) -> Result<OpenstackAccount, Failure> {
        let none = Node::map();
        let auth = node.get("auth").unwrap_or(&none);
        let auth_url = auth
            .text("auth_url")
            .ok_or_else(|| self.wrong("it has no auth_url", "say where Keystone is: auth: {auth_url: https://HOST:5000/v3}"))?;
        if !auth_url.starts_with("http://") && !auth_url.starts_with("https://") {
            return Err(self.wrong(format!("its auth_url is {auth_url:?}"), "write it with http:// or https://"));
        }
        let verify = node.text("verify").is_none_or(truth) && !node.text("insecure").is_some_and(truth);
        let file = |key: &str| node.text(key).map(|path| expand(self.place, path));
        let auth_url = auth_url.trim_end_matches('/').to_owned();
        Ok(OpenstackAccount {
            region: node.text("region_name").map(str::to_owned),
            interfaces: self.interfaces(node.get("interface"))?,
            services: self.services(node)?,
            verify,
            ca_file: file("cacert"),
            certificate: file("cert"),
            key: file("key"),
            network: network(node, &["default_interface", "nat_destination"], "internal_network"),
            external_network: network(node, &["nat_source", "routes_externally"], "external_network"),
            ..OpenstackAccount::new(auth_url, self.auth(node, auth)?, self.scope(auth), self.source.clone())
        })
    }

    fn auth(&self, node: &Node, auth: &Node) -> Result<OpenstackAuth, Failure> {
        let has = |key: &str| auth.secret(key).is_some();
        let kind = match node.text("auth_type") {
            Some(kind) if kind != "password" => kind,
            said if has("password") => said.unwrap_or("password"),
            _ if has("application_credential_secret") => "v3applicationcredential",
            _ if has("passcode") => "v3totp",
            _ if has("token") => "token",
            _ => "password",
        };
        match kind {
            "v3multifactor" => {
                let methods: Vec<String> = match node.get("auth_methods") {
                    Some(Node::List(list)) => list.iter().filter_map(|n| n.plain().map(str::to_owned)).collect(),
                    Some(Node::Plain(text)) => text.split(',').map(|word| word.trim().to_owned()).collect(),
                    _ => Vec::new(),
                };
                if methods.is_empty() {
                    return Err(self.wrong("it has no auth_methods", "say which: auth_methods: [v3password, v3totp]"));
                }
                let all = methods.iter().map(|method| self.one_auth(method, auth)).collect::<Result<_, _>>()?;
                Ok(OpenstackAuth::Several(all))
            }
            kind => self.one_auth(kind, auth),
        }
    }

    fn one_auth(&self, kind: &str, auth: &Node) -> Result<OpenstackAuth, Failure> {
        let secret = |key: &str| {
            auth.secret(key)
                .ok_or_else(|| self.wrong(format!("there is no {key} for it"), "complete it there, or in secure.yaml beside it"))
        };
        let user = || {
            self.in_domain(auth, "user_id", "username", "user")
                .ok_or_else(|| self.wrong("it has no username", "say who you are there"))
        };
        Ok(match kind {
            "password" | "v3password" => OpenstackAuth::Password { password: secret("password")?, user: user()? },
            "v3totp" | "totp" => OpenstackAuth::Totp { user: user()?, passcode: secret("passcode")? },
            "token" | "v3token" => OpenstackAuth::Token(secret("token")?),
            "v3applicationcredential" | "applicationcredential" => {
                let secret = secret("application_credential_secret")?;
                match (auth.text("application_credential_id"), auth.text("application_credential_name")) {
                    (Some(id), _) => {
                        OpenstackAuth::ApplicationCredential { called: Called::Id(id.to_owned()), user: None, secret }
                    }
                    (None, Some(name)) => OpenstackAuth::ApplicationCredential {
                        called: Called::Name(name.to_owned()),
                        user: Some(user()?),
                        secret,
                    },
                    (None, None) => {
                        return Err(self.wrong("it has no application_credential_id", "say which one the secret is of"));
                    }
                }
            }
            "v3oidcpassword" => {
                let name = auth.text("username").ok_or_else(|| self.wrong("it has no username", "say who you are there"))?;
                self.oidc(auth, OidcGrant::Password { user: name.to_owned(), password: secret("password")? })?
            }
            "v3oidcclientcredentials" => self.oidc(auth, OidcGrant::ClientCredentials)?,
            "v3oidcaccesstoken" => self.oidc(auth, OidcGrant::AccessToken(secret("access_token")?))?,
            other => return Err(self.wrong(format!("its auth_type is {other:?}"), format!("these are known: {TYPES}"))),
        })
    }

    fn oidc(&self, auth: &Node, grant: OidcGrant) -> Result<OpenstackAuth, Failure> {
        let text = |key: &str| auth.text(key).map(str::to_owned);
        let must = |key: &str| text(key).ok_or_else(|| self.wrong(format!("it has no {key}"), "complete it there"));
        let oidc = Oidc {
            provider: must("identity_provider")?,
            protocol: must("protocol")?,
            token_endpoint: text("access_token_endpoint"),
            discovery: text("discovery_endpoint"),
            client: text("client_id"),
            client_secret: auth.secret("client_secret"),
            scope: text("openid_scope").unwrap_or_else(|| "openid profile".to_owned()),
            grant,
        };
        let asks = !matches!(oidc.grant, OidcGrant::AccessToken(_));
        if asks && oidc.token_endpoint.is_none() && oidc.discovery.is_none() {
            return Err(self.wrong("it has no access_token_endpoint and no discovery_endpoint", "complete it there"));
        }
        Ok(OpenstackAuth::Oidc(Box::new(oidc)))
    }

    fn in_domain(&self, auth: &Node, id: &str, name: &str, what: &str) -> Option<InDomain> {
        let called = match (auth.text(id), auth.text(name)) {
            (Some(id), _) => return Some(InDomain { called: Called::Id(id.to_owned()), domain: None }),
            (None, name) => Called::Name(name?.to_owned()),
        };
        let by = |id: &str, name: &str| match (auth.text(id), auth.text(name)) {
            (Some(id), _) => Some(Called::Id(id.to_owned())),
            (None, name) => name.map(|name| Called::Name(name.to_owned())),
        };
        let own = by(&format!("{what}_domain_id"), &format!("{what}_domain_name"));
        // A domain scope says where its user is, too.
        let domain = own.or_else(|| if what == "user" { by("domain_id", "domain_name") } else { None });
        let domain = domain.or_else(|| by("default_domain_id", "default_domain_name"));
        Some(InDomain { called, domain: domain.or_else(|| auth.text("default_domain").map(|id| Called::Id(id.to_owned()))) })
    }

    fn scope(&self, auth: &Node) -> Scope {
        if auth.text("system_scope").is_some() {
            return Scope::System;
        }
        match self.in_domain(auth, "project_id", "project_name", "project") {
            Some(project) => Scope::Project(project),
            None => match (auth.text("domain_id"), auth.text("domain_name")) {
                (Some(id), _) => Scope::Domain(Called::Id(id.to_owned())),
                (None, Some(name)) => Scope::Domain(Called::Name(name.to_owned())),
                (None, None) => Scope::Unsaid,
            },
        }
    }

    fn interfaces(&self, node: Option<&Node>) -> Result<Vec<Interface>, Failure> {
        let words: Vec<&str> = match node {
            Some(Node::List(list)) => list.iter().filter_map(Node::plain).collect(),
            Some(node) => node.plain().into_iter().filter(|text| !text.is_empty()).collect(),
            None => Vec::new(),
        };
        let all = words.into_iter().map(|word| self.interface(word)).collect::<Result<Vec<_>, _>>()?;
        Ok(if all.is_empty() { vec![Interface::Public] } else { all })
    }

    fn interface(&self, word: &str) -> Result<Interface, Failure> {
        match word.strip_suffix("URL").unwrap_or(word) {
            "public" => Ok(Interface::Public),
            "internal" => Ok(Interface::Internal),
            "admin" => Ok(Interface::Admin),
            _ => Err(self.wrong(format!("its interface is {word:?}"), "write public, internal or admin")),
        }
    }

    fn services(&self, node: &Node) -> Result<BTreeMap<String, ServiceChoice>, Failure> {
        let mut services: BTreeMap<String, ServiceChoice> = BTreeMap::new();
        for entry in node.entries() {
            let Some((service, end)) = SERVICE.iter().find_map(|end| Some((entry.key.strip_suffix(end)?, *end))) else {
                continue;
            };
            let Some(text) = entry.value.plain().filter(|text| !text.is_empty()).map(str::to_owned) else { continue };
            let choice = services.entry(service.to_owned()).or_default();
            match end {
                "_endpoint_override" => {
                    choice.endpoint = Some(text.replace("{region_name}", node.text("region_name").unwrap_or_default()))
                }
                "_service_type" => choice.service_type = Some(text),
                "_service_name" => choice.service_name = Some(text),
                "_region_name" => choice.region = Some(text),
                "_interface" => choice.interface = Some(self.interface(&text)?),
                _ => choice.microversion = Some(text),
            }
        }
        Ok(services)
    }
}

/// The network of the list that has one of these marks; else that of the older key.
fn network(node: &Node, marks: &[&str], older: &str) -> Option<String> {
    let list = match node.get("networks") {
        Some(Node::List(list)) => list.as_slice(),
        _ => &[],
    };
    let marked = |mark: &str| list.iter().find(|net| net.text(mark).is_some_and(truth)).and_then(|net| net.text("name"));
    marks.iter().find_map(|mark| marked(mark)).or_else(|| node.text(older)).map(str::to_owned)
}

/// The settings that the `OS_*` variables of a shell mean; none when they say no address.
pub fn from_variables(place: &Place) -> Option<BTreeMap<String, String>> {
    place.var("OS_AUTH_URL")?;
    let known = |key: &str| AUTH_KEYS.contains(&key) || CLOUD.contains(&key) || SERVICE.iter().any(|end| key.ends_with(end));
    let named = place.env.iter().filter_map(|(name, value)| Some((name.strip_prefix("OS_")?.to_lowercase(), value)));
    Some(named.filter(|(key, value)| known(key) && !value.is_empty()).map(|(key, value)| (key, value.clone())).collect())
}

/// Completes the settings of a cloud that a person adds from a shell: the file where this shell finds it, or what
/// the shell's variables say where no file knows it.
pub fn from_here(place: &Place, home_name: &str, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = given.clone();
    if let Some(file) = all.get_mut("file") {
        let path = expand(place, file);
        *file = std::path::absolute(place.cwd.join(&path)).unwrap_or(path).display().to_string();
    }
    if given.contains_key("auth_url") || given.contains_key("file") {
        return all;
    }
    let files = Files::read(place, None);
    let known = files.merged();
    let wanted = match given.get("cloud") {
        Some(cloud) => Some(cloud.as_str()),
        None => [Some(home_name), place.var("OS_CLOUD")].into_iter().flatten().find(|name| known.get(name).is_some()),
    };
    let found = match (&files.clouds, wanted, from_variables(place)) {
        (Some(read), Some(wanted), _) => settings(place, &read.path, wanted, home_name),
        (_, None, Some(variables)) => variables,
        _ => BTreeMap::new(),
    };
    for (key, value) in found {
        all.entry(key).or_insert(value);
    }
    all
}

/// The settings with which a home takes in cloud `name` of a file: the file is named where the engine, which has
/// neither this shell's variables nor its directory, would not find it.
pub fn settings(place: &Place, file: &Path, name: &str, home_name: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    if name != home_name {
        settings.insert("cloud".to_owned(), name.to_owned());
    }
    let elsewhere = Place { env: BTreeMap::new(), cwd: PathBuf::from("/"), ..place.clone() };
    let finds = Files::read(&elsewhere, None).clouds.is_some_and(|read| read.path == file);
    if !finds {
        let full = std::path::absolute(place.cwd.join(file)).unwrap_or_else(|_| file.to_owned());
        settings.insert("file".to_owned(), full.display().to_string());
    }
    settings
}
