//! The two threads that touch the terminal: one reads, one writes, so that the loop never blocks on either.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as blocking;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use tokio::sync::mpsc;

use crate::model::Failure;

use super::guard;

/// Reads the terminal's bytes; can be paused while another program has the terminal.
#[derive(Debug)]
pub struct Reader {
    wake: OwnedFd,
    paused: Arc<AtomicBool>,
    ack: blocking::Receiver<()>,
    thread: std::thread::Thread,
}

impl Reader {
    /// Starts reading; an empty message is the end of the input.
    ///
    /// # Errors
    /// No pipe or no thread is to be had.
    pub fn start() -> Result<(Self, mpsc::UnboundedReceiver<Vec<u8>>), Failure> {
        let (waiting, wake) =
            nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(|e| Failure::broken("open a pipe for the reader", e))?;
        let (send, receive) = mpsc::unbounded_channel();
        let (say, ack) = blocking::channel();
        let paused = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&paused);
        let handle = std::thread::Builder::new()
            .name("console-reader".into())
            .spawn(move || read_loop(&waiting, &theirs, &say, &send))
            .map_err(|e| Failure::broken("start the reader", e))?;
        Ok((Self { wake, paused, ack, thread: handle.thread().clone() }, receive))
    }

    /// Stops reading until [`Reader::resume`]; when it returns, no byte is taken any more.
    pub fn pause(&self) {
        self.paused.store(true, Ordering::SeqCst);
        let _ = nix::unistd::write(&self.wake, b"p");
        let _ = self.ack.recv();
    }

    /// Reads on.
    pub fn resume(&self) {
        self.paused.store(false, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn read_loop(wake: &OwnedFd, paused: &AtomicBool, ack: &blocking::Sender<()>, send: &mpsc::UnboundedSender<Vec<u8>>) {
    let stdin = io::stdin();
    let mut bytes = [0u8; 4096];
    loop {
        let mut ready = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN), PollFd::new(wake.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut ready, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => break,
            Ok(_) => {}
        }
        let [input, woken] = ready.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if !woken.is_empty() {
            if !matches!(nix::unistd::read(wake.as_fd(), &mut bytes), Ok(1..)) {
                break;
            }
            let _ = ack.send(());
            while paused.load(Ordering::SeqCst) {
                std::thread::park();
            }
            continue;
        }
        if input.is_empty() {
            continue;
        }
        match nix::unistd::read(stdin.as_fd(), &mut bytes) {
            Ok(0) => break,
            Ok(n) => {
                if send.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => {}
            Err(_) => break,
        }
    }
    let _ = send.send(Vec::new());
}

/// Writes frames; has room for one, so that the loop knows whether the last one went out.
#[derive(Debug)]
pub struct Writer {
    frames: Option<blocking::Sender<Vec<u8>>>,
    busy: bool,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; each message says that a frame went out (`false`: the terminal is gone).
    ///
    /// # Errors
    /// No thread is to be had.
    pub fn start() -> Result<(Self, mpsc::UnboundedReceiver<bool>), Failure> {
        let (frames, todo) = blocking::channel::<Vec<u8>>();
        let (done, written) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("console-writer".into())
            .spawn(move || {
                while let Ok(frame) = todo.recv() {
                    if done.send(guard::write_frame(&frame).is_ok()).is_err() {
                        break;
                    }
                }
            })
            .map_err(|e| Failure::broken("start the writer", e))?;
        Ok((Self { frames: Some(frames), busy: false, thread: Some(thread) }, written))
    }

    /// Whether a frame is still on its way into the terminal.
    pub fn busy(&self) -> bool {
        self.busy
    }

    /// Hands over a frame; only when not [`Writer::busy`].
    pub fn write(&mut self, frame: Vec<u8>) {
        if let Some(frames) = &self.frames {
            self.busy = frames.send(frame).is_ok();
        }
    }

    /// The frame went out.
    pub fn done(&mut self) {
        self.busy = false;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.frames = None;
        // A terminal that takes no byte must not keep the program from ending.
        if let Some(thread) = self.thread.take()
            && !self.busy
        {
            let _ = thread.join();
        }
    }
}

/// Whether both standard streams still belong to a terminal of ours.
pub fn in_foreground() -> bool {
    let stdin = io::stdin();
    nix::unistd::tcgetpgrp(stdin.as_fd()).is_ok_and(|group| group == nix::unistd::getpgrp()) && stdin.as_raw_fd() == 0
}
