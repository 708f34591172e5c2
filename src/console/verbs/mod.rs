//! The one name space: what can be typed into the palette, bound to a key, and kept on a digit. A line is a verb, which
//! is the name of an action or one of [`MORE`], and where it makes sense an argument: `servers status=error`,
//! `cluster delete web`, `theme light`. Verbs that the command line has too are called the same there.

mod complete;
mod find;
mod run;

use super::action::Action;
use super::state::Tab;

pub use complete::{Candidate, complete};
pub use find::server_and;
pub use run::{go_to, run};

/// What stands behind a verb.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    Nothing,
    /// A filter of a tab.
    Filter(Tab),
    /// A filter of the tab that is open.
    FilterHere,
    Cloud,
    Cluster,
    /// A cluster, then `GROUP=COUNT`.
    Counts,
    /// A cluster, then playbooks.
    Playbooks,
    Server,
    /// A server, then a flavor of its cloud.
    ServerFlavor,
    /// A server, then an image of its cloud.
    ServerImage,
    /// A node of a cluster, or a server.
    Node,
    Image,
    Run,
    /// A command of one's own, then a thing; without one, what is selected.
    Command,
    Theme,
    /// Somebody who is connected.
    Person,
    /// A column of the open list; `down` behind it turns the order round.
    Column,
    /// Columns of the open list.
    Columns,
    /// A cloud, or `all`.
    Scope,
    /// A digit.
    Digit,
    /// A digit, then a line to keep; without one, the view that is open.
    Keep,
    /// Anything that has a name.
    Anything,
}

impl Takes {
    /// How it is written in help.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Filter(_) | Self::FilterHere => "FILTER",
            Self::Cloud => "CLOUD",
            Self::Cluster => "CLUSTER",
            Self::Counts => "CLUSTER GROUP=COUNT",
            Self::Playbooks => "CLUSTER PLAYBOOK",
            Self::Server => "SERVER",
            Self::ServerFlavor => "SERVER FLAVOR",
            Self::ServerImage => "SERVER IMAGE",
            Self::Node => "NODE",
            Self::Image => "IMAGE",
            Self::Run => "RUN",
            Self::Command => "COMMAND THING",
            Self::Theme => "THEME",
            Self::Person => "NAME",
            Self::Column => "COLUMN",
            Self::Columns => "COLUMNS",
            Self::Scope => "CLOUD",
            Self::Digit => "DIGIT",
            Self::Keep => "DIGIT LINE",
            Self::Anything => "NAME",
        }
    }
}

/// A verb that is no action of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum More {
    Show,
    Theme,
    Scope,
    Sort,
    Favourite,
    Keep,
    Forget,
    Goto,
    Follow,
}

/// Verbs beside the actions: all of them take something.
const MORE: &[(&str, More, Takes, &str)] = &[
    ("cloud show", More::Show, Takes::Cloud, "to a cloud"),
    ("server show", More::Show, Takes::Server, "to a server"),
    ("cluster show", More::Show, Takes::Cluster, "to a cluster"),
    ("run show", More::Show, Takes::Run, "open a run"),
    ("goto", More::Goto, Takes::Anything, "to anything by its name"),
    ("scope", More::Scope, Takes::Scope, "show one cloud only, or all"),
    ("sort", More::Sort, Takes::Column, "sort this list by a column"),
    ("people follow", More::Follow, Takes::Person, "show what somebody looks at, live"),
    ("theme", More::Theme, Takes::Theme, "use a theme"),
    ("favourite", More::Favourite, Takes::Digit, "to the view on a digit"),
    ("favourite keep", More::Keep, Takes::Keep, "keep this view, or a line, on a digit"),
    ("favourite forget", More::Forget, Takes::Digit, "keep a digit's view no longer"),
];

/// What a verb does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    Act(Action),
    More(More),
}

/// A verb.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verb {
    pub name: &'static str,
    pub does: &'static str,
    pub takes: Takes,
    /// It means nothing without an argument.
    pub needs: bool,
    pub deed: Deed,
}

impl Verb {
    /// The verb of an action.
    pub fn of(action: Action) -> Self {
        Self { name: action.name(), does: action.does(), takes: takes(action), needs: false, deed: Deed::Act(action) }
    }

    /// All verbs.
    pub fn all() -> impl Iterator<Item = Self> {
        let more = MORE.iter().map(|&(name, more, takes, does)| Self { name, does, takes, needs: true, deed: Deed::More(more) });
        Action::ALL.iter().map(|action| Self::of(*action)).chain(more)
    }
}

