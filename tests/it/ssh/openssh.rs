//! Against the real OpenSSH: its server, its agent, its client.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use quarterdeck::model::Class;
use quarterdeck::ssh::pool::Pool;
use quarterdeck::ssh::{KnownHosts, Output, Pty, Shell, ShellOutput, Target, connect, probe, wait};

use super::server::{Home, Manners, Server, free_port, text_of};
use super::{check_put, cx};
use crate::support::{alive, lacks, until};

const SSHD: &str = "/usr/sbin/sshd";

/// Whether a program is there.
fn have(test: &str, program: &str) -> bool {
    !lacks(test, program, Path::new(program).exists())
}

/// A program that ends with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, args: &[&str]) {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

fn keygen(args: &[&str]) {
    run("/usr/bin/ssh-keygen", &[&["-q"], args].concat());
}

struct Sshd {
    at: SocketAddr,
    _daemon: Daemon,
}

impl Sshd {
    /// Starts one whose host keys and settings are in the home, and waits until it lets the home's key in.
    async fn start(home: &Home, settings: &str) -> Self {
        let sshd = Self::spawn(home, settings);
        wait(&sshd.target(home), &cx()).await.unwrap();
        sshd
    }

    fn spawn(home: &Home, settings: &str) -> Self {
        let at = free_port();
        let dir = home.dir.path().display();
        for kind in ["ed25519", "ecdsa"] {
            keygen(&["-t", kind, "-N", "", "-f", &format!("{dir}/host_{kind}")]);
        }
        std::fs::write(home.dir.path().join("authorized"), home.public.to_openssh().unwrap() + "\n").unwrap();
        let config = home.dir.path().join("sshd_config");
        let text = format!(
            "ListenAddress {at}\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n\
             HostKey {dir}/host_ed25519\nHostKey {dir}/host_ecdsa\nAuthorizedKeysFile {dir}/authorized\n\
             Subsystem sftp internal-sftp\n{settings}\n"
        );
        std::fs::write(&config, text).unwrap();
        if nix::unistd::geteuid().is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let child = Command::new(SSHD)
            .arg("-D")
            .arg("-E")
            .arg(home.dir.path().join("sshd.log"))
            .arg("-f")
            .arg(&config)
            .stdin(Stdio::null())
            .spawn();
        Self { at, _daemon: Daemon(child.unwrap()) }
    }

    fn target(&self, home: &Home) -> Target {
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
        Target { user, ..home.target(self.at) }
    }
}

/// What comes until `wanted` is in it.
async fn until_said(output: &mut ShellOutput, wanted: &str) -> String {
    let mut said = String::new();
    while !said.contains(wanted) {
        match output.next().await.unwrap() {
            Output::Stdout(bytes) | Output::Stderr(bytes) => said.push_str(&String::from_utf8_lossy(&bytes)),
            end @ Output::Exit { .. } => panic!("{end:?} before {wanted:?} in {said:?}"),
        }
    }
    said
}

#[tokio::test]
async fn openssh_runs_and_stops_commands() {
    if !have("openssh_runs_and_stops_commands", SSHD) {
        return;
    }
    let home = Home::new();
    let sshd = Sshd::start(&home, "").await;
    let connection = connect(&sshd.target(&home), &cx()).await.unwrap();
    let done = connection.exec("cat; echo err >&2; exit 3", Some(Bytes::from_static(b"in\n")), &cx()).await.unwrap();
    assert_eq!((done.status, &*done.stdout, &*done.stderr), (Some(3), &b"in\n"[..], &b"err\n"[..]));
    let killed = connection.exec("kill -KILL $$", None, &cx()).await.unwrap();
    assert_eq!((killed.status, killed.signal.as_deref()), (None, Some("KILL")));
    // To root's processes sshd passes no signal on; they notice when they write.
    let chatty = "echo $$; while sleep 0.01; do echo still here; done";
    let Shell { mut output, .. } = connection.shell(None, Some(chatty)).await.unwrap();
    let pid = until_said(&mut output, "\n").await.trim().parse().unwrap();
    assert!(alive(pid));
    drop(output);
    tokio::task::spawn_blocking(move || until("the command ends", || (!alive(pid)).then_some(()))).await.unwrap();
    assert!(connection.exec("true", None, &cx()).await.unwrap().ok());
}

#[tokio::test]
async fn openssh_gives_a_terminal() {
    if !have("openssh_gives_a_terminal", SSHD) {
        return;
    }
    let home = Home::new();
    let sshd = Sshd::start(&home, "").await;
    let connection = connect(&sshd.target(&home), &cx()).await.unwrap();
    let pty = Pty { term: "vt220".to_owned(), cols: 81, rows: 23 };
    let Shell { input, mut output } =
        connection.shell(Some(pty), Some("stty -echo size; echo \"$TERM\"; read a; stty size; exit 5")).await.unwrap();
    let said = until_said(&mut output, "vt220").await;
    assert!(said.contains("23 81"), "{said:?}");
    input.resize(132, 43).await.unwrap();
    input.write(Bytes::from_static(b"\n")).await.unwrap();
    until_said(&mut output, "43 132").await;
    let end = loop {
        match output.next().await.unwrap() {
            Output::Exit { status, .. } => break status,
            _ => continue,
        }
    };
    assert_eq!(end, Some(5));
}

