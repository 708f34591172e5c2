//! What servers stand on: the cluster's network, its security groups, public addresses.

use std::sync::Arc;
use std::time::Duration;

use super::{Change, Done, StepCx};
use crate::base::Cx;
use crate::clouds::Cloud;
use crate::model::capability::names::FLOATING_IPS;
use crate::model::{
    Belonging, BelongingKind, CloudName, Cluster, ClusterId, Failure, HomeId, NewSecurityGroup, NewServer, Node, NodeState,
    Ports, Server, Tags, Token,
};

/// How often, and how far apart, a cloud is asked to take something back that is still in use.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_secs(1);

/// What the cluster has on the step's cloud beside its servers.
async fn belongings(cx: &StepCx, cloud: &Arc<dyn Cloud>, call: &Cx) -> Result<Vec<Belonging>, Failure> {
    let Some(cluster) = cx.step.cluster else { return Ok(Vec::new()) };
    call.run(&cx.step.title, cloud.belongings(call, cx.core.store.home_id(), cluster)).await
}

/// Those that `which` takes; when there are none and an earlier attempt may have made one, once more after the
/// cloud's settle time.
async fn look(
    cx: &StepCx,
    cloud: &Arc<dyn Cloud>,
    call: &Cx,
    which: impl Fn(&Belonging) -> bool,
) -> Result<Vec<Belonging>, Failure> {
    let mut found = belongings(cx, cloud, call).await?;
    found.retain(&which);
    if found.is_empty() && cx.again && !cloud.manners().settle.is_zero() {
        call.sleep(&cx.step.title, cloud.manners().settle).await?;
        found = belongings(cx, cloud, call).await?;
        found.retain(&which);
    }
    Ok(found)
}

/// Waits until it shows what an earlier attempt may have made.
async fn settle(cx: &StepCx, cloud: &Arc<dyn Cloud>, call: &Cx, kind: BelongingKind, what_for: &str) -> Result<(), Failure> {
    if cx.again {
        look(cx, cloud, call, |found| found.kind == kind && found.what_for() == what_for).await?;
    }
    Ok(())
}

fn tags(cx: &StepCx, what_for: &str) -> Result<Tags, Failure> {
    let (home, cluster) = (cx.core.store.home_id(), cx.cluster()?.id);
    Ok(Tags { home, cluster, node: what_for.to_owned(), token: cx.step.token.clone() })
}

/// The end of a step that made something which new servers get.
fn recorded(found: Belonging) -> Done {
    let mut done = Done::note(found.name.clone());
    done.changes.push(Change::Cluster(Box::new(move |cluster| {
        let same = |old: &Belonging| old.cloud == found.cloud && old.kind == found.kind && old.what_for() == found.what_for();
        cluster.belongings.retain(|old| !same(old));
        cluster.belongings.push(found);
    })));
    done
}

/// Makes the cluster's network, or takes over what an earlier attempt made of it.
pub async fn make(cx: &StepCx) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    settle(cx, &cloud, &call, BelongingKind::Network, "").await?;
    let name = format!("qd-{}", cx.cluster()?.name);
    call.output.line(&format!("network {name} on {}", cloud.name()));
    let tags = tags(cx, "")?;
    Ok(recorded(call.run(&cx.step.title, cloud.make_network(&call, &name, &tags)).await?))
}

/// Makes a security group, or brings the one that is there to these ports.
pub async fn security_group(cx: &StepCx, group: Option<&str>, ports: &[Ports]) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let what_for = group.unwrap_or_default();
    settle(cx, &cloud, &call, BelongingKind::SecurityGroup, what_for).await?;
    let cluster = &cx.cluster()?.name;
    let name = group.map_or_else(|| format!("qd-{cluster}"), |group| format!("qd-{cluster}-{group}"));
    let wanted = NewSecurityGroup { name, ports: ports.to_vec(), members: group.is_none(), tags: tags(cx, what_for)? };
    let open: Vec<String> = ports.iter().map(Ports::to_string).collect();
    call.output.line(&format!("security group {} on {}, open: {}", wanted.name, cloud.name(), open.join(", ")));
    Ok(recorded(call.run(&cx.step.title, cloud.security_group(&call, &wanted)).await?))
}

/// Gives the server of a node a public address, and reaches it there from now on.
pub async fn public_address(cx: &StepCx) -> Result<Done, Failure> {
    let (cloud, call, node) = (cx.cloud()?, cx.cx(), cx.node()?);
    let server = node.server.as_deref().ok_or_else(|| Failure::broken(&cx.step.title, "the node has no server"))?;
    let name = node.name.clone();
    settle(cx, &cloud, &call, BelongingKind::FloatingIp, &name).await?;
    let tags = tags(cx, &name)?;
    let found = call.run(&cx.step.title, cloud.public_address(&call, server, &tags)).await?;
    let lent = if found.lent { "was free" } else { "allocated" };
    call.output.line(&format!("floating IP {} ({lent}) leads to server {server}", found.name));
    Ok(Done::note(found.name.clone()).node(&name, move |n| n.address = Some(found.name)))
}

