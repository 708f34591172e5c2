//! Ways out of the console: the terminal is as a shell wants it, and runs go on.

use std::path::Path;

use nix::sys::signal::Signal;
use portable_pty::CommandBuilder;

use super::open;
use crate::home::Home;
use crate::pty::{self, Terminal};
use crate::stage::Stage;
use crate::support::{PROGRAM, text, until};

/// A home with a cloud, so that the console has something to show; its console takes the mouse, too.
fn home() -> Home {
    let home = Home::new();
    home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
    with_mouse(&home);
    home
}

fn with_mouse(home: &Home) {
    let settings = home.path().join("config/settings.toml");
    let text = std::fs::read_to_string(&settings).unwrap_or_default();
    std::fs::write(&settings, format!("{text}\n[console]\nmouse = true\n")).unwrap();
}

/// The terminal tells the console of the mouse, or not.
fn captured(terminal: &Terminal) -> bool {
    terminal.screen(|screen| screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None)
}

/// A shell that runs a script in a home; `$QUARTERDECK` is the program.
fn shell(home: &Home, script: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new("bash");
    command.args(["--noprofile", "--norc"]);
    command.args(script);
    command.env("QUARTERDECK_HOME", home.path());
    command.env("QUARTERDECK", PROGRAM);
    command.env("PS1", "ready$ ");
    // The shell's own modes are not what is looked at.
    let inputrc = home.path().join("inputrc");
    std::fs::write(&inputrc, "set enable-bracketed-paste off\n").unwrap();
    command.env("INPUTRC", inputrc);
    command.cwd(home.path());
    pty::good_terminal(&mut command);
    command
}

/// The terminal's modes as two files say them, before and after.
fn same_modes(dir: &Path) {
    let before = until("the modes of before", || Some(text(dir.join("before"))).filter(|t| t.ends_with('\n')));
    let after = until("the modes of after", || Some(text(dir.join("after"))).filter(|t| t.ends_with('\n')));
    assert_eq!(before, after, "the terminal's modes");
}

fn state(pid: i32) -> char {
    let stat = text(format!("/proc/{pid}/stat"));
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('-')
}

#[test]
fn a_terminated_console_leaves_the_terminal_as_it_was() {
    let home = home();
    let mut terminal = open(&home, &[], 80, 24);
    terminal.wait_for("sandbox");
    assert!(terminal.screen(vt100::Screen::alternate_screen) && captured(&terminal));
    terminal.signal(Signal::SIGTERM);
    terminal.end();
    assert_eq!(terminal.disorder(), None);
}

