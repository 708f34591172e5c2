//! The loop: one owner of the model. It waits for keys, messages, answers and the next deadline, takes in what there
//! is, and draws only when something visible changed. With nothing to do there is no wake-up and no byte.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::client::{Client, Incoming, Options};
use crate::config::Motion;
use crate::model::{Failure, Time};

use super::input::{Decoder, Input};
use super::keeper::Keeper;
use super::msg::{Effect, Msg};
use super::painter::Painter;
use super::setup::AUTO;
use super::state::Model;
use super::terminal::beside::{Beside, GIVE_BACK, KEEP_TITLE};
use super::terminal::crash;
use super::terminal::guard::{self, Guard};
use super::terminal::mux::Mux;
use super::terminal::pacer::{Allowance, Pacer, QUESTION};
use super::terminal::sgr::erases_with_background;
use super::terminal::threads::{Reader, Writer};
use super::update::{settle, update};
use super::{Start, faults, reload, setup};

/// Messages that are taken in before the screen is looked at again.
const BUDGET: usize = 1024;
/// The first frame waits so long for real rows.
const FIRST_FRAME: Duration = Duration::from_millis(40);
/// After an escape byte, nothing for so long means the escape key.
const ESCAPE: Duration = Duration::from_millis(40);
/// Shortest time between two background frames with reduced motion, milliseconds.
const REDUCED: u64 = 1000;
/// Asks for the background's colour; terminals that do not know the question say nothing.
const ASK_BACKGROUND: &[u8] = b"\x1b]11;?\x07";
/// How long the last answer of the terminal is waited for before somebody else gets the terminal.
const LAST_ANSWER: Duration = Duration::from_millis(250);

/// Why the loop ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Somebody left.
    Quit,
    /// The terminal or its session is gone.
    Gone,
}

/// The console while it runs.
pub struct App {
    pub model: Model,
    pub client: Client,
    pub options: Options,
    pub guard: Guard,
    pub reader: Reader,
    pub input: mpsc::UnboundedReceiver<Vec<u8>>,
    pub results: mpsc::UnboundedSender<Msg>,
    /// What is to outlive the session.
    pub keeper: Keeper,
    decoder: Decoder,
    escape_at: Option<Instant>,
    writer: Writer,
    painter: Painter,
    pacer: Pacer,
    /// What is wanted and not carried out so far.
    effects: Vec<Effect>,
    /// Bytes that go out with the next frame: a copy to the clipboard.
    extra: Vec<u8>,
    mux: Mux,
    /// The title or the progress was changed.
    signalled: bool,
    started: Instant,
    end: Option<End>,
}

/// What the loop waits for.
struct Sources {
    written: mpsc::UnboundedReceiver<bool>,
    replies: mpsc::UnboundedReceiver<Msg>,
    incoming: mpsc::UnboundedReceiver<Incoming>,
    resized: Signal,
    stopped: Signal,
    continued: Signal,
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
}

/// One thing that happened.
enum Happened {
    Bytes(Vec<u8>),
    Written(bool),
    Msg(Msg),
    Resized,
    Suspend,
    Continued,
    End(End),
    Deadline,
}

/// Opens the console and stays until somebody leaves it. The exit code: 0, or 1 when the terminal went away.
///
/// # Errors
/// There is no terminal, or the settings cannot be read.
pub async fn run(client: Client, options: Options, start: Start, read_only: bool) -> Result<i32, Failure> {
    let mut model = setup::model(&options, guard::size(), start)?;
    model.read_only = read_only;
    let broken = |e: std::io::Error| Failure::broken("listen to signals", e);
    let on = |kind: SignalKind| signal(kind).map_err(broken);
    crash::watch(&options.paths.state);
    let guard = Guard::take()?;
    let (reader, input) = Reader::start()?;
    let (writer, written) = Writer::start()?;
    let (results, replies) = mpsc::unbounded_channel();
    reload::watch(options.paths.clone(), results.clone());
    let mut extra = Vec::new();
    let mut sources = Sources {
        written,
        replies,
        incoming: client.incoming(),
        resized: on(SignalKind::window_change())?,
        stopped: on(SignalKind::from_raw(libc::SIGTSTP))?,
        continued: on(SignalKind::from_raw(libc::SIGCONT))?,
        terminate: on(SignalKind::terminate())?,
        hangup: on(SignalKind::hangup())?,
        interrupt: on(SignalKind::interrupt())?,
    };
    if model.wanted_theme == AUTO {
        extra.extend_from_slice(ASK_BACKGROUND);
    }
    let term = model.me.term.clone();
    let bce = erases_with_background(&term, std::env::var_os("TMUX").is_some());
    let remote = std::env::var_os("SSH_CONNECTION").is_some_and(|line| !line.is_empty());
    let paths = options.paths.clone();
    let mut app = App {
        painter: Painter::new(model.area, bce),
        model,
        client,
        options,
        guard,
        reader,
        input,
        keeper: Keeper::new(paths, results.clone()),
        results,
        decoder: Decoder::default(),
        escape_at: None,
        writer,
        pacer: Pacer::new(remote),
        effects: Vec::new(),
        extra,
        mux: Mux::here(),
        signalled: false,
        started: Instant::now(),
        end: None,
    };
    let end = app.run(&mut sources).await;
    Ok(app.leave(end).await)
}

