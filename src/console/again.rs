//! Lists that are read again: because somebody wants it, or because they could not be read.

use crate::model::{CloudName, DockerName};
use crate::protocol::Command;

use super::deeds;
use super::layers::Layer;
use super::layers::choose::{self, Choose};
use super::msg::Slot;
use super::panes;
use super::state::{Model, Tab};

/// Reads what the open tab shows again.
pub fn refresh(model: &mut Model) {
    model.ask_anew();
    if model.run.is_some() {
        return;
    }
    if model.tab.is_asked_for() {
        return deeds::refresh(model);
    }
    if model.tab == Tab::Docker {
        return model.request(Slot::Dockers, Command::Dockers { test: true });
    }
    let all: Vec<String> = model.lists_of(model.tab).into_iter().map(|(of, _)| of).collect();
    for of in all {
        let Some(command) = read_again(model.tab, &of) else { return };
        model.request(Slot::Act(format!("reading the {} of {of}", model.tab.name())), command);
    }
}

/// Reads the list of a tab again, of this cloud or Docker engine.
fn read_again(tab: Tab, of: &str) -> Option<Command> {
    match (tab, tab.list()) {
        (_, Some(list)) => Some(Command::Refresh { cloud: CloudName::new(of), list }),
        (Tab::Held(list), None) => Some(Command::DockerRefresh { docker: DockerName::new(of), list }),
        (_, None) => None,
    }
}

/// Why the list of the selected cloud cannot be read, and a way to try again.
pub fn open_missing(model: &mut Model) -> bool {
    let Some((of, failure)) = panes::missing::selected(model) else { return false };
    let Some(command) = read_again(model.tab, &of) else { return false };
    let parts = [("tried", &failure.tried), ("at", &failure.at), ("got", &failure.got), ("next", &failure.next)];
    let lines = parts.iter().filter(|(_, part)| !part.is_empty()).map(|(name, part)| format!("{name:<7} {part}"));
    let again = choose::Way { key: 't', label: "test: ask it again now".to_owned(), command };
    let layer = Choose {
        title: format!("{} of {of} cannot be read", model.tab.name()),
        text: lines.collect::<Vec<_>>().join("\n"),
        ways: vec![again],
        about: of,
        danger: true,
    };
    model.layers.push(Layer::Choose(layer));
    true
}
