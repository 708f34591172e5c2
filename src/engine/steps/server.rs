//! Servers of nodes: create, wait until active, delete.

use std::sync::Arc;

use super::{Change, Done, StepCx};
use crate::base::Cx;
use crate::clouds::Cloud;
use crate::model::capability::names::FLOATING_IPS;
use crate::model::{Class, Failure, NewServer, NodeState, PowerAction, Server, ServerStatus, Token};

/// Creates the server of a node, or takes over the one that an earlier attempt created.
pub async fn create(cx: &StepCx, wanted: &NewServer) -> Result<Done, Failure> {
    let cloud = cx.cloud()?;
    let call = cx.cx();
    let mut wanted = wanted.clone();
    wanted.tags.token = cx.step.token.clone();
    if let Some(cluster) = &cx.cluster {
        super::network::place(cluster, cx.step.node.as_deref(), cloud.name(), &cx.nodes, &mut wanted);
    }
    if let Some(key) = cx.cluster.as_ref().and_then(|c| c.public_key.as_ref())
        && !wanted.authorized_keys.contains(key)
    {
        wanted.authorized_keys.push(key.clone());
    }
    if cx.step.cluster.is_none() {
        wanted.authorized_keys.push(crate::engine::keys::of_server(&cx.core, &cx.step.token, &wanted.name)?);
    }
    let found = if cx.again { adopt(cx, &cloud, &call).await? } else { None };
    let server = match found {
        Some(server) => {
            call.output.line(&format!("server {} ({}) is there already: taken over", server.name, server.id));
            server
        }
        None => {
            call.output.line(&format!(
                "creating server {} ({}, {}) on {}",
                wanted.name,
                wanted.flavor,
                wanted.image,
                cloud.name()
            ));
            call.run(&cx.step.title, cloud.create_server(&call, &wanted)).await?
        }
    };
    call.output.line(&format!("server {} is {}", server.id, server.status));
    let mut note = server.address().unwrap_or(&server.id).to_owned();
    if cx.step.cluster.is_none() && wanted.public_address && cloud.capabilities().check(FLOATING_IPS).is_ok() {
        note = super::network::public_address_of(cx, &server).await?;
    }
    let Some(node) = cx.step.node.clone() else { return Ok(Done::note(note)) };
    let token = cx.step.token.clone();
    Ok(Done::note(note).node(&node, move |n| {
        n.state = NodeState::Booting;
        n.address = server.address().map(str::to_owned);
        n.inner_address = server.inner_address().map(str::to_owned);
        n.ssh_port = server.ssh_port;
        n.created = Some(server.created);
        n.server = Some(server.id);
        n.token = Some(token);
        n.host_key = None;
        n.note = None;
    }))
}

/// The server that carries the step's token, if there is one that is any good. One that is broken is deleted, and
/// so is a second one. That there is none counts only once the cloud had time to show it.
async fn adopt(cx: &StepCx, cloud: &Arc<dyn Cloud>, call: &Cx) -> Result<Option<Server>, Failure> {
    let mut good = None;
    for server in look_twice(cx, cloud, call).await? {
        if good.is_none() && server.status != ServerStatus::Error {
            good = Some(server);
        } else {
            call.output.line(&format!("deleting server {} ({}), which is {}", server.name, server.id, server.status));
            cloud.delete_server(call, &server.id).await?;
        }
    }
    Ok(good)
}

/// The servers of the step's token; when there are none, once more after the cloud's settle time.
async fn look_twice(cx: &StepCx, cloud: &Arc<dyn Cloud>, call: &Cx) -> Result<Vec<Server>, Failure> {
    let token = &cx.step.token;
    let found = call.run(&cx.step.title, cloud.servers_by_token(call, token)).await?;
    if !found.is_empty() || cloud.manners().settle.is_zero() {
        return Ok(found);
    }
    call.sleep(&cx.step.title, cloud.manners().settle).await?;
    call.run(&cx.step.title, cloud.servers_by_token(call, token)).await
}

/// Switches the node's server on, unless it is on (or on its way).
pub async fn start(cx: &StepCx) -> Result<Done, Failure> {
    switch(cx, PowerAction::Start, ServerStatus::Shutoff).await?;
    Ok(Done::note("on"))
}

/// Switches a server off that this run has switched on.
pub async fn stop_again(cx: &StepCx) -> Result<Done, Failure> {
    switch(cx, PowerAction::Stop, ServerStatus::Active).await?;
    let name = cx.node()?.name.clone();
    Ok(Done::note("off again").node(&name, |n| n.state = NodeState::Stopped))
}

