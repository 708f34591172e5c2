//! `quarterdeck ansible …`

use clap::Subcommand;

use crate::protocol::Command;

use super::cluster::follow;
use super::exit::{Code, Ended};
use super::out::Tone;
use super::session::Session;
use super::{App, Json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Install Ansible into a virtualenv of the program's own, or repair it
    Install {
        /// Return as soon as the run has started
        #[arg(long)]
        detach: bool,
    },
    /// Say which Ansible is used
    Status(Json),
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    let mut session = Session::open().await?;
    match verb {
        Verb::Install { detach } => {
            let run = session.start(Command::AnsibleInstall).await?;
            follow(app, &mut session, run, detach).await
        }
        Verb::Status(json) => {
            let status = session.status().await?;
            if json.json {
                app.json(&serde_json::json!({ "ansible": status.ansible, "ansible_ready": status.ansible_ready }))?;
            } else if status.ansible_ready {
                app.out.toned(Tone::Good, "ready  ", &status.ansible)?;
            } else {
                app.out.toned(Tone::Bad, "none   ", status.ansible.lines().next().unwrap_or_default())?;
                app.out.line("       next: quarterdeck ansible install")?;
            }
            Ok(if status.ansible_ready { Code::Done } else { Code::Failed })
        }
    }
}
