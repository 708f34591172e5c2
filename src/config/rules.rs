//! Guards and commands, as the settings say them: `[[guard]]` and `[[command]]`.

use std::ops::Range;

use super::origin::Origin;
use super::reader::{Reader, Section, nearest};
use crate::model::guard::glob;
use crate::model::ids::is_name;
use crate::model::{CommandInput, CustomCommand, Deed, GuardRule, InputKind, Level, Rules, ThingKind};

const LEVELS: &[(&str, Level)] = &[("none", Level::None), ("yes", Level::Yes), ("name", Level::Name), ("deny", Level::Deny)];

const INPUTS: &[(&str, InputKind)] = &[
    ("string", InputKind::String),
    ("number", InputKind::Number),
    ("bool", InputKind::Bool),
    ("choice", InputKind::Choice),
    ("secret", InputKind::Secret),
];

/// Most things that a guard can speak of.
const MOST: u64 = 100_000;

/// Reads the rules of a file; what is wrong is noted in `reader`.
pub(super) fn read(reader: &mut Reader<'_>, root: &Section<'_>) -> Rules {
    let guards = reader.tables(root, "guard").into_iter().map(|(section, at)| guard(reader, &section, &at)).collect();
    let mut commands: Vec<CustomCommand> = Vec::new();
    for (section, at) in reader.tables(root, "command") {
        let Some(command) = command(reader, &section, &at) else { continue };
        if commands.iter().any(|other| other.name == command.name) {
            reader.problem(&at, format!("there are two commands {}", command.name));
        }
        commands.push(command);
    }
    Rules { guards, commands }
}

fn guard(reader: &mut Reader<'_>, section: &Section<'_>, at: &Range<usize>) -> GuardRule {
    reader.only(section, &["cloud", "action", "cluster", "level", "max", "reason"]);
    let mut action = Vec::new();
    for (word, place) in reader.texts(section, "action").unwrap_or_default() {
        if !Deed::ALL.iter().any(|deed| glob(&word, deed.word())) {
            let words = || Deed::ALL.iter().map(|deed| deed.word());
            let hint = nearest(&word, words());
            let known = words().collect::<Vec<_>>().join(", ");
            reader.problem(&place, format!("guard.action {word:?} is no kind of action{hint}: there are {known}"));
        }
        action.push(word);
    }
    let level = reader.word(section, "level", LEVELS).map(|level| level.value);
    let max = reader.number(section, "max", 0..=MOST).and_then(|max| u32::try_from(max.value).ok());
    if section.get("level").is_none() && section.get("max").is_none() {
        reader.problem(at, "this guard guards nothing: give it a level or a max");
    }
    let text = |reader: &mut Reader<'_>, key| reader.text(section, key).map(|text| text.value);
    GuardRule {
        cloud: text(reader, "cloud"),
        action,
        cluster: text(reader, "cluster"),
        level,
        max,
        reason: text(reader, "reason"),
        source: place(reader, at),
    }
}

fn command(reader: &mut Reader<'_>, section: &Section<'_>, at: &Range<usize>) -> Option<CustomCommand> {
    reader.only(section, &["name", "on", "argv", "about", "confirm", "dangerous", "key", "input"]);
    let name = reader.text(section, "name");
    for (key, what) in [("name", "a name"), ("on", "the kind of thing it is for"), ("argv", "a program to run")] {
        if section.get(key).is_none() {
            reader.problem(at, format!("this command has no {key}: give it {what}"));
        }
    }
    if let (Some(name), Some(value)) = (name.as_ref().filter(|name| !is_name(name)), section.get("name")) {
        reader.problem(&value.span(), format!("{:?} cannot name a command: a-z, 0-9, - and _", name.value));
    }
    let on = reader.word(section, "on", ThingKind::ALL);
    let inputs = reader.tables(section, "input").into_iter().filter_map(|(input, at)| self::input(reader, &input, &at)).collect();
    let dangerous = reader.truth(section, "dangerous").is_some_and(|set| set.value);
    let otherwise = if dangerous { Level::Yes } else { Level::None };
    let confirm = reader.word(section, "confirm", &LEVELS[..3]).map_or(otherwise, |level| level.value);
    let [key, about] = ["key", "about"].map(|word| reader.text(section, word).map(|text| text.value));
    let argv = reader.texts(section, "argv");
    // Everything was asked for: now what it cannot do without.
    let (name, on, argv) = (name?.value, on?.value, argv?);
    let source = place(reader, at);
    let mut command = CustomCommand { name, on, argv: Vec::new(), inputs, confirm, dangerous, key, about, source };
    if let (Some(value), true) = (section.get("argv"), argv.first().is_none_or(|(program, _)| program.trim().is_empty())) {
        reader.problem(&value.span(), "command.argv names no program");
    }
    // One text alone is most often a line for a shell, which there is none of.
    if let [(line, at)] = &argv[..]
        && line.contains(char::is_whitespace)
    {
        reader.problem(at, "command.argv is a list, one argument each: there is no shell that would take it apart");
    }
    for (argument, at) in &argv {
        if let Err(wrong) = command.check_argument(argument) {
            reader.problem(at, format!("command.argv: {wrong}"));
        }
    }
    command.argv = argv.into_iter().map(|(argument, _)| argument).collect();
    Some(command)
}

