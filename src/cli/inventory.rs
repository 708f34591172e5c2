//! `quarterdeck inventory`: an Ansible dynamic inventory of a cluster.

use clap::Args;
use serde_json::{Value, json};

use crate::model::Failure;
use crate::protocol::{Answer, Command};

use super::App;
use super::exit::Ended;
use super::find;
use super::names;
use super::session::{Session, answer_as};

#[derive(Args, Debug)]
pub struct Inventory {
    /// The cluster
    #[arg(env = "QUARTERDECK_CLUSTER")]
    cluster: String,
    /// All groups and hosts (what is printed without any option)
    #[arg(long, conflicts_with = "host")]
    list: bool,
    /// The variables of one host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
}

pub async fn run(app: &mut App<'_>, args: Inventory) -> Ended {
    let mut session = Session::open().await?;
    let cluster = find::cluster(session.state().await?, &args.cluster)?.id;
    let inventory = answer_as!(session, Command::Inventory { cluster }, Answer::Inventory(value) => value)?;
    match args.host {
        None => app.json(&inventory),
        Some(host) => app.json(&host_vars(&inventory, &host)?),
    }
}

/// The variables of a host, out of `_meta`.
fn host_vars(inventory: &Value, host: &str) -> Result<Value, Failure> {
    let none = serde_json::Map::new();
    let hosts = inventory["_meta"]["hostvars"].as_object().unwrap_or(&none);
    match hosts.get(host) {
        Some(vars) => Ok(vars.clone()),
        None if hosts.is_empty() => Ok(json!({})),
        None => Err(names::unknown("host", host, hosts.keys().map(String::as_str))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_its_variables() {
        let inventory = json!({ "_meta": { "hostvars": { "a-1": { "ansible_host": "127.0.0.9" } } }, "a": { "hosts": ["a-1"] } });
        assert_eq!(host_vars(&inventory, "a-1").unwrap(), json!({ "ansible_host": "127.0.0.9" }));
        assert!(host_vars(&inventory, "a-2").unwrap_err().next.contains("a-1"));
    }
}
