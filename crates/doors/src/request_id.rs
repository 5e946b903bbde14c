//! The id of a request and its text, which every answer carries.

use std::cell::OnceCell;

use claviger_domain::RequestId;
use claviger_domain::correlation::caller_id;
use claviger_domain::id::ID_TEXT_LENGTH;

use crate::lines::Lines;

/// Milliseconds stand above these bits (RFC 9562, 5.7).
const MILLIS_SHIFT: u32 = 80;
/// The header that carries it.
const HEADER: &str = "x-request-id";

/// An id and its text, written once.
#[derive(Clone)]
pub(crate) struct Id {
    own: RequestId,
    text: [u8; ID_TEXT_LENGTH],
    /// What the caller calls the request; known once its lines are read.
    callers: OnceCell<Box<str>>,
}

// === impl Id ===

impl Id {
    pub(crate) fn new(id: RequestId) -> Self {
        Self { own: id, text: id.to_text(), callers: OnceCell::new() }
    }

    pub(crate) fn id(&self) -> RequestId {
        self.own
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// When it was made, in seconds since 1970: the clock need not be read again.
    pub(crate) fn unix_seconds(&self) -> u64 {
        (self.own.as_raw() >> MILLIS_SHIFT) as u64 / 1_000
    }

    /// Reads what the caller calls its request. Records name it by our own id all the same: nobody can choose one that
    /// another request has.
    pub(crate) fn read_callers(&self, lines: Lines<'_>) {
        let mut values = lines.all(HEADER);
        if let (Some(value), None) = (values.next(), values.next())
            && let Some(id) = caller_id(value)
        {
            // Lines are read once.
            let _ = self.callers.set(id.into());
        }
    }

    /// What the caller calls the request, if it says so well.
    pub(crate) fn callers(&self) -> Option<&str> {
        self.callers.get().map(|id| &**id)
    }

    /// What the answer's header says: the caller's word, or our own.
    pub(crate) fn header(&self) -> &[u8] {
        self.callers().map_or(&self.text, str::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;
    use claviger_domain::testing::FixedRandom;
    use httparse::Header;

    use super::*;

    #[test]
    fn the_header_says_what_the_caller_calls_its_request_and_records_do_not() {
        let shown = |values: &[&'static [u8]]| {
            let id = Id::new(RequestId::from_raw(7));
            let lines: Vec<_> = values.iter().map(|value| Header { name: "X-Request-ID", value }).collect();
            id.read_callers(Lines::new(&lines));
            assert_eq!(id.as_bytes(), RequestId::from_raw(7).to_string().as_bytes());
            String::from_utf8(id.header().to_vec()).expect("ASCII")
        };
        let own = RequestId::from_raw(7).to_string();
        assert_eq!(shown(&[b"abc-1"]), "abc-1");
        for values in [vec![], vec![&b""[..]], vec![b"a b"], vec![b"a", b"a"], vec![b"\xff"]] {
            assert_eq!(shown(&values), own);
        }
    }

    #[test]
    fn the_text_is_the_ids() {
        let id = Id::new(RequestId::from_raw(u128::MAX / 3));
        assert_eq!(id.as_bytes(), id.id().to_string().as_bytes());
    }

    #[test]
    fn the_second_is_that_in_which_the_id_was_made() {
        let now = Timestamp::from_micros(1_800_000_000_999_999);
        assert_eq!(Id::new(RequestId::new(now, &FixedRandom::new(1))).unix_seconds(), 1_800_000_000);
    }
}
