//! The command line: one file a noun. It knows the client, and nothing behind it.

use std::ffi::OsString;
use std::future::Future;
use std::pin::Pin;

use clap::{Args, CommandFactory, Parser, Subcommand};
use serde::Serialize;

use crate::model::{Failure, RunNo, Time};
use crate::protocol::ListKind;

mod ansible;
mod answer;
mod ask;
mod audit;
mod blueprint;
mod build;
mod bundle;
mod cloud;
mod cluster;
mod command;
mod docker;
mod doctor;
mod engine;
mod exit;
mod file;
mod find;
mod first;
mod forward;
mod image;
mod inventory;
mod key_pair;
mod lists;
pub mod looks;
mod names;
mod out;
mod overview;
mod pages;
mod people;
mod playbook;
mod replay;
mod run;
mod server;
mod server_group;
mod session;
mod settings;
mod setup;
mod ssh;
mod table;
mod tail;
mod terminal;
mod vars;
mod watch;
mod wiring;

use exit::{Code, Ended, Stop};
use out::{Out, remark};

/// What a front door answers: the exit code.
pub type Opened = Pin<Box<dyn Future<Output = Result<i32, Failure>>>>;

/// Where the console opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Open {
    /// Where it likes: the clusters, or the wizard on the first start.
    Home,
    /// The wizard.
    Setup,
    /// A tab by its name.
    At(&'static str),
    /// The detail of one run.
    Run(RunNo),
}

/// The doors that `main` wires, since the command line may not know what is behind them.
pub struct Doors {
    /// The console; `true`: it only looks until it is told otherwise.
    pub console: fn(Open, bool) -> Opened,
    /// The engine in this process, until it ends; `true`: detached from the terminal that started it.
    pub engine: fn(bool) -> Opened,
    /// The console's keys; of a preset when one is named.
    pub keys: fn(Option<&str>) -> Result<looks::KeyRows, Failure>,
    /// The console's themes, checked; of a file when one is named.
    pub themes: fn(Option<&str>) -> Result<Vec<looks::ThemeRow>, Failure>,
}

/// A terminal console for people who run clusters of virtual machines.
///
/// Without a command it opens the console. All work is done by an engine in the background, which every command
/// starts when there is none: leaving a command, or losing the line, never stops a run.
#[derive(Parser, Debug)]
#[command(
    name = "quarterdeck",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Begin with: quarterdeck try
Exit codes: 0 done, 1 failed, 2 usage, 3 refused; 130 after Ctrl-C (a run that was followed goes on)."
)]
pub struct Cli {
    /// Only look: the engine refuses whatever would change something
    #[arg(long, global = true)]
    read_only: bool,
    /// The tab that the console begins with [default: `open` of the settings]
    #[arg(long, value_name = "TAB", value_parser = clap::builder::PossibleValuesParser::new(crate::config::TABS))]
    open: Option<String>,
    #[command(subcommand)]
    noun: Option<Noun>,
}

