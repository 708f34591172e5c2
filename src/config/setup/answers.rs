//! The answers to the wizard's questions, as a file:
//!
//! ```toml
//! default_cloud = "sandbox"
//!
//! [console]
//! theme = "quarterdeck"
//! colours = "auto"              # auto, true, 256, 16, none
//! glyphs = "auto"               # auto, unicode, ascii
//!
//! [ansible]
//! use = "managed"               # managed, path, none
//!
//! [clouds.sandbox]
//! driver = "sandbox"            # what else stands here is for the driver
//! flavor = "small"
//! image = "host"
//!
//! [watch]                       # or: watch = false
//! dir = "/srv/quarterdeck"
//! group = "ops"
//!
//! [service]
//! unit = true                   # a systemd user unit
//!
//! [first_cluster]
//! blueprint = "hello"
//! cloud = "sandbox"
//! ```
//!
//! What is left out stays as it is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::config::reader::{Reader, Section, nearest};
use crate::config::settings::{COLOURS, CloudSettings, Colours, DRIVERS, GLYPHS, Glyphs, Settings, word_of};
use crate::model::ids::{MAX_NAME, is_name};
use crate::model::{CloudName, Driver, Failure};

/// Which Ansible is to be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnsibleChoice {
    /// A virtualenv of the program's own, installed when it is not there.
    Managed,
    /// The one on the PATH.
    Path,
    /// None is installed.
    None,
}

pub(super) const ANSIBLE: &[(&str, AnsibleChoice)] =
    &[("managed", AnsibleChoice::Managed), ("path", AnsibleChoice::Path), ("none", AnsibleChoice::None)];

/// A cloud that is to be configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloudAnswer {
    pub driver: Driver,
    /// What the driver wants to know.
    pub values: BTreeMap<String, String>,
    /// Used where nobody names another.
    pub flavor: Option<String>,
    pub image: Option<String>,
}

impl CloudAnswer {
    /// A cloud of this driver with nothing else said.
    pub fn of(driver: Driver) -> Self {
        Self { driver, values: BTreeMap::new(), flavor: None, image: None }
    }
}

/// Who else may look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WatchAnswer {
    /// Nobody but this account.
    Nobody,
    /// Members of a group, through a socket in a folder.
    Group { dir: PathBuf, group: String },
}

/// A cluster that is made once everything is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstCluster {
    pub blueprint: String,
    /// The default cloud when left out.
    pub cloud: Option<CloudName>,
}

/// The answers; what is `None`, and a cloud that is not named, stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    pub default_cloud: Option<CloudName>,
    pub theme: Option<String>,
    pub colours: Option<Colours>,
    pub glyphs: Option<Glyphs>,
    pub ansible: Option<AnsibleChoice>,
    pub clouds: BTreeMap<CloudName, CloudAnswer>,
    pub watch: Option<WatchAnswer>,
    /// Whether there is to be a systemd user unit.
    pub unit: Option<bool>,
    pub first_cluster: Option<FirstCluster>,
}

/// Answers as they stand in a file, so that what turns out wrong later can name its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswersFile {
    pub answers: Answers,
    path: String,
    /// `clouds.lab.flavor` → line and column.
    places: BTreeMap<String, (usize, usize)>,
}

const TRIED: &str = "read the answers";

