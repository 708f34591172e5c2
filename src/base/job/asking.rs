//! Noticing that a program asks something on its terminal.
//!
//! Nothing announces a question, so it is read off the scene. A program that switched echo or line mode off
//! waits for an answer. A program that left the terminal as it was asks when it is blocked reading it (which the
//! kernel tells), or when a line without end stands on the terminal for a while. The question itself may stand on
//! the terminal (as `getpass` writes it) or at the end of the output (as Python's `input` does).

use std::time::Duration;

use super::tree::Reader;

/// Nothing may have happened for this long before a program counts as waiting.
pub(super) const QUIET: Duration = Duration::from_millis(150);
/// The same when only a line without end speaks for it.
const LONG_QUIET: Duration = Duration::from_secs(2);
/// Lines of a question that are kept.
const LINES: usize = 5;

/// What can be seen of a program.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub echo: bool,
    /// The terminal hands over whole lines.
    pub line_mode: bool,
    pub reader: Reader,
    /// The end of what was written to the terminal since the last answer.
    pub tty: String,
    /// The end of the output.
    pub output: String,
    /// Since when nothing happened.
    pub quiet: Duration,
    /// The program has read all that was typed.
    pub drained: bool,
}

/// What the scene means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// A question was asked.
    Ask { text: String, secret: bool },
    /// The open question is gone without an answer.
    Withdraw,
}

/// The question that is open, if one is.
#[derive(Default)]
pub(super) struct Asking {
    open: Option<Open>,
    misses: u32,
}

struct Open {
    text: String,
    secret: bool,
}

impl Asking {
    /// Compares the scene with what was known. The caller writes the turn down, then calls [`Asking::take`].
    pub(super) fn judge(&mut self, scene: &Scene, not_questions: &[String]) -> Option<Turn> {
        let waits = scene.waits(not_questions);
        let Some(open) = &self.open else {
            let ask = waits && scene.drained;
            return ask.then(|| Turn::Ask { text: scene.question(), secret: !scene.echo });
        };
        if waits && open.secret != scene.echo && open.text == scene.question() {
            self.misses = 0;
            return None;
        }
        // Once may be a moment between two reads.
        self.misses += 1;
        (self.misses >= 2).then_some(Turn::Withdraw)
    }

    /// Makes a turn the known state.
    pub(super) fn take(&mut self, turn: &Turn) {
        self.misses = 0;
        self.open = match turn {
            Turn::Ask { text, secret } => Some(Open { text: text.clone(), secret: *secret }),
            Turn::Withdraw => None,
        };
    }

    /// Forgets the open question, which was answered.
    pub(super) fn answered(&mut self) {
        self.misses = 0;
        self.open = None;
    }

    /// Whether the open question wants a secret; `None` when none is open.
    pub(super) fn secret(&self) -> Option<bool> {
        self.open.as_ref().map(|o| o.secret)
    }
}

impl Scene {
    fn waits(&self, not_questions: &[String]) -> bool {
        let waits_for_time = |text: &str| {
            let last: Vec<&str> = text.trim_end().rsplit('\n').take(LINES).collect();
            not_questions.iter().any(|n| last.iter().any(|line| line.contains(n.as_str())))
        };
        if self.quiet < QUIET || waits_for_time(&self.output) || waits_for_time(&self.tty) {
            return false;
        }
        if !self.echo || !self.line_mode {
            return true;
        }
        let unfinished = !self.tty.rsplit('\n').next().unwrap_or_default().trim().is_empty();
        self.reader == Reader::Reads || unfinished && self.quiet >= LONG_QUIET
    }

    /// The text of the question: the last lines before an empty one, at most five.
    fn question(&self) -> String {
        let on_terminal = last_lines(&self.tty);
        if on_terminal.is_empty() { last_lines(&self.output) } else { on_terminal }
    }
}

