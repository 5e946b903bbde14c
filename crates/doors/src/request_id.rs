//! The id of a request and its text, which every answer carries.

use claviger_domain::RequestId;
use claviger_domain::id::ID_TEXT_LENGTH;

/// Milliseconds stand above these bits (RFC 9562, 5.7).
const MILLIS_SHIFT: u32 = 80;

/// An id and its text, written once.
#[derive(Clone)]
pub(crate) struct Id {
    id: RequestId,
    text: [u8; ID_TEXT_LENGTH],
}

// === impl Id ===

impl Id {
    pub(crate) fn new(id: RequestId) -> Self {
        Self { id, text: id.to_text() }
    }

    pub(crate) fn id(&self) -> RequestId {
        self.id
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// When it was made, in seconds since 1970: the clock need not be read again.
    pub(crate) fn unix_seconds(&self) -> u64 {
        (self.id.as_raw() >> MILLIS_SHIFT) as u64 / 1_000
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;
    use claviger_domain::testing::FixedRandom;

    use super::*;

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
