//! The body of an answer as hyper sends it: bytes that are there, and behind them what gRPC says last; or what a stream of
//! gRPC says while it is open.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// A body on its way out.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: Bytes,
    trailers: Option<HeaderMap>,
    /// In the place of both: frames as they come.
    frames: Option<mpsc::Receiver<Frame<Bytes>>>,
}

// === impl Outgoing ===

impl Outgoing {
    /// One that is there as a whole.
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    /// The same with trailers behind it.
    pub(crate) fn with_trailers(bytes: impl Into<Bytes>, trailers: HeaderMap) -> Self {
        Self { bytes: bytes.into(), trailers: Some(trailers), frames: None }
    }

    /// One that ends when nobody can send frames any more.
    pub(crate) fn stream(frames: mpsc::Receiver<Frame<Bytes>>) -> Self {
        Self { frames: Some(frames), ..Self::default() }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(frames) = &mut self.frames {
            return frames.poll_recv(cx).map(|frame| frame.map(Ok));
        }
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.trailers.is_none() && self.frames.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.frames.is_some() { SizeHint::default() } else { SizeHint::with_exact(self.bytes.len() as u64) }
    }
}
