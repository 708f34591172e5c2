//! `quarterdeck server …`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::model::{
    BootVolume, CloudInfo, Deed, Extras, Failure, Level, NewServer, PowerAction, Ruling, Server, ServerAction, ServerChange, Tags,
};
use crate::protocol::{Answer, Command, ListKind, StreamRequest};

use super::App;
use super::Json;
use super::ask::Sure;
use super::cluster::follow;
use super::exit::{Code, Ended, Stop};
use super::find;
use super::lists::{self, List, age};
use super::session::{Session, answer_as, options};
use super::table::Table;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the servers of a cloud
    List(List),
    /// Create one server that belongs to no cluster
    Create(Create),
    /// Show one server
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        json: Json,
    },
    /// Show what a server wrote to its console
    Console {
        #[command(flatten)]
        which: Which,
        /// Last lines
        #[arg(short = 'n', long, default_value_t = 200)]
        lines: u32,
    },
    /// Show what was done to a server, and what the cloud did for it
    Actions {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        json: Json,
    },
    /// Open a shell on a server, or run one command there
    #[command(
        after_help = "A server of a cluster is reached as its node; any other with the key that it was created with, or with
the keys of your ssh-agent."
    )]
    Ssh {
        #[command(flatten)]
        which: Which,
        /// The command and its arguments
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Delete servers
    Delete {
        /// Names or ids
        #[arg(required = true)]
        servers: Vec<String>,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Make a server's disk anew from an image: what is on it is lost, its addresses stay
    Rebuild {
        #[command(flatten)]
        which: Which,
        /// Image, by name or id [default: the one that it was made from]
        #[arg(long)]
        image: Option<String>,
        #[command(flatten)]
        sure: Sure,
        /// Do not wait for its end
        #[arg(long)]
        detach: bool,
    },
    /// Give a server another flavor; it waits to be confirmed then
    Resize {
        #[command(flatten)]
        which: Which,
        /// Flavor, by name or id
        #[arg(long)]
        flavor: String,
        /// Keep it at once: nobody has to confirm it
        #[arg(long)]
        keep: bool,
        #[command(flatten)]
        sure: Sure,
        /// Do not wait for its end
        #[arg(long)]
        detach: bool,
    },
    /// Keep the new flavor of a server
    Confirm(Power),
    /// Give a server the flavor that it had
    Revert(Power),
    /// Switch a server on
    Start(Power),
    /// Switch a server off; its disk stays
    Stop(Power),
    /// Switch a server off and on
    Reboot(Power),
}

#[derive(Args, Debug)]
pub struct Power {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    sure: Sure,
}

#[derive(Args, Debug)]
pub struct Which {
    /// Name or id
    server: String,
    /// The cloud [default: the default cloud]
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
}

#[derive(Args, Debug)]
pub struct Create {
    /// The server's name
    name: String,
    /// Flavor, by name or id [default: the cloud's]
    #[arg(long)]
    flavor: Option<String>,
    /// Image, by name or id [default: the cloud's]
    #[arg(long)]
    image: Option<String>,
    /// Network, by name or id; may be repeated
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// With a public address
    #[arg(long)]
    public: bool,
    /// Availability zone (quarterdeck zone list)
    #[arg(long)]
    zone: Option<String>,
    /// Server group, by name or id (quarterdeck server-group list)
    #[arg(long, value_name = "GROUP")]
    server_group: Option<String>,
    /// A hint for the cloud's scheduler, for instance different_host=ID; may be repeated
    #[arg(long = "hint", value_name = "NAME=VALUE", value_parser = super::cloud::setting)]
    hints: Vec<(String, String)>,
    /// Boot from a volume of so many GiB that is made of the image
    #[arg(long, value_name = "GB", value_parser = clap::value_parser!(u32).range(1..))]
    volume: Option<u32>,
    /// Keep the volume when the server is deleted
    #[arg(long, requires = "volume")]
    keep_volume: bool,
    /// Key pair of the cloud that may log in too (quarterdeck key-pair list)
    #[arg(long, value_name = "NAME")]
    key_pair: Option<String>,
    /// File of a public key that may log in; may be repeated [default: those in ~/.ssh]
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// The cloud [default: the default cloud]
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
    /// Return as soon as it is asked for
    #[arg(long)]
    detach: bool,
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(list) => lists::show(app, list, ListKind::Servers).await,
        Verb::Create(wish) => create(app, wish).await,
        Verb::Show { which, json } => {
            let (session, server) = found(&which).await?;
            let command = Command::ServerShow { cloud: server.cloud.clone(), server: server.id };
            let server = answer_as!(session, command, Answer::Server(server) => *server)?;
            show(app, &server, json)
        }
        Verb::Actions { which, json } => {
            let (session, server) = found(&which).await?;
            let command = Command::ServerActions { cloud: server.cloud, server: server.id };
            let actions = answer_as!(session, command, Answer::ServerActions(actions) => actions)?;
            show_actions(app, &actions, json)
        }
        Verb::Console { which, lines } => {
            let (session, server) = found(&which).await?;
            let command = Command::ConsoleLog { cloud: server.cloud, server: server.id, lines };
            let text = answer_as!(session, command, Answer::Text(text) => text)?;
            app.out.lines(&text)?;
            Ok(Code::Done)
        }
        Verb::Ssh { which, command } => {
            let (session, server) = found(&which).await?;
            drop(session);
            let command = (!command.is_empty()).then(|| command.join(" "));
            let pty = if command.is_none() { super::ssh::size() } else { None };
            let request = StreamRequest::ServerShell { cloud: server.cloud, server: server.id, command, pty };
            super::terminal::carry(&options()?, request).await
        }
        Verb::Delete { servers, cloud, sure } => delete(app, &servers, cloud.as_deref(), &sure).await,
        Verb::Rebuild { which, image, sure, detach } => {
            let (session, server) = found(&which).await?;
            let change = ServerChange::Rebuild { image: image.unwrap_or_else(|| server.image.clone()) };
            alter(app, session, server, change, &sure, detach).await
        }
        Verb::Resize { which, flavor, keep, sure, detach } => {
            let (session, server) = found(&which).await?;
            alter(app, session, server, ServerChange::Resize { flavor, confirm: keep }, &sure, detach).await
        }
        Verb::Confirm(Power { which, sure }) => {
            let (session, server) = found(&which).await?;
            alter(app, session, server, ServerChange::ConfirmResize, &sure, false).await
        }
        Verb::Revert(Power { which, sure }) => {
            let (session, server) = found(&which).await?;
            alter(app, session, server, ServerChange::RevertResize, &sure, false).await
        }
        Verb::Start(which) => power(app, &which, PowerAction::Start).await,
        Verb::Stop(which) => power(app, &which, PowerAction::Stop).await,
        Verb::Reboot(which) => power(app, &which, PowerAction::Reboot).await,
    }
}

