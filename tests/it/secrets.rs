//! After a full run, secrets are found only where they belong.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::home::{Home, finish};

const PASSWORD: &str = "vault-password-Zq81xKw0";
const SECRET: &str = "database-secret-Jh55pTr2";

const PLAYBOOK: &str = "
- name: Use a secret
  hosts: all
  gather_facts: false
  vars_files: [secrets.yml]
  tasks:
    - name: Keep it on the node
      ansible.builtin.copy:
        content: '{{ database_secret }}'
        dest: /root/secret
        mode: '0600'
      no_log: true
    - name: Fail with it at hand
      ansible.builtin.command:
        argv: [/bin/false, '{{ database_secret }}']
      no_log: true
      ignore_errors: true
";

/// The project of a person: a playbook, and a file that only the vault password opens.
fn project(dir: &Path) {
    std::fs::write(dir.join("site.yml"), PLAYBOOK).unwrap();
    std::fs::write(dir.join("password"), format!("{PASSWORD}\n")).unwrap();
    std::fs::write(dir.join("secrets.yml"), format!("database_secret: {SECRET}\n")).unwrap();
    let vault = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ansible-venv/current/bin/ansible-vault");
    let mut encrypt = Command::new(vault);
    encrypt.current_dir(dir).args(["encrypt", "--vault-password-file", "password", "secrets.yml"]);
    finish(encrypt, Duration::from_secs(60)).ok();
}

/// Every file below `dir` that holds `needle`, but for nodes' own disks.
fn holding(dir: &Path, needle: &[u8], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && path.file_name().is_some_and(|n| n != "sandbox") {
            holding(&path, needle, found);
        } else if kind.is_file() && std::fs::read(&path).is_ok_and(|c| c.windows(needle.len()).any(|w| w == needle)) {
            found.push(path);
        }
    }
}

/// Whether any process shows `needle` on its command line or in its environment.
fn shown_by_a_process(needle: &str) -> Option<String> {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        for what in ["cmdline", "environ"] {
            let content = std::fs::read(entry.path().join(what)).unwrap_or_default();
            if String::from_utf8_lossy(&content).contains(needle) {
                return Some(format!("{} {what}", entry.path().display()));
            }
        }
    }
    None
}

#[test]
fn secrets_stay_where_they_belong() {
    let home = Home::with_sandbox();
    let work = tempfile::tempdir().unwrap();
    project(work.path());
    home.run(["cluster", "create", "--blueprint", "hello", "--name", "demo", "--yes"]).ok();

    let done = AtomicBool::new(false);
    let (said, seen) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = None;
            while seen.is_none() && !done.load(Ordering::Acquire) {
                seen = shown_by_a_process(PASSWORD);
            }
            seen
        });
        let mut run = home.command(["playbook", "run", "-c", "demo", "site.yml", "--vault-password-file", "password"]);
        run.current_dir(work.path());
        let said = finish(run, Duration::from_secs(120));
        done.store(true, Ordering::Release);
        (said, watch.join().unwrap())
    });
    assert_eq!(seen, None, "the vault password was on show");
    let said = said.ok();
    assert!(!said.out.contains(SECRET) && !said.out.contains(PASSWORD), "{}", said.out);
    assert!(said.out.contains("censored"), "no_log stays censored:\n{}", said.out);

    for secret in [PASSWORD, SECRET] {
        let mut found = Vec::new();
        holding(home.path(), secret.as_bytes(), &mut found);
        assert_eq!(found, Vec::<PathBuf>::new(), "{secret}");
    }

    let clusters = home.path().join("data/clusters");
    let key = std::fs::read_dir(&clusters).unwrap().flatten().next().unwrap().path().join("id_ed25519");
    assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    let pem = std::fs::read_to_string(&key).unwrap();
    // The middle of the key: its head is the same for every key of this kind.
    let body = pem.lines().nth(3).unwrap();
    let mut found = Vec::new();
    holding(home.path(), body.as_bytes(), &mut found);
    assert_eq!(found, [key]);
    assert_eq!(shown_by_a_process(body), None);
}
