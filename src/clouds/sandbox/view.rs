//! Servers and images as the rest of the program knows them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::images::ImageRecord;
use super::life::{NETWORK, Seen};
use super::record::{Power, Stage};
use crate::model::{Address, AddressKind, CloudName, Image, ImageStatus, Server, ServerStatus};

/// Most of a console log that is read at once, bytes.
const MAX_LOG: u64 = 1 << 20;

/// What a server is, out of its record and what its processes say.
pub fn server(cloud: &CloudName, seen: Seen) -> Server {
    let (status, fault) = status(&seen);
    let record = seen.record;
    let mut metadata = BTreeMap::from([("ssh_host_key".to_owned(), record.host_key)]);
    if let Some(Stage::Active { notes }) = &seen.state.stage
        && !notes.is_empty()
    {
        metadata.insert("notes".to_owned(), notes.join("; "));
    }
    Server {
        cloud: cloud.clone(),
        id: record.id,
        name: record.name,
        status,
        flavor: record.flavor,
        image: record.image,
        addresses: vec![Address {
            ip: record.address,
            kind: if record.public { AddressKind::Public } else { AddressKind::Fixed },
            network: Some(NETWORK.to_owned()),
        }],
        ssh_port: record.port,
        created: record.created,
        fault,
        tags: Some(record.tags),
        metadata,
    }
}

fn status(seen: &Seen) -> (ServerStatus, Option<String>) {
    let record = &seen.record;
    let booting = if record.boot > 1 { ServerStatus::Reboot } else { ServerStatus::Build };
    if record.deleting {
        return (ServerStatus::Deleting, None);
    }
    match (seen.locked, &seen.state.stage) {
        (_, Some(Stage::Failed { got })) => (ServerStatus::Error, Some(got.clone())),
        (true, Some(Stage::Active { .. })) => (ServerStatus::Active, None),
        (true, _) => (booting, None),
        (false, _) if record.power == Power::Off => (ServerStatus::Shutoff, None),
        (false, None) => (booting, None),
        (false, Some(Stage::Starting { .. })) => {
            (ServerStatus::Error, Some("its first process ended while it booted; the console log may say why".to_owned()))
        }
        // Shut down from inside, killed from outside, or this computer was started anew.
        (false, Some(_)) => (ServerStatus::Shutoff, None),
    }
}

/// The host's system.
pub fn host_image(cloud: &CloudName) -> Image {
    let name = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = name.lines().find_map(|l| l.strip_prefix("PRETTY_NAME=")).unwrap_or("this computer").trim_matches('"').to_owned();
    Image {
        cloud: cloud.clone(),
        id: super::images::HOST.to_owned(),
        name: super::images::HOST.to_owned(),
        status: ImageStatus::Active,
        size: None,
        created: None,
        ssh_user: Some("root".to_owned()),
        properties: BTreeMap::from([("system".to_owned(), name)]),
    }
}

/// A registered image.
pub fn image(cloud: &CloudName, record: ImageRecord) -> Image {
    let mut properties = BTreeMap::from([("source".to_owned(), record.source)]);
    if record.unread > 0 {
        properties.insert("left_out".to_owned(), format!("{} entries that could not be read", record.unread));
    }
    Image {
        cloud: cloud.clone(),
        id: record.id.clone(),
        name: record.id,
        status: ImageStatus::Active,
        size: Some(record.size),
        created: Some(record.created),
        ssh_user: Some("root".to_owned()),
        properties,
    }
}

/// The last `lines` lines of a log; bytes that are no text are replaced.
///
/// # Errors
/// It cannot be read. A log that is not there yet is empty.
pub fn tail(path: &Path, lines: u32) -> io::Result<String> {
    let mut file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        other => other?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_LOG)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines as usize);
    Ok(all.get(from..).unwrap_or_default().iter().map(|l| format!("{l}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_is_its_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert_eq!(tail(&path, 5).unwrap(), "");
        std::fs::write(&path, b"one\ntwo\n\xffthree\nfour").unwrap();
        assert_eq!(tail(&path, 2).unwrap(), "\u{fffd}three\nfour\n");
        assert_eq!(tail(&path, 9).unwrap().lines().count(), 4);
        assert_eq!(tail(&path, 0).unwrap(), "");
    }
}
