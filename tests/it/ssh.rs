//! SSH against a server inside the test, and against the real OpenSSH.

mod jumps;
mod measure;
mod openssh;
mod server;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use quarterdeck::base::Cx;
use quarterdeck::model::Class;
use quarterdeck::ssh::pool::Pool;
use quarterdeck::ssh::{Answer, KnownHosts, Output, Pty, Shell, Target, connect, fan_out, keys, probe};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey, key::safe_rng};
use secrecy::ExposeSecret;
use server::{Home, Manners, Server, free_port, host_key, text_of};

fn cx() -> Cx {
    Cx::quiet().within(Duration::from_secs(30))
}

#[tokio::test]
async fn a_command_has_its_output_its_errors_and_its_status() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = connect(&home.target(server.at), &cx()).await.unwrap();
    let done = connection.exec("echo out; echo err >&2; exit 3", None, &cx()).await.unwrap();
    assert_eq!((done.status, done.signal.as_deref(), done.dropped), (Some(3), None, 0));
    assert_eq!((&*done.stdout, &*done.stderr), (&b"out\n"[..], &b"err\n"[..]));
    assert!(!done.ok());
    let killed = connection.exec("kill -TERM $$", None, &cx()).await.unwrap();
    assert_eq!((killed.status, killed.signal.as_deref()), (None, Some("TERM")));
    let nothing = connection.exec("cat", None, &cx()).await.unwrap();
    assert!(nothing.ok() && nothing.stdout.is_empty(), "without input a command sees its end at once");
}

#[tokio::test]
async fn input_and_output_flow_at_the_same_time() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = connect(&home.target(server.at), &cx()).await.unwrap();
    // More than all buffers on the way together.
    let big = Bytes::from(vec![b'x'; 8 << 20]);
    let back = connection.exec("cat", Some(big.clone()), &cx()).await.unwrap();
    assert!(back.stdout == big);
    let unread = connection.exec("exit 0", Some(big), &cx()).await.unwrap();
    assert!(unread.ok(), "a command need not read its input");
}

#[tokio::test]
async fn output_beyond_what_is_kept_is_counted() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = connect(&home.target(server.at), &cx()).await.unwrap();
    let done = connection.exec("head -c 17000000 /dev/zero", None, &cx()).await.unwrap();
    assert_eq!((done.stdout.len(), done.dropped), (16 << 20, 17_000_000 - (16 << 20)));
}

#[tokio::test]
async fn cancel_stops_the_command_and_leaves_the_connection() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = Arc::new(connect(&home.target(server.at), &cx()).await.unwrap());
    let stopped = cx();
    let task = tokio::spawn({
        let (connection, stopped) = (connection.clone(), stopped.clone());
        async move { connection.exec("exec sleep 1000", None, &stopped).await }
    });
    server.running(1).await;
    stopped.cancel.cancel();
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure.class, failure.at), (Class::Cancelled, server.at.to_string()));
    server.running(0).await;
    let late = connection.exec("exec sleep 1000", None, &Cx::quiet().within(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(late.class, Class::Transient);
    server.running(0).await;
    assert!(connection.exec("true", None, &cx()).await.unwrap().ok());
}

#[tokio::test]
async fn a_shell_has_a_terminal_that_can_change_and_an_end() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = connect(&home.target(server.at), &cx()).await.unwrap();
    let pty = Pty { term: "xterm-256color".to_owned(), cols: 80, rows: 24 };
    let Shell { input, mut output } = connection.shell(Some(pty), None).await.unwrap();
    let line = |text: &'static str| Output::Stdout(Bytes::from_static(text.as_bytes()));
    assert_eq!(output.next().await.unwrap(), line("hello on xterm-256color 80x24\r\n"));
    input.write(Bytes::from_static(b"ahoy")).await.unwrap();
    assert_eq!(output.next().await.unwrap(), line("you said ahoy"));
    input.resize(120, 40).await.unwrap();
    assert_eq!(output.next().await.unwrap(), line("now 120x40\r\n"));
    input.write(Bytes::from_static(b"exit 7\n")).await.unwrap();
    let end = Output::Exit { status: Some(7), signal: None };
    assert_eq!(output.next().await.unwrap(), end);
    assert_eq!(output.next().await.unwrap(), end, "the end comes again");
    assert_eq!(input.write(Bytes::from_static(b"more")).await.unwrap_err().class, Class::Refused);
}

