//! `settings.toml`: what the user has set, everything optional.
//!
//! ```toml
//! default_cloud = "lab"          # commands that name no cloud go here
//!
//! [engine]
//! idle_hours = 24                # with no client and no run for this long it ends; 0: never
//! log = "info"                   # error, warn, info, debug, trace; or by part: "info,quarterdeck::ssh=debug"
//!
//! [retention]                    # whichever comes first; pinned and unfinished runs stay
//! runs = 200
//! days = 90
//! gigabytes = 5
//!
//! [ansible]
//! use_path = false               # true: the one on the PATH even when the managed one is there
//! python = "/usr/bin/python3"    # makes the managed virtualenv
//!
//! [console]
//! theme = "auto"                 # auto: after the terminal's background; or a name: `quarterdeck theme list`
//! colours = "auto"               # auto, true, 256, 16, none
//! glyphs = "auto"                # auto, unicode, ascii
//! open = "clusters"              # what the console begins with: pulse, clouds, flavors, images, servers, clusters, runs
//! mouse = false                  # true: click, double click, wheel; off, so that the terminal selects and copies text
//! motion = "full"                # full; reduced: times every ten seconds, one frame a second
//!
//! [console.columns]              # which columns, in which order; those that are missing are the built-in ones
//! servers = "name status address cluster ram"
//!
//! [console.favourites]           # what a digit behind the favourites' key leads to: a line of the palette
//! 1 = "servers status=error"
//!
//! [notify]                       # how one is told that a run ended or asks
//! bell = "failure"               # never, failure, always
//! desktop = false                # a message of the desktop (OSC 9, OSC 777)
//! progress = false               # progress on the taskbar (OSC 9;4)
//! title = false                  # what goes on, in the window's title
//! command = "/home/ana/bin/told" # called by the engine: `told ended 42 TITLE`, and QUARTERDECK_… variables
//!
//! [watch]                        # a second socket, for members of a group, who may look and not act
//! dir = "/srv/quarterdeck"
//! group = "ops"
//!
//! [clouds.lab]
//! driver = "sandbox"             # everything else in the table is for the driver, but for
//! flavor = "small"               # used where nobody names another
//! image = "host"
//! read_only = false              # true: nothing on it may be changed from this home
//! prod = false                   # true: the console says PROD wherever the cloud is shown
//!
//! [docker.builder]               # a Docker engine, beside those of Docker's own contexts
//! host = "tcp://10.0.0.5:2376"   # or unix:///var/run/docker.sock
//! ca = "/etc/docker/ca.pem"      # TLS: further authorities, our certificate and its key
//! cert = "/home/ana/cert.pem"
//! key = "/home/ana/key.pem"
//! verify = true                  # false: its certificate is not checked
//! default = false                # true: commands that name none go there
//!
//! [[guard]]                      # the first rule that matches decides
//! cloud = "*"                    # names of clouds; * and ? stand for any text and any character
//! action = ["cluster delete"]    # kinds of action, in the words of the command line: "server *"
//! cluster = "web-*"              # names of clusters
//! level = "name"                 # none, yes, name (it must be typed), deny
//! max = 20                       # servers that one action may touch
//! reason = "customers are on it"
//!
//! [[command]]                    # a command of your own
//! name = "ping"
//! on = "server"                  # server, node, cluster, image, cloud, run
//! argv = ["ping", "-c", "{count}", "{address}"]
//! about = "ask whether it answers"
//! confirm = "none"               # none, yes, name
//! dangerous = false              # true: not on what is read-only
//! key = "ctrl-p"                 # in the console
//!
//! [[command.input]]
//! name = "count"
//! type = "number"                # string, number, bool, choice (with choices = [...])
//! label = "how often"
//! default = "3"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Paths;
use super::files::read_text;
use super::notify::Notify;
use super::origin::{Origin, Sourced};
use super::reader::{Asked, Reader, Section, nearest};
use super::rules;
use crate::model::ids::{MAX_NAME, is_name};
use crate::model::{CloudName, DockerAddress, DockerTls, Driver, Failure, Rules};