#[derive(Subcommand, Debug)]
enum Noun {
    /// Make a small cluster on this computer and configure it, from nothing
    Try(first::Try),
    /// Set up this account: terminal, tools, clouds, safety; once more at any time
    Setup(setup::Setup),
    /// Say what is found, what is missing, and what to do
    Doctor(doctor::Doctor),
    /// Clouds: accounts at providers
    #[command(subcommand)]
    Cloud(cloud::Verb),
    /// Flavors: sizes of servers
    #[command(subcommand)]
    Flavor(lists::Verb),
    /// Images: what servers boot from
    #[command(subcommand)]
    Image(image::Verb),
    /// Networks of a cloud
    #[command(subcommand)]
    Network(lists::Verb),
    /// Subnets: the ranges of addresses of networks
    #[command(subcommand)]
    Subnet(lists::Verb),
    /// Ports: where servers and routers are plugged into networks
    #[command(subcommand)]
    Port(lists::Verb),
    /// Routers: what leads from networks to others
    #[command(subcommand)]
    Router(lists::Verb),
    /// Security groups: what may reach servers
    #[command(subcommand)]
    SecurityGroup(wiring::Verb),
    /// Floating IPs: public addresses that can be moved between servers
    #[command(subcommand)]
    FloatingIp(lists::Verb),
    /// Key pairs: public keys that a cloud gives to servers
    #[command(subcommand)]
    KeyPair(key_pair::Verb),
    /// Volumes: disks that live without their server
    #[command(subcommand)]
    Volume(lists::Verb),
    /// Server groups: servers that are placed with regard to each other
    #[command(subcommand)]
    ServerGroup(server_group::Verb),
    /// Availability zones: parts of a cloud that fail by themselves
    #[command(subcommand)]
    Zone(lists::Verb),
    /// Quota: how much of a cloud may be used
    #[command(subcommand)]
    Quota(lists::Verb),
    /// Servers: single virtual machines
    #[command(subcommand)]
    Server(server::Verb),
    /// Clusters: named groups of nodes, made from a spec
    #[command(subcommand)]
    Cluster(cluster::Verb),
    /// Blueprints: ready specs with their playbooks
    #[command(subcommand)]
    Blueprint(blueprint::Verb),
    /// Ansible playbooks on a cluster
    #[command(subcommand)]
    Playbook(playbook::Verb),
    /// The Ansible that runs playbooks
    #[command(subcommand)]
    Ansible(ansible::Verb),
    /// Print a cluster as an Ansible dynamic inventory
    Inventory(inventory::Inventory),
    /// Open a shell on a node, or run a command on one node or on all
    Ssh(ssh::Ssh),
    /// Builds of images
    #[command(subcommand)]
    Build(build::Verb),
    /// Docker engines, and what they hold: containers, local images, networks, volumes
    #[command(subcommand)]
    Docker(docker::Verb),
    /// Runs: what the engine does and did
    #[command(subcommand)]
    Run(run::Verb),
    /// Commands of your own, from the settings
    #[command(subcommand)]
    Command(command::Verb),
    /// Port forwards: ports of this computer that lead through a node or server
    #[command(subcommand)]
    Forward(forward::Verb),
    /// Show who is connected, and what they look at
    People(people::People),
    /// Show who changed what
    Audit(audit::Audit),
    /// The engine: the background process that does the work
    #[command(subcommand)]
    Engine(engine::Verb),
    /// Settings: what is set, where, and what can be set
    #[command(subcommand)]
    Settings(settings::Verb),
    /// Print the keys of the console
    Keys(looks::Keys),
    /// Themes of the console
    #[command(subcommand)]
    Theme(looks::Verb),
    /// Print a completion script for a shell
    Completions(pages::Completions),
    /// Print the man page
    Man(pages::ManPages),
}

/// Reads can answer for programs.
#[derive(Args, Debug, Clone, Copy)]
pub struct Json {
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// What every command works with.
pub struct App<'a> {
    out: Out,
    doors: &'a Doors,
    /// When the command began.
    now: Time,
}

impl App<'_> {
    /// Answers with a value for programs.
    fn json<T: Serialize>(&mut self, value: &T) -> Ended {
        self.out.json(value)?;
        Ok(Code::Done)
    }

    /// Says that it was done.
    fn done(&mut self, text: &str) -> Ended {
        self.out.line(text)?;
        Ok(Code::Done)
    }

    /// Says which run was started, when nobody follows it.
    fn started(&mut self, run: RunNo) -> Ended {
        self.done(&format!("run {run} has started; follow it: quarterdeck run tail {run}"))
    }
}

