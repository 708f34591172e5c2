//! The embedded cloud: a server is a process of this program in namespaces of its own.
//!
//! It is a real target for SSH and Ansible and needs no account, no root and no downloaded image.
//! It is no security boundary: programs on its servers run as the user of the engine, on the host's network.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;

use super::{Cloud, Manners};
use crate::base::Cx;
use crate::model::capability::names;
use crate::model::{
    Capabilities, Capability, CloudName, ClusterId, Driver, Failure, Finding, Flavor, FloatingIp, HomeId, Identity, Image,
    KeyPair, Network, NewImage, NewServer, PowerAction, Quota, Server, Token, Verdict,
};

mod address;
mod cgroup;
mod check;
mod doctor;
mod faults;
mod flavors;
mod forbidden;
mod hidden;
mod ids;
mod images;
mod inside;
mod knobs;
mod layout;
mod life;
mod node;
mod process;
mod record;
mod skeleton;
mod tree;
mod view;

pub use knobs::Knobs;

use faults::{Dice, SshFaults};
use life::{BootFaults, Life, Seen};

/// What a sandbox cloud is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in this home.
    pub name: CloudName,
    pub home: HomeId,
    /// Where it keeps its servers and images: `<data>/sandbox/<name>`.
    pub dir: PathBuf,
    /// This program, to be executed again for every server.
    pub program: PathBuf,
    pub knobs: Knobs,
}

/// See the module.
pub struct Sandbox {
    name: CloudName,
    life: Arc<Life>,
    knobs: RwLock<Knobs>,
    dice: Dice,
    /// Whether the kernel limits memory for us, asked once.
    limited: OnceLock<Result<(), String>>,
}

/// The hidden part of the program that becomes a server: `__sandbox …`. Returns the exit code.
/// Call it before the process has threads: it forks, and enters namespaces.
pub fn main_hidden(args: Vec<std::ffi::OsString>) -> i32 {
    hidden::main(&args)
}

