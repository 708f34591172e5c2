//! At a terminal: shells, questions, secrets, the progress bar.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::home::Home;
use crate::support::{PROGRAM, until};

/// A command of the binary at a terminal of its own.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    seen: Arc<Mutex<Vec<u8>>>,
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    fn open(home: &Home, args: &[&str]) -> Self {
        let pty = native_pty_system().openpty(size(100, 30)).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(args);
        command.env("QUARTERDECK_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.cwd(home.path());
        let child = pty.slave.spawn_command(command).unwrap();
        let (mut reader, keys) = (pty.master.try_clone_reader().unwrap(), pty.master.take_writer().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                into.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Self { master: pty.master, keys, child, seen }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, what: &str) {
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || self.text().contains(what).then_some(()));
        }));
        assert!(seen.is_ok(), "{what:?} never came in\n{}", self.text());
    }

    fn keys(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; the exit code.
    fn end(&mut self) -> u32 {
        until("the command ends", || self.child.try_wait().unwrap()).exit_code()
    }
}

const ASKING: &str = "\
- hosts: all
  gather_facts: false
  vars_prompt:
    - {name: word, prompt: Which word, private: true}
  tasks:
    - name: Say its length
      ansible.builtin.debug: {msg: \"{{ word | length }} letters\"}
";

#[test]
fn shells_and_questions_work_at_a_terminal() {
    let home = Home::with_sandbox();
    home.run(["cluster", "create", "--blueprint", "hello", "--yes"]).ok();
    shell(&home);
    secret(&home);
    confirmation(&home);
}

fn shell(home: &Home) {
    let mut shell = Terminal::open(home, &["ssh", "hello/master-1"]);
    // The prompt differs; the answer to a sum does not.
    shell.keys("echo sum $((40+2)) on $(hostname)\n");
    shell.wait_for("sum 42 on master-1");
    shell.master.resize(size(77, 33)).unwrap();
    shell.keys("until [ \"$(stty size)\" = '33 77' ]; do :; done; echo resized\"!\"\n");
    shell.wait_for("resized!");
    // Ctrl-C is the remote program's, not ours.
    shell.keys("tr a-z A-Z\nrunning now\n");
    shell.wait_for("RUNNING NOW");
    shell.keys("\x03");
    shell.wait_for("^C");
    shell.keys("echo still $((1+1))\n");
    shell.wait_for("still 2");
    shell.keys("exit 5\n");
    assert_eq!(shell.end(), 5);
}

fn secret(home: &Home) {
    std::fs::create_dir_all(home.path().join("project")).unwrap();
    std::fs::write(home.path().join("project/asking.yml"), ASKING).unwrap();
    let mut play = Terminal::open(home, &["playbook", "run", "-c", "hello", "project/asking.yml"]);
    play.wait_for("not shown");
    play.keys("abracadabra\n");
    play.wait_for("11 letters");
    assert_eq!(play.end(), 0, "{}", play.text());
    assert!(!play.text().contains("abracadabra"), "the secret is not shown");
}

fn confirmation(home: &Home) {
    let mut no = Terminal::open(home, &["cluster", "delete", "hello"]);
    no.wait_for("[y/N]");
    no.keys("n\n");
    assert_eq!(no.end(), 3);
    assert!(no.text().contains("nothing was changed"), "{}", no.text());
    let mut yes = Terminal::open(home, &["cluster", "delete", "hello"]);
    yes.wait_for("[y/N]");
    yes.keys("y\n");
    assert_eq!(yes.end(), 0, "{}", yes.text());
    assert!(home.run(["cluster", "list", "--json"]).ok().json().as_array().unwrap().is_empty());
}
