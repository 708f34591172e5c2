//! `quarterdeck` where no console can be shown (a pipe, `TERM=dumb`, a screen reader's line terminal): the same facts
//! as lines.

use super::exit::{Code, Ended};
use super::{App, Json, cluster, run};

/// Runs that are listed.
const RUNS: usize = 10;

pub async fn show(app: &mut App<'_>) -> Ended {
    let json = Json { json: false };
    app.out.line("CLUSTERS")?;
    cluster::run(app, cluster::Verb::List(json)).await?;
    app.out.line("")?;
    app.out.line("RUNS")?;
    run::run(app, run::Verb::List { count: RUNS, json }).await?;
    app.out.line("")?;
    for line in [
        "There is no console here: it needs a terminal that can place its cursor. The same by commands:",
        "  quarterdeck run tail RUN     follow a run",
        "  quarterdeck run answer RUN   answer what it asks",
        "  quarterdeck --help           all commands",
    ] {
        app.out.line(line)?;
    }
    Ok(Code::Done)
}
