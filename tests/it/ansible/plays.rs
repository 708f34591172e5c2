//! What the callback plugin tells of plays.

use quarterdeck::base::job;
use quarterdeck::model::play::{Outcome, PlayBody, TaskState, Totals};
use quarterdeck::model::{PlayEvent, PlayState};

use super::Play;
use crate::support::{alive, text, until};

/// A bit of everything that can happen to a task.
const SITE: &str = r#"
- {name: nobody, hosts: nosuchgroup, tasks: [{ping: }]}
- name: everything
  hosts: a,b,away
  gather_facts: false
  vars: {word: hunter2, flag: true}
  handlers:
    - name: restarted
      command: "true"
  tasks:
    - name: reach it
      ping:
    - name: a loop
      command: "echo {{ item }}"
      loop: [one, two]
      changed_when: item == 'two'
      notify: restarted
    - meta: flush_handlers
    - name: the word {{ inventory_hostname }}
      debug: msg="says hello"
    - name: a variable
      debug: var=flag
    - name: skipped on b
      command: "true"
      when: inventory_hostname == 'a'
    - name: secret
      command: "echo {{ word }}"
      no_log: true
    - name: secret items
      command: "echo {{ item }}"
      loop: ["{{ word }}", "{{ word }}x"]
      no_log: "{{ flag }}"
    - name: secret failure
      command: "sh -c 'echo {{ word }} >&2; exit 3'"
      no_log: true
      ignore_errors: true
    - name: tried again
      command: "false"
      register: tries
      until: tries.rc == 0
      retries: 2
      delay: 0
      ignore_errors: true
    - name: in the background
      command: sleep 0.1
      async: 20
      poll: 1
    - name: elsewhere
      command: "true"
      delegate_to: c
    - name: strange bytes
      command: "printf 'caf\\351 \\033]52;c;ZXZpbA==\\007 \\033[2J end'"
      register: strange
    - name: show strange bytes
      debug: {msg: "{{ strange.stdout }}"}
    - name: included
      include_tasks: more.yml
    - name: guarded
      block:
        - name: fails
          fail: msg="on purpose"
      rescue:
        - name: rescued
          command: "true"
    - name: fails on b
      fail: msg="b is broken"
      when: inventory_hostname == 'b'
    - name: much to say
      shell: "yes much | head -c 300000"
      failed_when: true
"#;

fn task<'a>(state: &'a PlayState, name: &str) -> &'a TaskState {
    state.plays.iter().flat_map(|p| &p.tasks).find(|t| t.name == name).unwrap_or_else(|| panic!("no task {name}"))
}

fn outcome(state: &PlayState, name: &str, host: &str) -> Option<Outcome> {
    task(state, name).results.get(host).map(|r| r.outcome)
}

fn tail(text: &str) -> String {
    text.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect()
}

