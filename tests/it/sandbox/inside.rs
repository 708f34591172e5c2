//! What programs on a server see, and what they do not.

use std::fs;

use quarterdeck::base::Cx;
use quarterdeck::model::{PowerAction, ServerStatus, Verdict};

use super::root;
use crate::cloud_contract::sandbox::SandboxFixture;
use crate::cloud_contract::{Fixture, active, until};
use crate::support::lacks;

#[tokio::test]
async fn a_server_looks_like_a_machine_of_its_own() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "own_name-1").await;
    let run = |command: &'static str| root(&fixture, &server, command);
    assert_eq!(run("hostname; cat /etc/hostname").await, "own-name-1\nown-name-1\n");
    assert!(run("cat /etc/hosts").await.contains(&format!("{} own-name-1", server.address().unwrap())));
    assert_eq!(run("test -f /etc/hosts && ! test -L /etc/hosts && echo 127.9.9.9 other > /etc/hosts.new && mv /etc/hosts.new /etc/hosts && cat /etc/hosts").await, "127.9.9.9 other\n");
    assert_eq!(run("cat /proc/1/comm").await, "sandbox-init\n");
    assert!(run("ls /proc | grep -c '^[0-9]'").await.trim().parse::<u32>().unwrap() < 12, "pids of others are seen");
    assert_eq!(run("id -u; id -g").await, "0\n0\n");
    assert_eq!(run("/usr/bin/python3 -c 'import ssl, json, shutil, subprocess; print(6 * 7)'").await, "42\n");
    assert_eq!(run("for d in /etc /var/tmp /opt /srv /home /root /usr/local/bin /tmp /run /mnt; do touch $d/mine && rm $d/mine || echo $d; done").await, "");
    assert_eq!(
        run("mkdir -p /data/deep && echo 1 > /data/deep/file && rm -r /data && ! test -e /data && echo gone").await,
        "gone\n"
    );
    assert_eq!(run("ls /dev/null /dev/zero /dev/urandom /dev/tty /dev/ptmx /dev/pts/ptmx /dev/shm -d | wc -l").await, "7\n");
    assert_eq!(run("echo to the console > /dev/console; echo ok").await, "ok\n");
    assert!(run("awk 'BEGIN { print 1 + 1 }'; ls /usr/bin/env /bin/sh").await.starts_with("2\n"));
    assert!(run("stat -c %a /tmp /root").await.starts_with("1777\n700\n"));
}

#[tokio::test]
async fn the_host_is_out_of_reach() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "jail-1").await;
    let run = |command: &'static str| root(&fixture, &server, command);
    assert_eq!(run("touch /usr/bin/mine 2>/dev/null || echo no").await, "no\n");
    assert_eq!(run("echo 1 > /proc/sys/kernel/panic 2>/dev/null || echo no").await, "no\n");
    assert_eq!(run("ls /etc/ssh/ssh_host_* 2>/dev/null | wc -l").await, "0\n");
    assert_eq!(run("grep -c . /etc/shadow").await, format!("{}\n", run("grep -c . /etc/passwd").await.trim()));
    assert!(run("cat /etc/shadow").await.lines().all(|l| l.split(':').nth(1) == Some("*")));
    let first: u32 = run("awk 'NR==1 { print $2 }' /proc/self/uid_map").await.trim().parse().unwrap();
    assert_ne!(first, 0, "root of a server must not be root of the host");
    // A file of this test on the host, in places that a server might share.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("secret"), "x").unwrap();
    let seen = format!("test -e {} && echo seen || echo hidden", dir.path().join("secret").display());
    assert_eq!(root(&fixture, &server, &seen).await, "hidden\n");
    let pid = std::process::id();
    assert_eq!(root(&fixture, &server, &format!("kill -0 {pid} 2>/dev/null && echo reached || echo no")).await, "no\n");
}

#[tokio::test]
async fn the_flavor_limits_memory_where_the_kernel_allows_it() {
    use quarterdeck::clouds::Cloud;
    use quarterdeck::model::{Capability, capability::names};
    let Some(fixture) = SandboxFixture::new() else { return };
    let limited = fixture.sandbox().capabilities().0.get(names::MEMORY_LIMIT).cloned();
    if !matches!(limited, Some(Capability::Yes)) {
        // An ordinary user may lack them anywhere; root lacks them only where the machine does.
        if nix::unistd::geteuid().is_root() {
            lacks("sandbox::inside::the_flavor_limits_memory", "a memory control group", false);
        }
        return;
    }
    let server = active(&fixture, "memory-1").await;
    let eat = "python3 -c 'x = bytearray(400 << 20); print(len(x))'";
    let out = fixture.ssh(&server, "root", &[]).arg(eat).output().await.unwrap();
    assert!(!out.status.success(), "400 MiB fit into a flavor of 256 MiB");
    assert_eq!(root(&fixture, &server, "python3 -c 'x = bytearray(100 << 20); print(len(x) >> 20)'").await, "100\n");
}

#[tokio::test]
async fn the_doctor_finds_what_servers_need() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let findings = fixture.sandbox().doctor().await;
    for name in ["namespaces", "users on servers", "memory limits", "addresses", "python on servers"] {
        let finding = findings.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}: {findings:?}"));
        assert!(!finding.found.is_empty() && (finding.verdict == Verdict::Ok || !finding.next.is_empty()), "{finding:?}");
    }
    assert!(findings.iter().all(|f| f.verdict != Verdict::Missing), "{findings:?}");
    let identity = fixture.cloud().identity(&Cx::quiet()).await.unwrap();
    assert!(identity.notes.iter().any(|n| n.contains("no security boundary")), "{identity:?}");
    let left: Vec<_> = fs::read_dir(fixture.dir()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|n| n.to_string_lossy().starts_with("check-")), "{left:?}");
}

/// Where the disk lies on an overlay itself, as in many containers, the kernel takes it for no upper directory.
#[tokio::test]
async fn the_image_is_copied_where_overlays_are_refused() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let Some(mut fixture) = SandboxFixture::new() else { return };
    let _mounted = fixture.move_to_an_overlay();
    let server = active(&fixture, "copied-1").await;
    let notes = server.metadata.get("notes").cloned().unwrap_or_default();
    assert!(notes.contains("copied"), "{notes}");
    assert_eq!(
        root(&fixture, &server, "echo 1 > /etc/mine; touch /usr/local/bin/x; hostname; stat -c %U /etc").await,
        "copied-1\nroot\n"
    );
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    cloud.power(&cx, &server.id, PowerAction::Reboot).await.unwrap();
    until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
    assert_eq!(root(&fixture, &server, "cat /etc/mine").await, "1\n");
    cloud.delete_server(&cx, &server.id).await.unwrap();
}
