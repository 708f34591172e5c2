//! The program, the folders of its home, its engine, the socket for watchers.

use std::os::unix::fs::FileTypeExt;

use crate::config::paths::HOME_VARIABLE;
use crate::config::{Paths, Settings};
use crate::model::{Failure, Finding, Part};
use crate::protocol::WATCH_SOCKET;
use crate::protocol::command::EngineStatus;

/// Version and place of the program, folders, settings.
pub fn program(paths: &Paths, settings: &Result<Settings, Failure>) -> Vec<Finding> {
    const PART: Part = Part::Program;
    let exe = std::env::current_exe().map(|path| format!(" ({})", path.display())).unwrap_or_default();
    let mut findings = vec![Finding::ok(PART, "program", format!("quarterdeck {}{exe}", env!("CARGO_PKG_VERSION")))];
    let dirs = match &paths.home {
        Some(home) => format!("{} (${HOME_VARIABLE})", home.display()),
        None => format!("{}, {}, {}", paths.config.display(), paths.data.display(), paths.state.display()),
    };
    findings.push(match paths.create() {
        Ok(()) => Finding::ok(PART, "home", dirs),
        Err(failure) => Finding::failed(PART, "home", &failure),
    });
    let path = paths.settings();
    findings.push(match settings {
        Err(failure) => Finding::failed(PART, "settings", failure),
        Ok(_) if path.exists() => Finding::ok(PART, "settings", path.display().to_string()),
        Ok(_) => Finding::note(PART, "settings", format!("none so far ({})", path.display())).next("quarterdeck setup"),
    });
    findings
}

/// What the engine says of itself.
pub fn engine(status: &EngineStatus) -> Vec<Finding> {
    const PART: Part = Part::Engine;
    let mut findings = vec![Finding::ok(PART, "engine", format!("running, pid {}, version {}", status.pid, status.program))];
    if status.program != env!("CARGO_PKG_VERSION") {
        let found = format!("{}, this program is {}", status.program, env!("CARGO_PKG_VERSION"));
        findings.push(Finding::note(PART, "engine version", found).next("quarterdeck engine restart; runs go on"));
    }
    findings.extend(status.trouble.iter().map(|trouble| Finding::missing(PART, "engine trouble", trouble.clone())));
    findings
}

/// The socket for people of other accounts.
pub fn watchers(settings: &Settings) -> Finding {
    const PART: Part = Part::Watchers;
    const NAME: &str = "watchers";
    let (Some(dir), Some(group)) = (&settings.watch_dir.value, &settings.watch_group.value) else {
        return Finding::ok(PART, NAME, "this account only");
    };
    let members = match nix::unistd::Group::from_name(group) {
        Ok(Some(group)) => group.mem.len(),
        _ => {
            return Finding::missing(PART, NAME, format!("there is no group {group}"))
                .next(format!("correct watch.group ({})", settings.watch_group.origin));
        }
    };
    let socket = dir.join(WATCH_SOCKET);
    let there = std::fs::metadata(&socket).is_ok_and(|meta| meta.file_type().is_socket());
    if there {
        let people = if members == 1 { "1 member".to_owned() } else { format!("{members} members") };
        return Finding::ok(PART, NAME, format!("group {group} ({people}) may look through {}", socket.display()));
    }
    Finding::note(PART, NAME, format!("group {group} may look, but {} is not there", socket.display()))
        .next("quarterdeck engine restart opens it")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::Verdict;

    fn status() -> EngineStatus {
        EngineStatus {
            pid: 7,
            program: "0.0.1".into(),
            home: "/h".into(),
            up: 1,
            runs_under_way: 0,
            clients: 1,
            seq: 0,
            rss_kb: 1,
            ansible: "no Ansible\n  next: install".into(),
            ansible_ready: false,
            trouble: vec!["the disk is full".into()],
        }
    }

    #[test]
    fn an_older_engine_is_a_note_and_its_trouble_is_told() {
        let findings = engine(&status());
        let verdicts: Vec<(&str, Verdict)> = findings.iter().map(|f| (f.name.as_str(), f.verdict)).collect();
        assert_eq!(verdicts, [("engine", Verdict::Ok), ("engine version", Verdict::Note), ("engine trouble", Verdict::Missing)]);
    }

    #[test]
    fn a_socket_that_is_not_there_is_told() {
        let parse = |text: &str| Settings::parse(Path::new("s.toml"), text).unwrap();
        assert_eq!(watchers(&parse("")).verdict, Verdict::Ok);
        let group = nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap().name;
        let set = parse(&format!("[watch]\ndir = \"/nowhere\"\ngroup = \"{group}\"\n"));
        assert!(watchers(&set).next.contains("engine restart"));
        let wrong = parse("[watch]\ndir = \"/nowhere\"\ngroup = \"no-such-group\"\n");
        assert_eq!(
            (watchers(&wrong).verdict, watchers(&wrong).next.as_str()),
            (Verdict::Missing, "correct watch.group (s.toml:3)")
        );
    }
}
