//! The driver against services that say what a test wants: renewals, refusals, odd answers.

mod account;

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::base::http::tests::server::{Act, Server as Fake};
use crate::model::account::{Called, InDomain, Interface, OpenstackAuth, Scope, Secret};
use crate::model::{Class, Tags};

/// An account at a fake cloud.
fn account_at(fake: &Fake) -> OpenstackAccount {
    let named = |name: &str| InDomain { called: Called::Name(name.into()), domain: None };
    let auth = OpenstackAuth::Password { user: named("ana"), password: Secret::new("hunter2") };
    OpenstackAccount {
        region: Some("one".into()),
        retries: Some(0),
        ..OpenstackAccount::new(fake.url("/v3").to_string(), auth, Scope::Project(named("demo")), "clouds.yaml (lab)".into())
    }
}

fn open_at(account: OpenstackAccount, token_file: &Path) -> OpenStackCloud {
    let config = Config { name: CloudName::new("lab"), account, token_file: token_file.to_owned(), watch: None };
    OpenStackCloud::open(config).unwrap()
}

fn open(fake: &Fake) -> OpenStackCloud {
    open_at(account_at(fake), Path::new("/nowhere"))
}

fn told(status: u16, body: Value) -> Act {
    Act::Told(status, Vec::new(), body.to_string())
}

/// A log-in that works for an hour.
fn token(name: &str) -> Act {
    let endpoint = |path: &str| json!([{ "interface": "public", "region": "one", "url": format!("http://{{here}}{path}") }]);
    let body = json!({ "token": {
        "expires_at": "2026-11-20T11:00:00.000000Z",
        "user": { "id": "u1", "name": "ana" }, "project": { "id": "p1", "name": "demo" }, "roles": [{ "name": "member" }],
        "catalog": [
            { "type": "compute", "name": "nova", "endpoints": endpoint("/compute/v2.1/p1") },
            { "type": "image", "endpoints": endpoint("/image") },
            { "type": "network", "endpoints": endpoint("/network/") },
        ] } });
    let headers =
        vec![("x-subject-token".to_owned(), name.to_owned()), ("date".to_owned(), "Fri, 20 Nov 2026 10:00:00 GMT".to_owned())];
    Act::Told(201, headers, body.to_string())
}

fn versions(newest: &str) -> Act {
    told(200, json!({ "version": { "id": "v2.1", "version": newest, "min_version": "2.1" } }))
}

fn unauthorized() -> Act {
    told(401, json!({ "error": { "code": 401, "message": "The request you have made requires authentication." } }))
}

/// The requests, without the log-ins' bodies.
fn lines(fake: &Fake) -> Vec<String> {
    fake.calls().into_iter().map(|call| call.line()).collect()
}

fn wanted() -> NewServer {
    let id = uuid::Uuid::from_u128(7);
    NewServer {
        name: "web-1".into(),
        flavor: "small".into(),
        image: "debian".into(),
        networks: vec!["n1".into()],
        public_address: false,
        security_groups: Vec::new(),
        authorized_keys: Vec::new(),
        files: Vec::new(),
        extras: Default::default(),
        tags: Tags { home: HomeId(id), cluster: ClusterId(id), node: "web-1".into(), token: Token::from_random([5; 20]) },
    }
}

fn flavors() -> Act {
    told(200, json!({ "flavors": [{ "id": "f1", "name": "small", "vcpus": 1, "ram": 512, "disk": 1 }] }))
}

fn images() -> Act {
    told(200, json!({ "images": [{ "id": "i1", "name": "debian", "status": "active" }] }))
}

fn networks() -> Act {
    told(200, json!({ "networks": [{ "id": "n1", "name": "private", "project_id": "p1", "subnets": ["s1"] }] }))
}

