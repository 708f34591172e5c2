//! `quarterdeck keys` and `quarterdeck theme`: how the console looks and listens.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::model::Failure;

use super::exit::{Code, Ended};
use super::table::Table;
use super::{App, Json};

#[derive(Args, Debug)]
pub struct Keys {
    /// The keys of a preset (default, vim, emacs) instead of your own
    #[arg(long)]
    preset: Option<String>,
    /// Say only what is wrong in your keys.toml
    #[arg(long, conflicts_with_all = ["preset", "markdown"])]
    check: bool,
    /// As a page in Markdown
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    json: Json,
}

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the themes
    List(Json),
    /// Check that a theme can be read and that its states can be told apart
    Check(Check),
}

#[derive(Args, Debug)]
pub struct Check {
    /// A theme's name, or a file; without it, all themes
    theme: Option<String>,
    #[command(flatten)]
    json: Json,
}

/// One key.
#[derive(Serialize, Debug)]
pub struct KeyRow {
    /// Where it counts: a table of keys.toml.
    pub context: &'static str,
    pub keys: String,
    pub action: String,
    pub does: String,
    /// `built in`, `vim`, or the line of keys.toml.
    pub from: String,
}

/// All keys, and what is wrong in the user's file.
pub type KeyRows = (Vec<KeyRow>, Vec<String>);

/// One theme.
#[derive(Serialize, Debug)]
pub struct ThemeRow {
    pub name: String,
    pub kind: Option<&'static str>,
    pub colour_blind_safe: bool,
    /// Its file; null: it ships in the program.
    pub path: Option<String>,
    /// It is the one in the settings.
    pub wanted: bool,
    /// The least contrast of text that has to be read.
    pub least_contrast: Option<f64>,
    /// The least difference of two states, for each kind of sight.
    pub apart: Vec<(&'static str, f64)>,
    pub problems: Vec<String>,
}

pub async fn keys(app: &mut App<'_>, args: Keys) -> Ended {
    let (rows, problems) = (app.doors.keys)(args.preset.as_deref())?;
    if args.check {
        for problem in &problems {
            app.out.line(problem)?;
        }
        return if problems.is_empty() { app.done("every key leads somewhere") } else { Ok(Code::Failed) };
    }
    if args.json.json {
        return app.json(&rows);
    }
    if args.markdown {
        app.out.raw(markdown(&rows).as_bytes())?;
        return Ok(Code::Done);
    }
    let mut table = Table::new(["where", "keys", "action", "what it does", "from"]);
    for row in rows {
        table.row([row.context.to_owned(), row.keys, row.action, row.does, row.from]);
    }
    app.out.table(&table, "there are no keys")?;
    Ok(Code::Done)
}

/// One section a table of keys.toml, one line an action with all its keys.
fn markdown(rows: &[KeyRow]) -> String {
    let mut page = String::from(
        "# Keys\n\nWhat `quarterdeck keys --markdown` prints. Every key can be changed or removed in `keys.toml`; a key of a \
         narrower part goes before one of a wider.\n",
    );
    let mut at = 0;
    while let Some(first) = rows.get(at) {
        let section = rows[at..].iter().take_while(|row| row.context == first.context).count();
        page.push_str(&format!("\n## {}\n\n| keys | action | what it does |\n|---|---|---|\n", first.context));
        let mut here = &rows[at..at + section];
        while let Some(row) = here.first() {
            let same = here.iter().take_while(|r| r.action == row.action).count();
            let keys: Vec<String> = here[..same].iter().map(|r| format!("`{}`", r.keys.replace('|', "\\|"))).collect();
            page.push_str(&format!("| {} | `{}` | {} |\n", keys.join(" "), row.action, row.does));
            here = &here[same..];
        }
        at += section;
    }
    page
}

pub async fn theme(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(json) => list(app, json),
        Verb::Check(args) => check(app, &args),
    }
}

fn list(app: &mut App<'_>, json: Json) -> Ended {
    let rows = (app.doors.themes)(None)?;
    if json.json {
        return app.json(&rows);
    }
    let mut table = Table::new(["name", "for", "colour blind", "contrast", "from", ""]);
    for row in rows {
        table.row([
            row.name,
            row.kind.unwrap_or("-").to_owned(),
            if row.colour_blind_safe { "safe" } else { "-" }.to_owned(),
            row.least_contrast.map_or("-".to_owned(), |c| format!("{c:.1}")),
            row.path.unwrap_or_else(|| "built in".to_owned()),
            if row.wanted { "in your settings" } else { "" }.to_owned(),
        ]);
    }
    app.out.table(&table, "there are no themes")?;
    Ok(Code::Done)
}

fn check(app: &mut App<'_>, args: &Check) -> Ended {
    let file = args.theme.as_deref().filter(|theme| theme.ends_with(".toml"));
    let mut rows = (app.doors.themes)(file)?;
    if let (Some(name), None) = (&args.theme, file) {
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        rows.retain(|row| row.name == *name);
        if rows.is_empty() {
            let failure = Failure::refused("check the theme", format!("there is no theme `{name}`"));
            return Err(failure.next(format!("there are {}; a file ends in .toml", names.join(", "))).into());
        }
    }
    let good = rows.iter().all(|row| row.problems.is_empty());
    if args.json.json {
        app.json(&rows)?;
    } else {
        for row in &rows {
            said(app, row)?;
        }
    }
    Ok(if good { Code::Done } else { Code::Failed })
}

fn said(app: &mut App<'_>, row: &ThemeRow) -> Result<(), super::exit::Stop> {
    let kind = row.kind.map_or(String::new(), |kind| format!(", {kind}"));
    let verdict = if row.problems.is_empty() { "good" } else { "not good" };
    app.out.line(&format!("{}{kind}: {verdict}", row.name))?;
    if let Some(contrast) = row.least_contrast {
        app.out.line(&format!("  least contrast of text   {contrast:.1}"))?;
    }
    for (sight, apart) in &row.apart {
        app.out.line(&format!("  states with {sight:<13} {apart:.1} apart"))?;
    }
    for problem in &row.problems {
        app.out.line(&format!("  ! {problem}"))?;
    }
    Ok(())
}
