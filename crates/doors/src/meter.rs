//! The pulse of a connection: a few counters that cost the hot path nothing, and a sweep that reads them.
//!
//! Time-outs by a timer for each request would cost an allocation and two turns of the timer wheel a request. Here a
//! worker looks at its connections once in a while instead: what answered nothing since the last looks is either idle
//! (and may stand for long) or in the middle of something (and may not).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one connection did. Written by the one thread that serves it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Bytes read from the peer.
    bytes_read: AtomicU64,
    /// The same when the newest answer was made.
    bytes_answered: AtomicU64,
    answers: AtomicU64,
    in_flight: AtomicU64,
    closed: AtomicBool,
    order: AtomicU8,
    waker: AtomicWaker,
}

/// What the worker wants of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    Serve,
    /// The next answer is the last, and says so: the peer then sends nothing more that would get none. Until it asks, the
    /// connection stays open.
    Last,
    /// Answer what has begun, take nothing new.
    Finish,
    /// Hang up.
    Abort,
}

/// A connection as the sweep of its worker sees it.
#[derive(Debug)]
pub(crate) struct Watched {
    meter: Arc<Meter>,
    answers: u64,
    quiet_sweeps: u64,
}

/// For how many sweeps without an answer a connection may live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// With something begun: a request that does not come to its end.
    pub(crate) busy_sweeps: u64,
    /// With nothing begun.
    pub(crate) idle_sweeps: u64,
}

/// A stream that counts what is read, and gives back what was read too early.
pub(crate) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
    /// Read and counted before, and to be read again.
    unread: Vec<u8>,
}

// === impl Meter ===

impl Meter {
    /// A request has begun to be served.
    pub(crate) fn begin(&self) {
        bump(&self.in_flight, 1);
    }

    /// Its answer is made.
    pub(crate) fn end(&self) {
        self.answered(0);
    }

    /// Its answer is made; `left` bytes of those that were read belong to the next request.
    pub(crate) fn answered(&self, left: u64) {
        self.in_flight.store(self.in_flight.load(Relaxed).saturating_sub(1), Relaxed);
        self.bytes_answered.store(self.bytes_read.load(Relaxed).saturating_sub(left), Relaxed);
        bump(&self.answers, 1);
    }

    /// An answer is still being given, message by message: the connection is not quiet.
    pub(crate) fn pulse(&self) {
        bump(&self.answers, 1);
    }

    /// The connection is gone.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// What the worker wants, and who is to be woken when it wants something else.
    pub(crate) fn order(&self, waker: &Waker) -> Order {
        self.waker.register(waker);
        match self.order.load(Relaxed) {
            0 => Order::Serve,
            1 => Order::Last,
            2 => Order::Finish,
            _ => Order::Abort,
        }
    }

    /// Whether the answer that is being made is the connection's last.
    pub(crate) fn is_last(&self) -> bool {
        self.order.load(Relaxed) >= Order::Last as u8
    }

    /// Returns when the worker wants the connection to end.
    pub(crate) async fn has_to_finish(&self) {
        std::future::poll_fn(|cx| match self.order(cx.waker()) {
            Order::Serve | Order::Last => Poll::Pending,
            Order::Finish | Order::Abort => Poll::Ready(()),
        })
        .await;
    }

    /// Whether the worker wants nothing.
    pub(crate) fn is_served(&self) -> bool {
        self.order.load(Relaxed) == Order::Serve as u8
    }

    fn command(&self, order: Order) {
        self.order.fetch_max(order as u8, Relaxed);
        self.waker.wake();
    }

    /// Whether nothing has begun. A connection that has not asked anything yet is not idle: it owes a request.
    fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0
            && self.answers.load(Relaxed) > 0
            && self.bytes_read.load(Relaxed) == self.bytes_answered.load(Relaxed)
    }
}

/// Adds without a locked instruction: each counter has one writer.
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

// === impl Watched ===

impl Watched {
    pub(crate) fn new(meter: Arc<Meter>) -> Self {
        Self { meter, answers: 0, quiet_sweeps: 0 }
    }

    /// Looks at the connection once; `false` once it is gone.
    pub(crate) fn sweep(&mut self, patience: Patience) -> bool {
        if self.is_closed() {
            return false;
        }
        let answers = self.meter.answers.load(Relaxed);
        if answers != self.answers {
            self.answers = answers;
            self.quiet_sweeps = 0;
            return true;
        }
        self.quiet_sweeps += 1;
        let limit = if self.meter.is_idle() { patience.idle_sweeps } else { patience.busy_sweeps };
        if self.quiet_sweeps > limit {
            // An idle connection says good-bye (HTTP/2), one in the middle of something has had its time.
            let order = if self.quiet_sweeps == limit + 1 { Order::Finish } else { Order::Abort };
            self.meter.command(order);
        }
        true
    }

    /// Tells the connection what the worker wants.
    pub(crate) fn command(&self, order: Order) {
        self.meter.command(order);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.meter.closed.load(Relaxed)
    }
}

// === impl Patience ===

impl Patience {
    /// Patience in sweeps of `period`, rounded up.
    pub(crate) fn new(period: Duration, busy: Duration, idle: Duration) -> Self {
        let sweeps =
            |time: Duration| u64::try_from(time.as_nanos().div_ceil(period.as_nanos().max(1))).unwrap_or(u64::MAX);
        Self { busy_sweeps: sweeps(busy), idle_sweeps: sweeps(idle) }
    }
}

// === impl Metered ===

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter, unread: Vec::new() }
    }

    /// Gives back what was read: it is read again before anything else.
    pub(crate) fn unread(&mut self, bytes: Vec<u8>) {
        self.unread = bytes;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let count = self.unread.len().min(buf.remaining());
            buf.put_slice(&self.unread[..count]);
            self.unread.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        bump(&self.meter.bytes_read, (buf.filled().len() - before) as u64);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { busy_sweeps: 2, idle_sweeps: 5 };

    fn sweeps_until(watched: &mut Watched, order: Order) -> u32 {
        (1..20).find(|_| watched.sweep(PATIENCE) && watched.meter.order(Waker::noop()) == order).unwrap_or(u32::MAX)
    }

    #[test]
    fn a_connection_that_never_asks_is_hung_up_early() {
        let mut watched = Watched::new(Arc::default());
        assert_eq!(sweeps_until(&mut watched, Order::Finish), 3);
        assert_eq!(sweeps_until(&mut watched, Order::Abort), 1);
    }

    #[test]
    fn an_idle_connection_may_stand_longer_and_half_a_request_may_not() {
        let mut watched = Watched::new(Arc::default());
        bump(&watched.meter.bytes_read, 100);
        watched.meter.begin();
        watched.meter.end();
        assert_eq!(sweeps_until(&mut watched, Order::Finish), 7, "one sweep saw the answer, five were idle");

        let mut watched = Watched::new(Arc::default());
        watched.meter.begin();
        watched.meter.end();
        bump(&watched.meter.bytes_read, 1);
        assert_eq!(sweeps_until(&mut watched, Order::Finish), 4);
    }

    #[test]
    fn a_closed_connection_leaves_the_list_and_orders_never_soften() {
        let mut watched = Watched::new(Arc::default());
        watched.command(Order::Abort);
        watched.command(Order::Finish);
        assert_eq!(watched.meter.order(Waker::noop()), Order::Abort);
        watched.meter.close();
        assert!(!watched.sweep(PATIENCE) && watched.is_closed());
    }
}
