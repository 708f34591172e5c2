//! Nova: create, delete, switch servers, read their consoles.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::catalog::Service;
use super::looks::look;
use super::names::{FRESH, Usual};
use super::session::{Call, Reply};
use super::{OpenStack, cloud_init, convert, wire};
use crate::base::Cx;
use crate::base::http::{Method, Repeat};
use crate::model::{Class, Extras, Failure, NewServer, PowerAction, Server, ServerAction, ServerStatus, Token};

/// How long a server may take to go.
const GOING: Duration = Duration::from_secs(600);
/// Delete calls for one server: some clouds lose one, or refuse it while they still build.
const DELETES: u32 = 3;

/// Actions of a server that are read at once.
const ACTIONS_AT_ONCE: usize = 8;

/// What is known of the server of a token, by this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Made {
    /// It was never asked for here.
    #[default]
    Never,
    /// It was asked for: the cloud is asked before it is asked for again.
    Perhaps,
}

/// One create at a time for each token.
#[derive(Default)]
pub struct Makings(Mutex<HashMap<Token, Arc<tokio::sync::Mutex<Made>>>>);

impl Makings {
    fn of(&self, token: &Token) -> Arc<tokio::sync::Mutex<Made>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(token.clone()).or_default())
    }

    /// Its server is gone, and it will not be asked for again.
    pub fn forget(&self, token: &Token) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
}

