//! One call of `ansible-playbook` as a job.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Ansible;
use super::question::NOT_QUESTIONS;
use crate::base::files::write_private;
use crate::base::job::JobSpec;
use crate::model::Failure;
use crate::model::spec::PlaybookSpec;

/// Name of the secret that a vault playbook needs, see [`PlaybookCall::vault`].
pub const VAULT: &str = "vault";
/// File of the job's directory with the events of the playbook.
pub const EVENTS: &str = "events.jsonl";

const PLUGIN: &str = include_str!("../../assets/ansible/quarterdeck_events.py");
const PLUGIN_DIR: &str = "callback";
const EXTRA_VARS: &str = "extra-vars.json";
/// A socket address takes 108 bytes; ssh adds 17 while it binds, Ansible a name of 11.
const LONGEST_CONTROL_DIR: usize = 76;

/// What is to be called.
#[derive(Clone, PartialEq, Debug)]
pub struct PlaybookCall {
    pub spec: PlaybookSpec,
    /// The playbook file, absolute. Ansible runs in its directory and honours the `ansible.cfg` there.
    pub playbook: PathBuf,
    /// The inventory file, absolute.
    pub inventory: PathBuf,
    /// The job's directory, absolute.
    pub job_dir: PathBuf,
    /// Where the sockets of shared SSH connections go: one directory for all playbooks of a run, so that they
    /// share connections and never use one of an earlier cluster at the same address.
    pub control_dir: PathBuf,
    /// How many nodes the inventory has: decides about forks.
    pub nodes: usize,
    /// The vault password comes as the job's secret [`VAULT`]. Otherwise a playbook with `vault: true` asks for it
    /// on its terminal.
    pub vault: bool,
    /// Coloured output.
    pub color: bool,
    /// An ssh-agent to log in with.
    pub ssh_auth_sock: Option<PathBuf>,
}

/// A file that must be there before the job starts; only we may read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobFile {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

/// The job of a call, and the files that it needs. Pure, but for looking into the user's `ansible.cfg`.
pub fn job(ansible: &Ansible, call: &PlaybookCall) -> (JobSpec, Vec<JobFile>) {
    let mut files = vec![JobFile { path: call.job_dir.join(PLUGIN_DIR).join("quarterdeck_events.py"), content: PLUGIN.into() }];
    let mut argv = vec![text(&ansible.playbook), "-i".to_owned(), text(&call.inventory)];
    argv.extend(options(call));
    if !call.spec.vars.is_empty() {
        let file = call.job_dir.join(EXTRA_VARS);
        argv.extend(["-e".to_owned(), format!("@{}", file.display())]);
        files.push(JobFile { path: file, content: serde_json::to_vec_pretty(&call.spec.vars).unwrap_or_default() });
    }
    argv.push(text(&call.playbook));
    let cwd = call.playbook.parent().unwrap_or(Path::new("/")).to_owned();
    let env = environment(call, &cwd);
    let not_questions = NOT_QUESTIONS.map(str::to_owned).to_vec();
    (JobSpec { argv, env, cwd, scrub_env: true, not_questions }, files)
}

/// [`job`], with the files written and the directory for control sockets made.
///
/// # Errors
/// A file cannot be written, or the directory for control sockets is not ours.
pub fn prepare(ansible: &Ansible, call: &PlaybookCall) -> Result<JobSpec, Failure> {
    let tried = "prepare a playbook";
    let (spec, files) = job(ansible, call);
    for file in files {
        write_private(&file.path, &file.content)?;
    }
    let control = control_dir(&call.control_dir);
    make_private_dir(&control).map_err(|e| {
        Failure::broken(tried, e).at(control.display()).next("remove it if it belongs to nobody you know, then try again")
    })?;
    Ok(spec)
}

/// Where the control sockets really go: `wanted`, or a short path of its own when that is too long for sockets.
pub fn control_dir(wanted: &Path) -> PathBuf {
    if wanted.as_os_str().len() <= LONGEST_CONTROL_DIR {
        return wanted.to_owned();
    }
    let digest = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    PathBuf::from(format!("/tmp/quarterdeck-{}-{name}", nix::unistd::geteuid()))
}

fn options(call: &PlaybookCall) -> Vec<String> {
    let spec = &call.spec;
    let forks = spec.forks.unwrap_or_else(|| u32::try_from(call.nodes.clamp(5, 50)).unwrap_or(50));
    // In one word each, so that no value can be taken for an option.
    let mut options = vec![format!("--forks={forks}")];
    options.extend(spec.limit.iter().map(|limit| format!("--limit={limit}")));
    for (name, tags) in [("--tags", &spec.tags), ("--skip-tags", &spec.skip_tags)] {
        if !tags.is_empty() {
            options.push(format!("{name}={}", tags.join(",")));
        }
    }
    if spec.check {
        options.push("--check".to_owned());
    }
    if spec.verbosity > 0 {
        options.push(format!("-{}", "v".repeat(spec.verbosity.min(4).into())));
    }
    if call.vault {
        options.push(format!("--vault-password-file={{secret:{VAULT}}}"));
    } else if spec.vault {
        options.push("--ask-vault-pass".to_owned());
    }
    options
}

