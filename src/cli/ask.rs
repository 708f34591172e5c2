//! Questions to the person at the terminal. A wait for an answer can be given up at any moment.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use clap::Args;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

use crate::model::text::clean;
use crate::model::{Failure, Level, Ruling};

use super::exit::Stop;
use super::out::remark;

/// Longest answer, bytes.
const MAX_ANSWER: usize = 4096;

/// The terminal of this process, opened anew so that what happens to it does not touch stdin.
pub struct Asker {
    fd: AsyncFd<File>,
}

impl Asker {
    /// The terminal, when there is a person at it: stdin and stderr are terminals.
    pub fn open() -> Option<Self> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let tty =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open("/dev/tty").ok()?;
        // SAFETY: the file owns its descriptor, and nobody replaces or closes it while `AsyncFd` owns the file.
        let fd = unsafe { AsyncFd::register(tty) }.ok()?;
        Some(Self { fd })
    }

    /// Asks for a line; `None` when the person ended the input (Ctrl-D).
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub async fn line(&self, question: &str) -> io::Result<Option<String>> {
        self.say(question)?;
        Ok(self.read().await?.map(|text| text.to_string()))
    }

    /// The same for a secret: what is typed is not shown.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub async fn secret(&self, question: &str) -> io::Result<Option<SecretString>> {
        let hidden = Hidden::set(self.fd.get_ref())?;
        self.say(question)?;
        let text = self.read().await;
        drop(hidden);
        self.say("\n")?;
        Ok(text?.map(|text| SecretString::from(text.as_str())))
    }

    /// Yes or no; anything but yes is no.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub async fn yes(&self, question: &str) -> io::Result<bool> {
        let answer = self.line(&format!("{} [y/N] ", clean(question))).await?.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn say(&self, text: &str) -> io::Result<()> {
        self.fd.get_ref().write_all(text.as_bytes())
    }

    /// A line without its line feed; the terminal hands out whole lines.
    async fn read(&self) -> io::Result<Option<Zeroizing<String>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        let mut chunk = Zeroizing::new([0u8; 256]);
        loop {
            let count = self.fd.async_io(tokio::io::Interest::READABLE, |mut tty| tty.read(&mut chunk[..])).await?;
            bytes.extend_from_slice(&chunk[..count]);
            if count == 0 || bytes.contains(&b'\n') || bytes.len() > MAX_ANSWER {
                break;
            }
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))?;
        Ok(Some(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned())))
    }
}

/// Keeps the terminal from showing what is typed, until dropped.
struct Hidden<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn set(tty: &'a File) -> io::Result<Self> {
        let before = tcgetattr(tty.as_fd())?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(tty.as_fd(), SetArg::TCSAFLUSH, &hidden)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.tty.as_fd(), SetArg::TCSAFLUSH, &self.before);
    }
}

/// How sure a person is beforehand.
#[derive(Args, Debug, Clone, Default)]
pub struct Sure {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// The name that would have to be typed, where a guard wants that
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

impl Sure {
    /// Lets a change go on: `--yes` said so, or the person at the terminal does.
    ///
    /// # Errors
    /// Refused: the answer was no, or there is nobody to ask.
    pub async fn confirm(&self, tried: &str, question: &str) -> Result<(), Stop> {
        self.obey(&Ruling::default(), Level::Yes, tried, question, "").await
    }

    /// The same as far as the guards want it; `otherwise` is what holds where none speaks of it, `name` what is to be
    /// typed.
    ///
    /// # Errors
    /// Refused: a guard is against it, the answer was no, or there is nobody to ask.
    pub async fn obey(&self, ruling: &Ruling, otherwise: Level, tried: &str, question: &str, name: &str) -> Result<(), Stop> {
        let refused = |got: &str, next: String| Err(Stop::refused(Failure::refused(tried, got).next(next)));
        match ruling.level_or(otherwise) {
            Level::None => Ok(()),
            Level::Yes if self.yes || self.confirm.is_some() => Ok(()),
            Level::Yes => match Asker::open() {
                Some(asker) if asker.yes(question).await? => Ok(()),
                Some(_) => refused("not confirmed: nothing was changed", String::new()),
                None => refused("this asks for a yes, and there is no terminal to ask at", "repeat it with --yes".to_owned()),
            },
            Level::Name => {
                let typed = match (&self.confirm, Asker::open()) {
                    (Some(typed), _) => typed.clone(),
                    (None, Some(asker)) => {
                        remark(&format!("A guard wants the name: {}", ruling.why));
                        asker.line(&format!("{} Type {} to go on: ", clean(question), clean(name))).await?.unwrap_or_default()
                    }
                    (None, None) => {
                        let next = format!("repeat it with --confirm {name}");
                        return refused(&format!("the name must be typed: {}", ruling.why), next);
                    }
                };
                if typed.trim() == name {
                    return Ok(());
                }
                refused(&format!("that is not {name}: nothing was changed"), String::new())
            }
            Level::Deny => refused(&format!("a guard is in the way: {}", ruling.why), String::new()),
        }
    }
}