#[tokio::test]
async fn a_command_can_be_talked_with_while_it_runs() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = connect(&home.target(server.at), &cx()).await.unwrap();
    let Shell { input, mut output } = connection.shell(None, Some("read a; echo \"got $a\"; cat >&2")).await.unwrap();
    input.write(Bytes::from_static(b"one\n")).await.unwrap();
    assert_eq!(output.next().await.unwrap(), Output::Stdout(Bytes::from_static(b"got one\n")));
    input.write(Bytes::from_static(b"two\n")).await.unwrap();
    assert_eq!(output.next().await.unwrap(), Output::Stderr(Bytes::from_static(b"two\n")));
    input.eof().await.unwrap();
    assert_eq!(output.next().await.unwrap(), Output::Exit { status: Some(0), signal: None });
    let Shell { output, .. } = connection.shell(None, Some("exec sleep 1000")).await.unwrap();
    server.running(1).await;
    drop(output);
    server.running(0).await;
}

#[tokio::test]
async fn a_refused_login_names_user_key_and_place() {
    let (home, stranger) = (Home::new(), Home::new());
    let server = Server::start(&home, Manners::default()).await;
    let failure = probe(&stranger.target(server.at), &cx()).await.unwrap_err();
    assert_eq!((failure.class, failure.at.clone()), (Class::Credentials, server.at.to_string()));
    assert!(failure.got.contains("root") && failure.got.contains(&stranger.key().display().to_string()), "{failure}");
    assert!(failure.next.contains("authorized_keys"), "{failure}");
    let mut nobody = home.target(server.at);
    nobody.auth.keys.clear();
    assert_eq!(probe(&nobody, &cx()).await.unwrap_err().class, Class::Refused);
    assert_eq!(server.connections(), 1, "without a key nobody knocks");
}

#[tokio::test]
async fn a_key_in_memory_is_as_good_as_one_in_a_file() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let mut target = home.target(server.at);
    target.auth.key_data = Some(text_of(&home.key()).into());
    target.auth.keys = vec![home.dir.path().join("not-there")];
    let found = probe(&target, &cx()).await.unwrap();
    assert!(found.host_key.starts_with("ssh-ed25519 AAAA"));
    assert!(text_of(&home.known_hosts()).contains(&found.host_key));
}

