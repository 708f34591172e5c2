//! Logging in: own keys first, then what the agent holds.

use russh::MethodKind;
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKey};
use tokio::net::UnixStream;

use super::dial::{Client, Link};
use super::keys::{OwnKey, Proofs};
use super::known::describe;
use super::target::Target;
use crate::model::Failure;

/// An SSH server closes the door after six refusals.
const MOST_OFFERS: usize = 6;

const LOG_IN: &str = "log in over SSH";

/// Offers one proof after another until the server is content.
///
/// # Errors
/// `Credentials` when it accepts none; `Transient` when the connection broke.
pub(super) async fn log_in(handle: &mut Handle<Client>, link: &Link, target: &Target, proofs: &Proofs) -> Result<(), Failure> {
    let mut offers = Offers { handle, link, target, offered: Vec::new(), notes: Vec::new(), over: false };
    for own in &proofs.own {
        if offers.own_key(own).await? {
            return Ok(());
        }
    }
    if let Some(agent) = &proofs.agent
        && !offers.over
    {
        match AgentClient::connect_uds(agent).await {
            Ok(agent) => {
                if offers.agent(agent, &proofs.wanted).await? {
                    return Ok(());
                }
            }
            Err(e) => offers.notes.push(format!("the agent at {} does not answer: {e}", agent.display())),
        }
    }
    Err(offers.refused(proofs))
}

struct Offers<'a> {
    handle: &'a mut Handle<Client>,
    link: &'a Link,
    target: &'a Target,
    offered: Vec<String>,
    notes: Vec<String>,
    /// The server takes no more keys.
    over: bool,
}

impl Offers<'_> {
    async fn own_key(&mut self, own: &OwnKey) -> Result<bool, Failure> {
        let user = &self.target.user;
        if let Some(certificate) = &own.certificate
            && self.has_room()
        {
            let answer = self.handle.authenticate_openssh_cert(user, own.key.clone(), certificate.clone()).await;
            if self.accepted(answer, || format!("the certificate of {}", own.name))? {
                return Ok(true);
            }
        }
        if !self.has_room() {
            return Ok(false);
        }
        let hash = self.hash_for(own.key.public_key()).await?;
        let answer = self.handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(own.key.clone(), hash)).await;
        self.accepted(answer, || own.name.clone())
    }

    async fn agent(&mut self, mut agent: AgentClient<UnixStream>, wanted: &[PublicKey]) -> Result<bool, Failure> {
        let mut identities = match agent.request_identities().await {
            Ok(identities) => identities,
            Err(e) => {
                self.notes.push(format!("the agent does not tell its keys: {e}"));
                return Ok(false);
            }
        };
        if identities.is_empty() {
            self.notes.push("the agent holds no key".to_owned());
        }
        let is_wanted = |identity: &AgentIdentity| wanted.iter().any(|key| key.key_data() == identity.public_key().key_data());
        identities.sort_by_key(|identity| !is_wanted(identity));
        for identity in identities {
            if self.over {
                break;
            }
            if !self.has_room() {
                self.notes.push("the agent holds more keys than the server lets us try".to_owned());
                break;
            }
            if self.agent_key(&mut agent, identity).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn agent_key(&mut self, agent: &mut AgentClient<UnixStream>, identity: AgentIdentity) -> Result<bool, Failure> {
        let user = &self.target.user;
        let key = identity.public_key().into_owned();
        let hash = self.hash_for(&key).await?;
        let answer = match identity {
            AgentIdentity::PublicKey { key, .. } => self.handle.authenticate_publickey_with(user, key, hash, agent).await,
            AgentIdentity::Certificate { certificate, .. } => {
                self.handle.authenticate_certificate_with(user, certificate, hash, agent).await
            }
        };
        let name = || format!("{} of the agent", describe(&key));
        match answer {
            Ok(answer) => self.accepted(Ok(answer), name),
            Err(e) => {
                self.notes.push(format!("the agent does not sign with {}: {e}", describe(&key)));
                if self.handle.is_closed() { Err(self.lost()) } else { Ok(false) }
            }
        }
    }

    fn has_room(&self) -> bool {
        !self.over && self.offered.len() < MOST_OFFERS
    }

    /// RSA keys sign with the best hash that the server takes.
    async fn hash_for(&self, key: &PublicKey) -> Result<Option<HashAlg>, Failure> {
        if !key.algorithm().is_rsa() {
            return Ok(None);
        }
        match self.handle.best_supported_rsa_hash().await {
            Ok(known) => Ok(known.unwrap_or(Some(HashAlg::Sha256))),
            Err(_) => Err(self.lost()),
        }
    }

    fn accepted(&mut self, answer: Result<AuthResult, russh::Error>, name: impl Fn() -> String) -> Result<bool, Failure> {
        match answer {
            Ok(AuthResult::Success) => Ok(true),
            Ok(AuthResult::Failure { .. }) if self.handle.is_closed() => match self.link.last_words() {
                Some(words) => {
                    self.offered.push(name());
                    self.notes.push(format!("the server says: {words}"));
                    self.over = true;
                    Ok(false)
                }
                None => Err(self.lost()),
            },
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                self.offered.push(name());
                if partial_success {
                    self.notes.push("the server asks for a second proof".to_owned());
                }
                self.over = !remaining_methods.contains(&MethodKind::PublicKey);
                Ok(false)
            }
            Err(_) => Err(self.lost()),
        }
    }

    fn lost(&self) -> Failure {
        self.link.lost(&self.target.address(), LOG_IN)
    }

    fn refused(self, proofs: &Proofs) -> Failure {
        let user = &self.target.user;
        let mut got = format!("{user} is not let in");
        if !self.offered.is_empty() {
            got.push_str(&format!(" with {}", self.offered.join(", ")));
        }
        let useless = proofs.useless.iter().map(|useless| format!("{}: {}", useless.at, useless.got));
        for note in self.notes.into_iter().chain(useless) {
            got.push_str("; ");
            got.push_str(&note);
        }
        let next = match proofs.useless.first() {
            Some(useless) => useless.next.clone(),
            None => format!("check the user, and that one of these keys is in ~{user}/.ssh/authorized_keys there"),
        };
        Failure::new(crate::model::Class::Credentials, LOG_IN, got).at(self.target.address()).next(next)
    }
}
