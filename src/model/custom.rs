//! Custom commands: programs of the people who use a home, bound to a kind of thing.
//!
//! A command is a list of arguments, never a text for a shell; `{name}` and its like stand for facts of the thing and
//! for inputs, each inside its one argument.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::guard::Level;
use super::{CloudName, Cluster, ClusterId, Image, Node, Ruling, Run, RunNo, Server};

/// The kind of thing that a command is bound to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingKind {
    Server,
    Node,
    Cluster,
    Image,
    Cloud,
    Run,
}

impl ThingKind {
    /// Every kind, by its word.
    pub const ALL: &[(&str, ThingKind)] = &[
        ("server", Self::Server),
        ("node", Self::Node),
        ("cluster", Self::Cluster),
        ("image", Self::Image),
        ("cloud", Self::Cloud),
        ("run", Self::Run),
    ];

    /// `a server`, `an image`.
    pub fn one(self) -> String {
        format!("{} {self}", if self == Self::Image { "an" } else { "a" })
    }

    /// The facts that its things have, as placeholders.
    pub fn facts(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["name", "id", "address", "port", "cluster", "cloud"],
            Self::Node => &["name", "id", "address", "port", "cluster", "cloud", "group"],
            Self::Cluster => &["name", "id", "cluster", "cloud"],
            Self::Image => &["name", "id", "cloud"],
            Self::Cloud => &["name", "cloud"],
            Self::Run => &["name", "cluster", "cloud"],
        }
    }
}

impl fmt::Display for ThingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, kind)| kind == self).map_or("thing", |(word, _)| *word))
    }
}

/// One thing, as a client names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "thing", rename_all = "snake_case")]
pub enum Thing {
    Server { cloud: CloudName, server: String },
    Node { cluster: ClusterId, node: String },
    Cluster { cluster: ClusterId },
    Image { cloud: CloudName, image: String },
    Cloud { cloud: CloudName },
    Run { run: RunNo },
}

impl Thing {
    /// Its kind.
    pub fn kind(&self) -> ThingKind {
        match self {
            Self::Server { .. } => ThingKind::Server,
            Self::Node { .. } => ThingKind::Node,
            Self::Cluster { .. } => ThingKind::Cluster,
            Self::Image { .. } => ThingKind::Image,
            Self::Cloud { .. } => ThingKind::Cloud,
            Self::Run { .. } => ThingKind::Run,
        }
    }
}

/// How a secret stands in the arguments of a job: `{secret:NAME}` becomes the path of a file in memory.
pub const SECRET_PLACE: &str = "{secret:";

/// What may be typed for an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    #[default]
    String,
    Number,
    /// `true` or `false`.
    Bool,
    /// One of its choices.
    Choice,
    /// Hidden while it is typed, kept in memory only; its placeholder stands for a file that the program reads it from.
    Secret,
}

/// Something a command asks for before it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CommandInput {
    /// Its placeholder.
    pub name: String,
    #[serde(default)]
    pub kind: InputKind,
    /// What people read; its name where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Taken when nothing is said; without one it must be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

impl CommandInput {
    /// Whether `text` can be its value.
    ///
    /// # Errors
    /// What it must be instead.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let wrong = |wanted: &str| Err(format!("{} must be {wanted}, not {text:?}", self.name));
        match self.kind {
            InputKind::Secret if text.chars().any(char::is_control) => {
                Err(format!("{} must be one line of plain text", self.name))
            }
            _ if text.contains(SECRET_PLACE) => Err(format!("{} must not have {SECRET_PLACE:?} in it", self.name)),
            _ if text.chars().any(char::is_control) => wrong("one line of plain text"),
            InputKind::String | InputKind::Secret => Ok(()),
            InputKind::Number if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(()),
            InputKind::Number => wrong("a number"),
            InputKind::Bool if matches!(text, "true" | "false") => Ok(()),
            InputKind::Bool => wrong("true or false"),
            InputKind::Choice if self.choices.iter().any(|choice| choice == text) => Ok(()),
            InputKind::Choice => wrong(&format!("one of {}", self.choices.join(", "))),
        }
    }
}

/// One `[[command]]` of the settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomCommand {
    pub name: String,
    /// The kind of thing it is bound to.
    pub on: ThingKind,
    /// Program and arguments, with placeholders.
    pub argv: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<CommandInput>,
    /// How surely somebody must mean it, where no guard says otherwise.
    pub confirm: Level,
    /// It changes something: it is not run on what is read-only.
    #[serde(default)]
    pub dangerous: bool,
    /// Its key in the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it does, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// `FILE:LINE`.
    pub source: String,
}

/// A part of an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// The parts of an argument; `{{` and `}}` are braces.
fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut out = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            out.push(Piece::Text(before));
        }
        if from.starts_with("{{") || from.starts_with("}}") {
            out.push(Piece::Text(&from[..1]));
            rest = &from[2..];
            continue;
        }
        let end = from.find('}').filter(|_| from.starts_with('{'));
        let end = end.ok_or_else(|| format!("{template:?} has a brace of its own: write {{{{ or }}}} for one"))?;
        out.push(Piece::Place(&from[1..end]));
        rest = &from[end + 1..];
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    Ok(out)
}

