//! The transport against a server that misbehaves.

mod call;
pub mod server;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use server::{Act, Server, answer};

use super::*;
use crate::model::Class;

fn quick() -> Settings {
    let ms = Duration::from_millis;
    Settings {
        times: Times { connect: ms(2000), head: ms(300), idle: ms(300), keep: ms(30_000) },
        retries: Retries { more: 2, first: ms(1), longest: ms(50) },
        ..Settings::default()
    }
}

fn http() -> Http {
    Http::open(quick()).unwrap()
}

fn get(server: &Server, path: &str) -> Request {
    Request::new(Method::GET, server.url(path), "look at it")
}

fn post(server: &Server, path: &str) -> Request {
    Request::new(Method::POST, server.url(path), "make it").json(&serde_json::json!({ "a": 1 }))
}

#[tokio::test]
async fn calls_share_a_connection_and_are_counted() {
    let server = Server::new([Act::Say(answer(200, &[], r#"{"n": 7, "more": true}"#))]).await;
    let counter = Arc::new(Counter::default());
    let http = http().watched(counter.clone());
    #[derive(serde::Deserialize)]
    struct Told {
        n: u32,
    }
    let request = get(&server, "/a?limit=3");
    let told: Told = http.send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap().json(&request).unwrap();
    assert_eq!(told.n, 7);
    http.send(&Cx::quiet(), &post(&server, "/b")).await.unwrap();
    http.clone().send(&Cx::quiet(), &get(&server, "/c")).await.unwrap();
    let calls = server.calls();
    assert_eq!(calls.iter().map(|c| c.line()).collect::<Vec<_>>(), ["GET /a?limit=3", "POST /b", "GET /c"]);
    assert!(calls[0].head().contains("accept-encoding: gzip") && calls[0].head().contains("user-agent: quarterdeck/"));
    assert_eq!((calls[1].body.as_slice(), server.connections()), (br#"{"a":1}"#.as_slice(), 1));
    assert_eq!((counter.total(), counter.by_method()["GET"]), (3, 2));
}

#[tokio::test]
async fn what_changes_nothing_is_repeated_and_what_may_have_begun_is_not() {
    let flaky = || {
        [
            Act::Cut,
            Act::SayAndCut(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"cut".to_vec()),
            Act::Say(answer(200, &[], "{\"whole\":1}")),
        ]
    };
    let server = Server::new(flaky()).await;
    let answer = http().send(&Cx::quiet(), &get(&server, "/")).await.unwrap();
    assert_eq!((answer.body.as_ref(), server.calls().len()), (b"{\"whole\":1}".as_slice(), 3));

    let server = Server::new(flaky()).await;
    let cut = http().send(&Cx::quiet(), &post(&server, "/servers?name=x")).await.unwrap_err();
    assert_eq!((cut.class, server.calls().len()), (Class::Transient, 1));
    assert_eq!(cut.at, server.url("/servers").to_string(), "no query in a text");
    let cut = http().send(&Cx::quiet(), &post(&server, "/servers")).await.unwrap_err();
    assert!(cut.got.contains("cut after 5 bytes"), "{cut}");
}

#[tokio::test]
async fn a_closed_port_was_sent_nothing() {
    let gone = Server::new([]).await.url("/x");
    let counter = Arc::new(Counter::default());
    let http = http().watched(counter.clone());
    let request = Request::new(Method::POST, gone, "make it");
    let refused = http.send(&Cx::quiet(), &request).await.unwrap_err();
    assert_eq!((refused.class, counter.total()), (Class::Transient, 3));
    assert!(refused.got.to_lowercase().contains("refused") && !refused.next.is_empty(), "{refused}");
}

#[tokio::test]
async fn who_asks_for_time_gets_it_up_to_a_limit() {
    let busy = |seconds: &str| Act::Say(answer(429, &[("retry-after", seconds)], r#"{"overLimit": {"message": "slow down"}}"#));
    let server = Server::new([busy("0"), busy("0")]).await;
    assert_eq!(http().send(&Cx::quiet(), &post(&server, "/")).await.unwrap().status, 200);
    assert_eq!(server.calls().len(), 3);

    let server = Server::new([busy("7")]).await;
    let request = post(&server, "/");
    let failure = http().send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap_err();
    assert_eq!((failure.class, failure.retry_after_ms, server.calls().len()), (Class::Throttled, Some(7000), 1));
    assert!(failure.got.contains("slow down"), "{failure}");

    // A date counts from the other side's own clock.
    let dates = [("date", "Fri, 20 Nov 2026 10:00:00 GMT"), ("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT")];
    let server = Server::new([Act::Say(answer(503, &dates, "<html><head><title>no</title><body><h1>busy</h1>"))]).await;
    let request = get(&server, "/");
    let failure = http().send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap_err();
    assert_eq!((failure.class, failure.retry_after_ms, failure.got.as_str()), (Class::Throttled, Some(90_000), "503: busy"));
}

#[tokio::test]
async fn errors_of_the_other_side_pass_only_for_what_can_be_repeated() {
    let bad = |status| Act::Say(answer(status, &[], ""));
    let server = Server::new([bad(500), bad(502)]).await;
    assert_eq!(http().send(&Cx::quiet(), &get(&server, "/")).await.unwrap().status, 200);
    for (status, class) in [
        (500, Class::Transient),
        (503, Class::Transient),
        (401, Class::Credentials),
        (403, Class::Refused),
        (404, Class::NotFound),
        (409, Class::Refused),
        (418, Class::Refused),
    ] {
        let server = Server::new([bad(status)]).await;
        let request = post(&server, "/");
        let failure = http().send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap_err();
        assert_eq!((failure.class, server.calls().len()), (class, 1), "{failure}");
        assert!(failure.got.starts_with(&status.to_string()), "{failure}");
    }
    let message = r#"{"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1"}}"#;
    let server = Server::new([Act::Say(answer(403, &[], message))]).await;
    let request = post(&server, "/");
    let failure = http().send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap_err();
    assert_eq!((failure.class, failure.got.as_str()), (Class::Quota, "403: Quota exceeded for instances: Requested 1"));
}

#[tokio::test]
async fn slow_heads_and_bodies_that_stop_end_the_wait() {
    let wait = Duration::from_secs(20);
    let stalled = || Act::SayAndStall(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nabc".to_vec());
    for (act, word) in [(Act::Slow(wait, answer(200, &[], "{}")), "no answer within"), (stalled(), "after 3 bytes")] {
        let server = Server::new([act]).await;
        let began = Instant::now();
        let late = http().send(&Cx::quiet(), &post(&server, "/")).await.unwrap_err();
        assert!(late.class == Class::Transient && late.got.contains(word), "{late}");
        assert!(began.elapsed() < wait);
    }
    // The caller's own deadline, and its cancel, go before.
    let server = Server::new([stalled()]).await;
    let cx = Cx::quiet().within(Duration::from_millis(20));
    let late = http().send(&cx, &get(&server, "/")).await.unwrap_err();
    assert_eq!((late.class, late.at.as_str()), (Class::Transient, server.url("/").as_str()));
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    let settings = Settings { longest: 1000, ..quick() };
    let http = Http::open(settings).unwrap();
    let told = answer(200, &[], &"x".repeat(1001));
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", format!("190\r\n{}\r\n", "y".repeat(400)).repeat(4));
    // Ten thousand zeros, compressed.
    let zeros: [u8; 46] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 1, 13, 0, 0, 0, 194, 160, 74, 239, 159, 206, 28, 110, 64, 1, 0, 0, 0, 0, 0, 0,
        0, 0, 192, 191, 1, 105, 88, 24, 10, 16, 39, 0, 0,
    ];
    for bytes in [told, chunked.into_bytes(), gzipped(&zeros)] {
        let server = Server::new([Act::Say(bytes)]).await;
        let failure = http.send(&Cx::quiet(), &get(&server, "/")).await.unwrap_err();
        assert_eq!((failure.class, server.calls().len()), (Class::Broken, 1), "{failure}");
        assert!(failure.got.contains("1000 bytes"), "{failure}");
    }
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn compressed_answers_are_read() {
    // `{"zipped":true}`
    let body: [u8; 35] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 170, 202, 44, 40, 72, 77, 81, 178, 42, 41, 42, 77, 173, 5, 0, 132, 40, 188, 8,
        15, 0, 0, 0,
    ];
    let server = Server::new([Act::Say(gzipped(&body))]).await;
    let answer = http().send(&Cx::quiet(), &get(&server, "/")).await.unwrap();
    assert_eq!(answer.body.as_ref(), br#"{"zipped":true}"#);
}

#[tokio::test]
async fn secrets_stay_out_of_texts_even_when_the_other_side_repeats_them() {
    let secret = SecretString::from("hunter2-token");
    let server =
        Server::new([Act::Say(answer(400, &[], r#"{"error": {"message": "bad token hunter2-token \u001b[31m"}}"#))]).await;
    let mut url = server.url("/v3?token=hunter2-token");
    url.set_username("ana").unwrap();
    url.set_password(Some("hunter3")).unwrap();
    let request = Request::new(Method::POST, url, "log in").secret_header("X-Auth-Token", &secret);
    let failure = http().send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap_err();
    assert_eq!((failure.got.as_str(), failure.at.as_str()), ("400: bad token *** ", server.url("/v3").as_str()));
    assert!(server.calls()[0].head().contains("x-auth-token: hunter2-token"));
    let debug = format!("{:?}", request.headers_for_tests());
    assert!(!debug.contains("hunter2"), "{debug}");
    assert!(!failure.to_string().contains("hunter"));
}

#[tokio::test]
async fn redirects_lead_nowhere_else() {
    let to = |place: &str| Act::Say(answer(301, &[("location", place)], ""));
    let server = Server::new([to("/v3/?x=1")]).await;
    assert_eq!(http().send(&Cx::quiet(), &get(&server, "/v3")).await.unwrap().status, 200);
    assert_eq!(server.calls()[1].line(), "GET /v3/?x=1");

    let server = Server::new([to("http://elsewhere.example:1/?token=x"), to("/b")]).await;
    for request in [get(&server, "/"), post(&server, "/")] {
        let failure = http().send(&Cx::quiet(), &request).await.unwrap().ok(&request).unwrap_err();
        assert!(failure.class == Class::Refused && !failure.got.contains("token"), "{failure}");
    }
    assert_eq!(server.calls().len(), 2);
    let server = Server::new((0..9).map(|_| to("/"))).await;
    assert!(http().send(&Cx::quiet(), &get(&server, "/")).await.unwrap_err().got.contains("redirect"));
}

#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<(u64, Option<u64>)>>);

impl crate::base::Progress for Heard {
    fn progress(&self, done: u64, total: Option<u64>, _what: &str) {
        self.0.lock().unwrap().push((done, total));
    }
}

#[tokio::test]
async fn a_file_goes_up_and_comes_down_with_progress() {
    let server = Server::new([Act::Say(answer(204, &[], "")), Act::Say(answer(200, &[], &"z".repeat(70_000)))]).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![7; 300_000]).unwrap();
    let heard = Arc::new(Heard::default());
    let body = Body::File { path: file.path().to_owned(), length: 300_000, progress: heard.clone() };
    let request = Request::new(Method::PUT, server.url("/file"), "send it").repeat(Repeat::Unbegun).body(body);
    assert_eq!(http().send(&Cx::quiet(), &request).await.unwrap().status, 204);
    let call = server.calls().remove(0);
    assert!(call.body == vec![7; 300_000] && call.head().contains("content-length: 300000"));
    assert_eq!(heard.0.lock().unwrap().last(), Some(&(300_000, Some(300_000))));

    let heard = Arc::new(Heard::default());
    let cx = Cx { progress: heard.clone(), ..Cx::quiet() };
    let mut into = Vec::new();
    let done = http().download(&cx, &get(&server, "/file"), &mut into).await.unwrap();
    assert_eq!((done.bytes, into.len()), (70_000, 70_000));
    assert_eq!(heard.0.lock().unwrap().last(), Some(&(70_000, Some(70_000))));
}

#[tokio::test]
async fn transfers_that_break_say_how_far_they_came() {
    let server = Server::new([
        Act::SayAndCut(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nabcd".to_vec()),
        Act::Say(answer(404, &[], r#"{"message": "no such image"}"#)),
    ])
    .await;
    let mut into = Vec::new();
    let cut = http().download(&Cx::quiet(), &get(&server, "/file"), &mut into).await.unwrap_err();
    assert!(cut.got.contains("after 4 bytes") && into == b"abcd", "{cut}");
    let request = get(&server, "/file");
    let done = http().download(&Cx::quiet(), &request, &mut into).await.unwrap();
    assert!(done.answer.ok(&request).unwrap_err().got.contains("no such image"));

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"short").unwrap();
    let body =
        |path: &std::path::Path| Body::File { path: path.to_owned(), length: 9, progress: Arc::new(crate::base::cx::Silent) };
    let request = Request::new(Method::PUT, server.url("/file"), "send it").repeat(Repeat::Unbegun);
    assert!(http().send(&Cx::quiet(), &request.clone().body(body(file.path()))).await.is_err());
    let gone = http().send(&Cx::quiet(), &request.body(body("/no/such".as_ref()))).await.unwrap_err();
    assert!(gone.class == Class::Refused && gone.got.contains("/no/such"), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_upload_that_goes_on_is_not_given_up() {
    let ms = Duration::from_millis;
    let beat = request::Beat::default();
    let mut lost = std::pin::pin!(beat.lost(ms(100)));
    for _ in 0..5 {
        assert!(tokio::time::timeout(ms(60), &mut lost).await.is_err());
        beat.beat();
    }
    assert!(tokio::time::timeout(ms(90), &mut lost).await.is_err());
    assert!(tokio::time::timeout(ms(20), &mut lost).await.is_ok());
}

#[test]
fn proxies_come_from_the_environment_and_never_for_this_computer() {
    let with = |pairs: &'static [(&str, &str)]| {
        proxy::from(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    };
    assert!(with(&[]).unwrap().is_empty());
    let all = with(&[("http_proxy", "http://ana:pw@proxy.example:3128"), ("HTTPS_PROXY", "proxy.example:3128")]).unwrap();
    assert_eq!(all.len(), 2);
    assert!(with(&[("HTTP_PROXY", "http://p:1"), ("NO_PROXY", "*")]).unwrap().is_empty());
    let wrong = with(&[("ALL_PROXY", "socks5://ana:pw@p:1")]).unwrap_err();
    assert!(wrong.at == "$ALL_PROXY" && !wrong.to_string().contains("pw"), "{wrong}");
}

#[test]
fn files_of_tls_are_checked_when_a_place_is_opened() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let open = |tls: Tls| Http::open(Settings { tls, ..quick() }).map(|_| ()).unwrap_err();
    let path = file.path().to_owned();
    assert_eq!(open(Tls { ca_file: Some(path.clone()), ..Tls::default() }).at, path.display().to_string());
    assert!(open(Tls { certificate: Some(path), ..Tls::default() }).next.contains("PEM"));
    assert!(open(Tls { ca_file: Some("/no/such".into()), ..Tls::default() }).at.contains("/no/such"));
    assert!(!Http::open(Settings { tls: Tls { verify: false, ..Tls::default() }, ..quick() }).unwrap().verifies());
}

#[test]
fn messages_are_found_in_any_shape() {
    for (body, message) in [
        (r#"{"NeutronError": {"type": "X", "message": "No more IPs", "detail": ""}}"#, "No more IPs"),
        (r#"{"error": {"code": 401, "title": "Unauthorized", "message": "log in"}}"#, "log in"),
        (r#"{"errors": [{"detail": "bad name", "title": "x"}]}"#, "bad name"),
        (
            "<html>\n <head>\n  <title>404</title></head><body><h1>404 Not Found</h1>No image <br/>x\n</body>",
            "404 Not Found No image x",
        ),
        ("plain  words\n", "plain words"),
        ("", ""),
    ] {
        assert_eq!(message_of(body.as_bytes()), message);
    }
    assert_eq!(message_of("é".repeat(5000).as_bytes()).chars().count(), 601);
}
