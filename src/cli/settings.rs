//! `quarterdeck settings …`: what is set, where, and what can be set. It needs no engine.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::config::{Paths, Settings, shown};

use super::exit::{Code, Ended};
use super::table::Table;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show every value and the line that sets it
    Show(Show),
    /// Print a JSON Schema of settings.toml, for editors
    #[command(after_help = "An editor that knows TOML schemas takes it from the first line of the file:
  quarterdeck settings schema > ~/.config/quarterdeck/settings.schema.json
  #:schema ./settings.schema.json")]
    Schema,
    /// Print where the file is
    Path,
}

#[derive(Args, Debug)]
pub struct Show {
    /// Only what somebody set
    #[arg(long)]
    set: bool,
    #[command(flatten)]
    json: Json,
}

pub fn run(app: &mut App<'_>, verb: &Verb) -> Ended {
    let paths = Paths::from_env()?;
    match verb {
        Verb::Schema => app.json(&shown::schema()),
        Verb::Path => {
            app.out.line(&paths.settings().display().to_string())?;
            Ok(Code::Done)
        }
        Verb::Show(show) => {
            let mut rows = Settings::load(&paths)?.rows();
            rows.retain(|row| !show.set || row.is_set());
            if show.json.json {
                return app.json(&rows);
            }
            let mut table = Table::new(["setting", "value", "from"]);
            for row in rows {
                let value = match row.value {
                    Value::Null => "-".to_owned(),
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                table.row([row.key, value, row.from]);
            }
            app.out.table(&table, "nothing is set: everything is as it comes")?;
            Ok(Code::Done)
        }
    }
}