fn last_lines(text: &str) -> String {
    let mut lines: Vec<&str> =
        text.trim_end().rsplit('\n').map(str::trim_end).take_while(|l| !l.is_empty()).take(LINES).collect();
    lines.reverse();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn still() -> Scene {
        Scene {
            echo: true,
            line_mode: true,
            reader: Reader::No,
            tty: String::new(),
            output: "PLAY [all] ****\n\nTASK [x]\nok: [a]\n".into(),
            quiet: Duration::from_millis(400),
            drained: true,
        }
    }

    fn asks(scene: &Scene) -> Option<(String, bool)> {
        match Asking::default().judge(scene, &["then 'C' = continue early".to_owned()]) {
            Some(Turn::Ask { text, secret }) => Some((text, secret)),
            _ => None,
        }
    }

    #[test]
    fn a_program_at_work_asks_nothing() {
        assert_eq!(asks(&still()), None);
        assert_eq!(asks(&Scene { reader: Reader::Perhaps, ..still() }), None);
        assert_eq!(asks(&Scene { echo: false, quiet: Duration::from_millis(20), ..still() }), None, "not quiet yet");
    }

    #[test]
    fn a_password_is_asked_for_on_the_terminal_without_echo() {
        let scene = Scene { echo: false, tty: "Vault password: ".into(), ..still() };
        assert_eq!(asks(&scene), Some(("Vault password:".into(), true)));
    }

    #[test]
    fn input_asks_at_the_end_of_the_output() {
        let scene = Scene { reader: Reader::Reads, output: "done\n\nWhich release? [1.0]: ".into(), ..still() };
        assert_eq!(asks(&scene), Some(("Which release? [1.0]:".into(), false)));
    }

    #[test]
    fn a_pause_asks_with_raw_keys_unless_it_waits_for_time() {
        let output = "[deploy]\nPress enter to continue, Ctrl+C to interrupt:\n".to_owned();
        let scene = Scene { line_mode: false, output: output.clone(), ..still() };
        assert_eq!(asks(&scene), Some((output.trim_end().into(), false)));
        let timed = "Pausing for 9 seconds (output is hidden)\n(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r\n";
        assert_eq!(asks(&Scene { line_mode: false, echo: false, output: timed.into(), ..still() }), None);
    }

    #[test]
    fn an_unfinished_line_alone_must_stand_for_a_while() {
        let scene = Scene { tty: "Sure (yes/no)? ".into(), ..still() };
        assert_eq!(asks(&scene), None);
        assert!(asks(&Scene { quiet: LONG_QUIET, ..scene }).is_some());
    }

    #[test]
    fn a_question_is_asked_once_and_goes_when_the_program_goes_on() {
        let mut asking = Asking::default();
        let scene = Scene { echo: false, tty: "Password: ".into(), ..still() };
        let turn = asking.judge(&scene, &[]).unwrap();
        asking.take(&turn);
        assert_eq!(asking.secret(), Some(true));
        assert_eq!(asking.judge(&scene, &[]), None);
        assert_eq!(asking.judge(&still(), &[]), None, "a moment may pass");
        assert_eq!(asking.judge(&still(), &[]), Some(Turn::Withdraw));
        asking.take(&Turn::Withdraw);
        assert_eq!(asking.secret(), None);
    }

    #[test]
    fn what_was_typed_must_be_read_before_the_next_question() {
        let scene = Scene { reader: Reader::Reads, drained: false, ..still() };
        assert_eq!(asks(&scene), None);
    }

    #[test]
    fn another_question_in_the_place_of_the_first_replaces_it() {
        let mut asking = Asking::default();
        let scene = Scene { reader: Reader::Reads, tty: "user: ".into(), ..still() };
        let turn = asking.judge(&scene, &[]).unwrap();
        asking.take(&turn);
        let secret = Scene { echo: false, ..scene };
        assert_eq!(asking.judge(&secret, &[]), None);
        assert_eq!(asking.judge(&secret, &[]), Some(Turn::Withdraw));
    }
}
