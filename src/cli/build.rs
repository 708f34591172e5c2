//! `quarterdeck build …`

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use clap::{Args, Subcommand};

use crate::model::build::is_secret_id;
use crate::model::{Failure, NewBuild, RunKind};
use crate::protocol::Command;

use super::App;
use super::cloud::setting;
use super::cluster::follow;
use super::docker;
use super::exit::{Ended, Stop};
use super::session::Session;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Build an image on a Docker engine, as a run: its steps with times and cache hits, live
    Run(Box<Build>),
    /// List the builds that were run
    List(super::Json),
}

#[derive(Args, Debug)]
pub struct Build {
    /// The directory that the build takes files from; .dockerignore says what is left out
    dir: String,
    /// The Dockerfile, within that directory [default: Dockerfile]
    #[arg(short, long, value_name = "PATH")]
    file: Option<String>,
    /// A name of the image, for instance shop/web:1.4; may be repeated
    #[arg(short, long = "tag", value_name = "NAME")]
    tags: Vec<String>,
    /// A build argument; no place for secrets: the image's history shows it. NAME alone takes this shell's variable
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = argument)]
    args: Vec<(String, String)>,
    /// A secret that only `RUN --mount=type=secret` sees: of a file, or of a variable; may be repeated
    #[arg(long = "secret", value_name = "id=ID,src=FILE|env=VAR", value_parser = Secret::parse)]
    secrets: Vec<Secret>,
    /// The stage to build [default: the last one]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// A label of the image; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = setting)]
    labels: Vec<(String, String)>,
    /// The platform to build for, for instance linux/arm64 [default: that of the Docker engine]
    #[arg(long)]
    platform: Option<String>,
    /// Take nothing from the cache
    #[arg(long)]
    no_cache: bool,
    /// Look for newer bases in their registry
    #[arg(long)]
    pull: bool,
    /// Use the classic builder also where there is BuildKit
    #[arg(long)]
    classic: bool,
    /// The Docker engine [default: the one that Docker itself uses]
    #[arg(long, value_name = "NAME")]
    docker: Option<String>,
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
}

/// `NAME=VALUE`, or `NAME` with the value of this shell's variable.
fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        None if !text.is_empty() => match std::env::var(text) {
            Ok(value) => Ok((text.to_owned(), value)),
            Err(_) => Err(format!("write {text}=VALUE, or set the variable {text}")),
        },
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// Where a secret comes from; its value is read when the build begins, and shown nowhere.
#[derive(Clone, Debug)]
pub struct Secret {
    id: String,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    File(PathBuf),
    Variable(String),
}

impl Secret {
    /// As Docker's command line has it: `id=ID,src=FILE`, `id=ID,env=VAR`; `id=ID` alone is the variable ID.
    fn parse(text: &str) -> Result<Self, String> {
        let usage = "write id=ID,src=FILE or id=ID,env=VAR";
        let (mut id, mut from) = (None, None);
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("src" | "source", value)) => from = Some(From::File(value.into())),
                Some(("env", value)) => from = Some(From::Variable(value.to_owned())),
                Some(("type", "file" | "env")) => {}
                _ => return Err(usage.to_owned()),
            }
        }
        let id = id.filter(|id| is_secret_id(id)).ok_or(format!("{usage}; an ID is letters, digits, - and _"))?;
        Ok(Self { from: from.unwrap_or_else(|| From::Variable(id.clone())), id })
    }

    fn value(&self) -> Result<String, Failure> {
        let tried = format!("read secret {}", self.id);
        match &self.from {
            From::File(path) => std::fs::read_to_string(path).map_err(|e| Failure::refused(tried, e).at(path.display())),
            From::Variable(name) => std::env::var(name).map_err(|e| Failure::refused(tried, e).at(format!("${name}"))),
        }
    }
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::Run(build) => build_image(app, *build).await,
        Verb::List(json) => {
            let mut session = Session::open().await?;
            super::run::list(app, &mut session, usize::MAX, Some(RunKind::Build), json).await
        }
    }
}

async fn build_image(app: &mut App<'_>, wish: Build) -> Ended {
    let tried = "build an image";
    let dir = std::fs::canonicalize(&wish.dir).map_err(|e| Stop::usage(Failure::refused(tried, e).at(&wish.dir)))?;
    let dockerfile = match &wish.file {
        None => "Dockerfile".to_owned(),
        Some(file) => within(&dir, Path::new(file)).map_err(Stop::usage)?,
    };
    let secrets = wish.secrets.iter().map(|secret| Ok((secret.id.clone(), secret.value()?)));
    let secrets = secrets.collect::<Result<BTreeMap<_, _>, Failure>>().map_err(Stop::usage)?;
    let context = super::file::text(&dir, tried)?;
    let mut session = Session::open().await?;
    let docker = docker::find(&session, wish.docker.as_deref()).await?.name;
    let build = NewBuild {
        docker,
        context,
        dockerfile,
        tags: wish.tags,
        args: wish.args.into_iter().collect(),
        labels: wish.labels.into_iter().collect(),
        target: wish.target,
        platform: wish.platform,
        // The engine takes them from the secrets.
        secrets: Vec::new(),
        no_cache: wish.no_cache,
        pull: wish.pull,
        classic: wish.classic,
    };
    let run = session.start(Command::BuildRun { build: Box::new(build), secrets }).await?;
    follow(app, &mut session, run, wish.detach).await
}

/// A Dockerfile by its path within the directory: as it is where it is there, else from the working directory.
fn within(dir: &Path, file: &Path) -> Result<String, Failure> {
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain(file) && dir.join(file).is_file() {
        return Ok(file.to_string_lossy().into_owned());
    }
    let tried = "find the Dockerfile";
    let full = std::fs::canonicalize(file).map_err(|e| Failure::refused(tried, e).at(file.display()))?;
    match full.strip_prefix(dir) {
        Ok(path) => Ok(path.to_string_lossy().into_owned()),
        Err(_) => Err(Failure::refused(tried, format!("it is not within {}", dir.display()))
            .at(full.display())
            .next("put it into the directory, or build from a directory that holds it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_as_docker_names_them() {
        let said = |text: &str| Secret::parse(text).map(|secret| format!("{secret:?}"));
        assert!(said("id=npm,src=/run/token").unwrap().contains(r#"File("/run/token")"#));
        assert!(said("type=env,id=npm,env=NPM_TOKEN").unwrap().contains(r#"Variable("NPM_TOKEN")"#));
        assert!(said("id=npm").unwrap().contains(r#"Variable("npm")"#));
        for bad in ["", "npm", "src=x", "id=../x", "id=a,what=b"] {
            assert!(said(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_dockerfile_is_named_by_its_path_within_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("deploy")).unwrap();
        std::fs::write(dir.join("deploy/Dockerfile"), "").unwrap();
        assert_eq!(within(&dir, Path::new("deploy/Dockerfile")).unwrap(), "deploy/Dockerfile");
        assert_eq!(within(&dir, &dir.join("deploy/Dockerfile")).unwrap(), "deploy/Dockerfile");
        assert!(within(&dir.join("deploy"), Path::new("/etc/hostname")).unwrap_err().got.contains("not within"));
    }
}