impl Sandbox {
    /// Opens the cloud in its directory, which is made when it is not there; finishes what an engine that was
    /// killed left half done.
    ///
    /// # Errors
    /// The directory cannot be made or used.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        let Settings { name, home, dir, program, knobs } = settings;
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        let life = Arc::new(Life::new(&dir, home.to_string(), program));
        let opened =
            life.set_up().and_then(|()| SshFaults::of(&knobs).write(&life.layout.faults())).and_then(|()| life.recover());
        let remains = opened.map_err(|e| {
            Failure::broken(format!("open the sandbox cloud {name}"), e)
                .at(dir.display())
                .next("check that the directory is yours and its disk is not full")
        })?;
        if !remains.is_empty() {
            let life = life.clone();
            std::thread::spawn(move || {
                for path in remains {
                    // What cannot be removed now is tried again at the next start.
                    let _ = inside::remove_with(life.program(), &path, &life.ids);
                }
            });
        }
        Ok(Self { name, life, knobs: RwLock::new(knobs), dice: Dice::default(), limited: OnceLock::new() })
    }

    /// The knobs as they are now.
    pub fn knobs(&self) -> Knobs {
        self.knobs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns the knobs; servers that run hear of those that are about SSH.
    pub fn set_knobs(&self, knobs: Knobs) {
        let old = std::mem::replace(&mut *self.knobs.write().unwrap_or_else(PoisonError::into_inner), knobs.clone());
        // Without the file servers keep the faults they had; that is no reason to refuse the other knobs.
        let _ = SshFaults::of(&knobs).write(&self.life.layout.faults());
        if knobs.ssh_cuts > old.ssh_cuts {
            self.life.signal_all(libc::SIGUSR1);
        }
    }

    /// Looks at what the sandbox needs of this computer, as thoroughly as starting a server would.
    pub async fn doctor(&self) -> Vec<Finding> {
        let life = self.life.clone();
        let work = move || doctor::examine(life.program(), &life.layout.dir, &life.ids);
        tokio::task::spawn_blocking(work).await.unwrap_or_default()
    }

    /// What a call meets before it does anything: latency, throttling, errors.
    async fn door(&self, cx: &Cx, tried: &str) -> Result<(), Failure> {
        let knobs = self.knobs();
        if knobs.api_latency_ms > 0 {
            cx.sleep(tried, Duration::from_millis(knobs.api_latency_ms)).await?;
        }
        if self.dice.call(&knobs, "throttle", knobs.api_throttle_rate) {
            let mut failure =
                Failure::new(crate::model::Class::Throttled, tried, "429: too many requests (knob api_throttle_rate)");
            failure.retry_after_ms = Some(100);
            return Err(failure.at(self.endpoint()));
        }
        if self.dice.call(&knobs, "error", knobs.api_error_rate) {
            return Err(Failure::transient(tried, "503: service unavailable (knob api_error_rate)").at(self.endpoint()));
        }
        Ok(())
    }

    /// What a changing call may meet after it did its work: the answer is lost.
    fn way_back<T>(&self, tried: &str, answer: T) -> Result<T, Failure> {
        let knobs = self.knobs();
        if self.dice.call(&knobs, "lost answer", knobs.api_lost_answer_rate) {
            let got = "the connection was cut before the answer came (knob api_lost_answer_rate)";
            return Err(Failure::transient(tried, got).at(self.endpoint()));
        }
        Ok(answer)
    }

    /// Does work that blocks, away from the runtime's threads. Cancelling stops the waiting, not the work, which
    /// can be repeated.
    async fn blocking<T, F>(&self, cx: &Cx, tried: &str, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Life) -> Result<T, Failure> + Send + 'static,
    {
        let life = self.life.clone();
        let task = tokio::task::spawn_blocking(move || work(&life));
        cx.run(tried, async { task.await.unwrap_or_else(|e| Err(Failure::broken(tried, e))) }).await
    }

    async fn all(
        &self,
        cx: &Cx,
        tried: &str,
        keep: impl Fn(&record::Record) -> bool + Send + 'static,
    ) -> Result<Vec<Server>, Failure> {
        self.door(cx, tried).await?;
        let name = self.name.clone();
        self.blocking(cx, tried, move |life| {
            let records = life.records().into_iter().filter(keep);
            Ok(records.map(|record| view::server(&name, life.see(record))).collect())
        })
        .await
    }

    fn boot_faults(&self, name: &str) -> BootFaults {
        let knobs = self.knobs();
        BootFaults { ms: knobs.boot_ms, fails: self.dice.boot_fails(&knobs, name) }
    }

    fn limited(&self) -> &Result<(), String> {
        self.limited.get_or_init(cgroup::check)
    }
}

/// The failure of work on server `id` that the system refused.
fn broken(tried: &str, at: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::transient(tried, error),
        _ => Failure::broken(tried, error),
    }
    .at(at.display())
    .next("quarterdeck doctor tells what the sandbox needs")
}

fn no_server(tried: &str, at: &Path, id: &str) -> Failure {
    Failure::not_found(tried, format!("there is no server {id:?}")).at(at.display())
}

impl Sandbox {
    /// Makes an image of what lies on this computer.
    async fn take_image(&self, cx: &Cx, tried: String, name: &str, source: images::Source) -> Result<Image, Failure> {
        self.door(cx, &tried).await?;
        let (id, now, what) = (name.to_owned(), cx.clock.now(), tried.clone());
        cx.progress.progress(0, None, &format!("copying {}", source.path.display()));
        let record = self
            .blocking(cx, &tried, move |life| {
                if let Some(why) = images::bad_name(&life.layout, &id) {
                    return Err(Failure::refused(&what, why).at(life.layout.dir.display()));
                }
                images::register(&life.layout, &life.ids, life.program(), &id, &source, now).map_err(|e| {
                    let failure = Failure::refused(&what, e).at(source.path.display());
                    failure.next("give a directory or tar of a root file system")
                })
            })
            .await?;
        self.way_back(&tried, view::image(&self.name, record))
    }
}

