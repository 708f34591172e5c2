//! Real Ansible on sandbox servers: its modules, and every way in which it moves files.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use quarterdeck::base::Cx;
use quarterdeck::clouds::Cloud;
use quarterdeck::model::{Capability, capability::names};

use super::good;
use crate::cloud_contract::active;
use crate::cloud_contract::sandbox::SandboxFixture;

/// Names the `ansible-playbook` for tests that run as a user who cannot reach ours.
pub const PLAYBOOK: &str = "QUARTERDECK_TEST_PLAYBOOK";

const BOOK: &str = r#"
- hosts: all
  gather_facts: true
  tasks:
    - name: facts are the server's own
      assert:
        that:
          - ansible_facts.hostname == inventory_hostname
          - ansible_facts.user_id == "root"
          - ansible_facts.python.executable == "/usr/bin/python3"
          - ansible_facts.memtotal_mb > 0
          - ansible_facts.mounts is defined
    - copy: { content: "copied {{ round }}\n", dest: /etc/copied.conf, mode: "0640", backup: true }
    - copy: { src: big.bin, dest: "/srv/big-{{ round }}.bin" }
      tags: files
    - template: { src: site.j2, dest: /opt/site.conf, owner: root, group: root }
    - lineinfile: { path: /etc/hosts, line: "127.8.8.8 peer" }
    - blockinfile: { path: /root/.profile, block: "export ROUND={{ round }}" }
    - file: { path: /data/deep/er, state: directory, mode: "0750" }
    - command: cat /etc/copied.conf
      register: seen
    - assert: { that: "seen.stdout == 'copied ' ~ round" }
    - shell: "echo $0 | tr a-z A-Z; grep -x 'host {{ inventory_hostname }} round {{ round }}' /opt/site.conf"
    - script: hello.sh
      register: hello
    - assert: { that: "'hello from ' ~ inventory_hostname in hello.stdout" }
    - stat: { path: "/srv/big-{{ round }}.bin", checksum_algorithm: sha1 }
      register: big
      tags: files
    - assert: { that: "big.stat.checksum == checksum" }
      tags: files
    - fetch: { src: "/srv/big-{{ round }}.bin", dest: fetched/, flat: true }
      tags: files
    - user: { name: deploy, shell: /bin/sh, uid: 1500 }
      when: many_users
    - copy: { content: "mine", dest: /home/deploy/mine, owner: deploy, group: deploy }
      when: many_users
    - raw: id -un
"#;

fn playbook() -> PathBuf {
    if let Some(path) = std::env::var_os(PLAYBOOK) {
        return path.into();
    }
    let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ansible");
    let settings = quarterdeck::ansible::Settings { data_dir, python: None, use_path: false };
    let install = async move { quarterdeck::ansible::install(&settings, &Cx::quiet()).await };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(install);
    std::thread::spawn(runtime).join().unwrap().unwrap().playbook
}

#[tokio::test]
async fn modules_work_however_files_are_moved() {
    let Some(fixture) = SandboxFixture::new() else { return };
    let server = active(&fixture, "play-1").await;
    let ansible = playbook();
    let many = fixture.sandbox().capabilities().0.get(names::USERS) == Some(&Capability::Yes);
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("templates")).unwrap();
    std::fs::write(at("site.yml"), BOOK).unwrap();
    std::fs::write(at("templates/site.j2"), "host {{ ansible_facts.hostname }} round {{ round }}\n").unwrap();
    std::fs::write(at("hello.sh"), "#!/bin/sh\necho hello from $(hostname)\n").unwrap();
    let big: Vec<u8> = (0..2_u32 << 20).map(|n| (n % 251) as u8).collect();
    std::fs::write(at("big.bin"), &big).unwrap();
    let sum = std::process::Command::new("sha1sum").arg(at("big.bin")).output().unwrap();
    let sum = String::from_utf8_lossy(&sum.stdout).split_whitespace().next().unwrap().to_owned();
    let args = fixture.ssh_options().iter().skip(2).map(|a| format!("{a} ")).collect::<String>();
    let inventory = format!(
        "play-1 ansible_host={} ansible_port={} ansible_user=root ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='-F /dev/null {args}'\n",
        server.address().unwrap(),
        server.ssh_port
    );
    std::fs::write(at("hosts"), inventory).unwrap();
    for (round, (tags, settings)) in [
        ("all", &[("ANSIBLE_PIPELINING", "true")][..]),
        ("all", &[("ANSIBLE_PIPELINING", "false"), ("ANSIBLE_SSH_TRANSFER_METHOD", "sftp")]),
        ("files", &[("ANSIBLE_PIPELINING", "false"), ("ANSIBLE_SSH_TRANSFER_METHOD", "scp")]),
        ("files", &[("ANSIBLE_PIPELINING", "false"), ("ANSIBLE_SSH_TRANSFER_METHOD", "piped")]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = tokio::process::Command::new(&ansible);
        command.current_dir(dir.path()).arg("-i").arg(at("hosts")).args(["site.yml", "--tags", tags]);
        command.args(["-e", &format!("round={round} checksum={sum}"), "-e", &format!("{{\"many_users\": {many}}}")]);
        command.envs(settings.iter().copied()).env("ANSIBLE_LOCAL_TEMP", at("tmp")).env("ANSIBLE_HOME", at("home"));
        command.env("ANSIBLE_SSH_CONTROL_PATH_DIR", at("cp")).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        let text = good(&command.output().await.unwrap());
        assert!(text.contains("failed=0") && text.contains("unreachable=0"), "{settings:?}\n{text}");
        assert!(std::fs::read(at(&format!("fetched/big-{round}.bin"))).unwrap() == big, "{settings:?}");
    }
}