impl CustomCommand {
    /// Whether every placeholder of an argument stands for something.
    ///
    /// # Errors
    /// The placeholder, and what there is.
    pub fn check_argument(&self, argument: &str) -> Result<(), String> {
        for piece in pieces(argument)? {
            let Piece::Place(name) = piece else { continue };
            let inputs = || self.inputs.iter().map(|input| input.name.as_str());
            if !self.on.facts().contains(&name) && !inputs().any(|input| input == name) {
                let known: Vec<&str> = self.on.facts().iter().copied().chain(inputs()).collect();
                return Err(format!("{{{name}}} stands for nothing of {}: there are {}", self.on.one(), known.join(", ")));
            }
        }
        Ok(())
    }

    /// The inputs that were given, with the defaults of those that were not. A secret that was not given is left out:
    /// the run asks for it.
    ///
    /// # Errors
    /// One is unknown, missing, or not what it must be.
    pub fn inputs_of(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
        if let Some(name) = given.keys().find(|name| !self.inputs.iter().any(|input| input.name == **name)) {
            let known: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(format!("{name:?} is no input of {}: {known}", self.name));
        }
        let mut out = BTreeMap::new();
        for input in &self.inputs {
            let value = given.get(&input.name).or(input.default.as_ref());
            if value.is_none() && input.kind == InputKind::Secret {
                continue;
            }
            let value = value.ok_or_else(|| format!("{} needs its input {}", self.name, input.name))?;
            input.check(value)?;
            out.insert(input.name.clone(), value.clone());
        }
        Ok(out)
    }

    /// The names of its inputs that are secret.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().filter(|input| input.kind == InputKind::Secret).map(|input| input.name.as_str())
    }

    /// How surely somebody must mean it, and why: what a guard says of all commands does not make one ask less that is
    /// dangerous.
    pub fn level(&self, ruling: &Ruling) -> (Level, String) {
        let level = self.confirm.max(ruling.level.unwrap_or(Level::None));
        let own = || format!("the command wants it ({})", self.source);
        (level, if ruling.level == Some(level) { ruling.why.clone() } else { own() })
    }

    /// The arguments for a thing with these facts, and these (whole) inputs. A secret stands there as
    /// `{secret:NAME}`, whatever its value.
    ///
    /// # Errors
    /// A fact is missing, or would be taken for something else by the program.
    pub fn arguments(&self, facts: &BTreeMap<&str, String>, inputs: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
        let argument = |template: &String| {
            let mut out = String::new();
            for piece in pieces(template)? {
                match piece {
                    Piece::Text(text) => out.push_str(text),
                    Piece::Place(name) if self.secrets().any(|secret| secret == name) => {
                        out.push_str(&format!("{SECRET_PLACE}{name}}}"));
                    }
                    Piece::Place(name) => match (inputs.get(name), facts.get(name)) {
                        (Some(value), _) => out.push_str(value),
                        (None, Some(value))
                            if value.chars().any(char::is_control)
                                || value.contains(SECRET_PLACE)
                                || out.is_empty() && value.starts_with('-') =>
                        {
                            return Err(format!("{name} is {value:?}, which a program may take for something else"));
                        }
                        (None, Some(value)) => out.push_str(value),
                        (None, None) => return Err(format!("this {} has no {name}", self.on)),
                    },
                }
            }
            Ok(out)
        };
        self.argv.iter().map(argument).collect()
    }
}

/// What a command can know of one thing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ThingFacts {
    /// By placeholder ([`ThingKind::facts`]); what is not known is not there.
    pub facts: BTreeMap<&'static str, String>,
    pub cloud: Option<CloudName>,
    /// The name of its cluster.
    pub cluster: Option<String>,
}