#[tokio::test]
async fn a_server_that_is_mute_absent_or_no_ssh_server_is_told_apart() {
    let home = Home::new();
    let mute = Server::start(&home, Manners { mute: true, ..Manners::default() }).await;
    let failure = probe(&home.target(mute.at), &Cx::quiet().within(Duration::from_millis(100))).await.unwrap_err();
    assert_eq!((failure.class, failure.at), (Class::Transient, mute.at.to_string()));
    let nobody = free_port();
    let failure = probe(&home.target(nobody), &cx()).await.unwrap_err();
    assert_eq!((failure.class, failure.at.clone()), (Class::Transient, nobody.to_string()));
    assert!(failure.got.contains("refused") && !failure.next.is_empty(), "{failure}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let failure = probe(&home.target(web), &cx()).await.unwrap_err();
    assert_eq!(failure.at, web.to_string());
    assert!(!failure.got.is_empty() && !failure.next.is_empty(), "{failure}");
}

#[tokio::test]
async fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let home = Home::new();
    let (old, new) = (host_key(), host_key());
    let server = Server::start(&home, Manners { host_keys: vec![old.clone()], ..Manners::default() }).await;
    let target = home.target(server.at);
    probe(&target, &cx()).await.unwrap();
    server.stop().await;
    let other_kind = PrivateKey::random(&mut safe_rng(), Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }).unwrap();
    for changed in [new, other_kind] {
        let manners = Manners { host_keys: vec![changed.clone()], ..Manners::default() };
        let server = Server::start_at(&home, manners, target.address().parse().unwrap()).await;
        let failure = probe(&target, &cx()).await.unwrap_err();
        assert_eq!((failure.class, failure.at.clone()), (Class::Refused, server.at.to_string()));
        for key in [&old, &changed] {
            assert!(failure.got.contains(&key.fingerprint(HashAlg::Sha256).to_string()), "{failure}");
        }
        assert!(failure.next.contains(&format!("ssh-keygen -f {} -R", home.known_hosts().display())), "{failure}");
        server.stop().await;
    }
    target.known.forget(&target.host, target.port).await.unwrap();
    let _server = Server::start_at(&home, Manners::default(), target.address().parse().unwrap()).await;
    probe(&target, &cx()).await.unwrap();
}

#[tokio::test]
async fn of_several_host_keys_the_pinned_one_is_asked_for() {
    let home = Home::new();
    let pinned = PrivateKey::random(&mut safe_rng(), Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 }).unwrap();
    let server = Server::start(&home, Manners { host_keys: vec![host_key(), pinned.clone()], ..Manners::default() }).await;
    let mut target = home.target(server.at);
    let line = pinned.public_key().to_openssh().unwrap();
    std::fs::write(home.known_hosts(), format!("[127.0.0.1]:{} {line}\n", target.port)).unwrap();
    target.known = KnownHosts::file(home.known_hosts());
    assert_eq!(probe(&target, &cx()).await.unwrap().host_key, line);
}

#[tokio::test]
async fn a_strict_file_lets_no_unknown_host_in() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let mut target = home.target(server.at);
    target.known = KnownHosts::file(home.known_hosts());
    assert_eq!(probe(&target, &cx()).await.unwrap_err().class, Class::Refused);
    assert!(!home.known_hosts().exists());
}