/// Gives a server of no cluster a public address. It is marked with the server's token: names may come twice.
pub async fn public_address_of(cx: &StepCx, server: &Server) -> Result<String, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let what_for = cx.step.token.0.clone();
    let tags = Tags { home: cx.core.store.home_id(), cluster: no_cluster(), node: what_for, token: cx.step.token.clone() };
    super::server::until_active(cx, &server.id, &server.name).await?;
    let found = call.run(&cx.step.title, cloud.public_address(&call, &server.id, &tags)).await?;
    call.output.line(&format!("floating IP {} leads to server {}", found.name, server.id));
    Ok(found.name)
}

/// Gives back the public address of a server of no cluster, which a step with this token has made.
///
/// # Errors
/// The cloud's own.
pub async fn release_of(cloud: &Arc<dyn Cloud>, call: &Cx, home: HomeId, token: &Token) -> Result<(), Failure> {
    if cloud.capabilities().check(FLOATING_IPS).is_err() {
        return Ok(());
    }
    let mut its = cloud.belongings(call, home, no_cluster()).await?;
    its.retain(|found| found.what_for() == token.0);
    if its.is_empty() { Ok(()) } else { cloud.give_back(call, &its).await }
}

/// What servers of no cluster carry in its place.
fn no_cluster() -> ClusterId {
    ClusterId(uuid::Uuid::nil())
}

/// What a new server of a node gets of what its cluster has on the cloud.
pub fn place(cluster: &Cluster, node: Option<&str>, cloud: &CloudName, nodes: &[Node], wanted: &mut NewServer) {
    let group = nodes.iter().find(|n| Some(n.name.as_str()) == node).map(|n| n.group.as_str());
    let here = |kind| cluster.belongings.iter().filter(move |found| found.cloud == *cloud && found.kind == kind);
    if wanted.networks.is_empty() {
        wanted.networks.extend(here(BelongingKind::Network).map(|found| found.id.clone()));
    }
    let its = |found: &&Belonging| found.what_for().is_empty() || Some(found.what_for()) == group;
    wanted.security_groups.extend(here(BelongingKind::SecurityGroup).filter(its).map(|found| found.id.clone()));
}

/// Takes away what the step has made; what was there before stays.
pub async fn undo(cx: &StepCx) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let made = |found: &Belonging| found.tags.as_ref().is_some_and(|tags| tags.token == cx.step.token);
    let made = look(cx, &cloud, &call, made).await?;
    remove(cx, &cloud, &call, &made).await?;
    let mut done = Done::note(format!("{} given back", made.len()));
    done.changes.push(Change::Cluster(Box::new(move |cluster| {
        cluster.belongings.retain(|old| !made.iter().any(|gone| gone.id == old.id));
    })));
    Ok(done)
}

/// Gives back the public address that the step got.
pub async fn release(cx: &StepCx) -> Result<Done, Failure> {
    let mut done = undo(cx).await?;
    if let Some(node) = &cx.step.node {
        done = done.node(node, |n| n.address = n.inner_address.clone());
    }
    Ok(done)
}

/// What the cluster has twice, or for nodes that it no longer has.
pub async fn surplus(cx: &StepCx) -> Result<Vec<Belonging>, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let mut seen = std::collections::BTreeSet::new();
    let mut found = belongings(cx, &cloud, &call).await?;
    found.retain(|found| {
        let its_node = || cx.nodes.iter().any(|n| n.cloud == found.cloud && n.name == found.what_for() && stays(n));
        // In order of age: what came twice came later.
        let twice = !seen.insert((found.kind, found.what_for().to_owned()));
        found.tags.is_some() && (twice || found.kind == BelongingKind::FloatingIp && !its_node())
    });
    Ok(found)
}

/// Deletes belongings, and says so.
pub async fn remove(cx: &StepCx, cloud: &Arc<dyn Cloud>, call: &Cx, those: &[Belonging]) -> Result<(), Failure> {
    if those.is_empty() {
        return Ok(());
    }
    for one in those {
        call.output.line(&format!("{} {one}", if one.lent { "letting go of" } else { "deleting" }));
    }
    // What hung on it may still be on its way out.
    for _ in 1..TRIES {
        match call.run(&cx.step.title, cloud.give_back(call, those)).await {
            Err(failure) if failure.heals() => call.sleep(&cx.step.title, PAUSE).await?,
            ended => return ended,
        }
    }
    call.run(&cx.step.title, cloud.give_back(call, those)).await
}

/// Gives back all that the cluster has on the cloud beside servers.
pub async fn give_back(cx: &StepCx) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let all = belongings(cx, &cloud, &call).await?;
    remove(cx, &cloud, &call, &all).await?;
    let name = cloud.name().clone();
    let mut done = Done::note(if all.is_empty() { "nothing".to_owned() } else { format!("{} given back", all.len()) });
    done.changes.push(Change::Cluster(Box::new(move |cluster| cluster.belongings.retain(|old| old.cloud != name))));
    Ok(done)
}

/// What is left of the cluster on the cloud beside servers, for messages.
pub async fn left(cx: &StepCx) -> Result<Vec<String>, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    Ok(belongings(cx, &cloud, &call).await?.iter().map(Belonging::to_string).collect())
}

/// Whether a node's things are to stay.
pub fn stays(node: &Node) -> bool {
    !matches!(node.state, NodeState::Deleting | NodeState::Failed | NodeState::Gone)
}
