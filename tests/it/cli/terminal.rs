//! At a terminal: shells, questions, secrets, the progress bar.

use crate::home::Home;
use crate::pty::Terminal;

/// A command of the binary at a terminal of its own.
fn open(home: &Home, args: &[&str]) -> Terminal {
    let mut command = home.at_terminal(args);
    command.cwd(home.path());
    Terminal::open(command, 100, 30)
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
    let mut shell = open(home, &["ssh", "hello/master-1"]);
    // The prompt differs; the answer to a sum does not.
    shell.press("echo sum $((40+2)) on $(hostname)\n");
    shell.wait_for("sum 42 on master-1");
    shell.resize(77, 33);
    shell.press("until [ \"$(stty size)\" = '33 77' ]; do :; done; echo resized\"!\"\n");
    shell.wait_for("resized!");
    // Ctrl-C is the remote program's, not ours.
    shell.press("tr a-z A-Z\nrunning now\n");
    shell.wait_for("RUNNING NOW");
    shell.press("\x03");
    shell.wait_for("^C");
    shell.press("echo still $((1+1))\n");
    shell.wait_for("still 2");
    shell.press("exit 5\n");
    assert_eq!(shell.end().exit_code(), 5);
}

fn secret(home: &Home) {
    std::fs::create_dir_all(home.path().join("project")).unwrap();
    std::fs::write(home.path().join("project/asking.yml"), ASKING).unwrap();
    let mut play = open(home, &["playbook", "run", "-c", "hello", "project/asking.yml"]);
    play.wait_for("not shown");
    play.press("abracadabra\n");
    play.wait_for("11 letters");
    assert_eq!(play.end().exit_code(), 0, "{}", play.text());
    let bytes = play.bytes(0);
    assert!(!String::from_utf8_lossy(&bytes).contains("abracadabra"), "the secret is not shown");
}

fn confirmation(home: &Home) {
    let mut no = open(home, &["cluster", "delete", "hello"]);
    no.wait_for("[y/N]");
    no.press("n\n");
    assert_eq!(no.end().exit_code(), 3);
    assert!(no.text().contains("nothing was changed"), "{}", no.text());
    let mut yes = open(home, &["cluster", "delete", "hello"]);
    yes.wait_for("[y/N]");
    yes.press("y\n");
    assert_eq!(yes.end().exit_code(), 0, "{}", yes.text());
    assert!(home.run(["cluster", "list", "--json"]).ok().json().as_array().unwrap().is_empty());
}