async fn found(which: &Which) -> Result<(Session, Server), Stop> {
    let session = Session::open().await?;
    let cloud = session.cloud(which.cloud.as_deref()).await?;
    let server = find::server(&session, &cloud, &which.server).await?;
    Ok((session, server))
}

async fn create(app: &mut App<'_>, wish: Create) -> Ended {
    let keys = public_keys(&wish.keys)?;
    let extras = extras(&wish);
    let mut session = Session::open().await?;
    let cloud = session.cloud(wish.cloud.as_deref()).await?;
    let server = NewServer {
        name: wish.name.clone(),
        flavor: or_default(&cloud, "flavor", wish.flavor, &cloud.defaults.flavor)?,
        image: or_default(&cloud, "image", wish.image, &cloud.defaults.image)?,
        networks: wish.networks,
        public_address: wish.public,
        security_groups: Vec::new(),
        authorized_keys: keys,
        files: Vec::new(),
        extras,
        tags: Tags::unset(&wish.name),
    };
    let run = session.start(Command::ServerCreate { cloud: cloud.name, server: Box::new(server) }).await?;
    follow(app, &mut session, run, wish.detach).await
}

/// What only some clouds can give.
fn extras(wish: &Create) -> Extras {
    let mut hints: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &wish.hints {
        hints.entry(name.clone()).or_default().push(value.clone());
    }
    Extras {
        zone: wish.zone.clone(),
        server_group: wish.server_group.clone(),
        hints,
        volume: wish.volume.map(|size_gb| BootVolume { size_gb, keep: wish.keep_volume }),
        key_pair: wish.key_pair.clone(),
    }
}

