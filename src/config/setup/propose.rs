//! From answers to the changes of files that they mean. Nothing is written here.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use toml_edit::{DocumentMut, Item, Table, value};

use super::answers::{AnsibleChoice, Answers, CloudAnswer, WatchAnswer};
use super::unit::unit;
use crate::config::files::read_text;
use crate::config::foreign::Place;
use crate::config::settings::{COLOURS, CloudSettings, GLYPHS, Settings, word_of};
use crate::config::{Paths, Sourced};
use crate::model::{CloudName, Failure};

/// What stands at the top of a settings file that is made here.
const HEAD: &str = "# Settings of Quarterdeck: `quarterdeck setup` writes them, and so may you.\n\n";

/// A change to one file or folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub path: PathBuf,
    /// Permissions afterwards: those of the file where it is there, else what it is made with.
    pub mode: u32,
    pub kind: Kind,
}

/// What becomes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file with this text; `None` before: it is made.
    File { before: Option<String>, after: String },
    /// A folder is made.
    Folder,
}

/// The changes that the answers mean, in the order in which they are carried out.
///
/// # Errors
/// The settings are wrong as they are; an answer cannot be carried out: no such group, a default cloud that is not
/// configured.
pub fn propose(paths: &Paths, place: &Place, program: &Path, answers: &Answers) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    if let Some(WatchAnswer::Group { dir, group }) = &answers.watch {
        changes.extend(watch_folder(dir, group)?);
    }
    changes.extend(settings(paths, answers)?);
    if answers.unit == Some(true) {
        let path = place.config_home().join("systemd/user/quarterdeck.service");
        changes.extend(file(&path, 0o644, read_text(&path)?, unit(program, paths)));
    }
    Ok(changes)
}

/// A file's change, when there is any.
fn file(path: &Path, fresh: u32, before: Option<String>, after: String) -> Option<Change> {
    if before.as_ref() == Some(&after) {
        return None;
    }
    let mode = fs::metadata(path).map_or(fresh, |meta| meta.mode() & 0o777);
    Some(Change { path: path.to_owned(), mode, kind: Kind::File { before, after } })
}

/// The folder in which members of a group find their socket: made where it is not there.
///
/// # Errors
/// There is no such group, this account is not in it, or other accounts could put a socket of their own there.
pub fn watch_folder(dir: &Path, group: &str) -> Result<Option<Change>, Failure> {
    let refused = |got: String| Failure::refused("let a group look", got).at(dir.display());
    match Group::from_name(group) {
        Ok(Some(found)) => {
            let mine = nix::unistd::getgroups().unwrap_or_default();
            let root = nix::unistd::geteuid().is_root();
            if !root && nix::unistd::getegid() != found.gid && !mine.contains(&found.gid) {
                return Err(refused(format!("this account is not in the group {group}"))
                    .next(format!("as root: usermod -aG {group} USER, then log in again")));
            }
        }
        _ => return Err(refused(format!("there is no group {group}")).next("name a group of this computer, or leave it out")),
    }
    match fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => Err(refused("it is not a folder".to_owned()).next("name a folder")),
        Ok(meta) if meta.mode() & 0o022 != 0 => Err(refused("other accounts can write there".to_owned())
            .next(format!("chmod go-w {}, or name another folder", dir.display()))),
        Ok(_) => Ok(None),
        Err(_) => Ok(Some(Change { path: dir.to_owned(), mode: 0o755, kind: Kind::Folder })),
    }
}

