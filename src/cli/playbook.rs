//! `quarterdeck playbook …`

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use crate::model::Failure;
use crate::model::spec::PlaybookSpec;
use crate::model::{Level, Plan, Ruling};
use crate::protocol::Command;

use super::App;
use super::ask::Asker;
use super::ask::Sure;
use super::cluster::follow;
use super::exit::{Ended, Stop};
use super::find;
use super::session::Session;
use super::vars;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Run playbooks on a cluster, one after the other
    Run(Call),
}

#[derive(Args, Debug)]
pub struct Call {
    /// The cluster
    #[arg(short, long)]
    cluster: String,
    /// Playbooks [default: those of the cluster's spec]
    playbooks: Vec<String>,
    /// Only these hosts
    #[arg(short, long, value_name = "PATTERN")]
    limit: Option<String>,
    /// Only tasks with these tags
    #[arg(short, long, value_name = "TAGS", value_delimiter = ',')]
    tags: Vec<String>,
    /// No tasks with these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    skip_tags: Vec<String>,
    /// Change nothing, only report
    #[arg(short = 'C', long)]
    check: bool,
    /// Hosts at once [default: chosen from the cluster's size]
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    forks: Option<u32>,
    /// Extra variables: name=value, '{"name": 1}' or @FILE
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    extra_vars: Vec<String>,
    /// Say more, up to -vvvv
    #[arg(short, action = ArgAction::Count)]
    verbose: u8,
    /// File with the vault password, or a program that prints it
    #[arg(long, value_name = "FILE", conflicts_with = "ask_vault_pass")]
    vault_password_file: Option<PathBuf>,
    /// Ask for the vault password
    #[arg(long)]
    ask_vault_pass: bool,
    /// Return as soon as the run has started
    #[arg(long)]
    detach: bool,
    /// Understood as everywhere; running a playbook asks only where a guard wants it
    #[command(flatten)]
    sure: Sure,
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    let Verb::Run(call) = verb;
    let vars = vars::parse(&call.extra_vars).map_err(Stop::usage)?;
    let password = vault_password(&call).await?;
    let (base_dir, paths) = place(&call.playbooks)?;
    let mut session = Session::open().await?;
    let cluster = find::cluster(session.state().await?, &call.cluster)?.clone();
    let own = call.playbooks.is_empty();
    let wanted: Vec<PlaybookSpec> = if own {
        cluster.spec.playbooks.iter().map(|entry| entry.spec()).collect()
    } else {
        paths.into_iter().map(|path| PlaybookSpec { path, ..PlaybookSpec::default() }).collect()
    };
    if wanted.is_empty() {
        let failure = Failure::refused("run playbooks", format!("the spec of {} names none", cluster.name));
        return Err(Stop::usage(failure.next("name one: quarterdeck playbook run -c CLUSTER PLAYBOOK")));
    }
    let base_dir = if own { cluster.base_dir.clone() } else { base_dir };
    let playbooks = wanted.into_iter().map(|spec| with(spec, &call, &vars, password.is_some())).collect();
    let plan = session.plan(Command::PlanPlaybook { cluster: cluster.id, playbooks, base_dir }).await?;
    for warning in &plan.warnings {
        super::out::remark(&format!("quarterdeck: {warning}"));
    }
    let ruling = session.rules().await?.of_plan(&plan);
    call_is_sure(&call.sure, &ruling, &plan).await?;
    let run = session.apply(plan.id, password.map(|p| p.expose_secret().to_owned())).await?;
    follow(app, &mut session, run, call.detach).await
}

async fn call_is_sure(sure: &Sure, ruling: &Ruling, plan: &Plan) -> Result<(), Stop> {
    let question = format!("{}.", plan.headline());
    sure.obey(ruling, Level::None, "run playbooks", &question, &plan.cluster_name).await
}

/// Where the playbooks are: this directory when all are below it (so that its `ansible.cfg` and roles are found),
/// else the one that all of them are below; and their paths from there.
fn place(playbooks: &[String]) -> Result<(String, Vec<String>), Stop> {
    let tried = "run playbooks";
    let here = std::env::current_dir().map_err(|error| Failure::broken(tried, error).at("the current directory"))?;
    let mut paths = Vec::new();
    for path in playbooks {
        let found = std::fs::canonicalize(path).map_err(|error| {
            Stop::usage(Failure::not_found(tried, error).at(path).next("name playbooks by their path from the current directory"))
        })?;
        paths.push(found);
    }
    let mut base = here.canonicalize().unwrap_or(here);
    if !paths.iter().all(|path| path.starts_with(&base)) {
        base = paths[0].parent().unwrap_or(Path::new("/")).to_path_buf();
        while !paths.iter().all(|path| path.starts_with(&base)) {
            base.pop();
        }
    }
    let inside = paths.iter().map(|path| super::file::text(path.strip_prefix(&base).unwrap_or(path), tried));
    Ok((super::file::text(&base, tried)?, inside.collect::<Result<_, _>>()?))
}