#[test]
fn the_mouse_points_clicks_and_is_left_alone_as_the_settings_say() {
    let home = Home::new();
    home.run(["cloud", "add", "sandbox", "--driver", "sandbox"]).ok();
    let mut terminal = open(&home, &[], 100, 30);
    terminal.wait_for("GiB");
    assert!(!captured(&terminal), "nobody asked for it");
    // What a mouse says all the same is no key.
    terminal.press("\x1b[<0;30;2M\x1b[<64;1;1M4");
    terminal.wait_for("SERVERS");

    // It counts as soon as the settings say so, and no longer when they do not.
    with_mouse(&home);
    terminal.expect(|screen, _| screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None);
    terminal.met("the mouse is taken");
    let line = terminal.text().lines().nth(1).unwrap().to_owned();
    let column = line.find("images").map(|at| line[..at].chars().count() + 2).unwrap();
    terminal.press(format!("\x1b[<0;{column};2M\x1b[<0;{column};2m"));
    terminal.wait_for("IMAGES");
    let settings = home.path().join("config/settings.toml");
    std::fs::write(&settings, std::fs::read_to_string(&settings).unwrap().replace("mouse = true", "mouse = false")).unwrap();
    terminal.expect(|screen, _| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    terminal.met("the mouse is given back");
    terminal.press("q");
    assert!(terminal.end().success());
    assert_eq!(terminal.disorder(), None);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let home = home();
    let mut terminal = Terminal::open(shell(&home, &["-i"]), 100, 30);
    terminal.wait_for("ready$");
    terminal.press("stty -g > before; $QUARTERDECK\n");
    terminal.wait_for("CLUSTERS");
    terminal.press("4");
    terminal.wait_for("SERVERS");
    terminal.press("\x1a");
    terminal.wait_for("Stopped");
    assert_eq!(terminal.disorder(), None);
    terminal.press("stty -g > after; echo $((40+2)) in the shell\n");
    terminal.wait_for("42 in the shell");
    same_modes(home.path());

    terminal.press("fg\n");
    terminal.wait_for("SERVERS");
    assert!(terminal.screen(vt100::Screen::alternate_screen) && captured(&terminal));
    terminal.press("6");
    terminal.wait_for("RUNS");
    std::fs::remove_file(home.path().join("after")).unwrap();
    terminal.press("q");
    terminal.wait_without("RUNS");
    terminal.press("stty -g > after; exit\n");
    terminal.end();
    assert_eq!(terminal.disorder(), None);
    same_modes(home.path());
}

#[test]
fn a_console_stopped_from_outside_gives_the_terminal_back_until_it_goes_on() {
    let home = home();
    let mut terminal = open(&home, &[], 80, 24);
    terminal.wait_for("GiB");
    let before = terminal.text();
    let raw = terminal.modes();
    for _ in 0..3 {
        terminal.signal(Signal::SIGTSTP);
        until("the console stands still", || (state(terminal.pid()) == 'T').then_some(()));
        terminal.wait_without("CLUSTERS");
        assert_eq!(terminal.disorder(), None);
        assert_ne!(terminal.modes(), raw, "the terminal is still raw");
        terminal.resize(100, 30);
        terminal.signal(Signal::SIGCONT);
        terminal.wait_for("CLUSTERS");
        assert!(captured(&terminal));
        terminal.resize(80, 24);
        let whole = before.clone();
        terminal.expect(move |screen, _| pty::text(screen) == whole);
        terminal.met("the screen as it was");
        assert_eq!(terminal.modes(), raw);
    }
    terminal.press("q");
    assert!(terminal.end().success());
    assert_eq!(terminal.disorder(), None);
}

#[test]
fn a_console_that_panics_leaves_the_terminal_sane_and_says_where_to_look() {
    let stage = Stage::set(Home::new(), 1).unwrap();
    let home = &stage.home;
    with_mouse(home);
    let run = stage.start("wait.yml", 1);
    let flag = home.path().join("panic");
    let script = "stty -g > before; $QUARTERDECK; echo ended with $?; stty -g > after";
    let mut command = shell(home, &["-c", script]);
    command.env("QUARTERDECK_TEST_PANIC", &flag);
    let mut terminal = Terminal::open(command, 200, 50);
    terminal.wait_for("lab-1");
    assert!(captured(&terminal));
    std::fs::write(&flag, "").unwrap();
    terminal.press("6");
    terminal.wait_for("ended with");
    terminal.end();
    assert_eq!(terminal.disorder(), None);
    same_modes(home.path());

    let said = terminal.text();
    assert!(said.contains("panic on demand"), "{said}");
    assert!(said.contains("runs go on") && said.contains("opens it again"), "{said}");
    let files: Vec<_> = std::fs::read_dir(home.path().join("state")).unwrap().flatten().map(|e| e.path()).collect();
    let crash = files.iter().find(|p| p.to_string_lossy().contains("crash")).expect("a crash file");
    assert!(said.contains(&*crash.to_string_lossy()), "{said}");
    let report = text(crash);
    for part in ["panic on demand", env!("CARGO_PKG_VERSION"), "console::"] {
        assert!(report.contains(part), "{part:?} is missing in {report}");
    }
    let shown = home.run(["run", "show", &run, "--json"]).ok().json();
    assert_eq!(shown["run"]["state"], "running");
    std::fs::remove_file(&flag).unwrap();
    let mut again = open(home, &[], 200, 50);
    again.wait_for("1 run");
    again.press("q");
    again.end();
    assert!(again.text().contains(&format!("run {run} goes on")), "{}", again.text());
    stage.cancel(&run);
}