/// How many colours the console uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colours {
    /// What the terminal seems to have.
    Auto,
    True,
    C256,
    C16,
    None,
}

/// Which signs the console draws with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Glyphs {
    /// What the language of the terminal can be expected to show.
    Auto,
    Unicode,
    Ascii,
}

/// How much on the screen moves by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Motion {
    Full,
    /// For slow links and for people whom motion disturbs: what comes in is shown once a second, times that pass every
    /// ten seconds.
    Reduced,
}

/// A cloud as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloudSettings {
    pub driver: Sourced<Driver>,
    /// Used where nobody names another.
    pub flavor: Option<Sourced<String>>,
    pub image: Option<Sourced<String>>,
    /// What the driver wants to know, by name.
    pub values: BTreeMap<String, Sourced<String>>,
    /// Nothing on it may be changed.
    pub read_only: Option<Sourced<bool>>,
    /// Others live from what runs on it.
    pub prod: bool,
    /// Where its table begins.
    pub origin: Origin,
}

impl CloudSettings {
    /// What is said under a key that is not the driver's name.
    pub fn said(&self, key: &str) -> Option<&String> {
        match key {
            "flavor" => self.flavor.as_ref(),
            "image" => self.image.as_ref(),
            key => self.values.get(key),
        }
        .map(|said| &said.value)
    }
}

/// A Docker engine as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DockerSettings {
    pub address: DockerAddress,
    /// Commands that name none go there.
    pub default: bool,
    /// Where its table begins.
    pub origin: Origin,
}

/// Keys of a cloud's table that are not for its driver.
pub(super) const OF_CLOUDS: &[&str] = &["driver", "flavor", "image", "read_only", "prod"];

/// What the user has set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The cloud of commands that name none: the one that is set, else the only one there is.
    pub default_cloud: Sourced<Option<CloudName>>,
    pub clouds: BTreeMap<CloudName, CloudSettings>,
    /// Docker engines by name.
    pub dockers: BTreeMap<String, DockerSettings>,
    /// Hours, 0 to 8,760; 0: the engine never ends by itself.
    pub idle_hours: Sourced<u64>,
    /// A filter in the words of `tracing_subscriber::EnvFilter`; `QUARTERDECK_LOG` goes before the file.
    pub log: Sourced<String>,
    pub keep_runs: Sourced<u64>,
    pub keep_days: Sourced<u64>,
    pub keep_gigabytes: Sourced<u64>,
    pub ansible_use_path: Sourced<bool>,
    pub ansible_python: Sourced<Option<PathBuf>>,
    pub theme: Sourced<String>,
    pub colours: Sourced<Colours>,
    pub glyphs: Sourced<Glyphs>,
    pub mouse: Sourced<bool>,
    /// The tab that the console begins with, one of [`TABS`].
    pub open: Sourced<&'static str>,
    pub motion: Sourced<Motion>,
    /// Names of columns, separated by spaces, by the name of the list. Only the console knows which there are.
    pub columns: BTreeMap<String, Sourced<String>>,
    /// Lines of the palette by digit, 0 to 9.
    pub favourites: BTreeMap<u8, Sourced<String>>,
    pub notify: Notify,
    /// Guards, and the commands of the people here.
    pub rules: Rules,
    /// Where people who may only look find a socket, and their group; both or none.
    pub watch_dir: Sourced<Option<PathBuf>>,
    pub watch_group: Sourced<Option<String>>,
}

/// Overrides the log filter of the file.
pub const LOG_VARIABLE: &str = "QUARTERDECK_LOG";

/// Drivers by the words of files.
pub const DRIVERS: &[(&str, Driver)] = &[
    ("sandbox", Driver::Sandbox),
    ("docker", Driver::Docker),
    ("openstack", Driver::Openstack),
    ("synnefo", Driver::Synnefo),
    ("libcloud", Driver::Libcloud),
];

