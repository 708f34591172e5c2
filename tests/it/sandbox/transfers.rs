//! Files, with `scp` in both its modes, `sftp`, and a pipe.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use quarterdeck::model::Server;
use tokio::io::AsyncWriteExt;

use super::{good, root};
use crate::cloud_contract::active;
use crate::cloud_contract::sandbox::SandboxFixture;

fn noise(path: &Path, bytes: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..bytes as u32).map(|n| (n.wrapping_mul(2_246_822_519) >> 23) as u8).collect();
    fs::write(path, &data).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    data
}

async fn scp(fixture: &SandboxFixture, server: &Server, more: &[&str], from: &str, to: &str) {
    let mut command = tokio::process::Command::new("scp");
    command.args(fixture.ssh_options()).args(["-q", "-P", &server.ssh_port.to_string()]).args(more).args([from, to]);
    good(&command.stdin(Stdio::null()).output().await.unwrap());
}

#[tokio::test]
async fn files_go_there_and_back_by_scp_old_and_new() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "scp-1").await;
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let data = noise(&source, 20 << 20);
    for (mode, name) in [("-s", "new"), ("-O", "old")] {
        let remote = format!("root@{}:/root/{name}", server.address().unwrap());
        scp(&fixture, &server, &[mode, "-p"], source.to_str().unwrap(), &remote).await;
        assert_eq!(
            root(&fixture, &server, &format!("stat -c '%a %s %U' /root/{name}")).await,
            format!("640 {} root\n", data.len())
        );
        let back = dir.path().join(name);
        scp(&fixture, &server, &[mode], &remote, back.to_str().unwrap()).await;
        assert!(fs::read(&back).unwrap() == data, "{name} differs");
    }
    // A whole directory, to the home by its relative name.
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    fs::write(tree.join("a/b/deep"), "deep\n").unwrap();
    let remote = format!("root@{}:copied", server.address().unwrap());
    scp(&fixture, &server, &["-r"], tree.to_str().unwrap(), &remote).await;
    assert_eq!(root(&fixture, &server, "cat copied/a/b/deep").await, "deep\n");
}

#[tokio::test]
async fn sftp_knows_its_commands() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "sftp-1").await;
    let dir = tempfile::tempdir().unwrap();
    let data = noise(&dir.path().join("local"), 3 << 20);
    let batch = format!(
        "pwd\nmkdir d\nput {0}/local d/x\nchmod 600 d/x\nrename d/x d/y\nsymlink y d/link\nln d/y d/hard\nls -la d\n\
         get d/link {0}/back\nput {0}/local d/z\nrename d/z d/y\nrm d/hard\n-rm d/none\nmkdir e\nrmdir e\ncd /etc\nget hostname {0}/name\nbye\n",
        dir.path().display()
    );
    let mut command = tokio::process::Command::new("sftp");
    command.args(fixture.ssh_options()).args(["-b", "-", "-P", &server.ssh_port.to_string()]);
    command.arg(format!("root@{}", server.address().unwrap()));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(batch.as_bytes()).await.unwrap();
    let said = good(&child.wait_with_output().await.unwrap());
    assert!(said.contains("Remote working directory: /root"), "{said}");
    assert!(said.lines().any(|l| l.starts_with("-rw-------") && l.ends_with(" y")), "{said}");
    assert!(said.lines().any(|l| l.starts_with("lrwx")), "{said}");
    assert!(fs::read(dir.path().join("back")).unwrap() == data);
    assert_eq!(fs::read_to_string(dir.path().join("name")).unwrap(), "sftp-1\n");
    assert_eq!(root(&fixture, &server, "ls d; readlink d/link").await, "link\ny\ny\n");
}

#[tokio::test]
async fn a_pipe_carries_a_file_as_ansible_pipes_it() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "pipe-1").await;
    let dir = tempfile::tempdir().unwrap();
    let data = noise(&dir.path().join("local"), 9 << 20);
    let mut command = fixture.ssh(&server, "root", &[]);
    let mut child = command.arg("dd of=/root/piped bs=65536").stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&data).await.unwrap();
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
    let out = fixture.ssh(&server, "root", &[]).arg("dd if=/root/piped bs=65536").output().await.unwrap();
    assert!(out.status.success() && out.stdout == data);
}
