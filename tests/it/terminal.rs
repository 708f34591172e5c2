//! The console in a real terminal: watched, killed, opened again, resized, left.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::home::{Home, wait_until};
use crate::support::PROGRAM;

const LIMIT: Duration = Duration::from_secs(90);

/// A terminal with the console in it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    fn open(home: &Home, args: &[&str], cols: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(args);
        command.env("QUARTERDECK_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(cols), 0)));
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (shown, answers) = (Arc::clone(&screen), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().process(&buffer[..n]);
                // As a terminal does: "are you there" is answered with "yes".
                for _ in buffer[..n].windows(4).filter(|w| w == b"\x1b[5n") {
                    let _ = answers.lock().unwrap().write_all(b"\x1b[0n");
                }
            }
        });
        Self { master: pair.master, child, keys, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    #[track_caller]
    fn wait_for(&self, what: &str) {
        wait_until_with(what, || self.text().contains(what), || self.text());
    }

    fn press(&self, keys: &str) {
        let mut writer = self.keys.lock().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn resize(&self, cols: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

#[track_caller]
fn wait_until_with(what: &str, mut met: impl FnMut() -> bool, seen: impl Fn() -> String) {
    let until = std::time::Instant::now() + LIMIT;
    while !met() {
        assert!(std::time::Instant::now() < until, "{what:?} does not appear:\n{}", seen());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_console_is_opened_again_and_finds_its_run() {
    let home = Home::with_sandbox();
    let mut first = Terminal::open(&home, &["try"], 120, 40);
    first.wait_for("Make folders");
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    let mut second = Terminal::open(&home, &[], 120, 40);
    second.wait_for("hello");
    second.press("6");
    second.wait_for("RUNS");
    second.wait_for("▌   1   create hello");
    second.press("\r");
    second.wait_for("OUTPUT");
    second.wait_for("run site.yml");
    second.resize(80, 24);
    second.wait_for("✔ done");
    second.resize(160, 45);
    second.wait_for("Prepare every node");
    second.press("\x1b");
    second.wait_for("RUNS");
    second.press("q");
    wait_until("the console has ended", LIMIT, || second.child.try_wait().unwrap().is_some());
    let status = second.child.wait().unwrap();
    assert!(status.success(), "{status:?}");
    let screen = second.screen.lock().unwrap();
    assert!(!screen.screen().alternate_screen(), "the terminal is left in the alternate screen");
    assert!(!screen.screen().hide_cursor(), "the terminal is left without cursor");
    assert!(!screen.screen().bracketed_paste(), "the terminal is left with bracketed paste");

    let runs = home.run(["run", "list", "--json"]).ok().json();
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs:#}");
    assert_eq!(runs[0]["state"], "done");
}

#[test]
fn a_terminated_console_leaves_the_terminal_as_it_was() {
    let home = Home::with_sandbox();
    let mut terminal = Terminal::open(&home, &[], 80, 24);
    terminal.wait_for("sandbox");
    assert!(terminal.screen.lock().unwrap().screen().alternate_screen());
    let pid = i32::try_from(terminal.child.process_id().unwrap()).unwrap();
    // SAFETY: plain system call on a process of this test.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    wait_until("the console has ended", LIMIT, || terminal.child.try_wait().unwrap().is_some());
    wait_until("the screen is restored", LIMIT, || !terminal.screen.lock().unwrap().screen().alternate_screen());
    assert!(!terminal.screen.lock().unwrap().screen().hide_cursor());
}
