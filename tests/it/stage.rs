//! A home with small clusters on the sandbox, and a stand-in for Ansible that writes what a test or bench wants to
//! see: `tests/data/ansible-playbook` says what. Everything else is the real thing.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::home::{Home, finish};
use crate::pty::Terminal;

/// See the module.
pub struct Stage {
    pub home: Home,
}

/// What the stand-in can act.
const PLAYBOOKS: [&str; 4] = ["flood.yml", "ten.yml", "wait.yml", "ask.yml"];
const LIMIT: Duration = Duration::from_secs(120);

impl Stage {
    /// Sets the stage in an empty home, with clusters `lab-1`, `lab-2`… of one node each.
    ///
    /// # Errors
    /// What the program says where this machine can have no sandbox.
    pub fn set(mut home: Home, clusters: u32) -> Result<Self, String> {
        let bin = home.path().join("bin");
        let books = home.path().join("books");
        for dir in [&bin, &books, &home.path().join("config")] {
            std::fs::create_dir_all(dir).unwrap();
        }
        let ansible = bin.join("ansible-playbook");
        std::fs::write(&ansible, include_str!("../data/ansible-playbook")).unwrap();
        std::fs::set_permissions(&ansible, std::fs::Permissions::from_mode(0o755)).unwrap();
        for playbook in PLAYBOOKS {
            std::fs::write(books.join(playbook), "- hosts: all\n").unwrap();
        }
        std::fs::write(home.path().join("config/settings.toml"), "[ansible]\nuse_path = true\n").unwrap();
        home.set_env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
        let stage = Self { home };
        stage.must(&["cloud", "add", "sandbox", "--driver", "sandbox"])?;
        for n in 1..=clusters {
            let spec = stage.home.path().join("lab.yml");
            let text = format!("name: lab-{n}\ngroups:\n  node: {{count: 1, flavor: small, image: host}}\n");
            std::fs::write(&spec, text).unwrap();
            stage.must(&["cluster", "create", "--yes", "-f", spec.to_str().unwrap()])?;
        }
        Ok(stage)
    }

    fn must(&self, args: &[&str]) -> Result<(), String> {
        let said = finish(self.home.command(args), LIMIT);
        if said.code == Some(0) { Ok(()) } else { Err(said.err.trim().replace('\n', "; ")) }
    }

    /// Starts a playbook on a cluster; the number of its run.
    pub fn start(&self, playbook: &str, cluster: u32) -> String {
        let mut command = self.home.command(["playbook", "run", "-c", &format!("lab-{cluster}"), playbook, "--detach"]);
        command.current_dir(self.home.path().join("books"));
        self.home.last_run(&finish(command, LIMIT).ok())
    }

    /// Ends a run and waits for its end.
    pub fn cancel(&self, run: &str) {
        self.home.run(["run", "cancel", run]);
        self.wait(run);
    }

    /// Waits until a run has ended, however.
    pub fn wait(&self, run: &str) {
        self.home.run(["run", "tail", run]);
    }

    /// Where the first attempt of a run's playbook writes.
    pub fn output(&self, run: &str) -> PathBuf {
        let steps = self.home.path().join("data/runs").join(run).join("steps");
        let dirs = std::fs::read_dir(&steps).into_iter().flatten().flatten().map(|entry| entry.path().join("output"));
        dirs.into_iter().find(|output| output.exists()).unwrap_or(steps)
    }

    /// The console in a terminal of its own.
    pub fn console(&self, cols: u16, rows: u16) -> Terminal {
        Terminal::open(self.home.at_terminal(&[]), cols, rows)
    }
}