/// Whether an id can be one of Nova's: nothing else becomes part of an address.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl OpenStack {
    /// Servers of a filter that all clouds know, or of all where they do not.
    pub(super) async fn tagged(&self, cx: &Cx, tag: &str, tried: &str) -> Result<Vec<Server>, Failure> {
        let speaks = cx.run(tried, self.session.place(cx, Service::Compute)).await?.speaks(26);
        let call = Call::get(Service::Compute, "/servers/detail", tried);
        let call = if speaks { call.query(&[("tags", tag)]) } else { call };
        let rows = self.session.all::<wire::Servers>(cx, &call).await?;
        Ok(self.converted(cx, rows).await)
    }

    pub(super) async fn create(self: &Arc<Self>, cx: &Cx, new: &NewServer) -> Result<Server, Failure> {
        let tried = format!("create server {}", new.name);
        let making = self.makings.of(&new.tags.token);
        let mut made = making.lock().await;
        if *made == Made::Perhaps {
            let there = self.tagged(cx, &new.tags.token.0, &tried).await?;
            let ours = |server: &Server| server.tags.as_ref().is_some_and(|tags| tags.token == new.tags.token);
            if let Some(server) = there.into_iter().find(|server| ours(server) && server.status != ServerStatus::Deleting) {
                return Ok(server);
            }
        }
        let (body, flavor, image) = self.body(cx, new, &tried).await?;
        *made = Made::Perhaps;
        let call = Call::new(Service::Compute, Method::POST, "/servers", &tried).json(&body);
        let result = async { self.session.ask::<wire::Created>(cx, &call).await }.await;
        let id = match result {
            Ok(created) => created.server.id,
            Err(failure) => {
                // A refusal is a word of Nova's that it did not begin.
                if !matches!(failure.class, Class::Transient | Class::Broken | Class::Cancelled) {
                    *made = Made::Never;
                }
                return Err(refusal(failure));
            }
        };
        let server = Server {
            cloud: self.name.clone(),
            id,
            name: new.name.clone(),
            status: ServerStatus::Build,
            flavor,
            image,
            addresses: Vec::new(),
            ssh_port: 22,
            created: cx.clock.now(),
            fault: None,
            tags: Some(new.tags.clone()),
            metadata: Default::default(),
        };
        self.looks.note(&server);
        Ok(server)
    }

    /// What is sent to Nova; the names of flavor and image.
    async fn body(&self, cx: &Cx, new: &NewServer, tried: &str) -> Result<(Value, String, String), Failure> {
        let session = &self.session;
        let placed = |failure: Failure| if failure.at.is_empty() { failure.at(self.address()) } else { failure };
        let flavor = self.names.flavor(session, cx, &new.flavor, tried).await.map_err(placed)?;
        let image = self.names.image(session, cx, &new.image, tried).await.map_err(placed)?;
        let mut networks = Vec::new();
        for word in &new.networks {
            networks.push(json!({ "uuid": self.names.network(session, cx, word, tried).await.map_err(placed)?.id }));
        }
        if networks.is_empty() {
            networks.push(json!({ "uuid": self.usual_id(cx, tried).await.map_err(placed)? }));
        }
        let mut server = json!({
            "name": new.name,
            "flavorRef": flavor.0,
            "imageRef": image.0,
            "networks": networks,
            "metadata": convert::metadata(&new.tags),
        });
        if !new.security_groups.is_empty() {
            let groups: Vec<Value> = new.security_groups.iter().map(|id| json!({ "name": id })).collect();
            server["security_groups"] = groups.into();
        }
        if let Some(data) = cloud_init::user_data(new)? {
            server["user_data"] = data.into();
        }
        if session.place(cx, Service::Compute).await?.speaks(52) {
            server["tags"] = json!([new.tags.token.0, convert::cluster_mark(new.tags.cluster)]);
        }
        let mut body = json!({ "server": server });
        extras(&mut body, &new.extras, &image.0);
        Ok((body, flavor.1, image.1))
    }

    /// The id of the network of servers that name none.
    async fn usual_id(&self, cx: &Cx, tried: &str) -> Result<String, Failure> {
        let mut usual = self.names.usual_network(&self.session, cx, FRESH, tried).await?;
        if !matches!(usual, Usual::Is(_)) {
            // It may be newer than the list.
            usual = self.names.usual_network(&self.session, cx, Duration::ZERO, tried).await?;
        }
        let got = match usual {
            Usual::Is(network) => return Ok(network.id),
            Usual::Missing => "the project has no network for servers".to_owned(),
            Usual::Several(names) => Usual::unclear(&names),
        };
        let next = "name one in `networks` of the group, or as `network` of the cloud in settings.toml";
        Err(Failure::refused(tried, got).next(next))
    }

    pub(super) async fn delete(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Failure> {
        if !is_id(id) {
            return Ok(());
        }
        let tried = format!("delete server {id}");
        let limited = cx.within(GOING);
        for _ in 0..DELETES {
            let call = Call::new(Service::Compute, Method::DELETE, format!("/servers/{id}"), &tried);
            let reply = self.session.call(&limited, &call).await?;
            match reply.status().as_u16() {
                404 => {
                    self.gone(id);
                    return Ok(());
                }
                // Something is still going on with it: it is looked at below.
                409 => {}
                _ => drop(reply.ok()?),
            }
            if self.goes(&limited, id, &tried, cx).await? {
                return Ok(());
            }
        }
        let got = format!("the cloud has taken {DELETES} delete calls, and the server is still there");
        Err(Failure::broken(tried, got)
            .at(self.address())
            .next("look at it with the cloud's own tools; an operator of the cloud can reset its state"))
    }

    /// Waits until a server is gone: `false` when it stays and is not being deleted.
    async fn goes(self: &Arc<Self>, limited: &Cx, id: &str, tried: &str, cx: &Cx) -> Result<bool, Failure> {
        let mut stays = 0;
        loop {
            let server = match look(self, limited, id).await {
                Ok(server) => server,
                Err(failure) if failure.class == Class::NotFound => {
                    self.gone(id);
                    return Ok(true);
                }
                Err(failure) => return Err(failure),
            };
            // Right after the call it may not show yet.
            stays = if server.status == ServerStatus::Deleting { 0 } else { stays + 1 };
            if stays > 5 {
                return Ok(false);
            }
            let late = |failure: Failure| match failure.class {
                Class::Transient if cx.deadline.is_none_or(|end| std::time::Instant::now() < end) => {
                    Failure::transient(tried, format!("still {} after {} s", server.status, GOING.as_secs())).at(self.address())
                }
                _ => failure,
            };
            limited.sleep(tried, self.poll()).await.map_err(late)?;
        }
    }

    fn gone(&self, id: &str) {
        if let Some(token) = self.looks.forget(id) {
            self.makings.forget(&Token(token));
        }
    }

    pub(super) async fn switch(self: &Arc<Self>, cx: &Cx, id: &str, action: PowerAction) -> Result<(), Failure> {
        let (verb, body, done) = match action {
            PowerAction::Start => ("start", json!({ "os-start": null }), Some(ServerStatus::Active)),
            PowerAction::Stop => ("stop", json!({ "os-stop": null }), Some(ServerStatus::Shutoff)),
            PowerAction::Reboot => ("reboot", json!({ "reboot": { "type": "SOFT" } }), None),
        };
        let tried = format!("{verb} server {id}");
        let reply = self.action(cx, id, &body, &tried).await?;
        if reply.status().as_u16() != 409 {
            return reply.ok().map(drop);
        }
        // It may be so already, or on its way there.
        let failure = reply.failure();
        let server = look(self, cx, id).await?;
        match done {
            Some(done) if server.status == done => Ok(()),
            None if server.status == ServerStatus::Reboot => Ok(()),
            // A guest that is off, or hangs, is not asked politely.
            None => self.action(cx, id, &json!({ "reboot": { "type": "HARD" } }), &tried).await?.ok().map(drop),
            _ => Err(failure.next(format!("it is {}", server.status))),
        }
    }

    /// Has Nova do something with a server.
    pub(super) async fn action(&self, cx: &Cx, id: &str, body: &Value, tried: &str) -> Result<Reply, Failure> {
        if !is_id(id) {
            return Err(self.no_server(tried, id));
        }
        let call = Call::new(Service::Compute, Method::POST, format!("/servers/{id}/action"), tried).json(body);
        self.session.call(cx, &call).await
    }

    pub(super) async fn console(&self, cx: &Cx, id: &str, lines: u32) -> Result<String, Failure> {
        let tried = format!("read the console log of server {id}");
        if !is_id(id) {
            return Err(self.no_server(&tried, id));
        }
        let body = json!({ "os-getConsoleOutput": { "length": lines } });
        let call = Call::new(Service::Compute, Method::POST, format!("/servers/{id}/action"), &tried).json(&body);
        let told = self.session.ask::<wire::ConsoleOutput>(cx, &call.repeat(Repeat::Always)).await?;
        let text = told.output.unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        let from = all.len().saturating_sub(usize::try_from(lines).unwrap_or(usize::MAX));
        Ok(all[from..].iter().map(|line| format!("{line}\n")).collect())
    }

    /// The actions of a server, with their events where we may see them.
    pub(super) async fn actions(&self, cx: &Cx, id: &str) -> Result<Vec<ServerAction>, Failure> {
        let tried = format!("read the actions of server {id}");
        if !is_id(id) {
            return Err(self.no_server(&tried, id));
        }
        let path = format!("/servers/{id}/os-instance-actions");
        let list = self.session.ask::<wire::Actions>(cx, &Call::get(Service::Compute, &path, &tried)).await?;
        let whole = list.actions.into_iter().map(|row| {
            let call = Call::get(Service::Compute, format!("{path}/{}", row.request_id), &tried);
            async move {
                match self.session.ask::<wire::OneAction>(cx, &call).await {
                    Ok(one) => Ok(convert::action(one.action)),
                    Err(failure) if failure.heals() => Err(failure),
                    // Some clouds show events to their operators only.
                    Err(_) => Ok(convert::action(row)),
                }
            }
        });
        let mut actions: Vec<ServerAction> = stream::iter(whole).buffered(ACTIONS_AT_ONCE).try_collect().await?;
        actions.sort_by_key(|action| std::cmp::Reverse(action.at));
        Ok(actions)
    }

    pub(super) fn no_server(&self, tried: &str, id: &str) -> Failure {
        Failure::not_found(tried, format!("there is no server {id:?}")).at(self.address())
    }
}

