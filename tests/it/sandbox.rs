//! Sandbox servers as OpenSSH, Ansible and the kernel see them.

use std::process::Output;

use quarterdeck::model::Server;

use crate::cloud_contract::sandbox::SandboxFixture;

mod ansible;
mod crashes;
mod inside;
mod sessions;
mod transfers;
mod users;

/// Standard output as text; the command must have succeeded.
#[track_caller]
fn good(out: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{}\nstdout: {stdout}\nstderr: {stderr}", out.status);
    stdout.into_owned()
}

/// Runs a command as root of the server and gives back what it printed.
async fn root(fixture: &SandboxFixture, server: &Server, command: &str) -> String {
    good(&fixture.ssh(server, "root", &[]).arg(command).output().await.unwrap())
}
