//! Ids of requests, made without a system call.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use claviger_domain::{Clock, Random, RequestId};
use http::HeaderValue;

/// Bytes of `req_` and 26 digits.
const TEXT_LENGTH: usize = 30;

/// Makes the ids of one worker: the layout of UUIDv7 (RFC 9562, 5.7), its random part a random start that is counted
/// up. They are unique and sort by time; nobody takes them for secrets.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    fixed: u16,
    count: AtomicU64,
}

/// An id and its text.
#[derive(Clone)]
pub(crate) struct Id {
    id: RequestId,
    text: [u8; TEXT_LENGTH],
}

// === impl RequestIds ===

impl RequestIds {
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let [high, low, start @ ..] = bytes;
        Self {
            start: u64::from_be_bytes(start),
            fixed: u16::from_be_bytes([high, low]) & 0x0fff,
            count: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self, clock: &dyn Clock) -> Id {
        let millis = u128::from(clock.now().as_micros().max(0).unsigned_abs() / 1_000) & 0xffff_ffff_ffff;
        let count = self.start.wrapping_add(self.count.fetch_add(1, Relaxed)) & 0x3fff_ffff_ffff_ffff;
        let version = 0x7000 | u128::from(self.fixed);
        Id::new(RequestId::from_raw(millis << 80 | version << 64 | 1 << 63 | u128::from(count)))
    }
}

// === impl Id ===

impl Id {
    pub(crate) fn new(id: RequestId) -> Self {
        use std::io::Write as _;
        let mut text = [b'0'; TEXT_LENGTH];
        // An id's text is always that long; a shorter buffer would only cut it.
        let _ = write!(&mut text[..], "{id}");
        Self { id, text }
    }

    pub(crate) fn id(&self) -> RequestId {
        self.id
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn to_header(&self) -> HeaderValue {
        HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&self.text)).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;
    use claviger_domain::testing::{FixedClock, FixedRandom};

    use super::*;

    #[test]
    fn ids_are_version_7_with_the_time_in_front_and_never_the_same() {
        let clock = FixedClock::new(Timestamp::from_micros(1_700_000_000_123_000));
        let ids = RequestIds::new(&FixedRandom::new(4));
        let (first, second) = (ids.next(&clock).id().as_raw(), ids.next(&clock).id().as_raw());
        assert_eq!(first >> 80, 1_700_000_000_123);
        assert_eq!((first >> 76 & 0xf, first >> 62 & 0b11), (7, 0b10));
        assert_ne!(first, second);
        let other = RequestIds::new(&FixedRandom::new(5)).next(&clock).id().as_raw();
        assert!(other != first && other != second, "another worker counts elsewhere");
    }

    #[test]
    fn the_text_is_the_ids() {
        let id = Id::new(RequestId::from_raw(u128::MAX / 3));
        assert_eq!(id.as_bytes(), id.id().to_string().as_bytes());
        assert_eq!(id.to_header().as_bytes(), id.as_bytes());
    }
}