/// Does `action` where the node's server is in state `from`.
async fn switch(cx: &StepCx, action: PowerAction, from: ServerStatus) -> Result<(), Failure> {
    let (cloud, node) = (cx.cloud()?, cx.node()?);
    let id = node.server.as_deref().ok_or_else(|| Failure::broken(&cx.step.title, "the node has no server"))?;
    let call = cx.cx();
    let server = call.run(&cx.step.title, cloud.server(&call, id)).await?;
    if server.status == from {
        call.output.line(&format!("server {} is {}: {action:?}", server.name, server.status).to_lowercase());
        call.run(&cx.step.title, cloud.power(&call, id, action)).await?;
    }
    Ok(())
}

/// Waits until the node's server is active.
pub async fn wait(cx: &StepCx) -> Result<Done, Failure> {
    let node = cx.node()?;
    let id = node.server.as_deref().ok_or_else(|| Failure::broken(&cx.step.title, "the node has no server"))?;
    let server = until_active(cx, id, &node.name).await?;
    let note = server.address().unwrap_or("active").to_owned();
    Ok(Done::note(note).node(&node.name, move |n| {
        n.address = server.address().map(str::to_owned).or(n.address.take());
        n.inner_address = server.inner_address().map(str::to_owned).or(n.inner_address.take());
        n.ssh_port = server.ssh_port;
    }))
}

/// Waits until a server is active.
///
/// # Errors
/// It came up broken, or not in time; the cloud's own.
pub async fn until_active(cx: &StepCx, id: &str, name: &str) -> Result<Server, Failure> {
    let cloud = cx.cloud()?;
    let manners = cloud.manners();
    let call = cx.cx().within(manners.boot_limit);
    loop {
        let server = call.run(&cx.step.title, cloud.server(&call, id)).await?;
        match server.status {
            ServerStatus::Active => return Ok(server),
            ServerStatus::Error => {
                let fault = server.fault.unwrap_or_else(|| "the cloud gives no reason".to_owned());
                return Err(Failure::new(Class::Broken, format!("boot server {name}"), fault)
                    .at(cloud.endpoint())
                    .next("retry makes a new server in its place"));
            }
            _ => {}
        }
        let late = |f: Failure| match f.class {
            Class::Transient => {
                let limit = manners.boot_limit.as_secs();
                Failure::new(Class::Broken, format!("boot server {name}"), format!("still {} after {limit} s", server.status))
                    .at(cloud.endpoint())
                    .next("retry makes a new server in its place; its console log may say why: `quarterdeck server console`")
            }
            _ => f,
        };
        call.sleep(&cx.step.title, manners.poll).await.map_err(late)?;
    }
}

/// Deletes the server of a node that leaves; one that is to be made anew stays in the record without a server.
pub async fn delete(cx: &StepCx, id: Option<&str>, token: Option<&Token>) -> Result<Done, Failure> {
    let cloud = cx.cloud()?;
    let call = cx.cx();
    if let Some(id) = id {
        call.output.line(&format!("deleting server {id}"));
        call.run(&cx.step.title, cloud.delete_server(&call, id)).await?;
    }
    if let Some(token) = token {
        for server in call.run(&cx.step.title, cloud.servers_by_token(&call, token)).await? {
            call.output.line(&format!("deleting server {} ({})", server.name, server.id));
            call.run(&cx.step.title, cloud.delete_server(&call, &server.id)).await?;
        }
    }
    let mut done = Done::note("deleted");
    match cx.nodes.iter().find(|n| Some(&n.name) == cx.step.node.as_ref()) {
        Some(node) if node.state == NodeState::Deleting => done.changes.push(Change::NodeGone { name: node.name.clone() }),
        // The plan makes a new server in its place: the record stays.
        Some(node) => {
            let name = node.name.clone();
            done = done.node(&name, |n| {
                n.state = NodeState::Planned;
                n.server = None;
                n.address = None;
                n.inner_address = None;
                n.host_key = None;
            });
        }
        None => {}
    }
    Ok(done)
}

/// Deletes whatever carries the step's token.
pub async fn give_back(cx: &StepCx) -> Result<Done, Failure> {
    let cloud = cx.cloud()?;
    let call = cx.cx();
    let mut count = 0;
    for server in look_twice(cx, &cloud, &call).await? {
        call.output.line(&format!("giving back server {} ({})", server.name, server.id));
        call.run(&cx.step.title, cloud.delete_server(&call, &server.id)).await?;
        count += 1;
    }
    if cx.step.cluster.is_none() {
        let home = cx.core.store.home_id();
        call.run(&cx.step.title, super::network::release_of(&cloud, &call, home, &cx.step.token)).await?;
        crate::engine::keys::forget(&cx.core, &cx.step.token);
    }
    let done = Done::note(format!("{count} given back"));
    Ok(match &cx.step.node {
        Some(node) => done.node(node, |n| {
            // A node that the cluster goes on without stays `failed`, with its reason.
            if n.state != NodeState::Failed {
                n.state = NodeState::Gone;
            }
            n.server = None;
            n.address = None;
            n.inner_address = None;
            n.host_key = None;
        }),
        None => done,
    })
}
