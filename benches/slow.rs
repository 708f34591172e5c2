//! The console over a slow line: the real SSH client and server in two network namespaces, 64 kbit/s and 150 ms there
//! and back between them. It needs root, TUN devices and `../shared/tools/slowlink.py`, so it is measured only when it
//! is asked for by name (`cargo bench -- console.slow_key`, `cargo bench -- console.slow_outage`).

use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use portable_pty::CommandBuilder;

use crate::home::Home;
use crate::live::keys;
use crate::pty::{self, Terminal};
use crate::report::Report;
use crate::stage::Stage;
use crate::store::{percentile, place};
use crate::support::PROGRAM;

const P50: &str = "console.slow_key_p50";
const P90: &str = "console.slow_key_p90";
const OUTAGE: &str = "console.slow_outage";

/// Keys that are typed.
const KEYS: usize = 50;
/// Between the keys, ms: the frame of the one before has crossed the line.
const PAUSE: Range<u64> = 600..900;
/// How long the line is dead.
const DEAD: Duration = Duration::from_secs(60);
const PORT: &str = "2222";
const HERE: &str = "10.213.7.1";
const THERE: &str = "10.213.7.2";

pub fn run(report: &mut Report) {
    let names = [P50, P90, OUTAGE];
    if !report.wants(&names) {
        return;
    }
    if !names.iter().any(|name| report.asked(name)) {
        return names.iter().for_each(|name| report.skip(name, "it is measured when it is asked for by name"));
    }
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/slowlink.py");
    if !geteuid().is_root() || !tool.exists() {
        return names.iter().for_each(|name| report.skip(name, "it needs root and ../shared/tools/slowlink.py"));
    }
    let stage = match Stage::set(Home::at(place()), 1) {
        Ok(stage) => stage,
        Err(why) => return names.iter().for_each(|name| report.skip(name, &why)),
    };
    let line = Line::up(&tool, stage.home.path());
    let run = stage.start("flood.yml", 1);
    let mut console = Terminal::open(line.console(&stage.home), 80, 24);
    console.wait_for("flood.yml on lab-1");
    console.press("6\r");
    console.wait_for("changed: [node-");
    if report.asked(OUTAGE) {
        report.take(OUTAGE, outage(&line, &console));
    } else {
        let times = keys(&console, KEYS, PAUSE);
        report.take(P50, percentile(times.clone(), 50));
        report.take(P90, percentile(times, 90));
        console.press("\x1b");
    }
    console.press("\x03");
    drop(console.child.kill());
    stage.cancel(&run);
}

/// From the end of an outage to the answer of a key that was pressed during it, ms.
fn outage(line: &Line, console: &Terminal) -> f64 {
    line.toggle();
    console.press(":");
    std::thread::sleep(DEAD);
    console.expect(|screen, _| screen.contents().contains("type what to do"));
    let began = Instant::now();
    line.toggle();
    let took = console.met("the palette") - began;
    took.as_secs_f64() * 1000.0
}

/// Two namespaces, the slow line between them, an SSH server at its end.
struct Line {
    dir: PathBuf,
    near: String,
    far: String,
    link: Child,
    server: Child,
    /// It ends badly when nobody listens.
    _said: BufReader<ChildStdout>,
}

impl Line {
    fn up(tool: &Path, dir: &Path) -> Self {
        let pid = std::process::id();
        let (near, far) = (format!("qd{pid}a"), format!("qd{pid}b"));
        for name in [&near, &far] {
            must(Command::new("ip").args(["netns", "add", name]));
        }
        let mut link = Command::new(tool)
            .args([&near, HERE, &far, THERE, "--delay", "75", "--rate", "64"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(link.stdout.take().unwrap());
        let mut up = String::new();
        said.read_line(&mut up).unwrap();
        assert_eq!(up, "up\n");
        for key in ["host", "user"] {
            must(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key)));
        }
        let show = |name: &str| dir.join(name).display().to_string();
        let settings = format!(
            "Port {PORT}\nListenAddress {THERE}\nHostKey {}\nAuthorizedKeysFile {}\nPermitRootLogin yes\nStrictModes no\n\
             UsePAM no\nPidFile none\n",
            show("host"),
            show("user.pub"),
        );
        std::fs::write(dir.join("sshd_config"), settings).unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        let server = Command::new("ip")
            .args(["netns", "exec", &far, "/usr/sbin/sshd", "-D", "-q", "-f"])
            .arg(dir.join("sshd_config"))
            .spawn()
            .unwrap();
        Self { dir: dir.to_owned(), near, far, link, server, _said: said }
    }

    /// The console of a home at the other end.
    fn console(&self, home: &Home) -> CommandBuilder {
        let mut command = CommandBuilder::new("ip");
        command.args(["netns", "exec", &self.near, "ssh", "-tt", "-q", "-p", PORT, "-o", "ConnectionAttempts=30", "-i"]);
        command.arg(self.dir.join("user"));
        command.args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        command.arg(format!("root@{THERE}"));
        let home = home.path().display();
        command.arg(format!("LC_ALL=C.UTF-8 PATH={home}/bin:$PATH QUARTERDECK_HOME={home} exec {PROGRAM}"));
        pty::good_terminal(&mut command);
        command
    }

    /// Cuts the line, or mends it.
    fn toggle(&self) {
        kill(pid(&self.link), Signal::SIGUSR1).unwrap();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.link] {
            let _ = kill(pid(child), Signal::SIGTERM);
            let _ = child.wait();
        }
        for name in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

fn must(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