/// Reads the arguments and goes through one door. Returns the exit code.
pub fn main(args: Vec<OsString>, doors: &Doors) -> i32 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return error.exit_code();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            remark(&format!("quarterdeck: start threads: {error}"));
            return Code::Failed.number();
        }
    };
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
    let mut app = App { out: Out::stdout(), doors, now: Time(now) };
    let ended = runtime.block_on(go(&mut app, cli));
    // A thread may still wait for a key; it must not keep the process.
    runtime.shutdown_background();
    let flushed = app.out.flush().map_err(Stop::from);
    match ended.and_then(|code| flushed.map(|()| code)) {
        Ok(code) => code.number(),
        Err(stop) => {
            if let Stop::With(_, failure) = &stop {
                remark(&format!("quarterdeck: {failure}"));
            }
            stop.code().number()
        }
    }
}

async fn go(app: &mut App<'_>, cli: Cli) -> Ended {
    session::READ_ONLY.store(cli.read_only, std::sync::atomic::Ordering::Relaxed);
    let Some(noun) = cli.noun else {
        if !app.out.console {
            return overview::show(app).await;
        }
        let tab = crate::config::TABS.into_iter().find(|tab| cli.open.as_deref() == Some(tab));
        let open = tab.map_or(Open::Home, Open::At);
        return Ok(Code::passed((app.doors.console)(open, cli.read_only).await?));
    };
    match noun {
        Noun::Try(args) => first::run(app, args).await,
        Noun::Setup(args) => setup::run(app, args).await,
        Noun::Doctor(args) => doctor::run(app, args).await,
        Noun::Cloud(verb) => cloud::run(app, verb).await,
        Noun::Flavor(verb) => lists::run(app, verb, ListKind::Flavors).await,
        Noun::Image(verb) => image::run(app, verb).await,
        Noun::Network(verb) => lists::run(app, verb, ListKind::Networks).await,
        Noun::Subnet(verb) => lists::run(app, verb, ListKind::Subnets).await,
        Noun::Port(verb) => lists::run(app, verb, ListKind::Ports).await,
        Noun::Router(verb) => lists::run(app, verb, ListKind::Routers).await,
        Noun::SecurityGroup(verb) => wiring::run(app, verb).await,
        Noun::FloatingIp(verb) => lists::run(app, verb, ListKind::FloatingIps).await,
        Noun::KeyPair(verb) => key_pair::run(app, verb).await,
        Noun::Volume(verb) => lists::run(app, verb, ListKind::Volumes).await,
        Noun::ServerGroup(verb) => server_group::run(app, verb).await,
        Noun::Zone(verb) => lists::run(app, verb, ListKind::Zones).await,
        Noun::Quota(verb) => lists::run(app, verb, ListKind::Quota).await,
        Noun::Server(verb) => server::run(app, verb).await,
        Noun::Cluster(verb) => cluster::run(app, verb).await,
        Noun::Blueprint(verb) => blueprint::run(app, verb).await,
        Noun::Playbook(verb) => playbook::run(app, verb).await,
        Noun::Ansible(verb) => ansible::run(app, verb).await,
        Noun::Inventory(args) => inventory::run(app, args).await,
        Noun::Ssh(args) => ssh::run(app, args).await,
        Noun::Build(verb) => build::run(app, verb).await,
        Noun::Docker(verb) => docker::run(app, verb).await,
        Noun::Run(verb) => run::run(app, verb).await,
        Noun::Command(verb) => command::run(app, verb).await,
        Noun::Forward(verb) => forward::run(app, verb).await,
        Noun::People(args) => people::run(app, args).await,
        Noun::Audit(args) => audit::run(app, args).await,
        Noun::Engine(verb) => engine::run(app, verb).await,
        Noun::Settings(verb) => settings::run(app, &verb),
        Noun::Keys(args) => looks::keys(app, args).await,
        Noun::Theme(verb) => looks::theme(app, verb).await,
        Noun::Completions(args) => pages::completions(app, Cli::command(), &args),
        Noun::Man(args) => pages::man(app, Cli::command(), &args),
    }
}

#[cfg(test)]
mod tests;
