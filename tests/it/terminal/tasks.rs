//! What people come for, with keys alone: the one failed host of fifty, its rerun, two nodes side by side.

use super::open;
use crate::home::Home;

const SPEC: &str = "name: fleet\ngroups:\n  node: {count: 50, flavor: tiny, image: host}\n";

/// One host fails, the first time.
const PLAYBOOK: &str = r#"- hosts: all
  gather_facts: false
  tasks:
    - name: Look at the clock
      ansible.builtin.raw: date
      changed_when: false
    - name: Check the disk
      ansible.builtin.raw: test "$(hostname)" != node-37 || test -e /tmp/seen || { touch /tmp/seen; echo "the disk is full" >&2; exit 3; }
      changed_when: false
"#;

#[test]
fn the_failed_host_of_fifty_is_found_run_again_and_compared() {
    let home = Home::with_sandbox();
    let (spec, playbook) = (home.path().join("fleet.yml"), home.path().join("check.yml"));
    std::fs::write(&spec, SPEC).unwrap();
    std::fs::write(&playbook, PLAYBOOK).unwrap();
    home.run(["cluster", "create", "--yes", "-f", spec.to_str().unwrap()]).ok();
    let failed = home.run(["playbook", "run", "-c", "fleet", "--forks", "25", playbook.to_str().unwrap()]);
    assert_eq!(failed.code, Some(1), "{}\n{}", failed.out, failed.err);

    let mut terminal = open(&home, &[], 120, 40);
    terminal.wait_for("fleet");
    // Two keys: the pulse, and into what stands first on it.
    terminal.press("0");
    terminal.wait_for("NEEDS YOU");
    terminal.press("\r");
    terminal.wait_for("node-37 failed: Check the disk");
    terminal.wait_for("exit status 3: the disk is full");

    terminal.press("F");
    terminal.wait_for("run 3");
    terminal.wait_without("node-36");
    terminal.wait_for("✔ done");

    terminal.press("\x1b");
    terminal.wait_for("PULSE");
    terminal.press("4");
    terminal.wait_for("node-12");
    terminal.press("/node-37\r ");
    terminal.wait_for("1 marked");
    terminal.press("/\x15node-38\r ");
    terminal.wait_for("2 marked");
    terminal.press("|");
    terminal.wait_for("ONLY WHAT DIFFERS");
    terminal.wait_for("fields differ");
    terminal.press("qq");
    assert!(terminal.end().success());

    home.run(["run", "tail", "3"]).ok();
    let runs = home.run(["run", "list", "--json"]).ok().json();
    let again = runs.as_array().unwrap().iter().find(|run| run["number"] == 3).unwrap().clone();
    assert_eq!(again["state"], "done", "{again:#}");
}
