use super::*;
use crate::model::Class;
use crate::model::spec::OnFailure;

const GOOD: &str = "\
name: analytics
cloud: sandbox
groups:
  master:
    flavor: small
    image: debian-12
  slaves:
    count: 3
    flavor: tiny
    image: debian-12
    via: master
playbooks:
  - site.yml
  - path: verify.yml
    tags: [quick]
on_failure: rollback
ready:
  at_least: 3
";

/// The problems of a spec, without the words around them.
fn wrong(text: &str) -> String {
    let failure = parse(text, "c.yml").unwrap_err();
    assert_eq!(failure.class, Class::Refused);
    assert_eq!(failure.at, "c.yml");
    assert!(failure.got.len() < 4000, "a message of {} bytes", failure.got.len());
    failure.got
}

/// `GOOD` with one piece replaced.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old));
    GOOD.replacen(old, new, 1)
}

#[test]
fn a_good_spec_is_read() {
    let spec = parse(GOOD, "c.yml").unwrap();
    assert_eq!(spec.name, "analytics");
    assert_eq!(spec.groups["slaves"].count, 3);
    assert_eq!(spec.groups["master"].count, 1);
    assert_eq!(spec.on_failure, OnFailure::Rollback);
    assert_eq!(spec.playbooks[1].spec().tags, ["quick"]);
}

#[test]
fn unknown_fields_name_the_nearest() {
    let got = wrong(&with("    flavor: tiny", "    flavour: tiny"));
    assert!(got.contains("c.yml:9:5: unknown field `flavour` in `groups.slaves` (did you mean `flavor`?)"), "{got}");
    assert_eq!(wrong(&format!("{GOOD}playbok: [x]\n")), "c.yml:19:1: unknown field `playbok` (did you mean `playbooks`?)");
    assert!(wrong(&format!("{GOOD}zebra: 1\n")).contains("unknown field `zebra`; known are `cloud`, "));
}

#[test]
fn unknown_words_name_the_nearest() {
    let got = wrong(&with("rollback", "rolback"));
    assert_eq!(
        got,
        "c.yml:16:13: `on_failure` cannot be `rolback` (did you mean `rollback`?); it is one of `ask`, `keep`, `rollback`"
    );
    assert!(wrong(&with("rollback", "[ask]")).contains("must be one of"));
}

#[test]
fn wrong_kinds_say_what_is_wanted() {
    assert_eq!(
        wrong(&with("count: 3", "count: three")),
        "c.yml:8:12: `groups.slaves.count` must be a whole number, not the text `three`"
    );
    assert_eq!(wrong(&with("at_least: 3", "at_least: [3]")), "c.yml:18:13: `ready.at_least` must be a whole number, not a list");
    assert_eq!(wrong(&with("name: analytics", "name:")), "c.yml:1:5: `name` is empty; it must be text");
    assert_eq!(wrong(&with("  - site.yml", "  - [site.yml]")), "c.yml:13:5: `playbooks.1` must be text or a mapping, not a list");
    assert_eq!(wrong("- a\n- b\n"), "c.yml:1:1: the spec must be a mapping, not a list");
    assert_eq!(wrong(""), "c.yml:1:1: the spec is empty; it must be a mapping");
    assert_eq!(wrong(&with("path: verify.yml", "check: true")), "c.yml:14:5: `path` is missing in `playbooks.2`");
}

#[test]
fn text_needs_no_quotes() {
    let spec = parse(&with("name: analytics", "name: 2026"), "c.yml").unwrap();
    assert_eq!(spec.name, "2026");
    let files = "files:\n  - {path: /etc/x, content: yes, mode: 0600}\n";
    let spec = parse(&format!("{GOOD}{files}"), "c.yml").unwrap();
    assert_eq!((spec.files[0].mode.as_str(), spec.files[0].content.as_deref()), ("0600", Some("yes")));
}

#[test]
fn counts_have_a_range() {
    for bad in ["0", "1001", "10000", "-1", "2.5"] {
        let got = wrong(&with("count: 3", &format!("count: {bad}")));
        assert!(got.starts_with("c.yml:8:12: `groups.slaves.count` must be a whole number from 1 to 1000, not "), "{got}");
    }
    parse(&with("count: 3", "count: 1000"), "c.yml").unwrap();
}

#[test]
fn duplicate_keys_and_broken_yaml_have_a_place() {
    assert_eq!(wrong(&format!("{GOOD}name: again\n")), "c.yml:19:1: `name` is given twice");
    let got = wrong("name: [a\ngroups: {}\n");
    assert!(got.starts_with("c.yml:2:") && got.contains("not readable as YAML"), "{got}");
    assert_eq!(wrong("name: a\n---\nname: b\n"), "c.yml:3:1: a second document begins here; a spec is one document");
}