/// Numbers of colours by the words of files.
pub const COLOURS: &[(&str, Colours)] =
    &[("auto", Colours::Auto), ("true", Colours::True), ("256", Colours::C256), ("16", Colours::C16), ("none", Colours::None)];

/// The word of a value.
pub(super) fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, v)| *v == value).map_or("", |(word, _)| word)
}

/// The tabs that the console can begin with.
pub const TABS: [&str; 9] = ["pulse", "clouds", "flavors", "images", "servers", "clusters", "runs", "audit", "docker"];

/// How much moves by itself, by the words of files.
pub(super) const MOTIONS: &[(&str, Motion)] = &[("full", Motion::Full), ("reduced", Motion::Reduced)];

/// Sets of signs by the words of files.
pub const GLYPHS: &[(&str, Glyphs)] = &[("auto", Glyphs::Auto), ("unicode", Glyphs::Unicode), ("ascii", Glyphs::Ascii)];

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_cloud: Sourced::default(None),
            clouds: BTreeMap::new(),
            dockers: BTreeMap::new(),
            idle_hours: Sourced::default(24),
            log: Sourced::default("info".to_owned()),
            keep_runs: Sourced::default(200),
            keep_days: Sourced::default(90),
            keep_gigabytes: Sourced::default(5),
            ansible_use_path: Sourced::default(false),
            ansible_python: Sourced::default(None),
            theme: Sourced::default("auto".to_owned()),
            colours: Sourced::default(Colours::Auto),
            glyphs: Sourced::default(Glyphs::Auto),
            mouse: Sourced::default(false),
            open: Sourced::default("clusters"),
            motion: Sourced::default(Motion::Full),
            columns: BTreeMap::new(),
            favourites: BTreeMap::new(),
            notify: Notify::default(),
            rules: Rules::default(),
            watch_dir: Sourced::default(None),
            watch_group: Sourced::default(None),
        }
    }
}

impl Settings {
    /// The settings of a home; without a file, the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong: every problem as `FILE:LINE:COLUMN: …`.
    pub fn load(paths: &Paths) -> Result<Self, Failure> {
        let path = paths.settings();
        let mut settings = match read_text(&path)? {
            Some(text) => Self::parse(&path, &text)?,
            None => Self::default(),
        };
        if let Some(filter) = std::env::var(LOG_VARIABLE).ok().filter(|filter| !filter.is_empty()) {
            settings.log = Sourced { value: filter, origin: Origin::Env(LOG_VARIABLE.to_owned()) };
        }
        Ok(settings)
    }

