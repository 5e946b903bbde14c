//! Calls that stay open: messages go out as they are ready, and behind the last of them how the call ended.
//!
//! Each has one of a bounded number of places. It ends when the doors close, and after a day at the latest: of a peer that is gone
//! without a word nobody would hear.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper::body::Frame;
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::frames::framed;
use super::status::{self, Code, Failure};
use super::with_media_type;
use crate::body::Outgoing;
use crate::service::Connection;

/// How often it is looked at whether the doors close.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a call may stay open.
const LONGEST: Duration = Duration::from_hours(24);
/// So many messages wait for a peer that does not read; then their maker waits.
const WAITING_MAX: usize = 1;

/// Where the messages of a call go.
pub(super) struct Replies(mpsc::Sender<Frame<Bytes>>);

/// Answers with the messages that `work` sends, and with what it returns behind them.
pub(super) fn answer<F>(
    connection: &Arc<Connection>,
    work: impl FnOnce(Arc<Connection>, Replies) -> F,
) -> Response<Outgoing>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let Some(place) = connection.take_stream() else {
        let busy = Failure::new(Code::ResourceExhausted, "too many calls are open");
        return super::refused(busy);
    };
    let work = work(Arc::clone(connection), Replies(sender.clone()));
    let connection = Arc::clone(connection);
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = work => ended,
            failure = over(&connection) => Err(failure),
            () = sender.closed() => Ok(()),
        };
        // The peer may be gone.
        let _ = sender.send(Frame::trailers(status::lines(ended))).await;
        drop(place);
    });
    with_media_type(Response::new(Outgoing::stream(receiver)))
}

/// Returns when the call has to end.
async fn over(connection: &Connection) -> Failure {
    let began = Instant::now();
    while connection.goes_on() && began.elapsed() < LONGEST {
        sleep(LOOK_EVERY).await;
    }
    Failure::new(Code::Unavailable, "the call has to end: make it again")
}

// === impl Replies ===

impl Replies {
    /// Sends a message, as soon as the one before has gone out.
    pub(super) async fn send(&self, message: &impl Message) {
        // A peer that is gone ends the call elsewhere.
        let _ = self.0.send(Frame::data(framed(message).into())).await;
    }
}
