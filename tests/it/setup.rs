//! Setting up a home: from a file of answers, and what is wrong with one.

mod wizard;

use std::path::PathBuf;

use crate::home::{Home, Said};

fn answers(home: &Home, text: &str) -> PathBuf {
    let path = home.path().join("answers.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn setup(home: &Home, text: &str, more: &[&str]) -> Said {
    let path = answers(home, text);
    let args = ["setup", "--answers", path.to_str().unwrap()];
    let mut command = home.command(args.iter().chain(more));
    // The user unit goes below the home as well.
    command.env("XDG_CONFIG_HOME", home.path().join("xdg"));
    crate::home::finish(command, std::time::Duration::from_secs(120))
}

#[test]
fn answers_lead_from_nothing_to_a_configured_cluster() {
    let home = Home::with_ansible();
    let text = "default_cloud = \"lab\"\n[console]\ntheme = \"fjord\"\n[ansible]\nuse = \"managed\"\n[clouds.lab]\ndriver = \"sandbox\"\nflavor = \"small\"\nimage = \"host\"\nboot_ms = 10\n[service]\nunit = true\n[first_cluster]\nblueprint = \"hello\"\n";
    let dry = setup(&home, text, &["--dry-run"]).ok();
    assert!(dry.out.contains("+[clouds.lab]") && dry.out.contains("settings.toml (0600)"), "{}", dry.out);
    assert!(dry.out.contains("quarterdeck.service (0644)") && dry.out.ends_with("nothing was written\n"), "{}", dry.out);
    let settings = home.path().join("config/settings.toml");
    let unit = home.path().join("xdg/systemd/user/quarterdeck.service");
    assert!(!settings.exists() && !unit.exists());

    let said = setup(&home, text, &[]).ok();
    assert!(said.out.contains("wrote ") && said.out.contains("done      run 1: create hello"), "{}", said.out);
    assert!(std::fs::read_to_string(&unit).unwrap().contains(&format!("QUARTERDECK_HOME={}", home.path().display())));
    let clusters = home.run(["cluster", "list", "--json"]).ok().json();
    assert_eq!((clusters[0]["name"].as_str(), clusters[0]["state"].as_str()), (Some("hello"), Some("running")));

    // What is set up can be printed, and leads to the same again.
    let printed = home.run(["setup", "--print-answers"]).ok().out;
    assert!(printed.contains("[clouds.lab]") && printed.contains("boot_ms = \"10\""), "{printed}");
    let again = setup(&home, &printed, &[]).ok();
    assert!(again.out.starts_with("all settings are so already\n"), "{}", again.out);

    // Flavor and image of the cloud are used where nobody names others.
    let spec = home.path().join("spec.yml");
    std::fs::write(&spec, "name: two\ngroups:\n  app: {count: 2}\n").unwrap();
    let plan = home.run(["cluster", "plan", "-f", spec.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!((plan["nodes"][0]["flavor"].as_str(), plan["nodes"][0]["image"].as_str()), (Some("small"), Some("host")));
}

#[test]
fn bad_answers_are_told_with_place_and_word_and_change_nothing() {
    let home = Home::new();
    let cloud = |more: &str| format!("[clouds.lab]\ndriver = \"sandbox\"\n{more}");
    for (text, code, wanted) in [
        ("[cloud.lab]\n".to_owned(), 2, "answers.toml:1:2: unknown key cloud (did you mean clouds?)"),
        ("a = \n".to_owned(), 2, "answers.toml:1:"),
        (cloud("flavor = \"smal\"\n"), 2, "answers.toml:3:10: clouds.lab.flavor is \"smal\""),
        (cloud("flavor = \"smal\"\n"), 2, "did you mean small?"),
        (cloud("image = \"hst\"\n"), 2, "answers.toml:3:9: clouds.lab.image is \"hst\""),
        (cloud("boot_ms = \"soon\"\n"), 3, "boot_ms"),
        (cloud("[first_cluster]\nblueprint = \"helo\"\n"), 2, "did you mean hello?"),
        (cloud("[first_cluster]\ncloud = \"lap\"\n"), 2, "answers.toml:4:9: first_cluster.cloud is \"lap\""),
        ("[console]\ntheme = \"ligth\"\n".to_owned(), 2, "did you mean light?"),
        ("[clouds.east]\ndriver = \"synnefo\"\n".to_owned(), 3, "answers.toml:2:10: this version has no driver for synnefo"),
        ("default_cloud = \"lab\"\n".to_owned(), 2, "answers.toml:1:17: default_cloud is \"lab\""),
        ("[watch]\ndir = \"/srv/qd\"\ngroup = \"no-such-group\"\n".to_owned(), 2, "answers.toml:2:7: there is no group"),
        ("[ansible]\nuse = \"pth\"\n".to_owned(), 2, "did you mean path?"),
    ] {
        let said = setup(&home, &text, &[]);
        assert_eq!(said.code, Some(code), "{text}\n{}\n{}", said.out, said.err);
        assert!(said.err.contains(wanted), "{wanted:?} is missing in: {}", said.err);
        assert!(said.err.contains("next: "), "{}", said.err);
        assert!(!home.path().join("config/settings.toml").exists(), "{text}");
    }
    let none = home.run(["setup", "--answers", "/no/such/answers.toml"]);
    assert_eq!(none.code, Some(2), "{}", none.err);
    let no_terminal = home.run(["setup"]);
    assert_eq!(no_terminal.code, Some(3), "{}", no_terminal.err);
    assert!(no_terminal.err.contains("--answers"), "{}", no_terminal.err);
}

#[test]
fn settings_that_somebody_wrote_keep_what_is_not_asked() {
    let home = Home::new();
    let settings = home.path().join("config/settings.toml");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    let before = "# mine\n[retention]\nruns = 7 # few\n\n[clouds.old]\ndriver = \"sandbox\"\n";
    std::fs::write(&settings, before).unwrap();
    let said = setup(&home, "[clouds.new]\ndriver = \"sandbox\"\n[console]\ncolours = \"16\"\n", &[]).ok();
    assert!(!said.out.contains("-runs"), "{}", said.out);
    let after = std::fs::read_to_string(&settings).unwrap();
    assert!(after.starts_with(before), "{after}");
    assert!(after.contains("[clouds.new]") && after.contains("colours = \"16\""), "{after}");
    let names: Vec<String> = home
        .run(["cloud", "list", "--json"])
        .ok()
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["info"]["name"].to_string())
        .collect();
    assert_eq!(names, ["\"new\"", "\"old\""], "the engine has read them");
}
