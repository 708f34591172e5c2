//! Who may know whom, checked in the sources; and no file or function longer than a person can hold in mind.
//!
//! A crate has no walls inside. These tests are the walls: they read every path in `src`, inline ones, `use`
//! trees, renames, `super::`, re-exports and macros included. Code for tests only may know what it likes.

#[path = "arch/resolve.rs"]
mod resolve;
#[path = "arch/sources.rs"]
mod sources;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use resolve::{Target, targets};
use sources::{Sources, rust_files};

/// The rooms, and the other rooms that each may know. `main` wires one front door and may know all of them.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("protocol", &["model"]),
    ("base", &["model"]),
    ("ssh", &["model", "base"]),
    ("clouds", &["model", "base", "ssh"]),
    ("ansible", &["model", "base", "ssh"]),
    ("containers", &["model", "base", "ssh"]),
    ("apps", &["model", "base", "ssh"]),
    ("clusters", &["model"]),
    ("store", &["model", "base", "protocol"]),
    ("engine", &["model", "base", "protocol", "store", "clusters", "ssh", "clouds", "ansible", "containers", "apps"]),
    ("config", &["model", "protocol", "base"]),
    ("daemon", &["model", "base", "protocol", "config", "engine"]),
    ("client", &["model", "protocol", "config"]),
    ("facts", &["model", "protocol", "config"]),
    ("cli", &["model", "protocol", "config", "client", "facts"]),
    ("console", &["model", "protocol", "config", "client", "facts"]),
];

/// What only some rooms may use of other crates. A path that begins so is theirs alone.
const OWNERS: &[(&[&str], &str)] = &[
    (&["console"], "ratatui crossterm tui_textarea nucleo_matcher"),
    (&["cli"], "clap clap_complete clap_mangen indicatif"),
    (&["store"], "rusqlite"),
    (&["ssh", "clouds"], "russh russh_sftp"),
    (&["base"], "reqwest"),
    (&["main"], "color_eyre"),
    (&["daemon", "main"], "tracing_subscriber"),
];

/// Small parts of those crates that others may use too.
const LENT: &[(&str, &str)] = &[
    // Its size, and raw mode while a remote shell has it: no drawing.
    ("cli", "crossterm::terminal"),
    // The words of HTTP, which `base::http` hands on: no client.
    ("clouds", "reqwest::Method"),
    ("clouds", "reqwest::StatusCode"),
    ("clouds", "reqwest::Url"),
    ("containers", "reqwest::Method"),
];

/// What a room must not touch of other crates.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "model",
        "tokio tokio_util futures std::fs std::io std::net std::os std::process std::thread std::env std::time::Instant std::time::SystemTime",
    ),
    ("protocol", "tokio futures std::fs std::net std::os std::process std::thread std::env"),
    ("clusters", "tokio futures rand std::fs std::io std::net std::os std::process std::thread std::env std::time"),
    ("engine", "tokio::net std::net std::os::unix::net"),
];

/// Parts of a room that do not know each other: no folder of the first knows another folder of it.
const STRANGERS: &[&str] = &["console::panes"];

/// Parts that must not know certain others, though in the same room or allowed to it.
const APART: &[(&str, &str)] =
    &[("console::widgets", "client protocol config facts console::panes console::layers console::app console::update")];

const MAX_FILE: usize = 600;
const MAX_FUNCTION: usize = 80;

/// Longer ones, each with its reason: `file` or `file function`.
const LONGER: &[(&str, &str)] = &[];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `a::b` is `path` or leads to it.
fn begins(path: &[String], with: &str) -> bool {
    let mut path = path.iter();
    with.split("::").all(|part| path.next().is_some_and(|segment| segment == part))
}