impl ThingFacts {
    fn new(cloud: Option<&CloudName>, cluster: Option<&str>, facts: &[(&'static str, Option<String>)]) -> Self {
        let mut facts: BTreeMap<_, _> = facts.iter().filter_map(|(name, value)| Some((*name, value.clone()?))).collect();
        facts.extend(cloud.map(|cloud| ("cloud", cloud.to_string())));
        facts.extend(cluster.map(|cluster| ("cluster", cluster.to_owned())));
        Self { facts, cloud: cloud.cloned(), cluster: cluster.map(str::to_owned) }
    }

    /// Of a server, which may belong to a cluster of this name.
    pub fn server(server: &Server, cluster: Option<&str>) -> Self {
        let (address, port) = (server.address().map(str::to_owned), Some(server.ssh_port.to_string()));
        let facts = [("name", Some(server.name.clone())), ("id", Some(server.id.clone())), ("address", address), ("port", port)];
        Self::new(Some(&server.cloud), cluster, &facts)
    }

    /// Of a node of the cluster of this name.
    pub fn node(node: &Node, cluster: &str) -> Self {
        let facts = [
            ("name", Some(node.name.clone())),
            ("id", node.server.clone()),
            ("address", node.address.clone()),
            ("port", Some(node.ssh_port.to_string())),
            ("group", Some(node.group.clone())),
        ];
        Self::new(Some(&node.cloud), Some(cluster), &facts)
    }

    /// Of a cluster.
    pub fn cluster(cluster: &Cluster) -> Self {
        let facts = [("name", Some(cluster.name.clone())), ("id", Some(cluster.id.to_string()))];
        Self::new(Some(&cluster.cloud), Some(&cluster.name), &facts)
    }

    /// Of an image.
    pub fn image(image: &Image) -> Self {
        Self::new(Some(&image.cloud), None, &[("name", Some(image.name.clone())), ("id", Some(image.id.clone()))])
    }

    /// Of a cloud.
    pub fn cloud(cloud: &CloudName) -> Self {
        Self::new(Some(cloud), None, &[("name", Some(cloud.to_string()))])
    }

    /// Of a run, on the cloud of its cluster.
    pub fn run(run: &Run, cloud: Option<&CloudName>) -> Self {
        Self::new(cloud, run.cluster_name.as_deref(), &[("name", Some(run.number.to_string()))])
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        self.facts.get("name").map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(argv: &[&str]) -> CustomCommand {
        CustomCommand {
            name: "trace".into(),
            on: ThingKind::Server,
            argv: argv.iter().map(|a| (*a).to_owned()).collect(),
            inputs: vec![
                CommandInput {
                    name: "count".into(),
                    kind: InputKind::Number,
                    default: Some("3".into()),
                    ..CommandInput::default()
                },
                CommandInput {
                    name: "how".into(),
                    kind: InputKind::Choice,
                    choices: vec!["fast".into(), "slow".into()],
                    ..CommandInput::default()
                },
            ],
            confirm: Level::None,
            dangerous: false,
            key: None,
            about: None,
            source: "s.toml:1".into(),
        }
    }

    #[test]
    fn a_value_stays_inside_its_argument() {
        let command = command(&["trace", "-c{count}", "--how={how}", "{name}", "{{literal}}"]);
        let given = BTreeMap::from([("how".to_owned(), "fast".to_owned())]);
        let inputs = command.inputs_of(&given).unwrap();
        let facts = BTreeMap::from([("name", "web 1; rm -rf / $(x)".to_owned())]);
        let argv = command.arguments(&facts, &inputs).unwrap();
        assert_eq!(argv, ["trace", "-c3", "--how=fast", "web 1; rm -rf / $(x)", "{literal}"]);
        let option = BTreeMap::from([("name", "-oProxyCommand=x".to_owned())]);
        assert!(command.arguments(&option, &inputs).unwrap_err().contains("may take for something else"));
        assert_eq!(command.arguments(&BTreeMap::new(), &inputs).unwrap_err(), "this server has no name");
    }

    #[test]
    fn a_secret_is_in_no_argument() {
        let mut command = command(&["push", "--password-file={pass}", "{name}"]);
        command.inputs = vec![CommandInput { name: "pass".into(), kind: InputKind::Secret, ..CommandInput::default() }];
        let given = BTreeMap::from([("pass".to_owned(), "hunter2".to_owned())]);
        let inputs = command.inputs_of(&given).unwrap();
        let facts = BTreeMap::from([("name", "web".to_owned())]);
        assert_eq!(command.arguments(&facts, &inputs).unwrap(), ["push", "--password-file={secret:pass}", "web"]);
        assert_eq!(command.inputs_of(&BTreeMap::new()).unwrap(), BTreeMap::new(), "the run asks for it");
        let wrong = command.inputs[0].check("hunter\n2").unwrap_err();
        assert!(!wrong.contains("hunter"), "{wrong}");
        let trap = BTreeMap::from([("name", "{secret:pass}".to_owned())]);
        assert!(command.arguments(&trap, &inputs).unwrap_err().contains("may take for something else"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let command = command(&[]);
        let given = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert!(command.inputs_of(&BTreeMap::new()).unwrap_err().contains("needs its input how"));
        assert!(command.inputs_of(&given("hwo", "fast")).unwrap_err().contains("it has count, how"));
        assert!(command.inputs_of(&given("how", "medium")).unwrap_err().contains("one of fast, slow"));
        assert!(command.inputs[0].check("1e999").is_err() && command.inputs[0].check("-1.5").is_ok());
        assert!(command.inputs[0].check("3\n4").unwrap_err().contains("one line"));
        command.check_argument("{address}:{count}").unwrap();
        assert!(command.check_argument("{adress}").unwrap_err().contains("there are name, id, address"));
        for broken in ["{name", "name}", "{"] {
            assert!(command.check_argument(broken).unwrap_err().contains("brace"), "{broken}");
        }
    }
}
