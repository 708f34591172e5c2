//! What flows between a client and a program, with bounded memory and without a way to lock up.
//!
//! The session of a connection is one task: while it waits for a program to read, it also sends nothing. A program
//! that does not read because nobody takes what it writes (`cat`) would then wait for ever. So the session waits
//! only as long as no output of its connection waits for it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, mpsc};

/// Input of a program waits here until it reads; beyond this the client has to wait as well.
const SOFT: usize = 1 << 20;
/// Input that waits although the client cannot be told to: more than this ends the channel.
const HARD: usize = 64 << 20;

/// One per connection: knows whether any output waits for the session.
#[derive(Default)]
pub struct Gate {
    waiting: AtomicUsize,
    changed: Notify,
}

/// The session's end of a program's input.
pub struct Sender {
    queue: mpsc::UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

/// The program's end of its input.
pub struct Receiver {
    queue: mpsc::UnboundedReceiver<Bytes>,
    current: Bytes,
    queued: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

/// A queue for the input of one program. Dropping the sender is the end of input.
pub fn input(gate: &Arc<Gate>) -> (Sender, Receiver) {
    let (tx, rx) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let sender = Sender { queue: tx, queued: queued.clone(), gate: gate.clone() };
    (sender, Receiver { queue: rx, current: Bytes::new(), queued, gate: gate.clone() })
}

impl Sender {
    /// Queues input and waits for room, as far as it may.
    ///
    /// # Errors
    /// Far too much is queued.
    pub async fn send(&self, data: &[u8]) -> io::Result<()> {
        self.queued.fetch_add(data.len(), SeqCst);
        if self.queue.send(Bytes::copy_from_slice(data)).is_err() {
            // Nobody reads any more; what comes is thrown away, as a closed pipe would.
            return Ok(());
        }
        loop {
            let queued = self.queued.load(SeqCst);
            if queued > HARD {
                return Err(io::Error::other("the program reads nothing and its input does not end"));
            }
            if queued <= SOFT || self.queue.is_closed() || self.gate.waiting.load(SeqCst) > 0 {
                return Ok(());
            }
            self.gate.changed.notified().await;
        }
    }
}

impl AsyncRead for Receiver {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.current.is_empty() {
            match ready!(self.queue.poll_recv(cx)) {
                Some(bytes) => self.current = bytes,
                None => return Poll::Ready(Ok(())),
            }
        }
        let n = buf.remaining().min(self.current.len());
        buf.put_slice(self.current.get(..n).unwrap_or_default());
        self.current.advance(n);
        self.queued.fetch_sub(n, SeqCst);
        self.gate.changed.notify_one();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.queue.close();
        self.gate.changed.notify_one();
    }
}

/// Output towards the client that tells the gate when it waits.
pub struct Output<W> {
    inner: W,
    gate: Arc<Gate>,
    waits: bool,
}

impl<W> Output<W> {
    pub fn new(inner: W, gate: &Arc<Gate>) -> Self {
        Self { inner, gate: gate.clone(), waits: false }
    }

    fn waits(&mut self, waits: bool) {
        if waits && !self.waits {
            self.gate.waiting.fetch_add(1, SeqCst);
            self.gate.changed.notify_one();
        } else if !waits && self.waits {
            self.gate.waiting.fetch_sub(1, SeqCst);
        }
        self.waits = waits;
    }
}

impl<W> Drop for Output<W> {
    fn drop(&mut self) {
        self.waits(false);
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Output<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.waits(result.is_pending());
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.waits(result.is_pending());
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_client_waits_for_a_program_that_does_not_read() {
        let gate = Arc::default();
        let (tx, mut rx) = input(&gate);
        tx.send(&vec![1; SOFT]).await.unwrap();
        assert!(timeout(MOMENT, tx.send(&[2])).await.is_err(), "it should wait");
        let mut buf = vec![0; SOFT];
        let reading = async { rx.read_exact(&mut buf).await.unwrap() };
        let (sent, _) = tokio::join!(tx.send(&[3]), reading);
        sent.unwrap();
        drop(tx);
        let mut rest = Vec::new();
        rx.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, [2, 3]);
    }

    #[tokio::test]
    async fn a_client_does_not_wait_while_output_waits_for_it() {
        let gate = Arc::default();
        let (tx, _rx) = input(&gate);
        let (near, _far) = tokio::io::duplex(1);
        let mut output = Output::new(near, &gate);
        assert!(timeout(MOMENT, output.write_all(b"more than fits")).await.is_err());
        timeout(MOMENT, tx.send(&vec![1; 2 * SOFT])).await.expect("the session must go on").unwrap();
        drop(output);
        assert!(timeout(MOMENT, tx.send(&[2])).await.is_err(), "nothing waits any more");
    }

    #[tokio::test]
    async fn endless_input_is_refused_and_a_gone_program_is_no_error() {
        let gate = Arc::default();
        let (tx, rx) = input(&gate);
        assert!(tx.send(&vec![1; HARD + 1]).await.is_err());
        drop(rx);
        let (tx, rx) = input(&gate);
        drop(rx);
        tx.send(&vec![1; 2 * SOFT]).await.unwrap();
    }
}