#[tokio::test]
async fn openssh_takes_files_by_sftp_and_without() {
    if !have("openssh_takes_files_by_sftp_and_without", SSHD) {
        return;
    }
    for settings in ["", "Match all\nForceCommand /bin/sh -c \"$SSH_ORIGINAL_COMMAND\""] {
        let home = Home::new();
        let sshd = Sshd::start(&home, settings).await;
        let connection = connect(&sshd.target(&home), &cx()).await.unwrap();
        check_put(&connection, home.dir.path()).await;
    }
}

#[tokio::test]
async fn openssh_refuses_with_a_reason() {
    if !have("openssh_refuses_with_a_reason", SSHD) {
        return;
    }
    let (home, stranger) = (Home::new(), Home::new());
    let sshd = Sshd::start(&home, "AllowTcpForwarding no\nMaxAuthTries 2").await;
    let mut target = sshd.target(&home);
    target.auth.keys = vec![stranger.key()];
    let failure = probe(&target, &cx()).await.unwrap_err();
    assert_eq!((failure.class, failure.at.clone()), (Class::Credentials, sshd.at.to_string()), "{failure}");
    let strangers = [Home::new(), Home::new()];
    target.auth.keys.extend(strangers.iter().map(Home::key));
    let failure = probe(&target, &cx()).await.unwrap_err();
    assert_eq!(failure.class, Class::Credentials, "{failure}");
    assert!(failure.got.contains("Too many authentication failures"), "{failure}");
    let jump = Target { via: Some(Box::new(sshd.target(&home))), ..home.target(free_port()) };
    let failure = probe(&jump, &cx()).await.unwrap_err();
    assert_eq!(failure.class, Class::Refused, "{failure}");
    assert!(failure.next.contains("AllowTcpForwarding"), "{failure}");
}

#[tokio::test]
async fn openssh_is_a_jump() {
    if !have("openssh_is_a_jump", SSHD) {
        return;
    }
    let home = Home::new();
    let sshd = Sshd::start(&home, "").await;
    let behind = Server::start(&home, Manners::default()).await;
    let target = Target { via: Some(Box::new(sshd.target(&home))), ..home.target(behind.at) };
    let done = Pool::default().exec(&target, "echo there", None, &cx()).await.unwrap();
    assert_eq!(&*done.stdout, b"there\n");
}

#[tokio::test]
async fn openssh_and_we_agree_on_the_known_hosts_file() {
    if !have("openssh_and_we_agree_on_the_known_hosts_file", SSHD) {
        return;
    }
    let home = Home::new();
    let sshd = Sshd::start(&home, "").await;
    let file = home.known_hosts().display().to_string();
    let (port, user) = (sshd.at.port().to_string(), sshd.target(&home).user);
    let settings =
        ["StrictHostKeyChecking=yes", "IdentitiesOnly=yes", &format!("UserKnownHostsFile={file}")].map(|s| format!("-o{s}"));
    let key = home.key().display().to_string();
    let mut args: Vec<&str> = settings.iter().map(String::as_str).collect();
    args.extend(["-F", "none", "-i", &key, "-p", &port, "-l", &user, "127.0.0.1", "true"]);
    run("/usr/bin/ssh", &args);
    // What ssh-keygen makes of the file is still ours to read.
    keygen(&["-H", "-f", &file]);
    assert!(text_of(&home.known_hosts()).starts_with("|1|"));
    let strict = Target { known: KnownHosts::file(&file), ..sshd.target(&home) };
    probe(&strict, &cx()).await.unwrap();
    strict.known.forget(&strict.host, strict.port).await.unwrap();
    assert_eq!(text_of(&home.known_hosts()), "");
}

