//! `quarterdeck server-group …`

use clap::Subcommand;

use crate::model::{Deed, Failure, Level, ServerGroup};
use crate::protocol::{Answer, Command, ListKind, Rows};

use super::App;
use super::ask::Sure;
use super::exit::Ended;
use super::lists::{self, List};
use super::names;
use super::session::{Session, answer_as, odd};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the server groups of a cloud
    List(List),
    /// Make a server group
    Create {
        /// Its name
        name: String,
        /// How its servers are placed: affinity, anti-affinity, soft-affinity, soft-anti-affinity
        #[arg(long)]
        policy: String,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
    },
    /// Delete a server group; its servers stay
    Delete {
        /// Name or id
        group: String,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(list) => lists::show(app, list, ListKind::ServerGroups).await,
        Verb::Create { name, policy, cloud } => {
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?.name;
            let command = Command::ServerGroupCreate { cloud: cloud.clone(), name: name.clone(), policy };
            let id = answer_as!(session, command, Answer::Text(id) => id)?;
            app.done(&format!("server group {name} ({id}) is made on {cloud}"))
        }
        Verb::Delete { group, cloud, sure } => {
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?;
            let Rows::ServerGroups(groups) = session.list(&cloud, ListKind::ServerGroups).await? else { return Err(odd()) };
            let found = find(&groups, &group)?;
            let tried = format!("delete server group {}", found.name);
            let question = format!("Delete server group {} ({}) of cloud {}?", found.name, found.id, cloud.name);
            let ruling = session.rules().await?.ruling(Deed::ServerGroupDelete, [&cloud.name], None);
            sure.obey(&ruling, Level::Yes, &tried, &question, &found.name).await?;
            session.ask(Command::ServerGroupDelete { cloud: cloud.name, group: found.id.clone() }).await?;
            app.done(&format!("server group {} is deleted", found.name))
        }
    }
}

/// The server group of this id, or the only one of this name.
fn find<'a>(groups: &'a [ServerGroup], word: &str) -> Result<&'a ServerGroup, Failure> {
    let found: Vec<&ServerGroup> = match groups.iter().find(|group| group.id == word) {
        Some(group) => vec![group],
        None => groups.iter().filter(|group| group.name == word).collect(),
    };
    match found[..] {
        [group] => Ok(group),
        [] => Err(names::unknown("server group", word, groups.iter().map(|group| group.name.as_str()))),
        _ => Err(Failure::refused(format!("find server group {word}"), format!("{} server groups have that name", found.len()))
            .next("give the id instead: quarterdeck server-group list")),
    }
}
