//! What people bring with them: their editor, and commands of their own. With keys alone.

use std::os::unix::fs::PermissionsExt;

use crate::home::Home;
use crate::pty::Terminal;

#[test]
fn a_blueprint_is_changed_in_the_editor_of_the_user_and_keeps_its_playbooks() {
    let home = Home::with_sandbox();
    // An editor that makes one change and is done.
    let editor = home.path().join("editor");
    std::fs::write(&editor, "#!/bin/sh\nsed -i 's/count: 3/count: 2/; s/^name: web/name: edited/' \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = home.at_terminal(&[]);
    command.env("EDITOR", &editor);
    let mut console = Terminal::open(command, 120, 40);
    console.wait_for("No clusters yet");
    console.press("n");
    console.wait_for("a load balancer");
    console.press("\x1b[B");
    console.wait_for("with nothing but");
    console.press("e");
    console.wait_for("your editor");
    // F4, then F2.
    console.press("\x1bOS");
    console.wait_for("name: edited");
    console.press("\x1bOQ");
    // One load balancer and two applications, and the playbook that ships with the blueprint.
    console.wait_for("run site.yml");
    console.wait_for("create server app-2");
    assert!(!console.text().contains("app-3"), "{}", console.text());
    console.signal(nix::sys::signal::Signal::SIGTERM);
    console.end();
    assert_eq!(console.disorder(), None);
}

#[test]
fn a_secret_of_a_command_of_ones_own_reaches_the_program_and_nothing_else() {
    let home = Home::with_sandbox();
    home.run(["engine", "stop"]).ok();
    let settings = home.path().join("config/settings.toml");
    let before = std::fs::read_to_string(&settings).unwrap();
    let of_two = "[[command]]\nname = \"hello\"\non = \"cloud\"\nargv = [\"echo\", \"hello {name}\"]\n\n\
        [[command]]\nname = \"login\"\non = \"cloud\"\nabout = \"with a password\"\n\
        argv = [\"sh\", \"-c\", \"sha256sum < \\\"$1\\\"\", \"login\", \"{password}\"]\n\n\
        [[command.input]]\nname = \"password\"\ntype = \"secret\"\n";
    std::fs::write(&settings, format!("{before}\n{of_two}")).unwrap();
    let mut console = Terminal::open(home.at_terminal(&["--open", "clouds"]), 120, 40);
    console.wait_for("CLOUDS");
    console.wait_for("M commands");
    console.press("M");
    console.wait_for("with a password");
    console.press("\x1b[B\r");
    console.wait_for("password");
    console.press("hunter2hunter2");
    console.wait_for("••••");
    assert!(!console.text().contains("hunter2"));
    console.press("\r");
    console.wait_for("login on sandbox");
    console.press("6\r");
    // What the program read is the password and nothing more: its checksum is that of `printf hunter2hunter2 | sha256sum`.
    console.wait_for(&sha256("hunter2hunter2"));
    console.press("q");
    console.press("q");
    console.end();
    home.run(["engine", "stop", "--now"]).ok();
    let found = std::process::Command::new("grep").args(["-rl", "hunter2hunter2"]).arg(home.path()).output().unwrap();
    assert!(found.stdout.is_empty(), "it stands in {}", String::from_utf8_lossy(&found.stdout));
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