fn input(reader: &mut Reader<'_>, section: &Section<'_>, at: &Range<usize>) -> Option<CommandInput> {
    reader.only(section, &["name", "type", "label", "default", "choices"]);
    if section.get("name").is_none() {
        reader.problem(at, "this input has no name");
    }
    let name = reader.text(section, "name");
    let choices = reader.texts(section, "choices").unwrap_or_default();
    let kind = reader.word(section, "type", INPUTS).map(|kind| kind.value).unwrap_or_default();
    let label = reader.text(section, "label").map(|label| label.value);
    let default = reader.plain(section, "default").map(|default| default.value);
    let name = name?.value;
    if !is_name(&name) {
        reader.problem(at, format!("{name:?} cannot name an input: a-z, 0-9, - and _"));
    }
    let choices = choices.into_iter().map(|(choice, _)| choice).collect();
    let input = CommandInput { name, kind, label, default, choices };
    if (input.kind == InputKind::Choice) == input.choices.is_empty() {
        let wrong = "an input has choices when, and only when, its type is \"choice\"";
        reader.problem(at, wrong);
    }
    if let (Some(value), InputKind::Secret) = (section.get("default"), input.kind) {
        reader.problem(&value.span(), "a secret has no default: this file is no place for one");
    }
    if let (Some(value), Some(Err(wrong))) = (section.get("default"), input.default.as_ref().map(|text| input.check(text))) {
        reader.problem(&value.span(), format!("command.input.default: {wrong}"));
    }
    Some(input)
}

fn place(reader: &Reader<'_>, at: &Range<usize>) -> String {
    match reader.origin(at) {
        origin @ Origin::File { .. } => origin.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Settings;
    use crate::model::{CloudName, Deed, Failure, Level};

    fn parse(text: &str) -> Result<Settings, Failure> {
        Settings::parse(Path::new("s.toml"), text)
    }

    #[test]
    fn guards_and_clouds_know_their_lines() {
        let settings = parse(
            "[clouds.lab]\ndriver = \"sandbox\"\nread_only = true\nprod = true\n\n[[guard]]\ncloud = \"l*\"\naction = \"* delete\"\nlevel = \"name\"\nreason = \"customers\"\n[[guard]]\nmax = 3\n",
        )
        .unwrap();
        let lab = &settings.clouds[&CloudName::new("lab")];
        assert!(lab.prod && lab.values.is_empty(), "what is ours is not for the driver");
        assert_eq!(lab.read_only.as_ref().unwrap().origin.to_string(), "s.toml:3");
        let ruling = settings.rules.ruling(Deed::ServerDelete, [&CloudName::new("lab")], None);
        assert_eq!((ruling.level, ruling.why.as_str()), (Some(Level::Name), "customers (s.toml:6)"));
        assert_eq!(ruling.max.unwrap(), (3, "by the rule in s.toml:11".to_owned()));
    }

    #[test]
    fn commands_are_whole_or_refused_with_their_places() {
        let settings = parse(
            "[[command]]\nname = \"ping\"\non = \"server\"\nargv = [\"ping\", \"-c\", \"{count}\", \"{address}\"]\ndangerous = true\n[[command.input]]\nname = \"count\"\ntype = \"number\"\ndefault = 3\n",
        )
        .unwrap();
        let ping = settings.rules.command("ping").unwrap();
        assert_eq!((ping.confirm, ping.inputs[0].default.as_deref(), ping.source.as_str()), (Level::Yes, Some("3"), "s.toml:1"));

        let text = "[[guard]]\ncloud = \"x\"\n[[guard]]\naction = [\"cluster delte\"]\nlevel = \"sure\"\n[[command]]\nname = \"a b\"\non = \"servers\"\nargv = [\"x\"]\n[[command]]\nname = \"two\"\non = \"image\"\nargv = [\"x\", \"{address}\"]\n[[command]]\nname = \"line\"\non = \"run\"\nargv = \"echo {name}\"\n[[command.input]]\nname = \"n\"\ntype = \"choice\"\n";
        insta::assert_snapshot!(parse(text).unwrap_err().got, @r#"
        s.toml:1:1: this guard guards nothing: give it a level or a max
        s.toml:4:11: guard.action "cluster delte" is no kind of action (did you mean cluster delete?): there are cluster create, cluster scale, cluster repair, cluster delete, playbook run, server create, server delete, server start, server stop, server reboot, server rebuild, server resize, image register, image upload, image delete, key-pair create, key-pair import, key-pair delete, server-group create, server-group delete, command run, shell, forward
        s.toml:5:9: guard.level is "sure", which is none of none, yes, name, deny
        s.toml:7:8: "a b" cannot name a command: a-z, 0-9, - and _
        s.toml:8:6: command.on is "servers", which is none of server, node, cluster, image, cloud, run (did you mean server?)
        s.toml:13:14: command.argv: {address} stands for nothing of an image: there are name, id, cloud
        s.toml:17:8: command.argv is a list, one argument each: there is no shell that would take it apart
        s.toml:18:1: an input has choices when, and only when, its type is "choice"
        "#);
    }
}
