//! Who we are: what is wrong with an account is said once, with what is right.

use super::*;

#[tokio::test]
async fn a_wrong_project_is_told_with_the_right_ones() {
    let projects = told(200, json!({ "projects": [{ "name": "zoo" }, { "name": "alt" }] }));
    let fake = Fake::new([unauthorized(), token("unscoped"), projects]).await;
    let failure = open(&fake).identity(&Cx::quiet()).await.unwrap_err();
    assert_eq!(failure.class, Class::Credentials);
    assert!(failure.got.contains("no project demo"), "{failure}");
    assert_eq!(failure.next, "set project_name in clouds.yaml (lab); the projects are: alt, zoo");
    let calls = fake.calls();
    let unscoped: Value = serde_json::from_slice(&calls[1].body).unwrap();
    assert_eq!((unscoped["auth"]["scope"].clone(), calls[2].line().as_str()), (json!("unscoped"), "GET /v3/auth/projects"));
}

#[tokio::test]
async fn a_wrong_password_is_told_with_the_way_to_mend_it_and_never_shown() {
    let repeated = told(401, json!({ "error": { "message": "user ana with hunter2 is not known" } }));
    let fake = Fake::new([repeated, unauthorized()]).await;
    let failure = open(&fake).identity(&Cx::quiet()).await.unwrap_err();
    assert_eq!((failure.class, failure.at.clone()), (Class::Credentials, fake.url("/v3/auth/tokens").to_string()));
    assert!(failure.next.contains("username, password and user_domain_name (now default)"), "{failure}");
    assert!(!format!("{failure:?}").contains("hunter2") && failure.got.contains("***"), "{failure:?}");
    assert_eq!(failure.tried, "log in as user ana");
}

#[tokio::test]
async fn a_wrong_address_region_or_interface_is_told() {
    let fake = Fake::new([told(404, json!({}))]).await;
    assert!(open(&fake).identity(&Cx::quiet()).await.unwrap_err().next.contains("auth_url"));

    let fake = Fake::new([token("t1")]).await;
    let account = OpenstackAccount { region: Some("two".into()), ..account_at(&fake) };
    let failure = open_at(account, Path::new("/x")).identity(&Cx::quiet()).await.unwrap_err();
    assert!(failure.got.contains("no region \"two\"") && failure.next.ends_with("the regions are: one"), "{failure}");

    let fake = Fake::new([token("t1")]).await;
    let account = OpenstackAccount { interfaces: vec![Interface::Internal], ..account_at(&fake) };
    let failure = open_at(account, Path::new("/x")).identity(&Cx::quiet()).await.unwrap_err();
    assert!(failure.got.contains("no internal address") && failure.next.ends_with("it has: public"), "{failure}");

    let fake = Fake::new([token("t1")]).await;
    let call = Call::get(Service::Volume, "/volumes", "list volumes");
    let failure = open(&fake).0.session.call(&Cx::quiet(), &call).await.err().unwrap();
    assert!(failure.got.contains("no block_storage") && failure.next == "it has: compute, image, network", "{failure}");
}

#[tokio::test]
async fn an_identity_says_who_where_and_with_what_care() {
    let fake = Fake::new([token("t1"), versions("2.104")]).await;
    let account = OpenstackAccount { verify: false, ..account_at(&fake) };
    let identity = open_at(account, Path::new("/x")).identity(&Cx::quiet()).await.unwrap();
    assert_eq!((identity.user.as_str(), identity.project.as_deref()), ("ana", Some("demo")));
    assert!(identity.notes[0].starts_with("certificates are not checked"), "{:?}", identity.notes);
    assert!(identity.notes.iter().any(|n| n.contains("compute 2.96")) && identity.notes.contains(&"roles: member".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_there_is_checked_and_not_made_anew() {
    let fake =
        Fake::new([token("t1"), versions("2.104"), Act::Told(200, Vec::new(), String::new()), told(404, json!({})), token("t2")])
            .await;
    let cloud = open(&fake);
    for _ in 0..3 {
        cloud.identity(&Cx::quiet()).await.unwrap();
    }
    let lines = lines(&fake);
    assert_eq!(lines[2..], ["HEAD /v3/auth/tokens", "HEAD /v3/auth/tokens", "POST /v3/auth/tokens"]);
}

#[tokio::test]
async fn a_token_is_kept_for_the_next_start_where_that_is_wanted() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokens/lab.json");
    let empty = || told(200, json!({ "keypairs": [] }));
    let acts = [token("t1"), versions("2.104"), empty(), versions("2.104"), empty(), token("t2"), versions("2.104"), empty()];
    let fake = Fake::new(acts).await;
    let account = OpenstackAccount { cache_token: true, ..account_at(&fake) };
    open_at(account.clone(), &file).key_pairs(&Cx::quiet()).await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    open_at(account.clone(), &file).key_pairs(&Cx::quiet()).await.unwrap();
    let posts = |fake: &Fake| lines(fake).iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts(&fake), 1, "the kept one is used");

    let user = InDomain { called: Called::Name("ana".into()), domain: None };
    let other = OpenstackAccount { auth: OpenstackAuth::Password { user, password: Secret::new("other") }, ..account };
    open_at(other, &file).key_pairs(&Cx::quiet()).await.unwrap();
    assert_eq!(posts(&fake), 2, "another account's is not");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("other"));
}

#[tokio::test]
async fn an_openid_provider_vouches_for_us() {
    use crate::model::account::{Oidc, OidcGrant};
    let discovery = Act::Told(200, Vec::new(), json!({ "token_endpoint": "http://{here}/idp/token" }).to_string());
    let fake =
        Fake::new([discovery, told(200, json!({ "access_token": "acc" })), token("federated"), token("t1"), versions("2.104")])
            .await;
    let oidc = Oidc {
        provider: "corp".into(),
        protocol: "openid".into(),
        grant: OidcGrant::Password { user: "ana".into(), password: Secret::new("hunter2") },
        token_endpoint: None,
        discovery: Some(fake.url("/idp").to_string()),
        client: Some("qd".into()),
        client_secret: Some(Secret::new("shh")),
        scope: "openid".into(),
    };
    let account = OpenstackAccount { auth: OpenstackAuth::Oidc(Box::new(oidc)), ..account_at(&fake) };
    open_at(account, Path::new("/x")).identity(&Cx::quiet()).await.unwrap();
    let calls = fake.calls();
    assert_eq!(String::from_utf8_lossy(&calls[1].body), "scope=openid&grant_type=password&username=ana&password=hunter2");
    assert!(calls[1].head().contains("authorization: basic "));
    assert_eq!(calls[2].line(), "POST /v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth");
    assert!(calls[2].head().contains("authorization: bearer acc"));
    let scoped: Value = serde_json::from_slice(&calls[3].body).unwrap();
    assert_eq!(scoped["auth"]["identity"]["token"]["id"], json!("federated"));
    assert_eq!(scoped["auth"]["scope"]["project"]["name"], json!("demo"));
}
