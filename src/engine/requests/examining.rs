//! Looking around before anything is configured: what this computer has, and whether a cloud would answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::ansible::Ansible;
use crate::base::Cx;
use crate::clouds::Cloud;
use crate::clouds::sandbox::{Knobs, Sandbox, Settings as SandboxSettings};
use crate::engine::clouds::{DRIVERS, open, same};
use crate::engine::core::Core;
use crate::engine::door::CloudEntry;
use crate::engine::settings::EngineSettings;
use crate::model::{CloudName, Failure, Finding, Part};
use crate::protocol::Answer;
use crate::protocol::command::Trial;

/// Longest wait for all of it.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
/// Below so much free space a look is worth it, bytes.
const LITTLE: u64 = 2 << 30;

/// What this computer has, as the engine sees it: disk, Python and Ansible, what the sandbox needs of the kernel.
pub async fn examine(core: &Arc<Core>) -> Answer {
    let cx = Cx::quiet().within(LIMIT);
    let (tools, kernel) = tokio::join!(tools(core, &cx), kernel(core));
    let findings = [vec![disk(core)], tools, kernel].concat();
    Answer::Examined { findings, drivers: DRIVERS.to_vec() }
}

fn disk(core: &Core) -> Finding {
    let at = core.settings.dirs.data.display();
    match (core.store.room(), core.store.free()) {
        (Err(failure), _) | (Ok(()), Err(failure)) => Finding::failed(Part::Disk, "room", &failure),
        (Ok(()), Ok(free)) if free < LITTLE => Finding::note(Part::Disk, "room", format!("{} free at {at}", gib(free)))
            .next("make room: runs write their output there"),
        (Ok(()), Ok(free)) => Finding::ok(Part::Disk, "room", format!("{} free at {at}", gib(free))),
    }
}

/// Tenths of a GiB; enough for people.
fn gib(bytes: u64) -> String {
    let tenths = (bytes >> 20) * 10 / 1024;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

async fn tools(core: &Core, cx: &Cx) -> Vec<Finding> {
    const PART: Part = Part::Tools;
    let settings = core.ansible_settings();
    let (found, all) = tokio::join!(crate::ansible::find(&settings, cx), crate::ansible::candidates(&settings, cx));
    let say = |ansible: &Ansible| format!("ansible-core {} ({})", ansible.version, ansible.playbook.display());
    let nothing = |name| Finding::note(PART, name, "none");
    vec![
        match &all.python {
            Ok((path, (major, minor))) => Finding::ok(PART, "python", format!("{major}.{minor} ({})", path.display())),
            Err(failure) => {
                Finding::note(PART, "python", failure.got.clone()).next(format!("for a managed Ansible: {}", failure.next))
            }
        },
        match &found {
            Ok(ansible) => Finding::ok(PART, "ansible", say(ansible)),
            Err(failure) => Finding::missing(PART, "ansible", failure.got.clone()).next(failure.next.clone()),
        },
        match &all.managed {
            Some(ansible) => Finding::ok(PART, "managed ansible", say(ansible)),
            None => nothing("managed ansible"),
        },
        match &all.on_path {
            Ok(Some(ansible)) => Finding::ok(PART, "ansible on the path", say(ansible)),
            Ok(None) => nothing("ansible on the path"),
            Err(failure) => Finding::note(PART, "ansible on the path", format!("{}: {}", failure.at, failure.got)),
        },
    ]
}

/// The sandbox looks at the kernel as thoroughly as starting a server would, in a place of its own.
async fn kernel(core: &Core) -> Vec<Finding> {
    let scratch = Scratch::under(&core.settings);
    let opened = Sandbox::open(SandboxSettings {
        name: CloudName::new("look"),
        home: core.store.home_id(),
        dir: scratch.0.clone(),
        program: core.settings.program.clone(),
        knobs: Knobs::default(),
    });
    match opened {
        Ok(sandbox) => sandbox.doctor().await,
        Err(failure) => vec![Finding::failed(Part::Kernel, "sandbox", &failure)],
    }
}

/// A folder that goes with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn under(settings: &EngineSettings) -> Self {
        Self(settings.dirs.sandbox.join(format!(".look-{}", Uuid::new_v4().simple())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is small, and of no cloud's name.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Asks a cloud that is not configured, or not so, who we are there and what it has. Nothing of it is kept.
///
/// # Errors
/// This version has no such driver, its settings are wrong, or the cloud's own error.
pub async fn try_out(core: &Core, entry: CloudEntry) -> Result<Answer, Failure> {
    let known = core.clouds.all().into_iter().find(|a| a.entry.name == entry.name && a.entry.driver == entry.driver);
    let scratch = Scratch::under(&core.settings);
    let cloud: Arc<dyn Cloud> = match known.filter(|a| same(&a.entry, &entry)) {
        Some(account) => account.driver?,
        None => {
            let mut settings = core.settings.clone();
            settings.dirs.sandbox.clone_from(&scratch.0);
            open(&entry, &settings, core.store.home_id())?
        }
    };
    let cx = Cx::quiet().within(LIMIT);
    let began = Instant::now();
    let tried = format!("test cloud {}", entry.name);
    let identity = cx.run(&tried, cloud.identity(&cx)).await?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (flavors, images) = cx.run(&tried, async { tokio::try_join!(cloud.flavors(&cx), cloud.images(&cx)) }).await?;
    let capabilities = cloud.capabilities();
    Ok(Answer::Trial(Box::new(Trial { identity, flavors, images, capabilities, took_ms })))
}
