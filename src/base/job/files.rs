//! The files of a job's directory and what they say.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::{FcntlArg, fcntl};
use serde::{Deserialize, Serialize};

use super::{Asked, JobExit, JobPrompt, JobState};
use crate::model::{Failure, Time};

pub(super) const JOB: &str = "job.json";
pub(super) const LOCK: &str = "lock";
pub(super) const OUTPUT: &str = "output";
pub(super) const TTY: &str = "tty";
pub(super) const PROMPTS: &str = "prompts.jsonl";
pub(super) const CONTROL: &str = "control.sock";
pub(super) const EXIT: &str = "exit.json";

/// What the lock file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lock {
    /// No holder ever began.
    Absent,
    /// A holder began and is gone.
    Free,
    Held(i32),
}

/// Looks at the lock without touching it: a look that locked for a moment could make a holder believe that
/// another one lives.
fn lock(dir: &Path) -> Lock {
    let Ok(file) = File::open(dir.join(LOCK)) else { return Lock::Absent };
    let mut wish = whole_file();
    match fcntl(&file, FcntlArg::F_GETLK(&mut wish)) {
        Ok(_) if i32::from(wish.l_type) == libc::F_UNLCK => Lock::Free,
        Ok(_) => Lock::Held(wish.l_pid),
        Err(_) => Lock::Free,
    }
}

fn whole_file() -> libc::flock {
    #[allow(clippy::cast_possible_truncation, reason = "the constants are 0 and 1; their type differs by platform")]
    libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 }
}

/// Takes the lock of the current directory, once for all time: the file appears already locked, so nobody ever
/// sees it free before its holder has ended. `None` when another holder was first.
///
/// # Errors
/// The file cannot be made.
pub(super) fn take_lock() -> io::Result<Option<File>> {
    let mine = format!("{LOCK}.{}", std::process::id());
    let file = create(&mine)?;
    let taken =
        fcntl(&file, FcntlArg::F_SETLK(&whole_file())).map_err(io::Error::from).and_then(|_| std::fs::hard_link(&mine, LOCK));
    std::fs::remove_file(&mine)?;
    match taken {
        Ok(()) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(e) => Err(e),
    }
}

/// A new, empty file that only we may read.
pub(super) fn create(path: impl AsRef<Path>) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// A file to append to that only we may read.
pub(super) fn append(path: impl AsRef<Path>) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Writes a file so that it is there whole or not at all, also after a power cut.
pub(super) fn write_whole(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let aside = dir.join(format!(".{name}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let result = create(&aside)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&aside, dir.join(name)))
        .and_then(|()| File::open(dir)?.sync_all());
    if result.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    result
}

pub(super) fn state(dir: &Path) -> JobState {
    if let Some(exit) = exit(dir) {
        return JobState::Ended(exit);
    }
    match lock(dir) {
        Lock::Absent => JobState::Never,
        Lock::Held(pid) => JobState::Running { pid },
        // It may have ended between the two looks.
        Lock::Free => exit(dir).map_or(JobState::Lost, JobState::Ended),
    }
}

fn exit(dir: &Path) -> Option<JobExit> {
    serde_json::from_slice(&std::fs::read(dir.join(EXIT)).ok()?).ok()
}

/// The failure of a job whose holder was killed.
pub(super) fn lost(dir: &Path) -> Failure {
    Failure::transient("run a job", "the process that held the job was killed, and the job with it").at(dir.display())
}

/// One line of `prompts.jsonl`: a question appears, or goes.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum PromptLine {
    Open { number: u64, text: String, secret: bool, at: Time },
    Answered { number: u64 },
    Withdrawn { number: u64 },
}

pub(super) fn prompts(dir: &Path) -> Vec<JobPrompt> {
    let mut text = String::new();
    if File::open(dir.join(PROMPTS)).and_then(|mut f| f.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    fold_prompts(&text)
}

fn fold_prompts(text: &str) -> Vec<JobPrompt> {
    let mut all: Vec<JobPrompt> = Vec::new();
    for line in text.lines() {
        let (number, state) = match serde_json::from_str(line) {
            Ok(PromptLine::Open { number, text, secret, at }) => {
                all.push(JobPrompt { number, text, secret, at, state: Asked::Open });
                continue;
            }
            Ok(PromptLine::Answered { number }) => (number, Asked::Answered),
            Ok(PromptLine::Withdrawn { number }) => (number, Asked::Withdrawn),
            Err(_) => continue,
        };
        if let Some(prompt) = all.iter_mut().rfind(|p| p.number == number) {
            prompt.state = state;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_a_lock_was_never_used() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(state(dir.path()), JobState::Never);
        create(dir.path().join(LOCK)).unwrap();
        assert_eq!(state(dir.path()), JobState::Lost);
        let exit = JobExit { code: Some(3), signal: None, at: Time(7), error: None };
        write_whole(dir.path(), EXIT, &serde_json::to_vec(&exit).unwrap()).unwrap();
        assert_eq!(state(dir.path()), JobState::Ended(exit));
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
    }

    #[test]
    fn prompts_are_marked_as_they_are_answered_and_torn_lines_are_skipped() {
        let text = concat!(
            r#"{"is":"open","number":1,"text":"name: ","secret":false,"at":5}"#,
            "\n",
            r#"{"is":"answered","number":1}"#,
            "\n",
            r#"{"is":"open","number":2,"text":"word: ","secret":true,"at":9}"#,
            "\n",
            r#"{"is":"withdr"#,
        );
        let prompts = fold_prompts(text);
        assert_eq!(
            prompts.iter().map(|p| (p.number, p.secret, p.state)).collect::<Vec<_>>(),
            [(1, false, Asked::Answered), (2, true, Asked::Open)]
        );
    }
}
