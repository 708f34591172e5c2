//! Nova: servers that are made anew or get another flavor; key pairs.
//!
//! A change may be asked for twice: after a crash nobody knows whether the call arrived. A rebuild leaves the token of
//! its step in the server's metadata, since nothing else tells that it was done; of a resize the flavor and the state
//! tell.

use serde_json::{Value, json};

use super::catalog::Service;
use super::servers::is_id;
use super::session::Call;
use super::{OpenStack, convert, wire};
use crate::base::Cx;
use crate::base::http::Method;
use crate::model::{Class, Failure, KeyPair, ServerChange, Token};

/// The metadata that a rebuild leaves.
const REBUILT: &str = "qd-rebuilt";

/// What key pairs can be called: nothing else becomes part of an address. What Nova takes.
fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " _-.@".contains(c);
    !name.is_empty() && name.len() <= 255 && name.chars().all(allowed) && name.trim() == name && !name.starts_with('.')
}

/// The states of a server while its flavor changes.
fn is_resizing(status: &str) -> bool {
    matches!(status, "RESIZE" | "VERIFY_RESIZE")
}

impl OpenStack {
    pub(super) async fn change(&self, cx: &Cx, id: &str, change: &ServerChange, token: &Token) -> Result<(), Failure> {
        let tried = change.title(id);
        if !is_id(id) {
            return Err(self.no_server(&tried, id));
        }
        let call = Call::get(Service::Compute, format!("/servers/{id}"), &tried);
        let now = cx.run(&tried, self.session.ask::<wire::OneServer>(cx, &call)).await?.server;
        let status = now.status.clone().unwrap_or_default();
        let Some(body) = self.asked(cx, &now, &status, change, token, &tried).await? else { return Ok(()) };
        let reply = self.action(cx, id, &body, &tried).await?;
        match reply.status().as_u16() {
            409 => Err(reply.failure().next(format!("it is {}", status.to_lowercase()))),
            _ => reply.ok().map(drop),
        }
    }

    /// What Nova is to be asked; `None` when that has begun, or is done.
    async fn asked(
        &self,
        cx: &Cx,
        now: &wire::Server,
        status: &str,
        change: &ServerChange,
        token: &Token,
        tried: &str,
    ) -> Result<Option<Value>, Failure> {
        match change {
            ServerChange::Rebuild { image } => {
                let mut metadata = now.metadata.clone().unwrap_or_default();
                if metadata.get(REBUILT) == Some(&token.0) {
                    return Ok(None);
                }
                let (image, _) = self.names.image(&self.session, cx, image, tried).await.map_err(|f| f.at(self.address()))?;
                // What is sent takes the place of all that was there.
                metadata.insert(REBUILT.to_owned(), token.0.clone());
                Ok(Some(json!({ "rebuild": { "imageRef": image, "metadata": metadata } })))
            }
            ServerChange::Resize { flavor, .. } => {
                let (id, name) = self.names.flavor(&self.session, cx, flavor, tried).await.map_err(|f| f.at(self.address()))?;
                let has = now.flavor.as_ref();
                let there = has.is_some_and(|f| f.original_name.as_ref() == Some(&name) || f.id.as_ref() == Some(&id));
                if there || status == "RESIZE" {
                    return Ok(None);
                }
                if is_resizing(status) {
                    let got = "another change of its flavor waits to be confirmed";
                    let next = "`quarterdeck server confirm` keeps it, `quarterdeck server revert` takes it back";
                    return Err(Failure::refused(tried, got).at(self.address()).next(next));
                }
                Ok(Some(json!({ "resize": { "flavorRef": id } })))
            }
            ServerChange::ConfirmResize => Ok((status == "VERIFY_RESIZE").then(|| json!({ "confirmResize": null }))),
            ServerChange::RevertResize => Ok((status == "VERIFY_RESIZE").then(|| json!({ "revertResize": null }))),
        }
    }

    pub(super) async fn import_key(&self, cx: &Cx, name: &str, public_key: &str) -> Result<KeyPair, Failure> {
        let tried = format!("import key pair {name}");
        if !is_key_name(name) {
            let next = "letters, digits, spaces and _ - . @ are allowed";
            return Err(Failure::refused(tried, format!("{name:?} is no name of a key pair")).next(next));
        }
        let body = json!({ "keypair": { "name": name, "public_key": public_key } });
        let call = Call::new(Service::Compute, Method::POST, "/os-keypairs", &tried).json(&body);
        let reply = cx.run(&tried, self.session.call(cx, &call)).await?;
        if reply.status().as_u16() != 409 {
            return Ok(convert::key_pair(&self.name, reply.json::<wire::OneKeyPair>()?.keypair));
        }
        // It may be the very same, from a call whose answer was lost.
        let call = Call::get(Service::Compute, format!("/os-keypairs/{name}"), &tried);
        let there = cx.run(&tried, self.session.ask::<wire::OneKeyPair>(cx, &call)).await?.keypair;
        if there.public_key.as_deref().is_some_and(|key| same_key(key, public_key)) {
            return Ok(convert::key_pair(&self.name, there));
        }
        let got = "there is another key of that name";
        let next = "choose another name, or delete that one: `quarterdeck key-pair delete`";
        Err(Failure::new(Class::Refused, tried, got).at(self.address()).next(next))
    }

    pub(super) async fn drop_key(&self, cx: &Cx, name: &str) -> Result<(), Failure> {
        // What cannot be the name of one is not there.
        if !is_key_name(name) {
            return Ok(());
        }
        let tried = format!("delete key pair {name}");
        let call = Call::new(Service::Compute, Method::DELETE, format!("/os-keypairs/{name}"), &tried);
        let reply = cx.run(&tried, self.session.call(cx, &call)).await?;
        if reply.status().as_u16() == 404 { Ok(()) } else { reply.ok().map(drop) }
    }
}

/// The same key, whatever comment stands behind it.
fn same_key(one: &str, other: &str) -> bool {
    let key = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    key(one) == key(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_name_becomes_part_of_an_address() {
        for good in ["ana", "ana@laptop", "my key", "a.b-c_d"] {
            assert!(is_key_name(good), "{good}");
        }
        for bad in ["", "..", "a/b", "a?b", "a#b", "%2e%2e", " a", "é", &"a".repeat(256)] {
            assert!(!is_key_name(bad), "{bad}");
        }
    }

    #[test]
    fn comments_are_no_part_of_a_key() {
        assert!(same_key("ssh-ed25519 AAAA ana@laptop", "ssh-ed25519 AAAA\n"));
        assert!(!same_key("ssh-ed25519 AAAA ana", "ssh-ed25519 BBBB ana"));
    }
}
