//! The embedded cloud: a server is a process of this program in namespaces of its own.
//!
//! It is a real target for SSH and Ansible and needs no account, no root and no downloaded image.
//! It is no security boundary: programs on its servers run as the user of the engine, on the host's network.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{Cloud, Manners};
use crate::base::Cx;
use crate::model::{
    Capabilities, CloudName, ClusterId, Driver, Failure, Flavor, FloatingIp, HomeId, Identity, Image, KeyPair, Network,
    NewServer, PowerAction, Quota, Server, Token,
};

mod knobs;

pub use knobs::Knobs;

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

/// One thing that the sandbox needs of this computer, looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was looked at: `user namespaces`.
    pub name: String,
    /// Whether it is as the sandbox wants it.
    pub ok: bool,
    /// What was found.
    pub note: String,
    /// What to do about it; empty when there is nothing to do.
    pub fix: String,
}

/// See the module.
pub struct Sandbox {
    settings: Settings,
}

impl Sandbox {
    /// Opens the cloud in its directory, which is made when it is not there; finishes what an engine that was
    /// killed left half done.
    ///
    /// # Errors
    /// The directory cannot be made or used.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        Ok(Self { settings })
    }

    /// The knobs as they are now.
    pub fn knobs(&self) -> Knobs {
        self.settings.knobs.clone()
    }

    /// Turns the knobs; servers that run hear of it.
    pub fn set_knobs(&self, knobs: Knobs) {
        let _ = knobs;
        unimplemented!()
    }

    /// Looks at what the sandbox needs of this computer.
    pub async fn doctor(&self) -> Vec<Finding> {
        unimplemented!()
    }
}

/// The hidden part of the program that becomes a server: `__sandbox …`. Returns the exit code.
pub fn main_hidden(args: Vec<std::ffi::OsString>) -> i32 {
    let _ = args;
    unimplemented!()
}

#[async_trait]
impl Cloud for Sandbox {
    fn name(&self) -> &CloudName {
        &self.settings.name
    }

    fn driver(&self) -> Driver {
        Driver::Sandbox
    }

    fn endpoint(&self) -> String {
        self.settings.dir.display().to_string()
    }

    fn capabilities(&self) -> Capabilities {
        unimplemented!()
    }

    fn manners(&self) -> Manners {
        unimplemented!()
    }

    async fn identity(&self, _cx: &Cx) -> Result<Identity, Failure> {
        unimplemented!()
    }

    async fn flavors(&self, _cx: &Cx) -> Result<Vec<Flavor>, Failure> {
        unimplemented!()
    }

    async fn images(&self, _cx: &Cx) -> Result<Vec<Image>, Failure> {
        unimplemented!()
    }

    async fn networks(&self, _cx: &Cx) -> Result<Vec<Network>, Failure> {
        unimplemented!()
    }

    async fn key_pairs(&self, _cx: &Cx) -> Result<Vec<KeyPair>, Failure> {
        unimplemented!()
    }

    async fn floating_ips(&self, _cx: &Cx) -> Result<Vec<FloatingIp>, Failure> {
        unimplemented!()
    }

    async fn quota(&self, _cx: &Cx) -> Result<Quota, Failure> {
        unimplemented!()
    }

    async fn servers(&self, _cx: &Cx) -> Result<Vec<Server>, Failure> {
        unimplemented!()
    }

    async fn server(&self, _cx: &Cx, _id: &str) -> Result<Server, Failure> {
        unimplemented!()
    }

    async fn servers_by_token(&self, _cx: &Cx, _token: &Token) -> Result<Vec<Server>, Failure> {
        unimplemented!()
    }

    async fn servers_of_cluster(&self, _cx: &Cx, _home: HomeId, _cluster: ClusterId) -> Result<Vec<Server>, Failure> {
        unimplemented!()
    }

    async fn console_log(&self, _cx: &Cx, _id: &str, _lines: u32) -> Result<String, Failure> {
        unimplemented!()
    }

    async fn create_server(&self, _cx: &Cx, _server: &NewServer) -> Result<Server, Failure> {
        unimplemented!()
    }

    async fn delete_server(&self, _cx: &Cx, _id: &str) -> Result<(), Failure> {
        unimplemented!()
    }

    async fn power(&self, _cx: &Cx, _id: &str, _action: PowerAction) -> Result<(), Failure> {
        unimplemented!()
    }
}