#[tokio::test]
async fn a_list_is_read_to_its_end_with_one_log_in() {
    let page = |ids: &[&str], next: Option<&str>| {
        let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "name": format!("key-{id}") })).collect();
        let rows: Vec<Value> =
            rows.into_iter().map(|row| json!({ "keypair": { "name": row["name"], "fingerprint": null } })).collect();
        // Behind a proxy the link may name a host that nobody reaches.
        let links = next.map(
            |marker| json!([{ "rel": "next", "href": format!("http://inside.example/os-keypairs?limit=2&marker={marker}") }]),
        );
        told(200, json!({ "keypairs": rows, "keypairs_links": links }))
    };
    let fake = Fake::new([token("t1"), versions("2.104"), page(&["a", "b"], Some("b")), page(&["c"], None)]).await;
    let keys = open(&fake).key_pairs(&Cx::quiet()).await.unwrap();
    assert_eq!(keys.iter().map(|k| k.name.as_str()).collect::<Vec<_>>(), ["key-a", "key-b", "key-c"]);
    assert_eq!(
        lines(&fake),
        [
            "POST /v3/auth/tokens",
            "GET /compute/v2.1/",
            "GET /compute/v2.1/os-keypairs",
            "GET /compute/v2.1/os-keypairs?limit=2&marker=b"
        ]
    );
    let head = fake.calls()[3].head();
    assert!(head.contains("x-auth-token: t1") && head.contains("openstack-api-version: compute 2.96"), "{head}");
}

#[tokio::test]
async fn an_expired_token_in_the_middle_of_a_create_is_renewed_once() {
    let created = || told(202, json!({ "server": { "id": "s1" } }));
    let acts = [token("t1"), versions("2.104"), flavors(), images(), networks(), unauthorized(), token("t2"), created()];
    let fake = Fake::new(acts).await;
    let server = open(&fake).create_server(&Cx::quiet(), &wanted()).await.unwrap();
    assert_eq!((server.id.as_str(), server.status, server.flavor.as_str()), ("s1", ServerStatus::Build, "small"));
    let calls = fake.calls();
    let posts: Vec<_> = calls.iter().filter(|call| call.line() == "POST /compute/v2.1/servers").collect();
    assert_eq!((posts.len(), calls.len()), (2, 8));
    assert!(posts[0].head().contains("x-auth-token: t1") && posts[1].head().contains("x-auth-token: t2"));
    let body: Value = serde_json::from_slice(&posts[1].body).unwrap();
    assert_eq!(body["server"]["networks"], json!([{ "uuid": "n1" }]));
    assert_eq!(body["server"]["metadata"]["qd-token"], json!(wanted().tags.token.0));
    assert_eq!(body["server"]["tags"][0], json!(wanted().tags.token.0));

    // Refused again with a fresh token, it is the credentials.
    let fake = Fake::new([token("t1"), versions("2.104"), unauthorized(), token("t2"), unauthorized()]).await;
    let failure = open(&fake).key_pairs(&Cx::quiet()).await.unwrap_err();
    assert_eq!((failure.class, fake.calls().len()), (Class::Credentials, 5));
}