/// Changes a server, as a run that is followed.
async fn alter(
    app: &mut App<'_>,
    mut session: Session,
    server: Server,
    change: ServerChange,
    sure: &Sure,
    detach: bool,
) -> Ended {
    session.state().await?;
    let ruling = ruling(&session, (&change).into(), std::slice::from_ref(&server)).await?;
    let (tried, level) = match &change {
        ServerChange::Rebuild { .. } => (change.title(&server.name), Level::Yes),
        _ => (change.title(&server.name), Level::None),
    };
    let lost = if level == Level::Yes { " What is on its disk is lost." } else { "" };
    let question = format!("{}{}?{lost}", tried[..1].to_uppercase(), &tried[1..]);
    sure.obey(&ruling, level, &tried, &question, &server.name).await?;
    let run = session.start(Command::ServerChange { cloud: server.cloud, server: server.id, change }).await?;
    follow(app, &mut session, run, detach).await
}

fn or_default(cloud: &CloudInfo, what: &str, wish: Option<String>, default: &Option<String>) -> Result<String, Stop> {
    wish.or_else(|| default.clone()).ok_or_else(|| {
        let got = format!("no {what} is named, and cloud {} has no default one", cloud.name);
        let next = format!("add --{what} NAME (quarterdeck {what} list), or quarterdeck cloud set {} {what}=NAME", cloud.name);
        Stop::usage(Failure::refused("create a server", got).next(next))
    })
}

/// Lines of the public keys that may log in.
pub fn public_keys(files: &[PathBuf]) -> Result<Vec<String>, Stop> {
    let tried = "read public keys";
    let own: Vec<PathBuf>;
    let files = if files.is_empty() {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        own = ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"].iter().map(|name| home.join(".ssh").join(name)).collect();
        own.iter().filter(|path| path.exists()).cloned().collect()
    } else {
        files.to_vec()
    };
    if files.is_empty() {
        let failure = Failure::refused(tried, "there is no public key in ~/.ssh, so nobody could log in");
        return Err(Stop::usage(failure.next("give one with --key FILE, or make one: ssh-keygen -t ed25519")));
    }
    let mut keys = Vec::new();
    for file in &files {
        let text = super::file::read(file, 64 * 1024, tried).map_err(Stop::usage)?;
        if text.contains("PRIVATE KEY") {
            let failure = Failure::refused(tried, "this is a private key; it stays where it is").at(file.display());
            return Err(Stop::usage(failure.next(format!("give the public one: {}.pub", file.display()))));
        }
        keys.extend(text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned));
    }
    Ok(keys)
}

fn show(app: &mut App<'_>, server: &Server, json: Json) -> Ended {
    if json.json {
        return app.json(server);
    }
    let addresses: Vec<String> = server.addresses.iter().map(|a| a.ip.clone()).collect();
    app.out.facts(&[
        ("name", server.name.clone()),
        ("id", server.id.clone()),
        ("cloud", server.cloud.to_string()),
        ("status", server.status.to_string()),
        ("fault", server.fault.clone().unwrap_or_default()),
        ("flavor", server.flavor.clone()),
        ("image", server.image.clone()),
        ("addresses", addresses.join(", ")),
        ("ssh port", server.ssh_port.to_string()),
        ("age", age(app.now, Some(server.created))),
        ("node", server.tags.as_ref().map_or(String::new(), |tags| tags.node.clone())),
    ])?;
    for (name, value) in &server.metadata {
        app.out.line(&format!("metadata  {name}={value}"))?;
    }
    Ok(Code::Done)
}