    /// The settings that a text means; `path` is for messages and origins.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut reader = Reader::new(path, text);
        let settings = Self::read(&mut reader);
        reader.finish("read the settings")?;
        Ok(settings)
    }

    /// Everything that a file may say.
    pub(super) fn asked() -> Vec<Asked> {
        let mut reader = Reader::noting(Path::new("settings.toml"));
        Self::read(&mut reader);
        reader.asked()
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let table = reader.parse();
        let root = Section { table: &table, name: String::new() };
        reader.only(
            &root,
            &[
                "default_cloud",
                "engine",
                "retention",
                "ansible",
                "console",
                "notify",
                "watch",
                "clouds",
                "docker",
                "guard",
                "command",
            ],
        );
        let mut settings = Self::default();
        settings.read_engine(reader, &root);
        settings.read_console(reader, &root);
        settings.notify.read(reader, &root);
        settings.read_watch(reader, &root);
        settings.read_clouds(reader, &root);
        settings.read_default_cloud(reader, &root);
        settings.read_dockers(reader, &root);
        settings.rules = rules::read(reader, &root);
        settings
    }

    fn read_engine(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        if let Some(engine) = reader.section(root, "engine") {
            reader.only(&engine, &["idle_hours", "log"]);
            put(&mut self.idle_hours, reader.number(&engine, "idle_hours", 0..=8_760));
            put(&mut self.log, reader.text(&engine, "log"));
        }
        if let Some(retention) = reader.section(root, "retention") {
            reader.only(&retention, &["runs", "days", "gigabytes"]);
            put(&mut self.keep_runs, reader.number(&retention, "runs", 1..=100_000));
            put(&mut self.keep_days, reader.number(&retention, "days", 1..=36_500));
            put(&mut self.keep_gigabytes, reader.number(&retention, "gigabytes", 1..=100_000));
        }
        if let Some(ansible) = reader.section(root, "ansible") {
            reader.only(&ansible, &["use_path", "python"]);
            put(&mut self.ansible_use_path, reader.truth(&ansible, "use_path"));
            put(&mut self.ansible_python, reader.text(&ansible, "python").map(|t| t.map(|p| Some(p.into()))));
        }
    }

    fn read_console(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(console) = reader.section(root, "console") else { return };
        reader.only(&console, &["theme", "colours", "glyphs", "mouse", "open", "motion", "columns", "favourites"]);
        put(&mut self.theme, reader.text(&console, "theme"));
        put(&mut self.colours, reader.word(&console, "colours", COLOURS));
        put(&mut self.glyphs, reader.word(&console, "glyphs", GLYPHS));
        put(&mut self.mouse, reader.truth(&console, "mouse"));
        let tabs: Vec<(&str, &'static str)> = TABS.iter().map(|tab| (*tab, *tab)).collect();
        put(&mut self.open, reader.word(&console, "open", &tabs));
        put(&mut self.motion, reader.word(&console, "motion", MOTIONS));
        if let Some(columns) = reader.section(&console, "columns") {
            let lists = columns.table.iter().map(|(key, _)| key.get_ref().as_ref());
            self.columns = lists.filter_map(|list| Some((list.to_owned(), reader.text(&columns, list)?))).collect();
        }
        if let Some(favourites) = reader.section(&console, "favourites") {
            for (key, _) in favourites.table {
                let name = key.get_ref().as_ref();
                match name.parse() {
                    Ok(digit @ 0..=9) if name.len() == 1 => {
                        self.favourites.extend(reader.text(&favourites, name).map(|line| (digit, line)));
                    }
                    _ => reader.problem(&key.span(), format!("console.favourites has the digits 0 to 9, not {name:?}")),
                }
            }
        }
    }

    fn read_watch(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(watch) = reader.section(root, "watch") else { return };
        reader.only(&watch, &["dir", "group"]);
        put(&mut self.watch_dir, reader.text(&watch, "dir").map(|t| t.map(|dir| Some(dir.into()))));
        put(&mut self.watch_group, reader.text(&watch, "group").map(|t| t.map(Some)));
        let missing = match (&self.watch_dir.value, &self.watch_group.value) {
            (Some(dir), Some(_)) if dir.is_absolute() => return,
            (Some(_), Some(_)) => "watch.dir must be an absolute path",
            _ => "watch needs both dir and group",
        };
        let span = root.table.iter().find(|(key, _)| key.get_ref() == "watch").map(|(key, _)| key.span()).unwrap_or_default();
        reader.problem(&span, missing);
    }

    fn read_clouds(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(clouds) = reader.section(root, "clouds") else { return };
        for (key, _) in clouds.table {
            let name = key.get_ref().as_ref();
            if !is_name(name) {
                reader.problem(
                    &key.span(),
                    format!("{name:?} cannot name a cloud: a-z, 0-9, - and _, at most {MAX_NAME}, a letter or digit first"),
                );
                continue;
            }
            let Some(section) = reader.section(&clouds, name) else { continue };
            if section.table.iter().all(|(key, _)| key.get_ref() != "driver") {
                reader.problem(&key.span(), format!("clouds.{name} has no driver"));
            }
            let values = section.table.iter().map(|(key, _)| key.get_ref().as_ref()).filter(|key| !OF_CLOUDS.contains(key));
            let values = values.filter_map(|key| Some((key.to_owned(), reader.plain(&section, key)?))).collect();
            let Some(driver) = reader.word(&section, "driver", DRIVERS) else { continue };
            let (flavor, image) = (reader.plain(&section, "flavor"), reader.plain(&section, "image"));
            let (read_only, prod) = (reader.truth(&section, "read_only"), reader.truth(&section, "prod"));
            let prod = prod.is_some_and(|prod| prod.value);
            let origin = reader.origin(&key.span());
            let cloud = CloudSettings { driver, flavor, image, values, read_only, prod, origin };
            self.clouds.insert(CloudName::new(name), cloud);
        }
    }

    fn read_dockers(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(dockers) = reader.section(root, "docker") else { return };
        for (key, _) in dockers.table {
            let name = key.get_ref().as_ref();
            let Some(section) = reader.section(&dockers, name) else { continue };
            reader.only(&section, &["host", "ca", "cert", "key", "verify", "default"]);
            let mut text = |key: &str| reader.text(&section, key).map(|said| said.value);
            let (ca, cert, key_file) = (text("ca"), text("cert"), text("key"));
            let Some(host) = text("host") else {
                reader.problem(&key.span(), format!("docker.{name} has no host"));
                continue;
            };
            let verify = reader.truth(&section, "verify").is_none_or(|verify| verify.value);
            let default = reader.truth(&section, "default").is_some_and(|default| default.value);
            let tls = (ca.is_some() || cert.is_some() || key_file.is_some() || !verify).then_some(DockerTls {
                ca,
                cert,
                key: key_file,
                unchecked: !verify,
            });
            let origin = reader.origin(&key.span());
            self.dockers.insert(name.to_owned(), DockerSettings { address: DockerAddress { host, tls }, default, origin });
        }
    }

    fn read_default_cloud(&mut self, reader: &mut Reader<'_>, root: &Section<'_>) {
        let Some(name) = reader.text(root, "default_cloud") else {
            if let (Some((only, cloud)), 1) = (self.clouds.first_key_value(), self.clouds.len()) {
                self.default_cloud = Sourced { value: Some(only.clone()), origin: cloud.origin.clone() };
            }
            return;
        };
        let cloud = CloudName::new(name.value.as_str());
        let all: Vec<&str> = root
            .get("clouds")
            .and_then(|v| v.get_ref().as_table())
            .into_iter()
            .flatten()
            .map(|(key, _)| key.get_ref().as_ref())
            .collect();
        if !all.contains(&cloud.as_str()) {
            let hint = nearest(&name, all.into_iter());
            let span = root.get("default_cloud").map(|value| value.span()).unwrap_or_default();
            reader.problem(&span, format!("default_cloud is {cloud}, which is not in [clouds]{hint}"));
        }
        self.default_cloud = name.map(|_| Some(cloud));
    }
}