/// Everything in the sources that the rules above forbid, one line each.
fn violations(sources: &Sources) -> Vec<String> {
    let rooms: BTreeSet<&str> = sources.modules.iter().filter(|m| m.len() == 1).map(|m| m[0].as_str()).collect();
    let mut found: Vec<String> = Vec::new();
    for room in rooms.iter().filter(|room| **room != "main" && !ROOMS.iter().any(|(known, _)| known == *room)) {
        found.push(format!("src/{room}: this room is not in the table of tests/arch.rs"));
    }
    for written in sources.paths.iter().filter(|written| !written.module.is_empty()) {
        for target in targets(sources, written) {
            let reason = match &target {
                Target::Here(path) => inside(&written.module, path, &rooms),
                Target::Elsewhere(path) => outside(&written.module[0], path),
            };
            if let Some(reason) = reason {
                found.push(format!("{}:{}: {} ({reason})", written.file.display(), written.line, written.path.join("::")));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn inside(module: &[String], path: &[String], rooms: &BTreeSet<&str>) -> Option<String> {
    let (room, other) = (module[0].as_str(), path.first()?.as_str());
    let allowed = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[] as &[&str], |(_, allowed)| allowed);
    if room != "main" && room != other && rooms.contains(other) && !allowed.contains(&other) {
        return Some(format!("{room} may not know {other}"));
    }
    for (part, others) in APART.iter().filter(|(part, _)| begins(module, part)) {
        if let Some(other) = others.split(' ').find(|other| begins(path, other)) {
            return Some(format!("{part} may not know {other}"));
        }
    }
    for part in STRANGERS.iter().filter(|part| begins(module, part) && begins(path, part)) {
        let depth = part.split("::").count();
        if let (Some(own), Some(other)) = (module.get(depth), path.get(depth))
            && own != other
            && other.starts_with(|c: char| c.is_lowercase())
        {
            return Some(format!("{part}::{own} may not know {part}::{other}"));
        }
    }
    None
}

fn outside(room: &str, path: &[String]) -> Option<String> {
    if LENT.iter().any(|(to, name)| *to == room && begins(path, name)) {
        return None;
    }
    for (owners, crates) in OWNERS.iter().filter(|(owners, _)| !owners.contains(&room)) {
        if let Some(name) = crates.split(' ').find(|name| begins(path, name)) {
            return Some(format!("only {} may use {name}", owners.join(" and ")));
        }
    }
    let forbidden = FORBIDDEN.iter().filter(|(name, _)| *name == room).flat_map(|(_, crates)| crates.split(' '));
    forbidden.into_iter().find(|name| begins(path, name)).map(|name| format!("{room} may not use {name}"))
}

/// Files and functions that are too long, and entries of the allow-list that nothing needs.
fn too_long(sources: &Sources, allowed: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    let mut check = |name: String, lines: usize, limit: usize, at: String| match allowed.iter().find(|(entry, _)| *entry == name)
    {
        _ if lines <= limit => {}
        Some((entry, _)) => drop(used.insert(*entry)),
        None => found.push(format!("{at}: {lines} lines; at most {limit}")),
    };
    for (file, lines) in &sources.files {
        check(file.display().to_string(), *lines, MAX_FILE, file.display().to_string());
    }
    for function in &sources.functions {
        let file = function.file.display();
        check(
            format!("{file} {}", function.name),
            function.lines,
            MAX_FUNCTION,
            format!("{file}:{} {}", function.line, function.name),
        );
    }
    for (entry, reason) in allowed {
        assert!(!reason.is_empty(), "{entry} needs a reason");
        if !used.contains(entry) {
            found.push(format!("{entry} is in the allow-list but not too long"));
        }
    }
    found
}

#[test]
fn nobody_knows_whom_they_may_not() {
    let found = violations(&Sources::of_crate(root()));
    assert!(found.is_empty(), "{} violations of DESIGN's table:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let mut sources = Sources::of_crate(root());
    for folder in ["tests", "benches"] {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            sources.add_sizes(file.strip_prefix(root()).unwrap(), &text);
        }
    }
    let found = too_long(&sources, LONGER);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The dependencies of Cargo.toml: name, and whether it is for tests only.
fn dependencies() -> Vec<(String, bool)> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml can be read");
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| section.ends_with("dependencies]")) {
            found.push((name.to_owned(), section == "[dev-dependencies]"));
        }
    }
    found
}

#[test]
fn every_dependency_has_its_reason() {
    let reasons = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, reasons) = reasons.split_once("## Dependencies").expect("CONTRIBUTING.md has the chapter");
    let rows = reasons.lines().filter_map(|row| row.strip_prefix("| `")?.split_once(" | "));
    let named: BTreeSet<String> =
        rows.flat_map(|(names, _)| names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>()).collect();
    let wanted: BTreeSet<String> = dependencies().into_iter().map(|(name, _)| name).collect();
    let without: Vec<_> = wanted.difference(&named).collect();
    let gone: Vec<_> = named.difference(&wanted).collect();
    assert!(without.is_empty() && gone.is_empty(), "CONTRIBUTING.md: no reason for {without:?}; no longer there: {gone:?}");
}

