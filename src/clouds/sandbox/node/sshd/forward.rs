//! Forwarded connections: a server can be the jump host of others.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::flow;

const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// Connects to a host as this server knows it.
///
/// # Errors
/// The name is unknown, or nobody answers.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let work = async {
        let stream = TcpStream::connect((resolve(host).await?, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    timeout(CONNECT_LIMIT, work).await.map_err(io::Error::other)?
}

/// Addresses and the server's own `/etc/hosts` need no help. Other names are asked of a program of the server,
/// since the C library that this process was built with may not fit its system.
async fn resolve(host: &str) -> io::Result<IpAddr> {
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    let hosts = tokio::fs::read_to_string("/etc/hosts").await.unwrap_or_default();
    if let Some(ip) = in_hosts(&hosts, host) {
        return Ok(ip);
    }
    let out = Command::new("getent").args(["ahostsv4", host]).output().await?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let first = text.split_whitespace().next().and_then(|ip| ip.parse().ok());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no host called {host}")))
}

fn in_hosts(text: &str, host: &str) -> Option<IpAddr> {
    text.lines().map(|l| l.split('#').next().unwrap_or_default()).find_map(|line| {
        let mut words = line.split_whitespace();
        let ip = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(ip)
    })
}

/// Moves bytes both ways until both sides have ended, or the client is gone.
pub async fn run(stream: TcpStream, mut input: flow::Receiver, mut output: impl AsyncWrite + Unpin, gone: &CancellationToken) {
    let (mut read, mut write) = stream.into_split();
    let out = async {
        let _ = tokio::io::copy(&mut input, &mut write).await;
        let _ = write.shutdown().await;
    };
    let back = async {
        let _ = tokio::io::copy(&mut read, &mut output).await;
        let _ = output.shutdown().await;
    };
    tokio::select! {
        _ = async { tokio::join!(out, back) } => {}
        () = gone.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_hosts() {
        let text = "127.0.0.1 localhost\n127.3.4.5\tmaster master-1 # comment web\n";
        assert_eq!(in_hosts(text, "MASTER-1"), "127.3.4.5".parse().ok());
        assert_eq!(in_hosts(text, "web"), None);
    }
}
