//! What a playbook asks, and how it is answered.

use std::process::{Command, Stdio};

use quarterdeck::ansible::question;
use quarterdeck::base::job;
use quarterdeck::model::PromptKind;

use super::{Play, ansible, vault};

const ASKS: &str = "
- hosts: a
  gather_facts: false
  vars_prompt:
    - {name: release, prompt: Which release, private: false, default: '1.0'}
    - {name: word, prompt: The password, private: true, confirm: true}
  tasks:
    - {name: got, debug: {msg: '{{ release }} {{ word | length }}'}}
    - {name: look first, pause: }
    - {name: name it, pause: {prompt: Your name}, register: name}
    - {name: hidden, pause: {prompt: The pin, echo: false}, register: pin}
    - {name: a moment, pause: {seconds: 2}}
    - {name: heard, debug: {msg: '{{ name.user_input }} {{ pin.user_input | length }}'}}
";

#[test]
fn prompts_and_pauses_are_answered() {
    let play = Play::new(ASKS);
    play.start();
    let mut asked = Vec::new();
    for (line, want) in [
        ("2.4-β", (1, "Which release [1.0]:", PromptKind::Text)),
        ("hunter2!", (2, "The password:", PromptKind::Secret)),
        ("hunter2!", (3, "confirm The password:", PromptKind::Secret)),
        ("", (4, "look first", PromptKind::Continue)),
        ("Grace", (5, "[name it]\nYour name:", PromptKind::Text)),
        ("7431x", (6, "[hidden]\nThe pin:", PromptKind::Secret)),
    ] {
        let prompt = play.prompt();
        let (text, kind) = question::read(&prompt);
        assert_eq!((prompt.number, text.as_str(), kind), want, "{:?}", prompt.text);
        play.answer(&prompt, line);
        asked.push(prompt.number);
    }
    let exit = play.end();
    assert_eq!(exit.code, Some(0), "{}", play.output());
    assert_eq!(job::prompts(&play.call.job_dir).len(), asked.len(), "a pause for some seconds asks nothing");
    let state = play.state();
    let said: Vec<&str> =
        state.plays[0].tasks.iter().filter(|t| t.action == "debug").map(|t| t.results["a"].msg.as_str()).collect();
    assert_eq!(said, ["2.4-β 8", "Grace 5"]);
    for secret in ["hunter2", "7431x"] {
        assert!(play.files_with(secret).is_empty(), "{secret}: {:?}", play.files_with(secret));
    }
}

/// A play whose variable comes out of a vaulted file.
fn vaulted(password: &str) -> Play {
    let play = Play::new(
        "- {hosts: a, gather_facts: false, vars_files: [secret.yml], tasks: [{name: said, debug: {msg: '{{ word | length }}'}}]}\n",
    );
    let book = play.home.path().join("books/secret.yml");
    std::fs::write(&book, "word: open-sesame\n").unwrap();
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), password).unwrap();
    let bin = ansible().playbook.with_file_name("ansible-vault");
    let done = Command::new(bin)
        .arg("encrypt")
        .arg(format!("--vault-password-file={}", key.path().display()))
        .arg(&book)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    play
}

#[test]
fn a_vault_opens_with_a_password_that_stands_nowhere() {
    let mut play = vaulted("tr0ub4dor");
    play.call.vault = true;
    play.start_with(vault("tr0ub4dor"));
    assert_eq!(play.end().code, Some(0), "{}", play.output());
    assert_eq!(play.state().plays[0].tasks[0].results["a"].msg, "11");
    assert!(play.files_with("tr0ub4dor").is_empty());
    assert!(play.files_with("open-sesame").is_empty());
    assert!(job::prompts(&play.call.job_dir).is_empty());
}

#[test]
fn a_wrong_vault_password_fails_with_the_reason() {
    let mut play = vaulted("tr0ub4dor");
    play.call.vault = true;
    play.start_with(vault("wrong"));
    assert_ne!(play.end().code, Some(0));
    assert!(play.output().contains("Decryption failed"), "{}", play.output());
}

#[test]
fn a_vault_without_a_password_asks_for_it() {
    let mut play = vaulted("tr0ub4dor");
    play.call.spec.vault = true;
    play.start();
    let prompt = play.prompt();
    assert_eq!(question::read(&prompt), ("Vault password:".into(), PromptKind::Secret));
    play.answer(&prompt, "tr0ub4dor");
    assert_eq!(play.end().code, Some(0), "{}", play.output());
    assert!(play.files_with("tr0ub4dor").is_empty());
}
