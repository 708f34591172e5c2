//! `quarterdeck people`

use clap::Args;

use crate::protocol::{ClientKind, Command, Role, Topic};

use super::exit::{Code, Ended};
use super::lists::clock;
use super::session::Session;
use super::table::Table;
use super::{App, Json};

#[derive(Args, Debug)]
pub struct People {
    #[command(flatten)]
    json: Json,
}

pub async fn run(app: &mut App<'_>, args: People) -> Ended {
    let mut session = Session::open().await?;
    session.ask(Command::Subscribe { topics: vec![Topic::Presence] }).await?;
    let me = session.client.welcome().session;
    // The first list has this command in it.
    while !session.mirror.present.iter().any(|one| one.session == me) {
        session.next().await?;
    }
    let others: Vec<_> = session.mirror.present.iter().filter(|one| one.session != me).collect();
    if args.json.json {
        return app.json(&others);
    }
    let mut table = Table::new(["who", "may", "client", "since", "from", "looks at"]);
    for one in others {
        table.row([
            one.operator.clone(),
            if one.role == Role::Watcher || one.read_only { "look" } else { "act" }.to_owned(),
            match one.kind {
                ClientKind::Console => "console",
                ClientKind::Cli => "command",
                ClientKind::Test => "test",
            }
            .to_owned(),
            clock(one.since),
            one.from.clone().unwrap_or_else(|| "-".to_owned()),
            one.view.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        ]);
    }
    app.out.table(&table, "nobody else is connected")?;
    Ok(Code::Done)
}