impl App {
    async fn run(&mut self, sources: &mut Sources) -> End {
        self.model.now = now();
        loop {
            self.settle();
            for effect in std::mem::take(&mut self.effects) {
                self.carry_out(effect, &mut sources.resized).await;
            }
            if let Some(end) = self.end {
                return end;
            }
            self.show();
            let deadline = self.deadline();
            let happened = wait(sources, &mut self.input, deadline).await;
            self.take(happened).await;
            for _ in 0..BUDGET {
                match ready(sources, &mut self.input) {
                    Some(happened) => self.take(happened).await,
                    None => break,
                }
            }
        }
    }

    /// Takes in one thing.
    async fn take(&mut self, happened: Happened) {
        match happened {
            Happened::Bytes(bytes) if bytes.is_empty() => self.end = Some(End::Gone),
            Happened::Bytes(bytes) => {
                let inputs = self.decoder.push(&bytes);
                self.inputs(inputs);
            }
            Happened::Written(true) => self.writer.done(),
            Happened::Written(false) => self.end = Some(End::Gone),
            Happened::Msg(msg) => {
                self.painter.touch();
                self.tell_time();
                update(&mut self.model, msg);
            }
            Happened::Resized => self.resize(),
            Happened::Suspend => self.suspend().await,
            Happened::Continued => self.come_back(),
            Happened::End(end) => self.end = Some(end),
            Happened::Deadline => {
                if self.escape_at.is_some_and(|at| Instant::now() >= at) {
                    let inputs = self.decoder.flush();
                    self.inputs(inputs);
                }
                self.painter.touch();
                self.tell_time();
            }
        }
    }

    fn tell_time(&mut self) {
        update(&mut self.model, Msg::Time(now()));
    }

    fn inputs(&mut self, inputs: Vec<Input>) {
        self.escape_at = self.decoder.waits().then(|| Instant::now() + ESCAPE);
        for input in inputs {
            match input {
                Input::Answer => self.pacer.answered(self.clock()),
                Input::Focus(_) => {}
                input => {
                    faults::on_key();
                    self.painter.remember(&mut self.model);
                    self.tell_time();
                    update(&mut self.model, Msg::Input(input));
                    // The next key may be about rows that this one brought.
                    self.settle();
                }
            }
        }
    }

    fn settle(&mut self) {
        self.effects.extend(settle(&mut self.model));
        guard::want_mouse(self.model.pointer.on);
    }