#[async_trait]
impl Cloud for Sandbox {
    fn name(&self) -> &CloudName {
        &self.name
    }

    fn driver(&self) -> Driver {
        Driver::Sandbox
    }

    fn endpoint(&self) -> String {
        self.life.layout.dir.display().to_string()
    }

    fn capabilities(&self) -> Capabilities {
        let no = |reason: &str| Capability::No { reason: reason.to_owned() };
        let limited = |note: String| Capability::Limited { note };
        let users = if self.life.ids.many() {
            Capability::Yes
        } else {
            limited("single: servers have root and no other user (no newuidmap or no subordinate ids here)".to_owned())
        };
        let memory = match self.limited() {
            Ok(()) => Capability::Yes,
            Err(why) => limited(format!("advisory: {why}")),
        };
        Capabilities::default()
            .with(names::POWER, Capability::Yes)
            .with(names::CONSOLE_LOG, Capability::Yes)
            .with(names::ACTIONS, no("the sandbox keeps no list of what was done to a server; its console log tells"))
            .with(names::REBUILD, no("a server of the sandbox is made in a moment: delete it and create it anew"))
            .with(names::RESIZE, no("a server of the sandbox is made in a moment: create one of another flavor"))
            .with(names::NETWORKS, no("servers of the sandbox share the host's network, each with an address of its own"))
            .with(
                names::FLOATING_IPS,
                no("every address of the sandbox can be reached from this computer, and from nowhere else"),
            )
            .with(names::SECURITY_GROUPS, no("whoever is on this computer reaches servers of the sandbox, and nobody else does"))
            .with(names::KEY_PAIRS, no("the sandbox keeps no keys: they are given to each server"))
            .with(names::VOLUMES, no("servers of the sandbox have their own disk and no other"))
            .with(names::SERVER_GROUPS, no("all servers of the sandbox are on this computer"))
            .with(names::BOOT_VOLUME, no("servers of the sandbox have their own disk and no other"))
            .with(names::HINTS, no("all servers of the sandbox are on this computer"))
            .with(names::ZONES, no("all servers of the sandbox are on this computer"))
            .with(
                names::IMAGE_UPLOAD,
                limited("a directory or archive of a root file system, copied on this computer".to_owned()),
            )
            .with(names::IMAGE_REGISTER, Capability::Yes)
            .with(names::QUOTA, Capability::Yes)
            .with(names::MEMORY_LIMIT, memory)
            .with(names::USERS, users)
            .with(names::FAULTS, Capability::Yes)
            .with(names::FILES, Capability::Yes)
    }

    fn manners(&self) -> Manners {
        let knobs = self.knobs();
        Manners {
            at_once: knobs.at_once,
            settle: Duration::ZERO,
            poll: Duration::from_millis(50),
            boot_limit: Duration::from_secs(60) + Duration::from_millis(knobs.boot_ms),
        }
    }

