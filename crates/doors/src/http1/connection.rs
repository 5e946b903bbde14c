//! A connection that sends plain requests: read, answered in their order, what was read at once answered in one write.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use claviger_engine::Settled;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::date::Date;
use super::head::{self, Head, Reading, may_end};
use crate::answer::Answer;
use crate::lines::Lines;
use crate::meter::{Meter, Metered, Order};
use crate::problem::Problem;
use crate::request_id::Id;
use crate::rest::{self, Admitted};
use crate::service::{self, Connection};
use crate::shares::Share;
use crate::turn::Turn;

/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;
/// Connections whose answers' memory a worker keeps, and the most that it keeps of one.
const SPARES_MAX: usize = 256;
const SPARE_BYTES_MAX: usize = 4 * 1024;

thread_local! {
    /// A worker serves one connection after the other, so they share what one needs only while it is served. It stays in
    /// the processor's cache, and a connection that waits holds no buffer.
    static DESK: RefCell<Desk> = RefCell::new(Desk::new());
}

/// What a worker needs to serve a connection.
struct Desk {
    input: Vec<u8>,
    output: Output,
}

/// Answers on their way out.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    /// Memory of answers that were sent.
    spares: Vec<Vec<u8>>,
    answer: Answer,
    date: Date,
}

/// How a connection ended here.
pub(crate) enum Left {
    /// It is closed, or to be dropped.
    Closed,
    /// Hyper is to read these bytes and go on.
    Hyper {
        /// What was read and not answered.
        unread: Vec<u8>,
        /// Whether nothing was answered yet, so that another protocol may begin.
        is_first: bool,
    },
}

struct Plain<'s, S> {
    io: &'s mut Metered<S>,
    service: &'s Connection,
    meter: &'s Meter,
    /// Who is woken when the worker wants something.
    waker: Option<Waker>,
    /// Bytes of a request that is not whole.
    held: Vec<u8>,
    /// So many of them were looked through for the end of a head.
    looked_through: usize,
    /// A request whose body has not arrived.
    pending: Option<Pending>,
    /// What the request that is next waits for, and what its next turn knows of it.
    settling: Option<Pin<Box<dyn Future<Output = Settled> + Send>>>,
    turn: Option<Turn>,
    /// Answers that the peer is to get, and how many bytes of them it took.
    unsent: Vec<u8>,
    sent: usize,
    next: Next,
    /// Whether the next answer is the last one.
    is_last: bool,
    /// Whether nothing more is waited for.
    is_finishing: bool,
    has_answered: bool,
}

/// What comes behind the answers that are on their way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Requests,
    Hyper,
    End,
}

struct Pending {
    admitted: Admitted,
    id: Id,
    length: usize,
    closes: bool,
    /// When the client has had its time.
    timer: Pin<Box<Sleep>>,
    /// Among the bodies that may be on their way at once.
    _place: Share,
}

/// Serves the plain requests of a connection until it ends, or until one comes that is none.
pub(crate) async fn serve<S>(io: &mut Metered<S>, service: &Connection, meter: &Arc<Meter>) -> Left
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut plain = Plain::new(io, service, meter);
    std::future::poll_fn(|cx| plain.poll(cx)).await
}

// === impl Desk ===

impl Desk {
    fn new() -> Self {
        Self { input: vec![0; READ_BYTES], output: Output::default() }
    }
}

// === impl Output ===

impl Output {
    /// The answers so far; the next ones go elsewhere.
    fn take(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.bytes, self.spares.pop().unwrap_or_default())
    }

    /// Takes memory back, unless there is enough of it or this is more than answers use to need.
    fn give_back(&mut self, mut bytes: Vec<u8>) {
        if self.spares.len() < SPARES_MAX && bytes.capacity() <= SPARE_BYTES_MAX {
            bytes.clear();
            self.spares.push(bytes);
        }
    }

    /// Appends the answer that was made.
    fn push(&mut self, id: &Id, closes: bool) {
        self.answer.write(&mut self.bytes, self.date.line(id), closes);
    }
}

// === impl Plain ===