#[tokio::test]
async fn many_at_once_wait_for_one_log_in() {
    let empty = || told(200, json!({ "keypairs": [] }));
    let fake = Fake::new([token("t1"), versions("2.104")].into_iter().chain((0..8).map(|_| empty()))).await;
    let (cloud, cx) = (open(&fake), Cx::quiet());
    futures::future::try_join_all((0..8).map(|_| cloud.key_pairs(&cx))).await.unwrap();
    assert_eq!(lines(&fake).iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_a_refusal_is_not() {
    let created = told(202, json!({ "server": { "id": "s2" } }));
    let quota = told(
        403,
        json!({ "forbidden": { "code": 403, "message": "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances" } }),
    );
    let mine = convert::metadata(&wanted().tags);
    let there = told(200, json!({ "servers": [{ "id": "s1", "status": "BUILD", "metadata": mine }] }));
    let acts = [token("t1"), versions("2.104"), flavors(), images(), networks(), quota, Act::Cut, there, created];
    let fake = Fake::new(acts).await;
    let (cloud, cx) = (open(&fake), Cx::quiet());
    let refused = cloud.create_server(&cx, &wanted()).await.unwrap_err();
    assert!(refused.class == Class::Quota && refused.got.contains("servers: Requested 1"), "{refused}");
    let lost = cloud.create_server(&cx, &wanted()).await.unwrap_err();
    assert_eq!(lost.class, Class::Transient);
    assert_eq!(cloud.create_server(&cx, &wanted()).await.unwrap().id, "s1");
    let last = lines(&fake).split_off(5);
    assert_eq!(last[..2], ["POST /compute/v2.1/servers", "POST /compute/v2.1/servers"]);
    assert_eq!(last[2], format!("GET /compute/v2.1/servers/detail?tags={}", wanted().tags.token));
}

#[tokio::test]
async fn many_looks_are_one_and_what_is_missing_is_asked_for_by_itself() {
    let tags = |n: u8| Tags { token: Token::from_random([n; 20]), ..wanted().tags };
    let row = |n: u8, status: &str| json!({ "id": format!("s{n}"), "status": status, "metadata": convert::metadata(&tags(n)) });
    let fake = Fake::by_path([
        ("POST /v3/auth/tokens", vec![token("t1")]),
        ("GET /compute/v2.1/", vec![versions("2.104")]),
        ("GET /image/v2/images?limit=1000", vec![images()]),
        ("GET /network/v2.0/networks", vec![networks()]),
        (
            "GET /compute/v2.1/servers/detail",
            vec![told(200, json!({ "servers": (1..=3).map(|n| row(n, "BUILD")).collect::<Vec<_>>() }))],
        ),
        ("GET /compute/v2.1/servers/detail?tags-any", vec![told(200, json!({ "servers": [row(1, "ACTIVE"), row(2, "ERROR")] }))]),
        (
            "GET /compute/v2.1/servers/s3",
            vec![told(404, json!({ "itemNotFound": { "message": "Instance s3 could not be found." } }))],
        ),
    ])
    .await;
    let (cloud, cx) = (open(&fake), Cx::quiet());
    assert_eq!(cloud.servers(&cx).await.unwrap().len(), 3);
    let before = fake.calls().len();
    let (one, two, three) = tokio::join!(cloud.server(&cx, "s1"), cloud.server(&cx, "s2"), cloud.server(&cx, "s3"));
    assert_eq!((one.unwrap().status, two.unwrap().status), (ServerStatus::Active, ServerStatus::Error));
    assert_eq!(three.unwrap_err().class, Class::NotFound);
    assert_eq!(fake.calls().len() - before, 2, "{:?}", lines(&fake));
}

#[tokio::test]
async fn a_service_that_was_changed_is_asked_again_what_it_speaks() {
    let refused = told(406, json!({ "computeFault": { "message": "Version 2.96 is not supported by the API." } }));
    let fake = Fake::new([token("t1"), versions("2.104"), refused, versions("2.60"), told(200, json!({ "keypairs": [] }))]).await;
    open(&fake).key_pairs(&Cx::quiet()).await.unwrap();
    assert!(fake.calls()[4].head().contains("openstack-api-version: compute 2.60"));
}

#[tokio::test]
async fn an_old_cloud_without_microversions_is_listed_whole() {
    let mine = convert::metadata(&wanted().tags);
    let rows =
        json!({ "servers": [{ "id": "s1", "status": "ACTIVE", "flavor": { "id": "f1" }, "metadata": mine }, { "id": "s2" }] });
    let fake = Fake::by_path([
        ("POST /v3/auth/tokens", vec![token("t1")]),
        ("GET /compute/v2.1/", vec![told(200, json!({ "version": { "id": "v2.1", "version": "", "min_version": "" } }))]),
        ("GET /compute/v2.1/servers/detail", vec![told(200, rows)]),
        ("GET /compute/v2.1/flavors/detail", vec![flavors()]),
        ("GET /image/v2/images?limit=1000", vec![images()]),
        ("GET /network/v2.0/networks", vec![networks()]),
    ])
    .await;
    let found = open(&fake).servers_by_token(&Cx::quiet(), &wanted().tags.token).await.unwrap();
    assert_eq!((found.len(), found[0].flavor.as_str()), (1, "small"));
    assert!(fake.calls().iter().all(|call| !call.head().contains("openstack-api-version")));
}