    async fn identity(&self, cx: &Cx) -> Result<Identity, Failure> {
        const TRIED: &str = "look at the sandbox cloud";
        self.door(cx, TRIED).await?;
        let findings = self.blocking(cx, TRIED, |life| Ok(doctor::namespaces(life.program(), &life.layout.dir))).await?;
        if let Some(bad) = findings.iter().find(|f| f.verdict == Verdict::Missing) {
            return Err(Failure::refused(TRIED, &bad.found).at(self.endpoint()).next(bad.next.clone()));
        }
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|u| u.name);
        let mut notes = vec![
            "no security boundary: programs on servers run as you, on this computer's network".to_owned(),
            "servers have no systemd and no package manager".to_owned(),
        ];
        if !self.life.ids.many() {
            notes.push("servers have root and no other user".to_owned());
        }
        if let Err(why) = self.limited() {
            notes.push(format!("memory limits are advisory: {why}"));
        }
        notes.extend(findings.into_iter().filter(|f| f.verdict != Verdict::Ok).map(|f| f.found));
        Ok(Identity { user: user.unwrap_or_else(|| nix::unistd::geteuid().to_string()), project: None, notes })
    }

    async fn flavors(&self, cx: &Cx) -> Result<Vec<Flavor>, Failure> {
        self.door(cx, "list flavors").await?;
        Ok(flavors::all(&self.name, self.limited()))
    }

    async fn images(&self, cx: &Cx) -> Result<Vec<Image>, Failure> {
        const TRIED: &str = "list images";
        self.door(cx, TRIED).await?;
        let registered = self.blocking(cx, TRIED, |life| Ok(images::registered(&life.layout))).await?;
        let host = view::host_image(&self.name);
        Ok(std::iter::once(host).chain(registered.into_iter().map(|record| view::image(&self.name, record))).collect())
    }

    async fn networks(&self, cx: &Cx) -> Result<Vec<Network>, Failure> {
        self.door(cx, "list networks").await?;
        Ok(vec![Network {
            cloud: self.name.clone(),
            id: life::NETWORK.to_owned(),
            name: life::NETWORK.to_owned(),
            cidr: Some("127.0.0.0/8".to_owned()),
            external: true,
        }])
    }

    async fn key_pairs(&self, cx: &Cx) -> Result<Vec<KeyPair>, Failure> {
        self.door(cx, "list key pairs").await?;
        Ok(Vec::new())
    }

    async fn floating_ips(&self, cx: &Cx) -> Result<Vec<FloatingIp>, Failure> {
        self.door(cx, "list floating IPs").await?;
        Ok(Vec::new())
    }

    async fn quota(&self, cx: &Cx) -> Result<Quota, Failure> {
        const TRIED: &str = "read the quota";
        self.door(cx, TRIED).await?;
        let knobs = self.knobs();
        self.blocking(cx, TRIED, move |life| Ok(flavors::quota(&life.records(), &knobs))).await
    }

    async fn servers(&self, cx: &Cx) -> Result<Vec<Server>, Failure> {
        self.all(cx, "list servers", |_| true).await
    }

    async fn server(&self, cx: &Cx, id: &str) -> Result<Server, Failure> {
        let tried = format!("look at server {id}");
        self.door(cx, &tried).await?;
        let (name, wanted) = (self.name.clone(), id.to_owned());
        let seen: Option<Seen> =
            self.blocking(cx, &tried, move |life| Ok(life.find(&wanted).map(|record| life.see(record)))).await?;
        seen.map(|seen| view::server(&name, seen)).ok_or_else(|| no_server(&tried, &self.life.layout.dir, id))
    }

    async fn servers_by_token(&self, cx: &Cx, token: &Token) -> Result<Vec<Server>, Failure> {
        let token = token.clone();
        self.all(cx, "find servers by token", move |record| record.tags.token == token && !record.deleting).await
    }

    async fn servers_of_cluster(&self, cx: &Cx, home: HomeId, cluster: ClusterId) -> Result<Vec<Server>, Failure> {
        let of = move |record: &record::Record| record.tags.home == home && record.tags.cluster == cluster;
        self.all(cx, "find servers of the cluster", of).await
    }

    async fn console_log(&self, cx: &Cx, id: &str, lines: u32) -> Result<String, Failure> {
        let tried = format!("read the console log of server {id}");
        self.door(cx, &tried).await?;
        let (wanted, what) = (id.to_owned(), tried.clone());
        self.blocking(cx, &tried, move |life| {
            let record = life.find(&wanted).ok_or_else(|| no_server(&what, &life.layout.dir, &wanted))?;
            let path = life.layout.server(&record.id).console();
            view::tail(&path, lines).map_err(|e| broken(&what, &path, &e))
        })
        .await
    }

    async fn create_server(&self, cx: &Cx, server: &NewServer) -> Result<Server, Failure> {
        let tried = format!("create server {}", server.name);
        self.door(cx, &tried).await?;
        let (name, new, knobs) = (self.name.clone(), server.clone(), self.knobs());
        let (faults, now, what) = (self.boot_faults(&server.name), cx.clock.now(), tried.clone());
        let created = self
            .blocking(cx, &tried, move |life| {
                let record = life.reserve(&new, &knobs, faults, now)?;
                life.launch_if_never_begun(&record).map_err(|e| broken(&what, &life.layout.dir, &e))?;
                Ok(view::server(&name, life.see(record)))
            })
            .await?;
        self.way_back(&tried, created)
    }

    async fn delete_server(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        let tried = format!("delete server {id}");
        self.door(cx, &tried).await?;
        let (wanted, what) = (id.to_owned(), tried.clone());
        self.blocking(cx, &tried, move |life| life.delete(&wanted).map_err(|e| broken(&what, &life.layout.dir, &e))).await?;
        self.way_back(&tried, ())
    }

    async fn power(&self, cx: &Cx, id: &str, action: PowerAction) -> Result<(), Failure> {
        let verb = match action {
            PowerAction::Start => "start",
            PowerAction::Stop => "stop",
            PowerAction::Reboot => "reboot",
        };
        let tried = format!("{verb} server {id}");
        self.door(cx, &tried).await?;
        let (wanted, what) = (id.to_owned(), tried.clone());
        let faults = self.boot_faults(id);
        self.blocking(cx, &tried, move |life| {
            if life.find(&wanted).is_none_or(|record| record.deleting) {
                return Err(no_server(&what, &life.layout.dir, &wanted));
            }
            let done = match action {
                PowerAction::Start => life.start(&wanted, faults),
                PowerAction::Stop => life.stop(&wanted),
                PowerAction::Reboot => life.reboot(&wanted, faults),
            };
            done.map_err(|e| broken(&what, &life.layout.dir, &e))
        })
        .await?;
        self.way_back(&tried, ())
    }

    async fn register_image(&self, cx: &Cx, name: &str, path: &Path) -> Result<Image, Failure> {
        let source = images::Source { path: path.to_owned(), token: None };
        self.take_image(cx, format!("register image {name}"), name, source).await
    }

    async fn upload_image(&self, cx: &Cx, image: &NewImage) -> Result<Image, Failure> {
        let tried = format!("upload image {}", image.name);
        if let Some(format) = &image.disk_format {
            let got = format!("the sandbox boots no disk images ({format})");
            return Err(Failure::refused(tried, got).next("give a directory or tar of a root file system"));
        }
        if let Some(there) = self.images_by_token(cx, &image.token).await?.pop() {
            return Ok(there);
        }
        let source = images::Source { path: image.path.clone(), token: Some(image.token.clone()) };
        self.take_image(cx, tried, &image.name, source).await
    }

    async fn images_by_token(&self, cx: &Cx, token: &Token) -> Result<Vec<Image>, Failure> {
        const TRIED: &str = "find images by token";
        self.door(cx, TRIED).await?;
        let mut records = self.blocking(cx, TRIED, |life| Ok(images::registered(&life.layout))).await?;
        records.retain(|record| record.token.as_ref() == Some(token));
        Ok(records.into_iter().map(|record| view::image(&self.name, record)).collect())
    }

    async fn delete_image(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        let tried = format!("delete image {id}");
        self.door(cx, &tried).await?;
        let (wanted, what) = (id.to_owned(), tried.clone());
        self.blocking(cx, &tried, move |life| life.delete_image(&what, &wanted)).await?;
        self.way_back(&tried, ())
    }
}