impl AnswersFile {
    /// The answers that a text means; `path` is for messages.
    ///
    /// # Errors
    /// Every problem as `FILE:LINE:COLUMN: …` with the nearest valid word.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut reader = Reader::new(path, text);
        let file = Self::read(&mut reader, path, &[]);
        reader.finish(TRIED)?;
        Ok(file)
    }

    /// Reads what `parse` reads; `more` are tables that somebody else reads.
    pub(super) fn read(reader: &mut Reader<'_>, path: &Path, more: &[&str]) -> Self {
        let table = reader.parse();
        let root = Section { table: &table, name: String::new() };
        let own = ["default_cloud", "console", "ansible", "clouds", "watch", "service", "first_cluster"];
        reader.only(&root, &[&own, more].concat());
        let mut file = Self { answers: Answers::default(), path: path.display().to_string(), places: BTreeMap::new() };
        file.read_console(reader, &root);
        file.read_clouds(reader, &root);
        file.read_default(reader, &root);
        file.read_safety(reader, &root);
        file
    }

    /// `FILE:LINE:COLUMN: message` for the value of `key` (`clouds.lab.flavor`); of the table around it where there
    /// is no such value.
    pub fn problem(&self, key: &str, message: &str) -> Failure {
        let mut at = key;
        let place = loop {
            match (self.places.get(at), at.rsplit_once('.')) {
                (Some((line, column)), _) => break format!("{}:{line}:{column}", self.path),
                (None, Some((parent, _))) => at = parent,
                (None, None) => break self.path.clone(),
            }
        };
        Failure::refused(TRIED, format!("{place}: {message}")).at(&place).next(format!("correct {}", self.path))
    }

    /// The same for a word that is none of those there are.
    pub fn unknown<'w>(&self, key: &str, word: &str, known: impl Iterator<Item = &'w str>) -> Failure {
        let all: Vec<&str> = known.collect();
        let near = nearest(word, all.iter().copied());
        self.problem(key, &format!("{key} is {word:?}, which is none of {}{near}", all.join(", ")))
    }

    fn note(&mut self, reader: &Reader<'_>, key: String, span: &Range<usize>) {
        self.places.insert(key, reader.place(span));
    }

    /// A text, and where it stands.
    fn text(&mut self, reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Option<String> {
        let span = section.get(key)?.span();
        let place = if section.name.is_empty() { key.to_owned() } else { format!("{}.{key}", section.name) };
        self.note(reader, place, &span);
        reader.text(section, key).map(|text| text.value)
    }

    fn read_console(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        if let Some(console) = reader.section(root, "console") {
            reader.only(&console, &["theme", "colours", "glyphs"]);
            self.answers.theme = self.text(reader, &console, "theme");
            self.answers.colours = reader.word(&console, "colours", COLOURS).map(|word| word.value);
            self.answers.glyphs = reader.word(&console, "glyphs", GLYPHS).map(|word| word.value);
        }
        if let Some(ansible) = reader.section(root, "ansible") {
            reader.only(&ansible, &["use"]);
            self.text(reader, &ansible, "use");
            self.answers.ansible = reader.word(&ansible, "use", ANSIBLE).map(|word| word.value);
        }
    }

    fn read_clouds(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(clouds) = reader.section(root, "clouds") else { return };
        for (key, _) in clouds.table {
            let name = key.get_ref().as_ref();
            if !is_name(name) {
                let rule = format!("a-z, 0-9, - and _, at most {MAX_NAME}, a letter or digit first");
                reader.problem(&key.span(), format!("{name:?} cannot name a cloud: {rule}"));
                continue;
            }
            self.note(reader, format!("clouds.{name}"), &key.span());
            let Some(section) = reader.section(&clouds, name) else { continue };
            if section.get("driver").is_none() {
                reader.problem(&key.span(), format!("clouds.{name} has no driver"));
            }
            let (flavor, image) = (self.text(reader, &section, "flavor"), self.text(reader, &section, "image"));
            let mut values = BTreeMap::new();
            for (key, value) in section.table {
                let key = key.get_ref().as_ref();
                if ["driver", "flavor", "image"].contains(&key) {
                    continue;
                }
                self.note(reader, format!("clouds.{name}.{key}"), &value.span());
                values.extend(reader.plain(&section, key).map(|text| (key.to_owned(), text.value)));
            }
            self.text(reader, &section, "driver");
            let Some(driver) = reader.word(&section, "driver", DRIVERS) else { continue };
            self.answers.clouds.insert(CloudName::new(name), CloudAnswer { driver: driver.value, values, flavor, image });
        }
    }

    fn read_default(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        self.answers.default_cloud = self.text(reader, root, "default_cloud").map(CloudName::new);
        let Some(first) = reader.section(root, "first_cluster") else { return };
        reader.only(&first, &["blueprint", "cloud"]);
        let cloud = self.text(reader, &first, "cloud").map(CloudName::new);
        let blueprint = self.text(reader, &first, "blueprint").unwrap_or_else(|| "hello".to_owned());
        self.answers.first_cluster = Some(FirstCluster { blueprint, cloud });
    }

    fn read_safety(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        if let Some(service) = reader.section(root, "service") {
            reader.only(&service, &["unit"]);
            self.answers.unit = reader.truth(&service, "unit").map(|truth| truth.value);
        }
        let Some(value) = root.get("watch") else { return };
        self.note(reader, "watch".to_owned(), &value.span());
        if let DeValue::Boolean(false) = value.get_ref() {
            self.answers.watch = Some(WatchAnswer::Nobody);
            return;
        }
        let Some(watch) = reader.section(root, "watch") else { return };
        reader.only(&watch, &["dir", "group"]);
        match (self.text(reader, &watch, "dir").map(PathBuf::from), self.text(reader, &watch, "group")) {
            (Some(dir), Some(group)) if dir.is_absolute() => self.answers.watch = Some(WatchAnswer::Group { dir, group }),
            (Some(_), Some(_)) => reader.problem(&value.span(), "watch.dir must be an absolute path"),
            _ => reader.problem(&value.span(), "watch needs both dir and group, or is false"),
        }
    }
}

