//! Commands, shells, terminals, keys and jumps, with the OpenSSH client.

use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use quarterdeck::base::Cx;
use quarterdeck::clouds::Cloud;
use quarterdeck::model::{PowerAction, Server, ServerStatus};
use tokio::io::AsyncWriteExt;

use super::{good, root};
use crate::cloud_contract::sandbox::SandboxFixture;
use crate::cloud_contract::{active, until};
use crate::support;

#[tokio::test]
async fn commands_have_their_own_output_errors_status_and_input() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "exec-1").await;
    let out = fixture.ssh(&server, "root", &[]).arg("echo out; echo err >&2; exit 7").output().await.unwrap();
    assert_eq!((out.status.code(), out.stdout.as_slice(), out.stderr.as_slice()), (Some(7), &b"out\n"[..], &b"err\n"[..]));
    let killed = fixture.ssh(&server, "root", &[]).arg("kill -9 $$").output().await.unwrap();
    assert_eq!(killed.status.code(), Some(255), "OpenSSH says 255 for a signal");
    let missing = fixture.ssh(&server, "root", &[]).arg("no-such-program").output().await.unwrap();
    assert_eq!(missing.status.code(), Some(127));
    let mut env = fixture.ssh(&server, "root", &["-o", "SetEnv=LANG=de_DE.UTF-8 QUARTERDECK_RUN=42 PATH=/nowhere"]);
    let env = good(&env.arg("env").output().await.unwrap());
    let env: Vec<&str> = env.lines().collect();
    for line in ["LANG=de_DE.UTF-8", "QUARTERDECK_RUN=42", "HOME=/root", "USER=root"] {
        assert!(env.contains(&line), "{line} is missing in {env:?}");
    }
    let own = format!(" {} {}", server.address().unwrap(), server.ssh_port);
    assert!(env.iter().any(|l| l.starts_with("SSH_CONNECTION=127.") && l.ends_with(&own)), "{env:?}");
}

/// Input and output of a program that does both at once: neither side may wait for the other for ever.
#[tokio::test]
async fn much_input_comes_back_whole() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "echo-1").await;
    let input: Vec<u8> = (0..24_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut command = fixture.ssh(&server, "root", &[]);
    let mut child = command.arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (sent, writer) = (input.clone(), async move {
        stdin.write_all(&input).await.unwrap();
        drop(stdin);
    });
    let both = async { tokio::join!(writer, child.wait_with_output()).1.unwrap() };
    let out = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it locks up");
    assert!(out.stdout == sent, "{} of {} bytes came back", out.stdout.len(), sent.len());
    // A program that never reads holds its client back, and the connection lives on after it.
    let mut command = fixture.ssh(&server, "root", &[]);
    let mut child = command.arg("sleep 1; exit 3").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let flood = async move { while stdin.write_all(&[0; 65536]).await.is_ok() {} };
    let status = tokio::select! { status = child.wait() => status.unwrap(), () = flood => child.wait().await.unwrap() };
    assert_eq!(status.code(), Some(3));
}

#[tokio::test]
async fn a_terminal_has_a_size_signals_and_an_end() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "tty-1").await;
    let out = good(
        &fixture
            .ssh(&server, "root", &["-tt"])
            .arg("tty; test -t 0 && test -t 1 && echo yes; echo $TERM")
            .output()
            .await
            .unwrap(),
    );
    assert!(out.starts_with("/dev/pts/") && out.contains("yes\r\n"), "{out:?}");

    let mut shell = Shell::open(&fixture, &server);
    shell.wait_for("no security boundary");
    shell.send("stty size; echo done-1\n");
    shell.wait_for("33 111");
    shell.resize(44, 122);
    shell.send("stty size\n");
    shell.wait_for("44 122");
    // What is typed while a program runs reaches it: control-C ends it, the shell goes on.
    shell.send("sleep 4321\n");
    until_there(&fixture, &server, "pgrep -f 'sleep 432[1]'").await;
    shell.send("\u{3}");
    shell.send("echo status $?\n");
    shell.wait_for("status 130");
    // A line that is cut hangs up what ran on its terminal.
    shell.send("sleep 8765\n");
    until_there(&fixture, &server, "pgrep -f 'sleep 876[5]'").await;
    drop(shell);
    until_there(&fixture, &server, "! pgrep -f 'sleep 876[5]'").await;
}