#[tokio::test]
async fn a_cut_line_is_told_and_the_pool_connects_again() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let target = home.target(server.at);
    let pool = Pool::default();
    for _ in 0..3 {
        assert!(pool.exec(&target, "true", None, &cx()).await.unwrap().ok());
    }
    assert_eq!((server.connections(), pool.kept()), (1, 1));
    let failure = pool.exec(&target, "cut", None, &cx()).await.unwrap_err();
    assert_eq!((failure.class, failure.at), (Class::Transient, server.at.to_string()), "a command is never sent twice");
    assert!(pool.exec(&target, "true", None, &cx()).await.unwrap().ok());
    assert_eq!(server.connections(), 2);
    server.cut();
    assert!(pool.exec(&target, "true", None, &cx()).await.unwrap().ok());
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn the_pool_opens_another_connection_when_one_is_full() {
    let home = Home::new();
    let server = Server::start(&home, Manners { most_sessions: 8, ..Manners::default() }).await;
    let (target, pool) = (home.target(server.at), Pool::default());
    let all = (0..20).map(|i| {
        let (pool, target) = (pool.clone(), target.clone());
        tokio::spawn(async move { pool.exec(&target, &format!("echo {i}"), None, &cx()).await.unwrap().stdout })
    });
    let said = futures::future::join_all(all).await;
    for (i, said) in said.into_iter().enumerate() {
        assert_eq!(said.unwrap(), format!("{i}\n"));
    }
    assert!((1..=3).contains(&server.connections()), "{}", server.connections());
    assert_eq!(text_of(&home.known_hosts()).lines().count(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let (target, pool) = (home.target(server.at), Pool::keeping(Duration::from_millis(20)));
    pool.exec(&target, "true", None, &cx()).await.unwrap();
    let gone = async {
        while pool.kept() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the pool lets go");
    pool.exec(&target, "true", None, &cx()).await.unwrap();
    assert_eq!(server.connections(), 2);
}

/// Addresses of 127/8 that all lead to the one server.
fn many(home: &Home, server: &Server, count: usize) -> Vec<(String, Target)> {
    let target = |i: usize| {
        let host = format!("127.1.{}.{}", i / 250, i % 250 + 1);
        (format!("node-{i}"), Target { host, ..home.target(server.at) })
    };
    (0..count).map(target).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_asks_every_node_and_one_that_fails_stops_no_other() {
    let home = Home::new();
    let server = Server::start_at(&home, Manners::default(), "0.0.0.0:0".parse().unwrap()).await;
    let mut targets = many(&home, &server, 40);
    let nobody = free_port();
    targets.insert(20, ("absent".to_owned(), home.target(nobody)));
    let answers: Vec<Answer> = fan_out(&Pool::default(), targets, "echo hi".to_owned(), 0, cx()).collect().await;
    assert_eq!(answers.len(), 41);
    for Answer { node, result, .. } in answers {
        match result {
            Ok(done) => assert!(done.ok() && &*done.stdout == b"hi\n" && node != "absent"),
            Err(failure) => assert!(node == "absent" && failure.at == nobody.to_string(), "{node}: {failure}"),
        }
    }
    assert_eq!(text_of(&home.known_hosts()).lines().count(), 40);
}

#[tokio::test]
async fn a_fan_out_that_nobody_listens_to_stops() {
    let home = Home::new();
    let server = Server::start_at(&home, Manners::default(), "0.0.0.0:0".parse().unwrap()).await;
    let mut stream = Box::pin(fan_out(&Pool::default(), many(&home, &server, 3), "exec sleep 1000".to_owned(), 3, cx()));
    tokio::select! {
        _ = stream.next() => panic!("nothing ends here"),
        () = server.running(3) => {}
    }
    drop(stream);
    server.running(0).await;
}

#[tokio::test]
async fn without_sftp_a_file_is_written_by_a_command() {
    let home = Home::new();
    let server = Server::start(&home, Manners::default()).await;
    let connection = connect(&home.target(server.at), &cx()).await.unwrap();
    check_put(&connection, home.dir.path()).await;
}

/// The same promises over SFTP and over a command.
async fn check_put(connection: &quarterdeck::ssh::Connection, dir: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("it's a file");
    let shown = path.to_str().unwrap();
    let big: Vec<u8> = (0..300_000u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    for (content, mode) in [(&b"first"[..], 0o600), (&big, 0o755), (b"", 0o644)] {
        connection.put(shown, content, mode, &cx()).await.unwrap();
        assert!(std::fs::read(&path).unwrap() == content);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
    }
    let nowhere = dir.join("none/file");
    let failure = connection.put(nowhere.to_str().unwrap(), b"x", 0o644, &cx()).await.unwrap_err();
    assert_eq!(failure.class, Class::NotFound, "{failure}");
    assert!(failure.at.ends_with("none/file"), "{failure}");
    let on_a_directory = connection.put(dir.to_str().unwrap(), b"x", 0o644, &cx()).await.unwrap_err();
    assert_eq!(on_a_directory.class, Class::Refused, "{on_a_directory}");
    let left: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("quarterdeck-new")), "{left:?}");
}

#[tokio::test]
async fn nothing_of_a_key_is_shown() {
    let home = Home::new();
    let mut target = home.target(free_port());
    let key = keys::generate("secret").unwrap();
    target.auth.key_data = Some(key.private.clone());
    let body = key.private.expose_secret().lines().nth(1).unwrap().to_owned();
    let failure = probe(&target, &cx()).await.unwrap_err();
    assert!(!format!("{target:?} {failure} {key:?}").contains(&body));
}
