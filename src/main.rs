//! The program: hidden helpers first, then one front door. No logic lives here.

use std::ffi::OsString;
use std::process::ExitCode;

use quarterdeck::cli::looks::{KeyRow, KeyRows, ThemeRow};
use quarterdeck::model::Failure;
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
const PARTS: &[Part] = &[
    ("__job", quarterdeck::base::job::main_hidden),
    ("__sandbox", quarterdeck::clouds::sandbox::main_hidden),
    ("__build", quarterdeck::containers::build::main_hidden),
];

fn hidden(args: &[OsString]) -> Option<i32> {
    let word = args.get(1)?;
    let (_, part) = PARTS.iter().find(|(name, _)| word == name)?;
    Some(part(args.iter().skip(2).cloned().collect()))
}

/// What the command line opens but does not know: the console and the engine.
fn doors() -> cli::Doors {
    cli::Doors {
        console: |open, read_only| {
            Box::pin(async move {
                let start = match open {
                    cli::Open::Home => console::Start::Home,
                    cli::Open::At(tab) => console::Tab::named(tab).map_or(console::Start::Home, console::Start::At),
                    cli::Open::Setup => console::Start::Setup,
                    cli::Open::Run(number) => console::Start::Run(number),
                };
                let paths = config::Paths::from_env()?;
                let options = client::Options::new(ClientKind::Console, paths).following();
                let client = client::connect(options.clone()).await?;
                console::run(client, options, start, read_only).await
            })
        },
        engine: |detached| {
            Box::pin(async move {
                let options = daemon::Options { paths: config::Paths::from_env()?, detached };
                daemon::run(options, daemon::engine).await.map(|()| 0)
            })
        },
        keys,
        themes,
    }
}

fn keys(preset: Option<&str>) -> Result<KeyRows, Failure> {
    let (bindings, problems) = console::looks::keys(&config::Paths::from_env()?, preset)?;
    let row = |b: console::input::Binding| KeyRow {
        context: b.context,
        keys: b.keys,
        action: b.name,
        does: b.does,
        from: b.from.to_string(),
    };
    Ok((bindings.into_iter().map(row).collect(), problems))
}

fn themes(file: Option<&str>) -> Result<Vec<ThemeRow>, Failure> {
    let looks = console::looks::themes(&config::Paths::from_env()?, file)?;
    let row = |look: console::looks::ThemeLook| {
        let (least_contrast, apart, problems) = match look.report {
            Ok(report) => (report.least_contrast(), report.apart, report.problems),
            Err(failure) => (None, Vec::new(), vec![failure.line()]),
        };
        let (name, kind, colour_blind_safe, path, wanted) =
            (look.name, look.kind, look.colour_blind_safe, look.path, look.wanted);
        ThemeRow { name, kind, colour_blind_safe, path, wanted, least_contrast, apart, problems }
    };
    Ok(looks.into_iter().map(row).collect())
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
