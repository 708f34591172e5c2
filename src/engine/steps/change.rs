//! Changes of servers that take their time: a new disk, another flavor.

use std::sync::Arc;

use super::{Done, StepCx};
use crate::base::Cx;
use crate::clouds::Cloud;
use crate::model::capability::names::ACTIONS;
use crate::model::{Class, Failure, Server, ServerChange, ServerStatus};

/// Changes a server and waits until it has changed.
pub async fn change(cx: &StepCx, id: &str, change: &ServerChange) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    call.output.line(&format!("{} on {}", cx.step.title, cloud.name()));
    begin(cx, &cloud, &call, id, change).await?;
    let mut server = settled(cx, &cloud, id).await?;
    if let ServerChange::Resize { flavor, confirm } = change {
        check(&cloud, &call, &server, flavor).await?;
        if *confirm && server.status == ServerStatus::VerifyResize {
            begin(cx, &cloud, &call, id, &ServerChange::ConfirmResize).await?;
            server = until(cx, &cloud, id, |status| *status != ServerStatus::VerifyResize).await?;
        }
    }
    if *change == ServerChange::ConfirmResize {
        server = until(cx, &cloud, id, |status| *status != ServerStatus::VerifyResize).await?;
    }
    cx.core.pokes.servers(cloud.name());
    if server.status == ServerStatus::VerifyResize {
        call.output.line(&format!("to keep the new flavor: quarterdeck server confirm {}", server.name));
        call.output.line(&format!("to take it back:        quarterdeck server revert {}", server.name));
    }
    Ok(Done::note(format!("{}, {}", server.status, server.flavor)))
}

async fn begin(cx: &StepCx, cloud: &Arc<dyn Cloud>, call: &Cx, id: &str, change: &ServerChange) -> Result<(), Failure> {
    call.run(&cx.step.title, cloud.change_server(call, id, change, &cx.step.token)).await?;
    cx.core.pokes.servers(cloud.name());
    Ok(())
}

/// Waits until nothing goes on with a server.
async fn settled(cx: &StepCx, cloud: &Arc<dyn Cloud>, id: &str) -> Result<Server, Failure> {
    until(cx, cloud, id, |status| !matches!(status, ServerStatus::Rebuild | ServerStatus::Resize | ServerStatus::Build)).await
}

/// Waits until a server's state is one of those.
///
/// # Errors
/// It went to `error`, or took too long.
async fn until(cx: &StepCx, cloud: &Arc<dyn Cloud>, id: &str, wanted: impl Fn(&ServerStatus) -> bool) -> Result<Server, Failure> {
    let manners = cloud.manners();
    let call = cx.cx().within(manners.boot_limit);
    let mut last = None;
    loop {
        let server = call.run(&cx.step.title, cloud.server(&call, id)).await?;
        if last.as_ref() != Some(&server.status) {
            call.output.line(&format!("server {} is {}", server.name, server.status));
            last = Some(server.status.clone());
        }
        match &server.status {
            ServerStatus::Error => {
                let fault = server.fault.unwrap_or_else(|| "the cloud gives no reason".to_owned());
                return Err(Failure::new(Class::Broken, &cx.step.title, fault)
                    .at(cloud.endpoint())
                    .next(format!("what the cloud did: quarterdeck server actions {}", server.name)));
            }
            status if wanted(status) => return Ok(server),
            status => {
                let limit = manners.boot_limit.as_secs();
                let late = |f: Failure| match f.class {
                    Class::Transient => Failure::new(Class::Broken, &cx.step.title, format!("still {status} after {limit} s"))
                        .at(cloud.endpoint()),
                    _ => f,
                };
                call.sleep(&cx.step.title, manners.poll).await.map_err(late)?;
            }
        }
    }
}

/// A cloud that finds no room leaves the server as it was, and says so among its actions only.
async fn check(cloud: &Arc<dyn Cloud>, call: &Cx, server: &Server, flavor: &str) -> Result<(), Failure> {
    if server.status == ServerStatus::VerifyResize || server.flavor == flavor {
        return Ok(());
    }
    let tried = format!("resize server {} to {flavor}", server.name);
    // A flavor may have been named by its id.
    let flavors = call.run(&tried, cloud.flavors(call)).await?;
    if flavors.iter().any(|f| f.id == flavor && f.name == server.flavor) {
        return Ok(());
    }
    let mut got = format!("the cloud has left it at {}", server.flavor);
    if cloud.capabilities().check(ACTIONS).is_ok() {
        let actions = call.run(&tried, cloud.server_actions(call, &server.id)).await?;
        let last = actions.into_iter().find(|action| action.action == "resize");
        let details = last.as_ref().and_then(|action| {
            let failed = action.events.iter().rev().find_map(|event| event.details.clone());
            failed.or_else(|| action.message.clone())
        });
        if let Some(line) = details.as_deref().and_then(|text| text.lines().rfind(|line| !line.trim().is_empty())) {
            got = format!("{got}: {}", line.trim());
        }
    }
    let next = format!("take another flavor; what the cloud did: quarterdeck server actions {}", server.name);
    Err(Failure::new(Class::Refused, tried, got).at(cloud.endpoint()).next(next))
}
