//! Tools of this account: the SSH client, its agent and keys, Docker engines.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::config::foreign::{FoundCloud, Place, too_wide};
use crate::model::text::clean;
use crate::model::{Driver, Failure, Finding, Part};

/// How long an agent or an engine may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer that is read, bytes.
const MAX_ANSWER: u64 = 256 * 1024;

const PART: Part = Part::Tools;

/// What SSH has here.
pub fn findings(place: &Place) -> Vec<Finding> {
    let mut findings = vec![client(place), agent(place)];
    findings.extend(keys(place));
    findings
}

/// Ansible reaches nodes through OpenSSH's client.
fn client(place: &Place) -> Finding {
    match on_path(place, "ssh") {
        Some(path) => Finding::ok(PART, "ssh client", path.display().to_string()),
        None => Finding::missing(PART, "ssh client", "there is no ssh on the PATH: playbooks reach no node")
            .next("install OpenSSH's client (Debian: apt install openssh-client)"),
    }
}

fn on_path(place: &Place, name: &str) -> Option<PathBuf> {
    let executable = |file: &Path| file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    std::env::split_paths(place.var("PATH")?).map(|dir| dir.join(name)).find(|file| executable(file))
}

fn agent(place: &Place) -> Finding {
    const NAME: &str = "ssh agent";
    let Some(socket) = place.var("SSH_AUTH_SOCK") else {
        return Finding::note(PART, NAME, "none; clusters use keys of their own");
    };
    match agent_keys(Path::new(socket)) {
        Ok(0) => Finding::note(PART, NAME, format!("it answers and holds no key ({socket})")).next("ssh-add"),
        Ok(1) => Finding::ok(PART, NAME, format!("1 key ({socket})")),
        Ok(count) => Finding::ok(PART, NAME, format!("{count} keys ({socket})")),
        Err(e) => Finding::note(PART, NAME, format!("SSH_AUTH_SOCK is {socket}, but nobody answers there: {e}"))
            .next("eval $(ssh-agent), or unset SSH_AUTH_SOCK"),
    }
}

/// How many keys an agent holds (`SSH_AGENTC_REQUEST_IDENTITIES`).
fn agent_keys(socket: &Path) -> std::io::Result<u32> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&[0, 0, 0, 1, 11])?;
    // Length, type 12, count.
    let mut head = [0_u8; 9];
    stream.read_exact(&mut head)?;
    let [_, _, _, _, kind, a, b, c, d] = head;
    match kind {
        12 => Ok(u32::from_be_bytes([a, b, c, d])),
        _ => Err(std::io::Error::other("it refuses to list keys")),
    }
}

/// Private keys in `~/.ssh`, by the public ones beside them.
fn keys(place: &Place) -> Vec<Finding> {
    let dir = place.home.join(".ssh");
    let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut private: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "pub")).map(|path| path.with_extension("")).collect();
    private.retain(|path| path.is_file());
    private.sort();
    let names: Vec<String> = private.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    let mut findings = vec![match names.as_slice() {
        [] => Finding::ok(PART, "ssh keys", "none in ~/.ssh; clusters use keys of their own"),
        names => Finding::ok(PART, "ssh keys", format!("{} in ~/.ssh", names.join(", "))),
    }];
    findings.extend(private.iter().filter_map(|path| too_wide(PART, &place.short(path), path)));
    findings
}

/// Asks every Docker engine among the clouds for its version.
pub fn docker(clouds: &[FoundCloud]) -> BTreeMap<String, Result<String, Failure>> {
    let engines = clouds.iter().filter(|cloud| cloud.driver == Driver::Docker && cloud.problem.is_none());
    engines.map(|cloud| (cloud.name.clone(), version(&cloud.endpoint))).collect()
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "Version")]
    version: String,
}

fn version(endpoint: &str) -> Result<String, Failure> {
    let tried = "ask the Docker engine for its version";
    let refused = |got: &str| Err(Failure::refused(tried, got).at(endpoint));
    let body = match endpoint.split_once("://") {
        Some(("unix", path)) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            ask(stream)
        }),
        Some(("tcp", _)) if std::env::var_os("DOCKER_TLS_VERIFY").is_some() => {
            return refused("it wants TLS, and is not tried from here");
        }
        Some(("tcp", address)) => tcp(address).and_then(ask),
        Some(("ssh", _)) => return refused("it is reached over SSH, and is not tried from here"),
        _ => return refused("this kind of address is not known here"),
    };
    let body = body.map_err(|e| match e.kind() {
        std::io::ErrorKind::PermissionDenied => {
            let next = "join the group docker (as root: usermod -aG docker USER), then log in again";
            Failure::refused(tried, "this account may not open the socket").at(endpoint).next(next)
        }
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
            Failure::transient(tried, e).at(endpoint).next("start it (as root: systemctl start docker)")
        }
        _ => Failure::transient(tried, e).at(endpoint),
    })?;
    let json = body.find('{').map_or("", |at| &body[at..]);
    match serde_json::from_str::<Version>(json.trim_end()) {
        Ok(said) => Ok(clean(&said.version).into_owned()),
        Err(_) => Err(Failure::broken(tried, clean(body.lines().next().unwrap_or_default())).at(endpoint)),
    }
}

fn tcp(address: &str) -> std::io::Result<TcpStream> {
    let address = address.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::NotFound)?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn ask(mut stream: impl Read + Write) -> std::io::Result<String> {
    // HTTP/1.0: the answer ends with the connection and comes in one piece.
    stream.write_all(b"GET /version HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Answers one connection with these bytes.
    fn answering(dir: &Path, answer: &'static [u8]) -> String {
        let path = dir.join("x.sock");
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(answer);
        });
        path.display().to_string()
    }

    #[test]
    fn an_engine_tells_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let socket = answering(dir.path(), b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"Platform\":{},\"Version\":\"28.2\x1b[2J.1\"}\n");
        assert_eq!(
            version(&format!("unix://{socket}")).unwrap_err().class,
            crate::model::Class::Broken,
            "control characters are no JSON"
        );
        let dir = tempfile::tempdir().unwrap();
        let socket = answering(dir.path(), b"HTTP/1.0 200 OK\r\n\r\n{\"Version\":\"28.2.1\"}\n");
        assert_eq!(version(&format!("unix://{socket}")).unwrap(), "28.2.1");
    }

    #[test]
    fn an_engine_that_is_not_there_says_what_to_do() {
        let failure = version("unix:///nowhere/docker.sock").unwrap_err();
        assert!(failure.next.contains("systemctl start docker"), "{failure}");
        assert!(version("ssh://ana@builder").unwrap_err().got.contains("SSH"));
    }

    #[test]
    fn an_agent_tells_how_many_keys_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let socket = answering(dir.path(), &[0, 0, 0, 5, 12, 0, 0, 0, 2]);
        assert_eq!(agent_keys(Path::new(&socket)).unwrap(), 2);
        let gone = agent_keys(Path::new("/nowhere/agent")).unwrap_err();
        assert_eq!(gone.kind(), std::io::ErrorKind::NotFound);
    }
}
