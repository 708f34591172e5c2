//! The job holder: the real binary runs real programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use quarterdeck::base::Cx;
use quarterdeck::base::job::{self, Asked, JobExit, JobPrompt, JobSecret, JobSpec, JobState};
use quarterdeck::model::{Class, Failure};
use secrecy::SecretString;

use crate::support::{PROGRAM, alive, text, until};

/// A job that runs a shell script in a directory of its own.
struct Shell {
    home: tempfile::TempDir,
    dir: PathBuf,
}

impl Shell {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        // Longer than a socket address: 108 bytes.
        let dir = home.path().join("a-directory-with-a-long-name".repeat(4)).join("1-1");
        Self { home, dir }
    }

    fn spec(&self, script: &str) -> JobSpec {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        JobSpec { argv, cwd: self.home.path().to_owned(), scrub_env: true, ..JobSpec::default() }
    }

    fn start(&self, script: &str) {
        job::start(Path::new(PROGRAM), &self.dir, &self.spec(script), Vec::new()).unwrap();
    }

    fn run(&self, script: &str) -> JobExit {
        self.start(script);
        self.end()
    }

    fn end(&self) -> JobExit {
        wait(&self.dir).unwrap()
    }

    fn output(&self) -> String {
        text(self.dir.join("output"))
    }

    fn prompt(&self) -> JobPrompt {
        until("a question", || job::prompts(&self.dir).into_iter().find(|p| p.state == Asked::Open))
    }

    fn holder(&self) -> i32 {
        match job::state(&self.dir) {
            JobState::Running { pid } => pid,
            other => panic!("the job does not run: {other:?}"),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = job::signal(&self.dir, libc::SIGKILL);
    }
}

fn wait(dir: &Path) -> Result<JobExit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(job::wait(dir, &Cx::quiet().within(Duration::from_secs(30))))
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn output_exit_code_and_terminal_are_kept() {
    let shell = Shell::new();
    assert_eq!(job::state(&shell.dir), JobState::Never);
    let exit = shell.run("echo out; echo err >&2; echo on the terminal >/dev/tty; tty; printf 'no end \\377'; exit 3");
    assert_eq!((exit.code, exit.signal, exit.error), (Some(3), None, None));
    let output = shell.output();
    assert!(output.starts_with("out\nerr\n/dev/pts/"), "{output}");
    assert!(fs::read(shell.dir.join("output")).unwrap().ends_with(b"no end \xff"), "bytes are kept as they came");
    assert_eq!(text(shell.dir.join("tty")), "on the terminal\r\n");
    assert!(matches!(job::state(&shell.dir), JobState::Ended(_)));
    assert!(matches!(wait(&shell.dir), Ok(e) if e.code == Some(3)), "waiting again tells the same");
}

#[test]
fn what_is_not_a_program_ends_with_the_reason() {
    let shell = Shell::new();
    let spec = JobSpec { argv: vec!["/no/such/program".to_owned()], ..shell.spec("") };
    job::start(Path::new(PROGRAM), &shell.dir, &spec, Vec::new()).unwrap();
    let JobState::Ended(exit) = job::state(&shell.dir) else { panic!("start returns when it is known") };
    assert_eq!((exit.code, exit.signal), (None, None));
    assert!(exit.error.unwrap().contains("/no/such/program"));

    let other = Shell::new();
    let spec = JobSpec { cwd: "/no/such/place".into(), ..other.spec("true") };
    job::start(Path::new(PROGRAM), &other.dir, &spec, Vec::new()).unwrap();
    let JobState::Ended(exit) = job::state(&other.dir) else { panic!() };
    assert!(exit.error.unwrap().contains("/no/such/place is not a directory"));
}

#[test]
fn a_holder_that_cannot_be_started_is_a_failure() {
    let shell = Shell::new();
    let failure = job::start(Path::new("/no/such/quarterdeck"), &shell.dir, &shell.spec("true"), Vec::new()).unwrap_err();
    assert_eq!(failure.class, Class::Broken);
    assert_eq!(job::state(&shell.dir), JobState::Never, "it may be tried again");
    assert_eq!(shell.run("exit 0").code, Some(0));
}

