//! What a server is told for its first boot: keys and files, for cloud-init.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::model::{Failure, NewServer};

/// Longest user data that Nova takes, bytes of base64.
const LONGEST: usize = 65_535;

/// The user data of a server, base64; `None` when there is nothing to say.
///
/// # Errors
/// It is longer than Nova takes.
pub fn user_data(new: &NewServer) -> Result<Option<String>, Failure> {
    if new.authorized_keys.is_empty() && new.files.is_empty() {
        return Ok(None);
    }
    let files: Vec<_> = new
        .files
        .iter()
        .map(|file| {
            json!({
                "path": file.path,
                "encoding": "b64",
                "content": file.content_base64,
                "permissions": format!("{:04o}", file.mode & 0o7777),
                "owner": "root:root",
            })
        })
        .collect();
    let mut config = json!({});
    if !new.authorized_keys.is_empty() {
        config["ssh_authorized_keys"] = json!(new.authorized_keys);
    }
    if !files.is_empty() {
        config["write_files"] = json!(files);
    }
    // JSON is YAML, and needs no thought about quoting.
    let text = STANDARD.encode(format!("#cloud-config\n{config}\n"));
    if text.len() > LONGEST {
        let got = format!("its keys and files take {} bytes of user data, {LONGEST} are allowed", text.len());
        return Err(Failure::refused(format!("create server {}", new.name), got).next("copy large files with a playbook"));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlacedFile, Tags};

    fn new() -> NewServer {
        NewServer {
            name: "web-1".into(),
            flavor: String::new(),
            image: String::new(),
            networks: Vec::new(),
            public_address: false,
            security_groups: Vec::new(),
            authorized_keys: Vec::new(),
            files: Vec::new(),
            extras: Default::default(),
            tags: Tags::unset("web-1"),
        }
    }

    #[test]
    fn keys_and_files_become_a_cloud_config() {
        assert_eq!(user_data(&new()).unwrap(), None);
        let mut new = new();
        new.authorized_keys.push("ssh-ed25519 AAAA me".into());
        new.files.push(PlacedFile { path: "/etc/x".into(), content_base64: "eA==".into(), mode: 0o100_640 });
        let text = STANDARD.decode(user_data(&new).unwrap().unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let config: serde_json::Value = serde_json::from_str(text.strip_prefix("#cloud-config\n").unwrap()).unwrap();
        assert_eq!(config["ssh_authorized_keys"], json!(["ssh-ed25519 AAAA me"]));
        let file = &config["write_files"][0];
        assert_eq!((&file["permissions"], &file["content"]), (&json!("0640"), &json!("eA==")));
    }

    #[test]
    fn too_much_is_said_before_anything_is_made() {
        let mut new = new();
        new.files.push(PlacedFile { path: "/x".into(), content_base64: "A".repeat(60_000), mode: 0o644 });
        assert!(user_data(&new).unwrap_err().got.contains("65535 are allowed"));
    }
}
