//! The program: hidden helpers first, then one front door. No logic lives here.

use std::ffi::OsString;
use std::process::ExitCode;

use quarterdeck::protocol::ClientKind;
use quarterdeck::{cli, client, config, console, daemon};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden(&args) {
        return exit(code);
    }
    if let Err(report) = color_eyre::config::HookBuilder::default().display_env_section(false).install() {
        eprintln!("quarterdeck: {report}");
    }
    exit(cli::main(args, &doors()))
}

/// A part of the program that runs as a process of its own: its hidden word, and its main.
type Part = (&'static str, fn(Vec<OsString>) -> i32);

/// They start before any thread exists, since they fork and make namespaces.
const PARTS: &[Part] =
    &[("__job", quarterdeck::base::job::main_hidden), ("__sandbox", quarterdeck::clouds::sandbox::main_hidden)];

fn hidden(args: &[OsString]) -> Option<i32> {
    let word = args.get(1)?;
    let (_, part) = PARTS.iter().find(|(name, _)| word == name)?;
    Some(part(args.iter().skip(2).cloned().collect()))
}

/// What the command line opens but does not know: the console and the engine.
fn doors() -> cli::Doors {
    cli::Doors {
        console: |open| {
            Box::pin(async move {
                let start = match open {
                    cli::Open::Home => console::Start::Home,
                    cli::Open::Run(number) => console::Start::Run(number),
                };
                let paths = config::Paths::from_env()?;
                let options = client::Options::new(ClientKind::Console, paths).following();
                let client = client::connect(options.clone()).await?;
                console::run(client, options, start).await
            })
        },
        engine: |detached| {
            Box::pin(async move {
                let options = daemon::Options { paths: config::Paths::from_env()?, detached };
                daemon::run(options, daemon::engine).await.map(|()| 0)
            })
        },
    }
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