fn settings(paths: &Paths, answers: &Answers) -> Result<Option<Change>, Failure> {
    let path = paths.settings();
    let before = read_text(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let now = Settings::parse(&path, text)?;
    let mut document: DocumentMut = text.parse().map_err(|_| odd(&path))?;
    console(&mut document, &now, answers, &path)?;
    if let Some(choice) = answers.ansible.filter(|choice| *choice != AnsibleChoice::None) {
        let wanted = choice == AnsibleChoice::Path;
        put(section(&mut document, "ansible", &path)?, "use_path", &now.ansible_use_path, &wanted, wanted);
    }
    watch(&mut document, &now, answers, &path)?;
    for (name, cloud) in &answers.clouds {
        put_cloud(&mut document, now.clouds.get(name), name, cloud, &path)?;
    }
    if let Some(name) = &answers.default_cloud {
        if !now.clouds.contains_key(name) && !answers.clouds.contains_key(name) {
            let got = format!("{name} is to be the default cloud and is not configured");
            return Err(Failure::refused("change the settings", got).next("configure it, or choose another"));
        }
        if now.default_cloud.value.as_ref() != Some(name) || !document.contains_key("default_cloud") {
            set(document.as_table_mut(), "default_cloud", name.as_str().into());
        }
    }
    document.retain(|_, item| !item.as_table().is_some_and(|table| table.is_empty() && !table.is_implicit()));
    let mut after = document.to_string();
    if before.is_none() && !after.trim().is_empty() {
        after.insert_str(0, HEAD);
    }
    // What would be written can be read.
    Settings::parse(&path, &after)?;
    let nothing = before.is_none() && after.trim().is_empty();
    Ok(if nothing { None } else { file(&path, 0o600, before, after) })
}

fn console(document: &mut DocumentMut, now: &Settings, answers: &Answers, path: &Path) -> Result<(), Failure> {
    let console = section(document, "console", path)?;
    if let Some(theme) = &answers.theme {
        put(console, "theme", &now.theme, theme, theme.as_str());
    }
    if let Some(colours) = answers.colours {
        put(console, "colours", &now.colours, &colours, word_of(COLOURS, colours));
    }
    if let Some(glyphs) = answers.glyphs {
        put(console, "glyphs", &now.glyphs, &glyphs, word_of(GLYPHS, glyphs));
    }
    Ok(())
}

fn watch(document: &mut DocumentMut, now: &Settings, answers: &Answers, path: &Path) -> Result<(), Failure> {
    match &answers.watch {
        None => {}
        Some(WatchAnswer::Nobody) => drop(document.remove("watch")),
        Some(WatchAnswer::Group { dir, group }) => {
            let watch = section(document, "watch", path)?;
            put(watch, "dir", &now.watch_dir, &Some(dir.clone()), dir.to_string_lossy().as_ref());
            put(watch, "group", &now.watch_group, &Some(group.clone()), group.as_str());
        }
    }
    Ok(())
}

fn put_cloud(
    document: &mut DocumentMut,
    now: Option<&CloudSettings>,
    name: &CloudName,
    wanted: &CloudAnswer,
    path: &Path,
) -> Result<(), Failure> {
    if let Some(now) = now.filter(|now| now.driver.value != wanted.driver) {
        let got = format!("it is configured already, with the driver {}", now.driver.value);
        return Err(Failure::refused(format!("configure cloud {name}"), got)
            .at(&now.origin)
            .next(format!("give this one another name, or take that one out first: quarterdeck cloud remove {name}")));
    }
    let clouds = document.entry("clouds").or_insert_with(|| {
        let mut clouds = Table::new();
        clouds.set_implicit(true);
        Item::Table(clouds)
    });
    let clouds = clouds.as_table_like_mut().ok_or_else(|| odd(path))?;
    let cloud = clouds.entry(name.as_str()).or_insert_with(|| {
        let mut cloud = Table::new();
        cloud["driver"] = value(wanted.driver.to_string());
        Item::Table(cloud)
    });
    let cloud = cloud.as_table_like_mut().ok_or_else(|| odd(path))?;
    let named = [("flavor", &wanted.flavor), ("image", &wanted.image)];
    let named = named.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?)));
    for (key, text) in named.chain(wanted.values.iter().map(|(key, text)| (key.as_str(), text))) {
        if now.is_none_or(|now| now.said(key) != Some(text)) {
            set_like(cloud, key, text.as_str().into());
        }
    }
    Ok(())
}

/// A table of the file, made where it is not there; one that stays empty is taken out again.
fn section<'d>(document: &'d mut DocumentMut, name: &str, path: &Path) -> Result<&'d mut Table, Failure> {
    document.entry(name).or_insert_with(|| Item::Table(Table::new())).as_table_mut().ok_or_else(|| odd(path))
}

/// Sets a value where the settings say something else now.
fn put<T: PartialEq>(table: &mut Table, key: &str, now: &Sourced<T>, wanted: &T, text: impl Into<toml_edit::Value>) {
    if now.value != *wanted {
        set(table, key, text.into());
    }
}

fn set(table: &mut Table, key: &str, text: toml_edit::Value) {
    set_like(table, key, text);
}

/// In place, so that a comment behind the old value stays.
fn set_like(table: &mut dyn toml_edit::TableLike, key: &str, text: toml_edit::Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = text;
            *old.decor_mut() = decor;
        }
        None => drop(table.insert(key, Item::Value(text))),
    }
}