#[test]
fn names_that_are_paths_are_refused() {
    for bad in ["../../etc", "a/b", "Web", "-x", "a b"] {
        let got = wrong(&with("name: analytics", &format!("name: \"{bad}\"")));
        assert!(got.starts_with(&format!("c.yml:1:7: `{bad}` cannot name a cluster")), "{got}");
    }
    assert!(wrong(&with("  slaves:", "  Slaves:")).starts_with("c.yml:7:3: `Slaves` cannot name a group"));
    assert!(wrong(&with("cloud: sandbox", "cloud: a/b")).starts_with("c.yml:2:8: `a/b` cannot name a cloud"));
}

#[test]
fn groups_cannot_take_names_that_mean_something_else() {
    assert!(
        wrong(&with("  master:", "  all:").replace("via: master", "via: all"))
            .contains("c.yml:4:3: a group cannot be called `all`")
    );
    assert!(wrong(&with("  master:", "  ungrouped:").replace("via: master", "")).contains("cannot be called `ungrouped`"));
    let got = wrong(&with("  master:", "  slaves-7:").replace("    via: master\n", ""));
    assert_eq!(got, "c.yml:4:3: a group cannot be called `slaves-7`: that is the name of a node of group `slaves`");
}

#[test]
fn huge_input_gives_a_short_message() {
    let name = "x".repeat(1_000_000);
    let got = wrong(&with("name: analytics", &format!("name: {name}")));
    assert!(got.len() < 300 && got.contains("xxx…` cannot name a cluster"), "{got}");
    let got = wrong(&with("  master:", &format!("  {}:", "y".repeat(900_000))));
    assert!(got.len() < 600, "{got}");
    let got = wrong(&format!("{GOOD}# {}\n", "z".repeat(MAX_BYTES)));
    assert!(got.contains("at most 1048576 are read"), "{got}");
    let got = wrong(&format!("{GOOD}{}: 1\n", "k".repeat(5_000)));
    assert!(got.len() < 400, "{got}");
}