/// What a server is asked for beside: where it is placed, what it boots from, a key of the cloud's.
fn extras(body: &mut Value, extras: &Extras, image: &str) {
    let server = &mut body["server"];
    if let Some(zone) = &extras.zone {
        server["availability_zone"] = json!(zone);
    }
    if let Some(name) = &extras.key_pair {
        server["key_name"] = json!(name);
    }
    if let Some(volume) = extras.volume {
        server["block_device_mapping_v2"] = json!([{
            "boot_index": 0, "uuid": image, "source_type": "image", "destination_type": "volume",
            "volume_size": volume.size_gb, "delete_on_termination": !volume.keep,
        }]);
        if let Value::Object(fields) = server {
            // It boots from the volume, which is made of the image.
            fields.remove("imageRef");
        }
    }
    let mut hints = serde_json::Map::new();
    if let Some(group) = &extras.server_group {
        hints.insert("group".to_owned(), json!(group));
    }
    hints.extend(extras.hints.iter().map(|(name, values)| match values.as_slice() {
        // Most hints take one value and no list of one.
        [only] => (name.clone(), json!(only)),
        several => (name.clone(), json!(several)),
    }));
    if !hints.is_empty() {
        body["os:scheduler_hints"] = Value::Object(hints);
    }
}

/// A refusal in our words: quotas are named as everywhere else.
fn refusal(mut failure: Failure) -> Failure {
    if failure.class == Class::Quota {
        for (theirs, ours) in [("instances", "servers"), ("cores", "vcpus"), ("ram", "ram_mb")] {
            failure.got = replace_word(&failure.got, theirs, ours);
        }
        if failure.next.is_empty() {
            failure.next = "delete what is not needed, take a smaller flavor, or ask for more quota".to_owned();
        }
    }
    failure
}