pub(super) fn put<T>(place: &mut Sourced<T>, found: Option<Sourced<T>>) {
    if let Some(found) = found {
        *place = found;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, Failure> {
        Settings::parse(Path::new("s.toml"), text)
    }

    #[test]
    fn every_value_knows_its_line() {
        let settings = parse(
            "[engine]\nidle_hours = 0\n[clouds.lab]\ndriver = \"sandbox\"\nboot_ms = 300\nquota_servers = \"9\"\n[console]\ncolours = \"16\"\n",
        )
        .unwrap();
        assert_eq!((settings.idle_hours.value, settings.idle_hours.origin.to_string().as_str()), (0, "s.toml:2"));
        assert_eq!(settings.log.origin, Origin::Default);
        assert_eq!(settings.colours.value, Colours::C16);
        let lab = &settings.clouds[&CloudName::new("lab")];
        assert_eq!((lab.driver.value, lab.origin.to_string().as_str()), (Driver::Sandbox, "s.toml:3"));
        assert_eq!((lab.values["boot_ms"].as_str(), lab.values["quota_servers"].as_str()), ("300", "9"));
        assert_eq!(settings.default_cloud.value, Some(CloudName::new("lab")), "the only one is the default");
    }

    #[test]
    fn all_problems_are_found_with_their_place_and_the_nearest_word() {
        let text = "default_cloud = \"lap\"\n[engin]\n[console]\ncolours = \"265\"\nmouse = 1\n[retention]\nruns = 0\n[clouds.lab]\ndriver = \"sandbx\"\nx = []\n[clouds.\"../up\"]\n[clouds.two]\n";
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.at, "s.toml:1:17");
        insta::assert_snapshot!(failure.got, @r###"
        s.toml:1:17: default_cloud is lap, which is not in [clouds] (did you mean lab?)
        s.toml:2:2: unknown key engin (did you mean engine?)
        s.toml:4:11: console.colours is "265", which is none of auto, true, 256, 16, none (did you mean 256?)
        s.toml:5:9: console.mouse must be true or false, not a number
        s.toml:7:8: retention.runs is 0, outside 1 to 100000
        s.toml:9:10: clouds.lab.driver is "sandbx", which is none of sandbox, docker, openstack, synnefo, libcloud (did you mean sandbox?)
        s.toml:10:5: clouds.lab.x must be a text, a number, true or false, not a list
        s.toml:11:9: "../up" cannot name a cloud: a-z, 0-9, - and _, at most 40, a letter or digit first
        s.toml:12:9: clouds.two has no driver
        "###);
    }

    #[test]
    fn a_socket_for_watchers_needs_a_place_and_a_group() {
        assert!(parse("[watch]\ndir = \"/srv/qd\"\n").unwrap_err().got.contains("s.toml:1:2: watch needs both"));
        assert!(parse("[watch]\ndir = \"qd\"\ngroup = \"ops\"\n").unwrap_err().got.contains("absolute"));
    }

    #[test]
    fn favourites_stand_on_digits() {
        let failure = parse("[console.favourites]\n1 = \"runs\"\n12 = \"x\"\nx = \"y\"\n2 = 3\n").unwrap_err();
        insta::assert_snapshot!(failure.got, @r###"
        s.toml:3:1: console.favourites has the digits 0 to 9, not "12"
        s.toml:4:1: console.favourites has the digits 0 to 9, not "x"
        s.toml:5:5: console.favourites.2 must be a text in quotes, not a number
        "###);
    }

    #[test]
    fn broken_toml_names_its_place() {
        let failure = parse("[engine]\nlog = \"in\n").unwrap_err();
        assert!(failure.at.starts_with("s.toml:2:"), "{failure}");
        assert!(parse("a = 1\na = 2\n").unwrap_err().got.contains("duplicate"));
    }

    #[test]
    fn the_example_in_the_documentation_is_valid() {
        let doc: String = include_str!("settings.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
            .collect();
        let mut shown = parse(&doc).unwrap();
        assert_eq!(shown.default_cloud.value, Some(CloudName::new("lab")));
        // Apart from what has no default, the example shows the defaults.
        let fresh = Settings::default();
        shown.ansible_python = fresh.ansible_python.clone();
        assert_eq!(shown.watch_group.value.as_deref(), Some("ops"));
        let values = |s: &Settings| {
            (
                (*s.idle_hours, s.log.value.clone(), *s.keep_runs, *s.keep_days, *s.keep_gigabytes),
                (*s.ansible_use_path, s.theme.value.clone(), *s.colours, *s.glyphs, *s.mouse),
            )
        };
        assert_eq!(values(&shown), values(&fresh));
        assert_eq!(shown.columns["servers"].as_str(), "name status address cluster ram");
        assert_eq!(shown.favourites[&1].as_str(), "servers status=error");
    }
}
