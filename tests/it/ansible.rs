//! Real `ansible-playbook`, out of the managed virtualenv, run as a job: events, questions, secrets, ends.

mod install;
mod nodes;
mod plays;
mod questions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use quarterdeck::ansible::events::Tail;
use quarterdeck::ansible::playbook::{self, PlaybookCall, VAULT};
use quarterdeck::ansible::{Ansible, Settings};
use quarterdeck::base::Cx;
use quarterdeck::base::job::{self, Asked, JobExit, JobPrompt, JobSecret, JobState};
use quarterdeck::model::spec::PlaybookSpec;
use quarterdeck::model::{PlayEvent, PlayState};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::{PROGRAM, text, until};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn settings(data_dir: PathBuf) -> Settings {
    Settings { data_dir, python: None, use_path: false }
}

/// The Ansible that all tests share; installed by the first that needs it.
pub fn ansible() -> Ansible {
    let settings = settings(Path::new(env!("CARGO_TARGET_TMPDIR")).join("ansible"));
    block_on(quarterdeck::ansible::install(&settings, &Cx::quiet())).unwrap()
}

/// A playbook on hosts of its own.
struct Play {
    home: tempfile::TempDir,
    call: PlaybookCall,
}

impl Play {
    /// Hosts `a`, `b` … are this computer; `away` is one that nobody answers for.
    fn new(book: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let host = |name: &str| (name.to_owned(), json!({"ansible_connection": "local"}));
        let mut hosts: serde_json::Map<String, Value> = ["a", "b", "c"].into_iter().map(host).collect();
        hosts.insert("away".into(), json!({"ansible_host": "127.0.0.1", "ansible_port": 1}));
        let inventory = json!({"all": {"hosts": hosts, "vars": {"ansible_python_interpreter": "/usr/bin/python3"}}});
        std::fs::create_dir(at("books")).unwrap();
        std::fs::write(at("inventory.json"), inventory.to_string()).unwrap();
        std::fs::write(at("books/site.yml"), book).unwrap();
        let call = PlaybookCall {
            spec: PlaybookSpec { limit: Some("a".into()), ..PlaybookSpec::default() },
            playbook: at("books/site.yml"),
            inventory: at("inventory.json"),
            job_dir: at("job"),
            control_dir: at("cp"),
            nodes: 4,
            vault: false,
            color: false,
            ssh_auth_sock: None,
        };
        Self { home, call }
    }

    fn on(mut self, limit: &str) -> Self {
        self.call.spec.limit = Some(limit.to_owned());
        self
    }

    fn start(&self) {
        self.start_with(Vec::new());
    }

    fn start_with(&self, secrets: Vec<JobSecret>) {
        let spec = playbook::prepare(&ansible(), &self.call).unwrap();
        job::start(Path::new(PROGRAM), &self.call.job_dir, &spec, secrets).unwrap();
    }

    fn end(&self) -> JobExit {
        block_on(job::wait(&self.call.job_dir, &Cx::quiet().within(Duration::from_secs(120)))).unwrap()
    }

    fn run(&self) -> JobExit {
        self.start();
        self.end()
    }

    fn output(&self) -> String {
        text(self.call.job_dir.join("output"))
    }

    fn events(&self) -> Vec<PlayEvent> {
        Tail::new(self.call.job_dir.join(playbook::EVENTS)).read(usize::MAX)
    }

    fn state(&self) -> PlayState {
        let mut state = PlayState::default();
        self.events().iter().for_each(|event| state.apply(event));
        state
    }

    /// The question that is open, once one is.
    fn prompt(&self) -> JobPrompt {
        until("a question", || {
            let ended = matches!(job::state(&self.call.job_dir), JobState::Ended(_));
            assert!(!ended, "it ended without a question: {}", self.output());
            job::prompts(&self.call.job_dir).into_iter().find(|p| p.state == Asked::Open)
        })
    }

    fn answer(&self, prompt: &JobPrompt, line: &str) {
        job::answer(&self.call.job_dir, prompt.number, &SecretString::from(line)).unwrap();
    }

    /// Files that the run left and that hold `word`.
    fn files_with(&self, word: &str) -> Vec<PathBuf> {
        let mut dirs = vec![self.home.path().to_owned()];
        let mut found = Vec::new();
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap().flatten() {
                match entry.file_type().unwrap() {
                    kind if kind.is_dir() => dirs.push(entry.path()),
                    kind if kind.is_file() && text(entry.path()).contains(word) => found.push(entry.path()),
                    _ => {}
                }
            }
        }
        found
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        let _ = job::signal(&self.call.job_dir, libc::SIGKILL);
    }
}

fn vault(password: &str) -> Vec<JobSecret> {
    vec![JobSecret { name: VAULT.to_owned(), value: SecretString::from(password) }]
}