    /// Milliseconds since the start.
    fn clock(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    // --- drawing ---

    /// Writes what is to be written now.
    fn show(&mut self) {
        if self.writer.busy() || self.holds_first_frame() {
            return;
        }
        if self.painter.urgent() {
            let frame = self.painter.at_once(&self.model);
            self.send(frame);
        } else if self.painter.pending() {
            self.show_background();
        }
        if !self.extra.is_empty() && !self.writer.busy() {
            self.send(Vec::new());
        }
    }

    /// The first frame has real rows, unless they take too long.
    fn holds_first_frame(&self) -> bool {
        !self.model.ready && self.painter.whole() && self.started.elapsed() < FIRST_FRAME
    }

    /// What came in meanwhile: as much as the line can take.
    fn show_background(&mut self) {
        let now = self.clock();
        let Allowance::Bytes(limit) = self.pacer.allowance(now) else { return };
        let (mut frame, done) = self.painter.chunk(&self.model, limit);
        if !frame.is_empty() {
            let least = if self.model.motion == Motion::Reduced { REDUCED } else { 0 };
            self.pacer.wrote(now, frame.len(), done, least);
            frame.extend_from_slice(QUESTION);
            self.send(frame);
        }
    }

    fn send(&mut self, mut frame: Vec<u8>) {
        frame.append(&mut self.extra);
        if !frame.is_empty() {
            self.writer.write(frame);
        }
    }

    /// When the loop must look again although nothing came.
    fn deadline(&mut self) -> Option<Instant> {
        let mut next = self.escape_at;
        let mut at = |t: Instant| next = Some(next.map_or(t, |n| n.min(t)));
        if let Some(time) = self.model.next_change() {
            at(Instant::now() + Duration::from_millis(time.since(now())));
        }
        if self.painter.pending()
            && !self.writer.busy()
            && let Allowance::At(ms) = self.pacer.allowance(self.clock())
        {
            at(self.started + Duration::from_millis(ms));
        }
        if self.holds_first_frame() {
            at(self.started + FIRST_FRAME);
        }
        next
    }

    fn resize(&mut self) {
        let area = guard::size();
        update(&mut self.model, Msg::Resize(area));
        self.redraw();
    }

    /// The whole screen is drawn again.
    pub fn redraw(&mut self) {
        self.painter.forget(self.model.area);
    }

    /// Puts bytes behind the next frame.
    pub fn push_extra(&mut self, bytes: &[u8]) {
        self.extra.extend_from_slice(bytes);
    }

    /// Tells the terminal something beside the screen.
    pub fn beside(&mut self, what: &Beside) {
        if matches!(what, Beside::Title(_) | Beside::Progress(_)) && !std::mem::replace(&mut self.signalled, true) {
            guard::give_back_later(GIVE_BACK);
            self.push_extra(KEEP_TITLE);
        }
        self.extra.extend(what.bytes(self.mux));
    }

    /// Ends the loop.
    pub fn quit(&mut self) {
        self.end = Some(End::Quit);
    }

    // --- giving the terminal away ---

    /// Waits for the terminal's last answer, so that it does not land in somebody else's input.
    pub async fn last_answer(&mut self) {
        let until = tokio::time::Instant::now() + LAST_ANSWER;
        while self.pacer.waits() {
            match tokio::time::timeout_at(until, self.input.recv()).await {
                Ok(Some(bytes)) if !bytes.is_empty() => {
                    for input in self.decoder.push(&bytes) {
                        if input == Input::Answer {
                            self.pacer.answered(self.clock());
                        }
                    }
                }
                _ => break,
            }
        }
        self.pacer.forget();
    }

    /// Back to the shell that started the console, until it continues us.
    pub async fn suspend(&mut self) {
        self.last_answer().await;
        self.guard.leave();
        // Stops here; SIGCONT goes on behind it.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        self.come_back();
    }

    /// The terminal is ours again.
    pub fn come_back(&mut self) {
        if self.guard.enter().is_err() {
            self.end = Some(End::Gone);
        }
        self.resize();
    }

    /// Gives the terminal back for good and says what goes on.
    async fn leave(mut self, end: End) -> i32 {
        if end == End::Gone {
            return 1;
        }
        self.last_answer().await;
        let lines = good_bye(&self.model);
        let Self { guard, reader, writer, keeper, .. } = self;
        keeper.end().await;
        drop(writer);
        // What is typed once the terminal is given back is for the shell.
        reader.pause();
        drop(guard);
        for line in lines {
            println!("{line}");
        }
        0
    }
}

/// What is said when somebody leaves while runs are under way.
fn good_bye(model: &Model) -> Vec<String> {
    let runs: Vec<_> = model.under_way().collect();
    let Some(first) = runs.first() else { return Vec::new() };
    let mut lines: Vec<String> =
        runs.iter().take(5).map(|r| format!("run {} goes on: {}", r.number, crate::model::text::clean(&r.title))).collect();
    if runs.len() > 5 {
        lines.push(format!("and {} more", runs.len() - 5));
    }
    lines.push(format!("Come back with `quarterdeck`, or follow it with `quarterdeck run tail {}`.", first.number));
    lines
}

/// The time of day.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

async fn wait(sources: &mut Sources, input: &mut mpsc::UnboundedReceiver<Vec<u8>>, deadline: Option<Instant>) -> Happened {
    let asleep = async {
        match deadline {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        bytes = input.recv() => Happened::Bytes(bytes.unwrap_or_default()),
        written = sources.written.recv() => Happened::Written(written.unwrap_or(false)),
        Some(()) = sources.resized.recv() => Happened::Resized,
        Some(()) = sources.stopped.recv() => Happened::Suspend,
        Some(()) = sources.continued.recv() => Happened::Continued,
        Some(()) = sources.terminate.recv() => Happened::End(End::Quit),
        Some(()) = sources.interrupt.recv() => Happened::End(End::Quit),
        Some(()) = sources.hangup.recv() => Happened::End(End::Gone),
        Some(msg) = sources.replies.recv() => Happened::Msg(msg),
        Some(incoming) = sources.incoming.recv() => Happened::Msg(Msg::Incoming(Box::new(incoming))),
        () = asleep => Happened::Deadline,
    }
}

/// What has come in already, keys first.
fn ready(sources: &mut Sources, input: &mut mpsc::UnboundedReceiver<Vec<u8>>) -> Option<Happened> {
    if let Ok(bytes) = input.try_recv() {
        return Some(Happened::Bytes(bytes));
    }
    if let Ok(written) = sources.written.try_recv() {
        return Some(Happened::Written(written));
    }
    if let Ok(msg) = sources.replies.try_recv() {
        return Some(Happened::Msg(msg));
    }
    sources.incoming.try_recv().ok().map(|incoming| Happened::Msg(Msg::Incoming(Box::new(incoming))))
}

impl App {
    /// Does what the model wants done.
    async fn carry_out(&mut self, effect: Effect, resized: &mut Signal) {
        super::effects::carry_out(self, effect, resized).await;
    }
}