#[test]
fn yaml_bombs_are_refused_quickly() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let last = n - 1;
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{last}"); 10].join(", ")));
    }
    let started = std::time::Instant::now();
    assert!(wrong(&bomb).contains("too much"), "{}", wrong(&bomb));
    let deep = format!("vars: {{a: {}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    let got = wrong(&deep);
    assert!(got.contains("too much") || got.contains("not readable"), "{got}");
    let within = |levels: usize| format!("{GOOD}vars: {{a: {}{}}}\n", "[".repeat(levels), "]".repeat(levels));
    parse(&within(MAX_DEPTH - 2), "c.yml").unwrap();
    assert!(wrong(&within(MAX_DEPTH)).contains("too much"));
    let blocks: String = (0..2_000).map(|n| format!("{}a:\n", " ".repeat(n % 200))).collect();
    wrong(&blocks);
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn ways_lead_somewhere_and_never_in_a_circle() {
    assert_eq!(
        wrong(&with("via: master", "via: mastre")),
        "c.yml:11:10: `mastre` is no node or group of this cluster (did you mean `master`?)"
    );
    assert_eq!(wrong(&with("via: master", "via: slaves-1")), "c.yml:11:10: group `slaves` cannot be reached through itself");
    assert_eq!(wrong(&with("via: master", "via: slaves")), "c.yml:11:10: group `slaves` cannot be reached through itself");
    assert_eq!(
        wrong(&with("via: master", "via: master-2")),
        "c.yml:11:10: `master-2` is no node of this cluster: group `master` has 1 of them"
    );
    let circle = with("    image: debian-12\n", "    image: debian-12\n    via: slaves\n");
    let got = wrong(&circle);
    assert!(got.contains("c.yml:7:10: the way goes in a circle: master → slaves → master"), "{got}");
    parse(&with("via: master", "via: master-1"), "c.yml").unwrap();
}

#[test]
fn files_have_one_source_an_absolute_path_and_a_mode() {
    let file = |text: &str| wrong(&format!("{GOOD}files:\n  - {{{text}}}\n"));
    assert!(file("path: /etc/x, content: a, from: b").contains("`content` or `from`, not both"));
    assert!(file("path: /etc/x").contains("needs its text in `content`"));
    assert_eq!(file("path: etc/x, content: a"), "c.yml:20:12: `etc/x`: a file is placed at an absolute path");
    assert!(file("path: /etc/../x, content: a").contains("no `.` and `..`"));
    assert!(file("path: /etc/, content: a").contains("cannot be a file's path"));
    for mode in ["\"0999\"", "\"rw\"", "\"77777\"", "\"\""] {
        assert!(file(&format!("path: /x, content: a, mode: {mode}")).contains("is no file mode"), "{mode}");
    }
    assert_eq!((mode("0644"), mode("755"), mode("0o600"), mode("8")), (Some(0o644), Some(0o755), Some(0o600), None));
}

#[test]
fn hosts_ready_user_and_variables_fit_together() {
    let got = wrong(&format!("{GOOD}hosts:\n  slaves-4: {{a: 1}}\n"));
    assert!(got.starts_with("c.yml:20:3: `slaves-4` is no node of this cluster (did you mean `slaves-"), "{got}");
    assert_eq!(wrong(&with("at_least: 3", "at_least: 5")), "c.yml:18:13: at least 5 nodes cannot be ready: the cluster has 4");
    assert!(wrong(&with("at_least: 3", "at_least: 0")).contains("whole number from 1"));
    assert!(wrong(&format!("{GOOD}ssh: {{user: -oProxyCommand=x}}\n")).contains("cannot be a user's name"));
    assert_eq!(
        wrong(&format!("{GOOD}vars:\n  my-var: 1\n")),
        "c.yml:20:3: `my-var` cannot be a variable: letters, digits and `_` only, no digit first"
    );
    assert!(wrong(&format!("{GOOD}vars:\n  mode: 0644\n")).starts_with("c.yml:20:9: a number with a leading zero"));
    assert!(wrong(&format!("{GOOD}vars:\n  s: |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n")).contains("encrypted values"));
    parse(&format!("{GOOD}vars: {{mode: '0644', zero: 0, part: 0.5}}\n"), "c.yml").unwrap();
}

#[test]
fn all_problems_come_at_once_and_at_most_twenty() {
    let got =
        wrong(&with("name: analytics", "name: A/B").replace("via: master", "via: nobody").replace("at_least: 3", "at_least: 9"));
    assert!(
        got.starts_with("3 problems\nc.yml:1:7: ") && got.contains("\nc.yml:11:10: ") && got.contains("\nc.yml:18:13: "),
        "{got}"
    );
    let many: String = (0..50).map(|n| format!("field{n}: 1\n")).collect();
    let got = wrong(&format!("{GOOD}{many}"));
    assert!(got.starts_with("50 problems\n") && got.ends_with("… and 30 more"), "{got}");
    assert_eq!(got.lines().count(), 22);
}

#[test]
fn control_sequences_do_not_reach_a_message() {
    let got = wrong(&format!("{GOOD}\"a\\e]52;c;eA==\\ab\": 1\n"));
    assert!(got.contains("unknown field `ab`") && !got.contains('\u{1b}'), "{got:?}");
    let failure = parse("{", "dir/\u{1b}[31mc.yml").unwrap_err();
    assert_eq!(failure.at, "dir/c.yml");
}

#[test]
fn aliases_and_merges_work_and_keep_their_places() {
    let text = "name: c\ngroups:\n  a: &a {flavor: f, image: i}\n  b:\n    <<: *a\n    count: 2\n    via: c\n";
    assert_eq!(wrong(text), "c.yml:7:10: `c` is no node or group of this cluster (did you mean `a`?)");
    let spec = parse(&text.replace("via: c", "via: a"), "c.yml").unwrap();
    assert_eq!((spec.groups["b"].flavor.as_str(), spec.groups["b"].count), ("f", 2));
}

#[test]
fn the_schema_describes_every_field() {
    let schema = schema();
    assert_eq!(schema["properties"]["name"]["examples"][0], "analytics");
    assert_eq!(schema["$defs"]["GroupSpec"]["properties"]["count"]["maximum"], 1000);
    let mut objects = vec![&schema];
    objects.extend(schema["$defs"].as_object().unwrap().values());
    for object in objects {
        for (name, field) in object.get("properties").and_then(|p| p.as_object()).into_iter().flatten() {
            for word in ["title", "description"] {
                assert!(field[word].is_string(), "{name} has no {word}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[ -~\n]{0,200}") {
        let _ = parse(&text, "c.yml");
    }

    #[test]
    fn a_good_spec_with_one_character_changed_is_read_or_has_a_place(at in 0..GOOD.len(), c in "[ -~\n]") {
        let mut text = GOOD.to_owned();
        text.replace_range(at..=at, &c);
        if let Err(failure) = parse(&text, "c.yml") {
            proptest::prop_assert!(failure.got.contains("c.yml:"), "{}", failure.got);
        }
    }
}

#[test]
fn places_are_found_by_field() {
    let text = "a: [x, yy, {b: c}]\nd:\n  - e\n  - f\n";
    for (field, place) in
        [("a", (1, 4)), ("a.0", (1, 5)), ("a.1", (1, 8)), ("a.2.b", (1, 16)), ("d.1", (4, 5)), ("d.9", (3, 3)), ("g", (1, 1))]
    {
        assert_eq!(super::place(text, field), Some(place), "{field}");
    }
}
