//! What was done to servers, as their clouds tell: read when somebody asks for it.

use crate::model::{CloudName, Server, ServerAction};
use crate::protocol::Command;

use super::act::go_by_line;
use super::msg::Slot;
use super::resource::Resource;
use super::state::{Model, Tab};
use super::widgets::filter::quoted;

/// Servers whose actions are kept, those that were asked for last.
const KEEP: usize = 20;

/// Actions of one server.
#[derive(Clone, Debug)]
struct Of {
    /// `cloud/id`.
    server: String,
    /// Its name when they were asked for.
    name: String,
    /// The newest first; `None`: they are being read.
    actions: Option<Vec<ServerAction>>,
}

/// Actions of the servers that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Deeds(Vec<Of>);

/// An action with the row id (`cloud/id`) and the name of its server.
pub type Deed<'d> = (&'d str, &'d str, &'d ServerAction);

impl Deeds {
    /// All that is known, the server that was asked for last first.
    pub fn each(&self) -> impl Iterator<Item = Deed<'_>> {
        self.0.iter().rev().flat_map(|of| {
            let (server, name) = (of.server.as_str(), of.name.as_str());
            of.actions.iter().flatten().map(move |action| (server, name, action))
        })
    }

    /// Some are being read.
    pub fn waits(&self) -> bool {
        self.0.iter().any(|of| of.actions.is_none())
    }

    fn ask(&mut self, server: &str, name: &str) {
        let known = self.0.iter().position(|of| of.server == server).map(|at| self.0.remove(at));
        let actions = known.and_then(|of| of.actions);
        self.0.push(Of { server: server.to_owned(), name: name.to_owned(), actions });
        if self.0.len() > KEEP {
            self.0.remove(0);
        }
    }
}

/// Shows what was done to a server.
pub fn open(model: &mut Model, server: &Server) {
    ask(model, &format!("{}/{}", server.cloud, server.id), &server.name);
    go_by_line(model, &format!("actions server={} cloud={}", quoted(&server.name), server.cloud));
}

fn ask(model: &mut Model, id: &str, name: &str) {
    let Some((cloud, server)) = id.split_once('/') else { return };
    model.deeds.ask(id, name);
    let command = Command::ServerActions { cloud: CloudName::new(cloud), server: server.to_owned() };
    model.request(Slot::Actions(id.to_owned()), command);
    touch(model);
}

/// Reads those of the server that was asked for last once more.
pub fn refresh(model: &mut Model) {
    if let Some((id, name)) = model.deeds.0.last().map(|of| (of.server.clone(), of.name.clone())) {
        ask(model, &id, &name);
    }
}

/// They came.
pub fn read(model: &mut Model, id: &str, actions: Vec<ServerAction>) {
    if let Some(of) = model.deeds.0.iter_mut().find(|of| of.server == id) {
        of.actions = Some(actions);
    }
    touch(model);
}

/// They cannot be read.
pub fn refused(model: &mut Model, id: &str) {
    model.deeds.0.retain(|of| of.server != id || of.actions.is_some());
    touch(model);
}

fn touch(model: &mut Model) {
    model.touch(Tab::Resource(Resource::Actions));
    model.touch(Tab::Resource(Resource::Events));
}
