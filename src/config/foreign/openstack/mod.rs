//! `clouds.yaml` with `secure.yaml` beside it, and `OS_*` variables, as openstacksdk looks for them.

mod account;
mod files;
mod merge;
mod profiles;

use super::yaml::Node;
use super::{Found, FoundCloud, Place, Settings};
use crate::config::origin::Origin;
use crate::model::text::names_a_secret;
use crate::model::{Driver, Failure};

pub use account::{account, from_here, from_variables, settings};
use files::Files;

/// Variables that say where to look, not what is there.
const ABOUT_FILES: &[&str] = &["OS_CLOUD", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLIENT_VENDOR_FILE"];

pub fn find(place: &Place, found: &mut Found) {
    let files = Files::read(place, None);
    for (path, failure) in &files.bad {
        found.unreadable(place, path, failure);
    }
    for read in [&files.secure, &files.clouds].into_iter().flatten().filter(|read| read.node.has_secret()) {
        found.secret(place, &read.path);
    }
    if let Some(clouds) = &files.clouds {
        let all = files.merged();
        for entry in clouds.node.get("clouds").map(Node::entries).unwrap_or_default() {
            let origin = Origin::File { path: clouds.path.clone(), line: entry.line };
            let whole = all.get(&entry.key).unwrap_or(&entry.value);
            let mut cloud = cloud(&entry.key, whole, origin);
            cloud.settings = Settings(settings(place, &clouds.path, &entry.key, &cloud.home_name()));
            found.clouds.push(cloud);
        }
    }
    found.clouds.extend(from_environment(place));
}

fn cloud(name: &str, node: &Node, origin: Origin) -> FoundCloud {
    let none = Node::Map(Vec::new());
    let auth = node.get("auth").unwrap_or(&none);
    let said = |key: &str| auth.text(key).or_else(|| node.text(key));
    let profile = node.text("profile").or_else(|| node.text("cloud"));
    let endpoint = said("auth_url").map(str::to_owned);
    let endpoint = endpoint.or_else(|| profile.map(|profile| format!("profile {profile}"))).unwrap_or_default();
    let project = said("project_name").or_else(|| said("tenant_name")).or_else(|| said("project_id"));
    let who = said("username").or_else(|| said("user_id")).or_else(|| said("application_credential_name"));
    let has_secret = node.has_secret();
    let got = match (endpoint.is_empty(), has_secret) {
        (true, _) => Some("it has no auth_url and no profile"),
        (false, false) => Some("there is no password, token or application credential for it"),
        _ => None,
    };
    let problem = got.map(|got| {
        Failure::refused(format!("use cloud {name}"), got).at(&origin).next("complete it there, or in secure.yaml beside it")
    });
    FoundCloud {
        name: name.to_owned(),
        driver: Driver::Openstack,
        endpoint,
        user: user(who, project),
        origin,
        problem,
        settings: Settings::default(),
    }
}

fn user(who: Option<&str>, project: Option<&str>) -> String {
    match (who, project) {
        (Some(who), Some(project)) => format!("{who} in project {project}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

/// The cloud that the variables describe, as openstacksdk would make one of them.
fn from_environment(place: &Place) -> Option<FoundCloud> {
    let named = place.env.iter().filter(|(name, value)| name.starts_with("OS_") && !value.is_empty());
    let mut named = named.map(|(name, _)| name.as_str()).filter(|name| !ABOUT_FILES.contains(name)).peekable();
    named.peek()?;
    let has_secret = named.any(names_a_secret);
    let url = place.var("OS_AUTH_URL");
    let origin = Origin::Env(if url.is_some() { "OS_AUTH_URL" } else { "OS_*" }.to_owned());
    let got = match (url, has_secret) {
        (None, _) => Some("OS_AUTH_URL is not set"),
        (Some(_), false) => Some("there is no OS_PASSWORD, OS_TOKEN or application credential"),
        _ => None,
    };
    let problem = got.map(|got| {
        Failure::refused("use the OS_* variables", got)
            .at(&origin)
            .next("source the project's openrc file in this shell, then try again")
    });
    let project = place.var("OS_PROJECT_NAME").or_else(|| place.var("OS_TENANT_NAME")).or_else(|| place.var("OS_PROJECT_ID"));
    Some(FoundCloud {
        name: place.var("OS_CLOUD_NAME").unwrap_or("envvars").to_owned(),
        driver: Driver::Openstack,
        endpoint: url.unwrap_or_default().to_owned(),
        user: user(place.var("OS_USERNAME").or_else(|| place.var("OS_USER_ID")), project),
        origin,
        problem,
        settings: Settings(from_variables(place).unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod finding {
    use std::os::unix::fs::PermissionsExt;

    use super::super::tests::account as with;
    use super::*;

    const CLOUDS: &str = "\
clouds:
  lab:
    auth:
      auth_url: https://lab.example.org:5000/v3
      username: ana
      project_name: demo
  vendor:
    profile: vexxhost
    auth: {username: ben, password: hunter2}
  empty: {}
";

    fn found(place: &Place) -> Found {
        let mut found = Found::default();
        find(place, &mut found);
        found
    }

    #[test]
    fn secrets_may_stand_in_the_file_beside_it() {
        let secure = "clouds:\n  lab:\n    auth: {password: s3cret}\n";
        let (_dir, place) = with(&[(".config/openstack/clouds.yaml", CLOUDS), (".config/openstack/secure.yaml", secure)], &[]);
        let found = found(&place);
        let lab = &found.clouds[0];
        assert_eq!((lab.name.as_str(), lab.endpoint.as_str()), ("lab", "https://lab.example.org:5000/v3"));
        assert_eq!((lab.user.as_str(), &lab.problem), ("ana in project demo", &None));
        assert!(lab.origin.to_string().ends_with("clouds.yaml:2"), "{}", lab.origin);
        assert_eq!((found.clouds[1].endpoint.as_str(), &found.clouds[1].problem), ("profile vexxhost", &None));
        assert!(found.clouds[2].problem.as_ref().unwrap().got.contains("auth_url"));
        let all = format!("{found:?}");
        assert!(!all.contains("hunter2") && !all.contains("s3cret"), "{all}");
        assert!(found.findings.is_empty(), "{:?}", found.findings);
    }

    #[test]
    fn the_first_file_of_the_search_path_counts() {
        let one = |name: &str| format!("clouds:\n  {name}: {{auth: {{auth_url: http://x, password: p}}}}\n");
        let files = [
            ("work/clouds.yaml", one("here")),
            (".config/openstack/clouds.yml", one("mine")),
            ("/etc/openstack/clouds.yaml", one("all")),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let (_dir, place) = with(&files, &[]);
        assert_eq!(found(&place).clouds[0].name, "here");
        let (_dir, place) = with(&files[1..], &[]);
        assert_eq!(found(&place).clouds[0].name, "mine");
        let (_dir, mut place) = with(&files[2..], &[]);
        assert_eq!(found(&place).clouds[0].name, "all");
        let other = place.home.join("other.yaml");
        std::fs::write(&other, one("named")).unwrap();
        place.env.insert("OS_CLIENT_CONFIG_FILE".into(), other.display().to_string());
        assert_eq!(found(&place).clouds[0].name, "named");
    }

    #[test]
    fn a_wide_file_with_a_secret_gets_the_chmod_line() {
        let (_dir, place) = with(&[(".config/openstack/clouds.yaml", CLOUDS)], &[]);
        let path = place.home.join(".config/openstack/clouds.yaml");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let found = found(&place);
        assert_eq!(found.findings.len(), 1);
        assert_eq!(found.findings[0].next, format!("chmod 600 {}", path.display()));
        assert_eq!(found.findings[0].name, "~/.config/openstack/clouds.yaml");
    }

    #[test]
    fn a_broken_file_is_told_and_no_more() {
        let (_dir, place) = with(&[(".config/openstack/clouds.yaml", "clouds: [\n")], &[]);
        let found = found(&place);
        assert!(found.clouds.is_empty() && found.findings[0].found.contains("no YAML"), "{found:?}");
    }

    #[test]
    fn variables_make_a_cloud() {
        let vars =
            [("OS_AUTH_URL", "https://x/v3"), ("OS_USERNAME", "ana"), ("OS_PASSWORD", "hunter2"), ("OS_PROJECT_NAME", "p")];
        let (_dir, place) = with(&[], &vars);
        let found_all = found(&place);
        let cloud = &found_all.clouds[0];
        assert_eq!((cloud.name.as_str(), cloud.user.as_str(), &cloud.problem), ("envvars", "ana in project p", &None));
        assert_eq!(cloud.origin.to_string(), "$OS_AUTH_URL");
        assert!(!format!("{found_all:?}").contains("hunter2"));
        let (_dir, place) = with(&[], &vars[..2]);
        assert!(found(&place).clouds[0].problem.as_ref().unwrap().got.contains("OS_PASSWORD"));
        let (_dir, place) = with(&[], &[("OS_CLOUD", "lab")]);
        assert!(found(&place).clouds.is_empty(), "it only names a cloud of the file");
    }
}
