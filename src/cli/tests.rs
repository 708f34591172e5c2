//! The shape of the command line.

use clap::{CommandFactory, Parser};

use super::Cli;

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn what_people_type_is_understood() {
    for line in [
        "quarterdeck",
        "quarterdeck try",
        "quarterdeck doctor --json",
        "quarterdeck cluster plan -f spec.yml --json",
        "quarterdeck cluster plan web --scale app=3 --scale lb=1",
        "quarterdeck cluster create --blueprint hello --name h2 --cloud lab --yes --detach",
        "quarterdeck cluster scale web app=5 lb=2 --yes",
        "quarterdeck playbook run -c hello site.yml other.yml --limit web -t a,b --skip-tags c --check -f 9 -e a=1 -e @x -vvv",
        "quarterdeck playbook run -c hello --vault-password-file pw",
        "quarterdeck inventory hello --host node-1",
        "quarterdeck ssh hello --all -- uptime -p",
        "quarterdeck ssh hello/node-1",
        "quarterdeck run cancel 42 --undo",
        "quarterdeck run replay 42 --speed 4",
        "quarterdeck run answer 42 retry",
        "quarterdeck engine stop --now",
        "quarterdeck server create a --flavor small --image host --network n1 --network n2",
        "quarterdeck completions zsh",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for line in [
        "quarterdeck nonsense",
        "quarterdeck cluster create -f a.yml --blueprint hello",
        "quarterdeck cluster scale web",
        "quarterdeck cluster scale web app",
        "quarterdeck cluster scale web app=many",
        "quarterdeck cluster scale web app=-1",
        "quarterdeck cluster plan --scale app=3",
        "quarterdeck playbook run -c hello --vault-password-file a --ask-vault-pass",
        "quarterdeck playbook run -c hello -f 0",
        "quarterdeck ssh hello --all",
        "quarterdeck run show latest",
        "quarterdeck run cancel 4 --undo --keep",
        "quarterdeck run replay 4 --speed -2",
        "quarterdeck inventory hello --list --host a",
    ] {
        match parse(line) {
            Ok(_) => panic!("{line}: was taken"),
            Err(error) => assert_eq!(error.exit_code(), 2, "{line}"),
        }
    }
}

/// The help of one command, as wide as its longest line.
fn help(path: &[&str]) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut found = &mut command;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.render_long_help().to_string()
}

#[test]
fn helps_read_as_they_did() {
    for path in [
        &[][..],
        &["cloud"],
        &["cluster"],
        &["cluster", "create"],
        &["cluster", "plan"],
        &["playbook", "run"],
        &["ssh"],
        &["run"],
        &["server"],
        &["engine"],
    ] {
        let name = if path.is_empty() { "help".to_owned() } else { format!("help_{}", path.join("_")) };
        insta::assert_snapshot!(name, help(path));
    }
}