#[test]
fn a_job_is_started_once_however_often_it_is_asked_for() {
    let shell = Shell::new();
    let script = "echo begun; while [ ! -e go ]; do sleep 0.02; done";
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| shell.start(script));
        }
    });
    shell.start(script);
    fs::write(shell.home.path().join("go"), "").unwrap();
    assert_eq!(shell.end().code, Some(0));
    shell.start(script);
    assert_eq!(shell.output(), "begun\n");
}

#[test]
fn a_job_survives_whoever_started_it() {
    let shell = Shell::new();
    fs::create_dir_all(&shell.dir).unwrap();
    // A process of its own starts the job, the way an engine does, and is killed with its whole session.
    let spec = shell.spec("trap 'echo hup' HUP; echo begun; while [ ! -e go ]; do sleep 0.02; done; echo survived");
    fs::write(shell.dir.join("job.json"), serde_json::to_vec(&spec).unwrap()).unwrap();
    let starter = format!("exec 9>report; {PROGRAM} __job {} --report=9; exec 9>&-; sleep 1000", shell.dir.display());
    let mut starter =
        Command::new("setsid").args(["sh", "-c", &starter]).current_dir(shell.home.path()).stdin(Stdio::null()).spawn().unwrap();
    until("the job's begin", || (shell.output() == "begun\n").then_some(()));
    let group = Pid::from_raw(i32::try_from(starter.id()).unwrap());
    nix::sys::signal::killpg(group, Signal::SIGHUP).unwrap();
    nix::sys::signal::killpg(group, Signal::SIGKILL).unwrap();
    starter.wait().unwrap();
    assert!(matches!(job::state(&shell.dir), JobState::Running { .. }));
    fs::write(shell.home.path().join("go"), "").unwrap();
    assert_eq!(shell.end().code, Some(0));
    assert_eq!(shell.output(), "begun\nsurvived\n");
}

#[test]
fn a_killed_holder_takes_the_program_with_it_and_the_job_is_lost() {
    let shell = Shell::new();
    // The second one leaves the session and could live on.
    shell.start("echo $$; setsid sh -c 'echo $$; exec sleep 1000' & wait");
    let pids: Vec<i32> = until("both processes", || {
        let pids: Vec<i32> = shell.output().lines().filter_map(|l| l.parse().ok()).collect();
        (pids.len() == 2).then_some(pids)
    });
    kill(Pid::from_raw(shell.holder()), Signal::SIGKILL).unwrap();
    let failure = wait(&shell.dir).unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert_eq!(job::state(&shell.dir), JobState::Lost);
    until("their end", || pids.iter().all(|pid| !alive(*pid)).then_some(()));
    let again = job::start(Path::new(PROGRAM), &shell.dir, &shell.spec("echo again"), Vec::new());
    assert_eq!(again.unwrap_err().class, Class::Transient, "what may have acted is not repeated by itself");
    assert_eq!(job::signal(&shell.dir, 15).unwrap_err().class, Class::NotFound);
}

#[test]
fn a_signal_reaches_the_session_and_nothing_lives_on() {
    let shell = Shell::new();
    shell.start("setsid sh -c 'echo $$; exec sleep 1000' & sh -c 'echo $$; exec sleep 1000' & trap 'exit 7' TERM; wait; wait");
    let pids: Vec<i32> = until("both processes", || {
        let pids: Vec<i32> = shell.output().lines().filter_map(|l| l.parse().ok()).collect();
        (pids.len() == 2).then_some(pids)
    });
    job::signal(&shell.dir, libc::SIGTERM).unwrap();
    assert_eq!(shell.end().code, Some(7));
    assert!(pids.iter().all(|pid| !alive(*pid)));
}

#[test]
fn a_kill_is_reported_as_the_signal() {
    let shell = Shell::new();
    shell.start("trap '' TERM INT HUP; while :; do sleep 0.02; done");
    for signal in [libc::SIGTERM, libc::SIGKILL] {
        job::signal(&shell.dir, signal).unwrap();
    }
    let exit = shell.end();
    assert_eq!((exit.code, exit.signal), (None, Some(libc::SIGKILL)));
}

#[test]
fn what_stays_in_the_session_ends_before_the_end_is_told() {
    let shell = Shell::new();
    let began = Instant::now();
    // It ignores the hang-up and writes for a while after its parent has ended.
    let exit = shell.run("trap '' HUP TERM; (i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.02; done) & exit 0");
    assert_eq!(exit.code, Some(0));
    let output = shell.output();
    assert!(output.ends_with("line 19\n"), "{output}");

    let other = Shell::new();
    other.run("trap '' HUP TERM; (while :; do echo more; sleep 0.02; done) & exit 0");
    let size = other.output().len();
    assert!(began.elapsed() < Duration::from_secs(20));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(other.output().len(), size, "nothing is written after the end");
}

