//! Changes to `settings.toml` that leave everything else in it as it was: order, comments, spacing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml_edit::{DocumentMut, Item, Table, value};

use super::Paths;
use super::files::read_text;
use super::settings::{OF_CLOUDS, Settings};
use crate::model::ids::{MAX_NAME, is_name};
use crate::model::{CloudName, Driver, Failure};

/// The settings' file, for changes.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// The file of a home; it need not be there.
    pub fn of(paths: &Paths) -> Self {
        Self { path: paths.settings() }
    }

    /// Adds a cloud; the first one becomes the default.
    ///
    /// # Errors
    /// `Refused`: `name` is taken or is no name; the file is wrong or cannot be written.
    pub fn add_cloud(&self, name: &str, driver: Driver, settings: &BTreeMap<String, String>) -> Result<(), Failure> {
        let tried = format!("add cloud {name}");
        if !is_name(name) {
            let got = format!("{name:?} cannot name a cloud");
            let next = format!("use a-z, 0-9, - and _, at most {MAX_NAME} characters, a letter or digit first");
            return Err(Failure::refused(tried, got).next(next));
        }
        self.change(|now, document| {
            if now.clouds.contains_key(&CloudName::new(name)) {
                return Err(Failure::refused(tried, "there is a cloud of that name already")
                    .at(self.path.display())
                    .next("pick another name, or remove that one first"));
            }
            let clouds = clouds_table(document, &self.path)?;
            let mut cloud = Table::new();
            cloud["driver"] = value(driver.to_string());
            for (key, text) in settings.iter().filter(|(key, text)| *key != "driver" && !text.is_empty()) {
                cloud[key] = value(text);
            }
            clouds.insert(name, Item::Table(cloud));
            if now.clouds.is_empty() {
                document["default_cloud"] = value(name);
            }
            Ok(())
        })
    }

    /// Removes a cloud from the settings; nothing is deleted on it.
    ///
    /// # Errors
    /// `NotFound`; the file is wrong or cannot be written.
    pub fn remove_cloud(&self, name: &CloudName) -> Result<(), Failure> {
        self.change(|now, document| {
            self.must_have(now, name, "remove")?;
            clouds_table(document, &self.path)?.remove(name.as_str());
            if now.default_cloud.value.as_ref() == Some(name) {
                document.remove("default_cloud");
            }
            Ok(())
        })
    }

    /// Makes it the cloud of commands that name none.
    ///
    /// # Errors
    /// `NotFound`; the file is wrong or cannot be written.
    pub fn use_cloud(&self, name: &CloudName) -> Result<(), Failure> {
        self.change(|now, document| {
            self.must_have(now, name, "use")?;
            replace(document.as_table_mut(), "default_cloud", name.as_str());
            Ok(())
        })
    }

    /// Changes settings of a cloud: an empty text removes one. The driver stays.
    ///
    /// # Errors
    /// `NotFound`; the file is wrong or cannot be written.
    pub fn set_cloud(&self, name: &CloudName, settings: &BTreeMap<String, String>) -> Result<(), Failure> {
        self.change(|now, document| {
            self.must_have(now, name, "change")?;
            let clouds = clouds_table(document, &self.path)?;
            let cloud = clouds.get_mut(name.as_str()).and_then(Item::as_table_like_mut).ok_or_else(|| odd(&self.path))?;
            for (key, text) in settings.iter().filter(|(key, _)| *key != "driver") {
                if text.is_empty() {
                    cloud.remove(key);
                } else if let Some(old) = cloud.get_mut(key).and_then(Item::as_value_mut) {
                    let decor = old.decor().clone();
                    *old = plain(key, text);
                    *old.decor_mut() = decor;
                } else {
                    cloud.insert(key, value(plain(key, text)));
                }
            }
            Ok(())
        })
    }

    /// Sets a text of `[console.PART]`, or takes it out: columns of a list, a favourite.
    ///
    /// # Errors
    /// The file is wrong or cannot be written.
    pub fn set_console(&self, part: &str, key: &str, text: Option<&str>) -> Result<(), Failure> {
        self.change(|_, document| {
            let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
            for name in ["console", part] {
                let item = table.entry(name).or_insert_with(|| {
                    let mut made = Table::new();
                    made.set_implicit(name == "console");
                    Item::Table(made)
                });
                table = item.as_table_like_mut().ok_or_else(|| odd(&self.path))?;
            }
            match (text, table.get_mut(key).and_then(Item::as_value_mut)) {
                (None, _) => {
                    table.remove(key);
                }
                (Some(text), Some(old)) => {
                    let decor = old.decor().clone();
                    *old = text.into();
                    *old.decor_mut() = decor;
                }
                (Some(text), None) => {
                    table.insert(key, value(text));
                }
            }
            Ok(())
        })
    }

    fn must_have(&self, now: &Settings, name: &CloudName, verb: &str) -> Result<(), Failure> {
        if now.clouds.contains_key(name) {
            return Ok(());
        }
        let known: Vec<_> = now.clouds.keys().map(CloudName::as_str).collect();
        let next = if known.is_empty() { "quarterdeck cloud add".to_owned() } else { format!("there are: {}", known.join(", ")) };
        Err(Failure::not_found(format!("{verb} cloud {name}"), "there is no cloud of that name")
            .at(self.path.display())
            .next(next))
    }

    fn change(&self, edit: impl FnOnce(&Settings, &mut DocumentMut) -> Result<(), Failure>) -> Result<(), Failure> {
        let text = read_text(&self.path)?.unwrap_or_default();
        let now = Settings::parse(&self.path, &text)?;
        let mut document: DocumentMut = text.parse().map_err(|_| odd(&self.path))?;
        edit(&now, &mut document)?;
        let text = document.to_string();
        // What is written can be read again, whatever was handed in.
        Settings::parse(&self.path, &text)?;
        crate::base::files::write_private(&self.path, text.as_bytes())
    }
}