/// Repeats a command until it succeeds.
async fn until_there(fixture: &SandboxFixture, server: &Server, command: &str) {
    for _ in 0..200 {
        if fixture.ssh(server, "root", &[]).arg(command).output().await.unwrap().status.success() {
            return;
        }
    }
    panic!("never true: {command}");
}

/// An interactive `ssh` on a terminal of 33 lines and 111 columns.
struct Shell {
    master: Box<dyn portable_pty::MasterPty + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    heard: Arc<Mutex<String>>,
}

impl Shell {
    fn open(fixture: &SandboxFixture, server: &Server) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows: 33, cols: 111, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new("ssh");
        command.args(fixture.ssh_options());
        command.args(["-tt", "-p", &server.ssh_port.to_string(), &format!("root@{}", server.address().unwrap())]);
        let child = pair.slave.spawn_command(command).unwrap();
        let heard = Arc::new(Mutex::new(String::new()));
        let (mut reader, writer) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        let sink = heard.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        Self { master: pair.master, child, writer, heard }
    }

    fn send(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
    }

    fn resize(&self, rows: u16, cols: u16) {
        self.master.resize(PtySize { rows, cols, ..PtySize::default() }).unwrap();
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let heard = || self.heard.lock().unwrap().clone();
        support::until(&format!("{text:?} on the terminal"), || heard().contains(text).then_some(()));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn only_listed_keys_log_in_and_the_host_key_is_the_one_told() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "keys-1").await;
    let other = tempfile::tempdir().unwrap();
    let key = other.path().join("rsa");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let with_other = || {
        let mut command = tokio::process::Command::new("ssh");
        command.args([
            "-F",
            "/dev/null",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]);
        command.args(["-o", "StrictHostKeyChecking=no", "-i"]).arg(&key).args(["-p", &server.ssh_port.to_string()]);
        command.arg(format!("root@{}", server.address().unwrap())).arg("echo in").stdin(Stdio::null());
        command
    };
    let refused = with_other().output().await.unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied"), "{refused:?}");
    let unknown = fixture.ssh(&server, "nobody-here", &[]).arg("true").output().await.unwrap();
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("Permission denied"), "{unknown:?}");
    let public = std::fs::read_to_string(other.path().join("rsa.pub")).unwrap();
    root(&fixture, &server, &format!("echo 'no-agent-forwarding {}' >> ~/.ssh/authorized_keys", public.trim())).await;
    assert_eq!(good(&with_other().output().await.unwrap()), "in\n");

    let mut scan = tokio::process::Command::new("ssh-keyscan");
    scan.args(["-p", &server.ssh_port.to_string(), server.address().unwrap()]);
    let scanned = good(&scan.output().await.unwrap());
    let told = server.metadata.get("ssh_host_key").unwrap();
    assert!(scanned.lines().any(|l| l.ends_with(told)), "{scanned} does not hold {told}");
    let log = fixture.sandbox().console_log(&Cx::quiet(), &server.id, 100).await.unwrap();
    assert!(log.contains("accepted") && log.contains("\"root\""), "{log}");
}

