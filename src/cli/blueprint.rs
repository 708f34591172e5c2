//! `quarterdeck blueprint …`

use std::path::{Component, Path, PathBuf};

use clap::Subcommand;

use crate::model::Failure;
use crate::protocol::command::BlueprintInfo;
use crate::protocol::{Answer, Command};

use super::exit::{Code, Ended, Stop};
use super::names;
use super::session::{Session, answer_as};
use super::table::Table;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the blueprints that ship with the program
    List(Json),
    /// Print a blueprint's spec
    Show {
        blueprint: String,
        #[command(flatten)]
        json: Json,
    },
    /// Copy a blueprint's files into a new directory, to change them
    Copy {
        blueprint: String,
        /// The directory to make [default: the blueprint's name]
        dir: Option<PathBuf>,
    },
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    let session = Session::open().await?;
    let all = answer_as!(session, Command::Blueprints, Answer::Blueprints(all) => all)?;
    match verb {
        Verb::List(json) if json.json => app.json(&all),
        Verb::List(_) => {
            let mut table = Table::new(["name", "summary"]);
            all.iter().for_each(|b| table.row([b.name.clone(), b.summary.clone()]));
            app.out.table(&table, "there is no blueprint")?;
            Ok(Code::Done)
        }
        Verb::Show { blueprint, json } => {
            let found = find(&all, &blueprint)?;
            if json.json {
                return app.json(found);
            }
            app.out.lines(&found.spec)?;
            Ok(Code::Done)
        }
        Verb::Copy { blueprint, dir } => {
            let found = find(&all, &blueprint)?;
            let dir = dir.unwrap_or_else(|| PathBuf::from(&found.name));
            copy(found, &dir)?;
            app.done(&format!("{} is copied; quarterdeck cluster create -f {}", found.name, dir.join("cluster.yml").display()))
        }
    }
}

fn find<'a>(all: &'a [BlueprintInfo], name: &str) -> Result<&'a BlueprintInfo, Failure> {
    all.iter().find(|b| b.name == name).ok_or_else(|| names::unknown("blueprint", name, all.iter().map(|b| b.name.as_str())))
}

/// Writes the files into `dir`, which must not be there.
fn copy(blueprint: &BlueprintInfo, dir: &Path) -> Result<(), Stop> {
    let tried = format!("copy blueprint {}", blueprint.name);
    let failed = |path: &Path, error: &dyn std::fmt::Display| Failure::refused(&tried, error).at(path.display());
    std::fs::create_dir(dir).map_err(|error| failed(dir, &error).next("name another directory"))?;
    for (name, text) in &blueprint.files {
        let relative = Path::new(name);
        let path = dir.join(relative);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(failed(&path, &"the engine named a file outside of the blueprint").into());
        }
        let parent = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(file: &str) -> BlueprintInfo {
        let files = [(file.to_owned(), "text\n".to_owned())].into();
        BlueprintInfo { name: "hello".into(), summary: String::new(), spec: String::new(), files }
    }

    #[test]
    fn files_are_copied_into_a_new_directory_only() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("mine");
        copy(&sample("playbooks/site.yml"), &dir).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("playbooks/site.yml")).unwrap(), "text\n");
        assert!(copy(&sample("x"), &dir).is_err(), "an existing directory is left alone");
        for outside in ["../x", "/tmp/x", "a/../../x"] {
            assert!(copy(&sample(outside), &temp.path().join("other")).is_err());
            let _ = std::fs::remove_dir_all(temp.path().join("other"));
            assert!(!temp.path().join("x").exists());
        }
    }
}
