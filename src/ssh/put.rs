//! Writing a file on a server.

use bytes::{BufMut, Bytes};
use futures::{StreamExt, TryStreamExt, stream};
use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

use super::connection::Connection;
use crate::model::text::{clean, shell_word};
use crate::model::{Class, Failure};

const PUT: &str = "write a file over SSH";
/// What every SFTP server takes in one write, bytes.
const CHUNK: usize = 32 * 1024;
const CHUNKS_AT_ONCE: usize = 16;
const POSIX_RENAME: &str = "posix-rename@openssh.com";

/// By SFTP over `channel`, else by a command.
pub(super) async fn put(
    connection: &Connection,
    mut channel: Channel<Msg>,
    path: &str,
    content: &[u8],
    mode: u32,
) -> Result<(), Failure> {
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(Failure::refused(PUT, "this is no path of a file").at(path).next("name the file with its directory"));
    }
    let mode = mode & 0o7777;
    let at = format!("{}:{path}", connection.at());
    if has_sftp(&mut channel).await {
        let sftp = RawSftpSession::new(channel.into_stream());
        // A server may say yes to SFTP and then have no program for it.
        if let Ok(version) = sftp.init().await {
            let posix_rename = version.extensions.contains_key(POSIX_RENAME);
            return by_sftp(&sftp, posix_rename, path, content, mode).await.map_err(|e| sftp_failure(&e).at(at));
        }
    } else {
        drop(channel.close().await);
    }
    by_command(connection, path, content, mode).await.map_err(|failure| failure.at(at))
}

async fn has_sftp(channel: &mut Channel<Msg>) -> bool {
    if channel.request_subsystem(true, "sftp").await.is_err() {
        return false;
    }
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return true,
            Some(ChannelMsg::Failure | ChannelMsg::Close) | None => return false,
            Some(_) => {}
        }
    }
}

/// Beside the file, hidden from whatever reads whole directories.
fn aside(path: &str) -> String {
    let (dir, name) = path.rsplit_once('/').map_or(("", path), |(dir, name)| (&path[..=dir.len()], name));
    format!("{dir}.{name}.quarterdeck-new")
}

async fn by_sftp(sftp: &RawSftpSession, posix: bool, path: &str, content: &[u8], mode: u32) -> Result<(), SftpError> {
    let aside = aside(path);
    match write(sftp, &aside, content, mode).await {
        Ok(()) => {}
        // The file itself may be ours where the directory is not.
        Err(SftpError::Status(status)) if status.status_code == StatusCode::PermissionDenied => {
            return write(sftp, path, content, mode).await;
        }
        Err(e) => return Err(e),
    }
    let renamed = if posix { posix_rename(sftp, &aside, path).await } else { sftp.rename(aside.clone(), path).await.map(drop) };
    match renamed {
        Err(SftpError::Status(_)) => {
            let written = write(sftp, path, content, mode).await;
            sftp.remove(aside).await?;
            written
        }
        other => other,
    }
}

async fn write(sftp: &RawSftpSession, path: &str, content: &[u8], mode: u32) -> Result<(), SftpError> {
    let bits = |mode| FileAttributes { permissions: Some(mode), ..FileAttributes::empty() };
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let handle = sftp.open(path, flags, bits(0o600)).await?.handle;
    let written = async {
        stream::iter(content.chunks(CHUNK).enumerate())
            .map(|(i, chunk)| sftp.write(handle.clone(), (i * CHUNK) as u64, chunk.to_vec()))
            .buffer_unordered(CHUNKS_AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        sftp.fsetstat(handle.clone(), bits(mode)).await.map(drop)
    };
    let written = written.await;
    sftp.close(handle).await?;
    written
}

/// SFTP's own rename fails where the new name is there already.
async fn posix_rename(sftp: &RawSftpSession, from: &str, to: &str) -> Result<(), SftpError> {
    let mut names = Vec::new();
    for name in [from, to] {
        names.put_u32(u32::try_from(name.len()).unwrap_or(u32::MAX));
        names.extend_from_slice(name.as_bytes());
    }
    match sftp.extended(POSIX_RENAME, names).await? {
        Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
        Packet::Status(status) => Err(SftpError::Status(status)),
        _ => Err(SftpError::UnexpectedPacket),
    }
}

fn sftp_failure(error: &SftpError) -> Failure {
    let got = clean(&error.to_string()).into_owned();
    match error {
        SftpError::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => no_directory(got),
            StatusCode::PermissionDenied => not_allowed(got),
            _ => Failure::refused(PUT, got).next("check the space on the server's disk and what is at this path"),
        },
        SftpError::Timeout | SftpError::IO(_) => Failure::transient(PUT, got).next("try again"),
        _ => Failure::broken(PUT, got).next("look at the SSH server's log"),
    }
}

fn no_directory(got: impl Into<String>) -> Failure {
    Failure::new(Class::NotFound, PUT, got.into()).next("make the directory first")
}

fn not_allowed(got: impl Into<String>) -> Failure {
    Failure::refused(PUT, got.into()).next("log in as a user who may write there")
}

/// The length is checked before the file takes its place: a line cut in the middle looks like an end of the input.
const SCRIPT: &str = r#"umask 077; cat > "$1" && test "$(wc -c < "$1")" -eq "$3" && chmod "$4" "$1" || { rm -f "$1"; exit 1; }
mv -fT "$1" "$2" 2>/dev/null || { cat "$1" > "$2" && chmod "$4" "$2"; s=$?; rm -f "$1"; exit $s; }"#;

async fn by_command(connection: &Connection, path: &str, content: &[u8], mode: u32) -> Result<(), Failure> {
    let words = [SCRIPT, "sh", &aside(path), path, &content.len().to_string(), &format!("{mode:04o}")].map(shell_word);
    let command = format!("sh -c {}", words.join(" "));
    let channel = connection.session().await.map_err(|unopened| unopened.failure)?;
    let done = connection.exec_on(channel, &command, Some(Bytes::copy_from_slice(content))).await?;
    if done.ok() {
        return Ok(());
    }
    let said = clean(String::from_utf8_lossy(&done.stderr).trim()).into_owned();
    if said.contains("No such file") || said.contains("nonexistent") {
        Err(no_directory(said))
    } else if said.contains("ermission denied") {
        Err(not_allowed(said))
    } else {
        Err(Failure::refused(PUT, said).next("check the space on the server's disk and what is at this path"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_file_is_beside_the_old_one() {
        assert_eq!(aside("/etc/hosts"), "/etc/.hosts.quarterdeck-new");
        assert_eq!(aside("/hosts"), "/.hosts.quarterdeck-new");
        assert_eq!(aside("hosts"), ".hosts.quarterdeck-new");
    }

    #[test]
    fn a_word_is_one_word_for_the_shell() {
        let word = "it's $HOME `x` \"q\" \\ \n*";
        let out = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", shell_word(word))).output().unwrap();
        assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
    }
}