impl<'s, S: AsyncRead + AsyncWrite + Unpin> Plain<'s, S> {
    fn new(io: &'s mut Metered<S>, service: &'s Connection, meter: &'s Meter) -> Self {
        Self {
            io,
            service,
            meter,
            waker: None,
            held: Vec::new(),
            looked_through: 0,
            pending: None,
            settling: None,
            turn: None,
            unsent: Vec::new(),
            sent: 0,
            next: Next::Requests,
            is_last: false,
            is_finishing: false,
            has_answered: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Left> {
        match self.order(cx.waker()) {
            Order::Serve => {}
            Order::Last => self.is_last = true,
            Order::Finish => (self.is_last, self.is_finishing) = (true, true),
            Order::Abort => return Poll::Ready(Left::Closed),
        }
        // An error is the peer's (it hung up): nothing to tell anybody.
        self.poll_serve(cx).map(|served| served.unwrap_or(Left::Closed))
    }

    /// What the worker wants. While that is nothing, whoever is to be woken need not be told to the meter again.
    fn order(&mut self, waker: &Waker) -> Order {
        if self.meter.is_served() && self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return Order::Serve;
        }
        self.waker = Some(waker.clone());
        self.meter.order(waker)
    }

    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Left>> {
        loop {
            ready!(self.poll_send(cx))?;
            let is_idle = self.held.is_empty() && self.pending.is_none();
            match self.next {
                // What has arrived has begun, though it was not read yet.
                Next::Requests if self.is_finishing && is_idle => match self.poll_requests(cx) {
                    Poll::Ready(served) => served?,
                    Poll::Pending => self.next = Next::End,
                },
                Next::Requests => ready!(self.poll_requests(cx))?,
                Next::Hyper => {
                    let unread = std::mem::take(&mut self.held);
                    return Poll::Ready(Ok(Left::Hyper { unread, is_first: !self.has_answered }));
                }
                Next::End => {
                    ready!(Pin::new(&mut *self.io).poll_shutdown(cx))?;
                    return Poll::Ready(Ok(Left::Closed));
                }
            }
        }
    }

    /// Sends the answers that were made.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.sent < self.unsent.len() {
            let sent = ready!(Pin::new(&mut *self.io).poll_write(cx, &self.unsent[self.sent..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        ready!(Pin::new(&mut *self.io).poll_flush(cx))?;
        self.sent = 0;
        let unsent = std::mem::take(&mut self.unsent);
        DESK.with_borrow_mut(|desk| desk.output.give_back(unsent));
        Poll::Ready(Ok(()))
    }

    /// Waits for what the next request needs, and answers what is held.
    fn poll_settling(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(settling) = &mut self.settling else { return Poll::Ready(()) };
        let settled = ready!(settling.as_mut().poll(cx));
        self.settling = None;
        self.turn.get_or_insert_default().settle(settled);
        DESK.with_borrow_mut(|Desk { output, .. }| {
            output.bytes.clear();
            let mut held = std::mem::take(&mut self.held);
            let taken = self.answer_all(&held, output);
            held.drain(..taken);
            self.held = if held.is_empty() { Vec::new() } else { held };
            if !output.bytes.is_empty() {
                self.unsent = output.take();
            }
        });
        Poll::Ready(())
    }

    /// Reads once and answers every request that is whole.
    fn poll_requests(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.settling.is_some() {
            return self.poll_settling(cx).map(Ok);
        }
        DESK.with_borrow_mut(|Desk { input, output }| {
            // What was left there by a connection that broke off is for nobody else.
            output.bytes.clear();
            if let Some(id) = self.poll_late(cx) {
                self.refuse_body(&Problem::body_late(), &id, output);
                self.unsent = output.take();
                return Poll::Ready(Ok(()));
            }
            let count = if self.held.is_empty() {
                let count = ready!(self.poll_read(cx, input))?;
                let taken = self.answer_all(&input[..count], output);
                self.held.extend_from_slice(&input[taken..count]);
                count
            } else {
                let mut held = std::mem::take(&mut self.held);
                let before = held.len();
                held.resize(before + READ_BYTES, 0);
                let read = self.poll_read(cx, &mut held[before..]);
                let count = if let Poll::Ready(Ok(count)) = read { count } else { 0 };
                held.truncate(before + count);
                let taken = if count > 0 { self.answer_all(&held, output) } else { 0 };
                held.drain(..taken);
                // Memory is held only while something waits in it.
                self.held = if held.is_empty() { Vec::new() } else { held };
                ready!(read)?
            };
            if count == 0 {
                self.end_of_stream(output);
            }
            if output.bytes.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.unsent = output.take();
            // At the next turn, when the other connections of this one were read as well: a peer that sleeps until it is
            // answered is woken once for all of them. Waking it costs as much as the decision.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    /// The request whose body has had its time.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Option<Id> {
        let pending = self.pending.as_mut()?;
        pending.timer.as_mut().poll(cx).is_ready().then(|| pending.id.clone())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(room);
        ready!(Pin::new(&mut *self.io).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// The peer sends nothing more.
    fn end_of_stream(&mut self, output: &mut Output) {
        if let Some(id) = self.pending.as_ref().map(|pending| pending.id.clone()) {
            self.refuse_body(&Problem::body_torn(), &id, output);
        }
        self.next = Next::End;
    }
}

/// What needs no stream.
impl<S> Plain<'_, S> {
    /// Answers every request that `bytes` hold whole, and says how many of them are done with.
    fn answer_all(&mut self, bytes: &[u8], output: &mut Output) -> usize {
        let mut taken = 0;
        while self.next == Next::Requests && taken < bytes.len() {
            let rest = &bytes[taken..];
            let count = match self.pending.take() {
                Some(pending) => self.answer_body(pending, rest, output),
                None => self.answer_head(rest, output),
            };
            if count == 0 {
                break;
            }
            taken += count;
        }
        // Behind the last answer nothing is read.
        if self.next == Next::End { bytes.len() } else { taken }
    }

    /// Answers the request that `bytes` begin with, or asks for its body. 0: it is not whole, or no plain one.
    fn answer_head(&mut self, bytes: &[u8], output: &mut Output) -> usize {
        let looked_through = std::mem::replace(&mut self.looked_through, 0);
        let mut room = head::room();
        let reading = if looked_through > 0 && !may_end(bytes, looked_through) && bytes.len() < head::HEAD_BYTES_MAX {
            Reading::Partial
        } else {
            head::read(bytes, &mut room)
        };
        let header_max = self.service.doors().config().header_max_bytes;
        match reading {
            Reading::Plain(head) if head.length <= header_max && is_served(&head) => {
                self.answer(&head, &bytes[head.length..], output)
            }
            Reading::Partial if bytes.len() < header_max => {
                self.looked_through = bytes.len();
                0
            }
            _ => {
                self.next = Next::Hyper;
                0
            }
        }
    }

    /// Answers a plain request, `behind` which there may be its body. The bytes that it took.
    fn answer(&mut self, head: &Head<'_, '_>, behind: &[u8], output: &mut Output) -> usize {
        let turn = self.turn.take();
        if turn.is_none() {
            self.meter.begin();
        }
        let id = Id::new(self.service.engine().new_request_id());
        let closes = head.closes || self.is_last;
        let asked = service::Head {
            method: head.method,
            path: head.path,
            target: head.target,
            authority: None,
            lines: Lines::new(head.lines),
        };
        output.answer.turn = turn.unwrap_or_default();
        let admitted = self.service.answer(&asked, &id, &mut output.answer);
        if self.has_to_wait(&mut output.answer) {
            return 0;
        }
        let admitted = admitted.and_then(|admitted| match rest::check_length(self.service, head.body_length) {
            Ok(()) => Some(admitted),
            Err(problem) => {
                admitted.refuse(&problem, &id, &mut output.answer);
                None
            }
        });
        let length = usize::try_from(head.body_length).unwrap_or(usize::MAX);
        match admitted {
            Some(admitted) if length <= behind.len() => {
                let answer = &mut output.answer;
                if rest::answer(self.service, admitted, &behind[..length], &id, answer).is_some() {
                    self.has_to_wait(answer);
                    return 0;
                }
            }
            Some(admitted) => match self.service.take_body() {
                Ok(place) => {
                    let timer = Box::pin(sleep(self.service.doors().config().request_timeout()));
                    self.pending = Some(Pending { admitted, id, length, closes, timer, _place: place });
                    return head.length;
                }
                Err(problem) => problem.answer(&id, &mut output.answer),
            },
            // It was answered without its body.
            None => {}
        }
        let is_drained = length <= behind.len();
        let taken = head.length + if is_drained { length } else { 0 };
        self.answered(&id, closes || !is_drained, behind.len() + head.length - taken, output);
        taken
    }

    /// Answers a request whose head was taken, if its body is there.
    fn answer_body(&mut self, pending: Pending, bytes: &[u8], output: &mut Output) -> usize {
        if bytes.len() < pending.length {
            self.pending = Some(pending);
            return 0;
        }
        let (id, length, closes) = (pending.id.clone(), pending.length, pending.closes);
        output.answer.turn = self.turn.take().unwrap_or_default();
        let answered = rest::answer(self.service, pending.admitted, &bytes[..length], &id, &mut output.answer);
        if let Some(admitted) = answered {
            self.pending = Some(Pending { admitted, ..pending });
            self.has_to_wait(&mut output.answer);
            return 0;
        }
        self.answered(&id, closes || self.is_last, bytes.len() - length, output);
        length
    }

    /// Whether the request has another turn; then what it waits for is begun, and its bytes are to be kept.
    fn has_to_wait(&mut self, answer: &mut Answer) -> bool {
        let Some(wait) = answer.turn.take_wait() else { return false };
        self.turn = Some(std::mem::take(&mut answer.turn));
        self.settling = Some(Box::pin(wait.settle()));
        true
    }

    /// Refuses a request whose body does not come.
    fn refuse_body(&mut self, problem: &Problem, id: &Id, output: &mut Output) {
        let Some(pending) = self.pending.take() else { return };
        rest::count_refused(self.service);
        pending.admitted.refuse(problem, id, &mut output.answer);
        self.answered(id, true, 0, output);
    }

    /// An answer was made; `left` bytes that were read stand behind its request.
    fn answered(&mut self, id: &Id, closes: bool, left: usize, output: &mut Output) {
        output.push(id, closes);
        self.has_answered = true;
        self.meter.answered(left as u64);
        if closes {
            self.next = Next::End;
        }
    }
}

/// Whether the request's body, if it has one, is read by somebody.
fn is_served(head: &Head<'_, '_>) -> bool {
    head.body_length == 0 || Connection::takes_body(head.method, head.path)
}