fn replace_word(text: &str, old: &str, new: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        out.push_str(before);
        out.push_str(if whole { new } else { old });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BootVolume;

    #[test]
    fn only_what_can_be_an_id_becomes_part_of_an_address() {
        for good in ["97a6bfc3-cea0-48f0-99fa-96de694b01b0", "42", "abc"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "../../etc", "a b", "a/b", "%2e", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_asked_for_beside_is_said_as_nova_wants_it() {
        let mut body = json!({ "server": { "imageRef": "i-1" } });
        extras(&mut body, &Extras::default(), "i-1");
        assert_eq!(body, json!({ "server": { "imageRef": "i-1" } }));
        let wanted = Extras {
            zone: Some("nova".into()),
            server_group: Some("g-1".into()),
            hints: [("different_host".to_owned(), vec!["a".to_owned(), "b".to_owned()]), ("query".to_owned(), vec!["[]".into()])]
                .into(),
            volume: Some(BootVolume { size_gb: 20, keep: true }),
            key_pair: Some("ana".into()),
        };
        extras(&mut body, &wanted, "i-1");
        let volume = json!({ "boot_index": 0, "uuid": "i-1", "source_type": "image", "destination_type": "volume",
            "volume_size": 20, "delete_on_termination": false });
        let server = json!({ "availability_zone": "nova", "key_name": "ana", "block_device_mapping_v2": [volume] });
        let hints = json!({ "group": "g-1", "different_host": ["a", "b"], "query": "[]" });
        assert_eq!(body, json!({ "server": server, "os:scheduler_hints": hints }));
    }

    #[test]
    fn quotas_are_named_in_our_words() {
        let theirs = "403: Quota exceeded for instances: Requested 1, but already used 2 of 2 instances";
        let told = refusal(Failure::new(Class::Quota, "create server x", theirs));
        assert_eq!(told.got, "403: Quota exceeded for servers: Requested 1, but already used 2 of 2 servers");
        assert!(!told.next.is_empty());
        assert_eq!(replace_word("ram program ram", "ram", "ram_mb"), "ram_mb program ram_mb");
    }
}
