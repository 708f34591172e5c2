//! Accounts as openstacksdk would read them: what is expected here is what its `OpenStackConfig.get_one` says.

use std::collections::BTreeMap;

use super::super::tests::account as place_with;
use super::*;
use crate::model::Class;
use crate::model::account::{Called, InDomain, Interface, OidcGrant, OpenstackAccount, OpenstackAuth, Scope};

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The account of cloud `lab` of these files.
fn read(files: &[(&str, &str)], with: &[(&str, &str)]) -> Result<OpenstackAccount, Failure> {
    let (_dir, place) = place_with(files, &[]);
    account(&place, "lab", &settings(with), "settings.toml:3")
}

fn lab(text: &str) -> Result<OpenstackAccount, Failure> {
    read(&[(".config/openstack/clouds.yaml", text)], &[])
}

fn named(name: &str, domain: Option<Called>) -> InDomain {
    InDomain { called: Called::Name(name.into()), domain }
}

const PLAIN: &str = "\
clouds:
  lab:
    auth: {auth_url: 'https://lab.example.org:5000/v3/', username: ana, project_name: demo, user_domain_name: Default,
           project_domain_id: default}
    region_name: one
    interface: internal
  two: {auth: {auth_url: http://two, username: x}}
";

#[test]
fn files_are_merged_as_openstacksdk_does() {
    let secure = "clouds:\n  lab:\n    auth: {password: 0123e4}\n    region_name: two\n";
    let account = read(&[(".config/openstack/clouds.yaml", PLAIN), (".config/openstack/secure.yaml", secure)], &[]).unwrap();
    assert_eq!((account.auth_url.as_str(), account.region.as_deref()), ("https://lab.example.org:5000/v3", Some("two")));
    let OpenstackAuth::Password { user, password } = &account.auth else { panic!("{account:?}") };
    assert_eq!((user, password.expose()), (&named("ana", Some(Called::Name("Default".into()))), "0123e4"));
    assert_eq!(account.scope, Scope::Project(named("demo", Some(Called::Id("default".into())))));
    assert_eq!((account.interfaces.clone(), account.verify), (vec![Interface::Internal], true));
    assert!(account.source.ends_with("clouds.yaml (lab)") && !format!("{account:?}").contains("0123"));
}

#[test]
fn settings_go_before_the_file() {
    let secure = "clouds: {lab: {auth: {password: p}}}";
    let files = [(".config/openstack/clouds.yaml", PLAIN), (".config/openstack/secure.yaml", secure)];
    let with = [("region", "nine"), ("interface", "admin"), ("project", "other"), ("network", "lan"), ("at_once", "4")];
    let account = read(&files, &[with.as_slice(), &[("compute_endpoint_override", "http://x/v2.1")]].concat()).unwrap();
    assert_eq!((account.region.as_deref(), account.interfaces.clone()), (Some("nine"), vec![Interface::Admin]));
    assert_eq!((account.network.as_deref(), account.at_once), (Some("lan"), Some(4)));
    assert_eq!(account.services["compute"].endpoint.as_deref(), Some("http://x/v2.1"));
    let Scope::Project(project) = &account.scope else { panic!("{account:?}") };
    assert_eq!(project.called, Called::Name("other".into()));
    let failure = read(&files, &[("regoin", "x")]).unwrap_err();
    assert!(failure.got.contains("did you mean region?") && failure.at == "settings.toml:3", "{failure}");
    assert!(read(&files, &[("at_once", "many")]).unwrap_err().got.contains("no number"));
}

#[test]
fn what_is_missing_is_said_with_what_there_is() {
    let failure = read(&[(".config/openstack/clouds.yaml", PLAIN)], &[("cloud", "lub")]).unwrap_err();
    assert_eq!((failure.class, failure.next.as_str()), (Class::NotFound, "its clouds are: lab, two"));
    assert!(read(&[], &[]).unwrap_err().got.contains("no clouds.yaml"));
    assert!(read(&[], &[("file", "/no/such.yaml")]).unwrap_err().at.contains("/no/such.yaml"));
    let failure = lab(PLAIN).unwrap_err();
    assert!(failure.got.contains("no password") && failure.next.contains("secure.yaml"), "{failure}");
    for (cloud, word) in [
        ("{}", "auth_url"),
        ("{auth: {auth_url: lab}}", "http://"),
        ("{auth: {auth_url: 'http://x', password: p}}", "username"),
        ("{auth_type: v2password, auth: {auth_url: 'http://x', password: p}}", "v3applicationcredential"),
        ("{auth: {auth_url: 'http://x', username: a, password: p}, interface: inside}", "public, internal or admin"),
        ("{profile: nobody-knows, auth: {username: a}}", "clouds-public.yaml"),
        ("{regions: [a, b], auth: {auth_url: 'http://x'}}", "no password"),
    ] {
        let failure = lab(&format!("clouds:\n  lab: {cloud}\n")).unwrap_err();
        assert!(failure.to_string().contains(word) && !failure.at.is_empty(), "{cloud}: {failure}");
    }
    let broken = read(&[(".config/openstack/clouds.yaml", "clouds: [")], &[]).unwrap_err();
    assert!(broken.got.contains("no YAML"), "{broken}");
}

#[test]
fn profiles_and_regions_stand_below_the_cloud() {
    let public = "public-clouds:\n  acme:\n    auth: {auth_url: 'https://{region_name}.acme.example/v3', user_domain_name: corp}\n    regions: [east, {name: west, values: {interface: admin, auth: {project_name: w}}}]\n    verify: false\n";
    let cloud = "clouds:\n  lab: {profile: acme, auth: {username: a, password: p, project_name: mine}}\n";
    let files = [(".config/openstack/clouds.yaml", cloud), (".config/openstack/clouds-public.yaml", public)];
    let account = read(&files, &[]).unwrap();
    assert_eq!((account.auth_url.as_str(), account.region.as_deref()), ("https://east.acme.example/v3", Some("east")));
    assert_eq!((account.verify, account.scope.clone()), (false, Scope::Project(named("mine", None))));
    let west = read(&files, &[("region", "west")]).unwrap();
    assert_eq!((west.auth_url.as_str(), west.interfaces[0]), ("https://west.acme.example/v3", Interface::Admin));
    assert_eq!(west.scope, Scope::Project(named("w", None)), "a region's own values go before the cloud's");
    let failure = read(&files, &[("region", "north")]).unwrap_err();
    assert_eq!(failure.next, "its regions are: east, west");
    let shipped = lab("clouds: {lab: {profile: citycloud, region_name: Fra1, auth: {username: a, password: p}}}").unwrap();
    assert_eq!(shipped.auth_url, "https://Fra1.citycloud.com:5000/v3", "region_name chooses among a profile's regions");
}

#[test]
fn old_words_still_count() {
    let old = "clouds:\n  lab:\n    endpoint_type: internalURL\n    insecure: true\n    auth:\n      auth-url: http://x:5000/v2.0\n      username: a\n      password: p\n      tenant_name: t\n      domain_name: d\n";
    let account = lab(old).unwrap();
    assert_eq!((account.interfaces[0], account.verify), (Interface::Internal, false));
    let domain = || Some(Called::Name("d".into()));
    assert_eq!(account.scope, Scope::Project(named("t", domain())), "a domain said once is that of both");
    let OpenstackAuth::Password { user, .. } = &account.auth else { panic!("{account:?}") };
    assert_eq!(*user, named("a", domain()));
    // What stands beside `auth` goes before what stands in it.
    let beside = "clouds: {lab: {project-id: outer, auth: {auth_url: 'http://x', username: a, password: p, project_id: inner}}}";
    let Scope::Project(project) = lab(beside).unwrap().scope else { panic!("no project") };
    assert_eq!(project.called, Called::Id("outer".into()));
    let scope = |auth: &str| {
        lab(&format!("clouds: {{lab: {{auth: {{auth_url: 'http://x', username: a, password: p, {auth}}}}}}}")).unwrap().scope
    };
    assert_eq!(scope("domain_id: d"), Scope::Domain(Called::Id("d".into())));
    assert_eq!((scope("system_scope: all"), scope("default_domain: d")), (Scope::System, Scope::Unsaid));
}

#[test]
fn every_way_to_log_in_is_read() {
    let auth = |text: &str| lab(&format!("clouds:\n  lab: {{{text}}}\n")).map(|account| account.auth);
    let url = "auth_url: 'http://x'";
    let OpenstackAuth::ApplicationCredential { called, user: None, .. } =
        auth(&format!("auth: {{{url}, application_credential_id: c, application_credential_secret: s}}")).unwrap()
    else {
        panic!("an application credential needs no auth_type here")
    };
    assert_eq!(called, Called::Id("c".into()));
    let named = format!(
        "auth_type: v3applicationcredential, auth: {{{url}, application_credential_name: c, application_credential_secret: s, user_id: u}}"
    );
    assert!(matches!(auth(&named).unwrap(), OpenstackAuth::ApplicationCredential { user: Some(_), .. }));
    assert!(matches!(auth(&format!("auth_type: token, auth: {{{url}, token: t}}")).unwrap(), OpenstackAuth::Token(_)));
    assert!(matches!(auth(&format!("auth: {{{url}, token: t}}")).unwrap(), OpenstackAuth::Token(_)));
    assert!(matches!(
        auth(&format!("auth_type: v3totp, auth: {{{url}, username: a, passcode: '012345'}}")).unwrap(),
        OpenstackAuth::Totp { .. }
    ));
    let several = format!(
        "auth_type: v3multifactor, auth_methods: [v3password, v3totp], auth: {{{url}, username: a, password: p, passcode: 012345}}"
    );
    let OpenstackAuth::Several(all) = auth(&several).unwrap() else { panic!("one of several") };
    let [OpenstackAuth::Password { .. }, OpenstackAuth::Totp { passcode, .. }] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(passcode.expose(), "012345", "a passcode is no number");
    let oidc = format!(
        "auth_type: v3oidcpassword, auth: {{{url}, username: a, password: p, identity_provider: i, protocol: openid, client_id: c, client_secret: s, discovery_endpoint: 'http://i'}}"
    );
    let OpenstackAuth::Oidc(oidc) = auth(&oidc).unwrap() else { panic!("federated") };
    assert!(matches!(oidc.grant, OidcGrant::Password { .. }) && oidc.client_secret.is_some());
    assert!(
        auth(&format!("auth_type: v3oidcclientcredentials, auth: {{{url}, identity_provider: i, protocol: p}}"))
            .unwrap_err()
            .got
            .contains("endpoint")
    );
}

#[test]
fn networks_and_certificates_are_read() {
    let text = "clouds:\n  lab:\n    cacert: ~/ca.pem\n    cert: /c.pem\n    key: /k.pem\n    auth: {auth_url: 'https://x', username: a, password: p}\n    networks:\n    - {name: outside, routes_externally: true, nat_source: true}\n    - {name: inside, default_interface: true}\n";
    let account = lab(text).unwrap();
    assert!(account.ca_file.as_ref().unwrap().ends_with("home/ca.pem"), "{account:?}");
    assert_eq!((account.network.as_deref(), account.external_network.as_deref()), (Some("inside"), Some("outside")));
    assert_eq!((account.certificate.unwrap().to_str(), account.key.unwrap().to_str()), (Some("/c.pem"), Some("/k.pem")));
}

#[test]
fn the_variables_of_a_shell_are_an_account() {
    let vars = [
        ("OS_AUTH_URL", "https://x:5000/v3"),
        ("OS_USERNAME", "ana"),
        ("OS_PASSWORD", "hunter2"),
        ("OS_PROJECT_NAME", "p"),
        ("OS_USER_DOMAIN_NAME", "Default"),
        ("OS_REGION_NAME", "one"),
        ("OS_IDENTITY_API_VERSION", "3"),
        ("OS_CLOUD", ""),
    ];
    let (_dir, place) = place_with(&[], &vars);
    let found = from_variables(&place).unwrap();
    assert_eq!(
        found.keys().map(String::as_str).collect::<Vec<_>>(),
        ["auth_url", "password", "project_name", "region_name", "user_domain_name", "username"]
    );
    let (_dir, elsewhere) = place_with(&[], &[]);
    let account = account(&elsewhere, "lab", &found, "settings.toml:1").unwrap();
    assert_eq!((account.region.as_deref(), account.source.as_str()), (Some("one"), "settings.toml:1"));
    assert!(matches!(account.auth, OpenstackAuth::Password { .. }));
    assert!(from_variables(&elsewhere).is_none());

    // Added from a shell: a file that knows the name goes before the variables, whatever is given before both.
    assert_eq!(from_here(&place, "lab", &settings(&[("region", "two")]))["password"], "hunter2");
    let (_dir, place) = place_with(&[("work/clouds.yaml", PLAIN)], &[vars.as_slice(), &[("OS_CLOUD", "two")]].concat());
    let here = place.home.join("work/clouds.yaml").display().to_string();
    assert_eq!(from_here(&place, "lab", &settings(&[])), settings(&[("file", &here)]));
    assert_eq!(from_here(&place, "mine", &settings(&[])), settings(&[("cloud", "two"), ("file", &here)]));
    assert_eq!(from_here(&place, "x", &settings(&[("file", "a.yaml")]))["file"], place.cwd.join("a.yaml").display().to_string());
    assert_eq!(from_here(&place, "x", &settings(&[("auth_url", "http://y")])), settings(&[("auth_url", "http://y")]));
}

#[test]
fn a_home_names_the_file_only_where_the_engine_would_not_find_it() {
    let secure = "clouds: {lab: {auth: {password: p}}}";
    let files =
        [(".config/openstack/clouds.yaml", PLAIN), (".config/openstack/secure.yaml", secure), ("work/clouds.yaml", PLAIN)];
    let (_dir, place) = place_with(&files, &[]);
    let of = |path: &str, name: &str| super::settings(&place, &place.home.join(path), name, "lab");
    assert_eq!(of(".config/openstack/clouds.yaml", "lab"), settings(&[]));
    let here = of("work/clouds.yaml", "Lab");
    assert_eq!(
        (here["cloud"].as_str(), here["file"].clone()),
        ("Lab", place.home.join("work/clouds.yaml").display().to_string())
    );
    // The neighbours of a file that is named go before those of the search path.
    let (_dir, place) = place_with(&[("a/clouds.yaml", PLAIN), ("a/secure.yaml", secure)], &[]);
    let file = place.home.join("a/clouds.yaml").display().to_string();
    assert!(account(&place, "lab", &settings(&[("file", &file)]), "s").is_ok());
    assert!(account(&place, "lab", &settings(&[("file", "~/a/clouds.yaml")]), "s").is_ok());
}

#[test]
fn a_secret_that_others_can_read_is_noted() {
    use std::os::unix::fs::PermissionsExt;
    let text = PLAIN.replace("username: ana", "username: ana, password: p");
    let (_dir, place) = place_with(&[(".config/openstack/clouds.yaml", &text)], &[]);
    let path = place.home.join(".config/openstack/clouds.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let notes = account(&place, "lab", &settings(&[]), "s").unwrap().notes;
    assert!(notes.len() == 1 && notes[0].contains("chmod 600"), "{notes:?}");
}
