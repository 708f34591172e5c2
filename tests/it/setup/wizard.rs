//! The wizard in a real terminal: from an empty home to a configured cluster with keys alone.

use crate::home::{Home, wait_until};
use crate::pty::Terminal;

/// An empty account with an empty home: nothing of this machine's is found, nothing is written beside the home.
fn account() -> Home {
    let mut home = Home::with_ansible();
    let own = home.path().join("account");
    std::fs::create_dir_all(own.join(".config/openstack")).unwrap();
    let clouds = "clouds:\n  lab-demo:\n    auth: {auth_url: 'https://127.0.0.1:1/v3', username: ana, password: hunter2}\n";
    std::fs::write(own.join(".config/openstack/clouds.yaml"), clouds).unwrap();
    home.set_env("XDG_CONFIG_HOME", own.join(".config"));
    home.set_env("HOME", own);
    home
}

fn open(home: &Home, args: &[&str], cols: u16, rows: u16) -> Terminal {
    Terminal::open(home.at_terminal(args), cols, rows)
}

fn settings(home: &Home) -> std::path::PathBuf {
    home.path().join("config/settings.toml")
}

#[test]
fn keys_alone_lead_from_an_empty_home_to_a_configured_cluster() {
    let home = account();
    let mut terminal = open(&home, &[], 80, 24);
    terminal.wait_for("How does this terminal look?");
    terminal.wait_for("256 colours (TERM=xterm-256color)");
    terminal.press("\r");
    terminal.wait_for("What runs playbooks here?");
    terminal.wait_for("✔ ansible-core 2.19");
    terminal.wait_for("for the sandbox: namespaces");
    terminal.press("\r");
    terminal.wait_for("machines on this computer, no account needed");
    terminal.wait_for("4 flavors");
    // Nothing listens there.
    terminal.wait_for("127.0.0.1:1");
    terminal.wait_for("chmod 600");
    terminal.press("\r");
    terminal.wait_for("What is used where nobody says otherwise?");
    // The flavor below, of the live list.
    terminal.press("j");
    terminal.wait_for("▌ flavor      small");
    terminal.press("\x1b[D");
    terminal.wait_for("▌ flavor      tiny");
    terminal.press("\r\r");
    terminal.wait_for("This would be written");
    terminal.wait_for("+flavor = \"tiny\"");
    assert!(!settings(&home).exists(), "written before the review");
    terminal.press("\r");
    // The usual layer for plans.
    terminal.wait_for("create hello");
    terminal.wait_for("+3 to create");
    assert!(settings(&home).exists());
    terminal.press("\r");
    terminal.wait_for("run site.yml");
    terminal.wait_for("✔ done");
    terminal.press("\x1b");
    terminal.wait_for("CLUSTERS");
    terminal.wait_for("● running");
    terminal.press("q");
    assert!(terminal.end().success());
    assert_eq!(terminal.disorder(), None);

    let clusters = home.run(["cluster", "list", "--json"]).ok().json();
    assert_eq!((clusters[0]["name"].as_str(), clusters[0]["state"].as_str()), (Some("hello"), Some("running")));
    let text = std::fs::read_to_string(settings(&home)).unwrap();
    assert!(text.contains("[clouds.sandbox]") && text.contains("image = \"host\""), "{text}");
    assert!(!text.contains("lab-demo") && !text.contains("hunter2"), "{text}");
    assert!(!home.path().join("state/setup.toml").exists(), "the draft is done with");
}

#[test]
fn a_killed_wizard_is_opened_again_where_it_was() {
    let home = account();
    let mut first = open(&home, &[], 80, 24);
    first.wait_for("How does this terminal look?");
    // Signs in ASCII, then to the clouds.
    first.press("j\x1b[D");
    first.wait_for("take the one whose signs are all clear");
    first.press("\r\r");
    first.wait_for("Where are your clouds?");
    first.wait_for("4 flavors");
    let draft = home.path().join("state/setup.toml");
    let kept = || std::fs::read_to_string(&draft).unwrap_or_default();
    wait_until("the draft is kept", std::time::Duration::from_secs(20), || kept().contains("page = \"clouds\""));
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    assert!(kept().contains("glyphs = \"ascii\"") && !kept().contains("hunter2"), "{}", kept());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&draft).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert!(!settings(&home).exists());

    let mut second = open(&home, &[], 80, 24);
    second.wait_for("Going on with the set-up of before");
    second.wait_for("Where are your clouds?");
    second.press("\r\r\r");
    second.wait_for("+glyphs = \"ascii\"");
    // No first cluster now.
    second.press(" \r");
    second.wait_for("This home is set up");
    second.press("\r");
    second.wait_for("No clusters yet");
    second.press("q");
    assert!(second.end().success());
    assert!(std::fs::read_to_string(settings(&home)).unwrap().contains("glyphs = \"ascii\""));
    // Set up once, it comes up no more by itself.
    let third = open(&home, &[], 80, 24);
    third.wait_for("No clusters yet");
}

#[test]
fn a_wizard_that_is_left_comes_back_only_when_it_is_asked_for() {
    let home = account();
    let mut first = open(&home, &[], 80, 24);
    first.wait_for("How does this terminal look?");
    first.press("\x1b");
    first.wait_for("esc again leaves the set-up");
    first.press("\x1b");
    first.wait_for("No clusters yet");
    first.press("q");
    assert!(first.end().success());
    let second = open(&home, &[], 80, 24);
    second.wait_for("No clusters yet");
    second.press("\x1b[20~");
    second.wait_for("How does this terminal look?");
    let third = open(&home, &["setup"], 60, 15);
    third.wait_for("How does this terminal look?");
}
