//! `quarterdeck completions` and `quarterdeck man`.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::model::Failure;

use super::App;
use super::exit::{Code, Ended, Stop};

#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Args, Debug)]
pub struct ManPages {
    /// Write one page a command into this directory instead of the main page to stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn completions(app: &mut App<'_>, mut command: Command, args: &Completions) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "quarterdeck", &mut script);
    app.out.raw(&script)?;
    Ok(Code::Done)
}

pub fn man(app: &mut App<'_>, command: Command, args: &ManPages) -> Ended {
    if let Some(dir) = &args.dir {
        let count = write_all(command, dir)
            .map_err(|error| Stop::from(Failure::refused("write the man pages", error).at(dir.display())))?;
        return app.done(&format!("{count} pages are in {}", dir.display()));
    }
    let mut page = Vec::new();
    main_page(command, &mut page)?;
    app.out.raw(&page)?;
    Ok(Code::Done)
}

/// The main page: clap's sections, all commands in one list, and what clap does not know.
fn main_page(command: Command, page: &mut Vec<u8>) -> io::Result<()> {
    let mut all = Roff::default();
    all.control("SH", ["COMMANDS"]);
    for noun in command.get_subcommands().filter(|noun| !noun.is_hide_set()) {
        list(&mut all, "", noun);
    }
    let man = Man::new(command);
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    all.to_writer(page)?;
    more().to_writer(page)?;
    man.render_version_section(page)
}

fn list(page: &mut Roff, before: &str, command: &Command) {
    let name = format!("{before}{}", command.get_name());
    let verbs: Vec<&Command> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
    if verbs.is_empty() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        page.control("TP", []);
        page.text([bold(name.as_str())]);
        page.text([roman(about)]);
    }
    for verb in verbs {
        list(page, &format!("{name} "), verb);
    }
}

/// Sections of our own.
fn more() -> Roff {
    let mut page = Roff::default();
    let mut section = |title: &str, entries: &[(&str, &str)]| {
        page.control("SH", [title]);
        for (name, text) in entries {
            page.control("TP", []);
            page.text([bold(*name)]);
            page.text([roman(*text)]);
        }
    };
    section(
        "EXIT STATUS",
        &[
            ("0", "It was done; a run that was followed ended well."),
            ("1", "It was tried and failed."),
            ("2", "The command line, or a file that it names, is wrong; or what it names is not there."),
            ("3", "Refused: not allowed, not confirmed, or something is in the way."),
            ("130", "Ctrl-C. A run that was followed goes on."),
            ("255", "quarterdeck ssh: the remote command could not be run; else its own exit code is passed on."),
        ],
    );
    section(
        "ENVIRONMENT",
        &[
            ("QUARTERDECK_HOME", "One folder for settings, data and state, instead of the XDG folders."),
            ("QUARTERDECK_OPERATOR", "The person's name for the audit, where several people share an account."),
            ("QUARTERDECK_CLUSTER", "The cluster that quarterdeck inventory is about."),
            ("NO_COLOR", "No colours."),
        ],
    );
    section(
        "FILES",
        &[
            ("$XDG_CONFIG_HOME/quarterdeck/settings.toml", "Settings and clouds."),
            ("$XDG_DATA_HOME/quarterdeck/", "The store, output of runs, keys of clusters, Ansible, the sandbox."),
            ("$XDG_STATE_HOME/quarterdeck/engine.log", "What the engine did."),
        ],
    );
    page
}

/// One page for each command; how many they are.
fn write_all(command: Command, dir: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command.clone(), dir)?;
    let mut page = Vec::new();
    main_page(command, &mut page)?;
    std::fs::write(dir.join("quarterdeck.1"), page)?;
    Ok(std::fs::read_dir(dir)?.filter_map(Result::ok).filter(|entry| entry.path().extension().is_some_and(|e| e == "1")).count())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_man_page_lists_every_command_and_no_hidden_one() {
        let mut page = Vec::new();
        main_page(Cli::command(), &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for command in ["cluster create", "run tail", "engine unit", "try", "ssh"] {
            assert!(page.contains(&format!("\\fB{command}\\fR")), "{command} is missing");
        }
        assert!(page.contains("EXIT STATUS") && !page.contains("detached"));
    }

    #[test]
    fn every_command_gets_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let count = write_all(Cli::command(), dir.path()).unwrap();
        assert!(count > 40, "{count}");
        assert!(dir.path().join("quarterdeck-cluster-create.1").exists());
    }

    #[test]
    fn completions_know_the_nouns() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "quarterdeck", &mut script);
            assert!(String::from_utf8(script).unwrap().contains("blueprint"), "{shell}");
        }
    }
}
