//! Messages as they stand on the wire: five bytes before each.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use prost::Message;

use super::status::{Code, Failure};

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// The messages of a stream, as they arrive.
pub(super) struct Messages {
    body: Incoming,
    /// What has come and is no whole message yet: never more than one and a frame.
    unread: BytesMut,
    /// The longest message.
    bytes_max: usize,
}

/// A message with its length before it.
pub(super) fn framed(message: &impl Message) -> Vec<u8> {
    let length = message.encoded_len();
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + length);
    bytes.push(0);
    // Answers are far below 4 GiB.
    bytes.extend_from_slice(&(length as u32).to_be_bytes());
    bytes.extend_from_slice(&message.encode_to_vec());
    bytes
}

/// What stands behind the length of the one message.
pub(super) fn unframed(mut body: Bytes) -> Result<Bytes, Failure> {
    let one = || Failure::new(Code::InvalidArgument, "expected one message");
    let length = length_of(&body)?.ok_or_else(one)?;
    body.advance(PREFIX_BYTES);
    if body.len() == length { Ok(body) } else { Err(one()) }
}

/// How long the message is whose beginning this is; `None`: too little is there to say.
fn length_of(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let Some((&compressed, length)) = bytes.get(..PREFIX_BYTES).and_then(<[u8]>::split_first) else { return Ok(None) };
    if compressed != 0 {
        return Err(Failure::new(Code::Unimplemented, "messages are not compressed here"));
    }
    Ok(Some(length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))))
}

// === impl Messages ===

impl Messages {
    /// Those of a body, each of at most so many bytes.
    pub(super) fn of(body: Incoming, bytes_max: usize) -> Self {
        Self { body, unread: BytesMut::new(), bytes_max }
    }

    /// The next one; `None`: there will be no more.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(length) = length_of(&self.unread)? {
                if length > self.bytes_max {
                    return Err(Failure::too_large());
                }
                if self.unread.len() >= PREFIX_BYTES + length {
                    self.unread.advance(PREFIX_BYTES);
                    return Ok(Some(self.unread.split_to(length).freeze()));
                }
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.unread.extend_from_slice(&frame.into_data().unwrap_or_default()),
                None if self.unread.is_empty() => return Ok(None),
                Some(Err(_)) | None => return Err(Failure::torn()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::{HealthResponse, Serving};
    use super::*;

    #[test]
    fn a_call_is_one_message_with_its_length_before_it() {
        let message = HealthResponse { status: Serving::Serving.into() };
        let bytes = framed(&message);
        assert_eq!(bytes, [0, 0, 0, 0, 2, 8, 1]);
        assert_eq!(unframed(bytes.into()), Ok(Bytes::from_static(&[8, 1])));
        for (bytes, code) in [
            (&[][..], Code::InvalidArgument),
            (&[0, 0, 0, 0], Code::InvalidArgument),
            (&[0, 0, 0, 0, 1], Code::InvalidArgument),
            (&[0, 0, 0, 0, 0, 1], Code::InvalidArgument),
            (&[0, 0xff, 0xff, 0xff, 0xff], Code::InvalidArgument),
            // Two messages.
            (&[0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 2, 8, 1], Code::InvalidArgument),
            (&[1, 0, 0, 0, 0], Code::Unimplemented),
        ] {
            let failed = unframed(Bytes::copy_from_slice(bytes)).expect_err("no message");
            assert_eq!(failed.code, code, "{bytes:?}");
        }
    }
}