impl Answers {
    /// The answers that lead to these settings.
    pub fn of(settings: &Settings) -> Self {
        let cloud = |cloud: &CloudSettings| CloudAnswer {
            driver: cloud.driver.value,
            values: cloud.values.iter().map(|(key, text)| (key.clone(), text.value.clone())).collect(),
            flavor: cloud.flavor.as_ref().map(|text| text.value.clone()),
            image: cloud.image.as_ref().map(|text| text.value.clone()),
        };
        let watch = settings.watch_dir.value.clone().zip(settings.watch_group.value.clone());
        let ansible = if settings.ansible_use_path.value { AnsibleChoice::Path } else { AnsibleChoice::Managed };
        Self {
            default_cloud: settings.default_cloud.value.clone(),
            theme: Some(settings.theme.value.clone()),
            colours: Some(settings.colours.value),
            glyphs: Some(settings.glyphs.value),
            ansible: Some(ansible),
            clouds: settings.clouds.iter().map(|(name, settings)| (name.clone(), cloud(settings))).collect(),
            watch: watch.map(|(dir, group)| WatchAnswer::Group { dir, group }),
            ..Self::default()
        }
    }

    /// The file that means the same.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Some(name) = &self.default_cloud {
            text.push_str(&format!("default_cloud = {}\n", quoted(name.as_str())));
        }
        let console = [
            self.theme.as_ref().map(|theme| format!("theme = {}", quoted(theme))),
            self.colours.map(|word| described("colours", word_of(COLOURS, word), COLOURS)),
            self.glyphs.map(|word| described("glyphs", word_of(GLYPHS, word), GLYPHS)),
        ];
        table(&mut text, "console", console.into_iter().flatten());
        let ansible = self.ansible.map(|word| described("use", word_of(ANSIBLE, word), ANSIBLE));
        table(&mut text, "ansible", ansible.into_iter());
        for (name, cloud) in &self.clouds {
            let driver = format!("driver = {}", quoted(&cloud.driver.to_string()));
            let named = [("flavor", &cloud.flavor), ("image", &cloud.image)];
            let named = named.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value.as_ref()?))));
            let values = cloud.values.iter().map(|(key, value)| format!("{} = {}", key_of(key), quoted(value)));
            table(&mut text, &format!("clouds.{name}"), std::iter::once(driver).chain(named).chain(values));
        }
        match &self.watch {
            None => {}
            // Before the first table, where plain keys must stand.
            Some(WatchAnswer::Nobody) => text.insert_str(0, "watch = false\n"),
            Some(WatchAnswer::Group { dir, group }) => {
                let lines = [format!("dir = {}", quoted(&dir.to_string_lossy())), format!("group = {}", quoted(group))];
                table(&mut text, "watch", lines.into_iter());
            }
        }
        table(&mut text, "service", self.unit.map(|unit| format!("unit = {unit}")).into_iter());
        if let Some(FirstCluster { blueprint, cloud }) = &self.first_cluster {
            let cloud = cloud.as_ref().map(|cloud| format!("cloud = {}", quoted(cloud.as_str())));
            let lines = std::iter::once(format!("blueprint = {}", quoted(blueprint))).chain(cloud);
            table(&mut text, "first_cluster", lines);
        }
        text
    }
}

fn table(text: &mut String, name: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let gap = if text.is_empty() { "" } else { "\n" };
    text.push_str(&format!("{gap}[{name}]\n"));
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
}