/// A playbook's settings with what the command line says differently.
fn with(mut spec: PlaybookSpec, call: &Call, vars: &crate::model::spec::Vars, vault: bool) -> PlaybookSpec {
    spec.vars.extend(vars.clone());
    spec.limit = call.limit.clone().or(spec.limit);
    if !call.tags.is_empty() {
        spec.tags.clone_from(&call.tags);
    }
    if !call.skip_tags.is_empty() {
        spec.skip_tags.clone_from(&call.skip_tags);
    }
    spec.check |= call.check;
    spec.forks = call.forks.or(spec.forks);
    spec.verbosity = spec.verbosity.max(call.verbose.min(4));
    spec.vault |= vault;
    spec
}

async fn vault_password(call: &Call) -> Result<Option<SecretString>, Stop> {
    let tried = "read the vault password";
    if let Some(file) = &call.vault_password_file {
        return password_of(file, tried).await.map(Some).map_err(Stop::usage);
    }
    if !call.ask_vault_pass {
        return Ok(None);
    }
    let Some(asker) = Asker::open() else {
        let failure = Failure::refused(tried, "there is no terminal to ask at");
        return Err(Stop::refused(failure.next("give it with --vault-password-file FILE")));
    };
    match asker.secret("vault password: ").await? {
        Some(password) if !password.expose_secret().is_empty() => Ok(Some(password)),
        _ => Err(Stop::refused(Failure::refused(tried, "none was given"))),
    }
}

/// The first line of the file; as with Ansible, a file that can be executed is run and prints it.
async fn password_of(file: &Path, tried: &str) -> Result<SecretString, Failure> {
    let wrong = |got: &dyn std::fmt::Display| Failure::refused(tried, got).at(file.display());
    let program = std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    let text = if program {
        let path = std::path::absolute(file).map_err(|error| wrong(&error))?;
        let output = tokio::process::Command::new(path).kill_on_drop(true).output().await.map_err(|error| wrong(&error))?;
        if !output.status.success() {
            return Err(wrong(&format!("the program ended with {}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|_| wrong(&"it printed something else than UTF-8 text"))?
    } else {
        super::file::read(file, 64 * 1024, tried)?
    };
    match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Ok(SecretString::from(line)),
        None => Err(wrong(&"it is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        call: Call,
    }

    fn call(arguments: &[&str]) -> Call {
        use clap::Parser;
        Line::try_parse_from(["x", "-c", "hello"].iter().chain(arguments)).unwrap().call
    }

    #[test]
    fn the_command_line_overrides_the_spec() {
        let spec = PlaybookSpec { tags: vec!["old".into()], forks: Some(3), limit: Some("a".into()), ..PlaybookSpec::default() };
        let unchanged = with(spec.clone(), &call(&[]), &Default::default(), false);
        assert_eq!(unchanged, spec);
        let call = call(&["--tags", "x,y", "-f", "9", "-l", "b", "--check", "-vvvvvv", "--skip-tags", "z"]);
        let vars = vars::parse(&["a=1".into()]).unwrap();
        let spec = with(spec, &call, &vars, true);
        assert_eq!((spec.tags, spec.forks, spec.limit), (vec!["x".into(), "y".into()], Some(9), Some("b".into())));
        assert_eq!((spec.check, spec.verbosity, spec.vault), (true, 4, true));
        assert_eq!(spec.vars["a"], "1");
    }

    #[test]
    fn playbooks_elsewhere_are_placed_by_the_directory_they_share() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("plays/db")).unwrap();
        let files: Vec<String> = ["plays/site.yml", "plays/db/backup.yml"]
            .iter()
            .map(|name| {
                std::fs::write(root.join(name), "[]").unwrap();
                root.join(name).to_str().unwrap().to_owned()
            })
            .collect();
        let (base, paths) = place(&files).unwrap();
        assert_eq!(
            (base, paths),
            (root.join("plays").to_str().unwrap().to_owned(), vec!["site.yml".into(), "db/backup.yml".into()])
        );
        let (base, paths) = place(&["Cargo.toml".into()]).unwrap();
        assert!(base.ends_with(std::env::current_dir().unwrap().file_name().unwrap().to_str().unwrap()));
        assert_eq!(paths, ["Cargo.toml"], "below the current directory it stays in charge");
        assert_eq!(place(&["no/such.yml".into()]).unwrap_err().code(), crate::cli::exit::Code::Usage);
    }

    #[tokio::test]
    async fn the_vault_password_is_a_file_or_what_a_program_prints() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pass");
        std::fs::write(&file, "secret\nmore\n").unwrap();
        assert_eq!(password_of(&file, "read").await.unwrap().expose_secret(), "secret");
        std::fs::write(&file, "#!/bin/sh\necho printed\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(password_of(&file, "read").await.unwrap().expose_secret(), "printed");
        std::fs::write(&file, "#!/bin/sh\nexit 3\n").unwrap();
        assert!(password_of(&file, "read").await.is_err());
        assert!(password_of(&dir.path().join("none"), "read").await.is_err());
    }
}