fn odd(path: &Path) -> Failure {
    Failure::refused("change the settings", "this file is written in a way that cannot be changed by program")
        .at(path.display())
        .next("write its parts as [tables]")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::answers::FirstCluster;
    use super::*;
    use crate::config::{Colours, Glyphs};
    use crate::model::Driver;

    struct Home {
        dir: tempfile::TempDir,
        paths: Paths,
    }

    fn home(settings: Option<&str>) -> Home {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(&dir.path().join("home"));
        paths.create().unwrap();
        if let Some(text) = settings {
            fs::write(paths.settings(), text).unwrap();
        }
        Home { dir, paths }
    }

    impl Home {
        fn propose(&self, answers: &Answers) -> Result<Vec<Change>, Failure> {
            let home = self.dir.path().to_owned();
            let place = Place { env: BTreeMap::new(), cwd: home.clone(), root: home.clone(), home };
            propose(&self.paths, &place, Path::new("/bin/quarterdeck"), answers)
        }

        /// The settings as they would be.
        fn settings(&self, answers: &Answers) -> String {
            let changes = self.propose(answers).unwrap();
            let change = changes.into_iter().find(|c| c.path == self.paths.settings()).unwrap();
            match change.kind {
                Kind::File { after, .. } => after,
                Kind::Folder => panic!("a folder"),
            }
        }
    }

    fn group() -> String {
        nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap().name
    }

    fn full(dir: &Path) -> Answers {
        let sandbox = CloudAnswer {
            flavor: Some("small".into()),
            values: BTreeMap::from([("boot_ms".to_owned(), "20".to_owned())]),
            ..CloudAnswer::of(Driver::Sandbox)
        };
        Answers {
            default_cloud: Some(CloudName::new("lab")),
            theme: Some("light".into()),
            colours: Some(Colours::Auto),
            glyphs: Some(Glyphs::Ascii),
            ansible: Some(AnsibleChoice::Path),
            clouds: BTreeMap::from([(CloudName::new("lab"), sandbox)]),
            watch: Some(WatchAnswer::Group { dir: dir.join("watch"), group: group() }),
            unit: Some(true),
            first_cluster: Some(FirstCluster { blueprint: "hello".into(), cloud: None }),
        }
    }

    #[test]
    fn a_first_set_up_writes_what_differs_from_the_defaults() {
        let home = home(None);
        let changes = home.propose(&full(home.dir.path())).unwrap();
        let kinds: Vec<(String, u32, bool)> = changes
            .iter()
            .map(|c| (c.path.strip_prefix(home.dir.path()).unwrap().display().to_string(), c.mode, c.kind == Kind::Folder))
            .collect();
        assert_eq!(
            kinds,
            [
                ("watch".to_owned(), 0o755, true),
                ("home/config/settings.toml".to_owned(), 0o600, false),
                (".config/systemd/user/quarterdeck.service".to_owned(), 0o644, false)
            ]
        );
        let text = home
            .settings(&full(home.dir.path()))
            .replace(&home.dir.path().display().to_string(), "HOME")
            .replace(&group(), "GROUP");
        insta::assert_snapshot!(text, @r###"
        # Settings of Quarterdeck: `quarterdeck setup` writes them, and so may you.

        default_cloud = "lab"

        [console]
        theme = "light"
        glyphs = "ascii"

        [ansible]
        use_path = true

        [watch]
        dir = "HOME/watch"
        group = "GROUP"

        [clouds.lab]
        driver = "sandbox"
        flavor = "small"
        boot_ms = "20"
        "###);
    }

    #[test]
    fn no_answers_change_nothing() {
        assert_eq!(home(None).propose(&Answers::default()).unwrap(), []);
        assert_eq!(home(Some("# mine\n")).propose(&Answers::default()).unwrap(), []);
        let same = Answers { theme: Some("auto".into()), ansible: Some(AnsibleChoice::Managed), ..Answers::default() };
        assert_eq!(home(None).propose(&same).unwrap(), [], "the defaults are not written down");
    }

    #[test]
    fn what_is_there_keeps_its_comments_and_the_second_time_changes_nothing() {
        let text = "# mine\ndefault_cloud = \"lab\" # for now\n\n[console] # look\ntheme = \"night\" # dark\nmouse = false\n\n[clouds.lab]\ndriver = \"sandbox\"\nboot_ms = 20\n";
        let old = home(Some(text));
        let mut answers = full(old.dir.path());
        answers.watch = Some(WatchAnswer::Nobody);
        let after = old.settings(&answers);
        insta::assert_snapshot!(after, @r###"
        # mine
        default_cloud = "lab" # for now

        [console] # look
        theme = "light" # dark
        mouse = false
        glyphs = "ascii"

        [clouds.lab]
        driver = "sandbox"
        boot_ms = 20
        flavor = "small"

        [ansible]
        use_path = true
        "###);
        fs::write(old.paths.settings(), &after).unwrap();
        answers.unit = None;
        assert_eq!(old.propose(&answers).unwrap(), []);
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_written() {
        let home = home(Some("[clouds.lab]\ndriver = \"docker\"\n"));
        let refused = |answers: Answers| home.propose(&answers).unwrap_err();
        let lab = BTreeMap::from([(CloudName::new("lab"), CloudAnswer::of(Driver::Sandbox))]);
        let failure = refused(Answers { clouds: lab, ..Answers::default() });
        assert!(failure.got.contains("driver docker") && failure.at.ends_with("settings.toml:1"), "{failure}");
        let failure = refused(Answers { default_cloud: Some(CloudName::new("x")), ..Answers::default() });
        assert!(failure.got.contains("not configured"), "{failure}");
        let watch = |dir: &str, group: &str| Answers {
            watch: Some(WatchAnswer::Group { dir: dir.into(), group: group.into() }),
            ..Answers::default()
        };
        assert!(refused(watch("/srv", "no-such-group")).got.contains("no group"), "a typing error");
        assert!(refused(watch("/tmp", &group())).got.contains("can write there"), "anybody could pose as the engine");
    }
}
