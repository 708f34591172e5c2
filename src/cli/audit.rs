//! `quarterdeck audit`

use clap::Args;

use crate::protocol::{Answer, Command};

use super::exit::{Code, Ended};
use super::lists::clock;
use super::session::{Session, answer_as};
use super::table::Table;
use super::{App, Json};

#[derive(Args, Debug)]
pub struct Audit {
    /// Newest entries
    #[arg(short = 'n', long, default_value_t = 50)]
    count: u32,
    #[command(flatten)]
    json: Json,
}

pub async fn run(app: &mut App<'_>, args: Audit) -> Ended {
    let session = Session::open().await?;
    let entries = answer_as!(session, Command::Audit { count: args.count }, Answer::Audit(entries) => entries)?;
    if args.json.json {
        return app.json(&entries);
    }
    let mut table = Table::new(["at", "who", "from", "what", "run", "cluster", "cloud", "result"]);
    for entry in entries {
        let from = entry.from.as_ref().and_then(|line| line.split(' ').next()).map_or(String::new(), |ip| format!(" {ip}"));
        table.row([
            clock(entry.at),
            entry.who,
            format!("{}{from}", entry.client),
            entry.what,
            entry.run.map_or("-".to_owned(), |run| run.to_string()),
            entry.cluster.unwrap_or_else(|| "-".to_owned()),
            entry.cloud.map_or("-".to_owned(), |cloud| cloud.to_string()),
            entry.result,
        ]);
    }
    app.out.table(&table, "nothing has been changed so far")?;
    Ok(Code::Done)
}