/// The counts of Ansible itself.
fn stats(events: &[PlayEvent]) -> Vec<(String, Totals)> {
    let one = |e: &PlayEvent| match &e.body {
        PlayBody::Stats { host, totals } => Some((host.clone(), *totals)),
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

#[test]
fn everything_that_happens_is_told() {
    let play = Play::new(SITE).on("all");
    let books = play.home.path().join("books");
    std::fs::write(books.join("more.yml"), "- name: from the file\n  command: \"true\"\n").unwrap();
    // Without this, ansible-core 2.19 refuses the result of a module that is not UTF-8.
    std::fs::write(books.join("ansible.cfg"), "[defaults]\nmodule_strict_utf8_response = False\n").unwrap();
    let exit = play.run();
    // Some hosts were unreachable, others failed.
    assert_eq!(exit.code, Some(4), "{}", tail(&play.output()));
    assert!(!text(play.call.job_dir.join("events.jsonl")).contains("\"trouble\""), "the plugin met nothing it cannot do");
    let state = play.state();
    each_outcome_is_told(&state);
    retries_and_counts_are_those_of_ansible(&play, &state);
    nothing_censored_is_anywhere(&play, &state);
    every_event_knows_its_lines(&play);
}

fn each_outcome_is_told(state: &PlayState) {
    assert_eq!((state.playbook.as_str(), state.ended), ("site.yml", true));
    let plays: Vec<_> = state.plays.iter().map(|p| (p.name.as_str(), p.hosts.len())).collect();
    assert_eq!(plays, [("nobody", 0), ("everything", 3)]);
    assert_eq!(state.failed_hosts(), ["a", "away", "b"]);
    assert_eq!(outcome(state, "reach it", "away"), Some(Outcome::Unreachable));
    assert!(task(state, "reach it").results["away"].msg.contains("Connection refused"));
    assert!(task(state, "reach it").path.ends_with("site.yml:11"), "{}", task(state, "reach it").path);
    assert_eq!(state.hosts["away"].failure.as_ref().unwrap().0, "reach it");

    assert_eq!(task(state, "a loop").items["a"], 2);
    assert_eq!(outcome(state, "a loop", "a"), Some(Outcome::Changed));
    assert!(task(state, "restarted").handler);
    assert_eq!(task(state, "the word a").results["b"].msg, "says hello", "a name is told as Ansible shows it");
    assert_eq!(task(state, "a variable").results["a"].msg, r#"{"flag": true}"#);
    assert_eq!(outcome(state, "skipped on b", "b"), Some(Outcome::Skipped));
    assert_eq!(outcome(state, "tried again", "a"), Some(Outcome::Ignored));
    assert_eq!(outcome(state, "in the background", "a"), Some(Outcome::Changed));
    assert!(task(state, "in the background").results["a"].took >= 100);
    assert_eq!(outcome(state, "elsewhere", "b"), Some(Outcome::Changed), "told of the host, not of where it ran");
    let strange = &task(state, "show strange bytes").results["a"].msg;
    assert!(strange.contains("caf") && strange.contains("]52;c;ZXZpbA=="), "{strange:?}");
    assert!(!quarterdeck::model::text::clean(strange).contains("ZXZpbA=="), "data until it is cleaned");
    assert_eq!(outcome(state, "from the file", "b"), Some(Outcome::Changed));
    assert_eq!(outcome(state, "fails", "a"), Some(Outcome::Ignored), "a rescue took over");
    assert_eq!(outcome(state, "rescued", "a"), Some(Outcome::Changed));
    assert_eq!(state.hosts["b"].failure, Some(("fails on b".into(), "b is broken".into())));
    let much = &task(state, "much to say").results["a"];
    assert!(much.detail.len() < 20_000 && much.detail.ends_with("(cut)"), "{}", much.detail.len());
    assert!(state.plays.iter().flat_map(|p| &p.tasks).all(|t| t.ended.is_some() && t.running.is_empty()));
}

fn retries_and_counts_are_those_of_ansible(play: &Play, state: &PlayState) {
    let events = play.events();
    let retry = |e: &PlayEvent| match &e.body {
        PlayBody::Retry { host, attempt, left, .. } if host == "a" => Some((*attempt, *left)),
        _ => None,
    };
    let told: Vec<(u32, u32)> = events.iter().filter_map(retry).collect();
    assert_eq!(told, [(1, 2), (2, 1)]);
    for (_, left) in told {
        assert!(play.output().contains(&format!("({left} retries left)")));
    }
    let stats = stats(&events);
    assert_eq!(stats.len(), 3);
    for (host, totals) in stats {
        assert_eq!(state.hosts[&host].totals, totals, "{host}\n{}", tail(&play.output()));
    }
}

fn nothing_censored_is_anywhere(play: &Play, state: &PlayState) {
    assert_eq!(play.files_with("hunter2"), std::slice::from_ref(&play.call.playbook));
    assert!(task(state, "secret").no_log);
    let failure = &task(state, "secret failure").results["a"];
    assert_eq!((failure.msg.as_str(), failure.detail.as_str()), ("censored: no_log", ""));
    let id = &task(state, "secret items").id;
    let label = |e: PlayEvent| match e.body {
        PlayBody::Item { task, host, label, .. } if task == *id && host == "a" => Some(label),
        _ => None,
    };
    let labels: Vec<String> = play.events().into_iter().filter_map(label).collect();
    assert_eq!(labels, ["censored: no_log", "censored: no_log"]);
}

fn every_event_knows_its_lines(play: &Play) {
    let output = std::fs::read(play.call.job_dir.join("output")).unwrap();
    let mut last = 0;
    for event in play.events() {
        let at = usize::try_from(event.offset).unwrap();
        assert!(at >= last && at <= output.len());
        let lines = String::from_utf8_lossy(&output[last..at]).into_owned();
        match &event.body {
            PlayBody::Task { name, handler, .. } => {
                let banner = format!("{} [{name}]", if *handler { "RUNNING HANDLER" } else { "TASK" });
                assert!(lines.contains(&banner), "{banner} in {lines:?}");
            }
            PlayBody::Item { host, .. } | PlayBody::Result { host, outcome: Outcome::Failed, .. } => {
                assert!(lines.contains(&format!("[{host}")), "{event:?}: {host} in {lines:?}");
            }
            _ => {}
        }
        last = at;
    }
    assert!(last > 0);
}

#[test]
fn hosts_at_their_own_pace_and_in_batches_are_told_apart() {
    let book = "
- {name: free, hosts: 'a,b,c', gather_facts: false, strategy: free, tasks: [
    {name: one, command: sleep 0.0}, {name: two, command: 'true'}, {include_tasks: more.yml}]}
- {name: batches, hosts: 'a,b,c', gather_facts: false, serial: 2, tasks: [{name: three, command: 'true'}]}
- {name: once, hosts: 'a,b,c', gather_facts: false, tasks: [{name: four, command: 'true', run_once: true}]}
";
    let play = Play::new(book).on("all");
    std::fs::write(play.home.path().join("books/more.yml"), "- name: from the file\n  command: \"true\"\n").unwrap();
    assert_eq!(play.run().code, Some(0), "{}", play.output());
    let state = play.state();
    let plays: Vec<_> = state.plays.iter().map(|p| (p.name.as_str(), p.hosts.len(), p.tasks.len())).collect();
    let included = state.plays[0].tasks.iter().filter(|t| t.name == "from the file").count();
    assert_eq!(plays, [("free", 3, 3 + included), ("batches", 2, 1), ("batches", 1, 1), ("once", 3, 1)]);
    assert_eq!(task(&state, "one").results.len(), 3);
    assert_eq!(state.plays[3].tasks[0].results.len(), 1);
    for (host, totals) in stats(&play.events()) {
        assert_eq!(state.hosts[&host].totals, totals, "{host}");
    }
    assert!(state.plays.iter().flat_map(|p| &p.tasks).all(|t| t.ended.is_some() && t.running.is_empty()));
}

#[test]
fn the_own_callbacks_and_settings_of_a_playbook_stay() {
    let play = Play::new("- {hosts: a, gather_facts: false, tasks: [{name: x, command: 'true'}]}\n");
    let books = play.home.path().join("books");
    std::fs::create_dir(books.join("mine")).unwrap();
    let callback = "from ansible.plugins.callback.default import CallbackModule as Base\n\
        DOCUMENTATION = '''\n    name: shout\n    type: stdout\n    short_description: x\n    extends_documentation_fragment: [default_callback, result_format_callback]\n'''\n\
        class CallbackModule(Base):\n    CALLBACK_TYPE = 'stdout'\n    CALLBACK_NAME = 'shout'\n    \
        def v2_playbook_on_start(self, playbook):\n        self._display.display('MY OWN CALLBACK')\n";
    std::fs::write(books.join("mine/shout.py"), callback).unwrap();
    std::fs::write(books.join("ansible.cfg"), "[defaults]\ncallback_plugins = ./mine\nstdout_callback = shout\n").unwrap();
    assert_eq!(play.run().code, Some(0), "{}", play.output());
    assert!(play.output().contains("MY OWN CALLBACK"), "{}", play.output());
    assert!(play.state().ended);
}

#[test]
fn extra_variables_tags_and_check_mode_reach_the_play() {
    let book = "
- hosts: a
  gather_facts: false
  tasks:
    - {name: said, debug: {msg: '{{ word }} {{ list | length }} {{ ansible_check_mode }}'}, tags: [yes_please]}
    - {name: other, command: 'true', tags: [no_thanks]}
";
    let mut play = Play::new(book);
    let spec = serde_json::json!({"path": "site.yml", "vars": {"word": "it's \"so\"", "list": [1, 2]},
        "tags": ["yes_please"], "check": true, "limit": "a", "verbosity": 1});
    play.call.spec = serde_json::from_value(spec).unwrap();
    assert_eq!(play.run().code, Some(0), "{}", play.output());
    let state = play.state();
    assert_eq!(task(&state, "said").results["a"].msg, "it's \"so\" 2 True");
    assert_eq!(state.plays[0].tasks.len(), 1);
}

#[test]
fn a_playbook_that_cannot_be_read_says_so_in_its_output() {
    let play = Play::new("- hosts: a\n  tasks: [{no_such_module_anywhere: x}]\n");
    let exit = play.run();
    assert!(exit.code.is_some_and(|code| code != 0));
    assert!(play.output().contains("no_such_module_anywhere"), "{}", play.output());
}

/// The processes that carry the mark of a job.
fn marked(dir: &std::path::Path) -> Vec<i32> {
    let mark = format!("{}={}", job::MARK, dir.display());
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| text(format!("/proc/{pid}/environ")).split('\0').any(|e| e == mark) && alive(*pid)).collect()
}

#[test]
fn an_interrupted_play_ends_and_leaves_nothing() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGKILL] {
        let play = Play::new("- {hosts: 'a,b', gather_facts: false, tasks: [{name: long, command: sleep 500}]}\n").on("all");
        play.start();
        until("both hosts at work", || (play.state().hosts.values().filter(|h| h.now.is_some()).count() == 2).then_some(()));
        // Main process, two workers, and below them a module with its command each.
        until("the commands", || (marked(&play.call.job_dir).len() >= 7).then_some(()));
        job::signal(&play.call.job_dir, signal).unwrap();
        let exit = play.end();
        assert!(!exit.ok(), "{signal}: {exit:?}");
        assert_eq!(marked(&play.call.job_dir), Vec::<i32>::new(), "{signal}");
        assert_eq!(play.state().ended, signal == libc::SIGINT, "{signal}");
    }
}

#[test]
fn a_killed_holder_ends_the_workers_too() {
    let play = Play::new("- {hosts: 'a,b', gather_facts: false, tasks: [{name: long, command: sleep 500}]}\n").on("all");
    play.start();
    until("the commands", || (marked(&play.call.job_dir).len() >= 7).then_some(()));
    let job::JobState::Running { pid } = job::state(&play.call.job_dir) else { panic!("it runs") };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    until("the end of the program", || (job::state(&play.call.job_dir) == job::JobState::Lost).then_some(()));
    job::end_leftovers(&play.call.job_dir);
    until("the end of all", || marked(&play.call.job_dir).is_empty().then_some(()));
}