/// `colours = "auto"        # auto, true, 256, 16, none`
fn described<T>(key: &str, word: &str, words: &[(&str, T)]) -> String {
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let line = format!("{key} = {}", quoted(word));
    format!("{line:<24}# {}", all.join(", "))
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

fn key_of(key: &str) -> String {
    toml_edit::Key::new(key).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<AnswersFile, Failure> {
        AnswersFile::parse(Path::new("a.toml"), text)
    }

    #[test]
    fn the_example_in_the_documentation_is_valid_and_reads_as_it_is_rendered() {
        let doc: String = include_str!("answers.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
            .collect();
        let shown = parse(&doc).unwrap().answers;
        assert_eq!(shown.ansible, Some(AnsibleChoice::Managed));
        assert_eq!(shown.clouds[&CloudName::new("sandbox")].flavor.as_deref(), Some("small"));
        insta::assert_snapshot!(shown.render(), @r###"
        default_cloud = "sandbox"

        [console]
        theme = "quarterdeck"
        colours = "auto"        # auto, true, 256, 16, none
        glyphs = "auto"         # auto, unicode, ascii

        [ansible]
        use = "managed"         # managed, path, none

        [clouds.sandbox]
        driver = "sandbox"
        flavor = "small"
        image = "host"

        [watch]
        dir = "/srv/quarterdeck"
        group = "ops"

        [service]
        unit = true

        [first_cluster]
        blueprint = "hello"
        cloud = "sandbox"
        "###);
        assert_eq!(parse(&shown.render()).unwrap().answers, shown);
    }

    #[test]
    fn all_problems_are_found_with_their_place_and_the_nearest_word() {
        let text = "[console]\ncolours = \"265\"\n[ansibel]\n[ansible]\nuse = \"manged\"\n[clouds.lab]\ndriver = \"sandbx\"\n[clouds.x]\n[watch]\ndir = \"qd\"\ngroup = \"ops\"\n";
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.tried, "read the answers");
        insta::assert_snapshot!(failure.got, @r###"
        a.toml:2:11: console.colours is "265", which is none of auto, true, 256, 16, none (did you mean 256?)
        a.toml:3:2: unknown key ansibel (did you mean ansible?)
        a.toml:5:7: ansible.use is "manged", which is none of managed, path, none (did you mean managed?)
        a.toml:7:10: clouds.lab.driver is "sandbx", which is none of sandbox, docker, openstack, synnefo, libcloud (did you mean sandbox?)
        a.toml:8:9: clouds.x has no driver
        a.toml:9:1: watch.dir must be an absolute path
        "###);
    }

    #[test]
    fn what_turns_out_wrong_later_names_its_place() {
        let file = parse("[clouds.lab]\ndriver = \"sandbox\"\nflavor = \"smal\"\n").unwrap();
        let failure = file.unknown("clouds.lab.flavor", "smal", ["tiny", "small"].into_iter());
        assert_eq!(failure.got, "a.toml:3:10: clouds.lab.flavor is \"smal\", which is none of tiny, small (did you mean small?)");
        assert_eq!(file.problem("clouds.lab.image", "missing").at, "a.toml:1:9", "the table around it");
        assert_eq!(file.problem("console.theme", "x").at, "a.toml");
    }

    #[test]
    fn nobody_may_look_can_be_said() {
        assert_eq!(parse("watch = false\n").unwrap().answers.watch, Some(WatchAnswer::Nobody));
        let both = Answers { watch: Some(WatchAnswer::Nobody), unit: Some(false), ..Answers::default() };
        assert_eq!(parse(&both.render()).unwrap().answers, both);
        assert!(parse("[watch]\ndir = \"/x\"\n").unwrap_err().got.contains("a.toml:1:1: watch needs both"));
    }

    proptest! {
        #[test]
        fn whatever_is_rendered_reads_the_same(theme in ".{0,12}", key in "[a-z _\\.\"]{1,8}", value in ".{0,20}", flavor in proptest::option::of(".{0,9}")) {
            prop_assume!(!["driver", "flavor", "image"].contains(&key.as_str()));
            let cloud = CloudAnswer { values: BTreeMap::from([(key, value)]), flavor, ..CloudAnswer::of(Driver::Libcloud) };
            let answers = Answers {
                theme: Some(theme),
                default_cloud: Some(CloudName::new("a")),
                clouds: BTreeMap::from([(CloudName::new("a"), cloud)]),
                ..Answers::default()
            };
            prop_assert_eq!(parse(&answers.render()).unwrap().answers, answers);
        }
    }
}
