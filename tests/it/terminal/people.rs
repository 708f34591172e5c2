//! Two people at two terminals on one engine: one sees what the other does, a question is answered once, and one's view
//! follows the other's. With keys alone.

use std::path::{Path, PathBuf};

use quarterdeck::client::{self, Options};
use quarterdeck::config::Paths;
use quarterdeck::model::PromptState;
use quarterdeck::protocol::command::RefusalCode;
use quarterdeck::protocol::{ClientKind, Command};

use crate::home::Home;
use crate::pty::Terminal;
use crate::stage::Stage;

/// The console of somebody of this name, who may have no more than the watchers' socket.
fn console_of(stage: &Stage, name: &str, watch: Option<&Path>) -> Terminal {
    let mut command = stage.home.at_terminal(&[]);
    if let Some(dir) = watch {
        command.env("QUARTERDECK_WATCH", dir);
    }
    command.env("QUARTERDECK_OPERATOR", name);
    Terminal::open(command, 120, 40)
}

/// Opens the watchers' socket of a home; its folder.
fn watched(stage: &Stage) -> PathBuf {
    let dir = stage.home.path().join("watch");
    std::fs::create_dir(&dir).unwrap();
    let group = nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap().name;
    let settings = stage.home.path().join("config/settings.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let watch = format!("{text}\n[watch]\ndir = \"{}\"\ngroup = \"{group}\"\n", dir.display());
    std::fs::write(settings, watch).unwrap();
    stage.home.run(["engine", "restart"]).ok();
    dir
}

fn leave(mut terminal: Terminal) {
    terminal.press("q");
    assert!(terminal.end().success());
    assert_eq!(terminal.disorder(), None);
}

#[tokio::test]
async fn a_question_is_answered_once_while_another_looks_on() {
    let stage = Stage::set(Home::new(), 1).unwrap();
    let watch = watched(&stage);
    let run = stage.start("ask.yml", 1);
    let [ana, ben, eve] =
        [("ana", None), ("ben", None), ("eve", Some(&*watch))].map(|(name, watch)| console_of(&stage, name, watch));
    for terminal in [&ana, &ben, &eve] {
        terminal.wait_for("a run asks");
    }
    // Ana has the question before her, Eve may only look at its run.
    ana.press("a");
    ana.wait_for("Which release");
    ana.press("1.0");
    eve.press("6\r");
    eve.wait_for("OUTPUT");
    let paths = Paths::under(stage.home.path());
    let late = client::connect(Options::new(ClientKind::Test, paths).following()).await.unwrap();
    let prompt = late.state().await.unwrap().prompts().values().next().cloned().expect("the question");
    assert_eq!(prompt.state, PromptState::Open);

    ben.press("a");
    ben.wait_for("Which release");
    ben.press("2.4\r");
    for terminal in [&ana, &eve] {
        terminal.wait_for("ben answered: 2.4");
    }
    ana.wait_without("Which release");
    ana.wait_for("released 2.4");

    // Whoever comes late is told, in the same words wherever.
    let answer = Command::Answer { prompt: prompt.id, word: String::new(), text: Some("1.0".to_owned()) };
    let refusal = late.request(answer).await.unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Refused);
    assert!(refusal.failure.got.contains("ben has answered it already: 2.4"), "{}", refusal.failure);
    stage.wait(&run);
    [ana, ben, eve].into_iter().for_each(leave);
    let audit = stage.home.run(["audit", "--json"]).ok().json();
    let answers: Vec<_> =
        audit.as_array().unwrap().iter().filter(|e| e["what"].as_str().unwrap().starts_with("answer")).collect();
    assert_eq!(answers.len(), 2, "{audit}");
    assert_eq!((&answers[1]["who"], &answers[1]["result"]), (&"ben".into(), &"ok".into()));
    assert!(answers[0]["result"].as_str().unwrap().contains("ben has answered it already"), "{audit}");
}

#[test]
fn the_view_of_another_is_followed_until_one_goes_elsewhere() {
    let stage = Stage::set(Home::new(), 2).unwrap();
    let watch = watched(&stage);
    let run = stage.start("wait.yml", 1);
    let ana = console_of(&stage, "ana", None);
    ana.wait_for("lab-2");
    let ben = console_of(&stage, "ben", Some(&watch));
    ben.wait_for("ben (watching)");
    ben.press("gw");
    ben.wait_for("clusters/lab-");
    ben.press("f");
    ben.wait_for("following ana");
    ana.press("4");
    ben.wait_for("SERVERS");
    ana.press("6\r");
    ben.wait_for("what is acted");
    ana.press("gw");
    ana.wait_for("follows you");
    ana.press("\x1b");

    // Ben goes elsewhere; what Ana does then is hers.
    ben.press("5");
    ben.wait_without("following ana");
    ben.wait_for("CLUSTERS");
    ana.press("2");
    ana.wait_for("FLAVORS");
    assert!(ben.text().contains("CLUSTERS"), "{}", ben.text());
    [ana, ben].into_iter().for_each(leave);
    stage.cancel(&run);
}