#[test]
fn every_dependency_is_used() {
    let texts = |folders: &[&str]| -> String {
        let files = folders.iter().flat_map(|folder| rust_files(&root().join(folder)));
        files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
    };
    let (product, tests) = (texts(&["src"]), texts(&["src", "tests", "benches"]));
    let uses = |text: &str, name: &str| {
        let name = name.replace('-', "_");
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        text.match_indices(&name).any(|(at, _)| {
            let (before, after) = (text[..at].chars().next_back(), &text[at + name.len()..]);
            apart(before) && (after.starts_with("::") || (text[..at].ends_with("use ") && apart(after.chars().next())))
        })
    };
    let idle = dependencies().into_iter().filter(|(name, test)| !uses(if *test { &tests } else { &product }, name));
    let idle: Vec<String> = idle.map(|(name, _)| name).collect();
    assert!(idle.is_empty(), "nothing uses {idle:?}");
}

/// The rules must find what they are for.
mod the_rules_themselves {
    use super::*;

    fn crate_with(files: &[(&str, &str)]) -> Sources {
        let mut sources = Sources::default();
        for (module, text) in files {
            let segments: Vec<String> = module.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect();
            sources.add(&segments, &PathBuf::from(module.replace("::", "/")), text);
        }
        sources
    }

    /// The reasons that are found in a module of the room `at`, beside an innocent crate.
    fn found_in(at: &str, text: &str) -> Vec<String> {
        let others = [
            (
                "",
                "pub mod model; pub mod base; pub mod clusters; pub mod protocol; pub mod engine; pub mod daemon; pub mod client; pub mod cli; pub mod console; pub mod config;",
            ),
            ("model", "pub struct Failure;"),
            ("base", ""),
            ("clusters", "pub struct Facts;"),
            ("protocol", "pub mod deep { pub fn go() {} }"),
            ("engine", "pub use crate::clusters::Facts as World; pub mod deep { pub fn go() {} }"),
            ("daemon", ""),
            ("client", ""),
            ("config", "pub use crate::protocol::deep;"),
            ("console", "pub mod panes;"),
            ("console::panes", "pub mod runs; pub mod images; pub enum Pane {}"),
            ("console::panes::images", "pub fn draw() {}"),
        ];
        let mut files: Vec<(&str, &str)> = others.into_iter().filter(|(name, _)| *name != at).collect();
        files.push((at, text));
        violations(&crate_with(&files))
    }

    #[track_caller]
    fn forbidden(at: &str, text: &str, reason: &str) {
        let found = found_in(at, text);
        assert!(found.iter().any(|line| line.contains(reason)), "nothing found in {text:?}: {found:?}");
    }

    #[track_caller]
    fn fine(at: &str, text: &str) {
        assert_eq!(found_in(at, text), Vec::<String>::new(), "{text}");
    }

    #[test]
    fn every_way_of_writing_a_path_is_seen() {
        let reason = "cli may not know engine";
        forbidden("cli", "use crate::engine::deep;", reason);
        forbidden("cli", "use crate::{model::Failure, engine::{self as e}};", reason);
        forbidden("cli", "fn f() { crate::engine::deep::go() }", reason);
        forbidden("cli", "fn f() { super::engine::deep::go() }", reason);
        forbidden("cli", "use super::engine as e; fn f() { e::deep::go() }", reason);
        forbidden("cli", "use crate::*; fn f() { engine::deep::go() }", reason);
        forbidden("cli", "mod inner { fn f() -> super::super::engine::X { todo!() } }", reason);
        forbidden("cli", "fn f() { println!(\"{}\", crate::engine::deep::go()) }", reason);
        forbidden("cli", "fn f() { tokio::select! { x = super::engine::deep::go() => x } }", reason);
        forbidden("cli", "struct S<T: Into<crate::engine::Door>>(T);", reason);
        forbidden("cli", "impl From<crate::engine::Door> for u8 {}", reason);
        forbidden("cli", "pub use crate::engine::deep::*;", reason);
    }

