//! Where a line leads.

use crate::console::act::console_log_of;
use crate::console::layers::{Layer, PlanLayer};
use crate::console::msg::Slot;
use crate::console::run::Part;
use crate::console::state::{Model, Tab};
use crate::console::theme::Role;
use crate::console::update::open_run;
use crate::model::{CloudName, RunNo};
use crate::protocol::Command;

use super::subject::Subject;
use super::{Kind, open};

/// A place, or something that can be done.
#[derive(Clone, PartialEq, Debug)]
pub enum Jump {
    Describe(Subject),
    Explain(Subject),
    /// The thing in its list, or in its run.
    Show(Subject),
    /// The line of a step's output that holds this byte.
    Output {
        run: RunNo,
        step: u32,
        byte: u64,
    },
    /// A host among those of a step's playbook.
    Host {
        run: RunNo,
        step: u32,
        host: String,
    },
    Timeline(Subject),
    ConsoleLog {
        cloud: CloudName,
        server: String,
        name: String,
    },
    /// Something that is planned and looked at first.
    Plan {
        title: String,
        command: Box<Command>,
    },
    /// Something that is done at once; what is said of it.
    Do {
        says: String,
        command: Box<Command>,
    },
}

/// Goes there.
pub fn follow(model: &mut Model, jump: Jump) {
    match jump {
        Jump::Describe(subject) => open(model, Kind::facts(subject)),
        Jump::Explain(subject) => open(model, Kind::Explain(subject)),
        Jump::Timeline(subject) => open(model, Kind::timeline(subject)),
        Jump::Show(subject) => show(model, &subject),
        Jump::Output { run, step, byte } => {
            in_run(model, run, step, Part::Output);
            if let Some(view) = &mut model.run {
                view.go_to_byte(step, byte);
            }
        }
        Jump::Host { run, step, host } => {
            in_run(model, run, step, Part::Hosts);
            model.make_rows();
            if let Some(view) = &mut model.run {
                view.hosts.select(Some(&host));
            }
        }
        Jump::ConsoleLog { cloud, server, name } => console_log_of(model, cloud, server, &name),
        Jump::Plan { title, command } => match model.why_only_looking() {
            Some(why) => model.say(why, Role::Warn),
            None => {
                let layer = PlanLayer::ask(model, title, *command);
                model.layers.push(Layer::Plan(Box::new(layer)));
            }
        },
        Jump::Do { says, command } => match model.why_only_looking() {
            Some(why) => model.say(why, Role::Warn),
            None => {
                let slot = if matches!(*command, Command::Retry { .. }) { Slot::Start } else { Slot::Act(says) };
                model.request(slot, *command);
            }
        },
    }
}

/// The run with one of its steps selected; texts make room for it.
fn in_run(model: &mut Model, run: RunNo, step: u32, part: Part) {
    close_texts(model);
    open_run(model, run);
    if let Some(view) = &mut model.run {
        view.steps.select(Some(&step.to_string()));
        view.part = part;
    }
}

fn close_texts(model: &mut Model) {
    model.layers.retain(|layer| !matches!(layer, Layer::Text(_)));
}

fn show(model: &mut Model, subject: &Subject) {
    let (tab, row) = match subject {
        Subject::Cloud(name) => (Tab::Clouds, name.to_string()),
        Subject::Flavor(cloud, id) => (Tab::Flavors, format!("{cloud}/{id}")),
        Subject::Image(cloud, id) => (Tab::Images, format!("{cloud}/{id}")),
        Subject::Resource(kind, row) => (Tab::Resource(*kind), row.clone()),
        Subject::Server(cloud, id) => (Tab::Servers, format!("{cloud}/{id}")),
        Subject::Cluster(id) | Subject::Node(id, _) => (Tab::Clusters, id.to_string()),
        Subject::Docker(tab, row) => (*tab, row.clone()),
        Subject::Run(run) => {
            close_texts(model);
            return open_run(model, *run);
        }
        Subject::Step(run, step) | Subject::Task { run, step, .. } => return in_run(model, *run, *step, Part::Steps),
    };
    close_texts(model);
    model.run = None;
    model.lower = false;
    model.tab = tab;
    model.touch(tab);
    model.make_rows();
    model.table_mut(tab).select(Some(&row));
    if let Subject::Node(_, name) = subject {
        model.make_rows();
        model.lower = true;
        model.nodes.select(Some(name));
    }
}
