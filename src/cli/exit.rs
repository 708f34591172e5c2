//! How a command ends, as a number for scripts and a message for people.

use crate::model::{Class, Failure, RunState};
use crate::protocol::Refusal;
use crate::protocol::command::RefusalCode;

/// The exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// It was done.
    Done,
    /// It was tried and failed.
    Failed,
    /// The command or what it was given is wrong, or what was named is not there.
    Usage,
    /// Not allowed, not confirmed, or something is in the way.
    Refused,
    /// Ctrl-C; as shells count it.
    Interrupted,
    /// Whoever read the output has gone; as shells count it.
    Pipe,
    /// The code of what was run: a remote command, the console, the engine.
    Passed(u8),
}

impl Code {
    /// The number.
    pub fn number(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Interrupted => 130,
            Self::Pipe => 141,
            Self::Passed(code) => i32::from(code),
        }
    }

    /// The code of what knows only its number.
    pub fn passed(number: i32) -> Self {
        match u8::try_from(number) {
            Ok(0) => Self::Done,
            Ok(code) => Self::Passed(code),
            Err(_) => Self::Failed,
        }
    }

    /// How a run's end counts.
    pub fn of_run(state: RunState) -> Self {
        if state == RunState::Done { Self::Done } else { Self::Failed }
    }
}

/// Why a command stops before its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// With a message.
    With(Code, Box<Failure>),
    /// Everything has been said.
    Quiet(Code),
}

/// What every command returns.
pub type Ended = Result<Code, Stop>;

impl Stop {
    /// The command line or a file that it names is wrong.
    pub fn usage(failure: Failure) -> Self {
        Self::With(Code::Usage, Box::new(failure))
    }

    /// Not without a yes.
    pub fn refused(failure: Failure) -> Self {
        Self::With(Code::Refused, Box::new(failure))
    }

    /// The exit code.
    pub fn code(&self) -> Code {
        match self {
            Self::With(code, _) | Self::Quiet(code) => *code,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        let code = match failure.class {
            Class::Refused | Class::Quota => Code::Refused,
            Class::NotFound => Code::Usage,
            _ => Code::Failed,
        };
        Self::With(code, Box::new(failure))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code {
            RefusalCode::Bad | RefusalCode::NotFound => Code::Usage,
            RefusalCode::Refused | RefusalCode::Stale => Code::Refused,
            RefusalCode::Failed => Code::Failed,
        };
        Self::With(code, Box::new(refusal.failure))
    }
}

impl From<std::io::Error> for Stop {
    /// Errors of writing to stdout; other errors are made failures where they happen.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::Quiet(Code::Pipe);
        }
        Self::With(Code::Failed, Box::new(Failure::broken("write to the terminal", error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: RefusalCode) -> i32 {
        Stop::from(Refusal { code, failure: Failure::refused("try", "no") }).code().number()
    }

    #[test]
    fn refusals_become_exit_codes() {
        assert_eq!(code(RefusalCode::Bad), 2);
        assert_eq!(code(RefusalCode::NotFound), 2);
        assert_eq!(code(RefusalCode::Refused), 3);
        assert_eq!(code(RefusalCode::Stale), 3);
        assert_eq!(code(RefusalCode::Failed), 1);
    }

    #[test]
    fn a_reader_that_went_away_is_no_message() {
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Stop::from(gone), Stop::Quiet(Code::Pipe));
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(Stop::from(full).code(), Code::Failed);
    }

    #[test]
    fn only_a_run_that_is_done_is_a_success() {
        assert_eq!(Code::of_run(RunState::Done), Code::Done);
        for bad in [RunState::Failed, RunState::Cancelled, RunState::Undone] {
            assert_eq!(Code::of_run(bad), Code::Failed);
        }
    }
}