#[test]
fn a_daemon_of_a_job_that_ends_by_itself_lives_on() {
    let shell = Shell::new();
    shell
        .run("setsid sh -c 'echo $$ >pid; exec sleep 1000' </dev/null >/dev/null 2>&1 & while [ ! -s pid ]; do sleep 0.02; done");
    let pid: i32 = text(shell.home.path().join("pid")).trim().parse().unwrap();
    assert!(alive(pid));
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
fn waiting_can_stop_without_stopping_the_job() {
    let shell = Shell::new();
    shell.start("while [ ! -e go ]; do sleep 0.02; done");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cx = Cx::quiet();
    let failure = runtime.block_on(async {
        let canceller = cx.cancel.clone();
        let (failed, ()) = tokio::join!(job::wait(&shell.dir, &cx), async move { canceller.cancel() });
        failed.unwrap_err()
    });
    assert_eq!(failure.class, Class::Cancelled);
    fs::write(shell.home.path().join("go"), "").unwrap();
    assert_eq!(shell.end().code, Some(0));
    assert_eq!(wait(&shell.home.path().join("elsewhere")).unwrap_err().class, Class::NotFound);
}

#[test]
fn the_end_is_heard_at_once() {
    let shell = Shell::new();
    shell.start("while [ ! -e go ]; do sleep 0.01; done; date +%s%N >ended");
    let waiter = {
        let dir = shell.dir.clone();
        std::thread::spawn(move || {
            wait(&dir).unwrap();
            std::time::SystemTime::now()
        })
    };
    fs::write(shell.home.path().join("go"), "").unwrap();
    let heard = waiter.join().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ended: u128 = text(shell.home.path().join("ended")).trim().parse().unwrap();
    let late = heard.as_nanos().saturating_sub(ended) / 1_000_000;
    assert!(late < 500, "{late} ms");
}

#[test]
fn questions_are_noticed_and_answered() {
    let shell = Shell::new();
    // As Python's `input` with a file as standard output, then as `getpass`, then a silent read.
    shell.start(
        "printf 'Which release? '; read release; \
         stty -echo; printf 'Password: ' >/dev/tty; read word; stty echo; \
         read silent; \
         echo; echo $release ${#word} $silent",
    );
    let first = shell.prompt();
    assert_eq!((first.number, first.text.as_str(), first.secret), (1, "Which release?", false));
    assert_eq!(job::answer(&shell.dir, 9, &secret("x")).unwrap_err().class, Class::Refused);
    assert_eq!(job::answer(&shell.dir, 1, &secret("two\nlines")).unwrap_err().class, Class::Refused);
    assert_eq!(job::answer(&shell.dir, 1, &secret(&"x".repeat(5000))).unwrap_err().class, Class::Refused);
    job::answer(&shell.dir, 1, &secret("1.2")).unwrap();
    let second = shell.prompt();
    assert_eq!((second.number, second.text.as_str(), second.secret), (2, "Password:", true));
    job::answer(&shell.dir, 2, &secret("hunter2-äöü")).unwrap();
    let third = shell.prompt();
    assert_eq!((third.number, third.secret), (3, false));
    job::answer(&shell.dir, 3, &secret("")).unwrap();
    assert_eq!(shell.end().code, Some(0));
    assert_eq!(shell.output(), "Which release? \n1.2 14\n");
    assert!(job::prompts(&shell.dir).iter().all(|p| p.state == Asked::Answered));
    for file in fs::read_dir(&shell.dir).unwrap() {
        let path = file.unwrap().path();
        assert!(!text(&path).contains("hunter2"), "{} holds the secret", path.display());
    }
}

#[test]
fn a_question_that_nobody_answers_in_time_is_withdrawn() {
    let shell = Shell::new();
    shell.start("stty -echo; printf 'Password: ' >/dev/tty; while [ ! -e go ]; do sleep 0.02; done; stty echo; while [ ! -e end ]; do sleep 0.02; done");
    let prompt = shell.prompt();
    fs::write(shell.home.path().join("go"), "").unwrap();
    until("its withdrawal", || (job::prompts(&shell.dir)[0].state == Asked::Withdrawn).then_some(()));
    assert_eq!(job::answer(&shell.dir, prompt.number, &secret("late")).unwrap_err().class, Class::Refused);
    fs::write(shell.home.path().join("end"), "").unwrap();
    shell.end();
    assert!(!text(shell.dir.join("tty")).contains("late"));
}

#[test]
fn secrets_are_read_from_a_path_and_stand_nowhere_else() {
    let shell = Shell::new();
    let mut spec =
        shell.spec("cat $0; cat $0 >/dev/null && echo; ls -lL $0 | cut -c1-10; while [ ! -e go ]; do sleep 0.02; done");
    spec.argv.push("{secret:vault}".to_owned());
    let secrets = vec![JobSecret { name: "vault".into(), value: secret("open-sesame") }];
    job::start(Path::new(PROGRAM), &shell.dir, &spec, secrets).unwrap();
    until("the secret", || (shell.output().lines().count() == 2).then_some(()));
    assert_eq!(shell.output(), "open-sesame\n-r--------\n");
    let holder = shell.holder();
    for file in ["cmdline", "environ"] {
        assert!(!text(format!("/proc/{holder}/{file}")).contains("sesame"), "{file}");
    }
    let open = fs::read_dir(format!("/proc/{holder}/fd")).unwrap().flatten();
    let names: Vec<_> = open.filter_map(|e| fs::read_link(e.path()).ok()).collect();
    assert!(names.iter().all(|n| !n.to_string_lossy().contains("memfd")), "the holder forgot it: {names:?}");
    assert!(!text(shell.dir.join("job.json")).contains("sesame"));
    fs::write(shell.home.path().join("go"), "").unwrap();
    shell.end();

    let other = Shell::new();
    let mut spec = other.spec("true");
    spec.argv.push("{secret:missing}".to_owned());
    job::start(Path::new(PROGRAM), &other.dir, &spec, Vec::new()).unwrap();
    let JobState::Ended(exit) = job::state(&other.dir) else { panic!() };
    assert!(exit.error.unwrap().contains("missing"));
}

#[test]
fn the_environment_is_scrubbed_and_signals_are_as_a_shell_gives_them() {
    let shell = Shell::new();
    let mut spec = shell.spec("env | sort; grep Sig /proc/self/status");
    spec.env = vec![("GREETING".into(), "hello".into())];
    // The test runner itself sets CARGO_* variables.
    assert!(std::env::vars().any(|(n, _)| n.starts_with("CARGO")));
    job::start(Path::new(PROGRAM), &shell.dir, &spec, Vec::new()).unwrap();
    shell.end();
    let output = shell.output();
    assert!(output.contains("GREETING=hello\n") && output.contains("\nPATH="), "{output}");
    assert!(!output.contains("CARGO"), "{output}");
    // 32 and 33 belong to the C library, which lets nobody set them.
    let set = |name: &str| {
        let line = output.lines().find(|l| l.starts_with(name)).unwrap();
        u64::from_str_radix(line.split_ascii_whitespace().nth(1).unwrap(), 16).unwrap() & !(3 << 31)
    };
    assert_eq!((set("SigIgn"), set("SigBlk")), (0, 0), "{output}");
}

#[test]
fn the_holder_is_small_and_keeps_no_foreign_file_open() {
    let shell = Shell::new();
    shell.start("while [ ! -e go ]; do sleep 0.02; done");
    let holder = shell.holder();
    let links: Vec<_> = fs::read_dir(format!("/proc/{holder}/fd")).unwrap().flatten().collect();
    for entry in links {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let target = target.to_string_lossy().into_owned();
        let known = ["/dev/null", "/dev/ptmx", "/dev/pts/", "socket:", "anon_inode:[signalfd]"];
        assert!(target.contains("1-1/") || known.iter().any(|k| target.starts_with(k)), "{target}");
    }
    let status = text(format!("/proc/{holder}/status"));
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // Memory of its own; pages of the program file are shared and smaller in a release build.
    assert!(field("RssAnon") < 5 * 1024, "{status}");
    assert_eq!(field("Threads"), 1);
    fs::write(shell.home.path().join("go"), "").unwrap();
    shell.end();
    until("its end", || (!alive(holder)).then_some(()));
}