    #[test]
    fn re_exports_do_not_hide_a_room() {
        forbidden("daemon", "use crate::engine::World;", "daemon may not know clusters");
        forbidden("daemon", "fn f() { crate::engine::World::new() }", "daemon may not know clusters");
        fine("daemon", "use crate::config::deep; use crate::engine::deep as other;");
    }

    #[test]
    fn other_crates_have_their_rooms() {
        forbidden("engine", "use ratatui::Frame;", "only console may use ratatui");
        forbidden("engine", "fn f() { ::clap::Command::new(\"x\"); }", "only cli may use clap");
        forbidden("model", "use std::{fmt, fs};", "model may not use std::fs");
        forbidden("model", "fn f() { std::thread::spawn(|| ()); }", "model may not use std::thread");
        forbidden("engine", "use tokio::net as n; fn f(_: n::UnixStream) {}", "engine may not use tokio::net");
        forbidden("console", "use indicatif::ProgressBar;", "only cli may use indicatif");
        fine("console", "use ratatui::Frame; use crossterm::event;");
        fine("model", "use std::fmt; fn f() -> fmt::Result { Ok(()) }");
    }

    #[test]
    fn only_main_knows_both_ends() {
        forbidden("daemon", "use crate::client::X;", "daemon may not know client");
        forbidden("client", "use crate::daemon::X;", "client may not know daemon");
        fine("main", "use quarterdeck::{client, daemon}; fn main() { daemon::x(); client::y() }");
    }

    #[test]
    fn panes_do_not_know_each_other() {
        forbidden("console::panes::runs", "use super::images;", "console::panes::runs may not know console::panes::images");
        fine("console::panes::runs", "use super::Pane; use crate::console::panes::runs::x;");
        forbidden("console::widgets", "use super::panes::Pane;", "console::widgets may not know console::panes");
    }

    #[test]
    fn a_room_without_rules_is_found() {
        assert!(violations(&crate_with(&[("cellar", "")]))[0].contains("not in the table"));
    }

    #[test]
    fn text_and_tests_are_left_alone() {
        fine("cli", "fn f() -> &'static str { \"crate::engine::deep\" }");
        fine("cli", "fn f() { println!(\"crate::engine::deep {}\", r#\"super::engine::x\"#) }");
        fine("cli", "#[cfg(test)] mod tests { use crate::engine::deep; }");
        fine("cli", "#[cfg(test)] use crate::engine::deep;");
        fine("cli", "// crate::engine::deep\n/// [`crate::engine::deep`]\nfn f() {}");
        let mut sources = crate_with(&[("cli", "#[cfg(test)] mod tests;"), ("engine", "")]);
        sources.add(&["cli".to_owned(), "tests".to_owned()], Path::new("cli/tests.rs"), "use crate::engine::deep;");
        assert!(violations(&sources).is_empty());
    }

    #[test]
    fn long_things_are_found_and_idle_permissions_too() {
        let body = "let _ = 1;\n".repeat(MAX_FUNCTION);
        let text = format!("fn long() {{\n{body}}}\nfn short() {{}}\n{}", "// line\n".repeat(MAX_FILE));
        let sources = crate_with(&[("cli", &text)]);
        let found = too_long(&sources, &[]);
        assert_eq!(found, ["cli: 683 lines; at most 600", "cli:1 long: 82 lines; at most 80"]);
        assert!(too_long(&sources, &[("cli", "why"), ("cli long", "why")]).is_empty());
        assert_eq!(too_long(&crate_with(&[("cli", "")]), &[("cli", "why")]), ["cli is in the allow-list but not too long"]);
    }
}