fn show_actions(app: &mut App<'_>, actions: &[ServerAction], json: Json) -> Ended {
    if json.json {
        return app.json(&actions);
    }
    let mut table = Table::new(["age", "action", "event", "took", "result", "why"]);
    for ServerAction { action, at, message, events, .. } in actions {
        let cell = String::new;
        table.row([age(app.now, Some(*at)), action.clone(), cell(), cell(), cell(), message.clone().unwrap_or_default()]);
        for event in events {
            let took = event.ended.map_or("under way".to_owned(), |end| format!("{} s", end.since(event.started) / 1000));
            let (result, why) = (event.result.clone().unwrap_or_default(), event.details.clone().unwrap_or_default());
            table.row([cell(), cell(), event.event.clone(), took, result, why]);
        }
    }
    app.out.table(&table, "nothing was done to it so far")?;
    Ok(Code::Done)
}

async fn delete(app: &mut App<'_>, names: &[String], cloud: Option<&str>, sure: &Sure) -> Ended {
    let mut session = Session::open().await?;
    session.state().await?;
    let cloud = session.cloud(cloud).await?;
    let mut servers = Vec::new();
    for name in names {
        servers.push(find::server(&session, &cloud, name).await?);
    }
    let shown: Vec<String> = servers.iter().map(|s| format!("{} ({})", s.name, s.id)).collect();
    let what = format!("{} of cloud {}", shown.join(", "), cloud.name);
    let ruling = ruling(&session, Deed::ServerDelete, &servers).await?;
    let tried = format!("delete {what}");
    ruling.check(u32::try_from(servers.len()).unwrap_or(u32::MAX)).map_err(|why| in_the_way(&tried, &why))?;
    let name = if let [one] = &servers[..] { one.name.clone() } else { format!("{} servers", servers.len()) };
    sure.obey(&ruling, Level::Yes, &tried, &format!("Delete {what}?"), &name).await?;
    for server in servers {
        session.ask(Command::ServerDelete { cloud: cloud.name.clone(), server: server.id }).await?;
        app.out.line(&format!("server {} is deleted", server.name))?;
        app.out.flush()?;
    }
    Ok(Code::Done)
}

fn in_the_way(tried: &str, why: &str) -> Stop {
    Stop::refused(Failure::refused(tried, format!("a guard is in the way: {why}")))
}

/// The strictest that the guards say of these servers.
async fn ruling(session: &Session, deed: Deed, servers: &[Server]) -> Result<Ruling, Stop> {
    let rules = session.rules().await?;
    let cluster = |server: &Server| {
        let id = server.tags.as_ref()?.cluster;
        session.mirror.clusters().get(&id).map(|cluster| cluster.name.clone())
    };
    let each = servers.iter().map(|server| rules.ruling(deed, [&server.cloud], cluster(server).as_deref()));
    Ok(each.reduce(Ruling::and).unwrap_or_default())
}

async fn power(app: &mut App<'_>, args: &Power, action: PowerAction) -> Ended {
    let (mut session, server) = found(&args.which).await?;
    session.state().await?;
    let ruling = ruling(&session, action.into(), std::slice::from_ref(&server)).await?;
    let tried = format!("{action:?} server {}", server.name).to_lowercase();
    args.sure.obey(&ruling, Level::None, &tried, &format!("{action:?} {}?", server.name), &server.name).await?;
    let word = match action {
        PowerAction::Start => "switched on",
        PowerAction::Stop => "switched off",
        PowerAction::Reboot => "rebooting",
    };
    session.ask(Command::ServerPower { cloud: server.cloud, server: server.id, action }).await?;
    app.done(&format!("server {} is {word}", server.name))
}
