//! Keys and themes through the command line.

use std::path::Path;

use crate::home::Home;

/// `docs/keys.md` is what the program prints; `INSTA_UPDATE=always` writes it anew.
#[test]
fn the_page_of_keys_is_what_the_keys_are() {
    let home = Home::new();
    let printed = home.run(["keys", "--markdown"]).ok().out;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &printed).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, printed, "docs/keys.md is old: quarterdeck keys --markdown > docs/keys.md");
}

#[test]
fn wrong_keys_are_told_with_their_lines() {
    let home = Home::new();
    let path = home.path().join("config/keys.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    home.run(["keys", "--check"]).ok();
    std::fs::write(&path, "preset = \"vim\"\n[list]\n\"ctrl-i\" = \"open\"\n\"x\" = \"opne\"\n\"J\" = \"page down\"\n").unwrap();
    let said = home.run(["keys", "--check"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", said.out);
    assert!(lines[0].contains("keys.toml:3: terminals send ctrl-i as tab"), "{}", said.out);
    assert!(lines[1].contains("keys.toml:4: there is no action `opne`; did you mean `open`?"), "{}", said.out);
    let rows = home.run(["keys", "--json"]).ok().json();
    let find = |keys: &str| rows.as_array().unwrap().iter().find(|row| row["keys"] == keys).unwrap().clone();
    assert_eq!(find("J")["from"], "keys.toml:5");
    assert_eq!(find("d d")["from"], "vim");
    assert_eq!(home.run(["keys", "--preset", "nano"]).code, Some(3));
}

#[test]
fn themes_are_listed_and_checked() {
    let home = Home::new();
    let rows = home.run(["theme", "list", "--json"]).ok().json();
    assert!(rows.as_array().unwrap().len() >= 8, "{rows}");
    home.run(["theme", "check"]).ok();
    let own = home.path().join("config/themes/mine.toml");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    let text = include_str!("../../../themes/ember.toml");
    std::fs::write(&own, text.replace("#a89984", "#242220")).unwrap();
    let said = home.run(["theme", "check", "mine"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("dim is hard to read"), "{}", said.out);
    std::fs::write(&own, text.replace("kind", "knid")).unwrap();
    let said = home.run(["theme", "check", own.to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("mine.toml") && said.out.contains("knid"), "{}", said.out);
    assert_eq!(home.run(["theme", "check", "nowhere"]).code, Some(3));
}
