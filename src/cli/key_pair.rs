//! `quarterdeck key-pair …`

use std::path::PathBuf;

use clap::Subcommand;

use crate::model::{Deed, Failure, Level};
use crate::protocol::{Command, ListKind, Rows};

use super::App;
use super::ask::Sure;
use super::exit::{Ended, Stop};
use super::lists::{self, List};
use super::names;
use super::session::{Session, odd};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the key pairs of a cloud
    List(List),
    /// Make a key pair: the private half goes into a new file here, the public one to the cloud
    Create {
        /// Its name
        name: String,
        /// The new file of the private key
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
    },
    /// Make a public key that is here known to a cloud
    Import {
        /// Its name
        name: String,
        /// File of the public key
        file: PathBuf,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
    },
    /// Delete a key pair; servers that have its key keep it
    Delete {
        /// Its name
        name: String,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(list) => lists::show(app, list, ListKind::KeyPairs).await,
        Verb::Create { name, file, cloud } => {
            let tried = format!("create key pair {name}");
            let path =
                std::path::absolute(&file).map_err(|error| Stop::usage(Failure::refused(&tried, error).at(file.display())))?;
            let path = super::file::text(&path, &tried)?;
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?.name;
            session.ask(Command::KeyPairCreate { cloud: cloud.clone(), name: name.clone(), path: path.clone() }).await?;
            app.done(&format!("key pair {name} is known to {cloud}; its private half is in {path}"))
        }
        Verb::Import { name, file, cloud } => {
            let keys = super::server::public_keys(&[file])?;
            let [public_key] = keys.as_slice() else {
                let got = format!("there are {} keys in the file", keys.len());
                return Err(Stop::usage(Failure::refused(format!("import key pair {name}"), got).next("one key a name")));
            };
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?.name;
            let command = Command::KeyPairImport { cloud: cloud.clone(), name: name.clone(), public_key: public_key.clone() };
            session.ask(command).await?;
            app.done(&format!("key pair {name} is known to {cloud}"))
        }
        Verb::Delete { name, cloud, sure } => {
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?;
            let Rows::KeyPairs(pairs) = session.list(&cloud, ListKind::KeyPairs).await? else { return Err(odd()) };
            if !pairs.iter().any(|pair| pair.name == name) {
                return Err(names::unknown("key pair", &name, pairs.iter().map(|pair| pair.name.as_str())).into());
            }
            let tried = format!("delete key pair {name}");
            let question = format!("Delete key pair {name} of cloud {}?", cloud.name);
            let ruling = session.rules().await?.ruling(Deed::KeyPairDelete, [&cloud.name], None);
            sure.obey(&ruling, Level::Yes, &tried, &question, &name).await?;
            session.ask(Command::KeyPairDelete { cloud: cloud.name, name: name.clone() }).await?;
            app.done(&format!("key pair {name} is deleted"))
        }
    }
}