#[tokio::test]
async fn one_connection_carries_many_sessions() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "mux-1").await;
    let dir = tempfile::tempdir().unwrap();
    let path = format!("ControlPath={}/mux", dir.path().display());
    let options = ["-o", "ControlMaster=auto", "-o", "ControlPersist=30", "-o", path.as_str()];
    good(&fixture.ssh(&server, "root", &options).arg("true").output().await.unwrap());
    let runs = (0..10).map(|n| {
        let mut command = fixture.ssh(&server, "root", &options);
        command.arg(format!("head -c 300000 /dev/zero | tr '\\0' {n}; sleep 0.2; exit {n}"));
        async move { (n, command.output().await.unwrap()) }
    });
    for (n, out) in futures::future::join_all(runs).await {
        assert_eq!(out.status.code(), Some(n), "{}", String::from_utf8_lossy(&out.stderr));
        let digit = n.to_string().as_bytes()[0];
        assert!(out.stdout.len() == 300_000 && out.stdout.iter().all(|b| *b == digit));
    }
    for _ in 0..5 {
        good(&fixture.ssh(&server, "root", &options).args(["-tt", "tty"]).output().await.unwrap());
    }
    let terminals = good(&fixture.ssh(&server, "root", &options).arg("ls /dev/pts").output().await.unwrap());
    assert_eq!(terminals, "0\nptmx\n", "terminals of sessions that ended are still there");
    let _ = fixture.ssh(&server, "root", &options).args(["-O", "exit"]).output().await;
}

#[tokio::test]
async fn a_server_is_a_jump_host_for_another() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let (master, slave) = (active(&fixture, "master-1").await, active(&fixture, "slave-1").await);
    root(&fixture, &master, &format!("echo '{} inner' >> /etc/hosts", slave.address().unwrap())).await;
    let proxy = format!(
        "ProxyCommand=ssh {} -p {} -W %h:{} root@{}",
        fixture.ssh_options().join(" "),
        master.ssh_port,
        slave.ssh_port,
        master.address().unwrap()
    );
    // The name is one that only the jump host knows.
    let mut command = tokio::process::Command::new("ssh");
    command.args(fixture.ssh_options()).args(["-o", &proxy, "root@inner", "hostname"]).stdin(Stdio::null());
    assert_eq!(good(&command.output().await.unwrap()), "slave-1\n");
    let closed = fixture.ssh(&master, "root", &["-W", "127.16.0.9:1"]).output().await.unwrap();
    assert!(!closed.status.success(), "a port that nobody listens on");
}

#[tokio::test]
async fn connections_are_cut_when_the_knobs_say_so() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "cut-1").await;
    let mut long = fixture.ssh(&server, "root", &[]).arg("echo there; sleep 100").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 6];
    tokio::io::AsyncReadExt::read_exact(long.stdout.as_mut().unwrap(), &mut line).await.unwrap();
    let mut knobs = fixture.sandbox().knobs();
    knobs.ssh_cuts += 1;
    fixture.sandbox().set_knobs(knobs.clone());
    let end = tokio::time::timeout(Duration::from_secs(30), long.wait()).await.expect("it was not cut").unwrap();
    assert_eq!(end.code(), Some(255));
    assert_eq!(root(&fixture, &server, "echo again").await, "again\n");

    knobs.ssh_cut_ms = 300;
    fixture.sandbox().set_knobs(knobs.clone());
    let cut = fixture.ssh(&server, "root", &[]).arg("sleep 100").output().await.unwrap();
    assert_eq!(cut.status.code(), Some(255));
    knobs.ssh_cut_ms = 0;
    fixture.sandbox().set_knobs(knobs);
    assert_eq!(root(&fixture, &server, "sleep 0.4; echo whole").await, "whole\n");
}

#[tokio::test]
async fn programs_are_asked_to_end_before_the_power_goes() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "stop-1").await;
    let start = "setsid sh -c 'trap \"echo ended > /root/ended; exit\" TERM; echo up > /root/up; while :; do sleep 0.05; done' >/dev/null 2>&1 &";
    root(&fixture, &server, start).await;
    until_there(&fixture, &server, "test -e /root/up").await;
    let (cloud, cx) = (fixture.sandbox(), Cx::quiet());
    cloud.power(&cx, &server.id, PowerAction::Stop).await.unwrap();
    cloud.power(&cx, &server.id, PowerAction::Start).await.unwrap();
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    assert_eq!(root(&fixture, &server, "cat /root/ended").await, "ended\n");
}