fn environment(call: &PlaybookCall, cwd: &Path) -> Vec<(String, String)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = call.job_dir.join(PLUGIN_DIR);
    let plugins = std::iter::once(text(&own)).chain(user_callbacks(cwd, &home)).collect::<Vec<_>>().join(":");
    let mut env: Vec<(String, String)> = [
        ("ANSIBLE_CALLBACK_PLUGINS", plugins),
        ("ANSIBLE_HOST_KEY_CHECKING", "True".to_owned()),
        ("ANSIBLE_RETRY_FILES_ENABLED", "False".to_owned()),
        ("ANSIBLE_SSH_CONTROL_PATH_DIR", text(&control_dir(&call.control_dir))),
        ("QUARTERDECK_EVENTS", text(&call.job_dir.join(EVENTS))),
        // Ansible refuses to run where the language of the login has no UTF-8 or is not installed.
        ("LC_ALL", "C.UTF-8".to_owned()),
        // Ansible flushes its output at the end only when that is a file: questions must be seen at once.
        ("PYTHONUNBUFFERED", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    if call.color {
        env.push(("ANSIBLE_FORCE_COLOR".into(), "1".into()));
    }
    env.extend(call.ssh_auth_sock.iter().map(|sock| ("SSH_AUTH_SOCK".to_owned(), text(sock))));
    env
}

/// Folders that callback plugins of the user come from. Ours is given by a variable, which hides the user's
/// setting (and Ansible's own default): so they are named beside it.
fn user_callbacks(cwd: &Path, home: &Path) -> Vec<String> {
    let files = [cwd.join("ansible.cfg"), home.join(".ansible.cfg"), PathBuf::from("/etc/ansible/ansible.cfg")];
    // Only the first file that is there counts, as for Ansible.
    let config = files.iter().find_map(|file| Some((file, fs::read_to_string(file).ok()?)));
    let set = config.and_then(|(file, config)| {
        let value = ini_value(&config, "defaults", "callback_plugins")?;
        let base = file.parent().unwrap_or(Path::new("/"));
        let absolute = |part: &str| match part.strip_prefix("~/") {
            Some(rest) => text(&home.join(rest)),
            None => text(&base.join(part)),
        };
        Some(value.split(':').filter(|part| !part.is_empty()).map(absolute).collect())
    });
    set.unwrap_or_else(|| vec![text(&home.join(".ansible/plugins/callback")), "/usr/share/ansible/plugins/callback".to_owned()])
}

/// A value of an INI file as Python's `configparser` reads it (without its interpolation).
fn ini_value(text: &str, section: &str, name: &str) -> Option<String> {
    let mut here = false;
    for line in text.lines() {
        let line = line.split(" ;").next().unwrap_or_default().trim_end();
        if let Some(title) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            here = title == section;
        } else if here
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().eq_ignore_ascii_case(name)
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Removes the directory of control sockets of a run that has ended, where it is not in the run's own directory.
pub fn remove_control_dir(wanted: &Path) {
    let dir = control_dir(wanted);
    let ours = |data: fs::Metadata| data.is_dir() && data.uid() == nix::unistd::geteuid().as_raw();
    if dir != wanted
        && fs::symlink_metadata(&dir).is_ok_and(ours)
        && let Err(e) = fs::remove_dir_all(&dir)
    {
        tracing::warn!(dir = %dir.display(), error = %e, "not removed");
    }
}

/// Makes a directory that only we may enter; one that is there already must be just that, since `/tmp` is
/// everybody's.
fn make_private_dir(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let data = fs::symlink_metadata(dir)?;
            let ours = data.is_dir() && data.uid() == nix::unistd::geteuid().as_raw() && data.mode() & 0o077 == 0;
            if ours { Ok(()) } else { Err(io::Error::other("it is there and others may enter it")) }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    fn ansible() -> Ansible {
        let bin = |name: &str| PathBuf::from("/venv/bin").join(name);
        Ansible { playbook: bin("ansible-playbook"), version: "2.19.14".into(), python: bin("python"), managed: true }
    }

    fn call(dir: &Path) -> PlaybookCall {
        PlaybookCall {
            spec: PlaybookSpec::default(),
            playbook: dir.join("books/site.yml"),
            inventory: dir.join("inventory.json"),
            job_dir: dir.join("job"),
            control_dir: dir.join("cp"),
            nodes: 3,
            vault: false,
            color: false,
            ssh_auth_sock: None,
        }
    }

    fn env<'a>(spec: &'a JobSpec, name: &str) -> Option<&'a str> {
        spec.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    #[test]
    fn every_setting_becomes_one_option() {
        let mut call = call(Path::new("/x"));
        call.spec = PlaybookSpec {
            vars: [("a".to_owned(), json!({"b": [1, "z"]}))].into(),
            tags: vec!["one".into(), "two".into()],
            skip_tags: vec!["three".into()],
            limit: Some("web-1,web-2".into()),
            check: true,
            verbosity: 9,
            vault: true,
            ..PlaybookSpec::default()
        };
        let (spec, files) = job(&ansible(), &call);
        let argv = spec.argv.join(" ");
        let want = "/venv/bin/ansible-playbook -i /x/inventory.json --forks=5 --limit=web-1,web-2 --tags=one,two \
                    --skip-tags=three --check -vvvv --ask-vault-pass -e @/x/job/extra-vars.json /x/books/site.yml";
        assert_eq!(argv, want);
        assert_eq!(spec.cwd, Path::new("/x/books"));
        let vars = files.iter().find(|f| f.path.ends_with("extra-vars.json")).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&vars.content).unwrap(), json!({"a": {"b": [1, "z"]}}));
        call.vault = true;
        let argv = job(&ansible(), &call).0.argv;
        assert!(argv.contains(&"--vault-password-file={secret:vault}".to_owned()));
        assert!(!argv.contains(&"--ask-vault-pass".to_owned()));
    }

    #[test]
    fn forks_follow_the_size_of_the_cluster() {
        let forks = |nodes, wish| {
            let mut call = call(Path::new("/x"));
            (call.nodes, call.spec.forks) = (nodes, wish);
            job(&ansible(), &call).0.argv[3].clone()
        };
        assert_eq!(
            [forks(1, None), forks(20, None), forks(900, None), forks(900, Some(90))],
            ["--forks=5", "--forks=20", "--forks=50", "--forks=90"]
        );
    }

    #[test]
    fn callbacks_of_the_user_stay() {
        let dir = tempfile::tempdir().unwrap();
        let call = call(dir.path());
        let books = dir.path().join("books");
        fs::create_dir(&books).unwrap();
        let (spec, _) = job(&ansible(), &call);
        assert!(env(&spec, "ANSIBLE_CALLBACK_PLUGINS").unwrap().contains(":/usr/share/ansible/plugins/callback"));
        fs::write(books.join("ansible.cfg"), "[defaults]\n# no\nCallback_Plugins = mine:/opt/theirs ; yes\n[ssh]\n").unwrap();
        let (spec, _) = job(&ansible(), &call);
        let want = format!("{}/job/callback:{}/mine:/opt/theirs", dir.path().display(), books.display());
        assert_eq!(env(&spec, "ANSIBLE_CALLBACK_PLUGINS"), Some(want.as_str()));
    }

    #[test]
    fn the_agent_and_colours_only_when_asked_for() {
        let mut call = call(Path::new("/x"));
        let (spec, _) = job(&ansible(), &call);
        assert!(spec.scrub_env);
        assert_eq!((env(&spec, "SSH_AUTH_SOCK"), env(&spec, "ANSIBLE_FORCE_COLOR")), (None, None));
        call.ssh_auth_sock = Some("/run/agent".into());
        call.color = true;
        let (spec, _) = job(&ansible(), &call);
        assert_eq!((env(&spec, "SSH_AUTH_SOCK"), env(&spec, "ANSIBLE_FORCE_COLOR")), (Some("/run/agent"), Some("1")));
    }

    #[test]
    fn control_sockets_fit_into_an_address() {
        assert_eq!(control_dir(Path::new("/short/cp")), Path::new("/short/cp"));
        let long = PathBuf::from("/x".repeat(80));
        let got = control_dir(&long);
        assert!(got.as_os_str().len() <= LONGEST_CONTROL_DIR && got.starts_with("/tmp"));
        assert_eq!(got, control_dir(&long), "the same for all playbooks of a run");
        assert_ne!(got, control_dir(&long.join("y")));
        make_private_dir(&got).unwrap();
        remove_control_dir(&long);
        assert!(!got.exists());
    }

    #[test]
    fn files_are_private_and_a_directory_of_others_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut call = call(dir.path());
        call.spec.vars.insert("word".into(), json!("x"));
        prepare(&ansible(), &call).unwrap();
        prepare(&ansible(), &call).unwrap();
        let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("job/extra-vars.json"), mode("job/callback"), mode("cp")), (0o600, 0o700, 0o700));
        fs::set_permissions(dir.path().join("cp"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(prepare(&ansible(), &call).unwrap_err().got.contains("others may enter"));
    }
}