#[tokio::test]
async fn certificates_vouch_for_hosts_and_users() {
    if !have("certificates_vouch_for_hosts_and_users", SSHD) {
        return;
    }
    let home = Home::new();
    let path = |name: &str| home.dir.path().join(name).display().to_string();
    keygen(&["-t", "ed25519", "-N", "", "-f", &path("ca")]);
    let settings = format!("HostCertificate {}\nTrustedUserCAKeys {}", path("host_ed25519-cert.pub"), path("ca.pub"));
    let first = Sshd::start(&home, "").await;
    keygen(&["-s", &path("ca"), "-h", "-I", "host", "-n", "127.0.0.1", &path("host_ed25519.pub")]);
    let user = first.target(&home).user;
    drop(first);
    for file in ["host_ed25519", "host_ecdsa"] {
        std::fs::rename(path(file), path(&format!("{file}.kept"))).unwrap();
    }
    let host = path("host_ed25519.kept");
    // A second server with the same key and its certificate.
    let config = text_of(Path::new(&path("sshd_config")));
    let at = free_port();
    let lines: String =
        config.lines().skip(1).filter(|line| !line.starts_with("HostKey")).map(|line| format!("{line}\n")).collect();
    std::fs::write(path("sshd_config"), format!("ListenAddress {at}\nHostKey {host}\n{settings}\n{lines}")).unwrap();
    std::fs::write(path("authorized"), "").unwrap();
    let child = Command::new(SSHD).args(["-D", "-e", "-f", &path("sshd_config")]).stderr(Stdio::null()).spawn().unwrap();
    let _daemon = Daemon(child);
    keygen(&["-t", "ed25519", "-N", "", "-f", &path("visitor")]);
    keygen(&["-s", &path("ca"), "-I", "visitor", "-n", &user, &path("visitor.pub")]);
    let mut target = Target { user, ..home.target(at) };
    target.auth.keys = vec![PathBuf::from(path("visitor"))];
    let ca = text_of(Path::new(&path("ca.pub")));
    std::fs::write(home.known_hosts(), format!("@cert-authority [127.0.0.*]:* {ca}")).unwrap();
    target.known = KnownHosts::file(home.known_hosts());
    wait(&target, &cx()).await.unwrap();
    std::fs::write(home.known_hosts(), format!("@cert-authority [127.0.0.*]:* {ca}@revoked * {ca}")).unwrap();
    assert_eq!(probe(&target, &cx()).await.unwrap_err().class, Class::Refused);
}

#[tokio::test]
async fn an_rsa_key_logs_in() {
    if !have("an_rsa_key_logs_in", SSHD) {
        return;
    }
    let home = Home::new();
    let sshd = Sshd::start(&home, "").await;
    let rsa = home.dir.path().join("rsa");
    keygen(&["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", rsa.to_str().unwrap()]);
    std::fs::copy(rsa.with_extension("pub"), home.dir.path().join("authorized")).unwrap();
    let mut target = sshd.target(&home);
    target.auth.keys = vec![rsa];
    probe(&target, &cx()).await.unwrap();
}

#[tokio::test]
async fn more_commands_at_once_than_a_connection_takes() {
    if !have("more_commands_at_once_than_a_connection_takes", SSHD) {
        return;
    }
    let home = Home::new();
    let sshd = Sshd::start(&home, "MaxSessions 5").await;
    let (target, pool) = (sshd.target(&home), Pool::default());
    let all = (0..12).map(|i| {
        let (pool, target) = (pool.clone(), target.clone());
        tokio::spawn(async move { pool.exec(&target, &format!("sleep 0.2; echo {i}"), None, &cx()).await.unwrap() })
    });
    for (i, done) in futures::future::join_all(all).await.into_iter().enumerate() {
        assert_eq!(done.unwrap().stdout, format!("{i}\n"));
    }
}

#[tokio::test]
async fn an_agent_logs_in_where_a_key_file_is_encrypted() {
    let name = "an_agent_logs_in_where_a_key_file_is_encrypted";
    if !have(name, "/usr/bin/ssh-agent") || !have(name, "/usr/bin/ssh-add") {
        return;
    }
    let home = Home::new();
    let path = |name: &str| home.dir.path().join(name).display().to_string();
    let socket = path("agent");
    let child = Command::new("/usr/bin/ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
    let _agent = Daemon(child);
    until("the agent listens", || std::os::unix::net::UnixStream::connect(&socket).ok());
    let add = |key: &str| {
        let out = Command::new("/usr/bin/ssh-add").args(["-q", key]).env("SSH_AUTH_SOCK", &socket).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    // More keys than a server lets us try come before the right one.
    for i in 0..8 {
        keygen(&["-t", "ed25519", "-N", "", "-f", &path(&format!("other-{i}"))]);
        add(&path(&format!("other-{i}")));
    }
    let server = Server::start(&home, Manners::default()).await;
    let mut target = home.target(server.at);
    target.auth.keys.clear();
    target.auth.agent = Some(socket.clone().into());
    let failure = probe(&target, &cx()).await.unwrap_err();
    assert!(failure.class == Class::Credentials && failure.got.contains("more keys than"), "{failure}");
    add(&path("key"));
    keygen(&["-p", "-N", "secret", "-f", &path("key")]);
    target.auth.keys = vec![home.key()];
    probe(&target, &cx()).await.unwrap();
    target.auth.agent = Some(path("no-agent").into());
    let failure = probe(&target, &cx()).await.unwrap_err();
    assert!(failure.got.contains("does not answer") && failure.next.contains("ssh-add"), "{failure}");
}
