//! Where a command's words go: lines, tables and JSON on stdout, remarks on stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::model::text::clean;

use super::table::Table;

/// What a word means, for its colour. The word itself always says it too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    Good,
    Bad,
    Busy,
    Dim,
    Strong,
}

impl Tone {
    fn sequence(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
            Self::Busy => "\x1b[33m",
            Self::Dim => "\x1b[2m",
            Self::Strong => "\x1b[1m",
        }
    }
}

/// Stdout, and what is known of it.
pub struct Out {
    writer: Box<dyn Write + Send>,
    /// Stdout is a terminal.
    pub terminal: bool,
    /// The console can be shown: a person's terminal that can place its cursor.
    pub console: bool,
    /// Colours are wanted.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: Option<usize>,
}

impl Out {
    /// The process's stdout. `NO_COLOR` (not empty) and `TERM=dumb` turn colours off.
    pub fn stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        Self {
            writer: Box::new(io::BufWriter::new(io::stdout())),
            terminal,
            console: terminal && io::stdin().is_terminal() && !dumb,
            colour: terminal && set("NO_COLOR").is_none() && !dumb,
            width: terminal.then(|| crossterm::terminal::size().map_or(80, |(cols, _)| usize::from(cols.max(20)))),
        }
    }

    /// One line; control sequences from outside are taken out.
    ///
    /// # Errors
    /// Writing failed; a reader that has gone ends the command quietly.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        let text = clean(text);
        writeln!(self.writer, "{text}")
    }

    /// Several lines, each as [`Out::line`].
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn lines(&mut self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// A line that begins with a word in a tone.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn toned(&mut self, tone: Tone, word: &str, rest: &str) -> io::Result<()> {
        let (word, rest) = (self.paint(tone, &clean(word)), clean(rest).into_owned());
        writeln!(self.writer, "{word}{rest}")
    }

    /// `text` in a tone, when colours are wanted.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour { format!("{}{text}\x1b[0m", tone.sequence()) } else { text.to_owned() }
    }

    /// Text that is ours and is written as it is: a script, a page, a schema.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn raw(&mut self, text: &[u8]) -> io::Result<()> {
        self.writer.write_all(text)
    }

    /// A value as JSON. Control characters in it are escaped by JSON itself.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn json<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        self.raw(&text)
    }

    /// A table; `none` is said when it has no rows.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn table(&mut self, table: &Table, none: &str) -> io::Result<()> {
        if table.is_empty() {
            return self.line(none);
        }
        for (number, line) in table.render(self.width).iter().enumerate() {
            if number == 0 {
                self.toned(Tone::Dim, line, "")?;
            } else {
                self.line(line)?;
            }
        }
        Ok(())
    }

    /// Names with their values, aligned; values that are empty are left out.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn facts(&mut self, facts: &[(&str, String)]) -> io::Result<()> {
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let pad = width + 2 - name.len();
            self.toned(Tone::Dim, name, &format!("{:pad$}{value}", ""))?;
        }
        Ok(())
    }

    /// Hands what was written to the reader.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A remark on stderr: not part of what was asked for.
pub fn remark(text: &str) {
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{}", clean(line));
    }
}

#[cfg(test)]
pub mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written, for tests.
    #[derive(Clone, Default)]
    pub struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub fn out(&self) -> Out {
            Out { writer: Box::new(self.clone()), terminal: false, console: false, colour: false, width: None }
        }

        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        let written = Written::default();
        let mut out = written.out();
        out.line("a\x1b]52;c;ZXZpbA==\x07b").unwrap();
        out.lines("x\x1b[2Jy\nz").unwrap();
        out.toned(Tone::Bad, "bad\x1b[31m", " \x1b]0;title\x07rest").unwrap();
        assert_eq!(written.text(), "ab\nxy\nz\nbad rest\n");
    }

    #[test]
    fn colour_is_only_added_where_it_is_wanted() {
        let mut out = Written::default().out();
        assert_eq!(out.paint(Tone::Good, "done"), "done");
        out.colour = true;
        assert_eq!(out.paint(Tone::Good, "done"), "\x1b[32mdone\x1b[0m");
    }

    #[test]
    fn json_ends_with_a_line_feed() {
        let written = Written::default();
        written.out().json(&serde_json::json!([])).unwrap();
        assert_eq!(written.text(), "[]\n");
    }
}