/// Changes a value in place, so that a comment behind it stays.
fn replace(table: &mut Table, key: &str, text: &str) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = text.into();
            *old.decor_mut() = decor;
        }
        None => table[key] = value(text),
    }
}

fn clouds_table<'d>(document: &'d mut DocumentMut, path: &std::path::Path) -> Result<&'d mut dyn toml_edit::TableLike, Failure> {
    let item = document.entry("clouds").or_insert_with(|| {
        let mut clouds = Table::new();
        clouds.set_implicit(true);
        Item::Table(clouds)
    });
    item.as_table_like_mut().ok_or_else(|| odd(path))
}

fn odd(path: &std::path::Path) -> Failure {
    Failure::refused("change the settings", "this file is written in a way that cannot be changed by program")
        .at(path.display())
        .next("write the clouds as [clouds.NAME] tables")
}

/// A value as it is written: what is ours and yes or no goes in as that, everything else as a text for the driver.
fn plain(key: &str, text: &str) -> toml_edit::Value {
    match text.parse::<bool>() {
        Ok(truth) if OF_CLOUDS.contains(&key) => truth.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::model::Class;

    fn file() -> (tempfile::TempDir, SettingsFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        (dir, SettingsFile { path })
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_first_cloud_is_added_to_nothing() {
        let (_dir, file) = file();
        file.add_cloud("lab", Driver::Sandbox, &map(&[("boot_ms", "300")])).unwrap();
        insta::assert_snapshot!(fs::read_to_string(&file.path).unwrap(), @r###"
        default_cloud = "lab"

        [clouds.lab]
        driver = "sandbox"
        boot_ms = "300"
        "###);
        assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(file.add_cloud("lab", Driver::Docker, &map(&[])).unwrap_err().class, Class::Refused);
        assert_eq!(file.add_cloud("../lab", Driver::Docker, &map(&[])).unwrap_err().class, Class::Refused);
    }

    #[test]
    fn comments_and_order_survive_every_change() {
        let (_dir, file) = file();
        let text = "# mine\ndefault_cloud = \"lab\" # for now\n\n[console] # look\ntheme = \"night\"\n\n# the lab\n[clouds.lab]\ndriver = \"sandbox\"\nboot_ms = 300 # slow\nquota_servers = \"5\"\n";
        fs::write(&file.path, text).unwrap();
        file.add_cloud("two", Driver::Docker, &map(&[])).unwrap();
        file.use_cloud(&CloudName::new("two")).unwrap();
        file.set_cloud(&CloudName::new("lab"), &map(&[("boot_ms", "50"), ("quota_servers", ""), ("at_once", "4")])).unwrap();
        insta::assert_snapshot!(fs::read_to_string(&file.path).unwrap(), @r###"
        # mine
        default_cloud = "two" # for now

        [console] # look
        theme = "night"

        # the lab
        [clouds.lab]
        driver = "sandbox"
        boot_ms = "50" # slow
        at_once = "4"

        [clouds.two]
        driver = "docker"
        "###);
        file.remove_cloud(&CloudName::new("two")).unwrap();
        let now = Settings::parse(&file.path, &fs::read_to_string(&file.path).unwrap()).unwrap();
        assert_eq!(now.default_cloud.value, Some(CloudName::new("lab")), "the one that is left");
        assert_eq!(file.remove_cloud(&CloudName::new("two")).unwrap_err().class, Class::NotFound);
    }

    #[test]
    fn what_the_console_keeps_stands_in_tables_of_its_own() {
        let (_dir, file) = file();
        fs::write(&file.path, "[console]\ntheme = \"light\" # bright room\n").unwrap();
        file.set_console("columns", "servers", Some("name ram")).unwrap();
        file.set_console("favourites", "1", Some("servers status=error")).unwrap();
        file.set_console("favourites", "2", Some("runs")).unwrap();
        file.set_console("favourites", "1", Some("servers age<2h")).unwrap();
        file.set_console("favourites", "2", None).unwrap();
        insta::assert_snapshot!(fs::read_to_string(&file.path).unwrap(), @r###"
        [console]
        theme = "light" # bright room

        [console.columns]
        servers = "name ram"

        [console.favourites]
        1 = "servers age<2h"
        "###);
        fs::remove_file(&file.path).unwrap();
        file.set_console("columns", "runs", Some("run what")).unwrap();
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "[console.columns]\nruns = \"run what\"\n");
    }

    #[test]
    fn a_wrong_file_is_not_touched() {
        let (_dir, file) = file();
        fs::write(&file.path, "[clouds.lab]\ndrver = 1\n").unwrap();
        assert!(file.add_cloud("two", Driver::Docker, &map(&[])).is_err());
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "[clouds.lab]\ndrver = 1\n");
    }

    #[test]
    fn any_text_survives_as_a_value() {
        let (_dir, file) = file();
        let odd = "a \"b\"\n\\c = [d]\u{7}";
        file.add_cloud("lab", Driver::Libcloud, &map(&[("note", odd)])).unwrap();
        let now = Settings::parse(&file.path, &fs::read_to_string(&file.path).unwrap()).unwrap();
        assert_eq!(now.clouds[&CloudName::new("lab")].values["note"].value, odd);
    }
}