fn takes(action: Action) -> Takes {
    if let Some(tab) = Tab::led_to(action).filter(|tab| *tab != Tab::Pulse) {
        return Takes::Filter(tab);
    }
    match action {
        Action::CloudUse => Takes::Cloud,
        Action::ClusterDelete | Action::Repair => Takes::Cluster,
        Action::Scale => Takes::Counts,
        Action::Playbook => Takes::Playbooks,
        Action::ServerResize => Takes::ServerFlavor,
        Action::ServerRebuild => Takes::ServerImage,
        Action::ServerConfirm
        | Action::ServerRevert
        | Action::ServerStart
        | Action::ServerStop
        | Action::ServerReboot
        | Action::ServerDelete
        | Action::ConsoleLog
        | Action::ServerActions => Takes::Server,
        Action::Shell | Action::Forward => Takes::Node,
        Action::ImageDelete => Takes::Image,
        Action::Command => Takes::Command,
        Action::Answer | Action::Cancel | Action::Retry | Action::RetryHosts | Action::Replay | Action::Pin => Takes::Run,
        Action::Columns => Takes::Columns,
        Action::Filter => Takes::FilterHere,
        _ => Takes::Nothing,
    }
}

/// A line, cut into its verb and its argument, and where the argument begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<'l> {
    pub verb: Verb,
    pub argument: &'l str,
    pub at: usize,
}

/// Cuts a line: the longest verb that it begins with. The name of a tab alone goes there.
pub fn split(line: &str) -> Option<Line<'_>> {
    let start = line.len() - line.trim_start().len();
    let rest = &line[start..];
    let behind = |name: &str| {
        let tail = rest.strip_prefix(name)?;
        (tail.is_empty() || tail.starts_with(' ')).then_some(start + name.len())
    };
    let named = Verb::all().filter_map(|verb| Some((verb, behind(verb.name)?))).max_by_key(|(verb, _)| verb.name.len());
    let tab = || {
        let short = |verb: &Verb| verb.name.strip_prefix("goto ");
        Verb::all().find_map(|verb| Some((verb, behind(short(&verb)?)?)))
    };
    let (verb, end) = named.or_else(tab)?;
    let skip = line[end..].len() - line[end..].trim_start().len();
    Some(Line { verb, argument: line[end + skip..].trim_end(), at: end + skip })
}

/// Whether a line can be bound to a key: why not.
///
/// # Errors
/// It begins with no verb, or lacks what its verb needs.
pub fn check(line: &str) -> Result<(), String> {
    let Some(cut) = split(line) else { return Err(format!("there is no action `{line}`{}", did_you_mean(line))) };
    match (cut.verb.takes, cut.argument) {
        (Takes::Nothing, "") => Ok(()),
        (Takes::Nothing, _) => Err(format!("`{}` takes nothing behind it", cut.verb.name)),
        (takes, "") if cut.verb.needs => Err(format!("`{}` needs {}", cut.verb.name, takes.shape())),
        _ => Ok(()),
    }
}

/// `; did you mean …?` with the verb that is nearest, when one is near.
fn did_you_mean(line: &str) -> String {
    let near = Verb::all().map(|v| (strsim::jaro_winkler(v.name, line), v.name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((likeness, near)) if likeness > 0.8 => format!("; did you mean `{near}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_verb_wins_and_tabs_have_short_names() {
        let cut = |line| split(line).map(|l| (l.verb.name, l.argument.to_owned(), l.at));
        assert_eq!(cut("cluster delete web"), Some(("cluster delete", "web".into(), 15)));
        assert_eq!(cut("  goto servers status=error "), Some(("goto servers", "status=error".into(), 15)));
        assert_eq!(cut("servers  age<2h"), Some(("goto servers", "age<2h".into(), 9)));
        assert_eq!(cut("goto web"), Some(("goto", "web".into(), 5)));
        assert_eq!(cut("theme"), Some(("theme", String::new(), 5)));
        assert_eq!(cut("next theme"), Some(("next theme", String::new(), 10)));
        assert_eq!(cut("serversx"), None);
        assert_eq!(cut(""), None);
    }

    #[test]
    fn a_line_is_checked_before_it_is_bound() {
        assert_eq!(check("servers status=error"), Ok(()));
        assert_eq!(check("quit"), Ok(()));
        assert!(check("quit now").unwrap_err().contains("takes nothing"));
        assert!(check("theme").unwrap_err().contains("needs THEME"));
        assert!(check("clusterdelete web").unwrap_err().contains("did you mean `cluster delete`"));
    }

    /// Where the command line has the same noun, it has the same verb.
    #[test]
    fn the_command_line_has_the_same_verbs() {
        use clap::CommandFactory as _;
        let command = crate::cli::Cli::command();
        for verb in Verb::all() {
            let mut words = verb.name.split(' ');
            let (noun, next) = (words.next().unwrap_or_default(), words.next());
            let Some(noun) = command.find_subcommand(noun) else { continue };
            if let Some(next) = next.filter(|_| noun.has_subcommands()) {
                assert!(noun.find_subcommand(next).is_some(), "quarterdeck {} has no {next}", noun.get_name());
            }
        }
    }
}
